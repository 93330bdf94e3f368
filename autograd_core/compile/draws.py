"""Whether a function that is traced draws from NumPy's own generators: what it draws would be the same in every run."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .. import tracing
from ..probing.surroundings import reach, state_of

DEPTH = 8  # from a model's step to a generator of one of its layers
MOST = 1000  # objects looked at


class Draws:
    """States of generators before a trace.

    Parameters
    ----------
    roots : list
        The function and its arguments: generators within their reach are looked at, and NumPy's global one.
    """

    def __init__(self, roots: list[Any]):
        self._before = [] if _others_run() else [(name, each, state_of(each)) for name, each in _generators(roots)]
        self._found = ""

    def __enter__(self) -> Draws:
        tracing.watching.append(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        tracing.watching.remove(self)
        self.leave()

    def leave(self) -> None:
        """The trace is left for a while (see ``tracing.suspended``), or for good: what is drawn then is not in it."""
        moved = (name for name, each, state in self._before if not _equal(state, state_of(each)))
        self._found = self._found or next(moved, "")

    def come_back(self) -> None:
        """The trace goes on."""
        self._before = [(name, each, state_of(each)) for name, each, _ in self._before]

    def drawn(self) -> str:
        """From what numbers were drawn; an empty string if from nothing, or if others may have done it."""
        return "" if _others_run() else self._found


def _generators(roots: list[Any]) -> list[tuple[str, Any]]:
    kinds = (np.random.Generator, np.random.RandomState)
    found = [each for each in reach(roots, DEPTH, MOST) if isinstance(each, kinds)]
    # `np.random.normal` and the others are methods of one RandomState.
    return [("np.random", np.random.mtrand._rand), *((f"a np.random.{type(each).__name__}", each) for each in found)]


def _others_run() -> bool:
    """Whether there are other threads that may draw, too. IPython's do not; our own only compute."""
    return any(
        type(each) is threading.Thread and each is not threading.current_thread() and not _is_harmless(each.name)
        for each in threading.enumerate()
    )


def _is_harmless(name: str) -> bool:
    return name in ("MainThread", "IOPub") or name.startswith("autograd_core ")


def _equal(state: Any, other: Any) -> bool:
    """Whether two states are the same: nested dicts and tuples of numbers, strings and arrays."""
    if isinstance(state, dict):
        return state.keys() == other.keys() and all(_equal(state[key], other[key]) for key in state)
    if isinstance(state, tuple):
        return all(map(_equal, state, other))
    return np.array_equal(state, other) if isinstance(state, np.ndarray) else state == other
