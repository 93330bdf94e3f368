"""Entries arranged anew: reversed, rolled, repeated, put on diagonals, inserted and deleted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AxisError, DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from .axes import on, one, several
from .gathering import take
from .joining import concatenate
from .matrices import known, operand, plain, tensor
from .reshaping import reshape

__all__ = [
    "delete", "diag", "diagflat", "diagonal", "flip", "fliplr", "flipud", "insert", "repeat", "resize", "roll", "rot90",
    "tile", "tril", "triu", "trim_zeros", "vander",
]  # fmt: skip

# -- rows --------------------------------------------------------------------------------------------------------------


def _sample_flip(draw):
    x = draw.array(draw.shape())
    return (x,), {"axis": tuple(at for at in range(x.ndim) if draw.boolean())}


FLIP = Primitive(
    "flip", lambda x, *, axis: np.flip(x, axis), keeps=False, jvps=LINEAR, sample=_sample_flip,
    vjps=(lambda ct, ans, x, *, axis: np.flip(ct, axis),), doc="Entries in reverse order along axes.",
)  # fmt: skip


def _sample_roll(draw):
    x = draw.array(draw.shape())
    axis = tuple(at for at in range(x.ndim) if draw.boolean())
    return (x,), {"shift": tuple(draw.integer(-5, 5) for _ in axis), "axis": axis}


ROLL = Primitive(
    "roll", lambda x, *, shift, axis: np.roll(x, shift, axis) if axis else x, keeps=False, jvps=LINEAR,
    sample=_sample_roll,
    vjps=(lambda ct, ans, x, *, shift, axis: np.roll(ct, tuple(-by for by in shift), axis) if axis else ct,),
    doc="Entries moved along axes; those beyond the end come in at the start.",
)  # fmt: skip


def _sample_repeat(draw):
    x = draw.array(draw.shape(min_dims=1))
    return (x,), {"repeats": draw.choice((2, 0, 3)), "axis": draw.axis(x.ndim) % x.ndim}


def _unrepeat(ct, ans, x, *, repeats, axis):
    # The copies of an entry are neighbours.
    return np.sum(np.reshape(ct, (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])), axis=axis + 1)


REPEAT = Primitive(
    "repeat", lambda x, *, repeats, axis: np.repeat(x, repeats, axis), keeps=False, jvps=LINEAR, sample=_sample_repeat,
    vjps=(_unrepeat,), doc="Each entry along an axis so many times.",
)  # fmt: skip


def _sample_tile(draw):
    x = draw.array(draw.shape())
    return (x,), {"reps": tuple(draw.integer(0, 3) for _ in range(x.ndim))}


def _untile(ct, ans, x, *, reps):
    pairs = tuple(length for pair in zip(reps, x.shape, strict=True) for length in pair)
    return np.sum(np.reshape(ct, pairs), axis=tuple(range(0, 2 * x.ndim, 2)))


TILE = Primitive(
    "tile", lambda x, *, reps: np.tile(x, reps), keeps=False, jvps=LINEAR, sample=_sample_tile, vjps=(_untile,),
    doc="The whole array so many times along each axis.",
)  # fmt: skip


def _sample_square(draw):
    return (draw.array(draw.shape(min_dims=2)),), {"k": draw.integer(-3, 3)}


TRIL = Primitive(
    "tril", lambda x, *, k: np.tril(x, k), keeps=False, jvps=LINEAR, sample=_sample_square,
    vjps=(lambda ct, ans, x, *, k: np.tril(ct, k),), doc="Lower triangle; 0 above the k-th diagonal.",
)  # fmt: skip
TRIU = Primitive(
    "triu", lambda x, *, k: np.triu(x, k), keeps=False, jvps=LINEAR, sample=_sample_square,
    vjps=(lambda ct, ans, x, *, k: np.triu(ct, k),), doc="Upper triangle; 0 below the k-th diagonal.",
)  # fmt: skip


def _on_diagonal(x, *, offset, sides):
    out = np.zeros((*x.shape[:-1], *sides), x.dtype)
    np.einsum("...ii->...i", _square_with(out, offset, x.shape[-1]))[...] = x
    return out


def _square_with(matrix, offset: int, length: int):
    """The square part of each matrix whose main diagonal is the ``offset``-th of the whole."""
    top, left = max(-offset, 0), max(offset, 0)
    return matrix[..., top : top + length, left : left + length]


def _sample_on_diagonal(draw):
    length, offset = draw.integer(0, 4), draw.integer(-2, 2)
    side = length + abs(offset)
    sides = (side - max(offset, 0) + draw.integer(0, 1), side - max(-offset, 0))
    return (draw.array((*draw.shape(max_dims=2), length)),), {"offset": offset, "sides": sides}


ON_DIAGONAL = Primitive(
    "on_diagonal", _on_diagonal, keeps=False, jvps=LINEAR, sample=_sample_on_diagonal,
    vjps=(lambda ct, ans, x, *, offset, sides: np.diagonal(ct, offset, -2, -1),),
    doc="Matrices of zeros with x on the diagonal of the given offset.",
)  # fmt: skip


def _sample_diagonal(draw):
    x = draw.array(draw.shape(min_dims=2))
    axis1 = draw.integer(0, x.ndim - 1)
    axis2 = (axis1 + draw.integer(1, x.ndim - 1)) % x.ndim
    return (x,), {"offset": draw.integer(-3, 3), "axis1": axis1, "axis2": axis2}


def _undiagonal(ct, ans, x, *, offset, axis1, axis2):
    matrices = on(ON_DIAGONAL, ct, offset=offset, sides=(x.shape[axis1], x.shape[axis2]))
    return np.moveaxis(matrices, (-2, -1), (axis1, axis2))


DIAGONAL = Primitive(
    "diagonal", lambda x, *, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2), keeps=False, jvps=LINEAR,
    vjps=(_undiagonal,), sample=_sample_diagonal, doc="Entries on a diagonal of two axes, along a new last axis.",
)  # fmt: skip

ROWS = (FLIP, ROLL, REPEAT, TILE, TRIL, TRIU, ON_DIAGONAL, DIAGONAL)

# -- order -------------------------------------------------------------------------------------------------------------


def flip(m, axis=None):
    """Entries in reverse order along ``axis``: one, several, or all."""
    m = operand(m)
    return apply(FLIP, (m,), {"axis": several("flip", axis, m.ndim)})


def fliplr(m):
    """Columns in reverse order; expects two axes or more."""
    return flip(_of_axes("fliplr", m, 2), 1)


def flipud(m):
    """Rows in reverse order; expects one axis or more."""
    return flip(_of_axes("flipud", m, 1), 0)


def _of_axes(name: str, x, least: int):
    x = operand(x)
    if x.ndim < least:
        raise ShapeError(f"{name}: got shape {x.shape}; expected at least {least} axes.")
    return x


def roll(a, shift, axis=None):
    """Entries moved by ``shift`` along ``axis``, as ``numpy.roll``; along the flattened array if no axis is given."""
    a = operand(a)
    if axis is None:
        total = sum(_integers("roll", shift))
        return reshape(apply(ROLL, (reshape(a, (a.size,)),), {"shift": (total,), "axis": (0,)}), a.shape)
    axes = tuple(one("roll", at, a.ndim) for at in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    shifts = _integers("roll", shift)
    if len(shifts) != len(axes):
        if 1 not in (len(shifts), len(axes)):
            raise ShapeError(f"roll: {len(shifts)} shifts for {len(axes)} axes; expected one shift per axis, or one.")
        count = max(len(shifts), len(axes))
        shifts, axes = shifts * (count // len(shifts)), axes * (count // len(axes))
    return apply(ROLL, (a,), {"shift": shifts, "axis": axes})


def _integers(name: str, values) -> tuple[int, ...]:
    try:
        several_ = values if isinstance(values, (tuple, list)) or getattr(values, "ndim", 0) > 0 else (values,)
        return tuple(value.__index__() for value in several_)
    except (AttributeError, TypeError):
        raise DomainError(f"{name}: expected an integer, or several; got {values!r}.") from None


def rot90(m, k: int = 1, axes=(0, 1)):
    """Turned by 90 degrees ``k`` times, from the first towards the second of ``axes``, as ``numpy.rot90``."""
    m = operand(m)
    first, second = (one("rot90", axis, m.ndim) for axis in axes)
    if first == second:
        raise AxisError(f"rot90: axes={axes!r} names one axis twice; expected two different axes.")
    k %= 4
    if k == 0:
        return tensor(m)
    if k == 2:
        return flip(m, (first, second))
    if k == 1:
        return np.swapaxes(flip(m, second), first, second)
    return flip(np.swapaxes(tensor(m), first, second), second)


# -- repeated ----------------------------------------------------------------------------------------------------------


def repeat(a, repeats, axis=None):
    """Each entry ``repeats`` times along ``axis``, as ``numpy.repeat``; of the flattened array if no axis is given.

    ``repeats`` is one number, or one for each entry of the axis. The cotangents of an entry's copies add up.
    """
    a = operand(a)
    if axis is None:
        a, axis = reshape(a, (a.size,)), 0
    axis = one("repeat", axis, a.ndim)
    counts = _integers("repeat", repeats)
    if min(counts, default=0) < 0:
        raise DomainError(f"repeat: entries cannot repeat {min(counts)} times; expected 0 or more.")
    if len(counts) == 1:
        return apply(REPEAT, (a,), {"repeats": counts[0], "axis": axis})
    if len(counts) != a.shape[axis]:
        raise ShapeError(
            f"repeat: {len(counts)} numbers for the {a.shape[axis]} entries of axis {axis}; expected one, or one each."
        )
    return take(a, np.repeat(np.arange(len(counts)), counts), axis)


def tile(A, reps):
    """The whole array ``reps`` times along each axis, as ``numpy.tile``."""
    A, counts = operand(A), _integers("tile", reps)
    if min(counts, default=0) < 0:
        raise DomainError(f"tile: reps={counts}; expected 0 or more.")
    axes = max(A.ndim, len(counts))
    counts = (1,) * (axes - len(counts)) + counts
    if A.ndim < axes:
        A = reshape(A, (1,) * (axes - A.ndim) + A.shape)
    return apply(TILE, (A,), {"reps": counts})


def resize(a, new_shape):
    """Entries in order, over and over, until ``new_shape`` is full, as ``numpy.resize``."""
    a, shape = operand(a), _integers("resize", new_shape)
    if min(shape, default=0) < 0:
        raise ShapeError(f"resize: shape {shape}: lengths are 0 or more.")
    if not a.size:
        return np.zeros_like(tensor(a), shape=shape)
    return take(a, np.resize(np.arange(a.size), shape))


# -- diagonals and triangles -------------------------------------------------------------------------------------------


def tril(m, k: int = 0):
    """Lower triangle of each matrix: 0 above the ``k``-th diagonal."""
    return apply(TRIL, (_square_of("tril", m),), {"k": int(k)})


def triu(m, k: int = 0):
    """Upper triangle of each matrix: 0 below the ``k``-th diagonal."""
    return apply(TRIU, (_square_of("triu", m),), {"k": int(k)})


def _square_of(name: str, m):
    m = _of_axes(name, m, 1)
    return np.broadcast_to(tensor(m), (m.shape[0], m.shape[0])) if m.ndim == 1 else m


def diagonal(a, offset: int = 0, axis1: int = 0, axis2: int = 1):
    """Entries on a diagonal of two axes, along a new last axis, as ``numpy.diagonal``."""
    a = _of_axes("diagonal", a, 2)
    axis1, axis2 = one("diagonal", axis1, a.ndim), one("diagonal", axis2, a.ndim)
    if axis1 == axis2:
        raise AxisError(f"diagonal: axis1 and axis2 are both {axis1}; expected two different axes.")
    return apply(DIAGONAL, (a,), {"offset": int(offset), "axis1": axis1, "axis2": axis2})


def diag(v, k: int = 0):
    """Matrix with ``v`` on its ``k``-th diagonal; of a matrix, that diagonal."""
    v = operand(v)
    if v.ndim == 2:
        return np.diagonal(tensor(v), k)
    if v.ndim != 1:
        raise ShapeError(f"diag: got shape {v.shape}; expected one axis (to make a matrix) or two (to read one).")
    side = v.size + abs(int(k))
    return apply(ON_DIAGONAL, (v,), {"offset": int(k), "sides": (side, side)})


def diagflat(v, k: int = 0):
    """Matrix with the flattened ``v`` on its ``k``-th diagonal."""
    v = operand(v)
    return diag(reshape(v, (v.size,)), k)


def vander(x, N=None, increasing: bool = False):
    """Powers of ``x`` as columns, as ``numpy.vander``; the highest first, or last if ``increasing``."""
    x = tensor(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: got shape {x.shape}; expected one axis.")
    count = x.shape[0] if N is None else int(N)
    powers = np.arange(count)
    return np.power(x[:, None], powers if increasing else powers[::-1])


# -- inserted and deleted ----------------------------------------------------------------------------------------------


def delete(arr, obj, axis=None):
    """Entries without those at ``obj`` along ``axis``, as ``numpy.delete``; flattened if no axis is given."""
    arr = operand(arr)
    if axis is None:
        arr, axis = reshape(arr, (arr.size,)), 0
    axis = one("delete", axis, arr.ndim)
    return take(arr, np.delete(np.arange(arr.shape[axis]), plain(obj)), axis)


def insert(arr, obj, values, axis=None):
    """``values`` put before the places ``obj`` along ``axis``, as ``numpy.insert``; flattened if no axis is given."""
    arr, values, obj = tensor(arr), tensor(values), plain(obj)
    if axis is None:
        arr, axis = reshape(arr, (arr.size,)), 0
    axis = one("insert", axis, arr.ndim)
    length = arr.shape[axis]
    if not isinstance(obj, slice) and np.size(obj) == 1 and np.asarray(obj).dtype.kind != "b":
        if values.ndim < arr.ndim:
            values = reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
        if np.ndim(obj) == 0:
            values = np.moveaxis(values, 0, axis)
        count = values.shape[axis]  # all of them go to this one place
    else:
        count = len(np.insert(np.arange(length), obj, -1)) - length
    new = np.broadcast_to(values, (*arr.shape[:axis], count, *arr.shape[axis + 1 :]))
    both = concatenate((arr, np.astype(new, arr.dtype, copy=False)), axis)
    return take(both, np.insert(np.arange(length), obj, length + np.arange(count)), axis)


def trim_zeros(filt, trim: str = "fb"):
    """A 1-d array without the zeros in front (``f``) and at the back (``b``)."""
    filt = tensor(filt)
    if filt.ndim != 1:
        raise ShapeError(f"trim_zeros: got shape {filt.shape}; expected one axis.")
    if set(trim.lower()) - {"f", "b"}:
        raise DomainError(f'trim_zeros: trim must be made of "f" and "b"; got {trim!r}.')
    places = np.flatnonzero(known("trim_zeros", filt, "cut with a slice: x[1:-1]"))
    if not len(places):
        return filt[:0]
    start = places[0] if "f" in trim.lower() else 0
    return filt[start : places[-1] + 1 if "b" in trim.lower() else None]


OVERLOADS: dict[Any, Any] = {
    np.flip: flip, np.fliplr: fliplr, np.flipud: flipud, np.roll: roll, np.rot90: rot90, np.repeat: repeat,
    np.tile: tile, np.resize: resize, np.tril: tril, np.triu: triu, np.diag: diag, np.diagonal: diagonal,
    np.diagflat: diagflat, np.vander: vander, np.delete: delete, np.insert: insert, np.trim_zeros: trim_zeros,
}  # fmt: skip
