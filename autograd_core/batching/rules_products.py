"""Batching rules of products: few calls of BLAS, and one where a factor is the same for all examples."""

from __future__ import annotations

from math import prod
from string import ascii_letters
from typing import Any

import numpy as np

from ..ops.affine import AFFINE
from ..ops.einsum import EINSUM
from ..ops.products import CROSS, MATMUL, OUTER, TENSORDOT, VECDOT
from ..primitive import Primitive, apply
from .laying import Rule, aligned, elementwise, ndim_of, padded, spread


def _matmul(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    x, y = args
    of_x, of_y = mapped
    nx, ny = ndim_of(x, of_x), ndim_of(y, of_y)
    if nx < 1 or ny < 1:
        return NotImplemented  # an error
    if not of_y and (ny <= 2 or nx > ny):
        return apply(MATMUL, (x, y), {})  # the examples are rows, or matrices, of one product
    if not of_x and ny == 1 and nx <= 2:
        return apply(MATMUL, (y, x if nx == 1 else np.transpose(x)), {})
    if not of_x and nx <= ny and ny >= 2:
        return apply(MATMUL, (x, y), {})
    if nx == ny == 1:
        return apply(VECDOT, (np.conj(x) if x.dtype.kind == "c" else x, y), {})
    return _in_stacks(x, y, nx, ny, of_x, of_y)


def _in_stacks(x: Any, y: Any, nx: int, ny: int, of_x: bool, of_y: bool) -> Any:
    """Vectors as matrices with one row or column, and as many axes on both sides."""
    if nx == 1:
        x = np.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    if ny == 1:
        y = np.reshape(y, (*y.shape, 1))
    ndim = max(nx, ny, 2)
    out = apply(MATMUL, (padded(x, ndim) if of_x else x, padded(y, ndim) if of_y else y), {})
    if nx == 1:
        return out[..., 0, :]
    return out[..., 0] if ny == 1 else out


def _affine(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    x, w, b = args
    if ndim_of(w, mapped[1]) != 2 or ndim_of(b, mapped[2]) != 1 or ndim_of(x, mapped[0]) < 1:
        return NotImplemented  # an error
    if mapped == [True, False, False]:
        return apply(AFFINE, (x, w, b), {})
    if mapped[0] or mapped[1]:
        y = _matmul(MATMUL, [x, w], mapped[:2], {}, size)
    else:
        y = spread(apply(MATMUL, (x, w), {}), False, size)
    return np.add(y, padded(b, y.ndim - 1) if mapped[2] else b)


def _vecdot(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return apply(row, tuple(aligned(args, mapped)), params)


def _outer(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    x, y = (
        np.reshape(arg, (size, prod(arg.shape[1:])) if own else (-1,)) if hasattr(arg, "shape") else np.reshape(arg, 1)
        for arg, own in zip(args, mapped, strict=True)
    )
    return np.multiply(x[..., :, None], y[..., None, :])


def _tensordot(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    (x, y), (of_x, of_y) = args, mapped
    axes_x, axes_y = params["axes"]
    if not of_y:
        return apply(row, (x, y), {"axes": (tuple(axis + 1 for axis in axes_x), axes_y)})
    if not of_x:
        out = apply(row, (x, y), {"axes": (axes_x, tuple(axis + 1 for axis in axes_y))})
        return np.moveaxis(out, x.ndim - len(axes_x), 0)
    kept_x = [axis for axis in range(x.ndim - 1) if axis not in axes_x]
    kept_y = [axis for axis in range(y.ndim - 1) if axis not in axes_y]
    left = np.transpose(x, (0, *(axis + 1 for axis in kept_x), *(axis + 1 for axis in axes_x)))
    right = np.transpose(y, (0, *(axis + 1 for axis in axes_y), *(axis + 1 for axis in kept_y)))
    rows, columns = left.shape[1 : 1 + len(kept_x)], right.shape[1 + len(axes_y) :]
    inner = prod(right.shape[1 : 1 + len(axes_y)])
    out = np.matmul(np.reshape(left, (size, prod(rows), inner)), np.reshape(right, (size, inner, prod(columns))))
    return np.reshape(out, (size, *rows, *columns))


def _einsum(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """One more letter, for the examples."""
    inputs, output = params["subscripts"].split("->")
    free = next((letter for letter in ascii_letters if letter not in params["subscripts"]), None)
    if free is None:
        return NotImplemented
    terms = [free + term if own else term for term, own in zip(inputs.split(","), mapped, strict=True)]
    return apply(row, tuple(args), {**params, "subscripts": f"{','.join(terms)}->{free}{output}"})


RULES: dict[Primitive, Rule] = {
    MATMUL: _matmul,
    AFFINE: _affine,
    VECDOT: _vecdot,
    OUTER: _outer,
    TENSORDOT: _tensordot,
    CROSS: elementwise,
    EINSUM: _einsum,
}
