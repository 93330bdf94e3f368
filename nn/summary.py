"""The table that ``model.summary()`` prints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import autograd_core as ag

from .symbolic import symbols_in


def summary_lines(model: Any, width: int | None, expand: bool, show_trainable: bool) -> Iterator[str]:
    """Lines of the table."""
    sources = _sources(model)
    header = ["Layer (type)", "Output shape", "Parameters"]
    header += ["Connected to"] if sources else []
    header += ["Trainable"] if show_trainable else []
    rows = [header, *_rows(model, sources, expand, show_trainable, "")]
    columns = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gaps = 2 * (len(columns) - 1)
    spare = 0 if width is None else max(0, width - sum(columns) - gaps)
    columns[0] += spare
    rule = "-" * (sum(columns) + gaps)
    yield f'Model: "{model.name}"'
    yield rule
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(size) if at == 2 else cell.ljust(size)
            for at, (cell, size) in enumerate(zip(row, columns, strict=True))
        ]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield rule
    yield rule
    total, trainable = _count(model.weights), _count(model.trainable_weights)
    size = sum(weight.nbytes for weight in model.weights)
    yield f"Total parameters:         {total:,} ({_bytes(size)})"
    yield f"Trainable parameters:     {trainable:,}"
    yield f"Non-trainable parameters: {total - trainable:,}"


def _rows(model: Any, sources: dict[Any, str], expand: bool, show_trainable: bool, indent: str) -> Iterator[list[str]]:
    graph = getattr(model, "_graph", None)
    if graph is not None:
        for symbol in graph.input_symbols:
            name = symbol.name or "input"
            yield _padded([f"{indent}{name} (Input)", str(symbol.shape), "0"], "", sources, "", show_trainable)
    for layer in graph.layers if graph is not None else model.layers:
        cells = [
            f"{indent}{layer.name} ({type(layer).__name__})"
            if hasattr(layer, "trainable")
            else f"{indent}{layer.name}()",
            str(layer._output_shape) if layer._output_shape is not None else "?",
            _parameters(layer),
        ]
        trained = "" if not hasattr(layer, "trainable") else "yes" if layer.trainable else "no"
        yield _padded(cells, sources.get(layer, ""), sources, trained, show_trainable)
        if expand and hasattr(layer, "layers"):
            yield from _rows(layer, sources, expand, show_trainable, indent + "  ")


def _padded(cells: list[str], source: str, sources: Any, trained: str, show_trainable: bool) -> list[str]:
    return [*cells, *([source] if sources else []), *([trained] if show_trainable else [])]


def _parameters(layer: Any) -> str:
    if not hasattr(layer, "count_params"):
        return "0"
    return f"{layer.count_params():,}" if layer.built or layer._declared_shape is not None else "not built"


def _sources(model: Any) -> dict[Any, str]:
    """What each layer of a graph is applied to; nothing if the graph is one chain."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        return {}
    found: dict[Any, str] = {}
    for step in graph.steps:
        names = [
            (symbol.name or "input") if symbol.origin is None else symbol.origin.layer.name
            for symbol in symbols_in([step.inputs, list(step.args), step.kwargs])
        ]
        found[step.layer] = ", ".join([*filter(None, [found.get(step.layer)]), *names])
    is_chain = all("," not in source for source in found.values()) and len(set(found.values())) == len(found)
    return {} if is_chain else found


def _count(weights: Sequence[ag.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _bytes(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GiB"
