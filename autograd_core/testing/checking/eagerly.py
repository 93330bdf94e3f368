"""Compiled functions in a check: whether there are any, and running what they were made of instead.

A complex step would have each of them traced and compiled anew, for complex numbers, to be run a few times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import recording
from ...details import Details
from ...recording import Paused, Record


class Calls(Details):
    """Hears of calls of compiled functions."""

    __slots__ = ("any",)

    def __init__(self) -> None:
        super().__init__(lines=False, times=False)
        self.any = False

    def call(self, function: Any, leaves: Any, args: Any, keywords: Any, frame: Any) -> Any:
        """Call a compiled function, and remember that there is one."""
        self.any = True
        return super().call(function, leaves, args, keywords, frame)


class Eagerly(Details):
    """Runs compiled functions operation by operation."""

    __slots__ = ()

    runs_eagerly = True

    def __init__(self) -> None:
        super().__init__(lines=False, times=False)


@contextmanager
def noting(details: Details) -> Iterator[None]:
    """Inside, ``details`` hears of what tapes record."""
    recording.note(details)
    try:
        yield
    finally:
        recording.leave()


@contextmanager
def running_eagerly() -> Iterator[None]:
    """Inside, nothing is recorded for those outside, and compiled functions are run operation by operation."""
    with Paused():
        record = Record(watches_variables=False)  # that watches nothing: operations outside of tapes are seen, too
        recording.add(record)
        try:
            with noting(Eagerly()):
                yield
        finally:
            recording.remove(record)
