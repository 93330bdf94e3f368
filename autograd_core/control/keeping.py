"""What a loop forward keeps of each step for the loop backward, besides the carry that the step started from.

All that a step backward needs can be computed again from that carry. Kept is what would take more than elementwise
operations: the result of an activation after a matrix product, say, so that the product is not made twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..compile.program import Instruction
from ..symbol import Value
from .body import Body, Pulled
from .slicing import needed

_VIEWS = frozenset(("reshape", "transpose", "expand_dims", "squeeze", "broadcast_to", "getitem", "flip"))


def worth_keeping(body: Body, pulled: Pulled) -> list[Value]:
    """Values of the step forward that the step backward reads, and that are dear.

    Parameters
    ----------
    pulled : Pulled
        The step backward, for all results and operands that may be asked for.
    """
    inner, back = body.inner, pulled.body
    outputs = [tensor.array for tensor in (*back.next_carry, *back.results)]
    instructions = needed(inner.program, [*outputs, *back.guards], back.saved)
    own = {*body.labels, *body.hosts}
    late: set[Value] = {each.value for label, each in inner.labels.items() if label in back.carry}
    late |= {each.value for label, each in inner.labels.items() if label in back.slices and label not in own}
    varying = {each.value for label, each in inner.labels.items() if label in {*body.carry, *body.slices, *body.hosts}}
    early: list[Instruction] = []
    read: set[Value] = set(outputs)
    for instruction in instructions:
        if any(value in late for value in instruction.values()):
            late.update(instruction.results)
            read.update(instruction.values())
            continue
        early.append(instruction)
        if any(value in varying for value in instruction.values()):
            varying.update(instruction.results)
    return _dear(early, read, varying)


def _dear(early: Sequence[Instruction], read: set[Value], varying: set[Value]) -> list[Value]:
    """Results that are read and that would take more than elementwise operations and views."""
    for instruction in reversed(early):  # a view is made again from what it is a view of
        if _is_view(instruction) and any(result in read for result in instruction.results):
            read.update(value for value in instruction.values() if value in varying)
    costs: set[Value] = set()  # values that would take more
    kept: list[Value] = []
    for instruction in early:
        heavy = not instruction.primitive.elementwise and not _is_view(instruction)
        dear = heavy or any(value in costs for value in instruction.values())
        for result in instruction.results:
            if not dear or result not in varying:
                continue
            if result in read and not _is_view(instruction):
                kept.append(result)
            else:
                costs.add(result)
    return kept


def _is_view(instruction: Instruction) -> bool:
    return instruction.primitive.name in _VIEWS
