"""Sums of exponentials, as logarithms: ``logsumexp`` and its running form."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import Primitive, apply
from ..tensor import Tensor
from .axes import Axes, kept, on, several, spread
from .matrices import operand, tensor
from .reductions import MISSING, prepared, refuse, sample_reduction
from .scans import LINEAR_RECURRENCE, moved, scan

__all__ = ["logcumsumexp", "logsumexp"]

# -- logsumexp -------------------------------------------------------------------------------------------------------


def _share(x, total, *, axis: Axes):
    if x.dtype.kind == "c" or np.isfinite(total).all():
        return np.exp(x - total)
    count = np.add.reduce(np.isposinf(x), axis=axis, keepdims=True, dtype=x.dtype)
    with np.errstate(invalid="ignore"):  # inf - inf, replaced here
        part = np.exp(x - total)
    part = np.where(np.isneginf(total), np.zeros((), x.dtype), part)
    return np.where(np.isposinf(total), np.isposinf(x) / np.maximum(count, np.ones((), x.dtype)), part)


def _sample_share(draw):
    (x,), params = sample_reduction(draw, min_side=1)
    return (x, _logsumexp(x, axis=params["axis"], keepdims=True)), {"axis": params["axis"]}


SHARE = Primitive(
    "share", _share, sample=_sample_share,
    doc="exp(x - total), where total = logsumexp(x) with its axes kept: the derivative of logsumexp.",
    kink="0 where the total is -inf; entries of +inf share evenly",
    vjps=(lambda ct, ans, x, total, *, axis: ct * ans,
          lambda ct, ans, x, total, *, axis: np.negative(np.sum(ct * ans, axis=axis, keepdims=True))),
    jvps=(lambda t, ans, x, total, *, axis: t * ans,
          lambda t, ans, x, total, *, axis: np.negative(t) * ans),
)  # fmt: skip


def _logsumexp(x, *, axis: Axes, keepdims: bool):
    # The largest of nothing is -inf here, and so is the result then: the log of an empty sum.
    largest = np.maximum.reduce(x.real, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, np.zeros((), largest.dtype))
    with np.errstate(divide="ignore", over="ignore"):  # log(0) = -inf and exp(inf) = inf are what is meant
        result = np.log(np.add.reduce(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return result if keepdims else np.squeeze(result, axis)


def _shares_of_sum(ans, x, axis: Axes, keepdims: bool):
    return on(SHARE, x, kept(ans, x.shape, axis, keepdims), axis=axis)


LOGSUMEXP = Primitive(
    "logsumexp", _logsumexp, sample=lambda draw: sample_reduction(draw, min_side=1),
    doc="log(sum(exp(x))) over axes, without overflow.",
    kink="if every entry is -inf the derivative is 0; entries of +inf share evenly",
    vjps=(lambda ct, ans, x, *, axis, keepdims:
          spread(ct, x.shape, axis, keepdims) * _shares_of_sum(ans, x, axis, keepdims),),
    jvps=(lambda t, ans, x, *, axis, keepdims:
          np.sum(t * _shares_of_sum(ans, x, axis, keepdims), axis=axis, keepdims=keepdims),),
)  # fmt: skip

# -- logcumsumexp ------------------------------------------------------------------------------------------------------


def _part(x, total):
    """``exp(x - total)``; 0 where x is -inf, 1 where both are +inf."""
    nothing = np.isneginf(x)
    alike = nothing | (np.isinf(x) & np.equal(x, total))
    return np.exp(np.where(alike, 0, x) - np.where(alike, 0, total)) * np.logical_not(nothing)


# The derivative of y[k] in x[i] is exp(x[i] - y[k]): the part of x[i] in y[i], times those of y[i] in y[i+1], of y[i+1]
# in y[i+2], ... None of them exceeds 1, and the sums over k are a linear recurrence.
LOGCUMSUMEXP = Primitive(
    "logcumsumexp", lambda x, *, axis: np.logaddexp.accumulate(x, axis=axis), doc="Running logsumexp along an axis.",
    sample=lambda draw: (lambda x: ((x,), {"axis": draw.axis(x.ndim) % x.ndim}))(draw.array(draw.shape(1))),
    kink="entries of -inf have derivative 0",
    vjps=(lambda ct, ans, x, *, axis: _part(x, ans) * on(
              LINEAR_RECURRENCE, _part(ans, moved(ans, axis, -1, np.inf)), ct, axis=axis, reverse=True),),
    jvps=(lambda t, ans, x, *, axis: on(
              LINEAR_RECURRENCE, _part(moved(ans, axis, 1, -np.inf), ans), _part(x, ans) * t, axis=axis,
              reverse=False),),
)  # fmt: skip

ROWS = (SHARE, LOGSUMEXP, LOGCUMSUMEXP)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """Logarithm of a sum of exponentials, without overflow: ``m + log(sum(b * exp(a - m)))`` with m the largest entry.

    Parameters
    ----------
    a : array_like, Tensor or Variable
    axis : int, tuple of int or None
        Axes summed over; None sums over all of them.
    b : array_like, optional
        Factors of the exponentials, of any sign; an entry with factor 0 does not count, even if it is infinite.
    keepdims : bool
    return_sign : bool
        Give a pair: the logarithm of the absolute value of the sum, and its sign.

    Returns
    -------
    Tensor, shape of ``a`` without ``axis``; or a pair of them
        NaN where the sum is negative, unless ``return_sign``.

    Notes
    -----
    The derivative is ``softmax(a)``. If every entry is -inf the value is -inf and the derivative 0; entries of +inf
    share it evenly.

    References
    ----------
    Blanchard, Higham & Higham (2021), "Accurately computing the log-sum-exp and softmax functions".
    """
    a = operand(a)
    if a.dtype.kind in "iub":
        a = a.astype(np.result_type(a.dtype, np.float16) if a.dtype.itemsize == 1 else np.float64)
    if b is None and not return_sign:
        a, params = prepared("logsumexp", a, axis, keepdims)
        return apply(LOGSUMEXP, (a,), params)
    b = operand(1 if b is None else b)
    ignored = np.equal(b, 0)
    a = np.where(ignored, np.asarray(-np.inf, a.dtype), tensor(a))
    axes = several("logsumexp", axis, a.ndim)
    largest = np.max(np.real(Tensor(a.array, None)), axis=axes, keepdims=True, initial=-np.inf)  # no derivative
    shift = np.where(np.isfinite(largest), largest, np.zeros((), largest.dtype))
    total = np.sum(b * np.exp(a - shift), axis=axes, keepdims=True)
    sign = np.sign(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.log(np.abs(total) if return_sign else total) + shift
    if not keepdims:
        result, sign = np.squeeze(result, axes), np.squeeze(sign, axes)
    return (result, sign) if return_sign else result


def logcumsumexp(a, axis=None):
    """Logarithm of the running sum of exponentials along an axis; of all entries in order if no axis is given."""
    return scan("logcumsumexp", LOGCUMSUMEXP, a, axis)


def _accumulate(array, axis=0, dtype=None, out=None):
    """``numpy.logaddexp.accumulate``."""
    refuse("logaddexp.accumulate", dtype=dtype, out=out)
    return logcumsumexp(array, axis)


def _reduce(a, axis=0, dtype=None, out=None, keepdims=False, initial=MISSING, where=True):
    """``numpy.logaddexp.reduce``."""
    refuse("logaddexp.reduce", dtype=dtype, out=out, initial=initial, where=None if where is True else where)
    return logsumexp(a, axis, keepdims=keepdims)


OVERLOADS: dict[Any, Any] = {(np.logaddexp, "reduce"): _reduce, (np.logaddexp, "accumulate"): _accumulate}
