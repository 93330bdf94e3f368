"""Passes: programs made shorter without changing what they compute, each a function from Program to Program.

A pass never changes the program it is given. After each one ``check`` looks whether the result still fits together, so
that a wrong rule is found at the pass that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..program import Instruction, Program
from .algebra import algebra
from .check import check
from .common import common
from .dead import dead
from .fold import fold, numbers
from .layout import layout

__all__ = ["PASSES", "check", "optimise"]

Pass = Callable[[Program], Program]

PASSES: tuple[Pass, ...] = (fold, numbers, layout, algebra, common)
ROUNDS = 8


def optimise(program: Program, passes: Sequence[Pass] = PASSES) -> Program:
    """``program`` after all passes, again and again until nothing changes; the given one stays as it is.

    Raises
    ------
    PlanError
        If a pass has made a program that does not fit together.
    """
    program = dead(program)
    seen: set[Instruction] = set()
    for _ in range(ROUNDS):
        before = program
        for each in passes:
            program = each(program)
            check(program, each.__name__, seen)
        program = dead(program)
        check(program, dead.__name__, seen)
        if _as_before(program, before):
            break
    return program


def _as_before(program: Program, before: Program) -> bool:
    """Whether two programs apply the same primitives to as many operands: passes only ever make fewer of them."""
    return [(i.primitive, i.operands) for i in program.instructions] == [
        (i.primitive, i.operands) for i in before.instructions
    ]
