"""The time of each kernel of a Numba plan, by code that notes the clock before and after each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..machine import threads
from ..times import fastest
from .clock import microseconds_per_tick
from .lower import Op
from .pointer import IS_TUPLE, addresses, handle

if TYPE_CHECKING:
    from .executable import Frame, NumbaExecutable


def measure(executable: NumbaExecutable, bound: Sequence[Any], passed: Sequence[Any]) -> list[float]:
    """Microseconds of each kernel.

    Parameters
    ----------
    executable : NumbaExecutable
        Emitted with ``timed``.
    bound, passed : sequences of array
        Inputs; what is written to are copies.
    """
    copies = [np.array(array, order="C") for array in bound]
    executable.bind(copies)
    frame = executable.new_frame()
    outputs = executable.new_outputs()
    scale = microseconds_per_tick()

    def run() -> list[float]:
        _run(executable, frame, tuple(passed), outputs)
        before, after = frame.stamps[::2], frame.stamps[1::2]
        return [(stop - start) * scale for start, stop in zip(before.tolist(), after.tolist(), strict=True)]

    try:
        return fastest(run, copies, bound)
    finally:
        executable.bind(())


def _run(executable: NumbaExecutable, frame: Frame, passed: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
    scale = microseconds_per_tick()
    arrays = (*passed, *outputs)
    given = arrays if IS_TUPLE else addresses(arrays)
    for step, number in executable.steps():
        if step.__class__ is Op:
            start = time.perf_counter_ns()
            executable.call_python(step, frame, passed, outputs)
            frame.stamps[2 * number] = 0
            frame.stamps[2 * number + 1] = int((time.perf_counter_ns() - start) / 1e3 / scale)
            continue
        if executable.parallel:
            with threads.parallel_region:
                code = step(frame.address, handle(given))
        else:
            code = step(frame.address, handle(given))
        if code:
            executable.fail(code, frame, passed, outputs)
