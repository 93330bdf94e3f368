"""Batching rules of what moves entries: reshape, transpose, concatenate, pad, and matrices of zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.arranging import DIAGONAL, ON_DIAGONAL, TILE, TRIL, TRIU
from ..ops.joining import CONCATENATE, SPLIT, STACK, UNSTACK
from ..ops.padding import PAD
from ..ops.reshaping import ASTYPE, BROADCAST_TO, COPY, RESHAPE, TRANSPOSE
from ..ops.rounding import FREXP, MODF
from ..ops.sorting import DIGITIZE, ISIN, SEARCHSORTED
from ..ops.statistics import WEIGHTED_COUNT
from ..primitive import Primitive, apply
from ..symbol import Value
from ..tracing import CHECKED
from .laying import Mapped, Rule, all_spread, as_it_is, ndim_of, padded, shifted


def _reshape(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    (x,), shape = args, params["shape"]
    if params.get("order", "C") == "C":
        return apply(row, (x,), {"shape": (size, *shape)})
    if params["order"] != "F":
        return NotImplemented
    # The first index runs fastest: as the last one does when the axes are in reverse.
    reverse = (0, *range(x.ndim - 1, 0, -1))
    turned = apply(row, (np.transpose(x, reverse),), {"shape": (size, *shape[::-1])})
    return np.transpose(turned, (0, *range(len(shape), 0, -1)))


def _transpose(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return apply(row, tuple(args), {"axes": (0, *shifted(params["axes"]))})


def _broadcast_to(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    shape = params["shape"]
    return apply(row, (padded(args[0], len(shape)),), {"shape": (size, *shape)})


def _join(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return apply(row, tuple(all_spread(args, mapped, size)), {**params, "axis": shifted(params["axis"])})


def _cut(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return apply(row, tuple(args), {**params, "axis": shifted(params["axis"])})


def _tile(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    reps = params["reps"]
    x = padded(args[0], len(reps))
    return apply(row, (x,), {"reps": (1, *(1,) * (x.ndim - 1 - len(reps)), *reps)})


def _triangle(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return NotImplemented if args[0].ndim < 3 else apply(row, tuple(args), params)


def _diagonal(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    axes = {"axis1": shifted(params["axis1"]), "axis2": shifted(params["axis2"])}
    return apply(row, tuple(args), {**params, **axes})


def _pad(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    if params.get("frame") is not None:
        return NotImplemented
    return apply(row, tuple(args), {**params, "widths": ((0, 0), *params["widths"])})


def _count(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """Each example counts in bins of its own."""
    into, length = params["into"], params["length"]
    if into.__class__ in (Mapped, Value) or not size:
        return NotImplemented
    bins = (np.arange(size)[:, None] * length + into).reshape(-1)
    counts = apply(row, (np.reshape(args[0], (-1,)),), {"into": bins, "length": size * length})
    return np.reshape(counts, (size, length))


def _among(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """Places among values that are the same for all examples."""
    common = mapped[0] if row is SEARCHSORTED else mapped[1]
    return NotImplemented if common else apply(row, tuple(args), params)


def _on_diagonal(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    return NotImplemented if ndim_of(args[0], True) < 1 else apply(row, tuple(args), params)


RULES: dict[Primitive, Rule] = {
    RESHAPE: _reshape,
    TRANSPOSE: _transpose,
    BROADCAST_TO: _broadcast_to,
    **dict.fromkeys((ASTYPE, COPY, CHECKED, MODF, FREXP), as_it_is),
    **dict.fromkeys((CONCATENATE, STACK), _join),
    **dict.fromkeys((SPLIT, UNSTACK), _cut),
    TILE: _tile,
    **dict.fromkeys((TRIL, TRIU), _triangle),
    ON_DIAGONAL: _on_diagonal,
    DIAGONAL: _diagonal,
    PAD: _pad,
    WEIGHTED_COUNT: _count,
    **dict.fromkeys((SEARCHSORTED, DIGITIZE, ISIN), _among),
}
