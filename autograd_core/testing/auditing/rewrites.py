"""Formulas that lose digits, and what to write in their place.

A formula is a pattern of operations: ``("log", ("add", 1, "x"))``. A letter stands for any value, the same one wherever
it occurs; a number for itself. Before they are compared, graphs are put in one form: ``x * x`` and ``x ** 2`` are
squares, ``1 / x`` and ``reciprocal(x)`` the same, and what only arranges entries (reshape, broadcast) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import Graph, GraphNode

Pattern = Any  # str, a number, or a tuple of an operation and patterns


@dataclass(frozen=True, slots=True)
class Rewrite:
    """``written`` loses digits where ``better`` does not."""

    written: str
    better: str
    pattern: Pattern

    def __str__(self) -> str:
        return f"{self.written} -> {self.better}"


def _sq(x: Pattern) -> Pattern:
    return ("square", x)


REWRITES = (
    Rewrite("log(1 + exp(x))", "softplus(x) = logaddexp(0, x)", ("log", ("add", 1, ("exp", "x")))),
    Rewrite("log1p(exp(x))", "softplus(x) = logaddexp(0, x)", ("log1p", ("exp", "x"))),
    Rewrite("log(1 - exp(x))", "log(-expm1(x))", ("log", ("subtract", 1, ("exp", "x")))),
    Rewrite("log(exp(x) + exp(y))", "logaddexp(x, y)", ("log", ("add", ("exp", "x"), ("exp", "y")))),
    Rewrite("log(sum(exp(x)))", "logsumexp(x)", ("log", ("sum", ("exp", "x")))),
    Rewrite("log(mean(exp(x)))", "logsumexp(x) - log(n)", ("log", ("mean", ("exp", "x")))),
    Rewrite("log(softmax(x))", "log_softmax(x)", ("log", ("softmax", "x"))),
    Rewrite(
        "log(exp(x) / sum(exp(x)))", "log_softmax(x)", ("log", ("divide", ("exp", "x"), ("sum", ("exp", "x"))))
    ),
    Rewrite("exp(x) / sum(exp(x))", "softmax(x)", ("divide", ("exp", "x"), ("sum", ("exp", "x")))),
    Rewrite("log(sigmoid(x))", "log_sigmoid(x)", ("log", ("sigmoid", "x"))),
    Rewrite("log(1 - sigmoid(x))", "log_sigmoid(-x)", ("log", ("subtract", 1, ("sigmoid", "x")))),
    Rewrite("log(1 / (1 + exp(-x)))", "log_sigmoid(x)", ("log", ("divide", 1, ("add", 1, ("exp", "x"))))),
    Rewrite("1 - sigmoid(x)", "sigmoid(-x)", ("subtract", 1, ("sigmoid", "x"))),
    Rewrite("1 / (1 + exp(-x))", "sigmoid(x)", ("divide", 1, ("add", 1, ("exp", "x")))),
    Rewrite("exp(x) / (1 + exp(x))", "sigmoid(x)", ("divide", ("exp", "x"), ("add", 1, ("exp", "x")))),
    Rewrite("log(cosh(x))", "logaddexp(x, -x) - log(2)", ("log", ("cosh", "x"))),
    Rewrite("1 - tanh(x)**2", "1 / cosh(x)**2", ("subtract", 1, _sq(("tanh", "x")))),
    Rewrite("1 - tanh(x)", "2 * sigmoid(-2*x)", ("subtract", 1, ("tanh", "x"))),
    Rewrite("1 - erf(x)", "erfc(x)", ("subtract", 1, ("erf", "x"))),
    Rewrite("log(x + sqrt(x**2 + 1))", "arcsinh(x)", ("log", ("add", "x", ("sqrt", ("add", _sq("x"), 1))))),
    Rewrite(
        "log((1 + x) / (1 - x)) / 2", "arctanh(x)", ("log", ("divide", ("add", 1, "x"), ("subtract", 1, "x")))
    ),
    Rewrite("log(1 + x)", "log1p(x)", ("log", ("add", 1, "x"))),
    Rewrite("log(1 - x)", "log1p(-x)", ("log", ("subtract", 1, "x"))),
    Rewrite("log(x) - log(y)", "log(x / y), or log1p((x - y) / y)", ("subtract", ("log", "x"), ("log", "y"))),
    Rewrite("log(x / y)", "log1p((x - y) / y)", ("log", ("divide", "x", "y"))),
    Rewrite("(1 + x)**n - 1", "expm1(n * log1p(x))", ("subtract", ("power", ("add", 1, "x"), "n"), 1)),
    Rewrite("(1 + x)**n", "exp(n * log1p(x))", ("power", ("add", 1, "x"), "n")),
    Rewrite("exp(x) - exp(-x)", "2 * sinh(x)", ("subtract", ("exp", "x"), ("exp", ("negative", "x")))),
    Rewrite("exp(x) - exp(y)", "exp(y) * expm1(x - y)", ("subtract", ("exp", "x"), ("exp", "y"))),
    Rewrite("exp(x) - 1", "expm1(x)", ("subtract", ("exp", "x"), 1)),
    Rewrite("1 - exp(x)", "-expm1(x)", ("subtract", 1, ("exp", "x"))),
    Rewrite("1 - cos(x)", "2 * sin(x / 2)**2", ("subtract", 1, ("cos", "x"))),
    Rewrite("cosh(x) - 1", "2 * sinh(x / 2)**2", ("subtract", ("cosh", "x"), 1)),
    Rewrite("cos(x) - 1", "-2 * sin(x / 2)**2", ("subtract", ("cos", "x"), 1)),
    Rewrite(
        "cos(x)**2 - sin(x)**2", "cos(2 * x)", ("subtract", _sq(("cos", "x")), _sq(("sin", "x")))
    ),
    Rewrite(
        "cos(x) - cos(y)", "-2 * sin((x + y) / 2) * sin((x - y) / 2)", ("subtract", ("cos", "x"), ("cos", "y"))
    ),
    Rewrite("sin(x) - sin(y)", "2 * cos((x + y) / 2) * sin((x - y) / 2)", ("subtract", ("sin", "x"), ("sin", "y"))),
    Rewrite(
        "arctan(x) - arctan(y)", "arctan((x - y) / (1 + x * y))", ("subtract", ("arctan", "x"), ("arctan", "y"))
    ),
    Rewrite("arccos(1 - x)", "2 * arcsin(sqrt(x / 2))", ("arccos", ("subtract", 1, "x"))),
    Rewrite("arccosh(1 + x)", "2 * arcsinh(sqrt(x / 2))", ("arccosh", ("add", 1, "x"))),
    Rewrite("tan(x) - sin(x)", "2 * tan(x) * sin(x / 2)**2", ("subtract", ("tan", "x"), ("sin", "x"))),
    Rewrite("sqrt(x**2 + y**2) - x", "y**2 / (hypot(x, y) + x)",
            ("subtract", ("sqrt", ("add", _sq("x"), "y")), "x")),
    Rewrite("sqrt(x) - sqrt(y)", "(x - y) / (sqrt(x) + sqrt(y))", ("subtract", ("sqrt", "x"), ("sqrt", "y"))),
    Rewrite("sqrt(1 + x) - 1", "x / (sqrt(1 + x) + 1)", ("subtract", ("sqrt", ("add", 1, "x")), 1)),
    Rewrite("1 - sqrt(1 - x)", "x / (1 + sqrt(1 - x))", ("subtract", 1, ("sqrt", ("subtract", 1, "x")))),
    Rewrite("sqrt(x) - y", "(x - y**2) / (sqrt(x) + y)", ("subtract", ("sqrt", "x"), "y")),
    Rewrite("y - sqrt(x)", "(y**2 - x) / (y + sqrt(x))", ("subtract", "y", ("sqrt", "x"))),
    Rewrite("sqrt(x) + y, y < 0", "(x - y**2) / (sqrt(x) - y)", ("add", ("sqrt", "x"), "y")),
    Rewrite("sqrt(x**2 + y**2)", "hypot(x, y)", ("sqrt", ("add", _sq("x"), _sq("y")))),
    Rewrite("sqrt(sum(x**2))", "linalg.norm(x), of x / max(|x|)", ("sqrt", ("sum", _sq("x")))),
    Rewrite("sqrt(1 - x**2)", "sqrt((1 - x) * (1 + x))", ("sqrt", ("subtract", 1, _sq("x")))),
    Rewrite("mean(x**2) - mean(x)**2", "var(x)", ("subtract", ("mean", _sq("x")), _sq(("mean", "x")))),
    Rewrite("x**2 - y**2", "(x - y) * (x + y)", ("subtract", _sq("x"), _sq("y"))),
    Rewrite("1 - x**2", "(1 - x) * (1 + x)", ("subtract", 1, _sq("x"))),
    Rewrite("x**2 - 1", "(x - 1) * (x + 1)", ("subtract", _sq("x"), 1)),
    Rewrite(
        "1 / x - 1 / (x + y)", "y / (x * (x + y))", ("subtract", ("divide", 1, "x"), ("divide", 1, ("add", "x", "y")))
    ),
    Rewrite("1 / x - 1 / y", "(y - x) / (x * y)", ("subtract", ("divide", 1, "x"), ("divide", 1, "y"))),
    Rewrite("x * log(x)", "xlogy(x, x)", ("multiply", "x", ("log", "x"))),
    Rewrite("x * log(y)", "xlogy(x, y)", ("multiply", "x", ("log", "y"))),
    Rewrite("(x + y) - x", "y", ("subtract", ("add", "x", "y"), "x")),
)  # fmt: skip
"""The more special ones first: the first that fits is suggested."""

_PASSED = frozenset(("reshape", "broadcast_to", "transpose", "copy", "astype", "positive", "lift"))
_SAME = {"expit": "sigmoid", "float_power": "power"}
_COMMUTE = frozenset(("add", "multiply"))


def suggestions(graph: Graph) -> dict[int, Rewrite]:
    """For each node that is part of a formula that is known, by its index, what to write in place of the formula.

    That is one of the operations of the formula; or, if there is no such, a value that it is applied to.
    """
    forms = _Forms(graph)
    found: dict[int, Rewrite] = {}
    applied: dict[int, Rewrite] = {}
    for rewrite in REWRITES:
        for number in forms.of_operation.get(rewrite.pattern[0], ()):
            for inside, letters in forms.matches(rewrite.pattern, number):
                for index in inside:
                    found.setdefault(index, rewrite)
                for index in letters:
                    applied.setdefault(index, rewrite)
                break
    return {**applied, **found}


class _Forms:
    """Nodes in one form: an operation and what it is applied to, by number; the same formula has the same number."""

    def __init__(self, graph: Graph):
        self.of_node: list[int] = []
        self.forms: list[tuple[Any, ...]] = []
        self.of_operation: dict[str, list[int]] = {}  # numbers of forms
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._made: dict[int, list[int]] = {}  # nodes, by the number of their form
        for node in graph.nodes:
            number = self._number(self._form(graph, node))
            self.of_node.append(number)
            self._made.setdefault(number, []).append(node.index)

    def _number(self, form: tuple[Any, ...]) -> int:
        if form not in self._numbers:
            self._numbers[form] = len(self.forms)
            self.of_operation.setdefault(form[0], []).append(len(self.forms))
            self.forms.append(form)
        return self._numbers[form]

    def _form(self, graph: Graph, node: GraphNode) -> tuple[Any, ...]:
        if node.operation is None:
            value = node.array
            if node.kind == "constant" and value is not None and value.size == 1 and value.dtype.kind in "fiub":
                return ("number", float(value.item()))
            return ("leaf", node.index)
        args = [self.of_node[edge.source.index] for edge in graph.incoming(node)]
        operation = _SAME.get(node.operation, node.operation)
        if operation in _PASSED and args:
            return self.forms[args[0]]
        if operation == "multiply" and len(args) == 2 and args[0] == args[1]:
            return ("square", args[0])
        if operation == "power" and len(args) == 2 and self.forms[args[1]][0] == "number":
            exponent = self.forms[args[1]][1]
            if exponent in (2.0, 0.5):
                return ("square" if exponent == 2.0 else "sqrt", args[0])
        if operation == "reciprocal":
            return ("divide", self._number(("number", 1.0)), args[0])
        if operation == "add" and len(args) == 2:
            for this, other in ((0, 1), (1, 0)):
                form = self.forms[args[this]]
                if form[0] == "negative":
                    return ("subtract", args[other], form[1])
                if form[0] == "number" and form[1] < 0:
                    return ("subtract", args[other], self._number(("number", -form[1])))
        return (operation, *args)

    def matches(self, pattern: Pattern, number: int) -> Iterator[tuple[set[int], set[int]]]:
        """Ways in which a form fits ``pattern``: the nodes of the formula, and those that letters stand for."""
        for letters, inside in self._fit(pattern, number, {}):
            own = {node for form in inside for node in self._made[form]}
            yield own, {node for form in letters.values() for node in self._made[form]} - own

    def _fit(self, pattern: Pattern, number: int, letters: dict[str, int]) -> Iterator[tuple[dict[str, int], set[int]]]:
        form = self.forms[number]
        if isinstance(pattern, str):
            if letters.get(pattern, number) == number:
                yield {**letters, pattern: number}, set()
            return
        if not isinstance(pattern, tuple):
            if form[0] == "number" and form[1] == pattern:
                yield letters, set()
            return
        if form[0] != pattern[0] or len(form) != len(pattern):
            return
        orders: Sequence[Sequence[int]] = [form[1:], form[:0:-1]] if pattern[0] in _COMMUTE else [form[1:]]
        for order in orders:
            yield from self._fit_all(pattern[1:], order, letters, {number})

    def _fit_all(self, patterns, numbers, letters, inside) -> Iterator[tuple[dict[str, int], set[int]]]:
        if not patterns:
            yield letters, inside
            return
        for bound, found in self._fit(patterns[0], numbers[0], letters):
            yield from self._fit_all(patterns[1:], numbers[1:], bound, inside | found)
