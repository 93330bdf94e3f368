"""Folding: which groups of a graph are closed to one box each, so that no more than a budget of boxes is shown.

A repetition can also be shown *once*: the boxes of one of its times stand for those of all, and an edge from one time
to the next leads back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from ..errors import DomainError
from .choice import Choice
from .groups import REPEAT, SCOPE, STRETCH, Group
from .links import Level, Link, length_of, links_of, places
from .text import shorten
from .tree import WIDEST, tree_of

if TYPE_CHECKING:
    from .model import Graph

BUDGET = 120
"""Boxes that are shown by default: more do not fit a page."""

LONGEST = 1500
"""Boxes that all links together may pass: laid out in a second or two, and the time grows with the square."""

_PINNED = 8  # targets that stay out of repetitions and stretches; where there are more, they are folded too
_LINKS_PER_BOX = 4  # more than that on average, and nobody can follow them
_TOLD = 4  # groups that the note names


@dataclass(frozen=True, eq=False, slots=True)
class Box:
    """A node, or a closed group, as it is shown.

    Attributes
    ----------
    index : int
        Place in ``View.boxes``.
    group : Group or None
        None for a single node.
    nodes : tuple of int
        Indices of the nodes in it; one for a single node.
    inside : tuple of Group
        Open scopes, and repetitions shown once, that it lies in, outermost first.
    times : int
        How many alike it stands for: the counts of the repetitions in ``inside``, multiplied.
    """

    index: int
    group: Group | None
    nodes: tuple[int, ...]
    inside: tuple[Group, ...] = ()
    times: int = 1


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """What is shown of a graph.

    Attributes
    ----------
    boxes : tuple of Box
    links : tuple of Link
        Between boxes.
    note : str
        What was folded; empty if nothing was.
    owner : tuple of int
        For each node of the graph the index of the box that stands for it.
    """

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    note: str
    owner: tuple[int, ...]


def group_tree(graph: Graph, *, scopes: bool = True, widest: int = WIDEST, pinned: int = _PINNED) -> Group:
    """Scopes, repetitions and stretches of ``graph``, as a tree; the root is the whole graph.

    Parameters
    ----------
    scopes : bool
        Whether name scopes are groups.
    widest : int
        Members (nodes and groups) that a group may have beside the targets.
    pinned : int
        How many targets may stay out of repetitions and stretches; where there are more, none does.
    """
    targets = [node.index for node in graph.targets] if len(graph.targets) <= pinned else []
    return tree_of(graph.nodes, graph._incoming, frozenset(targets), scopes, max(widest, 2))


def fold(
    graph: Graph,
    budget: int | None = BUDGET,
    *,
    opened: Collection[tuple[str, ...]] = (),
    closed: Collection[tuple[str, ...]] = (),
    scopes: bool = True,
    tree: Group | None = None,
    longest: int = LONGEST,
) -> View:
    """Boxes and links for ``graph``, at most ``budget`` boxes unless ``opened`` asks for more.

    Fewer, if the links between them were too many and too long to be followed.

    Parameters
    ----------
    budget : int or None
        None: nothing is folded but what ``closed`` asks for.
    opened, closed : collection of tuple of str
        Paths of groups (or the names of scopes, outermost first) that are open or closed whatever the budget is.
    scopes : bool
        Whether name scopes are groups.
    tree : Group, optional
        What ``group_tree(graph)`` gave, if it is at hand.
    longest : int
        Boxes that all links together may pass.
    """
    limit = _limit(graph, budget)
    if tree is None:
        tree = group_tree(graph, scopes=scopes, widest=min(limit // 3, WIDEST), pinned=min(limit // 4, _PINNED))
    while True:
        view = _view(graph, tree, Choice(tree, limit, frozenset(opened), frozenset(closed)))
        if budget is None or limit < 8 or not _is_tangled(view, budget, longest):
            return view
        limit = limit * 2 // 3


def _is_tangled(view: View, budget: int, longest: int) -> bool:
    many = len(view.links) > _LINKS_PER_BOX * budget
    return many or length_of(view.links, len(view.boxes)) > longest


def _limit(graph: Graph, budget: int | None) -> int:
    if budget is None:
        return len(graph.nodes)
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
        raise DomainError(
            "Graph.draw: budget is the largest number of boxes to show, an int from 1 on, or None for all nodes; "
            f"got {budget!r}."
        )
    return budget


def _view(graph: Graph, tree: Group, choice: Choice) -> View:
    boxes: list[Box] = []
    owner = [-1] * len(graph.nodes)
    levels: list[Level] = []
    pending: list[tuple[int | Group, tuple[Group, ...]]] = [(tree, ())]
    found: list[tuple[int, Group | None, tuple[int, ...], tuple[Group, ...]]] = []
    while pending:
        item, inside = pending.pop()
        if isinstance(item, int):
            found.append((item, None, (item,), inside))
        elif item not in choice.open:
            members = tuple(item.members())
            found.append((members[0], item, members, inside))
        else:
            if item in choice.once:
                depth = sum(group.kind == REPEAT for group in inside)
                levels.extend({} for _ in range(depth + 1 - len(levels)))
                levels[depth].update(places(item, 1, graph._incoming))
            around = (*inside, item) if item in choice.once or (item.kind == SCOPE and item.path) else inside
            nodes, groups = choice.members(item)
            pending.extend((node, around) for node in nodes)
            pending.extend((group, around) for group in groups)
    for index, (_, group, members, inside) in enumerate(sorted(found, key=lambda box: box[0])):
        boxes.append(Box(index, group, members, inside, prod(group.repeats for group in inside)))
        for member in members:
            owner[member] = index
    for level in reversed(levels):
        for member, place in level.items():
            if owner[member] < 0:
                owner[member] = owner[place.shown]
    single = [box.group is None and box.times == 1 for box in boxes]
    links = links_of(graph.edges, owner, levels, single)
    return View(tuple(boxes), links, _note(boxes, len(graph.nodes)), tuple(owner))


def _note(boxes: list[Box], total: int) -> str:
    """What was folded, the largest first; empty if nothing was."""
    folded = total - sum(box.group is None for box in boxes)
    if not folded:
        return ""
    parts: dict[Group, str] = {}
    for box in boxes:
        for group in box.inside:
            if group.kind == REPEAT:
                parts[group] = f"{shorten(group.name)} (1 of {group.repeats:,} is shown)"
        if box.group is not None:
            what = {SCOPE: "scope ", STRETCH: ""}.get(box.group.kind, "")
            parts[box.group] = f"{what}{shorten(box.group.name)} ({len(box.nodes):,} nodes)"
    named = sorted(parts, key=lambda group: -group.size)
    told = "; ".join(parts[group] for group in named[:_TOLD])
    more = f"; and {len(named) - _TOLD:,} more groups" if len(named) > _TOLD else ""
    return f"{folded:,} of {total:,} nodes are folded: {told}{more}."
