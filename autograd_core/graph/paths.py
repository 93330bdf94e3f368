"""Paths from a source to a target: the chain rule multiplies along each, and adds the products up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from ..errors import GraphError
from .elements import GraphEdge, GraphNode, add_up, chain
from .text import number, title

Incoming = Sequence[Sequence[GraphEdge]]
"""For each node, by its index, the edges that lead to it."""

_MANY = 10**18  # counting stops here: a graph of n additions can have 2**n paths


@dataclass(frozen=True, eq=False, slots=True)
class Path:
    """One way from a source to a target.

    Attributes
    ----------
    nodes : tuple of GraphNode
        Source first.
    edges : tuple of GraphEdge
        One fewer than there are nodes.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    @property
    def product(self) -> float | None:
        """Local derivatives multiplied, from the target's end; None if one of them is not a number."""
        product: float | None = 1.0
        for edge in reversed(self.edges):
            product = chain(product, edge.local_derivative)
        return product

    def __str__(self) -> str:
        steps = " -> ".join(title(node) for node in self.nodes)
        if self.product is None:
            return steps
        factors = " * ".join(number(edge.local_derivative) for edge in reversed(self.edges)) or "1"
        return f"{steps}: {factors} = {number(self.product)}"

    def __repr__(self) -> str:
        return f"<Path {self}>"


class Paths(Sequence[Path]):
    """All paths from a source to a target."""

    __slots__ = ("_paths",)

    def __init__(self, paths: Sequence[Path]):
        self._paths = tuple(paths)

    @property
    def total(self) -> float | None:
        """Sum of the products: the gradient of the target. None if one of them is not a number."""
        return add_up([path.product for path in self._paths])

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Path]: ...

    def __getitem__(self, index):
        return self._paths[index]

    def __len__(self) -> int:
        return len(self._paths)

    def __str__(self) -> str:
        lines = [str(path) for path in self._paths] or ["no path"]
        return "\n".join([*lines, *([] if self.total is None else [f"sum: {number(self.total)}"])])

    def __repr__(self) -> str:
        return f"<Paths: {len(self)}, total {self.total}>"


def enumerate_paths(
    incoming: Incoming, sources: Sequence[GraphNode], targets: Sequence[GraphNode], limit: int
) -> Paths:
    """Every path from one of ``sources`` to one of ``targets``.

    Raises
    ------
    GraphError
        If there are more than ``limit``; they are counted before the first is built.
    """
    starts = {node.index for node in sources}
    counts = _count(incoming, starts)
    total = sum(counts[node.index] for node in targets)
    if total > limit:
        shown = f"{total:,}" if total < _MANY else "more than 10^18"
        raise GraphError(
            f"Graph.paths: there are {shown} paths from {_titles(sources)} to {_titles(targets)}; limit is {limit:,}. "
            "Raise limit, ask for paths between nodes closer to one another, or use condense(keep=[...]): its edges "
            "carry the sum over all paths between two nodes."
        )
    return Paths([path for target in targets for path in _walk(incoming, starts, counts, target)])


def _count(incoming: Incoming, starts: set[int]) -> list[int]:
    """For each node, how many paths lead to it from ``starts``; _MANY where there are more."""
    counts: list[int] = []
    for index, edges in enumerate(incoming):  # sources of edges stand before their targets
        arriving = sum(counts[edge.source.index] for edge in edges) + (index in starts)
        counts.append(min(arriving, _MANY))
    return counts


def _walk(incoming: Incoming, starts: set[int], counts: list[int], target: GraphNode) -> Iterator[Path]:
    """Depth first from ``target`` towards the sources, arguments in order, on a stack of its own."""
    if target.index in starts:
        yield Path((target,), ())
    trail: list[GraphEdge] = []  # from the target to where the walk is
    pending = [iter(incoming[target.index])]
    while pending:
        edge = next((edge for edge in pending[-1] if counts[edge.source.index]), None)
        if edge is None:
            pending.pop()
            if trail:
                trail.pop()
            continue
        trail.append(edge)
        if edge.source.index in starts:
            edges = tuple(reversed(trail))
            yield Path((edges[0].source, *(step.target for step in edges)), edges)
        pending.append(iter(incoming[edge.source.index]))


def _titles(nodes: Sequence[GraphNode]) -> str:
    return " and ".join(dict.fromkeys(title(node) for node in nodes))
