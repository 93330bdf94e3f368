"""Arrays put together and taken apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import AxisError, ConversionError, DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from ..tensor import Overloaded
from .axes import one
from .matrices import operand, tensor, without_out
from .reshaping import atleast_1d, atleast_2d, atleast_3d, broadcast_to, reshape
from .scans import at_axis

__all__ = [
    "append", "array_split", "block", "column_stack", "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack",
    "meshgrid", "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip

# -- rows --------------------------------------------------------------------------------------------------------------


def _sample_concatenate(draw):
    shape = draw.shape(min_dims=1)
    axis = draw.axis(len(shape)) % len(shape)
    lengths = [draw.integer(0, 3) for _ in range(draw.integer(1, 3))]
    return tuple(draw.array((*shape[:axis], length, *shape[axis + 1 :])) for length in lengths), {"axis": axis}


def _pieces(ct, ans, *arrays, axis):
    pieces, end = [], 0
    for array in arrays:
        start, end = end, end + array.shape[axis]
        pieces.append(ct[at_axis(ct.ndim, axis, slice(start, end))])
    return tuple(pieces)


# The rules of these two give all cotangents at once: one call per argument, of all arguments, would be quadratic.
CONCATENATE = Primitive(
    "concatenate", lambda *arrays, axis: np.concatenate(arrays, axis), variadic=True, joint=True, keeps=False,
    vjps=(_pieces,), jvps=LINEAR, sample=_sample_concatenate, doc="Arrays one after another along an axis.",
)  # fmt: skip


def _sample_stack(draw):
    shape = draw.shape()
    arrays = tuple(draw.array(shape) for _ in range(draw.integer(1, 3)))
    return arrays, {"axis": draw.integer(0, len(shape))}


def _entries(ct, ans, *arrays, axis):
    return tuple([ct[at_axis(ct.ndim, axis, index)] for index in range(len(arrays))])


STACK = Primitive(
    "stack", lambda *arrays, axis: np.stack(arrays, axis), variadic=True, joint=True, keeps=False,
    vjps=(_entries,), jvps=LINEAR, sample=_sample_stack, doc="Arrays side by side along a new axis.",
)  # fmt: skip


def _sample_split(draw):
    shape = draw.shape(min_dims=1)
    axis = draw.axis(len(shape)) % len(shape)
    cuts = sorted(draw.integer(0, shape[axis]) for _ in range(draw.integer(0, 3)))
    return (draw.array(shape),), {"cuts": tuple(cuts), "axis": axis}


# The cuts rise from 0 to the length: the parts follow one another and leave nothing out.
SPLIT = Primitive(
    "split", lambda x, *, cuts, axis: tuple(np.split(x, cuts, axis)), keeps=False, jvps=LINEAR,
    vjps=(lambda ct, ans, x, *, cuts, axis: np.concatenate(ct, axis),),
    sample=_sample_split, doc="Parts of an array along an axis, cut at given places.",
)  # fmt: skip
UNSTACK = Primitive(
    "unstack", lambda x, *, axis: tuple(np.moveaxis(x, axis, 0)), keeps=False, jvps=LINEAR,
    vjps=(lambda ct, ans, x, *, axis: np.stack(ct, axis),),
    sample=lambda draw: (lambda shape: ((draw.array(shape),), {"axis": draw.axis(len(shape)) % len(shape)}))(
        draw.shape(min_dims=1, min_side=1)),
    doc="The entries of an axis, each as an array.",
)  # fmt: skip

ROWS = (CONCATENATE, STACK, SPLIT, UNSTACK)

# -- together ----------------------------------------------------------------------------------------------------------


def _parts(name: str, arrays) -> list[Any]:
    """The arrays to put together: a list, or the entries of one array."""
    if isinstance(arrays, Overloaded):
        arrays = unstack(arrays)
    if not isinstance(arrays, (Sequence, np.ndarray)):
        raise ConversionError(f"{name}: expected a list or tuple of arrays; got a {type(arrays).__name__}.")
    parts = [operand(array) for array in arrays]
    if not parts:
        raise ShapeError(f"{name}: got no arrays; expected at least one.")
    return parts


def _in_dtype(parts, dtype, casting: Any):
    if dtype is None:
        return parts
    wanted = np.dtype(dtype)
    for part in parts:
        if not np.can_cast(part.dtype, wanted, casting):
            raise ConversionError(f'concatenate: dtype={wanted} was asked for; {part.dtype} does not cast "{casting}".')
    return [part if part.dtype == wanted else np.astype(tensor(part), wanted) for part in parts]


def concatenate(arrays, /, axis=0, out=None, *, dtype=None, casting: str = "same_kind"):
    """Arrays one after another along an axis, as ``numpy.concatenate``; flattened first if the axis is None.

    Raises
    ------
    ShapeError
        If two of them differ in another axis, or there are none.
    """
    without_out("concatenate", out)
    parts = _in_dtype(_parts("concatenate", arrays), dtype, casting)
    if axis is None:
        parts, axis = [reshape(part, (part.size,)) for part in parts], 0
    first = parts[0].shape
    if not first:
        raise ShapeError("concatenate: 0-d arrays have no axis to follow one another along; use stack.")
    axis = one("concatenate", axis, len(first))
    for number, part in enumerate(parts):
        if part.ndim != len(first) or any(side != part.shape[at] for at, side in enumerate(first) if at != axis):
            raise ShapeError(
                f"concatenate: array {number} has shape {part.shape}, array 0 shape {first}; along axis {axis} they "
                "may differ in length, in all other axes they must be equal."
            )
    return apply(CONCATENATE, tuple(parts), {"axis": axis})


def concat(arrays, /, *, axis=0):
    """``concatenate``, by the name it has in the Array API standard."""
    return concatenate(arrays, axis)


def stack(arrays, axis=0, out=None, *, dtype=None, casting: str = "same_kind"):
    """Arrays of one shape side by side along a new axis, as ``numpy.stack``.

    Raises
    ------
    ShapeError
        If their shapes differ, or there are none.
    """
    without_out("stack", out)
    parts = _in_dtype(_parts("stack", arrays), dtype, casting)
    for number, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise ShapeError(
                f"stack: array {number} has shape {part.shape}, array 0 shape {parts[0].shape}; they must be equal."
            )
    return apply(STACK, tuple(parts), {"axis": one("stack", axis, parts[0].ndim + 1)})


def vstack(tup, *, dtype=None, casting: str = "same_kind"):
    """Arrays below one another, as ``numpy.vstack``: rows if they have one axis."""
    return concatenate([atleast_2d(part) for part in _parts("vstack", tup)], 0, dtype=dtype, casting=casting)


def hstack(tup, *, dtype=None, casting: str = "same_kind"):
    """Arrays beside one another, as ``numpy.hstack``: along axis 1, or axis 0 if they have one axis."""
    parts = [atleast_1d(part) for part in _parts("hstack", tup)]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def dstack(tup):
    """Arrays behind one another along axis 2, as ``numpy.dstack``."""
    return concatenate([atleast_3d(part) for part in _parts("dstack", tup)], 2)


def column_stack(tup):
    """Arrays beside one another, those of one axis as columns, as ``numpy.column_stack``."""
    parts = _parts("column_stack", tup)
    return concatenate([reshape(part, (part.size, 1)) if part.ndim < 2 else part for part in parts], 1)


def append(arr, values, axis=None):
    """``values`` after ``arr``, as ``numpy.append``; both flattened if no axis is given."""
    return concatenate([operand(arr), operand(values)], axis)


def block(arrays):
    """An array from nested lists of blocks, as ``numpy.block``: the innermost lists along the last axis."""

    def depth(entry) -> int:
        if not isinstance(entry, list):
            return 0
        if not entry:
            raise ShapeError("block: a list of blocks is empty.")
        depths = {depth(inner) for inner in entry}
        if len(depths) > 1:
            raise ShapeError("block: lists are nested to different depths; give each block the same depth.")
        return depths.pop() + 1

    levels = depth(arrays)
    least = max(levels, max(part.ndim for part in _leaves(arrays)))

    def join(entry, level):
        if not isinstance(entry, list):
            entry = operand(entry)
            return reshape(entry, (1,) * (least - entry.ndim) + entry.shape) if entry.ndim < least else tensor(entry)
        return concatenate([join(inner, level + 1) for inner in entry], level - levels)

    return join(arrays, 0)


def _leaves(nested) -> list[Any]:
    if isinstance(nested, list):
        return [leaf for entry in nested for leaf in _leaves(entry)]
    return [operand(nested)]


# -- apart -------------------------------------------------------------------------------------------------------------


def _places(name: str, length: int, indices_or_sections, exact: bool) -> tuple[int, ...]:
    """Where to cut an axis, between parts."""
    if not hasattr(indices_or_sections, "__len__") or getattr(indices_or_sections, "ndim", 1) == 0:
        sections = int(indices_or_sections)
        if sections < 1:
            raise DomainError(f"{name}: the number of parts must be 1 or more; got {sections}.")
        if exact and length % sections:
            raise ShapeError(
                f"{name}: {length} entries do not divide into {sections} equal parts; array_split makes unequal ones."
            )
        short, longer = divmod(length, sections)
        return tuple(k * short + min(k, longer) for k in range(1, sections))
    return tuple(place.__index__() for place in indices_or_sections)


def _cut(name: str, ary, indices_or_sections, axis, exact: bool) -> list[Any]:
    ary = tensor(ary)
    if not ary.ndim:
        raise AxisError(f"{name}: a 0-d array has no axis to cut.")
    axis = one(name, axis, ary.ndim)
    length = ary.shape[axis]
    cuts = _places(name, length, indices_or_sections, exact)
    if list(cuts) == sorted(cuts) and all(0 <= cut <= length for cut in cuts):
        return list(apply(SPLIT, (ary,), {"cuts": cuts, "axis": axis}))
    # Places that overlap or count from the end, as NumPy takes them: each part is a slice of its own.
    ends = (0, *cuts, None)
    return [ary[at_axis(ary.ndim, axis, slice(*pair))] for pair in itertools.pairwise(ends)]


def split(ary, indices_or_sections, axis=0):
    """Parts along an axis, as ``numpy.split``: a number of equal parts, or cut at given places. A list.

    Raises
    ------
    ShapeError
        If the axis does not divide into so many equal parts.
    """
    return _cut("split", ary, indices_or_sections, axis, exact=True)


def array_split(ary, indices_or_sections, axis=0):
    """Parts along an axis, as ``numpy.array_split``: the first ones longer by one if they cannot be equal."""
    return _cut("array_split", ary, indices_or_sections, axis, exact=False)


def vsplit(ary, indices_or_sections):
    """Parts along axis 0; expects two axes or more."""
    return split(_of_axes("vsplit", ary, 2), indices_or_sections, 0)


def hsplit(ary, indices_or_sections):
    """Parts along axis 1, or axis 0 of an array of one axis."""
    ary = _of_axes("hsplit", ary, 1)
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


def dsplit(ary, indices_or_sections):
    """Parts along axis 2; expects three axes or more."""
    return split(_of_axes("dsplit", ary, 3), indices_or_sections, 2)


def _of_axes(name: str, ary, least: int):
    ary = tensor(ary)
    if ary.ndim < least:
        raise ShapeError(f"{name}: got shape {ary.shape}; expected at least {least} axes.")
    return ary


def unstack(x, /, *, axis=0):
    """The entries of an axis, each as a Tensor, in a tuple, as ``numpy.unstack``."""
    x = tensor(x)
    axis = one("unstack", axis, x.ndim)
    return apply(UNSTACK, (x,), {"axis": axis}) if x.shape[axis] else ()


def meshgrid(*xi, copy: bool = True, sparse: bool = False, indexing: str = "xy"):
    """Grids of coordinates from 1-d arrays, as ``numpy.meshgrid``: a tuple."""
    if indexing not in ("xy", "ij"):
        raise DomainError(f'meshgrid: indexing must be "xy" or "ij"; got {indexing!r}.')
    arrays = [operand(x) for x in xi]
    count = len(arrays)
    grids = []
    for place, x in enumerate(arrays):
        along = 1 - place if indexing == "xy" and place < 2 and count > 1 else place
        grids.append(reshape(x, tuple(x.size if at == along else 1 for at in range(count))))
    if not sparse and grids:
        shape = np.broadcast_shapes(*(grid.shape for grid in grids))
        grids = [broadcast_to(grid, shape) for grid in grids]
    return tuple(grids)


OVERLOADS: dict[Any, Any] = {
    np.concatenate: concatenate, np.stack: stack, np.vstack: vstack, np.hstack: hstack, np.dstack: dstack,
    np.column_stack: column_stack, np.append: append, np.block: block, np.split: split, np.array_split: array_split,
    np.vsplit: vsplit, np.hsplit: hsplit, np.dsplit: dsplit, np.meshgrid: meshgrid,
}  # fmt: skip
if hasattr(np, "unstack"):  # since NumPy 2.1
    OVERLOADS[np.unstack] = unstack
