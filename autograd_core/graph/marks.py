"""Highlighting: the nodes and edges on the paths between two nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ConversionError, GraphError
from .elements import GraphEdge, GraphNode
from .paths import Path
from .text import number, title

if TYPE_CHECKING:
    from .model import Graph

_FEW = 64  # edges: paths through so few are counted and multiplied for the note


@dataclass(frozen=True, slots=True)
class Marks:
    """What is highlighted.

    Attributes
    ----------
    nodes : set of int
        By index.
    edges : set of GraphEdge
    note : str
        What it is, and the derivative along it where that is a number.
    """

    nodes: set[int]
    edges: set[GraphEdge]
    note: str


def marks_of(graph: Graph, highlight: Any) -> Marks:
    """Marks for a ``Path``, or for a pair of source and target as ``Graph.find`` takes them.

    Raises
    ------
    ConversionError
        If ``highlight`` is something else.
    GraphError
        If no path leads from the source to the target, or one of them is not in the graph.
    """
    if isinstance(highlight, Path):
        return _along(graph, highlight)
    if not isinstance(highlight, (tuple, list)) or len(highlight) != 2:
        raise ConversionError(
            "Graph.draw: highlight must be a pair (source, target) or a Path of this graph; got "
            f"{_described(highlight)}."
        )
    sources, targets = (graph.find(which) for which in highlight)
    after = _reached(graph, sources, forward=True)
    nodes = after & _reached(graph, targets, forward=False)
    ends = f"from {_titles(sources)} to {_titles(targets)}"
    if not nodes:
        raise GraphError(f"Graph.draw: highlight: no path leads {ends}. Do they stand in the other order?")
    edges = {edge for edge in graph.edges if edge.source.index in nodes and edge.target.index in nodes}
    return Marks(nodes, edges, f"Highlighted: {_count(graph, sources, targets, edges)} {ends}.")


def _along(graph: Graph, path: Path) -> Marks:
    strangers = [node for node in path.nodes if node not in graph.nodes[node.index : node.index + 1]]
    if strangers:
        raise GraphError(f"Graph.draw: highlight: {title(strangers[0])} on the path is not a node of this graph.")
    product = path.product
    along = "" if product is None else f", product {number(product)}"
    ends = f"the path from {title(path.nodes[0])} to {title(path.nodes[-1])}"
    return Marks({node.index for node in path.nodes}, set(path.edges), f"Highlighted: {ends}{along}.")


def _reached(graph: Graph, starts: Iterable[GraphNode], forward: bool) -> set[int]:
    """Nodes after ``starts``, or before them; one pass over the edges, which are in order."""
    found = {node.index for node in starts}
    for edge in graph.edges if forward else reversed(graph.edges):
        near, far = (edge.source, edge.target) if forward else (edge.target, edge.source)
        if near.index in found:
            found.add(far.index)
    return found


def _count(graph: Graph, sources: tuple[GraphNode, ...], targets: tuple[GraphNode, ...], edges: set[GraphEdge]) -> str:
    if len(sources) == len(targets) == 1 and 0 < len(edges) <= _FEW:
        try:
            paths = graph.paths(sources[0], targets[0], limit=100)
        except GraphError:
            return "the paths"
        products = [path.product for path in paths]
        along = "" if None in products else f" (products add up to {number(sum(p for p in products if p is not None))})"
        return ("the path" if len(paths) == 1 else f"{len(paths)} paths") + along
    return "the paths"


def _titles(nodes: Iterable[GraphNode]) -> str:
    return " and ".join(dict.fromkeys(title(node) for node in nodes))


def _described(highlight: Any) -> str:
    return repr(highlight) if isinstance(highlight, str) else f"a {type(highlight).__name__}"
