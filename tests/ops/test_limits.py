"""Derivatives at ties, at singular matrices and beside infinities, in both modes, where differences do not tell."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.activations import ELU
from autograd_core.ops.cross_entropy import SOFTMAX_CROSS_ENTROPY
from autograd_core.ops.trigonometric import SINC
from tests.ops.special_points import exact_sinc

INF, EPS = np.inf, np.finfo(float).eps


@pytest.mark.parametrize(("function", "sign"), [(np.maximum.accumulate, 1), (np.minimum.accumulate, -1)])
def test_ties_of_a_running_extreme_share_evenly(function, sign):
    """1/k each for the k equal entries so far."""
    x = sign * np.array([1.0, 1.0, 0.5, 2.0, 2.0, 2.0])
    half, third = 1 / 2, 1 / 3
    jacobian = np.array([
        [1, 0, 0, 0, 0, 0],
        [half, half, 0, 0, 0, 0],
        [half, half, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, half, half, 0],
        [0, 0, 0, third, third, third],
    ])  # fmt: skip
    ct, t = np.arange(1.0, 7.0), np.array([1.0, -2, 3, 5, 7, -1])
    np.testing.assert_allclose(ag.vjp(function, x)[1](ct)[0], ct @ jacobian, rtol=1e-14)
    np.testing.assert_allclose(ag.jvp(function, (x,), (t,))[1], jacobian @ t, rtol=1e-14)


def test_a_cotangent_of_zero_wins_over_an_infinite_product():
    """A product that the loss does not use sends back 0, although its derivative is infinite."""
    x = np.array([INF, 2.0])
    np.testing.assert_array_equal(ag.vjp(np.prod, x)[1](np.array(0.0))[0], [0, 0])
    np.testing.assert_array_equal(ag.vjp(np.cumprod, x)[1](np.zeros(2))[0], [0, 0])
    np.testing.assert_array_equal(ag.jvp(np.prod, (x,), (np.zeros(2),))[1], 0)


def test_logarithm_of_a_determinant_of_one():
    """A logarithm of 0 is no sign of 0: the derivative at the identity is the trace."""
    t = np.array([[1.0, 2.0], [3.0, 5.0]])
    pushed = ag.jvp(lambda a: np.linalg.slogdet(a)[1], (np.eye(2),), (t,))[1]
    np.testing.assert_allclose(pushed, 6.0)
    np.testing.assert_allclose(ag.grad(lambda a: np.linalg.slogdet(a)[1])(np.eye(2)), np.eye(2))


def test_second_derivative_of_elu_at_zero():
    """With alpha = 1 the first derivative has no jump at 0; the second is that from the left, of the exponential."""
    second = ag.grad(ag.grad(lambda x: ELU(x, alpha=1.0)))
    assert second(np.array(0.0)) == 1.0
    assert second(np.array(0.1)) == 0.0


def test_target_of_zero_for_a_class_that_cannot_be():
    """Cross-entropy: a target that stays 0 adds nothing, although the logarithm of its probability is -inf."""
    logits, targets = np.array([-INF, 0.0, 0.0]), np.array([0.0, 0.5, 0.5])
    change = np.array([0.0, 1.0, -2.0])
    pushed = ag.jvp(lambda p: SOFTMAX_CROSS_ENTROPY(p, logits, axis=0), (targets,), (change,))[1]
    np.testing.assert_allclose(pushed, -np.log(2.0))


def test_the_quotient_of_a_remainder_is_a_whole_number():
    """Its derivative is 0 exactly, so the second derivative of fmod is."""
    second = ag.grad(ag.grad(lambda y: np.fmod(np.array(5.06), y)))
    assert second(np.array(0.37)) == 0.0
    assert second(np.array(1e-200)) == 0.0


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5, 8])
def test_sinc_and_its_derivatives_to_a_few_units_in_the_last_place(order):
    """On both sides of where its series takes over from the quotient, and at 0."""
    x = np.linspace(-2.0, 2.0, 201)
    wanted = np.array([exact_sinc(float(np.pi * one), order) for one in x]) * np.pi**order
    np.testing.assert_allclose(SINC(x, order=order).numpy(), wanted, rtol=0, atol=9 * np.pi**order * EPS)
    slope = ag.grad(lambda x: np.sum(SINC(x, order=order)))
    wanted = np.array([exact_sinc(float(np.pi * one), order + 1) for one in x]) * np.pi ** (order + 1)
    np.testing.assert_allclose(slope(x), wanted, rtol=0, atol=9 * np.pi ** (order + 1) * EPS)


def hessian(f, z):
    return np.stack([ag.jvp(ag.grad(f), (z,), (unit,))[1] for unit in np.eye(len(z))])


def test_second_derivatives_of_lengths_beside_zeros():
    """Of nothing they are 0, as the first are; a side of 0 beside another is no such point."""
    np.testing.assert_allclose(hessian(lambda z: np.hypot(z[0], z[1]), np.array([0.0, 2.0])), [[0.5, 0], [0, 0]])
    np.testing.assert_allclose(hessian(lambda z: np.hypot(z[1], z[0]), np.array([0.0, 2.0])), [[0.5, 0], [0, 0]])
    for length in (lambda z: np.hypot(z[0], z[1]), np.linalg.norm, np.std):
        np.testing.assert_array_equal(hessian(length, np.zeros(2)), np.zeros((2, 2)))


def test_higher_derivatives_of_norms_beside_zeros():
    """The norm of nothing has derivative 0 at every order; one of even order is as smooth as a polynomial."""
    second = ag.grad(lambda x: np.sum(ag.grad(np.linalg.norm)(x)))
    np.testing.assert_array_equal(second(np.zeros(3)), np.zeros(3))

    def derivative(x):
        return np.linalg.norm(np.stack([x, np.full_like(x, 2.0)]), 4)

    for _ in range(4):
        derivative = ag.grad(derivative)
    np.testing.assert_allclose(derivative(np.array(0.0)), 0.75)  # of (x**4 + 16)**(1 / 4)
