"""Cross-entropies, computed from logits without forming the softmax; and one-hot rows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DomainError, DtypeError, ShapeError
from ..primitive import Primitive, apply, binary
from ..symbol import Value
from ..tensor import Tensor, as_value
from ..variable import Variable
from .activations import SIGMOID
from .arithmetic import REAL
from .axes import on, one
from .matrices import operand
from .softmax import LOG_SOFTMAX, SOFTMAX, closed, floating, opened, softmax_rule, subtract_largest
from .special import of_one_width, only_real

__all__ = [
    "one_hot", "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy",
]  # fmt: skip

INTP = np.dtype(np.intp)
LEAST = 1e-30  # a smaller probability has lost digits in float32: its logarithm is found from the logits

# -- cross-entropy with labels -----------------------------------------------------------------------------------------


def _places(labels, work, at: int):
    """Where the labels' entries are in ``work`` laid out flat."""
    labels = labels.reshape(-1)
    if labels.dtype is not INTP:  # numbers of eight bits would overflow
        labels = labels.astype(INTP)
    if at == 0:
        return labels * work.shape[1] + np.arange(work.shape[1])
    return labels + _starts(work.size, work.shape[-1])


@lru_cache(maxsize=32)
def _starts(size: int, length: int):
    """Where each row of ``length`` entries begins, of ``size`` entries laid out flat; shared, so nobody may write."""
    starts = np.arange(0, size, length)
    starts.flags.writeable = False
    return starts


def _sparse(labels, logits, probabilities=None, places=None, *, axis: int, mean: bool = False):
    labels = _in_range("sparse_softmax_cross_entropy", labels, logits.shape[axis])
    if probabilities is not None and labels.size:
        chosen = probabilities.reshape(-1).take(_places(labels, probabilities, 1) if places is None else places)
        if np.minimum.reduce(chosen) > LEAST:
            np.log(chosen, chosen)
            return -(np.add.reduce(chosen) / chosen.size) if mean else np.negative(chosen, chosen).reshape(labels.shape)
    losses = _sparse_each(labels, logits, axis)
    return np.add.reduce(losses, None) / losses.size if mean else losses


def _sparse_each(labels, logits, axis: int):
    if not labels.size:
        return np.zeros(labels.shape, logits.dtype)
    work, at = opened(logits, axis)
    subtract_largest(work, at)
    chosen = work.reshape(-1).take(_places(labels, work, at))
    np.exp(work, work)
    total = np.add.reduce(work, axis=at)
    np.log(total, total)
    return np.subtract(total, chosen, total).reshape(labels.shape)


def _sparse_wrt_logits(ct, labels, logits, probabilities=None, places=None, *, axis: int, mean: bool = False):
    if not labels.size:
        return np.zeros(logits.shape, logits.dtype)
    if mean:
        ct = ct[()] / labels.size  # a 0-d array would take 0.7 us longer
    weights = ct if mean else ct.reshape(-1)
    if probabilities is not None:
        error = np.multiply(probabilities, ct if mean else ct[..., None])
        error.reshape(-1)[_places(labels, error, 1) if places is None else places] -= weights
        return error
    # In one work array, without the one-hot matrix: a third of the time and of the memory.
    work, at = opened(logits, axis)
    subtract_largest(work, at)
    np.exp(work, work)
    np.multiply(work, np.expand_dims(weights / np.add.reduce(work, axis=at), at), work)
    work.reshape(-1)[_places(labels, work, at)] -= weights
    return closed(work, at, logits.shape, axis)


def _error(labels, logits, axis: int):
    """``softmax(logits) - one_hot(labels)``: the derivative of the cross-entropy."""
    target = on(ONE_HOT, labels, count=logits.shape[axis], axis=axis, dtype=logits.dtype)
    return on(SOFTMAX, logits, axis=axis) - target


def _sparse_pushed(t, ans, labels, logits, *known, axis: int, mean: bool = False):
    each = np.sum(t * _error(labels, logits, axis), axis=axis)
    return np.mean(each) if mean else each


def _sparse_bent(t, ans, ct, labels, logits, *known, axis: int, mean: bool = False):
    """The second derivative, which is symmetric, times ``t``."""
    weights = ct / labels.size if mean else np.expand_dims(ct, axis)
    return weights * softmax_rule(t, on(SOFTMAX, logits, axis=axis), None, axis=axis)


def _sample_sparse(draw):
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.axis(x.ndim) % x.ndim
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    labels = np.array([draw.integer(0, x.shape[axis] - 1) for _ in range(int(np.prod(shape)))], np.intp)
    return (labels.reshape(shape), x), {"axis": axis, "mean": draw.boolean()}


def _sample_sparse_wrt_logits(draw):
    (labels, x), params = _sample_sparse(draw)
    return (draw.array(() if params["mean"] else labels.shape), labels, x), params


SPARSE_SOFTMAX_CROSS_ENTROPY = Primitive(
    "sparse_softmax_cross_entropy", _sparse, sample=_sample_sparse,
    doc="log(sum(exp(logits))) - logits[label] along an axis; or the mean of that.",
    vjps=(None, lambda ct, ans, *args, **params: on(SPARSE_WRT_LOGITS, ct, *args, **params)),
    jvps=(None, _sparse_pushed),
)  # fmt: skip

