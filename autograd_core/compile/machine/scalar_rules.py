"""Tables behind ``scalar``: how each function of NumPy's is written for operands of one loop of its, by their kind.

A template's ``{0}``, ``{1}`` are operands already converted to the loop's dtypes, ``{one}`` and ``{zero}`` constants of
the first one's, ``{bits}`` its width, ``{f}`` its suffix in ``vector_math``. A template that begins with "=" is written
in the language of sources and is translated in turn.
"""

from __future__ import annotations

import ast
import math
import re
from typing import Any

import numpy as np


class NoForm(Exception):  # noqa: N818  # an answer, not a failure: the caller takes the forward function instead
    """There is no scalar form for these operands."""


OPERATORS: dict[type, str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder", ast.Pow: "power", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor", ast.LShift: "left_shift", ast.RShift: "right_shift", ast.USub: "negative",
    ast.UAdd: "positive", ast.Invert: "invert", ast.Eq: "equal", ast.NotEq: "not_equal", ast.Lt: "less",
    ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
}  # fmt: skip

VECTOR = (
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "tanh",
    "sigmoid",
    "softplus",
    "erf",
    "erfc",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "arctanh",
)
"""Functions of one argument in ``vector_math``, which has each for float32 and float64: ``exp_f32``, ``exp_f64``."""

LIBRARY = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh"}
"""Functions of the C library by NumPy's name: entry by entry, in either precision. Values are ``math``'s names."""

FLOATING = frozenset(("sigmoid", "softplus", "erf", "erfc", "logit"))
"""Functions that are no ufuncs of NumPy's, computed in the dtype of the primitive's result."""

DOUBLE = frozenset(("gamma", "gammaln", "rel_entr", "kl_div", "exprel"))
"""Special functions computed in float64, as SciPy does for float32 too."""

_LN2 = math.log(2.0)

