"""Convolutions: Conv1D, Conv2D, Conv3D, and what their variants share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import activations, constraints, initializers, regularizers
from ..layer import Layer
from ..shapes import positive, several
from .formats import channels_back, channels_to_end, data_format_of, join_shape, split_shape

Sizes = int | Sequence[int]


class Windowed(Layer):
    """Base of layers that move a window over one, two or three spatial axes, and have a kernel and a bias.

    Parameters
    ----------
    kernel_size : int or sequence of int
        Sides of the window.
    strides : int or sequence of int
        Steps from one place of the window to the next.
    padding : {"valid", "same", "causal"}
        "valid": the window stays inside. "same": zeros around, so that with a stride of 1 the output is as large as the
        input (an odd one goes to the end). "causal", for one axis: all of them before, so that nothing depends on what
        comes later.
    data_format : {"channels_last", "channels_first"}, optional
    dilation_rate : int or sequence of int
        Distance between the entries of the window.
    activation, use_bias, bias_initializer, bias_regularizer, activity_regularizer, bias_constraint
        As for ``Dense``.
    """

    takes_several = False

    rank: int
    _built_for: int  # channels

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **options)
        own = type(self).__name__
        self.kernel_size = several(own, "kernel_size", kernel_size, self.rank)
        self.strides = several(own, "strides", strides, self.rank)
        self.dilation_rate = several(own, "dilation_rate", dilation_rate, self.rank)
        self.padding = padding_of(own, padding, ("valid", "same", "causal") if self.rank == 1 else ("valid", "same"))
        self.data_format = data_format_of(own, data_format)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ag.DomainError(
                f"{own}: strides is {strides!r} and dilation_rate {dilation_rate!r}; at most one of them may be more "
                "than 1."
            )
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def _channels(self, input_shape: Any) -> int:
        """Number of channels of the input; an error if there are not so many axes, or it is not known."""
        if len(input_shape) != self.rank + 2:
            axes = ", ".join(("length", "height, width", "depth, height, width")[self.rank - 1].split(", "))
            form = f"(batch, {axes}, channels)" if self.data_format == "channels_last" else f"(batch, channels, {axes})"
            raise self._wrong_input(input_shape, f"{self.rank + 2} axes: {form}")
        channels = split_shape(input_shape, self.data_format)[1]
        if channels is None:
            raise self._wrong_input(input_shape, "a known number of channels")
        return int(channels)

    def _add_bias(self, count: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (count,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs):
        if inputs.ndim != self.rank + 2 or self._channels(inputs.shape) != self._built_for:
            raise self._wrong_input(inputs.shape, f"{self.rank + 2} axes and {self._built_for} channels")
        try:
            outputs = self._convolved(channels_to_end(self._floating(inputs), self.data_format))
        except ag.ShapeError as error:
            raise ag.ShapeError(f"{type(self).__name__} {self.name!r}: {error}") from None
        if self.bias is not None:
            outputs = anp.add_bias(outputs, self.bias)
        return self.activation(channels_back(outputs, self.data_format))

    def _convolved(self, inputs: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not define _convolved(inputs).")

    def _output_channels(self, channels: int) -> int:
        raise TypeError(f"{type(self).__name__} does not define _output_channels(channels).")

    def compute_output_shape(self, input_shape):
        channels = self._channels(input_shape)
        spatial, _ = split_shape(input_shape, self.data_format)
        lengths = [
            window_count(n, k, s, self.padding, d)
            for n, k, s, d in zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        ]
        if any(length is not None and length < 1 for length in lengths):
            raise self._wrong_input(input_shape, f"sides of at least those of the window, {self.kernel_size}")
        return join_shape(input_shape[0], lengths, self._output_channels(channels), self.data_format)


class Conv(Windowed):
    """Base of Conv1D, Conv2D and Conv3D.

    Weights: ``kernel`` of shape ``(*kernel_size, channels // groups, filters)`` and ``bias`` of shape ``(filters,)``.

    The parameters from ``activation`` to ``bias_constraint`` are those of ``Dense``.

    Parameters
    ----------
    filters : int
        Number of channels of the output.
    kernel_size, strides, padding, data_format, dilation_rate
        See ``Windowed``.
    groups : int
        The channels are cut into so many groups, each with its own part of the filters.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
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
        self.groups = positive(own, "groups", groups)
        if self.filters % self.groups:
            raise ag.DomainError(f"{own}: filters is {filters}, groups {groups}; the second must divide the first.")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        channels = self._built_for = self._channels(input_shape)
        if channels % self.groups:
            raise self._wrong_input(input_shape, f"a number of channels that groups={self.groups} divides")
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias(self.filters)

    def _convolved(self, inputs):
        return anp.conv(inputs, self.kernel, self.strides, self.padding, self.dilation_rate, self.groups)

    def _output_channels(self, channels):
        return self.filters


class Conv1D(Conv):
    """Convolution of sequences: ``(batch, length, channels)`` to ``(batch, new length, filters)``; see ``Conv``."""

    rank = 1


class Conv2D(Conv):
    """Convolution of images: ``(batch, height, width, channels)`` to ``(batch, ..., filters)``; see ``Conv``."""

    rank = 2


class Conv3D(Conv):
    """Convolution of volumes: ``(batch, depth, height, width, channels)``; see ``Conv``."""

    rank = 3


def padding_of(owner: str, value: Any, known: Sequence[str]) -> str:
    """``value`` in lower case, if it is among ``known``."""
    text = value.lower() if isinstance(value, str) else value
    if text not in known:
        raise ag.DomainError(f"{owner}: padding is {value!r}; expected one of {', '.join(map(repr, known))}.")
    return text


def window_count(length: int | None, window: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """At how many places a window stands along an axis; None for None."""
    if length is None:
        return None
    if padding in ("same", "causal"):
        return -(-length // stride)
    return (length - (window - 1) * dilation - 1) // stride + 1
