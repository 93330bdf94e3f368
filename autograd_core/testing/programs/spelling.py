"""How the application of a primitive is written as Python text, by a name that a user would use.

A spelling is not believed: it is run on the very operands, and taken only if it does the same as the primitive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from ... import numpy as anp
from ...errors import AutogradError
from ...linearize import Linearized
from ...node import Node
from ...ops.table import TABLE
from ...primitive import PROJECT, Primitive
from ...tensor import Overloaded, Tensor
from ..literals import index_text, text_of

OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@"}
NAMESPACES = (
    ("np.", np),
    ("np.linalg.", np.linalg),
    ("np.fft.", np.fft),
    ("anp.", anp),
    ("anp.linalg.", anp.linalg),
    ("anp.special.", anp.special),
)
ROW_OF = {row.name: row for row in TABLE}


def spelled(row: Primitive, operands: Sequence[Any], texts: Sequence[str], params: dict[str, Any]) -> str:
    """Text of ``row(*operands, **params)``."""
    special = _special(row, operands, texts, params)
    if special is not None:
        return special
    words = [f"{key}={text_of(value)}" for key, value in params.items()]
    given = ", ".join([*texts, *words])
    listed = ", ".join([f"[{', '.join(texts)}]", *words])
    for prefix, function in _candidates(row.name) if ROW_OF.get(row.name) is row else ():
        if _does_the_same(row, function, operands, params):
            return f"{prefix}{row.name}({given})"
        if row.variadic and _does_the_same(row, lambda *xs, f=function, **kw: f(list(xs), **kw), operands, params):
            return f"{prefix}{row.name}({listed})"
    return f"{spelled_row(row)}({given})"


def spelled_row(row: Primitive) -> str:
    """Text of the primitive itself."""
    if ROW_OF.get(row.name) is row:
        return f'ROW["{row.name}"]'
    return importable(row)[1] or row.name


def importable(value: Any) -> tuple[str, str]:
    """Module and name from which ``value`` can be imported; empty texts if from nowhere."""
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", None) or ""
    try:
        found = getattr(import_module(module), name, None) if module and name.isidentifier() else None
    except ImportError:
        found = None
    return (module, name) if found is value else ("", "")


def _special(row: Primitive, operands: Sequence[Any], texts: Sequence[str], params: dict[str, Any]) -> str | None:
    if ROW_OF.get(row.name) is not row:
        return None
    if row.name == "getitem" and isinstance(operands[0], Overloaded):
        return f"{texts[0]}[{index_text(params['index'])}]"
    if row.name in OPERATORS and not params and any(isinstance(operand, Overloaded) for operand in operands):
        return f"{texts[0]} {OPERATORS[row.name]} {texts[1]}"
    return None


@cache
def _candidates(name: str) -> tuple[tuple[str, Callable[..., Any]], ...]:
    found = ((prefix, getattr(module, name, None)) for prefix, module in NAMESPACES)
    return tuple((prefix, function) for prefix, function in found if callable(function))


def _does_the_same(row: Primitive, function: Callable[..., Any], operands: Sequence[Any], params: Any) -> bool:
    if row.vjps is not None and not any(isinstance(operand, Overloaded) for operand in operands):
        return False  # it would give an array, not a Tensor
    try:
        return list(_applied(function, operands, params)) == list(_applied(row, operands, params))
    except (AutogradError, TypeError, ValueError, IndexError):
        return False


def _applied(function: Callable[..., Any], operands: Sequence[Any], params: Any) -> Iterator[Any]:
    """What is recorded when ``function`` is called, and what it gives, in a form that can be compared."""
    tracked = [i for i, operand in enumerate(operands) if _floating(operand)]

    def call(*xs: Any) -> Any:
        filled = [operand.array if isinstance(operand, Overloaded) else operand for operand in operands]
        for i, x in zip(tracked, xs, strict=True):
            filled[i] = x
        others = [Tensor(x, None) if isinstance(operands[i], Overloaded) and not isinstance(x, Tensor) else x
                  for i, x in enumerate(filled)]  # fmt: skip
        return function(*others, **params)

    with np.errstate(all="ignore"):
        run = Linearized("spelling", call, [operands[i].array for i in tracked], range(len(tracked)), {}, copy=False)
    for node in run.record.nodes:
        if node.primitive is not PROJECT and node.primitive is not None:
            yield (
                node.primitive.name,
                id(node.primitive),
                text_of(dict(sorted(node.params.items()))),
                _places(node, run),
            )
    results = run.result if isinstance(run.result, tuple) else (run.result,)
    for result in results:
        array = np.asarray(result.array if isinstance(result, Overloaded) else result)
        yield array.dtype, array.shape, array.tobytes()


def _places(node: Node, run: Linearized) -> tuple[int | None, ...]:
    return tuple(run.inputs.index(p) if p in run.inputs else None for p in node.parents)


def _floating(operand: Any) -> bool:
    return isinstance(operand, Overloaded) and operand.dtype.kind in "fc"
