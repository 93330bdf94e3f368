"""Convolutions of each channel by itself: DepthwiseConv, and SeparableConv, which mixes the channels afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core.numpy as anp

from .. import constraints, initializers, regularizers
from ..shapes import positive
from .convolution import Sizes, Windowed


class DepthwiseConv(Windowed):
    """Base of DepthwiseConv1D and DepthwiseConv2D.

    Weights: ``kernel`` of shape ``(*kernel_size, channels, depth_multiplier)`` and ``bias``, one for each channel of
    the output.

    Parameters
    ----------
    kernel_size, strides, padding, data_format, dilation_rate
        See ``Windowed``.
    depth_multiplier : int
        How many channels of the output come from each of the input.
    depthwise_initializer, depthwise_regularizer, depthwise_constraint : str or callable
        Of the kernel.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint, **options,
        )  # fmt: skip
        self.depth_multiplier = positive(type(self).__name__, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape):
        channels = self._built_for = self._channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint,
        )  # fmt: skip
        self._add_bias(channels * self.depth_multiplier)

    def _convolved(self, inputs):
        return anp.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.dilation_rate)

    def _output_channels(self, channels):
        return channels * self.depth_multiplier


class DepthwiseConv1D(DepthwiseConv):
    """Convolution of each channel of sequences by itself; see ``DepthwiseConv``."""

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """Convolution of each channel of images by itself; see ``DepthwiseConv``."""

    rank = 2


class SeparableConv(Windowed):
    """Base of SeparableConv1D and SeparableConv2D: each channel by itself, then a matrix over the channels.

    Weights: ``depthwise_kernel`` of shape ``(*kernel_size, channels, depth_multiplier)``, ``pointwise_kernel`` of shape
    ``(1, ..., channels * depth_multiplier, filters)``, and ``bias`` of shape ``(filters,)``.

    Parameters
    ----------
    filters : int
    kernel_size, strides, padding, data_format, dilation_rate
        See ``Windowed``.
    depth_multiplier : int
    depthwise_initializer, pointwise_initializer : str or callable
    depthwise_regularizer, pointwise_regularizer : str or callable, optional
    depthwise_constraint, pointwise_constraint : str or callable, optional
        Of the two kernels.

    References
    ----------
    Chollet (2017), "Xception: deep learning with depthwise separable convolutions".
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint, **options,
        )  # fmt: skip
        own = type(self).__name__
        self.filters = positive(own, "filters", filters)
        self.depth_multiplier = positive(own, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape):
        channels = self._built_for = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier), self.depthwise_initializer, name="depthwise_kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint,
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters), self.pointwise_initializer,
            name="pointwise_kernel", regularizer=self.pointwise_regularizer, constraint=self.pointwise_constraint,
        )  # fmt: skip
        self._add_bias(self.filters)

    def _convolved(self, inputs):
        apart = anp.depthwise_conv(inputs, self.depthwise_kernel, self.strides, self.padding, self.dilation_rate)
        return anp.conv(apart, self.pointwise_kernel)

    def _output_channels(self, channels):
        return self.filters


class SeparableConv1D(SeparableConv):
    """Separable convolution of sequences; see ``SeparableConv``."""

    rank = 1


class SeparableConv2D(SeparableConv):
    """Separable convolution of images; see ``SeparableConv``."""

    rank = 2
