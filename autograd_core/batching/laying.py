"""How arguments of examples are laid beside one another: what batching rules have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..primitive import Primitive, apply
from ..tensor import Tensor

Rule = Callable[[Primitive, list[Any], list[bool], dict[str, Any], int], Any]
"""``rule(row, args, mapped, params, size)``: ``row`` applied to all examples.

``args`` are Tensors, arrays and numbers, those that are ``mapped`` with the ``size`` examples along axis 0; the results
have them along axis 0, all of them. ``NotImplemented``: not for these arguments.
"""


class Mapped:
    """A parameter that differs between examples: a Tensor with the examples along axis 0."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


def ndim_of(arg: Any, mapped: bool) -> int:
    """Number of axes that an argument has for one example."""
    return getattr(arg, "ndim", 0) - mapped


def padded(arg: Any, ndim: int) -> Any:
    """A mapped ``arg`` with axes of length 1 after that of the examples, so that each example has ``ndim`` axes."""
    missing = ndim + 1 - arg.ndim
    if missing <= 0:
        return arg
    shape = arg.shape
    return np.reshape(arg, (shape[0], *(1,) * missing, *shape[1:]))


def aligned(args: Sequence[Any], mapped: Sequence[bool]) -> list[Any]:
    """Arguments that broadcast from the last axis, with the axis of the examples before all others."""
    ndim = max(map(ndim_of, args, mapped), default=0)
    return [padded(arg, ndim) if own else arg for arg, own in zip(args, mapped, strict=True)]


def spread(arg: Any, mapped: bool, size: int) -> Any:
    """``arg`` with the examples along axis 0, the same for each if it is not mapped."""
    if mapped:
        return arg
    return np.broadcast_to(arg if isinstance(arg, Tensor) else np.asarray(arg), (size, *np.shape(arg)))


def all_spread(args: Sequence[Any], mapped: Sequence[bool], size: int) -> list[Any]:
    """All arguments with the examples along axis 0."""
    return [spread(arg, own, size) for arg, own in zip(args, mapped, strict=True)]


def shifted(axis: Any) -> Any:
    """Axes of one example as axes of all: one more, if counted from the front."""
    if axis.__class__ is int:
        return axis + 1 if axis >= 0 else axis
    return tuple([shifted(each) for each in axis])


def elementwise(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """Entry by entry, with broadcasting: the axis of the examples is one more, before those that are aligned."""
    return apply(row, tuple(aligned(args, mapped)), params)


def as_it_is(row: Primitive, args: list[Any], mapped: list[bool], params: dict[str, Any], size: int) -> Any:
    """One argument, of which only the last axes matter, or each entry."""
    return apply(row, tuple(args), params)


def has_mapped(structure: Any) -> bool:
    """Whether a parameter differs between examples."""
    kind = structure.__class__
    if kind is Mapped:
        return True
    if kind is dict:
        return any(map(has_mapped, structure.values()))
    if kind is tuple or kind is list:
        return any(map(has_mapped, structure))
    return False
