"""What a kernel is to those who emit code; can be read without Numba."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...primitive import Primitive
from ..machine.threads import get_kernel_threads
from ..program import Instruction

WORTH_SHARING = 40_000
"""Nanoseconds of one thread from which several are asked: waking them takes a few thousand, more on a busy machine."""

Static = Any  # an int, a float, or a tuple of them
Work = tuple[tuple[int, ...], Any]  # shape and dtype


@dataclass(frozen=True, slots=True)
class Call:
    """How a kernel is called for one instruction.

    Attributes
    ----------
    module, function : str
        Where the nopython function is.
    work : tuple of (shape, dtype)
        Work arrays.
    static : tuple of numbers, or of tuples of numbers
        Last arguments, known when code is emitted.
    fails : bool
        Whether it returns a code that is not 0 where the operands' entries are not allowed.
    operands : tuple of int or None
        Positions of the operands that it is given; None for all. A shape is enough of the others.
    parallel : bool
        Whether it shares its work among threads; matrix products in it must then be held to one thread each.
    """

    module: str
    function: str
    work: tuple[Work, ...] = ()
    static: tuple[Static, ...] = ()
    fails: bool = False
    operands: tuple[int, ...] | None = None
    parallel: bool = False

    def arguments(self, results: list[str], operands: list[str], work: list[str]) -> str:
        """The text between the parentheses of the call; it uses ``jit.plain``."""
        chosen = operands if self.operands is None else [operands[at] for at in self.operands]
        return ", ".join([*results, *chosen, *work, *(f"plain({each!r})" for each in self.static)])


@dataclass(frozen=True, slots=True)
class Kernel:
    """The compiled form of one primitive.

    Attributes
    ----------
    primitive : Primitive
    plan : callable
        ``plan(instruction) -> Call or None``.
    """

    primitive: Primitive
    plan: Callable[[Instruction], Call | None]

    def supports(self, instruction: Instruction) -> bool:
        """Whether there is a compiled form for this instruction's dtypes, shapes and parameters."""
        return self.plan(instruction) is not None

    def workspace(self, instruction: Instruction) -> tuple[Work, ...]:
        """Shapes and dtypes of the work arrays."""
        call = self.plan(instruction)
        return () if call is None else call.work


def for_threads(module: str, function: str, nanoseconds: float, **more: Any) -> Call:
    """Call of a parallel kernel, or of its sibling for one thread where the work is small or there is only one."""
    shared = nanoseconds > WORTH_SHARING and get_kernel_threads() > 1
    return Call(module, function if shared else f"{function}_alone", parallel=shared, **more)


def parts_of(pieces: int) -> int:
    """Into how many parts, each with work arrays of its own, so many pieces of work are divided."""
    return max(1, min(pieces, get_kernel_threads()))


def is_float(*operands: Any) -> bool:
    """Whether all are arrays of float32, or all of float64."""
    kinds = {getattr(operand, "dtype", None) for operand in operands}
    return len(kinds) == 1 and getattr(kinds.pop(), "char", "") in ("f", "d")
