"""Activations as layers: ``Activation("relu")``, and those with parameters or weights of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import activations, constraints, initializers, regularizers
from ..layer import Layer


class Pointwise(Layer):
    """Base of layers whose output has the shape of the input."""

    takes_several = False

    supports_masking = True

    def compute_output_shape(self, input_shape):
        return input_shape


class Activation(Pointwise):
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
        return self.activation(self._floating(inputs))


class ReLU(Pointwise):
    """``x`` between ``threshold`` and ``max_value``, ``negative_slope * (x - threshold)`` below.

    Parameters
    ----------
    max_value : float, optional
        No limit if None.
    negative_slope, threshold : float
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **options: Any
    ):
        super().__init__(**options)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None and name == "max_value":
                continue
            if value is None or not value >= 0:
                raise ag.DomainError(f"ReLU: {name} is {value!r}; expected a number of at least 0.")
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs):
        return activations.relu(self._floating(inputs), self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Pointwise):
    """``x`` if it is positive, else ``negative_slope * x`` (``alpha`` in older programs)."""

    def __init__(self, negative_slope: float = 0.3, *, alpha: float | None = None, **options: Any):
        super().__init__(**options)
        self.negative_slope = negative_slope if alpha is None else alpha

    def call(self, inputs):
        return anp.leaky_relu(self._floating(inputs), self.negative_slope)


class PReLU(Pointwise):
    """``x`` if it is positive, else ``alpha * x`` with a learned ``alpha`` for every place of a sample.

    Weight ``alpha``: the shape of a sample, with 1 along the shared axes.

    Parameters
    ----------
    alpha_initializer, alpha_regularizer, alpha_constraint : str or callable
    shared_axes : sequence of int, optional
        Axes along which there is one alpha only: (1, 2) for images with channels last.

    References
    ----------
    He et al. (2015), "Delving deep into rectifiers".
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = (shared_axes,) if isinstance(shared_axes, int) else tuple(shared_axes or ())

    def build(self, input_shape):
        shape = [1 if axis in self.shared_axes else length for axis, length in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            shape, self.alpha_initializer, name="alpha",
            regularizer=self.alpha_regularizer, constraint=self.alpha_constraint,
        )  # fmt: skip

    def call(self, inputs):
        shape = tuple(inputs.shape[1:])
        if len(shape) != self.alpha.ndim or any(a not in (1, b) for a, b in zip(self.alpha.shape, shape, strict=True)):
            raise self._wrong_input(inputs.shape, f"(batch, *alpha), where alpha has shape {self.alpha.shape}")
        inputs = self._floating(inputs)
        return anp.relu(inputs) - self.alpha * anp.relu(-inputs)


class ELU(Pointwise):
    """``x`` if it is positive, else ``alpha * (exp(x) - 1)``."""

    def __init__(self, alpha: float = 1.0, **options: Any):
        super().__init__(**options)
        self.alpha = alpha

    def call(self, inputs):
        return anp.elu(self._floating(inputs), self.alpha)


class Softmax(Pointwise):
    """Softmax along an axis; entries whose ``mask`` is False get 0."""

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any):
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs, mask=None):
        inputs = self._floating(inputs)
        if mask is not None:
            inputs = anp.where(mask, inputs, -3e38 if inputs.dtype.itemsize > 2 else -3e4)
        if isinstance(self.axis, int):
            return activations.softmax(inputs, self.axis)
        axes = tuple(self.axis)
        return anp.exp(inputs - anp.logsumexp(inputs, axis=axes, keepdims=True))
