"""Programs put together by hand, for tests of passes and emitters."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.compile.program import Input, Instruction, Program, replaced
from autograd_core.symbol import Value


class Builder:
    """Adds instructions one by one; shapes and dtypes are found by running each on examples."""

    def __init__(self, name: str = "program"):
        self.program = Program(name)

    def input(self, kind: str, array: Any, key: Any = None) -> Value:
        """An input of ``kind``, with an example of what it will be."""
        array = np.asarray(array)
        value = Value(array.shape, array.dtype, None, array)
        value.source = Input(kind, len(self.program.inputs) if key is None else key, value)
        self.program.inputs.append(value.source)
        return value

    def argument(self, array: Any) -> Value:
        """An argument."""
        return self.input("argument", array)

    def constant(self, array: Any) -> Value:
        """A constant."""
        array = np.array(array)
        return self.input("constant", array, array)

    def add(self, primitive: Any, *operands: Any, **params: Any) -> Any:
        """One instruction; its result, or a tuple of them."""

        def example(value):
            return value.example

        raw = [o.example if isinstance(o, Value) else o for o in operands]
        out = primitive.impl(*raw, **replaced(params, example))
        arrays = [np.asarray(o) for o in (out if isinstance(out, tuple) else (out,))]
        instruction = Instruction(primitive, operands, params)
        instruction.results = tuple(Value(a.shape, a.dtype, instruction, a) for a in arrays)
        self.program.instructions.append(instruction)
        return instruction.results if isinstance(out, tuple) else instruction.results[0]

    def write(self, target: Value, value: Value) -> None:
        """Let the program write ``value`` to a variable or buffer."""
        self.program.writes.append((target.source, value))

    def finish(self, *outputs: Value, guards: tuple[Value, ...] = ()) -> Program:
        """The program, its values named."""
        self.program.outputs = list(outputs)
        self.program.guards = list(guards)
        self.program.name_values()
        return self.program

    def examples(self) -> list[Any]:
        """The example arrays of all inputs, in order."""
        return [each.value.example for each in self.program.inputs]
