"""numerical_gradient: right to near rounding, from tiny to huge entries, whatever kind of value it is given."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.testing import numerical_gradient, strategies


@pytest.mark.parametrize(
    ("f", "x", "derivative"),
    [
        (np.log, 1e-8, 1e8),
        (np.sqrt, 1e-30, 0.5e15),
        (np.sin, 1e8, math.cos(1e8)),
        (np.sin, 1e-8, 1.0),
        (lambda x: x**2, 1e-8, 2e-8),
        (lambda x: x**2, 1e8, 2e8),
        (lambda x: np.exp(1000 * x), 0.1, 1000 * math.exp(100)),
        (lambda x: np.maximum(x, 0), 1e-5, 1.0),
        (lambda x: np.maximum(x, 0), -1e-5, 0.0),
        (lambda x: 3.0, 1.0, 0.0),
        (lambda x: x**3, 0.0, 0.0),
        (np.floor, 2.5, 0.0),
    ],
)
def test_steps_fit_the_function(f, x, derivative):
    """Entries of any size, functions of any curvature, kinks and edges of the domain nearby."""
    assert numerical_gradient(f, x) == pytest.approx(derivative, rel=1e-9, abs=1e-12)


@given(st.data())
def test_polynomials(data):
    """The gradient of sum(c x^3 + x^2), for any shape and memory layout; the argument is left alone."""
    x = data.draw(strategies.arrays(special=[0.0]))
    x.flags.writeable = False
    c = np.random.default_rng(0).normal(size=x.shape)
    gradient = numerical_gradient(lambda x: np.sum(c * x**3 + x**2), x)
    assert np.shape(gradient) == x.shape
    np.testing.assert_allclose(gradient, 3 * c * x**2 + 2 * x, rtol=1e-9, atol=1e-9)


def test_given_step_is_the_plain_quotient():
    """With eps: (f(x + eps) - f(x - eps)) / (2 eps), bit for bit."""
    f = lambda x: 0.01 * x**2 + 0.1 * x
    assert numerical_gradient(f, 5, eps=1e-4) == (f(5 + 1e-4) - f(5 - 1e-4)) / (2 * 1e-4)
    assert numerical_gradient(f, 5, eps=1e-4) == 0.1999999999990898
    assert numerical_gradient(f, 10, eps=1e-4) == 0.2999999999986347
    bowl = lambda x: np.sum(x**2)
    for point, expected in [((3.0, 4.0), (6, 8)), ((0.0, 2.0), (0, 4)), ((3.0, 0.0), (6, 0))]:
        np.testing.assert_allclose(numerical_gradient(bowl, np.array(point), eps=1e-4), expected, atol=1e-8)


def test_kinds_of_arguments_and_results():
    """Integers become floats; Tensors are given as Tensors; structures come back as they are; float32 is widened."""
    assert numerical_gradient(lambda x: np.sum(x * x), np.array([1, 2])).tolist() == pytest.approx([2.0, 4.0])
    seen = []

    def f(parameters):
        seen.append(parameters)
        return parameters["w"] * parameters["rest"][0] * parameters["rest"][1]

    given = {"w": ag.constant(2.0), "rest": (np.array(3.0), ag.Variable(5.0))}
    gradients = numerical_gradient(f, given)
    assert gradients == {"w": pytest.approx(15), "rest": (pytest.approx(10), pytest.approx(6))}
    assert {(type(s["w"]), type(s["rest"][0]), type(s["rest"][1])) for s in seen} == {
        (ag.Tensor, np.ndarray, ag.Tensor)
    }
    gradient = numerical_gradient(lambda x: np.sum(np.sin(x)), np.array([1.0], "float32"))
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, np.cos([1.0]), rtol=1e-10)


def test_complex_is_d_dx_plus_i_d_dy():
    """As the tape's gradient of a complex source."""
    z = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_allclose(numerical_gradient(lambda z: np.sum(np.abs(z) ** 2), z), 2 * z, rtol=1e-9)


def test_function_computing_in_float32():
    """The steps follow the precision of the results."""
    f = lambda x: np.sum(np.sin(x.astype("float32")))
    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(numerical_gradient(f, x), np.cos(x), rtol=1e-4)


def test_function_that_writes_to_its_argument():
    """It gets a fresh copy each time."""
    x = np.array([1.0, 2.0])

    def f(x):
        x *= x
        return x.sum()

    np.testing.assert_allclose(numerical_gradient(f, x), [2.0, 4.0])
    assert x.tolist() == [1.0, 2.0]


def test_nothing_is_recorded():
    """Evaluations inside a tape leave no trace on it."""
    x = ag.constant(2.0)
    with ag.GradientTape() as tape:
        tape.watch(x)
        numerical_gradient(lambda v: v * x, x)
        y = x * x
    assert tape.gradient(y, x).item() == 4.0


@pytest.mark.parametrize(
    ("f", "x", "eps", "error", "message"),
    [
        (lambda x: x, np.ones(2), None, ag.ShapeError, r"returned shape \(2,\)"),
        (lambda x: x + 1j, 1.0, None, ag.DtypeError, "complex128"),
        (lambda x: "text", 1.0, None, ag.DtypeError, "returned str"),
        (lambda x: x, 1.0, 0.0, ag.DomainError, "eps must be a positive number"),
        (lambda x: x, 1.0, math.nan, ag.DomainError, "eps must be a positive number"),
    ],
)
def test_bad_arguments(f, x, eps, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(f, x, eps)
