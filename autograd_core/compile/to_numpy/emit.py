"""The NumPy emitter: a program as Python source that calls NumPy, one line or two for each instruction.

The source has two functions, one in the other. ``prepare(x0, ...)`` is called once for the bound arrays (variables,
mostly): it sets up the workspace and every view that is the same at each call. It returns ``step(x1, ...)``, which does
the work for the passed arrays: calls of NumPy that write into what was prepared.
"""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np

from ...symbol import Value
from ..executable import BOUND
from ..machine.python_threads import threads_at_most
from ..machine.threads import blas_held
from ..passes.dead import dead
from ..passes.rewrite import name_new
from ..program import Program
from ..times import fastest, row, workspace
from .blocks import Sizes, block_memory, needs_blas, steps_of
from .calls import writes_out
from .lower import lower
from .source import Writer
from .storage import Step, Storage, plan_storage

_serial = count()


_silent = partial(np.errstate, all="ignore")


class _sharing:  # noqa: N801 - like np.errstate
    """Context for plans whose loops are shared by threads: NumPy says nothing, and BLAS keeps to one thread."""

    __slots__ = ("_errors",)

    def __enter__(self) -> None:
        self._errors = _silent()
        self._errors.__enter__()
        blas_held.__enter__()

    def __exit__(self, *exc_info: Any) -> None:
        blas_held.__exit__(*exc_info)
        self._errors.__exit__(*exc_info)


class NumpyExecutable:
    """A program that runs as a Python function over NumPy arrays; see ``Executable``."""

    def __init__(
        self, program: Program, source: str, names: dict[str, Any], storage: Storage, steps: Sequence[Step],
        again: Callable[[], NumpyExecutable], shares: bool,
    ):  # fmt: skip
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
        self._again = again
        self._context = _sharing if shares else _silent
        self._scope = scope
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
            with self._context():
                return step(*arrays)
        finally:
            ready.append(step)

    def report(self) -> list[dict[str, Any]]:
        """One row per step: what it does, the bytes that it reads and writes; at the end the workspace."""
        rows = [_row(step) for step in self._steps]
        rows.append(workspace(self.storage.size, self.storage.least))
        return rows

    def groups(self) -> list[tuple[str, list[Value]]]:
        """Name of each step, and the values that it computes."""
        rows = self.report()
        return [
            (f"{row['name']}: in blocks", [result for i in step.instructions for result in i.results])
            for row, step in zip(rows, self._steps, strict=False)
        ]

    def times(self, bound: Sequence[Any], passed: Sequence[Any]) -> list[float]:
        """Microseconds of each step, in the order of the report; measured on copies of the bound arrays."""
        return self._again()._measured(bound, passed)  # emitted anew, with lines that note the time

    def _measured(self, bound: Sequence[Any], passed: Sequence[Any]) -> list[float]:
        copies = [np.array(array, order="C") for array in bound]
        stamps = self._scope["stamps"]
        step = self._prepare(*copies)

        def run() -> list[float]:
            with self._context():
                step(*passed)
            own = stamps[-1] - stamps[-2]  # of the clock itself
            return [max(stop - start - own, 0) / 1e3 for start, stop in pairwise(stamps[:-1])]

        return fastest(run, copies, bound)


def _row(step: Step) -> dict[str, Any]:
    read = {v for i in step.instructions for v in i.values()} - {r for i in step.instructions for r in i.results}
    made = {r for i in step.instructions for r in i.results} - step.inner
    reads, writes = (sum(value.nbytes for value in values) for values in (read, made))
    name = ", ".join(result.name for i in step.instructions for result in i.results if result in made)
    return row(name, [i.primitive.name for i in step.instructions], reads, writes, step.parts)


def emit(
    program: Program, blocks: Sequence[int] | None = None, timed: bool = False, threads: int | None = None
) -> NumpyExecutable:
    """Python source for ``program``, made ready to run.

    Parameters
    ----------
    program : Program
    blocks : sequence of int, optional
        The first of ``Sizes``: entries from which on chains run block by block, entries of a block, and so on.
    timed : bool
        Whether the clock is read after each step.
    threads : int, optional
        Parts into which long loops are cut; by default the threads that there are now.

    Returns
    -------
    NumpyExecutable
    """
    lowered = dead(lower(program))
    lowered.inputs = program.inputs + [i for i in lowered.inputs if i not in program.inputs]
    _see_to_names(lowered)
    sizes, threads = Sizes(*blocks or ()), threads_at_most() if threads is None else threads
    steps = steps_of(lowered, sizes, threads)
    shares = any(step.parts > 1 for step in steps)
    if shares and any(needs_blas(step) for step in steps):
        steps, shares = steps_of(lowered, sizes), False
    storage = plan_storage(lowered, steps, writes_out, block_memory)
    writer = Writer(lowered, steps, storage, timed)
    again = partial(emit, program, blocks, True, threads)
    return NumpyExecutable(program, writer.text(), writer.names, storage, steps, again, shares)


def _see_to_names(program: Program) -> None:
    values = [each.value for each in program.inputs] + [r for i in program.instructions for r in i.results]
    named = [value.name for value in values if value.name]
    if len(set(named)) < len(named):
        program.name_values()
    name_new(program)
