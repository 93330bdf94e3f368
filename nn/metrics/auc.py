"""AUC: the area under a curve that goes through all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .base import array_of, ratio, untracked
from .confusion import Counting
from .counting import checked_thresholds

EPSILON = 1e-7
_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "minoring", "majoring")


class AUC(Counting):
    """Area under the curve, approximated by a sum over thresholds.

    Parameters
    ----------
    num_thresholds : int
        More are more exact.
    curve : {"ROC", "PR", "PRGAIN"}
        True against false positive rate, precision against recall, or their gains.
    summation_method : {"interpolation", "minoring", "majoring"}
        Between two thresholds take the mean height, the lower or the higher one. For "PR" with "interpolation" it is
        precision that is interpolated, between true positives.
    thresholds : sequence of float, optional
        In place of ``num_thresholds`` evenly spaced ones; one below 0 and one above 1 are added.
    multi_label : bool
        The area for each entry of the last axis, then their mean.
    num_labels : int, optional
        With ``multi_label``: the length of that axis, if what is collected should be made at once.
    label_weights : sequence of float, optional
        For that mean; without ``multi_label``, for the counts.
    from_logits : bool
        Predictions are put through a sigmoid first.

    References
    ----------
    Davis & Goadrich (2006), "The relationship between precision-recall and ROC curves".
    Flach & Kull (2015), "Precision-recall-gain curves".
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        if thresholds is None and num_thresholds <= 1:
            raise ag.DomainError(f"AUC: num_thresholds is {num_thresholds}; expected at least 2.")
        if num_labels and not multi_label:
            raise ag.StructureError(f"AUC: num_labels is {num_labels}; it is for multi_label=True only.")
        inner = (
            [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
            if thresholds is None
            else sorted(checked_thresholds("AUC", thresholds, 0.5))
        )
        super().__init__(name, dtype, [-EPSILON, *inner, 1.0 + EPSILON])
        self.curve = _one_of("curve", curve.upper(), _CURVES, curve)
        self.summation_method = _one_of("summation_method", summation_method.lower(), _METHODS, summation_method)
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.label_weights = None if label_weights is None else array_of(label_weights).astype(np.float64)
        self.from_logits = from_logits
        self._options = {"multi_label": multi_label}
        if not multi_label:
            self._options["label_weights"] = self.label_weights
            self._collect()
        elif num_labels:
            self._collect(num_labels)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        y_pred = anp.sigmoid(untracked(y_pred)) if self.from_logits else untracked(y_pred)
        if self.multi_label:
            if y_pred.ndim != 2:
                raise ag.ShapeError(
                    f"AUC: y_pred has shape {y_pred.shape}; with multi_label=True expected (samples, labels)."
                )
            if not self._variables:
                self._collect(y_pred.shape[1])
        super().update_state(y_true, y_pred, sample_weight)

    def result(self) -> ag.Tensor:
        if not self._variables:
            return ag.Tensor(np.zeros(()), None)
        areas = self._interpolated_precision() if self._interpolates_precision else self._under_curve()
        if not self.multi_label:
            return ag.Tensor(areas, None)
        if self.label_weights is None:
            return ag.Tensor(np.mean(areas), None)
        return ag.Tensor(ratio(np.sum(areas * self.label_weights), np.sum(self.label_weights)), None)

    @property
    def _interpolates_precision(self) -> bool:
        return self.curve == "PR" and self.summation_method == "interpolation"

    def _under_curve(self) -> np.ndarray:
        x, y = {"ROC": self._roc, "PR": self._precision_recall, "PRGAIN": self._gains}[self.curve]()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            heights = (np.minimum if self.summation_method == "minoring" else np.maximum)(y[:-1], y[1:])
        return np.sum((x[:-1] - x[1:]) * heights, axis=0)

    def _roc(self) -> tuple[np.ndarray, np.ndarray]:
        return self._share("false_positives", "true_negatives"), self._share("true_positives", "false_negatives")

    def _precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        return self._share("true_positives", "false_negatives"), self._share("true_positives", "false_positives")

    def _gains(self) -> tuple[np.ndarray, np.ndarray]:
        """Recall gain and precision gain: 0 is what a guess that everything is positive would have."""
        tp, fp = self.true_positives.array, self.false_positives.array
        fn, tn = self.false_negatives.array, self.true_negatives.array
        odds = ratio(tp + fn, tn + fp)
        recall = np.where(tp == 0, 0.0, 1 - odds * ratio(fn, tp))
        precision = np.where(tp == 0, 1.0, 1 - odds * ratio(fp, tp))
        return np.maximum(recall, 0.0), precision

    def _interpolated_precision(self) -> np.ndarray:
        """Davis & Goadrich: between two thresholds, true positives grow in proportion to all positives."""
        tp, fn = self.true_positives.array, self.false_negatives.array
        positives = tp + self.false_positives.array
        more_true = tp[:-1] - tp[1:]
        slope = ratio(more_true, np.maximum(positives[:-1] - positives[1:], 0))
        intercept = tp[1:] - slope * positives[1:]
        grown = np.where((positives[:-1] > 0) & (positives[1:] > 0), ratio(positives[:-1], positives[1:]), 1.0)
        return np.sum(ratio(slope * (more_true + intercept * np.log(grown)), np.maximum(tp[1:] + fn[1:], 0)), axis=0)


def _one_of(what: str, value: str, known: tuple[str, ...], given: str) -> str:
    if value not in known:
        raise ag.DomainError(f"AUC: {what} is {given!r}; expected one of {known}.")
    return value
