"""Derivatives at huge, tiny and far-out arguments, against closed forms that neither overflow nor cancel."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops import special


def slope(f, x, order=1):
    for _ in range(order):
        f = ag.grad(f)
    return f(x)


@pytest.mark.parametrize("x", [1e155, 1e200, 1e300, -1e200])
def test_arcsinh_of_huge_numbers(x):
    assert slope(np.arcsinh, x) == pytest.approx(1 / abs(x), rel=1e-12, abs=0)


def test_arcsinh_of_complex_numbers():
    z = 1 + 2j
    holomorphic = np.conj(ag.vjp(np.arcsinh, z)[1](1 + 0j)[0])
    assert holomorphic == pytest.approx(1 / np.sqrt(z * z + 1))


@pytest.mark.parametrize("x", [-20.0, -40.0, -700.0, 0.0, 1e-300, 3.0])
def test_expm1_keeps_its_slope_far_below_zero(x):
    for order in (1, 2):
        assert slope(np.expm1, x, order) == pytest.approx(math.exp(x), rel=1e-12, abs=0)


# log ndtr(x) = -x**2 / 2 - log(-x) - log(2 pi) / 2 - 1 / x**2 + ...
@pytest.mark.parametrize("x", [-150.0, -1e4, -1e8, -1e10, -1e20, -1e75])
def test_log_ndtr_far_below_zero(x):
    assert slope(special.log_ndtr, x) == pytest.approx(-x - 1 / x + 2 / x**3, rel=1e-9)
    assert slope(special.log_ndtr, x, 2) == pytest.approx(-1 + 1 / x**2 - 6 / (x * x) ** 2, rel=1e-9)


def test_the_series_of_log_ndtr_meets_its_closed_form():
    left, right = (slope(special.log_ndtr, x, 2) for x in (-100.0 - 1e-9, -100.0 + 1e-9))
    assert left == pytest.approx(right, rel=1e-10)


def test_log_ndtr_in_the_middle_and_far_above():
    for x in (-3.0, 0.0, 2.0):
        density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        assert slope(special.log_ndtr, x) == pytest.approx(density / (0.5 * math.erfc(-x / math.sqrt(2))), rel=1e-13)
    assert slope(special.log_ndtr, 1e200) == 0
    assert slope(special.log_ndtr, np.float32(-3e4)).dtype == np.float32


def test_relative_entropy_of_a_ratio_that_underflows():
    slopes = ag.grad(special.rel_entr, (0, 1))(1e-300, 1e300)
    assert slopes[0] == pytest.approx(-600 * math.log(10) + 1)
    assert ag.grad(special.kl_div)(1e300, 1e-300) == pytest.approx(600 * math.log(10))
    assert ag.grad(special.kl_div)(1.0, 1.0 + 1e-12) == pytest.approx(-1e-12, rel=1e-3)  # no difference of logarithms


@pytest.mark.parametrize("x", [1.0, 1e8, 1e20, 1e300, -1e300])
def test_equal_terms_share_evenly_however_large(x):
    for function, rate in ((np.logaddexp, 1), (np.logaddexp2, math.log(2))):
        assert ag.grad(function, (0, 1))(x, x) == pytest.approx((0.5, 0.5), rel=1e-14)
        found = ag.hessian(lambda z, f=function: f(z[0], z[1]))(np.array([x, x]))
        np.testing.assert_allclose(found, rate * np.array([[0.25, -0.25], [-0.25, 0.25]]), rtol=1e-13)


def test_a_small_share_keeps_its_digits_at_second_order():
    found = ag.hessian(lambda z: np.logaddexp(z[0], z[1]))(np.array([0.0, -600.0]))
    np.testing.assert_allclose(found, math.exp(-600) * np.array([[1, -1], [-1, 1]]), rtol=1e-12)


def test_float_power_of_single_precision_has_slopes_in_double_precision():
    x, y = np.float32(1e20), np.float32(3)
    base, exponent = ag.vjp(np.float_power, x, y)[1](np.float64(1e-60))
    assert base == pytest.approx(3e-20, rel=1e-6)  # the slope, 3e40, is no float32
    assert exponent == pytest.approx(20 * math.log(10), rel=1e-6)
    assert base.dtype == exponent.dtype == np.float32
    assert ag.vjp(lambda x: np.float_power(x, 3), x)[1](np.float64(1e-60))[0] == pytest.approx(3e-20, rel=1e-6)
    x, y, zero, one = (np.float32(number) for number in (1.3, 2.7, 0, 1))
    a, b = float(x), float(y)
    assert ag.jvp(np.float_power, (x, y), (one, zero))[1] == pytest.approx(b * a ** (b - 1), rel=1e-14)
    assert ag.jvp(np.float_power, (x, y), (zero, one))[1] == pytest.approx(a**b * math.log(a), rel=1e-14)
