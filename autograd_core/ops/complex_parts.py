"""Absolute value, sign, and the parts of complex numbers.

Most of these are not holomorphic: their derivative is linear over the reals only. The pairing of cotangents and
tangents is ``Re(ct * t)``; a real result takes the real part of what its rule gives, the walks see to that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import Primitive, apply, unary
from .arithmetic import REAL
from .matrices import known, operand, tensor

__all__ = [
    "abs", "absolute", "angle", "conj", "conjugate", "fabs", "imag", "nan_to_num", "real", "real_if_close", "sign",
]  # fmt: skip


def is_complex(x) -> bool:
    """Whether the dtype is complex."""
    return x.dtype.kind == "c"


def nothing(ct, ans, *args, **params):
    """Rule of a derivative that is 0 wherever there is one."""
    return np.zeros(ct.shape, ct.dtype)


def _direction(ct, ans, x):
    return ct * np.conjugate(np.sign(x)) if is_complex(x) else ct * np.sign(x)


_AT_ZERO = "0 at x = 0"

ABSOLUTE = Primitive(
    "absolute", np.absolute, elementwise=True, domain=(REAL,), doc="|x|", kink=_AT_ZERO, vjps=(_direction,),
    source="absolute({0})",
)  # fmt: skip
FABS = Primitive(
    "fabs", np.fabs, elementwise=True, domain=(REAL,), doc="|x| of real numbers", kink=_AT_ZERO, vjps=(_direction,),
    source="fabs({0})",
)  # fmt: skip


def _over(x, radius):
    """``x / radius``; 0 where the radius is 0."""
    at_zero = np.equal(radius, 0)
    return np.where(at_zero, np.zeros((), x.dtype), x / np.where(at_zero, 1, radius))


def _turned_back(ct, ans, x):
    # u = x / |x| turns with x: du = (t - u^2 conj(t)) / 2|x|, and this is its transpose in Re(ct * t).
    return nothing(ct, ans) if not is_complex(x) else _over(ct - np.conjugate(ct * ans * ans), 2 * np.absolute(x))


def _turned(t, ans, x):
    return nothing(t, ans) if not is_complex(x) else _over(t - np.conjugate(t) * ans * ans, 2 * np.absolute(x))


SIGN = Primitive(
    "sign", np.sign, elementwise=True, domain=(REAL,), doc="-1, 0 or 1; x / |x| for complex x", kink=_AT_ZERO,
    source="sign({0})",
    vjps=(_turned_back,), jvps=(_turned,),
)  # fmt: skip
CONJUGATE = Primitive(
    "conjugate", np.conjugate, elementwise=True, keeps=False, domain=(REAL,), doc="Complex conjugate.",
    source="conjugate({0})",
    vjps=(lambda ct, ans, x: np.conjugate(ct),),
)  # fmt: skip
REAL_PART = Primitive(
    "real", np.real, elementwise=True, keeps=False, domain=(REAL,), doc="Real part.", vjps=(lambda ct, ans, x: ct,),
    source="real({0})",
)  # fmt: skip
IMAG_PART = Primitive(
    "imag", np.imag, elementwise=True, source="imag({0})", keeps=False, domain=(REAL,), doc="Imaginary part.",
    vjps=(lambda ct, ans, x: ct * -1j if is_complex(x) else nothing(ct, ans),),
)  # fmt: skip


def _angle_of(ct, ans, x):
    if not is_complex(x):
        return nothing(ct, ans)
    radius = np.absolute(x)
    return ct * _over(_over(np.conjugate(x) * -1j, radius), radius)  # twice, so that the square does not overflow


ANGLE = Primitive(
    "angle", np.angle, elementwise=True, domain=(REAL,), doc="Angle of x in the complex plane, in radians.",
    source="arctan2(0, {0})",
    kink="0 at x = 0", vjps=(_angle_of,),
)  # fmt: skip


def _kept(ct, ans, x, **params):
    zero = np.zeros((), np.real(ct).dtype)
    if not is_complex(x):
        return np.where(np.isfinite(x), ct, zero)
    parts = (np.where(np.isfinite(part(x)), part(ct), zero) for part in (np.real, np.imag))
    return next(parts) + 1j * next(parts)


NAN_TO_NUM = Primitive(
    "nan_to_num", lambda x, *, nan, posinf, neginf: np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    source="nan_to_num({0}, {nan}, {posinf}, {neginf})",
    elementwise=True, doc="x, with numbers in place of NaN and infinities.", kink="0 for entries that are replaced",
    sample=lambda draw: ((draw.array(draw.shape()),), {"nan": 0.0, "posinf": None, "neginf": -5.0}),
    vjps=(_kept,),
)  # fmt: skip

ROWS = (ABSOLUTE, FABS, SIGN, CONJUGATE, REAL_PART, IMAG_PART, ANGLE, NAN_TO_NUM)

absolute = abs = unary(ABSOLUTE)
fabs = unary(FABS)
sign = unary(SIGN)
conjugate = conj = unary(CONJUGATE)


def real(val):
    """Real part; a real value as it is."""
    val = operand(val)
    return apply(REAL_PART, (val,), {}) if is_complex(val) else tensor(val)


def imag(val):
    """Imaginary part; zeros for a real value."""
    return apply(IMAG_PART, (operand(val),), {})


def angle(z, deg: bool = False):
    """Angle in the complex plane, in radians, or in degrees; pi for negative real numbers."""
    result = apply(ANGLE, (operand(z),), {})
    return np.rad2deg(result) if deg else result


_TAKE_ONE = "take the real part whatever the other is: np.real(a)"


def real_if_close(a, tol: float = 100):
    """Real part, if all imaginary parts are within ``tol`` times the machine's precision of 0; else ``a``."""
    a = tensor(a)
    if not is_complex(a):
        return a
    return real(a) if np.isrealobj(np.real_if_close(known("real_if_close", a, _TAKE_ONE), tol)) else a


def nan_to_num(x, copy: bool = True, nan: float = 0.0, posinf=None, neginf=None):
    """``x`` with NaN and infinities replaced, as ``numpy.nan_to_num``; always a new value."""
    return apply(NAN_TO_NUM, (operand(x),), {"nan": nan, "posinf": posinf, "neginf": neginf})


OVERLOADS: dict[Any, Any] = {
    np.absolute: absolute, np.fabs: fabs, np.sign: sign, np.conjugate: conjugate, np.real: real, np.imag: imag,
    np.angle: angle, np.real_if_close: real_if_close, np.nan_to_num: nan_to_num,
}  # fmt: skip
