"""The scalar form of elementwise primitives: NumPy's value of one entry, as an expression for Numba.

A row's ``source`` is a small NumPy expression: operands ``{0}``, ``{1}``, parameters ``{alpha}``, operators, functions.
Here it is translated step by step, every step in the dtype in which NumPy would take it:

    expression(ADD, ("v1", 2.5), (float32, None), float32)        "v1 + float32(2.5)"
    expression(ADD, ("v1", "v2"), (int8, float32), float32)       "float32(v1) + v2"
    expression(ADD, ("v1", "v2"), (int8, int8), int8)             "int8(v1 + v2)", since Numba adds in 64 bits
    expression(RELU, ("v1",), (float32,), float32)                "at_least(v1, float32(0.0))"

So nothing is left to Numba's own rules, which widen where NumPy does not. There are no branches in the results, only
``select``, so that loops of them are vectorised. ``imports`` tells where the functions in them come from.

Kernels must be compiled with ``error_model="numpy"`` (division by zero), and without the flags ``nnan`` and ``ninf``.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...primitive import Primitive
from . import scalar_rules as rules
from .scalar_rules import NoForm, bare


class Term:
    """A part of an expression: its text and dtype; or a Python number, which takes the dtype of what it meets.

    Attributes
    ----------
    text : str
    dtype : numpy.dtype, or None for a Python number
    number : bool, int or float, or a parameter that is none (a dtype, None)
    """

    __slots__ = ("dtype", "number", "text")

    def __init__(self, text: str, dtype: np.dtype | None, number: Any = None):
        self.text = text
        self.dtype = dtype
        self.number = number

    @property
    def weak(self) -> bool:
        """Whether it is a Python number."""
        return self.dtype is None


def expression(
    primitive: Primitive,
    operands: Sequence[str | bool | int | float],
    dtypes: Sequence[Any],
    result_dtype: Any,
    params: dict[str, Any] | None = None,
) -> tuple[str, frozenset[str]] | None:
    """Scalar expression for one entry of the result of ``primitive``.

    Parameters
    ----------
    operands : sequence of str or number
        Name of each operand's entry (a variable of that Numba type, or something else that binds as closely); a
        Python number, or a scalar of NumPy's, for itself.
    dtypes : sequence of dtype or None
        Of each operand; None for a number.
    result_dtype : dtype
        What ``primitive.impl`` gives; the expression has it too.
    params : dict
        Keyword parameters of the application.

    Returns
    -------
    text : str
        Without outer parentheses.
    names : frozenset of str
        Functions, types and constants used in it, for ``imports``.
    None
        In place of both, if there is no such form: a row without ``source``; complex, float16 or longdouble entries,
        also in between; what NumPy itself refuses; integers to powers that may be negative.
    """
    if primitive.source is None:
        return None
    try:
        terms = [_operand(operand, dtype) for operand, dtype in zip(operands, dtypes, strict=True)]
        translator = Translator(terms, params or {}, np.dtype(result_dtype))
        rules.check(translator.result)
        text = translator.cast(translator.visit(parsed(primitive.source)), translator.result)
    except NoForm:
        return None
    return bare(text), names_in(text)


def imports(names: Iterable[str]) -> list[str]:
    """Import statements, sorted, for the ``names`` that ``expression`` gave."""
    homes: dict[str, list[str]] = {}
    for name in sorted(names):
        homes.setdefault(rules.home(name), []).append(name)
    return [f"from {module} import {', '.join(found)}" for module, found in sorted(homes.items())]


def _operand(operand: Any, dtype: Any) -> Term:
    if dtype is not None:
        return Term(str(operand), rules.check(np.dtype(dtype)))
    if isinstance(operand, np.generic):  # has a dtype of its own, and is not weak
        return Term(rules.constant(operand.item(), rules.check(operand.dtype)), operand.dtype)
    return Term("", None, operand)


@lru_cache(maxsize=1024)
def parsed(source: str) -> ast.expr:
    """Syntax tree of a ``source``; ``{0}`` is a set of one constant in Python, ``{alpha}`` of one name."""
    return ast.parse(source, mode="eval").body


def names_in(text: str) -> frozenset[str]:
    """Names of ours that a Numba expression uses."""
    return frozenset(name for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*", text) if rules.home(name))


class Translator:
    """Translates a ``source``, applied to operands and parameters, from the leaves up."""

    def __init__(self, operands: Sequence[Term], params: dict[str, Any], result: np.dtype):
        self.operands = operands
        self.params = params
        self.result = result

    def visit(self, node: ast.expr) -> Term:
        """Term of a node of the syntax tree."""
        if isinstance(node, ast.Set):
            (inner,) = node.elts
            if isinstance(inner, ast.Name):
                return self.param(self.params[inner.id])
            assert isinstance(inner, ast.Constant)
            return self.operands[int(inner.value)]  # type: ignore[arg-type]
        if isinstance(node, ast.Constant):
            return Term("", None, node.value)
        if isinstance(node, ast.Name):
            return Term("", None, {"inf": math.inf, "nan": math.nan, "pi": math.pi}[node.id])
        if isinstance(node, ast.BinOp):
            return self.call(rules.OPERATORS[type(node.op)], self.visit(node.left), self.visit(node.right))
        if isinstance(node, ast.UnaryOp):
            return self.call(rules.OPERATORS[type(node.op)], self.visit(node.operand))
        if isinstance(node, ast.Compare):
            return self.call(rules.OPERATORS[type(node.ops[0])], self.visit(node.left), self.visit(node.comparators[0]))
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        return self.call(node.func.id, *map(self.visit, node.args))

    def param(self, value: Any) -> Term:
        """Term of a parameter: a number, a dtype or None."""
        if value is not None and not isinstance(value, (bool, int, float, np.dtype, type)):
            raise NoForm  # an array, or a value that is known only when the plan runs
        return Term("", None, value)

    def call(self, name: str, *args: Term) -> Term:
        """Term of a function of NumPy's, or of our own, applied to terms."""
        special = SPECIAL.get(name)
        if special is not None:
            return special(self, *args)
        if all(arg.weak for arg in args) and hasattr(np, name):
            with np.errstate(all="ignore"):
                return Term("", None, getattr(np, name)(*[arg.number for arg in args]).item())
        inputs, output = self.loop(name, args)
        return self.in_loop(name, [self.cast(a, dtype) for a, dtype in zip(args, inputs, strict=True)], inputs, output)

    def in_loop(self, name: str, texts: list[str], inputs: Sequence[np.dtype], output: np.dtype) -> Term:
        """Term of a function whose operands have been converted to the dtypes of its loop."""
        template = rules.template(name, inputs[0].kind)
        if template.startswith("="):  # an expression in the language of sources
            inner = Translator([Term(t, d) for t, d in zip(texts, inputs, strict=True)], {}, self.result)
            return Term(inner.cast(inner.visit(parsed(template[1:])), output), output)
        text = rules.filled(template, texts, inputs[0])
        if rules.widens(name, template, output):
            return Term(f"{rules.name_of(output)}({bare(text)})", output)
        return Term(text, output)

    def loop(self, name: str, args: Sequence[Term]) -> tuple[Sequence[np.dtype], np.dtype]:
        """The dtypes in which NumPy computes a function: those of its arguments, and of its result."""
        if name in rules.FLOATING:
            dtype = np.result_type(*[arg.dtype or np.float32 for arg in args])
            dtype = dtype if dtype.kind == "f" and not args[0].weak else self.result
            return [rules.check(dtype)] * len(args), dtype
        if name in rules.DOUBLE:
            return [np.dtype(float)] * len(args), np.dtype(float)
        kinds = [arg.dtype or (np.dtype(bool) if arg.number.__class__ is bool else type(arg.number)) for arg in args]
        try:
            *inputs, output = getattr(np, name).resolve_dtypes((*kinds, None))
        except TypeError:
            raise NoForm from None
        for dtype in (*inputs, output):
            rules.check(dtype)
        return inputs, output

    def cast(self, term: Term, dtype: np.dtype) -> str:
        """Text of ``term`` as a value of ``dtype``."""
        if term.dtype is None:
            return rules.constant(term.number, dtype)
        if term.dtype == dtype:
            return term.text
        if dtype.kind == "b":
            return f"({term.text} != 0)"  # NaN is true
        text = bare(term.text)
        name = rules.name_of(dtype)
        if term.dtype.kind == "f" and name in rules.CONVERTED_BY:
            text = f"{rules.CONVERTED_BY[name]}({text})"
        return f"{name}({text})"

    def common(self, *args: Term) -> np.dtype:
        """The dtype that NumPy promotes the terms to."""
        return rules.check(np.result_type(*[arg.number if arg.dtype is None else arg.dtype for arg in args]))

    def expand(self, source: str, *args: Term) -> Term:
        """Term of a source applied to ``args``."""
        return Translator(args, {}, self.result).visit(parsed(source))


