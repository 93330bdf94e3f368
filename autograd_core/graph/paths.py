"""Paths from a source to a target: the chain rule multiplies along each, and adds the products up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np

from ..errors import ConversionError, DomainError, GradientCheckError, GraphError
from ..tensor import Overloaded
from .elements import GraphEdge, GraphNode, add_up, chain
from .products import gradient, is_scalar, jacobian, pull_along, shape_of
from .text import SMALL, entries, number, title

Incoming = Sequence[Sequence[GraphEdge]]
"""For each node, by its index, the edges that lead to it."""

_MANY = 10**18  # counting stops here: a graph of n additions can have 2**n paths


@dataclass(frozen=True, eq=False)
class Path:
    """One way from a source to a target.

    Attributes
    ----------
    nodes : tuple of GraphNode
        Source first.
    edges : tuple of GraphEdge
        One fewer than there are nodes.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    @cached_property
    def product(self) -> float | None:
        """Local derivatives multiplied, from the target's end, where both ends have one real entry; None elsewhere.

        Also None if there is no derivative along an edge.
        """
        if not (is_scalar(self.nodes[0]) and is_scalar(self.nodes[-1])):
            return None
        product: float | None = 1.0
        for edge in reversed(self.edges):
            product = chain(product, edge.local_derivative)
        if product is None and self.jacobian is not None:  # through arrays
            return float(self.jacobian.item())
        return product

    @cached_property
    def jacobian(self) -> np.ndarray | None:
        """Local Jacobians multiplied; an array of the shape of the target followed by that of the source.

        Several results of one operation count as one array, laid flat. Where there are complex values, each entry of
        the target has its row as ``tape.jacobian`` gives it. None if there is no derivative along an edge, or if there
        are more than a million entries or a thousand rows: ``gradient`` has no such limit.
        """
        return jacobian(pull_along(self.edges), self.nodes[0], self.nodes[-1])

    @cached_property
    def gradient(self) -> np.ndarray | None:
        """What the path adds to the gradient of the target's sum, as ``tape.gradient`` gives it; shape of the source.

        Of a complex source d/dx + i d/dy. None if there is no derivative along an edge.
        """
        return gradient(pull_along(self.edges), self.nodes[0], self.nodes[-1])

    def __str__(self) -> str:
        steps = " -> ".join(title(node) for node in self.nodes)
        result = _written(self.product, self, (*shape_of(self.nodes[-1]), *shape_of(self.nodes[0])))
        if result is None:
            return steps
        factors = " * ".join(_factor(edge) for edge in reversed(self.edges)) or "1"
        return f"{steps}: {factors} = {result}"

    def __repr__(self) -> str:
        return f"<Path {' -> '.join(title(node) for node in self.nodes)}>"


class Paths(Sequence[Path]):
    """All paths from a source to a target.

    Attributes
    ----------
    sources, targets : tuple of GraphNode
        Usually one of each: a name may stand for several nodes, and a graph may have several targets.
    """

    __slots__ = ("_paths", "sources", "targets")

    def __init__(self, paths: Sequence[Path], sources: Sequence[GraphNode], targets: Sequence[GraphNode]):
        self._paths = tuple(paths)
        self.sources = tuple(sources)
        self.targets = tuple(targets)

    @property
    def total(self) -> float | np.ndarray | None:
        """Sum of the products, which is the gradient, path by path.

        A number where both ends have one real entry each, as ``Path.product``; an array of the shapes of target and
        source where they have more, as ``Path.jacobian``. None if a path has neither, or there are ends of different
        shapes.
        """
        return self._number() if self._is_scalar() else self.jacobian

    @property
    def jacobian(self) -> np.ndarray | None:
        """Sum of the Jacobians; between scalars an array too."""
        shape = self._shape()
        return None if shape is None else _sum([path.jacobian for path in self._paths], shape)

    @property
    def gradient(self) -> np.ndarray | None:
        """Sum of what the paths add to the gradient of the targets' sum, as ``tape.gradient`` gives it.

        None if there is no derivative along an edge, or there are sources of different shapes.
        """
        shape = _shape(self.sources)
        return None if shape is None else _sum([path.gradient for path in self._paths], shape)

    def check(self, gradient: Any, rtol: float | None = None, atol: float | None = None) -> None:
        """Compare the sum over the paths with ``gradient``.

        Parameters
        ----------
        gradient : Tensor, array_like or None
            What ``tape.gradient(target, source)`` gave; None stands for zeros.
        rtol, atol : float, optional
            Tolerances; by default the root of the rounding error of the source's dtype, relative to the largest entry
            of each term.

        Raises
        ------
        GradientCheckError
            If they differ.
        GraphError
            If there is no derivative along an edge.
        """
        where = f"the sum over the {len(self)} paths from {_titles(self.sources)} to {_titles(self.targets)}"
        found = self.gradient
        if found is None:
            raise GraphError(
                f"Paths.check: {where} is not known: an edge of one of them has no derivative, or the source stands "
                "for values of different shapes."
            )
        expected = np.zeros(found.shape, found.dtype) if gradient is None else _array(gradient)
        if expected.shape != found.shape:
            raise GradientCheckError(
                f"Paths.check: {where} has shape {found.shape}, the gradient given has shape {expected.shape}; "
                "expected the gradient of the same source."
            )
        if rtol is None or atol is None:
            usual = float(np.sqrt(np.finfo(found.dtype).eps))
            rtol, atol = usual if rtol is None else rtol, usual * self._largest() if atol is None else atol
        close = np.isclose(found, expected, rtol, atol, equal_nan=True)
        if not close.all():
            worst = tuple(int(axis) for axis in np.argwhere(~close)[0])
            raise GradientCheckError(
                f"Paths.check: {where} differs from the gradient given in {np.count_nonzero(~close)} of {close.size} "
                f"entries; at {worst} it is {found[worst]!s}, the gradient is {expected[worst]!s}."
            )

    def _largest(self) -> float:
        """Largest entries of all terms, added up: what their sum was rounded to, though it may be small itself."""
        terms = [np.abs(path.gradient) for path in self._paths if path.gradient is not None]
        return sum(float(np.max(term[np.isfinite(term)], initial=0.0)) for term in terms)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Path]: ...

    def __getitem__(self, index):
        return self._paths[index]

    def __len__(self) -> int:
        return len(self._paths)

    def __str__(self) -> str:
        lines = [str(path) for path in self._paths] or ["no path"]
        shape = self._shape()
        result = None if shape is None else _written(self._number() if self._is_scalar() else None, self, shape)
        return "\n".join([*lines, *([] if result is None else [f"sum: {result}"])])

    def _is_scalar(self) -> bool:
        return all(map(is_scalar, (*self.sources, *self.targets)))

    def _number(self) -> float | None:
        return add_up([path.product for path in self._paths])

    def _shape(self) -> tuple[int, ...] | None:
        """Shape of the Jacobians; None if they differ."""
        results, arguments = _shape(self.targets), _shape(self.sources)
        return None if results is None or arguments is None else (*results, *arguments)

    def __repr__(self) -> str:
        return f"<Paths from {_titles(self.sources)} to {_titles(self.targets)}: {len(self)}>"


