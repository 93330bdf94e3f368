"""The chain-rule demo prints and draws the numbers it is there to show."""

import importlib.util
import os
import sys

import pytest

from autograd_core.graph import render
from demos import chain_rule

EXPECTED = """\
loss = abs(y_true - (x * w + b)) at x = 2, w = 3, b = 1, y_true = 4

Forward, the value of every node:
    x1   = x * w            = 6
    x2   = x1 + b           = 7
    loss = abs(y_true - x2) = 3

Backward, the local derivative on every edge:
    d loss / d x2 = 1
    d x2 / d x1   = 1
    d x2 / d b    = 1
    d x1 / d w    = 2
    (from x2 to the loss are two operations, the difference and abs: (-1) * (-1) = 1)

The gradient, the product along the path:
    d loss / d w = 1 * 1 * 2 = 2    along loss <- x2 <- x1 <- w    tape.gradient: 2
    d loss / d b = 1 * 1     = 1    along loss <- x2 <- b          tape.gradient: 1
"""

PICTURES = ["chain_rule.png", "chain_rule.svg", "chain_rule_operations.png", "chain_rule_operations.svg"]


def run(monkeypatch, *options):
    monkeypatch.setattr(sys, "argv", ["chain_rule", *options])
    chain_rule.main()


@pytest.mark.skipif(not render.can_draw(), reason="neither dot nor pygraphviz is installed")
def test_it_prints_the_numbers_and_draws_the_pictures(monkeypatch, capsys, tmp_path):
    run(monkeypatch, "--output", str(tmp_path / "pictures"))
    printed = capsys.readouterr().out
    assert printed.startswith(EXPECTED)
    assert printed.count("wrote ") == 4
    assert sorted(os.listdir(tmp_path / "pictures")) == PICTURES


def test_without_graphviz_it_says_what_to_install_and_goes_on(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    run(monkeypatch, "--output", str(tmp_path))
    printed = capsys.readouterr().out
    assert printed.startswith(EXPECTED)
    assert 'pip install "autograd-core[draw]"' in printed
    assert sorted(os.listdir(tmp_path)) == ["chain_rule.dot", "chain_rule_operations.dot"]


def test_help(monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, "--help")
    assert caught.value.code == 0
    assert "--output" in capsys.readouterr().out
