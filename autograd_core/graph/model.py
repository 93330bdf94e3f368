"""Graph: what was recorded, as a snapshot to look at, apart from any drawing of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary

from ..errors import ConversionError, GraphError
from ..node import Node
from ..tensor import Tensor
from ..variable import Variable
from .condense import condense
from .dot import digraph
from .elements import GraphEdge, GraphNode
from .paths import Paths, enumerate_paths
from .render import can_draw, check, picture, render
from .text import call, entries, number, shape_and_dtype, table, title

if TYPE_CHECKING:
    import graphviz

_SHOWN = 60  # rows that print(graph) shows


@dataclass(slots=True)
class Origins:
    """Which GraphNode shows a recorded Node or a Variable; keeps neither of them alive."""

    nodes: WeakKeyDictionary[Node, GraphNode]
    variables: list[tuple[ReferenceType[Variable], GraphNode]]


class Graph:
    """The DAG that a target was computed by: values as nodes, arguments as edges.

    A snapshot: it holds the values it shows, nothing of the tape, and it changes no gradient.

    Attributes
    ----------
    nodes : tuple of GraphNode
        Each after those it was computed from.
    edges : tuple of GraphEdge
    targets : tuple of GraphNode

    Examples
    --------
    >>> import autograd_core as ag
    >>> w = ag.Variable(3.0, name="w")
    >>> with ag.GradientTape() as tape:
    ...     y = w * w
    >>> graph = ag.graph(y, names={"y": y})
    >>> [(edge.source.name, edge.target.name, edge.local_derivative) for edge in graph.edges]
    [('w', 'y', 3.0), ('w', 'y', 3.0)]
    >>> graph.paths("w", "y").total
    6.0
    """

    __slots__ = ("__weakref__", "_incoming", "_origins", "edges", "nodes", "targets")

    def __init__(
        self,
        nodes: tuple[GraphNode, ...],
        edges: tuple[GraphEdge, ...],
        targets: tuple[GraphNode, ...],
        origins: Origins,
    ):
        self.nodes = nodes
        self.edges = edges
        self.targets = targets
        self._origins = origins
        self._incoming: list[list[GraphEdge]] = [[] for _ in nodes]
        for edge in edges:
            self._incoming[edge.target.index].append(edge)

    # -- looking around ------------------------------------------------------------------------------------------

    def incoming(self, node: Any) -> tuple[GraphEdge, ...]:
        """Edges that lead to ``node``, in the order of the arguments."""
        return tuple(edge for found in self.find(node) for edge in self._incoming[found.index])

    def node(self, which: Any) -> GraphNode:
        """The one node that ``which`` stands for; see ``find``.

        Raises
        ------
        GraphError
            If there is none, or more than one.
        """
        found = self.find(which)
        if len(found) > 1:
            raise GraphError(
                f"Graph.node: {_asked(which)} stands for {len(found)} nodes: {', '.join(map(repr, found[:4]))}. "
                "Give one of the nodes themselves."
            )
        return found[0]

    def find(self, which: Any) -> tuple[GraphNode, ...]:
        """Nodes that ``which`` stands for.

        Parameters
        ----------
        which : str, GraphNode, Tensor or Variable
            A name may stand for several nodes; so does a Variable that was assigned between two readings.

        Raises
        ------
        GraphError
            If there are none.
        ConversionError
            If ``which`` is something else.
        """
        if isinstance(which, str):
            found = [node for node in self.nodes if node.name == which]
        elif isinstance(which, GraphNode):
            found = [which] if which.index < len(self.nodes) and self.nodes[which.index] is which else []
        elif isinstance(which, Variable):
            found = [node for reference, node in self._origins.variables if reference() is which]
        elif isinstance(which, Tensor):
            found = self._nodes_of(which)
        else:
            raise ConversionError(
                f"Graph: a node cannot be found by a {type(which).__name__}; expected a name, a Tensor, a Variable or "
                "a GraphNode of this graph."
            )
        if not found:
            names = list(dict.fromkeys(title(node) for node in self.nodes if node.name))
            known = f"named are {', '.join(names[:12])}{', ...' * (len(names) > 12)}" if names else "no node has a name"
            raise GraphError(f"Graph: {_asked(which)} is not a node of this graph; {known}.")
        return tuple(found)

    def _nodes_of(self, tensor: Tensor) -> list[GraphNode]:
        if tensor.node is None:
            return [node for node in self.nodes if node.value is tensor.array]
        node = self._origins.nodes.get(tensor.node)
        return [] if node is None else [node]

    def paths(self, source: Any, target: Any = None, limit: int = 1000) -> Paths:
        """Every path from ``source`` to ``target``, with the product of the local derivatives along it.

        Parameters
        ----------
        source, target : str, GraphNode, Tensor or Variable
            As ``find`` takes them. By default the targets of the graph.
        limit : int
            How many paths there may be.

        Returns
        -------
        Paths
            A sequence of ``Path`` (``nodes``, ``edges``, ``product``); its ``total``, the sum of the products, is the
            gradient where all values on the way are scalars, and None elsewhere. Empty if no path leads there.

        Raises
        ------
        GraphError
            If there are more than ``limit``, or ``source`` is not in the graph.
        """
        targets = self.targets if target is None else self.find(target)
        return enumerate_paths(self._incoming, self.find(source), targets, limit)

    def condense(self, keep: Iterable[Any] | None = None) -> Graph:
        """The same graph with fewer nodes: what is left out is gathered in the edges between those that are kept.

        The local derivative of a new edge is the sum over all paths between its ends of the products along them, so the
        chain rule holds on the condensed graph as it does on this one.

        Parameters
        ----------
        keep : iterable of str, GraphNode, Tensor or Variable, optional
            Kept beside the targets. By default everything that has a name, the Variables and the inputs.
        """
        if keep is None:
            kept = {node.index for node in self.nodes if node.name or node.kind in ("variable", "input")}
        else:
            kept = {node.index for which in keep for node in self.find(which)}
        kept |= {node.index for node in self.targets}
        moved, edges = condense(self.nodes, self._incoming, kept)
        origins = Origins(
            WeakKeyDictionary(
                {node: moved[shown.index] for node, shown in self._origins.nodes.items() if shown.index in kept}
            ),
            [(ref, moved[shown.index]) for ref, shown in self._origins.variables if shown.index in kept],
        )
        return Graph(tuple(moved.values()), tuple(edges), tuple(moved[node.index] for node in self.targets), origins)

    # -- drawing -------------------------------------------------------------------------------------------------

    def draw(self, direction: str = "LR") -> graphviz.Digraph:
        """Drawing as ``graphviz`` source.

        Parameters
        ----------
        direction : {"LR", "TB", "RL", "BT"}
            Which way the computation runs: left to right, top to bottom, ...
        """
        return digraph(self.nodes, self.edges, direction)

    def render(self, path: str | FilePath, direction: str = "LR") -> FilePath:
        """Draw into a file, with the system's ``dot`` or with pygraphviz, whichever is there.

        Parameters
        ----------
        path : str or Path
            Ends in .svg, .png or .pdf; or in .dot or .gv for the drawing's source, which needs neither program.
        direction : {"LR", "TB", "RL", "BT"}

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        MissingExtraError
            If nothing that can draw is installed. The source is then written beside ``path``, with the ending .dot.
        GraphError
            If the ending is another one, or the graph has too many nodes to be laid out.
        """
        path = FilePath(path)
        check(path, len(self.nodes))
        return render(self.draw(direction), path)

    def _repr_svg_(self) -> str | None:
        """Picture for Jupyter; None, so that the text is shown, where it cannot be drawn."""
        return picture(self.draw(), "svg").decode("utf-8") if can_draw(len(self.nodes)) else None

    def __repr__(self) -> str:
        targets = ", ".join(title(node) for node in self.targets[:3]) or "none"
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges, target {targets}>"

    def __str__(self) -> str:
        """A row per node: its name, how it was computed, its value, and the local derivatives to its arguments."""
        rows = [("#", "node", "kind", "operation", "value", "type", "from")]
        for node in self.nodes[:_SHOWN]:
            what = (title(node), node.kind, call(node), entries(node.array) or "", shape_and_dtype(node))
            rows.append((str(node.index), *what, self._from(node)))
        left = len(self.nodes) - _SHOWN
        return table(rows, "><<<<<<") + (f"\n... and {left:,} more" if left > 0 else "")

    def _from(self, node: GraphNode) -> str:
        return ", ".join(
            (title(edge.source) if edge.source.name else f"#{edge.source.index}")
            + ("" if edge.local_derivative is None else f" (d = {number(edge.local_derivative)})")
            for edge in self._incoming[node.index]
        )


def _asked(which: Any) -> str:
    return repr(which) if isinstance(which, (str, GraphNode)) else f"this {type(which).__name__} of shape {which.shape}"
