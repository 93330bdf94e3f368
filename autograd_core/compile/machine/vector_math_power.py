"""pow, log2 and log10: float32 computed in float64, float64 with a logarithm in about twice the precision.

``x ** y`` is ``2 ** (y log2 x)``: an error in the logarithm is multiplied by up to 1,000, so float64 needs ten bits
more than a float has. The logarithm is ``2 atanh(s) / log 2`` with ``s = f / (2 + f)``, its first two terms kept as a
sum of two floats (the errors of products by `fma`, of sums by Dekker's formula; the plan is that of fdlibm's e_pow.c).
Polynomials: tests/compile/fit_polynomials.py. Errors: `vector_math.LARGEST_ERROR`.
"""

import math

import numpy as np

from .bits import (
    constant,
    exponent_sum,
    first_half_power,
    fma,
    mantissa,
    polynomial,
    power_of_low_bits,
    second_half_power,
    select,
    vector,
    vector_part,
)
from .vector_math_exponential import clamp, log_special

_ZERO, _HALF, _ONE = constant(0.0), constant(0.5), constant(1.0)
_INF, _NAN = constant(math.inf), constant(math.nan)

# (2 atanh(s) / s - 2) / s**2 and (2 atanh(s) / s - 2 - 2 s**2 / 3) / s**4 in s**2, for |s| <= 3 - 2 sqrt(2);
# (2**r - 1) / r for |r| <= 1/2. The short ones are for float32 in float64.
_ATANH = polynomial(
    (),
    (
        0.10762867423643212,
        0.10456278375778207,
        0.11766815303406082,
        0.13333296483973292,
        0.1538461576181261,
        0.18181818179652515,
        0.22222222222228444,
        0.28571428571428564,
        0.4,
    ),
)
_LOG2_SHORT = polynomial(
    (),
    (
        0.2828943745715255,
        0.31990618475532295,
        0.4122092382250214,
        0.5770779425301307,
        0.9617966941126749,
        2.8853900817778504,
    ),
)
_EXP2 = polynomial(
    (),
    (
        2.5729426100386435e-11,
        4.4558384999982015e-10,
        7.054897246767236e-09,
        1.01780569717918e-07,
        1.321548680881726e-06,
        1.5252733841782436e-05,
        0.00015403530393370645,
        0.0013333558146406295,
        0.00961812910762848,
        0.055504108664821625,
        0.24022650695910072,
        0.6931471805599453,
    ),
)
_EXP2_SHORT = polynomial(
    (),
    (
        1.529741310727295e-05,
        0.00015461560778872135,
        0.001333350216258813,
        0.009618056388057775,
        0.05550410884014512,
        0.24022650923651495,
        0.6931471805599453,
    ),
)

_HIGHEST_EXPONENT = 1100.0  # 2**t is 0 or infinite beyond
_ROUND_FOR_HALVES, _ROUND_FOR_POWER = 1.5 * 2**52 + 2048, 1.5 * 2**52 + 1023
_EXPONENT_ZERO = 2.0**52 + 1023  # `exponent_sum` of 1
_TWO_THIRDS, _TWO_THIRDS_LOW = 2 / 3, 3.700743415417188e-17
_LOG2_E, _LOG2_E_LOW = 1.4426950408889634, 2.0355273740931033e-17
_LOG10_2, _LOG10_2_LOW = 0.30102999566398120, -2.8037281277851704e-18


@vector_part
def _split(x):
    """Return f and e with ``x = (1 + f) 2**e``, for a positive float64."""
    below_normal = x < 2.0**-1022
    y = select(below_normal, x * 2.0**54, x)
    e = exponent_sum(y) - select(below_normal, _EXPONENT_ZERO + 54.0, _EXPONENT_ZERO)
    return mantissa(y) - 1.0, e


@vector_part
def _times(a, a_low, b, b_low):
    """Return the product of two sums of two floats as such a sum."""
    product = a * b
    return product, fma(a, b, -product) + (a * b_low + a_low * b)


@vector_part
def _plus(a, b, b_low):
    """Return ``a + b + b_low`` as a sum of two floats, where ``|a| >= |b|`` or a is 0."""
    s = a + b
    return s, ((a - s) + b) + b_low


