"""``x @ w + b``: a layer of a network before its activation, in one step and with one Node."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import Primitive, apply
from .products import matmul_of, matmul_wrt_x, matmul_wrt_y, rows_of

__all__ = ["affine"]


def _affine(x, w, b):
    try:
        n, m = w.shape
        fits = x.shape[-1] == n and b.shape == (m,)
    except (AttributeError, ValueError, IndexError):  # a Python number has no shape
        fits = False
    if not fits:
        raise ShapeError(
            f"affine: x has shape {np.shape(x)}, w {np.shape(w)}, b {np.shape(b)}; expected (..., n), (n, m) and (m,)."
        )
    y = x.dot(w) if x.ndim == 2 else matmul_of(x, w)
    # The product is a fresh array: the addition may write into it, if it does not widen it.
    return np.add(y, b, y) if y.__class__ is np.ndarray and b.dtype is y.dtype else y + b


def _affine_wrt_b(ct, ans, x, w, b):
    if ct.ndim == 1:
        return ct
    if ct.__class__ is not np.ndarray:
        return np.sum(ct, axis=tuple(range(ct.ndim - 1)))
    rows = ct if ct.ndim == 2 else rows_of(ct)
    # BLAS adds rows up at three times the speed of np.add.reduce, whether they are 32 or 100,000.
    return _ones(len(rows), ct.dtype).dot(rows) if ct.dtype.char in "fd" else np.add.reduce(rows, 0)


@lru_cache(maxsize=32)
def _ones(count: int, dtype):
    """A vector of ones; shared, so nobody may write."""
    ones = np.ones(count, dtype)
    ones.flags.writeable = False
    return ones


def _sample_affine(draw):
    n, m = draw.integer(0, 3), draw.integer(0, 3)
    return (draw.array((*draw.shape(max_dims=2, max_side=3), n)), draw.array((n, m)), draw.array((m,))), {}


AFFINE = Primitive(
    "affine", _affine, sample=_sample_affine, doc="x @ w + b, with a matrix w and a vector b: one layer of a network.",
    vjps=(matmul_wrt_x, matmul_wrt_y, _affine_wrt_b),
    jvps=(lambda t, ans, x, w, b: t @ w,
          lambda t, ans, x, w, b: x @ t,
          lambda t, ans, x, w, b: np.broadcast_to(t, ans.shape)),
)  # fmt: skip


def affine(x, w, b):
    """``x @ w + b`` in one step: what a layer of a network does before its activation.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (..., n)
    w : shape (n, m)
    b : shape (m,)

    Raises
    ------
    ShapeError
        If the shapes are not these.
    """
    return apply(AFFINE, (x, w, b), {})


ROWS = (AFFINE,)

OVERLOADS: dict[Any, Any] = {}
