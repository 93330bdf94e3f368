"""The steps of a program, and the values that they read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .operations import Operation


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that a step reads: an argument of the program, or (a part of) the result of an earlier step."""

    of: str  # "x" or "v"
    index: int
    part: int | None = None

    def __str__(self) -> str:
        return f"{self.of}{self.index}" + ("" if self.part is None else f"[{self.part}]")


@dataclass(frozen=True)
class Step:
    """One operation with what it is applied to.

    Attributes
    ----------
    operation : Operation
    operands : tuple
        A ``Ref`` for what the program has computed or was given; anything else is a constant.
    params : dict
    parts : int
        How many results it gives, as a tuple; 0 if a single value.
    """

    operation: Operation
    operands: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    parts: int = 0

    @property
    def refs(self) -> list[Ref]:
        """The values it reads."""
        found: list[Ref] = []
        for operand in self.operands:
            mapped(operand, found.append)
        return found

    def with_operands(self, operands: Iterable[Any]) -> Step:
        """The same operation on something else."""
        return replace(self, operands=tuple(operands))


def mapped(operand: Any, change: Callable[[Ref], Any]) -> Any:
    """An operand, or a list of them, with its references changed."""
    if isinstance(operand, Ref):
        return change(operand)
    return [mapped(part, change) for part in operand] if isinstance(operand, list) else operand


def read(operand: Any, given: Sequence[Any], values: Sequence[Any]) -> Any:
    """The value of an operand: a constant is its own."""

    def look_up(ref: Ref) -> Any:
        value = given[ref.index] if ref.of == "x" else values[ref.index]
        return value if ref.part is None else value[ref.part]

    return mapped(operand, look_up)
