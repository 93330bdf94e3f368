"""Transposed convolutions: from the shape of a convolution's output to that of its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import constraints, initializers, regularizers
from ..shapes import positive, several
from .convolution import Sizes, Windowed
from .formats import join_shape, split_shape


class ConvTranspose(Windowed):
    """Base of Conv1DTranspose, Conv2DTranspose and Conv3DTranspose.

    Weights: ``kernel`` of shape ``(*kernel_size, filters, channels)`` and ``bias`` of shape ``(filters,)``.

    The parameters from ``activation`` to ``bias_constraint`` are those of ``Dense``.

    Parameters
    ----------
    filters : int
        Number of channels of the output.
    kernel_size, strides, padding, data_format, dilation_rate
        See ``Windowed``: of the convolution that goes the other way.
    output_padding : int or sequence of int, optional
        Several lengths of an input give a convolution's output the same length; this says which is meant, as a number
        of entries beyond the least.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint, **options,
        )  # fmt: skip
        own = type(self).__name__
        self.filters = positive(own, "filters", filters)
        self.output_padding = (
            None if output_padding is None else several(own, "output_padding", output_padding, self.rank, low=0)
        )
        if self.padding == "causal":
            raise ag.DomainError(f"{own}: padding is 'causal'; expected 'valid' or 'same'.")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        channels = self._built_for = self._channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, channels), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias(self.filters)

    def _convolved(self, inputs):
        return anp.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.dilation_rate
        )

    def compute_output_shape(self, input_shape):
        self._channels(input_shape)
        spatial, _ = split_shape(input_shape, self.data_format)
        extra = self.output_padding or (None,) * self.rank
        lengths = [
            _length(n, (k - 1) * d + 1, s, self.padding, e)
            for n, k, s, d, e in zip(spatial, self.kernel_size, self.strides, self.dilation_rate, extra, strict=True)
        ]
        return join_shape(input_shape[0], lengths, self.filters, self.data_format)


def _length(length: int | None, window: int, stride: int, padding: str, extra: int | None) -> int | None:
    """Length of the output; without ``extra`` the one that TensorFlow takes."""
    if length is None:
        return None
    if extra is None:
        return length * stride + (max(window - stride, 0) if padding == "valid" else 0)
    return (length - 1) * stride + window + extra - (0 if padding == "valid" else 2 * (window // 2))


class Conv1DTranspose(ConvTranspose):
    """Transposed convolution of sequences; see ``ConvTranspose``."""

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """Transposed convolution of images; see ``ConvTranspose``."""

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """Transposed convolution of volumes; see ``ConvTranspose``."""

    rank = 3
