"""The tree of groups over a graph: scopes, repetitions in them, and stretches of what is still too long.

Whoever draws a graph closes some groups of the tree, each to one box, until there are few enough. Building it takes
time near-linear in the nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .elements import GraphNode
from .groups import REPEAT, SCOPE, STEP, STRETCH, Group
from .leaves import place_leaves
from .order import Incoming, reading_order
from .parts import Item, Part, frozen, operations, walk
from .repeats import Run, Sources, segment
from .scoping import scope_parts
from .stretches import Range, chains, crossings, cut
from .text import shorten

WIDEST = 12  # members of a group, by default; more are put together in stretches


def tree_of(
    nodes: Sequence[GraphNode],
    incoming: Incoming,
    pinned: Collection[int] = (),
    scopes: bool = True,
    widest: int = WIDEST,
) -> Group:
    """The tree, as its root.

    Parameters
    ----------
    incoming : sequence of sequence of GraphEdge
        For each node, by its index, the edges that lead to it.
    pinned : collection of int
        Indices of nodes that stay out of repetitions and stretches, as targets do.
    scopes : bool
        Whether name scopes are groups.
    widest : int
        Members that a group may have beside the pinned ones.
    """
    tree = _Tree(nodes, incoming, pinned)
    order = reading_order(nodes, incoming)
    top = Part(SCOPE, "", items=[] if scopes else [*order])
    parts = scope_parts(top, nodes, order, tree.labels) if scopes else [top]
    for part in reversed(parts):  # inner ones first: groups are alike if what is in them is
        tree.find_repetitions(part)
    place_leaves(top, nodes, incoming)
    for part, _ in list(walk(top)):
        tree.stretch(part, widest)
    return frozen(top)


class _Tree:
    def __init__(self, nodes: Sequence[GraphNode], incoming: Incoming, pinned: Collection[int]):
        self.nodes = nodes
        self.incoming = incoming
        self.pinned = pinned
        self._numbers: dict[object, int] = {}
        self.labels = [self._node_label(node) if incoming[node.index] else -1 for node in nodes]
        self._short: dict[str, str] = {}
        self._segments: dict[int, list[int | Run]] = {}  # rows that are alike have the same repetitions

    def _node_label(self, node: GraphNode) -> int:
        """Equal for the same operation on the same shapes."""
        return self._intern((node.operation, *((result.shape, result.dtype) for result in node.results)))

    def _intern(self, key: object) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    # -- repetitions ---------------------------------------------------------------------------------------------

    def find_repetitions(self, part: Part) -> None:
        """Puts what repeats in ``part`` into parts of its own; then what repeats among these, and so on."""
        apart = [item for item in part.items if item in self.pinned]
        row = [item for item in part.items if item not in self.pinned]
        sources = self._sources(row)
        part.label = key = self._row_label(row, sources)
        while True:
            if key not in self._segments:
                self._segments[key] = segment([self._label(item) for item in row], sources)
            pieces = self._segments[key]
            if not any(isinstance(piece, Run) for piece in pieces):
                break
            row = self._build(row, pieces, part.scope)
            sources = self._sources(row)
            key = self._row_label(row, sources)
        part.items = [*row, *apart]

    def _label(self, item: Item) -> int:
        """Equal for items that are alike: the same operation on the same shapes, or groups of such."""
        return item.label if isinstance(item, Part) else self.labels[item]

    def _row_label(self, row: Sequence[Item], sources: Sources) -> int:
        return self._intern((SCOPE, tuple(map(self._label, row)), tuple(map(tuple, sources))))

    def _sources(self, row: Sequence[Item]) -> list[list[int]]:
        """For each item the positions in the row of what it uses, -1 for what is not in the row."""
        members = [[item] if isinstance(item, int) else operations(item) for item in row]
        position = {index: at for at, found in enumerate(members) for index in found}
        sources: list[list[int]] = []
        for at, found in enumerate(members):
            arguments = [position.get(edge.source.index, -1) for index in found for edge in self.incoming[index]]
            sources.append([source for source in arguments if source != at])
        return sources

    def _build(self, row: Sequence[Item], pieces: Sequence[int | Run], scope: tuple[str, ...]) -> list[Item]:
        return [row[piece] if isinstance(piece, int) else self._repeat(row, piece, scope) for piece in pieces]

    def _repeat(self, row: Sequence[Item], run: Run, scope: tuple[str, ...]) -> Part:
        rows = [[row[at] for at in time] for time in run.times]
        label = self._intern((REPEAT, len(rows), *map(self._label, rows[-1])))
        items: list[Item] = []
        for number, inner in enumerate(rows, 1):
            if len(inner) == 1:
                items.append(inner[0])
            else:
                items.append(Part(STEP, f"step {number}", self._build(inner, run.unit, scope), scope=scope))
        times = tuple(tuple(index for item in inner for index in operations(item)) for inner in rows)
        name = self.summary(rows[-1]) if len(rows[-1]) > 1 else self._from_to(rows[0][0], rows[-1][0])
        return Part(REPEAT, f"{name} × {len(rows)}", items, times, label, scope)

    # -- stretches -----------------------------------------------------------------------------------------------

    def stretch(self, part: Part, widest: int) -> None:
        """Puts neighbours in ``part`` together until it has at most ``widest`` items: chains first."""
        row = [item for item in part.items if item not in self.pinned]
        apart = [item for item in part.items if item in self.pinned]
        if len(row) <= widest:
            return
        sources = self._sources(row)
        crossing = crossings(sources)
        if part.kind != REPEAT:
            ranges = chains(sources, [isinstance(item, int) and not self.incoming[item] for item in row])
            row, crossing = self._together(row, crossing, ranges, part.scope)
        for item in row:
            if isinstance(item, Part) and item.kind == STRETCH:
                self._shorten(item, widest)
        while len(row) > widest:
            row, crossing = self._together(row, crossing, cut(crossing, widest), part.scope)
        part.items = [*row, *apart]

    def _shorten(self, chain: Part, widest: int) -> None:
        """Cuts a chain into equal pieces."""
        row = chain.items
        while len(row) > widest:
            ranges = [(at, min(at + widest, len(row))) for at in range(0, len(row), widest)]
            row = self._together(row, [0] * (len(row) + 1), ranges, chain.scope)[0]
        chain.items = row

    def _together(
        self, row: Sequence[Item], crossing: Sequence[int], ranges: Sequence[Range], scope: tuple[str, ...]
    ) -> tuple[list[Item], list[int]]:
        """A shorter row, with an item for each range, and the crossings between its items."""
        items: list[Item] = []
        for start, end in ranges:
            if end - start == 1:
                items.append(row[start])
            else:
                items.append(Part(STRETCH, self.summary(row[start:end]), [*row[start:end]], scope=scope))
        return items, [0, *(crossing[end] for _, end in ranges)]

    def summary(self, items: Sequence[Item]) -> str:
        """What stands in a row, in a few words."""
        names = [self._ends(item) for item in items if isinstance(item, Part) or self.incoming[item]]
        if not names:
            return f"{len(items)} values"
        if len(names) <= 3 and all(first == last for first, last in names):
            return ", ".join(first for first, _ in names)
        return f"{names[0][0]} … {names[-1][1]}"

    def _from_to(self, first: Item, last: Item) -> str:
        names = self._ends(first)[0], self._ends(last)[1]
        return names[0] if names[0] == names[1] else f"{names[0]} … {names[1]}"

    def _shortened(self, name: str) -> str:
        """A name, shortened once."""
        if name not in self._short:
            self._short[name] = shorten(name)
        return self._short[name]

    def _ends(self, item: Item) -> tuple[str, str]:
        """First and last name in an item."""
        if isinstance(item, int):
            name = self._shortened(self.nodes[item].operation or "")
        elif item.kind == STRETCH and " … " in item.name:
            first, _, last = item.name.partition(" … ")
            return first, last
        else:
            name = self._shortened(item.name.rpartition(" × ")[0]) if item.kind == REPEAT else item.name
            name = self._shortened(name) if item.kind == SCOPE else name
        return name, name
