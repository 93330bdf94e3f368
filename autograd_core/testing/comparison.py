"""diff: two runs of the same program, node by node: where they first differ, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConversionError
from ..graph import Graph, GraphNode
from ..graph.text import call, table, title
from ..tape import GradientTape

_SHOWN = 20  # rows of the table
_SMALL = 64  # entries that are compared as bytes first: a fifth of the time that arithmetic takes


@dataclass(frozen=True, eq=False, slots=True)
class NodeDifference:
    """One value, or one cotangent, that differs between two runs.

    Attributes
    ----------
    nodes : pair of GraphNode
        The same node in both graphs.
    what : {"value", "cotangent"}
    entry : tuple of int
        Where the difference is largest; of several results their number comes first.
    numbers : pair
        Both entries.
    count, size : int
        How many entries differ, of how many.
    ulps, relative : float
        The largest difference, in units in the last place and relative to the larger number; infinite where only one is
        finite.
    """

    nodes: tuple[GraphNode, GraphNode]
    what: str
    entry: tuple[int, ...]
    numbers: tuple[Any, Any]
    count: int
    size: int
    ulps: float
    relative: float

    def __str__(self) -> str:
        left, right = self.numbers
        node = self.nodes[0]
        at = f"at {list(self.entry)} " if self.entry else ""
        place = f" ({node.place})" if node.place else ""
        return (
            f"the {self.what} of #{node.index} {title(node)}{place} differs in {self.count} of {self.size} entries; "
            f"{at}it is {left!s} in the first run and {right!s} in the second: {_number(self.ulps)} ulp, "
            f"{self.relative:.2g} relative"
        )


@dataclass(frozen=True, eq=False, slots=True)
class Parting:
    """The first node at which two runs are not the same program.

    Attributes
    ----------
    nodes : pair of (GraphNode or None)
        None where one of the runs was over.
    message : str
    """

    nodes: tuple[GraphNode | None, GraphNode | None]
    message: str

    def __str__(self) -> str:
        return self.message


class Difference:
    """What two runs differ in; false if in nothing.

    Attributes
    ----------
    graphs : pair of Graph
    parting : Parting or None
        Where the programs part, if they do; nothing behind it is compared.
    values, cotangents : tuple of NodeDifference
        In the order in which each was computed: forward, backward.
    """

    def __init__(self, first: Graph, second: Graph):
        self.graphs = (first, second)
        count, self.parting = _common(first, second)
        pairs = list(zip(first.nodes[:count], second.nodes[:count], strict=True))
        self.values = tuple(filter(None, (_compare(pair, "value", _results) for pair in pairs)))
        # A gradient behind the parting belongs to another program.
        found = () if self.parting else (_compare(pair, "cotangent", _cotangent) for pair in reversed(pairs))
        self.cotangents = tuple(filter(None, found))

    @property
    def first(self) -> NodeDifference | Parting | None:
        """The first in the order of the run: a value, else where the programs part, else a cotangent."""
        if self.values:
            return self.values[0]
        return self.parting or (self.cotangents[0] if self.cotangents else None)

    def __bool__(self) -> bool:
        return self.first is not None

    def __str__(self) -> str:
        if not self:
            return f"The runs are the same: {len(self.graphs[0].nodes)} nodes."
        lines = [f"First difference: {self.first}."]
        if self.parting is not None and self.parting is not self.first:
            lines.append(f"Then the programs part: {self.parting}.")
        rows = [
            (f"#{each.nodes[0].index} {title(each.nodes[0])}", each.what, _number(each.ulps), f"{each.relative:.2g}")
            for each in (*self.values, *self.cotangents)
        ]
        if rows:
            lines.append(table([("node", "differs in", "ulp", "relative"), *rows[:_SHOWN]], "<<>>"))
        if len(rows) > _SHOWN:
            lines.append(f"... and {len(rows) - _SHOWN} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        parts = "" if self.parting is None else ", the programs part"
        return f"<Difference: {len(self.values)} values, {len(self.cotangents)} cotangents{parts}>"


def diff(a: Any, b: Any) -> Difference:
    """Compare two runs of the same program, node by node.

    Parameters
    ----------
    a, b : GradientTape or Graph
        A tape has to be persistent if it has given its gradient. Of tapes, the cotangents are those of the sum of all
        results that nothing else uses; of Graphs they are compared where both have them (``gradients=True``).

    Returns
    -------
    Difference
        False if there is none. ``.first`` is the first node that differs, ``.parting`` where the programs are not the
        same; ``print`` shows them. NaN is equal to NaN.

    Raises
    ------
    ConversionError
        If ``a`` or ``b`` is something else.
    TapeError
        If a tape is closed.

    Examples
    --------
    >>> import autograd_core as ag
    >>> x = ag.Variable(2.0, name="x")
    >>> def run(factor):
    ...     with ag.GradientTape() as tape:
    ...         y = x * x * factor + x
    ...     return tape
    >>> bool(ag.testing.diff(run(3.0), run(3.0)))
    False
    >>> found = ag.testing.diff(run(3.0), run(3.0 + 2**-50)).first
    >>> found.nodes[0].kind, found.ulps
    ('constant', 2.0)
    """
    return Difference(_graph(a), _graph(b))


def _graph(run: Any) -> Graph:
    if isinstance(run, Graph):
        return run
    if isinstance(run, GradientTape):
        return run.graph(gradients=True)
    raise ConversionError(f"diff: got a {type(run).__name__}; expected a GradientTape or a Graph.")


# -- structure ---------------------------------------------------------------------------------------------------------


def _common(first: Graph, second: Graph) -> tuple[int, Parting | None]:
    """How many nodes are the same operations on the same nodes, and what the next ones are."""
    sources = [_sources(graph) for graph in (first, second)]
    for index, (left, right) in enumerate(zip(first.nodes, second.nodes, strict=False)):
        reason = _unlike(left, right, [found[index] for found in sources])
        if reason:
            return index, Parting((left, right), f"at #{index} {reason}")
    count, other = len(first.nodes), len(second.nodes)
    if count == other:
        return count, None
    shorter, longer = ("first", second) if count < other else ("second", first)
    least = min(count, other)
    node = longer.nodes[least]
    ends = (None, node) if count < other else (node, None)
    return least, Parting(ends, f"the {shorter} run ends at #{least}, where the other goes on with {_said(node)}")


def _sources(graph: Graph) -> list[list[int]]:
    """Of each node, the nodes it was computed from."""
    found: list[list[int]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        found[edge.target.index].append(edge.source.index)
    return found


def _unlike(left: GraphNode, right: GraphNode, sources: Sequence[list[int]]) -> str:
    """How two nodes differ in what they are, computed from ``sources`` each; empty if they do not."""
    if (left.operation, _leaf(left)) != (right.operation, _leaf(right)):
        return f"the first run has {_said(left)}, the second {_said(right)}"
    if _specs(left) != _specs(right):
        return f"{title(left)} has {_shown(left)} in the first run and {_shown(right)} in the second"
    if sources[0] != sources[1]:
        numbers = ["#" + ", #".join(map(str, each)) for each in sources]
        return f"{title(left)} is computed from {numbers[0]} in the first run and from {numbers[1]} in the second"
    if not _same(left.params, right.params):
        return f"the first run has {call(left)}, the second {call(right)}"
    return ""


def _leaf(node: GraphNode) -> str | None:
    return node.kind if node.operation is None else None


def _specs(node: GraphNode) -> list[Any]:
    if isinstance(node.value, np.ndarray):
        return [(node.value.shape, node.value.dtype)]
    return [(result.shape, result.dtype) for result in node.results]


def _shown(node: GraphNode) -> str:
    return ", ".join(f"shape {result.shape} {result.dtype}" for result in node.results)


def _said(node: GraphNode) -> str:
    name = f" {node.name!r}" if node.name else ""
    place = f" ({node.place})" if node.place else ""
    return f"{call(node) or node.kind}{name}{place}"


def _same(left: Any, right: Any) -> bool:
    """Whether two parameters are the same; functions and objects are, if they are of one type."""
    if left is right:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return bool(np.array_equal(left, right))
    if isinstance(left, (str, int, float, complex, slice, type, np.generic, np.dtype)) or left is None:
        return type(left) is type(right) and bool(left == right or left != left)
    return type(left) is type(right)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _results(node: GraphNode) -> tuple[Any, ...] | None:
    if isinstance(node.value, np.ndarray):
        return (node.value,)
    return None if node.array is None and not isinstance(node.value, tuple) else node.results


def _cotangent(node: GraphNode) -> tuple[Any, ...] | None:
    return None if node.gradient is None else (np.asarray(node.gradient),)


def _compare(pair: tuple[GraphNode, GraphNode], what: str, parts) -> NodeDifference | None:
    left, right = parts(pair[0]), parts(pair[1])
    if left is None or right is None:
        return None
    found = list(_differing(left, right))
    if not found:
        return None
    worst = max(found, key=lambda each: each[4])
    number, entry, numbers, ulps, relative, _ = worst
    size = sum(part.size for part in left)
    place = (number, *entry) if len(left) > 1 else entry
    return NodeDifference(pair, what, place, numbers, sum(each[5] for each in found), size, ulps, relative)


def _differing(left: Sequence[Any], right: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Of each array that differs: its number, the worst entry, both numbers, ulps, relative difference, how many."""
    for number, (x, y) in enumerate(zip(left, right, strict=True)):
        if not hasattr(x, "reshape") or x.shape != y.shape:
            continue
        if x.size <= _SMALL and x.dtype == y.dtype and x.tobytes() == y.tobytes():
            continue
        kinds = x.dtype.kind in "fc"
        same = (x == y) | (np.isnan(x) & np.isnan(y)) if kinds else np.equal(x, y)
        if same.all():
            continue
        ulps, relative = _distances(x, y)
        ulps, relative = np.where(same, 0, ulps), np.where(same, 0, relative)
        entry = np.unravel_index(int(np.argmax(relative)), x.shape)
        place = tuple(map(int, entry))
        yield number, place, (x[entry], y[entry]), float(ulps[entry]), float(relative[entry]), int((~same).sum())


def _distances(x: Any, y: Any) -> tuple[Any, Any]:
    """Differences in units in the last place, and relative to the larger number."""
    wide = np.result_type(x.dtype, np.float64)
    a, b = np.asarray(x, wide), np.asarray(y, wide)
    with np.errstate(all="ignore"):
        distance = np.abs(a - b)
        size = np.maximum(np.abs(a), np.abs(b))
        unit = np.spacing(size.astype(np.zeros(0, x.dtype).real.dtype)) if x.dtype.kind in "fc" else np.ones(x.shape)
        ulps, relative = distance / unit.astype(np.float64), distance / size
    return np.where(np.isfinite(ulps), ulps, np.inf), np.where(np.isfinite(relative), relative, np.inf)


def _number(ulps: float) -> str:
    if 0 < ulps < 1:  # a part of a complex number that is smaller than the other
        return f"{ulps:.1g}"
    return f"{ulps:.0f}" if ulps < 1e6 else f"{ulps:.2g}"
