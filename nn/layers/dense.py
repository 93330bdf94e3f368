"""Dense: every output is connected with every input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import activations
from ..layer import Layer


class Dense(Layer):
    """``activation(inputs @ kernel + bias)``, along the last axis.

    Input shape ``(batch, ..., n)``, output shape ``(batch, ..., units)``. Weights: ``kernel`` of shape ``(n, units)``
    and ``bias`` of shape ``(units,)``.

    Parameters
    ----------
    units : int
        Length of the last axis of the output.
    activation : str or callable, optional
        None for none.
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        See ``nn.initializers``.
    **options
        Those of every layer: ``name``, ``trainable``, ``dtype``, ``input_shape``, ``input_dim``.
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **options: Any,
    ):
        super().__init__(**options)
        if isinstance(units, bool) or int(units) != units or units < 1:
            raise ag.DomainError(f"Dense: units is {units!r}; expected an integer of at least 1.")
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape):
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ag.ShapeError(
                f"Dense {self.name!r}: the input has shape {input_shape}; expected (batch, ..., n) with a last axis of "
                "known length. A single sample needs a batch axis: x[None]."
            )
        self.kernel = self.add_weight((input_shape[-1], self.units), self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias") if self.use_bias else None

    def call(self, inputs):
        if inputs.array.dtype.kind in "iub":
            inputs = inputs.astype(self.dtype)
        kernel, bias = self.kernel, self.bias
        try:
            outputs = anp.matmul(inputs, kernel) if bias is None else anp.affine(inputs, kernel, bias)
        except ag.ShapeError:
            raise ag.ShapeError(
                f"Dense {self.name!r}: the input has shape {inputs.shape}; this layer was built for a last axis of "
                f"length {kernel.shape[0]}."
            ) from None
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)
