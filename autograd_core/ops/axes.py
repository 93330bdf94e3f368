"""What reductions and scans share: which axes are meant, and how a result is laid over the array it came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AxisError
from ..primitive import Primitive
from ..tensor import Tensor

Axes = tuple[int, ...]


def several(name: str, axis, ndim: int) -> Axes:
    """``axis`` as a tuple of different non-negative numbers; all axes for None.

    Raises
    ------
    AxisError
        If an axis is out of range, is named twice, or is not an integer.
    """
    if axis is None:
        return tuple(range(ndim))
    if axis.__class__ is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    axes = tuple(one(name, entry, ndim) for entry in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if len(set(axes)) != len(axes):
        raise AxisError(f"{name}: axis={axis!r} names an axis twice (the array has {ndim} axes).")
    return axes


def one(name: str, axis, ndim: int) -> int:
    """``axis`` as a non-negative number."""
    if axis.__class__ is not int:
        try:
            if isinstance(axis, (bool, np.bool_)):
                raise TypeError
            axis = axis.__index__()
        except (AttributeError, TypeError):
            raise AxisError(f"{name}: axis must be an integer; got {axis!r}.") from None
    if not -ndim <= axis < ndim:
        allowed = f"expected {-ndim} to {ndim - 1}" if ndim else "a 0-d array has no axes"
        raise AxisError(f"{name}: axis {axis} is out of range for an array of {ndim} axes; {allowed}.")
    return axis % ndim


def kept(reduced, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """``reduced`` with the axes that were reduced, of length 1, so that it broadcasts against ``shape``."""
    if keepdims or not reduced.ndim:
        return reduced
    return np.reshape(reduced, tuple(1 if at in axis else side for at, side in enumerate(shape)))


def spread(reduced, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """``reduced`` repeated along the axes that were reduced: what a sum sends back to each of its terms."""
    if not reduced.ndim and (reduced.__class__ is np.ndarray or isinstance(reduced, np.generic)):
        # What broadcast_to gives, in 0.4 us instead of 2: the loss at the end of a program comes through here.
        view: Any = np.ndarray(shape, reduced.dtype, reduced, 0, (0,) * len(shape))
        view.flags.writeable = False
        return view
    return np.broadcast_to(kept(reduced, shape, axis, keepdims), shape)


def length(shape: tuple[int, ...], axis: Axes) -> int:
    """How many entries go into one entry of a result reduced over ``axis``."""
    count = 1
    for at in axis:
        count *= shape[at]
    return count


def on(row: Primitive, *args, **params):
    """``row`` inside a rule: on arrays its forward function alone, on Tensors recorded."""
    for arg in args:  # any() would take as long as the operation on a small array
        if arg.__class__ is Tensor:
            return row(*args, **params)
    return row.impl(*args, **params)
