"""A derivative along a line by few differences, and whether a rule agrees with it.

Four values settle the usual case: central quotients at two steps, combined (Richardson), differ from the better of the
two by about what is left. Only where that does not settle it are more taken: with directions of another scale, then on
the whole ladder of steps that ``check_grads`` uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Arrays, is_finite, moved, pair, precision, random_like, same, sizes
from .ladder import central, one_sided
from .subject import Run, Subject

AGREES = "agrees"
DIFFERS = "differs"
UNSURE = "unsure"


APPROXIMATE = 3e-3
"""A rule this near is not called wrong: it may be that of what an iteration approximates."""


def tolerance(eps: float) -> float:
    """Relative difference allowed: 1e-4 in float64, 2e-2 in float32. Rules of iterative solvers are only so exact."""
    return float(eps**0.25)


@dataclass(slots=True)
class Slope:
    """Derivative along a direction, by differences.

    Attributes
    ----------
    direction : list of array
    step : float
    value, error : float
        The error is about how far off ``value`` may be.
    runs : dict
        The calls that it was made of, by step; none of a large operation, whose recordings would fill the memory.
    is_flat : bool
        No value changed in any entry.
    """

    direction: Arrays
    step: float
    value: float
    error: float
    runs: dict[float, Run]
    is_flat: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """By rule, by differences, and the verdict: "agrees", "differs" or "unsure"."""

    by_rule: float
    numerical: float
    allowed: float
    verdict: str

    @property
    def numbers(self) -> tuple[float, float]:
        """Both numbers."""
        return self.by_rule, self.numerical


def first_step(eps: float) -> float:
    """Step relative to the point, a power of two: short, so that few kinks lie between its ends."""
    return float(2.0 ** round(np.log2(eps**0.25)))


def slope(subject: Subject, here: Run, cts: Arrays, direction: Arrays, step: float) -> Slope:
    """Derivative of ``<cts, f>`` at ``here`` along ``direction``; four calls."""
    runs: dict[float, Run] = {}
    totals: dict[float, tuple[float, float]] = {}
    flat = True
    for t in (step, -step, step / 4, -step / 4):
        run = subject.run(moved(here.points, direction, t))
        totals[t] = pair(cts, run.values)
        flat = flat and same(run.values, here.values)
        if not subject.is_large:
            runs[t] = run
    size = max(size for _, size in totals.values())
    wide = (totals[step][0] - totals[-step][0]) / (2 * step)
    narrow = (totals[step / 4][0] - totals[-step / 4][0]) / (step / 2)
    combined = (16 * narrow - wide) / 15
    noise = 4 * precision([*here.points, *here.values]) * size / step
    return Slope(direction, step, combined, abs(combined - narrow) + noise, runs, flat)


def judge(by_rule: float, magnitude: float, value: float, error: float, eps: float) -> Comparison:
    """Compare a derivative by rule, summed from terms of size ``magnitude``, with one by differences."""
    rtol = tolerance(eps)
    allowed = rtol * abs(value) + 64 * eps * magnitude + 4 * error
    if not np.isfinite(value) or not np.isfinite(error):
        return Comparison(by_rule, value, allowed, UNSURE)
    if not np.isfinite(by_rule):
        return Comparison(by_rule, value, allowed, DIFFERS)
    if abs(by_rule - value) > allowed:
        return Comparison(by_rule, value, allowed, DIFFERS)
    measured = 4 * error <= 0.1 * max(abs(value), abs(by_rule), 1e-3 * magnitude) or error == 0.0
    return Comparison(by_rule, value, allowed, AGREES if measured else UNSURE)


def directions(points: Arrays, generator: Any) -> list[Arrays]:
    """Directions to try: in proportion to the entries, and with entries of size 1 at least."""
    signs = [random_like(x, generator) for x in points]
    found = [
        [np.asarray(s * sizes(x, least), x.dtype) for s, x in zip(signs, points, strict=True)] for least in (0.0, 1.0)
    ]
    return found[:1] if same(*found) else found


# -- on the whole ladder -----------------------------------------------------------------------------------------------


class Line:
    """A function along lines through one point."""

    def __init__(self, subject: Subject, points: Arrays, cts: Arrays, eps: float):
        self.subject, self.points, self.cts, self.eps = subject, points, cts, eps
        self.least = 0.0

    def listen(self, direction: Arrays) -> None:
        """Find out how rough the function is, for all that is asked later.

        One that computes in a narrower dtype than it is given, or stops an iteration early, has more noise than
        rounding explains. What oscillates within a short step is taken for rough, too: agreement is asked for before.
        """
        value = self.along(direction)
        noise = 0.0
        for step in (64 * self.eps, *(self.eps**power for power in (0.7, 0.5, 0.42, 0.33))):
            # On one side, where no kink lies; of a smooth function third differences are nothing.
            totals = [value(k * step)[0] for k in range(1, 8)]
            noise = max(noise, float(np.abs(np.diff(totals, 3)).max()) / 2)
        if np.isfinite(noise):
            self.least = noise / self.eps

    def along(self, direction: Arrays) -> Callable[[float], tuple[float, float]]:
        """The function ``t -> <cts, f(points + t direction)>``, with the size of what its rounding is relative to."""

        def value(t: float) -> tuple[float, float]:
            values = self.subject.values(moved(self.points, direction, t))
            if not is_finite(values):
                return float("nan"), 0.0
            total, size = pair(self.cts, values)
            return total, max(size, self.least)

        return value

    def derivative(self, direction: Arrays) -> tuple[float, float]:
        """Derivative along ``direction`` and its error, with as many steps as it takes."""
        return central(self.along(direction), self.eps)

    def both_sides(self, direction: Arrays) -> list[tuple[float, float]]:
        """Derivatives from the left and from the right, each with its error."""
        return [one_sided(self.along(direction), self.eps, side) for side in (-1, 1)]

    def compare(self, pulled: Arrays, direction: Arrays) -> Comparison:
        """Judge what a rule gave."""
        return judge(*pair(pulled, direction), *self.derivative(direction), self.eps)
