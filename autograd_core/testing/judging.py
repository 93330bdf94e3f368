"""One direction at one point: the derivative by rule held against the slopes that the numbers show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .complex_step import complex_step
from .lines import Arrays, Subject, pack, pair, pulled, pushed, random_like, scale_of, unpack
from .numerical import Estimate
from .slopes import Slopes

AGREES, ADMISSIBLE, OPEN, OUTSIDE = "agrees", "admissible", "open", "outside"
OF_RULES = 16  # rounding errors allowed for in what a rule gives
OF_STEPS = 256  # in comparisons with a complex step, before a disagreement is looked into
LEAST_RESOLVED = 1e-4  # numbers less certain than that, relative to the derivative, confirm nothing
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
    moving = (slopes.central.value != 0) | (left.value != 0) | (right.value != 0)
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


# -- a point -----------------------------------------------------------------------------------------------------------


class Place:
    """A subject at its point with weights for its results: readings and derivatives, each computed once.

    Parameters
    ----------
    subject : Subject
    directions : list of array
        A random one for each input.
    cts : array, optional
        Weights; if None they are chosen so that each result counts.
    rtol, atol : float, optional
    start : float, optional
        First step of the ladders.
    """

    def __init__(self, subject: Subject, directions: Arrays, rtol, atol, cts=None, start: float | None = None):
        self.subject = subject
        self.directions = directions
        self.start = start
        self.tolerance = Tolerance.of(rtol, atol, subject.precision)
        self._slopes: dict[Any, Slopes] = {}
        self._exact: dict[Any, Any] = {}
        self._pushed: dict[Any, Any] = {}
        self._pulled: Arrays | None = None
        self.measured = False
        self.cts = self._weights() if cts is None else cts

    def _weights(self):
        """Random weights, about 1 over the size of each result or its slope, whichever is more."""
        size = np.maximum(np.abs(self.subject.here), self.subject.least)
        for position in range(len(self.directions)):
            found = self.slopes((position, None)).central
            slope = np.where(found.error <= np.abs(found.value), np.abs(found.value), 0.0)
            size = np.maximum(size, np.where(np.isfinite(slope), slope, 0.0))
        largest = float(size.max(initial=0.0)) or 1.0
        size = np.maximum(np.where(size > 0, size, largest), 1e-30 * largest)
        # Such as the dtypes of the results hold, with room for the rules to multiply.
        limit = min((float(np.finfo(out.dtype).max) ** 0.75 for out in self.subject.like), default=np.inf)
        weights = np.clip(random_like(size, np.random.default_rng(0)) / size, -limit, limit)
        return pack(unpack(weights, self.subject.like))

    def direction(self, key) -> Arrays:
        """All inputs held but one: along ``key``, (position, None), (position, (index, unit)) or (position, mask)."""
        position, entry = key
        x = self.subject.points[position]
        direction: Arrays = [None] * len(self.subject.points)
        if entry is None:
            direction[position] = self.directions[position]
        elif entry[0] == "part":
            direction[position] = np.zeros_like(x)
            part = slice(entry[1], entry[2])
            direction[position].reshape(-1)[part] = self.directions[position].reshape(-1)[part]
        else:
            index, unit = entry
            direction[position] = np.zeros_like(x)
            direction[position][index] = unit * scale_of(x)[index]
        return direction

    def slopes(self, key) -> Slopes:
        """Slopes of all results along ``key``."""
        if key not in self._slopes:
            self._slopes[key] = self.subject.slopes(self.direction(key), self.start)
        return self._slopes[key]

    def reading(self, key) -> Reading:
        """Weighed slope along ``key``."""
        if key not in self._exact:
            self._exact[key] = None if self.tolerance.given else complex_step(self.subject, self.direction(key))
        return read(self.slopes(key), self.cts, self._exact[key])

    @property
    def gradient(self) -> Arrays:
        """By reverse mode, for the weights."""
        if self._pulled is None:
            self._pulled = pulled(self.subject, self.cts)
        return self._pulled

    def by_rule(self, mode: str, key) -> tuple[float, float]:
        """Derivative along ``key``, and the size of the terms it is summed from."""
        if mode == "rev" or key not in self._pushed:
            found = self.rule_along(mode, key[0], self.direction(key))
            if mode == "rev":
                return found
            self._pushed[key] = found
        return self._pushed[key]

    def rule_along(self, mode: str, position: int, direction: Arrays) -> tuple[float, float]:
        """The same for a direction that moves the input at ``position``."""
        if mode == "rev":
            moving = direction[position] != 0  # an infinite entry elsewhere is no concern
            return pair([self.gradient[position][moving]], [direction[position][moving]])
        return pair([self.cts], [pushed(self.subject, direction)])

    def judge(self, mode: str, key) -> Judgement:
        """The derivative by rule along ``key``, held against numbers."""
        by_rule, terms = self.by_rule(mode, key)
        reading, precision = self.reading(key), self.subject.precision
        found = judge(by_rule, terms, reading, self.tolerance, precision)
        if found.status in (OUTSIDE, ADMISSIBLE) and not self.measured:
            self.measured = True
            if self.subject.measure_rounding():
                self._slopes.clear()
                return self.judge(mode, key)
        if found.status not in (AGREES, OPEN) or not steps_apply(reading, self.tolerance, precision):
            return self._closer(mode, key, found)
        allowed = near_rounding(by_rule, terms, reading, precision)
        assert reading.exact is not None
        if abs(by_rule - reading.exact) <= allowed:
            return replace(found, status=AGREES, allowed=allowed, method="complex step")
        return self._sharper(mode, key, found, allowed)

    def _sharper(self, mode: str, key, found: Judgement, allowed: float) -> Judgement:
        """The rule and the complex step differ by little: real differences, as sharp as can be, say who is right."""
        reading = found.reading
        assert reading.exact is not None
        estimate = self.subject.sharp(self.direction(key))
        value, error = float(np.sum(self.cts * estimate.value)), float(np.sum(np.abs(self.cts) * estimate.error))
        allowed += 8 * self.noise_of_rule(mode, key)
        off, of_step = abs(found.by_rule - reading.exact), abs(reading.exact - value)
        if off <= allowed:
            return replace(found, status=AGREES, allowed=allowed, method="complex step")
        if abs(found.by_rule - value) > 4 * error + allowed and of_step <= 4 * error + allowed:
            return replace(found, status=OUTSIDE, allowed=allowed, method="complex step")
        return self._closer(mode, key, found)

    def _closer(self, mode: str, key, found: Judgement) -> Judgement:
        """What is open may be plain from sharper differences, or from wider numbers."""
        if found.status != OPEN:
            return found
        estimate = self.subject.sharp(self.direction(key))
        value, error = float(np.sum(self.cts * estimate.value)), float(np.sum(np.abs(self.cts) * estimate.error))
        reading = replace(found.reading, value=value, error=error, unsure=error)
        by_rule, terms = self.by_rule(mode, key)
        sure = judge(by_rule, terms, reading, self.tolerance, self.subject.precision)
        return sure if sure.status == AGREES else self._wider(mode, key, found)

    def _wider(self, mode: str, key, found: Judgement) -> Judgement:
        """What is open in a coarse dtype may be plain from values in double precision; that never refutes."""
        points = self.subject.points
        if self.subject.precision < 1e-12 or any(x.dtype.kind == "c" for x in points):
            return found
        wide = Subject(self.subject.function, [x.astype(np.float64) for x in points], [], "", self.subject.trail)
        wide.look()
        if wide.precision > 1e-12:
            return found
        direction = [None if v is None else v.astype(np.float64) for v in self.direction(key)]
        reading = read(wide.slopes(direction), self.cts)
        by_rule, _ = self.by_rule(mode, key)
        sure = judge(by_rule, 0.0, reading, self.tolerance, wide.precision)
        return replace(sure, method="differences in float64") if sure.status == AGREES else found

    def secant(self, key, step: float) -> float:
        """Central quotient along ``key``, weighed."""
        subject, direction = self.subject, self.direction(key)
        ahead, behind = (subject.vector(subject.moved(direction, t)) for t in (step, -step))
        return float(np.sum(self.cts * (ahead - behind))) / (2 * step)

    def noise_of_rule(self, mode: str, key) -> float:
        """How much a derivative by rule changes when the point moves by a few rounding errors."""
        generator = np.random.default_rng(3)
        here, _ = self.by_rule(mode, key)
        spread = 0.0
        for _ in range(4):
            beside = [
                np.asarray(x + 8 * self.subject.precision * random_like(x, generator) * scale_of(x, 0.0), x.dtype)
                for x in self.subject.points
            ]
            place = Place(self.subject.at(beside), self.directions, None, None, self.cts)
            spread = max(spread, abs(place.rule_along(mode, key[0], self.direction(key))[0] - here))
        return spread
