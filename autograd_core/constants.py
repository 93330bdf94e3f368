"""Tensors from values: ``constant`` and ``convert_to_tensor``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ShapeError
from .tensor import OVERLOADS, Overloaded, Tensor, as_value, converted
from .variable import Variable


def constant(value: Any, dtype: Any = None, shape: int | tuple[int, ...] | None = None) -> Tensor:
    """Tensor with a copy of ``value``, that no later change of ``value`` reaches.

    Parameters
    ----------
    value : array_like or number
        Python floats make float64.
    dtype : dtype, optional
    shape : int or tuple of int, optional
        A single value fills it; as many values as it has entries are reshaped to it.

    Raises
    ------
    ConversionError
        If the value is not made of numbers, or is a Tensor that a tape is tracking.
    ShapeError
        If the number of entries does not fit ``shape``.
    """
    array = converted(value.__array__() if isinstance(value, Overloaded) else as_value(value), dtype)
    if shape is None:
        return Tensor(array, None)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if array.size == 1:
        return Tensor(np.full(shape, array.reshape(()), array.dtype), None)
    if array.size != int(np.prod(shape, dtype=int)):
        raise ShapeError(f"constant: {array.size} values do not fill shape {shape}; give one, or as many.")
    return Tensor(array.reshape(shape), None)


def convert_to_tensor(value: Any, dtype: Any = None) -> Tensor:
    """Tensor for ``value``: a Tensor as it is, a Variable as it is read now, anything else as a constant.

    Lists of Tensors are stacked, and the gradient goes on to each of them. With ``dtype`` the result is converted.
    """
    if isinstance(value, Variable):
        tensor = value.value
    elif isinstance(value, Tensor):
        tensor = value
    elif isinstance(value, (list, tuple)):
        tensor = OVERLOADS["array"](value)
    else:
        tensor = constant(value)
    return tensor if dtype is None or tensor.dtype == np.dtype(dtype) else tensor.astype(dtype)
