"""Graphs for other programs: as plain dicts, as JSON, and for networkx.

What is exported is plain data: numbers, texts, lists. A graph that was exported is kept alive by nothing in it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConversionError, DomainError, GraphError, missing_extra
from ..node import Spec
from .elements import GraphEdge, GraphNode
from .schema import FORMAT, VERSION
from .text import title

if TYPE_CHECKING:
    import networkx

    from .model import Graph

LARGEST = 64
"""Entries of the largest value that is written out, unless asked otherwise: a graph may hold gigabytes."""

_HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs: no text that a file can hold
_LISTS = ("nodes", "edges")


# -- dicts -------------------------------------------------------------------------------------------------------------


def as_dict(graph: Graph, largest: int | None, jacobians: bool) -> dict[str, Any]:
    """See ``Graph.to_dict``."""
    most = _limit(largest)
    return {
        "format": FORMAT,
        "version": VERSION,
        "nodes": [_node(node, most) for node in graph.nodes],
        "edges": [_edge(edge, jacobians) for edge in graph.edges],
        "targets": [node.index for node in graph.targets],
    }


def _limit(largest: Any) -> float:
    """The most entries that are written out."""
    if largest is None:
        return math.inf
    if isinstance(largest, bool) or not isinstance(largest, (int, np.integer)) or largest < 0:
        raise DomainError(
            f"Graph.to_dict: largest is the number of entries of the largest value written out, 0 or more, or None for "
            f"all; got {largest!r}."
        )
    return int(largest)


def _node(node: GraphNode, most: float) -> dict[str, Any]:
    return {
        "index": node.index,
        "kind": node.kind,
        "name": plain_text(node.name),
        "operation": plain_text(node.operation),
        "params": {str(key): plain(value) for key, value in node.params.items()},
        "scope": [plain_text(name) for name in node.scope],
        "results": [
            {"shape": list(result.shape), "dtype": str(result.dtype), "value": _entries(result, most)}
            for result in node.results
        ],
        "gradient": None if node.gradient is None else _entries(np.asarray(node.gradient), most),
        "nbytes": int(node.nbytes),
        "seconds": None if node.seconds is None else float(node.seconds),
        "place": plain_text(node.place),
    }


def _entries(array: Any, most: float) -> Any:
    return None if isinstance(array, Spec) or array.size > most else plain_array(array)


def _edge(edge: GraphEdge, jacobians: bool) -> dict[str, Any]:
    return {
        "source": edge.source.index,
        "target": edge.target.index,
        "argument": edge.index,
        "local_derivative": None if edge.local_derivative is None else plain_number(edge.local_derivative),
        "jacobian": _jacobian(edge.jacobian) if jacobians else None,
    }


def _jacobian(jacobian: Any) -> dict[str, Any] | None:
    if jacobian is None:
        return None
    return {
        "shape": list(jacobian.shape),
        "norm": None if jacobian.norm is None else plain_number(jacobian.norm),
        "is_estimate": bool(jacobian.is_estimate),
        "entries": None if jacobian.entries is None else plain_array(jacobian.entries),
    }


# -- plain values ------------------------------------------------------------------------------------------------------


def plain_number(value: Any) -> Any:
    """A real number or truth value as JSON has it; NaN and infinities, for which JSON has none, as strings."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"


def plain_array(array: Any) -> Any:
    """Entries of an array as nested lists, of a complex one in two parts."""
    array = np.asarray(array)
    if array.dtype.kind == "c":
        return {"real": plain_array(array.real), "imag": plain_array(array.imag)}
    if array.dtype.kind not in "fiub":
        return None
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)  # JSON's numbers are read as these
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    if not array.ndim:
        return plain_number(array[()])
    return [plain_array(part) for part in array]


def plain_text(text: Any) -> str | None:
    """A user's text as it is, but for halves of surrogate pairs, which no file can hold."""
    return None if text is None else _HALVES.sub("\N{REPLACEMENT CHARACTER}", str(text))


def plain(value: Any) -> Any:
    """A parameter of an operation; of what is no plain data, its name or its type: never an address in memory."""
    if value is None or isinstance(value, str):
        return plain_text(value)
    if isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return plain_number(value)
    if isinstance(value, (complex, np.complexfloating, np.ndarray)):
        return plain_array(value) if np.size(value) <= LARGEST else {"array": list(np.shape(value))}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, slice):
        return {"slice": [plain(value.start), plain(value.stop), plain(value.step)]}
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return str(value)
    named = value if hasattr(value, "__qualname__") else type(value)
    return {"object": plain_text(f"{named.__module__}.{named.__qualname__}")}


# -- JSON --------------------------------------------------------------------------------------------------------------


def as_json(graph: Graph, path: str | Path | None, largest: int | None, jacobians: bool) -> str | Path:
    """See ``Graph.to_json``."""
    if path is None:
        return "".join(_lines(as_dict(graph, largest, jacobians)))
    file = _file(path)
    text = "".join(_lines(as_dict(graph, largest, jacobians)))
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GraphError(f"Graph.to_json: {str(file)!r} cannot be written: {reason}. Give another path.") from None
    return file


def _file(path: Any) -> Path:
    """``path``, if a file can be written there; said before any work is done."""
    if not isinstance(path, (str, Path)):
        raise ConversionError(f"Graph.to_json: path must be a str, a Path or None; got a {type(path).__name__}.")
    file = Path(path)
    if not file.parent.is_dir():
        raise GraphError(f"Graph.to_json: there is no folder {file.parent}; make it first, or give another path.")
    return file


def _lines(record: dict[str, Any]) -> Iterator[str]:
    """The text with a line per node and edge, so that two graphs can be compared line by line."""
    write = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    opening = "{\n"
    for key, value in record.items():
        yield f"{opening}{write(key)}: "
        if key in _LISTS and value:
            yield "[\n" + ",\n".join(map(write, value)) + "\n]"
        else:
            yield write(value)
        opening = ",\n"
    yield "\n}\n"


# -- networkx ----------------------------------------------------------------------------------------------------------


def as_networkx(graph: Graph) -> networkx.MultiDiGraph:
    """See ``Graph.to_networkx``."""
    try:
        import networkx
    except ImportError:
        raise missing_extra("networkx", "graph", "Graph.to_networkx") from None
    made = networkx.MultiDiGraph(targets=tuple(node.index for node in graph.targets))
    for node in graph.nodes:
        made.add_node(node.index, label=title(node), **{name: getattr(node, name) for name in _ATTRIBUTES})
    for edge in graph.edges:
        ends = (edge.source.index, edge.target.index)
        made.add_edge(*ends, key=edge.index, local_derivative=edge.local_derivative, edge=edge)
    return made


_ATTRIBUTES = (
    *("kind", "name", "operation", "params", "scope", "shape", "dtype", "value", "gradient", "nbytes", "seconds"),
    "place",
)
