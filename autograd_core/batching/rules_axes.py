"""Batching rules of what works along axes: reductions, scans, sorting, softmax, transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.arranging import FLIP, REPEAT, ROLL
from ..ops.cross_entropy import ONE_HOT, SOFTMAX_CROSS_ENTROPY, SPARSE_SOFTMAX_CROSS_ENTROPY, SPARSE_WRT_LOGITS
from ..ops.differences import DIFF
from ..ops.fourier import FFT, IFFT, IRFFT, RFFT
from ..ops.log_sums import LOGCUMSUMEXP, LOGSUMEXP, SHARE
from ..ops.norms import VECTOR_NORM
from ..ops.reductions import ALL, ANY, COUNT_NONZERO, FMAX_REDUCE, FMIN_REDUCE, MAX, MEAN, MIN, PROD, SUM
from ..ops.scans import CUMPROD, CUMSUM, LINEAR_RECURRENCE, RUNNING_MAX, RUNNING_MIN
from ..ops.softmax import LOG_SOFTMAX, SOFTMAX
from ..ops.sorting import ARGMAX, ARGMIN, ARGPARTITION, ARGSORT, NANARGMAX, NANARGMIN, SORT
from ..ops.standardize import STANDARDIZE, STANDARDIZE_BACKWARD
from ..ops.statistics import STD, VAR
from ..primitive import Primitive, apply
from ..symbol import Value
from ..tensor import Tensor
from .laying import Mapped, Rule, aligned, all_spread, ndim_of, padded, shifted, spread


def _along(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """One argument, and a parameter ``axis``."""
    if params["axis"] is None:
        return NotImplemented
    return apply(row, tuple(args), {**params, "axis": shifted(params["axis"])})


def _all_along(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """Several arguments that broadcast, and a parameter ``axis``."""
    ndim = max(map(ndim_of, args, mapped))
    every = [padded(arg, ndim) for arg in all_spread(args, mapped, size)]
    return apply(row, tuple(every), {**params, "axis": shifted(params["axis"])})


def _sort(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """The order is a parameter: of each example, or of all."""
    order = params["order"]
    if order.__class__ is Mapped:
        order = order.tensor.array
    elif order.__class__ is Value:
        order = np.broadcast_to(Tensor(order, None), (size, *order.shape)).array  # type: ignore[attr-defined]
    else:
        order = np.broadcast_to(order, (size, *order.shape))
    return apply(row, (spread(args[0], mapped[0], size),), {"order": order, "axis": params["axis"] + 1})


def _sparse(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """The mean is taken over what each example has; what the row may find ready it computes."""
    labels, logits = all_spread(args[:2], mapped[:2], size)
    losses = apply(row, (labels, logits), {"axis": params["axis"] + 1, "mean": False})
    return np.mean(losses, axis=tuple(range(1, losses.ndim))) if params["mean"] else losses


def _sparse_wrt_logits(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    ct, labels, logits = all_spread(args[:3], mapped[:3], size)
    if params["mean"]:
        count = int(np.prod(labels.shape[1:]))
        wide = np.reshape(ct, (size, *(1,) * (labels.ndim - 1)))
        ct = np.broadcast_to(wide / count if count else wide, labels.shape)
    return apply(row, (ct, labels, logits), {"axis": params["axis"] + 1, "mean": False})


def _standardize(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    if not mapped[row is STANDARDIZE_BACKWARD and 3]:
        args = list(args)
        at = 3 if row is STANDARDIZE_BACKWARD else 0
        args[at], mapped = spread(args[at], False, size), [own or i == at for i, own in enumerate(mapped)]
    ndim = max(map(ndim_of, args, mapped))
    if any(own and ndim_of(arg, True) != ndim for arg, own in zip(args, mapped, strict=True)):
        return NotImplemented  # a scale for each example
    return apply(row, tuple(aligned(args, mapped)), {**params, "axes": shifted(params["axes"])})


_OF_ONE = (
    SUM, MEAN, PROD, MAX, MIN, FMAX_REDUCE, FMIN_REDUCE, ALL, ANY, COUNT_NONZERO, LOGSUMEXP, LOGCUMSUMEXP, VAR, STD,
    CUMSUM, CUMPROD, RUNNING_MAX, RUNNING_MIN, DIFF, FFT, IFFT, RFFT, IRFFT, VECTOR_NORM, FLIP, ROLL, REPEAT, ARGSORT,
    ARGPARTITION, ARGMAX, ARGMIN, NANARGMAX, NANARGMIN, SOFTMAX, LOG_SOFTMAX, ONE_HOT,
)  # fmt: skip

RULES: dict[Primitive, Rule] = {
    **dict.fromkeys(_OF_ONE, _along),
    **dict.fromkeys((SHARE, LINEAR_RECURRENCE, SOFTMAX_CROSS_ENTROPY), _all_along),
    SORT: _sort,
    SPARSE_SOFTMAX_CROSS_ENTROPY: _sparse,
    SPARSE_WRT_LOGITS: _sparse_wrt_logits,
    STANDARDIZE: _standardize,
}
