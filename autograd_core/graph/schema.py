"""What stands in an exported graph, as a JSON Schema (draft 2020-12). ``docs/graph_schema.rst`` tells it in words."""

from __future__ import annotations

from typing import Any

from .elements import KINDS

FORMAT = "autograd-core graph"

VERSION = 1
"""Goes up when a field is taken away or changes its meaning; readers pass over fields they do not know."""

_INDEX: dict[str, Any] = {"type": "integer", "minimum": 0}
_SHAPE: dict[str, Any] = {"type": "array", "items": _INDEX}
_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_VALUE: dict[str, Any] = {"$ref": "#/$defs/value"}


def _record(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Object that has all of ``properties``."""
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


_NUMBER = {
    "description": "A number, a truth value, or what JSON has no number for.",
    "anyOf": [{"type": ["number", "boolean"]}, {"enum": ["NaN", "Infinity", "-Infinity"]}],
}

_ENTRIES = {
    "description": "A number for shape (), nested lists of numbers for every other.",
    "anyOf": [{"$ref": "#/$defs/number"}, {"type": "array", "items": {"$ref": "#/$defs/entries"}}],
}

_ANY_VALUE = {
    "description": "Entries of an array, of a complex one in two parts; null where they are not known or not written.",
    "anyOf": [
        {"$ref": "#/$defs/entries"},
        _record("Complex.", {"real": {"$ref": "#/$defs/entries"}, "imag": {"$ref": "#/$defs/entries"}}),
        {"type": "null"},
    ],
}

_RESULT = _record("A result of an operation.", {"shape": _SHAPE, "dtype": {"type": "string"}, "value": _VALUE})

_NODE = _record(
    "A value: an input, or what an operation computed.",
    {
        "index": {**_INDEX, "description": "Place in the list; what a node was computed from stands before it."},
        "kind": {"enum": list(KINDS)},
        "name": {**_TEXT, "description": "What the program calls it."},
        "operation": {**_TEXT, "description": "What computed it; null for inputs, Variables and constants."},
        "params": {"type": "object", "description": "Keyword parameters of the operation: axes, indices, ..."},
        "scope": {"type": "array", "items": {"type": "string"}, "description": "Name scopes, outermost first."},
        "results": {
            "type": "array",
            "items": _RESULT,
            "minItems": 1,
            "description": "One, or those of an operation that has several.",
        },
        "gradient": {**_VALUE, "description": "Of the targets' sum with respect to this value, if it was asked for."},
        "nbytes": _INDEX,
        "seconds": {"type": ["number", "null"], "description": "Time of the forward computation, if recorded."},
        "place": {**_TEXT, "description": "Line of the user's program, if recorded."},
    },
)

_JACOBIAN = _record(
    "Derivative of one value by another, everything else held fixed.",
    {
        "shape": {**_SHAPE, "description": "Shape of the result, then that of the argument."},
        "norm": {"anyOf": [{"$ref": "#/$defs/number"}, {"type": "null"}], "description": "Frobenius norm."},
        "is_estimate": {"type": "boolean", "description": "Whether the norm comes from a few random directions."},
        "entries": {**_VALUE, "description": "Where the result and the argument have at most 8 entries each."},
    },
)

_EDGE = _record(
    "One argument of one operation.",
    {
        "source": {**_INDEX, "description": "Node that is the argument."},
        "target": {**_INDEX, "description": "Node that was computed from it."},
        "argument": {**_INDEX, "description": "Position among the arguments of the operation."},
        "local_derivative": {
            "anyOf": [{"$ref": "#/$defs/number"}, {"type": "null"}],
            "description": "Between two real values of one entry each; null elsewhere and where there is none.",
        },
        "jacobian": {"anyOf": [{"$ref": "#/$defs/jacobian"}, {"type": "null"}]},
    },
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Graph of autograd-core",
    **_record(
        "A recorded computation as a directed acyclic graph.",
        {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "nodes": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            "edges": {"type": "array", "items": {"$ref": "#/$defs/edge"}},
            "targets": {**_SHAPE, "description": "Indices of the nodes that the graph was asked for."},
        },
    ),
    "$defs": {
        "node": _NODE,
        "edge": _EDGE,
        "jacobian": _JACOBIAN,
        "value": _ANY_VALUE,
        "entries": _ENTRIES,
        "number": _NUMBER,
    },
}