# By kind of the loop's first dtype: b (bool), i, u (integers), f. A key may name several.
TEMPLATES: dict[str, dict[str, str]] = {
    "add": {"b": "({0} | {1})", "iuf": "({0} + {1})"},
    "subtract": {"iuf": "({0} - {1})"},
    "multiply": {"b": "({0} & {1})", "iuf": "({0} * {1})"},
    "divide": {"f": "({0} / {1})"},
    "negative": {"if": "(-{0})", "u": "({zero} - {0})"},
    "positive": {"iuf": "{0}"},
    "conjugate": {"iuf": "{0}"},
    "square": {"iuf": "({0} * {0})"},
    "reciprocal": {"f": "({one} / {0})"},
    "power": {"iu": "power_integer({0}, {1})", "f": "pow_{f}({0}, {1})"},
    "float_power": {"f": "pow_{f}({0}, {1})"},
    "sqrt": {"f": "sqrt({0})"},
    "cbrt": {"f": "cbrt({0})"},
    "logaddexp": {"f": "logaddexp_{f}({0}, {1})"},
    "logaddexp2": {"f": f"=where({{0}} == {{1}}, {{0}} + 1, "
                        f"maximum({{0}}, {{1}}) + log1p(exp2(-fabs({{0}} - {{1}}))) * {1 / _LN2})"},
    "logit": {"f": "=where(fabs({0} - 0.475) > 0.175, log({0} / (1 - {0})), "
                   "log1p(2 * ({0} - 0.5)) - log1p(-2 * ({0} - 0.5)))"},
    "arctan2": {"f": "atan2({0}, {1})"},
    "hypot": {"f": "hypot({0}, {1})"},
    "degrees": {"f": f"=({{0}} * {180.0 / math.pi})"},
    "radians": {"f": f"=({{0}} * {math.pi / 180.0})"},
    "floor": {"biu": "{0}", "f": "floor({0})"},
    "ceil": {"biu": "{0}", "f": "ceil({0})"},
    "trunc": {"biu": "{0}", "f": "trunc({0})"},
    "rint": {"f": "rint({0})"},
    "floor_divide": {"i": "floor_divide_signed({0}, {1})", "u": "floor_divide_unsigned({0}, {1})",
                     "f": "floor_divide_float({0}, {1}, {one})"},
    "remainder": {"i": "remainder_signed({0}, {1})", "u": "remainder_unsigned({0}, {1})",
                  "f": "remainder_float({0}, {1})"},
    "fmod": {"i": "fmod_signed({0}, {1})", "u": "remainder_unsigned({0}, {1})", "f": "fmod({0}, {1})"},
    "copysign": {"f": "copysign({0}, {1})"},
    "heaviside": {"f": "=where({0} > 0, 1, where({0} == 0, {1}, where({0} < 0, 0, {0})))"},
    "nextafter": {"f": "nextafter({0}, {1})"},
    "spacing": {"f": "spacing({0} + {zero})"},
    "ldexp": {"f": "scaled({0}, {1})"},
    "absolute": {"bu": "{0}", "i": "=where({0} < 0, -{0}, {0})", "f": "fabs({0})"},
    "fabs": {"f": "fabs({0})"},
    "sign": {"u": "select({0} == 0, {zero}, {one})", "i": "=where({0} > 0, 1, where({0} < 0, -1, 0))",
             "f": "=where({0} > 0, 1, where({0} < 0, -1, where({0} == 0, 0, {0})))"},
    "maximum": {"b": "({0} | {1})", "iu": "select({0} >= {1}, {0}, {1})", "f": "maximum({0}, {1})"},
    "minimum": {"b": "({0} & {1})", "iu": "select({0} <= {1}, {0}, {1})", "f": "minimum({0}, {1})"},
    "fmax": {"b": "({0} | {1})", "iu": "select({0} >= {1}, {0}, {1})", "f": "fmax({0}, {1})"},
    "fmin": {"b": "({0} & {1})", "iu": "select({0} <= {1}, {0}, {1})", "f": "fmin({0}, {1})"},
    "equal": {"biuf": "({0} == {1})"},
    "not_equal": {"biuf": "({0} != {1})"},
    "less": {"biuf": "({0} < {1})"},
    "less_equal": {"biuf": "({0} <= {1})"},
    "greater": {"biuf": "({0} > {1})"},
    "greater_equal": {"biuf": "({0} >= {1})"},
    "signbit": {"f": "signbit({0})"},
    "bitwise_and": {"biu": "({0} & {1})"},
    "bitwise_or": {"biu": "({0} | {1})"},
    "bitwise_xor": {"biu": "({0} ^ {1})"},
    "invert": {"b": "(not {0})", "iu": "(~{0})"},
    "left_shift": {"iu": "left_shift({0}, {1}, {bits})"},
    "right_shift": {"i": "right_shift_signed({0}, {1}, {bits})", "u": "right_shift_unsigned({0}, {1}, {bits})"},
    "bitwise_count": {"i": "bits_signed({0})", "u": "bits_unsigned({0})"},
    "gcd": {"i": "gcd_signed({0}, {1})", "u": "gcd_unsigned({0}, {1})"},
    "lcm": {"i": "lcm_signed({0}, {1})", "u": "lcm_unsigned({0}, {1})"},
    "rel_entr": {"f": "rel_entr({0}, {1})"},
    "kl_div": {"f": "kl_div({0}, {1})"},
    **{name: {"f": f"{name}_{{f}}({{0}})"} for name in VECTOR},
    **{name: {"f": f"{ours}({{0}})"} for name, ours in LIBRARY.items()},
    **{name: {"f": f"{name}({{0}})"} for name in ("gamma", "gammaln", "exprel")},
}  # fmt: skip

POWERS = {
    1: "{0}", 2: "square({0})", 3: "square({0}) * {0}", 4: "square(square({0}))",
    -1: "reciprocal({0})", -2: "square(reciprocal({0}))",  # not 1 / x**2, which overflows before
    0.5: "sqrt({0})",  # as NumPy has it
}  # fmt: skip
"""Powers that need no logarithm, by exponent."""

_TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
_NAMES = {np.dtype(name): name for name in _TYPES}  # dtype.name itself takes 5 us

ALONE = ("sin", "cos", "tan", "exp", "exp2", "cosh", "log", "erf", "erfc")
"""Functions that have a form for one number at a time: see ``alone``."""


