"""Some nodes of a graph: those before or after others, and the graph of a chosen few."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from .elements import GraphEdge, GraphNode


def before(incoming: Sequence[Sequence[GraphEdge]], ends: Iterable[GraphNode]) -> list[int]:
    """Indices of the nodes from which an edge or several lead to one of ``ends``, in order."""
    found: set[int] = set()
    pending = [node.index for node in ends]
    while pending:
        for edge in incoming[pending.pop()]:
            if edge.source.index not in found:
                found.add(edge.source.index)
                pending.append(edge.source.index)
    return sorted(found)


def after(incoming: Sequence[Sequence[GraphEdge]], starts: Iterable[GraphNode]) -> list[int]:
    """Indices of the nodes to which an edge or several lead from one of ``starts``, in order."""
    reached = {node.index for node in starts}
    found: list[int] = []
    for index, edges in enumerate(incoming):  # sources of edges stand before their targets
        if any(edge.source.index in reached for edge in edges):
            reached.add(index)
            found.append(index)
    return found


def between(
    nodes: Sequence[GraphNode], edges: Iterable[GraphEdge], kept: Collection[int]
) -> tuple[dict[int, GraphNode], list[GraphEdge]]:
    """Nodes of the graph of ``kept``, by their index in the old one, and the edges that have both ends there."""
    moved: dict[int, GraphNode] = {}
    for index in sorted(kept):
        moved[index] = replace(nodes[index], index=len(moved))
    inner = [edge for edge in edges if edge.source.index in kept and edge.target.index in kept]
    return moved, [replace(edge, source=moved[edge.source.index], target=moved[edge.target.index]) for edge in inner]