# -- functions with rules of their own ---------------------------------------------------------------------------------


def _where(t: Translator, condition: Term, x: Term, y: Term) -> Term:
    dtype = t.common(x, y)
    if condition.dtype is None:
        return Term(t.cast(x if condition.number else y, dtype), dtype)
    chosen = f"select({bare(t.cast(condition, np.dtype(bool)))}, {bare(t.cast(x, dtype))}, {bare(t.cast(y, dtype))})"
    return Term(chosen, dtype)


def _extreme(name: str, by_constant: str) -> Callable[..., Term]:
    """Maximum or minimum: one comparison suffices where one operand is a number and no NaN."""

    def rule(t: Translator, x: Term, y: Term) -> Term:
        if x.weak and not y.weak:
            x, y = y, x
        if x.weak:
            return Term("", None, getattr(np, name)(x.number, y.number).item())
        (dtype, _), output = t.loop(name, (x, y))
        texts = [t.cast(x, dtype), t.cast(y, dtype)]
        if dtype.kind == "f" and y.weak and y.number == y.number:
            return Term(f"{by_constant}({bare(texts[0])}, {bare(texts[1])})", output)
        return t.in_loop(name, texts, (dtype, dtype), output)

    return rule


def _clip(t: Translator, x: Term, low: Term, high: Term) -> Term:
    dtype = t.common(x, low, high)
    return t.expand("minimum(maximum({0}, {1}), {2})", Term(t.cast(x, dtype), dtype), low, high)


