"""How long each kernel of a plan takes: the shortest of many runs, on copies of everything that is written to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SECONDS = 0.3
"""About how long is measured."""

ROUNDS = 200
"""At most so many runs; at least three."""


def fastest(run: Callable[[], Sequence[float]], copies: Sequence[Any], arrays: Sequence[Any]) -> list[float]:
    """The shortest time of each kernel.

    Parameters
    ----------
    run : callable
        Makes one run that works on ``copies``, and gives the time of each kernel.
    copies, arrays : sequences of array
        Before each run ``copies`` are made equal to ``arrays`` again.
    """
    found: list[Sequence[float]] = []
    started = time.perf_counter()
    while len(found) < 4 or (len(found) < ROUNDS and time.perf_counter() - started < SECONDS):
        for copy, array in zip(copies, arrays, strict=True):
            np.copyto(copy, array)
        found.append(run())
    return [min(times) for times in zip(*found[1:], strict=True)]  # the first is slow: nothing is in the caches


def row(name: str, operations: Sequence[str], reads: int, writes: int, threads: int = 1) -> dict[str, Any]:
    """A row of a report."""
    return {
        "name": name, "operations": list(operations), "bytes": reads + writes, "reads": reads, "writes": writes,
        "threads": threads, "microseconds": None,
    }  # fmt: skip


def workspace(nbytes: int, least: int) -> dict[str, Any]:
    """The last row of a report: what lies between the kernels, and the least that it could be."""
    return {**row("workspace", (), 0, 0, 0), "bytes": nbytes, "least": least}