SPARSE_WRT_LOGITS = Primitive(
    "sparse_softmax_cross_entropy_wrt_logits", _sparse_wrt_logits, sample=_sample_sparse_wrt_logits,
    doc="ct * (softmax(logits) - one_hot(labels)): the transpose of the derivative of sparse_softmax_cross_entropy.",
    vjps=(lambda u, ans, ct, *args, **params: _sparse_pushed(u, ans, *args, **params), None, _sparse_bent),
    jvps=(lambda t, ans, ct, *args, **params: on(SPARSE_WRT_LOGITS, t, *args, **params), None, _sparse_bent),
)  # fmt: skip

# -- cross-entropy with probabilities ----------------------------------------------------------------------------------


def _products(targets, logs):
    """``targets * logs``, 0 where the target is 0 although the logarithm is -inf."""
    return targets * np.where(np.equal(targets, 0) & np.isneginf(logs), np.zeros((), logs.dtype), logs)


def _dense(targets, logits, *, axis: int):
    return -np.add.reduce(_products(targets, LOG_SOFTMAX.impl(logits, axis=axis)), axis=axis)


def _dense_slope(targets, logits, axis: int):
    return on(SOFTMAX, logits, axis=axis) * np.sum(targets, axis=axis, keepdims=True) - targets


def _sample_dense(draw):
    shape = draw.shape(min_dims=1, min_side=1)
    return (draw.array(shape, 0.0, 1.0), draw.array(shape)), {"axis": draw.axis(len(shape)) % len(shape)}


SOFTMAX_CROSS_ENTROPY = Primitive(
    "softmax_cross_entropy", _dense, sample=_sample_dense, doc="-sum(targets * log_softmax(logits)) along an axis.",
    vjps=(lambda ct, ans, targets, logits, *, axis:
          np.negative(np.expand_dims(ct, axis)) * on(LOG_SOFTMAX, logits, axis=axis),
          lambda ct, ans, targets, logits, *, axis: np.expand_dims(ct, axis) * _dense_slope(targets, logits, axis)),
    jvps=(lambda t, ans, targets, logits, *, axis:
          np.negative(np.sum(_products(t, on(LOG_SOFTMAX, logits, axis=axis)), axis=axis)),
          lambda t, ans, targets, logits, *, axis: np.sum(t * _dense_slope(targets, logits, axis), axis=axis)),
)  # fmt: skip


def _sigmoid_cross_entropy(targets, logits):
    only_real("sigmoid_cross_entropy", targets, logits)
    targets, logits = of_one_width(targets, logits)
    return np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))


SIGMOID_CROSS_ENTROPY = Primitive(
    "sigmoid_cross_entropy", _sigmoid_cross_entropy, elementwise=True, domain=((0.0, 1.0), REAL),
    source="maximum({1}, 0) - {1} * {0} + log1p(exp(-absolute({1})))",
    doc="-targets * log(sigmoid(logits)) - (1 - targets) * log(1 - sigmoid(logits)), without overflow.",
    vjps=(lambda ct, ans, targets, logits: ct * np.negative(logits),
          lambda ct, ans, targets, logits: ct * (on(SIGMOID, logits) - targets)),
)  # fmt: skip

# -- one-hot -----------------------------------------------------------------------------------------------------------


def _one_hot(labels, *, count: int, axis: int, dtype):
    labels = _in_range("one_hot", labels, count)
    rows = np.zeros((labels.size, count), dtype)
    rows.reshape(-1)[labels.reshape(-1) + np.arange(0, rows.size, count or 1)] = 1
    return np.moveaxis(rows.reshape(*labels.shape, count), -1, axis)


def _sample_one_hot(draw):
    labels = np.array(draw.array(draw.shape(), 0, 4), np.intp)
    axis = draw.integer(0, labels.ndim)
    return (labels,), {"count": 4, "axis": axis, "dtype": np.dtype(np.float32)}


ONE_HOT = Primitive(
    "one_hot", _one_hot, vjps=None, sample=_sample_one_hot, doc="1 at each label's place along a new axis, 0 elsewhere."
)

ROWS = (
    SPARSE_SOFTMAX_CROSS_ENTROPY, SPARSE_WRT_LOGITS, SOFTMAX_CROSS_ENTROPY, SIGMOID_CROSS_ENTROPY, ONE_HOT,
)  # fmt: skip

# -- public functions --------------------------------------------------------------------------------------------------


