"""Losses for masks of images: how little the predicted region and the true one overlap."""

from __future__ import annotations

from typing import Any

import autograd_core.numpy as anp

from .base import EPSILON, LossFunctionWrapper, alike

Axes = int | tuple[int, ...] | None


def dice(y_true, y_pred, axis: Axes = None):
    """``1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))``.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, of one shape
        From 0 to 1.
    axis : int, tuple of int or None
        Axes summed over; None sums over all of them, also over the samples.

    Returns
    -------
    Tensor; the shape without ``axis``
    """
    y_true, y_pred = alike("dice", y_true, y_pred)
    axis = _hashable(axis)
    both = anp.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * both / (anp.sum(y_true, axis=axis) + anp.sum(y_pred, axis=axis) + EPSILON)


def tversky(y_true, y_pred, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None):
    """``1 - both / (both + alpha * missed + beta * invented)``, where ``both`` is ``sum(y_true * y_pred)``.

    Parameters
    ----------
    y_true, y_pred, axis
        As for ``dice``.
    alpha, beta : float
        Weights of what is true but was not predicted, and of what was predicted but is not true. Both 0.5: ``dice``.
    """
    y_true, y_pred = alike("tversky", y_true, y_pred)
    axis = _hashable(axis)
    both = anp.sum(y_true * y_pred, axis=axis)
    missed = anp.sum((1.0 - y_pred) * y_true, axis=axis)
    invented = anp.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + missed * alpha + invented * beta + EPSILON)


def _hashable(axis):
    return tuple(axis) if isinstance(axis, list) else axis


class Dice(LossFunctionWrapper):
    """What two regions do not share: see ``dice``."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Axes = None,
        dtype: Any = None,
    ):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """What two regions do not share, with weights for the two kinds of mistake: see ``tversky``."""

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axes = None,
        dtype: Any = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
