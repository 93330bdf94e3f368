"""Time of ``cotangents.add_at``, the backward pass of ``table[indices]``, beside ``np.add.at`` on the same arrays."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np

from autograd_core.scatter import add_at

CASES = ((1000, 64, 2048), (10000, 128, 4096), (100, 3, 32), (50, 1, 10000))


def main() -> None:
    """Print a line per size: microseconds of both, medians of interleaved rounds, and their ratio."""
    rng = np.random.default_rng(0)
    print(f"{'rows':>8} {'width':>6} {'indices':>8} {'add_at us':>10} {'np.add.at us':>13} {'ratio':>6}")
    for rows, width, count in CASES:
        index = rng.integers(0, rows, count)
        values = rng.normal(size=(count, width)).astype(np.float32)
        buffers = [np.zeros((rows, width), np.float32) for _ in range(2)]
        np.add.at(buffers[0], index, values)
        add_at(buffers[1], index, values)
        np.testing.assert_allclose(*buffers, rtol=1e-5, atol=1e-5)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(30):
            for function, buffer, taken in zip((add_at, np.add.at), buffers, times, strict=True):
                start = perf_counter()
                function(buffer, index, values)
                taken.append(perf_counter() - start)
        ours, numpy = (median(taken) * 1e6 for taken in times)
        print(f"{rows:>8} {width:>6} {count:>8} {ours:>10.1f} {numpy:>13.1f} {ours / numpy:>6.2f}")


if __name__ == "__main__":
    main()
