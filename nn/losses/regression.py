"""Losses for numbers: how far off a prediction is."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .base import EPSILON, LossFunctionWrapper, alike


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
    y_true, y_pred = alike("mean_squared_error", y_true, y_pred)
    return anp.mean(anp.square(anp.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_error(y_true, y_pred):
    """``mean(abs(y_true - y_pred))`` over the last axis. Shapes as for ``mean_squared_error``."""
    y_true, y_pred = alike("mean_absolute_error", y_true, y_pred)
    return anp.mean(anp.abs(anp.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_percentage_error(y_true, y_pred):
    """``100 * mean(abs((y_true - y_pred) / y_true))`` over the last axis; a ``y_true`` nearer to 0 counts as 1e-7."""
    y_true, y_pred = alike("mean_absolute_percentage_error", y_true, y_pred)
    parts = anp.abs(anp.subtract(y_true, y_pred) / anp.maximum(anp.abs(y_true), EPSILON))
    return 100.0 * anp.mean(parts, axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """``mean((log(y_true + 1) - log(y_pred + 1))**2)`` over the last axis; what is below 1e-7 counts as 1e-7."""
    y_true, y_pred = alike("mean_squared_logarithmic_error", y_true, y_pred)
    ratio = anp.log1p(anp.maximum(y_pred, EPSILON)) - anp.log1p(anp.maximum(y_true, EPSILON))
    return anp.mean(anp.square(ratio), axis=-1)


def half_sum_of_squares(y_true, y_pred):
    """``0.5 * sum((y_true - y_pred)**2)`` over the last axis: its gradient is the error itself. Not in Keras.

    Examples
    --------
    >>> half_sum_of_squares([0.0, 1.0], [0.5, 0.5]).item()
    0.25
    """
    y_true, y_pred = alike("half_sum_of_squares", y_true, y_pred)
    return 0.5 * anp.sum(anp.square(anp.subtract(y_pred, y_true)), axis=-1)


def huber(y_true, y_pred, delta: float = 1.0):
    """Mean over the last axis of ``error**2 / 2``, which goes on as a straight line where the error is above ``delta``.

    References
    ----------
    Huber (1964), "Robust estimation of a location parameter".
    """
    if not delta > 0:
        raise ag.DomainError(f"huber: delta is {delta}; expected a number above 0, where the straight line begins.")
    y_true, y_pred = alike("huber", y_true, y_pred)
    error = anp.subtract(y_pred, y_true)
    size = anp.abs(error)
    near, far = 0.5 * anp.square(error), delta * size - 0.5 * delta * delta
    return anp.mean(anp.where(anp.less_equal(size, delta), near, far), axis=-1)


def log_cosh(y_true, y_pred):
    """``mean(log(cosh(y_pred - y_true)))`` over the last axis: like a half of the square for small errors, then linear.

    cosh itself overflows at errors of 90 in float32; this does not.
    """
    y_true, y_pred = alike("log_cosh", y_true, y_pred)
    error = anp.subtract(y_pred, y_true)
    return anp.mean(anp.logaddexp(error, -error) - math.log(2.0), axis=-1)


def cosine_similarity(y_true, y_pred, axis: int = -1):
    """Cosine of the angle between the vectors along ``axis``, negated: -1 is the same direction.

    The vectors are divided by their lengths, or by 1e-7 if they are shorter: with a vector of zeros the result is 0.
    """
    y_true, y_pred = alike("cosine_similarity", y_true, y_pred)
    return -anp.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def _unit(x, axis):
    # The limit is put under the root, so that the gradient at a vector of zeros is finite.
    return x / anp.sqrt(anp.maximum(anp.sum(anp.square(x), axis=axis, keepdims=True), EPSILON**2))


class MeanSquaredError(LossFunctionWrapper):
    """Mean of the squared differences: see ``mean_squared_error``."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """Mean of the sizes of the differences: see ``mean_absolute_error``."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """Mean of the differences in percent of what is true: see ``mean_absolute_percentage_error``."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """Mean of the squared differences of logarithms: see ``mean_squared_logarithmic_error``."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class HalfSumOfSquares(LossFunctionWrapper):
    """Half the sum of the squared differences: see ``half_sum_of_squares``."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "half_sum_of_squares", dtype: Any = None
    ):
        super().__init__(half_sum_of_squares, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """Squared where the error is small, straight where it is large: see ``huber``."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """Logarithm of the hyperbolic cosine of the error: see ``log_cosh``."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None):
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between vectors: see ``cosine_similarity``."""

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
