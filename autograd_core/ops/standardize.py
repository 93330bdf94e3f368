"""``standardize``: mean 0 and variance 1 along axes, then scaled and moved; what normalizing layers compute.

Composed of means, squares and quotients it is ten passes over the data forward and twenty back. Here it is six and six,
and sums over all axes but the last go through BLAS, which adds rows up several times as fast as ``np.add.reduce``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from ..primitive import Primitive, apply
from ..shapes import broadcasts_into
from ..tensor import Tensor
from .axes import Axes, on, several
from .matrices import operand

__all__ = ["standardize"]


def _sum(x, axes: Axes):
    """``x.sum(axes, keepdims=True)``."""
    ndim = x.ndim
    if x.__class__ is not np.ndarray or axes != tuple(range(ndim - 1)) or ndim < 2 or x.dtype.char not in "fd":
        return np.sum(x, axis=axes, keepdims=True)
    # Short rows are slow to add up: those of the last two axes together are longer.
    width = x.shape[-1] * (x.shape[-2] if ndim > 2 and x.shape[-1] < 64 else 1)
    rows = x.reshape(-1, width) if width else x.reshape(0, width)
    total = np.ones(len(rows), x.dtype).dot(rows)
    return total.reshape(-1, x.shape[-1]).sum(0).reshape((1,) * (ndim - 1) + (x.shape[-1],))


def _count(x, axes: Axes) -> int:
    return math.prod(x.shape[axis] for axis in axes)


def _standardize(x, scale, offset, *, axes: Axes, epsilon: float):
    count = x.dtype.type(_count(x, axes))
    with np.errstate(invalid="ignore", divide="ignore"):  # no entries: NaN, as every mean of nothing
        mean = _sum(x, axes) / count
        y = x - mean
        variance = _sum(y * y, axes) / count
    y *= scale / np.sqrt(variance + x.dtype.type(epsilon))
    y += offset
    return y, mean, variance


def _rule(ct, ans, x, scale, offset, *, axes: Axes, epsilon: float):
    """Cotangents of all three arguments; composed of operations where these are recorded for a higher derivative."""
    ct_y, ct_mean, ct_variance = ct
    tracked = any(value.__class__ is Tensor and value._is_tracked() for value in (*ct, x, scale, offset))
    if tracked and ct_y.__class__ is not Tensor:  # zeros, if y is not used: what is composed of them is a Tensor too
        ct_y = Tensor(ct_y, None)
    pull = _pull if tracked else partial(on, STANDARDIZE_BACKWARD)
    return pull(ct_y, ct_mean, ct_variance, x, scale, offset, *ans[1:], axes=axes, epsilon=epsilon)


def _pull(ct_y, ct_mean, ct_variance, x, scale, offset, mean, variance, *, axes: Axes, epsilon: float):
    count = _count(x, axes)
    factor = 1.0 / np.sqrt(variance + epsilon)
    unit = x - mean
    unit *= factor
    product = ct_y * unit
    wrt_scale, wrt_offset = _sum_to(product, scale), _sum_to(ct_y, offset)
    # Moving all entries alike, or away from their mean alike, changes nothing: these parts are taken off.
    if _is_constant(scale, axes, x.ndim):  # over a batch: the sums are those that the scale needs anyway
        wrt_x = ct_y - _sum(ct_y, axes) / count
        wrt_x -= unit * (_sum(product, axes) / count)
        wrt_x *= scale * factor
    else:
        product = product * scale  # not in place: without axes to sum over, it is the scale's cotangent itself
        wrt_x = ct_y * scale
        wrt_x -= _sum(wrt_x, axes) / count
        wrt_x -= unit * (_sum(product, axes) / count)
        wrt_x *= factor
    if _is_there(ct_mean):
        wrt_x = wrt_x + ct_mean / count
    if _is_there(ct_variance):
        wrt_x = wrt_x + (x - mean) * (2.0 * ct_variance / count)
    return wrt_x, wrt_scale, wrt_offset


def _is_constant(scale, axes: Axes, ndim: int) -> bool:
    """Whether the scale is one number along each of the axes."""
    shape = (1,) * (ndim - scale.ndim) + tuple(scale.shape)
    return all(shape[axis] == 1 for axis in axes)


def _sum_to(x, like):
    """Sum over the axes along which ``like`` was stretched, down to its shape."""
    shape = (1,) * (x.ndim - like.ndim) + tuple(like.shape)
    axes = tuple(axis for axis in range(x.ndim) if shape[axis] == 1 and x.shape[axis] != 1)
    return (_sum(x, axes) if axes else x).reshape(like.shape)


def _is_there(ct) -> bool:
    return ct.__class__ is not np.ndarray or bool(ct.any())


def _sample(draw):
    shape = draw.shape(min_dims=1, max_dims=3, min_side=1)
    x = draw.array(shape)
    axes = several("", draw.axes(x.ndim), x.ndim)
    small = tuple(side if draw.choice((False, True)) else 1 for side in shape)
    return (x, draw.array(small), draw.array(shape[-1:])), {"axes": axes, "epsilon": 0.1}


def _sample_backward(draw):
    args, params = _sample(draw)
    results = _standardize(*args, **params)
    return (*(draw.array(part.shape) for part in results), *args, *results[1:]), params


STANDARDIZE = Primitive(
    "standardize", _standardize, vjps=(_rule,), joint=True, sample=_sample,
    doc="(x - mean) / sqrt(variance + epsilon) * scale + offset along axes; mean and variance come too.",
)  # fmt: skip

# Never recorded: where its result would be, the rule of STANDARDIZE is composed of operations that have rules.
STANDARDIZE_BACKWARD = Primitive(
    "standardize_backward", _pull, vjps=None, sample=_sample_backward, doc="Cotangents of all arguments of standardize."
)


def standardize(x, axis=-1, epsilon: float = 1e-3, scale=None, offset=None):
    r"""Mean 0 and variance 1 along axes: :math:`\gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta`.

    Parameters
    ----------
    x : array_like, Tensor or Variable of floats
    axis : int or tuple of int
        Over which mean and variance are taken.
    epsilon : float
        Added to the variance, so that the quotient exists where all entries are equal.
    scale, offset : array_like, optional
        :math:`\gamma` and :math:`\beta`, of a shape that broadcasts to that of ``x``; 1 and 0 if None.

    Returns
    -------
    y, mean, variance : Tensors
        ``y`` has the shape of ``x``, the others have 1 along the axes. The variance is without Bessel's correction.

    Raises
    ------
    ShapeError
        If ``scale`` or ``offset`` does not broadcast to the shape of ``x``.
    """
    x = operand(x)
    axes = several("standardize", axis, x.ndim)
    scale = np.ones((), x.dtype) if scale is None else operand(scale)
    offset = np.zeros((), x.dtype) if offset is None else operand(offset)
    kind = np.result_type(x.dtype, scale.dtype, offset.dtype)
    if kind.kind == "c":
        raise DtypeError("standardize: got complex numbers; the variance of real ones is meant.")
    kind = kind if kind.kind == "f" else np.dtype(float)
    x = x if x.dtype == kind else x.astype(kind)
    for name, value in (("scale", scale), ("offset", offset)):
        if not broadcasts_into(tuple(value.shape), tuple(x.shape)):
            raise ShapeError(
                f"standardize: {name} has shape {value.shape}; expected one that broadcasts to that of x, {x.shape}."
            )
    return apply(STANDARDIZE, (x, scale, offset), {"axes": axes, "epsilon": float(epsilon)})


ROWS = (STANDARDIZE, STANDARDIZE_BACKWARD)

OVERLOADS: dict[Any, Any] = {}
