"""Values as Python text that gives them back when it runs."""

from __future__ import annotations

from typing import Any

import numpy as np

DEFAULT = ("float64", "int64", "bool", "complex128")  # dtypes that an array of Python numbers gets by itself


def literal(value: Any) -> str:
    """Python text for ``value``: numbers, arrays, indices, dtypes, and tuples, lists and dicts of them.

    Examples
    --------
    >>> import numpy as np
    >>> print(literal((np.array([1.0, np.inf]), slice(0, None), ..., "ij", np.dtype("float32"))))
    (np.array([1.0, np.inf]), slice(0, None, None), ..., 'ij', np.dtype('float32'))
    """
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({_number(value.item())})"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, np.dtype):
        return f"np.dtype({value.name!r})"
    if value is Ellipsis:
        return "..."
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return _number(value)


def _number(value: Any) -> str:
    if isinstance(value, complex):
        if np.isfinite(value):
            return repr(value)
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _array(array: np.ndarray[Any, Any]) -> str:
    dtype = "" if array.dtype.name in DEFAULT else f', dtype="{array.dtype.name}"'
    if not array.size:
        return f'np.zeros({literal(array.shape)}, dtype="{array.dtype.name}")'
    return f"np.array({_nested(array.tolist())}{dtype})"


def _nested(entries: Any) -> str:
    if isinstance(entries, list):
        return "[" + ", ".join(map(_nested, entries)) + "]"
    return _number(entries)


def index_text(index: Any) -> str:
    """An index as it stands between brackets."""
    if isinstance(index, slice):
        bounds = ["" if bound is None else repr(bound) for bound in (index.start, index.stop, index.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    if isinstance(index, tuple) and index:
        return ", ".join(map(index_text, index)) + ("," if len(index) == 1 else "")
    return literal(index)
