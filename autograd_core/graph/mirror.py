"""The backward half of a drawing: the gradient beside each value, flowing along the edges turned around.

Each edge says what the chain rule multiplies there: the gradient that arrives, and the local derivative. Each gradient
says what it adds up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from .elements import CONSTANT, GraphEdge, GraphNode, add_up, chain
from .fold import Box, View
from .labels import edge_label, gradient_label, group_title, tooltip
from .links import NEXT, Link
from .palette import DERIVATIVE, GRADIENT_STYLE, QUIET
from .text import SMALL, entries, number, shape_and_dtype, title

if TYPE_CHECKING:
    import graphviz

    from .model import Graph

_SHOWN_TERMS = 4  # of a sum


class Mirror:
    """Boxes and edges of the backward half of ``view``.

    Attributes
    ----------
    shown : list of int
        Boxes that a gradient arrives at.
    """

    def __init__(self, graph: Graph, view: View):
        self.graph = graph
        self.view = view
        self.gradients = gradients_of(graph)
        carried = self._carrying()
        self.shown = [box.index for box in view.boxes if not carried.isdisjoint(box.nodes)]
        self._known = frozenset(self.shown)
        targets = graph.targets
        self._asked = " + ".join(title(node) for node in targets) if len(targets) <= 2 else "targets"
        self._flows: dict[int, list[float | None]] = {}  # what arrives at a node, one number per edge that leaves it
        for edge in graph.edges:
            if edge.source.kind != CONSTANT:
                product = chain(_one_number(self.gradients.get(edge.target.index)), edge.local_derivative)
                self._flows.setdefault(edge.source.index, []).append(product)

    def _carrying(self) -> set[int]:
        """Nodes before a target, by edges that carry a gradient."""
        found = {node.index for node in self.graph.targets}
        for edge in reversed(self.graph.edges):
            if edge.target.index in found and edge.source.kind != CONSTANT:
                found.add(edge.source.index)
        return found

    def put_box(self, drawing: graphviz.Digraph, name: str, box: Box) -> None:
        """Adds the gradient of a box; nothing where none arrives."""
        if box.index not in self._known:
            return
        node = self.graph.nodes[box.nodes[-1]]
        if box.group is not None:
            label = gradient_label(f"back through {group_title(box.group)}", None, None)
        elif box.times > 1:
            label = gradient_label(self._ratio(node), None, shape_and_dtype(node))
        else:
            label = gradient_label(self._ratio(node), self._value(node), shape_and_dtype(node))
        told = f"gradient of {self._asked} with respect to {title(node)}"
        drawing.node(name, label, tooltip=tooltip(told), **GRADIENT_STYLE)

    def edge(self, link: Link) -> dict[str, str] | None:
        """Style of a link turned around; None if no gradient goes along it."""
        carried = [edge for edge in link.edges if edge.source.kind != CONSTANT]
        if not carried or not {link.source, link.target} <= self._known:
            return None
        # Drawn from the same end as the forward edge, so that both halves have the same ranks; the arrow points back.
        style = {"dir": "back", "color": DERIVATIVE}
        if link.role:
            style["label"] = edge_label(link.role if link.role != NEXT else "before", size=10, color=QUIET)
            return {**style, "constraint": "false", "style": "dashed"} if link.role == NEXT else style
        boxes = self.view.boxes[link.source], self.view.boxes[link.target]
        label = self._product(carried[0]) if all(box.group is None and box.times == 1 for box in boxes) else None
        return {**style, "label": edge_label(label)} if label else style

    def _ratio(self, node: GraphNode) -> str:
        return f"∂ {self._asked} / ∂ {title(node)}"

    def _value(self, node: GraphNode) -> str | None:
        """The gradient, as the sum it is where several numbers arrive."""
        found = self.gradients.get(node.index)
        shown = None if found is None else entries(np.asarray(found)) or f"norm {number(np.linalg.norm(found))}"
        terms = self._flows.get(node.index, [])
        known = [number(term) for term in terms if term is not None]
        if shown is None or not 2 <= len(known) == len(terms) <= _SHOWN_TERMS or node in self.graph.targets:
            return shown
        return f"{' + '.join(known)} = {shown}".replace("+ -", "- ")

    def _product(self, edge: GraphEdge) -> str | None:
        """``gradient × local derivative = what goes on``."""
        upstream = self.gradients.get(edge.target.index)
        one = _one_number(upstream)
        if edge.local_derivative is not None and one is not None:
            return f"{number(one)} × {_factor(edge.local_derivative)} = {number(chain(one, edge.local_derivative))}"
        if upstream is None or edge.source.shape is None or np.size(edge.source.value) > SMALL:
            return None
        sent = edge.pull(np.asarray(upstream))
        shown = None if sent is None else entries(np.asarray(sent))
        return shown and shown.replace("], [", "],\n[")


def gradients_of(graph: Graph) -> dict[int, Any]:
    """Gradient of the targets' sum for each node: as the graph has it, else multiplied and added up from numbers.

    Raises
    ------
    GraphError
        If the graph has none, and there is an array on the way.
    """
    known = {node.index: node.gradient for node in graph.nodes if node.gradient is not None}
    if known:
        return known
    arriving: dict[int, list[float | None]] = {node.index: [1.0] for node in graph.targets}
    found: dict[int, Any] = {}
    for node in reversed(graph.nodes):
        if node.index not in arriving or node.kind == CONSTANT:
            continue
        total = add_up(arriving[node.index])
        if total is not None and node.array is not None and node.array.size == 1:
            found[node.index] = np.full(node.array.shape, total)
        for edge in graph._incoming[node.index]:
            arriving.setdefault(edge.source.index, []).append(chain(total, edge.local_derivative))
    if len(found) <= len(graph.targets) and len(graph.nodes) > len(graph.targets):
        raise GraphError(
            "Graph.draw: backward=True shows gradients, and this graph has none. Make it with "
            "ag.graph(target, gradients=True)."
        )
    return found


def _one_number(gradient: Any) -> float | None:
    if gradient is None or np.size(gradient) != 1 or np.iscomplexobj(gradient):
        return None
    return float(np.reshape(gradient, ()))


def _factor(value: float) -> str:
    """A factor as it stands in a product: a negative one in brackets."""
    return f"({number(value)})" if value < 0 else number(value)
