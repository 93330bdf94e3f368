"""The drawing: DOT source for the nodes and edges of a graph, through the ``graphviz`` package.

Kinds differ by colour (tints of the Okabe-Ito palette, which colour-blind readers tell apart) and by outline (which is
left in grey), and leaves say in words what they are. Labels are tables of cells; what users wrote is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import DomainError
from .elements import CONSTANT, INPUT, OPERATION, TARGET, VARIABLE, GraphEdge, GraphNode
from .text import call, entries, number, shape_and_dtype, title

if TYPE_CHECKING:
    import graphviz

DIRECTIONS = ("LR", "TB", "RL", "BT")

STYLES = {
    INPUT: {"fillcolor": "#D3EBF8", "color": "#0072B2", "style": "filled", "penwidth": "1.2"},
    VARIABLE: {"fillcolor": "#FCE7B8", "color": "#9A6A00", "style": "filled", "penwidth": "2.4"},
    CONSTANT: {"fillcolor": "#F4F4F4", "color": "#767676", "style": "filled,dashed", "penwidth": "1"},
    OPERATION: {"fillcolor": "#FFFFFF", "color": "#404040", "style": "filled,rounded", "penwidth": "1.2"},
    TARGET: {"fillcolor": "#C4E8DC", "color": "#00694D", "style": "filled,rounded", "peripheries": "2"},
}  # fmt: skip

_FONT = "Helvetica,Arial,sans-serif"
_QUIET = "#505050"  # on all fills at least 6:1
_DERIVATIVE = "#A33B00"  # the vermilion of the palette, dark enough to be read


def digraph(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], direction: str) -> graphviz.Digraph:
    """DOT source for ``nodes`` and ``edges``, running in ``direction``."""
    import graphviz

    if direction not in DIRECTIONS:
        raise DomainError(f"Graph.draw: direction must be one of {', '.join(DIRECTIONS)}; got {direction!r}.")
    drawing = graphviz.Digraph(
        # "in": the arguments of an operation stand in their order
        graph_attr={"rankdir": direction, "ordering": "in", "pad": "0.15", "nodesep": "0.3", "ranksep": "0.6"},
        node_attr={"shape": "box", "fontname": _FONT, "fontsize": "12", "margin": "0.12,0.06", "height": "0.3"},
        edge_attr={"fontname": _FONT, "fontsize": "12", "color": "#404040", "arrowsize": "0.7"},
    )
    for node in nodes:
        told = _tooltip(f"{title(node)}: {node.kind}, {shape_and_dtype(node)}")
        drawing.node(_id(node), _label(node), tooltip=told, **STYLES[node.kind])
    for edge in edges:
        drawing.edge(_id(edge.source), _id(edge.target), **_edge(edge))
    return drawing


def _id(node: GraphNode) -> str:
    return f"n{node.index}"


def _label(node: GraphNode) -> str:
    """Label: title, how it was computed, value, gradient, shape and dtype."""
    head = title(node) if node.name else call(node) or title(node)
    below = call(node) or node.kind
    value = _lines(node.array)
    gradient = _lines(node.gradient)
    rows = [
        _row(head, "<B>{}</B>"),
        _row(None if below == head else below, f'<FONT POINT-SIZE="10" COLOR="{_QUIET}">{{}}</FONT>'),
        _row(None if value == head else value, '<FONT POINT-SIZE="14">{}</FONT>'),
        _row(gradient and f"gradient {gradient}", '<FONT POINT-SIZE="11">{}</FONT>'),
        _row(shape_and_dtype(node), f'<FONT POINT-SIZE="9" COLOR="{_QUIET}">{{}}</FONT>'),
    ]
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'


def _row(text: str | None, form: str) -> str:
    if not text:
        return ""
    shown = escape(text).replace("\\", "\\\\")  # Graphviz replaces \N, \G, ... in labels of this kind too
    return f"<TR><TD>{form.format(shown)}</TD></TR>".replace("\n", "<BR/>")


def _lines(array: Any) -> str | None:
    """Entries of a small array, a line for each row of a matrix."""
    shown = entries(array)
    return shown and shown.replace("], [", "],\n[")


def _edge(edge: GraphEdge) -> dict[str, str]:
    if edge.source.kind == CONSTANT:
        return {"style": "dashed", "color": "#767676"}
    if edge.local_derivative is None:
        return {}
    derivative = number(edge.local_derivative)
    told = _tooltip(f"d {title(edge.target)} / d {title(edge.source)} = {derivative}")
    return {"label": f" {derivative} ", "fontcolor": _DERIVATIVE, "tooltip": told, "labeltooltip": told}


def _tooltip(text: str) -> str:
    """Text for a tooltip. Graphviz looks for escapes once in some, twice in others: no backslash is left."""
    return escape(text).replace("\\", "\N{SET MINUS}")
