"""Group: nodes of a graph that belong together, and the groups in it. The tree of them is made in ``tree``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SCOPE = "scope"
REPEAT = "repeat"
STEP = "step"
STRETCH = "stretch"

GROUP_KINDS = (SCOPE, REPEAT, STEP, STRETCH)
"""A name scope; the same again and again; one time of a repetition; neighbours that were too many to stand alone."""


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Nodes that belong together.

    Attributes
    ----------
    name : str
        As the user wrote it for a scope; else what is in it. Not shortened, not escaped.
    path : tuple of str
        Names from the outermost group down to this one, unique in the tree; () for the root.
    nodes : tuple of int
        Indices of the nodes directly in it, in order of computation.
    groups : tuple of Group
        Groups directly in it.
    repeats : int
        How often what is in it repeats; 1 where nothing does. The repetitions are ``groups`` (or ``nodes``, where each
        is a single node; or, where they are many, in the stretches that are ``groups``).
    kind : {"scope", "repeat", "step", "stretch"}
    size : int
        Nodes in it and in the groups in it.
    scope : tuple of str
        The name scope it lies in or, for a scope, is.
    times : tuple of tuple of int
        For a repetition: the operations of each time, all in one order, so that those at one place correspond.
    """

    name: str
    path: tuple[str, ...]
    nodes: tuple[int, ...]
    groups: tuple[Group, ...]
    repeats: int = 1
    kind: str = SCOPE
    size: int = 0
    scope: tuple[str, ...] = ()
    times: tuple[tuple[int, ...], ...] = ()

    def walk(self) -> Iterator[Group]:
        """The group itself and all groups in it, each before those in it."""
        pending = [self]
        while pending:
            group = pending.pop()
            yield group
            pending.extend(reversed(group.groups))

    def members(self) -> list[int]:
        """Indices of all nodes in it and in the groups in it, ascending."""
        return sorted(index for group in self.walk() for index in group.nodes)

    def __repr__(self) -> str:
        what = f"{len(self.nodes)} nodes, {len(self.groups)} groups, {self.size} nodes in all"
        return f"<Group {self.kind} {self.name!r}: {what}>"
