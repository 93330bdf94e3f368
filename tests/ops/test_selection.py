"""where, clip, maximum and their kinks; rounding and remainders; complex parts: NumPy's values, with gradients."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(3, 4))
Y = RANDOM.normal(size=(3, 4))
Z = X + 1j * Y
HALVES = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5])


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
@pytest.mark.parametrize(
    ("function", "args", "keywords"),
    [
        (np.where, (X > 0, X, Y), {}), (np.where, (X > 0, X, 0.0), {}), (np.where, (True, X[0], Y), {}),
        (np.clip, (X, -0.5, 0.5), {}), (np.clip, (X, None, 0.5), {}), (np.clip, (X, -0.5, None), {}),
        (np.clip, (X, -9.0, 0.1), {}), (np.maximum, (X, Y[0]), {}), (np.minimum, (X, 0.1), {}),
        (np.fmax, (X, Y), {}), (np.fmin, (X, Y[:1]), {}), (np.select, ([X > 0.5, X > -0.5], [X, X * Y], 7.0), {}),
        (np.choose, (np.array([0, 1, 1, 0]), [X, Y]), {}), (np.abs, (X,), {}), (np.abs, (Z,), {}), (np.sign, (Z,), {}),
        (np.angle, (Z,), {}), (np.angle, (Z,), {"deg": True}), (np.real, (Z,), {}), (np.imag, (Z,), {}),
        (np.conj, (Z,), {}), (np.real, (X,), {}), (np.imag, (X,), {}), (np.nan_to_num, (X,), {}),
        (np.floor, (X,), {}), (np.ceil, (X,), {}), (np.trunc, (X,), {}), (np.rint, (X,), {}), (np.round, (X, 1), {}),
        (np.fix, (X,), {}), (np.floor_divide, (X, 0.3), {}), (np.remainder, (X, 0.3), {}), (np.mod, (X, Y), {}),
        (np.fmod, (X, Y), {}), (np.divmod, (X, Y), {}), (np.modf, (X,), {}), (np.frexp, (X,), {}),
        (np.ldexp, (X, np.array([1, 2, -1, 0])), {}), (np.copysign, (X, Y), {}), (np.heaviside, (X, 0.5), {}),
        (np.sinc, (X,), {}), (np.interp, (X, np.array([-1.0, 0.0, 2.0]), np.array([3.0, 1.0, 2.0])), {}),
        (np.diff, (X,), {"n": 2, "axis": 0}), (np.ediff1d, (X,), {}), (np.gradient, (X[0],), {}),
        (np.cross, (X[:, :3], Y[:, :3]), {}),
        (np.convolve, (X[0], Y[0, :3]), {}), (np.correlate, (X[0], Y[0]), {"mode": "full"}),
        (np.trapezoid, (X,), {"dx": 0.5}),
    ],
)  # fmt: skip
def test_values_and_gradients(function, args, keywords):
    agrees(function, *args, **keywords)


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (np.abs, 0.0, 0.0), (np.sign, 0.0, 0.0), (lambda x: np.clip(x, 0, 1), 0.0, 0.0),
        (lambda x: np.clip(x, 0, 1), 1.0, 0.0),
        (lambda x: np.maximum(x, x), 1.0, 1.0), (lambda x: np.maximum(x, 1.0), 1.0, 0.5), (anp.relu, 0.0, 0.0),
        (lambda x: np.minimum(x, 1.0), 1.0, 0.5), (np.floor, 2.0, 0.0), (lambda x: np.remainder(x, 1.0), 3.0, 1.0),
        (lambda x: np.max(np.stack([x, x, 0.0 * x])), 2.0, 1.0), (lambda x: np.sqrt(x * x), 0.0, 0.0),
        (lambda x: np.linalg.norm(np.stack([x, x])), 0.0, 0.0), (lambda x: x**2.0, 0.0, 0.0),
        (lambda x: x**1.0, 0.0, 1.0),
        (lambda x: x**0.0, 0.0, 0.0), (lambda x: np.hypot(x, 0.0 * x), 0.0, 0.0),
    ],
)  # fmt: skip
def test_at_the_kinks(function, at, slope):
    """The subgradient of least norm, in both modes."""
    assert ag.grad(function)(at) == pytest.approx(slope)
    assert ag.jvp(function, (at,), (1.0,))[1] == pytest.approx(slope)


def test_ties_are_even():
    x = np.array([1.0, 3.0, 3.0, 3.0])
    assert ag.grad(np.max)(x).tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert ag.grad(lambda x: np.sum(np.maximum(x, x[::-1])))(x).tolist() == pytest.approx([0.0, 1.0, 1.0, 2.0])
    assert ag.grad(lambda x: np.sum(np.maximum(x, 3.0)))(x).tolist() == [0.0, 0.5, 0.5, 0.5]


def test_rounding_of_halves_is_numpys():
    for function in (np.rint, np.round, np.floor, np.trunc):
        agrees(function, HALVES, derivatives=0)
    for y in (0.5, -0.5, 1.5):
        agrees(np.floor_divide, HALVES, y, derivatives=0)
        agrees(np.remainder, HALVES, y, derivatives=0)
    assert round(ag.constant(2.567), 2).item() == 2.57


def test_power_at_its_edges():
    """Integer exponents of negative bases, and 0 to a power: exact in every order."""
    assert ag.grad(lambda x: x**3.0)(-2.0) == 12.0
    assert ag.grad(ag.grad(lambda x: x**2.0))(0.0) == 2.0
    assert ag.grad(ag.grad(ag.grad(lambda x: x**3)))(0.0) == 6.0
    assert ag.grad(lambda y: 0.0**y)(2.0) == 0.0
    assert ag.grad(lambda x: x**-1)(2.0) == -0.25
    with np.errstate(all="ignore"):
        assert ag.grad(lambda x: x**0.5)(0.0) == np.inf
    assert np.isfinite(ag.grad(lambda x: np.sum(x ** np.array([2.0, 3.0])))(np.array([-1.0, -2.0]))).all()


def test_the_mixed_derivative_of_a_power_at_a_zero_exponent():
    """d/dx d/dy of x**y is 1/x at y = 0, in whichever order."""
    hessian = ag.hessian(lambda v: v[0] ** v[1])(np.array([2.0, 0.0]))
    np.testing.assert_allclose(hessian, [[0.0, 0.5], [0.5, np.log(2.0) ** 2]])


@pytest.mark.parametrize("run", [lambda f: f, ag.function, lambda f: ag.function(f, jit="numpy")])
@pytest.mark.parametrize("mode", ["rev", "fwd"])
def test_a_masked_infinity_leaves_the_second_derivatives_of_others_alone(run, mode):
    """Zero wins where something is not finite, and only there: the derivative of 2x at x = 0 is 2."""

    def f(v):
        return v[0] ** 2 + v[0] * v[2] + np.where(v[1] > 0, np.log(v[1]), 0.0)

    with np.errstate(all="ignore"):
        hessian = run(ag.jacobian(ag.jacobian(f, mode=mode), mode=mode))(np.zeros(3))
    np.testing.assert_array_equal(hessian, [[2, 0, 1], [0, 0, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: np.where(t > 0, np.ones(3), t), ag.ShapeError, r"\(3,\)"),
        (lambda t: np.maximum(t, np.ones((2, 2))), ag.ShapeError, "broadcast"),
        (lambda t: np.clip(t, np.ones(3), 2), ag.ShapeError, "broadcast"),
        (lambda t: np.choose(np.array([0, 5, 1, 1]), [t, t]), IndexError, "expected 0 to 1"),
        (lambda t: np.select([t > 0], [t, t]), ag.ShapeError, "1"),
        (lambda t: np.bitwise_and(t, 1), ag.DtypeError, "float64"),
        (lambda t: np.round(t, out=np.zeros((3, 4))), ag.UnsupportedError, "out"),
    ],
)
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call(ag.constant(X))
