"""Loss: from one number per sample to one number for a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from ..config import Configured
from ..masks import known, mask_of

EPSILON = 1e-7

MEANS = ("sum_over_batch_size", "mean")
REDUCTIONS = (*MEANS, "mean_with_sample_weight", "sum", "none", None)


class Loss(Configured):
    """Base of all losses.

    Parameters
    ----------
    name : str, optional
    reduction : str or None
        "sum_over_batch_size" or "mean": the mean of what ``call`` gives; "mean_with_sample_weight": divided by the sum
        of the sample weights instead of their number; "sum"; "none" or None: as it is.
    dtype : dtype, optional
        To compute in; that of the predictions if None.
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            raise ag.DomainError(f"{type(self).__name__}: reduction is {reduction!r}; expected one of {REDUCTIONS}.")
        self.name = type(self).__name__ if name is None else name
        self.reduction = reduction
        self.dtype = dtype

    def call(self, y_true, y_pred):
        """One number per sample; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define call(y_true, y_pred); a subclass of Loss must.")

    def _mean(self, y_true, y_pred) -> ag.Tensor:
        """Mean of what ``call`` gives; a subclass may know a shorter way to it."""
        return reduced(self.call(y_true, y_pred), None, self._counted(y_true), "mean")

    def _counted(self, y_true) -> np.ndarray | None:
        """Which samples count, as booleans; None for all."""
        return None

    def __call__(self, y_true, y_pred, sample_weight=None) -> ag.Tensor:
        """Loss of a batch.

        Parameters
        ----------
        y_true, y_pred : array_like or Tensor
            What is true, and what was predicted.
        sample_weight : array_like, optional
            Multiplies the loss of each sample. Fewer axes than the losses have stand for the first ones.

        Notes
        -----
        Time steps that a mask of ``y_pred`` leaves out (see ``layers.Masking``) do not count.
        """
        mask = mask_of(y_pred) if known else None
        if y_pred.__class__ is not ag.Tensor:
            y_pred = tensor(y_pred)
        if y_true.__class__ is not ag.Tensor:
            y_true = tensor(y_true)
        if self.dtype is not None:
            y_pred = y_pred.astype(self.dtype)
        dtype = y_true.array.dtype
        if dtype.kind == "f" and dtype is not y_pred.array.dtype and y_pred.array.dtype.kind in "fc":
            y_true = y_true.astype(y_pred.dtype)  # float64 targets do not make the loss of float32 predictions float64
        reduction = self.reduction
        if mask is None and sample_weight is None and reduction in MEANS:
            return self._mean(y_true, y_pred)
        losses = self.call(y_true, y_pred)
        return reduced(losses, sample_weight, _both(self._counted(y_true), mask, losses.shape), reduction)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, reduction {self.reduction!r}>"


class LossFunctionWrapper(Loss):
    """A loss from a function of ``y_true`` and ``y_pred``.

    Parameters
    ----------
    fn : callable
        Gives one number per sample.
    **options
        Handed to ``fn``.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **options: Any,
    ):
        super().__init__(name=name or getattr(fn, "__name__", None), reduction=reduction, dtype=dtype)
        self.fn = fn
        self.options = options

    def call(self, y_true, y_pred):
        losses = self.fn(y_true, y_pred, **self.options)
        return losses if losses.__class__ is ag.Tensor else ag.convert_to_tensor(losses)


