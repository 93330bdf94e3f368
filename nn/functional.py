"""Graphs of layers: what ``Model(inputs, outputs)`` runs.

The symbolic outputs know the calls that made them, and those the symbolic tensors they were called on. Walking back
from the outputs gives the calls in an order in which each comes after those it needs; running them in this order, with
the values of the inputs in place, gives the values of the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ag

from . import shapes
from .masks import mask_of, with_mask, with_masks
from .symbolic import Application, SymbolicTensor, symbols_in


class Graph:
    """Calls of layers between symbolic inputs and outputs.

    Parameters
    ----------
    owner : str
        Name of the model, for messages.
    inputs, outputs : SymbolicTensor, or nested structure of them

    Raises
    ------
    StructureError
        If an output does not depend on the inputs alone.
    """

    def __init__(self, owner: str, inputs: Any, outputs: Any):
        self.owner = owner
        self.inputs = inputs
        self.outputs = outputs
        self.input_symbols = _checked(owner, "inputs", inputs)
        self.output_symbols = _checked(owner, "outputs", outputs)
        self.steps = _in_order(owner, self.input_symbols, self.output_symbols)

    @property
    def layers(self) -> list[Any]:
        """Layers and functions that are called, each once."""
        return list(dict.fromkeys(step.layer for step in self.steps))

    def run(self, inputs: Any, mask: Any = None) -> Any:
        """Values of the outputs for values of the inputs; the layers know ``training`` from the call they are in."""
        matched = with_masks(self._matched(inputs), mask if mask is None else list(shapes.leaves(mask)))
        values = dict(zip(self.input_symbols, matched, strict=True))
        for step in self.steps:
            kwargs = step.kwargs
            if kwargs:
                kwargs = _filled(kwargs, values)
            given = values[step.inputs] if step.inputs.__class__ is SymbolicTensor else _filled(step.inputs, values)
            outputs = step.layer(given, *_filled(step.args, values), **kwargs)
            if step.outputs.__class__ is SymbolicTensor:
                values[step.outputs] = outputs
            else:
                values.update(zip(symbols_in(step.outputs), shapes.leaves(outputs), strict=True))
        return _filled(self.outputs, values)

    def _matched(self, inputs: Any) -> list[Any]:
        """Values in the order of the symbolic inputs."""
        if isinstance(self.inputs, dict) and isinstance(inputs, dict):
            missing = [key for key in self.inputs if key not in inputs]
            if missing:
                raise ag.StructureError(f"{self.owner}: no input {missing[0]!r} was given; got {sorted(inputs)}.")
            given = [inputs[key] for key in self.inputs]
        elif isinstance(inputs, dict):  # by the names of the inputs
            names = [symbol.name for symbol in self.input_symbols]
            if not set(names) <= set(inputs):
                raise ag.StructureError(f"{self.owner}: the inputs are called {names}; got {sorted(inputs)}.")
            given = [inputs[name] for name in names]
        elif len(self.input_symbols) == 1 and not shapes.is_structure(inputs):
            given = [inputs]
        else:
            given = list(shapes.leaves(inputs))
        if len(given) != len(self.input_symbols):
            raise ag.StructureError(f"{self.owner}: got {len(given)} inputs; expected {len(self.input_symbols)}.")
        return [self._fitting(value, symbol) for value, symbol in zip(given, self.input_symbols, strict=True)]

    def _fitting(self, value: Any, symbol: SymbolicTensor) -> Any:
        tensor = value if value.__class__ is ag.Tensor else ag.convert_to_tensor(value)
        shape = tensor.shape
        expected = symbol.shape
        if len(shape) == len(expected) - 1 and expected[-1] == 1:  # (n,) for (n, 1), as Keras takes it
            tensor, shape = tensor.reshape(*shape, 1), (*shape, 1)
        if len(shape) != len(expected) or any(
            want not in (None, length) for want, length in zip(expected, shape, strict=True)
        ):
            hint = " A single sample needs a batch axis: x[None]." if len(shape) == len(expected) - 1 else ""
            raise ag.ShapeError(
                f"{self.owner}: the input{'' if symbol.name is None else ' ' + repr(symbol.name)} has shape {shape}; "
                f"expected {expected}.{hint}"
            )
        if tensor.array.dtype.kind == "f" and tensor.array.dtype is not symbol.dtype and symbol.dtype.kind == "f":
            tensor = tensor.astype(symbol.dtype)
        return tensor if tensor is value else with_mask(tensor, mask_of(value))


def _filled(structure: Any, values: dict[SymbolicTensor, Any]) -> Any:
    if structure.__class__ is tuple and not structure:
        return structure
    return shapes.map_structure(lambda leaf: values[leaf] if leaf.__class__ is SymbolicTensor else leaf, structure)


def _checked(owner: str, what: str, structure: Any) -> list[SymbolicTensor]:
    found = list(shapes.leaves(structure))
    for leaf in found:
        if not isinstance(leaf, SymbolicTensor):
            raise ag.ConversionError(
                f"{owner}: {what} has a {type(leaf).__name__} in it; expected what nn.Input gives, or what layers give "
                "for that."
            )
    if not found:
        raise ag.StructureError(f"{owner}: {what} is empty.")
    return found


def _in_order(owner: str, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> list[Application]:
    """Calls that lead from the inputs to the outputs, each after those whose results it takes."""
    given = set(inputs)
    done: dict[Application, None] = {}
    entered: set[Application] = set()
    waiting = [output for output in reversed(outputs)]
    while waiting:  # no recursion: a network may be deeper than Python's stack
        symbol = waiting[-1]
        call = symbol.origin
        if symbol in given or call in done:
            waiting.pop()
            continue
        if call is None:
            raise ag.StructureError(
                f"{owner}: an output depends on {symbol!r}{'' if symbol.name is None else f' ({symbol.name})'}, which "
                "is not among the inputs of the model."
            )
        if call in entered:
            done[call] = None
            waiting.pop()
            continue
        entered.add(call)
        waiting += reversed(symbols_in([call.inputs, list(call.args), call.kwargs]))
    return list(done)
