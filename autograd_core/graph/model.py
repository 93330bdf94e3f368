"""Graph: what was recorded, as a snapshot to look at, apart from any drawing of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, ClassVar, overload

from ..errors import ConversionError, GraphError
from ..tensor import Tensor
from ..variable import Variable
from .condense import condense
from .dot import digraph
from .elements import GraphEdge, GraphNode
from .export import LARGEST, as_dict, as_json, as_networkx
from .fold import BUDGET
from .html import to_html
from .listing import listing
from .origins import Origins
from .paths import Path, Paths, enumerate_paths
from .render import as_path, check, drawing_to_svg, render
from .schema import SCHEMA
from .subgraph import after, before, between
from .text import title

if TYPE_CHECKING:
    import graphviz
    import networkx

_ONE = (str, GraphNode, Tensor, Variable)


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

    SCHEMA: ClassVar[dict[str, Any]] = SCHEMA
    """JSON Schema (draft 2020-12) of ``to_dict`` and ``to_json``.

    :meta hide-value:
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
            found = self._origins.of_variable(which)
        elif isinstance(which, Tensor) and which.node is not None:
            found = self._origins.of_node(which.node)
        elif isinstance(which, Tensor):
            found = [node for node in self.nodes if node.value is which.array]
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
            A sequence of ``Path``, each with its ``nodes``, ``edges``, and ``product`` (``jacobian`` between arrays).
            Its ``total`` is the sum of these: between scalars a number, the gradient; between arrays the Jacobian.
            ``gradient`` has the shape of the source, and is what ``tape.gradient`` gives. Empty if no path leads there.

        Raises
        ------
        GraphError
            If there are more than ``limit``, or ``source`` is not in the graph.

        Examples
        --------
        >>> import autograd_core as ag
        >>> x = ag.Variable([1.0, 2.0], name="x")
        >>> with ag.GradientTape() as tape:
        ...     s = (x * x).sum()
        >>> paths = ag.graph(s, names={"s": s}).paths(x)
        >>> print(paths)
        x -> multiply -> s: [[1, 1]] * [[1, 0], [0, 2]] = [1, 2]
        x -> multiply -> s: [[1, 1]] * [[1, 0], [0, 2]] = [1, 2]
        sum: [2, 4]
        >>> paths.check(tape.gradient(s, x))
        """
        targets = self.targets if target is None else self.find(target)
        return enumerate_paths(self._incoming, self.find(source), targets, limit)

    def ancestors(self, which: Any) -> tuple[GraphNode, ...]:
        """Nodes that ``which`` was computed from, directly or through others, in the order of ``nodes``.

        Parameters
        ----------
        which : str, GraphNode, Tensor or Variable
            As ``find`` takes it; itself not among its ancestors. Of several nodes, all their ancestors.
        """
        return tuple(self.nodes[index] for index in before(self._incoming, self.find(which)))

    def descendants(self, which: Any) -> tuple[GraphNode, ...]:
        """Nodes that were computed from ``which``, directly or through others, in the order of ``nodes``."""
        return tuple(self.nodes[index] for index in after(self._incoming, self.find(which)))

    def subgraph(self, nodes: Iterable[Any]) -> Graph:
        """Graph of some of the nodes, and of the edges between them.

        Where ``condense`` gathers what is left out in its edges, here it is left out: an edge is one of this graph.

        Parameters
        ----------
        nodes : iterable of str, GraphNode, Tensor or Variable
            Each as ``find`` takes it.

        Returns
        -------
        Graph
            Its targets are those of this graph that were kept; if none was, the nodes that no other was computed from.

        Examples
        --------
        >>> import autograd_core as ag
        >>> w = ag.Variable(3.0, name="w")
        >>> with ag.GradientTape():
        ...     y = w * w
        ...     z = y + 1.0
        >>> graph = ag.graph(z, names={"y": y})
        >>> graph.subgraph([*graph.ancestors("y"), "y"])
        <Graph: 2 nodes, 2 edges, target y>
        """
        kept = self._indices("subgraph", nodes)
        moved, edges = between(self.nodes, self.edges, kept)
        used = {edge.source.index for edge in edges}
        targets = [moved[node.index] for node in self.targets if node.index in kept]
        targets = targets or [node for node in moved.values() if node.index not in used]
        return self._with(moved, edges, targets)

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
            kept = self._indices("condense", keep)
        kept |= {node.index for node in self.targets}
        moved, edges = condense(self.nodes, self._incoming, kept)
        return self._with(moved, edges, [moved[node.index] for node in self.targets])

    def _indices(self, asked: str, nodes: Any) -> set[int]:
        """Indices of some nodes, each as ``find`` takes it; a single one may stand for itself."""
        if not isinstance(nodes, (*_ONE, Iterable)):
            raise ConversionError(
                f"Graph.{asked}: expected names, Tensors, Variables or GraphNodes; got a {type(nodes).__name__}."
            )
        return {node.index for which in ([nodes] if isinstance(nodes, _ONE) else nodes) for node in self.find(which)}

    def _with(self, moved: Mapping[int, GraphNode], edges: Iterable[GraphEdge], targets: Iterable[GraphNode]) -> Graph:
        """Graph of some of these nodes, by their index here, that can still be found by Tensor and Variable."""
        return Graph(tuple(moved.values()), tuple(edges), tuple(targets), self._origins.moved(moved))

    # -- export --------------------------------------------------------------------------------------------------

    def to_dict(self, largest: int | None = LARGEST, jacobians: bool = True) -> dict[str, Any]:
        """The graph in dicts, lists, strings and numbers only: what ``to_json`` writes, see ``SCHEMA``.

        Parameters
        ----------
        largest : int or None
            Values and gradients of up to this many entries are written out, None: all; of larger ones, shape and dtype.
        jacobians : bool
            Whether to compute and write the local Jacobian of every edge that has one; its norm costs a few
            applications of a rule.

        Returns
        -------
        dict
            NaN and infinities are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``; a complex value is
            ``{"real": ..., "imag": ...}``. The same program gives the same dict.
        """
        return as_dict(self, largest, jacobians)

    @overload
    def to_json(self, path: None = None, largest: int | None = LARGEST, jacobians: bool = True) -> str: ...

    @overload
    def to_json(self, path: str | FilePath, largest: int | None = LARGEST, jacobians: bool = True) -> FilePath: ...

    def to_json(self, path=None, largest=LARGEST, jacobians=True):
        """The graph as JSON, a line for each node and each edge; ``SCHEMA`` describes it.

        Parameters
        ----------
        path : str or Path, optional
            File to write, in UTF-8.
        largest, jacobians
            As for ``to_dict``.

        Returns
        -------
        str or Path
            The text; the file, where ``path`` was given.

        Raises
        ------
        GraphError
            If there is no such folder.
        """
        return as_json(self, path, largest, jacobians)

    def to_networkx(self) -> networkx.MultiDiGraph:
        """The graph for ``networkx``, which comes with the extra ``graph``.

        Returns
        -------
        networkx.MultiDiGraph
            Nodes are their indices, with the attributes of ``GraphNode`` and a ``label``; edges have the position of
            the argument as key, ``local_derivative``, and the ``edge`` itself (whose Jacobian is computed when asked
            for). ``.graph["targets"]`` has the indices of the targets. It shares values with this graph, nothing else.

        Raises
        ------
        MissingExtraError
            If networkx is not installed.
        """
        return as_networkx(self)

    # -- drawing -------------------------------------------------------------------------------------------------

    def draw(
        self,
        direction: str = "LR",
        *,
        backward: bool = False,
        scopes: bool = True,
        collapsed: Iterable[str | tuple[str, ...]] = (),
        highlight: tuple[Any, Any] | Path | None = None,
        heat: str | None = None,
        budget: int | None = BUDGET,
    ) -> graphviz.Digraph:
        """Drawing as ``graphviz`` source, folded where the graph is large.

        Parameters
        ----------
        direction : {"LR", "TB", "RL", "BT"}
            Which way the computation runs: left to right, top to bottom, ...
        backward : bool
            Draw the way of the gradients beside the computation: what is multiplied on each edge, turned around, and
            what is added up at each node.
        scopes : bool
            Draw a box around what was computed in one ``ag.name_scope`` or layer.
        collapsed : iterable of str or tuple of str
            Scopes shown as one box each: by name, ``"encoder"``, or with those around it, ``"model/encoder"``.
        highlight : pair of str, GraphNode, Tensor or Variable; or Path, optional
            Mark the paths from the first to the second, or one path.
        heat : {"time", "memory", "gradient"}, optional
            Colour boxes by their share of the time or the memory, or by the norm of their gradient.
        budget : int or None
            How many boxes there may be; with ``backward``, in each half. Of a graph with more nodes, or with more and
            longer edges than anybody can follow, repeated patterns are shown once, and scopes, and at last stretches of
            neighbours, become one box each; a note says what was folded. None: no limit.

        Raises
        ------
        DomainError
            If ``direction``, ``heat`` or ``budget`` is none of these.
        GraphError
            If a scope or node is not in the graph, no path is to be highlighted, or figures for ``heat`` or gradients
            for ``backward`` are missing.
        """
        return digraph(
            self,
            direction,
            backward=backward,
            scopes=scopes,
            collapsed=collapsed,
            highlight=highlight,
            heat=heat,
            budget=budget,
        )

    def render(self, path: str | FilePath, direction: str = "LR", **options: Any) -> FilePath:
        """Draw into a file, with the system's ``dot`` or with pygraphviz, whichever is there.

        Parameters
        ----------
        path : str or Path
            Ends in .svg, .png or .pdf; or in .dot or .gv for the drawing's source, which needs neither program.
        direction : {"LR", "TB", "RL", "BT"}
        **options
            As for ``draw``.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        MissingExtraError
            If nothing that can draw is installed. The source is then written beside ``path``, with the ending .dot.
        GraphError
            If the ending is another one, or there is no such folder.
        """
        file = as_path(path)
        check(file)
        return render(self.draw(direction, **options), file)

    @overload
    def to_html(self, path: None = None, title: str | None = None) -> str: ...

    @overload
    def to_html(self, path: str | FilePath, title: str | None = None) -> FilePath: ...

    def to_html(self, path=None, title=None):
        """The graph as a page to explore: one file that needs no server, no network and no Graphviz.

        It can be moved and enlarged; a node says what its value and gradient are when it is pointed at or reached with
        the keyboard; the computation can be stepped through, forward and backward; two nodes show the paths between
        them, with their products and the sum; scopes open and close.

        Parameters
        ----------
        path : str or Path, optional
            File to write; its name ends in .html.
        title : str, optional
            Heading of the page; by default it names the targets.

        Returns
        -------
        str or Path
            The text of the page; the file, where ``path`` was given.

        Raises
        ------
        GraphError
            If the name has another ending, or there is no such folder.
        """
        return to_html(self, path, title)

    def _repr_svg_(self) -> str | None:
        """Picture for Jupyter; None, so that the text is shown, where it cannot be drawn."""
        return drawing_to_svg(self.draw())

    def __repr__(self) -> str:
        targets = ", ".join(title(node) for node in self.targets[:3]) or "none"
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges, target {targets}>"

    def __str__(self) -> str:
        """A row per node: its name, how it was computed, its value, and the local derivatives to its arguments."""
        return listing(self.nodes, self._incoming)


def _asked(which: Any) -> str:
    return repr(which) if isinstance(which, (str, GraphNode)) else f"this {type(which).__name__} of shape {which.shape}"
