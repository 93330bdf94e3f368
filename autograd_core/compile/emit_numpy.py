"""The NumPy emitter: a program as Python source that calls NumPy, one line or two for each instruction.

The source has two functions, one in the other. ``prepare(x0, ...)`` is called once for the bound arrays (variables,
mostly): it sets up the workspace and every view that is the same at each call. It returns ``step(x1, ...)``, which does
the work for the passed arrays: calls of NumPy that write into what was prepared.
"""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from .executable import BOUND
from .numpy_blocks import block_memory, steps_of
from .numpy_calls import writes_out
from .numpy_lower import lower
from .numpy_source import Writer
from .numpy_storage import Step, Storage, plan_storage
from .passes.dead import dead
from .passes.rewrite import name_new
from .program import Program

_serial = count()


class NumpyExecutable:
    """A program that runs as a Python function over NumPy arrays; see ``Executable``."""

    def __init__(self, program: Program, source: str, names: dict[str, Any], storage: Storage, steps: Sequence[Step]):
        self.program = program
        self.source = source
        self.storage = storage
        self._steps = steps
        file = f"<autograd_core.{program.name} {next(_serial)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        weakref.finalize(self, linecache.cache.pop, file, None)
        scope = dict(names)
        exec(compile(source, file, "exec"), scope)
        self._prepare = scope["prepare"]
        self._bound: tuple[Any, ...] = ()
        self._ready: list[Any] = []
        self._count = sum(each.kind in BOUND for each in program.inputs)

    def bind(self, arrays: Sequence[Any]) -> None:
        """Say which arrays the bound inputs are, in the program's order; none to let go of them."""
        self._bound = tuple(arrays)
        self._ready = [self._prepare(*arrays)] if len(arrays) == self._count else []

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Run on the passed inputs, in the program's order."""
        ready = self._ready  # a workspace for each call in flight
        try:
            step = ready.pop()
        except IndexError:
            step = self._prepare(*self._bound)
        try:
            with np.errstate(all="ignore"):
                return step(*arrays)
        finally:
            ready.append(step)

    def report(self) -> list[dict[str, Any]]:
        """One row per step: what it does, the bytes that it reads and writes; at the end the workspace."""
        rows = [_row(step) for step in self._steps]
        rows.append({"name": "workspace", "operations": [], "bytes": self.storage.size, "least": self.storage.least})
        return rows


def _row(step: Step) -> dict[str, Any]:
    read = {v for i in step.instructions for v in i.values()} - {r for i in step.instructions for r in i.results}
    made = {r for i in step.instructions for r in i.results} - step.inner
    return {
        "name": ", ".join(v.name for v in made),
        "operations": [i.primitive.name for i in step.instructions],
        "fused": len(step.instructions),
        "bytes": sum(v.nbytes for v in read | made),
    }


def emit(program: Program, blocks: tuple[int, int] | None = None) -> NumpyExecutable:
    """Python source for ``program``, made ready to run.

    Parameters
    ----------
    program : Program
    blocks : (int, int), optional
        Entries from which on chains run block by block, and entries of a block.

    Returns
    -------
    NumpyExecutable
    """
    lowered = dead(lower(program))
    lowered.inputs = program.inputs + [i for i in lowered.inputs if i not in program.inputs]
    _see_to_names(lowered)
    steps = steps_of(lowered, *(() if blocks is None else blocks))
    storage = plan_storage(lowered, steps, writes_out, block_memory)
    writer = Writer(lowered, steps, storage)
    return NumpyExecutable(program, writer.text(), writer.names, storage, steps)


def _see_to_names(program: Program) -> None:
    values = [each.value for each in program.inputs] + [r for i in program.instructions for r in i.results]
    named = [value.name for value in values if value.name]
    if len(set(named)) < len(named):
        program.name_values()
    name_new(program)
