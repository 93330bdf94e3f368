"""Plan: a traced function made ready to run, for one signature of its arguments."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import hooks
from ..errors import GraphError, MissingExtraError
from ..graph.render import FORMATS, check, drawing_to_svg, render
from ..tensor import Tensor
from . import diagram
from .binding import Binding
from .cost import is_compiled_soon
from .executable import BOUND, PASSED, ZeroMetInfinity
from .passes import optimise
from .program import Program
from .signature import Leaves
from .to_numpy import emit as emit_numpy
from .trace import Trace

if TYPE_CHECKING:
    import graphviz


_PLAIN = 0x101
"""Of an array's flags: in C order and aligned."""


class Plan:
    """One recorded program, its passes applied, and the code emitted for it.

    Attributes
    ----------
    program : Program
        As it was traced; ``optimised`` is what was emitted.
    source : str
        The emitted Python text.
    jit : str
        "numpy" or "numba". What was ``asked`` for may be "auto": Numba, if it does not take too long to compile.
    """

    def __init__(self, trace: Trace, program: Program, jit: str, retrace: Callable[[], Plan] | None = None):
        started = time.perf_counter()
        self.program = program
        self.optimised = optimise(program)
        self.statics = trace.statics
        self.asked = jit
        self.jit = jit if jit != "auto" else "numba" if is_compiled_soon(self.optimised) else "numpy"
        self._afterwards = trace.afterwards
        self._late = trace.late_calls
        self._finishes = bool(trace.afterwards or trace.late_calls)
        returned = len(program.outputs) - sum(len(positions) for _, positions in trace.afterwards)
        self._count = returned + len(trace.late_calls)
        for instruction in self.optimised.instructions:
            if hasattr(instruction.primitive.impl, "prepare"):  # a branch or a loop: it has programs of its own
                instruction.primitive.impl.prepare(self.jit)
        self._executable = emitter(self.jit)(self.optimised)
        self._binding = Binding(self.optimised, self._executable)
        self._written = self._binding.written
        self._retrace = retrace
        self._with_zeros: Plan | None = None
        self._lock = RLock() if self.optimised.writes or trace.afterwards else None
        passed = list(enumerate(each for each in self.optimised.inputs if each.kind in PASSED))
        self._blank: list[Any] = [None] * len(passed)
        self._from_leaves = [(place, each.key) for place, each in passed if each.kind == "argument"]
        self._from_tensors = [(place, each.key) for place, each in passed if each.kind == "tensor"]
        # By the order in which the function asked: the same in every trace of it.
        asked = [each.key for each in program.inputs if each.kind == "host"]
        numbers = {id(key): number for number, key in enumerate(asked)}
        self._from_python = [
            (place, each.key, each.value.dtype, each.value.shape, numbers[id(each.key)])
            for place, each in passed
            if each.kind == "host"
        ]
        self._bound = any(each.kind not in PASSED and each.kind != "constant" for each in self.optimised.inputs)
        self.seconds = time.perf_counter() - started
        hooks.PLANS.add(self)

    @property
    def source(self) -> str:
        """The emitted Python text; after it that of branches and bodies of loops."""
        return "\n\n".join([self._executable.source, *(code.source for code in self._codes())])

    def report(self, *args: Any, **keywords: Any) -> list[dict[str, Any]]:
        """Kernels, what was fused in each, and the bytes that it reads and writes; at the end the workspace.

        With arguments of the function also the time of each kernel, as ``times`` measures it.
        """
        if args or keywords:
            return self.times(*args, **keywords)
        return [*self._executable.report(), *(row for code in self._codes() for row in code.report())]

    def times(self, *args: Any, **keywords: Any) -> list[dict[str, Any]]:
        """The report with the time of each kernel, for such arguments: "microseconds", the shortest of many runs.

        Variables and state stay as they are: it is copies that the runs work on. Values that come from Python at each
        call (a learning rate, random numbers) are zeros here. Kernels of branches and loops have no times of their own.
        """
        arrays = self._passed(Leaves(self.program.name, args, keywords).arrays, ask=False)
        bound = [
            each.key._value.array if each.kind == "variable" else each.key
            for each in self.optimised.inputs
            if each.kind in BOUND
        ]
        rows = self.report()
        try:
            found = self._executable.times([np.asarray(array, order="C") for array in bound], arrays)
        except ZeroMetInfinity:
            if self._retrace is None:
                raise
            self._with_zeros = self._with_zeros or self._retrace()
            return self._with_zeros.times(*args, **keywords)
        for row, microseconds in zip(rows, found, strict=False):
            row["microseconds"] = microseconds
        return rows

    def _codes(self) -> list[Any]:
        """What the branches and loops of the program have been made into."""
        impls = [instruction.primitive.impl for instruction in self.optimised.instructions]
        return [code for impl in impls for code in getattr(impl, "codes", ()) if hasattr(code, "source")]

    def draw(self, optimised: bool = True, direction: str = "TB") -> graphviz.Digraph:
        """The program as a drawing: after the passes, with a box around each kernel's operations; or as recorded.

        In a large program each kernel is one box.

        Returns
        -------
        graphviz.Digraph
            Notebooks show it; ``render`` writes it to a file.
        """
        if not optimised:
            return diagram.digraph(self.program, direction)
        return diagram.digraph(self.optimised, direction, self._executable.groups())

    def render(self, path: str | Path, optimised: bool = True, direction: str = "TB") -> Path:
        """Draw the program into a file: .svg, .png, .pdf, or .dot for the source of the drawing; see ``draw``.

        Raises
        ------
        MissingExtraError
            If no Graphviz is there.
        GraphError
            If the program is too large to be laid out, or there is no such folder or format.
        """
        program = self.optimised if optimised else self.program
        path = Path(path)
        check(path)
        if path.suffix.lower() in FORMATS and len(program.instructions) > diagram.MOST and not optimised:
            raise GraphError(
                f"Plan.render: {len(program.instructions):,} instructions; {diagram.MOST:,} can be laid out in a "
                "reasonable time. Draw the plan after the passes (optimised=True), where kernels are boxes, or write "
                f"the source alone: render({path.with_suffix('.dot').name!r}, optimised=False)."
            )
        return render(self.draw(optimised, direction), path)

    def _repr_svg_(self) -> str | None:
        """Picture for Jupyter; None, so that the text is shown, where it cannot be drawn."""
        return drawing_to_svg(self.draw())

    def __repr__(self) -> str:
        count = len(self.optimised.instructions)
        return f"<Plan {self.program.name}: {len(self.program.instructions)} instructions, {count} left, {self.jit}>"

    def outdate(self) -> None:
        """Let the plan hold no more: the next call makes another one."""
        self.statics = [*self.statics, (_never, None)]

    def holds(self) -> bool:
        """Whether the facts that the plan was made for still hold."""
        for find_out, value in self.statics:  # noqa: SIM110 - a generator takes longer than what it asks
            if find_out() != value:
                return False
        return True

    def __call__(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Run on the arguments' leaves; one array for each output."""
        if self._lock is None:
            return self._run(leaves)
        with self._lock:
            return self._run(leaves)

    def _passed(self, leaves: Sequence[Any], ask: bool = True) -> list[Any]:
        """The arrays for the passed inputs; with ``ask`` those from Python too, else zeros for them."""
        arrays = self._blank.copy()
        for place, position in self._from_leaves:
            array = leaves[position]
            arrays[place] = array if array.flags.num & _PLAIN == _PLAIN else np.array(array, order="C")
        for place, tensor in self._from_tensors:
            arrays[place] = np.ascontiguousarray(tensor.array).reshape(tensor.shape)
        for place, call, dtype, shape, _ in self._from_python:
            array = np.array(call(), dtype, order="C") if ask else np.zeros(shape, dtype)
            arrays[place] = array if array.shape == shape else array.reshape(shape)
        return arrays

    def _run(self, leaves: Sequence[Any], drawn: dict[int, Any] | None = None) -> tuple[Any, ...]:
        arrays = self._passed(leaves, ask=drawn is None)
        if drawn is not None:
            for place, call, dtype, _, number in self._from_python:
                arrays[place] = drawn[number] if number in drawn else np.array(call(), dtype, order="C")
        if self._bound:
            self._binding.prepare()
        try:
            outputs = self._executable(*arrays)
        except ZeroMetInfinity:
            if self._retrace is None:
                raise
            return self._again(leaves, arrays)
        for variable in self._written:
            variable.version += 1
            variable._assigned_by = None
        if self._finishes:
            return self._finished(outputs)
        return outputs

    def _finished(self, outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Make the calls that come after a run, and put what they give in its place."""
        for call, positions in self._afterwards:
            call(*[Tensor(outputs[position], None) for position in positions])
        if not self._late:
            return outputs[: self._count]
        arrays, given = iter(outputs), []
        for position in range(self._count):
            late = self._late.get(position)
            given.append(next(arrays) if late is None else _raw(late()))
        return tuple(given)

    def _again(self, leaves: Sequence[Any], arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The same call with zeros winning over infinities, on the numbers drawn for it; nothing has been changed."""
        if self._with_zeros is None:
            self._with_zeros = self._retrace()  # type: ignore[misc]  # the caller has looked
        self._binding.release()
        drawn = {number: arrays[place] for place, *_, number in self._from_python}
        return self._with_zeros._run(leaves, drawn)


def _never() -> object:
    """Nothing that a plan could be made for."""
    return _never


def _raw(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def emitter(jit: str, repeated: bool = False) -> Callable[[Program], Any]:
    """Function that makes a program an executable; ``repeated``: the step of a loop."""
    if jit == "numpy":
        return emit_numpy.emit
    try:
        # Not imported at the top: it imports Numba, which takes half a second and may not be there.
        emit_numba = importlib.import_module(".to_numba.emit", __package__)
    except ImportError as error:
        raise MissingExtraError(
            'function: jit="numba" needs the extra "jit": pip install "autograd-core[jit]" '
            f'({error}). Or use jit="numpy", which needs nothing.'
        ) from None
    return partial(emit_numba.emit, repeated=True) if repeated else emit_numba.emit
