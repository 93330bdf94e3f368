"""Dense: every output is connected with every input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import activations, constraints, initializers, regularizers
from ..layer import Layer
from ..shapes import positive


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
    kernel_regularizer, bias_regularizer, activity_regularizer : str or callable, optional
        Added to the loss: see ``nn.regularizers``.
    kernel_constraint, bias_constraint : str or callable, optional
        Applied after each step: see ``nn.constraints``.
    **options
        Those of every layer: ``name``, ``trainable``, ``dtype``, ``input_shape``, ``input_dim``.
    """

    takes_several = False

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.units = positive("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape):
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise self._wrong_input(
                input_shape,
                "(batch, ..., n) with a last axis of known length. A single sample needs a batch axis: x[None]",
            )
        self.kernel = self.add_weight(
            (input_shape[-1], self.units), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs):
        inputs = self._floating(inputs)
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
