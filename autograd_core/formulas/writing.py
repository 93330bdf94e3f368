"""Formulas in writing: as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph import GraphNode
from ..graph.text import title
from .expressions import Call, Expression, Known, Number, Symbol, symbols
from .functions import FUNCTIONS, is_entry
from .guarded import GUARDED
from .lettering import latex_name
from .scalars import Scalars

if TYPE_CHECKING:
    from .model import Term

LONGEST = 40  # characters of a value without a name that is written out where it is used

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)  # how tightly what was written last binds


@dataclass(frozen=True, slots=True)
class Written:
    """A text, and how tightly the last operation in it binds."""

    text: str
    binds: int = ATOM


class Writer:
    """Writes the formulas of one graph.

    Parameters
    ----------
    scalars : Scalars
    latex : bool
        Whether to write LaTeX.
    """

    def __init__(self, scalars: Scalars, latex: bool):
        self.scalars = scalars
        self.latex = latex
        self._nodes: dict[int, Written] = {}
        self._definitions: dict[int, Written] = {}

    def formula(self, target: GraphNode, sources: Sequence[str], terms: Sequence[Term]) -> str:
        """``head = sum``, and what the values are that have a name and were computed."""
        if not self._nodes:
            self._write_nodes()
        written = [self.term(term, alone=len(terms) == 1) for term in terms] or [("", "0")]
        total = written[0][0] + written[0][1]
        for sign, product in written[1:]:
            total += f" {sign or '+'} {product}"
        used = self._used(symbol for term in terms for factor in term.factors for symbol in symbols(factor.expression))
        lines = [f"{self._head(target, sources)} = {total}"]
        lines += [f"{self._nodes[index].text} = {self._definitions[index].text}" for index in used]
        return self._joined(lines)

    def _joined(self, lines: Sequence[str]) -> str:
        if not self.latex:
            return "\n".join(
                [lines[0], *(f"{'with' if index == 0 else '    '} {line}" for index, line in enumerate(lines[1:]))]
            )
        if len(lines) == 1:
            return lines[0]
        rows = r" \\ ".join(line.replace(" = ", " &= ", 1) for line in lines)
        return rf"\begin{{aligned}} {rows} \end{{aligned}}"

    def _head(self, target: GraphNode, sources: Sequence[str]) -> str:
        name = self._nodes[target.index].text if self.scalars.name(target.index) else self._title(target)
        order = "" if len(sources) == 1 else f"^{len(sources)}"
        if self.latex:
            below = [latex_name(source) for source in sources]
            same = len(set(below)) == 1
            denominator = rf"\partial {below[0]}{order}" if same else " ".join(rf"\partial {each}" for each in below)
            return rf"\frac{{\partial{order} {name}}}{{{denominator}}}"
        gap = " " if any(len(each) > 1 for each in (name, *sources)) else ""
        below = [f"d{gap}{source}" for source in sources]
        return f"d{order}{gap}{name}/" + (f"{below[0]}{order}" if len(set(below)) == 1 else " ".join(below))

    def _title(self, node: GraphNode) -> str:
        return latex_name(title(node)) if self.latex else title(node)

    # -- terms ---------------------------------------------------------------------------------------------------

    def term(self, term: Term, alone: bool) -> tuple[str, str]:
        """Sign, "-" or nothing, and the product; ``alone`` if there is no other."""
        negative = False
        written = []
        for factor in term.factors:
            expression = factor.expression
            if isinstance(expression, Call) and expression.function == "negative":
                negative, expression = not negative, expression.args[0]
            elif isinstance(expression, Number) and expression.value < 0:
                negative, expression = not negative, Number(-expression.value)
            if isinstance(expression, Number) and expression.value == 1:
                continue
            text = self.write(expression)
            if text.text.startswith("-") and text.binds >= PRODUCT:  # of a value that is written out
                negative, text = not negative, Written(text.text[1:], min(text.binds, PRODUCT))
            written.append(text)
        if alone and len(written) == 1 and not negative:
            return "", written[0].text
        dot = r" \cdot " if self.latex else " * "
        return "-" if negative else "", dot.join(self._bound(each, PRODUCT) for each in written) or "1"

    # -- values --------------------------------------------------------------------------------------------------

    def _write_nodes(self) -> None:
        """What each node is called where it is used, and how it is defined where that is worth a line."""
        for node in self.scalars.graph.nodes:
            name = self.scalars.name(node.index)
            expression = self.scalars.expression(node)
            called = None if name is None else Written(latex_name(name) if self.latex else name)
            written = None if expression is None else self.write(expression)
            if (called is None and written is None) or (
                called is None and written is not None and self._length(node, written) > LONGEST
            ):
                called = Written(latex_name(f"v_{node.index}") if self.latex else f"v{node.index}")
            self._nodes[node.index] = called or written  # type: ignore[assignment]  # one of them is there
            if called is not None and written is not None:
                self._definitions[node.index] = written

    def _length(self, node: GraphNode, written: Written) -> int:
        """How long it looks: LaTeX has many characters that are not seen."""
        return len(written.text) // 3 if self.latex else len(written.text)

    def _used(self, found: Iterable[Symbol]) -> list[int]:
        """Nodes with a definition that a formula mentions, and those that these mention, in order."""
        used: set[int] = set()
        pending = [symbol.index for symbol in found]
        seen: set[int] = set()
        while pending:
            index = pending.pop()
            if index in seen:
                continue
            seen.add(index)
            if index in self._definitions:
                used.add(index)
            expression = self.scalars.expression(self.scalars.graph.nodes[index])
            pending.extend(symbol.index for symbol in symbols(expression or Number(0)))
        return sorted(used)

    # -- expressions ---------------------------------------------------------------------------------------------

    def write(self, expression: Expression) -> Written:
        """An expression."""
        if isinstance(expression, Symbol):
            return self._nodes[expression.index]
        if isinstance(expression, Number):
            return self._number(expression.value)
        if isinstance(expression, Known):
            return self._known(expression)
        if expression.function in GUARDED:
            return self.write(GUARDED[expression.function].written(*expression.args))
        args = [self.write(arg) for arg in expression.args]
        if is_entry(expression.function) or expression.function == "positive":
            return args[0]
        known = _FORMS.get(expression.function)
        if known is not None:
            return known(self, args)
        template = FUNCTIONS[expression.function].latex
        texts = [arg.text for arg in args]
        if not self.latex:
            return Written(f"{_SPOKEN.get(expression.function, expression.function)}({', '.join(texts)})")
        if template is None:
            return Written(rf"\operatorname{{{expression.function.replace('_', ' ')}}}\left({', '.join(texts)}\right)")
        return Written(template.format(*texts), POWER if expression.function == "where" else ATOM)

    def _number(self, value: Any) -> Written:
        if isinstance(value, (bool, np.bool_)):
            value = int(value)
        text = str(value)
        text = text[:-2] if text.endswith(".0") else text
        if self.latex and "e" in text:
            mantissa, exponent = text.split("e")
            times = {"1": "", "-1": "-"}.get(mantissa, rf"{mantissa} \cdot ")
            text = rf"{times}10^{{{int(exponent)}}}"
        return Written(
            {"inf": r"\infty", "-inf": r"-\infty"}.get(text, text) if self.latex else text, SIGN if value < 0 else ATOM
        )

    def _known(self, known: Known) -> Written:
        ends = [self._nodes[end.index].text for end in (known.target, known.source)]
        if self.latex:
            return Written(rf"\underbrace{{{known.value:.6g}}}_{{\partial {ends[0]} / \partial {ends[1]}}}")
        return Written(f"<d {ends[0]}/d {ends[1]}: {known.value:.6g}>")

    def _bound(self, written: Written, least: int) -> str:
        """In parentheses unless it binds at least so tightly."""
        if written.binds >= least:
            return written.text
        return rf"\left({written.text}\right)" if self.latex else f"({written.text})"


_SPOKEN = {"absolute": "abs", "fabs": "abs"}


def _sum(sign: str):
    def form(writer: Writer, args: list[Written]) -> Written:
        right = writer._bound(args[1], ATOM if args[1].text.startswith("-") else PRODUCT)
        return Written(f"{args[0].text} {sign} {right}", SUM)

    return form


def _multiply(writer: Writer, args: list[Written]) -> Written:
    left, right = writer._bound(args[0], PRODUCT), writer._bound(args[1], POWER)
    return Written(rf"{left} \, {right}" if writer.latex else f"{left}*{right}", PRODUCT)


def _divide(writer: Writer, args: list[Written]) -> Written:
    if writer.latex:
        above, sign = args[0].text, ""
        if above.startswith("-") and args[0].binds >= PRODUCT:
            above, sign = above[1:], "-"
        return Written(rf"{sign}\frac{{{above}}}{{{args[1].text}}}", SIGN if sign else POWER)
    return Written(f"{writer._bound(args[0], PRODUCT)}/{writer._bound(args[1], POWER)}", PRODUCT)


def _negative(writer: Writer, args: list[Written]) -> Written:
    return Written(f"-{writer._bound(args[0], PRODUCT)}", SIGN)


def _power(writer: Writer, args: list[Written]) -> Written:
    base = writer._bound(args[0], ATOM)
    if writer.latex:
        return Written(f"{{{base}}}^{{{args[1].text}}}", POWER)
    return Written(f"{base}**{writer._bound(args[1], ATOM)}", POWER)


def _compare(sign: str):
    def form(writer: Writer, args: list[Written]) -> Written:
        inner = f"{args[0].text} {sign} {args[1].text}"
        return Written(f"[{inner}]" if writer.latex else f"({inner})")

    return form


def _floor(signs: str):
    left, right = signs.split()

    def form(writer: Writer, args: list[Written]) -> Written:
        if not writer.latex:
            return Written(f"{'floor' if 'floor' in left else 'ceil'}({args[0].text})")
        return Written(rf"\left{left} {args[0].text} \right{right}")

    return form


def _floor_divide(writer: Writer, args: list[Written]) -> Written:
    if writer.latex:
        return _floor(r"\lfloor \rfloor")(writer, [_divide(writer, args)])
    return Written(f"{writer._bound(args[0], PRODUCT)}//{writer._bound(args[1], POWER)}", PRODUCT)


_ONE, _TWO = Written("1"), Written("2")

_FORMS: dict[str, Any] = {
    "add": _sum("+"),
    "subtract": _sum("-"),
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "square": lambda writer, args: _power(writer, [args[0], _TWO]),
    "reciprocal": lambda writer, args: _divide(writer, [_ONE, args[0]]),
    "exp": lambda writer, args: (
        Written(f"e^{{{args[0].text}}}", POWER) if writer.latex else Written(f"exp({args[0].text})")
    ),
    "floor": _floor(r"\lfloor \rfloor"),
    "ceil": _floor(r"\lceil \rceil"),
    "floor_divide": _floor_divide,
    "greater": _compare(">"),
    "less": _compare("<"),
    "equal": lambda writer, args: _compare("=" if writer.latex else "==")(writer, args),
    "pi": lambda writer, args: Written(r"\pi" if writer.latex else "pi"),
    "not": lambda writer, args: Written(rf"[\neg {args[0].text}]" if writer.latex else f"(not {args[0].text})"),
}  # fmt: skip
"""What is not written as a name before its arguments."""
