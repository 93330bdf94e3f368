"""Pooling: the largest entry, or the mean, of each window, or of everything."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from ..layer import Layer
from ..shapes import several
from .convolution import Sizes, padding_of, window_count
from .formats import channels_back, channels_to_end, data_format_of, join_shape, split_shape


class Pooling(Layer):
    """Base of the layers that take one number from each window of each channel.

    Parameters
    ----------
    pool_size : int or sequence of int
        Sides of the window.
    strides : int or sequence of int, optional
        Steps from window to window; ``pool_size`` if None.
    padding : {"valid", "same"}
        "same": windows may reach beyond the ends; what lies outside does not count.
    data_format : {"channels_last", "channels_first"}, optional
    """

    takes_several = False

    rank: int
    _pooled = staticmethod(anp.max_pool)

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        own = type(self).__name__
        self.pool_size = several(own, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else several(own, "strides", strides, self.rank)
        self.padding = padding_of(own, padding, ("valid", "same"))
        self.data_format = data_format_of(own, data_format)

    def _checked(self, shape: Any) -> None:
        if len(shape) != self.rank + 2:
            raise self._wrong_input(shape, f"{self.rank + 2} axes: batch, {self.rank} of space, and channels")

    def call(self, inputs):
        self._checked(inputs.shape)
        inputs = self._prepared(channels_to_end(inputs, self.data_format))
        try:
            pooled = self._pooled(inputs, self.pool_size, self.strides, self.padding)
        except ag.ShapeError as error:
            raise ag.ShapeError(f"{type(self).__name__} {self.name!r}: {error}") from None
        return channels_back(pooled, self.data_format)

    def _prepared(self, inputs: Any) -> Any:
        """Inputs as the pooling takes them; a mean is not of whole numbers."""
        return inputs if self._pooled is anp.max_pool else self._floating(inputs)

    def compute_output_shape(self, input_shape):
        self._checked(input_shape)
        spatial, channels = split_shape(input_shape, self.data_format)
        lengths = [
            window_count(n, k, s, self.padding) for n, k, s in zip(spatial, self.pool_size, self.strides, strict=True)
        ]
        if any(length is not None and length < 1 for length in lengths):
            raise self._wrong_input(input_shape, f"sides of at least those of the window, {self.pool_size}")
        return join_shape(input_shape[0], lengths, channels, self.data_format)


class MaxPooling1D(Pooling):
    """Largest entry of each window of sequences; see ``Pooling``. Ties share the gradient."""

    rank = 1


class MaxPooling2D(Pooling):
    """Largest entry of each window of images; see ``Pooling``. Ties share the gradient."""

    rank = 2


class MaxPooling3D(Pooling):
    """Largest entry of each window of volumes; see ``Pooling``. Ties share the gradient."""

    rank = 3


class AveragePooling1D(Pooling):
    """Mean of each window of sequences; see ``Pooling``."""

    rank = 1
    _pooled = staticmethod(anp.avg_pool)


class AveragePooling2D(Pooling):
    """Mean of each window of images; see ``Pooling``."""

    rank = 2
    _pooled = staticmethod(anp.avg_pool)


class AveragePooling3D(Pooling):
    """Mean of each window of volumes; see ``Pooling``."""

    rank = 3
    _pooled = staticmethod(anp.avg_pool)


class GlobalPooling(Layer):
    """Base of the layers that take one number from each channel.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep the spatial axes, with length 1.
    """

    takes_several = False

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **options: Any):
        super().__init__(**options)
        self.data_format = data_format_of(type(self).__name__, data_format)
        self.keepdims = keepdims

    def _axes(self, shape: Any) -> tuple[int, ...]:
        if len(shape) != self.rank + 2:
            raise self._wrong_input(shape, f"{self.rank + 2} axes: batch, {self.rank} of space, and channels")
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def compute_output_shape(self, input_shape):
        axes = self._axes(input_shape)
        if self.keepdims:
            return tuple(1 if axis in axes else length for axis, length in enumerate(input_shape))
        return tuple(length for axis, length in enumerate(input_shape) if axis not in axes)


class _GlobalAverage(GlobalPooling):
    def call(self, inputs):
        return anp.mean(self._floating(inputs), axis=self._axes(inputs.shape), keepdims=self.keepdims)


class _GlobalMax(GlobalPooling):
    def call(self, inputs):
        return anp.max(inputs, axis=self._axes(inputs.shape), keepdims=self.keepdims)


class GlobalAveragePooling1D(_GlobalAverage):
    """Mean over time of each channel; steps that a mask leaves out do not count. See ``GlobalPooling``."""

    rank = 1
    supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return super().call(inputs)
        inputs = self._floating(inputs)
        (axis,) = self._axes(inputs.shape)
        kept = anp.asarray(mask).astype(inputs.dtype)
        kept = kept[:, :, None] if axis == 1 else kept[:, None, :]
        return anp.sum(inputs * kept, axis=axis, keepdims=self.keepdims) / kept.sum(axis, keepdims=self.keepdims)

    def compute_mask(self, inputs, mask=None):
        return None


class GlobalAveragePooling2D(_GlobalAverage):
    """Mean of each channel of images; see ``GlobalPooling``."""

    rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """Mean of each channel of volumes; see ``GlobalPooling``."""

    rank = 3


class GlobalMaxPooling1D(_GlobalMax):
    """Largest entry over time of each channel; see ``GlobalPooling``."""

    rank = 1


class GlobalMaxPooling2D(_GlobalMax):
    """Largest entry of each channel of images; see ``GlobalPooling``."""

    rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """Largest entry of each channel of volumes; see ``GlobalPooling``."""

    rank = 3


# As older programs spell them.
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D,
)  # fmt: skip
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
