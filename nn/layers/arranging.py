"""Layers that move entries about and compute nothing: Reshape, Flatten, Permute, RepeatVector, Cropping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from ..layer import Layer
from ..shapes import positive
from .formats import data_format_of


class Flatten(Layer):
    """Input shape ``(batch, a, b, ...)``, output shape ``(batch, a * b * ...)``; for ``(batch,)`` ``(batch, 1)``.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        With "channels_first" the channels are moved to the end first, so that both give the same order.
    """

    takes_several = False

    def __init__(self, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self.data_format = data_format_of("Flatten", data_format)

    def call(self, inputs):
        if not inputs.ndim:
            raise ag.ShapeError(f"Flatten {self.name!r}: the input is a single number; expected a batch axis.")
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = anp.moveaxis(inputs, 1, -1)
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(Layer):
    """Input shape ``(batch, ...)``, output shape ``(batch, *target_shape)``.

    Parameters
    ----------
    target_shape : tuple of int
        Without the batch axis; one length may be -1: what is left.
    """

    takes_several = False

    def __init__(self, target_shape: Sequence[int], **options: Any):
        super().__init__(**options)
        self.target_shape = tuple(target_shape)
        if self.target_shape.count(-1) > 1 or any(length < -1 for length in self.target_shape):
            raise ag.ShapeError(f"Reshape: target_shape is {target_shape!r}; expected lengths, at most one of them -1.")

    def call(self, inputs):
        self._resolved(inputs.shape)
        if not inputs.size and -1 in self.target_shape:  # no batch: what -1 stands for cannot be divided out
            return inputs.reshape(inputs.shape[0], *self._resolved(inputs.shape))
        return inputs.reshape(inputs.shape[0], *self.target_shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._resolved(input_shape))

    def _resolved(self, input_shape: Any) -> tuple[int | None, ...]:
        given, known = input_shape[1:], math.prod(length for length in self.target_shape if length != -1)
        if None in given:
            return tuple(None if length == -1 else length for length in self.target_shape)
        size = math.prod(given)
        if (-1 not in self.target_shape and size != known) or (-1 in self.target_shape and (not known or size % known)):
            raise self._wrong_input(input_shape, f"samples that fit {self.target_shape}; a sample has {size} entries")
        return tuple(size // known if length == -1 else length for length in self.target_shape)


class Permute(Layer):
    """Axes in another order.

    Parameters
    ----------
    dims : tuple of int
        Axis of the input, counted from 1 (the first after the batch), that comes at each place.
    """

    takes_several = False

    def __init__(self, dims: Sequence[int], **options: Any):
        super().__init__(**options)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ag.AxisError(f"Permute: dims is {dims!r}; expected 1 to {len(self.dims)}, each once.")

    def call(self, inputs):
        if inputs.ndim != len(self.dims) + 1:
            raise self._wrong_input(inputs.shape, f"{len(self.dims)} axes after the batch, as dims={self.dims} says")
        return anp.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


class RepeatVector(Layer):
    """Input shape ``(batch, n)``, output shape ``(batch, times, n)``.

    Parameters
    ----------
    n : int
        How many times.
    """

    takes_several = False

    def __init__(self, n: int, **options: Any):
        super().__init__(**options)
        self.n = positive("RepeatVector", "n", n)

    def call(self, inputs):
        if inputs.ndim != 2:
            raise self._wrong_input(inputs.shape, "(batch, features)")
        return anp.repeat(anp.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, *input_shape[1:])
