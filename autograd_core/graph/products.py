"""The chain rule along some edges, for values of any shape: cotangents are pulled back along these edges alone.

Every edge can say what the backward walk does along it; so no matrix of a step in between is formed, and what the walk
takes care of (broadcasting, several results, zeros that win over infinities) needs no second copy here. The Jacobian of
a path is its rows, one walk for each entry of the target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .elements import GraphEdge, GraphNode
from .jacobians import SMALL, LocalJacobian

MOST_ENTRIES = 1_000_000
MOST_ROWS = 1000
"""Of a Jacobian that is computed: a larger one would be of no use to a reader, and each row is a walk."""

_PROBES = 8  # random directions that a norm is estimated from

Pull = Callable[[np.ndarray], "np.ndarray | None"]
"""From the cotangent of a result to that of an argument; None if there is no derivative on the way."""


def is_scalar(node: GraphNode) -> bool:
    """Whether the value of ``node`` has one real entry."""
    return node.shape is not None and math.prod(node.shape) == 1 and node.results[0].dtype.kind == "f"


def shape_of(node: GraphNode) -> tuple[int, ...]:
    """Shape of the value; several results are laid flat, one after another."""
    return (sum(math.prod(result.shape) for result in node.results),) if node.shape is None else node.shape


def _dtype_of(node: GraphNode) -> np.dtype:
    return np.result_type(*(result.dtype for result in node.results))


# -- edges -------------------------------------------------------------------------------------------------------------


def pull_along(edges: Iterable[GraphEdge]) -> Pull:
    """Backward walk along a path, from its last edge to its first."""
    backwards = tuple(edges)[::-1]

    def pull(ct: np.ndarray) -> np.ndarray | None:
        arriving: np.ndarray | None = ct
        for edge in backwards:
            arriving = _pull(edge, arriving)
            if arriving is None:
                return None
        return arriving

    return pull


def _pull(edge: GraphEdge, ct: Any) -> np.ndarray | None:
    """Cotangent of the source of ``edge``, given that of its target."""
    found = edge.pull(ct)
    if found is not None:
        return found
    jacobian = edge.jacobian  # may be known where the rule is gone
    if jacobian is None or jacobian.matrix is None:
        return None
    return _times(np.asarray(ct).reshape(-1), jacobian.matrix).reshape(shape_of(edge.source))


def _times(row: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A row times a matrix, where zero times infinity is zero, as in the backward walk."""
    with np.errstate(all="ignore"):
        terms = row[:, None] * matrix
    return np.where((row[:, None] == 0) | (matrix == 0), 0.0, terms).sum(axis=0)


@dataclass(frozen=True, eq=False, slots=True)
class Region:
    """What an edge of a condensed graph stands for: the edges that were left out between its ends.

    It answers for that edge as an ``Application`` does for the edge of one operation.

    Attributes
    ----------
    edges : tuple of GraphEdge
        Those that lead towards ``target``, in the order of the nodes they lead to. Shared by all edges to one node.
    sources : tuple of GraphNode
        By the ``index`` of the condensed edge that begins there.
    target : GraphNode
    """

    edges: tuple[GraphEdge, ...]
    sources: tuple[GraphNode, ...]
    target: GraphNode

    def pull(self, index: int, ct: Any) -> np.ndarray | None:
        """Cotangent of source ``index``, given that of the target: the sum over all paths between them."""
        source = self.sources[index]
        arriving: dict[GraphNode, Any] = {self.target: ct}
        for edge in reversed(self._between(source)):
            found = _pull(edge, arriving[edge.target])
            if found is None:
                return None
            before = arriving.get(edge.source)
            with np.errstate(all="ignore"):
                arriving[edge.source] = found if before is None else before + found
        return arriving.get(source)

    def jacobian(self, index: int) -> LocalJacobian | None:
        """Derivative of the target by source ``index``; None if there is none along an edge between them."""
        return measured(lambda ct: self.pull(index, ct), self.sources[index], self.target)

    def _between(self, source: GraphNode) -> list[GraphEdge]:
        """Edges on a path from ``source``."""
        reached = {source}
        found = []
        for edge in self.edges:
            if edge.source in reached:
                reached.add(edge.target)
                found.append(edge)
        return found


# -- matrices ----------------------------------------------------------------------------------------------------------


def gradient(pull: Pull, source: GraphNode, target: GraphNode) -> np.ndarray | None:
    """Gradient of the target's sum, with d/dx + i d/dy where the source is complex."""
    return _row(pull, source, target, slice(None))


def jacobian(pull: Pull, source: GraphNode, target: GraphNode) -> np.ndarray | None:
    """Gradient of each entry of the target: shape of the target, then that of the source."""
    shape = (*shape_of(target), *shape_of(source))
    count = math.prod(shape_of(target))
    if math.prod(shape) > MOST_ENTRIES or count > MOST_ROWS:
        return None
    rows = []
    for index in range(count):
        row = _row(pull, source, target, index)
        if row is None:
            return None
        rows.append(row)
    return np.array(rows, _dtype_of(source)).reshape(shape)


def _row(pull: Pull, source: GraphNode, target: GraphNode, entries: Any) -> np.ndarray | None:
    """Gradient of the sum of some entries of the target, counted as if it had one axis."""
    shape = shape_of(target)
    ct = np.zeros(math.prod(shape), _dtype_of(target))
    ct[entries] = 1
    found = pull(ct.reshape(shape))
    if found is None:
        return None
    found = np.asarray(found, _dtype_of(source))
    return np.conj(found) if found.dtype.kind == "c" else found


def measured(pull: Pull, source: GraphNode, target: GraphNode) -> LocalJacobian | None:
    """Record of a Jacobian that only ``pull`` knows: its entries if it is small, its norm if there are real values."""
    ends = (shape_of(target), shape_of(source))
    shape, rows, columns = (*ends[0], *ends[1]), math.prod(ends[0]), math.prod(ends[1])
    if "c" in (_dtype_of(source).kind, _dtype_of(target).kind):
        return None if gradient(pull, source, target) is None else LocalJacobian(shape)
    if rows <= SMALL:
        found = jacobian(pull, source, target)
        if found is None:
            return None
        matrix = found.reshape(rows, columns) if columns <= SMALL else None
        return LocalJacobian(shape, _norm([found]), matrix=matrix)
    directions = np.random.default_rng(0).choice((-1.0, 1.0), (_PROBES, *ends[0]))
    pulled = [pull(direction.astype(_dtype_of(target))) for direction in directions]
    known = [each for each in pulled if each is not None]
    return LocalJacobian(shape, _norm(known) / math.sqrt(_PROBES), is_estimate=True) if len(known) == _PROBES else None


def _norm(arrays: Sequence[np.ndarray]) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(np.array(arrays, np.float64).reshape(-1)))
