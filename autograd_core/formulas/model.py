"""Formula: the derivative of a scalar graph as a sum over its paths, to read and to evaluate."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConversionError, DomainError, GraphError, ShapeError
from ..graph import Graph, GraphEdge, GraphNode, graph
from ..graph.text import shorten, title
from ..tensor import Overloaded
from .calculus import evaluate, partial
from .expressions import ZERO, Expression, Symbol, symbols
from .functions import product
from .notes import notes_on
from .scalars import Scalars, Values, is_one_entry
from .writing import Writer


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """A local derivative in a product.

    Attributes
    ----------
    edge : GraphEdge
        The edge of the graph that it belongs to.
    by : tuple of GraphNode
        Whose values it was differentiated by; empty for order 1.
    expression : Expression
    """

    edge: GraphEdge
    by: tuple[GraphNode, ...]
    expression: Expression

    @property
    def order(self) -> int:
        """1 for a local derivative, 2 for its derivative, ..."""
        return 1 + len(self.by)


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """One product of the sum.

    Attributes
    ----------
    factors : tuple of Factor
        From the target to the source; for the second derivative followed by those of the path from the second source
        to the value that one of them was differentiated by.
    path : tuple of Factor
        For the second derivative: those of the path whose product was differentiated.
    """

    factors: tuple[Factor, ...]
    path: tuple[Factor, ...] = ()

    @property
    def is_zero(self) -> bool:
        """Whether a factor is 0 whatever the values are."""
        return any(factor.expression == ZERO for factor in self.factors)


def formula(
    target: Any, source: Any, order: int = 1, names: Mapping[str, Any] | None = None, limit: int = 200
) -> Formula:
    """Derivative of a scalar by a scalar, written out: a sum over the paths of the graph.

    Parameters
    ----------
    target : Tensor or Graph
        What to differentiate, computed inside a tape: one number. Of a Graph, its only target.
    source : Tensor, Variable, str, or a pair of them
        By what, as ``Graph.find`` takes it. With ``order=2`` a pair gives the mixed derivative.
    order : int
        2: second derivative.
    names : dict of str to Tensor or Variable, optional
        What to call intermediate values, as for ``graph``; ``names=locals()`` calls them what the program does. What
        has no name is written out, or called v and its number where that would be long.
    limit : int
        How many terms there may be.

    Returns
    -------
    Formula

    Raises
    ------
    GraphError
        If a value on the way is not one number, there are more terms than ``limit``, or the second derivative of an
        operation is not known.
    DomainError
        If ``order`` is not 1 or 2, or the sources do not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> x, w = ag.Variable(2.0, name="x"), ag.Variable(3.0, name="w")
    >>> with ag.GradientTape() as tape:
    ...     y = np.sin(x * w) + x
    >>> print(ag.formula(y, x, names=locals()))
    dy/dx = cos(x*w) * w + 1
    >>> print(ag.formula(y, x, order=2, names=locals()))
    d^2y/dx^2 = -sin(x*w) * w * w
    >>> ag.formula(y, w, names=locals())(x=0.0)
    np.float64(0.0)
    """
    if order not in (1, 2):
        raise DomainError(f"formula: order must be 1 or 2; got {order!r}.")
    pair = isinstance(source, (tuple, list))
    sources = list(source) if pair else [source] * order
    if len(sources) != order:
        raise DomainError(
            f"formula: got {len(sources)} sources for a derivative of order {order}; expected one, or with order=2 a "
            "pair of them."
        )
    whole = target if isinstance(target, Graph) else graph(target, names)
    if len(whole.targets) != 1:
        raise GraphError(f"formula: expected one target; got {len(whole.targets)}.")
    ends = [whole.find(each) for each in sources]
    for node in (*whole.targets, *(node for found in ends for node in found)):
        _check_number(node)
    called = [_called(found, each) for found, each in zip(ends, sources, strict=True)]
    return Formula(Scalars(whole), called, ends, limit)


def _check_number(node: GraphNode) -> None:
    if not is_one_entry(node):
        raise GraphError(
            f"formula: {title(node)} has shape {node.shape}, dtype {node.dtype}; a formula is of graphs of real "
            "numbers. Sum the target or pick an entry of it, make each entry of the source a Variable of its own, or "
            "look at graph.paths(source), which multiplies matrices."
        )


def _called(found: Sequence[Any], asked: Any) -> str:
    """What a source is called in the head of the formula."""
    if isinstance(asked, str):
        return shorten(asked)
    return title(found[0])


class Formula:
    """A derivative as a sum of products, each factor an edge of the graph.

    Attributes
    ----------
    graph : Graph
    terms : tuple of Term
        Those that are 0 whatever the values are (a floor on the way) are left out.
    order : int
    names : tuple of str
        Of the values that it can be evaluated at.
    """

    def __init__(self, scalars: Scalars, wanted: Sequence[str], sources: Sequence[Sequence[Any]], limit: int):
        self._scalars = scalars
        self.graph = scalars.graph
        self.order = len(sources)
        self._sources = frozenset(sources[0])
        self._target = self.graph.targets[0]
        found = list(_first(scalars, sources[0], limit))
        for nodes in sources[1:]:
            found = list(_next(scalars, found, nodes, limit))
        self.terms = tuple(term for term in found if not term.is_zero)
        self._writers = {latex: Writer(scalars, latex) for latex in (False, True)}
        self._wanted = tuple(wanted)
        self._recorded: dict[Factor, Any] = {}  # values of factors in the recorded run

    @property
    def names(self) -> tuple[str, ...]:
        """Of the values that it can be evaluated at: the Variables, the inputs and the constants with a name."""
        return tuple(self._scalars.leaves)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know where it cannot be read as it stands, at the recorded values: 0/0, 0 times infinity."""
        found = self._scalars.values({})
        parts = dict.fromkeys(factor.expression for term in self.terms for factor in term.factors)
        notes = list(notes_on(list(parts), found.by_index, self._writers[False]))
        if any(self._is_lost(term.path or term.factors, found) for term in self.terms):
            notes.append("a factor of 0 beside one that is infinite makes a product of 0")
        if np.isnan(self._summed(found)) and not np.isnan(self()):
            notes.append("terms are infinite, of both signs; added up where their paths meet, they cancel before that")
        return tuple(dict.fromkeys(notes))

    @property
    def text(self) -> str:
        """As text; ``**`` is a power, ``(x > 0)`` is 1 where that holds and 0 elsewhere. Notes follow after ``#``."""
        written = self._writers[False].formula(self._target, self._wanted, self.terms)
        return "\n".join([written, *(f"# {note}" for note in self.notes)])

    @property
    def latex(self) -> str:
        """As LaTeX, without dollars; ``[x > 0]`` is 1 where that holds and 0 elsewhere."""
        return self._writers[True].formula(self._target, self._wanted, self.terms)

    def evaluate(self, values: Mapping[str, Any] | None = None, **named: Any) -> Any:
        """The derivative where Variables and inputs have other values.

        Parameters
        ----------
        values : dict of str to number or array, optional
        **named : number or array
            The same by keyword. What is not given keeps the value it had. Arrays are broadcast together.

        Returns
        -------
        float64 or array

        Raises
        ------
        GraphError
            If there is no value of such a name, or an operation whose formula is not known depends on it.
        ShapeError
            If arrays do not broadcast together.

        Notes
        -----
        A mask (the condition of ``where``) is as it was in the recorded run.
        """
        if values is not None and not isinstance(values, Mapping):
            raise ConversionError(
                f"Formula: values is a {type(values).__name__}; expected a dict from names to numbers, such as "
                "{'x': 0.5}, or f(x=0.5)."
            )
        given = {**(values or {}), **named}
        _check_shapes(given)
        found = self._scalars.values({name: _float(name, value) for name, value in given.items()})
        return np.float64(0.0) + (self._walked(found) if self.order == 1 else self._summed(found))

    __call__ = evaluate

    def _value(self, factor: Factor, found: Values) -> Any:
        if found.moved:
            return evaluate(self._scalars.usable(factor.expression, found), found.by_index)
        if factor not in self._recorded:
            self._recorded[factor] = evaluate(factor.expression, found.by_index)
        return self._recorded[factor]

    def _walked(self, found: Values) -> Any:
        """First derivative: along the edges, as a tape does; paths part and meet, and so do infinities."""
        local = {factor.edge: factor for term in self.terms for factor in term.factors}
        cotangents: dict[int, Any] = {self._target.index: np.float64(1.0)}
        total: Any = 0.0
        for node in reversed(self.graph.nodes):
            ct = cotangents.pop(node.index, None)
            if ct is None:
                continue
            if node in self._sources:
                total = total + ct
            for edge in self.graph.incoming(node):
                if edge in local:
                    index = edge.source.index
                    with np.errstate(all="ignore"):  # infinities of both signs may meet
                        cotangents[index] = cotangents.get(index, 0.0) + product(ct, self._value(local[edge], found))
        return total if self.terms else 0.0

    def _summed(self, found: Values) -> Any:
        """Term by term."""
        total: Any = 0.0
        for term in self.terms:
            result = self._product(term.factors, found)
            if term.path:
                result = np.where(self._is_lost(term.path, found), 0.0, result)[()]
            with np.errstate(all="ignore"):  # infinities of both signs may meet
                total = total + result
        return total

    def _product(self, factors: Sequence[Factor], found: Values) -> Any:
        result: Any = np.float64(1.0)
        for factor in factors:
            result = product(result, self._value(factor, found))
        return result

    def _is_lost(self, path: Sequence[Factor], found: Values) -> Any:
        """Where zero has won over an infinity along a path: it is a constant 0 there, for the next derivative too."""
        values = [self._value(factor, found) for factor in path]
        zero = functools.reduce(np.logical_or, (np.equal(value, 0) for value in values), np.False_)
        return zero & ~functools.reduce(np.logical_and, map(np.isfinite, values), np.True_)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Formula {self.text}>"


