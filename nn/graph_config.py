"""A graph of layers as a config, and back: what ``get_config`` of a model made from symbolic tensors gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import autograd_core as ag

from . import shapes
from .config import made, plain
from .functional import Graph
from .layer import Layer
from .layers.core import Input
from .symbolic import SymbolicTensor, symbols_in


def graph_config(graph: Graph) -> dict[str, Any]:
    """Inputs, layers, and the calls of them one after another; tensors are numbered as they come.

    Raises
    ------
    UnsupportedError
        For a function that was applied to symbolic tensors: it has no config.
    """
    numbers: dict[SymbolicTensor, int] = {}
    for symbol in graph.input_symbols:
        numbers[symbol] = len(numbers)
    steps = []
    for step in graph.steps:
        if not isinstance(step.layer, Layer):
            raise ag.UnsupportedError(
                f"{graph.owner}.get_config: the function {step.layer.name!r} is applied to symbolic tensors, and has "
                "no config. Put it into a layer (layers.Add, layers.Lambda, ...)."
            )
        for symbol in symbols_in(step.outputs):
            numbers[symbol] = len(numbers)
        steps.append(
            {
                "layer": step.layer.name,
                "inputs": _referring(step.inputs, numbers),
                "args": _referring(list(step.args), numbers),
                "kwargs": _referring(step.kwargs, numbers),
            }
        )
    inputs = [{"batch_shape": s.shape, "dtype": s.dtype.name, "name": s.name} for s in graph.input_symbols]
    return {
        "symbols": plain(inputs),
        "layers": [plain(layer) for layer in graph.layers],
        "steps": steps,
        "inputs": _referring(graph.inputs, numbers),
        "outputs": _referring(graph.outputs, numbers),
    }


def graph_from(config: Mapping[str, Any], custom_objects: Mapping[str, type] | None) -> tuple[Any, Any]:
    """Symbolic inputs and outputs, from new layers, for what ``graph_config`` gave."""
    values = {f"tensor {number}": Input(**entry) for number, entry in enumerate(config["symbols"])}
    layers = {entry["config"]["name"]: made(Layer, entry, custom_objects) for entry in config["layers"]}

    def filled(structure: Any) -> Any:
        return shapes.map_structure(lambda leaf: values.get(leaf, leaf) if isinstance(leaf, str) else leaf, structure)

    for step in config["steps"]:
        outputs = layers[step["layer"]](filled(step["inputs"]), *filled(step["args"]), **filled(step["kwargs"]))
        for symbol in symbols_in(outputs):
            values[f"tensor {len(values)}"] = symbol
    return filled(config["inputs"]), filled(config["outputs"])


def _referring(structure: Any, numbers: Mapping[SymbolicTensor, int]) -> Any:
    return shapes.map_structure(
        lambda leaf: f"tensor {numbers[leaf]}" if isinstance(leaf, SymbolicTensor) else plain(leaf), structure
    )
