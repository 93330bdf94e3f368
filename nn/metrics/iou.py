"""Confusion matrix of classes, and the overlap of predicted and true regions that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Metric, array_of, floats_of, grow

EPSILON = 1e-7


def pair_counts(y_true: np.ndarray, y_pred: np.ndarray, classes: int, weights: np.ndarray | None = None) -> np.ndarray:
    """How often each pair of labels occurs: shape (classes, classes), a row for each true label."""
    places = y_true.reshape(-1).astype(np.intp) * classes + y_pred.reshape(-1).astype(np.intp)
    return np.bincount(places, weights, minlength=classes * classes).reshape(classes, classes).astype(np.float64)


class ConfusionMatrix(Metric):
    """How often each class was taken for each other one. Not in Keras.

    Parameters
    ----------
    num_classes : int

    Examples
    --------
    >>> matrix = ConfusionMatrix(2)
    >>> matrix([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]).numpy()
    array([[1., 1.],
           [0., 1.]])
    """

    def __init__(self, num_classes: int, name: str | None = "confusion_matrix", dtype: Any = None):
        if num_classes < 1:
            raise ag.DomainError(f"ConfusionMatrix: num_classes is {num_classes}; expected at least 1.")
        super().__init__(dtype, name)
        self.num_classes = num_classes
        self.matrix = self.add_variable((num_classes, num_classes), name="matrix")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in a batch.

        Parameters
        ----------
        y_true : array_like
            Labels, shape (...) or (..., 1); or one-hot of the shape of ``y_pred``, where that holds probabilities.
        y_pred : array_like or Tensor
            Probabilities or scores in floating numbers, shape (..., classes); or labels, of the shape of ``y_true``.
        sample_weight : array_like, optional
            One for each sample.
        """
        true, predicted = array_of(y_true), array_of(y_pred)
        scores = predicted.dtype.kind == "f" and predicted.ndim and predicted.shape[-1] == self.num_classes
        if scores and (predicted.ndim > 1 or not true.ndim):
            if true.shape == predicted.shape:
                true = true.argmax(axis=-1)
            predicted = predicted.argmax(axis=-1)
        if true.shape == (*predicted.shape, 1):
            true = true[..., 0]
        if true.shape != predicted.shape:
            raise ag.ShapeError(
                f"ConfusionMatrix: y_true has shape {np.shape(y_true)}, y_pred {np.shape(y_pred)}; expected labels, "
                f"and labels of the same shape or scores with a last axis of {self.num_classes} classes."
            )
        for what, labels in (("y_true", true), ("y_pred", predicted)):
            self._check(what, labels)
        weights = None if sample_weight is None else floats_of(sample_weight).reshape(-1)
        if weights is not None and weights.size != true.size:
            raise ag.ShapeError(
                f"ConfusionMatrix: sample_weight has shape {np.shape(sample_weight)}; expected one for each sample, "
                f"shape {true.shape}."
            )
        grow(self.matrix, pair_counts(true, predicted, self.num_classes, weights))

    def _check(self, what: str, labels: np.ndarray) -> None:
        if labels.size and (
            labels.min() < 0
            or labels.max() >= self.num_classes
            or (labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels)))
        ):
            raise ag.DomainError(
                f"ConfusionMatrix: {what} has labels from {labels.min()} to {labels.max()}; expected whole numbers, 0 "
                f"to {self.num_classes - 1}."
            )

    def result(self) -> ag.Tensor:
        return ag.Tensor(self.matrix.array, None)


class IoU(Metric):
    """Intersection over union: of what is predicted or true to be of a class, the share that is both.

    Parameters
    ----------
    num_classes : int
    target_class_ids : sequence of int
        The classes whose mean is taken; one that does not occur is left out.
    ignore_class : int, optional
        Entries with this label are left out, as are labels out of range.
    sparse_y_true, sparse_y_pred : bool
        Labels, rather than one-hot or scores.
    axis : int
        The axis of the classes, where they are not sparse.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype, name)
        self.num_classes = num_classes
        self.target_class_ids = [int(number) for number in target_class_ids]
        if not all(0 <= number < num_classes for number in self.target_class_ids):
            raise ag.DomainError(
                f"{type(self).__name__}: target_class_ids are {self.target_class_ids}; there are {num_classes} classes."
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in a batch; a weight is one for each entry."""
        true = self._labels(y_true, self.sparse_y_true)
        predicted = self._labels(y_pred, self.sparse_y_pred)
        if true.size != predicted.size:
            raise ag.ShapeError(
                f"{type(self).__name__}: y_true has shape {np.shape(y_true)}, y_pred {np.shape(y_pred)}; expected one "
                "prediction for each true label."
            )
        weights = np.ones(()) if sample_weight is None else floats_of(sample_weight).reshape(-1)
        weights = np.broadcast_to(weights, true.shape)
        kept = (true >= 0) & (true < self.num_classes) & (predicted >= 0) & (predicted < self.num_classes)
        if self.ignore_class is not None:
            kept &= true != self.ignore_class
        grow(self.total_cm, pair_counts(true[kept], predicted[kept], self.num_classes, weights[kept]))

    def _labels(self, values, sparse: bool) -> np.ndarray:
        array = array_of(values)
        return (array if sparse else array.argmax(axis=self.axis)).reshape(-1).astype(np.int64)

    def result(self) -> ag.Tensor:
        matrix = self.total_cm.array
        both = np.diag(matrix)[self.target_class_ids]
        either = (matrix.sum(axis=0) + matrix.sum(axis=1))[self.target_class_ids] - both
        occurs = either > 1e-9
        shares = np.where(occurs, both / (either + EPSILON), 0.0)
        return ag.Tensor(shares.sum() / (np.count_nonzero(occurs) + EPSILON), None)


class BinaryIoU(IoU):
    """Intersection over union of two classes, predicted by a number against a threshold."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        super().update_state(y_true, floats_of(y_pred) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """Mean over all classes of the intersection over union."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        classes = range(num_classes)
        super().__init__(num_classes, classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """Intersection over union, of one-hot true values."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """Mean over all classes of the intersection over union, of one-hot true values."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
