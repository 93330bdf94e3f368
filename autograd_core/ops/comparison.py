"""Questions about values, and operations on bits: their results have no derivative."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..primitive import Primitive, apply, binary, unary
from ..tensor import as_value
from ..tracing import is_known

__all__ = [
    "allclose", "array_equal", "array_equiv", "bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "equal", "gcd", "greater", "greater_equal",
    "invert", "iscomplex", "iscomplexobj", "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal",
    "isrealobj", "lcm", "left_shift", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor",
    "not_equal", "right_shift", "signbit",
]  # fmt: skip


def _row(ufunc, source: str, doc: str, arity: int = 2) -> Primitive:
    """Row of a ufunc without a derivative; nothing is recorded, so nothing is kept."""
    return Primitive(
        ufunc.__name__, ufunc, vjps=None, elementwise=True, source=source, keeps=False, domain=((-2.0, 2.0),) * arity,
        doc=doc,
    )  # fmt: skip


EQUAL = _row(np.equal, "{0} == {1}", "Whether x1 and x2 are equal.")
NOT_EQUAL = _row(np.not_equal, "{0} != {1}", "Whether x1 and x2 differ.")
LESS = _row(np.less, "{0} < {1}", "Whether x1 < x2.")
LESS_EQUAL = _row(np.less_equal, "{0} <= {1}", "Whether x1 <= x2.")
GREATER = _row(np.greater, "{0} > {1}", "Whether x1 > x2.")
GREATER_EQUAL = _row(np.greater_equal, "{0} >= {1}", "Whether x1 >= x2.")
LOGICAL_AND = _row(np.logical_and, "logical_and({0}, {1})", "Whether both x1 and x2 are not 0.")
LOGICAL_OR = _row(np.logical_or, "logical_or({0}, {1})", "Whether x1 or x2 is not 0.")
LOGICAL_XOR = _row(np.logical_xor, "logical_xor({0}, {1})", "Whether exactly one of x1 and x2 is not 0.")
LOGICAL_NOT = _row(np.logical_not, "logical_not({0})", "Whether x is 0.", 1)
ISNAN = _row(np.isnan, "isnan({0})", "Whether x is not a number.", 1)
ISINF = _row(np.isinf, "isinf({0})", "Whether x is infinite.", 1)
ISFINITE = _row(np.isfinite, "isfinite({0})", "Whether x is neither infinite nor NaN.", 1)
SIGNBIT = _row(np.signbit, "signbit({0})", "Whether the sign bit of x is set (x < 0, or -0.0).", 1)
ISPOSINF = _row(np.isposinf, "isposinf({0})", "Whether x is +inf.", 1)
ISNEGINF = _row(np.isneginf, "isneginf({0})", "Whether x is -inf.", 1)
ISREAL = _row(np.isreal, "isreal({0})", "Whether the imaginary part of x is 0.", 1)
ISCOMPLEX = _row(np.iscomplex, "iscomplex({0})", "Whether the imaginary part of x is not 0.", 1)

FLOATING = (
    EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, LOGICAL_AND, LOGICAL_OR, LOGICAL_XOR, LOGICAL_NOT,
    ISNAN, ISINF, ISFINITE, SIGNBIT, ISPOSINF, ISNEGINF, ISREAL, ISCOMPLEX,
)  # fmt: skip


def _sample_bits(arity: int):
    def sample(draw):
        shape = draw.shape()
        return tuple((np.abs(draw.array(shape)) * 8).astype(np.int64) for _ in range(arity)), {}

    return sample


def _bits(ufunc, source: str, doc: str, arity: int = 2) -> Primitive:
    return Primitive(
        ufunc.__name__, ufunc, None, elementwise=True, source=source, keeps=False, sample=_sample_bits(arity), doc=doc
    )


BITWISE_AND = _bits(np.bitwise_and, "{0} & {1}", "x1 & x2")
BITWISE_OR = _bits(np.bitwise_or, "{0} | {1}", "x1 | x2")
BITWISE_XOR = _bits(np.bitwise_xor, "{0} ^ {1}", "x1 ^ x2")
INVERT = _bits(np.invert, "~{0}", "~x", 1)
LEFT_SHIFT = _bits(np.left_shift, "{0} << {1}", "x1 << x2")
RIGHT_SHIFT = _bits(np.right_shift, "{0} >> {1}", "x1 >> x2")
BITWISE_COUNT = _bits(np.bitwise_count, "bitwise_count({0})", "How many bits of the absolute value are set.", 1)
GCD = _bits(np.gcd, "gcd({0}, {1})", "Greatest common divisor.")
LCM = _bits(np.lcm, "lcm({0}, {1})", "Lowest common multiple.")

INTEGER = (BITWISE_AND, BITWISE_OR, BITWISE_XOR, INVERT, LEFT_SHIFT, RIGHT_SHIFT, BITWISE_COUNT, GCD, LCM)

ROWS = FLOATING + INTEGER

equal = binary(EQUAL)
not_equal = binary(NOT_EQUAL)
less = binary(LESS)
less_equal = binary(LESS_EQUAL)
greater = binary(GREATER)
greater_equal = binary(GREATER_EQUAL)
logical_and = binary(LOGICAL_AND)
logical_or = binary(LOGICAL_OR)
logical_xor = binary(LOGICAL_XOR)
logical_not = unary(LOGICAL_NOT)
isnan = unary(ISNAN)
isinf = unary(ISINF)
isfinite = unary(ISFINITE)
signbit = unary(SIGNBIT)
isposinf = unary(ISPOSINF)
isneginf = unary(ISNEGINF)
isreal = unary(ISREAL)
iscomplex = unary(ISCOMPLEX)
bitwise_and = binary(BITWISE_AND)
bitwise_or = binary(BITWISE_OR)
bitwise_xor = binary(BITWISE_XOR)
invert = bitwise_not = bitwise_invert = unary(INVERT)
left_shift = bitwise_left_shift = binary(LEFT_SHIFT)
right_shift = bitwise_right_shift = binary(RIGHT_SHIFT)
bitwise_count = unary(BITWISE_COUNT)
gcd = binary(GCD)
lcm = binary(LCM)

# -- of whole arrays ---------------------------------------------------------------------------------------------------


def isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan: builtins.bool = False):
    """Whether entries are equal within ``atol + rtol * abs(b)``, as ``numpy.isclose``."""
    return _ISCLOSE(a, b, rtol, atol, equal_nan=equal_nan)


def _of_all(function) -> Primitive:
    def impl(*arrays, **params):
        return np.asarray(function(*arrays, **params))

    return Primitive(function.__name__, impl, None, keeps=False)


_ISCLOSE = Primitive("isclose", np.isclose, None, keeps=False)
_ALLCLOSE, _ARRAY_EQUAL, _ARRAY_EQUIV = map(_of_all, (np.allclose, np.array_equal, np.array_equiv))


def _answer(result):
    """A Python bool; in a trace, where it is not known yet, the Tensor."""
    return builtins.bool(result.array) if is_known(result) else result


def allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan: builtins.bool = False) -> Any:
    """Whether all entries are close, as ``numpy.allclose``: a Python bool; a 0-d Tensor in a traced function."""
    return _answer(apply(_ALLCLOSE, (a, b, rtol, atol), {"equal_nan": equal_nan}))


def array_equal(a1, a2, equal_nan: builtins.bool = False) -> Any:
    """Whether shapes and entries are equal, as ``numpy.array_equal``: a Python bool; a 0-d Tensor when traced."""
    return _answer(apply(_ARRAY_EQUAL, (a1, a2), {"equal_nan": equal_nan}))


def array_equiv(a1, a2) -> Any:
    """Whether all entries are equal after broadcasting, as ``numpy.array_equiv``: a Python bool; a Tensor if traced."""
    return _answer(apply(_ARRAY_EQUIV, (a1, a2), {}))


def iscomplexobj(x) -> builtins.bool:
    """Whether the dtype is complex."""
    return as_value(x).dtype.kind == "c"


def isrealobj(x) -> builtins.bool:
    """Whether the dtype is not complex."""
    return as_value(x).dtype.kind != "c"


OVERLOADS: dict[Any, Any] = {
    np.equal: equal, np.not_equal: not_equal, np.less: less, np.less_equal: less_equal, np.greater: greater,
    np.greater_equal: greater_equal, np.logical_and: logical_and, np.logical_or: logical_or,
    np.logical_xor: logical_xor, np.logical_not: logical_not, np.isnan: isnan, np.isinf: isinf,
    np.isfinite: isfinite, np.signbit: signbit, np.isposinf: isposinf, np.isneginf: isneginf, np.isreal: isreal,
    np.iscomplex: iscomplex, np.bitwise_and: bitwise_and, np.bitwise_or: bitwise_or, np.bitwise_xor: bitwise_xor,
    np.invert: invert, np.left_shift: left_shift, np.right_shift: right_shift, np.bitwise_count: bitwise_count,
    np.gcd: gcd, np.lcm: lcm, np.isclose: isclose, np.allclose: allclose, np.array_equal: array_equal,
    np.array_equiv: array_equiv, np.iscomplexobj: iscomplexobj, np.isrealobj: isrealobj,
}  # fmt: skip
