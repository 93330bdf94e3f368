"""Sorting, searching, and sets of values.

A sort is a reordering: its derivative follows the order that the forward pass found. The order is that of a stable
sort, so equal entries keep theirs, and each gets the cotangent of the place it went to. Functions that return
positions have no derivative.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from ..symbol import Value
from ..tensor import Overloaded, Tensor, as_value
from .axes import on, one
from .gathering import take
from .joining import concatenate
from .matrices import known, operand, tensor, without_out
from .reductions import given, refuse
from .reshaping import reshape

__all__ = [
    "argmax", "argmin", "argpartition", "argsort", "argwhere", "digitize", "flatnonzero", "intersect1d", "isin",
    "lexsort", "nanargmax", "nanargmin", "nonzero", "partition", "searchsorted", "setdiff1d", "setxor1d", "sort",
    "sort_complex", "union1d", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values",
]  # fmt: skip

# -- sort --------------------------------------------------------------------------------------------------------------


def _inverse(order, axis: int):
    """The order that undoes ``order``."""
    if order.__class__ is Value:
        return argsort(Tensor(order, None), axis).array
    places = np.arange(order.shape[axis]).reshape((-1,) + (1,) * (order.ndim - axis - 1))
    inverse = np.empty_like(order)
    np.put_along_axis(inverse, order, np.broadcast_to(places, order.shape), axis)
    return inverse


def _sample_sort(draw):
    x = draw.array(draw.shape(min_dims=1))
    axis = draw.axis(x.ndim) % x.ndim
    return (x,), {"order": np.argsort(x, axis=axis, stable=True), "axis": axis}


SORT = Primitive(
    "sort", lambda x, *, order, axis: np.take_along_axis(x, order, axis), keeps=False, jvps=LINEAR, sample=_sample_sort,
    vjps=(lambda ct, ans, x, *, order, axis: on(SORT, ct, order=_inverse(order, axis), axis=axis),),
    doc="Entries along an axis in the order that a stable sort found.", kink="equal entries keep their order",
)  # fmt: skip


def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    """Entries in ascending order along an axis, NaN last, as ``numpy.sort``; of the flattened array for ``axis=None``.

    The sort is always stable, whatever ``kind`` says: the derivative depends on the order of equal entries.
    """
    refuse("sort", order=order)
    a, axis = _flat("sort", a, axis)
    return apply(SORT, (a,), {"order": argsort(a, axis, stable=True).array, "axis": axis})


def _flat(name: str, a, axis):
    """``a`` as an operand with a non-negative axis; flattened if there is none."""
    a = operand(a)
    if axis is None:
        return reshape(a, (a.size,)), 0
    return a, one(name, axis, a.ndim)


def partition(a, kth, axis=-1, kind="introselect", order=None):
    """Entries with the ``kth`` smallest in its sorted place, none larger before it, as ``numpy.partition``."""
    refuse("partition", order=order)
    a, axis = _flat("partition", a, axis)
    order = apply(ARGPARTITION, (a,), {"axis": axis, "kth": as_value(kth), "kind": kind}).array
    return apply(SORT, (a,), {"order": order, "axis": axis})


def sort_complex(a):
    """Sorted by real, then imaginary part, along the last axis; always complex, as ``numpy.sort_complex``."""
    a = sort(a)
    return a if a.dtype.kind == "c" else np.astype(a, np.result_type(a.dtype, np.complex64))


# -- positions ---------------------------------------------------------------------------------------------------------


def _sample_any(draw):
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    return (x,), {"axis": draw.axis(x.ndim)}


def _row(name: str, impl, doc: str, sample=_sample_any) -> Primitive:
    return Primitive(name, impl, vjps=None, keeps=False, sample=sample, doc=doc)


ARGSORT = _row(
    "argsort", lambda x, *, axis: np.argsort(x, axis, stable=True), "Positions of the entries in ascending order."
)
ARGPARTITION = _row(
    "argpartition", lambda x, *, axis, kth=0, kind="introselect": np.argpartition(x, kth, axis, kind),
    "Positions of a partitioned array's entries.",
)  # fmt: skip


def _extreme(function, doc: str) -> Primitive:
    def impl(x, *, axis, keepdims=False):
        return np.asarray(function(x, axis, keepdims=keepdims))

    return _row(function.__name__, impl, doc)


ARGMAX = _extreme(np.argmax, "Position of the largest entry; the first of several; of a NaN if there is one.")
ARGMIN = _extreme(np.argmin, "Position of the smallest entry; the first of several; of a NaN if there is one.")
NANARGMAX = _extreme(np.nanargmax, "Position of the largest entry that is not NaN.")
NANARGMIN = _extreme(np.nanargmin, "Position of the smallest entry that is not NaN.")
NONZERO = _row(
    "nonzero", lambda x: np.nonzero(x), "Positions of the entries that are not 0, an array per axis.",
    lambda draw: ((draw.array(draw.shape(min_dims=1)),), {}),
)  # fmt: skip
SEARCHSORTED = _row(
    "searchsorted", lambda a, v, *, side: np.asarray(np.searchsorted(a, v, side)), "Where v fits into the sorted a.",
    lambda draw: ((np.sort(draw.array((5,))), draw.array(draw.shape())), {"side": draw.choice(("left", "right"))}),
)  # fmt: skip
DIGITIZE = _row(
    "digitize", lambda x, bins, *, right: np.asarray(np.digitize(x, bins, right)), "Number of the bin of each entry.",
    lambda draw: ((draw.array(draw.shape()), np.sort(draw.array((4,)))), {"right": draw.boolean()}),
)  # fmt: skip
ISIN = _row(
    "isin", lambda x, among, *, invert: np.isin(x, among, invert=invert), "Whether each entry is one of some values.",
    lambda draw: ((draw.array(draw.shape()), draw.array((3,))), {"invert": draw.boolean()}),
)  # fmt: skip

ROWS = (SORT, ARGSORT, ARGPARTITION, ARGMAX, ARGMIN, NANARGMAX, NANARGMIN, NONZERO, SEARCHSORTED, DIGITIZE, ISIN)


def argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    """Positions of the entries in ascending order along an axis, as ``numpy.argsort``; always stable. No derivative."""
    refuse("argsort", order=order)
    a, axis = _flat("argsort", a, axis)
    return apply(ARGSORT, (a,), {"axis": axis})


def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    """Positions of the entries as ``partition`` puts them, as ``numpy.argpartition``. No derivative."""
    refuse("argpartition", order=order)
    a, axis = _flat("argpartition", a, axis)
    return apply(ARGPARTITION, (a,), {"axis": axis, "kth": as_value(kth), "kind": kind})


def _position(name: str, row: Primitive):
    def function(a, axis=None, out=None, *, keepdims=np._NoValue):
        without_out(name, out)
        a = operand(a)
        if axis is not None:
            axis = one(name, axis, max(a.ndim, 1))  # NumPy lets a 0-d array have an axis here
        if not (a.size if axis is None or not a.ndim else a.shape[axis]):
            raise ShapeError(f"{name}: got shape {a.shape}; there is no entry to choose from.")
        return apply(row, (a,), {"axis": axis, "keepdims": given(keepdims) and bool(keepdims)})

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{row.doc} Over all entries, or along an axis, as ``numpy.{name}``. No derivative."
    return function


argmax = _position("argmax", ARGMAX)
argmin = _position("argmin", ARGMIN)
nanargmax = _position("nanargmax", NANARGMAX)
nanargmin = _position("nanargmin", NANARGMIN)


def nonzero(a):
    """Positions of the entries that are not 0: a tuple with an array for each axis. No derivative."""
    a = operand(a)
    if not a.ndim:
        raise ShapeError("nonzero: got a 0-d array, which has no positions; use np.atleast_1d(a).")
    known("nonzero", a)
    return apply(NONZERO, (a,), {})


def argwhere(a):
    """Positions of the entries that are not 0: one row each. No derivative."""
    return Tensor(np.argwhere(known("argwhere", a)), None)


def flatnonzero(a):
    """Positions of the entries that are not 0, in the flattened array. No derivative."""
    return nonzero(reshape(operand(a), (-1,)))[0]


def _lexsort(*keys, axis: int):
    return np.asarray(np.lexsort(keys if len(keys) > 1 or keys[0].ndim < 2 else keys[0], axis))


_LEXSORT = _row("lexsort", _lexsort, "Positions sorted by several keys.")


def lexsort(keys, axis=-1):
    """Positions sorted by the last of ``keys``, ties by the one before it, as ``numpy.lexsort``. No derivative."""
    return apply(_LEXSORT, (keys,) if isinstance(keys, (Overloaded, np.ndarray)) else tuple(keys), {"axis": axis})


def searchsorted(a, v, side="left", sorter=None):
    """Where each entry of ``v`` fits into the sorted ``a``, as ``numpy.searchsorted``. No derivative."""
    a = operand(a)
    if a.ndim != 1:
        raise ShapeError(f"searchsorted: got a sorted array of shape {a.shape}; expected one axis.")
    if side not in ("left", "right"):
        raise DomainError(f'searchsorted: side must be "left" or "right"; got {side!r}.')
    return apply(SEARCHSORTED, (a if sorter is None else take(a, sorter), v), {"side": side})


def digitize(x, bins, right=False):
    """Number of the bin of each entry, as ``numpy.digitize``. No derivative."""
    return apply(DIGITIZE, (x, bins), {"right": bool(right)})


# -- sets --------------------------------------------------------------------------------------------------------------


def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    """Whether each entry is among ``test_elements``, as ``numpy.isin``. No derivative."""
    return apply(ISIN, (element, test_elements), {"invert": bool(invert)})


_SORT_THEM = "sort, and compare neighbours: np.sort(x)"


def unique(
    ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True, sorted=True
):
    """The different entries in ascending order, as ``numpy.unique``.

    The derivative of an entry is that of the first of the equal entries it was found as.
    """
    ar = tensor(ar)
    _, index, inverse, counts = np.unique(known("unique", ar, _SORT_THEM), True, True, True, axis, equal_nan=equal_nan)
    values = take(ar, index, axis)
    extras = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    wanted = tuple(Tensor(extra, None) for asked, extra in extras if asked)
    return (values, *wanted) if wanted else values


class UniqueAll(NamedTuple):
    """What ``unique_all`` returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Any
    inverse_indices: Any


