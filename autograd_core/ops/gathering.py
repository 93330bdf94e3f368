"""Entries picked by arrays of positions or conditions: take, take_along_axis, compress, extract, choose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import DomainError, DtypeError, ShapeError
from ..primitive import Primitive
from ..symbol import Value
from ..tensor import Tensor, as_value
from ..tracing import checked
from .axes import one
from .indexing import getitem
from .matrices import known, plain, tensor, without_out
from .scans import at_axis

__all__ = ["choose", "compress", "extract", "ix_", "put_along_axis", "take", "take_along_axis"]


def _positions(name: str, indices):
    """``indices`` as an array of integers."""
    array = as_value(indices)
    if array.dtype.kind not in "iub":
        if array.size or hasattr(indices, "dtype"):
            raise DtypeError(f"{name}: indices have dtype {array.dtype}; expected integers. Use i.astype(int).")
        array = array.astype(np.intp)
    if array.__class__ is Value:
        return np.astype(Tensor(array, None), np.intp).array
    return array.astype(np.intp)


def _within(name: str, indices, length: int, mode: str):
    """``indices`` brought into an axis of ``length`` as ``mode`` says."""
    if mode == "raise":
        return indices
    if mode not in ("wrap", "clip"):
        raise DomainError(f'{name}: mode must be "raise", "wrap" or "clip"; got {mode!r}.')
    if not length and indices.size:
        raise IndexError(f"{name}: cannot take from an axis of length 0.")
    if indices.__class__ is Value:
        indices = Tensor(indices, None)
    return plain(np.remainder(indices, max(length, 1)) if mode == "wrap" else np.clip(indices, 0, max(length - 1, 0)))


def take(a, indices, axis=None, out=None, mode: str = "raise"):
    """Entries at ``indices`` along an axis, as ``numpy.take``; of the flattened array if no axis is given.

    An entry that is taken twice gets both cotangents.
    """
    without_out("take", out)
    a, indices = tensor(a), _positions("take", indices)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = one("take", axis, a.ndim)
    return getitem(a, at_axis(axis + 1, axis, _within("take", indices, a.shape[axis], mode)))


def _along(name: str, shape, indices, axis: int):
    """Index that picks ``indices`` along ``axis`` and runs over all others with them."""
    if indices.ndim != len(shape):
        raise ShapeError(
            f"{name}: indices have {indices.ndim} axes and the array {len(shape)}; they must have as many."
        )
    others = [np.arange(side).reshape(at_axis(len(shape), at, -1, 1)) for at, side in enumerate(shape)]
    others[axis] = indices
    # An axis of length 1 in the indices runs over the whole axis of the array, and the other way round.
    return tuple(others)


def take_along_axis(arr, indices, axis=-1):
    """Entries at ``indices`` along an axis, position by position, as ``numpy.take_along_axis``."""
    arr, indices = tensor(arr), _positions("take_along_axis", indices)
    if axis is None:
        arr, axis = np.reshape(arr, (-1,)), 0
    axis = one("take_along_axis", axis, arr.ndim)
    return getitem(arr, _along("take_along_axis", arr.shape, indices, axis))


def put_along_axis(arr, indices, values, axis) -> None:
    """Write ``values`` to ``indices`` along an axis of the Tensor ``arr``, recorded like ``arr[i] = values``."""
    if not isinstance(arr, Tensor):
        raise DtypeError(
            f"put_along_axis: values would be written into a {type(arr).__name__}, which records nothing; give a "
            "Tensor: arr = ag.constant(arr)."
        )
    indices = _positions("put_along_axis", indices)
    if axis is None:
        places = np.unravel_index(indices, arr.shape)
        arr[places] = values
        return
    axis = one("put_along_axis", axis, arr.ndim)
    arr[_along("put_along_axis", arr.shape, indices, axis)] = values


def compress(condition, a, axis=None, out=None):
    """Slices along an axis where the 1-d ``condition`` holds, as ``numpy.compress``."""
    without_out("compress", out)
    mask = known("compress", condition)
    if mask.ndim != 1:
        raise ShapeError(f"compress: the condition has shape {mask.shape}; expected one axis.")
    return take(a, np.flatnonzero(mask), axis)


def extract(condition, arr):
    """Entries where ``condition`` holds, along one axis, as ``numpy.extract``."""
    mask = known("extract", condition)
    return take(np.reshape(tensor(arr), (-1,)), np.flatnonzero(mask))


def choose(a, choices: Sequence, out=None, mode: str = "raise"):
    """For each entry of the integers ``a`` the entry of that choice, as ``numpy.choose``; all broadcast together."""
    without_out("choose", out)
    which = _positions("choose", a)
    options = [tensor(choice) for choice in choices]
    if not options:
        raise ShapeError("choose: got no choices; expected at least one.")
    shape = np.broadcast_shapes(which.shape, *(choice.shape for choice in options))
    stacked = np.stack([np.broadcast_to(choice, shape) for choice in options])
    which = _within("choose", which, len(options), mode)
    if which.__class__ is Value:
        which = Tensor(which, None)
    which = np.broadcast_to(which, shape)
    if mode == "raise":
        which = plain(checked(which, partial(_refuse_others, len(options))))
    return getitem(stacked, (which, *np.indices(shape, sparse=True)))


def _refuse_others(count: int, which) -> None:
    if which.size and (which.min() < 0 or which.max() >= count):
        raise IndexError(
            f"choose: entries of a go from {which.min()} to {which.max()}; expected 0 to {count - 1}, one of "
            f"the {count} choices."
        )


def ix_(*args):
    """Index of the grid that 1-d positions or masks span, as ``numpy.ix_``: arrays to index with."""
    return np.ix_(*map(plain, args))


ROWS: tuple[Primitive, ...] = ()  # all are reads by an index

OVERLOADS: dict[Any, Any] = {
    np.take: take, np.take_along_axis: take_along_axis, np.put_along_axis: put_along_axis, np.compress: compress,
    np.extract: extract, np.choose: choose, np.ix_: ix_,
}  # fmt: skip
