"""What single rows promise besides, where no check that goes over all rows looks: corners, and higher orders.

What is wanted is known by hand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import NotDifferentiableError
from autograd_core.testing.rows import frozen


@dataclass(frozen=True)
class Promise:
    """A check of one row.

    Attributes
    ----------
    row : str
    program : str
        What the check differentiates.
    nodes : int
        Of that program: tracked inputs and operations.
    check : callable
        Takes the row.
    """

    row: str
    program: str
    nodes: int
    check: Callable[[Any], None]


PROMISES: list[Promise] = []


def of(row: str, program: str, nodes: int = 2):
    """Decorator for a check."""

    def listed(check):
        PROMISES.append(Promise(row, program, nodes, check))
        return check

    return listed


# -- kinks -------------------------------------------------------------------------------------------------------------


def _flat(row, x, **params):
    """All derivatives are 0 at ``x``, up to the second."""
    for mode in ("rev", "fwd"):
        first = ag.jacobian(partial(row, **params), mode=mode)
        assert not np.any(first(x))
        assert not np.any(ag.jacobian(first, mode="rev")(x))
        assert not np.any(ag.jacobian(first, mode="fwd")(x))


@of("vector_norm", "vector_norm([0, 0, 0], ord=2, 3, 4 or 1.5), twice")
def norms_are_flat_at_zero(row):
    """At the tip of a cone the derivative is 0, as at the bottom of a bowl; so are the next ones."""
    for ord in (2, 3, 4, 1.5):
        _flat(row, np.zeros(3), ord=ord, axis=(0,), keepdims=False)


@of("std", "std([2, 2, 2]), twice")
def deviations_of_equal_entries_are_flat(row):
    _flat(row, np.full(3, 2.0), axis=(0,), keepdims=False, correction=1)


@of("vector_norm", "vector_norm([0, 1], ord=4), four times")
def norms_of_even_order_are_smooth(row):
    """(1 + x**4)**(1/4) = 1 + x**4 / 4 - ..., whose fourth derivative is 6."""

    def f(x):
        return row(x, ord=4, axis=(0,), keepdims=False)

    for _ in range(4):
        f = partial(lambda f, x: ag.grad(f)(x)[0], f)
    assert f(np.array([0.0, 1])) == pytest.approx(6.0, rel=1e-14)


# -- infinities --------------------------------------------------------------------------------------------------------


@of("slogdet", "slogdet of a singular matrix, or one of determinant 1 or -1; results in use: [1]")
def there_is_no_slope_where_there_is_no_volume(row):
    """The logarithm of 0 has a slope of NaN, 0 without a cotangent; a matrix of determinant 1 or -1 is as any other."""
    a = np.array([[[1.0, 2], [2, 4]], [[2, 1], [1, 1]], [[1, 1], [2, 1]]])
    inverses = np.array([[[np.nan] * 2] * 2, [[1, -1], [-1, 2]], [[-1, 2], [1, -1]]])  # transposed
    (sign, _), pull = ag.vjp(row, frozen(a))
    for weights in np.array([[0.0, 1, 1], [1, 1, 0], [-1, -1, -1], [0, -1, 0]]):
        wanted = np.where(weights[:, None, None] == 0, 0, weights[:, None, None] * inverses)
        np.testing.assert_allclose(pull((np.zeros_like(sign), weights))[0], wanted, atol=1e-14)
    _, pushed = ag.jvp(row, (a,), (np.ones_like(a),))
    np.testing.assert_allclose(pushed, [[0, 0, 0], [np.nan, 1, 1]], atol=1e-14)


@of("softmax_cross_entropy", "softmax_cross_entropy([0, 0.25, 0.75], [-inf, 0, log(3)]), tracked: [0]")
def a_target_of_nothing_adds_nothing(row):
    """However small its probability: 0 * inf is 0 there, and anything else times inf is not."""
    targets, logits = np.array([0.0, 0.25, 0.75]), np.array([-np.inf, 0, np.log(3)])

    def pushed(*t):
        return ag.jvp(lambda targets: row(targets, logits, axis=0), (targets,), (np.array(t),))[1]

    assert pushed(0.0, 1.0, -1.0) == pytest.approx(np.log(3))
    assert pushed(0.0, 0.0, 1.0) == pytest.approx(np.log(4 / 3))
    assert pushed(1.0, 0.0, 0.0) == np.inf
    assert pushed(-1.0, 0.0, 1.0) == -np.inf


@of("standardize", "standardize of a (3, 1) array with a scale of 1e308, tracked: [0]; results in use: [0]")
def a_large_scale_does_not_overflow(row):
    """The gradient is proportional to the scale, which is no part of the sums."""
    x, ct = np.array([[1.0], [2], [4]]), np.array([[1.0], [1], [0.5]])

    def gradient(ct, scale):
        outputs = lambda x: row(x, np.array([scale]), np.zeros(1), axes=(0,), epsilon=0.0)[0]
        return ag.vjp(outputs, x)[1](ct)[0]

    def recorded(ct, scale):
        return ag.vjp(partial(gradient, scale=scale), ct)[0]

    for compute in (gradient, recorded):
        np.testing.assert_allclose(compute(ct, 1e308), 1e308 * compute(ct, 1.0), rtol=1e-12)


# -- choices -----------------------------------------------------------------------------------------------------------


def _rest_has_no_slope(row, rest: str, **whole):
    """NaN forward and an error in reverse; what the other results have is not touched."""
    random = np.random.default_rng(3)
    a, t = random.normal(size=(3, 2)), random.normal(size=(3, 2))
    full, reduced = partial(row, **whole), partial(row, **dict.fromkeys(whole, False))
    outs, pull = ag.vjp(full, a)
    *pushed, of_rest = ag.jvp(full, (a,), (t,))[1]
    for at, wanted in enumerate(ag.jvp(reduced, (a,), (t,))[1]):
        np.testing.assert_allclose(pushed[at], wanted, rtol=1e-12)
        ct = random.normal(size=wanted.shape)
        found, other = (ag.vjp(lambda a, f=f, at=at: f(a)[at], a)[1](ct)[0] for f in (full, reduced))
        np.testing.assert_allclose(found, other, rtol=1e-12)
    assert of_rest.shape == outs[-1].shape
    assert np.isnan(of_rest).all()
    said = ""
    try:
        pull(tuple(np.ones_like(out) for out in outs))
    except NotDifferentiableError as error:
        said = str(error)
    assert said.startswith(f"{row.name}: a derivative was asked of {rest} adds")


@of("qr", "qr of a (3, 2) matrix, complete=True; results in use: one")
def columns_that_fill_up_a_basis_have_no_slope(row):
    _rest_has_no_slope(row, 'the columns of q that mode="complete"', complete=True)


@of("svd", "svd of a (3, 2) matrix, full=True; results in use: one")
def vectors_that_fill_up_a_basis_have_no_slope(row):
    _rest_has_no_slope(row, "the vectors that full_matrices=True", full=True)


# -- dtypes ------------------------------------------------------------------------------------------------------------


@of("lstm", "lstm of one float64 argument among float32 ones, that one tracked; results in use: [0]")
def one_wide_argument_has_all_computed_wide(row):
    """Its gradient is that of float64 arrays all along."""
    random = np.random.default_rng(5)
    shapes = [(2, 3, 2), (2, 8), (2, 8), (8,), (2, 2), (2, 2)]
    exact = [random.uniform(-1, 1, shape).astype(np.float32).astype(np.float64) for shape in shapes]
    mask = np.array([[True, False, True], [True, True, False]])
    ct = random.uniform(-1, 1, (2, 2))

    def gradient(args, at, masks):
        def outputs(x):
            return row(*args[:at], x, *args[at + 1 :], *masks, sequences=False)[0]

        return ag.vjp(outputs, args[at])[1](ct)[0]

    for wide in range(len(exact)):
        mixed = [x if at == wide else x.astype(np.float32) for at, x in enumerate(exact)]
        for masks in ((), (mask,)):
            np.testing.assert_allclose(gradient(mixed, wide, masks), gradient(exact, wide, masks), rtol=1e-12)


# -- infinities and equal values ---------------------------------------------------------------------------------------


@of("affine", "affine of x = [inf], y tracked; the change of y's gradient with x")
def an_infinite_entry_does_no_harm_to_a_change(row):
    """y's gradient is x ct; where ct does not change and x changes by 5, it changes by 5 ct."""
    y, b = np.array([[2.0]]), np.array([-1.0])

    def pulled(x, ct):
        return ag.vjp(lambda y: row(x, y, b), y)[1](ct)[0]

    change = ag.jvp(pulled, (np.array([np.inf]), np.array([3.0])), (np.array([5.0]), np.zeros(1)))[1]
    np.testing.assert_array_equal(change, [[15.0]])


