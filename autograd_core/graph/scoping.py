"""Parts for name scopes."""

from __future__ import annotations

from collections.abc import Sequence

from .elements import GraphNode
from .groups import SCOPE
from .parts import Part, operations


def scope_parts(top: Part, nodes: Sequence[GraphNode], order: Sequence[int], labels: Sequence[int]) -> list[Part]:
    """Puts each operation into a part for its scope, below ``top``; returns the parts, outer ones first.

    A scope that was entered again and again, each time for the same, gets a part for each time. Otherwise what it has
    is one part, wherever in the order it stands.

    Parameters
    ----------
    order : sequence of int
        Indices of the operations.
    labels : sequence of int
        For each node, equal where the operations are alike.
    """
    _visits(top, nodes, order)
    parts: list[Part] = []
    pending = [top]
    while pending:
        part = pending.pop()
        parts.append(part)
        _merge_unlike(part, labels)
        pending.extend(item for item in part.items if isinstance(item, Part))
    return parts


def _visits(top: Part, nodes: Sequence[GraphNode], order: Sequence[int]) -> None:
    """A part for each time that the order comes to a scope."""
    way = [top]
    for index in order:
        scope = nodes[index].scope
        if scope != way[-1].scope:
            shared = 0
            while shared < min(len(scope), len(way) - 1) and way[shared + 1].name == scope[shared]:
                shared += 1
            del way[shared + 1 :]
            for depth in range(shared, len(scope)):
                way.append(Part(SCOPE, scope[depth], scope=scope[: depth + 1]))
                way[-2].items.append(way[-1])
        way[-1].items.append(index)


def _merge_unlike(part: Part, labels: Sequence[int]) -> None:
    """Merges the visits to each scope in ``part`` unless most of them are alike."""
    visits: dict[str, list[Part]] = {}
    for item in part.items:
        if isinstance(item, Part):
            visits.setdefault(item.name, []).append(item)
    merged: set[Part] = set()
    for found in visits.values():
        if len(found) > 1 and not _alike(found, labels):
            found[0].items = [inner for visit in found for inner in visit.items]
            merged.update(found[1:])
    part.items = [item for item in part.items if item not in merged]


def _alike(visits: Sequence[Part], labels: Sequence[int]) -> bool:
    seen = [tuple(labels[index] for index in operations(visit)) for visit in visits]
    return 2 * max(map(seen.count, seen[:2])) > len(seen)
