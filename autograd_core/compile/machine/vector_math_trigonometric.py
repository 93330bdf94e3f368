"""sin, cos and tan for float32 and float64, right for every argument, in one path without branches.

The argument is divided by a quarter turn: ``x * 2 / pi`` modulo 4, in about twice the precision of float64. Of the
digits of 2 / pi only a window matters: a large x is an integer times a power of two, so the digits above the window
give multiples of four (Payne and Hanek 1983, "Radian reduction for trigonometric functions"). The window is looked up
by the exponent of x: in float32 from five, by selects, in float64 from a table of 6 KB, by gathers, which costs
ordinary arguments about a nanosecond; a branch to a slow path would stop LLVM from vectorising the loop.
Polynomials: tests/compile/fit_polynomials.py. The sums in `_sin_reduced` and `_cos_reduced` are fdlibm's
(Sun Microsystems, k_sin.c, k_cos.c). Errors: `vector_math.LARGEST_ERROR`.
"""

import math
from fractions import Fraction

import numpy as np

from .bits import constant, exponent_steps, flip_sign, fma, low_bit, polynomial, select, vector, vector_part

# 2 / pi to 1200 bits behind the point.
_BITS = 1200


def _arctan_of_inverse(k: int, one: int) -> int:
    """``arctan(1 / k)`` in units of ``1 / one``: Gregory's series."""
    total, power, n = 0, one // k, 1
    while power:
        total += power // n if n % 4 == 1 else -(power // n)
        power, n = power // (k * k), n + 2
    return total


def _two_over_pi() -> Fraction:
    one = 1 << (_BITS + 64)
    pi = 4 * (4 * _arctan_of_inverse(5, one) - _arctan_of_inverse(239, one))  # Machin's formula
    return Fraction(2 * one, pi)


def _window(exponent: int, shift: int, parts: int) -> list[float]:
    """``2**exponent * 2 / pi`` modulo 4, times ``2**shift``, as a sum of ``parts`` floats."""
    rest = _TWO_OVER_PI * 2**exponent % 4
    floats = []
    for _ in range(parts):
        floats.append(float(rest))
        rest -= Fraction(floats[-1])
    return [math.ldexp(value, shift) for value in floats]


_TWO_OVER_PI = _two_over_pi()
_HALF_PI = 1 / _TWO_OVER_PI
_PI_HIGH = float(_HALF_PI)
_PI_LOW = float(_HALF_PI - Fraction(_PI_HIGH))

# float64: windows for exponents 4 q; an x from 2**56 on is made smaller, so that nothing overflows.
_STEPS = (2046 - 1075) // 4 + 1
_HIGH, _MIDDLE, _LOW = np.array([_window(4 * q, 200 - 4 * q if q else 0, 3) for q in range(_STEPS + 1)]).T.copy()
_LARGE, _SHRINK = 2.0**56, 2.0**-200
# float32: windows for exponents 24 q
(
    (_HIGH_0, _LOW_0), (_HIGH_1, _LOW_1), (_HIGH_2, _LOW_2), (_HIGH_3, _LOW_3), (_HIGH_4, _LOW_4),
) = (_window(24 * q, -24 * q, 2) for q in range(5))  # fmt: skip

_HALF, _ONE = constant(0.5), constant(1.0)
_ROUND_TO_BITS = constant(1.5 * 2**23, 1.5 * 2**52)
_TINY = constant(2.0**-13, 2.0**-27)  # sin(x) = x for |x| below

# (sin(r) / r - 1) / r**2 and (cos(r) - 1 + r**2 / 2) / r**4 in r**2, for |r| <= pi / 4
_SIN = polynomial(
    (
        2.7249314054698804e-06,
        -0.00019840082012765537,
        0.008333331865959415,
        -0.16666666663832763,
    ),
    (
        -7.586576588171073e-13,
        1.6058529572267877e-10,
        -2.5052106219521895e-08,
        2.755731921930192e-06,
        -0.00019841269841265017,
        0.008333333333333331,
        -0.16666666666666666,
    ),
)
_COS = polynomial(
    (
        -2.7300448619488353e-07,
        2.4800596435621998e-05,
        -0.0013888887664713619,
        0.0416666666643024,
    ),
    (
        4.745804889760674e-14,
        -1.1470459749675607e-11,
        2.087675578389404e-09,
        -2.7557319221382114e-07,
        2.4801587301584618e-05,
        -0.0013888888888888887,
        0.041666666666666664,
    ),
)


