"""What a graph is made of: nodes (values) and edges (one argument of one operation, with its local derivative)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..node import NO_PARAMS, Spec
from .jacobians import LocalJacobian, of_number

INPUT = "input"
VARIABLE = "variable"
CONSTANT = "constant"
OPERATION = "operation"
TARGET = "target"

KINDS = (INPUT, VARIABLE, CONSTANT, OPERATION, TARGET)
"""A watched Tensor; a Variable; what no derivative is wanted for; a result; a result that the graph was asked for."""


@dataclass(frozen=True, eq=False, slots=True)
class GraphNode:
    """One value of a graph.

    Attributes
    ----------
    index : int
        Place in ``Graph.nodes``; what a node was computed from stands before it.
    kind : {"input", "variable", "constant", "operation", "target"}
    operation : str or None
        What computed it; None for inputs, Variables and constants.
    name : str or None
    value : array, number, tuple of arrays, or Spec
        A tuple where the operation has several results; a ``Spec`` where only shape and dtype were kept.
    params : dict
        Keyword parameters of the operation: axes, indices, ...
    gradient : array or None
        Of the targets' sum with respect to this value, where it was asked for.
    scope : tuple of str
        Names of the ``ag.name_scope`` it was computed in, outermost first; empty outside of any.
    seconds : float or None
        Time that the forward computation took, where it was recorded; in ``ag.profile`` with that of its rules.
    place : str or None
        Line of the user's program, ``"train.py:12"``, where it was recorded.
    """

    index: int
    kind: str
    operation: str | None
    name: str | None
    value: Any
    params: dict[str, Any]
    gradient: Any = None
    scope: tuple[str, ...] = ()
    seconds: float | None = None
    place: str | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the value, or of all results; also where only shape and dtype were kept."""
        return sum(math.prod(result.shape) * result.dtype.itemsize for result in self.results)

    @property
    def results(self) -> tuple[Any, ...]:
        """Results of the operation: one, or several. Each has a shape and a dtype."""
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return tuple(value if hasattr(value, "dtype") else np.asarray(value) for value in values)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Length of each axis; None for an operation with several results."""
        return None if isinstance(self.value, tuple) else self.results[0].shape

    @property
    def dtype(self) -> np.dtype | None:
        """Type of the entries; None for an operation with several results."""
        return None if isinstance(self.value, tuple) else self.results[0].dtype

    @property
    def array(self) -> Any:
        """Value as an array; None if the entries were not kept, or there are several results."""
        return None if isinstance(self.value, (tuple, Spec)) else self.results[0]

    def __repr__(self) -> str:
        words = [self.kind, repr(self.name) if self.name else None, self.operation]
        what = "several results" if self.shape is None else f"shape {self.shape}, dtype {self.dtype}"
        return f"<GraphNode {self.index}: {' '.join(filter(None, words))}, {what}>"


def constant_node(index: int, value: Any, name: str | None, scope: tuple[str, ...] = ()) -> GraphNode:
    """Node for an argument for which no derivative is wanted."""
    return GraphNode(index, CONSTANT, None, name, value, NO_PARAMS, scope=scope)


class Derivative(Protocol):
    """What answers for an edge: the ``Application`` of an operation, or the ``Region`` that a condensed edge is."""

    def jacobian(self, index: int) -> LocalJacobian | None:
        """Derivative by argument ``index``."""

    def pull(self, index: int, ct: Any) -> np.ndarray | None:
        """Cotangent of argument ``index``, given that of the result."""


@dataclass(frozen=True, eq=False, slots=True)
class GraphEdge:
    """``target`` was computed from ``source``.

    Attributes
    ----------
    source, target : GraphNode
    index : int
        Which argument of the operation ``source`` is.
    local_derivative : float or None
        d target / d source with everything else held fixed, where both have one real entry. None otherwise, and along
        edges that carry no derivative: those from constants and those without a rule.
    application : Application, Region or None
        What ``jacobian`` and ``pull`` ask; None along edges that carry no derivative.
    """

    source: GraphNode
    target: GraphNode
    index: int
    local_derivative: float | None
    application: Derivative | None = None

    @property
    def jacobian(self) -> LocalJacobian | None:
        """Derivative of the target by the source, everything else held fixed; computed when it is first asked for.

        None along edges that carry no derivative, and where the rule cannot be asked any more: that of a
        ``custom_gradient`` or a ``checkpoint`` is gone with the recording, except for values of up to 8 entries.
        """
        if self.local_derivative is not None:
            return of_number(self.local_derivative, (*(self.target.shape or ()), *(self.source.shape or ())))
        return None if self.application is None else self.application.jacobian(self.index)

    def pull(self, ct: Any) -> Any:
        """Cotangent of the source, given that of the target, as the backward walk computes it along this edge.

        Parameters
        ----------
        ct : array of the target's shape
            Of several results: flat, one after another; so is what is returned.

        Returns
        -------
        array or None
            None where ``jacobian`` is None.
        """
        return None if self.application is None else self.application.pull(self.index, ct)

    def __repr__(self) -> str:
        shown = "" if self.local_derivative is None else f": {self.local_derivative:.4g}"
        return f"<GraphEdge {self.source.index} -> {self.target.index}{shown}>"


def chain(downstream: float | None, local: float | None) -> float | None:
    """Product of a derivative and the local one next to it; None if either is unknown.

    Zero times infinity is zero, whichever comes from the target's side, as in the backward walk.
    """
    if downstream is None or local is None:
        return None
    return 0.0 if 0 in (downstream, local) else downstream * local


def add_up(terms: list[float | None]) -> float | None:
    """Sum of derivatives; None if one of them is unknown."""
    known = [term for term in terms if term is not None]
    return sum(known, 0.0) if len(known) == len(terms) else None
