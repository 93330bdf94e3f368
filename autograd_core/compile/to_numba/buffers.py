"""Buffers by lifetime: values that are never needed at the same time lie at the same place of one workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""


@dataclass(slots=True, eq=False)
class Lifetime:
    """When a buffer is needed.

    Attributes
    ----------
    nbytes : int
    start, stop : int
        First and last step (inclusive) at which it must keep its contents.
    offset : int
        Where it lies in the workspace; set by ``assign``.
    """

    nbytes: int
    start: int
    stop: int
    offset: int = 0

    def meets(self, other: Lifetime) -> bool:
        """Whether both are needed at some step."""
        return self.start <= other.stop and other.start <= self.stop


def aligned(nbytes: int) -> int:
    """Next multiple of the alignment."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def assign(lifetimes: Sequence[Lifetime]) -> int:
    """Give every buffer its offset; large ones first, each at the lowest place that is free while it lives.

    Returns
    -------
    int
        Bytes of the workspace.
    """
    placed: list[Lifetime] = []
    for each in sorted(lifetimes, key=lambda one: -one.nbytes):
        each.offset = _lowest(each, [other for other in placed if each.meets(other)])
        placed.append(each)
    return max((each.offset + aligned(each.nbytes) for each in placed), default=0)


def _lowest(new: Lifetime, others: list[Lifetime]) -> int:
    offset = 0
    for other in sorted(others, key=lambda one: one.offset):
        if offset + aligned(new.nbytes) <= other.offset:
            break
        offset = max(offset, other.offset + aligned(other.nbytes))
    return offset


def least(lifetimes: Sequence[Lifetime]) -> int:
    """Bytes that must live at once: no workspace can be smaller."""
    steps = {each.start for each in lifetimes}
    return max(
        (sum(aligned(each.nbytes) for each in lifetimes if each.start <= step <= each.stop) for step in steps),
        default=0,
    )
