"""Links between the boxes of a folded graph: each stands for all edges between what its two boxes stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .elements import GraphEdge
from .groups import Group
from .order import Incoming

NEXT = "next"
FIRST = "first"
LAST = "last"

ROLES = ("", NEXT, FIRST, LAST)
"""An edge as it is; from one time of a repetition to a later one; into its first time only; out of its last only."""


@dataclass(frozen=True, eq=False, slots=True)
class Link:
    """Edges of a graph that are shown as one.

    Attributes
    ----------
    source, target : int
        Indices of the boxes.
    edges : tuple of GraphEdge
    role : {"", "next", "first", "last"}
        What it means for a repetition that is shown once.
    """

    source: int
    target: int
    edges: tuple[GraphEdge, ...]
    role: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands in a repetition that is shown once: in which time, and which node shown stands for it."""

    repeat: Group
    time: int
    shown: int


Level = dict[int, Place]
"""Places of nodes in repetitions that lie equally deep in others."""


def places(repeat: Group, shown: int, incoming: Incoming) -> Level:
    """Places of the nodes of ``repeat``, of which the time number ``shown`` is shown."""
    found: Level = {}
    inside = set(repeat.members())
    for time, operations in enumerate(repeat.times):
        for index, twin in zip(operations, repeat.times[shown], strict=True):
            found[index] = Place(repeat, time, twin)
            for edge, other in zip(incoming[index], incoming[twin], strict=False):
                leaf = edge.source.index
                if leaf in inside and not incoming[leaf]:
                    found[leaf] = Place(repeat, time, other.source.index)
    return found


def links_of(
    edges: Sequence[GraphEdge], owner: Sequence[int], levels: Sequence[Level], single: Sequence[bool]
) -> tuple[Link, ...]:
    """Links for ``edges``, in their order.

    Parameters
    ----------
    owner : sequence of int
        For each node the index of its box.
    levels : sequence of Level
        Outermost first.
    single : sequence of bool
        For each box whether it stands for one node alone: two arguments from one to another are then two links.
    """
    found: dict[tuple[int, int, bool, int], _Bundle] = {}
    for edge in edges:
        source, target = owner[edge.source.index], owner[edge.target.index]
        carried, entering, leaving = _times(edge, levels) if levels else (False, None, None)
        if source == target and not carried:
            continue
        number = edge.index if single[source] and single[target] else -1
        bundle = found.setdefault((source, target, carried, number), _Bundle())
        bundle.edges.append(edge)
        bundle.entering.add(entering)
        bundle.leaving.add(leaving)
    return tuple(
        Link(source, target, tuple(bundle.edges), NEXT if carried else bundle.role())
        for (source, target, carried, _), bundle in found.items()
    )


def length_of(links: Sequence[Link], boxes: int) -> int:
    """How many boxes deep all links reach together, beyond the next one: how tangled a drawing gets."""
    forward = [link for link in links if link.role != NEXT]
    forward.sort(key=lambda link: max(edge.target.index for edge in link.edges))
    rank = [0] * boxes
    nearest = [boxes] * boxes  # the lowest rank that a box leads to
    entered = {link.target for link in forward}
    for link in forward:
        rank[link.target] = max(rank[link.target], rank[link.source] + 1)
    for link in forward:
        nearest[link.source] = min(nearest[link.source], rank[link.target])
    start = [rank[box] if box in entered else nearest[box] - 1 for box in range(boxes)]
    return sum(max(abs(rank[link.target] - start[link.source]) - 1, 0) for link in forward)


@dataclass(slots=True)
class _Bundle:
    edges: list[GraphEdge] = field(default_factory=list)
    entering: set[str | None] = field(default_factory=set)
    leaving: set[str | None] = field(default_factory=set)

    def role(self) -> str:
        if self.entering == {FIRST}:
            return FIRST
        return LAST if self.leaving == {LAST} else ""


def _times(edge: GraphEdge, levels: Sequence[Mapping[int, Place]]) -> tuple[bool, str | None, str | None]:
    """Whether an edge leads from one time to another; where it enters a repetition, and where it leaves one."""
    source, target = edge.source.index, edge.target.index
    for level in levels:
        start, end = level.get(source), level.get(target)
        if start is not None and end is not None and start.repeat is end.repeat:
            if start.time != end.time:
                return True, None, None
            source, target = start.shown, end.shown
            continue
        entering = FIRST if end is not None and end.time == 0 else None
        leaving = LAST if start is not None and start.time == len(start.repeat.times) - 1 else None
        return False, entering, leaving
    return False, None, None
