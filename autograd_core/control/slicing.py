"""The part of a program that some of its values need."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from ..compile.program import Input, Instruction, Program, replaced
from ..symbol import Value


def needed(program: Program, values: Iterable[Value], given: Container[Value] = ()) -> list[Instruction]:
    """Instructions that some values come from, in their order; without those for what is ``given``."""
    wanted = set(values)
    kept: list[Instruction] = []
    for instruction in reversed(program.instructions):
        if any(result in wanted and result not in given for result in instruction.results):
            kept.append(instruction)
            wanted.update(instruction.values())
    return kept[::-1]


def sliced(
    program: Program, name: str, outputs: list[Value], guards: list[Value], given: Mapping[Value, int]
) -> Program:
    """The part of a program that some values need, with values of its own; keys are the old inputs, or positions."""
    kept = needed(program, [*outputs, *guards], given)
    wanted = {*outputs, *guards, *(value for instruction in kept for value in instruction.values())}
    new = Program(name)
    own: dict[Value, Value] = {}
    for known, position in given.items():
        if known in wanted:
            own[known] = value = Value(known.shape, known.dtype)
            new.inputs.append(Input("argument", position, value))
    for each in program.inputs:
        if each.value in wanted:
            own[each.value] = value = Value(each.value.shape, each.value.dtype)
            new.inputs.append(Input(each.kind, each, value))
    new.instructions = copied(kept, own)
    new.outputs = [own[value] for value in outputs]
    new.guards = [own[value] for value in guards]
    return new


def copied(instructions: Iterable[Instruction], own: dict[Value, Value]) -> list[Instruction]:
    """Copies of instructions, of values of their own.

    Parameters
    ----------
    own : dict
        What stands for a value. The results are added; those that are in it already stay as they are.
    """
    made = []
    for instruction in instructions:
        operands = replaced(instruction.operands, own.__getitem__)
        params = replaced(instruction.params, own.__getitem__)
        copy = Instruction(instruction.primitive, operands, params, place=instruction.place)
        copy.results = tuple(Value(result.shape, result.dtype, copy) for result in instruction.results)
        for result, value in zip(instruction.results, copy.results, strict=True):
            own.setdefault(result, value)
        made.append(copy)
    return made
