"""Which groups of a tree are open: as many as a budget of boxes allows, outer ones before inner ones."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from itertools import islice

from .groups import REPEAT, SCOPE, STEP, STRETCH, Group

Path = tuple[str, ...]


class Choice:
    """Open groups, and those of them, repetitions, of which one time is shown.

    Attributes
    ----------
    open : set of Group
        What is not in it is one box; so is everything below.
    once : dict of Group to Group
        For a repetition the time that is shown, in place of all.
    """

    def __init__(self, tree: Group, limit: int, opened: Collection[Path], closed: Collection[Path]):
        self.open: set[Group] = set()
        self.once: dict[Group, Group] = {}
        self._asked: set[Group] = set()
        self._closed = closed
        self._left = limit - 1
        self._whole: dict[Group, int] = {}  # boxes for a group with everything in it open
        for group in reversed(list(tree.walk())):
            inner = len(group.nodes) + sum(self._whole[child] for child in group.groups)
            self._whole[group] = 1 if self._stays_closed(group) else inner
            if _named(group, opened) or any(child in self._asked for child in group.groups):
                self._asked.add(group)  # with all that it lies in
        if self._whole[tree] <= limit:
            self._open_whole(tree)
        else:
            self._open_downwards(tree)
            self._open_repetitions()

    def members(self, group: Group) -> tuple[Sequence[int], Sequence[Group]]:
        """Nodes and groups that stand for an open group."""
        shown = self.once.get(group, group)
        return ((), (shown,)) if shown is not group and shown.kind != STEP else (shown.nodes, shown.groups)

    def _stays_closed(self, group: Group) -> bool:
        return _named(group, self._closed)

    def _open_whole(self, group: Group) -> None:
        pending = [group]
        while pending:
            found = pending.pop()
            self.once.pop(found, None)
            if not self._stays_closed(found):
                self.open.add(found)
                pending.extend(found.groups)

    def _open_downwards(self, tree: Group) -> None:
        """Outer groups first; on each level repetitions last, and what costs least first."""
        waiting: list[tuple[bool, int, bool, int, int]] = []
        groups: list[Group] = []

        def wait(group: Group, depth: int) -> None:
            if not self._stays_closed(group):
                asked = group in self._asked
                self._prepare(group, asked)
                heapq.heappush(waiting, (not asked, depth, group.kind == REPEAT, self._cost(group), len(groups)))
                groups.append(group)

        wait(tree, 0)
        while waiting:
            automatic, depth, _, cost, number = heapq.heappop(waiting)
            group = groups[number]
            if automatic and (cost > self._left or (group.kind == REPEAT and group not in self.once)):
                self.once.pop(group, None)
                continue
            self._left -= cost
            self.open.add(group)
            for child in self.members(group)[1]:
                wait(child, depth + 1)

    def _prepare(self, group: Group, asked: bool) -> None:
        shown = None if asked or group.kind != REPEAT else one_time(group)
        if shown is not None:
            self.once[group] = shown

    def _cost(self, group: Group) -> int:
        """Boxes that opening adds."""
        nodes, groups = self.members(group)
        return len(nodes) + len(groups) - 1

    def _open_repetitions(self) -> None:
        """Shows all times of the repetitions for which there is room left, the smallest first."""
        found = [group for shown in self._visible() for group in shown if group.kind == REPEAT]
        for group in sorted(found, key=self._whole.__getitem__):
            added = self._whole[group] - self._boxes(group)
            if added <= self._left and not self._stays_closed(group) and (group in self.once or group not in self.open):
                self._left -= added
                self._open_whole(group)

    def _visible(self) -> list[Sequence[Group]]:
        return [self.members(group)[1] for group in self.open]

    def _boxes(self, group: Group) -> int:
        """Boxes that stand for a group as it is."""
        count = 0
        pending = [group]
        while pending:
            found = pending.pop()
            if found not in self.open:
                count += 1
            else:
                nodes, groups = self.members(found)
                count += len(nodes)
                pending.extend(groups)
        return count


def _named(group: Group, paths: Collection[Path]) -> bool:
    """Whether ``paths`` has a group: by its own path, or by the names of its scope."""
    return bool(paths) and (group.path in paths or (group.kind == SCOPE and group.scope in paths))


def one_time(repeat: Group) -> Group | None:
    """The second time of a repetition, which has one before it; None if each time is a single node."""
    return next(islice(_times(repeat), 1, None), None)


def _times(repeat: Group):
    pending = list(reversed(repeat.groups))
    while pending:
        group = pending.pop()
        if group.kind == STRETCH:
            pending.extend(reversed(group.groups))
        else:
            yield group
