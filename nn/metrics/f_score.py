"""F-scores: precision and recall in one number, for each class."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from .base import Metric, array_of, floats_of, grow

EPSILON = 1e-7
_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """Weighted harmonic mean of precision and recall.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives one number per class; "micro" counts over all classes, "macro" is the mean over the classes,
        "weighted" the mean weighted with how often each class is true.
    beta : float
        How many times more recall counts than precision.
    threshold : float, optional
        Predictions above it are positive; if None, the largest of each sample.

    Attributes
    ----------
    variables : list of Variable
        Made when the first batch tells how many classes there are.
    """

    true_positives: ag.Variable
    false_positives: ag.Variable
    false_negatives: ag.Variable
    intermediate_weights: ag.Variable

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        asked = type(self).__name__
        if average not in _AVERAGES:
            raise ag.DomainError(f"{asked}: average is {average!r}; expected one of {_AVERAGES}.")
        if not beta > 0:
            raise ag.DomainError(f"{asked}: beta is {beta!r}; expected a number above 0.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ag.DomainError(f"{asked}: threshold is {threshold!r}; expected a number above 0, up to 1.")
        super().__init__(dtype, name)
        self.average = average
        self.beta = float(beta)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in a batch.

        Parameters
        ----------
        y_true, y_pred : array_like or Tensor, shape (samples, classes)
            0 or 1, one-hot or not; probabilities.
        sample_weight : array_like, shape (samples,), optional
        """
        y_true, y_pred = array_of(y_true).astype(np.float64), floats_of(y_pred)
        if y_true.ndim != 2 or y_true.shape != y_pred.shape:
            raise ag.ShapeError(
                f"{type(self).__name__}: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; expected (samples, "
                "classes) for both. Labels need to_categorical first."
            )
        if not self._variables:
            shape = () if self.average == "micro" else (y_true.shape[1],)
            for kind in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
                setattr(self, kind, self.add_variable(shape, name=kind))
        says = self._positive(y_pred).astype(np.float64)
        weights = np.ones(()) if sample_weight is None else floats_of(sample_weight).reshape(-1, 1)
        grow(self.true_positives, self._sum(says * y_true * weights))
        grow(self.false_positives, self._sum(says * (1 - y_true) * weights))
        grow(self.false_negatives, self._sum((1 - says) * y_true * weights))
        grow(self.intermediate_weights, self._sum(y_true * weights))

    def _positive(self, y_pred: np.ndarray) -> np.ndarray:
        if self.threshold is not None:
            return y_pred > self.threshold
        return (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)  # nothing in a row of zeros

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return values.sum(axis=None if self.average == "micro" else 0)

    def result(self) -> ag.Tensor:
        if not self._variables:
            return ag.Tensor(np.zeros(()), None)
        hits = self.true_positives.array
        precision = hits / (hits + self.false_positives.array + EPSILON)
        recall = hits / (hits + self.false_negatives.array + EPSILON)
        squared = self.beta**2
        score = precision * recall / (squared * precision + recall + EPSILON) * (1 + squared)
        if self.average == "weighted":
            weights = self.intermediate_weights.array
            score = np.sum(score * (weights / (np.sum(weights) + EPSILON)))
        elif self.average is not None:
            score = np.mean(score)
        return ag.Tensor(score, None)


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall; arguments as for ``FBetaScore``."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)
