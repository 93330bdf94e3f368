"""Dead code: instructions whose results nobody reads, and inputs that nothing needs."""

from __future__ import annotations

from ..program import Program


def dead(program: Program) -> Program:
    """``program`` without instructions that no output, write or guard depends on, and without constants unread.

    Other inputs stay, so that who calls the program need not know: but those that are Variables, arrays, Tensors or
    functions that nothing reads are dropped too, since they are found by their keys, not by position.
    """
    wanted = set(program.roots())
    kept = []
    for instruction in reversed(program.instructions):
        if any(result in wanted for result in instruction.results):
            kept.append(instruction)
            wanted.update(instruction.values())
    written = {id(target) for target, _ in program.writes}
    inputs = [
        each
        for each in program.inputs
        if each.kind in ("argument", "host") or each.value in wanted or id(each) in written
    ]
    return Program(program.name, inputs, kept[::-1], program.outputs, program.writes, program.guards)
