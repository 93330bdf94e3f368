"""Layers that are random in training, and pass everything on as it is otherwise. Each owns a generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from ..randomness import Seed, generator
from ..shapes import share
from .activation import Pointwise
from .formats import data_format_of


class RandomLayer(Pointwise):
    """Base of them: draws only where ``training`` is true."""

    def __init__(self, seed: Seed = None, **options: Any):
        super().__init__(**options)
        self.seed = seed
        self.generator = generator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        ag.tracing.static(self._strength)  # a plan is made for one; a callback may change it
        return self._changed(self._floating(inputs))

    def _strength(self) -> float:
        """The number that says how much is changed."""
        return self.__dict__["rate"]

    def _changed(self, inputs: ag.Tensor) -> ag.Tensor:
        raise TypeError(f"{type(self).__name__} does not define _changed(inputs).")

    def _kept(self, shape: Any, rate: float) -> Any:
        """True with probability ``1 - rate`` at each place."""
        return ag.tracing.host(lambda: self.generator.random(shape, np.float32) >= rate, shape, bool)

    def _noise(self, inputs: Any) -> Any:
        """A normal number for each entry."""
        shape = inputs.shape
        return ag.tracing.host(lambda: self.generator.standard_normal(shape), shape, np.float64)


class Dropout(RandomLayer):
    """Set entries to 0 at random, and scale the others up so that the expected sum stays.

    Parameters
    ----------
    rate : float
        Probability of 0, from 0 to less than 1.
    noise_shape : tuple of int or None, optional
        Shape of what is drawn; axes of length 1 share it: ``(None, 1, n)`` drops features at all times together.
        None: the length of the input.
    seed : int, numpy.random.Generator or None

    References
    ----------
    Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting".
    """

    def __init__(self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None, **options: Any):
        super().__init__(seed, **options)
        self.rate = share(type(self).__name__, "rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def _changed(self, inputs):
        if not self.rate:
            return inputs
        kept = self._kept(self._noise_shape(inputs.shape), self.rate)
        return inputs * (kept * inputs.dtype.type(1.0 / (1.0 - self.rate)))

    def _noise_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        wanted = self.noise_shape
        if wanted is None:
            return shape
        if len(wanted) != len(shape) or any(a not in (None, 1, b) for a, b in zip(wanted, shape, strict=True)):
            raise ag.ShapeError(
                f"{type(self).__name__} {self.name!r}: noise_shape {wanted} does not fit the input of shape {shape}; "
                "expected the same number of axes, each None, 1 or the input's length."
            )
        return tuple(b if a is None else a for a, b in zip(wanted, shape, strict=True))


class _SpatialDropout(Dropout):
    axes: int

    def __init__(self, rate: float, data_format: str | None = None, seed: Seed = None, **options: Any):
        super().__init__(rate, None, seed, **options)
        self.data_format = data_format_of(type(self).__name__, data_format)

    def _noise_shape(self, shape):
        if len(shape) != self.axes + 2:
            raise self._wrong_input(shape, f"a batch axis, {self.axes} spatial ones and channels")
        places = (1,) * self.axes
        return (shape[0], *places, shape[-1]) if self.data_format == "channels_last" else (*shape[:2], *places)


class SpatialDropout1D(_SpatialDropout):
    """Drop whole channels of sequences ``(batch, time, channels)``.

    Parameters
    ----------
    rate, seed
        As for ``Dropout``.

    References
    ----------
    Tompson et al. (2015), "Efficient object localization using convolutional networks".
    """

    axes = 1

    def __init__(self, rate: float, seed: Seed = None, **options: Any):
        super().__init__(rate, None, seed, **options)


class SpatialDropout2D(_SpatialDropout):
    """Drop whole channels of images, whose ``data_format`` says where they are; see ``SpatialDropout1D``."""

    axes = 2


class SpatialDropout3D(_SpatialDropout):
    """Drop whole channels of volumes, whose ``data_format`` says where they are; see ``SpatialDropout1D``."""

    axes = 3


class GaussianNoise(RandomLayer):
    """Add normal noise of mean 0 in training.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise.
    seed : int, numpy.random.Generator or None
    """

    def __init__(self, stddev: float, seed: Seed = None, **options: Any):
        super().__init__(seed, **options)
        if isinstance(stddev, (bool, str)) or not stddev >= 0:
            raise ag.DomainError(f"GaussianNoise: stddev is {stddev!r}; expected a number of at least 0.")
        self.stddev = stddev

    def _strength(self):
        return self.stddev

    def _changed(self, inputs):
        return inputs + (self.stddev * self._noise(inputs)).astype(inputs.dtype)


class GaussianDropout(RandomLayer):
    """Multiply by normal noise of mean 1 and standard deviation ``sqrt(rate / (1 - rate))`` in training.

    Parameters
    ----------
    rate : float
        From 0 to less than 1; the noise spreads as ``Dropout`` of this rate would.
    seed : int, numpy.random.Generator or None
    """

    def __init__(self, rate: float, seed: Seed = None, **options: Any):
        super().__init__(seed, **options)
        self.rate = share("GaussianDropout", "rate", rate)

    def _changed(self, inputs):
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * (1.0 + stddev * self._noise(inputs)).astype(inputs.dtype)


class AlphaDropout(Dropout):
    """Dropout for networks of ``selu``: keeps mean 0 and variance 1.

    References
    ----------
    Klambauer et al. (2017), "Self-normalizing neural networks", section "New dropout technique".
    """

    _dropped = -1.0507009873554805 * 1.6732632423543772  # what selu gives far to the left

    def _changed(self, inputs):
        rate, low = self.rate, self._dropped
        kept = self._kept(self._noise_shape(inputs.shape), rate).astype(inputs.dtype)
        scale = ((1 - rate) * (1 + rate * low**2)) ** -0.5
        return (inputs * kept + low * (1 - kept)) * scale - scale * low * rate
