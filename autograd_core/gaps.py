"""What a tape remembers of sources for which it has given None: enough to say why, when it has let its recording go.

Nodes and arrays are not kept, only which sources were used, and at which places of the program what was computed from
them has left the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import ref

from .node import Node
from .recording import IN_PLACE, End, Record


@dataclass(frozen=True, slots=True)
class Way:
    """Where a value that depends on a source has left the recording.

    Attributes
    ----------
    how, place : str
        See ``End``.
    operations : tuple of str
        From the source to the value that left.
    is_choice : bool
        An operation without a derivative, whose result no recorded operation was given; ``how`` is its name.
    """

    how: str
    place: str
    operations: tuple[str, ...]
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A source without a gradient.

    Attributes
    ----------
    source : weak reference
    watched : bool
        Whether the tape has tracked it at all.
    used : bool
        Whether anything recorded was computed from it.
    ways : tuple of Way
        In the order in which they were met.
    target_tracked : bool
        Whether the tape has tracked the target.
    """

    source: Any
    watched: bool
    used: bool
    ways: tuple[Way, ...]
    target_tracked: bool


class Gaps:
    """All sources for which one call of ``gradient`` gave None."""

    __slots__ = ("_gaps",)

    def __init__(self, record: Record, items: Sequence[Any], standing: Any, found: Sequence[Any], tracked: bool):
        self._gaps = [
            gap_of(item, nodes, record.nodes, record.ends, tracked)
            for item, nodes, ct in zip(items, standing, found, strict=True)
            if ct is None
        ]

    def of(self, source: Any) -> Gap | None:
        """What is known of ``source``."""
        return next((gap for gap in self._gaps if gap.source() is source), None)


last_gaps: ContextVar[Gaps | None] = ContextVar("autograd_core_last_gaps", default=None)
"""Of the last call of ``gradient`` in this thread or task that gave None for a source."""


def gap_of(item: Any, nodes: Sequence[Node], recorded: Sequence[Node], ends: Any, tracked: bool) -> Gap:
    """What is known of one source, for which ``nodes`` stand on the tape."""
    if not nodes:
        ways = _own_ways(item, ends)
        return Gap(ref(item), False, bool(ways), ways, tracked)
    if not ends:  # the common case; whether anything uses the source is all there is to be known
        own = set(nodes)
        used = any(not own.isdisjoint(node.parents) for node in recorded)
        return Gap(ref(item), True, used, (), tracked)
    through: dict[Node, Node | None] = dict.fromkeys(nodes)  # what depends on it, with the one before it
    for node in recorded:
        before = next((parent for parent in node.parents if parent in through), None)
        if before is not None:
            through[node] = before
    used = len(through) > len(nodes)
    found = [
        Way(end.how, end.place, _operations(through, end.node), end.result is not None)
        for end in _without_the_used(ends, recorded)
        if end.node in through and end.how != IN_PLACE
    ]
    moves = [end for end in ends if end.how == IN_PLACE and any(end.node in node.parents for node in nodes)]
    found += [Way(IN_PLACE, end.place, ()) for end in moves]
    return Gap(ref(item), True, used, (*_own_ways(item, ends), *found), tracked)


def _without_the_used(ends: Sequence[End], recorded: Sequence[Node]) -> list[End]:
    """Without what gave a mask or an index to an operation: nothing was chosen by it that is not recorded."""
    results = {id(end.result()) for end in ends if end.result is not None}
    used = {id(arg) for node in recorded for arg in node.args if id(arg) in results} if results else set()
    return [end for end in ends if end.result is None or id(end.result()) not in used]


def _own_ways(item: Any, ends: Sequence[End] | None) -> tuple[Way, ...]:
    return tuple(Way(end.how, end.place, ()) for end in ends or () if end.variable is item)


def _operations(through: dict[Node, Node | None], node: Node | None) -> tuple[str, ...]:
    names = []
    while node is not None and through[node] is not None:
        names.append(node.operation)
        node = through[node]
    return tuple(reversed(names))
