"""Trigonometric and hyperbolic functions and their inverses. Angles are in radians unless the name says otherwise."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import LINEAR, Primitive, binary, unary
from .arithmetic import REAL

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan",
    "atan2", "atanh", "cos", "cosh", "deg2rad", "degrees", "hypot", "rad2deg", "radians", "sin", "sinc", "sinh", "tan",
    "tanh",
]  # fmt: skip

INSIDE = (-0.9, 0.9)
DEGREE = math.pi / 180.0

SIN = Primitive(
    "sin", np.sin, elementwise=True, source="sin({0})", domain=(REAL,), doc="Sine.",
    vjps=(lambda ct, ans, x: ct * np.cos(x),),
)  # fmt: skip
COS = Primitive(
    "cos", np.cos, elementwise=True, source="cos({0})", domain=(REAL,), doc="Cosine.",
    vjps=(lambda ct, ans, x: np.negative(ct) * np.sin(x),),
)  # fmt: skip
TAN = Primitive(
    "tan", np.tan, elementwise=True, source="tan({0})", domain=((-1.2, 1.2),), doc="Tangent.",
    vjps=(lambda ct, ans, x: ct + ct * ans * ans,),
)  # fmt: skip
ARCSIN = Primitive(
    "arcsin", np.arcsin, elementwise=True, domain=(INSIDE,), doc="Inverse sine, between -pi/2 and pi/2.",
    source="arcsin({0})",
    vjps=(lambda ct, ans, x: ct / np.sqrt((1 - x) * (1 + x)),),
)  # fmt: skip
ARCCOS = Primitive(
    "arccos", np.arccos, elementwise=True, domain=(INSIDE,), doc="Inverse cosine, between 0 and pi.",
    source="arccos({0})",
    vjps=(lambda ct, ans, x: np.negative(ct) / np.sqrt((1 - x) * (1 + x)),),
)  # fmt: skip
ARCTAN = Primitive(
    "arctan", np.arctan, elementwise=True, domain=(REAL,), doc="Inverse tangent, between -pi/2 and pi/2.",
    source="arctan({0})",
    vjps=(lambda ct, ans, x: ct / (1 + x * x),),
)  # fmt: skip


def _over_square_radius(ct, x, y, numerator):
    """``ct * numerator / (x**2 + y**2)``: divided twice by the radius, so that no square overflows; 0 at the origin."""
    radius = np.hypot(x, y)
    origin = np.equal(radius, 0)
    safe = np.where(origin, 1, radius)
    return np.where(origin, np.zeros((), ct.dtype), ct * (numerator / safe / safe))


ARCTAN2 = Primitive(
    "arctan2", np.arctan2, elementwise=True, domain=((0.3, 2.0), REAL), doc="Angle of the point (x2, x1).",
    source="arctan2({0}, {1})",
    vjps=(lambda ct, ans, x, y: _over_square_radius(ct, x, y, y),
          lambda ct, ans, x, y: np.negative(_over_square_radius(ct, x, y, x))),
    kink="0 at the origin, where the angle is not defined",
)  # fmt: skip


def _direction(ct, part, radius):
    """Cotangent * part / radius, 0 where the radius is."""
    origin = np.equal(radius, 0)
    return np.where(origin, np.zeros((), ct.dtype), ct * (part / np.where(origin, 1, radius)))


HYPOT = Primitive(
    "hypot", np.hypot, elementwise=True, domain=((0.3, 2.0), REAL), doc="sqrt(x1**2 + x2**2) without overflow",
    source="hypot({0}, {1})",
    vjps=(lambda ct, ans, x, y: _direction(ct, x, ans),
          lambda ct, ans, x, y: _direction(ct, y, ans)),
    kink="0 at the origin",
)  # fmt: skip
SINH = Primitive(
    "sinh", np.sinh, elementwise=True, source="sinh({0})", domain=(REAL,), doc="Hyperbolic sine.",
    vjps=(lambda ct, ans, x: ct * np.cosh(x),),
)  # fmt: skip
COSH = Primitive(
    "cosh", np.cosh, elementwise=True, source="cosh({0})", domain=(REAL,), doc="Hyperbolic cosine.",
    vjps=(lambda ct, ans, x: ct * np.sinh(x),),
)  # fmt: skip
TANH = Primitive(
    "tanh", np.tanh, elementwise=True, source="tanh({0})", domain=(REAL,), doc="Hyperbolic tangent.",
    # Not ct * (1 - ans * ans): a Python scalar operand costs 0.3 us more on small arrays.
    vjps=(lambda ct, ans, x: ct - ct * ans * ans,),
)  # fmt: skip
ARCSINH = Primitive(
    "arcsinh", np.arcsinh, elementwise=True, source="arcsinh({0})", domain=(REAL,), doc="Inverse hyperbolic sine.",
    # A real square would overflow; np.hypot takes no complex numbers.
    vjps=(lambda ct, ans, x: ct / (np.sqrt(x * x + 1) if x.dtype.kind == "c" else np.hypot(x, 1)),),
)  # fmt: skip
ARCCOSH = Primitive(
    "arccosh", np.arccosh, elementwise=True, domain=((1.3, 3.0),), doc="Inverse hyperbolic cosine, for x >= 1.",
    source="arccosh({0})",
    # Two roots, not the root of a product: the branch of complex arguments below 1 comes out right.
    vjps=(lambda ct, ans, x: ct / (np.sqrt(x - 1) * np.sqrt(x + 1)),),
)  # fmt: skip
ARCTANH = Primitive(
    "arctanh", np.arctanh, elementwise=True, source="arctanh({0})", domain=(INSIDE,), doc="Inverse hyperbolic tangent.",
    vjps=(lambda ct, ans, x: ct / ((1 - x) * (1 + x)),),
)  # fmt: skip
DEGREES = Primitive(
    "degrees", np.degrees, elementwise=True, keeps=False, jvps=LINEAR, domain=(REAL,), doc="Radians to degrees.",
    source="degrees({0})",
    vjps=(lambda ct, ans, x: ct / DEGREE,),
)  # fmt: skip
RADIANS = Primitive(
    "radians", np.radians, elementwise=True, keeps=False, jvps=LINEAR, domain=(REAL,), doc="Degrees to radians.",
    source="radians({0})",
    vjps=(lambda ct, ans, x: ct * DEGREE,),
)  # fmt: skip


def sinc_derivative(x, order: int):
    """Derivative of sin(pi x) / (pi x) of the given order, by its Taylor series near 0 and by recurrence elsewhere.

    With u = pi x and s(u) = sin(u) / u: u s^(n) + n s^(n-1) = sin(u + n pi / 2) (differentiate u s = sin u n times).
    The recurrence magnifies rounding n! / u^n times, the series e^u times; where u is n / 2 neither does much. The
    quotient itself is exact wherever there is one.
    """
    u = np.pi * np.asarray(x)
    near = np.abs(u) <= 0.5 * order
    far = np.where(near, 1.0, u)
    value = np.sin(far) / far
    for n in range(1, order + 1):
        value = (np.sin(far + n * np.pi / 2) - n * value) / far
    close = np.where(near, u, 0.0)
    series = np.zeros_like(close)
    for k in range(12 + order, (order + 1) // 2 - 1, -1):  # terms (-1)^k u^(2k) / (2k+1)!, differentiated
        power = 2 * k - order
        falling = math.prod(range(power + 1, 2 * k + 1))
        series = series + (-1) ** k * falling / math.factorial(2 * k + 1) * close**power
    return (np.where(near, series, value) * np.pi**order).astype(u.dtype, copy=False)


SINC = Primitive(
    "sinc", sinc_derivative, elementwise=True, doc="sin(pi x) / (pi x), differentiated `order` times",
    source="sinc({0}, {order})",
    vjps=(lambda ct, ans, x, *, order: ct * SINC(x, order=order + 1)
          if hasattr(ct, "node") or hasattr(x, "node") else ct * sinc_derivative(x, order + 1),),
    sample=lambda draw: ((draw.array(draw.shape(), -2.0, 2.0),), {"order": draw.integer(0, 2)}),
)  # fmt: skip

ROWS = (
    SIN, COS, TAN, ARCSIN, ARCCOS, ARCTAN, ARCTAN2, HYPOT, SINH, COSH, TANH, ARCSINH, ARCCOSH, ARCTANH, DEGREES,
    RADIANS, SINC,
)  # fmt: skip

sin = unary(SIN)
cos = unary(COS)
tan = unary(TAN)
arcsin = asin = unary(ARCSIN)
arccos = acos = unary(ARCCOS)
arctan = atan = unary(ARCTAN)
arctan2 = atan2 = binary(ARCTAN2)
hypot = binary(HYPOT)
sinh = unary(SINH)
cosh = unary(COSH)
tanh = unary(TANH)
arcsinh = asinh = unary(ARCSINH)
arccosh = acosh = unary(ARCCOSH)
arctanh = atanh = unary(ARCTANH)
degrees = rad2deg = unary(DEGREES)
radians = deg2rad = unary(RADIANS)


def sinc(x):
    """sin(pi x) / (pi x), 1 at 0; its derivatives of any order are exact at 0 too."""
    return SINC(x, order=0)


OVERLOADS = {
    np.sin: sin, np.cos: cos, np.tan: tan, np.arcsin: arcsin, np.arccos: arccos, np.arctan: arctan,
    np.arctan2: arctan2, np.hypot: hypot, np.sinh: sinh, np.cosh: cosh, np.tanh: tanh, np.arcsinh: arcsinh,
    np.arccosh: arccosh, np.arctanh: arctanh, np.degrees: degrees, np.rad2deg: rad2deg, np.radians: radians,
    np.deg2rad: deg2rad, np.sinc: sinc,
}  # fmt: skip
