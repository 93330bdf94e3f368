"""Metrics: numbers that are collected over batches, and shown.

A metric is called with the values of a batch (``metric(loss)``, ``metric(y_true, y_pred)``); ``result()`` gives what
has come together so far, and ``reset_state()`` starts anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from . import losses
from .lookup import chosen

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Mean",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "SparseCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "get",
    "sparse_categorical_accuracy",
]


class Metric:
    """Base of all metrics.

    Parameters
    ----------
    name : str, optional

    Attributes
    ----------
    variables : list of Variable
        What has been collected, in float64, so that a long sum keeps its digits.
    """

    def __init__(self, name: str | None = None):
        self.name = type(self).__name__.lower() if name is None else name
        self.variables: list[ag.Variable] = []

    def add_variable(self, name: str, initial: float = 0.0) -> ag.Variable:
        """Make a number that is collected."""
        variable = ag.Variable(float(initial), trainable=False, name=f"{self.name}/{name}")
        self.variables.append(variable)
        return variable

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take in the values of a batch; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define update_state(); a subclass of Metric must.")

    def result(self) -> ag.Tensor:
        """Value so far, 0-d; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define result(); a subclass of Metric must.")

    def reset_state(self) -> None:
        """Forget everything."""
        for variable in self.variables:
            variable.assign(0.0)

    reset_states = reset_state  # as older programs spell it

    def __call__(self, *args: Any, **kwargs: Any) -> ag.Tensor:
        """Take in the values of a batch, and give the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.result().item():g}>"


class Average(Metric):
    """Base of metrics whose result is a mean: 0 if there was nothing yet."""

    def __init__(self, name: str | None = None):
        super().__init__(name)
        self.total = self.add_variable("total")
        self.count = self.add_variable("count")

    def result(self) -> ag.Tensor:
        count = self.count.array
        return ag.Tensor(self.total.array / count if count else np.zeros(()), None)

    def add(self, values, sample_weight=None) -> None:
        """Take in numbers, each with a weight if given."""
        values = _untracked(values)
        if sample_weight is None:
            self.total.assign_add(_double(anp.sum(values) if values.ndim else values))
            self.count.assign_add(values.size)
            return
        if isinstance(sample_weight, (int, float)) and not values.ndim:  # the loss of a batch, and its size
            self.total.assign_add(_double(values) * sample_weight)
            self.count.assign_add(sample_weight)
            return
        weights = _untracked(sample_weight)
        if weights.ndim > values.ndim and weights.shape[-1] == 1:
            weights = anp.squeeze(weights, -1)
        weights = anp.broadcast_to(_double(weights), values.shape)
        self.total.assign_add(anp.sum(values * weights))
        self.count.assign_add(anp.sum(weights))


class Mean(Average):
    """Mean of all values so far, weighted if asked.

    Examples
    --------
    >>> mean = Mean()
    >>> mean([1.0, 2.0]).item()
    1.5
    >>> mean(6.0).item()
    3.0
    """

    def __init__(self, name: str | None = "mean"):
        super().__init__(name)

    def update_state(self, values, sample_weight=None) -> None:
        """Take in numbers.

        Parameters
        ----------
        values : array_like, Tensor or number
        sample_weight : array_like, optional
            Of the shape of ``values``, or one that broadcasts to it.
        """
        self.add(values, sample_weight)


class MeanMetricWrapper(Average):
    """Mean of a function of ``y_true`` and ``y_pred`` over all samples so far.

    Parameters
    ----------
    fn : callable
        Gives one number per sample.
    name : str, optional
    **options
        Handed to ``fn``.
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **options: Any):
        super().__init__(name or getattr(fn, "__name__", type(self).__name__.lower()))
        self.fn = fn
        self.options = options

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in what is true and what was predicted for a batch."""
        self.add(self.fn(_untracked(y_true), _untracked(y_pred), **self.options), sample_weight)


def sparse_categorical_accuracy(y_true, y_pred):
    """Whether the largest prediction is that of the label: true or false for each sample."""
    y_pred = _untracked(y_pred)
    labels = losses.class_numbers("sparse_categorical_accuracy", y_true, y_pred.shape)
    return anp.equal(anp.argmax(y_pred, axis=-1), labels)


def categorical_accuracy(y_true, y_pred):
    """Whether the largest prediction is where the largest true probability is."""
    y_true, y_pred = _untracked(y_true), _untracked(y_pred)
    if y_true.shape != y_pred.shape:
        raise ag.ShapeError(
            f"categorical_accuracy: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same."
        )
    return anp.equal(anp.argmax(y_true, axis=-1), anp.argmax(y_pred, axis=-1))


def binary_accuracy(y_true, y_pred, threshold: float = 0.5):
    """Share of entries on the right side of the threshold, over the last axis."""
    y_true, y_pred = _untracked(y_true), _untracked(y_pred)
    if y_true.shape != y_pred.shape:
        if y_pred.shape != (*y_true.shape, 1):
            raise ag.ShapeError(
                f"binary_accuracy: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same."
            )
        y_true = anp.reshape(y_true, y_pred.shape)
    hits = anp.equal(anp.greater(y_pred, threshold), anp.greater(y_true, 0.5))
    return anp.mean(hits, axis=-1) if hits.ndim else hits


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest prediction is that of the label, given as an integer."""

    def __init__(self, name: str = "sparse_categorical_accuracy"):
        super().__init__(sparse_categorical_accuracy, name)


class CategoricalAccuracy(MeanMetricWrapper):
    """Share of samples whose largest prediction is where the one-hot row has its 1."""

    def __init__(self, name: str = "categorical_accuracy"):
        super().__init__(categorical_accuracy, name)


class BinaryAccuracy(MeanMetricWrapper):
    """Share of entries on the right side of a threshold."""

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5):
        super().__init__(binary_accuracy, name, threshold=threshold)


class MeanSquaredError(MeanMetricWrapper):
    """Mean of the squared differences."""

    def __init__(self, name: str = "mean_squared_error"):
        super().__init__(losses.mean_squared_error, name)


_KNOWN = {
    "BinaryAccuracy": BinaryAccuracy,
    "CategoricalAccuracy": CategoricalAccuracy,
    "Mean": Mean,
    "MeanSquaredError": MeanSquaredError,
    "SparseCategoricalAccuracy": SparseCategoricalAccuracy,
    "mse": MeanSquaredError,
}


def get(identifier: str | Metric | type[Metric] | Callable[..., Any]) -> Metric:
    """Metric for a name, a class, or a function of ``y_true`` and ``y_pred``.

    "accuracy" depends on the shapes that a model sees, so it is not known here: ``accuracy_for`` chooses.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    return chosen("metric", identifier, Metric, _KNOWN, MeanMetricWrapper)


def accuracy_for(true_shape: tuple[int, ...], predicted_shape: tuple[int, ...], name: str) -> Metric:
    """Accuracy that "accuracy" stands for, given the shapes of labels and predictions."""
    if predicted_shape[-1:] == (1,):
        return BinaryAccuracy(name)
    if len(true_shape) < len(predicted_shape) or true_shape[-1:] == (1,):
        return SparseCategoricalAccuracy(name)
    return CategoricalAccuracy(name)


def _untracked(value) -> ag.Tensor:
    """As a Tensor that no tape follows: a metric is looked at, not differentiated."""
    return ag.Tensor(value.array, None) if isinstance(value, (ag.Tensor, ag.Variable)) else ag.convert_to_tensor(value)


def _double(value: ag.Tensor) -> ag.Tensor:
    return value if value.dtype == np.float64 else value.astype(np.float64)
