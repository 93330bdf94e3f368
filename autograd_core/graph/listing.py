"""A graph as text: what ``print(graph)`` shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .elements import GraphEdge, GraphNode
from .text import call, entries, number, shape_and_dtype, table, title

_SHOWN = 60  # rows


def listing(nodes: Sequence[GraphNode], incoming: Sequence[Iterable[GraphEdge]]) -> str:
    """A row per node: its name, how it was computed, its value, and the local derivatives to its arguments."""
    rows = [("#", "node", "kind", "operation", "value", "type", "from")]
    for node in nodes[:_SHOWN]:
        what = (title(node), node.kind, call(node), entries(node.array) or "", shape_and_dtype(node))
        rows.append((str(node.index), *what, ", ".join(map(_argument, incoming[node.index]))))
    left = len(nodes) - _SHOWN
    return table(rows, "><<<<<<") + (f"\n... and {left:,} more" if left > 0 else "")


def _argument(edge: GraphEdge) -> str:
    shown = title(edge.source) if edge.source.name else f"#{edge.source.index}"
    return shown if edge.local_derivative is None else f"{shown} (d = {number(edge.local_derivative)})"
