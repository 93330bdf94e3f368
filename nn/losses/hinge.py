"""Losses that ask for a margin: a prediction on the right side by 1 costs nothing."""

from __future__ import annotations

from typing import Any

import autograd_core.numpy as anp

from .base import LossFunctionWrapper, alike


def hinge(y_true, y_pred):
    """``mean(maximum(1 - y_true * y_pred, 0))`` over the last axis.

    Parameters
    ----------
    y_true : array_like, shape (..., n)
        -1 or 1. If all are 0 or 1, 0 stands for -1.
    y_pred : array_like or Tensor, shape (..., n)

    Returns
    -------
    Tensor, shape (...)
    """
    return anp.mean(_shortfall("hinge", y_true, y_pred), axis=-1)


def squared_hinge(y_true, y_pred):
    """``mean(maximum(1 - y_true * y_pred, 0)**2)`` over the last axis; arguments as for ``hinge``."""
    return anp.mean(anp.square(_shortfall("squared_hinge", y_true, y_pred)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """``maximum(neg - pos + 1, 0)``: pos is the prediction for the true class, neg the largest of the others.

    Parameters
    ----------
    y_true : array_like, shape (..., classes)
        One-hot.
    y_pred : array_like or Tensor, shape (..., classes)

    Returns
    -------
    Tensor, shape (...)
    """
    y_true, y_pred = alike("categorical_hinge", y_true, y_pred, " y_true must be one-hot: see utils.to_categorical.")
    true = anp.sum(y_true * y_pred, axis=-1)
    other = anp.max((1.0 - y_true) * y_pred, axis=-1)
    return anp.maximum(other - true + 1.0, 0.0)


def _shortfall(asked: str, y_true, y_pred):
    y_true, y_pred = alike(asked, y_true, y_pred)
    zeros_and_ones = anp.all(anp.logical_or(anp.equal(y_true, 0), anp.equal(y_true, 1)))
    y_true = anp.where(zeros_and_ones, 2.0 * y_true - 1.0, y_true)
    return anp.maximum(1.0 - y_true * y_pred, 0.0)


class Hinge(LossFunctionWrapper):
    """What is missing to a margin of 1: see ``hinge``."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: Any = None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """The square of what is missing to a margin of 1: see ``squared_hinge``."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """What the true class lacks to be 1 above all others: see ``categorical_hinge``."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None
    ):
        super().__init__(categorical_hinge, reduction, name, dtype)
