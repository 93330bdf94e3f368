"""Operations that refuse entries, in traced functions: what stands for values while tracing is never refused."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

_RANDOM = np.random.default_rng(0)
MATRIX = _RANDOM.uniform(0.5, 1.0, (3, 3))
SQUARE = MATRIX @ MATRIX.T + np.eye(3)
fixed = ag.stop_gradient


def integers(x):
    """0 and 1 for ordinary numbers, others for negative ones."""
    return np.astype(fixed(np.where(x < 0, -100, np.clip(x, 0, 1))), int)


# Each refuses the negative of its argument, or something of it.
REFUSING = {
    "average": (lambda a: np.average(a[0], weights=np.where(a[1] < 0, 0.0, a[1])), MATRIX),
    "quantile": (lambda a: np.quantile(a[0], fixed(np.abs(a[1, 0]) / 9) - (a[1, 0] < 0)), MATRIX),
    "bincount": (lambda a: np.sum(np.bincount(integers(a[0]), weights=a[1] ** 2, minlength=4)), MATRIX),
    "histogram": (
        lambda a: np.sum(np.histogram(a[0], bins=fixed(np.cumsum(a[1])), weights=a[2] ** 2)[0] * 1.0),
        MATRIX,
    ),
    "choose": (lambda a: np.sum(np.choose(integers(a[0]), [a[1] ** 2, a[2] ** 3])), MATRIX),
    "take": (lambda a: np.sum(np.take(a[1] ** 2, integers(a[0]))), MATRIX),
    "an index": (lambda a: np.sum((a[1] ** 2)[integers(a[0])]), MATRIX),
    "cholesky": (lambda a: np.sum(np.linalg.cholesky(a)), SQUARE),
    "inv": (lambda a: np.sum(np.linalg.inv(np.where(a < 0, 0.0, a))), SQUARE),
    "solve": (lambda a: np.sum(np.linalg.solve(np.where(a < 0, 0.0, a), a[0])), SQUARE),
    "matrix_power": (lambda a: np.sum(np.linalg.matrix_power(np.where(a < 0, 0.0, a), -2)), SQUARE),
    "tensorsolve": (lambda a: np.sum(np.linalg.tensorsolve(np.where(a < 0, 0.0, a), a[0])), SQUARE),
    "tensorinv": (lambda a: np.sum(np.linalg.tensorinv(np.where(a < 0, 0.0, a), ind=1)), SQUARE),
    "svd": (lambda a: np.sum(np.linalg.svd(np.where(a < 0, np.nan, a))[1]), SQUARE),
    "eigvalsh": (lambda a: np.sum(np.linalg.eigvalsh(np.where(a < 0, np.nan, a + a.T)) ** 2), SQUARE),
    "poisson": (lambda a: anp.random.Generator(0).poisson(fixed(a[0, 0])) * a[0, 1], MATRIX),
    "choice": (
        lambda a: np.sum(a[anp.random.Generator(0).choice(3, p=fixed(a[0] / np.abs(np.sum(a[0]))))]),
        MATRIX,
    ),
}
TRANSFORMS = {
    "value": lambda f: f,
    "grad": ag.grad,
    "hessian": ag.hessian,
    "forward": functools.partial(ag.jacobian, mode="fwd"),
    "gradient of a loop": lambda f: ag.grad(lambda x: ag.fori_loop(0, 2, lambda i, c: c + f(x), 0.0)),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", REFUSING)
def test_what_is_fine_eagerly_is_fine_in_a_plan(name, transform):
    f, x = REFUSING[name]
    g = TRANSFORMS[transform](f)
    found = ag.function(g, jit="numpy")(x)
    if not (name in ("poisson", "choice") and "loop" in transform):  # drawn in each step
        np.testing.assert_allclose(found, g(x), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", REFUSING)
def test_a_branch_that_is_not_taken_refuses_nothing(name):
    f, x = REFUSING[name]

    def g(x):
        return ag.cond(x[0, 0] < 0, lambda: f(x) * 1.0, lambda: np.sum(x))

    np.testing.assert_allclose(ag.function(g, jit="numpy")(x), np.sum(x))

    def h(x):
        return ag.cond(x[0, 0] < 0, lambda: np.sum(x), lambda: f(x) * 1.0)

    np.testing.assert_allclose(ag.function(h, jit="numpy")(-x), -np.sum(x))


@pytest.mark.parametrize("jit", ["numpy", None])
@pytest.mark.parametrize("name", REFUSING)
def test_a_run_refuses_what_it_would_refuse_eagerly(name, jit):
    """At the first call, and at a later one for another plan of the same function."""
    f, x = REFUSING[name]
    with pytest.raises(Exception, match=r".+") as eager:
        f(ag.constant(-x))
    compiled = ag.function(f, jit=jit or "auto")
    for given in (-x, x, -x):
        if given is x:
            compiled(given)
            continue
        with pytest.raises(Exception, match=r".+") as caught:
            compiled(given)
        assert isinstance(caught.value, ValueError) == isinstance(eager.value, ValueError)
        assert isinstance(caught.value, ArithmeticError) == isinstance(eager.value, ArithmeticError)
        assert isinstance(caught.value, np.linalg.LinAlgError) == isinstance(eager.value, np.linalg.LinAlgError)


def test_wrong_shapes_are_refused_while_tracing():
    """Not the entries but the operation itself: no run would do."""

    @ag.function(jit="numpy")
    def f(x):
        return ag.cond(x[0, 0] < 0, lambda: np.sum(np.linalg.inv(x)), lambda: np.sum(x))

    with pytest.raises(ag.ShapeError, match="inv"):
        f(np.ones((2, 3)))
