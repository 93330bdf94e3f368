"""The drawing: DOT source for a graph, folded to a budget of boxes, through the ``graphviz`` package.

Kinds differ by colour and by outline (``palette``), and leaves say in words what they are. Labels are tables of cells
(``labels``); what users wrote is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import ConversionError, DomainError, GraphError
from .elements import CONSTANT, GraphEdge
from .fold import BUDGET, LONGEST, Box, View, fold
from .groups import Group
from .heat import Heat, heat_of
from .labels import (
    box_title,
    cluster_label,
    derivative,
    edge_label,
    group_label,
    node_label,
    note_row,
    repeated_label,
    table,
    tooltip,
)
from .links import NEXT, Link
from .marks import Marks, marks_of
from .mirror import Mirror
from .palette import CLUSTER_STYLES, FONT, GROUP_STYLES, INK, MARK, PALE, QUIET, STYLES
from .spacing import least_lengths
from .text import entries, shape_and_dtype, shorten, title

if TYPE_CHECKING:
    import graphviz

    from .model import Graph

_LARGEST = 2**19  # entries of two arrays between which a norm is shown
_ENTRIES = 2**24  # of all arrays in a drawing between which norms are shown: about a second

DIRECTIONS = ("LR", "TB", "RL", "BT")


def digraph(
    graph: Graph,
    direction: str = "LR",
    *,
    backward: bool = False,
    scopes: bool = True,
    collapsed: Iterable[Any] = (),
    highlight: Any = None,
    heat: str | None = None,
    budget: int | None = BUDGET,
) -> graphviz.Digraph:
    """DOT source for ``graph``; see ``Graph.draw``."""
    if direction not in DIRECTIONS:
        raise DomainError(f"Graph.draw: direction must be one of {', '.join(DIRECTIONS)}; got {direction!r}.")
    longest = LONGEST // 2 if backward else LONGEST  # there are two of each link
    view = fold(graph, budget, closed=closed_scopes(graph, collapsed), scopes=scopes, longest=longest)
    picture = _Picture(
        graph,
        view,
        None if highlight is None else marks_of(graph, highlight),
        None if heat is None else heat_of(graph, view, heat),
    )
    return picture.both_halves(direction) if backward else picture.forward(direction)


def closed_scopes(graph: Graph, collapsed: Iterable[Any]) -> list[tuple[str, ...]]:
    """Scopes that ``collapsed`` names: a name, names joined by "/", or a tuple of names, from anywhere in the tree.

    Raises
    ------
    GraphError
        If no scope is called so.
    ConversionError
        If it is something else.
    """
    if not isinstance(collapsed, Iterable):
        raise ConversionError(
            "Graph.draw: collapsed takes names of scopes, as in collapsed=['encoder']; got a "
            f"{type(collapsed).__name__}."
        )
    asked = [collapsed] if isinstance(collapsed, str) else list(collapsed)
    for which in asked:
        if not isinstance(which, str) and not _is_names(which):
            raise ConversionError(
                "Graph.draw: collapsed takes names of scopes, each a text or a tuple of texts; got "
                f"{'an empty tuple' if which == () else f'a {type(which).__name__}'}."
            )
    known = {node.scope[:depth] for node in graph.nodes for depth in range(1, len(node.scope) + 1)} if asked else set()
    found: list[tuple[str, ...]] = []
    for which in asked:
        fitting = [path for path in known if _is_called(path, which)]
        if not fitting:
            names = sorted("/".join(shorten(name) for name in path) for path in known)
            listed = f"there are {', '.join(names[:12])}{', ...' * (len(names) > 12)}" if names else "it has none"
            raise GraphError(f"Graph.draw: collapsed: no scope of this graph is called {which!r}; {listed}.")
        found.extend(fitting)
    return found


def _is_called(path: tuple[str, ...], which: Any) -> bool:
    """Whether a scope ends in what was asked for."""
    if isinstance(which, str):
        return path[-1] == which or ("/" in which and f"/{'/'.join(path)}".endswith(f"/{which}"))
    return path[-len(which) :] == which


def _is_names(which: Any) -> bool:
    return isinstance(which, tuple) and bool(which) and all(isinstance(name, str) for name in which)


class _Picture:
    """Puts a drawing together."""

    def __init__(self, graph: Graph, view: View, marks: Marks | None, heat: Heat | None):
        self.graph = graph
        self.view = view
        self.marks = marks
        self.heat = heat
        self._lengths = least_lengths(view.boxes, view.links)
        self.both = False  # whether gradients have a half of their own
        self._room = _ENTRIES
        self._behind: dict[int, list[int]] = {}  # nodes that a box stands for
        self.notes = [note for note in (view.note, marks and marks.note, heat and heat.legend) if note]

    def forward(self, direction: str) -> graphviz.Digraph:
        """The computation as it ran."""
        drawing = self._empty(direction)
        self._half(drawing, "n", self._put_box)
        for link in self.view.links:
            drawing.edge(f"n{link.source}", f"n{link.target}", **self._edge(link))
        return drawing

    def both_halves(self, direction: str) -> graphviz.Digraph:
        """The computation, and beside it the way back: each gradient beside its value, on edges that are reversed."""
        self.both = True
        drawing = self._empty(direction, clustered=True)
        mirror = Mirror(self.graph, self.view)
        halves = []
        for name, prefix, put in (("forward", "n", self._put_box), ("backward", "g", mirror.put_box)):
            half = _cluster(f"cluster_{name}", table(note_row(name)), {"color": "#C8C8C8", "style": "rounded"})
            self._half(half, prefix, put)
            halves.append(half)
        for half in reversed(halves) if direction in ("LR", "RL") else halves:  # the first ends up at the bottom there
            drawing.subgraph(half)
        for link in self.view.links:
            drawing.edge(f"n{link.source}", f"n{link.target}", **self._edge(link))
            style = mirror.edge(link)
            if style is not None:
                drawing.edge(f"g{link.source}", f"g{link.target}", **style)
        for index in mirror.shown:
            drawing.body.append(f"\t{{rank=same; n{index}; g{index}}}\n")
        return drawing

    # -- parts ---------------------------------------------------------------------------------------------------

    def _empty(self, direction: str, clustered: bool = False) -> graphviz.Digraph:
        import graphviz

        drawing = graphviz.Digraph(
            graph_attr={"rankdir": direction, "pad": "0.15", "nodesep": "0.3", "ranksep": "0.6"},
            node_attr={"shape": "box", "fontname": FONT, "fontsize": "12", "margin": "0.12,0.06", "height": "0.3"},
            edge_attr={"fontname": FONT, "fontsize": "12", "color": INK, "arrowsize": "0.7"},
        )
        drawing.graph_attr["fontname"] = FONT
        if clustered or any(box.inside for box in self.view.boxes):
            drawing.graph_attr["newrank"] = "true"  # the other way of ranking clusters loses edges, or ends in an abort
        else:
            drawing.graph_attr["ordering"] = "in"  # the arguments of an operation stand in their order
        if self.notes:
            drawing.graph_attr.update(label=table(*map(note_row, self.notes)), labelloc="b", labeljust="l")
        return drawing

    def _half(self, drawing: graphviz.Digraph, prefix: str, put: Any) -> None:
        """All boxes, those in scopes in clusters."""
        clusters: dict[tuple[Group, ...], graphviz.Digraph] = {(): drawing}
        for box in self.view.boxes:
            for depth in range(1, len(box.inside) + 1):
                inside = box.inside[:depth]
                if inside not in clusters:
                    group = inside[-1]
                    name = f"cluster_{prefix}{len(clusters)}"
                    clusters[inside] = _cluster(name, cluster_label(group), CLUSTER_STYLES[group.kind])
                    clusters[inside].graph_attr["tooltip"] = tooltip(_told(group))
            put(clusters[box.inside], f"{prefix}{box.index}", box)
        for inside in sorted(clusters, key=len, reverse=True)[:-1]:
            clusters[inside[:-1]].subgraph(clusters[inside])

    def _put_box(self, drawing: graphviz.Digraph, name: str, box: Box) -> None:
        extra = [self.heat.texts.get(box.index)] if self.heat else []
        first, last = self.graph.nodes[box.nodes[0]], self.graph.nodes[box.nodes[-1]]
        if box.group is not None:
            members = [self.graph.nodes[index] for index in box.nodes]
            label, style = group_label(box.group, members, last, extra), dict(GROUP_STYLES[box.group.kind])
            told = _told(box.group)
        else:
            one = box.times == 1
            label = node_label(first, extra, not self.both) if one else repeated_label(first, self._same(box), extra)
            style = dict(STYLES[first.kind])
            told = ", ".join(filter(None, (f"{title(first)}: {first.kind}", shape_and_dtype(first), first.place)))
        if self.heat:
            style["fillcolor"] = self.heat.colors.get(box.index, "#FFFFFF")
        if self.marks and not self.marks.nodes.isdisjoint(box.nodes):
            style.update(color=MARK, penwidth="4")
        drawing.node(name, label, tooltip=tooltip(told), **style)

    def _same(self, box: Box) -> str | None:
        """The number that all constants are that a box of a repetition stands for."""
        node = self.graph.nodes[box.nodes[0]]
        if node.kind != CONSTANT or node.array is None or node.array.size != 1:
            return None
        if not self._behind:
            for index, owner in enumerate(self.view.owner):
                self._behind.setdefault(owner, []).append(index)
        values = {str(entries(self.graph.nodes[index].array)) for index in self._behind[box.index]}
        return values.pop() if len(values) == 1 else None

    def _edge(self, link: Link) -> dict[str, str]:
        source, target = self.view.boxes[link.source], self.view.boxes[link.target]
        style = self._link_style(link, source, target)
        if any(edge.source.operation for edge in link.edges):
            style["weight"] = "8"  # what is computed runs straight; leaves stand aside
        if link in self._lengths:
            style["minlen"] = str(self._lengths[link])
        if self.marks:
            marked = not self.marks.edges.isdisjoint(link.edges)
            style.update({"color": MARK, "penwidth": "3.5"} if marked else {"color": "#9A9A9A"})
        return style

    def _link_style(self, link: Link, source: Box, target: Box) -> dict[str, str]:
        if link.role:
            style = {"label": edge_label(link.role, size=10, color=QUIET)}
            if link.role == NEXT:  # leads back: it must not turn the unit around
                style.update(constraint="false", style="dashed", color="#8A3F6A")
            return style
        if all(edge.source.kind == CONSTANT for edge in link.edges):
            return {"style": "dashed", "color": PALE}
        if source.group is not None or target.group is not None or source.times * target.times > 1:
            count = len(link.edges)
            names = f"{box_title(source, self.graph.nodes)} to {box_title(target, self.graph.nodes)}"
            return {"tooltip": tooltip(f"{names}: {count:,} edge{'s' * (count > 1)}")}
        shown = derivative(link.edges[0]) if self._affordable(link.edges[0]) else None
        if shown is None:
            return {}
        told = tooltip(shown[1])
        return {"label": shown[0], "tooltip": told, "labeltooltip": told}

    def _affordable(self, edge: GraphEdge) -> bool:
        """Whether there is room left for a norm, which takes the rule some rounds over both arrays."""
        if edge.local_derivative is not None:
            return True
        entries_of_both = sum(math.prod(each.shape) for node in (edge.source, edge.target) for each in node.results)
        if edge.source.kind == CONSTANT or entries_of_both > _LARGEST:
            return False
        self._room -= entries_of_both
        return self._room >= 0


def _cluster(name: str, label: str, style: dict[str, str]) -> graphviz.Digraph:
    import graphviz

    place = {"labelloc": "t", "labeljust": "l", "fontname": FONT, "fontsize": "11", "margin": "10"}
    attributes = {"label": label, **place, **style}
    return graphviz.Digraph(name=name, graph_attr=attributes)


def _told(group: Group) -> str:
    return f"{'/'.join(shorten(name) for name in group.path) or 'graph'}: {group.kind}, {group.size:,} nodes"
