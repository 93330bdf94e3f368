"""What passes are made with: a new program written down instruction by instruction from an old one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...ops.reshaping import BROADCAST_TO, RESHAPE, TRANSPOSE
from ...primitive import Primitive
from ...symbol import Value
from ..program import Input, Instruction, Program, replaced

Rule = Callable[["Rewriting", Instruction], "Value | None"]

_SAME_ENTRIES = frozenset((BROADCAST_TO, RESHAPE, TRANSPOSE))


class Rewriting:
    """A new program that grows from the instructions of an old one.

    Values of the old program are used again in the new one, so that they keep their names.

    Attributes
    ----------
    program : Program
        The new one.
    made : dict of Value to Instruction
        Where each value of the new program comes from, inputs apart.
    """

    def __init__(self, old: Program):
        self.old = old
        self.program = Program(old.name, list(old.inputs))
        self.made: dict[Value, Instruction] = {}
        self._instead: dict[Value, Value] = {}
        self._constants: dict[Value, Any] = {each.value: each.key for each in old.inputs if each.kind == "constant"}
        self._same: dict[tuple[Any, ...], Value] = {}
        self._uniform: dict[Value, Any] = {}

    # -- looking ---------------------------------------------------------------------------------------------------

    def now(self, value: Value) -> Value:
        """What stands for a value of the old program."""
        return self._instead.get(value, value)

    def maker(self, value: Any, primitive: Primitive) -> Instruction | None:
        """The instruction that ``value`` comes from, if it applies ``primitive``."""
        made = self.made.get(value) if value.__class__ is Value else None
        return made if made is not None and made.primitive is primitive else None

    def constant(self, value: Any) -> Any:
        """Array of a constant; None for other values."""
        return self._constants.get(value) if value.__class__ is Value else None

    def uniform(self, value: Any) -> Any:
        """The number that all entries of ``value`` are, as a NumPy scalar, if it is known; else None."""
        if value.__class__ is not Value:
            return None
        if value not in self._uniform:
            self._uniform[value] = self._find_uniform(value)
        return self._uniform[value]

    def _find_uniform(self, value: Value) -> Any:
        made = self.made.get(value)
        while made is not None:
            if made.primitive not in _SAME_ENTRIES or not value.size:
                return None
            value = made.operands[0]
            made = self.made.get(value)
        array = self._constants.get(value)
        return None if array is None else _only_entry(array)

    # -- writing ---------------------------------------------------------------------------------------------------

    def translated(self, instruction: Instruction) -> Instruction:
        """An instruction of the old program with the values of the new one; itself if these are the same."""
        if not any(value in self._instead for value in instruction.values()):
            return instruction
        operands = tuple(self.now(o) if o.__class__ is Value else o for o in instruction.operands)
        params = replaced(instruction.params, self.now) if instruction.params else instruction.params
        return Instruction(instruction.primitive, operands, params, instruction.results, instruction.place)

    def keep(self, instruction: Instruction) -> None:
        """Write down an instruction as it is."""
        self.program.instructions.append(instruction)
        for result in instruction.results:
            self.made[result] = instruction

    def replace(self, old: Value, new: Value) -> None:
        """Let ``new`` stand for ``old`` from here on."""
        if old is not new:
            self._instead[old] = new

    def apply(
        self, like: Instruction, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any] | None = None,
        shape: tuple[int, ...] | None = None, dtype: Any = None,
    ) -> Value:  # fmt: skip
        """Result of a new instruction, of the shape and dtype of the result of ``like`` if no others are given."""
        result = Value(
            like.result.shape if shape is None else shape, like.result.dtype if dtype is None else np.dtype(dtype)
        )
        self.keep(Instruction(primitive, tuple(operands), params or {}, (result,), like.place))
        return result

    def known(self, array: Any) -> Value:
        """A constant; the same Value for equal small arrays."""
        array = np.asarray(array)
        key = (array.shape, array.dtype.str, array.tobytes()) if array.nbytes <= 64 else (id(array),)
        value = self._same.get(key)
        if value is None:
            if array.flags.writeable:
                array = array.copy()
                array.flags.writeable = False
            value = self._same[key] = Value(array.shape, array.dtype)
            value.source = Input("constant", array, value)
            self.program.inputs.append(value.source)
            self._constants[value] = array
        return value

    def finish(self) -> Program:
        """The new program, with names for what has none yet."""
        self.program.outputs = [self.now(v) for v in self.old.outputs]
        self.program.guards = list(dict.fromkeys(self.now(v) for v in self.old.guards))
        self.program.writes = [(target, self.now(v)) for target, v in self.old.writes]
        name_new(self.program)
        return self.program


def _only_entry(array: Any) -> Any:
    """The entry that all others are equal to, bit by bit (-0.0 is not 0.0); None if there is none."""
    if not array.size or not array.flags.c_contiguous:
        return None
    entries = array.reshape(-1, 1).view(np.uint8)
    for start in range(0, len(entries), 1 << 12):  # most arrays differ early: the rest is not looked at
        if (entries[start : start + (1 << 12)] != entries[0]).any():
            return None
    return array.reshape(-1)[0]


def rewrite(program: Program, rule: Rule) -> Program:
    """``program`` with each result replaced for which ``rule(rewriting, instruction)`` gives another value."""
    new = Rewriting(program)
    for instruction in program.instructions:
        instruction = new.translated(instruction)
        instead = rule(new, instruction) if len(instruction.results) == 1 else None
        if instead is None:
            new.keep(instruction)
        else:
            new.replace(instruction.result, instead)
    return new.finish()


def name_new(program: Program) -> None:
    """Give names to values that have none, numbered above all that there are; the others keep theirs."""
    values = [each.value for each in program.inputs] + [r for i in program.instructions for r in i.results]
    numbers = [int(value.name[1:]) for value in values if value.name[1:].isdecimal()]
    number = max(numbers, default=-1)
    constants = {each.value for each in program.inputs}
    for value in values:
        if not value.name:
            number += 1
            value.name = f"{'c' if value in constants else 'v'}{number}"
