"""The graph as formulas see it: which nodes are numbers, what they are called, and their values elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GraphError
from ..graph import Graph, GraphEdge, GraphNode
from ..graph.products import Region
from ..graph.text import shorten
from .calculus import evaluate
from .expressions import Call, Expression, Known, Number, Symbol, symbols
from .functions import FUNCTIONS

LEAVES = ("variable", "input")


def is_one_entry(node: GraphNode) -> bool:
    """Whether the value of ``node`` is one real number."""
    value = node.value if isinstance(node.value, np.ndarray) else node.array
    return value is not None and value.size == 1 and value.dtype.kind in "fiub"


@dataclass(frozen=True, slots=True)
class Values:
    """Values of the nodes, and which are other than in the recorded run and which nobody can compute."""

    by_index: Mapping[int, Any]
    moved: frozenset[int]


class Scalars:
    """Graph of numbers.

    Attributes
    ----------
    graph : Graph
    leaves : dict of str to GraphNode
        What has a value of its own, by name.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.leaves: dict[str, GraphNode] = {}
        self._names: dict[int, str] = {}
        taken: dict[str, int] = {}
        for node in self.graph.nodes:
            if node.kind in LEAVES or node.name:
                name = self._name(node, taken)
                self._names[node.index] = name
                if node.operation is None:
                    self.leaves[name] = node
        self._recorded = {node.index: np.float64(node.array.item()) for node in self.graph.nodes if is_one_entry(node)}
        self._known: dict[int, tuple[Expression, ...] | None] = {}  # arguments, by the index of the node

    def _name(self, node: GraphNode, taken: dict[str, int]) -> str:
        plain = shorten(node.name or "") or node.kind
        count = taken[plain] = taken.get(plain, 0) + 1
        return plain if count == 1 else f"{plain}_{count}"

    def name(self, index: int) -> str | None:
        """What a node is called, if it is called anything."""
        return self._names.get(index)

    def node(self, symbol: Symbol) -> GraphNode:
        """Node that a symbol stands for."""
        return self.graph.nodes[symbol.index]

    def expression(self, node: GraphNode) -> Expression | None:
        """How the value of ``node`` was computed from the nodes before it; None if there is no formula for it."""
        if node.operation not in FUNCTIONS or node.index not in self._recorded:
            return None
        args = self._arguments(node)
        return None if args is None else Call(node.operation, args)

    def symbol(self, node: GraphNode) -> Expression:
        """A value in an expression: a constant without a name is a number."""
        if node.kind == "constant" and node.index not in self._names:
            value = node.array.item()
            return Number(value if node.array.dtype.kind != "f" or node.array.itemsize == 8 else node.array[()])
        return Symbol(node.index)

    def derivative(self, edge: GraphEdge) -> Expression:
        """Local derivative of an edge: an expression, or else the number that it was."""
        node = edge.target
        args = self._arguments(node)
        if args is not None and node.operation in FUNCTIONS and edge.index < len(FUNCTIONS[node.operation].derivatives):
            return FUNCTIONS[node.operation].derivatives[edge.index](Symbol(node.index), *args)
        return Known(self._number(edge), Symbol(edge.target.index), Symbol(edge.source.index))

    def _number(self, edge: GraphEdge) -> float:
        if edge.local_derivative is not None:
            return edge.local_derivative
        jacobian = edge.jacobian
        if jacobian is None or jacobian.entries is None:
            raise GraphError(
                f"formula: there is no derivative along the edge from {edge.source!r} to {edge.target!r}; nothing can "
                "be written there."
            )
        return float(jacobian.entries.item())

    def _arguments(self, node: GraphNode) -> tuple[Expression, ...] | None:
        """Arguments of an operation, in order; None if one is no number, or it was several operations."""
        if node.index not in self._known:
            self._known[node.index] = self._looked_up(node)
        return self._known[node.index]

    def _looked_up(self, node: GraphNode) -> tuple[Expression, ...] | None:
        found = self.graph.incoming(node)
        edges = {edge.index: edge for edge in found}
        if len(edges) < len(found) or any(isinstance(edge.application, Region) for edge in found):
            return None
        if sorted(edges) != list(range(len(edges))) or any(edge.source.index not in self._recorded for edge in found):
            return None
        return tuple(self.symbol(edges[index].source) for index in range(len(edges)))

    # -- values --------------------------------------------------------------------------------------------------

    def values(self, given: Mapping[str, Any]) -> Values:
        """Values of all nodes, if the leaves have those that are given and else those they had."""
        unknown = [name for name in given if name not in self.leaves]
        if unknown:
            raise GraphError(
                f"Formula: there is no value named {unknown[0]!r} to set; there are {', '.join(self.leaves) or 'none'}."
            )
        found: dict[int, Any] = dict(self._recorded)
        moved: set[int] = set()
        for name, value in given.items():
            index = self.leaves[name].index
            if not np.array_equal(value, found[index], equal_nan=True):
                found[index] = value
                moved.add(index)
        for node in self.graph.nodes:
            edges = self.graph.incoming(node)
            if any(edge.source.index in moved for edge in edges):
                moved.add(node.index)
                found[node.index] = self._computed(node, found)
        return Values(found, frozenset(moved))

    def _computed(self, node: GraphNode, values: Mapping[int, Any]) -> Any:
        args = self._arguments(node)
        if args is None or node.operation not in FUNCTIONS:
            raise GraphError(
                f"Formula: {node.operation} has no formula here, so it cannot be evaluated at other values than those "
                "of the recorded run."
            )
        with np.errstate(all="ignore"):
            compute = FUNCTIONS[node.operation].compute
            return compute(*(np.float64(evaluate(arg, values)) for arg in args), **node.params)

    def usable(self, expression: Expression, values: Values) -> Expression:
        """The expression itself; an error if it is a number of the recorded run, and the values are others."""
        if isinstance(expression, Known) and any(symbol.index in values.moved for symbol in symbols(expression)):
            raise GraphError(
                f"Formula: the local derivative of {self.node(expression.target).operation} is known as a number only, "
                "that of the recorded run; it cannot be evaluated at other values."
            )
        return expression
