"""check_grads where values are tiny, where rules round, where functions end beside the point, and on compiled ones."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.primitive import Primitive
from autograd_core.testing import check_grads
from autograd_core.testing.checking.verdicts import CANNOT_TELL, SMOOTH, WRONG

special = pytest.importorskip("scipy.special")
RANDOM = np.random.default_rng(0)


def look(f, args, order=1, **options):
    return check_grads(f, args, order=order, raises=False, **options)


def times(factor):
    """The identity, with a gradient ``factor`` times what it should be."""
    rule = lambda ct, ans, x: ct * np.asarray(factor, ct.dtype)
    return Primitive("wrong", lambda x: x.copy(), vjps=(rule,), jvps=(rule,), elementwise=True)


# -- much happens within 1 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_beside_a_tiny_point_is_within_its_size(dtype):
    """The rule is right around the point, and overflows a million times its size away from it."""
    rule = lambda ct, ans, x: ct * (np.exp(-0.5 * (x * x) - ans) * (2 * np.pi) ** -0.5)
    own = Primitive("own", lambda x: special.log_ndtr(x), vjps=(rule,), jvps=(rule,), elementwise=True)
    scale = np.asarray(1e8, dtype)
    for seed in range(8):
        x = np.asarray(np.random.default_rng(seed).uniform(-2, 2, 6), dtype) / scale
        report = look(lambda x: own(x * scale), (x,))
        assert report.verdict == SMOOTH, str(report)
    assert look(lambda x: own(times(1.01)(x) * scale), (x,)).verdict == WRONG


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_slopes_far_away_excuse_nothing_at_a_tiny_point(dtype):
    """Around 1e-8 the derivative is even; a millionth further it has any sign and size."""
    scale = np.asarray(1e8, dtype)
    x = np.asarray([-1.09, 0.7, 1.3], dtype) / scale
    exprel = lambda y: (np.exp(y) - 1) / y
    for f in (np.sin, lambda y: np.sum(y) ** 3, lambda y: 0.02 * np.tanh(np.fmod(y, 1.9)) - 1, exprel):
        assert look(lambda x, f=f: f(x * scale), (x,)).verdict == SMOOTH
        report = look(lambda x, f=f: f(times(-1.0)(x * scale)), (x,))
        assert report.verdict == WRONG, str(report)


def test_a_jump_a_million_sizes_away_is_no_kink():
    x = np.asarray([0.239, 1.16, -0.62, 0.298, 1.163, 0.249], "float32")
    for scale in (1.0, 1e8):
        scaled = np.asarray(scale, "float32")
        report = look(lambda x, s=scaled: np.modf(x * s), (x / scaled,))
        assert report.verdict == SMOOTH, str(report)


# -- rounding of the rule ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])
def test_results_that_are_nothing_but_rounding_are_not_weighed_like_others(scale, dtype):
    """``lstsq(a, a)`` is the identity, with 1e-17 beside the ones: in float32, too, where its rule rounds to 1e-8."""
    a = np.asarray(np.array([[1, 2], [0.5, -1], [1.5, -0.5]]) * scale, dtype)
    report = look(lambda a: np.linalg.lstsq(a, a)[0], (a,), order=2)
    assert report.verdict == SMOOTH or (scale == 1e-8 and report.verdict == CANNOT_TELL), str(report)


def test_terms_of_a_rule_that_cancel_excuse_what_they_round():
    """The first result does not depend on x, but its terms are a million times the gradient of the second."""
    scale = np.float32(1e8)

    def f(x):
        y = x * scale
        return 0.37 + 0.02 * np.tanh(y - np.sum(y)), np.sin(y)

    report = look(f, (np.array([-1.0649783e-8], "float32"),))
    assert report.verdict != WRONG, str(report)


def test_noise_excuses_neither_chance_nor_a_cotangent_that_is_ignored():
    generator = np.random.default_rng(1)
    noisy = Primitive("noisy", np.sin, vjps=(lambda ct, ans, x: ct * generator.normal(size=x.shape),))
    ignoring = Primitive("ignoring", np.sin, vjps=(lambda ct, ans, x: np.cos(x),))
    for own in (noisy, ignoring):
        assert look(own, (RANDOM.normal(size=3),), modes=("rev",)).verdict == WRONG


# -- the edge of the domain --------------------------------------------------------------------------------------------


def test_a_function_that_raises_beside_the_point_ends_there():
    def f(x):
        if np.any(x.numpy() > 1.001):
            raise ValueError("too large")
        return np.sin(x)

    x = np.array([1.0, 0.3])
    assert look(f, (x,)).verdict == SMOOTH
    assert look(lambda x: f(times(1.01)(x)), (x,)).verdict == WRONG
    ends = look(lambda x: np.linalg.cholesky(x), (np.array([[1.0, 0.999], [0.999, 1.0]]),))
    assert ends.verdict in (SMOOTH, CANNOT_TELL)


def test_what_a_function_raises_at_the_point_is_raised():
    with pytest.raises(ag.ShapeError, match="matmul"):
        check_grads(lambda x: x @ x, (np.ones((2, 3)),))


# -- compiled functions ------------------------------------------------------------------------------------------------


def test_compiled_functions_are_not_traced_for_complex_steps():
    wrong = times(1 + 1e-8)
    compiled = ag.function(lambda x: np.tanh(x) * 2.0, jit="numpy")
    off = ag.function(lambda x: np.tanh(wrong(x)), jit="numpy")
    x = RANDOM.normal(size=4)
    report = check_grads(lambda x: np.sum(compiled(x) ** 2), (x,))
    assert compiled.traces == 1
    assert {verdict.method for verdict in report.verdicts if verdict.order == 1} == {"complex step"}
    assert look(off, (x,)).verdict == WRONG  # what differences do not see is still seen
    assert off.traces == 1


def test_a_result_that_is_nothing_but_rounding_hides_no_wrong_rule():
    cut = times(0.0)
    f = lambda x: (np.spacing(1.5 + 0.38 * np.tanh(x[0])), np.tan(np.tanh(cut(x))))
    assert look(f, (np.array([0.39, 1.25]),)).verdict in (CANNOT_TELL, WRONG)