@vector_part
def _quarter_turns(x):
    """Return the float64 ``x`` in quarter turns: the nearest integer modulo 4, and the angle left as a sum of two."""
    step = exponent_steps(x)
    high, middle, low = _HIGH[step], _MIDDLE[step], _LOW[step]
    y = select(abs(x) >= _LARGE, x * _SHRINK, x)
    a = y * high
    b = y * middle
    a_error, b_error = fma(y, high, -a), fma(y, middle, -b)
    # a + a_error + b + b_error + y * low, less multiples of four
    a -= 4.0 * np.rint(a * 0.25)
    c, c_error = _two_sum(a_error, b)
    c -= 4.0 * np.rint(c * 0.25)
    a, a_error = _two_sum(a, c)
    n = np.rint(a)
    high, low = _two_sum(a - n, fma(y, low, (a_error + c_error) + b_error))
    r = high * _PI_HIGH
    return n, r, fma(high, _PI_HIGH, -r) + (high * _PI_LOW + low * _PI_HIGH)


@vector_part
def _two_sum(a, b):
    """Return the sum and its rounding error (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@vector_part
def _quarter_turns_f32(x):
    """Return the float32 ``x`` in quarter turns: the nearest integer modulo 4, and the angle left."""
    a = abs(x)
    high = select(a < np.float32(2.0**47), _HIGH_0, select(a < np.float32(2.0**71), _HIGH_1, _HIGH_2))
    low = select(a < np.float32(2.0**47), _LOW_0, select(a < np.float32(2.0**71), _LOW_1, _LOW_2))
    high = select(a < np.float32(2.0**95), high, select(a < np.float32(2.0**119), _HIGH_3, _HIGH_4))
    low = select(a < np.float32(2.0**95), low, select(a < np.float32(2.0**119), _LOW_3, _LOW_4))
    y = np.float64(x)
    b = y * high
    b_error = fma(y, low, fma(y, high, -b))
    b -= 4.0 * np.rint(b * 0.25)
    n = np.rint(b)
    return np.float32(n), np.float32(((b - n) + b_error) * _PI_HIGH)


@vector_part
def _sin_reduced(r, low):
    """Return ``sin(r + low)`` for ``|r| <= pi / 4`` and a much smaller ``low``."""
    z = r * r
    return r + (low + (z * r) * _SIN(z) - (_HALF(r) * z) * low)


@vector_part
def _cos_reduced(r, low):
    """Return ``cos(r + low)`` for ``|r| <= pi / 4`` and a much smaller ``low``."""
    z = r * r
    half = _HALF(r) * z
    w = _ONE(r) - half
    return w + (((_ONE(r) - w) - half) + ((z * z) * _COS(z) - r * low))


@vector_part
def _turn(n, r, low):
    """Return the sine of ``n`` quarter turns and ``r + low``."""
    t = n + _ROUND_TO_BITS(n)
    return flip_sign(select(low_bit(t), _cos_reduced(r, low), _sin_reduced(r, low)), t)


@vector_part
def _tangent(n, r, low):
    """Return the tangent of ``n`` quarter turns and ``r + low``."""
    odd = low_bit(n + _ROUND_TO_BITS(n))
    sine, cosine = _sin_reduced(r, low), _cos_reduced(r, low)
    return select(odd, -cosine, sine) / select(odd, sine, cosine)


@vector
def sin_f64(x):
    """Return the sine; NaN for infinities."""
    n, r, low = _quarter_turns(x)
    return select(abs(x) < _TINY(x), x, _turn(n, r, low))


@vector
def cos_f64(x):
    """Return the cosine; NaN for infinities."""
    n, r, low = _quarter_turns(x)
    return _turn(n + 1.0, r, low)


@vector
def sin_f32(x):
    """Return the sine; NaN for infinities."""
    n, r = _quarter_turns_f32(x)
    return select(abs(x) < _TINY(x), x, _turn(n, r, np.float32(0)))


@vector
def cos_f32(x):
    """Return the cosine; NaN for infinities."""
    n, r = _quarter_turns_f32(x)
    return _turn(n + np.float32(1), r, np.float32(0))


@vector
def tan_f64(x):
    """Return the tangent; NaN for infinities."""
    n, r, low = _quarter_turns(x)
    return select(abs(x) < _TINY(x), x, _tangent(n, r, low))


@vector
def tan_f32(x):
    """Return the tangent; NaN for infinities."""
    n, r = _quarter_turns_f32(x)
    return select(abs(x) < _TINY(x), x, _tangent(n, r, np.float32(0)))
