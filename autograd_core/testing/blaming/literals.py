"""Arrays and other plain values as Python text that gives them back exactly."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

WIDTH = 100
_PLAIN = (bool, int, str, bytes, type(None), type(Ellipsis))


def literal(value: Any) -> str | None:
    """Text for a number, string, slice, dtype or array; None for anything else."""
    if isinstance(value, np.ndarray):
        return array_literal(value)
    if isinstance(value, np.dtype):
        return f"np.dtype({value.str!r})"
    if isinstance(value, np.generic):
        return _dtype_name(value.dtype, f"({_scalar(value)})")
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, complex):
        return f"complex({_float(value.real)}, {_float(value.imag)})"
    if isinstance(value, slice):
        parts = [literal(part) for part in (value.start, value.stop, value.step)]
        return None if None in parts else f"slice({', '.join(map(str, parts))})"
    return repr(value) if isinstance(value, range) else None


def array_literal(array: np.ndarray) -> str | None:
    """Text for an array of numbers or truth values; None for one of anything else."""
    if array.dtype.kind not in "fciub":
        return None
    default = array.dtype in (np.dtype(float), np.dtype(complex), np.dtype(bool)) or array.dtype == np.dtype(int)
    if not array.size:
        return f"np.zeros({array.shape}, dtype={_dtype_name(array.dtype)})"
    text = np.array2string(
        array,
        separator=", ",
        threshold=sys.maxsize,
        max_line_width=WIDTH,
        formatter={"all": _scalar},
        prefix="    ",
    )
    return f"np.array({text})" if default else f"np.array({text}, dtype={_dtype_name(array.dtype)})"


def _dtype_name(dtype: Any, then: str = "") -> str:
    if dtype == np.dtype(bool):
        return f"np.bool_{then}"
    return f"np.{dtype.name}{then}" if dtype.isnative else f"np.dtype({dtype.str!r}){'.type' + then if then else ''}"


def _scalar(value: Any) -> str:
    """Shortest text that gives the number back in its own precision."""
    if isinstance(value, np.complexfloating):
        return f"complex({_scalar(value.real)}, {_scalar(value.imag)})"
    if isinstance(value, complex):
        return f"complex({_float(value.real)}, {_float(value.imag)})"
    if isinstance(value, np.floating):
        return _named(str(value))
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    return _named(repr(value))


def _named(text: str) -> str:
    return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}.get(text, text)
