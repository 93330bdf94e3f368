"""Which nodes of a graph show a recorded Node or a Variable: how a graph is asked about what a program has in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import ReferenceType, WeakKeyDictionary

from ..node import Node
from ..variable import Variable
from .elements import GraphNode


@dataclass(slots=True)
class Origins:
    """Which GraphNode shows a recorded Node or a Variable; keeps neither of them alive."""

    nodes: WeakKeyDictionary[Node, GraphNode]
    variables: list[tuple[ReferenceType[Variable], GraphNode]]

    def of_variable(self, variable: Variable) -> list[GraphNode]:
        """What shows ``variable``: several nodes if it was assigned between two readings."""
        return [shown for reference, shown in self.variables if reference() is variable]

    def of_node(self, node: Node) -> list[GraphNode]:
        """What shows ``node``, if anything does."""
        shown = self.nodes.get(node)
        return [] if shown is None else [shown]

    def moved(self, moved: Mapping[int, GraphNode]) -> Origins:
        """The same for a graph of some of the nodes, given by their indices in the old one."""
        nodes = [(node, moved[shown.index]) for node, shown in self.nodes.items() if shown.index in moved]
        variables = [(ref, moved[shown.index]) for ref, shown in self.variables if shown.index in moved]
        return Origins(WeakKeyDictionary(nodes), variables)
