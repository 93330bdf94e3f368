"""From recorded Nodes to a Graph: which are shown, what they are called, and how they hang together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from os.path import basename
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from ..backward import pull_back
from ..errors import ConversionError, GraphError
from ..node import NO_PARAMS, Node
from ..primitive import PROJECT
from ..recording import Paused, Token
from ..tensor import Overloaded
from ..tree import flatten
from ..variable import Variable
from .elements import CONSTANT, INPUT, OPERATION, TARGET, VARIABLE, GraphEdge, GraphNode, constant_node
from .jacobians import Application
from .local import local_derivatives
from .model import Graph, Origins


def graph(target: Any, names: Mapping[str, Any] | None = None, gradients: bool = False) -> Graph:
    """Graph of what ``target`` was computed from.

    Parameters
    ----------
    target : Tensor, Variable or nested structure of them
    names : dict of str to Tensor or Variable, optional
        What to call intermediate values. Entries that are not in the graph, or not Tensors at all, are passed over, so
        that ``names=locals()`` calls everything what the program calls it.
    gradients : bool
        Whether to compute the gradient of the target (summed, as ``tape.gradient`` does) for every node.

    Returns
    -------
    Graph

    Raises
    ------
    ConversionError
        If ``target`` is made of something else than Tensors and Variables.
    GraphError
        If nothing of ``target`` was recorded.

    Examples
    --------
    >>> import autograd_core as ag
    >>> w, b = ag.Variable(3.0, name="w"), ag.Variable(1.0, name="b")
    >>> with ag.GradientTape() as tape:
    ...     y = 2.0 * w + b
    >>> print(ag.graph(y).paths(w))
    w -> multiply -> add: 1 * 2 = 2
    sum: 2
    """
    items = flatten(target)[0]
    for item in items:
        if not isinstance(item, Overloaded):
            raise ConversionError(
                f"graph: the target is a {type(item).__name__}; expected a Tensor or Variable computed inside a tape. "
                "A value that left through .numpy(), float() or np.asarray has no graph any more."
            )
    roots = [item.node for item in items if not isinstance(item, Variable) and item.node is not None]
    variables = [item for item in items if isinstance(item, Variable)]
    if not roots and not variables:
        raise GraphError(
            f"graph: nothing of the target was recorded ({_describe(items)}). Compute it inside "
            "`with ag.GradientTape() as tape:`, from a trainable Variable or from a Tensor given to tape.watch."
        )
    return from_nodes(roots, roots, variables, names, gradients)


def from_nodes(
    roots: Sequence[Node],
    targets: Sequence[Node],
    variables: Sequence[Variable] = (),
    names: Mapping[str, Any] | None = None,
    gradients: bool = False,
    token: Token | None = None,
) -> Graph:
    """Graph of ``roots`` and everything they were computed from.

    Parameters
    ----------
    targets : sequence of Node
        Shown as targets, and differentiated if ``gradients``.
    variables : sequence of Variable
        Targets that are no result of anything.
    token : Token, optional
        Leave out what the tape of this token does not track.
    """
    order = ancestors(roots, (lambda node: True) if token is None else (lambda node: token in node.tapes))
    with Paused():
        found = _gradients(order, targets, variables) if gradients else {}
        builder = _Builder(_Names({} if names is None else names), set(targets), found)
        for node in order:
            builder.add(node)
        for variable in variables:
            builder.add_variable(variable, gradients)
    return builder.graph()


def ancestors(roots: Iterable[Node], wanted: Callable[[Node], bool]) -> list[Node]:
    """``roots`` and all that they were computed from, each after its parents; without recursion."""
    order: list[Node] = []
    opened: set[Node] = set()
    done: set[Node] = set()
    pending = list(roots)[::-1]
    while pending:
        node = pending[-1]
        if node in opened:
            pending.pop()
            if node not in done:
                done.add(node)
                order.append(node)
            continue
        opened.add(node)
        for parent in reversed(node.parents):
            if parent is not None and parent not in opened and wanted(parent):
                pending.append(parent)
    return order


def _gradients(order: Sequence[Node], targets: Iterable[Node], variables: Sequence[Variable]) -> dict[Node, Any]:
    """Gradient of the sum of ``targets`` for each Node that has one value."""
    seeds = {node: np.ones_like(node.value) for node in targets}
    single = [node for node in order if not isinstance(node.value, tuple)]
    operations = [node for node in order if node.primitive is not None]
    found = pull_back(operations, seeds, single, recorded=False)
    totals: dict[tuple[int, ...], Any] = {}  # one value of a Variable may have been read under several tapes
    for node in found:
        key = _reading(node)
        if key is not None:
            if key not in totals and any(variable_of(node) is variable for variable in variables):
                totals[key] = np.ones_like(node.value)  # a target itself, beside what was computed from it
            totals[key] = totals.get(key, 0) + found[node]
    return {node: _outside(totals.get(_reading(node) or (), ct)) for node, ct in found.items()}


def _outside(ct: Any) -> Any:
    """Between pairings without conjugate, used by the walk, and d/dx + i d/dy, used by people."""
    return np.conj(ct) if ct.dtype.kind == "c" else ct


def _reading(node: Node) -> tuple[int, int] | None:
    """What is the same for all leaves that stand for one value of one Variable; None for other Nodes."""
    reference = node.params.get("variable") if node.primitive is None else None
    return None if reference is None else (id(reference), id(node.value))


class _Names:
    """What the user calls things: by the Node that made them, by the Variable, or by the array of a constant."""

    def __init__(self, names: Mapping[str, Any]):
        if not isinstance(names, Mapping):
            raise ConversionError(
                f"graph: names is a {type(names).__name__}; expected a dict from names to Tensors, as in "
                "names={'y': y} or names=locals()."
            )
        self._by_node: dict[Node, str] = {}
        self._by_id: dict[int, str] = {}  # of arrays and Variables, which `names` keeps alive while this is used
        for name, item in names.items():
            if isinstance(item, Variable):
                self._by_id.setdefault(id(item), str(name))
            elif isinstance(item, Overloaded):
                node = item.node  # type: ignore[attr-defined]  # a Tensor: the only other Overloaded
                if node is None:
                    self._by_id.setdefault(id(item.array), str(name))
                else:
                    self._by_node.setdefault(node, str(name))

    def of(self, node: Node) -> str | None:
        """Name for ``node``."""
        return self._by_node.get(node) or self._by_id.get(id(variable_of(node))) or node.name

    def of_constant(self, value: Any) -> str | None:
        """Name for an argument that has no Node."""
        return self._by_id.get(id(value))

    def of_variable(self, variable: Variable) -> str | None:
        """Name for a Variable that was not read."""
        return self._by_id.get(id(variable)) or variable.name


def of_tape(nodes: Sequence[Node], token: Token, names: Mapping[str, Any] | None, gradients: bool) -> Graph:
    """Graph of everything on a tape; its targets are the results that nothing else uses."""
    used = {parent for node in nodes for parent in node.parents}
    targets = [node for node in nodes if node not in used and not isinstance(node.value, tuple)]
    return from_nodes(nodes, targets, (), names, gradients, token)


def variable_of(node: Node) -> Variable | None:
    """The Variable that a leaf is a reading of, if it still exists."""
    reference = node.params.get("variable") if node.primitive is None else None
    return None if reference is None else reference()


class _Builder:
    """Puts a Graph together, node by node."""

    def __init__(self, names: _Names, targets: Collection[Node], gradients: Mapping[Node, Any]):
        self.names = names
        self.targets = targets
        self.gradients = gradients
        self.nodes: list[GraphNode] = []
        self.edges: list[GraphEdge] = []
        self.asked: dict[int, GraphNode] = {}  # targets, by index
        self.origins = Origins(WeakKeyDictionary(), [])
        self._constants: dict[int, GraphNode] = {}  # by the id of an array that the Graph keeps alive
        self._readings: dict[tuple[int, int], GraphNode] = {}  # by the ids of a Variable's reference and its value

    def add(self, node: Node) -> None:
        """Add a recorded Node whose parents were added before."""
        if isinstance(node.value, tuple) and len(node.value) == 1:
            return  # stands with its only result, see `_application`
        shown = self._leaf(node) if node.primitive is None else self._operation(node)
        self.origins.nodes[node] = shown
        if node in self.targets:
            self.asked[shown.index] = shown

    def add_variable(self, variable: Variable, gradients: bool = False) -> None:
        """Add a Variable as a target: as it was read, or else as it is."""
        readings = [shown for other, shown in self.origins.variables if other() is variable]
        if not readings:
            name = self.names.of_variable(variable)
            value = variable.array
            gradient = np.ones_like(value) if gradients and value.dtype.kind in "fc" else None
            readings = [self._append(GraphNode(len(self.nodes), VARIABLE, None, name, value, NO_PARAMS, gradient))]
            self.origins.variables.append((ref(variable), readings[0]))
        self.asked.update((shown.index, shown) for shown in readings)

    def graph(self) -> Graph:
        """What has been put together."""
        return Graph(tuple(self.nodes), tuple(self.edges), tuple(self.asked.values()), self.origins)

    def _append(self, shown: GraphNode) -> GraphNode:
        self.nodes.append(shown)
        return shown

    def _leaf(self, node: Node) -> GraphNode:
        """A watched Tensor, or one value of a Variable however often it was read."""
        key = _reading(node)
        if key in self._readings:
            return self._readings[key]
        kind = INPUT if key is None else VARIABLE
        name, gradient = self.names.of(node), self.gradients.get(node)
        scope = node.origin.scope
        shown = self._append(GraphNode(len(self.nodes), kind, None, name, node.value, NO_PARAMS, gradient, scope))
        if key is not None:
            self._readings[key] = shown
            self.origins.variables.append((node.params["variable"], shown))
        return shown

    def _operation(self, node: Node) -> GraphNode:
        applied = _application(node)
        origin = applied.origin
        sources = [
            self._source(arg, parent, origin.scope) for arg, parent in zip(applied.args, applied.parents, strict=True)
        ]
        shown = self._append(
            GraphNode(
                len(self.nodes),
                TARGET if node in self.targets else OPERATION,
                applied.operation,
                self.names.of(node),
                node.value,
                applied.params,
                self.gradients.get(node),
                origin.scope,
                origin.seconds,
                None if origin.place is None else basename(origin.place),
            )
        )
        self._connect(sources, shown, applied)
        return shown

    def _connect(self, sources: Sequence[GraphNode | None], shown: GraphNode, applied: Node) -> None:
        """Edges to the node that shows what ``applied`` computed."""
        values = tuple(
            [
                parent.value if parent is not None and source is not None and source.kind != CONSTANT else None
                for parent, source in zip(applied.parents, sources, strict=True)
            ]
        )
        locally = local_derivatives(applied)
        application = Application(applied, values)
        for index, source in enumerate(sources):
            if source is None:
                continue
            if values[index] is None:
                self.edges.append(GraphEdge(source, shown, index, None))
            else:
                self.edges.append(GraphEdge(source, shown, index, locally[index], application))

    def _source(self, arg: Any, parent: Node | None, scope: tuple[str, ...]) -> GraphNode | None:
        """Where an argument of an operation in ``scope`` came from; None for an argument that was left out."""
        if parent is not None:
            known = self.origins.nodes.get(parent)
            if known is not None:
                return known
            arg = parent.value  # tracked by another tape than the one that was asked
        if arg is None:
            return None
        if id(arg) in self._constants:
            return self._constants[id(arg)]
        name = self.names.of_constant(arg) if parent is None else self.names.of(parent)
        # A number belongs to the operation that it stands beside; an array was more likely brought in from outside.
        shown = self._append(constant_node(len(self.nodes), arg, name, scope if getattr(arg, "size", 1) == 1 else ()))
        if isinstance(arg, np.ndarray):  # a number that occurs twice may be one object by chance
            self._constants[id(arg)] = shown
        return shown


def _application(node: Node) -> Node:
    """The Node whose operation and arguments are shown for ``node``: the only result of an operation stands for it."""
    if node.primitive is PROJECT and len(node.parents[0].value) == 1:
        return node.parents[0]
    return node


def _describe(items: Sequence[Overloaded]) -> str:
    return ", ".join(f"shape {item.shape} {item.dtype}" for item in items[:3]) or "an empty structure"
