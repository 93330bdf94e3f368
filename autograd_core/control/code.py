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

    Attributes
    ----------
    specs : list of (shape, dtype)
        Of the outputs.
    shared : list of bool
        Whether an output is one of the arguments, or the same array as another output.
    places : list of int
        Which result of the executable an output is; ~i: argument i.
    executable : Executable or None
        Once there is one.
    positions : list of int
        Which arguments it is given.
    """

    def __init__(self, program: Program, hosts: Sequence[Input] = ()):
        self.specs = [(value.shape, value.dtype) for value in program.outputs]
        self.shared: list[bool] = []
        self.places: list[int] = []
        self.program = self._without_copies(program)
        self.hosts = [(each.key, each.value.shape, each.value.dtype) for each in hosts]
        self.executable: Any = None
        self.positions: list[int] = []

    @property
    def source(self) -> str:
        """The emitted Python text; empty where there is nothing to compute, or before it is emitted."""
        return "" if self.executable is None else self.executable.source

    def report(self) -> list[dict[str, Any]]:
        """The kernels of the emitted text."""
        return [] if self.executable is None else self.executable.report()

    def _without_copies(self, program: Program) -> Program:
        """``program`` without outputs that are arguments, or the same as others: they are handed on as they are."""
        given = {each.value: ~each.key for each in program.inputs if each.kind == "argument"}
        made: dict[Any, int] = {}
        for value in program.outputs:
            self.shared.append(value in given or value in made)
            self.places.append(given[value] if value in given else made.setdefault(value, len(made)))
        program.outputs = list(made)
        return program

    def _is_empty(self) -> bool:
        return not self.program.outputs and not self.program.guards

    def _spread(self, outs: Sequence[Any], arrays: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([outs[place] if place >= 0 else arrays[~place] for place in self.places])

    def apart(self, outs: Sequence[Any]) -> list[Any]:
        """The first outputs of a run as arrays that nothing else is."""
        return [out.copy() if shared else out for out, shared in zip(outs, self.shared, strict=False)]

    def prepare(self, jit: str, repeated: bool = False) -> None:
        """Emit the program, as the plan around it is emitted; ``repeated``: it is the step of a loop."""
        if self.executable is not None or self._is_empty():
            return
        prepare(self.program, jit)
        optimised = optimise(self.program)
        self.positions = [each.key for each in optimised.inputs if each.kind == "argument"]
        self.executable = emitter(jit, repeated)(optimised)

    def draw(self) -> list[Any]:
        """Random numbers and the like for one run."""
        return [np.asarray(call(), dtype).reshape(shape) for call, shape, dtype in self.hosts]

    def nothing_drawn(self) -> list[Any]:
        """Zeros in place of ``draw``."""
        return [np.zeros(shape, dtype) for _, shape, dtype in self.hosts]

    def __call__(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Run on one array per argument."""
        if self._is_empty():
            return self._spread((), arrays)
        if self.executable is None:
            self.prepare("numpy")
        given = [arrays[position] for position in self.positions]
        for position, array in enumerate(given):
            if not array.flags.c_contiguous or not array.flags.aligned:
                given[position] = np.array(array, order="C")
        return self._spread(self.executable(*given), arrays)

    def outline(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The same without an emitter: once, for the shapes of what is traced further on."""
        constants = [each.key if each.kind == "constant" else arrays[each.key] for each in self.program.inputs]
        return self._spread(evaluate(self.program, constants)[0], arrays)


def prepare(program: Program, jit: str) -> None:
    """Emit the sub-programs of a program's instructions."""
    for instruction in program.instructions:
        emit = getattr(instruction.primitive.impl, "prepare", None)
        if emit is not None:
            emit(jit)
