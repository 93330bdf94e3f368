"""One direction at one point: the derivative by rule held against the slopes that the numbers show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .numerical import Estimate
from .slopes import Slopes

AGREES, ADMISSIBLE, OPEN, OUTSIDE = "agrees", "admissible", "open", "outside"
OF_RULES = 16  # rounding errors allowed for in what a rule gives
OF_STEPS = 256  # in comparisons with a complex step, before a disagreement is looked into
LEAST_RESOLVED = 1e-4  # numbers less certain than that, relative to the derivative, confirm nothing
MOST_NOISE = 1e-2  # results that are mostly rounding confirm nothing
INVISIBLE = 16  # times precision ** 0.6, more than what differences resolve: a slope of less is as good as none


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What derivatives may differ by: relative to the slope, and besides; None: by what the numbers tell."""

    rtol: float
    atol: float | None
    given: bool

    @classmethod
    def of(cls, rtol: float | None, atol: float | None, precision: float) -> Tolerance:
        """As asked for, or what the precision of the function allows."""
        default = 1e-6 if precision < 1e-12 else 5e-3 if precision < 1e-5 else 0.1
        return cls(default if rtol is None else rtol, atol, rtol is not None or atol is not None)


@dataclass(frozen=True, slots=True)
class Reading:
    """Slopes of all results along one direction, weighed and summed: one number, and what is known of it.

    Attributes
    ----------
    value, error : float
        Central slope.
    low, high, width : float
        Between the slopes on both sides, and how uncertain these are. A side without a slope counts as the other.
    kinked, steep, settled, one_sided : bool
        ``steep``: a jump, or a vertical tangent.
    rounding : float
        Of the results that move along this direction.
    noise : float
        Rounding of all results.
    unsure : float
        The part of ``error`` that belongs to results that move at all.
    exact : float or None
        By complex step.
    """

    value: float
    error: float
    low: float
    high: float
    width: float
    kinked: bool
    steep: bool
    settled: bool
    one_sided: bool
    rounding: float
    noise: float
    unsure: float
    exact: float | None = None


def read(slopes: Slopes, cts, exact=None) -> Reading:
    """``slopes`` weighed with ``cts``."""
    left, right = _filled(slopes.left, slopes.right), _filled(slopes.right, slopes.left)
    sides = np.stack([cts * left.value, cts * right.value])
    moving = slopes.moved
    weights = np.abs(cts)
    kinked = slopes.kinked & (weights > 0)
    with np.errstate(invalid="ignore", over="ignore"):
        return Reading(
            value=float(np.sum(cts * slopes.central.value)),
            error=float(np.sum(weights * slopes.central.error)),
            low=float(np.sum(sides.min(axis=0))),
            high=float(np.sum(sides.max(axis=0))),
            width=float(np.sum((weights * (left.error + right.error))[moving])),
            kinked=bool(np.any(kinked)),
            steep=bool(np.any(slopes.steep & (weights > 0)) or np.any(np.isinf(slopes.central.value))),
            settled=_settled(slopes, weights * moving),
            one_sided=bool(np.any(np.isnan(slopes.left.value) != np.isnan(slopes.right.value))),
            rounding=float(np.sum((weights * slopes.rounding)[moving])),
            noise=float(np.sum(weights * slopes.rounding)),
            unsure=float(np.sum((weights * slopes.central.error)[moving])),
            exact=None if exact is None else float(np.sum(cts * exact)),
        )


def _settled(slopes: Slopes, weights) -> bool:
    """Whether the results whose slopes did not settle are no part of the sum to speak of."""
    size = weights * np.abs(slopes.central.value)
    loose = weights * (np.abs(slopes.central.value) + slopes.central.error)
    return bool(np.sum(loose[~slopes.settled]) <= 1e-3 * np.sum(size))


def _filled(side: Estimate, other: Estimate) -> Estimate:
    missing = np.isnan(side.value)
    return Estimate(np.where(missing, other.value, side.value), np.where(missing, other.error, side.error))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A derivative by rule beside a reading.

    Attributes
    ----------
    status : str
        "agrees"; "admissible" at a kink; "open": the numbers are too uncertain to say; "outside" of all that they
        allow.
    """

    status: str
    by_rule: float
    reading: Reading
    allowed: float
    method: str = "differences"

    @property
    def numerical(self) -> float:
        """What the derivative was held against."""
        exact = self.reading.exact
        return exact if self.method == "complex step" and exact is not None else self.reading.value

    @property
    def badness(self) -> float:
        """How far off, for choosing the worst."""
        difference = abs(self.by_rule - self.numerical)
        return np.inf if np.isnan(difference) else difference


def judge(by_rule: float, terms: float, reading: Reading, tolerance: Tolerance, precision: float) -> Judgement:
    """Judge by the central slope, or by both sides at a kink. ``terms``: size of what ``by_rule`` is summed from."""
    loose = 4 * reading.unsure + OF_RULES * (precision * terms + reading.noise)
    loose = loose if tolerance.atol is None else tolerance.atol
    relative = tolerance.rtol * abs(reading.value)
    found = Judgement(OUTSIDE, by_rule, reading, relative + loose)
    if not np.isfinite(by_rule) or reading.steep:
        return found
    if reading.kinked and not reading.high - reading.low <= found.allowed:
        largest = tolerance.rtol * max(abs(reading.low), abs(reading.high))
        width = max(largest, 4 * reading.width, tolerance.atol or 0.0)
        known = np.isfinite(width) and 4 * reading.width <= max(largest, 0.25 * (reading.high - reading.low))
        between = known and reading.low - width <= by_rule <= reading.high + width
        inside = between or abs(by_rule - reading.value) <= relative  # the central slope is between both sides
        return replace(found, status=ADMISSIBLE, allowed=width) if inside else found
    if not np.isfinite(found.allowed):
        return replace(found, status=OPEN)
    if not abs(by_rule - reading.value) <= found.allowed:
        return found
    unseen = reading.unsure <= invisible(max(reading.noise, precision * terms), precision)
    nothing = unseen and max(abs(by_rule), abs(reading.value)) <= loose
    nothing &= reading.noise <= MOST_NOISE
    if precision > 1e-12:  # wider numbers may see it
        nothing &= abs(by_rule) <= OF_STEPS * precision
    resolved = max(tolerance.rtol, LEAST_RESOLVED) * abs(reading.value)
    sure = tolerance.atol is not None or loose <= resolved or nothing
    return replace(found, status=AGREES if sure else OPEN)


def invisible(rounding: float, precision: float) -> float:
    """The slope that a function of this rounding error hides."""
    return INVISIBLE * max(rounding, precision) * precision**-0.4  # weighed, each result is of size 1


def steps_apply(reading: Reading, tolerance: Tolerance, precision: float) -> bool:
    """Whether the complex step gives what the differences do, as far as these can tell."""
    if reading.exact is None or reading.kinked or reading.steep or not np.isfinite(reading.exact):
        return False
    loose = 4 * reading.unsure + OF_RULES * reading.noise
    telling = loose <= 0.1 * max(abs(reading.value), abs(reading.exact)) or reading.error <= invisible(
        reading.noise, precision
    )
    return bool(telling and abs(reading.exact - reading.value) <= tolerance.rtol * abs(reading.value) + loose)


def near_rounding(by_rule: float, terms: float, reading: Reading, precision: float) -> float:
    """What a rule and a complex step may differ by."""
    return OF_STEPS * precision * max(terms, abs(by_rule)) + OF_RULES * reading.noise
