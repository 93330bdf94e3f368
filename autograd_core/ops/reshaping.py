"""The same entries in another shape, order of axes, or dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import AxisError, DomainError, DtypeError, ShapeError, UnsupportedError
from ..primitive import LINEAR, Primitive, apply
from ..shapes import broadcasts_into
from ..tensor import SUPPORTED_KINDS, Overloaded
from .axes import one, several
from .matrices import operand, tensor

__all__ = [
    "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "copy", "expand_dims",
    "matrix_transpose", "moveaxis", "permute_dims", "ravel", "reshape", "rollaxis", "squeeze", "swapaxes", "transpose",
]  # fmt: skip


def _sample_reshape(draw):
    shape = draw.shape()
    order = list(range(len(shape)))
    other = draw.choice((shape[::-1], (math.prod(shape),), (*shape, 1), (1, *shape), tuple(order and shape)))
    return (draw.array(shape),), {"shape": tuple(other), "order": draw.choice(("C", "F"))}


RESHAPE = Primitive(
    "reshape", lambda x, *, shape, order="C": x.reshape(shape, order=order), keeps=False, jvps=LINEAR,
    vjps=(lambda ct, ans, x, *, shape, order="C":
          np.reshape(ct, x.shape) if order == "C" else np.reshape(ct, x.shape, order=order),),
    sample=_sample_reshape, doc="The same entries in another shape.",
)  # fmt: skip


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Permutation that undoes ``axes``."""
    back = [0] * len(axes)
    for place, axis in enumerate(axes):
        back[axis] = place
    return tuple(back)


def _sample_transpose(draw):
    shape = draw.shape()
    left, axes = list(range(len(shape))), []
    while left:
        axes.append(left.pop(draw.integer(0, len(left) - 1)))
    return (draw.array(shape),), {"axes": tuple(axes)}


TRANSPOSE = Primitive(
    "transpose", lambda x, *, axes: x.transpose(axes), keeps=False, jvps=LINEAR, sample=_sample_transpose,
    vjps=(lambda ct, ans, x, *, axes: np.transpose(ct, inverse(axes)),), doc="Axes in another order.",
)  # fmt: skip

BROADCAST_TO = Primitive(
    "broadcast_to", lambda x, *, shape: np.broadcast_to(x, shape), keeps=False, jvps=LINEAR,
    vjps=(lambda ct, ans, x, *, shape: ct,),  # the walk sums over the axes that were broadcast
    sample=lambda draw: (lambda shape: ((draw.array(draw.broadcastable(shape)),), {"shape": shape}))(draw.shape()),
    doc="The same entries repeated along new axes and axes of length 1.",
)  # fmt: skip


def _convert(x, *, dtype):
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype)


ASTYPE = Primitive(
    "astype", _convert, keeps=False, jvps=LINEAR, doc="Entries converted to another dtype.",
    source="astype({0}, {dtype})",
    vjps=(lambda ct, ans, x, *, dtype: ct,),  # the walk converts it back
    sample=lambda draw: ((draw.array(draw.shape()),), {"dtype": draw.choice((draw.dtype, np.dtype(np.complex128)))}),
)  # fmt: skip
COPY = Primitive(
    "copy", np.copy, keeps=False, jvps=LINEAR, vjps=(lambda ct, ans, x: ct,), doc="The same value.", source="{0}",
    sample=lambda draw: ((draw.array(draw.shape()),), {}),
)  # fmt: skip

ROWS = (RESHAPE, TRANSPOSE, BROADCAST_TO, ASTYPE, COPY)

# -- shape -------------------------------------------------------------------------------------------------------------


def _lengths(name: str, shape) -> tuple[int, ...]:
    """``shape`` as a tuple of integers; entries may be Tensors that hold integers."""
    if shape.__class__ is tuple and all(side.__class__ is int for side in shape):
        return shape
    try:
        if hasattr(shape, "__index__") and not getattr(shape, "ndim", 0):
            return (shape.__index__(),)
        return tuple(side.__index__() for side in shape)
    except (TypeError, AttributeError):
        raise ShapeError(f"{name}: a shape is an integer or a tuple of integers; got {shape!r}.") from None