def enumerate_paths(
    incoming: Incoming, sources: Sequence[GraphNode], targets: Sequence[GraphNode], limit: int
) -> Paths:
    """Every path from one of ``sources`` to one of ``targets``.

    Raises
    ------
    GraphError
        If there are more than ``limit``; they are counted before the first is built.
    """
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)) or limit < 0:
        raise DomainError(f"Graph.paths: limit is how many paths there may be, 0 or more; got {limit!r}.")
    starts = {node.index for node in sources}
    counts = _count(incoming, starts)
    total = sum(counts[node.index] for node in targets)
    if total > limit:
        shown = f"{total:,}" if total < _MANY else "more than 10^18"
        raise GraphError(
            f"Graph.paths: there are {shown} paths from {_titles(sources)} to {_titles(targets)}; limit is {limit:,}. "
            "Raise limit, ask for paths between nodes closer to one another, or use condense(keep=[...]): its edges "
            "carry the sum over all paths between two nodes."
        )
    return Paths([path for target in targets for path in _walk(incoming, starts, counts, target)], sources, targets)


def _count(incoming: Incoming, starts: set[int]) -> list[int]:
    """For each node, how many paths lead to it from ``starts``; _MANY where there are more."""
    counts: list[int] = []
    for index, edges in enumerate(incoming):  # sources of edges stand before their targets
        arriving = sum(counts[edge.source.index] for edge in edges) + (index in starts)
        counts.append(min(arriving, _MANY))
    return counts


def _walk(incoming: Incoming, starts: set[int], counts: list[int], target: GraphNode) -> Iterator[Path]:
    """Depth first from ``target`` towards the sources, arguments in order, on a stack of its own."""
    if target.index in starts:
        yield Path((target,), ())
    trail: list[GraphEdge] = []  # from the target to where the walk is
    pending = [iter(incoming[target.index])]
    while pending:
        edge = next((edge for edge in pending[-1] if counts[edge.source.index]), None)
        if edge is None:
            pending.pop()
            if trail:
                trail.pop()
            continue
        trail.append(edge)
        if edge.source.index in starts:
            edges = tuple(reversed(trail))
            yield Path((edges[0].source, *(step.target for step in edges)), edges)
        pending.append(iter(incoming[edge.source.index]))


def _shape(nodes: Sequence[GraphNode]) -> tuple[int, ...] | None:
    """The one shape that all ``nodes`` have; None if they differ."""
    shapes = {shape_of(node) for node in nodes}
    return next(iter(shapes)) if len(shapes) == 1 else None


def _sum(terms: Sequence[np.ndarray | None], shape: tuple[int, ...]) -> np.ndarray | None:
    known = [term for term in terms if term is not None]
    if len(known) < len(terms):
        return None
    with np.errstate(all="ignore"):  # infinities of both signs may meet
        return np.asarray(np.sum(known, axis=0)) if known else np.zeros(shape)


def _array(gradient: Any) -> np.ndarray:
    array = gradient.array if isinstance(gradient, Overloaded) else np.asarray(gradient)
    if array.dtype.kind not in "fciub":
        raise ConversionError(
            f"Paths.check: the gradient is a {type(gradient).__name__}; expected what tape.gradient(target, source) "
            "gave."
        )
    return array


def _factor(edge: GraphEdge) -> str:
    """A local derivative as a factor of a product."""
    if edge.local_derivative is not None:
        return number(edge.local_derivative)
    jacobian = edge.jacobian
    if jacobian is None:  # of an operation with several results
        return f"d {title(edge.target)} / d {title(edge.source)}"
    matrix = None if jacobian.matrix is None else entries(jacobian.matrix)
    sides = (math.prod(shape_of(edge.target)), math.prod(shape_of(edge.source)))
    return matrix or f"({sides[0]}x{sides[1]} matrix)"


def _written(product: float | None, found: Path | Paths, shape: tuple[int, ...]) -> str | None:
    """A product, or a sum of them: a number, a small array, or the shape of a large one; None if there is none."""
    if product is not None:
        return number(product)
    if math.prod(shape) <= SMALL:
        return entries(found.jacobian)
    return None if found.gradient is None else f"an array of shape {shape}"


def _titles(nodes: Sequence[GraphNode]) -> str:
    return " and ".join(dict.fromkeys(title(node) for node in nodes))
