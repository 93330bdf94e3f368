"""Derivatives of second and third order where arguments are special: zeros, ones, ties, equal eigenvalues."""

import random
from functools import partial
from itertools import permutations, product

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops import special
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE

POINTS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5)
# At the border of the real domain the mixed derivatives are infinite there, and finite in one order: not a function.
BORDER = {"power": ((0.0, 1.0), (0.0, 0.5), (0.0, 2.0)), "float_power": ((0.0, 1.0), (0.0, 0.5), (0.0, 2.0))}

ROWS = [
    row for row in TABLE if row.elementwise and row.vjps and not row.variadic and row.name not in ("where", "ldexp")
]


def parameters_of(row):
    """How many arguments ``row`` takes, and parameters for it."""
    if row.sample is None:
        return len(row.domain), {}
    args, params = row.sample(Draw(random.Random(1).randint, np.float64))
    return len(args), params


def derivatives(f):
    """Gradient of ``f`` in reverse and in forward mode."""

    def forward(z):
        return np.stack([ag.jvp(f, (z,), (unit,))[1] for unit in np.eye(len(z))])

    return ag.grad(f), forward


def close(a, b, scale=1e-9):
    a, b = np.asarray(a), np.asarray(b)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.all(alike | (np.abs(a - b) <= scale * (1 + np.maximum(np.abs(a), np.abs(b)))))


@np.errstate(all="ignore")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_orders_and_modes_agree_at_special_points(row):
    count, params = parameters_of(row)

    def f(z):
        return row(*(z[i] for i in range(count)), **params)

    reverse, forward = derivatives(f)
    for point in product(POINTS, repeat=count) if count < 3 else product(POINTS, (0.0, -1.0), (0.0, 1.0)):
        z = np.array(point)
        if not np.isfinite(f(z).numpy()) or tuple(np.abs(point)) in BORDER.get(row.name, ()):
            continue
        assert close(reverse(z), forward(z)), point
        hessians = [ag.jacobian(way, mode=mode)(z) for way in (reverse, forward) for mode in ("rev", "fwd")]
        for hessian in hessians:
            assert close(hessian, hessians[0]), point
            assert close(hessian, hessian.T), point


@np.errstate(all="ignore")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["hypot", "arctan2", "logaddexp", "multiply", "divide", "xlogy", "rel_entr", "kl_div"])
def test_third_derivatives_are_symmetric(name):
    row = next(row for row in TABLE if row.name == name)
    third = ag.jacobian(ag.hessian(lambda z: row(z[0], z[1])), mode="rev")
    for point in product((0.0, 1.0, 2.0), (1.0, 2.0, 0.5)):
        found = third(np.array(point))
        assert all(close(found, found.transpose(order)) for order in permutations(range(3))), point


# -- one by one --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ord", [2, 3, 4, 1.5])
def test_the_norm_is_flat_at_the_zero_vector_at_every_order(ord):
    f = partial(np.linalg.norm, ord=ord)
    assert ag.grad(f)(np.zeros(2)).tolist() == [0, 0]
    assert ag.hessian(f)(np.zeros(2)).tolist() == [[0, 0], [0, 0]]


def test_the_norm_of_even_order_is_smooth_at_an_entry_of_zero():
    f = derivative = lambda x: np.linalg.norm(np.stack([x, 1.0]), 4)
    for _ in range(4):
        derivative = ag.grad(derivative)
    assert derivative(0.0) == 6.0  # (1 + x**4)**(1/4) = 1 + x**4 / 4 + ...
    assert ag.grad(f)(0.5) == pytest.approx(0.125 * 1.0625**-0.75)


def test_relative_entropy_of_nothing_has_a_mixed_derivative():
    for f in (special.rel_entr, special.kl_div):
        found = ag.hessian(lambda z, f=f: f(z[0], z[1]))(np.array([0.0, 2.0]))
        assert found.tolist() == [[np.inf, -0.5], [-0.5, 0.0]]


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
def test_an_infinite_term_has_the_whole_share(function):
    slopes = ag.grad(function, (0, 1))
    assert slopes(np.inf, 0.0) == (1, 0)
    assert slopes(0.0, np.inf) == (0, 1)
    assert slopes(np.inf, np.inf) == (0.5, 0.5)
    assert slopes(-np.inf, -np.inf) == (0, 0)
    assert slopes(-np.inf, 1.0) == (0, 1)
    assert ag.vjp(function, np.float32(np.inf), np.float32(1))[1](np.float32(1))[0].dtype == np.float32


def test_perfect_correlation_is_a_maximum_not_a_bound():
    def by_hand(x):
        away = x - np.mean(x, 1, keepdims=True)
        return np.sum(away[0] * away[1]) / np.sqrt(np.sum(away[0] ** 2) * np.sum(away[1] ** 2))

    x = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    found = ag.hessian(lambda x: np.corrcoef(x)[0, 1])(x)
    np.testing.assert_allclose(found, ag.hessian(by_hand)(x), atol=1e-12)
    assert np.abs(found).max() > 0.3