def _full_shape(name: str, given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """``wanted`` with the length that is left in place of -1."""
    size, unknown = math.prod(given), wanted.count(-1)
    known = math.prod(side for side in wanted if side != -1)
    if min(wanted, default=0) < -1 or unknown > 1:
        raise ShapeError(f"{name}: shape {wanted}: lengths are 0 or more, and -1 may stand for one of them.")
    if (unknown and (not known or size % known)) or (not unknown and known != size):
        raise ShapeError(
            f"{name}: {size} entries (shape {given}) do not fill shape {wanted}, which holds "
            f"{'a multiple of ' if unknown else ''}{known}."
        )
    return tuple(size // known if side == -1 else side for side in wanted) if unknown else wanted


def reshape(a, /, shape=None, order: str = "C", *, newshape=None, copy=None):
    """The same entries in ``shape``, as ``numpy.reshape``; one length may be -1, for what is left.

    Raises
    ------
    ShapeError
        If the entries do not fill the shape.
    """
    if shape is None:
        if newshape is None:
            raise ShapeError("reshape: no shape was given.")
        shape = newshape
    a = operand(a)
    if order not in ("C", "F", "A"):
        raise DomainError(f'reshape: order must be "C", "F" or "A"; got {order!r}.')
    shape = _full_shape("reshape", a.shape, _lengths("reshape", shape))
    if order == "C":
        return apply(RESHAPE, (a,), {"shape": shape})
    if order == "A":
        flags = a.array.flags if isinstance(a, Overloaded) else a.flags
        order = "F" if flags.f_contiguous and not flags.c_contiguous else "C"
    return apply(RESHAPE, (a,), {"shape": shape, "order": order})


def ravel(a, order: str = "C"):
    """All entries along one axis."""
    return reshape(a, (operand(a).size,), "C" if order == "K" else order)


def expand_dims(a, axis):
    """A new axis of length 1 at each place of ``axis`` in the result, as ``numpy.expand_dims``."""
    a = operand(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = several("expand_dims", axis if axis is not None else (), a.ndim + count)
    if axis is None:
        raise AxisError("expand_dims: axis must be an integer or a tuple of integers; got None.")
    sides = iter(a.shape)
    return apply(RESHAPE, (a,), {"shape": tuple(1 if at in new else next(sides) for at in range(a.ndim + count))})


def squeeze(a, axis=None):
    """Axes of length 1 dropped: all of them, or those in ``axis``.

    Raises
    ------
    ShapeError
        If one of ``axis`` has another length.
    """
    a = operand(a)
    if axis is None:
        return apply(RESHAPE, (a,), {"shape": tuple(side for side in a.shape if side != 1)})
    dropped = several("squeeze", axis, a.ndim)
    for at in dropped:
        if a.shape[at] != 1:
            raise ShapeError(f"squeeze: axis {at} of shape {a.shape} has length {a.shape[at]}; only length 1 drops.")
    return apply(RESHAPE, (a,), {"shape": tuple(side for at, side in enumerate(a.shape) if at not in dropped)})


def _atleast(name: str, least):
    def function(*arrays):
        results = tuple(least(operand(a)) for a in arrays)
        return results[0] if len(results) == 1 else results

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Arguments with at least {name[8]} axes, as ``numpy.{name}``; a tuple if there are several."
    return function


atleast_1d = _atleast("atleast_1d", lambda a: tensor(a) if a.ndim else reshape(a, (1,)))
atleast_2d = _atleast("atleast_2d", lambda a: tensor(a) if a.ndim > 1 else reshape(a, (1, a.size)))
atleast_3d = _atleast(
    "atleast_3d",
    lambda a: tensor(a) if a.ndim > 2 else reshape(a, (*a.shape, 1)) if a.ndim == 2 else reshape(a, (1, a.size, 1)),
)

# -- order of axes -----------------------------------------------------------------------------------------------------


def transpose(a, axes=None):
    """Axes in the order ``axes``, reversed if none is given, as ``numpy.transpose``."""
    a = operand(a)
    if axes is None:
        return apply(TRANSPOSE, (a,), {"axes": tuple(range(a.ndim - 1, -1, -1))})
    axes = several("transpose", axes, a.ndim)
    if len(axes) != a.ndim:
        raise AxisError(f"transpose: axes={axes} for an array of {a.ndim} axes; expected each axis once.")
    return apply(TRANSPOSE, (a,), {"axes": axes})


def permute_dims(a, axes=None):
    """``transpose``, by the name it has in the Array API standard."""
    return transpose(a, axes)


def matrix_transpose(x, /):
    """The last two axes exchanged."""
    x = operand(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: got shape {x.shape}; expected at least two axes.")
    return apply(TRANSPOSE, (x,), {"axes": (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)})


def swapaxes(a, axis1, axis2):
    """Two axes exchanged."""
    a = operand(a)
    first, second = one("swapaxes", axis1, a.ndim), one("swapaxes", axis2, a.ndim)
    axes = list(range(a.ndim))
    axes[first], axes[second] = second, first
    return apply(TRANSPOSE, (a,), {"axes": tuple(axes)})


def moveaxis(a, source, destination):
    """Axes ``source`` moved to the places ``destination``, the others in their order, as ``numpy.moveaxis``."""
    a = operand(a)
    source, destination = several("moveaxis", source, a.ndim), several("moveaxis", destination, a.ndim)
    if len(source) != len(destination):
        raise AxisError(f"moveaxis: {len(source)} axes cannot move to {len(destination)} places.")
    axes = [axis for axis in range(a.ndim) if axis not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        axes.insert(place, axis)
    return apply(TRANSPOSE, (a,), {"axes": tuple(axes)})


def rollaxis(a, axis, start=0):
    """Axis ``axis`` moved in front of the axis that is now at ``start``, as ``numpy.rollaxis``."""
    a = operand(a)
    axis, start = one("rollaxis", axis, a.ndim), one("rollaxis", start, a.ndim + 1)
    return moveaxis(a, axis, start - 1 if axis < start else start)


# -- broadcasting ------------------------------------------------------------------------------------------------------


def broadcast_to(array, shape, subok: bool = False):
    """The same entries repeated to fill ``shape``; the cotangents of an entry's copies add up."""
    array = operand(array)
    shape = _lengths("broadcast_to", shape)
    if not broadcasts_into(array.shape, shape):
        raise ShapeError(
            f"broadcast_to: shape {array.shape} does not broadcast to {shape}; counted from the last, each length must "
            "be equal or 1."
        )
    return apply(BROADCAST_TO, (array,), {"shape": shape})


def broadcast_arrays(*args, subok: bool = False):
    """All arguments broadcast to one shape, as a tuple."""
    args = tuple(operand(arg) for arg in args)
    try:
        shape = np.broadcast_shapes(*(arg.shape for arg in args))
    except ValueError:
        shapes = " and ".join(str(arg.shape) for arg in args)
        raise ShapeError(f"broadcast_arrays: shapes {shapes} do not broadcast together.") from None
    return tuple(tensor(arg) if arg.shape == shape else broadcast_to(arg, shape) for arg in args)


# -- dtype and copies --------------------------------------------------------------------------------------------------


def astype(x, dtype, /, *, copy: bool = True, device=None):
    """Entries converted to ``dtype``; the gradient is converted back. Complex to real keeps the real part.

    Integers and booleans have no gradient: a conversion to them ends it.

    Raises
    ------
    DtypeError
        For dtypes of other things than numbers.
    """
    wanted = np.dtype(dtype)
    if wanted.kind not in SUPPORTED_KINDS:
        raise DtypeError(f"astype: dtype={wanted}; expected floats, integers, booleans or complex numbers.")
    if device not in (None, "cpu"):
        raise UnsupportedError(f'astype: device={device!r}; this engine has one device, "cpu".')
    x = operand(x)
    if not copy and x.dtype == wanted:
        return tensor(x)
    return apply(ASTYPE, (x,), {"dtype": wanted})


def copy(a, order: str = "K", subok: bool = False):
    """The same value, with a Node and an array of its own."""
    return apply(COPY, (operand(a),), {})


OVERLOADS: dict[Any, Any] = {
    np.reshape: reshape, np.ravel: ravel, np.expand_dims: expand_dims, np.squeeze: squeeze,
    np.atleast_1d: atleast_1d, np.atleast_2d: atleast_2d, np.atleast_3d: atleast_3d, np.transpose: transpose,
    np.permute_dims: transpose, np.matrix_transpose: matrix_transpose,
    np.swapaxes: swapaxes, np.moveaxis: moveaxis, np.rollaxis: rollaxis, np.broadcast_to: broadcast_to,
    np.broadcast_arrays: broadcast_arrays, np.astype: astype, np.copy: copy,
}  # fmt: skip
