"""Metric, and the means and sums that most metrics are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag

from .. import initializers
from ..config import Configured
from ..deferred import asked_late, put_off
from ..lookup import snake_case
from ..masks import known, mask_of


class Metric(Configured):
    """Base of all metrics.

    In a function that is traced (``autograd_core.function``, and so in ``fit``) a metric takes in a batch after each
    run of the plan, in Python as ever, or inside of the plan, if all it does can be written down (``traced``).

    Parameters
    ----------
    dtype : dtype, optional
        Accepted as in Keras; what is collected is in float64 all the same, so that a long sum keeps its digits.
    name : str, optional
        The name of the class in lower case with underscores if None.
    """

    traced: Any = False  # whether update_state and reset_state keep to what can be traced: a class says so for itself

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        if "traced" not in cls.__dict__ and not {"update_state", "reset_state"}.isdisjoint(cls.__dict__):
            cls.traced = False
        for name, wrapped in (("update_state", put_off), ("reset_state", put_off), ("result", asked_late)):
            if name in cls.__dict__:
                setattr(cls, name, wrapped(cls.__dict__[name]))

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = snake_case(type(self).__name__) if name is None else name
        self.dtype = dtype
        self._variables: list[ag.Variable] = []

    @property
    def variables(self) -> list[ag.Variable]:
        """What has been collected, in own variables, then in those of metrics that are attributes."""
        found = list(self._variables)
        for value in vars(self).values():
            if isinstance(value, ag.Variable) and not any(value is known for known in found):
                found.append(value)
            elif isinstance(value, Metric):
                found += value.variables
        return found

    def add_variable(
        self,
        shape: tuple[int, ...] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> ag.Variable:
        """Make something that is collected.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or callable
        dtype : dtype, optional
            float64 if None.
        aggregation : str
            Accepted as in Keras.
        name : str, optional
        """
        shape, kind = tuple(shape), np.dtype(np.float64 if dtype is None else dtype)
        if initializer in (None, "zeros"):
            initial: Any = np.zeros(shape, kind)
        else:
            initial = initializers.get(initializer)(shape, kind)
        variable = ag.Variable(initial, trainable=False, dtype=kind, name=f"{self.name}/{name or 'variable'}")
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: tuple[int, ...] = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> ag.Variable:
        """Make something that is collected; ``add_variable`` by its older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take in the values of a batch; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define update_state(); a subclass of Metric must.")

    def result(self) -> Any:
        """Value so far, as a rule 0-d; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define result(); a subclass of Metric must.")

    @put_off
    def reset_state(self) -> None:
        """Forget everything: all variables become 0."""
        for variable in self.variables:
            array = variable.array
            variable.assign(ag.Tensor(np.zeros(array.shape, array.dtype), None))

    def reset_states(self) -> None:
        """Forget everything, as older programs spell it."""
        self.reset_state()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in the values of a batch, and give the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def __repr__(self) -> str:
        value = self.result()
        shown = f"{value.item():g}" if getattr(value, "ndim", 1) == 0 else f"{value}"
        return f"<{type(self).__name__} {self.name!r}: {shown}>"


class Sum(Metric):
    """Sum of all values so far, weighted if asked.

    Examples
    --------
    >>> total = Sum()
    >>> total([1.0, 2.0]).item()
    3.0
    >>> total([1.0, 2.0], sample_weight=[1.0, 0.5]).item()
    5.0
    """

    traced = True

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values, sample_weight=None) -> None:
        """Take in numbers; arguments as for ``Mean``."""
        array = array_of(values)
        if sample_weight is not None:
            array, weights = weighted(array, sample_weight, np.sum)
            array = array * weights
        grow(self.total, array.sum(dtype=np.float64))

    def result(self) -> ag.Tensor:
        return ag.Tensor(self.total.array, None)


class Mean(Metric):
    """Mean of all values so far, weighted if asked; 0 if there was nothing yet.

    Examples
    --------
    >>> mean = Mean()
    >>> mean([1.0, 2.0]).item()
    1.5
    >>> mean(6.0).item()
    3.0
    """

    traced = True

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def result(self) -> ag.Tensor:
        count = self.count.array
        return ag.Tensor(self.total.array / count if count else np.zeros(()), None)

    def update_state(self, values, sample_weight=None) -> None:
        """Take in numbers.

        Parameters
        ----------
        values : array_like, Tensor or number
            The first axis goes over the samples; over the others the mean is taken first, so that each sample counts
            the same.
        sample_weight : array_like, optional
            One for each sample, or one for each value, or a shape that broadcasts to it.
        """
        array = array_of(values)
        if sample_weight is None:
            self._add(array)
        elif isinstance(sample_weight, (int, float)) and not array.ndim:  # the loss of a batch, and its size
            grow(self.total, array * np.float64(sample_weight))
            grow(self.count, sample_weight)
        else:
            array, weights = weighted(array, sample_weight, np.mean)
            inner = math.prod(weights.shape[1:])
            if weights.size:
                grow(self.total, (array * weights).sum() / inner)
                grow(self.count, weights.sum() / inner)

    def _add(self, array: np.ndarray) -> None:
        if not array.ndim:
            grow(self.total, array)
            grow(self.count, 1)
        elif array.size:
            count = array.shape[0]
            # A third of the time that a sum takes, and hits are what most metrics count.
            counts = array.dtype.kind == "b" and array.__class__ is np.ndarray
            total: Any = np.count_nonzero(array) if counts else array.sum(dtype=np.float64)
            grow(self.total, total if array.ndim == 1 else total * (count / array.size))
            grow(self.count, count)


class MeanMetricWrapper(Mean):
    """Mean of a function of ``y_true`` and ``y_pred`` over all samples so far.

    Parameters
    ----------
    fn : callable
        Gives one number per sample.
    name : str, optional
    **options
        Handed to ``fn``.
    """

    traced = property(lambda self: self.fn in TRACED)

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any):
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self.fn = fn
        self.options = options

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:  # type: ignore[override]
        """Take in what is true and what was predicted for a batch."""
        mask = mask_of(y_pred) if known else None
        values = self.fn(untracked(y_true), untracked(y_pred), **self.options)
        if mask is not None and array_of(mask).shape == values.shape:
            sample_weight = _masked(array_of(mask), sample_weight)
        if sample_weight is None:
            self._add(array_of(values))
        else:
            super().update_state(values, sample_weight)


def _masked(mask: np.ndarray, sample_weight) -> np.ndarray:
    """Weights that leave out what a mask leaves out."""
    if sample_weight is None:
        return mask.astype(np.float64)
    weights = floats_of(sample_weight)
    if weights.ndim == mask.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return weights.reshape(weights.shape + (1,) * (mask.ndim - weights.ndim)) * mask


TRACED: set[Callable[..., Any]] = set()
"""Functions of ``y_true`` and ``y_pred`` that can be traced: those of ours; of others it is not known."""


def can_be_traced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Note that a function of ours can be traced."""
    TRACED.add(fn)
    return fn


