"""First values of weights. Every initializer draws from a generator of its own, made from its seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from .config import Configured, made, plain
from .lookup import object_for
from .randomness import Seed, generator

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "Initializer", "LecunNormal",
    "LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
    "Zeros", "IdentityInitializer", "OrthogonalInitializer", "constant", "glorot_normal", "glorot_uniform", "he_normal",
    "he_uniform", "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform",
    "truncated_normal", "variance_scaling", "zeros", "deserialize", "get", "serialize",
]  # fmt: skip


class Initializer(Configured):
    """Base of all initializers: ``initializer(shape, dtype)`` gives the values."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> ag.Tensor:
        """Values of a shape (float32 if no dtype is given); each call draws new ones."""
        return ag.Tensor(np.asarray(self.values(tuple(shape)), dtype="float32" if dtype is None else dtype))

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


class Constant(Initializer):
    """All the same ``value``: a number, or an array that broadcasts to the shape."""

    def __init__(self, value: Any = 0.0):
        self.value = value

    def values(self, shape):
        try:
            return np.broadcast_to(np.asarray(self.value), shape)
        except ValueError:
            raise ag.ShapeError(
                f"Constant: the value has shape {np.shape(self.value)}; expected one that broadcasts to {shape}."
            ) from None


class Identity(Initializer):
    """A matrix with ``gain`` on its diagonal and 0 elsewhere."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def values(self, shape):
        if len(shape) != 2:
            raise ag.ShapeError(f"Identity: asked for a weight of shape {shape}; it makes matrices only.")
        return self.gain * np.eye(*shape)


class RandomInitializer(Initializer):
    """Base of those that draw.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        None draws differently in every run. The values of one initializer used twice differ from one another.
    """

    def __init__(self, seed: Seed = None):
        self.seed = seed
        self.generator = generator(seed)


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
    """Normal with the given mean and standard deviation, ``stddev``."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = _deviation(type(self).__name__, stddev)

    def values(self, shape):
        return self.generator.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """Normal, with everything further than two standard deviations from the mean drawn again."""

    def values(self, shape):
        return self.mean + self.stddev * truncated(self.generator, shape)


class VarianceScaling(RandomInitializer):
    r"""Random values whose variance is ``scale`` divided by a number of connections.

    Parameters
    ----------
    scale : float
        More than 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        Divide by the inputs of a unit, by its outputs, or by the mean of both.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        "normal" is short for the first.
    seed : int, numpy.random.Generator or None
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Seed = None
    ):
        super().__init__(seed)
        own = type(self).__name__
        if not scale > 0:
            raise ag.DomainError(f"{own}: scale is {scale!r}; expected a number of more than 0.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ag.DomainError(f"{own}: mode is {mode!r}; expected 'fan_in', 'fan_out' or 'fan_avg'.")
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ag.DomainError(
                f"{own}: distribution is {distribution!r}; expected 'truncated_normal', 'untruncated_normal' or "
                "'uniform'."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def values(self, shape):
        fan_in, fan_out = fans(shape)
        connections = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, connections)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self.generator.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return self.generator.normal(0.0, math.sqrt(variance), shape)
        return math.sqrt(variance) / _TRUNCATED_DEVIATION * truncated(self.generator, shape)


class _Named(VarianceScaling):
    """A VarianceScaling with a name of its own: only the seed is chosen."""

    _scaling: tuple[float, str, str]

    def __init__(self, seed: Seed = None):
        super().__init__(*self._scaling, seed=seed)


class GlorotUniform(_Named):
    r"""Uniform between :math:`\pm\sqrt{6 / (\text{fan in} + \text{fan out})}`.

    The variance of what flows forward and of what flows back then both stay about the same from layer to layer.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", equation 16.
    """

    _scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal of the variance of ``GlorotUniform``."""

    _scaling = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    r"""Uniform between :math:`\pm\sqrt{6 / \text{fan in}}`: for layers followed by a relu, which halves the variance.

    References
    ----------
    He et al. (2015), "Delving deep into rectifiers", section 2.2.
    """

    _scaling = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal of the variance of ``HeUniform``."""

    _scaling = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    r"""Uniform between :math:`\pm\sqrt{3 / \text{fan in}}`.

    References
    ----------
    LeCun et al. (1998), "Efficient backprop", section 4.6.
    """

    _scaling = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal of the variance of ``LecunUniform``."""

    _scaling = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """Rows or columns that are orthogonal to one another, of length ``gain``; axes before the last count as one.

    References
    ----------
    Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks". The signs of R's diagonal make the draw uniform: Mezzadri (2007), "How to generate random matrices from
    the classical compact groups".
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None):
        super().__init__(seed)
        self.gain = gain

    def values(self, shape):
        if len(shape) < 2:
            raise ag.ShapeError(f"Orthogonal: asked for a weight of shape {shape}; it needs at least two axes.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self.generator.normal(size=(max(rows, columns), min(rows, columns))))
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return self.gain * (q.T if rows < columns else q).reshape(shape)


# As older programs spell them: initializers.he_normal(seed=1).
constant, zeros, ones, identity, orthogonal = Constant, Zeros, Ones, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, variance_scaling = LecunNormal, LecunUniform, VarianceScaling
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal

# Standard deviation of a standard normal that is cut off at 2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
_TRUNCATED_DEVIATION = 0.8796256610342398


def truncated(source: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Standard normal numbers, those beyond 2 drawn again."""
    values = source.normal(size=shape)
    while True:
        far = np.abs(values) > 2.0
        count = int(np.count_nonzero(far))
        if not count:
            return values
        values[far] = source.normal(size=count)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers of inputs and outputs that an entry of a weight connects; axes before the last two are a window."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


def _deviation(own: str, stddev: float) -> float:
    if not stddev >= 0:
        raise ag.DomainError(f"{own}: stddev is {stddev}; expected at least 0.")
    return stddev


_CLASSES = (
    Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal, LecunUniform, Ones, Orthogonal,
    RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Zeros,
)  # fmt: skip
_KNOWN = {
    **{cls.__name__: cls for cls in _CLASSES},
    "normal": RandomNormal, "uniform": RandomUniform, "zero": Zeros, "one": Ones,
    "IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal,
}  # fmt: skip


def get(identifier: str | Callable[..., Any] | type[Initializer] | Mapping[str, Any]) -> Callable[..., Any]:
    """Initializer for a name (``"glorot_uniform"``), a class, a config, or a function of shape and dtype.

    Raises
    ------
    DomainError
        For an unknown name.
    ConversionError
        For something that cannot be called.
    """
    return object_for("initializer", identifier, Initializer, _KNOWN, "shape and dtype")


def serialize(initializer: Initializer) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}`` of an initializer."""
    return plain(initializer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None) -> Any:
    """Initializer from what ``serialize`` gave."""
    return made(Initializer, config, custom_objects)
