"""Output arrays used again once nobody holds them: fresh memory costs more than what is computed into it.

The system hands out large arrays page by page, at their first use: filling 16 MB of fresh memory takes some 8 ms, where
a fused kernel takes 1. So the last output stays known, and at the next call it is used again if CPython's reference
count says that nobody else refers to it, nor to a view of it.
"""

from __future__ import annotations

import sys
from sys import getrefcount
from typing import Any

import numpy as np

LARGE = 1 << 18
"""Bytes from which an output is used again; smaller ones come from the heap, which is as fast."""

_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
_MOST = 2


class Outputs:
    """The arrays for one output of a plan. Threads take different ones, since each is popped off a list."""

    __slots__ = ("_dtype", "_known", "_shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self._shape = shape
        self._dtype = dtype
        self._known: list[Any] = []

    def take(self) -> Any:
        """An array that nobody holds."""
        known = self._known
        try:
            array = known.pop()
        except IndexError:
            array = None
        if array is None or getrefcount(array) != _ALONE:
            array = np.empty(self._shape, self._dtype)
        return array

    def keep(self, array: Any) -> None:
        """Remember an array that a call has filled: by the time it is taken again somebody may hold it, or nobody."""
        if len(self._known) < _MOST:
            self._known.append(array)


def is_worth_it(shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether an output of this kind is large enough."""
    return _COUNTS_ARE_EXACT and int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize >= LARGE


def _alone() -> int:
    known = [np.empty(1)]
    array = known.pop()
    return getrefcount(array)


_ALONE = _alone()
