"""Nanoseconds of a function of one number that waits for the one before: the C library's beside that for vectors.

python -m tests.benchmarks.alone
"""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np
from numba import njit

from autograd_core.compile.machine import alone, vector_math
from autograd_core.compile.machine.scalar_rules import ALONE

CALLS = 20_000
ROUNDS = 15


def chain(function, dtype):
    """A function that calls ``function`` so many times, each on what the one before gave."""

    @njit(error_model="numpy")
    def run(x, count):
        last = dtype(0)
        for _ in range(count):
            last = dtype(function(x + last * dtype(1e-3)))
        return last

    return lambda: run(dtype(0.7), CALLS)


def main() -> None:
    """Print a line per function and dtype: medians of interleaved rounds, and their ratio."""
    print(f"{'function':>10} {'dtype':>8} {'library':>8} {'vectors':>8} {'ratio':>6}")
    for name in ALONE:
        for dtype, suffix in ((np.float32, "f32"), (np.float64, "f64")):
            both = getattr(alone, f"{name}_alone"), getattr(vector_math, f"{name}_{suffix}")
            runs = [chain(function, dtype) for function in both]
            np.testing.assert_allclose(runs[0](), runs[1](), rtol=1e-5 if dtype is np.float32 else 1e-13)
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                for run, taken in zip(runs, times, strict=True):
                    start = perf_counter()
                    run()
                    taken.append(perf_counter() - start)
            library, vectors = (median(taken) / CALLS * 1e9 for taken in times)
            print(f"{name:>10} {dtype.__name__:>8} {library:>8.1f} {vectors:>8.1f} {library / vectors:>6.2f}")


if __name__ == "__main__":
    main()
