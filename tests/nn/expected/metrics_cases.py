"""Metrics to compare with Keras: what is made, and the batches it is given. For ``make_metrics.py`` and for the tests.

``make(k)`` makes a metric from a namespace ``k``: Keras or ``nn``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

RANDOM = np.random.RandomState(1)
COUNT, CLASSES = 12, 4


def single(values):
    """Numbers that float32 has too, so that both precisions are given the same."""
    return np.asarray(values, np.float32).astype(np.float64)


TRUE, GUESS = single(RANDOM.normal(size=(COUNT, CLASSES))), single(RANDOM.normal(size=(COUNT, CLASSES)))
POSITIVE, COUNTS = np.abs(GUESS), np.floor(np.abs(2 * TRUE))
LABELS = RANDOM.randint(0, CLASSES, COUNT)
PREDICTED = np.where(RANDOM.uniform(size=COUNT) < 0.6, LABELS, RANDOM.randint(0, CLASSES, COUNT))
ONE_HOT = np.eye(CLASSES)[LABELS]
BITS = (RANDOM.uniform(size=(COUNT, CLASSES)) < 0.4) * 1.0
UNIT = single(np.clip(0.35 * BITS + RANDOM.uniform(size=(COUNT, CLASSES)) * 0.7, 0, 1))
UNIT[0] = [0.0, 1.0, 0.5, 0.25]  # on thresholds
SHARES = single(np.exp(GUESS + ONE_HOT) / np.exp(GUESS + ONE_HOT).sum(axis=1, keepdims=True))
IDS = np.argsort(-SHARES, axis=1)
STEPS_TRUE, STEPS = single(RANDOM.normal(size=(COUNT, 3, CLASSES))), single(RANDOM.normal(size=(COUNT, 3, CLASSES)))
STEP_LABELS = RANDOM.randint(0, CLASSES, (COUNT, 3))
WEIGHTS = single(RANDOM.uniform(size=COUNT))
WEIGHTS[3] = 0.0
WHOLE_WEIGHTS = RANDOM.randint(0, 4, COUNT)  # Keras counts overlaps in integers
LABEL_WEIGHTS = [1.0, 2.0, 0.5, 3.0]


@dataclass(frozen=True)
class Case:
    """A metric and what it is given, to be cut into batches."""

    name: str
    make: Callable[[Any], Any]
    args: tuple[np.ndarray, ...]
    weights: np.ndarray

    def __str__(self):
        return self.name


def of(name: str, what: str, *args, weights: Any = WEIGHTS, **options) -> Case:
    """A case of the metric of this name."""
    return Case(f"{name}, {what}", lambda k: getattr(k.metrics, name)(**options), args, weights)


AT_CONSTRAINT = ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision")

CASES = [
    of("Mean", "numbers", TRUE[:, 0]),
    of("Mean", "rows", TRUE),
    of("Mean", "rows and a weight for each number", TRUE, weights=POSITIVE),
    of("Sum", "numbers", TRUE[:, 0]),
    of("Sum", "rows", TRUE),
    of("Accuracy", "labels", LABELS, PREDICTED),
    of("Accuracy", "a column", LABELS, PREDICTED[:, None]),
    of("BinaryAccuracy", "bits", BITS, UNIT),
    of("BinaryAccuracy", "a column", BITS[:, 0], UNIT[:, :1]),
    of("BinaryAccuracy", "a threshold", BITS, UNIT, threshold=0.25),
    of("CategoricalAccuracy", "one-hot", ONE_HOT, SHARES),
    of("SparseCategoricalAccuracy", "labels", LABELS, SHARES),
    of("SparseCategoricalAccuracy", "a column", LABELS[:, None], SHARES),
    of("SparseCategoricalAccuracy", "steps", STEP_LABELS, STEPS),
    of("TopKCategoricalAccuracy", "2", ONE_HOT, SHARES, k=2),
    of("SparseTopKCategoricalAccuracy", "2", LABELS, SHARES, k=2),
    of("SparseTopKCategoricalAccuracy", "ties", LABELS, np.round(SHARES, 1), k=2),
    of("SparseTopKCategoricalAccuracy", "sorted", LABELS, IDS, k=2, from_sorted_ids=True),
    *(of(name, "bits", BITS, UNIT) for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")),
    *(of(name, "one threshold", BITS, UNIT, thresholds=0.25) for name in ("TruePositives", "FalseNegatives")),
    *(of(name, "thresholds", BITS, UNIT, thresholds=[0.8, 0.25, 0.5]) for name in ("FalsePositives", "TrueNegatives")),
    *(of(name, "even", BITS, UNIT, thresholds=[0.0, 0.5, 1.0]) for name in ("TruePositives", "TrueNegatives")),
    *(case for name in ("Precision", "Recall") for case in (
        of(name, "bits", BITS, UNIT),
        of(name, "numbers", BITS[:, 0], UNIT[:, 0]),
        of(name, "a column", BITS[:, 0], UNIT[:, :1]),
        of(name, "nothing found", BITS, UNIT, thresholds=1.0),
        of(name, "thresholds", BITS, UNIT, thresholds=[0.1, 0.7]),
        of(name, "even thresholds", BITS, UNIT, thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]),
        of(name, "top 2", BITS, UNIT, top_k=2),
        of(name, "class 1", BITS, UNIT, class_id=1),
        of(name, "top 2 of class 1 above 0.4", BITS, UNIT, top_k=2, class_id=1, thresholds=0.4),
        of(name, "a weight for each", BITS, UNIT, weights=POSITIVE),
    )),
    *(of("AUC", f"{curve} {method}", BITS, UNIT, curve=curve, summation_method=method)
      for curve in ("ROC", "PR", "PRGAIN") for method in ("interpolation", "minoring", "majoring")),
    of("AUC", "5 thresholds", BITS, UNIT, num_thresholds=5),
    of("AUC", "thresholds", BITS, UNIT, thresholds=[0.7, 0.25, 0.4]),
    of("AUC", "thresholds, PR", BITS, UNIT, thresholds=[0.7, 0.25, 0.4], curve="PR"),
    of("AUC", "even thresholds", BITS, UNIT, thresholds=[0.25, 0.5, 0.75]),
    of("AUC", "logits", BITS, 3 * GUESS, from_logits=True),
    of("AUC", "numbers", BITS[:, 0], UNIT[:, 0]),
    of("AUC", "labels", BITS, UNIT, multi_label=True, num_labels=CLASSES),
    of("AUC", "labels, PR", BITS, UNIT, multi_label=True, num_labels=CLASSES, curve="PR"),
    of("AUC", "weights for labels", BITS, UNIT, multi_label=True, num_labels=CLASSES, label_weights=LABEL_WEIGHTS),
    of("AUC", "weights for labels that are not apart", BITS, UNIT, label_weights=LABEL_WEIGHTS),
    of("AUC", "labels, thresholds", BITS, UNIT, multi_label=True, num_labels=CLASSES, thresholds=[0.3, 0.4]),
    *(case for name in AT_CONSTRAINT for case in (
        Case(f"{name}, 0.6", lambda k, name=name: getattr(k.metrics, name)(0.6), (BITS, UNIT), WEIGHTS),
        Case(f"{name}, class 1", lambda k, name=name: getattr(k.metrics, name)(0.7, 11, 1), (BITS, UNIT), WEIGHTS),
        Case(f"{name}, 1 threshold", lambda k, name=name: getattr(k.metrics, name)(0.2, 1), (BITS, UNIT), WEIGHTS),
    )),
    *(of("F1Score", str(average), BITS, UNIT, average=average) for average in (None, "micro", "macro", "weighted")),
    *(of("F1Score", f"{average}, 0.5", BITS, UNIT, average=average, threshold=0.5) for average in (None, "weighted")),
    of("F1Score", "one-hot", ONE_HOT, SHARES),
    of("FBetaScore", "2", BITS, UNIT, beta=2.0),
    of("FBetaScore", "0.5", BITS, UNIT, beta=0.5, average="macro", threshold=0.4),
    of("RootMeanSquaredError", "numbers", TRUE, GUESS),
    of("RootMeanSquaredError", "a column", TRUE[:, 0], GUESS[:, :1]),
    of("R2Score", "mean", TRUE, TRUE + 0.5 * GUESS),
    of("R2Score", "each", TRUE, TRUE + 0.5 * GUESS, class_aggregation=None),
    of("R2Score", "by variance", TRUE, TRUE + 0.5 * GUESS, class_aggregation="variance_weighted_average"),
    of("R2Score", "adjusted", TRUE, TRUE + 0.5 * GUESS, num_regressors=2),
    of("PearsonCorrelation", "rows", TRUE, TRUE + 0.5 * GUESS),
    of("ConcordanceCorrelation", "rows", TRUE, TRUE + 0.5 * GUESS),
    *(of(name, "numbers", TRUE, GUESS) for name in (
        "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "CosineSimilarity", "LogCoshError")),
    of("MeanSquaredError", "steps", STEPS_TRUE, STEPS),
    of("MeanAbsoluteError", "a column", TRUE[:, 0], GUESS[:, :1]),
    of("MeanSquaredLogarithmicError", "counts", COUNTS, POSITIVE),
    of("CosineSimilarity", "axis 1", STEPS_TRUE, STEPS, axis=1),
    of("Hinge", "bits", BITS, GUESS),
    of("SquaredHinge", "bits", BITS, GUESS),
    of("CategoricalHinge", "one-hot", ONE_HOT, GUESS),
    of("KLDivergence", "shares", SHARES[::-1], SHARES),
    of("Poisson", "counts", COUNTS, POSITIVE),
    of("BinaryCrossentropy", "bits", BITS, UNIT),
    of("BinaryCrossentropy", "logits", BITS, GUESS, from_logits=True, label_smoothing=0.1),
    of("CategoricalCrossentropy", "one-hot", ONE_HOT, SHARES),
    of("CategoricalCrossentropy", "logits", ONE_HOT, GUESS, from_logits=True, label_smoothing=0.1),
    of("SparseCategoricalCrossentropy", "labels", LABELS, SHARES),
    of("SparseCategoricalCrossentropy", "logits", LABELS, GUESS, from_logits=True),
    of("SparseCategoricalCrossentropy", "ignoring 1", LABELS, SHARES, ignore_class=1),
    of("IoU", "two of the classes", LABELS, PREDICTED, num_classes=CLASSES, target_class_ids=[0, 2],
       weights=WHOLE_WEIGHTS),
    of("IoU", "ignoring 1", LABELS, PREDICTED, num_classes=CLASSES, target_class_ids=[0, 2], ignore_class=1,
       weights=WHOLE_WEIGHTS),
    of("IoU", "scores", LABELS, SHARES, num_classes=CLASSES, target_class_ids=[0, 2], sparse_y_pred=False,
       weights=WHOLE_WEIGHTS),
    of("MeanIoU", "labels", LABELS, PREDICTED, num_classes=CLASSES, weights=WHOLE_WEIGHTS),
    of("MeanIoU", "a class that does not occur", LABELS, PREDICTED, num_classes=CLASSES + 1, weights=WHOLE_WEIGHTS),
    of("MeanIoU", "labels out of range", LABELS, PREDICTED, num_classes=CLASSES - 1, weights=WHOLE_WEIGHTS),
    of("BinaryIoU", "bits", BITS[:, 0], UNIT[:, 0], weights=WHOLE_WEIGHTS),
    of("BinaryIoU", "of class 1", BITS[:, 0], UNIT[:, 0], target_class_ids=[1], threshold=0.25, weights=WHOLE_WEIGHTS),
    of("OneHotIoU", "one-hot", ONE_HOT, SHARES, num_classes=CLASSES, target_class_ids=[0, 2], weights=WHOLE_WEIGHTS),
    of("OneHotMeanIoU", "one-hot", ONE_HOT, SHARES, num_classes=CLASSES, weights=WHOLE_WEIGHTS),
]  # fmt: skip

CUTS = (slice(0, 7), slice(7, 12))


def values(k, case: Case, dtype: str) -> np.ndarray:
    """Results after each of two batches, without weights and with, and after starting anew."""
    args = [arg.astype(dtype) if arg.dtype.kind == "f" else arg for arg in case.args]
    weights = case.weights if case.weights.dtype.kind == "i" else case.weights.astype(dtype)
    found = []
    metric = case.make(k)
    for cut in CUTS:
        metric.update_state(*(arg[cut] for arg in args))
        found.append(metric.result())
    metric.reset_state()
    for cut in CUTS:
        metric.update_state(*(arg[cut] for arg in args), sample_weight=weights[cut])
        found.append(metric.result())
    return np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in found])
