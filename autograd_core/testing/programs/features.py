"""What a program uses of the language: reuse, diamonds, broadcasting, indexing, assignment, control flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from .control import Control
from .operations import Assign, AtIndex, Call, Row, Update
from .program import RandomProgram
from .reduce import values_of
from .steps import Ref, Step


def features_of(program: RandomProgram) -> set[str]:
    """Names of the features that a program has."""
    found = {_kind(step) for step in program.steps}
    refs = [ref for step in program.steps for ref in dict.fromkeys(step.refs)]
    if len(set(refs)) < len(refs):
        found.add("reuse")
    if _has_diamond(program.steps):
        found.add("diamond")
    if _broadcasts(program):
        found.add("broadcasting")
    if len(program.results) > 1:
        found.add("several results")
    return found - {""}


def _kind(step: Step) -> str:
    operation = step.operation
    if isinstance(operation, Row) and operation.row.name == "getitem":
        return "indexing"
    if isinstance(operation, (Assign, Update, AtIndex)):
        return operation.name
    if isinstance(operation, Control):
        return operation.name
    return "function" if isinstance(operation, Call) else ""


def _has_diamond(steps: tuple[Step, ...]) -> bool:
    """Whether some step reads two values that were made from the same one."""
    above: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for number, step in enumerate(steps):
        sources = [above.get((ref.of, ref.index), {(ref.of, ref.index)}) for ref in dict.fromkeys(step.refs)]
        if any(one & other for i, one in enumerate(sources) for other in sources[:i]):
            return True
        above["v", number] = set().union({("v", number)}, *sources)
    return False


def _broadcasts(program: RandomProgram) -> bool:
    values = values_of(program)

    def shape(operand: Any) -> tuple[int, ...]:
        if isinstance(operand, Ref):
            value = program.arguments[operand.index] if operand.of == "x" else values[operand.index]
            operand = value if operand.part is None else value[operand.part]
        return np.shape(operand)

    return any(
        isinstance(step.operation, Row)
        and step.operation.row.elementwise
        and len({shape(operand) for operand in step.operands}) > 1
        for step in program.steps
    )
