"""One input in one mode: from directions and entries to a verdict, and to a sentence that says what is wrong."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from .beside import Beside
from .diagnosis import Evidence, likely_cause
from .judging import ADMISSIBLE, AGREES, LEAST_RESOLVED, OPEN, OUTSIDE, Judgement
from .lines import pack, pulled, scale_of, unpack
from .place import Place
from .verdicts import CANNOT_TELL, FROM_BEST, KINK, SMOOTH, WRONG, Verdict

MODES = {"rev": "reverse mode", "fwd": "forward mode"}
GIVES = {
    "differences": "differences give",
    "differences in float64": "differences in float64 give",
    "complex step": "the complex step gives",
}
EVERY_ENTRY = 64  # up to so many entries each one of an input is looked at, not only a random direction
SAMPLED_ENTRIES = 32  # of a larger input, once a direction shows a kink
LOOKS_FOR_KINKS = 128  # halvings


class Inspection:
    """All inputs of a place in one mode.

    Parameters
    ----------
    place : Place
    mode : "rev" or "fwd"
    every_entry : collection of int
        Inputs of which each entry is looked at, if there are not too many, whatever a random direction says.
    """

    def __init__(self, place: Place, mode: str, every_entry: Collection[int] = ()):
        self.place = place
        self.subject = place.subject
        self.mode = mode
        self.every_entry = every_entry

    def verdicts(self) -> list[Verdict]:
        """One for each input."""
        return [self._input(position) for position in range(len(self.subject.points))]

    def _input(self, position: int) -> Verdict:
        if not self.subject.points[position].size:
            empty = self._verdict(SMOOTH, position, None, None, "it has no entries")
            return replace(empty, by_rule=0.0, numerical=0.0, uncertainty=0.0, allowed=0.0)
        return _Input(self, position).verdict()

    def _verdict(self, verdict, position: int, key, judged: Judgement | None, reason: str = "") -> Verdict:
        mode = " over ".join((self.mode, *reversed(self.subject.trail)))
        found = Verdict(self.subject.names[position], len(self.subject.trail) + 1, mode, verdict, reason)
        if judged is None:
            return found
        unit = self.unit(key)
        numbers = [judged.by_rule, judged.numerical, judged.reading.error, judged.allowed]
        by_rule, numerical, error, allowed = (float(number / unit) for number in numbers)
        entry = key[1][0] if key[1] is not None and key[1][0] != "part" else None
        return Verdict(
            found.name, found.order, mode, verdict, reason, entry, by_rule, numerical, abs(error), abs(allowed),
            judged.method,
        )  # fmt: skip

    @property
    def is_gradient(self) -> bool:
        """Whether the derivatives are those of one real number, so that the weight can be taken out again."""
        return not self.subject.trail and len(self.place.cts) == 1

    def unit(self, key) -> float:
        """What numbers are divided by before they are shown."""
        scale = float(self.place.cts[0]) if self.is_gradient else 1.0
        if key[1] is not None and key[1][0] != "part":
            scale *= float(scale_of(self.subject.points[key[0]])[key[1][0]])
        return scale


class _Input:
    """One input: its entries are looked at where that is cheap, or where its direction disagrees."""

    def __init__(self, inspection: Inspection, position: int):
        self.inspection = inspection
        self.place = inspection.place
        self.mode = inspection.mode
        self.position = position
        self.point = inspection.subject.points[position]
        self._beside: Beside | None = None

    @property
    def beside(self) -> Beside:
        if self._beside is None:
            self._beside = Beside(self.place, self.mode, self.position)
        return self._beside

    def verdict(self) -> Verdict:
        whole: Any = (self.position, None)
        along = self.place.judge(self.mode, whole)
        small = self.point.size * (2 if self.point.dtype.kind == "c" else 1) <= EVERY_ENTRY
        if along.status == AGREES and not (small and self.position in self.inspection.every_entry):
            return self._say(SMOOTH, whole, along)
        if small:
            return self._by_entries(along, self._entries(range(self.point.size)))
        return self._large(along)

    def _say(self, verdict: str, key, judged: Judgement, reason: str = "") -> Verdict:
        return self.inspection._verdict(verdict, self.position, key, judged, reason)

    def _entries(self, numbers) -> list[Any]:
        units = (1.0, 1j) if self.point.dtype.kind == "c" else (1.0,)
        shape = self.point.shape
        indices = [tuple(int(i) for i in np.unravel_index(number, shape)) for number in numbers]
        return [(self.position, (index, unit)) for index in indices for unit in units]

    def _by_entries(self, along: Judgement, keys, complete: bool = True) -> Verdict:
        """The worst of what entries show, and of what the direction does that they do not."""
        found = {key: self.place.judge(self.mode, key) for key in keys}
        # What an entry is uncertain by may be much for it, but nothing for the gradient as a whole.
        largest = max((abs(judged.numerical) for judged in found.values() if judged.status == AGREES), default=0.0)
        slight = max(self.place.tolerance.rtol, LEAST_RESOLVED) * largest
        for key, judged in found.items():
            if judged.status == OPEN and judged.allowed <= slight:
                found[key] = replace(judged, status=AGREES)
        suspects = sorted((key for key in found if found[key].status != AGREES), key=lambda key: -found[key].badness)
        whole = (self.position, None)
        worst = self._say(SMOOTH, whole, along)
        for key in suspects:
            verdict, reason = self._excuse(key, found[key])
            if verdict == WRONG and self._small_change(found[key], slight):
                verdict, reason = (
                    CANNOT_TELL,
                    "what is off is little beside the rest of the gradient, and the dtype coarse",
                )
            if FROM_BEST.index(verdict) > FROM_BEST.index(worst.verdict):
                worst = self._say(verdict, key, found[key], reason)
            if verdict == WRONG:
                return self._wrong(key, found)
        if complete and not suspects and along.status in (OUTSIDE, OPEN):
            verdict, reason = self._excuse(whole, along)
            return self._wrong(whole, {whole: along}) if verdict == WRONG else self._say(verdict, whole, along, reason)
        if complete and self._beside is not None and self.beside.rule_is_wrong:
            return self._wrong(whole, {whole: along})
        return worst

    def _small_change(self, judged: Judgement, slight: float) -> bool:
        """Whether a difference is one that a coarse dtype hides: an entry far smaller than others."""
        smooth = judged.method != "complex step" and not judged.reading.kinked and not judged.reading.steep
        return smooth and self.place.subject.precision > 1e-12 and judged.badness <= slight

    def _large(self, along: Judgement) -> Verdict:
        """Halve the direction as long as one half disagrees by itself; then look at entries."""
        whole = (self.position, None)
        if along.status == ADMISSIBLE or along.reading.kinked or along.reading.steep:
            verdict, reason = self._excuse(whole, along)
            place = self.place
            if self.beside.rule_is_wrong:
                place = self.beside.wrong[0]
            else:
                sampled = self._by_entries(along, self._entries(self._kinked_entries()), complete=False)
                if sampled.verdict == WRONG or verdict != WRONG:
                    # Along the whole direction many kinks mix: that no value is admissible there does not say.
                    kinks_only = verdict == CANNOT_TELL and sampled.verdict == KINK and self.beside.right
                    told = self._say(KINK if kinks_only else verdict, whole, along, reason)
                    return max(sampled, told, key=_rank)
        elif along.status == OPEN:
            return self._say(CANNOT_TELL, whole, along, self._why_open(along))
        else:
            place = self.place
        key, judged = self._bisect(place)
        if key is not None:
            other = _Input(Inspection(place, self.mode), self.position)
            found = other._by_entries(judged, self._entries(range(key[1][1], key[1][2])), complete=False)
            if found.verdict == WRONG:
                return found
        verdict, reason = self._excuse(whole, along)
        return self._wrong(whole, {whole: along}) if verdict == WRONG else self._say(verdict, whole, along, reason)

    def _kinked_entries(self) -> list[int]:
        """Some of the entries that have a kink each, found by halving; and some others."""
        wanted = SAMPLED_ENTRIES // (4 if self.inspection.subject.trail else 1)  # of a derivative each costs more
        parts = [(0, self.point.size)]
        found: list[int] = []
        for _ in range(LOOKS_FOR_KINKS):
            if not parts or len(found) >= wanted:
                break
            low, high = parts.pop(0)
            if high - low <= 2:
                found.extend(range(low, high))
                continue
            middle = (low + high) // 2
            for part in ((low, middle), (middle, high)):
                reading = self.place.reading((self.position, ("part", *part)))
                if reading.kinked or reading.steep:
                    parts.append(part)
        some = np.random.default_rng(1).choice(self.point.size, wanted // 2, replace=False)
        return sorted({*found, *some.tolist()})

    def _bisect(self, place: Place):
        low, high = 0, self.point.size
        key, judged = None, None
        while high - low > EVERY_ENTRY // 2:
            middle = (low + high) // 2
            for part in ((low, middle), (middle, high)):
                tried = (self.position, ("part", *part))
                judged = place.judge(self.mode, tried)
                if judged.status == OUTSIDE:
                    key, (low, high) = tried, part
                    break
            else:
                break
        return key, judged

    # -- what is not in agreement --------------------------------------------------------------------------------------

    def _excuse(self, key, judged: Judgement) -> tuple[str, str]:
        """Verdict on a derivative that does not simply agree, and why."""
        reading = judged.reading
        if judged.status == OPEN:
            return CANNOT_TELL, self._why_open(judged)
        if self._contradictory(key, judged):
            return CANNOT_TELL, "two series of differences contradict one another (waves too short, or mostly rounding)"
        if self.beside.rule_is_wrong and self._wrong_beside(key, judged):
            return WRONG, ""
        if judged.status == ADMISSIBLE:
            return KINK, self._between(key, judged, reading.low, reading.high)
        if not np.isfinite(judged.by_rule):
            if reading.one_sided or not reading.settled or reading.steep:
                return CANNOT_TELL, (
                    f"the rule gives {judged.by_rule} where the function has no finite slope (the edge of its domain, "
                    "or a vertical tangent)"
                )
            return WRONG, ""
        return self._steep(key, judged) if reading.steep else self._off_the_numbers(key, judged)

    def _wrong_beside(self, key, judged: Judgement) -> bool:
        """Whether a rule that is wrong beside the point is wrong in this entry, which may have but a kink."""
        return key[1] is None or not judged.reading.kinked or self.beside.is_wrong_along(key)

    def _contradictory(self, key, judged: Judgement) -> bool:
        """Whether other steps give another slope."""
        reading, place = judged.reading, self.place
        if judged.status != OUTSIDE or reading.kinked or reading.steep or not np.isfinite(judged.by_rule):
            return False
        if judged.method == "complex step":
            return False
        first = place.subject.first_step(place.direction(key))
        second = float(np.sum(place.cts * place.subject.slopes(place.direction(key), 0.37 * first).central.value))
        off = abs(judged.by_rule - reading.value)
        if abs(judged.by_rule - second) <= judged.allowed or abs(second - reading.value) > 0.1 * off:
            return True
        # The shortest step at which rounding does not hide what is off: waves that longer ones pass over show here.
        shortest = max(3 * reading.noise / off, 64 * place.subject.smallest(place.direction(key)), 2.0**-40)
        return shortest < first and not abs(place.secant(key, shortest) - reading.value) <= 0.5 * off

    def _steep(self, key, judged: Judgement) -> tuple[str, str]:
        """At a jump any value between the derivatives beside it is admissible; at a vertical tangent none is known."""
        low, high = self.beside.hull(key)
        width = self.place.tolerance.rtol * max(abs(low), abs(high))
        if low - width <= judged.by_rule <= high + width and self.beside.bounded(key):
            return KINK, "the function jumps; " + self._between(key, judged, low, high)
        return CANNOT_TELL, "the function jumps, or has a vertical tangent: there is no derivative"

    def _off_the_numbers(self, key, judged: Judgement) -> tuple[str, str]:
        reading, place, beside = judged.reading, self.place, self.beside
        hull = beside.hull(key)
        uneven = beside.is_uneven(key, judged.by_rule)
        sides = (reading.low, reading.high)
        for nearby in (hull, beside.hull(key, more=True)) if uneven else (hull,):
            low, high = _joined(nearby, sides)
            width = max(place.tolerance.rtol * max(abs(low), abs(high)), 4 * reading.width)
            if (uneven or reading.one_sided) and low - width <= judged.by_rule <= high + width:
                if beside.bounded(key):
                    return KINK, self._between(key, judged, low, high)
                return CANNOT_TELL, "the derivatives around grow without end"
        off = abs(judged.by_rule - reading.value)
        clear = reading.settled or reading.unsure <= 1e-4 * off
        if not clear or not 10 * reading.unsure <= off or reading.noise > 1e-3 * len(place.cts):
            return CANNOT_TELL, "the slopes do not settle (values that are mostly rounding, or waves too short)"
        if uneven and self._many_kinks(hull, sides):
            return CANNOT_TELL, "there are several kinks at once; not all slopes around could be looked at"
        if place.is_noise(self.mode, key, judged):
            return CANNOT_TELL, "the rule's own rounding errors are as large as the difference"
        return WRONG, ""

    def _between(self, key, judged: Judgement, low: float, high: float) -> str:
        unit = self.inspection.unit(key)
        low, high = sorted((low / unit, high / unit))
        weighed = "" if self.inspection.is_gradient else ", weighed with a random cotangent,"
        return f"slopes around{weighed} go from {low:.6g} to {high:.6g}; the rule gives {judged.by_rule / unit:.6g}"

    def _many_kinks(self, hull: tuple[float, float], sides: tuple[float, float]) -> bool:
        """Whether there are derivatives beside the point that are not between the slopes on both sides of it."""
        slack = 1e-2 * max(abs(sides[0]), abs(sides[1]))
        return not sides[0] - slack <= hull[0] <= hull[1] <= sides[1] + slack

    def _why_open(self, judged: Judgement) -> str:
        error = judged.reading.error / abs(self.inspection.unit((self.position, None)))
        return f"the numbers are uncertain by {error:.2g}, which is too much to tell"

    # -- what is wrong -------------------------------------------------------------------------------------------------

    def _wrong(self, key, found: dict[Any, Judgement]) -> Verdict:
        inspection, subject, judged = self.inspection, self.inspection.subject, found[key]
        tolerance = self.place.tolerance
        told = inspection._verdict(WRONG, self.position, key, judged)
        where = "along a random direction"
        if told.entry is not None:
            where = f"for {told.name}" + (f", entry {list(told.entry)}" if told.entry else "")
            where += ", imaginary part" if key[1][1] == 1j else ""
        else:
            where += f" of {told.name}"
        where += " (at a point beside the kinks)" if self.place.start is not None else ""
        after = "".join(f" of the {MODES[done]} derivative" for done in reversed(subject.trail))
        cause = likely_cause(self._evidence(found))
        reason = (
            f"{subject}: the derivative{after} in {MODES[self.mode]} {where} is {told.by_rule:.10g}; "
            f"{GIVES[judged.method]} "
            f"{told.numerical:.10g} (uncertain by {told.uncertainty:.2g}). They differ by "
            f"{abs(told.by_rule - told.numerical):.3g}, allowed {told.allowed:.3g} (rtol={tolerance.rtol:.3g}, "
            f"atol={'as uncertain' if tolerance.atol is None else tolerance.atol})."
            + ("" if inspection.is_gradient else " The results are weighed with a random cotangent.")
            + (f" Likely cause: {cause}" if cause else "")
        )
        return inspection._verdict(WRONG, self.position, key, judged, reason)

    def _evidence(self, found: dict[Any, Judgement]) -> Evidence:
        """What the entries looked at show, for a guess at the cause."""
        place, subject = self.place, self.inspection.subject
        keys = [key for key in found if key[1] is not None and key[1][0] != "part"]
        scale = np.array([float(scale_of(self.point)[key[1][0]]) for key in keys])
        again = ignored = None
        if self.mode == "rev":
            again, ignored = (pulled(subject, factor * place.cts)[self.position] for factor in (1.0, -2.0))
        return Evidence(
            shape=self.point.shape,
            is_complex=self.point.dtype.kind == "c",
            by_rule=np.array([found[key].by_rule for key in keys]) / scale,
            numerical=np.array([found[key].numerical for key in keys]) / scale,
            cts=place.cts,
            conjugated=pack([np.conj(ct) for ct in unpack(place.cts, subject.like)]),
            columns=np.array([place.slopes(key).central.value for key in keys]).T / scale,
            result_shapes=tuple(out.shape for out in subject.like if out.dtype.kind == "f"),
            shapes=tuple(array.shape for array in [*subject.like, *subject.points]),
            same_again=again is None or np.array_equal(again, place.gradient[self.position], equal_nan=True),
            ignored=ignored is not None
            and bool(ignored.any())
            and np.allclose(ignored, place.gradient[self.position], 1e-6, 0),
            reverse=self.mode == "rev",
        )


def _same_as(a, b) -> bool:
    """Whether two gradients are the same, and not just nothing."""
    return bool(a.any()) and np.allclose(a, b, rtol=1e-6, atol=0.0)


def _joined(*intervals: tuple[float, float]) -> tuple[float, float]:
    """The smallest interval around those that are finite."""
    ends = [end for interval in intervals if np.isfinite(interval).all() for end in interval]
    return (min(ends), max(ends)) if ends else (np.nan, np.nan)


def _rank(found: Verdict) -> int:
    return FROM_BEST.index(found.verdict)