@pytest.mark.parametrize("mode", ["rev", "fwd"])
@pytest.mark.parametrize("largest", [np.max, lambda x: np.maximum.accumulate(x)[-1]], ids=["max", "accumulate"])
def test_entries_without_a_share_have_no_infinite_derivative(largest, mode):
    assert ag.jacobian(lambda x: largest(np.sqrt(x)), mode=mode)(np.array([0.0, 4.0])).tolist() == [0, 0.25]
    assert ag.jacobian(lambda x: np.sqrt(largest(x)), mode=mode)(np.array([-1.0, 0.0])).tolist() == [0, np.inf]


# -- equal eigenvalues and singular values -----------------------------------------------------------------------------
# A second derivative is right or NaN, never some number.

EQUAL = {
    "eigvalsh": lambda a: np.sum(np.log(np.linalg.eigvalsh(a))),
    "eigh": lambda a: np.sum(np.log(np.linalg.eigh(a).eigenvalues)),
    "svdvals": lambda a: np.sum(np.log(np.linalg.svdvals(a))),
    "svd": lambda a: np.sum(np.log(np.linalg.svd(a).S)),
}


@pytest.mark.parametrize("mode", ["rev", "fwd"])
@pytest.mark.parametrize("name", EQUAL)
def test_the_second_derivative_of_equal_values_is_not_shared(name, mode):
    a = np.diag([1.0, 1.0, 3.0])
    found = ag.jacobian(ag.grad(EQUAL[name]), mode=mode)(a).reshape(9, 9)
    inverse = np.linalg.inv(a)
    right = -np.einsum("jk,li->ijkl", inverse, inverse)
    if name.startswith("eig"):
        right = (right + right.swapaxes(0, 1)) / 2  # the gradient of the symmetric part
        right = (right + right.swapaxes(2, 3)) / 2
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], right.reshape(9, 9)[known], atol=1e-12)
    assert known.any()
    assert not known.all()


def test_a_singular_value_of_zero_has_no_second_derivative():
    for mode in ("rev", "fwd"):
        gradient = ag.grad(lambda a: np.sum(np.linalg.svdvals(a) ** 2))
        found = ag.jacobian(gradient, mode=mode)(np.diag([1.0, 0.0])).reshape(4, 4)
        known = np.isfinite(found)
        np.testing.assert_allclose(found[known], 2 * np.eye(4)[known], atol=1e-12)
        assert np.isnan(found[3, 3])


def test_constant_weights_of_equal_values_have_a_second_derivative():
    for f in (np.linalg.eigvalsh, np.linalg.svdvals):
        found = ag.jacobian(ag.grad(lambda a, f=f: np.sum(f(a))), mode="rev")(np.eye(2))
        assert np.isfinite(found).all()


def test_values_used_with_their_vectors_where_the_function_of_them_is_zero():
    def logarithm(a):
        w, v = np.linalg.eigh(a)
        return np.sum(np.array([[1.0, 2.0], [2.0, 5.0]]) * ((v * np.log(w)) @ v.T))

    assert np.isnan(ag.grad(logarithm)(np.eye(2))).all()
    assert np.isfinite(ag.grad(logarithm)(np.diag([1.0, 2.0]))).all()
    assert ag.grad(lambda a: np.linalg.eigh(a).eigenvalues[-1])(np.eye(2)).tolist() == [[0.5, 0], [0, 0.5]]


# -- determinants are polynomials --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_third_derivative_of_det_holds_for_matrices_of_any_rank(rank):
    generator = np.random.default_rng(0)
    a = generator.normal(size=(3, rank)) @ generator.normal(size=(rank, 3))
    a = a + 1e-14 * generator.normal(size=a.shape)  # as rounding leaves them
    t, u, v = directions = generator.normal(size=(3, 3, 3))
    right = sum(
        np.linalg.det(np.stack([directions[k][row] for row, k in enumerate(o)])) for o in permutations(range(3))
    )

    def along(f, direction):
        return lambda a: ag.jvp(f, (a,), (direction,))[1]

    assert along(along(along(np.linalg.det, t), u), v)(a) == pytest.approx(right)
    backward = ag.grad(lambda a: np.sum(ag.grad(lambda a: np.sum(ag.grad(np.linalg.det)(a) * t))(a) * u))(a)
    assert np.sum(backward * v) == pytest.approx(right)
    third = ag.jacobian(ag.jacobian(ag.grad(np.linalg.det), mode="rev"), mode="rev")(a)
    assert np.einsum("ijklmn,ij,kl,mn", third, t, u, v) == pytest.approx(right)


def test_the_fourth_derivative_of_det():
    generator = np.random.default_rng(0)
    a, t = generator.normal(size=(2, 5, 5))
    coefficients = np.polynomial.polynomial.polyfit(
        np.arange(-3.0, 4.0), [np.linalg.det(a + h * t) for h in np.arange(-3.0, 4.0)], 5
    )
    derivative = lambda h: np.linalg.det(a + h * t)
    for _ in range(4):
        derivative = ag.grad(derivative)
    assert derivative(0.0) == pytest.approx(24 * coefficients[4])
    assert ag.grad(derivative)(0.0) == pytest.approx(120 * coefficients[5])
