"""The gallery: every picture and page is written and says what it promises; without Graphviz it goes on."""

import json
import re
import sys

import pytest

from demos import draw_graphs

NAMES = [make.__name__ for make in draw_graphs.GRAPHS]


@pytest.fixture
def gallery(monkeypatch, tmp_path, capsys):
    def run():
        monkeypatch.setattr(sys, "argv", ["draw_graphs", "--output", str(tmp_path)])
        draw_graphs.main()
        return capsys.readouterr().out, tmp_path

    return run


def texts(svg):
    """Texts of a picture, in the order in which they are written."""
    return re.findall(r"<text[^>]*>(.*?)</text>", svg)


def test_all_of_it(gallery):
    pytest.importorskip("pygraphviz")
    out, folder = gallery()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(f"{name}.{form}" for name in NAMES for form in ("html", "svg")), "plan_after.svg", "plan_before.svg"]
    )
    assert all(f"wrote {path}" in out for path in folder.iterdir())
    chain = texts((folder / "chain_rule.svg").read_text(encoding="utf-8"))
    assert {"6", "7", "3", "1", "2", "forward", "backward"} <= set(chain)
    assert "1 × 2 = 2" in chain
    assert "× 28" in texts((folder / "lstm.svg").read_text(encoding="utf-8"))
    assert "Highlighted: the path from w to loss." in texts((folder / "neuron.svg").read_text(encoding="utf-8"))


def test_what_it_says_of_the_second_derivative():
    _, told, graph, _ = draw_graphs.second_order()
    assert f"{graph.node('x').gradient:.4g}" in told


def test_the_lstm_is_one_step_many_times():
    _, _, graph, options = draw_graphs.lstm()
    assert len(graph.nodes) > 500
    assert graph.draw(**options).source.count("label=") < 200
    assert len(json.loads(graph.to_json(jacobians=False))["nodes"]) == len(graph.nodes)


def test_without_graphviz(gallery, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    out, folder = gallery()
    assert {path.suffix for path in folder.iterdir()} == {".html", ".dot"}
    assert out.count("Pictures are missing") == 1
    assert "autograd-core[draw]" in out
