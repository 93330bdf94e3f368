"""``explain``: why the gradient of a target in a source is None, zero, NaN or infinite; or that it is none of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import AnomalyError, ConversionError, NotDifferentiableError
from ..gaps import gap_of, last_gaps
from ..graph.build import ancestors
from ..hooks import ON_NODES, ON_VARIABLES
from ..node import Node
from ..recording import Paused
from ..tape import GradientTape
from ..tensor import Overloaded, Tensor
from ..tree import flatten
from ..variable import Variable
from .causes import integer_source, label_of
from .entries import is_finite, variable_of
from .explanation import RECORD, Explanation
from .journal import Journal, run
from .none import from_journal
from .origin import origin
from .remembered import from_gap
from .zero import Walk, from_walk, is_zero


def explain(tape: GradientTape | Callable[[], Any], target: Any = None, source: Any = None) -> Any:
    """Why the gradient of ``target`` in ``source`` is what it is: None, zero, NaN, infinite, or as it should be.

    Parameters
    ----------
    tape : GradientTape, or callable without arguments
        The tape that was asked for the gradient, before or after. Or a program that is run once more, with everything
        that it does written down, and returns ``(tape, target, source)``: then the line is known in every case.
    target : Tensor or Variable
        As given to ``tape.gradient``; one.
    source : Tensor, Variable or nested structure of them
        As given to ``tape.gradient``.

    Returns
    -------
    Explanation, or a structure like ``source`` of them
        With ``cause`` (a keyword), ``sentence``, ``path``, ``place`` (the user's line) and ``cure``; ``str`` of it is
        all of them.

    Raises
    ------
    ConversionError
        If ``target`` or ``source`` is no Tensor or Variable, or the program returns something else than described.

    Notes
    -----
    The tape is not used up; gradient hooks on the way are called. Nothing is recorded for the purpose while a program
    runs as ever, but for a note where a value leaves a tape on purpose; so from a tape alone some lines are not known,
    and the cure says how to get them. Lines of recorded operations are known inside ``ag.record_details()``, too.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> w = ag.Variable([-1.0, -2.0], name="w")
    >>> with ag.GradientTape(persistent=True) as tape:
    ...     loss = np.sum(np.maximum(w, 0.0))
    >>> print(ag.explain(tape, loss, w).sentence)
    the gradient of Variable 'w' is zero: maximum is constant where its argument lies (entries from -2 to -1).
    >>> ag.explain(tape, loss, ag.constant(1.0)).cause
    'not watched'
    """
    journal = None
    if not isinstance(tape, GradientTape):
        tape, target, source, journal = _rerun(tape)
    try:
        _check_one("target", target)
        sources, rebuild = flatten(source)
        for item in sources:
            _check_one("source", item)
        with Paused():
            found = [_explained(tape, target, item, journal) for item in sources]
        return found[0] if isinstance(source, Overloaded) else rebuild(found)
    finally:
        if journal is not None:  # it and the Nodes made in it refer to one another: let go of all now, not some day
            journal.forget()


def _check_one(what: str, item: Any) -> None:
    if not isinstance(item, Overloaded):
        raise ConversionError(
            f"explain: the {what} is a {type(item).__name__}; expected one Tensor or Variable"
            + (
                ". A value that left through .numpy() or float() has no gradient any more."
                if what == "target"
                else ", or a nested structure of them."
            )
        )


def explain_none(variable: Variable) -> Explanation | None:
    """Why the last gradient taken in this thread was None for ``variable``; None if it was not, or is not known.

    For optimizers, which meet the None and know neither the tape nor the target.
    """
    gaps = last_gaps.get()
    gap = None if gaps is None else gaps.of(variable)
    return None if gap is None else from_gap(gap, None, None, variable, ())


def _rerun(program: Any) -> tuple[GradientTape, Any, Any, Journal]:
    if not callable(program):
        raise ConversionError(
            f"explain: the first argument is a {type(program).__name__}; expected a GradientTape, or a function "
            "without arguments that returns (tape, target, source)."
        )
    result, journal = run(program)
    if not isinstance(result, tuple) or len(result) != 3 or not isinstance(result[0], GradientTape):
        given = type(result).__name__
        if isinstance(result, tuple):
            given += f" of {len(result)}" + (f", beginning with a {type(result[0]).__name__}" if result else "")
        raise ConversionError(f"explain: the program returned a {given}; expected (tape, target, source).")
    return (*result, journal)


def _explained(tape: GradientTape, target: Any, source: Any, journal: Journal | None) -> Explanation:
    if source.dtype.kind not in "fc":
        return integer_source(source)
    record, token = tape._record, tape._record.token
    target_nodes = _standing(tape, target, [], journal)
    target_node = target_nodes[-1] if target_nodes else None
    order = [] if target_node is None else ancestors([target_node], lambda node: token in node.tapes)
    standing, reached = _standing(tape, source, order, journal), set(order)
    if target_node is not None and any(node in reached for node in standing):
        return _connected(order, target_node, [node for node in standing if node in reached], source)
    if journal is not None:
        found = from_journal(journal, token, target, source, standing)
        return replace(found, cure=found.cure.removesuffix(f" {RECORD}"))  # it has been run once more
    gap = tape._gaps.of(source) if tape._gaps is not None and tape._used else None
    late = gap is None and tape._used and target_node is None
    if gap is None:
        gap = gap_of(source, standing, record.nodes, record.ends, target_node is not None)
    return from_gap(gap, tape, target, source, standing, late)


def _standing(tape: GradientTape, item: Any, order: Sequence[Node], journal: Journal | None) -> list[Node]:
    """Nodes that stand for ``item``, also when the tape has let them go."""
    if isinstance(item, Tensor) or not tape._used:
        return tape._nodes_of(item)
    inputs = [node for entry in journal.entries for _, node, _ in entry.inputs] if journal is not None else []
    token = tape._record.token
    found = [n for n in (*order, *inputs) if n is not None and variable_of(n) is item and token in n.tapes]
    return list(dict.fromkeys(found))


def _connected(order: Sequence[Node], target: Node, standing: Sequence[Node], source: Any) -> Explanation:
    """Explanation where recorded edges lead from the target to the source."""
    label = label_of(source)
    through: dict[Node, Node | None] = dict.fromkeys(standing)
    for node in order:
        if node not in through:
            before = next((parent for parent in node.parents if parent in through), None)
            if before is not None:
                through[node] = before
    path = _names(through, target, label)
    try:
        with np.errstate(all="ignore"):
            walk = Walk(order, target, standing)
    except NotDifferentiableError as missing:
        return Explanation("no rule", f"{label} has no gradient: {missing}", path)
    gradients = list(walk.found.values())
    error, finite = origin(order, target), all(is_finite(each) for each in gradients)
    if error is not None and not (finite and is_finite(target.value)):
        what = f"the gradient of {label} is " + ("finite, but the target is not" if finite else "not finite")
        return _not_finite(error, path, what)
    if sum(each.size for each in gradients) == 0 and gradients:
        return Explanation("connected", f"{label} has a gradient without entries, as it has none itself.", path)
    if gradients and not all(is_zero(each) for each in gradients):
        return _all_well(gradients, path, label, _has_hooks(source, standing), error)
    return from_walk(walk, order, through, target, label)


def _has_hooks(source: Any, standing: Sequence[Node]) -> bool:
    return ON_VARIABLES.hooks_of(source) is not None or any(ON_NODES.hooks_of(node) for node in standing)


def _all_well(
    gradients: Sequence[Any], path: tuple[str, ...], label: str, hooks: bool, masked: AnomalyError | None
) -> Explanation:
    total: Any = np.sum([np.asarray(each) for each in gradients], axis=0)
    zeros = int(total.size - np.count_nonzero(total))
    some = f"; {zeros} of {total.size} entries are 0" if zeros else ""
    size = f"entries up to {np.abs(total).max():.3g} in absolute value" if total.size > 1 else f"{total.item():.6g}"
    then = "; its own gradient hooks may change that" if hooks else ""
    if masked is not None:  # a zero wins over it: no fault of the gradient, but near to one
        then += f"; on the way {masked.operation} made {_an(masked.kind)}, which a zero or a choice has masked"
    return Explanation("connected", f"{label} has a gradient: {size}{some}{then}.", path)


def _an(kind: str | None) -> str:
    return "a NaN" if kind == "NaN" else "an infinity"


def _not_finite(error: AnomalyError, path: tuple[str, ...], what: str) -> Explanation:
    cause = "nan" if error.kind == "NaN" else "infinity"
    return Explanation(cause, f"{what}: {error}", path, error.place, error.cure)


def _names(through: dict[Node, Node | None], node: Node | None, label: str) -> tuple[str, ...]:
    names = []
    while node is not None and through.get(node) is not None:
        names.append(node.operation)
        node = through[node]
    return (label, *reversed(names))
