"""Exponentials, logarithms and roots."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import Primitive, binary, unary
from .arithmetic import POSITIVE, POWER, REAL, slope_in_exponent, times_slope_in_base

__all__ = [
    "cbrt", "exp", "exp2", "expm1", "float_power", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "sqrt",
]  # fmt: skip

LN2, LN10 = math.log(2.0), math.log(10.0)

EXP = Primitive(
    "exp", np.exp, elementwise=True, source="exp({0})", domain=(REAL,), doc="e ** x",
    vjps=(lambda ct, ans, x: ct * ans,),
)  # fmt: skip
EXP2 = Primitive(
    "exp2", np.exp2, elementwise=True, source="exp2({0})", domain=(REAL,), doc="2 ** x",
    vjps=(lambda ct, ans, x: ct * ans * LN2,),
)  # fmt: skip
EXPM1 = Primitive(
    "expm1", np.expm1, elementwise=True, source="expm1({0})", domain=(REAL,), doc="e ** x - 1, exact for small x",
    vjps=(lambda ct, ans, x: ct * np.exp(x),),  # not ans + 1, of which nothing is left where ans is almost -1
)  # fmt: skip
LOG = Primitive(
    "log", np.log, elementwise=True, source="log({0})", domain=(POSITIVE,), doc="Natural logarithm.",
    vjps=(lambda ct, ans, x: ct / x,),
)  # fmt: skip
LOG2 = Primitive(
    "log2", np.log2, elementwise=True, source="log2({0})", domain=(POSITIVE,), doc="Logarithm to base 2.",
    vjps=(lambda ct, ans, x: ct / (x * LN2),),
)  # fmt: skip
LOG10 = Primitive(
    "log10", np.log10, elementwise=True, source="log10({0})", domain=(POSITIVE,), doc="Logarithm to base 10.",
    vjps=(lambda ct, ans, x: ct / (x * LN10),),
)  # fmt: skip
LOG1P = Primitive(
    "log1p", np.log1p, elementwise=True, domain=((-0.6, 2.0),), doc="log(1 + x), exact for small x",
    source="log1p({0})",
    vjps=(lambda ct, ans, x: ct / (1 + x),),
)  # fmt: skip
SQRT = Primitive(
    "sqrt", np.sqrt, elementwise=True, domain=(POSITIVE,), doc="Square root; the derivative at 0 is infinite.",
    source="sqrt({0})",
    vjps=(lambda ct, ans, x: ct / (ans + ans),),
)  # fmt: skip
CBRT = Primitive(
    "cbrt", np.cbrt, elementwise=True, domain=(POSITIVE,), doc="Cube root; the derivative at 0 is infinite.",
    source="cbrt({0})",
    vjps=(lambda ct, ans, x: ct / (3 * ans * ans),),
)  # fmt: skip


def _gap(part, other):
    """``other - part``; for two of inf 0 (they share evenly), for two of -inf inf (no share of nothing)."""
    alike = np.equal(part, other) & np.isinf(part)
    apart = np.where(alike, 0, other) - np.where(alike, 0, part)
    return np.where(np.isneginf(part) & alike, np.full((), np.inf, apart.dtype), apart)


# Not exp(part - total): of the gap between two huge numbers nothing is left in the total.
def _share(part, other):
    return np.exp(np.negative(np.logaddexp(0, _gap(part, other))))


def _share2(part, other):
    return np.exp2(np.negative(np.logaddexp2(0, _gap(part, other))))


LOGADDEXP = Primitive(
    "logaddexp", np.logaddexp, elementwise=True, domain=(REAL, REAL), doc="log(exp(x1) + exp(x2)) without overflow",
    source="logaddexp({0}, {1})",
    vjps=(lambda ct, ans, x, y: ct * _share(x, y),
          lambda ct, ans, x, y: ct * _share(y, x)),
    kink="an argument of -inf has derivative 0; two of inf share evenly",
)  # fmt: skip
LOGADDEXP2 = Primitive(
    "logaddexp2", np.logaddexp2, elementwise=True, domain=(REAL, REAL), doc="log2(2 ** x1 + 2 ** x2) without overflow",
    source="logaddexp2({0}, {1})",
    vjps=(lambda ct, ans, x, y: ct * _share2(x, y),
          lambda ct, ans, x, y: ct * _share2(y, x)),
    kink="an argument of -inf has derivative 0; two of inf share evenly",
)  # fmt: skip


def _wide(x):
    """``x`` in double precision at least, as the power is: its slope may overflow where the gradient does not."""
    return np.multiply(x, np.float64(1))


FLOAT_POWER = Primitive(
    "float_power", np.float_power, elementwise=True, domain=(POSITIVE, REAL), doc="x1 ** x2, in float64 at least",
    source="float_power({0}, {1})",
    vjps=(lambda ct, ans, x, y: times_slope_in_base(ct, x, _wide(y)),
          lambda ct, ans, x, y: ct * slope_in_exponent(ans, _wide(x), y)),
    kink=POWER.kink,
)  # fmt: skip

ROWS = (EXP, EXP2, EXPM1, LOG, LOG2, LOG10, LOG1P, SQRT, CBRT, LOGADDEXP, LOGADDEXP2, FLOAT_POWER)

exp = unary(EXP)
exp2 = unary(EXP2)
expm1 = unary(EXPM1)
log = unary(LOG)
log2 = unary(LOG2)
log10 = unary(LOG10)
log1p = unary(LOG1P)
sqrt = unary(SQRT)
cbrt = unary(CBRT)
logaddexp = binary(LOGADDEXP)
logaddexp2 = binary(LOGADDEXP2)
float_power = binary(FLOAT_POWER)

OVERLOADS = {
    np.exp: exp, np.exp2: exp2, np.expm1: expm1, np.log: log, np.log2: log2, np.log10: log10, np.log1p: log1p,
    np.sqrt: sqrt, np.cbrt: cbrt, np.logaddexp: logaddexp, np.logaddexp2: logaddexp2, np.float_power: float_power,
}  # fmt: skip
