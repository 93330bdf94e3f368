"""How a primitive is applied to all examples: by its batching rule, or example by example where it has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops.indexing import ADD_AT, GETITEM, LAST_WRITTEN, SET_AT
from ..ops.joining import STACK, UNSTACK
from ..ops.sorting import SORT
from ..primitive import Primitive, apply
from ..tensor import Tensor
from . import rules_axes, rules_entries, rules_linalg, rules_products, rules_shapes, rules_windows
from .laying import Mapped, Rule, elementwise, has_mapped

RULES: dict[Primitive, Rule] = {
    **rules_axes.RULES,
    **rules_shapes.RULES,
    **rules_products.RULES,
    **rules_linalg.RULES,
    **rules_windows.RULES,
    **rules_entries.RULES,
}
"""Of each row that has one. Elementwise rows need none."""

WITH_MAPPED_PARAMS = frozenset((GETITEM, SET_AT, ADD_AT, LAST_WRITTEN, SORT))
"""Rows whose rule takes parameters that are ``Mapped``."""


def apply_to_all(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """Apply ``row`` to all examples; the results have them along axis 0."""
    if not params or row in WITH_MAPPED_PARAMS or not has_mapped(params):
        if row.elementwise:
            return elementwise(row, args, mapped, params, size)
        rule = RULES.get(row)
        out = NotImplemented if rule is None else rule(row, args, mapped, params, size)
        if out is not NotImplemented:
            return out
    return one_by_one(row, args, mapped, params, size)


def one_by_one(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """A row that has no rule: each example for itself, and the results stacked. Always right, and slower."""
    if not size:
        return _of_none(row, args, mapped, params)
    columns = [_entries(arg, own, size) for arg, own in zip(args, mapped, strict=True)]
    results = [
        apply(row, tuple(column[i] for column in columns), entry_of(params, i) if params else params)
        for i in range(size)
    ]
    if results[0].__class__ is tuple:
        return tuple(_stacked([result[k] for result in results]) for k in range(len(results[0])))
    return _stacked(results)


def _entries(arg: Any, mapped: bool, size: int) -> Sequence[Any]:
    if not mapped:
        return [arg] * size
    return apply(UNSTACK, (arg,), {"axis": 0})


def _stacked(parts: list[Any]) -> Any:
    return apply(STACK, tuple(parts), {"axis": 0})


def entry_of(params: Any, i: int) -> Any:
    """Parameters of example ``i``."""
    kind = params.__class__
    if kind is Mapped:
        return apply(GETITEM, (params.tensor,), {"index": i}).array
    if kind is dict:
        return {key: entry_of(entry, i) for key, entry in params.items()}
    if kind is tuple or kind is list:
        return kind([entry_of(entry, i) for entry in params])
    return params


def _of_none(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any]) -> Any:
    """Results for no example at all: of the shapes that one would have, found with numbers that are made up."""
    error: Exception | None = None
    for make in (_identity_like, _zeros_like):
        examples = [make(arg.shape[1:], arg.dtype) if own else arg for arg, own in zip(args, mapped, strict=True)]
        try:
            with np.errstate(all="ignore"):
                found = apply(row, tuple(examples), _made_up(params))
        except (ValueError, TypeError, IndexError) as failed:
            error = failed
            continue
        if found.__class__ is tuple:
            return tuple(Tensor(np.zeros((0, *each.shape), each.dtype), None) for each in found)
        return Tensor(np.zeros((0, *found.shape), found.dtype), None)
    assert error is not None
    raise error


def _zeros_like(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.zeros(shape, dtype)


def _identity_like(shape: tuple[int, ...], dtype: Any) -> Any:
    if len(shape) < 2 or dtype.kind not in "fc":
        return np.zeros(shape, dtype) if dtype.kind not in "fc" else np.full(shape, 0.5, dtype)
    return np.broadcast_to(np.eye(shape[-2], shape[-1], dtype=dtype), shape).copy()


def _made_up(params: Any) -> Any:
    kind = params.__class__
    if kind is Mapped:
        return np.zeros(params.tensor.shape[1:], params.tensor.dtype)
    if kind is dict:
        return {key: _made_up(entry) for key, entry in params.items()}
    if kind is tuple or kind is list:
        return kind([_made_up(entry) for entry in params])
    return params
