"""How long links have to be so that scopes stand in a row, each behind what it uses, and not beside it."""

from __future__ import annotations

from collections.abc import Sequence

from .fold import Box
from .groups import Group
from .links import NEXT, Link

_LONGEST = 6  # ranks; a scope whose beginning is further off stands beside what it uses


def least_lengths(boxes: Sequence[Box], links: Sequence[Link]) -> dict[Link, int]:
    """Ranks that a link into a scope has to span: those of the scope before the box it leads to, and one."""
    ranks: dict[tuple[Group, ...], dict[int, int]] = {}  # of boxes within each scope, from its first ones on
    forward = sorted((link for link in links if link.role != NEXT), key=_place)
    for link in forward:
        around = boxes[link.source].inside
        for depth in range(1, _shared(around, boxes[link.target].inside) + 1):
            within = ranks.setdefault(around[:depth], {})
            within[link.target] = max(within.get(link.target, 0), within.get(link.source, 0) + 1)
    found: dict[Link, int] = {}
    for link in forward:
        around = boxes[link.target].inside
        shared = _shared(boxes[link.source].inside, around)
        if len(around) > shared and any(edge.source.operation for edge in link.edges):
            found[link] = min(ranks.get(around[: shared + 1], {}).get(link.target, 0) + 1, _LONGEST)
    return found


def _place(link: Link) -> int:
    """In the order of computation."""
    return max(edge.target.index for edge in link.edges)


def _shared(one: tuple[Group, ...], other: tuple[Group, ...]) -> int:
    """How many scopes two boxes both lie in."""
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] is other[shared]:
        shared += 1
    return shared
