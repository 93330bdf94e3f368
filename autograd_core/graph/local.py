"""Local derivatives: what the rules of one operation say when the cotangent of its result is 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..node import Node
from ..scatter import Cleared, Scatter


def local_derivatives(node: Node) -> list[float | None]:
    """Derivative of the result of ``node`` with respect to each of its arguments.

    A number where the result and the argument have one real entry each, None everywhere else. Call it where nothing
    is recording.
    """
    nothing: list[float | None] = [None] * len(node.parents)
    several = isinstance(node.value, tuple)
    values = node.value if several else (node.value,)
    wanted = [index for index, parent in enumerate(node.parents) if parent is not None and is_scalar(parent.value)]
    if len(values) != 1 or not is_scalar(values[0]) or not wanted:
        return nothing
    one = np.ones(values[0].shape, values[0].dtype)
    try:
        found = _apply_rules(node, (one,) if several else one, wanted)
        return [_number(found[index]) if index in found else None for index in range(len(nothing))]
    except Exception:  # a checkpoint that cannot be recomputed any more; a rule of the user's own that fails
        return nothing


def is_scalar(value: Any) -> bool:
    """Whether ``value`` has one real entry, of a floating dtype."""
    return not isinstance(value, tuple) and value.size == 1 and value.dtype.kind == "f"


@np.errstate(all="ignore")  # an infinite derivative is an answer; as a decorator it takes half the time
def _apply_rules(node: Node, ct: Any, wanted: list[int]) -> dict[int, Any]:
    """Argument -> what its rule sends back; arguments without a rule are missing."""
    rules = node.primitive.rules(len(node.args))
    if node.primitive.joint:
        contributions = rules[0](ct, node.value, *node.args, **node.params)
        return {index: contributions[index] for index in wanted if contributions[index] is not None}
    return {
        index: rules[index](ct, node.value, *node.args, **node.params) for index in wanted if rules[index] is not None
    }


def _number(contribution: Any) -> float:
    """One number for what a rule sent back; of a broadcast scalar the entries add up, as in the walk."""
    if isinstance(contribution, (np.ndarray, np.generic)) and contribution.size == 1 and contribution.dtype.kind == "f":
        return float(contribution.item())  # np.sum would take longer than all the rest
    if isinstance(contribution, Scatter):
        contribution = contribution.dense()
    elif isinstance(contribution, Cleared):
        contribution = contribution.carry_out(own=False)
    return float(np.sum(np.real(contribution)))
