"""What random programs are made of: operations, functions, and features of the language around them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ... import numpy as anp
from ...errors import DomainError
from ...ops.domain import Draw, sample_elementwise
from ...ops.table import TABLE
from ...primitive import Primitive
from .functions import FUNCTIONS, Function, Sampled
from .spelling import ROW_OF, importable

FEATURES = ("functions", "indexing", "assignment", "control")
USUAL = (-2.0, 2.0)

Sample = Callable[[Draw], Sampled]


@dataclass(frozen=True)
class Choice:
    """An operation with a way to draw its arguments."""

    row: Primitive
    sample: Sample


@dataclass(frozen=True)
class Pool:
    """What programs are made from.

    Attributes
    ----------
    rows : tuple of Choice
    functions : tuple of Function
    unaries : tuple of Primitive
        Those that a loop may repeat: of one argument, defined everywhere, without kinks.
    kinds : tuple of str
        Kinds of steps; the first is the simplest, and the more often one stands here the more often it is drawn.
    """

    rows: tuple[Choice, ...]
    functions: tuple[Function, ...]
    unaries: tuple[Primitive, ...]
    kinds: tuple[str, ...]

    def only(self, names: Collection[str]) -> Pool | None:
        """The pool of the operations of these names and nothing else; None if it has none of them."""
        rows = tuple(choice for choice in self.rows if choice.row.name in names)
        functions = tuple(function for function in self.functions if function.name in names)
        kinds = ("rows",) * bool(rows) + ("functions",) * bool(functions)
        return Pool(rows, functions, self.unaries, kinds) if kinds else None


def pool_of(operations: Iterable[Any] | None = None, features: Sequence[str] | None = None) -> Pool:
    """Pool of the operations that a user names.

    Parameters
    ----------
    operations : iterable, optional
        Of primitives (rows of the table, or made by ``ag.primitive``), names ("matmul", "np.trace"), other functions,
        and pairs of one of these and where its arguments come from: one interval per argument, or a function
        ``sample(draw) -> (args, params)``. None: the whole table.
    features : sequence of str, optional
        Out of "functions", "indexing", "assignment", "control". None: all; "functions" only without ``operations``.
    """
    chosen = _features(features, operations is None)
    rows: list[Choice] = []
    functions: list[Function] = list(FUNCTIONS) if "functions" in chosen else []
    for asked in TABLE if operations is None else operations:
        made = _chosen(asked)
        (rows if isinstance(made, Choice) else functions).append(made)  # type: ignore[attr-defined, arg-type]
    if not rows and not functions:
        raise DomainError("random programs: no operation was given; give at least one, or None for all.")
    unaries = tuple(choice.row for choice in rows if _can_be_repeated(choice.row)) or (ROW_OF["tanh"],)
    kinds = ("rows",) * (16 if rows else 0) + ("functions",) * (3 if rows and functions else 16 if functions else 0)
    for kind, often in (("indexing", 2), ("assignment", 3), ("control", 1)):  # what loops compile to is large
        kinds += (kind,) * (often if kind in chosen else 0)
    return Pool(tuple(rows), tuple(functions), unaries, kinds)


def sampled_operation(asked: Any) -> Choice | Function:
    """One operation with where its arguments come from; ``asked`` as an entry of ``operations``."""
    return _chosen(asked)


def _features(features: Sequence[str] | None, all_rows: bool) -> Sequence[str]:
    if features is None:
        return FEATURES if all_rows else FEATURES[1:]
    unknown = [feature for feature in features if feature not in FEATURES]
    if unknown or isinstance(features, str):
        raise DomainError(f"random programs: features are {', '.join(map(repr, FEATURES))}; got {features!r}.")
    return features


def _chosen(asked: Any) -> Choice | Function:
    given: Any = None
    if isinstance(asked, tuple) and len(asked) == 2:
        asked, given = asked
    if isinstance(asked, (Choice, Function)):
        return asked
    if isinstance(asked, str):
        asked = _named(asked)
    if isinstance(asked, Function):
        return asked
    if isinstance(asked, Primitive):
        return Choice(asked, _sample(asked, given))
    if callable(asked):
        return Function(importable(asked)[1] or getattr(asked, "__name__", "function"), asked, _sample(asked, given))
    raise DomainError(
        f"random programs: expected operations (rows, ag.primitive, names, functions); got {asked!r} of type "
        f"{type(asked).__name__}."
    )


def _named(name: str) -> Any:
    if name in ROW_OF:
        return ROW_OF[name]
    for function in FUNCTIONS:
        if name in (function.name, function.name.rpartition(".")[2]):
            return function
    for prefix, module in (("anp.", anp), ("anp.special.", anp.special), ("anp.linalg.", anp.linalg)):
        found = getattr(module, name, None)
        if callable(found) and not isinstance(found, type):
            return Function(prefix + name, found, _sample(found, None))
    raise DomainError(
        f"random programs: no operation is called {name!r}; expected a name of the table of operations or of "
        'autograd_core.numpy, as "matmul", or the operation itself.'
    )


def _sample(operation: Any, given: Any) -> Sample:
    """Where arguments come from: what the user says, what the row says, or any numbers of one shape."""
    if callable(given):
        return given
    if given is not None:
        intervals = _intervals(operation, given)
    elif isinstance(operation, Primitive) and operation.sample is not None:
        return operation.sample
    elif isinstance(operation, Primitive) and operation.domain:
        intervals = operation.domain
        return lambda draw: sample_elementwise(intervals, draw)
    else:
        intervals = (USUAL,) * _arity(operation)

    def same_shape(draw: Draw) -> Sampled:
        shape = draw.shape(0, 2)
        return tuple(draw.array(shape, low, high) for low, high in intervals), {}

    return same_shape


def _intervals(operation: Any, given: Any) -> tuple[tuple[float, float], ...]:
    try:
        pairs = tuple((float(low), float(high)) for low, high in given)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs or any(not low < high for low, high in pairs):
        raise DomainError(
            f"random programs: for the arguments of {getattr(operation, 'name', operation)} expected one interval "
            f"(low, high) each, or a function sample(draw) -> (args, params); got {given!r}."
        )
    return pairs


def _arity(operation: Any) -> int:
    """How many arguments must be given by position."""
    if isinstance(operation, Primitive) and operation.vjps and not (operation.variadic or operation.joint):
        return len(operation.vjps)
    try:
        parameters = inspect.signature(operation).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sum(p.default is p.empty for p in positional) or 1


def _can_be_repeated(row: Primitive) -> bool:
    return row.elementwise and row.domain == (USUAL,) and row.vjps is not None and not row.kink
