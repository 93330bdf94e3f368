"""Cut a program that computes values and their cotangents into a forward and a backward program."""

from __future__ import annotations

from collections.abc import Collection

from ..symbol import Value
from .program import Input, Instruction, Program, replaced

SAFE = ("argument", "variable", "tensor")
"""Inputs whose arrays nobody changes between the two programs, so that they need not be copied."""


def split(program: Program, count: int, cts: Collection[Value]) -> tuple[Program, Program, list[Input | int]]:
    """Forward and backward program.

    Parameters
    ----------
    program : Program
        Its first ``count`` outputs are the function's, the others are cotangents of its sources.
    cts : collection of Value
        Inputs that are cotangents of the outputs.

    Returns
    -------
    forward : Program
        Its outputs are the first ``count``, and then values that the backward program needs.
    backward : Program
        All its inputs are arguments: first those listed in ``given``, then ``cts``, in their order.
    given : list of Input or int
        What to give to the backward program: an input of the forward program, or the position of one of its outputs.
    """
    late: set[Value] = set(cts)
    first: list[Instruction] = []
    second: list[Instruction] = []
    for instruction in program.instructions:
        if any(value in late for value in instruction.values()):
            late.update(instruction.results)
            second.append(instruction)
        else:
            first.append(instruction)
    wanted = [*(v for i in second for v in i.values()), *program.outputs[count:], *program.guards]
    needed = [v for v in dict.fromkeys(wanted) if v not in late]
    by_value = {each.value: each for each in program.inputs}
    constants = [each for each in program.inputs if each.kind == "constant"]
    crossing: list[Value] = []
    given: list[Input | int] = []
    places: dict[Value, Value] = {}
    inputs: list[Input] = []
    for value in [*needed, *cts]:
        source = by_value.get(value)
        if source is not None and source.kind == "constant":
            continue
        if value in late:
            pass  # a cotangent
        elif source is not None and source.kind in SAFE:
            given.append(source)
        else:
            given.append(count + len(crossing))
            crossing.append(value)
        own = Input("argument", len(inputs))
        own.value = places[value] = Value(value.shape, value.dtype, own)
        inputs.append(own)
    forward_inputs = [each for each in program.inputs if each.value not in late]
    forward = Program(program.name, forward_inputs, first, [*program.outputs[:count], *crossing])
    backward = Program(f"{program.name}_backward", [*inputs, *constants])
    for instruction in second:
        backward.instructions.append(_rewritten(instruction, places))
    backward.outputs = [places.get(value, value) for value in program.outputs[count:]]
    backward.guards = [places.get(value, value) for value in program.guards]
    backward.name_values()
    return forward, backward, given


def _rewritten(instruction: Instruction, places: dict[Value, Value]) -> Instruction:
    def of(value: Value) -> Value:
        return places.get(value, value)

    new = Instruction(
        instruction.primitive,
        replaced(instruction.operands, of),
        replaced(instruction.params, of),
        place=instruction.place,
    )
    new.results = tuple(Value(r.shape, r.dtype, new) for r in instruction.results)
    places.update(zip(instruction.results, new.results, strict=True))
    return new
