"""An order of operations in which those that belong together stand together."""

from __future__ import annotations

from collections.abc import Sequence

from .elements import GraphEdge, GraphNode

Incoming = Sequence[Sequence[GraphEdge]]


def reading_order(nodes: Sequence[GraphNode], incoming: Incoming) -> list[int]:
    """Indices of the operations, each after what it was computed from.

    Depth first from the results, the argument with the longest history first: a loop is written down step by step,
    with what a step reads from outside just before it is used, in whatever order the program did it.
    """
    depth, used = _depths(nodes, incoming)
    order: list[int] = []
    opened = [False] * len(nodes)
    done = [False] * len(nodes)
    for root in nodes:
        pending = [] if used[root.index] else [root.index]
        while pending:
            index = pending[-1]
            if opened[index]:
                pending.pop()
                if not done[index]:
                    done[index] = True
                    if incoming[index]:
                        order.append(index)
                continue
            opened[index] = True
            sources = [edge.source.index for edge in reversed(incoming[index])]
            sources.sort(key=depth.__getitem__)  # stable: the deepest on top, else the first argument
            pending.extend(source for source in sources if not opened[source])
    return order


def _depths(nodes: Sequence[GraphNode], incoming: Incoming) -> tuple[list[int], list[bool]]:
    """Longest way to each node from where nothing comes in, and whether anything uses it."""
    depth = [0] * len(nodes)
    used = [False] * len(nodes)
    for node in nodes:
        for edge in incoming[node.index]:
            source = edge.source.index
            used[source] = True
            depth[node.index] = max(depth[node.index], depth[source] + 1)
    return depth, used
