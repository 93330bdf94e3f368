"""Triangular systems, Cholesky factors and the exponential of matrices: against SciPy, and their messages."""

import importlib.util
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.errors import ConversionError, DomainError, MissingExtraError, ShapeError
from autograd_core.ops import triangular

RANDOM = np.random.default_rng(0)
FORMS = [
    (lower, trans, unit) for lower in (False, True) for trans in (0, 1, 2, "N", "T", "C") for unit in (False, True)
]
SCIPY = importlib.util.find_spec("scipy") is not None
needs_scipy = pytest.mark.skipif(not SCIPY, reason="SciPy is not installed")


def draw(*shape, kind="real"):
    values = RANDOM.normal(size=shape)
    return values + 1j * RANDOM.normal(size=shape) if kind == "complex" else values


def well_conditioned(*shape, kind="real"):
    return draw(*shape, kind=kind) / 3 + 2 * np.eye(shape[-1])


def positive_definite(*shape, kind="real"):
    a = draw(*shape, kind=kind)
    return a @ a.mT.conj() + np.eye(shape[-1])


def read(a, lower, trans, unit):
    """The matrix that a system is solved with, written out."""
    a = np.tril(a) if lower else np.triu(a)
    if unit:
        a = a - a * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return {0: a, 1: a.mT, 2: a.mT.conj()}[{"N": 0, "T": 1, "C": 2}.get(trans, trans)]


# -- solve_triangular --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("lower", "trans", "unit"), FORMS)
def test_solve_triangular(lower, trans, unit, kind):
    """What ``solve`` gives for the matrix that is read, and zero gradients where nothing is read."""
    a, b = well_conditioned(3, 3, kind=kind), draw(3, 2, kind=kind)
    solve = partial(anp.linalg.solve_triangular, lower=lower, trans=trans, unit_diagonal=unit)
    for right in (b, b[:, 0]):
        np.testing.assert_allclose(solve(a, right).numpy(), np.linalg.solve(read(a, lower, trans, unit), right))
        ag.testing.check_grads(solve, (a, right), order=2)
    pulled = ag.vjp(lambda a: solve(a, b), a)[1](np.ones(b.shape, b.dtype))[0]
    unread = ~np.tri(3, k=-unit, dtype=bool) if lower else ~np.tri(3, k=-unit, dtype=bool).T
    assert not pulled[unread].any()
    assert pulled[~unread].all()


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 3), (3,)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)), ((2, 1, 3, 3), (4, 3, 2)),
     ((3, 3), (2, 3, 1)), ((0, 0), (0,)), ((0, 0), (0, 2)), ((3, 3), (3, 0)), ((0, 2, 2), (2,)), ((1, 1), (1,)),
     ((2, 30, 30), (30, 2)), ((30, 30), (2, 30, 1)), ((2, 30, 30), (30,))],
)  # fmt: skip
def test_stacks(left, right):
    a, b = well_conditioned(*left) / (left[-1] or 1) + np.eye(left[-1]), draw(*right)
    found = anp.linalg.solve_triangular(ag.constant(a), b, lower=True)
    expected = np.linalg.solve(np.tril(a), b)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-12)
    if left[-1] < 10:
        ag.testing.check_grads(partial(anp.linalg.solve_triangular, lower=True), (a, b))


@needs_scipy
@pytest.mark.parametrize("size", [1, 5, 40])
@pytest.mark.parametrize(("lower", "trans", "unit"), FORMS[::2] + FORMS[1::6])
def test_with_and_without_scipy(monkeypatch, lower, trans, unit, size):
    """Both ways are SciPy's numbers, for matrices in any memory layout; what is not read may be NaN."""
    from scipy.linalg import solve_triangular

    a, b = well_conditioned(size, size) / size, draw(size, 3)
    a = a + 2 * np.eye(size)
    a[np.tri(size, k=-1, dtype=bool).T if lower else np.tri(size, k=-1, dtype=bool)] = np.nan
    expected = solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit, check_finite=False)
    call = partial(anp.linalg.solve_triangular, lower=lower, trans=trans, unit_diagonal=unit)
    for absent in (False, True):
        if absent:
            monkeypatch.setattr(triangular, "_by_lapack", lambda *args: None)
        for own in (a, np.asfortranarray(a), np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2]):
            np.testing.assert_allclose(call(own, b).numpy(), expected, rtol=1e-9)
        np.testing.assert_allclose(call(np.stack([a, a]), b).numpy(), np.stack([expected, expected]), rtol=1e-9)


