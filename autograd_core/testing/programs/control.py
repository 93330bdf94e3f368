"""Control flow as steps: ``cond``, ``while_loop``, ``fori_loop``, ``scan`` around small bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import control
from ...primitive import Primitive
from ...tensor import Tensor
from .operations import Operation, Params
from .spelling import spelled

FORMS: tuple[tuple[str, Callable[[Any, Any, Any], Any]], ...] = (
    ("{u}", lambda u, c, w: u(c)),
    ("{u} * {w}", lambda u, c, w: u(c) * w),
    ("{c} + {w} * {u}", lambda u, c, w: c + w * u(c)),
    ("np.tanh({u} + {w})", lambda u, c, w: np.tanh(u(c) + w)),
)
"""What a body makes of the carry ``c``, another value ``w`` and an operation ``u``."""


@dataclass(frozen=True)
class Body:
    """A function of a carry and one more value."""

    unary: Primitive
    form: int

    def __call__(self, c: Any, w: Any) -> Any:
        return FORMS[self.form][1](self.unary, c, w)

    def text(self, c: str, w: str, value: Any) -> str:
        """As an expression; ``value`` is a carry, on which the operation's spelling is tried."""
        return FORMS[self.form][0].format(u=spelled(self.unary, [value], [c], {}), c=c, w=w)


def _example(value: Any) -> Tensor:
    """A value like the carry."""
    return Tensor(np.asarray(value.array if isinstance(value, Tensor) else value), None)


class Control(Operation):
    """A control-flow step; its operands are the first carry and one more value."""

    bodies: tuple[Body, ...]

    @property
    def rows(self) -> tuple[Primitive, ...]:
        return tuple(body.unary for body in self.bodies)

    def _texts(self, operands: Sequence[Any], c: str, w: str) -> list[str]:
        return [body.text(c, w, _example(operands[0])) for body in self.bodies]


@dataclass(frozen=True)
class Cond(Control):
    """One of two bodies, by whether the mean of the carry lies above a threshold."""

    bodies: tuple[Body, ...]
    threshold: float
    name = "cond"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        c, w = operands
        yes, no = self.bodies
        return control.cond(np.mean(c) > self.threshold, yes, no, c, w)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        (c, w), (yes, no) = texts, self._texts(operands, "c", "w")
        given = f"np.mean({c}) > {self.threshold!r}, lambda c, w: {yes}, lambda c, w: {no}, {c}, {w}"
        return f"ag.cond({given})"


@dataclass(frozen=True)
class ForiLoop(Control):
    """A body repeated a fixed number of times; the other value is read from outside the loop."""

    bodies: tuple[Body, ...]
    count: int
    name = "fori_loop"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        c, w = operands
        return control.fori_loop(0, self.count, lambda i, carry: self.bodies[0](carry, w), c)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        (body,) = self._texts(operands, "c", texts[1])
        return f"ag.fori_loop(0, {self.count}, lambda i, c: {body}, {texts[0]})"


@dataclass(frozen=True)
class WhileLoop(Control):
    """A body repeated while a counter in the carry is below a bound."""

    bodies: tuple[Body, ...]
    count: int
    name = "while_loop"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        c, w = operands
        body = self.bodies[0]
        return control.while_loop(lambda s: s[0] < self.count, lambda s: (s[0] + 1, body(s[1], w)), (0, c))[1]

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        (body,) = self._texts(operands, "s[1]", texts[1])
        return f"ag.while_loop(lambda s: s[0] < {self.count}, lambda s: (s[0] + 1, {body}), (0, {texts[0]}))[1]"


@dataclass(frozen=True)
class Scan(Control):
    """A carry along the first axis of the other value; gives the last carry and what each step made."""

    bodies: tuple[Body, ...]
    reverse: bool
    name = "scan"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        c, w = operands
        first, second = self.bodies
        return control.scan(lambda c, x: (first(c, x), second(c, x)), c, w, reverse=self.reverse)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        first, second = self._texts(operands, "c", "x")
        reverse = ", reverse=True" if self.reverse else ""
        return f"ag.scan(lambda c, x: ({first}, {second}), {texts[0]}, {texts[1]}{reverse})"
