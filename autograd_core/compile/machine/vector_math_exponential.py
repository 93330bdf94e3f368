"""exp, exp2, expm1, log, log1p: one text for float32 and float64, without branches.

An argument is reduced to a small interval, a polynomial is evaluated there, and the power of two is put back by
its bits. Polynomials: tests/compile/fit_polynomials.py. The logarithm's form, with s = f / (2 + f), is that of
fdlibm (Sun Microsystems, e_log.c), the split of log 2 in two parts fdlibm's and Cephes's (S. Moshier).
Special values come last, by selects, as NumPy has them. Errors: `vector_math.LARGEST_ERROR`.
"""

import math

from .bits import (
    constant,
    exponent_sum,
    first_half_power,
    mantissa,
    polynomial,
    power_of_low_bits,
    second_half_power,
    select,
    vector,
    vector_part,
)

_ZERO, _HALF, _ONE, _TWO = constant(0.0), constant(0.5), constant(1.0), constant(2.0)
_INF, _NAN = constant(math.inf), constant(math.nan)
_LOG2_E = constant(math.log2(math.e))
# log 2 in two parts; the first has so few bits that its product with an exponent is exact.
_LN2_HIGH = constant(0.693359375, 6.93147180369123816490e-01)
_LN2_LOW = constant(-2.12194440e-4, 1.90821492927058770002e-10)

# x + these rounds x to an integer n; the low bits hold n + 2 (bias + 1), n + bias, n + bias - 1.
_ROUND_FOR_HALVES = constant(1.5 * 2**23 + 256, 1.5 * 2**52 + 2048)
_ROUND_FOR_POWER = constant(1.5 * 2**23 + 127, 1.5 * 2**52 + 1023)
_ROUND_FOR_HALF_POWER = constant(1.5 * 2**23 + 126, 1.5 * 2**52 + 1022)
_EXPONENT_ZERO = constant(2.0**23 + 127, 2.0**52 + 1023)  # `exponent_sum` of 1

