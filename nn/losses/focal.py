"""Cross-entropies that heed what is hard: samples that are already predicted well count for little.

References
----------
Lin, Goyal, Girshick, He & Dollar (2017), "Focal loss for dense object detection".
Zhang & Sabuncu (2018), "Generalized cross entropy loss for training deep neural networks with noisy labels".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .base import LossFunctionWrapper, alike, tensor
from .crossentropy import class_numbers, classes_alike, shares, smoothed, yes_no


def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
):
    """Mean over an axis of ``(1 - p)**gamma * -log(p)``, where p is the probability given to the true answer.

    Parameters
    ----------
    y_true, y_pred, from_logits, label_smoothing, axis
        As for ``binary_crossentropy``.
    apply_class_balancing : bool
        Weigh answers that are 1 with ``alpha``, those that are 0 with ``1 - alpha``.
    alpha : float
    gamma : float
        0 is plain cross-entropy.

    Returns
    -------
    Tensor, shape (...)
    """
    y_true, y_pred = alike("binary_focal_crossentropy", y_true, y_pred)
    y_true = smoothed("binary_focal_crossentropy", y_true, label_smoothing, 2)
    if from_logits:
        y_pred = anp.sigmoid(y_pred)
    missing = 1.0 - (y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred))
    losses = missing**gamma * yes_no(y_true, y_pred)
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return anp.mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true,
    y_pred,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
):
    """``sum(alpha * (1 - y_pred)**gamma * -y_true * log(y_pred))`` over the classes, ``y_pred`` divided by its sum.

    Parameters
    ----------
    y_true, y_pred, from_logits, label_smoothing, axis
        As for ``categorical_crossentropy``.
    alpha : float, or one for each class
    gamma : float
        0 is cross-entropy, times alpha.

    Returns
    -------
    Tensor, shape (...)
    """
    y_true, y_pred = classes_alike("categorical_focal_crossentropy", y_true, y_pred, label_smoothing)
    p = shares(anp.softmax(y_pred, axis=axis) if from_logits else y_pred, axis)
    weights = alpha if isinstance(alpha, (int, float)) else tensor(alpha, y_pred.dtype)
    return anp.sum((1.0 - p) ** gamma * weights * (-y_true * anp.log(p)), axis=axis)


def categorical_generalized_cross_entropy(y_true, y_pred, q: float):
    """``(1 - p**q) / q``, where p is the probability given to the label: less harmed by wrong labels.

    Parameters
    ----------
    y_true : array_like of int, shape (...)
        Labels.
    y_pred : array_like or Tensor, shape (..., classes)
        Probabilities.
    q : float
        Between 0 (where it becomes cross-entropy) and 1.

    Returns
    -------
    Tensor, shape (...)
    """
    asked = "categorical_generalized_cross_entropy"
    if not 0 < q < 1:
        raise ag.DomainError(f"{asked}: q is {q}; expected a number between 0 and 1.")
    y_pred = tensor(y_pred)
    labels = class_numbers(asked, y_true, y_pred.shape)
    p = anp.sum(y_pred * anp.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype), axis=-1)
    return (1.0 - p**q) / q


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of yes and no that heeds what is hard: see ``binary_focal_crossentropy``."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ):
        options = {
            "apply_class_balancing": apply_class_balancing,
            "alpha": alpha,
            "gamma": gamma,
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **options)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of classes that heeds what is hard: see ``categorical_focal_crossentropy``."""

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ):
        options = {
            "alpha": alpha,
            "gamma": gamma,
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, **options)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Cross-entropy of labels of which some are wrong: see ``categorical_generalized_cross_entropy``."""

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ):
        if not 0 < q < 1:
            raise ag.DomainError(f"{type(self).__name__}: q is {q}; expected a number between 0 and 1.")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