@vector_part
def _log2_pair(x):
    """Return the logarithm to base 2 of a positive float64, as a sum of two."""
    f, e = _split(x)
    divisor, divisor_low = _plus(2.0, f, 0.0)
    inverse = 1.0 / divisor
    s = f * inverse
    s_low = (fma(-s, divisor, f) - s * divisor_low) * inverse
    z, z_low = _times(s, s_low, s, s_low)
    c, c_low = _plus(_TWO_THIRDS, z * _ATANH(z), _TWO_THIRDS_LOW)
    c, c_low = _times(z, z_low, c, c_low)
    c, c_low = _plus(2.0, c, c_low)
    natural, natural_low = _times(s, s_low, c, c_low)
    high, low = _times(natural, natural_low, _LOG2_E, _LOG2_E_LOW)
    return _plus(e, high, low)


@vector_part
def _log2_short(x):
    """Return the logarithm to base 2 of a positive float32 that came as float64, good to about 2**-40."""
    e = exponent_sum(x) - _EXPONENT_ZERO
    f = mantissa(x) - 1.0
    s = f / (2.0 + f)
    return e + s * _LOG2_SHORT(s * s)


@vector
def log2_f64(x):
    """Return the logarithm to base 2: -inf at 0, NaN below."""
    high, low = _log2_pair(x)
    return log_special(x, 0.0, high + low)


@vector
def log10_f64(x):
    """Return the logarithm to base 10: -inf at 0, NaN below."""
    high, low = _log2_pair(x)
    high, low = _times(high, low, _LOG10_2, _LOG10_2_LOW)
    return log_special(x, 0.0, high + low)


@vector
def log2_f32(x):
    """Return the logarithm to base 2: -inf at 0, NaN below."""
    return log_special(x, np.float32(0), np.float32(_log2_short(np.float64(x))))


@vector
def log10_f32(x):
    """Return the logarithm to base 10: -inf at 0, NaN below."""
    return log_special(x, np.float32(0), np.float32(_log2_short(np.float64(x)) * _LOG10_2))


@vector_part
def _magnitude_f64(a, y):
    """Return ``a ** y`` for a positive, finite a and a finite y."""
    high, low = _log2_pair(a)
    t = y * high
    t_low = select(abs(t) < _HIGHEST_EXPONENT, fma(y, high, -t) + y * low, 0.0)
    t = clamp(t, -_HIGHEST_EXPONENT, _HIGHEST_EXPONENT)
    rounded = t + _ROUND_FOR_HALVES
    r = (t - (rounded - _ROUND_FOR_HALVES)) + t_low
    return ((1.0 + r * _EXP2(r)) * first_half_power(rounded)) * second_half_power(rounded)


@vector_part
def _magnitude_f32(a, y):
    """Return ``a ** y`` for a positive, finite a and a finite y."""
    t = clamp(np.float64(y) * _log2_short(np.float64(a)), -200.0, 200.0)
    rounded = t + _ROUND_FOR_POWER
    r = t - (rounded - _ROUND_FOR_POWER)
    return np.float32((1.0 + r * _EXP2_SHORT(r)) * power_of_low_bits(rounded))


@vector_part
def _with_special(x, y, magnitude):
    """Return ``x ** y`` given ``|x| ** y`` for the ordinary: the cases of C99, F.9.4.4, which NumPy follows."""
    a = abs(x)
    one, zero, infinite = _ONE(x), _ZERO(x), _INF(x)
    grows = select(a > one, y > zero, y < zero)  # towards infinity, where a is not 1
    extreme = (a == zero) | (a == infinite) | (abs(y) == infinite)
    result = select(extreme, select(grows, infinite, zero), magnitude)
    half = _HALF(x) * y
    whole, even = np.rint(y) == y, np.rint(half) == half
    result = select(whole & (not even), math.copysign(result, x), result)
    result = select((x < zero) & (a < infinite) & (not whole), _NAN(x), result)
    result = select((x != x) | (y != y), _NAN(x), result)
    return select((x == one) | (y == zero) | ((a == one) & (abs(y) == infinite)), one, result)


@vector
def pow_f64(x, y):
    """Return ``x`` to the power ``y``, with NumPy's special cases."""
    return _with_special(x, y, _magnitude_f64(abs(x), y))


@vector
def pow_f32(x, y):
    """Return ``x`` to the power ``y``, with NumPy's special cases."""
    return _with_special(x, y, _magnitude_f32(abs(x), y))