def _both(counted: np.ndarray | None, mask: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """What counts and is not masked: a mask of the predictions that has the shape of the losses is heeded."""
    if mask is None or np.shape(mask) != shape:
        return counted
    kept = tensor(mask).astype(bool)
    return kept if counted is None else kept & counted.reshape(shape)


# -- reductions ------------------------------------------------------------------------------------------------------


def reduced(losses, sample_weight=None, counted=None, reduction: str | None = "sum_over_batch_size") -> ag.Tensor:
    """Losses of samples, weighted and brought together as ``reduction`` says.

    Parameters
    ----------
    losses : Tensor
    sample_weight : array_like, optional
        Of the shape of ``losses``, of its first axes, or of any shape that broadcasts to it.
    counted : array of bool, optional
        Samples that are left out count neither in the sum nor in the number that a mean divides by.
    reduction : str or None
        See ``Loss``.
    """
    losses = tensor(losses)
    weights = None if sample_weight is None else _fitting(tensor(sample_weight, losses.dtype), losses)
    if counted is not None:
        counted = tensor(counted)
        share = counted.astype(losses.dtype)
        if reduction in MEANS:
            share = share * (counted.size / anp.maximum(anp.count_nonzero(counted), 1)).astype(losses.dtype)
        weights = tensor(share) if weights is None else weights * share
    if weights is not None:
        losses = losses * weights
    if reduction in (None, "none") or not losses.ndim:
        return losses
    if reduction == "mean_with_sample_weight" and weights is not None:
        total = anp.sum(weights)
        none = anp.equal(total, 0)
        return anp.where(none, anp.sum(losses * 0.0), anp.sum(losses) / anp.where(none, 1.0, total).astype(total.dtype))
    return anp.mean(losses) if reduction != "sum" and losses.size else anp.sum(losses)


def _fitting(weights: ag.Tensor, losses: ag.Tensor) -> ag.Tensor:
    """Weights with axes such that they broadcast to the losses."""
    if weights.ndim == losses.ndim + 1 and weights.shape[-1] == 1:
        weights = anp.squeeze(weights, -1)
    if 0 < weights.ndim < losses.ndim and weights.shape == losses.shape[: weights.ndim]:
        # One weight per sample, where a sample has several losses.
        weights = anp.reshape(weights, weights.shape + (1,) * (losses.ndim - weights.ndim))
    try:
        fits = not losses.ndim or np.broadcast_shapes(weights.shape, losses.shape) == losses.shape
    except ValueError:
        fits = False
    if not fits:
        raise ag.ShapeError(
            f"sample_weight has shape {weights.shape}, the losses of the samples {losses.shape}; expected one weight "
            "for each sample, or a shape that broadcasts to that of the losses."
        )
    return weights


# -- what the functions share ----------------------------------------------------------------------------------------


def tensor(value, dtype=None) -> ag.Tensor:
    """As a Tensor, of this dtype if one is given."""
    if value.__class__ is not ag.Tensor:
        value = ag.convert_to_tensor(value)
    return value if dtype is None or value.array.dtype is dtype else value.astype(dtype)


def alike(asked: str, y_true, y_pred, hint: str = "") -> tuple[ag.Tensor, ag.Tensor]:
    """Both as Tensors of the dtype of the prediction, and of one shape.

    A last axis of length 1 may be missing in one of them: (n,) is made (n, 1), and (n, t, 1) is made (n, t).
    """
    y_pred = tensor(y_pred)
    if y_pred.array.dtype.kind not in "fc":
        y_pred = y_pred.astype("float32")
    y_true = tensor(y_true, y_pred.array.dtype)
    if y_true.array.shape != y_pred.array.shape:
        y_true, y_pred = of_one_rank(y_true, y_pred)
        if y_true.shape != y_pred.shape:  # (n,) against (n, 1) would broadcast to (n, n) without a word
            raise ag.ShapeError(
                f"{asked}: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same.{hint}"
            )
    if not y_pred.array.ndim:
        raise ag.ShapeError(
            f"{asked}: y_true and y_pred are single numbers; expected at least one axis, which the loss goes along. "
            "Write [y_true] and [y_pred]."
        )
    return y_true, y_pred


def of_one_rank(first, second):
    """Both with as many axes, if only a last axis of length 1 makes the difference."""
    if first.ndim == second.ndim + 1 and first.shape[-1] == 1:
        longer, shorter = _squared(first, second)
        return longer, shorter
    if second.ndim == first.ndim + 1 and second.shape[-1] == 1:
        longer, shorter = _squared(second, first)
        return shorter, longer
    return first, second


def _squared(longer, shorter):
    if shorter.ndim == 1:
        return longer, anp.reshape(shorter, (*shorter.shape, 1))
    return anp.reshape(longer, longer.shape[:-1]), shorter


def check_smoothing(asked: str, label_smoothing: float) -> None:
    """Raise unless this is from 0 to 1."""
    if not 0 <= label_smoothing <= 1:
        raise ag.DomainError(f"{asked}: label_smoothing is {label_smoothing}; expected 0 to 1.")
