"""What ``ag.profile`` costs: steps of small and large operations, outside of it and inside.

Run: ``python -m tests.benchmarks.profile_cost``. Microseconds for one operation, forward and backward together; each is
the shortest of many runs that are short enough not to be interrupted on a busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import autograd_core as ag

OPERATIONS = 100
SIZES = (8, 1_000, 100_000)
SECONDS = 1.0


def step(size: int) -> Callable[[], None]:
    """Forward and backward pass of a chain of products and sums."""
    x = ag.Variable(np.ones(size))

    def run() -> None:
        with ag.GradientTape() as tape:
            y = x
            for _ in range(OPERATIONS // 2):
                y = y * 0.999 + 0.001
            loss = np.sum(y)
        tape.gradient(loss, x)

    return run


def shortest(run: Callable[[], None]) -> float:
    """Microseconds for one operation."""
    best, until = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best * 1e6 / OPERATIONS


def inside(run: Callable[[], None]) -> Callable[[], None]:
    """The same in a profile of its own."""

    def profiled() -> None:
        with ag.profile():
            run()

    return profiled


def main() -> None:
    print(f"{'floats':>8}  {'outside us':>10}  {'inside us':>10}  {'ratio':>6}")
    for size in SIZES:
        run = step(size)
        outside, measured = shortest(run), shortest(inside(run))
        print(f"{size:>8,}  {outside:>10.2f}  {measured:>10.2f}  {measured / outside:>6.2f}")


if __name__ == "__main__":
    main()
