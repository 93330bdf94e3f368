"""What a step of a random program can do: apply a row, call a function, write to a value.

An operation runs on Tensors, arrays and numbers, and writes itself as Python text for the same thing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...custom import UserPrimitive
from ...primitive import Primitive
from ...probing import probing
from ..literals import index_text, text_of
from .spelling import spelled

Params = dict[str, Any]


class Operation:
    """One kind of step.

    Attributes
    ----------
    name : str
    in_place : bool
        Whether it is a statement that changes its first operand, as ``x[i] = y``.
    """

    name: str
    in_place = False

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        """Result; of an operation in place the first operand, changed."""
        raise NotImplementedError

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        """Python expression (or statement) for it, given the operands' values and texts."""
        raise NotImplementedError

    @property
    def rows(self) -> tuple[Primitive, ...]:
        """The rows of the table that it names."""
        return ()


@dataclass(frozen=True)
class Row(Operation):
    """Application of a primitive: one of the table, or a user's own."""

    row: Primitive

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.row.name

    @property
    def rows(self) -> tuple[Primitive, ...]:
        return (self.row,)

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        if isinstance(self.row, UserPrimitive):
            with probing(False):  # a wrong one shall run, to be found by the check and shown
                return self.row(*operands, **params)
        return self.row(*operands, **params)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        return spelled(self.row, operands, texts, params)


@dataclass(frozen=True)
class Call(Operation):
    """Call of a function of a namespace."""

    name: str  # as it is written: "np.trace"
    function: Callable[..., Any]

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        return self.function(*operands, **params)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        return f"{self.name}({', '.join([*texts, *keywords(params)])})"


def keywords(params: Params) -> list[str]:
    """Texts ``name=value``."""
    return [f"{key}={text_of(value)}" for key, value in params.items()]


@dataclass(frozen=True)
class Squash(Operation):
    """Bring any values into an interval: ``middle + half * tanh(x)``."""

    low: float
    high: float
    name = "squash"

    @property
    def _parts(self) -> tuple[float, float]:
        return round((self.low + self.high) / 2, 6), round((self.high - self.low) / 2 * 0.95, 6)

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        middle, half = self._parts
        return middle + half * np.tanh(operands[0])

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        middle, half = self._parts
        return f"{middle!r} + {half!r} * np.tanh({texts[0]})"


@dataclass(frozen=True)
class Near(Operation):
    """Bring any values close to given ones, at which an operation can be applied."""

    radius: float
    name = "near"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        point, x = operands
        return point + self.radius * np.tanh(x)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        return f"{texts[0]} + {self.radius!r} * np.tanh({texts[1]})"


@dataclass(frozen=True)
class Fit(Operation):
    """As many entries of a value as a shape has."""

    shape: tuple[int, ...]
    name = "fit"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        count = int(np.prod(self.shape, dtype=int))
        return np.reshape(np.ravel(operands[0])[:count], self.shape)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        count = int(np.prod(self.shape, dtype=int))
        return f"np.reshape(np.ravel({texts[0]})[:{count}], {self.shape!r})"


# -- in place ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assign(Operation):
    """``x[index] = y``, or ``x[index] += y``."""

    symbol: str = "="
    in_place = True

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"x[i] {self.symbol} y"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        x, y = operands
        index = params["index"]
        x[index] = y if self.symbol == "=" else x[index] + y
        return x

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        return f"{texts[0]}[{index_text(params['index'])}] {self.symbol} {texts[1]}"


IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {"+=": operator.iadd, "-=": operator.isub, "*=": operator.imul}


@dataclass(frozen=True)
class Update(Operation):
    """``x += y`` and its like."""

    symbol: str = "+="
    in_place = True

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"x {self.symbol} y"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        return IN_PLACE[self.symbol](*operands)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        return f"{texts[0]} {self.symbol} {texts[1]}"


@dataclass(frozen=True)
class AtIndex(Operation):
    """``x.at[index].set(y)`` and its like."""

    verb: str = "set"

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"x.at[i].{self.verb}(y)"

    def run(self, operands: Sequence[Any], params: Params) -> Any:
        x, y = operands
        return getattr(x.at[params["index"]], self.verb)(y)

    def text(self, operands: Sequence[Any], texts: Sequence[str], params: Params) -> str:
        return f"{texts[0]}.at[{index_text(params['index'])}].{self.verb}({texts[1]})"
