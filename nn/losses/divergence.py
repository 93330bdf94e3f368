"""Losses between distributions, and for counts."""

from __future__ import annotations

from typing import Any

import autograd_core.numpy as anp

from .base import EPSILON, LossFunctionWrapper, alike


def kl_divergence(y_true, y_pred):
    """``sum(y_true * log(y_true / y_pred))`` over the last axis, in nats; both limited to 1e-7 ... 1.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, of one shape (..., n)
        Probabilities.

    Returns
    -------
    Tensor, shape (...)
    """
    y_true, y_pred = alike("kl_divergence", y_true, y_pred)
    y_true, y_pred = anp.clip(y_true, EPSILON, 1.0), anp.clip(y_pred, EPSILON, 1.0)
    return anp.sum(y_true * anp.log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """``mean(y_pred - y_true * log(y_pred + 1e-7))`` over the last axis.

    Up to a constant, minus the log-likelihood of the counts ``y_true`` if ``y_pred`` are their expected values.
    """
    y_true, y_pred = alike("poisson", y_true, y_pred)
    return anp.mean(y_pred - y_true * anp.log(y_pred + EPSILON), axis=-1)


class KLDivergence(LossFunctionWrapper):
    """Kullback-Leibler divergence of the predicted distribution from the true one: see ``kl_divergence``."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype: Any = None):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """For counts: see ``poisson``."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype: Any = None):
        super().__init__(poisson, reduction, name, dtype)
