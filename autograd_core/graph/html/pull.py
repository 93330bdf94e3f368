"""The backward pass once more, edge by edge, on what the graph keeps: gradients where none were asked for before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..elements import GraphEdge, chain
from ..jacobians import Application

if TYPE_CHECKING:
    from ..model import Graph

MANY = 16  # arguments of one operation from which on they are asked together


class Pulled:
    """Gradients of the targets' sum, and what each edge adds to them.

    Attributes
    ----------
    gradients : dict of int to array
        By the index of the node; without those that cannot be known.
    sent : dict of int to what ``tell`` makes of an array
        By the position of the edge in ``graph.edges``: for arrays, where several edges meet.
    """

    def __init__(self, graph: Graph, tell: Callable[[Any], Any]):
        self.gradients: dict[int, Any] = {}
        self.sent: dict[int, Any] = {}
        self._tell = tell
        incoming: list[list[tuple[int, GraphEdge]]] = [[] for _ in graph.nodes]
        self._uses = [0] * len(graph.nodes)
        for position, edge in enumerate(graph.edges):
            if carries(edge):
                incoming[edge.target.index].append((position, edge))
                self._uses[edge.source.index] += 1
        self._sums: dict[int, Any] = {}
        for node in graph.targets:
            if node.shape is not None:
                self._sums[node.index] = np.ones(node.shape, node.dtype)
        with np.errstate(all="ignore"):  # an infinite gradient is an answer
            for node in reversed(graph.nodes):
                self._visit(node.index, incoming[node.index])

    def _visit(self, index: int, edges: list[tuple[int, GraphEdge]]) -> None:
        """Send the gradient of a node on to its arguments; all that use it have been visited."""
        ct = self._sums.pop(index, None)
        if ct is None:
            return
        self.gradients[index] = _outside(ct)
        at_once = _at_once(edges, ct) if len(edges) > MANY else None
        for position, edge in edges:
            self._send(position, edge, _along(edge, ct) if at_once is None else at_once[edge.index])

    def _send(self, position: int, edge: GraphEdge, sent: Any) -> None:
        source = edge.source.index
        if sent is None:  # its rule is gone: nothing beyond can be known, whatever else arrives there
            self._sums[source] = None
        elif source not in self._sums:
            self._sums[source] = sent
        elif self._sums[source] is not None:
            self._sums[source] = self._sums[source] + sent
        if sent is not None and self._uses[source] > 1 and edge.local_derivative is None:
            self.sent[position] = self._tell(_outside(sent))


def carries(edge: GraphEdge) -> bool:
    """Whether a derivative goes along ``edge``."""
    return edge.application is not None or edge.local_derivative is not None


def _outside(ct: Any) -> Any:
    """As people have the gradient in a complex value: d/dx + i d/dy."""
    return np.conj(ct) if ct.dtype.kind == "c" else ct


def _at_once(edges: list[tuple[int, GraphEdge]], ct: Any) -> list[Any] | None:
    """What goes to each argument of an operation with many; None where its edges have to be asked one by one."""
    application = edges[0][1].application
    if not isinstance(application, Application):
        return None
    if any(edge.application is not application or edge.local_derivative is not None for _, edge in edges):
        return None
    return application.pull_all(ct)


def _along(edge: GraphEdge, ct: Any) -> Any:
    if edge.local_derivative is None or ct.size != 1:
        return edge.pull(ct)
    product = chain(float(ct.reshape(())), edge.local_derivative)
    return np.full(edge.source.shape or (), product, edge.source.dtype)
