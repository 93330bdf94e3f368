"""Softmax and its logarithm, without overflow.

The reductions here run over the axis of the classes, often the last and short. NumPy reduces a short last axis entry by
entry; with the classes along the first axis of a copy the same work is done on whole rows (softmax of (1024, 10)
floats: 50 us against 160). ``opened`` decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError
from ..primitive import Primitive, apply
from ..tensor import Tensor
from .axes import Axes, one, several
from .matrices import operand

__all__ = ["log_softmax", "softmax"]

SHORT = 64  # classes; above it the copies cost more than they save


# -- work arrays -------------------------------------------------------------------------------------------------------


def _is_short(x, axis) -> bool:
    shape = x.shape
    if axis != len(shape) - 1:
        return False
    classes = shape[-1]
    return classes <= SHORT and x.size >= classes * (classes if classes > 8 else 8)


def opened(x, axis: Any):
    """Copy of ``x`` as a matrix, and which axis of it holds the classes."""
    if axis == x.ndim - 1:
        matrix = x.reshape(-1, x.shape[-1])
        return (matrix.T.copy(), 0) if _is_short(x, axis) else (matrix.copy(), 1)
    return np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1).copy(), 0


def closed(matrix, at: int, shape, axis: Any):
    """The array of ``shape`` that ``opened`` made ``matrix`` from."""
    if axis == len(shape) - 1:
        return (matrix if at else matrix.T.copy()).reshape(shape)
    return np.moveaxis(matrix.reshape(shape[axis], *shape[:axis], *shape[axis + 1 :]), 0, axis)


def subtract_largest(work, axis) -> None:
    np.subtract(work, np.maximum.reduce(work, axis=axis, keepdims=True), work)


def _normalised(work, axis):
    """Softmax of ``work``, in its place."""
    subtract_largest(work, axis)
    np.exp(work, work)
    return np.divide(work, np.add.reduce(work, axis=axis, keepdims=True), work)


# -- softmax -----------------------------------------------------------------------------------------------------------


def _softmax(x, *, axis: int | Axes):
    if not x.size:
        return x.copy()
    if not _is_short(x, axis):
        return _normalised(np.array(x), axis)
    work = (x if x.ndim == 2 else x.reshape(-1, x.shape[-1])).T.copy()
    np.subtract(work, np.maximum.reduce(work, 0), work)
    np.exp(work, work)
    np.divide(work, np.add.reduce(work, 0), work)
    return work.T.copy() if x.ndim == 2 else work.T.copy().reshape(x.shape)


def _sample_softmax(draw):
    x = draw.array(draw.shape(min_dims=1))
    return (x,), {"axis": draw.choice((x.ndim - 1, draw.axis(x.ndim) % x.ndim, several("", draw.axes(x.ndim), x.ndim)))}


def softmax_rule(ct, ans, x, *, axis):
    return ans * (ct - np.sum(ct * ans, axis=axis, keepdims=True))


SOFTMAX = Primitive(
    "softmax", _softmax, keeps=False, sample=_sample_softmax, doc="exp(x) / sum(exp(x)) over axes, without overflow.",
    vjps=(softmax_rule,), jvps=(softmax_rule,),  # the Jacobian is symmetric
)  # fmt: skip


def _log_softmax(x, *, axis: int | Axes):
    if not x.size:
        return x.copy()
    if not _is_short(x, axis):
        work = np.array(x)
        subtract_largest(work, axis)
        return np.subtract(work, np.log(np.add.reduce(np.exp(work), axis=axis, keepdims=True)), work)
    work, at = opened(x, axis)
    subtract_largest(work, at)
    np.subtract(work, np.log(np.add.reduce(np.exp(work), axis=at, keepdims=True)), work)
    return closed(work, at, x.shape, axis)


LOG_SOFTMAX = Primitive(
    "log_softmax", _log_softmax, keeps=False, sample=_sample_softmax, doc="log(softmax(x)), exact for small parts.",
    vjps=(lambda ct, ans, x, *, axis: ct - np.exp(ans) * np.sum(ct, axis=axis, keepdims=True),),
    jvps=(lambda t, ans, x, *, axis: t - np.sum(np.exp(ans) * t, axis=axis, keepdims=True),),
)  # fmt: skip
ROWS = (SOFTMAX, LOG_SOFTMAX)

# -- public functions --------------------------------------------------------------------------------------------------


def floating(name: str, x):
    x = operand(x)
    if x.dtype.kind in "iub":
        return x.astype(np.float64)
    if x.dtype.kind == "c":
        raise DtypeError(f"{name}: got {x.dtype}; expected real numbers.")
    return x


def _classes(name: str, axis, ndim: int) -> int | Axes:
    return one(name, axis, ndim) if isinstance(axis, (int, np.integer)) else several(name, axis, ndim)


def softmax(x, axis=-1):
    """``exp(x) / sum(exp(x))`` over an axis, a tuple of axes, or (None) all; without overflow.

    An entry of -inf gets 0. Where all entries are -inf, or one is +inf, there is no answer and it is NaN.
    """
    if axis == -1 and x.__class__ is Tensor and x.array.dtype.kind == "f" and x.array.ndim:  # what networks end with
        return apply(SOFTMAX, (x,), {"axis": x.array.ndim - 1})
    x = floating("softmax", x)
    return apply(SOFTMAX, (x,), {"axis": _classes("softmax", axis, x.ndim)})


softmax.primitive = SOFTMAX  # type: ignore[attr-defined]  # as functions made by `unary` have it


def log_softmax(x, axis=-1):
    """``log(softmax(x))`` over an axis, a tuple of axes, or (None) all; exact also where softmax is nearly 0 or 1.

    An entry of -inf stays -inf. Where all entries are -inf, or one is +inf, there is no answer and it is NaN.
    """
    x = floating("log_softmax", x)
    return apply(LOG_SOFTMAX, (x,), {"axis": _classes("log_softmax", axis, x.ndim)})


log_softmax.primitive = LOG_SOFTMAX  # type: ignore[attr-defined]


OVERLOADS: dict[Any, Any] = {}
