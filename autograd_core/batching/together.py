"""Many walks over one recording at once: what Jacobians and Hessians are made of, mapped instead of one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import recording
from ..hooks import ON_NODES
from ..node import Node
from ..primitive import PROJECT, Primitive
from ..tensor import Tensor
from .level import Level
from .transform import vmap

FEWEST = 10
"""Fewer walks than these are as fast one by one: 5 take 0.25 ms and 0.37 together, 20 take 0.66 ms and 0.41."""

ENTRIES = 1 << 22
"""Of all intermediate values together; more do not stay in the cache, and take memory that one walk does not."""


def walk_together(
    walk: Callable[[Tensor], Any], units: Callable[[int, int], Any], count: int, nodes: Sequence[Node]
) -> list[Any] | None:
    """Results of ``walk`` for each of many cotangents or tangents, stacked along axis 0.

    Parameters
    ----------
    walk : callable
        Linear, from a Tensor to a list of Tensors, and None for what is not connected.
    units : callable
        ``units(start, stop)`` gives some of what to walk with, stacked along axis 0.
    count : int
        How many there are.
    nodes : sequence of Node
        What is walked over.

    Returns
    -------
    list of Tensor or None; or None in its place, where one walk after the other is to be made.
    """
    if count < FEWEST or not _may_be_mapped(nodes):
        return None
    chunk = ENTRIES // (1 + sum(map(_size, nodes)))
    if chunk < FEWEST:
        return None
    parts = [vmap(walk)(Tensor(units(start, min(start + chunk, count)), None)) for start in range(0, count, chunk)]
    if len(parts) == 1:
        return parts[0]
    columns: Any = zip(*parts, strict=True)
    return [None if column[0] is None else np.concatenate(column) for column in columns]


def unit_vectors(like: Any) -> Callable[[int, int], Any]:
    """Arrays of the shape of ``like`` with a single 1: those from ``start`` to ``stop``, stacked along axis 0."""

    def units(start: int, stop: int) -> Any:
        made = np.zeros((stop - start, like.size), like.dtype)
        made[np.arange(stop - start), np.arange(start, stop)] = 1
        return made.reshape(stop - start, *like.shape)

    return units


def _may_be_mapped(nodes: Sequence[Node]) -> bool:
    """Whether no rule is the user's own (it may leave the graph), and nobody looks at each walk by itself."""
    frame: Any = recording.current()
    while frame is not None and frame.trace.__class__ is Level:
        frame = frame.trace.frame
    details = recording.setting_here().details
    if details is not None and (details.looks or not details.listens):  # a profile lets it be as it is without
        return False
    if ON_NODES or (frame is not None and frame.trace is not None):
        return False
    return all(node.primitive is None or node.primitive is PROJECT or _is_of_table(node.primitive) for node in nodes)


def _is_of_table(primitive: Primitive) -> bool:
    """Whether a primitive is one of the engine's own; not a compiled function, whose plan is for one walk."""
    own = primitive.__class__ is Primitive and not primitive.of_one_call
    return own and (primitive.elementwise or primitive.sample is not None)


def _size(node: Node) -> int:
    value: Any = node.value
    return sum(part.size for part in value) if value.__class__ is tuple else value.size
