"""Initializers: their distributions, their seeds, their names and configs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import autograd_core as ag
import nn

I = nn.initializers  # noqa: E741  # as its users write it: one short name
SHAPE = (300, 200)
CUT = 0.8796256610342398  # standard deviation of a standard normal cut off at 2


@dataclass(frozen=True)
class Case:
    """An initializer, and what its values of shape (300, 200) are like."""

    name: str
    make: Callable
    mean: float
    variance: float
    limit: float  # no value is further from the mean
    reaches: float = 0.98  # but some are as far as this share of it

    def __str__(self):
        return self.name


def scaled(name, scale, fan, uniform):
    """One that scales the variance to the number of connections."""
    variance = scale / {"in": 300, "out": 200, "avg": 250}[fan]
    limit = np.sqrt(3 * variance) if uniform else 2 * np.sqrt(variance) / CUT
    return Case(name, getattr(I, name), 0.0, variance, limit)


CASES = (
    Case("RandomNormal", I.RandomNormal, 0.0, 0.05**2, 0.3, 0.6),
    Case("RandomNormal 1, 2", lambda **o: I.RandomNormal(1.0, 2.0, **o), 1.0, 4.0, 12.0, 0.6),
    Case("RandomUniform", I.RandomUniform, 0.0, 0.1**2 / 12, 0.05),
    Case("RandomUniform 2, 5", lambda **o: I.RandomUniform(2.0, 5.0, **o), 3.5, 9 / 12, 1.5),
    Case("TruncatedNormal", I.TruncatedNormal, 0.0, (0.05 * CUT) ** 2, 0.1),
    Case("TruncatedNormal 1, 2", lambda **o: I.TruncatedNormal(1.0, 2.0, **o), 1.0, (2 * CUT) ** 2, 4.0),
    scaled("GlorotUniform", 1, "avg", True),
    scaled("GlorotNormal", 1, "avg", False),
    scaled("HeUniform", 2, "in", True),
    scaled("HeNormal", 2, "in", False),
    scaled("LecunUniform", 1, "in", True),
    scaled("LecunNormal", 1, "in", False),
    scaled("VarianceScaling", 1, "in", False),
    Case("fan_out, uniform", lambda **o: I.VarianceScaling(3.0, "fan_out", "uniform", **o), 0, 3 / 200, 0.3 / 2**0.5),
    Case("untruncated", lambda **o: I.VarianceScaling(3.0, "fan_out", "untruncated_normal", **o), 0, 3 / 200, 0.8, 0.6),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_distribution(case):
    """Mean and variance as stated, within five standard errors; nothing beyond the limit, something near it."""
    values = case.make(seed=0)(SHAPE, dtype="float64").numpy()
    np.testing.assert_allclose(values.mean(), case.mean, atol=5 * np.sqrt(case.variance / values.size))
    np.testing.assert_allclose(values.var(), case.variance, rtol=0.03)
    furthest = np.abs(values - case.mean).max()
    assert case.reaches * case.limit < furthest <= case.limit * (1 + 1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_seed(case):
    """The same seed gives the same values, also by config; another seed, or another call, others."""
    first = case.make(seed=3)
    values = first((4, 5)).numpy()
    assert values.dtype == "float32"
    np.testing.assert_array_equal(case.make(seed=3)((4, 5)).numpy(), values)
    again = type(first).from_config(first.get_config())
    np.testing.assert_array_equal(again((4, 5)).numpy(), values)
    assert again.get_config() == first.get_config()
    assert (first((4, 5)).numpy() != values).any()
    assert (case.make(seed=4)((4, 5)).numpy() != values).any()
    assert (case.make()((4, 5)).numpy() != case.make()((4, 5)).numpy()).any()


def test_set_random_seed_makes_unseeded_ones_repeat():
    """In the order in which they are made."""

    def drawn():
        nn.utils.set_random_seed(7)
        return [I.HeNormal()((3,)).numpy(), nn.layers.Dense(2, input_dim=3).get_weights()[0]]

    for a, b in zip(drawn(), drawn(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 2, 7), (3, 3, 4, 8)])
def test_orthogonal(shape):
    """Columns (or rows, where there are fewer) are orthogonal and of length ``gain``; leading axes count as one."""
    matrix = I.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").numpy().reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_is_uniform():
    """The entries of a random rotation have mean 0: the signs of the decomposition are not kept."""
    draw = I.Orthogonal(seed=0)
    entries = [draw((2, 2), dtype="float64").numpy() for _ in range(400)]
    np.testing.assert_allclose(np.mean(entries, axis=0), np.zeros((2, 2)), atol=0.2)


def test_fixed_values():
    """Zeros, Ones, Constant (a number or an array), Identity of any matrix; of the dtype asked for."""
    np.testing.assert_array_equal(I.Zeros()((2, 3)).numpy(), np.zeros((2, 3)))
    np.testing.assert_array_equal(I.Ones()((), dtype="float64").numpy(), 1)
    np.testing.assert_array_equal(I.Constant(3)((2,)).numpy(), [3, 3])
    np.testing.assert_array_equal(I.Constant([1.0, 2.0])((3, 2)).numpy(), [[1, 2]] * 3)
    np.testing.assert_array_equal(I.Identity(2.0)((2, 3)).numpy(), [[2, 0, 0], [0, 2, 0]])
    assert I.Zeros()((2,), dtype="int32").dtype == "int32"
    assert I.RandomNormal()((0, 3)).shape == (0, 3)


def test_windows_count_among_the_connections():
    """A (3, 3) convolution from 20 to 30 channels has 180 inputs for each output."""
    values = I.HeNormal(seed=0)((3, 3, 20, 30), dtype="float64").numpy()
    np.testing.assert_allclose(values.var(), 2 / 180, rtol=0.05)


NAMES = {
    "constant": I.Constant, "glorot_normal": I.GlorotNormal, "glorot_uniform": I.GlorotUniform,
    "he_normal": I.HeNormal, "he_uniform": I.HeUniform, "identity": I.Identity, "lecun_normal": I.LecunNormal,
    "lecun_uniform": I.LecunUniform, "ones": I.Ones, "orthogonal": I.Orthogonal, "random_normal": I.RandomNormal,
    "random_uniform": I.RandomUniform, "truncated_normal": I.TruncatedNormal,
    "variance_scaling": I.VarianceScaling, "zeros": I.Zeros,
}  # fmt: skip


@pytest.mark.parametrize(("name", "cls"), NAMES.items(), ids=NAMES)
def test_names(name, cls):
    """Keras's list: by string in both spellings, as class, object, config, and under the older name in the module."""
    config = {"class_name": cls.__name__, "config": {}}
    for spelling in (name, cls.__name__, cls, cls(), config):
        assert type(I.get(spelling)) is cls
    assert getattr(I, name) is cls
    assert {name, cls.__name__} <= set(I.__all__)
    assert type(I.deserialize(I.serialize(cls()))) is cls


