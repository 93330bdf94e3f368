"""Which entry of an argument has a wrong gradient, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Arrays, pair, random_like, sizes
from .differences import APPROXIMATE, DIFFERS, Comparison, Line, judge, tolerance
from .reasons import Evidence, first_order
from .report import WRONG, Check
from .subject import OutOfTimeError, Run, Subject
from .wrong import Wrong

MOST_ENTRIES = 24

Entry = tuple[tuple[int, ...], complex]
"""An index, and 1 or i for the real or the imaginary part."""


class Places:
    """Looks at single entries of an argument whose gradient is wrong along a random direction."""

    def __init__(
        self, subject: Subject, there: Run, line: Line, pulled: Arrays, sent: Arrays, free: list[int], generator: Any
    ):
        self.subject, self.there, self.line, self.pulled, self.sent = subject, there, line, pulled, sent
        self.free, self.generator = free, generator
        self.eps, self.cts = line.eps, line.cts

    def wrong(self, position: int, along_all: Comparison) -> Wrong | str:
        """The finding; a sentence if the gradient is so near that it may be meant as an approximation."""
        name = self.subject.names[position]
        try:
            evidence, allowed = self._evidence(position)
        except OutOfTimeError:
            return self._along(name, along_all, " No time was left to look at single entries.")
        differ = np.abs(evidence.by_rule - evidence.numerical)
        largest = float(np.abs(evidence.numerical).max())
        if differ.max() <= APPROXIMATE * largest:
            off = 100 * differ.max() / largest
            return f"the gradient for {name} is off by {off:.2g} percent: that of what the function approximates?"
        worst = int(np.argmax(np.where(np.isnan(differ), np.inf, differ)))
        if not differ[worst] > allowed[worst]:
            return self._along(name, along_all)
        (index, unit) = evidence.entries[worst]
        by_rule, numerical = float(evidence.by_rule[worst]), float(evidence.numerical[worst])
        where = f"{name}" + (f", entry {list(index)}" if index else "") + (", imaginary part" if unit == 1j else "")
        cause = first_order(evidence, max(1e-3, 4 * tolerance(self.eps)))
        weighed = "" if len(self.cts) == 1 and self.cts[0].size == 1 else " (results weighed with a random upstream)"
        said = (
            f"The gradient for {where} is {by_rule:.6g} by the rule; differences of the function give "
            f"{numerical:.6g}, allowed {allowed[worst]:.1e}{weighed}."
        )
        check = Check("first derivative", WRONG, by_rule, numerical, float(allowed[worst]))
        return Wrong(check, f"{said} {cause}".rstrip())

    def _along(self, name: str, found: Comparison, more: str = "") -> Wrong:
        said = (
            f"The gradient for {name}, along a random direction, is {found.by_rule:.6g} by the rule; differences of "
            f"the function give {found.numerical:.6g}, allowed {found.allowed:.1e}."
        )
        return Wrong(Check.of("first derivative", WRONG, found), said + more)

    def _evidence(self, position: int) -> tuple[Evidence, Any]:
        entries, full = self._entries(position)
        numbers = [self._entry(position, entry) for entry in entries]
        by_rule, numerical, allowed = (np.array(column) for column in zip(*numbers, strict=True))
        others = []
        if full:
            shape = self.there.points[position].shape
            for other in self.free:
                if other != position and self.there.points[other].shape == shape:
                    right = np.array([self._entry(other, entry)[1] for entry in self._entries(other)[0]])
                    others.append((self.subject.names[other], right))
        x, earlier, now = self.there.points[position], self.sent[position], self.pulled[position]
        turned = now
        if x.dtype.kind == "c":
            turned = np.conj(self.there.pull([np.conj(ct) for ct in self.cts])[position])
        frozen = bool(np.array_equal(earlier, now)) and self._changes(position)
        shapes = [value.shape for value in self.there.values]
        found = Evidence(
            shape=x.shape,
            result_shapes=shapes,
            entries=entries,
            by_rule=by_rule,
            numerical=numerical,
            full=full,
            is_frozen=frozen,
            others=others,
            point=np.array([x[index] for index, _ in entries]),
            turned=np.array([pair([turned[index]], [np.asarray(unit, x.dtype)])[0] for index, unit in entries]),
            is_diagonal=self._is_diagonal(position),
        )
        return found, allowed

    def _changes(self, position: int) -> bool:
        """Whether the derivative is another one at the arguments themselves, as a rule should notice."""
        x = self.there.points[position]
        direction = [np.zeros_like(y) for y in self.there.points]
        direction[position] = np.asarray(random_like(x, self.generator) * sizes(x), x.dtype)
        value, error = self.line.derivative(direction)
        other, off = Line(self.subject, self.subject.points, self.cts, self.eps).derivative(direction)
        return bool(abs(value - other) > 1e-3 * max(abs(value), abs(other)) + 4 * (error + off))

    def _is_diagonal(self, position: int) -> bool:
        """Whether the rule sends an upstream of one entry to this entry alone, though others have a derivative."""
        x, values = self.there.points[position], self.there.values
        if len(values) != 1 or values[0].shape != x.shape or x.size < 2 or x.dtype.kind != "f":
            return False
        one = np.zeros_like(values[0])
        one[(0,) * one.ndim] = 1
        sent = np.ravel(self.there.pull([one])[position])
        if sent[1:].any() or not np.isfinite(sent[0]):
            return False
        direction = [np.zeros_like(y) for y in self.there.points]
        direction[position] = np.asarray(random_like(x, self.generator) * sizes(x), x.dtype)
        direction[position][(0,) * x.ndim] = 0
        value, error = Line(self.subject, self.there.points, [one], self.eps).derivative(direction)
        return bool(abs(value) > 10 * error)

    def _entries(self, position: int) -> tuple[list[Entry], bool]:
        """All real entries of a small argument; of a large one a sample, and those where it is wrong."""
        x = self.there.points[position]
        units: tuple[complex, ...] = (1.0, 1j) if x.dtype.kind == "c" else (1.0,)
        if x.size * len(units) <= MOST_ENTRIES:
            return [(index, unit) for index in np.ndindex(x.shape) for unit in units], True
        ct = np.abs(self.pulled[position])
        picked = [int(np.argmax(np.where(np.isnan(ct), np.inf, ct))), 0, x.size - 1]
        picked += self.generator.choice(x.size, 4, replace=False).tolist()
        picked.append(self._bisected(position))
        indices = [np.unravel_index(flat, x.shape) for flat in dict.fromkeys(picked)]
        plain = [tuple(int(i) for i in index) for index in indices]
        if x.ndim == 2 and x.shape[0] == x.shape[1]:
            plain = list(dict.fromkeys([*plain, *(index[::-1] for index in plain)]))
        return [(index, unit) for index in plain for unit in units], False

    def _bisected(self, position: int) -> int:
        """An entry that is wrong, by halving a direction as long as a half of it disagrees."""
        points = self.there.points
        direction = np.ravel(random_like(points[position], self.generator) * sizes(points[position], 1.0))
        low, high = 0, direction.size
        while high - low > 1:
            middle = (low + high) // 2
            part = np.zeros_like(direction)
            part[low:middle] = direction[low:middle]
            only = [np.zeros_like(x) for x in points]
            only[position] = np.asarray(part.reshape(points[position].shape), points[position].dtype)
            if self.line.compare(self.pulled, only).verdict == DIFFERS:
                high = middle
            else:
                low = middle
        return low

    def _entry(self, position: int, entry: Entry) -> tuple[float, float, float]:
        """By rule, by differences, and allowed difference, of one entry."""
        index, unit = entry
        x = self.there.points[position]
        found: tuple[float, float, float, float] | None = None
        for least in (1.0, 0.0):
            scale = float(sizes(x, least)[index])
            direction = [np.zeros_like(y) for y in self.there.points]
            direction[position][index] = unit * scale
            value, error = self.line.derivative(direction)
            if found is None or not error / scale > found[3]:
                by_rule, magnitude = pair(self.pulled, direction)
                comparison = judge(by_rule, magnitude, value, error, self.eps)
                found = (by_rule / scale, value / scale, comparison.allowed / scale, error / scale)
            if scale == float(sizes(x, 0.0)[index]):
                break
        assert found is not None
        return found[0], found[1], found[2]
