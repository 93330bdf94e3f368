"""Losses: how far predictions are from what is true. As objects, as functions and by name.

A function, ``categorical_crossentropy(y_true, y_pred)``, gives one number per sample; an object,
``CategoricalCrossentropy()``, the mean over the batch (or what ``reduction`` says).

**Cross-entropy from logits, without being asked.** ``-log(softmax(z))`` loses digits and overflows if it is computed
in two steps. A Tensor's Node says how the Tensor was made; if that is a softmax over the last axis, the cross-entropies
here go back to its logits ``z`` and compute both in one, stably. (``nn.activations.softmax`` makes such a Node also
where no tape is recording.) Two consequences: the loss does not depend on the probabilities any more but on the logits,
so ``tape.gradient(loss, probabilities)`` is None unless the probabilities were watched as constants; and a changed copy
(``p * 1.0``, ``p.copy()``) is taken as it is. Probabilities from elsewhere are limited to 1e-7 ... 1 - 1e-7, as in
Keras.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .activations import logits_of
from .lookup import chosen

__all__ = [
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "categorical_crossentropy",
    "get",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]

EPSILON = 1e-7

_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


# -- functions: one number per sample --------------------------------------------------------------------------------


def mean_squared_error(y_true, y_pred):
    """``mean((y_true - y_pred)**2)`` over the last axis.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, of one shape (..., n)
        A last axis of length 1 may be missing in one of them.

    Returns
    -------
    Tensor, shape (...)
    """
    y_true, y_pred = _alike("mean_squared_error", y_true, y_pred)
    return anp.mean(anp.square(anp.subtract(y_true, y_pred)), axis=-1)


def categorical_crossentropy(y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0):
    """``-sum(y_true * log(y_pred))`` over the last axis, with ``y_pred`` divided by its sum first.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (..., classes)
        Probabilities, as a rule one-hot.
    y_pred : array_like or Tensor, shape (..., classes)
        Probabilities, or logits with ``from_logits``.
    label_smoothing : float
        From 0 to 1: this part of the true probability is spread over all classes.

    Returns
    -------
    Tensor, shape (...)
    """
    y_pred = _tensor(y_pred)
    y_true = _tensor(y_true, y_pred.dtype)
    if y_true.shape != y_pred.shape:
        hint = (
            " Labels given as integers need sparse_categorical_crossentropy, or to_categorical first."
            if y_true.ndim == y_pred.ndim - 1 or y_true.shape[-1:] == (1,)
            else ""
        )
        raise ag.ShapeError(
            f"categorical_crossentropy: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same: "
            f"a probability for every class.{hint}"
        )
    if not 0 <= label_smoothing <= 1:
        raise ag.DomainError(f"categorical_crossentropy: label_smoothing is {label_smoothing}; expected 0 to 1.")
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[-1]
    return anp.softmax_cross_entropy(y_true, _logits(y_pred, from_logits))


def sparse_categorical_crossentropy(y_true, y_pred, from_logits: bool = False):
    """``-log(y_pred[label])``, with ``y_pred`` divided by its sum first.

    Parameters
    ----------
    y_true : array_like of int, shape (...) or (..., 1)
        Labels, 0 to classes - 1.
    y_pred : array_like or Tensor, shape (..., classes)
        Probabilities, or logits with ``from_logits``.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    DomainError
        For a label that is not a whole number, or out of range.
    """
    return _sparse(y_true, y_pred, from_logits, "none")


def _sparse(y_true, y_pred, from_logits: bool, reduction: str):
    if y_pred.__class__ is not ag.Tensor:
        y_pred = _tensor(y_pred)
    labels, shape = y_true, y_pred.array.shape
    fits = y_true.__class__ is ag.Tensor and y_true.array.dtype.kind in "iu" and y_true.array.shape == shape[:-1]
    if not fits:
        labels = class_numbers("sparse_categorical_crossentropy", y_true, shape)
        if y_true.__class__ is ag.Tensor:
            labels = ag.Tensor(labels, None)  # not the user's array: it need not be copied
    source = None if from_logits else logits_of(y_pred)
    if source is not None:
        return anp.sparse_softmax_cross_entropy(labels, source, -1, y_pred, reduction)
    return anp.sparse_softmax_cross_entropy(labels, _logits(y_pred, from_logits), reduction=reduction)


# -- objects: one number for a batch ---------------------------------------------------------------------------------


class Loss:
    """Base of all losses.

    Parameters
    ----------
    name : str, optional
    reduction : str or None
        "sum_over_batch_size" or "mean": the mean of what ``call`` gives; "mean_with_sample_weight": divided by the sum
        of the sample weights instead of their number; "sum"; "none" or None: as it is.
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size"):
        if reduction not in _REDUCTIONS:
            raise ag.DomainError(f"{type(self).__name__}: reduction is {reduction!r}; expected one of {_REDUCTIONS}.")
        self.name = type(self).__name__ if name is None else name
        self.reduction = reduction

    def call(self, y_true, y_pred):
        """One number per sample; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define call(y_true, y_pred); a subclass of Loss must.")

    def _mean(self, y_true, y_pred) -> ag.Tensor:
        """Mean of what ``call`` gives; a subclass may know a shorter way to it."""
        return anp.mean(self.call(y_true, y_pred))

    def __call__(self, y_true, y_pred, sample_weight=None) -> ag.Tensor:
        """Loss of a batch.

        Parameters
        ----------
        y_true, y_pred : array_like or Tensor
            What is true, and what was predicted.
        sample_weight : array_like, optional
            Multiplies the loss of each sample.
        """
        if y_pred.__class__ is not ag.Tensor:
            y_pred = _tensor(y_pred)
        if y_true.__class__ is not ag.Tensor:
            y_true = _tensor(y_true)
        dtype = y_true.array.dtype
        if dtype.kind == "f" and dtype is not y_pred.array.dtype:
            y_true = y_true.astype(y_pred.dtype)  # float64 targets do not make the loss of float32 predictions float64
        reduction = self.reduction
        if sample_weight is None and reduction in ("sum_over_batch_size", "mean"):
            return self._mean(y_true, y_pred)
        losses = self.call(y_true, y_pred)
        if sample_weight is not None:
            sample_weight = _tensor(sample_weight, losses.dtype)
            if sample_weight.ndim > losses.ndim and sample_weight.shape[-1] == 1:
                sample_weight = anp.squeeze(sample_weight, -1)
            losses = losses * sample_weight
        if reduction in ("sum_over_batch_size", "mean"):
            return anp.mean(losses)
        if reduction == "sum":
            return anp.sum(losses)
        if reduction == "mean_with_sample_weight":
            return anp.mean(losses) if sample_weight is None else anp.sum(losses) / anp.sum(sample_weight)
        return losses


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
        **options: Any,
    ):
        super().__init__(name=name or getattr(fn, "__name__", None), reduction=reduction)
        self.fn = fn
        self.options = options

    def call(self, y_true, y_pred):
        losses = self.fn(y_true, y_pred, **self.options)
        return losses if isinstance(losses, ag.Tensor) else ag.convert_to_tensor(losses)


class MeanSquaredError(LossFunctionWrapper):
    """Mean of the squared differences: see ``mean_squared_error``."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error"):
        super().__init__(mean_squared_error, reduction, name)


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of true probabilities (one-hot rows) and predicted ones: see ``categorical_crossentropy``."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
    ):
        super().__init__(
            categorical_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels and predicted probabilities: see ``sparse_categorical_crossentropy``."""

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sparse_categorical_crossentropy",
    ):
        super().__init__(sparse_categorical_crossentropy, reduction, name, from_logits=from_logits)

    def _mean(self, y_true, y_pred):
        if type(self).call is not LossFunctionWrapper.call:  # a subclass has its own
            return super()._mean(y_true, y_pred)
        return _sparse(y_true, y_pred, self.options["from_logits"], "mean")


_KNOWN = {
    "CategoricalCrossentropy": CategoricalCrossentropy,
    "MeanSquaredError": MeanSquaredError,
    "SparseCategoricalCrossentropy": SparseCategoricalCrossentropy,
    "mse": MeanSquaredError,
}


def get(identifier: str | Loss | type[Loss] | Callable[..., Any]) -> Loss:
    """Loss for a name (``"mse"``, ``"sparse_categorical_crossentropy"``), a class, or a function of two arguments.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    return chosen("loss", identifier, Loss, _KNOWN, LossFunctionWrapper)


# -- what they share -------------------------------------------------------------------------------------------------


def class_numbers(asked: str, y_true, shape: tuple[int, ...]):
    """Labels as an array of integers of the shape that predictions of ``shape`` leave without their last axis."""
    labels = y_true.array if isinstance(y_true, (ag.Tensor, ag.Variable)) else np.asarray(y_true)
    expected = shape[:-1]
    if labels.shape != expected:
        if labels.shape != (*expected, 1):
            raise ag.ShapeError(
                f"{asked}: y_true has shape {labels.shape}, y_pred {shape}; expected one label per row of y_pred, "
                f"shape {expected}."
                + (" For one-hot rows use categorical_crossentropy." if labels.shape == shape else "")
            )
        labels = labels[..., 0]
    if labels.dtype.kind in "iu":
        return labels
    whole = labels.astype(np.int64)
    if labels.dtype.kind != "b" and not np.array_equal(whole, labels):
        raise ag.DomainError(f"{asked}: labels must be whole numbers, 0 to {shape[-1] - 1}; got dtype {labels.dtype}.")
    return whole


def _logits(y_pred: ag.Tensor, from_logits: bool) -> ag.Tensor:
    """Logits whose softmax is ``y_pred``: those it was made from if it says so, otherwise its logarithm."""
    source = logits_of(y_pred)
    if from_logits:
        if source is not None:
            warnings.warn(
                "cross-entropy with from_logits=True, but y_pred is the result of a softmax: leave the softmax out, or "
                "from_logits.",
                UserWarning,
                stacklevel=5,
            )
        return y_pred
    if source is not None:
        return source
    return anp.log(anp.clip(y_pred, EPSILON, 1.0 - EPSILON))


def _tensor(value, dtype=None) -> ag.Tensor:
    if value.__class__ is not ag.Tensor:
        value = ag.convert_to_tensor(value)
    return value if dtype is None or value.array.dtype is dtype else value.astype(dtype)


def _alike(asked: str, y_true, y_pred):
    """Both as Tensors of the dtype and the shape of the prediction."""
    y_pred = _tensor(y_pred)
    if y_pred.dtype.kind not in "fc":
        y_pred = y_pred.astype("float32")
    y_true = _tensor(y_true, y_pred.dtype)
    if y_true.shape != y_pred.shape:
        # (n,) against (n, 1) would broadcast to (n, n) without a word.
        if y_true.shape == (*y_pred.shape, 1) or y_pred.shape == (*y_true.shape, 1):
            y_true = anp.reshape(y_true, y_pred.shape)
        else:
            raise ag.ShapeError(
                f"{asked}: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same."
            )
    return y_true, y_pred
