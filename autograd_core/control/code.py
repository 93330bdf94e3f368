"""Code: a sub-program made ready to run from within the plan that it is a part of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compile.passes import optimise
from ..compile.plan import emitter
from ..compile.program import Input, Program, evaluate


class Code:
    """A branch, or the body of a loop: arrays in, arrays out.

    Parameters
    ----------
    program : Program
        All inputs are arguments, by position, or constants.
    hosts : sequence of Input
        What has to be drawn anew for each run; the arrays go behind the other arguments.
    """

    def __init__(self, program: Program, hosts: Sequence[Input] = ()):
        self.program = program
        self.hosts = [(each.key, each.value.shape, each.value.dtype) for each in hosts]
        self._run: Any = None
        self._positions: list[int] = []

    @property
    def specs(self) -> list[tuple[tuple[int, ...], Any]]:
        """Shape and dtype of each output."""
        return [(value.shape, value.dtype) for value in self.program.outputs]

    def prepare(self, jit: str) -> None:
        """Emit the program, as the plan around it is emitted."""
        if self._run is not None:
            return
        prepare(self.program, jit)
        optimised = optimise(self.program)
        self._positions = [each.key for each in optimised.inputs if each.kind == "argument"]
        self._run = emitter(jit)(optimised)

    def draw(self) -> list[Any]:
        """Random numbers and the like for one run."""
        return [np.asarray(call(), dtype).reshape(shape) for call, shape, dtype in self.hosts]

    def nothing_drawn(self) -> list[Any]:
        """Zeros in place of ``draw``."""
        return [np.zeros(shape, dtype) for _, shape, dtype in self.hosts]

    def __call__(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Run on one array per argument."""
        if self._run is None:
            self.prepare("numpy")
        given = [arrays[position] for position in self._positions]
        for position, array in enumerate(given):
            if not array.flags.c_contiguous or not array.flags.aligned:
                given[position] = np.array(array, order="C")
        return self._run(*given)

    def outline(self, arrays: Sequence[Any]) -> list[Any]:
        """The same without an emitter: once, for the shapes of what is traced further on."""
        constants = [each.key if each.kind == "constant" else arrays[each.key] for each in self.program.inputs]
        return evaluate(self.program, constants)[0]


def prepare(program: Program, jit: str) -> None:
    """Emit the sub-programs of a program's instructions."""
    for instruction in program.instructions:
        emit = getattr(instruction.primitive.impl, "prepare", None)
        if emit is not None:
            emit(jit)
