"""Connects Tensors to the functions built on them: fills the table behind operators, methods and NumPy's protocols.

``Tensor`` stands below the operations in the layering, and looks them up in ``tensor.OVERLOADS``. This module, above
both, puts the two together; the package's ``__init__`` calls ``install`` once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DtypeError, ShapeError, UnsupportedError
from .methods import OVERLOADS, Methods
from .ops.table import FAMILIES
from .shapes import broadcasts_into
from .tensor import Overloaded, Tensor, as_value

OPERATORS = {
    "__add__": np.add, "__sub__": np.subtract, "__mul__": np.multiply, "__truediv__": np.divide, "__pow__": np.power,
    "__matmul__": np.matmul, "__neg__": np.negative,
}  # fmt: skip
"""Operators that become the very functions of the table: no call in between that looks them up, 0.1 us less."""


def install(namespace: Any) -> None:
    """Fill the table; ``namespace`` is what ``x.__array_namespace__()`` gives."""
    for family in FAMILIES:
        OVERLOADS.update(family.OVERLOADS)
    for name, function in OPERATORS.items():
        setattr(Methods, name, OVERLOADS[function])
    OVERLOADS["ufunc keywords"] = call_with_keywords

    def array_namespace(api_version: str | None):
        if api_version is not None and api_version not in namespace.__array_api_versions__:
            known = ", ".join(namespace.__array_api_versions__)
            raise ValueError(f"__array_namespace__: api_version {api_version!r} is not offered; known: {known}.")
        return namespace

    OVERLOADS["namespace"] = array_namespace


def call_with_keywords(
    function, ufunc, inputs, *, out=None, where=True, dtype=None, casting="same_kind", order="K", **others
):
    """Answer ``ufunc(*inputs, out=..., where=..., dtype=...)`` for Tensors.

    A Tensor given as ``out`` moves on to the result, so the gradient is not cut; an array is written to only if no tape
    is tracking the result. The keywords of ufuncs on vectors and matrices (``axis`` of vecdot) are for the function
    itself.
    """
    name = ufunc.__name__
    if others and ufunc.signature is None:
        raise UnsupportedError(f"{name}: {', '.join(others)}= is not supported on Tensors.")
    if casting != "same_kind" or order != "K":
        raise UnsupportedError(f"{name}: the keywords casting and order are not supported on Tensors.")
    if dtype is not None:
        inputs = tuple(_in_dtype(name, x, np.dtype(dtype)) for x in inputs)
    targets = out if isinstance(out, tuple) else (out,)
    if where is not True and any(target is None for target in targets):
        raise UnsupportedError(
            f"{name}: where= without out= would leave entries undefined; use np.where(mask, result, other)."
        )
    results = function(*inputs, **others)
    if out is None:
        return results
    if not isinstance(results, tuple):
        return _put(name, results, targets[0], where)
    return tuple(_put(name, result, target, where) for result, target in zip(results, targets, strict=True))


def _in_dtype(name: str, given, dtype):
    """An operand in the dtype that the caller asked the ufunc to work in."""
    value: Any = given if isinstance(given, Overloaded) else as_value(given)
    if not np.can_cast(value.dtype, dtype, "same_kind"):
        raise DtypeError(f"{name}: dtype={dtype} was asked for, and an operand has dtype {value.dtype}.")
    return np.astype(value, dtype)


def _put(name: str, result: Any, target, where):
    """Let ``target``, which was given as ``out=``, be ``result`` where ``where`` says so."""
    if target is None:
        return result
    if isinstance(target, np.ndarray):
        if result._is_tracked() or (isinstance(where, Overloaded) and where._is_tracked()):
            raise UnsupportedError(
                f"{name}: out= is a NumPy array, and a tape is tracking the result; writing its value there would "
                "silently cut its gradient. Give a Tensor as out=, or none (x = x + y instead of x += y)."
            )
        np.copyto(target, result.array, where=True if where is True else as_value(where))
        return target
    if not isinstance(target, Tensor):
        raise UnsupportedError(f"{name}: out= is a {type(target).__name__}; expected a Tensor, or a NumPy array.")
    if where is not True:
        result = np.where(where, result, target)
    if not broadcasts_into(result.shape, target.shape):
        raise ShapeError(f"{name}: out= has shape {target.shape}, the result {result.shape}.")
    if result.shape != target.shape:
        result = np.broadcast_to(result, target.shape)
    if result.dtype != target.dtype:
        if not np.can_cast(result.dtype, target.dtype, "same_kind"):
            raise DtypeError(f"{name}: out= has dtype {target.dtype}, the result {result.dtype}.")
        result = np.astype(result, target.dtype)
    target._become(result)
    return target
