"""``detect_anomaly``: stop at the first NaN or infinity, and say which operation made it, where, and out of what.

Inside of it every operation is applied by ``Anomaly.apply``, which takes the place of ``primitive.apply`` as for
``record_details``, and looks at the result; every backward or forward walk is given a function that looks at what each
rule sends along its edge. Outside nothing is asked and nothing costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import recording
from ..backward import zeros_win
from ..details import Details
from ..errors import AnomalyError, DomainError
from ..graph import Graph
from ..graph.build import from_nodes
from ..linearize import LIFT
from ..node import NO_PARAMS, Node, Setting
from ..primitive import PROJECT, Primitive
from ..recording import Frame, Record
from .cures import EMPTY, cure_for
from .entries import (
    born,
    floating,
    is_finite,
    offending,
    parts,
    ranges,
    raw,
    shown_index,
    shown_number,
    variable_of,
)

PASSES_ON = (PROJECT, LIFT)  # results of other Nodes, looked at there


@contextmanager
def detect_anomaly(infinities: bool = True, ancestors: int = 30) -> Iterator[None]:
    """Context manager: raise an error at the first NaN or infinity, where it is made.

    Looked at are the results of all operations inside, recorded by a tape or not, and, when a gradient is taken inside,
    what each operation sends back to each of its arguments (in forward mode: the tangents). Functions made by
    ``autograd_core.function``, ``fit`` among them, run eagerly meanwhile. Operations on small arrays
    take some ten times as long; outside of the block nothing changes.

    Parameters
    ----------
    infinities : bool
        Whether an infinity made of finite numbers is an error, too; if False only NaN is. Infinities that the program
        puts in itself (a mask of ``-inf``) never are.
    ancestors : int
        How many of the operations before it the error's diagram shows at the most.

    Raises
    ------
    AnomalyError
        Inside the block. Its text says which operation made the first NaN or infinity, forward or backward, at which
        line, in which entries, and what usually helps; ``error.graph`` is the diagram of what it was computed from.

    Notes
    -----
    A zero cotangent over an infinite derivative is no anomaly: zero wins (an entry that ``np.where`` masks). Each
    thread and each asyncio task has a block of its own. It goes around the call of a compiled function: inside of one,
    where there are no numbers yet, it has no effect.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> w = ag.Variable([1.0, 0.0], name="w")
    >>> with ag.detect_anomaly(), ag.GradientTape() as tape:
    ...     loss = np.sum(3.0 / w)
    Traceback (most recent call last):
        ...
    autograd_core.errors.AnomalyError: divide made an infinity (inf) out of finite numbers...
    """
    if not isinstance(ancestors, int) or isinstance(ancestors, bool) or ancestors < 0:
        raise DomainError(f"detect_anomaly: ancestors is {ancestors!r}; expected an integer of at least 0.")
    # A record that watches nothing: there is a frame then, by which operations outside of all tapes are seen, too.
    record = Record(watches_variables=False)
    recording.add(record)
    recording.note(Anomaly(infinities, ancestors))
    try:
        yield
    finally:
        recording.leave()
        recording.remove(record)


class Anomaly(Details):
    """Applies primitives, and looks at what comes of it. See ``detect_anomaly``."""

    __slots__ = ("ancestors", "infinities")

    looks = True
    runs_eagerly = True

    def __init__(self, infinities: bool = True, ancestors: int = 30):
        super().__init__(lines=True, times=False)
        self.infinities = infinities
        self.ancestors = ancestors

    # -- forward -------------------------------------------------------------------------------------------------

    def apply(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], frame: Frame) -> Any:
        """Apply ``primitive`` as ``Details`` does, and look at the result."""
        with np.errstate(all="ignore"):  # the warning would say less
            result = super().apply(primitive, args, params, frame)
        results = result if result.__class__ is tuple else (result,)
        node = next((part.node for part in results if part.node is not None), None)
        self.look(primitive.name, primitive.elementwise, args, [part.array for part in results], _made(node))
        return result

    def wrote(self, node: Node) -> None:
        """Look at a Node that was written down by itself: a custom gradient, a checkpoint, an update of entries."""
        if node.primitive in PASSES_ON or node.primitive is None:
            return
        values = node.value if isinstance(node.value, tuple) else (node.value,)
        self.look(node.operation, node.primitive.elementwise, node.args, values, node)

    def look(self, name: str, elementwise: bool, args: Sequence[Any], values: Sequence[Any], node: Node | None) -> None:
        if is_finite(values):
            return
        with np.errstate(all="ignore"):
            for value in values:
                wrong = born(value, args, elementwise, self.infinities)
                if wrong is not None:
                    rows = offending(wrong, value, args, elementwise)
                    raise self._error(name, "forward", rows, int(wrong.sum()), raw(value).size, args, node)
            if node is not None:
                self._look_at_inputs(name, args, values, node)

    def _look_at_inputs(self, name: str, args: Sequence[Any], values: Sequence[Any], node: Node) -> None:
        """Raise if a NaN went through ``node`` that came in with an argument: from outside, since nothing made it."""
        if not any(np.isnan(array).any() for value in values for array in parts(value)):
            return
        for position, (arg, parent) in enumerate(zip(args, node.parents, strict=True)):
            array = raw(arg)
            if array is None or array.dtype.kind not in "fc" or not np.isnan(array).any():
                continue
            wrong = np.isnan(array)
            error = AnomalyError(_came_in(name, position, array, wrong, parent) + _at_line(node.origin.place))
            error.operation, error.kind, error.place = name, "NaN", node.origin.place
            error.entries = offending(wrong, array, (), False)
            error.cure = "Look at the data, or at what was computed before: np.isnan(x).any()."
            error.graph = diagram(node, self.ancestors)
            raise error

    # -- backward, and tangents ----------------------------------------------------------------------------------

    @contextmanager
    def looking(self, nodes: Sequence[Node], recorded: bool) -> Iterator[Look]:
        """Give a walk the function that looks at what rules send; what rules compute in between is their own affair."""
        frame = recording.current()
        if frame is not None:
            recording.replace(frame.within(Setting(None, _Quiet(self), frame.origin)))
        try:
            yield Look(self)
        finally:
            recording.replace(frame)

    def _error(
        self,
        name: str,
        direction: str,
        rows: list[dict[str, object]],
        count: int,
        size: int,
        args: Sequence[Any],
        node: Node | None,
        position: int | None = None,
    ) -> AnomalyError:
        number: Any = rows[0]["value"]
        kind = "NaN" if number != number else "infinity"
        place = None if node is None else node.origin.place
        if place is None and direction == "forward":
            place = self._line()
        what = {
            "forward": f"{name} made {_a(kind, number)} out of {_what(args)}",
            "backward": f"the derivative of {name} in its argument {position} is not finite: on the way back it sent "
            f"{_a(kind, number)} for a finite cotangent",
            "tangent": f"the derivative of {name} is not finite: in forward mode it gave {_a(kind, number)} for finite "
            "tangents",
        }[direction]
        scope = "/".join(node.origin.scope) if node is not None else ""
        cure = EMPTY if _what(args) == _NOTHING else cure_for(name)
        shown = _entries(name, direction, rows, count, size) or ranges(args)
        text = f"{what}{_at_line(place)}{f', in scope {scope}' if scope else ''}. {shown}. Usually helps: {cure}"
        error = AnomalyError(text)
        error.operation, error.direction, error.kind, error.place = name, direction, kind, place
        error.entries, error.cure = rows, cure
        error.graph = None if node is None else diagram(node, self.ancestors)
        return error


class _Quiet(Anomaly):
    """Inside a walk: lines are noted, walks inside are looked at, and operations are not.

    A rule may compute an infinity on its way that it then masks.
    """

    __slots__ = ()

    def __init__(self, outer: Anomaly):
        super().__init__(outer.infinities, outer.ancestors)

    def look(self, *args: Any) -> None:
        pass


class Look:
    """Looks at what rules send during one walk, and lets zeros win over infinities, as a second walk otherwise does."""

    def __init__(self, anomaly: Anomaly):
        self.anomaly = anomaly

    def __call__(self, ct: Any, node: Node, index: int, rule: Any, contribution: Any) -> Any:
        """What ``node`` sends to its argument ``index``; see ``backward.zeros_win``."""
        if is_finite(contribution):
            return contribution
        contribution = zeros_win(ct, node, index, rule, contribution)
        if not is_finite(contribution):
            if is_finite(ct):
                self._raise("backward", node, index, ct, contribution)
            elif self._counts(ct):
                raise self._added_up(node, ct)
        return contribution

    def at_tangent(self, node: Node, entering: Sequence[Any], tangent: Any) -> None:
        """The tangent of ``node``, given those of its arguments."""
        if (
            node.primitive not in PASSES_ON
            and not is_finite(tangent)
            and is_finite([t for t in entering if t is not None])
        ):
            self._raise("tangent", node, None, None, tangent)

    def _counts(self, value: Any) -> bool:
        return self.anomaly.infinities or any(np.isnan(array).any() for array in parts(value))

    def _raise(self, direction: str, node: Node, index: int | None, ct: Any, sent: Any) -> None:
        if not self._counts(sent):
            return
        for array in parts(sent):
            wrong = ~np.isfinite(array) if self.anomaly.infinities else np.isnan(array)
            if wrong.any():
                elementwise = node.primitive.elementwise
                rows = offending(wrong, array, (ct, *node.args) if direction == "backward" else node.args, elementwise)
                count = int(wrong.sum())
                name = node.operation
                raise self.anomaly._error(name, direction, rows, count, array.size, node.args, node, index)

    def _added_up(self, node: Node, ct: Any) -> AnomalyError:
        """Error for a cotangent that is not finite though all that was sent is: a sum of them, or the first."""
        error = AnomalyError(
            f"the cotangent of the result of {node.operation} is not finite{_at_line(node.origin.place)}, though all "
            "that was sent to it is: it was given (output_gradients), or what came from several uses has overflowed "
            "when it was added up. Usually helps: scale the loss down, or use float64."
        )
        error.operation, error.direction, error.place = node.operation, "backward", node.origin.place
        array = next(array for array in parts(ct) if not np.isfinite(array).all())
        error.entries = offending(~np.isfinite(array), array, (), False)
        error.kind = "NaN" if np.isnan(array).any() else "infinity"
        error.cure, error.graph = cure_for("add"), diagram(node, self.anomaly.ancestors)
        return error


# -- words -------------------------------------------------------------------------------------------------------------


def _a(kind: str, number: Any) -> str:
    return "a NaN" if kind == "NaN" else f"an infinity ({shown_number(number)})"


_NOTHING = "no entries at all"


def _what(args: Sequence[Any]) -> str:
    """What an operation was given, that of a NaN of its own making."""
    given = floating(args)
    if given and not any(array.size for array in given):
        return _NOTHING
    return "finite numbers" if is_finite(args) else "infinities"


def _at_line(place: str | None) -> str:
    return f", at {place}" if place else ""


def _entries(name: str, direction: str, rows: list[dict[str, object]], count: int, size: int) -> str:
    """How many entries, and the first of them with what it was made of; nothing if that is not known."""
    row: Any = rows[0]
    where = f"{count} of {size} entries; the first is {shown_index(row['index'])}" if size > 1 else "It is"
    if not row["inputs"]:
        return f"{where} = {shown_number(row['value'])}" if size > 1 else ""
    numbers = row["inputs"][1:] if direction == "backward" else row["inputs"]
    call = f"{name}({', '.join(map(shown_number, numbers))})"
    if direction == "forward":
        return f"{where}: {call} = {shown_number(row['value'])}"
    if direction == "tangent":
        return f"{where}: the derivative at {call}"
    return f"{where}: the derivative at {call}, for a cotangent of {shown_number(row['inputs'][0])}"


def _came_in(name: str, position: int, array: Any, wrong: Any, parent: Node | None) -> str:
    count, first = int(wrong.sum()), tuple(int(i) for i in np.argwhere(wrong)[0])
    variable = variable_of(parent)
    if variable is not None:
        whose = f"{variable.label()}, which was assigned at {variable.assigned_at()}"
    elif parent is not None and parent.name:
        whose = f"{parent.name!r}"
    else:
        whose = f"its argument {position}" + ("" if parent is None else f", a result of {parent.operation}")
    entries = f"{count} of {array.size} entries, the first {shown_index(first)}" if array.ndim else "its value"
    return (
        f"{name} was given a NaN that nothing here has made: it came in with {whose} ({entries}). Look at the data, or "
        "at what was computed before detect_anomaly was entered"
    )


# -- the diagram -------------------------------------------------------------------------------------------------------


def _made(node: Node | None) -> Node | None:
    """The application that ``node`` is a result of."""
    return node.parents[0] if node is not None and node.primitive is PROJECT else node


def diagram(node: Node, most: int) -> Graph:
    """Graph of ``node`` and the nearest of what it was computed from; what is further away is shown as constants."""
    near: dict[Node, None] = {node: None}
    for each in near_first(node):
        if len(near) > most:
            break
        near[each] = None
    copies: dict[Node, Node] = {}
    for each in sorted_by_use(near):
        copy = Node(each.primitive, each.args, (), each.value, each.params or NO_PARAMS, each.tapes, each.origin)
        copy.parents = tuple(copies.get(parent) if parent is not None else None for parent in each.parents)
        copy.name = each.name
        copies[each] = copy
    with np.errstate(all="ignore"):
        return from_nodes([copies[node]], [copies[node]])


def near_first(node: Node) -> Iterator[Node]:
    """What ``node`` was computed from, nearest first."""
    seen, level = {node}, [node]
    while level:
        above: list[Node] = []
        for each in level:
            for parent in each.parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    above.append(parent)
        yield from above
        level = above


def sorted_by_use(nodes: dict[Node, None]) -> list[Node]:
    """``nodes`` with each after its parents; without recursion."""
    order: dict[Node, None] = {}
    pending = list(nodes)
    while pending:
        node = pending[-1]
        missing = [p for p in node.parents if p is not None and p in nodes and p not in order]
        if node in order or not missing:
            order[pending.pop()] = None
        else:
            pending += missing
    return list(order)