def test_scipy_that_is_missing(monkeypatch):
    """Without the extra, NumPy computes it."""

    def missing(char):
        raise MissingExtraError("no scipy")

    monkeypatch.setattr(triangular, "_trtrs", missing)
    a, b = well_conditioned(3, 3), draw(3)
    np.testing.assert_allclose(anp.linalg.solve_triangular(a, b).numpy(), np.linalg.solve(np.triu(a), b))


@pytest.mark.parametrize("kinds", ["ff", "fd", "fF", "FD", "dF", "ld", "ll", "fl", "b?"])
def test_dtypes(kinds):
    """Those of ``solve``."""
    a, b = np.eye(2).astype(kinds[0]), np.ones((2, 1)).astype(kinds[1])
    for left, right in ((a, b), (a, b[:, 0]), (np.stack([a, a]), b)):
        expected = np.linalg.solve(left, right)
        found = anp.linalg.solve_triangular(left, right)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.numpy(), expected)


def test_in_plans_and_maps():
    a, b = well_conditioned(4, 3, 3), draw(4, 3)

    def loss(a, b):
        return np.sum(anp.linalg.solve_triangular(a, b, lower=True) ** 2)

    wanted = [ag.grad(loss, argnums=(0, 1))(own, right) for own, right in zip(a, b, strict=True)]
    for f in (ag.vmap(ag.grad(loss, argnums=(0, 1))), ag.function(ag.vmap(ag.grad(loss, argnums=(0, 1))))):
        for found, columns in zip(f(a, b), zip(*wanted, strict=True), strict=True):
            np.testing.assert_allclose(found, np.stack(columns), rtol=1e-10, atol=1e-13)


def test_messages():
    solve = anp.linalg.solve_triangular
    with pytest.raises(ShapeError, match=r"solve_triangular: got shape \(2, 3\); expected square"):
        solve(np.ones((2, 3)), np.ones(2))
    with pytest.raises(ShapeError, match=r"matrix has shape \(2, 2\), b has shape \(3,\); expected b of length 2"):
        solve(np.eye(2), np.ones(3))
    with pytest.raises(ShapeError, match=r"A stack of vectors is b\[..., None\]"):
        solve(np.eye(2), np.ones((3, 2)))
    for trans in (3, "H", None, []):
        with pytest.raises(DomainError, match="solve_triangular: trans must be 0"):
            solve(np.eye(2), np.ones(2), trans=trans)
    for a in (np.diag([1.0, 0]), np.stack([np.eye(2), np.zeros((2, 2))])):
        with pytest.raises(np.linalg.LinAlgError, match=r"solve_triangular: got.*zero on its diagonal"):
            solve(a, np.ones(2))
        np.testing.assert_array_equal(solve(a, np.ones((2, 1)), unit_diagonal=True).numpy()[..., -1, 0], 1.0)


# -- Cholesky factors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("lower", [False, True])
def test_cho_solve(lower, kind):
    def solve(a, b):
        return anp.linalg.cho_solve(anp.linalg.cho_factor(a, lower), b)

    for left, right in (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (2, 3, 1))):
        a, b = positive_definite(*left, kind=kind), draw(*right, kind=kind)
        np.testing.assert_allclose(solve(a, b).numpy(), np.linalg.solve(a, b), rtol=1e-9)
        symmetric = lambda a, b: solve((a + a.mT.conj()) / 2, b)
        ag.testing.check_grads(symmetric, (a, b), order=2 if kind == "real" else 1)


@needs_scipy
def test_cho_factor_is_scipys():
    from scipy.linalg import cho_factor, cho_solve

    a, b = positive_definite(3, 3), draw(3)
    for lower in (False, True):
        (ours, own), (theirs, other) = anp.linalg.cho_factor(a, lower), cho_factor(a, lower)
        assert own == other
        np.testing.assert_allclose(read(ours.numpy(), lower, 0, False), read(theirs, lower, 0, False))
        np.testing.assert_allclose(anp.linalg.cho_solve((theirs, other), b).numpy(), cho_solve((theirs, other), b))


def test_cho_solve_messages():
    factor = anp.linalg.cho_factor(np.eye(2))
    with pytest.raises(ShapeError, match=r"cho_solve: expected the pair .*cho_solve\(\(c, True\), b\)"):
        anp.linalg.cho_solve(np.eye(3), np.ones(3))
    with pytest.raises(ShapeError, match="cho_solve: expected the pair"):
        anp.linalg.cho_solve(np.eye(2), np.ones(2))
    with pytest.raises(ShapeError, match=r"cho_solve: the matrix has shape \(2, 2\), b has shape \(3,\)"):
        anp.linalg.cho_solve(factor, np.ones(3))


