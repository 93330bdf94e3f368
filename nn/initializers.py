"""First values of weights. Every initializer draws from a generator of its own, made from its seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .lookup import by_name

__all__ = ["GlorotUniform", "Initializer", "Ones", "RandomNormal", "RandomUniform", "Zeros", "get"]

Seed = int | np.random.Generator | None


class Initializer:
    """Base of all initializers: ``initializer(shape, dtype)`` gives the values."""

    def __call__(self, shape: Sequence[int], dtype: Any = "float32") -> ag.Tensor:
        """Values of a shape; each call draws new ones."""
        return ag.Tensor(np.asarray(self.values(tuple(shape)), dtype=dtype))

    def values(self, shape: tuple[int, ...]) -> Any:
        """Values as an array; what a subclass defines."""
        raise TypeError(f"{type(self).__name__} does not define values(shape); a subclass of Initializer must.")


class Zeros(Initializer):
    """All 0."""

    def values(self, shape):
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    def values(self, shape):
        return np.ones(shape)


class RandomInitializer(Initializer):
    """Base of those that draw.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        None draws differently in every run. The values of one initializer used twice differ from one another.
    """

    def __init__(self, seed: Seed = None):
        self.generator = np.random.default_rng(seed)


class RandomUniform(RandomInitializer):
    """Uniform in the interval from ``minval`` to ``maxval``."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        if not minval <= maxval:
            raise ag.DomainError(f"RandomUniform: minval is {minval}, maxval {maxval}; the first must not be larger.")
        self.minval = minval
        self.maxval = maxval

    def values(self, shape):
        return self.generator.uniform(self.minval, self.maxval, shape)


class RandomNormal(RandomInitializer):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        if not stddev >= 0:
            raise ag.DomainError(f"RandomNormal: stddev is {stddev}; expected at least 0.")
        self.mean = mean
        self.stddev = stddev

    def values(self, shape):
        return self.generator.normal(self.mean, self.stddev, shape)


class GlorotUniform(RandomInitializer):
    r"""Uniform between :math:`\pm\sqrt{6 / (\text{fan in} + \text{fan out})}`.

    The variance of what flows forward and of what flows back then both stay about the same from layer to layer.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", equation 16.
    """

    def values(self, shape):
        limit = math.sqrt(6.0 / max(1.0, sum(fans(shape))))
        return self.generator.uniform(-limit, limit, shape)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers of inputs and outputs that an entry of a weight connects; axes before the last two are a window."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


_KNOWN = {cls.__name__: cls for cls in (GlorotUniform, Ones, RandomNormal, RandomUniform, Zeros)}


def get(identifier: str | Callable[..., Any] | type[Initializer]) -> Callable[..., Any]:
    """Initializer for a name (``"glorot_uniform"``), a class, or a function of shape and dtype.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    if isinstance(identifier, str):
        identifier = by_name("initializer", identifier, _KNOWN)
    if isinstance(identifier, type):
        identifier = identifier()
    if not callable(identifier):
        raise ag.ConversionError(
            f"initializers.get: got a {type(identifier).__name__}; expected a name, an initializer, or a function of "
            "shape and dtype."
        )
    return identifier
