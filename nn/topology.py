"""Which layer of a model is applied to the outputs of which: what ``plot_model`` draws.

Models made from symbolic tensors and Sequential models know it. For a model whose ``call`` is a user's own it is found
by calling it once: layers put what they compute in a scope of their name, and the recorded graph tells what it was
computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import autograd_core as ag

from . import shapes
from .functional import Graph
from .symbolic import SymbolicTensor, symbols_in


@dataclass(eq=False)
class Box:
    """An input, a layer, a function among layers, or an operation of a user's ``call``.

    Attributes
    ----------
    name : str
    layer : Layer, FunctionStep or None
        None for inputs and operations.
    kind : {"input", "layer", "function", "operation"}
    output_shape : tuple, structure of tuples, or None
        None where it is not known.
    dtype : dtype or None
    sources : list of Box
        What it is applied to, in order.
    inner : Topology or None
        Of a model among the layers.
    """

    name: str
    layer: Any = None
    kind: str = "layer"
    output_shape: Any = None
    dtype: Any = None
    sources: list[Box] = field(default_factory=list)
    inner: Topology | None = None

    def applied_to(self, sources: list[Box]) -> None:
        """Note sources that are new; a layer may be called several times."""
        self.sources += [source for source in dict.fromkeys(sources) if source not in self.sources]


@dataclass(eq=False)
class Topology:
    """Boxes of a model in the order of a forward pass, and those that its outputs come from."""

    boxes: list[Box]
    outputs: list[Box]

    @property
    def inputs(self) -> list[Box]:
        """Boxes of the inputs."""
        return [box for box in self.boxes if box.kind == "input"]


def topology(model: Any, expand: bool = False) -> Topology:
    """Boxes of ``model``.

    Parameters
    ----------
    expand : bool
        Look into models among its layers, too.

    Raises
    ------
    StructureError
        If the model's ``call`` is a user's own and no input shape is known yet.
    """
    graph = getattr(model, "_graph", None)
    if graph is not None:
        found = _of_graph(graph)
    elif hasattr(model, "_chain"):
        found = _of_chain(model)
    else:
        found = _observed(model)
    if expand:
        for box in found.boxes:
            if hasattr(box.layer, "layers"):
                box.inner = topology(box.layer, expand)
    return found


def _box(layer: Any, shape: Any = None) -> Box:
    kind = "layer" if hasattr(layer, "trainable") else "function"
    return Box(layer.name, layer, kind, layer._output_shape if shape is None else shape, layer.dtype)


def _input(symbol: SymbolicTensor) -> Box:
    return Box(symbol.name or "input", None, "input", symbol.shape, symbol.dtype)


def _of_graph(graph: Graph) -> Topology:
    made: dict[SymbolicTensor, Box] = {symbol: _input(symbol) for symbol in graph.input_symbols}
    boxes: dict[Any, Box] = {box: box for box in made.values()}
    for step in graph.steps:
        shape = shapes.map_structure(lambda symbol: symbol.shape, step.outputs)
        box = boxes.setdefault(step.layer, _box(step.layer, shape))
        box.applied_to([made[s] for s in symbols_in([step.inputs, list(step.args), step.kwargs]) if s in made])
        made.update(dict.fromkeys(symbols_in(step.outputs), box))
    outputs = dict.fromkeys(made[symbol] for symbol in graph.output_symbols)
    return Topology(list(boxes.values()), list(outputs))


def _of_chain(model: Any) -> Topology:
    symbols = model.inputs
    boxes = [_input(symbols[0])] if symbols else []
    for layer in model.layers:
        box = _box(layer)
        box.applied_to(boxes[-1:])
        boxes.append(box)
    return Topology(boxes, boxes[-1:])


# -- by a call ---------------------------------------------------------------------------------------------------------


def _observed(model: Any) -> Topology:
    shape = model._first_shape
    if shape is None:
        raise ag.StructureError(
            f"{model.name}: how the layers hang together is found by a call, and the shape of the input is not known "
            "yet; call the model on data, or build(shape), first."
        )
    inputs = shapes.map_shapes(lambda one: shapes.ones(one, 2, model.dtype), shape)
    with ag.GradientTape() as tape:
        given = [leaf for leaf in shapes.leaves(inputs) if isinstance(leaf, ag.Tensor)]
        tape.watch(given)
        with _told_apart(model.layers):
            outputs = model(inputs)
            found = [leaf for leaf in shapes.leaves(outputs) if isinstance(leaf, ag.Tensor) and leaf.node is not None]
            recorded = _from_recording(model, ag.graph(found), given) if found else _of_list(model)
    for box in recorded.boxes:
        if box.kind == "layer":
            box.name = box.layer.name
    return recorded


@contextmanager
def _told_apart(layers: list[Any]) -> Iterator[None]:
    """Another name for each layer that has the name of one before it: scopes are all that a recording tells."""
    names = [layer.name for layer in layers]
    taken: set[str] = set()
    try:
        for number, layer in enumerate(layers):
            if layer.name in taken:
                layer.name = f"{layer.name}\0{number}"
            taken.add(layer.name)
        yield
    finally:
        for layer, name in zip(layers, names, strict=True):
            layer.name = name


def _of_list(model: Any) -> Topology:
    """Where nothing was recorded: no layer computes anything differentiable. The layers, without links."""
    boxes = [_box(layer) for layer in model.layers]
    return Topology(boxes, boxes)


def _from_recording(model: Any, graph: ag.Graph, given: list[Any]) -> Topology:
    layers = {layer.name: layer for layer in model.layers}
    boxes: dict[Any, Box] = {}
    of_node: dict[int, Box] = {}
    for node in graph.nodes:
        if node.kind in ("variable", "constant"):
            continue
        key, box = _of_recorded(model, node, layers, len(boxes))
        of_node[node.index] = boxes.setdefault(key, box)
    for edge in graph.edges:
        source, target = of_node.get(edge.source.index), of_node.get(edge.target.index)
        if source is not None and target is not None and source is not target:
            target.applied_to([source])
    _link_inputs(boxes, given)
    _without_batch(boxes.values(), given)
    return Topology(list(boxes.values()), list(dict.fromkeys(of_node[node.index] for node in graph.targets)))


def _of_recorded(model: Any, node: Any, layers: dict[str, Any], count: int) -> tuple[Any, Box]:
    """What tells the box of a recorded value, and the box for it if it is the first of its kind."""
    if node.kind == "input":
        return node.index, Box("input" if not count else f"input {count + 1}", None, "input", node.shape, node.dtype)
    inner = node.scope[1:] if node.scope[:1] == (model.name,) else node.scope
    if not inner:
        return node.index, Box(node.operation, None, "operation", node.shape, node.dtype)
    layer = layers.get(inner[0])
    return inner[0], Box(inner[0], None, "operation") if layer is None else _box(layer)


def _link_inputs(boxes: dict[Any, Box], given: list[Any]) -> None:
    """Integers are not recorded: what reads nothing else reads them."""
    if not any(box.kind == "input" for box in boxes.values()):
        first = Box("input", None, "input", given[0].shape, given[0].dtype)
        for box in boxes.values():
            if not box.sources:
                box.applied_to([first])
        known = dict(boxes)
        boxes.clear()
        boxes.update({first: first, **known})


def _without_batch(boxes: Iterable[Box], given: list[Any]) -> None:
    """The length of the batch that the model was called with, as one that is not known."""
    batch = given[0].shape[:1]
    for box in boxes:
        shape = box.output_shape
        if box.kind in ("input", "operation") and shape is not None and batch and tuple(shape[:1]) == batch:
            box.output_shape = (None, *shape[1:])


def walk(found: Topology) -> Iterator[Box]:
    """All boxes, those of inner models too."""
    for box in found.boxes:
        yield box
        if box.inner is not None:
            yield from walk(box.inner)
