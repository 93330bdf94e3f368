"""Accuracies: how often a prediction is right."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from ..losses import class_numbers
from .base import MeanMetricWrapper, array_of, can_be_traced, of_one_rank


@can_be_traced
def accuracy(y_true, y_pred) -> ag.Tensor:
    """Whether each prediction is what is true, exactly: of labels against labels."""
    y_true, y_pred = of_one_rank("accuracy", array_of(y_true), array_of(y_pred))
    return _hits(y_true.astype(y_pred.dtype), y_pred)


@can_be_traced
def binary_accuracy(y_true, y_pred, threshold: float = 0.5) -> ag.Tensor:
    """Whether each prediction is above the threshold where the truth is 1, and not above it where it is 0."""
    y_true, y_pred = of_one_rank("binary_accuracy", array_of(y_true), array_of(y_pred))
    return _hits(np.greater(y_pred, float(threshold)), y_true)


@can_be_traced
def categorical_accuracy(y_true, y_pred) -> ag.Tensor:
    """Whether the largest prediction is where the largest true probability is."""
    y_true, y_pred = _rows("categorical_accuracy", y_true, y_pred)
    return _hits(y_true.argmax(axis=-1), y_pred.argmax(axis=-1))


@can_be_traced
def sparse_categorical_accuracy(y_true, y_pred) -> ag.Tensor:
    """Whether the largest prediction is that of the label: true or false for each sample."""
    y_pred = array_of(y_pred)
    labels = class_numbers("sparse_categorical_accuracy", y_true, y_pred.shape)
    return _hits(y_pred.argmax(axis=-1), ag.Tensor(labels, None) if y_pred.__class__ is ag.Tensor else labels)


def top_k_categorical_accuracy(y_true, y_pred, k: int = 5) -> ag.Tensor:
    """Whether fewer than ``k`` predictions are larger than the one where the largest true probability is."""
    y_true, y_pred = _rows("top_k_categorical_accuracy", y_true, y_pred)
    return ag.Tensor(_among_largest(y_true.argmax(axis=-1), y_pred, k), None)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k: int = 5, from_sorted_ids: bool = False) -> ag.Tensor:
    """Whether fewer than ``k`` predictions are larger than that of the label.

    Parameters
    ----------
    y_true : array_like of int, shape (...)
        Labels.
    y_pred : array_like or Tensor, shape (..., classes)
        Scores; with ``from_sorted_ids`` the numbers of the classes, best first.
    k : int
    from_sorted_ids : bool

    Returns
    -------
    Tensor of bool, shape (...)
    """
    asked = "sparse_top_k_categorical_accuracy"
    y_pred = array_of(y_pred)
    labels = class_numbers(asked, y_true, y_pred.shape)
    if from_sorted_ids:
        return ag.Tensor((labels[..., None] == y_pred[..., :k]).any(axis=-1), None)
    if labels.size and not 0 <= labels.min() <= labels.max() < y_pred.shape[-1]:
        raise ag.DomainError(
            f"{asked}: labels go from {labels.min()} to {labels.max()}; there are {y_pred.shape[-1]} classes, so they "
            f"must be 0 to {y_pred.shape[-1] - 1}."
        )
    return ag.Tensor(_among_largest(labels, y_pred, k), None)


def _hits(first: Any, second: Any) -> ag.Tensor:
    """Where both are the same."""
    hits = np.equal(first, second)
    return hits if hits.__class__ is ag.Tensor else ag.Tensor(hits, None)


def _among_largest(labels: np.ndarray, y_pred: np.ndarray, k: int) -> np.ndarray:
    own = np.take_along_axis(y_pred, labels[..., None], axis=-1)
    if own.dtype.kind == "f":
        own = np.where(np.isnan(own), -np.inf, own)  # what is not a number is not large
    return (y_pred > own).sum(axis=-1) < k


def _rows(asked: str, y_true, y_pred) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = array_of(y_true), array_of(y_pred)
    if y_true.shape != y_pred.shape:
        raise ag.ShapeError(
            f"{asked}: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same."
            + (f" Labels need sparse_{asked}." if y_true.ndim == y_pred.ndim - 1 else "")
        )
    return y_true, y_pred


class Accuracy(MeanMetricWrapper):
    """Share of predictions that are what is true, exactly."""

    def __init__(self, name: str | None = "accuracy", dtype: Any = None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """Share of entries on the right side of a threshold."""

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest prediction is where the one-hot row has its 1."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest prediction is that of the label, given as an integer."""

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples where the one-hot row has its 1 at one of the ``k`` largest predictions."""

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose label is one of the ``k`` largest predictions.

    With ``from_sorted_ids`` the predictions are classes, the best first, and the first ``k`` of them count.
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)


def accuracy_for(true_shape: tuple[int, ...], predicted_shape: tuple[int, ...], name: str) -> MeanMetricWrapper:
    """Accuracy that "accuracy" stands for, given the shapes of labels and predictions."""
    if predicted_shape[-1:] == (1,):
        return BinaryAccuracy(name)
    if len(true_shape) < len(predicted_shape) or true_shape[-1:] == (1,):
        return SparseCategoricalAccuracy(name)
    return CategoricalAccuracy(name)
