"""Leaves in the tree of groups: Variables, inputs and constants stand with what uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .elements import GraphNode
from .groups import REPEAT, STEP
from .order import Incoming
from .parts import Item, Part, walk


def place_leaves(top: Part, nodes: Sequence[GraphNode], incoming: Incoming) -> None:
    """Puts each leaf before what uses it first, in the innermost group around all that use it.

    But beside a repetition that shares it, or that has it in some of its times only.
    """
    _Leaves(top, nodes, incoming).place()


@dataclass(slots=True)
class _Leaf:
    """Where a leaf belongs: the parts around all that use it, outermost first, and what uses it first."""

    way: tuple[Part, ...]
    user: int
    shared: bool = False  # by several operations

    def lies_in_one_time_of(self, repeat: Part) -> bool:
        return repeat in self.way and (self.way[-1] is not repeat or not self.shared)


class _Leaves:
    def __init__(self, top: Part, nodes: Sequence[GraphNode], incoming: Incoming):
        self.top = top
        self.nodes = nodes
        self.incoming = incoming
        self.around = {item: path for part, path in walk(top) for item in part.items if isinstance(item, int)}
        self._singles: dict[int, Part] = {}  # operations that are a time of a repetition, as parts
        self._where: dict[Part, dict[Item, int]] = {}  # of repetitions, where their items stand

    def place(self) -> None:
        """See ``place_leaves``."""
        leaves = self._leaves()
        for index, repeat in self._in_some_times(leaves).items():
            leaf = leaves[index]
            leaf.way, leaf.shared = _before(leaf.way, repeat), True
        waiting: dict[Part, dict[Item | None, list[int]]] = {}
        for index, leaf in leaves.items():
            part, first = self._place(leaf)
            waiting.setdefault(part, {}).setdefault(first, []).append(index)
        for part, found in waiting.items():
            items = [each for item in part.items for each in (*found.get(item, ()), item)]
            part.items = [*found.get(None, ()), *items]

    def _place(self, leaf: _Leaf) -> tuple[Part, Item | None]:
        """The part for a leaf, and the item of it before which it stands."""
        way = leaf.way
        if way[-1].kind == REPEAT and not leaf.shared:
            way = (*way, self._wrapped(way[-1], leaf.user))
        while way[-1].kind == REPEAT:
            way = way[:-1]
        if leaf.user not in self.around:
            return way[-1], None
        full: tuple[Item, ...] = (*self.around[leaf.user], leaf.user)
        return way[-1], full[len(way)] if len(full) > len(way) else leaf.user

    def _leaves(self) -> dict[int, _Leaf]:
        """Leaves, with the parts around all that use them."""
        leaves: dict[int, _Leaf] = {}
        for node in self.nodes:
            for edge in self.incoming[node.index]:
                index = edge.source.index
                if self.incoming[index]:
                    continue
                leaf = leaves.get(index)
                if leaf is None:
                    leaves[index] = _Leaf(self.around[node.index], node.index)
                elif leaf.user != node.index:
                    leaf.way, leaf.shared = _common(leaf.way, self.around[node.index]), True
        unused = (node.index for node in self.nodes if not self.incoming[node.index] and node.index not in leaves)
        return {**leaves, **{index: _Leaf((self.top,), -1, True) for index in unused}}

    def _in_some_times(self, leaves: Mapping[int, _Leaf]) -> dict[int, Part]:
        """Leaves without a counterpart in other times of the repetition they are in: the state a loop starts from."""
        found: dict[int, Part] = {}
        for part, _ in walk(self.top):
            for alike in zip(*part.times, strict=True):
                for edges in zip(*(self.incoming[index] for index in alike), strict=False):
                    sources = [edge.source.index for edge in edges]
                    own = [index for index in sources if index in leaves and leaves[index].lies_in_one_time_of(part)]
                    if len(own) < len(sources):
                        for index in own:
                            found.setdefault(index, part)
        return found

    def _wrapped(self, repeat: Part, operation: int) -> Part:
        """The time of ``repeat`` that is a single operation, as a part that can have leaves."""
        time = self._singles.get(operation)
        if time is None:
            if repeat not in self._where:
                self._where[repeat] = {item: at for at, item in enumerate(repeat.items)}
            at = self._where[repeat][operation]
            time = self._singles[operation] = Part(STEP, f"step {at + 1}", [operation], scope=repeat.scope)
            repeat.items[at] = time
        return time


def _common(one: tuple[Part, ...], other: tuple[Part, ...]) -> tuple[Part, ...]:
    """What two ways down from the top share."""
    if one is other:
        return one
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left is not right:
            break
        shared += 1
    return one[:shared]


def _before(path: tuple[Part, ...], part: Part) -> tuple[Part, ...]:
    """The way down as far as it is above ``part``."""
    return path[: path.index(part)] if part in path else path
