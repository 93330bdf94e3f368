"""Output arrays used again once nobody holds them: fresh memory costs more than what is computed into it.

The system hands out large arrays page by page, at their first use: filling 16 MB of fresh memory takes some 8 ms, where
a fused kernel takes 1. So the last outputs stay known, and one is used again if CPython's reference count says that
nobody else refers to it, nor to a view of it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

LARGE = 1 << 17
"""Bytes from which an output is used again; smaller ones come from the heap, which is as fast."""

_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def unheld(given: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    """An array that was given out before and that nobody holds any more; else a new one, which is noted in ``given``.

    Threads cannot be given the same one: who looks at an array refers to it meanwhile, which the other's count sees.
    """
    for array in given:
        if sys.getrefcount(array) == _UNHELD and _COUNTS_ARE_EXACT:
            array.flags.writeable = True
            return array
    array = np.empty(shape, dtype)
    given[:-1] = []  # at most two are kept: what the caller has now, and what it has had before
    given.append(array)
    return array


def _count_unheld() -> int:
    for array in [np.empty(0)]:
        return sys.getrefcount(array)
    raise AssertionError


_UNHELD = _count_unheld()


def is_large(shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether an output of this kind is worth using again."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize >= LARGE
