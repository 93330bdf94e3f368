"""Activation: a function as a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import activations
from ..layer import Layer


class Activation(Layer):
    """Apply a function to the input; the shape stays.

    Parameters
    ----------
    activation : str or callable
        ``"relu"``, ``"softmax"``, ... or a function of a Tensor.
    **options
        Those of every layer.
    """

    def __init__(self, activation: str | Callable[..., Any], **options: Any):
        super().__init__(**options)
        self.activation = activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape
