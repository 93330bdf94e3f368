"""Where a long row is best cut: along chains, and elsewhere where few values go from one side to the other."""

from __future__ import annotations

from collections.abc import Sequence

from .repeats import Sources

_SHORTEST = 3  # links of a chain that is worth a box

Range = tuple[int, int]
"""From the first position to the one behind the last."""


def chains(sources: Sources, is_leaf: Sequence[bool]) -> list[Range]:
    """The row in ranges: chains, where each item uses the one before and nothing else does, and single items.

    Leaves between the links of a chain belong to it.
    """
    users: list[set[int]] = [set() for _ in sources]
    for at, found in enumerate(sources):
        for source in found:
            if source >= 0:
                users[source].add(at)
    ranges: list[Range] = []
    start, links, last = 0, 0, -1  # of the chain that is being followed, `last` is its last link
    for at, found in enumerate(sources):
        if is_leaf[at]:
            continue
        used = {source for source in found if source >= 0 and not is_leaf[source]}
        if used != {last} or users[last] != {at}:
            _close(ranges, start, last + 1, links)
            start, links = last + 1, 0
        links, last = links + 1, at
    _close(ranges, start, last + 1, links)
    return [*ranges, *((at, at + 1) for at in range(last + 1, len(sources)))]


def _close(ranges: list[Range], start: int, end: int, links: int) -> None:
    if links >= _SHORTEST:
        ranges.append((start, end))
    else:
        ranges.extend((at, at + 1) for at in range(start, end))


def crossings(sources: Sources) -> list[int]:
    """For each place between two items, and for both ends, how many values are made before it and used after it."""
    last_use = list(range(len(sources)))
    for at, found in enumerate(sources):
        for source in found:
            if source >= 0:
                last_use[source] = max(last_use[source], at)
    steps = [0] * (len(sources) + 2)
    for at, last in enumerate(last_use):
        steps[at + 1] += 1
        steps[last + 1] -= 1
    for at in range(1, len(steps)):
        steps[at] += steps[at - 1]
    return steps[: len(sources) + 1]


def cut(crossing: Sequence[int], widest: int) -> list[Range]:
    """Ranges of at most ``widest`` items, cut where the fewest values cross; ``crossing`` as ``crossings`` gives it."""
    ranges: list[Range] = []
    start, end = 0, len(crossing) - 1
    while end - start > widest:
        middle = start + widest // 2
        stop = min(range(start + widest, middle, -1), key=crossing.__getitem__)
        ranges.append((start, stop))
        start = stop
    return [*ranges, (start, end)]
