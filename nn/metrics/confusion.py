"""True and false positives and negatives, and what is made of them: precision, recall and their relatives.

A prediction is positive if it is greater than a threshold. With several thresholds everything is counted for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Metric, array_of, floats_of, grow, of_one_rank, ratio

NOTHING = -1e10  # what is not among the top k is given this score; below any threshold
KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")

Thresholds = float | Sequence[float] | None


# -- counting --------------------------------------------------------------------------------------------------------


def counts(
    wanted: Iterable[str],
    y_true,
    y_pred,
    thresholds: np.ndarray,
    sample_weight=None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Weights of the entries of each kind, for each threshold.

    Parameters
    ----------
    wanted : iterable of str
        Which of ``KINDS``.
    y_true, y_pred : array_like or Tensor, of one shape
        A true value that is not 0 is positive.
    thresholds : array, shape (thresholds,)
    sample_weight : array_like, optional
        One for each sample, or one for each entry.
    top_k : int, optional
        Only the largest predictions along the last axis can be positive.
    class_id : int, optional
        Look at this entry of the last axis only.
    multi_label : bool
        Keep the last axis apart.
    label_weights : array, optional
        One for each entry of the last axis.

    Returns
    -------
    dict from kind to array of float64, shape (thresholds,), or (thresholds, labels) if ``multi_label``
    """
    y_pred, y_true = floats_of(y_pred), array_of(y_true)
    y_true, y_pred = of_one_rank("confusion", y_true, y_pred)
    weights = None if sample_weight is None else _per_entry(sample_weight, y_true.ndim)
    if top_k is not None:
        y_pred = _only_largest(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred = _column(y_true, class_id), _column(y_pred, class_id)
    weights = _full(weights, label_weights, y_pred.shape)
    positive = y_true != 0
    if not multi_label:
        positive, y_pred, weights = positive.reshape(-1), y_pred.reshape(-1), weights.reshape(-1)
    sides = {"t": np.where(positive, weights, 0.0), "f": np.where(positive, 0.0, weights)}
    sums = _by_bucket if evenly_spaced(thresholds) else _by_comparison
    return sums(tuple(wanted), y_pred, thresholds, sides)


def _by_comparison(wanted, y_pred, thresholds, sides):
    above = y_pred > thresholds.astype(y_pred.dtype).reshape(-1, *(1,) * y_pred.ndim)
    found = {}
    for kind in wanted:
        says_positive = kind.endswith("positives")
        really = says_positive == kind.startswith("true")
        chosen = above if says_positive else ~above
        found[kind] = np.where(chosen, sides["t" if really else "f"], 0.0).sum(axis=1)
    return found


def _by_bucket(wanted, y_pred, thresholds, sides):
    """The same for thresholds that are evenly spaced from 0 to 1: every prediction is looked at once."""
    count = len(thresholds)
    place = np.ceil(np.clip(y_pred, 0.0, 1.0) * (count - 1)).astype(np.intp) - 1
    if thresholds[0] < 0.0 or thresholds[-1] > 1.0:
        place = np.maximum(place, 0)  # a prediction of 0 is above the first threshold, which is a little below 0
    totals, above = {}, {}
    for side, weights in sides.items():
        totals[side] = weights.sum(axis=0)
        above[side] = _suffix_sums(place, weights, count)
    found = {
        "true_positives": above["t"],
        "false_positives": above["f"],
        "true_negatives": totals["f"] - above["f"],
        "false_negatives": totals["t"] - above["t"],
    }
    return {kind: found[kind] for kind in wanted}


def _suffix_sums(place: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """For each bucket the sum of the weights in it and in those after it; bucket -1 is none."""
    labels = weights.shape[1] if weights.ndim == 2 else 1
    column = np.arange(labels) if weights.ndim == 2 else 0
    flat = ((place + 1) * labels + column).reshape(-1)
    sums = np.bincount(flat, weights.reshape(-1), minlength=(count + 1) * labels).reshape(count + 1, labels)[1:]
    sums = sums[::-1].cumsum(axis=0)[::-1]
    return sums if weights.ndim == 2 else sums[:, 0]


def evenly_spaced(thresholds: np.ndarray) -> bool:
    """Whether these are evenly spaced from 0 to 1, up to 1e-7."""
    count = len(thresholds)
    if count < 3 or abs(thresholds[0]) > 1.1e-7 or abs(thresholds[-1] - 1.0) > 1.1e-7:
        return False
    return bool(np.allclose(thresholds, np.arange(count) / (count - 1), atol=1e-7))


def _per_entry(sample_weight, ndim: int) -> np.ndarray:
    """Weights that broadcast to the entries: one per sample is given a last axis."""
    weights = floats_of(sample_weight).astype(np.float64)
    return weights if weights.ndim == ndim or not weights.ndim else weights[..., None]


def _full(weights, label_weights, shape) -> np.ndarray:
    if weights is None:
        weights = np.ones(())
    if label_weights is not None:
        weights = weights * label_weights
    try:
        return np.broadcast_to(weights, shape)
    except ValueError:
        raise ag.ShapeError(
            f"sample_weight (times label_weights) has shape {weights.shape}, the predictions {shape}; expected one "
            "weight for each sample, or one for each prediction."
        ) from None


def _column(array: np.ndarray, class_id: int) -> np.ndarray:
    if array.ndim < 2 or not -array.shape[-1] <= class_id < array.shape[-1]:
        raise ag.ShapeError(
            f"class_id is {class_id}, and predictions have shape {array.shape}; expected (samples, classes), with more "
            "than class_id classes."
        )
    return array[..., [class_id]]


def _only_largest(y_pred: np.ndarray, k: int) -> np.ndarray:
    largest = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.zeros(y_pred.shape, bool)
    np.put_along_axis(kept, largest, True, axis=-1)
    return np.where(kept, y_pred, y_pred.dtype.type(NOTHING))


def checked_thresholds(asked: str, thresholds: Thresholds, default: float) -> list[float]:
    """As a list, each from 0 to 1."""
    if thresholds is None:
        return [default]
    given = [float(t) for t in np.atleast_1d(np.asarray(thresholds, np.float64))]
    if not given or not all(0 <= t <= 1 for t in given):
        raise ag.DomainError(f"{asked}: thresholds are {thresholds!r}; expected numbers from 0 to 1.")
    return given


# -- metrics ---------------------------------------------------------------------------------------------------------


class Counting(Metric):
    """Base of metrics that collect some of ``KINDS``, for each threshold."""

    kinds: tuple[str, ...] = KINDS
    true_positives: ag.Variable
    false_positives: ag.Variable
    true_negatives: ag.Variable
    false_negatives: ag.Variable

    def __init__(self, name: str | None, dtype: Any, thresholds: list[float]):
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self._levels = np.asarray(thresholds, np.float64)
        self._options: dict[str, Any] = {}

    def _collect(self, *labels: int) -> None:
        """Make what is collected; ``labels`` is the number of labels kept apart."""
        for kind in self.kinds:
            setattr(self, kind, self.add_variable((len(self._levels), *labels), name=kind))

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in a batch.

        Parameters
        ----------
        y_true : array_like or Tensor
            0 or 1.
        y_pred : array_like or Tensor, of the shape of ``y_true``
            From 0 to 1.
        sample_weight : array_like, optional
            One for each sample, or one for each entry.
        """
        found = counts(self.kinds, y_true, y_pred, self._levels, sample_weight, **self._options)
        for kind in self.kinds:
            grow(getattr(self, kind), found[kind])

    def _share(self, kind: str, others: str) -> np.ndarray:
        part = getattr(self, kind).array
        return ratio(part, part + getattr(self, others).array)

    def _one_or_all(self, values: np.ndarray) -> ag.Tensor:
        return ag.Tensor(values[0] if len(self._levels) == 1 else values, None)


class _Count(Counting):
    """Number of entries of one kind."""

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None):
        super().__init__(name, dtype, checked_thresholds(type(self).__name__, thresholds, 0.5))
        self._collect()

    @property
    def accumulator(self) -> ag.Variable:
        """What is collected, for each threshold."""
        return getattr(self, self.kinds[0])

    def result(self) -> ag.Tensor:
        return self._one_or_all(self.accumulator.array)


class TruePositives(_Count):
    """Number of entries that are 1 and predicted above the threshold."""

    kinds = ("true_positives",)


class FalsePositives(_Count):
    """Number of entries that are 0 and predicted above the threshold."""

    kinds = ("false_positives",)


class TrueNegatives(_Count):
    """Number of entries that are 0 and not predicted above the threshold."""

    kinds = ("true_negatives",)


class FalseNegatives(_Count):
    """Number of entries that are 1 and not predicted above the threshold."""

    kinds = ("false_negatives",)


class _Share(Counting):
    """True positives as a part of something."""

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        default = 0.5 if top_k is None else NOTHING
        super().__init__(name, dtype, checked_thresholds(type(self).__name__, thresholds, default))
        self.top_k = top_k
        self.class_id = class_id
        self._options = {"top_k": top_k, "class_id": class_id}
        self._collect()

    def result(self) -> ag.Tensor:
        return self._one_or_all(self._share(*self.kinds))


class Precision(_Share):
    """Share of what is predicted to be positive that is: 0 if nothing was predicted to be.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        0.5 if None, or no threshold where ``top_k`` is given.
    top_k : int, optional
        Only the largest ``top_k`` predictions of a sample can be positive.
    class_id : int, optional
        Look at this class only.
    """

    kinds = ("true_positives", "false_positives")


class Recall(_Share):
    """Share of what is positive that is predicted to be; arguments as for ``Precision``."""

    kinds = ("true_positives", "false_negatives")


class _AtConstraint(Counting):
    """The best value of one share among the thresholds where another is at least ``value``."""

    def __init__(self, what: str, value: float, num_thresholds: int, class_id: int | None, name, dtype):
        asked = type(self).__name__
        if not 0 <= value <= 1:
            raise ag.DomainError(f"{asked}: {what} is {value}; expected a number from 0 to 1.")
        if num_thresholds <= 0:
            raise ag.DomainError(f"{asked}: num_thresholds is {num_thresholds}; expected at least 1.")
        levels = [0.5] if num_thresholds == 1 else [i / (num_thresholds - 1) for i in range(num_thresholds)]
        super().__init__(name, dtype, levels)
        self.value = value
        self._options = {"class_id": class_id}
        self._collect()

    def _best(self, wanted: np.ndarray, constrained: np.ndarray) -> ag.Tensor:
        return ag.Tensor(np.max(np.where(constrained >= self.value, wanted, 0.0), initial=0.0), None)

    def _recall(self) -> np.ndarray:
        return self._share("true_positives", "false_negatives")

    def _specificity(self) -> np.ndarray:
        return self._share("true_negatives", "false_positives")

    def _precision(self) -> np.ndarray:
        return self._share("true_positives", "false_positives")


class SensitivityAtSpecificity(_AtConstraint):
    """Best share of the positive that is found, where at least this share of the negative is left alone."""

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> ag.Tensor:
        return self._best(self._recall(), self._specificity())


class SpecificityAtSensitivity(_AtConstraint):
    """Best share of the negative that is left alone, where at least this share of the positive is found."""

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> ag.Tensor:
        return self._best(self._specificity(), self._recall())


class PrecisionAtRecall(_AtConstraint):
    """Best precision among the thresholds with at least this recall."""

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)

    def result(self) -> ag.Tensor:
        return self._best(self._precision(), self._recall())


class RecallAtPrecision(_AtConstraint):
    """Best recall among the thresholds with at least this precision."""

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)

    def result(self) -> ag.Tensor:
        return self._best(self._recall(), self._precision())