def sparse_softmax_cross_entropy(labels, logits, axis: int = -1, probabilities=None, reduction: str = "none"):
    """Cross-entropy of labels and logits: ``-log_softmax(logits)[label]``, one number per label.

    Parameters
    ----------
    labels : array_like of int
        The shape of ``logits`` without ``axis``; 0 to the number of classes - 1.
    logits : array_like, Tensor or Variable
    axis : int
        The axis of the classes.
    probabilities : Tensor, optional
        ``softmax(logits)``, where it is known already and the classes are along the last axis; it saves computing it
        again. No gradient goes to it: all of it goes to the logits.
    reduction : {"none", "mean"}
        One number per label, or their mean.

    Returns
    -------
    Tensor, shape of ``labels``, or 0-d

    Raises
    ------
    DomainError
        For a label that is out of range.
    DtypeError
        For labels that are not integers.
    ShapeError
        If the shapes do not belong together.

    Notes
    -----
    VJP: ``ct * (softmax(logits) - one_hot(labels))``. Neither is kept from the forward pass.
    """
    name = "sparse_softmax_cross_entropy"
    if logits.__class__ is not Tensor or logits.array.dtype.kind != "f":
        logits = floating(name, logits)
    axis = one(name, axis, logits.ndim)
    labels = _integers(name, labels)
    shape = logits.shape
    expected = shape[:axis] + shape[axis + 1 :]
    if labels.shape != expected:
        raise ShapeError(
            f"{name}: labels have shape {labels.shape}, logits {logits.shape} with the classes along axis {axis}; "
            f"expected labels of shape {expected}."
            + (" For one row of probabilities per example use softmax_cross_entropy."
               if labels.shape == logits.shape else "")
        )  # fmt: skip
    if reduction not in ("none", "mean"):
        raise DomainError(f'{name}: reduction must be "none" or "mean"; got {reduction!r}.')
    params = {"axis": axis, "mean": reduction == "mean"}
    if axis != len(shape) - 1:
        probabilities = None
    if Value in (as_value(labels).__class__, as_value(logits).__class__):
        # In a plan the gradient finds the probabilities ready, as does whatever else wants them.
        known = on(SOFTMAX, Tensor(as_value(logits), None), axis=axis) if probabilities is None else probabilities
        return apply(SPARSE_SOFTMAX_CROSS_ENTROPY, (labels, logits, Tensor(known.array, None)), params)
    if probabilities is None:
        return apply(SPARSE_SOFTMAX_CROSS_ENTROPY, (labels, logits), params)
    known = Tensor(probabilities.array if probabilities.__class__ is Tensor else as_value(probabilities), None)
    if known.array.shape != shape or known.array.dtype != logits.dtype:
        raise ShapeError(
            f"{name}: probabilities have shape {known.shape}, dtype {known.dtype}; the logits {logits.shape}, "
            f"{logits.dtype}: they must be the same."
        )
    places = Tensor(_places(as_value(labels), known.array, 1), None)
    return apply(SPARSE_SOFTMAX_CROSS_ENTROPY, (labels, logits, known, places), params)


def softmax_cross_entropy(targets, logits, axis: int = -1):
    """Cross-entropy of probabilities and logits: ``-sum(targets * log_softmax(logits))`` along ``axis``.

    A target of 0 adds nothing, even where its logit is -inf. The gradient reaches both arguments.
    """
    name = "softmax_cross_entropy"
    targets, logits = floating(name, targets), floating(name, logits)
    if targets.shape != logits.shape:
        raise ShapeError(f"{name}: targets have shape {targets.shape}, logits {logits.shape}; they must be the same.")
    return apply(SOFTMAX_CROSS_ENTROPY, (targets, logits), {"axis": one(name, axis, logits.ndim)})


sigmoid_cross_entropy = binary(SIGMOID_CROSS_ENTROPY)


def one_hot(x, num_classes: int, axis: int = -1, dtype=np.float32):
    """Array with 1 at each label's place along a new axis, 0 elsewhere.

    Parameters
    ----------
    x : array_like of int
        Labels, 0 to ``num_classes`` - 1.
    num_classes : int
    axis : int
        Where the new axis is put.
    dtype : dtype

    Raises
    ------
    DomainError
        For a label that is out of range.
    """
    labels = _integers("one_hot", x)
    axis = one("one_hot", axis, labels.ndim + 1)
    return apply(ONE_HOT, (labels,), {"count": int(num_classes), "axis": axis, "dtype": np.dtype(dtype)})


def _integers(name: str, labels):
    """Labels as they are if they are a Tensor, as an array otherwise."""
    labels = operand(labels)
    if labels.dtype.kind not in "iu":
        raise DtypeError(f"{name}: labels must be integers; got shape {labels.shape}, dtype {labels.dtype}.")
    return labels.value if isinstance(labels, Variable) else labels


def _in_range(name: str, labels, count: int):
    """Labels as numbers of the machine's width, seen to be classes."""
    if labels.dtype is not INTP:
        labels = labels.astype(INTP)
    # One reduction for both ends: a negative number is a huge one if its sign is not seen.
    if labels.size and np.maximum.reduce(labels.view(np.uintp), axis=None) >= count:
        place = tuple(int(i) for i in np.argwhere((labels < 0) | (labels >= count))[0])
        label = f"label {labels[place]}" + (f" at index {place}" if place else "")
        raise DomainError(f"{name}: {label} is out of range; there are {count} classes: expected 0 to {count - 1}.")
    return labels


OVERLOADS: dict[Any, Any] = {}