_PLACES = {
    "numpy": {*_TYPES[1:], "inf", "nan", "cbrt", "nextafter", "spacing"},
    "math": {*LIBRARY.values(), "atan2", "hypot"},
    "autograd_core.compile.machine.vector_math": {
        f"{name}_{suffix}" for name in (*VECTOR, "pow", "logaddexp") for suffix in ("f32", "f64")
    },
    "autograd_core.compile.machine.alone": {f"{name}_alone" for name in ALONE},
    "autograd_core.compile.machine.scalar_functions": {
        "select", "maximum", "minimum", "fmax", "fmin", "at_least", "at_most", "floor", "ceil", "trunc", "rint", "sqrt",
        "fabs", "copysign", "signbit", "fmod", "floor_divide_signed", "remainder_signed", "fmod_signed",
        "floor_divide_unsigned", "remainder_unsigned", "power_integer", "left_shift", "right_shift_signed",
        "right_shift_unsigned", "bits_signed", "bits_unsigned", "gcd_signed", "gcd_unsigned", "lcm_signed",
        "lcm_unsigned", "remainder_float", "floor_divide_float", "scaled", "gamma", "gammaln", "rel_entr", "kl_div",
        "exprel",
    },
}  # fmt: skip
_CALL = re.compile(r"\w+?(\{f\})?\(\{\d\}(, \{\w+\})*\)")  # a function of operands as they are

_HOMES = {name: module for module, names in _PLACES.items() for name in names}

CONVERTED_BY = {"int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64"}
"""What a floating-point number goes through on its way to an integer, as in NumPy: so -1.0 becomes 255."""

# Numba computes with integers in 64 bits; these keep the type of their operands.
_KEEPING = frozenset(("maximum", "minimum", "fmax", "fmin", "floor", "ceil", "trunc", "positive", "conjugate"))


def home(name: str) -> str:
    """Module that a name in an expression comes from; "" for a variable."""
    return _HOMES.get(name, "")


def check(dtype: Any) -> Any:
    """``dtype``, if kernels have it."""
    if dtype not in _NAMES:
        raise NoForm
    return dtype


def name_of(dtype: np.dtype) -> str:
    """``float32`` and its like, as they stand in an expression."""
    return _NAMES[dtype]


def template(name: str, kind: str) -> str:
    """How function ``name`` is written for operands of ``kind``."""
    for kinds, text in TEMPLATES[name].items():
        if kind in kinds:
            return text
    raise NoForm


def bare(text: str) -> str:
    """``text`` without parentheses around the whole."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if position == len(text) - 1 else text
    return text


def filled(text: str, operands: list[str], dtype: np.dtype) -> str:
    """A template with its operands put in."""
    if _CALL.fullmatch(text):
        operands = [bare(operand) for operand in operands]
    return text.format(
        *operands, zero=constant(0, dtype), one=constant(1, dtype), bits=8 * dtype.itemsize, f=f"f{8 * dtype.itemsize}"
    )


def widens(name: str, text: str, output: np.dtype) -> bool:
    """Whether Numba gives the filled template another type than ``output``."""
    if output.kind not in "iu":
        return False
    own = "(" not in text.lstrip("(") and output.itemsize == 8  # an operator on operands of 64 bits
    return not own and name not in _KEEPING


def constant(number: Any, dtype: np.dtype) -> str:
    """A Python number as a constant of ``dtype``.

    Raises
    ------
    NoForm
        If it does not fit; NumPy raises then, or compares with it all the same.
    """
    if number.__class__ not in (bool, int, float):
        raise NoForm
    if dtype.kind == "b":
        return str(bool(number))
    if dtype.kind == "f":
        text = repr(float(number))
        if dtype.itemsize == 8:
            return f"({text})" if text.startswith("-") else text
        return f"{name_of(dtype)}({text})"
    limits = np.iinfo(dtype)
    if isinstance(number, float) or not limits.min <= number <= limits.max:
        raise NoForm
    if dtype == np.int64:
        return str(int(number)) if number >= 0 else f"({int(number)})"
    return f"{name_of(dtype)}({int(number)})"
