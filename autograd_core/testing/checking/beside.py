"""Beside a point: what tells a kink, a jump or a tie from a wrong rule.

Where a function has no derivative, its gradients at the points around do not come together, and any value between
them is a gradient as good as another (Clarke 1983, "Optimization and Nonsmooth Analysis", chapter 2). So where the
numbers at a point disagree with a rule, points beside it are looked at. A rule that is wrong there too is wrong. One
that is right there is judged, at the point itself, by the gradients around.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .judging import ADMISSIBLE, AGREES, OUTSIDE, Judgement
from .lines import random_like, scale_of
from .place import Place

NEIGHBOURS = 16
HELD = 4  # of them are held against numbers
LONG = 2.0**-6


@dataclass
class Beside:
    """The points beside a place, for one input and one mode.

    Attributes
    ----------
    place : Place
    mode : str
    position : int
        Of the input.
    """

    place: Place
    mode: str
    position: int
    distance: float = 0.0
    near: list[Place] = field(default_factory=list)
    right: int = 0
    wrong: list[Place] = field(default_factory=list)
    units: list[float] = field(default_factory=list)

    def __post_init__(self):
        self.distance = self.distance or (2.0**-17 if self.place.subject.precision < 1e-12 else 2.0**-9)
        for units in self._scales():  # what is told at the smaller distance counts
            self.units = units
            self.near = self._places(self.distance, NEIGHBOURS)
            # Steps within a tiny input are short beside all else: they may not be much shorter than it, for rounding.
            tiny = min(units) < 1 and self.distance < LONG
            right, wrong = self._held(self._places(LONG, HELD) if tiny else self.near[:HELD])
            if min(_size(x) for x in self.place.subject.points) < 1 and not tiny:
                wrong = [near for near in wrong if np.isfinite(near.by_rule(self.mode, (self.position, None))[0])]
            if right or wrong:
                self.right, self.wrong = right, wrong

    def _scales(self) -> list[list[float]]:
        """What distances are measured in, for each input: 1, and its own size if that is little.

        The function may do much within 1; but rounding may hide all that it does within the size of the input.
        """
        sizes = [_size(x) for x in self.place.subject.points]
        ones = [1.0] * len(sizes)
        return [ones] if sizes == ones else [ones, sizes]

    def _places(self, distance: float, count: int) -> list[Place]:
        subject, generator = self.place.subject, np.random.default_rng(count)
        start = distance / 4 * self.units[self.position]
        places = []
        for _ in range(count):
            moved = [_moved(x, distance, generator, u) for x, u in zip(subject.points, self.units, strict=True)]
            other = subject.at(moved)
            if np.isfinite(other.here).all():
                near = Place(other, self.place.directions, None, None, self.place.cts, start=start)
                near.tolerance = self.place.tolerance
                near.measured = True
                places.append(near)
        return places

    def _held(self, places: list[Place]) -> tuple[int, list[Place]]:
        """At how many of ``places`` the rule is right, and those where it is plainly wrong."""
        right, wrong, whole = 0, [], (self.position, None)
        for near in places:
            judged = near.judge(self.mode, whole)
            if judged.status in (AGREES, ADMISSIBLE):
                right += 1
            elif judged.status == OUTSIDE and _is_plain(judged) and not near.is_noise(self.mode, whole, judged):
                wrong.append(near)
        return right, wrong

    @property
    def rule_is_wrong(self) -> bool:
        """Whether the rule disagrees with numbers beside the point, where these are clear."""
        return len(self.wrong) >= 2 and len(self.wrong) > self.right

    def is_wrong_along(self, key) -> bool:
        """Whether the rule is wrong along ``key``, beside the point."""
        judged = self.wrong[0].judge(self.mode, key)
        return judged.status == OUTSIDE and _is_plain(judged)

    def hull(self, key, more: bool = False) -> tuple[float, float]:
        """Smallest and largest derivative by rule along ``key`` beside the point; NaN if there is none."""
        places = [*self.near, *self._more] if more else self.near
        return self._hull(places, key) if self.right else (np.nan, np.nan)

    def _hull(self, places: list[Place], key) -> tuple[float, float]:
        direction = self.place.direction(key)
        found = [near.rule_along(self.mode, self.position, direction)[0] for near in places]
        found = [value for value in found if np.isfinite(value)]
        return (min(found), max(found)) if found else (np.nan, np.nan)

    def is_uneven(self, key, by_rule: float) -> bool:
        """Whether derivatives by rule differ beside the point, and do not come together closer to it."""
        low, high = self.hull(key)
        if not high - low > 1e-2 * max(abs(low), abs(high), abs(by_rule)):
            return False
        close = self._hull(self._closer, key)
        return not close[1] - close[0] <= (high - low) / 8

    def bounded(self, key) -> bool:
        """Whether derivatives stay as they are closer to the point, or grow without end."""
        far, close = self._hull(self.near, key), self._hull(self._closer, key)
        return bool(np.abs(close).max() <= 2 * np.abs(far).max())

    @cached_property
    def _closer(self) -> list[Place]:
        return self._places(self.distance / 256, NEIGHBOURS)

    @cached_property
    def _more(self) -> list[Place]:
        return self._places(self.distance, 4 * NEIGHBOURS)


def _is_plain(judged: Judgement) -> bool:
    """Whether neither uncertainty nor a kink explains what is off."""
    reading = judged.reading
    if not np.isfinite(judged.by_rule):
        return reading.settled and not reading.kinked
    certain = reading.settled and not reading.steep and 10 * reading.unsure <= judged.badness
    return judged.method == "complex step" or (certain and reading.high - reading.low <= 0.1 * judged.badness)


def _size(x) -> float:
    """A power of two of the size of ``x`` if that is little, else 1."""
    largest = float(np.abs(x).max(initial=0.0))
    return float(scale_of(np.asarray(largest), 0.0)) if 0 < largest < 0.5 else 1.0


def _moved(x, distance: float, generator, unit: float):
    """``x``, each entry moved by about ``distance`` times its size, or, one that is next to zero, times ``unit``."""
    size = scale_of(x, 0.0)
    part = random_like(x, generator) * (1 + generator.uniform(0.0, 0.25, x.shape))  # no two alike
    return np.asarray(x + distance * part * np.where(size > distance * unit, size, unit), x.dtype)
