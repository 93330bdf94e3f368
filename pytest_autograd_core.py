"""The pytest plugin of autograd-core: a fixture and a marker, ``check_grads``, and what a failing test leaves behind.

Installed with autograd-core, and loaded in every run of pytest from then on. So it is a module of its own that imports
nothing but pytest: the engine, and NumPy with it, is imported by the first test that asks for the fixture.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

OPTIONS = ("order", "modes", "rtol", "atol", "dtype", "examples")
DEFAULT_FOLDER = ".pytest_gradients"
FILES = ("graph.svg", "graph.dot", "reproduce.py", "reproduce.npz", "report.txt")
OUTCOMES = {
    "smooth, agrees": "agree",
    "kink, admissible": "at a kink",
    "cannot tell": "cannot be told",
    "wrong": "wrong",
    "error": "ended in an error",
}
LONGEST = 100  # characters of a folder's name

CHECKER: pytest.StashKey[Any] = pytest.StashKey()

MARKER = (
    "check_grads(order=2, modes=('rev', 'fwd'), rtol=None, atol=None, dtype=None, examples=None): how the fixture "
    "check_grads checks gradients in this test, unless a call of it says otherwise. See the documentation of "
    "autograd-core."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where files of failing tests go."""
    told = "folder for the pictures and scripts of gradients that are wrong"
    group = parser.getgroup("gradients", "autograd-core: checks of gradients")
    group.addoption("--gradients-dir", metavar="DIR", default=None, help=f"{told} (default: {DEFAULT_FOLDER})")
    parser.addini("gradients_dir", f"{told}, relative to the root of the tests", default=DEFAULT_FOLDER)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(Totals(config), "autograd_core_totals")


@pytest.fixture
def check_grads(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Check gradients against numbers: ``check_grads(f, args)``.

    As ``autograd_core.testing.check_grads``, with the options of the marker ``check_grads``. ``args`` may be hypothesis
    strategies; ``grad=`` or ``vjp=`` takes the gradient of another library. A test that fails leaves a picture of the
    smallest wrong graph and a script that reproduces it.
    """
    checker = import_module("autograd_core.testing.plugin").Checker(_marked(request.node))
    request.node.stash[CHECKER] = checker
    yield checker
    if checker.has_passed and not checker.counts and _own_marks(request.node):
        pytest.fail("this test is marked check_grads, but called the fixture check_grads not once.", pytrace=False)


def _own_marks(item: pytest.Item) -> list[pytest.Mark]:
    """Marks of the test itself, not of its class or module."""
    return [mark for mark in item.own_markers if mark.name == "check_grads"]


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Options of a test: those of its module first, those of the test itself last."""
    options: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers("check_grads"))):
        unknown = [*map(repr, mark.args), *(key for key in mark.kwargs if key not in OPTIONS)]
        if unknown:
            pytest.fail(
                f"pytest.mark.check_grads: {', '.join(unknown)} is no option of it; it takes {', '.join(OPTIONS)}, by "
                "name. The function and its arguments go to the fixture: check_grads(f, args).",
                pytrace=False,
            )
        options.update(mark.kwargs)
    return options


# -- one test ----------------------------------------------------------------------------------------------------------


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a test that is marked and checks nothing."""
    if _own_marks(item) and "check_grads" not in getattr(item, "fixturenames", ()):
        pytest.fail(
            "this test is marked check_grads but does not take the fixture, so no gradient would be checked. Add the "
            "argument check_grads to it, and call check_grads(f, args).",
            pytrace=False,
        )


@pytest.hookimpl(hookwrapper=True)  # which older pytests know, too
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Leave files beside a test that failed, and none beside one that passed."""
    report = (yield).get_result()
    checker = item.stash.get(CHECKER, None)
    if checker is None or not (report.when == "call" or (report.when == "setup" and report.failed)):
        return  # a fixture may have checked gradients, too
    checker.has_passed = report.passed
    folder = folder_of(item.config) / folder_name(item.nodeid)
    with contextlib.suppress(OSError):
        clear(folder)
    if call.excinfo is not None and report.failed and checker.has_raised(call.excinfo.value):
        report.sections.append(
            ("gradients", checker.leave(call.excinfo.value, folder, shown(folder, item.config), item.nodeid))
        )
    report.gradients = checker.counts  # goes to the terminal, from a worker of xdist, too


def folder_of(config: pytest.Config) -> Path:
    """Where files of failing tests go."""
    given = config.getoption("gradients_dir", None)
    return config.invocation_params.dir / given if given else config.rootpath / str(config.getini("gradients_dir"))


def folder_name(nodeid: str) -> str:
    """Name for the folder of a test: the test's own, where that can be the name of a folder."""
    name = nodeid.replace(".py::", "::").replace("::", ".").replace("/", ".").replace("\\", ".")
    if re.fullmatch(r"[A-Za-z0-9_.]+", name) and len(name) <= LONGEST and not name.startswith("."):
        return name
    safe = re.sub(r"[^A-Za-z0-9_.=-]+", "-", name).strip(".-")[:LONGEST].rstrip(".-")
    return f"{safe}-{hashlib.sha1(nodeid.encode('utf-8', 'replace'), usedforsecurity=False).hexdigest()[:8]}"


def clear(folder: Path) -> None:
    """Remove what an earlier failure left, and nothing that somebody else has put there."""
    if folder.is_dir():
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()


# -- all tests ---------------------------------------------------------------------------------------------------------


class Totals:
    """Counts of a whole run, in the process that has the terminal: reports of the workers of xdist arrive there."""

    def __init__(self, config: pytest.Config):
        self.config = config
        self.counts: dict[str, int] = {}
        self.left = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up."""
        for outcome, count in getattr(report, "gradients", {}).items():
            self.counts[outcome] = self.counts.get(outcome, 0) + count
        self.left = self.left or any(title == "gradients" for title, _ in report.sections)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line: how many gradients were checked, and what became of them."""
        checked = sum(self.counts.values())
        if not checked:
            return
        parts = [f"{self.counts[name]} {told}" for name, told in OUTCOMES.items() if self.counts.get(name)]
        line = f"gradients: {checked} checked, {', '.join(parts)}"
        if self.left:
            line += f" (files in {shown(folder_of(self.config), self.config)})"
        terminalreporter.write_line(line, red=bool(self.counts.get("wrong")))

    def pytest_sessionfinish(self) -> None:
        """Remove the folder if nothing is left in it."""
        folder = folder_of(self.config)
        if not hasattr(self.config, "workerinput") and folder.is_dir():
            with contextlib.suppress(OSError):
                if [path.name for path in folder.iterdir()] == [".gitignore"]:
                    (folder / ".gitignore").unlink()
                    folder.rmdir()


def shown(path: Path, config: pytest.Config) -> str:
    """A path as short as it can be written from where pytest was started."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(config.invocation_params.dir))
    return str(path)