# -- what metrics share ----------------------------------------------------------------------------------------------


def untracked(value) -> ag.Tensor:
    """As a Tensor that no tape follows: a metric is looked at, not differentiated."""
    if value.__class__ is ag.Tensor and value.node is None:
        return value
    return ag.Tensor(value.array, None) if isinstance(value, (ag.Tensor, ag.Variable)) else ag.convert_to_tensor(value)


def array_of(value) -> Any:
    """As an array; what is traced as a Tensor, for which NumPy's functions and methods are the same."""
    if not isinstance(value, (ag.Tensor, ag.Variable)):
        return np.asarray(ag.convert_to_tensor(value).array)
    array = value.array
    return array if ag.tracing.is_known(array) else ag.Tensor(array, None)


def floats_of(value) -> np.ndarray:
    """As an array of floating numbers."""
    array = array_of(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def grow(variable: ag.Variable, by: Any) -> None:
    """Add to what is collected."""
    if ag.tracing.is_tracing():
        variable.assign_add(by)
        return
    variable.assign(ag.Tensor(variable.array + by, None))


def ratio(part: Any, whole: Any) -> np.ndarray:
    """``part / whole``, 0 where ``whole`` is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole != 0)


def of_one_rank(asked: str, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both of one shape; a last axis of length 1 may be missing in one of them."""
    if y_true.shape != y_pred.shape:
        if y_true.shape == (*y_pred.shape, 1) or y_pred.shape == (*y_true.shape, 1):
            longer = max(y_true.shape, y_pred.shape, key=len)
            shape = longer if len(longer) == 2 else longer[:-1]
            return y_true.reshape(shape), y_pred.reshape(shape)
        raise ag.ShapeError(f"{asked}: y_true has shape {y_true.shape}, y_pred {y_pred.shape}; they must be the same.")
    return y_true, y_pred


def weighted(values: np.ndarray, sample_weight, reduce: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """Values and weights of one shape, in float64; axes that the weights do not have are reduced first."""
    weights = floats_of(sample_weight).astype(np.float64)
    values = values.astype(np.float64)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    elif weights.ndim == 1 and values.ndim == 2 and values.shape[1] == 1:
        weights = weights[:, None]
    if weights.ndim < values.ndim:
        values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
    try:
        return values, np.broadcast_to(weights, values.shape)
    except ValueError:
        raise ag.ShapeError(
            f"sample_weight has shape {weights.shape}, the values {values.shape}; expected one weight for each sample."
        ) from None
