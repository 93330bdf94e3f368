"""A function at a point, looked at along directions: each slope and each derivative by rule is computed once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .complex_step import complex_step
from .judging import (
    ADMISSIBLE,
    AGREES,
    OPEN,
    OUTSIDE,
    Judgement,
    Reading,
    Tolerance,
    judge,
    near_rounding,
    read,
    steps_apply,
)
from .lines import OUTSIDE_OF_DOMAIN, Arrays, Subject, pack, pair, pulled, pushed, random_like, scale_of, unpack
from .slopes import Slopes


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
        self.evened = cts is not None
        self.cts = self._weights() if cts is None else cts

    def _weights(self):
        """Random weights, about 1 over the size of each result or its slope, whichever is more.

        Once ``evened``, a result far smaller than others of its array counts like those: it may be but rounding, which
        a rule that computes in a coarser dtype than the function itself need not share.
        """
        size = np.maximum(np.abs(self.subject.here), self.subject.least)
        for position in range(len(self.directions)):
            found = self.slopes((position, None)).central
            slope = np.where(found.error <= np.abs(found.value), np.abs(found.value), 0.0)
            size = np.maximum(size, np.where(np.isfinite(slope), slope, 0.0))
        if self.evened:
            size = pack([_even(part) for part in unpack(size, [out.real for out in self.subject.like])])
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
        if found.status == OUTSIDE:
            in_parts = self._in_parts(mode, key, found)
            if not self.evened and (in_parts or self.is_noise(mode, key, found)):
                self.evened = True
                self.cts, self._pulled = self._weights(), None
                self._pushed.clear()
                return self.judge(mode, key)
            if in_parts:
                return in_parts
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
        """What is open may be plain from sharper differences, or from wider numbers; so may what is outside."""
        if found.status == OUTSIDE and np.isfinite(found.by_rule):  # it may be the differences that rounding spoiled
            return self._wider(mode, key, found)
        if found.status != OPEN:
            return found
        estimate = self.subject.sharp(self.direction(key))
        value, error = float(np.sum(self.cts * estimate.value)), float(np.sum(np.abs(self.cts) * estimate.error))
        reading = replace(found.reading, value=value, error=error, unsure=error)
        by_rule, terms = self.by_rule(mode, key)
        sure = judge(by_rule, terms, reading, self.tolerance, self.subject.precision)
        return sure if sure.status == AGREES else self._wider(mode, key, found)

    def _wider(self, mode: str, key, found: Judgement) -> Judgement:
        """What is not plain in a coarse dtype may be from values in double precision; that never refutes."""
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

    def is_noise(self, mode: str, key, judged: Judgement) -> bool:
        """Whether what is off is no more than the rounding errors of the rule itself."""
        return judged.badness <= judged.allowed + 8 * self.noise_of_rule(mode, key)

    def _in_parts(self, mode: str, key, found: Judgement) -> Judgement | None:
        """What small cotangents alone and large ones alone show, if beside one another the small ones are lost.

        As in a rule with ``(ct - x @ (x.T @ ct)) / y``, where the large ones cancel. None if a part is wrong.
        """
        sizes = np.abs(self.cts)
        largest, smallest = sizes.max(initial=0.0), sizes.min(initial=np.inf, where=sizes > 0)
        if mode != "rev" or not largest * self.subject.precision > self.tolerance.rtol * smallest:
            return None
        middle = np.sqrt(largest) * np.sqrt(smallest)
        parts = []
        for part in (sizes > middle, sizes <= middle):
            alone = Place(self.subject, self.directions, None, None, np.where(part, self.cts, 0.0), self.start)
            alone.tolerance, alone._slopes, alone.measured = self.tolerance, self._slopes, self.measured
            parts.append(alone.judge(mode, key))
        statuses = [part.status for part in parts]
        if not {AGREES, OPEN}.issuperset(statuses):
            return None
        status = OPEN if OPEN in statuses else AGREES
        return replace(found, status=status, by_rule=sum(part.by_rule for part in parts))

    def noise_of_rule(self, mode: str, key) -> float:
        """How much a derivative by rule changes from point to point a few rounding errors away.

        Each time for another multiple of the cotangents and tangents, which a rule is linear in but for its rounding.
        """
        here = self._by_rule_at(self.subject.points, mode, key, 1.0)
        # A rule that draws random numbers or is not linear has no rounding errors to excuse. 2 is exact.
        if not np.isfinite(here) or here != self._by_rule_at(self.subject.points, mode, key, 2.0):
            return 0.0
        generator, found = np.random.default_rng(3), []
        for multiple in (0.57, 0.73, 1.19, 1.37):
            beside = [
                np.asarray(x + 8 * self.subject.precision * random_like(x, generator) * scale_of(x, 0.0), x.dtype)
                for x in self.subject.points
            ]
            found.append(self._by_rule_at(beside, mode, key, multiple))
        return max(found) - min(found) if np.isfinite(found).all() else 0.0

    def _by_rule_at(self, points: Arrays, mode: str, key, multiple: float) -> float:
        """The derivative along ``key`` elsewhere, computed for a multiple of what it is linear in."""
        weights, direction = self.cts, self.direction(key)
        if mode == "rev":
            weights = pack(unpack(multiple * weights, self.subject.like))
        else:
            direction = [None if v is None else np.asarray(multiple * v, v.dtype) for v in direction]
        other = Place(self.subject.at(points), self.directions, None, None, weights)
        try:
            return other.rule_along(mode, key[0], direction)[0] / multiple
        except OUTSIDE_OF_DOMAIN:
            return np.nan


def _even(sizes):
    """The sizes of the results in one array, all those that are little beside the largest raised to it."""
    largest = sizes.max(initial=0.0)
    return np.where(sizes < 1e-2 * largest, largest, sizes)
