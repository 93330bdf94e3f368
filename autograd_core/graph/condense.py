"""Leaving nodes out: an edge between two kept nodes stands for all paths between them through nodes left out."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from dataclasses import replace

from .elements import CONSTANT, GraphEdge, GraphNode, add_up, chain
from .products import Region, gradient, is_scalar, pull_along

_LISTED = 3  # operations that a condensed node names


def condense(
    nodes: Sequence[GraphNode], incoming: Sequence[Sequence[GraphEdge]], kept: Collection[int]
) -> tuple[dict[int, GraphNode], list[GraphEdge]]:
    """Nodes of the condensed graph, by their index in the old one (``kept`` has these), and the edges between them."""
    moved: dict[int, GraphNode] = {}
    edges: list[GraphEdge] = []
    for node in nodes:
        if node.index not in kept:
            continue
        sums, inside = _region(nodes, incoming, kept, node)
        operations = [nodes[index].operation or "" for index in inside if nodes[index].operation]
        parameters = {} if len(operations) > 1 else node.params
        moved[node.index] = replace(node, index=len(moved), operation=_together(operations), params=parameters)
        # The old nodes are kept: what is asked of an edge later, its Jacobian, is computed along the edges among them.
        region = Region(
            tuple(edge for index in inside for edge in incoming[index]), tuple(nodes[index] for index in sums), node
        )
        for position, source in enumerate(sums):
            ends = (moved[source], moved[node.index])
            edges.append(_edge(GraphEdge(*ends, position, sums[source], region)))
    return moved, edges


def _edge(edge: GraphEdge) -> GraphEdge:
    """``edge`` with the derivative that was not found from numbers alone, or with none."""
    if edge.source.kind == CONSTANT:
        return replace(edge, application=None)
    if edge.local_derivative is None and is_scalar(edge.source) and is_scalar(edge.target):
        through_arrays = gradient(pull_along([edge]), edge.source, edge.target)
        if through_arrays is not None:
            return replace(edge, local_derivative=float(through_arrays.item()))
    return edge


def _region(
    nodes: Sequence[GraphNode], incoming: Sequence[Sequence[GraphEdge]], kept: Collection[int], end: GraphNode
) -> tuple[dict[int, float | None], list[int]]:
    """Kept nodes next to ``end`` with the derivative of ``end`` along them, and the nodes left out on the way, and it.

    A small backward walk: from ``end`` over nodes left out, each after all nodes that use it.
    """
    arriving: dict[int, list[float | None]] = {end.index: [1.0]}
    pending = [-end.index]  # a heap, so that the last node comes first
    borders: set[int] = set()
    inside: list[int] = []
    while pending:
        index = -heapq.heappop(pending)
        if index in kept and index != end.index:
            borders.add(index)
            continue
        inside.append(index)
        downstream = add_up(arriving[index])
        for edge in incoming[index]:
            source = edge.source.index
            if source not in arriving:
                arriving[source] = []
                heapq.heappush(pending, -source)
            arriving[source].append(chain(downstream, edge.local_derivative))
    in_order = _argument_order(incoming, borders, end.index)
    return {index: add_up(arriving[index]) for index in in_order}, inside[::-1]


def _argument_order(incoming: Sequence[Sequence[GraphEdge]], borders: Collection[int], end: int) -> list[int]:
    """``borders`` as a reader of the formula for ``end`` meets them."""
    found: list[int] = []
    seen: set[int] = set()
    pending = [end]
    while pending:
        index = pending.pop()
        if index in seen:
            continue
        seen.add(index)
        if index in borders:
            found.append(index)
        else:
            pending.extend(edge.source.index for edge in reversed(incoming[index]))
    return found


def _together(operations: Sequence[str]) -> str | None:
    """One text for operations that follow one another."""
    if len(operations) > _LISTED:
        return f"{operations[0]}, …, {operations[-1]} ({len(operations)} operations)"
    return ", ".join(operations) or None
