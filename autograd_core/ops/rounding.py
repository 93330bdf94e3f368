"""Rounding, remainders, signs and parts of floating-point numbers.

Functions that are constant between their jumps have derivative 0, at the jumps too: the graph goes on, and what flows
through it is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import LINEAR, Primitive, apply, binary, unary
from .complex_parts import nothing
from .matrices import operand, without_out

__all__ = [
    "around", "ceil", "copysign", "divmod", "fix", "floor", "floor_divide", "fmod", "frexp", "heaviside", "ldexp",
    "mod", "modf", "nextafter", "remainder", "rint", "round", "spacing", "trunc",
]  # fmt: skip

_JUMPS = "0 at the jumps"

# -- to integers -------------------------------------------------------------------------------------------------------


def _between(draw):
    """Numbers clear of the integers and of the halves between them, positive and negative."""
    shape = draw.shape()
    x = np.floor(draw.array(shape, -3.0, 3.0)) + draw.array(shape, 0.1, 0.4)
    return np.asarray(x + draw.choice((0.0, 0.5)), draw.dtype)


def _step(name: str, function, doc: str) -> Primitive:
    return Primitive(
        name, function, elementwise=True, source=f"{name}({{0}})", keeps=False, doc=doc, kink=_JUMPS, vjps=(nothing,),
        sample=lambda draw: ((_between(draw),), {}),
    )  # fmt: skip


FLOOR = _step("floor", np.floor, "Largest integer <= x.")
CEIL = _step("ceil", np.ceil, "Smallest integer >= x.")
TRUNC = _step("trunc", np.trunc, "Integer next to x on the way to 0.")
RINT = _step("rint", np.rint, "Nearest integer; the even one of two.")
ROUND = Primitive(
    "round", lambda x, *, decimals: np.round(x, decimals), elementwise=True, keeps=False, kink=_JUMPS, vjps=(nothing,),
    source="round({0}, {decimals})",
    sample=lambda draw: ((_between(draw),), {"decimals": draw.choice((0, -1))}),
    doc="x rounded to a number of decimals; ties to even.",
)  # fmt: skip

# -- quotients and remainders ------------------------------------------------------------------------------------------


def _sample_quotient(draw):
    """A dividend whose quotient by the divisor is clear of the integers; both of either sign."""
    shape = draw.shape()
    y = draw.array(draw.broadcastable(shape), 0.5, 2.0) * draw.choice((1, -1))
    return (np.asarray(y * _between_like(draw, shape), draw.dtype), np.asarray(y, draw.dtype)), {}


def _between_like(draw, shape):
    return np.floor(draw.array(shape, -3.0, 3.0)) + draw.array(shape, 0.2, 0.8)


FLOOR_DIVIDE = Primitive(
    "floor_divide", np.floor_divide, elementwise=True, keeps=False, sample=_sample_quotient, doc="floor(x1 / x2)",
    source="{0} // {1}",
    kink=_JUMPS, vjps=(nothing, nothing),
)  # fmt: skip
REMAINDER = Primitive(
    "remainder", np.remainder, elementwise=True, sample=_sample_quotient, doc="x1 - floor(x1 / x2) * x2",
    source="{0} % {1}",
    kink="at the jumps the derivative from the side where it does not jump",
    vjps=(lambda ct, ans, x, y: ct,
          lambda ct, ans, x, y: np.negative(ct) * np.floor_divide(x, y)),
)  # fmt: skip
FMOD = Primitive(
    "fmod", np.fmod, elementwise=True, source="fmod({0}, {1})", sample=_sample_quotient, doc="x1 - trunc(x1 / x2) * x2",
    kink="at the jumps the derivative from the side where it does not jump",
    # The quotient is found from the exact remainder: x / y itself may be rounded to the next integer.
    vjps=(lambda ct, ans, x, y: ct,
          lambda ct, ans, x, y: np.negative(ct) * np.rint((x - ans) / y)),
)  # fmt: skip

# -- signs -------------------------------------------------------------------------------------------------------------


def _sample_clear_of_zero(draw):
    shape = draw.shape()
    x, y = (draw.array(s, 0.3, 2.0) * draw.choice((1, -1)) for s in (shape, draw.broadcastable(shape)))
    return (x, y), {}


COPYSIGN = Primitive(
    "copysign", np.copysign, elementwise=True, sample=_sample_clear_of_zero, doc="|x1| with the sign of x2",
    source="copysign({0}, {1})",
    kink="0 at x1 = 0, and in x2",
    vjps=(lambda ct, ans, x, y: ct * np.sign(x) * np.copysign(1, y),
          nothing),
)  # fmt: skip
HEAVISIDE = Primitive(
    "heaviside", np.heaviside, elementwise=True, sample=_sample_clear_of_zero, doc="0, x2 or 1 for x1 <, = or > 0",
    source="heaviside({0}, {1})",
    kink="0 in x1, at the jump too; 1 in x2 at the jump",
    vjps=(nothing,
          lambda ct, ans, x, y: np.where(np.equal(x, 0), ct, np.zeros((), ct.dtype))),
)  # fmt: skip

# -- floating-point numbers --------------------------------------------------------------------------------------------

NEXTAFTER = Primitive(
    "nextafter", np.nextafter, elementwise=True, keeps=False, sample=_sample_clear_of_zero,
    source="nextafter({0}, {1})",
    doc="The floating-point number after x1 on the way to x2.",
    kink="1 in x1 and 0 in x2, as of x1 + a tiny constant; also where x1 = x2",
    vjps=(lambda ct, ans, x, y: ct,
          nothing),
)  # fmt: skip
SPACING = Primitive(
    "spacing", np.spacing, elementwise=True, keeps=False, domain=((1.1, 1.9),), kink=_JUMPS, vjps=(nothing,),
    source="spacing({0})",
    doc="Distance from x to the next floating-point number.",
)  # fmt: skip
LDEXP = Primitive(
    "ldexp", np.ldexp, elementwise=True, source="ldexp({0}, {1})", jvps=LINEAR, doc="x1 * 2**x2, for integers x2",
    sample=lambda draw: ((draw.array((2, 3)), np.asarray(draw.array((3,), -3, 3), int)), {}),
    vjps=(lambda ct, ans, x, n: np.ldexp(ct, n), None),
)  # fmt: skip
MODF = Primitive(
    "modf", np.modf, keeps=False, doc="Fractional and integral part, both with the sign of x.",
    sample=lambda draw: ((_between(draw),), {}), kink="1 and 0, at the jumps too",
    vjps=(lambda ct, ans, x: ct[0],),
    jvps=(lambda t, ans, x: (t, np.zeros(t.shape, t.dtype)),),
)  # fmt: skip
FREXP = Primitive(
    "frexp", np.frexp, keeps=False, doc="Mantissa m and exponent n of x = m * 2**n, with 1/2 <= |m| < 1.",
    sample=lambda draw: ((np.ldexp(draw.array(draw.shape(), 1.1, 1.9), draw.integer(-2, 2)),), {}),
    kink="the derivative with the exponent kept, at powers of 2 and at 0 too",
    vjps=(lambda ct, ans, x: np.ldexp(ct[0], np.negative(ans[1])),),
)  # fmt: skip

ROWS = (
    FLOOR, CEIL, TRUNC, RINT, ROUND, FLOOR_DIVIDE, REMAINDER, FMOD, COPYSIGN, HEAVISIDE, NEXTAFTER, SPACING, LDEXP,
    MODF, FREXP,
)  # fmt: skip

floor = unary(FLOOR)
ceil = unary(CEIL)
trunc = unary(TRUNC)
rint = unary(RINT)
floor_divide = binary(FLOOR_DIVIDE)
remainder = mod = binary(REMAINDER)
fmod = binary(FMOD)
copysign = binary(COPYSIGN)
heaviside = binary(HEAVISIDE)
nextafter = binary(NEXTAFTER)
spacing = unary(SPACING)
ldexp = binary(LDEXP)


def fix(x, out=None):
    """Integer next to x on the way to 0, as ``trunc``."""
    without_out("fix", out)
    return trunc(x)


def round(a, decimals: int = 0, out=None):
    """``a`` rounded to a number of decimals, ties to even, as ``numpy.round``; its derivative is 0."""
    without_out("round", out)
    return apply(ROUND, (operand(a),), {"decimals": decimals})


around = round


def divmod(x1, x2):
    """``(floor_divide(x1, x2), remainder(x1, x2))``."""
    return floor_divide(x1, x2), remainder(x1, x2)


def modf(x):
    """Fractional and integral part, both with the sign of x. The derivatives are 1 and 0."""
    return apply(MODF, (x,), {})


def frexp(x):
    """Mantissa and integer exponent: ``x = mantissa * 2**exponent``. The derivative of the mantissa is 2**-exponent."""
    return apply(FREXP, (x,), {})


OVERLOADS: dict[Any, Any] = {
    np.floor: floor, np.ceil: ceil, np.trunc: trunc, np.rint: rint, np.fix: fix, np.round: round, np.around: round,
    np.floor_divide: floor_divide, np.remainder: remainder, np.fmod: fmod, np.divmod: divmod, np.copysign: copysign,
    np.heaviside: heaviside, np.nextafter: nextafter, np.spacing: spacing, np.ldexp: ldexp, np.modf: modf,
    np.frexp: frexp,
}  # fmt: skip
