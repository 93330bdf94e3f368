"""Constraints: what a weight is put through after each step of the optimizer. Keras's names and formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import autograd_core.numpy as anp

from .config import Configured, made, plain
from .lookup import object_for

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm",
    "non_neg", "serialize", "unit_norm",
]  # fmt: skip

Axes = int | tuple[int, ...] | list[int]

EPSILON = 1e-7


class Constraint(Configured):
    """Base of all constraints: ``constraint(weight)`` gives the value that is allowed instead."""

    def __call__(self, w: Any) -> Any:
        """Value that is allowed."""
        raise TypeError(f"{type(self).__name__} does not define __call__(w); a subclass of Constraint must.")


class MaxNorm(Constraint):
    """Scale the vectors along ``axis`` down to a norm of ``max_value`` where they are longer.

    Parameters
    ----------
    max_value : float
    axis : int or tuple of int
        0 for a Dense kernel: the weights that lead into one unit. (0, 1, 2) for a Conv2D kernel.
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (anp.clip(norms, 0, self.max_value) / (EPSILON + norms))


class NonNeg(Constraint):
    """Negative entries become 0."""

    def __call__(self, w):
        return anp.maximum(w, 0)


class UnitNorm(Constraint):
    """Scale the vectors along ``axis`` to a norm of 1."""

    def __init__(self, axis: Axes = 0):
        self.axis = axis

    def __call__(self, w):
        return w / (EPSILON + _norms(w, self.axis))


class MinMaxNorm(Constraint):
    """Scale the vectors along ``axis`` so that their norms lie between two limits.

    Parameters
    ----------
    min_value, max_value : float
    rate : float
        How much of the way to go at each step; 1 is all of it.
    axis : int or tuple of int
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axes = 0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = self.rate * anp.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (EPSILON + norms))


# As older programs spell them.
max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def _norms(w: Any, axis: Axes) -> Any:
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return anp.sqrt(anp.sum(anp.square(w), axis=axes, keepdims=True))


_KNOWN = {cls.__name__: cls for cls in (MaxNorm, MinMaxNorm, NonNeg, UnitNorm)}


def get(identifier: Any) -> Callable[..., Any] | None:
    """Constraint for a name (``"non_neg"``), a class, a config or a function of the weight; None for None.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    return None if identifier is None else object_for("constraint", identifier, Constraint, _KNOWN, "a weight")


def serialize(constraint: Constraint) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}`` of a constraint."""
    return plain(constraint)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None) -> Any:
    """Constraint from what ``serialize`` gave."""
    return made(Constraint, config, custom_objects)
