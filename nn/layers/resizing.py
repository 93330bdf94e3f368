"""Layers that make images or sequences larger or smaller without weights: ZeroPadding, Cropping, UpSampling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from ..layer import Layer
from ..shapes import positive, several
from .convolution import Sizes
from .formats import data_format_of

Pairs = tuple[tuple[int, int], ...]


class _Sided(Layer):
    """Base of layers with two numbers for each spatial axis."""

    takes_several = False

    rank: int
    data_format = "channels_last"

    def _set_format(self, data_format: str | None) -> None:
        self.data_format = data_format_of(type(self).__name__, data_format)

    @property
    def _first(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def _checked(self, shape: Any) -> None:
        if len(shape) != self.rank + 2:
            raise self._wrong_input(shape, f"{self.rank + 2} axes: batch, {self.rank} of space, and channels")


def pairs_of(owner: str, name: str, value: Any, rank: int) -> Pairs:
    """``value`` as two numbers for each axis: from one for all, one for each axis, or two for each."""
    try:
        if isinstance(value, int):
            positive(owner, name, value, low=0)
            return ((value, value),) * rank
        pairs: tuple[tuple[int, ...], ...]
        if rank == 1 and len(value) == 2:
            pairs = (several(owner, name, list(value), 2, low=0),)
        elif len(value) == rank:
            pairs = tuple(several(owner, name, entry, 2, low=0) for entry in value)
        else:
            raise TypeError
    except TypeError:
        raise ag.DomainError(
            f"{owner}: {name} is {value!r}; expected an integer, {rank} of them, or {rank} pairs of them."
        ) from None
    return pairs  # type: ignore[return-value]


class _ZeroPadding(_Sided):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self._set_format(data_format)
        self.padding = pairs_of(type(self).__name__, "padding", padding, self.rank)

    def call(self, inputs):
        self._checked(inputs.shape)
        widths = [(0, 0)] * inputs.ndim
        widths[self._first : self._first + self.rank] = self.padding
        return anp.pad(inputs, widths)

    def compute_output_shape(self, input_shape):
        self._checked(input_shape)
        shape = list(input_shape)
        for axis, (before, after) in enumerate(self.padding, self._first):
            shape[axis] = None if shape[axis] is None else shape[axis] + before + after
        return tuple(shape)


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after sequences.

    Parameters
    ----------
    padding : int, or pair of int
        How many before, and after.
    data_format : {"channels_last", "channels_first"}, optional
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Parameters
    ----------
    padding : int, pair of int, or pair of pairs
        One number for all sides; one for each axis; or (top, bottom), (left, right).
    data_format : {"channels_last", "channels_first"}, optional
    """

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes.

    Parameters
    ----------
    padding : int, three of int, or three pairs
        One number for all sides; one for each axis; or two for each, before and after.
    data_format : {"channels_last", "channels_first"}, optional
    """

    rank = 3


class _Cropping(_Sided):
    def __init__(self, cropping: Any = 0, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self._set_format(data_format)
        self.cropping = pairs_of(type(self).__name__, "cropping", cropping, self.rank)

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)
        index = [slice(None)] * inputs.ndim
        for axis, (before, after) in enumerate(self.cropping, self._first):
            index[axis] = slice(before, inputs.shape[axis] - after)
        return inputs[tuple(index)]

    def compute_output_shape(self, input_shape):
        self._checked(input_shape)
        shape = list(input_shape)
        for axis, (before, after) in enumerate(self.cropping, self._first):
            if shape[axis] is not None:
                shape[axis] -= before + after
                if shape[axis] < 1:
                    raise self._wrong_input(input_shape, f"more entries than cropping={self.cropping} takes away")
        return tuple(shape)


class Cropping1D(_Cropping):
    """Take entries away before and after; ``cropping`` as ``padding`` of ``ZeroPadding1D``."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **options: Any):
        super().__init__(cropping, **options)


class Cropping2D(_Cropping):
    """Take entries away around images; ``cropping`` as ``padding`` of ``ZeroPadding2D``."""

    rank = 2


class Cropping3D(_Cropping):
    """Take entries away around volumes; ``cropping`` as ``padding`` of ``ZeroPadding3D``."""

    rank = 3

    def __init__(self, cropping: Any = 1, **options: Any):
        super().__init__(cropping, **options)


class UpSampling1D(_Sided):
    """Repeat each step of a sequence ``size`` times."""

    rank = 1

    def __init__(self, size: int = 2, **options: Any):
        super().__init__(**options)
        (self.size,) = several("UpSampling1D", "size", size, 1)

    def call(self, inputs):
        self._checked(inputs.shape)
        return anp.repeat(inputs, self.size, axis=1)


class UpSampling2D(_Sided):
    """Make images larger.

    Parameters
    ----------
    size : int or pair of int
        Factors for height and width.
    data_format : {"channels_last", "channels_first"}, optional
    interpolation : {"nearest", "bilinear"}
    """

    rank = 2

    def __init__(
        self, size: Sizes = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **options: Any
    ):
        super().__init__(**options)
        self._set_format(data_format)
        self.size = several("UpSampling2D", "size", size, 2)
        if interpolation not in ("nearest", "bilinear"):
            raise ag.DomainError(f"UpSampling2D: interpolation is {interpolation!r}; expected 'nearest' or 'bilinear'.")
        self.interpolation = interpolation

    def call(self, inputs):
        self._checked(inputs.shape)
        for axis, factor in enumerate(self.size, self._first):
            if self.interpolation == "nearest":
                inputs = anp.repeat(inputs, factor, axis=axis)
            else:
                weights = _bilinear(inputs.shape[axis], factor).astype(inputs.dtype)
                inputs = anp.moveaxis(anp.tensordot(inputs, weights, axes=((axis,), (1,))), -1, axis)
        return inputs

    def compute_output_shape(self, input_shape):
        self._checked(input_shape)
        return _enlarged(input_shape, self.size, self._first)


class UpSampling3D(_Sided):
    """Repeat each entry of volumes.

    Parameters
    ----------
    size : int or three of int
        How often, along each axis.
    data_format : {"channels_last", "channels_first"}, optional
    """

    rank = 3

    def __init__(self, size: Sizes = (2, 2, 2), data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self._set_format(data_format)
        self.size = several("UpSampling3D", "size", size, 3)

    def call(self, inputs):
        self._checked(inputs.shape)
        for axis, factor in enumerate(self.size, self._first):
            inputs = anp.repeat(inputs, factor, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        self._checked(input_shape)
        return _enlarged(input_shape, self.size, self._first)


def _enlarged(input_shape, size, first):
    """The shape with so many times the entries along each axis from ``first`` on."""
    shape = list(input_shape)
    for axis, factor in enumerate(size, first):
        shape[axis] = None if shape[axis] is None else shape[axis] * factor
    return tuple(shape)


@lru_cache(maxsize=64)
def _bilinear(length: int, factor: int) -> Any:
    """Matrix from ``length`` entries to ``length * factor`` ones in between, pixels being squares with a middle."""
    places = np.clip((np.arange(length * factor) + 0.5) / factor - 0.5, 0, length - 1)
    left = np.minimum(places.astype(int), max(length - 2, 0))
    weights = np.zeros((length * factor, length))
    rows = np.arange(length * factor)
    weights[rows, left] = 1 - (places - left)
    weights[rows, np.minimum(left + 1, length - 1)] += places - left
    return weights
