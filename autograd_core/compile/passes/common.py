"""Common subexpressions: what is computed twice from the same values is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.arithmetic import ADD, MULTIPLY
from ...symbol import Value
from ..program import Instruction, Program
from .pure import is_pure
from .rewrite import Rewriting

COMMUTATIVE = frozenset((ADD, MULTIPLY))


def common(program: Program) -> Program:
    """``program`` with one instruction for all that apply the same primitive to the same values.

    Only of primitives that are functions of their operands. A parameter that cannot be compared (an array) counts as
    the same only if it is the same object.
    """
    new = Rewriting(program)
    seen: dict[Any, Instruction] = {}
    for instruction in program.instructions:
        instruction = new.translated(instruction)
        if not is_pure(instruction.primitive):
            new.keep(instruction)
            continue
        operands = instruction.operands
        if instruction.primitive in COMMUTATIVE:
            operands = tuple(sorted(operands, key=id))
        key = (instruction.primitive, identity(operands), identity(instruction.params), instruction.several)
        first = seen.setdefault(key, instruction)
        if first is instruction:
            new.keep(instruction)
        else:
            for result, earlier in zip(instruction.results, first.results, strict=True):
                new.replace(result, earlier)
    return new.finish()


def identity(entry: Any) -> Any:
    """What is equal for two operands or parameters exactly if they are the same.

    Types are part of it, since 1 == 1.0 == True, and so are signs of zeros and the bits of NaN.
    """
    kind = entry.__class__
    if kind is Value:
        return entry
    if kind is dict:
        return (kind, tuple((key, identity(value)) for key, value in sorted(entry.items(), key=lambda pair: pair[0])))
    if kind in (tuple, list):
        return (kind, tuple(identity(value) for value in entry))
    if kind is slice:
        return (kind, identity((entry.start, entry.stop, entry.step)))
    if kind in (float, complex):
        return (kind, repr(entry)) if entry == entry else (kind, id(entry))
    if kind in (int, bool, str, bytes, type(None), type(Ellipsis)) or isinstance(entry, (np.dtype, type)):
        return (kind, entry)
    return (kind, id(entry))