# (exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2, (2**r - 1) / r for |r| <= 1/2
_EXP = polynomial(
    (
        0.0013926250831497611,
        0.008363232883682618,
        0.04166655421298415,
        0.16666576666119928,
        0.5,
    ),
    (
        2.5100472505694996e-08,
        2.7620201591031547e-07,
        2.7557268276905696e-06,
        2.4801521057868204e-05,
        0.00019841269863171557,
        0.0013888888917367081,
        0.008333333333330039,
        0.041666666666623824,
        0.16666666666666669,
        0.5000000000000001,
    ),
)
_EXP2 = polynomial(
    (
        1.529741310727295e-05,
        0.00015461560778872135,
        0.001333350216258813,
        0.009618056388057775,
        0.05550410884014512,
        0.24022650923651495,
        0.6931471805599453,
    ),
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
# (2 atanh(s) / s - 2) / s**2 in s**2, for |s| <= 3 - 2 sqrt(2)
_LOG_ATANH = polynomial(
    (
        0.2333096405177204,
        0.2855080255327671,
        0.4000012200081688,
        0.6666666655430018,
    ),
    (
        0.1461703754879165,
        0.1533167403016786,
        0.18182890556695602,
        0.2222221111514416,
        0.2857142862609589,
        0.3999999999989924,
        0.666666666666667,
    ),
)

# Beyond these exp is 0 or infinite, expm1 is -1, half of exp is infinite.
_EXP_LOWEST, _EXP_HIGHEST = constant(-105.0, -746.0), constant(89.0, 710.0)
_EXP2_LOWEST, _EXP2_HIGHEST = constant(-151.0, -1076.0), constant(129.0, 1025.0)
_EXPM1_LOWEST, _HALF_EXP_HIGHEST = constant(-20.0, -40.0), constant(90.0, 711.0)
_TINY = constant(2.0**-25, 2.0**-54)  # f(x) = x for |x| below, where f(x) = x + O(x**2)
_SMALLEST_NORMAL = constant(2.0**-126, 2.0**-1022)
_TO_NORMAL, _TO_NORMAL_EXPONENT = constant(2.0**24, 2.0**54), constant(24.0, 54.0)
_LARGE = constant(2.0**30, 2.0**60)


@vector_part
def clamp(x, low, high):
    """Return ``x`` between ``low`` and ``high``; NaN stays NaN."""
    x = select(x < low, low, x)
    return select(x > high, high, x)


@vector_part
def scale(y, t):
    """Return ``y * 2**n`` in two steps, so that results below the normal numbers and infinity are right."""
    return (y * first_half_power(t)) * second_half_power(t)


@vector_part
def reduce_exp(x, rounding):
    """Return t whose low bits hold n, n itself, and ``r = x - n log 2`` with ``|r| <= log(2) / 2``."""
    t = x * _LOG2_E(x) + rounding
    n = t - rounding
    return t, n, (x - n * _LN2_HIGH(x)) - n * _LN2_LOW(x)


@vector_part
def expm1_reduced(r):
    """Return ``exp(r) - 1`` for ``|r| <= log(2) / 2``."""
    return r + (r * r) * _EXP(r)


@vector
def exp(x):
    """Return e to the power ``x``."""
    x = clamp(x, _EXP_LOWEST(x), _EXP_HIGHEST(x))
    t, _, r = reduce_exp(x, _ROUND_FOR_HALVES(x))
    return scale(_ONE(x) + expm1_reduced(r), t)


@vector_part
def exp_ordinary(x):
    """Return e to the power ``x`` where that is a normal number."""
    t, _, r = reduce_exp(x, _ROUND_FOR_POWER(x))
    return (_ONE(x) + expm1_reduced(r)) * power_of_low_bits(t)


@vector_part
def half_exp(x):
    """Return half of ``exp(x)``, for a positive ``x``: finite where the hyperbolic functions are."""
    x = select(x > _HALF_EXP_HIGHEST(x), _HALF_EXP_HIGHEST(x), x)
    t, _, r = reduce_exp(x, _ROUND_FOR_HALVES(x) - _ONE(x))
    return scale(_ONE(x) + expm1_reduced(r), t)


@vector
def exp2(x):
    """Return 2 to the power ``x``."""
    x = clamp(x, _EXP2_LOWEST(x), _EXP2_HIGHEST(x))
    t = x + _ROUND_FOR_HALVES(x)
    r = x - (t - _ROUND_FOR_HALVES(x))
    return scale(_ONE(x) + r * _EXP2(r), t)


@vector
def expm1(x):
    """Return ``exp(x) - 1``, right for small ``x`` too."""
    y = clamp(x, _EXPM1_LOWEST(x), _EXP_HIGHEST(x))
    t, _, r = reduce_exp(y, _ROUND_FOR_HALF_POWER(x))
    half = power_of_low_bits(t)  # half the power: 2**1024 has no float
    y = _TWO(x) * (half * expm1_reduced(r) + (half - _HALF(x)))
    return select(abs(x) < _TINY(x), x, y)


@vector_part
def log_reduced(f, e):
    """Return ``log((1 + f) * 2**e)`` for ``sqrt(1/2) <= 1 + f < sqrt(2)``."""
    s = f / (_TWO(f) + f)
    z = s * s
    half_square = _HALF(f) * f * f
    rest = s * (half_square + z * _LOG_ATANH(z)) + e * _LN2_LOW(f)
    return e * _LN2_HIGH(f) - ((half_square - rest) - f)


@vector_part
def log_special(x, pole, y):
    """Return ``y``, but what a logarithm with its pole at ``pole`` is at the pole, below, at infinity and at NaN."""
    special = select(x == pole, -_INF(x), select(x < pole, _NAN(x), x))
    return select((x > pole) & (x < _INF(x)), y, special)


@vector
def log(x):
    """Return the natural logarithm: -inf at 0, NaN below."""
    below_normal = x < _SMALLEST_NORMAL(x)
    y = select(below_normal, x * _TO_NORMAL(x), x)
    e = exponent_sum(y) - select(below_normal, _EXPONENT_ZERO(x) + _TO_NORMAL_EXPONENT(x), _EXPONENT_ZERO(x))
    return log_special(x, _ZERO(x), log_reduced(mantissa(y) - _ONE(x), e))


@vector
def log1p(x):
    """Return ``log(1 + x)``, right for small ``x`` too."""
    u = _ONE(x) + x
    e = exponent_sum(u) - _EXPONENT_ZERO(x)
    power = power_of_low_bits(_ROUND_FOR_POWER(x) - e)
    # (1 + x) 2**-e - 1 from x itself, so that what 1 + x rounds away is not lost.
    f = select(x > _LARGE(x), mantissa(u) - _ONE(x), x * power + (power - _ONE(x)))
    return select(abs(x) < _TINY(x), x, log_special(x, -_ONE(x), log_reduced(f, e)))
