"""Cross-entropies: of classes (one-hot or as labels) and of yes and no.

**From logits, without being asked.** ``-log(softmax(z))`` loses digits and overflows if it is computed in two steps. A
Tensor's Node says how the Tensor was made; if that is a softmax over the last axis, the cross-entropies of classes go
back to its logits ``z`` and compute both in one, stably; the cross-entropy of yes and no does the same with a sigmoid.
(``nn.activations.softmax`` makes such a Node also where no tape is recording.) Two consequences: the loss does not
depend on the probabilities any more but on the logits, so ``tape.gradient(loss, probabilities)`` is None unless the
probabilities were watched as constants; and a changed copy (``p * 1.0``, ``p.copy()``) is taken as it is. Probabilities
from elsewhere are divided by their sum and limited to 1e-7 ... 1 - 1e-7, as in Keras.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from ..activations import logits_of
from .base import EPSILON, LossFunctionWrapper, alike, check_smoothing, tensor

_NOT_ONE_HOT = " Labels given as integers need sparse_categorical_crossentropy, or to_categorical first."


# -- functions: one number per sample --------------------------------------------------------------------------------


def categorical_crossentropy(y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1):
    """``-sum(y_true * log(y_pred))`` over the classes, with ``y_pred`` divided by its sum first.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (..., classes)
        Probabilities, as a rule one-hot.
    y_pred : array_like or Tensor, shape (..., classes)
        Probabilities, or logits with ``from_logits``.
    label_smoothing : float
        From 0 to 1: this part of the true probability is spread over all classes.
    axis : int
        The axis of the classes.

    Returns
    -------
    Tensor, shape (...)
    """
    asked = "categorical_crossentropy"
    y_true, y_pred = classes_alike(asked, y_true, y_pred, label_smoothing)
    logits = _logits(y_pred, from_logits, axis)
    if logits is not None:
        return anp.softmax_cross_entropy(y_true, logits, axis)
    return -anp.sum(y_true * anp.log(shares(y_pred, axis)), axis=axis)


def sparse_categorical_crossentropy(
    y_true, y_pred, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
):
    """``-log(y_pred[label])``, with ``y_pred`` divided by its sum first.

    Parameters
    ----------
    y_true : array_like of int, shape (...) or (..., 1)
        Labels, 0 to classes - 1.
    y_pred : array_like or Tensor, shape (..., classes)
        Probabilities, or logits with ``from_logits``.
    ignore_class : int, optional
        Samples with this label cost 0; it may be out of range. The object leaves them out of the mean as well.
    axis : int
        The axis of the classes.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    DomainError
        For a label that is not a whole number, or out of range.
    """
    return _sparse(y_true, y_pred, from_logits, "none", ignore_class, axis)


def _sparse(y_true, y_pred, from_logits: bool, reduction: str, ignore_class: int | None = None, axis: int = -1):
    if y_pred.__class__ is not ag.Tensor:
        y_pred = tensor(y_pred)
    labels, shape = y_true, y_pred.array.shape
    fits = y_true.__class__ is ag.Tensor and y_true.array.dtype.kind in "iu" and y_true.array.shape == shape[:-1]
    if not fits or axis != -1:
        labels = class_numbers("sparse_categorical_crossentropy", y_true, shape, axis)
        if y_true.__class__ is ag.Tensor:
            labels = ag.Tensor(labels, None)  # not the user's array: it need not be copied
    if ignore_class is not None:
        labels = tensor(labels)
        kept = anp.not_equal(labels, ignore_class)
        if not from_logits and _logits(y_pred, False, axis) is None:
            # A row of zeros, which may stand where nothing counts, would be divided by 0.
            y_pred = anp.where(anp.expand_dims(kept, axis), y_pred, 1.0)
        losses = _sparse(anp.where(kept, labels, 0).astype(labels.dtype), y_pred, from_logits, "none", axis=axis)
        return anp.where(kept, losses, 0.0)
    source = None if from_logits or axis not in (-1, len(shape) - 1) else logits_of(y_pred)
    if source is not None:
        return anp.sparse_softmax_cross_entropy(labels, source, -1, y_pred, reduction)
    if from_logits:
        return anp.sparse_softmax_cross_entropy(labels, _logits(y_pred, True, axis), axis, reduction=reduction)
    losses = -anp.log(_share_of_label(tensor(labels), y_pred, axis))
    if reduction == "none":
        return losses
    return anp.mean(losses) if losses.size else anp.sum(losses)


def _share_of_label(labels: ag.Tensor, y_pred: ag.Tensor, axis: int) -> ag.Tensor:
    labels = ag.tracing.checked(labels, partial(_check_range, y_pred.shape[axis]))
    if y_pred.dtype.kind not in "fc":
        y_pred = y_pred.astype("float32")
    chosen = anp.take_along_axis(y_pred, anp.expand_dims(labels, axis), axis=axis)
    return anp.clip(anp.squeeze(chosen, axis) / anp.sum(y_pred, axis=axis), EPSILON, 1.0 - EPSILON)


def _check_range(count: int, labels: Any) -> None:
    if labels.size and not (labels.min() >= 0 and labels.max() < count):
        wrong = np.unique(labels[(labels < 0) | (labels >= count)])[:5].tolist()
        raise ag.DomainError(
            f"sparse_categorical_crossentropy: y_true has labels {wrong}; there are {count} classes, so labels must be "
            f"0 to {count - 1}."
        )


def binary_crossentropy(y_true, y_pred, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1):
    """``mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))`` over an axis.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (..., n)
        Probabilities, as a rule 0 or 1.
    y_pred : array_like or Tensor, shape (..., n)
        Probabilities, or logits with ``from_logits``.
    from_logits : bool
    label_smoothing : float
        From 0 to 1: labels are moved by half of this towards 0.5.
    axis : int
        The axis that the mean goes over.

    Returns
    -------
    Tensor, shape (...)
    """
    logits = sigmoid_logits(y_pred, from_logits)
    y_true, y_pred = alike("binary_crossentropy", y_true, y_pred if logits is None else logits)
    y_true = smoothed("binary_crossentropy", y_true, label_smoothing, 2)
    if logits is not None:
        return anp.mean(anp.sigmoid_cross_entropy(y_true, y_pred), axis=axis)
    return anp.mean(yes_no(y_true, y_pred), axis=axis)


# -- objects ---------------------------------------------------------------------------------------------------------


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of true probabilities (one-hot rows) and predicted ones: see ``categorical_crossentropy``."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **options)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels and predicted probabilities: see ``sparse_categorical_crossentropy``."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **options)

    def _mean(self, y_true, y_pred):
        options = self.options
        own_call = type(self).call is not LossFunctionWrapper.call
        if own_call or options["ignore_class"] is not None or not y_pred.array.size:
            return super()._mean(y_true, y_pred)
        return _sparse(y_true, y_pred, options["from_logits"], "mean", None, options["axis"])

    def _counted(self, y_true):
        ignored = self.options["ignore_class"]
        if ignored is None:
            return None
        labels = tensor(y_true)
        labels = anp.squeeze(labels, -1) if labels.ndim > 1 and labels.shape[-1] == 1 else labels
        return anp.not_equal(labels, ignored)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of answers that are yes or no, each by itself: see ``binary_crossentropy``."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **options)


# -- what they share -------------------------------------------------------------------------------------------------


def class_numbers(asked: str, y_true, shape: tuple[int, ...], axis: int = -1) -> np.ndarray:
    """Labels as integers, of the shape that predictions of ``shape`` leave without the axis of the classes."""
    labels = y_true.array if isinstance(y_true, (ag.Tensor, ag.Variable)) else np.asarray(y_true)
    axis = axis + len(shape) if axis < 0 else axis
    expected = shape[:axis] + shape[axis + 1 :]
    if labels.shape != expected:
        if labels.shape != (*shape[:axis], 1, *shape[axis + 1 :]):
            raise ag.ShapeError(
                f"{asked}: y_true has shape {labels.shape}, y_pred {shape}; expected one label per row of y_pred, "
                f"shape {expected}."
                + (" For one-hot rows use categorical_crossentropy." if labels.shape == shape else "")
            )
        labels = np.squeeze(labels, axis) if ag.tracing.is_known(labels) else anp.squeeze(y_true, axis).array
    if labels.dtype.kind in "iu":
        return labels
    if not ag.tracing.is_known(labels):
        return ag.tracing.checked(ag.Tensor(labels, None), partial(_check_whole, asked, shape[axis])).astype(int).array
    whole = labels.astype(np.int64)
    _check_whole(asked, shape[axis], labels)
    return whole


def _check_whole(asked: str, count: int, labels: Any) -> None:
    if labels.dtype.kind != "b" and not np.array_equal(labels.astype(np.int64), labels):
        raise ag.DomainError(f"{asked}: labels must be whole numbers, 0 to {count - 1}; got dtype {labels.dtype}.")


def classes_alike(asked: str, y_true, y_pred, label_smoothing: float) -> tuple[ag.Tensor, ag.Tensor]:
    """Both as Tensors of one shape, the true probabilities smoothed."""
    y_true, y_pred = tensor(y_true), tensor(y_pred)
    given, expected = y_true.array.shape, y_pred.array.shape
    if given != expected:
        hint = _NOT_ONE_HOT if len(given) == len(expected) - 1 or given[-1:] == (1,) else ""
        raise ag.ShapeError(
            f"{asked}: y_true has shape {given}, y_pred {expected}; they must be the same: a probability for every "
            f"class.{hint}"
        )
    y_true, y_pred = alike(asked, y_true, y_pred)
    return smoothed(asked, y_true, label_smoothing, y_pred.shape[-1]), y_pred


def smoothed(asked: str, y_true, label_smoothing: float, classes: int):
    """True probabilities, ``label_smoothing`` of them spread evenly over the classes."""
    check_smoothing(asked, label_smoothing)
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


def shares(y_pred, axis: int):
    """Probabilities divided by their sum, and limited."""
    return anp.clip(y_pred / anp.sum(y_pred, axis=axis, keepdims=True), EPSILON, 1.0 - EPSILON)


def yes_no(y_true, y_pred):
    """Cross-entropy of each entry, from probabilities."""
    y_pred = anp.clip(y_pred, EPSILON, 1.0 - EPSILON)
    return -(y_true * anp.log(y_pred) + (1.0 - y_true) * anp.log(1.0 - y_pred))


def _logits(y_pred: ag.Tensor, from_logits: bool, axis: int) -> ag.Tensor | None:
    """Logits whose softmax over ``axis`` is ``y_pred``; None if they are not known."""
    source = logits_of(y_pred) if axis in (-1, y_pred.ndim - 1) else None
    if not from_logits:
        return source
    if source is not None:
        _warn_of_two("softmax")
    return y_pred


def sigmoid_logits(y_pred, from_logits: bool) -> ag.Tensor | None:
    """Logits whose sigmoid is ``y_pred``; None if they are not known."""
    source = _before_sigmoid(y_pred) if y_pred.__class__ is ag.Tensor else None
    if not from_logits:
        return source
    if source is not None:
        _warn_of_two("sigmoid")
    return tensor(y_pred)


def _before_sigmoid(probabilities: ag.Tensor) -> ag.Tensor | None:
    """What a sigmoid made ``probabilities`` from, under the conditions of ``logits_of``."""
    node = probabilities.node
    if node is None or node.primitive is None or node.primitive.name != "sigmoid":
        return None
    parent = node.parents[0]
    if parent is not None:
        tracked = parent.tapes is node.tapes or set(node.tapes) <= set(parent.tapes)
        return ag.Tensor(parent.value, parent) if tracked else None
    return ag.Tensor(node.args[0], None) if not node.tapes else None


def _warn_of_two(name: str) -> None:
    warnings.warn(
        f"cross-entropy with from_logits=True, but y_pred is the result of a {name}: leave the {name} out, or "
        "from_logits.",
        UserWarning,
        stacklevel=6,
    )
