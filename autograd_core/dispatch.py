"""Connects Tensors to the functions built on them: fills the table behind operators, methods and NumPy's protocols.

``Tensor`` stands below the operations in the layering, and looks them up in ``tensor.OVERLOADS``. This module, above
both, puts the two together; the package's ``__init__`` calls ``install`` once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DtypeError, ShapeError, UnsupportedError
from .ops.table import FAMILIES
from .tensor import OVERLOADS, Tensor


def install(namespace: Any) -> None:
    """Fill the table; ``namespace`` is what ``x.__array_namespace__()`` gives."""
    for family in FAMILIES:
        OVERLOADS.update(family.OVERLOADS)
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

    ``out`` must be a Tensor: its handle moves on to the result, so the gradient is not cut. The keywords of ufuncs on
    vectors and matrices (``axis`` of vecdot) are for the function itself.
    """
    if others and ufunc.signature is None:
        raise UnsupportedError(f"{ufunc.__name__}: {', '.join(others)}= is not supported on Tensors.")
    if casting != "same_kind" or order != "K":
        raise UnsupportedError(f"{ufunc.__name__}: the keywords casting and order are not supported on Tensors.")
    if dtype is not None:
        inputs = tuple(np.astype(x, dtype) if hasattr(x, "dtype") else np.asarray(x, dtype) for x in inputs)
    result = function(*inputs, **others)
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        if where is not True:
            raise UnsupportedError(
                f"{ufunc.__name__}: where= without out= would leave entries undefined; use np.where(mask, result, other)."
            )
        return result
    if not isinstance(target, Tensor) or not isinstance(result, Tensor):
        raise UnsupportedError(
            f"{ufunc.__name__}: out= is a {type(target).__name__}; writing a Tensor's value there would silently cut its "
            "gradient. Give a Tensor as out=, or none."
        )
    if where is not True:
        result = np.where(where, result, target)
    if np.broadcast_shapes(result.shape, target.shape) != target.shape:
        raise ShapeError(f"{ufunc.__name__}: out= has shape {target.shape}, the result {result.shape}.")
    if result.shape != target.shape:
        result = np.broadcast_to(result, target.shape)
    if result.dtype != target.dtype:
        if not np.can_cast(result.dtype, target.dtype, "same_kind"):
            raise DtypeError(f"{ufunc.__name__}: out= has dtype {target.dtype}, the result {result.dtype}.")
        result = np.astype(result, target.dtype)
    target.array, target.node = result.array, result.node
    return target
