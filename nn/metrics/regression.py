"""Metrics for numbers, beyond the means of losses: root mean squared error, R squared, correlations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Mean, MeanMetricWrapper, Metric, floats_of, grow, of_one_rank

EPSILON = 1e-7


class RootMeanSquaredError(Mean):
    """Root of the mean of the squared differences over all samples (not the mean of roots)."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:  # type: ignore[override]
        y_true, y_pred = of_one_rank(self.name, floats_of(y_true), floats_of(y_pred))
        super().update_state(np.square(y_pred - y_true.astype(y_pred.dtype, copy=False)), sample_weight)

    def result(self) -> ag.Tensor:
        return ag.Tensor(np.sqrt(super().result().array), None)


class R2Score(Metric):
    """Coefficient of determination: 1 - (squared errors) / (squared deviations from the mean).

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        Over several outputs: their mean, their mean weighted with their variances, or none: one number for each.
    num_regressors : int
        If not 0, the adjusted score for this number of independent variables.
    """

    squared_sum: ag.Variable
    sum: ag.Variable
    total_mse: ag.Variable
    count: ag.Variable

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ):
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ag.DomainError(f"R2Score: class_aggregation is {class_aggregation!r}; expected one of {known}.")
        if num_regressors < 0:
            raise ag.DomainError(f"R2Score: num_regressors is {num_regressors}; expected 0 or more.")
        super().__init__(dtype, name)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable(name="num_samples")
        self._built = False

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in a batch.

        Parameters
        ----------
        y_true, y_pred : array_like or Tensor, shape (samples, outputs)
        sample_weight : array_like, optional
            One for each sample, or for each entry.
        """
        y_true, y_pred = of_one_rank("R2Score", floats_of(y_true), floats_of(y_pred))
        if y_true.ndim != 2:
            raise ag.ShapeError(
                f"R2Score: y_true and y_pred have shape {y_true.shape}; expected (samples, outputs). For one output "
                "reshape to (-1, 1)."
            )
        if not self._built:
            for name in ("squared_sum", "sum", "total_mse", "count"):
                setattr(self, name, self.add_variable((y_true.shape[1],), name=name))
            self._built = True
        y_true = y_true.astype(np.float64)
        weights: Any = np.float64(1) if sample_weight is None else floats_of(sample_weight).astype(np.float64)
        weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, y_true.shape)
        grow(self.sum, (y_true * weights).sum(axis=0))
        grow(self.squared_sum, (y_true * y_true * weights).sum(axis=0))
        grow(self.total_mse, (np.square(y_true - y_pred) * weights).sum(axis=0))
        grow(self.count, weights.sum(axis=0))
        grow(self.num_samples, y_true.size)

    def result(self) -> ag.Tensor:
        if not self._built:
            return ag.Tensor(np.zeros(()), None)
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self.squared_sum.array - self.sum.array * (self.sum.array / self.count.array)
            scores = 1 - self.total_mse.array / total
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = np.mean(scores)
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.sum(total * scores) / np.sum(total)
        return ag.Tensor(self._adjusted(np.asarray(scores)), None)

    def _adjusted(self, score: np.ndarray) -> np.ndarray:
        if not self.num_regressors:
            return score
        left = float(self.num_samples.array) - self.num_regressors - 1
        if left <= 0:
            warnings.warn(
                f"R2Score: {self.num_regressors} independent variables need more than {self.num_regressors + 1} "
                "samples for an adjusted score; this is the plain one.",
                stacklevel=3,
            )
            return score
        return 1 - (1 - score) * (self.num_samples.array - 1) / left


def pearson_correlation(y_true, y_pred, axis: int = -1) -> ag.Tensor:
    """Correlation coefficient of ``y_true`` and ``y_pred`` along an axis."""
    y_true, y_pred = of_one_rank("pearson_correlation", floats_of(y_true), floats_of(y_pred))
    with np.errstate(divide="ignore", invalid="ignore"):
        return ag.Tensor(np.mean(_standardized(y_true, axis) * _standardized(y_pred, axis), axis=axis), None)


def _standardized(x: np.ndarray, axis: int) -> np.ndarray:
    x = x - x.mean(axis=axis, keepdims=True)
    return x / x.std(axis=axis, keepdims=True)


def concordance_correlation(y_true, y_pred, axis: int = -1) -> ag.Tensor:
    """Correlation that also counts a shift or another scale as disagreement, along an axis.

    References
    ----------
    Lin (1989), "A concordance correlation coefficient to evaluate reproducibility".
    """
    y_true, y_pred = of_one_rank("concordance_correlation", floats_of(y_true), floats_of(y_pred))
    true_mean, mean = y_true.mean(axis=axis, keepdims=True), y_pred.mean(axis=axis, keepdims=True)
    # Keras's formula: the mean of the predictions is taken off both, which changes nothing in the sum.
    together = (y_true - mean) * (y_pred - mean)
    spread = y_true.var(axis=axis, keepdims=True) + y_pred.var(axis=axis, keepdims=True)
    return ag.Tensor(np.mean(2 * together / (spread + np.square(true_mean - mean) + EPSILON), axis=axis), None)


class PearsonCorrelation(MeanMetricWrapper):
    """Mean of the correlation coefficients of the samples, each along ``axis``: see ``pearson_correlation``."""

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean of the coefficients of the samples, each along ``axis``: see ``concordance_correlation``."""

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