def test_in_layers():
    """By string, object, config and function."""
    for given in ("ones", I.Ones(), I.serialize(I.Ones()), lambda shape, dtype: np.ones(shape, dtype)):
        layer = nn.layers.Dense(2, kernel_initializer=given, bias_initializer=I.Constant(4.0), input_dim=3)
        np.testing.assert_array_equal(layer.get_weights()[0], np.ones((3, 2)))
        np.testing.assert_array_equal(layer.get_weights()[1], [4, 4])


def test_one_of_ones_own():
    """A subclass defines ``values``; its config is that of its constructor."""

    class Ramp(I.Initializer):
        def __init__(self, step):
            self.step = step

        def values(self, shape):
            return self.step * np.arange(np.prod(shape)).reshape(shape)

    again = I.deserialize(I.serialize(Ramp(0.5)))
    np.testing.assert_array_equal(again((2, 2)).numpy(), [[0, 0.5], [1, 1.5]])


MISTAKES = {
    "name": (lambda: I.get("glorot"), ag.DomainError, "no initializer is called 'glorot'.*did you mean"),
    "number": (lambda: I.get(3), ag.ConversionError, "got a int"),
    "argument": (lambda: I.Zeros(3), TypeError, "argument"),
    "seed": (lambda: I.GlorotUniform(seed="x"), ag.DomainError, "seed is 'x'"),
    "seed below 0": (lambda: I.GlorotUniform(seed=-1), ag.DomainError, "seed is -1"),
    "scale": (lambda: I.VarianceScaling(0.0), ag.DomainError, "scale is 0.0"),
    "mode": (lambda: I.VarianceScaling(mode="fan"), ag.DomainError, "mode is 'fan'"),
    "distribution": (lambda: I.VarianceScaling(distribution="x"), ag.DomainError, "distribution is 'x'"),
    "deviation": (lambda: I.RandomNormal(stddev=-1.0), ag.DomainError, "stddev is -1"),
    "bounds": (lambda: I.RandomUniform(1.0, 0.0), ag.DomainError, "minval is 1.0, maxval 0.0"),
    "vector": (lambda: I.Orthogonal()((3,)), ag.ShapeError, r"Orthogonal: asked for a weight of shape \(3,\)"),
    "no matrix": (lambda: I.Identity()((3, 3, 3)), ag.ShapeError, "it makes matrices only"),
    "shape of a constant": (lambda: I.Constant([1, 2, 3])((2,)), ag.ShapeError, r"the value has shape \(3,\)"),
}


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given."""
    with pytest.raises(error, match=match):
        ask()
