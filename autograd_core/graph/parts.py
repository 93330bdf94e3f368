"""Parts: groups while their tree is built. What they hold can still be moved about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .groups import Group


@dataclass(eq=False, slots=True)
class Part:
    """A group while the tree is built; its items are indices of nodes, and parts."""

    kind: str
    name: str
    items: list[int | Part] = field(default_factory=list)
    times: tuple[tuple[int, ...], ...] = ()
    label: int = -1
    scope: tuple[str, ...] = ()


Item = int | Part
"""The index of a node, or a part."""


def walk(top: Part) -> Iterator[tuple[Part, tuple[Part, ...]]]:
    """All parts, each before those in it, with the parts from the top down to it."""
    pending: list[tuple[Part, tuple[Part, ...]]] = [(top, (top,))]
    while pending:
        part, path = pending.pop()
        yield part, path
        pending.extend((item, (*path, item)) for item in reversed(part.items) if isinstance(item, Part))


def operations(item: Item) -> list[int]:
    """Nodes in an item, in order."""
    if isinstance(item, int):
        return [item]
    found: list[int] = []
    pending: list[Item] = [item]
    while pending:
        item = pending.pop()
        if isinstance(item, Part):
            pending.extend(reversed(item.items))
        else:
            found.append(item)
    return found


def frozen(top: Part) -> Group:
    """Groups for the parts, inner ones first."""
    parts: list[Part] = []
    paths: dict[Part, tuple[str, ...]] = {top: ()}
    for part, _ in walk(top):
        parts.append(part)
        taken: dict[str, int] = {}
        for item in part.items:
            if isinstance(item, Part):
                paths[item] = (*paths[part], _unique(item.name, taken))
    groups: dict[Part, Group] = {}
    for part in reversed(parts):
        inner = tuple(groups[item] for item in part.items if isinstance(item, Part))
        own = tuple(sorted(item for item in part.items if isinstance(item, int)))
        size = len(own) + sum(group.size for group in inner)
        repeats = len(part.times) or 1
        groups[part] = Group(part.name, paths[part], own, inner, repeats, part.kind, size, part.scope, part.times)
    return groups[top]


def _unique(name: str, taken: dict[str, int]) -> str:
    """``name``, with a number if a sibling has it already."""
    found = name
    while found in taken:
        taken[name] += 1
        found = f"{name} ({taken[name]})"
    taken[found] = 1
    return found
