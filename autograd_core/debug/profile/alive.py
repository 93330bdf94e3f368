"""``Profile.alive``: which recorded arrays are still there, and what keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...node import Node
from .holders import Heap, Holder
from .rows import operation_of
from .sites import Site
from .strand import Strand
from .table import nbytes


@dataclass(frozen=True, slots=True)
class Kept:
    """Arrays of one operation at one line that are still held.

    Attributes
    ----------
    operation : str
    place : str or None
    nodes : int
        Applications of it that are still there.
    nbytes : int
        Of the memory that they brought.
    holders : tuple of Holder
        What keeps the largest of them.
    """

    operation: str
    place: str | None
    nodes: int
    nbytes: int
    holders: tuple[Holder, ...]


class Alive(tuple[Kept, ...]):
    """What recordings of a profile still hold, the largest first.

    Attributes
    ----------
    nbytes : int
        All together, those that are not listed included.
    """

    nbytes: int

    def __str__(self) -> str:
        if not self.nbytes:
            return "Nothing that was recorded is still held."
        lines = [f"{nbytes(self.nbytes)} are still held by what was recorded:"]
        for kept in self:
            at = f" at {kept.place}" if kept.place else ""
            lines.append(f"  {nbytes(kept.nbytes)}, {kept.nodes:,} of {kept.operation}{at}")
            lines += [f"    - {holder}" for holder in kept.holders]
        return "\n".join(lines)

    __repr__ = __str__


def alive_in(strands: Sequence[Strand], top: int | None) -> Alive:
    """What the Nodes recorded in ``strands`` still hold, by operation and line."""
    heap = Heap()  # collects garbage, which is not alive
    groups: dict[Site, list[Node]] = {}
    bytes_of: dict[Site, int] = {}
    for strand in strands:
        for node, applied in strand.memory.alive():
            groups.setdefault(applied.site, []).append(node)
        for site, held in strand.memory.held().items():
            bytes_of[site] = bytes_of.get(site, 0) + held
    order = sorted((site for site in groups if bytes_of.get(site)), key=lambda site: bytes_of[site], reverse=True)
    heap.hidden.update(map(id, (groups, *groups.values())))
    kept = []
    for site in order[:top]:
        nodes = groups[site]
        largest = max(nodes, key=_size)
        holders = tuple(heap.keepers_of([largest]))
        kept.append(Kept(operation_of(site), site.line.place, len(nodes), bytes_of[site], holders))
    found = Alive(kept)
    found.nbytes = sum(bytes_of.values())
    return found


def _size(node: Node) -> int:
    values = node.value if isinstance(node.value, tuple) else (node.value,)
    return sum(getattr(value, "nbytes", 0) for value in values)
