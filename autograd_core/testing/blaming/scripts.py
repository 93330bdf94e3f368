"""A stand-alone script of a failing check: a file that fails in the same way when it is run by itself.

What is written is run. The smallest text comes first, one operation alone; then the user's function with its arguments.
A script that does not fail as the check did says so in its first line.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..foreign import Foreign
from .blame import Blame
from .calls import foreign_of, function_of
from .sources import Source

WRONG = ("GradientCheckError", "ProbeError", "CotangentError")
"""Errors that say the same, a gradient is wrong: at the check, at the first use, at the shape."""

NOT_RUN = "it has not been run by itself."

SECONDS = 120.0
"""How long a script may take to show that it fails."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that was written, and what became of it when it was run.

    Attributes
    ----------
    path : Path
    reproduces : bool
        Whether it fails as the check did.
    what : str
        What it runs: the operation alone, or the function.
    reason : str
        Why it does not reproduce the failure; empty if it does.
    """

    path: Path
    reproduces: bool
    what: str
    reason: str


def write_script(
    path: str | os.PathLike[str],
    f: Callable[..., Any],
    args: Sequence[Any],
    error: Exception,
    options: dict[str, Any] | None = None,
    blamed: Blame | None = None,
    remarks: Sequence[str] = (),
    foreign: Foreign | None = None,
    verify: bool = True,
) -> Script:
    """Write a script that fails as ``check_grads(f, args, **options)`` did.

    Parameters
    ----------
    path : path
        File to write, ending in .py; larger arrays go into one beside it that ends in .npz.
    f, args
        What was checked.
    error : Exception
        What the check raised. The script reproduces the failure if it ends with an error of this kind.
    options : dict, optional
        Keywords of the check.
    blamed : Blame, optional
        What ``blame`` says: the script is then of one operation, if one is wrong.
    remarks : sequence of str
        For the comment at the top: the test, the seed.
    foreign : Foreign, optional
        The gradient that was checked, if it came from elsewhere: the script calls ``check_foreign``.
    verify : bool
        Whether to run it. If not, its first line says so, and it counts as one that does not reproduce the failure.

    Returns
    -------
    Script
    """
    path = Path(path)
    tried: list[tuple[Source, str, str]] = []
    for source, what in _candidates(f, args, options or {}, blamed, foreign):
        head = _head(error, what, remarks, blamed)
        reason = _tried(path, source, head, type(error).__name__) if verify else NOT_RUN
        if not reason:
            return Script(path, True, what, "")
        tried.append((source, what, reason))
    source, what, reason = min(tried, key=lambda each: bool(each[0].missing))
    warning = [f"THIS SCRIPT {'DOES' if verify else 'MAY'} NOT REPRODUCE THE FAILURE: {reason}", ""]
    _write(path, source, warning + _head(error, what, remarks, blamed))
    return Script(path, False, what, reason)


def _candidates(
    f: Any, args: Any, options: dict[str, Any], blamed: Blame | None, foreign: Foreign | None
) -> Iterator[tuple[Source, str]]:
    """Texts that may fail as the check did, the smallest first."""
    for fault in blamed.faults if blamed is not None else ():
        yield fault.source(), f"{fault.operation} alone, whose rule is wrong, at small inputs"
    name = getattr(f, "__name__", type(f).__name__)
    name = "the function" if name == "<lambda>" else name
    if foreign is not None:
        yield foreign_of(foreign, args, options), f"{name}, at the arguments it had"
        return
    has_own = blamed is None or blamed.has_own
    if blamed is not None and not blamed.faults and blamed.arguments is not None:
        yield function_of(f, blamed.arguments, options, has_own), f"{name}, at small arguments"
    yield function_of(f, args, options, has_own), f"{name}, at the arguments it had"


def _tried(path: Path, source: Source, head: list[str], expected: str) -> str:
    """Why a text does not fail as it should when it is run; empty if it does."""
    if source.missing:
        return f"it has to be filled in first. Not written: {'; '.join(source.missing)}."
    _write(path, source, head)
    reason = _run(path, expected)
    if "ModuleNotFoundError" in reason:  # a module that another one imports
        source.folders += _own_folders()
        _write(path, source, head)
        reason = _run(path, expected)
    return reason


def _own_folders() -> list[str]:
    """Where Python looks for modules that are not installed."""
    standard = (sys.prefix, sys.base_prefix)
    return [entry for entry in sys.path if entry and not entry.startswith(standard) and os.path.isdir(entry)]


def _run(path: Path, expected: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTEST_CURRENT_TEST")}
    command = [sys.executable, str(path.resolve())]
    try:
        done = subprocess.run(
            command, cwd=path.parent, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"run by itself it had not ended after {SECONDS:.0f} seconds."
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    kind = next((line for line in reversed(said) if line and not line[0].isspace() and "Error" in line), "")
    if kind.partition(":")[0].rpartition(".")[2] in {expected, *WRONG}:
        return ""
    if done.returncode == 0:
        return "run by itself it does not fail."
    return f"run by itself it fails in another way: {(kind or ' '.join(said[-1:]))[:300]}"


def _write(path: Path, source: Source, head: Sequence[str]) -> None:
    large = source.large
    beside = path.with_suffix(".npz")
    if large:
        np.savez(beside, allow_pickle=False, **large)
    elif beside.exists():
        beside.unlink()
    comment = "\n".join(f"# {line}".rstrip() for line in head)
    body = source.text(beside.name if large else None, stand_alone=True)
    path.write_text(f"{comment}\n\n{body}", encoding="utf-8")


def _head(error: Exception, what: str, remarks: Sequence[str], blamed: Blame | None) -> list[str]:
    """Lines of the comment at the top."""
    engine = sys.modules[__name__.partition(".")[0]]
    lines = [f"A gradient that is wrong, to be run by itself: {what}.", *remarks, ""]
    for text in (str(error), str(blamed) if blamed else ""):
        for line in text.splitlines():
            lines += textwrap.wrap(line, 110, subsequent_indent="  ") or [""]
        lines += [""] * bool(text)
    versions = f"autograd-core {engine.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"  # type: ignore[attr-defined]
    return [*lines, f"Written by {versions} on {platform.system()} {platform.machine()}."]
