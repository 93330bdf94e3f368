"""The smallest inputs at which one operation is still wrong: fewer entries, then rounder numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .local import Local

MOST = 60  # inputs tried, before rounder numbers
READABLE = 64  # entries: of more, nobody looks at each number


def smaller(local: Local, still_wrong: Callable[[Local], bool]) -> Local:
    """``local`` at smaller inputs, as small as is found, at which it is wrong still.

    Parameters
    ----------
    still_wrong : callable
        Not asked more than ``MOST + 2`` times. Inputs that the operation refuses are not wrong.
    """
    left = MOST
    tried = iter(_shorter(local))
    while left > 0 and (args := next(tried, None)) is not None:
        left -= 1
        candidate = local.at(args)
        if still_wrong(candidate):
            local, tried = candidate, iter(_shorter(candidate))
    for args in _rounder(local):
        candidate = local.at(args)
        if still_wrong(candidate):
            return candidate
    return local


def _arrays(local: Local) -> list[int]:
    return [position for position, arg in enumerate(local.args) if _is_floating(arg)]


def _is_floating(arg: Any) -> bool:
    return isinstance(arg, (np.ndarray, np.generic)) and arg.dtype.kind in "fc"


def _shorter(local: Local) -> Iterator[list[Any]]:
    """Arguments with fewer entries: one entry of each at once, then one length after the other cut."""
    args = list(local.args)
    arrays = [position for position, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.ndim]
    full = max((args[position].shape for position in arrays), key=np.prod, default=())
    if np.prod(full, dtype=int) and arrays:
        for entry in (0, int(np.prod(full)) // 2, -1):
            yield _each(args, arrays, partial(_entry, entry=entry))
    lengths = sorted({length for position in arrays for length in args[position].shape if length > 1}, reverse=True)
    for length in lengths:
        for start, stop in dict.fromkeys(((0, 1), (length - 1, length), (0, length // 2), (0, length - 1))):
            part = slice(start, stop)
            yield _each(args, arrays, partial(_cut, length=length, part=part))


def _entry(x: Any, entry: int) -> Any:
    """One entry of ``x``, counted through all axes; the last if there are not so many."""
    return np.asarray(x.reshape(-1)[min(entry, x.size - 1)])


def _cut(x: Any, length: int, part: slice) -> Any:
    """``x`` with all its axes of one length cut."""
    return x[tuple(part if side == length else slice(None) for side in x.shape)].copy()


def _rounder(local: Local) -> Iterator[list[Any]]:
    """Arguments with rounder numbers, the roundest first; none if there are too many to look at."""
    args, arrays = list(local.args), _arrays(local)
    if sum(args[position].size for position in arrays) > READABLE:
        return
    for digits in (1, 2):
        rounded = _each(args, arrays, partial(_rounded, digits=digits))
        if any(not np.array_equal(args[position], rounded[position]) for position in arrays):
            yield rounded


def _rounded(x: Any, digits: int) -> Any:
    """``x`` to so many significant digits: no entry becomes 0, at which little is to be seen."""
    if x.dtype.kind == "c":
        return np.asarray(_rounded(x.real, digits) + 1j * _rounded(x.imag, digits), x.dtype)
    entries = [float(f"{entry:.{digits}g}") for entry in np.asarray(x, np.float64).flat]
    return np.array(entries, x.dtype).reshape(np.shape(x))


def _each(args: list[Any], positions: list[int], change: Callable[..., Any]) -> list[Any]:
    return [change(arg) if position in positions else arg for position, arg in enumerate(args)]
