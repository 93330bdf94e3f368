"""Losses to compare with Keras: what is made, and what it is given. For ``make_losses.py`` and for the tests.

``make(k, **options)`` makes a loss from a namespace ``k``: Keras or ``nn``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

RANDOM = np.random.RandomState(0)


def single(values):
    """Numbers that float32 has too, so that both precisions are given the same."""
    return np.asarray(values, np.float32).astype(np.float64)


COUNT, CLASSES = 6, 4
TRUE, GUESS = single(RANDOM.normal(size=(COUNT, CLASSES))), single(3 * RANDOM.normal(size=(COUNT, CLASSES)))
POSITIVE, COUNTS = np.abs(GUESS), np.floor(np.abs(2 * TRUE))
LABELS = np.array([2, 0, 3, 1, 1, 2])
ONE_HOT = np.eye(CLASSES)[LABELS]
SIGNS = np.sign(TRUE)
BITS = (TRUE > 0) * 1.0
LOGITS = GUESS
EXPONENTS = np.exp(LOGITS)
SHARES = single(EXPONENTS / EXPONENTS.sum(axis=1, keepdims=True))
SOFT = single(RANDOM.dirichlet(np.ones(CLASSES), COUNT))
UNIT = single(RANDOM.uniform(size=(COUNT, CLASSES)))
CORNERS = single([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0.25, 0.25, 0.25, 0.25]])
NEAR_ONE = single([[1e-9, 1 - 1e-7, 3e-8, 1e-4], [1, 1e-20, 1e-3, 1e-8]] * 3)
ZEROS = np.zeros((COUNT, CLASSES))
STEPS = single(RANDOM.normal(size=(COUNT, 3, CLASSES)))
STEPS_TRUE = single(RANDOM.normal(size=(COUNT, 3, CLASSES)))
STEP_SHARES = single(np.exp(STEPS) / np.exp(STEPS).sum(axis=-1, keepdims=True))
STEP_LABELS = RANDOM.randint(0, CLASSES, (COUNT, 3))
WEIGHTS = single([1.0, 0.0, 2.0, 0.5, 3.0, 0.25])
STEP_WEIGHTS = single(RANDOM.uniform(size=(COUNT, 3)))


@dataclass(frozen=True)
class Case:
    """A loss and a batch."""

    name: str
    make: Callable[..., Any]
    y_true: np.ndarray
    y_pred: np.ndarray

    def __str__(self):
        return self.name


def plain(name: str) -> Callable[..., Any]:
    """The loss of this name with its defaults, and what else is asked for."""
    return lambda k, **o: getattr(k.losses, name)(**o)


def pairs(name: str, *batches, **options):
    """Cases of one loss for several batches ``(what, y_true, y_pred)``."""
    make = plain(name)
    return [Case(f"{name}, {what}", lambda k, **o: make(k, **options, **o), y, p) for what, y, p in batches]


NUMBERS = (
    ("numbers", TRUE, GUESS),
    ("equal", TRUE, TRUE),
    ("zeros", ZEROS, GUESS),
    ("a column", TRUE[:, 0], GUESS[:, :1]),
    ("a column of truth", TRUE[:, :1], GUESS[:, 0]),
    ("steps", STEPS_TRUE, STEPS),
)

CASES = [
    *pairs("MeanSquaredError", *NUMBERS),
    *pairs("MeanAbsoluteError", *NUMBERS),
    *pairs("MeanAbsolutePercentageError", NUMBERS[0], NUMBERS[1], ("steps", STEPS_TRUE, STEPS)),
    *pairs("MeanSquaredLogarithmicError", ("counts", COUNTS, POSITIVE), ("negative too", TRUE, GUESS)),
    *pairs("Huber", *NUMBERS),
    *pairs("Huber", ("delta", TRUE, GUESS), delta=2.5),
    *pairs("LogCosh", *NUMBERS),
    *pairs("LogCosh", ("large", ZEROS, GUESS * 1000)),
    *pairs("CosineSimilarity", ("numbers", TRUE, GUESS), ("zeros", ZEROS, GUESS), ("steps", STEPS_TRUE, STEPS)),
    *pairs("CosineSimilarity", ("axis 1", STEPS_TRUE, STEPS), axis=1),
    *pairs("Hinge", ("signs", SIGNS, GUESS), ("bits", BITS, GUESS), ("numbers", TRUE, GUESS),
           ("ones", ZEROS + 1, GUESS)),
    *pairs("SquaredHinge", ("signs", SIGNS, GUESS), ("bits", BITS, GUESS), ("a column", SIGNS[:, 0], GUESS[:, :1])),
    *pairs("CategoricalHinge", ("one-hot", ONE_HOT, GUESS), ("shares", ONE_HOT, SHARES)),
    *pairs("KLDivergence", ("soft", SOFT, SHARES), ("one-hot", ONE_HOT, SHARES), ("corners", SOFT, CORNERS),
           ("both corners", ONE_HOT, CORNERS)),
    *pairs("Poisson", ("counts", COUNTS, POSITIVE), ("zeros", COUNTS, ZEROS)),
    *pairs("BinaryCrossentropy", ("bits", BITS, UNIT), ("soft", UNIT[::-1], UNIT), ("corners", ONE_HOT, CORNERS),
           ("near one", ONE_HOT, NEAR_ONE), ("a column", BITS[:, 0], UNIT[:, :1])),
    *pairs("BinaryCrossentropy", ("logits", BITS, LOGITS), ("large", BITS, 40 * LOGITS), from_logits=True),
    *pairs("BinaryCrossentropy", ("smoothed", BITS, UNIT), label_smoothing=0.2),
    *pairs("BinaryCrossentropy", ("smoothed logits", BITS, LOGITS), label_smoothing=0.2, from_logits=True),
    *pairs("BinaryCrossentropy", ("axis 0", BITS, UNIT), axis=0),
    *pairs("CategoricalCrossentropy", ("one-hot", ONE_HOT, SHARES), ("soft", SOFT, SHARES),
           ("corners", ONE_HOT, CORNERS), ("not of sum 1", ONE_HOT, UNIT), ("near one", ONE_HOT, NEAR_ONE)),
    *pairs("CategoricalCrossentropy", ("logits", ONE_HOT, LOGITS), ("large", ONE_HOT, 40 * LOGITS), from_logits=True),
    *pairs("CategoricalCrossentropy", ("smoothed", ONE_HOT, SHARES), label_smoothing=0.3),
    *pairs("CategoricalCrossentropy", ("axis 1", np.moveaxis(np.eye(CLASSES)[STEP_LABELS], -1, 1),
           np.moveaxis(STEP_SHARES, -1, 1)), axis=1),
    *pairs("SparseCategoricalCrossentropy", ("labels", LABELS, SHARES), ("a column", LABELS[:, None], SHARES),
           ("corners", LABELS, CORNERS), ("not of sum 1", LABELS, UNIT), ("near one", LABELS, NEAR_ONE),
           ("steps", STEP_LABELS, STEP_SHARES)),
    *pairs("SparseCategoricalCrossentropy", ("logits", LABELS, LOGITS), ("large", LABELS, 40 * LOGITS),
           from_logits=True),
    *pairs("SparseCategoricalCrossentropy", ("ignoring 1", LABELS, SHARES),
           ("ignoring 1 in steps", STEP_LABELS, STEP_SHARES), ignore_class=1),
    *pairs("SparseCategoricalCrossentropy", ("ignoring -1", np.array([2, -1, 3, 1, -1, 2]), LOGITS), ignore_class=-1,
           from_logits=True),
    *pairs("BinaryFocalCrossentropy", ("bits", BITS, UNIT), ("corners", ONE_HOT, CORNERS), ("soft", UNIT[::-1], UNIT)),
    *pairs("BinaryFocalCrossentropy", ("balanced", BITS, UNIT), apply_class_balancing=True, alpha=0.4, gamma=3.0),
    *pairs("BinaryFocalCrossentropy", ("logits", BITS, LOGITS), from_logits=True, label_smoothing=0.1),
    *pairs("CategoricalFocalCrossentropy", ("one-hot", ONE_HOT, SHARES), ("corners", ONE_HOT, CORNERS),
           ("not of sum 1", ONE_HOT, UNIT)),
    *pairs("CategoricalFocalCrossentropy", ("logits", ONE_HOT, LOGITS), from_logits=True, label_smoothing=0.1,
           gamma=1.5, alpha=0.5),
    *pairs("CategoricalFocalCrossentropy", ("alphas", ONE_HOT, SHARES), alpha=[0.1, 0.2, 0.3, 0.4]),
    *pairs("CategoricalGeneralizedCrossEntropy", ("labels", LABELS, SHARES)),
    *pairs("CategoricalGeneralizedCrossEntropy", ("q", LABELS, SHARES), q=0.8),
    *pairs("Dice", ("bits", BITS, UNIT), ("zeros", ZEROS, ZEROS)),
    *pairs("Dice", ("by sample", BITS, UNIT), axis=1),
    *pairs("Tversky", ("bits", BITS, UNIT)),
    *pairs("Tversky", ("by sample", BITS, UNIT), alpha=0.3, beta=0.9, axis=(1,)),
]  # fmt: skip

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


def weights_for(losses: np.ndarray):
    """Sample weights that fit losses of this shape: of each kind of shape that Keras takes."""
    if losses.shape == (COUNT,):
        return [WEIGHTS, WEIGHTS[:, None]]
    if losses.shape == (COUNT, 3):
        return [STEP_WEIGHTS]
    return [np.float64(2.0)]


def values(k, case: Case, dtype: str) -> np.ndarray:
    """All that is compared, one after another: every reduction, without weights and with."""
    y_true = case.y_true.astype(dtype) if case.y_true.dtype.kind == "f" else case.y_true
    y_pred = case.y_pred.astype(dtype)
    each = np.asarray(case.make(k, reduction="none")(y_true, y_pred))
    found = []
    for weights in (None, *weights_for(each)):
        given = None if weights is None else weights.astype(dtype)
        found += [case.make(k, reduction=name)(y_true, y_pred, given) for name in REDUCTIONS]
    return np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in found])
