"""Scalar functions that emitted kernels call: what Numba has not, or has with other values than NumPy.

Two kinds. *Instructions* become one or two instructions of LLVM each, so that loops that use them are vectorised: a
``select`` instead of a branch, ``llvm.floor`` instead of Python's ``floor``. *Functions* hold what needs more: integer
division as NumPy rounds it, shifts by too many bits, special functions. These work in 64 bits; the expression that
calls them converts the result.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from . import vector_math
from .scalar_rules import home

_plain = njit(error_model="numpy")  # no check for division by zero: NumPy's values

# -- instructions ------------------------------------------------------------------------------------------------------


def _instruction(arity: int, build: Callable[..., Any], result: Any = None) -> Any:
    """Intrinsic of ``arity`` arguments of one type; ``build(builder, *values)`` writes the instructions."""

    def typed(*arguments):
        kinds = {types.unliteral(argument) for argument in arguments}
        if len(kinds) != 1:
            return None
        (kind,) = kinds

        def codegen(context, builder, signature, values):
            return build(builder, *values)

        return (result or kind)(*[kind] * arity), codegen

    if arity == 1:
        return intrinsic(lambda typingctx, x: typed(x))
    return intrinsic(lambda typingctx, x, y: typed(x, y))


def _llvm(name: str) -> Callable[..., Any]:
    """Writes a call of one of LLVM's own functions, which its vectoriser knows."""

    def build(builder, *values):
        kind = values[0].type
        function = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind] * len(values)))
        return builder.call(function, values)

    return build


def _select(typingctx, condition, x, y):
    kind = types.unliteral(x)
    if types.unliteral(y) != kind or types.unliteral(condition) != types.boolean:
        return None
    return kind(types.boolean, kind, kind), lambda context, builder, signature, values: builder.select(*values)


select: Any = intrinsic(_select)
"""``x if condition else y``, without a branch; x and y are of one type."""


def _larger(builder, x, y):
    wins = builder.or_(builder.fcmp_ordered(">=", x, y), builder.fcmp_unordered("uno", x, x))
    return builder.select(wins, x, y)


def _smaller(builder, x, y):
    wins = builder.or_(builder.fcmp_ordered("<=", x, y), builder.fcmp_unordered("uno", x, x))
    return builder.select(wins, x, y)


def _larger_number(builder, x, y):
    wins = builder.or_(builder.fcmp_ordered(">=", x, y), builder.fcmp_unordered("uno", y, y))
    return builder.select(wins, x, y)


def _smaller_number(builder, x, y):
    wins = builder.or_(builder.fcmp_ordered("<=", x, y), builder.fcmp_unordered("uno", y, y))
    return builder.select(wins, x, y)


def _at_least(builder, x, low):
    return builder.select(builder.fcmp_ordered(">", low, x), low, x)  # one maxps; a NaN in x stays


def _at_most(builder, x, high):
    return builder.select(builder.fcmp_ordered("<", high, x), high, x)


def _signbit(builder, x):
    bits = ir.IntType(32 if isinstance(x.type, ir.FloatType) else 64)
    return builder.icmp_signed("<", builder.bitcast(x, bits), ir.Constant(bits, 0))


maximum = _instruction(2, _larger)
minimum = _instruction(2, _smaller)
fmax = _instruction(2, _larger_number)
fmin = _instruction(2, _smaller_number)
at_least = _instruction(2, _at_least)
at_most = _instruction(2, _at_most)
floor = _instruction(1, _llvm("llvm.floor"))
ceil = _instruction(1, _llvm("llvm.ceil"))
trunc = _instruction(1, _llvm("llvm.trunc"))
rint = _instruction(1, _llvm("llvm.rint"))
sqrt = _instruction(1, _llvm("llvm.sqrt"))
fabs = _instruction(1, _llvm("llvm.fabs"))
copysign = _instruction(2, _llvm("llvm.copysign"))
fmod = _instruction(2, lambda builder, x, y: builder.frem(x, y))
signbit = _instruction(1, _signbit, types.boolean)
ones = _instruction(1, _llvm("llvm.ctpop"))

# -- integers ----------------------------------------------------------------------------------------------------------
# The machine's division stops the process for a divisor of 0, and for the least integer by -1: both are kept from it.

_NONE, _ONE, _ALL = np.uint64(0), np.uint64(1), np.uint64(63)


@_plain
def floor_divide_signed(x, y):
    """``floor(x / y)``; 0 for a divisor of 0."""
    x, y = np.int64(x), np.int64(y)
    quotient = x // select((y == 0) | (y == -1), 1, y)
    return select(y == 0, 0, select(y == -1, -x, quotient))


@_plain
def remainder_signed(x, y):
    """Remainder with the sign of ``y``; 0 for a divisor of 0."""
    x, y = np.int64(x), np.int64(y)
    easy = (y == 0) | (y == -1)
    return select(easy, 0, x % select(easy, 1, y))


@_plain
def fmod_signed(x, y):
    """Remainder with the sign of ``x``; 0 for a divisor of 0."""
    rest = remainder_signed(x, y)
    return select((rest != 0) & ((rest < 0) != (x < 0)), rest - np.int64(y), rest)