# -- SciPy's functions -------------------------------------------------------------------------------------------------


@needs_scipy
def test_scipys_own_functions_say_which_of_ours_to_use():
    """SciPy turns its arguments into arrays: a tracked value refuses, and names the function that has a derivative."""
    import scipy.linalg
    import scipy.special

    b = np.ones(2)
    calls = {
        "linalg.solve_triangular": lambda a: scipy.linalg.solve_triangular(a, b),
        "linalg.cho_solve": lambda a: scipy.linalg.cho_solve((a, True), b),
        "linalg.cho_factor": scipy.linalg.cho_factor,
        "linalg.expm": scipy.linalg.expm,
        "linalg.cholesky": scipy.linalg.cholesky,
        "special.logsumexp": scipy.special.logsumexp,
    }
    for name, call in calls.items():
        wanted = rf"In place of SciPy's {name.partition('.')[2]} use autograd_core\.numpy\.{name}\. "
        with ag.GradientTape() as tape:
            a = ag.constant(np.eye(2))
            tape.watch(a)
            with pytest.raises(ConversionError, match=wanted):
                call(a)
        call(ag.constant(np.eye(2)))  # no tape, nothing to cut
    with ag.GradientTape(), pytest.raises(ConversionError, match="SciPy's toeplitz has no derivative here"):
        scipy.linalg.toeplitz(ag.Variable(b))
    with ag.GradientTape(), pytest.raises(ConversionError) as caught:
        np.asarray(ag.Variable(b))
    assert "SciPy" not in str(caught.value)


# -- expm --------------------------------------------------------------------------------------------------------------


@needs_scipy
@pytest.mark.parametrize("char", "fdFD")
@pytest.mark.parametrize("scale", [0, 1e-3, 0.1, 0.5, 1, 5, 30])
def test_expm_is_scipys(scale, char):
    from scipy.linalg import expm, expm_frechet

    a, t = ((draw(4, 4) + (1j * draw(4, 4) if char in "FD" else 0)).astype(char) for _ in range(2))
    a = a * np.asarray(scale, char)
    eps = np.finfo(char).eps * (100 + 100 * scale)
    close = partial(np.testing.assert_allclose, rtol=0)
    exact = a.astype("D" if char in "FD" else "d")
    value, along = ag.jvp(anp.linalg.expm, (a,), (t,))
    assert value.dtype == along.dtype == np.dtype(char)
    close(value, expm(exact), atol=eps * np.abs(expm(exact)).max())
    wanted = expm_frechet(exact, t.astype(exact.dtype), compute_expm=False)
    close(along, wanted, atol=eps * np.abs(wanted).max())


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (0, 0), (2, 3, 3), (0, 2, 2)])
def test_expm_derivatives(shape):
    ag.testing.check_grads(anp.linalg.expm, (draw(*shape),), order=3 if shape == (2, 2) else 2)


def test_expm_of_complex_matrices():
    ag.testing.check_grads(anp.linalg.expm, (draw(2, 2, kind="complex"),), order=2)


def test_expm_of_a_mixed_stack():
    """Each matrix is as exact as alone; those with infinite entries have no exponential, and do not touch the rest."""
    a = np.stack([scale * draw(3, 3) for scale in (1e-4, 1, 40)])
    for own, other in zip(anp.linalg.expm(a).numpy(), a, strict=True):
        np.testing.assert_allclose(own, anp.linalg.expm(other).numpy(), rtol=1e-12)
    a[1, 0, 0] = np.inf
    found = anp.linalg.expm(a).numpy()
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[::2]).all()


def test_expm_of_rotations():
    """exp([[0, -x], [x, 0]]) turns by x: the derivatives are known to any order."""

    def cosine(x):
        return anp.linalg.expm(x * np.array([[0.0, -1], [1, 0]]))[0, 0]

    derivatives = [lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin, np.cos]
    f = cosine
    for wanted in derivatives:
        f = ag.grad(f)
        assert f(0.7) == pytest.approx(wanted(0.7), rel=1e-12)
    assert ag.function(ag.grad(cosine))(np.array(0.7)) == pytest.approx(-np.sin(0.7), rel=1e-12)


def test_expm_messages():
    with pytest.raises(ShapeError, match=r"expm: got shape \(3,\); expected a matrix"):
        anp.linalg.expm(np.ones(3))
    np.testing.assert_allclose(anp.linalg.expm(np.zeros((2, 2), int)).numpy(), np.eye(2))