def unique_all(x):
    """The different entries, their first positions, where each entry went, and how often each is there."""
    return UniqueAll(*unique(x, True, True, True, equal_nan=False))


def unique_counts(x):
    """The different entries, and how often each is there."""
    return UniqueCounts(*unique(x, return_counts=True, equal_nan=False))


def unique_inverse(x):
    """The different entries, and where each entry went."""
    return UniqueInverse(*unique(x, return_inverse=True, equal_nan=False))


def unique_values(x):
    """The different entries in ascending order."""
    return unique(x, equal_nan=False)


_MARK = "mark what is in both: np.isin(x, y)"


def union1d(ar1, ar2):
    """The different entries of both arrays in ascending order; the derivative is that of ``unique``."""
    return unique(concatenate((ar1, ar2), None))


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    """The different entries that are in both arrays; the derivative is that of the entry in ``ar1``."""
    ar1, ar2 = tensor(ar1), tensor(ar2)
    raw = [known("intersect1d", ar, _MARK) for ar in (ar1, ar2)]
    _, first, second = np.intersect1d(*raw, assume_unique, True)
    values = take(ar1, first)
    return (values, Tensor(first, None), Tensor(second, None)) if return_indices else values


def setdiff1d(ar1, ar2, assume_unique=False):
    """The different entries of ``ar1`` that are not in ``ar2``."""
    ar1 = reshape(tensor(ar1), (-1,)) if assume_unique else unique(ar1)
    raw = [known("setdiff1d", ar, _MARK) for ar in (ar1, ar2)]
    return take(ar1, np.flatnonzero(np.isin(*raw, invert=True)))


def setxor1d(ar1, ar2, assume_unique=False):
    """The different entries that are in exactly one of the arrays."""
    ar1, ar2 = tensor(ar1), tensor(ar2)
    return union1d(setdiff1d(ar1, ar2, assume_unique), setdiff1d(ar2, ar1, assume_unique))


OVERLOADS: dict[Any, Any] = {
    np.sort: sort, np.argsort: argsort, np.partition: partition, np.argpartition: argpartition,
    np.sort_complex: sort_complex, np.argmax: argmax, np.argmin: argmin, np.nanargmax: nanargmax,
    np.nanargmin: nanargmin, np.nonzero: nonzero, np.argwhere: argwhere, np.flatnonzero: flatnonzero,
    np.lexsort: lexsort, np.searchsorted: searchsorted, np.digitize: digitize, np.isin: isin, np.unique: unique,
    np.unique_all: unique_all, np.unique_counts: unique_counts, np.unique_inverse: unique_inverse,
    np.unique_values: unique_values, np.union1d: union1d, np.intersect1d: intersect1d, np.setdiff1d: setdiff1d,
    np.setxor1d: setxor1d,
}  # fmt: skip
