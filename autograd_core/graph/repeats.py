"""Repeated patterns in a row of items: the same sequence of operations again and again, wired the same way.

The steps of a loop are found as runs: stretches of the row that are one unit, repeated. Two items are alike if their
labels are; a run also asks that arguments come from the same places, seen from each repetition. Time is O(n log n).

The idea: inside a run of period p, every k letters from some place on have stood p places before, and for a k of about
p nowhere nearer. So for k = 1, 2, 4, ... each place asks how far back its next k letters occurred last, and where many
neighbours give one answer there is a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 3  # repetitions that are called a pattern; 2 may be chance
_WORK = 20  # looks at each item on average: candidates that turn out to be wired differently must not take forever

Sources = Sequence[Sequence[int]]
"""For each item the positions of its arguments; negative for arguments from outside the row."""


@dataclass(frozen=True, slots=True)
class Run:
    """The same again and again.

    Attributes
    ----------
    times : tuple of tuple of int
        For each repetition the positions of its items; those at one place of each correspond.
    unit : tuple of int or Run
        One repetition, with the runs in it; positions count from its own first item.
    """

    times: tuple[tuple[int, ...], ...]
    unit: tuple[int | Run, ...]


def segment(labels: Sequence[int], sources: Sources) -> list[int | Run]:
    """The row as items (by their position) and runs, outermost runs first."""
    row = np.asarray(labels, dtype=np.int64)
    pieces: list[int | Run] = []
    at = 0
    for start, count, period, head in sorted(_choose(row, sources)):
        times = [tuple(range(first, first + period)) for first in range(start, start + count * period, period)]
        pieces.extend(range(at, start - len(head)))
        pieces.append(Run((*([head] if head else []), *times), _unit(row, sources, start + period, period)))
        at = start + count * period
    return [*pieces, *range(at, len(row))]


def _unit(row: np.ndarray, sources: Sources, first: int, period: int) -> tuple[int | Run, ...]:
    """Runs within the repetition that begins at ``first``; it stands for all of them."""
    if period == 1:
        return (0,)
    inner = [[max(source - first, -1) for source in sources[index]] for index in range(first, first + period)]
    return tuple(segment(row[first : first + period].tolist(), inner))


def _choose(row: np.ndarray, sources: Sources) -> Iterator[tuple[int, int, int, tuple[int, ...]]]:
    """Runs that do not overlap, those that leave most items out first: start, count, period and ``_head``."""
    taken = np.zeros(len(row), dtype=bool)
    work = _WORK * len(row)
    for start, end, period in sorted(_candidates(row), key=lambda run: (run[0] - run[1] + run[2], run[2], run[0])):
        if work < 0:
            return
        work -= period
        for first, last in _free(taken, start, end) if end - start >= FEWEST * period else []:
            work -= last - first
            for begin, stop in _wired_alike(sources, first, last, period):
                begin, count = _align(sources, begin, stop, period)
                taken[begin : begin + count * period] = True
                head = _head(row, sources, taken, begin, period)
                taken[begin - len(head) : begin] = True
                yield begin, count, period, head


# -- candidates --------------------------------------------------------------------------------------------------------


def _candidates(row: np.ndarray) -> set[tuple[int, int, int]]:
    """Stretches (start, end, period) where each label equals the one a period before."""
    found: set[tuple[int, int, int]] = set()
    ranks = np.unique(row, return_inverse=True)[1].reshape(-1)
    length = 1  # ranks[i] stands for the labels i, ..., i + length - 1
    while len(ranks) > length:
        back = _distance_back(ranks)
        if not back.any():
            break
        changes = np.flatnonzero(np.diff(back)) + 1
        starts, ends = np.r_[0, changes], np.r_[changes, len(back)]
        period = back[starts]
        begin, end = starts - period, ends + length - 1
        long = (period > 0) & (end - begin >= FEWEST * period)
        found.update(zip(begin[long].tolist(), end[long].tolist(), period[long].tolist(), strict=True))
        pairs = ranks[:-length] * (int(ranks.max()) + 1) + ranks[length:]
        ranks = np.unique(pairs, return_inverse=True)[1].reshape(-1)
        length *= 2
    return found


def _distance_back(ranks: np.ndarray) -> np.ndarray:
    """How far back each entry occurred last; 0 where it is the first of its kind."""
    order = np.argsort(ranks, kind="stable")
    back = np.zeros(len(ranks), dtype=np.int64)
    back[order[1:]] = np.where(ranks[order[1:]] == ranks[order[:-1]], order[1:] - order[:-1], 0)
    return back


def _free(taken: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """Parts of a stretch that no run has taken."""
    changes = np.flatnonzero(np.diff(np.r_[True, taken[start:end], True].astype(np.int8)))
    return [(start + int(a), start + int(b)) for a, b in zip(changes[::2], changes[1::2], strict=True)]


# -- wiring ------------------------------------------------------------------------------------------------------------


def _wired_alike(sources: Sources, start: int, end: int, period: int) -> Iterator[tuple[int, int]]:
    """Parts of a stretch in which the arguments of each item come from where those of the one a period before do."""
    begin = start
    for index in range(start + period, end):
        if not _same_wiring(sources[index - period], sources[index], begin, period):
            if index - begin >= FEWEST * period:
                yield begin, index
            begin = index - period + 1
    if end - begin >= FEWEST * period:
        yield begin, end


def _same_wiring(before: Sequence[int], now: Sequence[int], begin: int, period: int) -> bool:
    """Arguments from within the run come from a period later; those from before it may come from anywhere before."""
    if len(before) != len(now):
        return False
    return all(new - old == period or new == old or old < begin for old, new in zip(before, now, strict=True))


def _align(sources: Sources, start: int, end: int, period: int) -> tuple[int, int]:
    """Where repetitions begin, and their count: where the fewest values go from one to the next, as between steps.

    The last such place: loops end with a whole step, and their first is often unlike the others.
    """
    count = (end - start) // period
    life = [0] * period  # of what the item at each place makes: how many items later it is used last
    for index in range(start + period, start + 2 * period):
        for source in sources[index]:
            if index - period < source < index:
                place = (source - start) % period
                life[place] = max(life[place], index - source)
    steps = np.zeros(2 * period + 1, dtype=np.int64)
    for place, items in enumerate(life):
        steps[place + 1] += 1
        steps[place + items + 1] -= 1
    crossing = np.cumsum(steps)
    totals = crossing[:period] + crossing[period : 2 * period]  # values that a cut before `start + shift` goes through
    choices = totals[: end - start - count * period + 1]
    return start + int(np.flatnonzero(choices == choices.min())[-1]), count


def _head(row: np.ndarray, sources: Sources, taken: np.ndarray, begin: int, period: int) -> tuple[int, ...]:
    """The items just before a run, if they are one more repetition in another order; in the order of the run.

    The first step of a loop often is: what is carried from step to step has no history there, and comes later.
    """
    low, end = begin - period, begin + period
    if low < 0 or taken[low:begin].any() or not np.array_equal(np.sort(row[low:begin]), np.sort(row[begin:end])):
        return ()
    twins: dict[int, int] = {}  # item of the run's first repetition -> its counterpart before the run
    pending = [pair for index in range(begin, end) for pair in _pairs(sources, index + period, index, begin, end)]
    while pending:
        item, twin = pending.pop()
        if item in twins:
            if twins[item] != twin:
                return ()
            continue
        if not low <= twin < begin or row[item] != row[twin] or len(sources[item]) != len(sources[twin]):
            return ()
        twins[item] = twin
        pending.extend(_pairs(sources, item, twin, begin, end))
    if len(twins) != period or len(set(twins.values())) != period:
        return ()
    return tuple(twins[item] for item in range(begin, end))


def _pairs(sources: Sources, item: int, twin: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Arguments of ``item`` that stand in the first repetition, each with that of ``twin`` at the same place."""
    for theirs, ours in zip(sources[item], sources[twin], strict=True):
        if begin <= theirs < end:
            yield theirs, ours
