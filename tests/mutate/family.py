"""pytest on the tests that reach a rule, with a mutant planted: for what the table's own checks let live.

Which tests reach which rows is found by running them all once, with rules that note their calls.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from autograd_core.ops.table import TABLE
from autograd_core.primitive import Primitive

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "tests/ops", "tests/test_functional.py", "tests/test_protocols.py", "tests/test_tape.py", "tests/test_tensor.py",
    "tests/test_control.py", "tests/testing/test_invariants.py", "tests/test_recording.py",
)  # fmt: skip
ENGINE_FILES = (
    "tests/test_tape.py", "tests/test_functional.py", "tests/ops/test_selection.py", "tests/ops/test_gathering.py",
    "tests/test_tensor.py", "tests/ops/test_products.py", "tests/ops/test_scalars.py", "tests/ops/test_indexing.py",
)  # fmt: skip
LEFT_OUT = "tests/ops/test_table.py"  # has been run row by row
MOST = 400  # tests for one mutant, those that reach the fewest rows first
OPTIONS = [
    "-q",
    "--assert=plain",
    "-p",
    "no:hypothesispytest",
    "-n",
    "0",
    "-p",
    "no:cacheprovider",
    "--no-header",
    "--tb=no",
    "-m",
    "not slow",
]
LIMIT = 120  # seconds for one mutant


# -- which tests reach what --------------------------------------------------------------------------------------------


class Notes:
    """A pytest plugin: which rows' rules each test calls."""

    def __init__(self):
        self.reached: dict[str, set[str]] = {}
        self.now: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        self.now = set()
        try:
            result = yield
        finally:
            found, self.now = self.now, set()
        self.reached[item.nodeid] = found  # of a test that passes
        return result

    def noting(self, row: Primitive, rule):
        def noted(*args, **params):
            self.now.add(row.name)
            return rule(*args, **params)

        return None if rule is None else noted

    def pushed(self, row: Primitive, count: int):
        self.now.add(row.name)
        return _JVP_RULES(row, count)


_JVP_RULES = Primitive.jvp_rules


def note_calls(path: str) -> None:
    """Run the tests, and write down which reach which rows; for a process of its own."""
    notes = Notes()
    for row in TABLE:
        if row.vjps is not None:
            row.vjps = tuple(notes.noting(row, rule) for rule in row.vjps)
    Primitive.jvp_rules = lambda row, count: notes.pushed(row, count)  # type: ignore[method-assign]
    files = [file for file in FILES if (ROOT / file).exists()]
    code = pytest.main([*OPTIONS, "--ignore", LEFT_OUT, *files], plugins=[notes])
    if int(code) not in (0, 1):  # a test may fail on rules that note their calls: it is left out
        raise RuntimeError(f"pytest could not run {files}: exit status {int(code)}.")
    found = {test: sorted(rows) for test, rows in notes.reached.items() if rows}
    Path(path).write_text(json.dumps(found), encoding="utf-8")


def tests_by_row() -> dict[str, list[str]]:
    """For each row the tests that reach its rules, the most particular first."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "reached.json")
        _in_child(lambda: note_calls(path), limit=900)
        reached = json.loads(Path(path).read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for test in sorted(reached, key=lambda test: (len(reached[test]), test)):
        for row in reached[test]:
            found.setdefault(row, []).append(test)
    return found


# -- one mutant --------------------------------------------------------------------------------------------------------


class Chosen:
    """A pytest plugin: only certain tests, in a certain order; and the first that failed."""

    def __init__(self, tests: list[str]):
        self.places = {test: place for place, test in enumerate(tests)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((i for i in items if i.nodeid in self.places), key=lambda i: self.places[i.nodeid])

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report):
        if report.failed and not self.failed:
            self.failed = report.nodeid


def tests_of(rows, by_row: dict[str, list[str]]) -> list[str]:
    """Tests that reach any of ``rows``, those of each in turn."""
    lists = [by_row.get(row.name, []) for row in rows]
    longest = max(map(len, lists), default=0)
    return list(dict.fromkeys(tests[at] for at in range(longest) for tests in lists if at < len(tests)))[:MOST]


def of_engine(by_row: dict[str, list[str]]) -> list[str]:
    """Tests for the walk itself: of the tape and the transforms first, then of what sends it more than arrays."""
    every = dict.fromkeys(test for tests in by_row.values() for test in tests)
    return [test for file in ENGINE_FILES for test in every if test.startswith(file)]


def noticed_by(mutant: Any, tests: list[str], alive=lambda: None) -> str | None:
    """The first of ``tests`` that fails with ``mutant`` planted; None if all pass."""
    if not tests:
        return None
    files = sorted({test.partition("::")[0] for test in tests})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "failed"

        def run():
            chosen = Chosen(tests)
            with mutant.planted():
                code = pytest.main([*OPTIONS, "-x", *files], plugins=[chosen])
            path.write_text(f"{int(code)} {chosen.failed}", encoding="utf-8")

        if not _in_child(run, LIMIT, alive) or not path.exists():
            return "a run that did not end"
        code, _, failed = path.read_text(encoding="utf-8").partition(" ")
        if code not in ("0", "1"):
            raise RuntimeError(f"pytest could not run {files}: exit status {code}.")
        return failed or None


def _in_child(function, limit: float, alive=lambda: None) -> bool:
    """Run ``function`` in a copy of this process, which says nothing; False if it did not end well in time."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            os.chdir(ROOT)
            with contextlib.suppress(SystemExit):
                function()
            code = 0
        finally:
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
        alive()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False