@of("svd", "svd of a square matrix with equal values, cotangents (u, s, vh), twice")
def nothing_is_outside_a_square_basis(row):
    """Cotangents that do not tell the vectors of a group apart leave second derivatives finite.

    What is outside the span of the vectors, if it were computed, would be rounding, and taken to tell them apart.
    """
    random = np.random.default_rng(0)
    for values in ((4.0, 4.0, 1.0), (2.0, 2.0, 2.0)):
        u, vh = (np.linalg.qr(random.normal(size=(3, 3)))[0] for _ in "uv")
        a = u * np.array(values) @ vh
        cts = [np.asarray(out) for out in row(a, full=False)]

        def gradient(a, cts=cts):
            return ag.vjp(partial(row, full=False), a)[1](tuple(cts))[0]

        assert np.isfinite(ag.vjp(gradient, a)[1](random.normal(size=(3, 3)))[0]).all()


@of("svd", "svd of 2 I, cotangents that cancel in part")
def vectors_told_apart_have_no_slope_however_cotangents_cancel(row):
    """u^T du = [[0, 0], [-1, 0]] and -dvh vh^T = [[0, 1], [0, 0]]: their sum is skew, their difference below zero."""
    a = 2 * np.eye(2)
    u, _, vh = map(np.asarray, row(a, full=False))
    cts = u @ np.array([[0.0, 0.0], [-1.0, 0.0]]), np.ones(2), -np.array([[0.0, 1.0], [0.0, 0.0]]) @ vh
    assert np.isnan(ag.vjp(partial(row, full=False), a)[1](cts)[0]).any()


