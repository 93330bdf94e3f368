r"""How far to go along a direction: a step length that satisfies the strong Wolfe conditions.

:math:`\phi(t) = f(x + t d)` must fall enough, :math:`\phi(t) \le \phi(0) + c_1 t \phi'(0)`, and its slope must flatten,
:math:`|\phi'(t)| \le c_2 |\phi'(0)|`. First the step is made longer until such a length is bracketed, then the bracket
is narrowed by cubic interpolation.

References
----------
Nocedal & Wright (2006), "Numerical optimization", algorithms 3.5 and 3.6, equation 3.59. Hager & Zhang (2005), "A new
conjugate gradient method with guaranteed descent and an efficient line search", section 4, for the case that the loss
itself can no longer tell two points apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ENOUGH = 1e-4  # c1
FLATTER = 0.9  # c2; near 1, as a quasi-Newton direction seldom needs another length
LONGER = 10.0  # at most so many times the last length, while the step is made longer
EVALUATIONS = 25


class Point(NamedTuple):
    """What is known at one step length: ``slope`` is that along the direction; ``gradient`` the whole."""

    length: float
    loss: float
    slope: float
    gradient: Any

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.slope)


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, length: float, noise: float, shortest: float
) -> Point | None:
    """Find a step length.

    Parameters
    ----------
    evaluate : callable
        Gives the Point for a length.
    start : Point
        That of length 0; its slope is negative.
    length : float
        To be tried first.
    noise : float
        How far two losses may differ without meaning anything, as part of the loss: the resolution of its dtype.
    shortest : float
        A bracket narrower than this is not narrowed further.

    Returns
    -------
    Point or None
        One that satisfies the conditions; failing that, the lowest one found; None if none is lower than the start.
    """
    search = _Search(evaluate, start, noise)
    found = search.extend(length, shortest)
    if found is None and search.lowest.loss < start.loss:
        return search.lowest
    return found


class _Search:
    def __init__(self, evaluate: Callable[[float], Point], start: Point, noise: float):
        self.evaluate_at, self.start, self.lowest = evaluate, start, start
        self.left = EVALUATIONS
        self.slack = noise * abs(start.loss)

    def evaluate(self, length: float) -> Point:
        self.left -= 1
        point = self.evaluate_at(length)
        if point.is_finite and point.loss < self.lowest.loss:
            self.lowest = point
        return point

    def falls_enough(self, point: Point) -> bool:
        return point.loss <= self.start.loss + ENOUGH * point.length * self.start.slope

    def is_good(self, point: Point) -> bool:
        # So near the minimum that the losses are equal but for rounding, the slopes alone must do.
        falls = self.falls_enough(point) or abs(point.loss - self.start.loss) <= self.slack
        return point.is_finite and falls and abs(point.slope) <= -FLATTER * self.start.slope

    def extend(self, length: float, shortest: float) -> Point | None:
        """Algorithm 3.5: longer and longer steps, until a good one lies between two that were tried."""
        before = self.start
        while self.left > 0:
            point = self.evaluate(length)
            if self.is_good(point):
                return point
            if not point.is_finite or not self.falls_enough(point) or (before.length and point.loss >= before.loss):
                return self.narrow(before, point, shortest)
            if point.slope >= 0:
                return self.narrow(point, before, shortest)
            longest = LONGER * length
            ahead = _cubic_minimum(before, point)
            length = min(max(ahead, 1.1 * length), longest) if math.isfinite(ahead) else longest
            before = point
        return None

    def narrow(self, low: Point, high: Point, shortest: float) -> Point | None:
        """Algorithm 3.6: ``low`` is the lowest good enough so far, and falls towards ``high``."""
        while self.left > 0 and abs(high.length - low.length) > shortest:
            point = self.evaluate(_between(low, high))
            if self.is_good(point):
                return point
            if not point.is_finite or not self.falls_enough(point) or point.loss >= low.loss:
                high = point
                continue
            if point.slope * (high.length - low.length) >= 0:
                high = low
            low = point
        return None


def _between(low: Point, high: Point) -> float:
    """Where to try next: the cubic's minimum, kept away from both ends; the middle if there is none."""
    width = high.length - low.length
    length = _cubic_minimum(low, high) if high.is_finite else math.nan
    share = (length - low.length) / width
    if not math.isfinite(share):
        share = 0.5 if high.is_finite else 0.1  # the loss is no number there: come well away from it
    return low.length + min(max(share, 0.1), 0.9) * width


def _cubic_minimum(a: Point, b: Point) -> float:
    """Minimum of the cubic with the losses and slopes of both points (equation 3.59); NaN if it has none."""
    width = b.length - a.length
    if width == 0.0:
        return math.nan
    d1 = a.slope + b.slope - 3.0 * (b.loss - a.loss) / width
    square = d1 * d1 - a.slope * b.slope
    if not math.isfinite(square) or square < 0.0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), width)
    divisor = b.slope - a.slope + 2.0 * d2
    return b.length - width * (b.slope + d2 - d1) / divisor if divisor else math.nan
