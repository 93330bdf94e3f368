"""Values as Python text that gives them back exactly when it runs."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

WIDTH = 100
_PLAIN = (bool, int, str, bytes, type(None))
_DEFAULT = frozenset(map(np.dtype, (bool, int, float, complex)))
"""Dtypes that an array of Python numbers gets by itself."""


def text_of(value: Any) -> str:
    """Python text for ``value``: what ``literal`` knows, and tuples, lists and dicts of it; ``repr`` of anything else.

    Examples
    --------
    >>> import numpy as np
    >>> print(text_of((np.array([1.0, np.inf]), slice(0, None), ..., "ij", np.dtype("float32"))))
    (np.array([1.0, np.inf]), slice(0, None, None), ..., 'ij', np.dtype('float32'))
    """
    if isinstance(value, tuple):
        return "(" + ", ".join(map(text_of, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {text_of(entry)}" for key, entry in value.items()) + "}"
    text = literal(value)
    return repr(value) if text is None else text


def literal(value: Any) -> str | None:
    """Text for a number, string, slice, dtype or array; None for anything else."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.dtype):
        return f"np.dtype({value.name!r})" if value.isnative else f"np.dtype({value.str!r})"
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    if isinstance(value, np.generic):
        return f"{_dtype_name(value.dtype, '.type')}({_entry(value)})" if value.dtype.kind in "fciub" else None
    if value is Ellipsis:
        return "..."
    if isinstance(value, slice):
        parts = [literal(part) for part in (value.start, value.stop, value.step)]
        return None if None in parts else f"slice({', '.join(map(str, parts))})"
    if isinstance(value, (float, complex)):
        return _entry(value)
    return repr(value) if isinstance(value, (*_PLAIN, range)) else None


def index_text(index: Any) -> str:
    """An index as it stands between brackets."""
    if isinstance(index, slice):
        bounds = ["" if bound is None else repr(bound) for bound in (index.start, index.stop, index.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    if isinstance(index, tuple) and index:
        return ", ".join(map(index_text, index)) + ("," if len(index) == 1 else "")
    return text_of(index)


def _array(array: np.ndarray) -> str | None:
    """Text for an array of numbers or truth values; None for one of anything else."""
    if array.dtype.kind not in "fciub":
        return None
    dtype = _dtype_name(array.dtype)
    if not array.size:
        return f"np.zeros({array.shape}, dtype={dtype})"
    wrapped = np.array2string(
        array,
        separator=", ",
        threshold=sys.maxsize,
        max_line_width=WIDTH,
        formatter={"all": _entry},
        prefix="    ",
    )
    in_one_line = " ".join(wrapped.split())
    entries = in_one_line if len(in_one_line) <= WIDTH else wrapped
    return f"np.array({entries})" if array.dtype in _DEFAULT else f"np.array({entries}, dtype={dtype})"


def _dtype_name(dtype: Any, scalar: str = "") -> str:
    """Name of a dtype in NumPy; one in another byte order has none: ``scalar`` is then put after it."""
    if dtype == np.dtype(bool):
        return "np.bool_"
    if dtype.char in "gG":
        return "np.longdouble" if dtype.char == "g" else "np.clongdouble"
    return f"np.{dtype.name}" if dtype.isnative else f"np.dtype({dtype.str!r}){scalar}"


def _entry(value: Any) -> str:
    """Shortest text that gives the number back in its own precision."""
    if isinstance(value, (complex, np.complexfloating)):
        return f"complex({_entry(value.real)}, {_entry(value.imag)})"
    if isinstance(value, np.longdouble):
        return f"np.longdouble('{value!s}')"
    if isinstance(value, (float, np.floating)):
        return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}.get(str(value), str(value))
    return str(value)