@of("svd", "svd of diag(2, 2, 2, 1), cotangents of the values that are equal but for rounding")
def cotangents_equal_but_for_rounding_are_shared(row):
    """Of 0.1 three are not equal to their mean, and what is 1e-15 beside 5 may be nothing at all."""
    a, ct_u = np.diag([2.0, 2.0, 2.0, 1.0]), np.zeros((4, 4))
    ct_u[0, 3] = 1.0  # of the vector that is alone
    for ct_s in ((0.1, 0.1, 0.1, -0.1 - 0.1 - 0.1), (1e-15, -1e-15, 0.0, 5.0)):
        cts = ct_u, np.array(ct_s), np.zeros((4, 4))
        assert np.isfinite(ag.vjp(partial(row, full=False), a)[1](cts)[0]).all()


@of("eig", "eig of 2 I, cotangents (0, 1) of the values and [[0, 1], [1, 0]] of the vectors")
def eigenvectors_told_apart_have_no_slope_however_cotangents_cancel(row):
    a = 2 * np.eye(2)
    for sign in (1.0, -1.0, 1j, -1j):
        cts = np.array([0.0, 1.0]), sign * np.array([[0.0, 1.0], [1.0, 0.0]])
        dtypes = [np.asarray(out).dtype for out in row(a * np.ones((), type(sign)))]
        cts = tuple(ct.astype(dtype) for ct, dtype in zip(cts, dtypes, strict=True))
        assert np.isnan(ag.vjp(row, a * np.ones((), type(sign)))[1](cts)[0]).any()


@of("lstm", "lstm of no step, the gradient of a weight")
def no_step_uses_no_weight(row):
    """Also while the gradient is recorded."""
    weights = [np.ones((3, 8)), np.ones((2, 8)), np.ones(8)]
    rest = np.ones((3, 2)), np.ones((3, 2))

    def squares(scale):
        def loss(*weights):
            return sum(np.sum(out) for out in row(np.ones((3, 0, 3)), *weights, *rest, sequences=False))

        return sum(np.sum(ct * ct) for ct in ag.grad(loss, argnums=(0, 1, 2))(*(scale * w for w in weights)))

    assert ag.value_and_grad(squares)(1.5) == (0, 0)
