"""Batching rules of reads and writes by an index: where it differs between examples, their number is an index more.

NumPy puts the axes that arrays in an index make where the first of these stands, if they stand side by side, and in
front of all others if not. One more index, or one more axis, may change that; the axes are then brought back in the
order that one example has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops.indexing import ADD_AT, GETITEM, LAST_WRITTEN, SET_AT
from ..primitive import Primitive, apply
from ..symbol import Value
from .laying import Mapped, Rule, ndim_of, padded, spread

_ARRAYS = (np.ndarray, Value, Mapped)


@dataclass(frozen=True)
class _Place:
    """An index for all examples.

    Attributes
    ----------
    index : tuple
    order : tuple of int or None
        Axes of what it picks in the order that one example has, the examples first; None if it is that already.
    ndim : int
        How many axes it picks for one example.
    """

    index: tuple[Any, ...]
    order: tuple[int, ...] | None
    ndim: int

    def ordered(self, picked: Any) -> Any:
        """What was picked, with the examples first and the other axes as one example has them."""
        return picked if self.order is None else np.transpose(picked, self.order)

    def laid(self, part: Any, mapped: bool) -> Any:
        """What is to be written, with its axes as the index picks them."""
        if mapped:
            part = padded(part, self.ndim)
        if self.order is None or not getattr(part, "ndim", 0):
            return part
        if not mapped:
            part = np.reshape(part, (1, *(1,) * (self.ndim - part.ndim), *part.shape))
        return np.transpose(part, tuple(int(axis) for axis in np.argsort(self.order)))


def _place(index: Any, ndim: int, of_array: bool, size: int) -> _Place | None:
    """``index`` of one example with ``ndim`` axes, for all of them; None where it has no such form.

    Parameters
    ----------
    of_array : bool
        Whether the array that is indexed has the examples along axis 0.
    """
    entries = index if index.__class__ is tuple else (index,)
    if any(isinstance(entry, (bool, np.bool_)) or _is_single_mask(entry) for entry in entries):
        return None
    arrays = [entry for entry in entries if entry.__class__ in _ARRAYS]
    if not arrays:
        return _Place((slice(None), *entries), None, _picked(entries, ndim, 0, False))
    advanced = [i for i, entry in enumerate(entries) if entry.__class__ in _ARRAYS or isinstance(entry, int)]
    width = max(_axes_of(entry) for entry in arrays)  # axes that the arrays make for one example
    together = advanced[-1] - advanced[0] + 1 == len(advanced)
    before = sum(_made(entry, entries, ndim) for entry in entries[: advanced[0]]) if together else 0
    total = _picked(entries, ndim, width, True)
    if not any(entry.__class__ is Mapped for entry in entries):
        # A whole axis in front: arrays side by side stay where they are, others go before it.
        order = None if together else (width, *range(width), *range(width + 1, total + 1))
        return _Place((slice(None), *entries), order, total)
    own = tuple(_all_of(entry, width) if entry.__class__ is Mapped else entry for entry in entries)
    if of_array:  # the number of the example is an index in front: the arrays' axes come first, after it
        number = np.arange(size).reshape(size, *(1,) * width)
        order = (0, *range(1 + width, 1 + width + before), *range(1, 1 + width), *range(1 + width + before, 1 + total))
        return _Place((number, *own), None if not before else order, total)
    order = (before, *range(before), *range(before + 1, total + 1))
    return _Place(own, None if not before else order, total)


def _is_single_mask(entry: Any) -> bool:
    return entry.__class__ is np.ndarray and entry.dtype.kind == "b" and not entry.ndim


def _axes_of(entry: Any) -> int:
    """Axes that an array in an index makes for one example."""
    if entry.__class__ is Mapped:
        return entry.tensor.ndim - 1
    return 1 if entry.dtype.kind == "b" else entry.ndim


def _taken(entry: Any) -> int:
    """Axes of the array that an entry is for."""
    if entry is None or entry is Ellipsis:
        return 0
    return entry.ndim if entry.__class__ is np.ndarray and entry.dtype.kind == "b" else 1


def _made(entry: Any, entries: tuple[Any, ...], ndim: int) -> int:
    """Axes that an entry that is no array and no integer makes."""
    if entry is Ellipsis:
        return ndim - sum(map(_taken, entries))
    return 1


def _picked(entries: tuple[Any, ...], ndim: int, width: int, advanced: bool) -> int:
    """Axes of what is picked for one example."""
    taken = sum(map(_taken, entries))
    kept = sum(1 for entry in entries if entry is None or entry.__class__ is slice)
    return kept + ndim - taken + width


def _all_of(entry: Mapped, width: int) -> Any:
    """An index of all examples, whose axes broadcast with those of others."""
    return padded(entry.tensor, width).array


def _get(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    place = _place(params["index"], ndim_of(args[0], mapped[0]), mapped[0], size)
    if place is None:
        return NotImplemented
    return place.ordered(apply(row, (args[0],), {"index": place.index}))


def _write(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    at = 1 if row is SET_AT else 0
    x, y = args[at], args[1 - at]
    place = _place(params["index"], ndim_of(x, mapped[at]), True, size)
    if place is None:
        return NotImplemented
    x, part = spread(x, mapped[at], size), place.laid(y, mapped[1 - at])
    return apply(row, (part, x) if row is SET_AT else (x, part), {"index": place.index})


def _last_written(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    place = _place(params["index"], len(params["shape"]), True, size)
    if place is None:
        return NotImplemented
    stays = apply(row, (), {"index": place.index, "shape": (size, *params["shape"])})
    return place.ordered(stays)


RULES: dict[Primitive, Rule] = {GETITEM: _get, SET_AT: _write, ADD_AT: _write, LAST_WRITTEN: _last_written}