def _check_shapes(given: Mapping[str, Any]) -> None:
    shapes = {name: np.shape(value.array if isinstance(value, Overloaded) else value) for name, value in given.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        said = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
        raise ShapeError(f"Formula: the values do not broadcast together: {said}.") from None


def _float(name: str, value: Any) -> Any:
    array = value.array if isinstance(value, Overloaded) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DomainError(f"Formula: {name} is a {type(value).__name__}; expected a real number or an array of them.")
    return array.astype(np.float64)[()]


# -- the chain rule ----------------------------------------------------------------------------------------------------


def _first(scalars: Scalars, sources: Sequence[Any], limit: int) -> Iterator[Term]:
    """A term for each path from one of ``sources`` to the target."""
    for source in sources:
        for path in scalars.graph.paths(source, limit=limit):
            for node in path.nodes:
                _check_number(node)
            yield Term(tuple(Factor(edge, (), scalars.derivative(edge)) for edge in reversed(path.edges)))


def _next(scalars: Scalars, terms: Sequence[Term], sources: Sequence[Any], limit: int) -> Iterator[Term]:
    """Derivatives of ``terms``: one factor after the other, by each value in it that depends on a source."""
    count = 0
    for term in terms:
        for place, factor in enumerate(term.factors):
            for symbol in dict.fromkeys(symbols(factor.expression)):
                for path in _paths(scalars, sources, symbol, limit):
                    changed = Factor(
                        factor.edge, (*factor.by, scalars.node(symbol)), partial(factor.expression, symbol)
                    )
                    inner = tuple(Factor(edge, (), scalars.derivative(edge)) for edge in reversed(path.edges))
                    factors = (*term.factors[:place], changed, *term.factors[place + 1 :], *inner)
                    made = Term(factors, term.factors)
                    if not made.is_zero:
                        count += 1
                        yield made
                    if count > limit:
                        raise GraphError(
                            f"formula: there are more than {limit} terms; raise limit, or ask for the derivative of a "
                            "part of the program."
                        )


def _paths(scalars: Scalars, sources: Sequence[Any], symbol: Symbol, limit: int) -> Iterator[Any]:
    for source in sources:
        yield from scalars.graph.paths(source, scalars.node(symbol), limit=limit)
