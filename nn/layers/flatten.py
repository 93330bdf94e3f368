"""Flatten: all axes but the first become one."""

from __future__ import annotations

import math

import autograd_core as ag

from ..layer import Layer


class Flatten(Layer):
    """Input shape ``(batch, a, b, ...)``, output shape ``(batch, a * b * ...)``; for ``(batch,)`` ``(batch, 1)``."""

    def call(self, inputs):
        if not inputs.ndim:
            raise ag.ShapeError(f"Flatten {self.name!r}: the input is a single number; expected a batch axis.")
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))
