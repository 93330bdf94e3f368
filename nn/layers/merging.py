"""Layers of several inputs: Concatenate, Add, Subtract, Multiply, Average, Maximum, Minimum, Dot."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from ..layer import Layer


class Merge(Layer):
    """Base of layers of a list of inputs of one shape; lengths of 1 are stretched, as NumPy does."""

    supports_masking = True

    def build(self, input_shape):
        self._checked(input_shape)

    def _checked(self, given: Any) -> None:
        if not isinstance(given, (list, tuple)) or not given or given[0] is None:
            raise ag.StructureError(
                f"{type(self).__name__} {self.name!r}: got one input; expected a list of inputs: layer([x, y])."
            )

    def call(self, inputs):
        self._checked(inputs)
        try:
            return self._merged(list(inputs))
        except ag.ShapeError:
            raise ag.ShapeError(
                f"{type(self).__name__} {self.name!r}: the inputs have shapes {[tuple(x.shape) for x in inputs]}, "
                "which do not go together."
            ) from None

    def _merged(self, inputs: list[Any]) -> Any:
        raise TypeError(f"{type(self).__name__} does not define _merged(inputs).")

    def compute_mask(self, inputs, mask=None):
        masks = [entry for entry in mask or () if entry is not None]
        return reduce(anp.logical_and, masks) if masks else None


class Add(Merge):
    """Sum of the inputs."""

    def _merged(self, inputs):
        return reduce(anp.add, inputs)


class Subtract(Merge):
    """First input minus the second."""

    def _merged(self, inputs):
        if len(inputs) != 2:
            raise ag.StructureError(f"Subtract {self.name!r}: got {len(inputs)} inputs; expected two.")
        return inputs[0] - inputs[1]


class Multiply(Merge):
    """Product of the inputs."""

    def _merged(self, inputs):
        return reduce(anp.multiply, inputs)


class Average(Merge):
    """Mean of the inputs."""

    def _merged(self, inputs):
        return reduce(anp.add, inputs) / len(inputs)


class Maximum(Merge):
    """Largest of the inputs, entry by entry."""

    def _merged(self, inputs):
        return reduce(anp.maximum, inputs)


class Minimum(Merge):
    """Smallest of the inputs, entry by entry."""

    def _merged(self, inputs):
        return reduce(anp.minimum, inputs)


class Concatenate(Merge):
    """Inputs side by side along an axis; all other lengths are the same."""

    def __init__(self, axis: int = -1, **options: Any):
        super().__init__(**options)
        self.axis = axis

    def _merged(self, inputs):
        return anp.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs, mask=None):
        if not mask or all(entry is None for entry in mask):
            return None
        whole = [
            anp.ones(x.shape[:-1], dtype=bool) if entry is None else entry
            for x, entry in zip(inputs, mask, strict=True)
        ]
        ndim = inputs[0].ndim
        axis = self.axis % ndim
        return anp.concatenate(whole, axis=axis) if axis < ndim - 1 else reduce(anp.logical_and, whole)


class Dot(Merge):
    """Sums of products of two inputs along an axis of each, sample by sample.

    Parameters
    ----------
    axes : int or pair of int
        Axis of the first and of the second input that is summed over.
    normalize : bool
        Divide both by their norm along it first: the result is a cosine.
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **options: Any):
        super().__init__(**options)
        self.axes = axes
        self.normalize = normalize

    def _merged(self, inputs):
        if len(inputs) != 2:
            raise ag.StructureError(f"Dot {self.name!r}: got {len(inputs)} inputs; expected two.")
        x, y = inputs
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        first, second = first % x.ndim, second % y.ndim
        if not first or not second:
            raise ag.AxisError(f"Dot {self.name!r}: axes is {self.axes}; the batch axis cannot be summed over.")
        if self.normalize:
            x, y = _unit(x, first), _unit(y, second)
        letters = "abcdefghijklmnopq"
        left = list(letters[1 : x.ndim])
        right = list(letters[8 : 8 + y.ndim - 1])
        right[second - 1] = left[first - 1]
        kept = [a for a in left if a != left[first - 1]] + [a for a in right if a != left[first - 1]]
        out = anp.einsum(f"A{''.join(left)},A{''.join(right)}->A{''.join(kept)}", x, y)
        return anp.expand_dims(out, -1) if out.ndim == 1 else out

    def compute_mask(self, inputs, mask=None):
        return None


def _unit(x: Any, axis: int) -> Any:
    return x / anp.sqrt(anp.maximum(anp.sum(x * x, axis=axis, keepdims=True), 1e-12))


def add(inputs: Sequence[Any], **options: Any) -> Any:
    """``Add(**options)(inputs)``."""
    return Add(**options)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **options: Any) -> Any:
    """``Concatenate(axis, **options)(inputs)``."""
    return Concatenate(axis, **options)(inputs)


def multiply(inputs: Sequence[Any], **options: Any) -> Any:
    """``Multiply(**options)(inputs)``."""
    return Multiply(**options)(inputs)


def average(inputs: Sequence[Any], **options: Any) -> Any:
    """``Average(**options)(inputs)``."""
    return Average(**options)(inputs)


def maximum(inputs: Sequence[Any], **options: Any) -> Any:
    """``Maximum(**options)(inputs)``."""
    return Maximum(**options)(inputs)


def minimum(inputs: Sequence[Any], **options: Any) -> Any:
    """``Minimum(**options)(inputs)``."""
    return Minimum(**options)(inputs)


def subtract(inputs: Sequence[Any], **options: Any) -> Any:
    """``Subtract(**options)(inputs)``."""
    return Subtract(**options)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **options: Any) -> Any:
    """``Dot(axes, **options)(inputs)``."""
    return Dot(axes, **options)(inputs)
