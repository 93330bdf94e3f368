"""Derivatives by differences at many steps, for a function that four values do not settle.

Quotients at steps that shrink by 4 are combined in pairs (Richardson). Two combinations side by side differ by about
the error that is left, and that falls until rounding takes over: the best one is where it is least.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SHRINK = 4.0
RUNGS = 24

Along = Callable[[float], tuple[float, float]]
"""A function along a line: its value, and the size of the terms that it was summed from."""


def central(along: Along, eps: float) -> tuple[float, float]:
    """Derivative at 0, and about how far off it is."""

    def quotient(step: float) -> tuple[float, float]:
        (ahead, size), (behind, other) = along(step), along(-step)
        return (ahead - behind) / (2 * step), eps * max(size, other) / step

    return _settle(quotient, eps**0.2, SHRINK**2)


def one_sided(along: Along, eps: float, side: int) -> tuple[float, float]:
    """Derivative at 0 from the right (``side`` 1) or the left (-1); infinite if the function jumps there."""
    here, size_here = along(0.0)

    def quotient(step: float) -> tuple[float, float]:
        value, size = along(side * step)
        return side * (value - here) / step, 2 * eps * max(size, size_here) / step

    return _settle(quotient, eps ** (1 / 3), SHRINK)


def _settle(quotient: Callable[[float], tuple[float, float]], longest: float, gain: float) -> tuple[float, float]:
    """The combination that differs least from the one before; ``gain``: what a step shorter by 4 improves it by.

    Steps much longer than a wave of the function agree in being nearly 0, so one with a digit in common wins.
    """
    step = 2.0 ** round(np.log2(4 * longest))
    best, error, has_digit = np.nan, np.inf, False
    before = combined_before = np.nan
    jumps = 0
    for _ in range(RUNGS):
        now, noise = quotient(step)
        combined = (gain * now - before) / (gain - 1)
        off = abs(combined - combined_before) + noise
        digit = off <= max(0.1 * abs(combined), 2 * noise)
        if (digit, -off) > (has_digit, -error):
            best, error, has_digit = combined, off, digit
        jumps = jumps + 1 if abs(now) > 0.9 * SHRINK * abs(before) > 0 and abs(now) > 10 * noise else 0
        if jumps >= 6:
            return float(np.copysign(np.inf, now)), np.inf
        if noise > error or error <= max(1e-9 * abs(best), 2 * noise):
            break
        before, combined_before = now, combined
        step /= SHRINK
    return float(best), float(error)