def _power(t: Translator, x: Term, y: Term) -> Term:
    """A power; products where the exponent is a small number."""
    if x.weak and y.weak:
        return Term("", None, np.power(x.number, y.number).item())
    (dtype, exponent), output = t.loop("power", (x, y))
    base = Term(t.cast(x, dtype), dtype)
    if y.weak and y.number == 0:
        return Term(rules.constant(1, dtype), dtype)
    if y.weak and y.number in rules.POWERS and (dtype.kind == "f" or y.number > 0):
        return t.expand(rules.POWERS[y.number], base)
    if dtype.kind != "f":
        if not (y.weak and y.number >= 0) and exponent.kind != "u" and y.dtype != np.bool_:
            raise NoForm  # NumPy refuses negative exponents when it meets one
        return t.in_loop("power", [base.text, t.cast(y, exponent)], (dtype, exponent), output)
    return t.in_loop("power", [base.text, t.cast(y, exponent)], (dtype, exponent), output)


def _logical(joined: str) -> Callable[..., Term]:
    def rule(t: Translator, *args: Term) -> Term:
        return Term(joined.format(*[t.cast(arg, np.dtype(bool)) for arg in args]), np.dtype(bool))

    return rule


def _of_floats(source: str, otherwise: str) -> Callable[..., Term]:
    """A question about floating-point numbers to which the answer is known for all others."""

    def rule(t: Translator, x: Term) -> Term:
        floating = x.dtype is not None and x.dtype.kind == "f"
        return t.expand(source, x) if floating or x.weak else Term(otherwise, np.dtype(bool))

    return rule


def _astype(t: Translator, x: Term, dtype: Term) -> Term:
    wanted = rules.check(np.dtype(dtype.number))
    return Term(t.cast(x, wanted), wanted)


def _to(dtype_of: Callable[[Translator], np.dtype]) -> Callable[..., Term]:
    def rule(t: Translator, x: Term) -> Term:
        dtype = rules.check(dtype_of(t))
        return Term(t.cast(x, dtype), dtype)

    return rule


def _nan_to_num(t: Translator, x: Term, nan: Term, posinf: Term, neginf: Term) -> Term:
    if x.dtype is None or x.dtype.kind != "f":
        return x
    largest = np.finfo(x.dtype).max
    high = Term("", None, float(largest) if posinf.number is None else posinf.number)
    low = Term("", None, -float(largest) if neginf.number is None else neginf.number)
    return t.expand("where(isnan({0}), {1}, where({0} == inf, {2}, where({0} == -inf, {3}, {0})))", x, nan, high, low)


def _round(t: Translator, x: Term, decimals: Term) -> Term:
    places = decimals.number
    if x.dtype is None or x.dtype.kind == "b":
        raise NoForm
    if x.dtype.kind != "f":
        if places >= 0:
            return x
        rounded = t.expand("rint({0} / {1}) * {1}", x, Term("", None, float(10**-places)))
        return Term(t.cast(rounded, x.dtype), x.dtype)
    if places == 0:
        return t.call("rint", x)
    scale = Term("", None, float(10 ** abs(places)))
    return t.expand("rint({0} * {1}) / {1}" if places > 0 else "rint({0} / {1}) * {1}", x, scale)


def _sinc(t: Translator, x: Term, order: Term) -> Term:
    if order.number != 0:
        raise NoForm  # a series near 0: the forward function has it
    return t.expand("where({0} == 0, 1, sin({0}) / where({0} == 0, 1, {0}))", t.expand("floating({0}) * pi", x))


SPECIAL: dict[str, Callable[..., Term]] = {
    "where": _where,
    "maximum": _extreme("maximum", "at_least"),
    "minimum": _extreme("minimum", "at_most"),
    "clip": _clip,
    "power": _power,
    "logical_and": _logical("({0} & {1})"),
    "logical_or": _logical("({0} | {1})"),
    "logical_xor": _logical("({0} ^ {1})"),
    "logical_not": _logical("(not {0})"),
    "isnan": _of_floats("{0} != {0}", "False"),
    "isinf": _of_floats("fabs({0}) == inf", "False"),
    "isfinite": _of_floats("fabs({0}) < inf", "True"),
    "isposinf": _of_floats("{0} == inf", "False"),
    "isneginf": _of_floats("{0} == -inf", "False"),
    "isreal": lambda t, x: Term("True", np.dtype(bool)),
    "iscomplex": lambda t, x: Term("False", np.dtype(bool)),
    "real": lambda t, x: x,
    "imag": lambda t, x: Term(t.cast(Term("", None, 0), t.result), t.result),
    "astype": _astype,
    "floating": _to(lambda t: t.result),
    "double": _to(lambda t: np.dtype(float)),
    "nan_to_num": _nan_to_num,
    "round": _round,
    "sinc": _sinc,
}
