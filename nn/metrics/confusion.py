"""True and false positives and negatives as metrics, and what is made of them: precision, recall, and so on."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from .base import Metric, grow, ratio
from .counting import KINDS, NOTHING, Thresholds, checked_thresholds, counts


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
    """Number of entries that are 1 and predicted above each of the ``thresholds`` (0.5 if None)."""

    kinds = ("true_positives",)


class FalsePositives(_Count):
    """Number of entries that are 0 and predicted above each of the ``thresholds`` (0.5 if None)."""

    kinds = ("false_positives",)


class TrueNegatives(_Count):
    """Number of entries that are 0 and not predicted above each of the ``thresholds`` (0.5 if None)."""

    kinds = ("true_negatives",)


class FalseNegatives(_Count):
    """Number of entries that are 1 and not predicted above each of the ``thresholds`` (0.5 if None)."""

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
    """Best share of the positive that is found, where at least this share of the negative is left alone.

    Parameters
    ----------
    specificity : float
        The least that is wanted, from 0 to 1.
    num_thresholds : int
        So many, evenly spaced, are tried.
    class_id : int, optional
        Look at this class only.
    """

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
    """Best share of the negative that is left alone, where at least this share of the positive is found.

    ``sensitivity`` is the least that is wanted. The other parameters are those of ``SensitivityAtSpecificity``.
    """

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
    """Best precision among the thresholds with at least this recall.

    ``recall`` is the least that is wanted. The other parameters are those of ``SensitivityAtSpecificity``.
    """

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
    """Best recall among the thresholds with at least this precision.

    ``precision`` is the least that is wanted. The other parameters are those of ``SensitivityAtSpecificity``.
    """

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
