"""The slopes of a function along a line, from the left, from the right and across, for each of its results.

One ladder of values f(x + t v), f(x - t v) at steps that shrink serves all three. A central quotient is far more exact
where the function is smooth; the two one-sided ones say whether it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .numerical import RUNGS, SHRINK, Estimate, Settling, first_step

AFTER_A_KINK = 12  # rungs to look for the smooth stretch that a kink nearby leaves: down to 1e-10 of the point
WEIGHTS, NOISES = np.array([[SHRINK**2], [SHRINK], [SHRINK]]), np.array([[1.0], [2.0], [2.0]])
LEVELS = 9  # of a triangle of extrapolations


@dataclass(frozen=True, slots=True)
class Slopes:
    """Derivatives along a direction, arrays with one entry per result.

    Attributes
    ----------
    central, left, right : Estimate
        An infinite value: the function jumps. NaN: it is not defined on that side.
    settled : array of bool
        Where quotients agreed with one another at all.
    steep : array of bool
        Where a one-sided slope grows without end as the step shrinks: a vertical tangent, or a jump.
    rounding : array
        Rounding error of the function itself.
    moved : array of bool
        Where any step changed the result.
    """

    central: Estimate
    left: Estimate
    right: Estimate
    settled: Any
    steep: Any
    rounding: Any
    moved: Any

    @property
    def kinked(self):
        """Where left and right differ by more than they are uncertain by, or jump, or one of them is missing."""
        return _differ(self.left, self.right)


def _differ(left, right):
    with np.errstate(invalid="ignore"):
        gap = np.abs(left.value - right.value)
        width = 8 * (left.error + right.error) + 1e-7 * np.maximum(np.abs(left.value), np.abs(right.value))
        jump = np.isinf(left.value) | np.isinf(right.value)
        return jump | (np.isnan(left.value) != np.isnan(right.value)) | (gap > width)


def slopes(
    value: Callable[[float], Any], precision: float, least, start: float | None = None, smallest: float = 0.0
) -> Slopes:
    """Slopes at 0 of ``value``, a function of a number that gives a vector.

    Parameters
    ----------
    value : callable
    precision : float
        Relative rounding error of the values.
    least : array
        Size of the terms that each value is summed from, where that is more than the value.
    start : float, optional
        First step.
    smallest : float
        The step that is lost in the rounding of the point.
    """
    here = value(0.0)
    settling = Settling(WEIGHTS)  # rows: across, left, right
    step = first_step(precision) if start is None else start
    moved, extra = np.zeros(np.shape(here), bool), 0
    lost = _smallest(precision)
    with np.errstate(all="ignore"):  # a large step may leave the domain; the next one is smaller
        for _ in range(RUNGS):
            ahead, behind = value(step), value(-step)
            size = np.maximum(np.maximum(np.abs(ahead), np.abs(behind)), least)
            noise = NOISES * ((precision * np.where(np.isfinite(size), size, 0.0) + lost) / step)
            rise, fall = ahead - here, here - behind
            moved |= (rise != 0) | (fall != 0)
            settling.add(np.stack([(ahead - behind) / 2, fall, rise]) / step, noise)
            step /= SHRINK
            if step < 64 * smallest:
                break
            if np.all(settling.done[0]):
                if extra >= AFTER_A_KINK or not np.any(_worth_a_look(settling)):
                    break
                extra += 1
    found, steep = settling.estimate(), settling.steep
    across, left, right = (Estimate(value, error) for value, error in zip(found.value, found.error, strict=True))
    rounding = precision * np.maximum(np.abs(here), least)
    return Slopes(across, left, right, settling.has_digit[0], steep[1] | steep[2], rounding, moved)


def _smallest(precision: float) -> float:
    """What a result may be off by however small it is: it underflows."""
    dtype = next((each for each in (np.float64, np.float32) if precision <= np.finfo(each).eps), np.float16)
    return float(np.finfo(dtype).smallest_subnormal)


def _worth_a_look(settling: Settling):
    """Where the sides differ, or have not settled and it is not rounding that keeps them from it."""
    (_, left, right), (_, left_error, right_error) = settling.value, settling.error
    unclear = ~settling.has_digit & ~settling.done & np.isfinite(settling.value)
    return _differ(Estimate(left, left_error), Estimate(right, right_error)) | unclear[1] | unclear[2]


def finer(coarse: Slopes, fine: Slopes) -> Slopes:
    """Of two ladders, for each result: the more certain one, and where they contradict one another that of short steps.

    Long steps may pass over all that the function does; short ones may see nothing but rounding, but know it.
    """
    take = fine.settled & _better(fine.central, coarse.central)
    return Slopes(
        _picked(take, fine.central, coarse.central),
        _picked(take | _better(fine.left, coarse.left), fine.left, coarse.left),
        _picked(take | _better(fine.right, coarse.right), fine.right, coarse.right),
        np.where(take, fine.settled, coarse.settled),
        np.where(take, fine.steep, coarse.steep),
        fine.rounding,
        coarse.moved | fine.moved,
    )


def finer_estimate(coarse: Estimate, fine: Estimate) -> Estimate:
    """The same for one kind of slope."""
    return _picked(_better(fine, coarse), fine, coarse)


def _better(fine: Estimate, coarse: Estimate):
    """Where short steps are more certain, or contradict long ones and are certain enough for it."""
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(fine.value), np.abs(coarse.value))
        same = ~(np.abs(fine.value - coarse.value) > 2 * (fine.error + coarse.error))
        return np.where(same, fine.error < coarse.error, fine.error < 0.25 * size)


def _picked(take, a: Estimate, b: Estimate) -> Estimate:
    return Estimate(np.where(take, a.value, b.value), np.where(take, a.error, b.error))


def sharp(value: Callable[[float], Any], precision: float, least, start: float) -> Estimate:
    """Central slopes at 0 from long steps and a whole triangle of extrapolations (Romberg), for smooth functions.

    The error of order h^2, h^4, ... is removed level by level, so that steps may stay long, where rounding is small.
    """
    best, best_error = np.asarray(np.nan), np.asarray(np.inf)
    row: list[Any] = []
    step, lost = start, _smallest(precision)
    with np.errstate(all="ignore"):
        for level in range(2 * LEVELS):
            ahead, behind = value(step), value(-step)
            noise = 2 * (precision * np.maximum(np.maximum(np.abs(ahead), np.abs(behind)), least) + lost) / step
            fresh = [(ahead - behind) / (2 * step)]
            for power, coarse in enumerate(row[:LEVELS], 1):
                fresh.append((4**power * fresh[-1] - coarse) / (4**power - 1))
            if level > 1:
                error = np.maximum(np.abs(fresh[-1] - row[-1]), np.abs(fresh[-1] - fresh[-2])) + noise
                better = error < best_error
                best, best_error = np.where(better, fresh[-1], best), np.where(better, error, best_error)
                if np.all(noise > best_error):
                    break
            row = fresh
            step /= 2
    return Estimate(best, best_error)
