"""A pendulum's way by the method of Runge and Kutta: a loop that ends at a time which is known to the call alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.benchmarks.compiled.work import Contender, Run, Target, Work, ours

STEPS, STEP = 10_000, 1e-3


def problem() -> dict[str, Any]:
    return {"start": np.array([2.0, 0.1], np.float64), "end": np.float64((STEPS - 0.5) * STEP)}


def slope(angle, speed, sin):
    return speed, -9.81 * sin(angle)


def advanced(angle, speed, sin):
    """One step."""
    a1, s1 = slope(angle, speed, sin)
    a2, s2 = slope(angle + 0.5 * STEP * a1, speed + 0.5 * STEP * s1, sin)
    a3, s3 = slope(angle + 0.5 * STEP * a2, speed + 0.5 * STEP * s2, sin)
    a4, s4 = slope(angle + STEP * a3, speed + STEP * s3, sin)
    return angle + STEP / 6 * (a1 + 2 * (a2 + a3) + a4), speed + STEP / 6 * (s1 + 2 * (s2 + s3) + s4)


def way(start, end, while_loop, sin):
    """Angle and speed at the end, by a framework's own ``while_loop``."""
    first = (start[0] * 0, start[0], start[1])
    return while_loop(lambda c: c[0] < end, lambda c: (c[0] + STEP, *advanced(c[1], c[2], sin)), first)[1:]


def run_of(call) -> Run:
    return Run(call, lambda: {"end": np.array([float(each) for each in call()])})


def plain(going_on, body, carry):
    """What ``while_loop`` means."""
    while going_on(carry):
        carry = body(carry)
    return carry


def reference(problem):
    return {"end": np.array(way(problem["start"], problem["end"], plain, np.sin))}


def by_hand(problem: Mapping[str, Any]) -> Run:
    return run_of(lambda: way(problem["start"], problem["end"], plain, np.sin))


WORK = Work(
    title="while_loop: a step of a pendulum, 4th order",
    problem=problem,
    reference=reference,
    contenders={
        **ours("while_loop"),
        "NumPy by hand": Contender("hand", "while_loop:by_hand"),
        "JAX jit": Contender("jax", "with_jax:while_loop"),
    },
    targets=(Target("numba", 1.0, ("jax",)),),
    per=STEPS,
    tolerance=1e-9,
)
