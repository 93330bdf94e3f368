"""Regularizers: numbers that are added to the loss so that weights stay small. Keras's names and formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .config import Configured, made, plain
from .lookup import object_for

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2",
    "orthogonal_regularizer", "serialize",
]  # fmt: skip


class Regularizer(Configured):
    """Base of all regularizers: ``regularizer(weight)`` gives a number that is added to the loss."""

    def __call__(self, x: Any) -> Any:
        """Penalty for a weight."""
        raise TypeError(f"{type(self).__name__} does not define __call__(x); a subclass of Regularizer must.")


class L1(Regularizer):
    """``l1 * sum(abs(x))``: drives weights to exactly 0."""

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor("L1", "l1", l1)

    def __call__(self, x):
        return self.l1 * anp.sum(anp.abs(x))


class L2(Regularizer):
    """``l2 * sum(x**2)``."""

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor("L2", "l2", l2)

    def __call__(self, x):
        return self.l2 * anp.sum(anp.square(x))


class L1L2(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(x**2)``."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _factor("L1L2", "l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("L1L2", "l2", 0.0 if l2 is None else l2)

    def __call__(self, x):
        return self.l1 * anp.sum(anp.abs(x)) + self.l2 * anp.sum(anp.square(x))


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of the cosines between rows (or columns) of a matrix, each pair once.

    Parameters
    ----------
    factor : float
    mode : {"rows", "columns"}
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = _factor("OrthogonalRegularizer", "factor", factor)
        if mode not in ("rows", "columns"):
            raise ag.DomainError(f"OrthogonalRegularizer: mode is {mode!r}; expected 'rows' or 'columns'.")
        self.mode = mode

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ag.ShapeError(f"OrthogonalRegularizer: the weight has shape {x.shape}; expected a matrix.")
        rows = x if self.mode == "rows" else anp.transpose(x)
        size = rows.shape[0]
        if size < 2:
            return 0.0 * anp.sum(rows)
        length = anp.sqrt(anp.maximum(anp.sum(anp.square(rows), axis=1, keepdims=True), 1e-12))
        cosines = anp.abs(anp.matmul(rows / length, anp.transpose(rows / length)))
        pairs = size * (size - 1) / 2
        return 0.5 * self.factor * anp.sum(cosines * (1.0 - anp.eye(size, dtype=cosines.dtype))) / pairs


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """``L1L2`` with other defaults, as older programs write it."""
    return L1L2(l1, l2)


# As older programs spell them: regularizers.l2(0.001).
l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer


def _factor(own: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value < float("inf"):
        raise ag.DomainError(f"{own}: {name} is {value!r}; expected a finite number of at least 0.")
    return float(value)


_KNOWN: dict[str, type[Regularizer]] = {
    "L1": L1, "L1L2": L1L2, "L2": L2, "OrthogonalRegularizer": OrthogonalRegularizer,
    "orthogonal": OrthogonalRegularizer,
}  # fmt: skip


def get(identifier: Any) -> Callable[..., Any] | None:
    """Regularizer for a name (``"l2"``), a class, a config or a function of the weight; None for None.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    return None if identifier is None else object_for("regularizer", identifier, Regularizer, _KNOWN, "a weight")


def serialize(regularizer: Regularizer) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}`` of a regularizer."""
    return plain(regularizer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None) -> Any:
    """Regularizer from what ``serialize`` gave."""
    return made(Regularizer, config, custom_objects)