@_plain
def floor_divide_unsigned(x, y):
    """``floor(x / y)``; 0 for a divisor of 0."""
    x, y = np.uint64(x), np.uint64(y)
    return select(y == _NONE, _NONE, x // select(y == _NONE, _ONE, y))


@_plain
def remainder_unsigned(x, y):
    """Remainder; 0 for a divisor of 0."""
    x, y = np.uint64(x), np.uint64(y)
    return select(y == _NONE, _NONE, x % select(y == _NONE, _ONE, y))


@_plain
def power_integer(x, n):
    """``x ** n`` for ``n`` >= 0, modulo 2**64: the lower bits are those of any narrower type."""
    result, square, n = 1, np.int64(x), np.uint64(n)
    while n != _NONE:
        result = select((n & _ONE) != _NONE, result * square, result)
        square = square * square
        n = n >> _ONE
    return result


@_plain
def left_shift(x, n, bits):
    """``x << n``; 0 if all ``bits`` bits are shifted out. A negative ``n`` counts as a large one."""
    n = np.int64(n)
    fits = (n >= 0) & (n < bits)
    return select(fits, np.int64(x) << select(fits, n, 0), 0)


@_plain
def right_shift_signed(x, n, bits):
    """``x >> n``; the sign alone if all ``bits`` bits are shifted out."""
    x, n = np.int64(x), np.int64(n)
    return x >> select((n >= 0) & (n < bits), n, 63)


@_plain
def right_shift_unsigned(x, n, bits):
    """``x >> n``; 0 if all ``bits`` bits are shifted out."""
    x, n = np.uint64(x), np.uint64(n)
    fits = n < np.uint64(bits)
    return select(fits, x >> select(fits, n, _NONE), _NONE)


@_plain
def bits_signed(x):
    """How many bits of the absolute value are set."""
    x = np.int64(x)
    return ones(select(x < 0, -x, x))


@_plain
def bits_unsigned(x):
    """How many bits are set."""
    return ones(np.uint64(x))


@_plain
def gcd_unsigned(x, y):
    """Greatest common divisor, by Euclid."""
    x, y = np.uint64(x), np.uint64(y)
    while y != _NONE:
        x, y = y, x % y
    return x


@_plain
def _size(x):
    x = np.int64(x)
    return np.uint64(select(x < 0, -x, x))


@_plain
def gcd_signed(x, y):
    """Greatest common divisor of the absolute values."""
    return gcd_unsigned(_size(x), _size(y))


@_plain
def lcm_unsigned(x, y):
    """Lowest common multiple; 0 if either is 0."""
    x, y = np.uint64(x), np.uint64(y)
    divisor = gcd_unsigned(x, y)
    return x // select(divisor == _NONE, _ONE, divisor) * y


@_plain
def lcm_signed(x, y):
    """Lowest common multiple of the absolute values."""
    return lcm_unsigned(_size(x), _size(y))


# -- floating-point numbers --------------------------------------------------------------------------------------------


@_plain
def remainder_float(x, y):
    """Remainder with the sign of ``y``, exact; NaN for a divisor of 0."""
    rest = fmod(x, y)
    if rest == 0:
        return copysign(rest, y)
    return rest + y if (rest < 0) != (y < 0) else rest


@_plain
def floor_divide_float(x, y, one):
    """``floor(x / y)`` of the exact quotient; ``one`` is 1 in the type of both, so that nothing is widened.

    By way of the exact remainder, as NumPy (npymath, ``npy_divmod``): x / y itself may be rounded up to an integer.
    """
    if y == 0:
        return x / y
    rest = fmod(x, y)
    quotient = (x - rest) / y
    if rest != 0 and (rest < 0) != (y < 0):
        quotient = quotient - one
    if quotient == 0:
        return copysign(quotient, x / y)
    down = floor(quotient)
    return select(quotient - down > 0.5, down + one, down)


@_plain
def scaled(x, n):
    """``x * 2**n``; exponents of 64 bits are limited to what leaves no number between 0 and infinity."""
    return np.ldexp(x, np.int32(select(n < -5000, -5000, select(n > 5000, 5000, np.int64(n)))))


# -- special functions, in float64 as SciPy computes them --------------------------------------------------------------


@_plain
def gamma(x):
    """Gamma function; NaN at its poles below 0."""
    x = np.float64(x)
    return np.nan if x < 0 and (floor(x) == x) else math.gamma(x)


@_plain
def gammaln(x):
    """Logarithm of ``abs(gamma(x))``."""
    x = np.float64(x)
    return x if x == -np.inf else math.lgamma(x)


@_plain
def rel_entr(x, y):
    """``x * log(x / y)``, also where the quotient overflows; 0 where ``x`` is 0; infinite below 0."""
    x, y = np.float64(x), np.float64(y)
    if x != x or y != y:
        return np.nan
    if x > 0 and y > 0:
        ratio = x / y
        if 0.5 < ratio < 2.0:
            return x * math.log1p((x - y) / y)
        if 2.3e-308 < ratio < np.inf:
            return x * math.log(ratio)
        return x * (math.log(x) - math.log(y))
    return 0.0 if x == 0 and y >= 0 else np.inf


@_plain
def kl_div(x, y):
    """``rel_entr(x, y) - x + y``."""
    x, y = np.float64(x), np.float64(y)
    if x != x or y != y:
        return np.nan
    if x > 0 and y > 0:
        return x * math.log(x / y) - x + y
    return y if x == 0 and y >= 0 else np.inf


@_plain
def exprel(x):
    """``(exp(x) - 1) / x``, and 1 at 0."""
    x = np.float64(x)
    if abs(x) < 1e-16:
        return 1.0
    return np.inf if x > 717.0 else math.expm1(x) / x


FUNCTIONS: dict[str, Any] = {
    name: getattr(module, name)
    for module in (vector_math, sys.modules[__name__])
    for name in sorted(vars(module))
    if home(name) == module.__name__
}
"""All functions that expressions call by name, those of ``vector_math`` included."""
