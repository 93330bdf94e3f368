"""audit: what the caller gets: a row for each node, worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph import Graph, GraphNode
from ...graph.text import table, title
from ...primitive import PROJECT
from ...tensor import Tensor
from .faults import Fault, Judge, NodeErrors
from .recorded import Recorded, check
from .replay import Replay
from .rewrites import Rewrite, suggestions

_SHOWN = 20  # rows of the table


@dataclass(frozen=True, eq=False, slots=True)
class AuditRow:
    """What an audit says about one node.

    Attributes
    ----------
    node : GraphNode
        Of ``Audit.graph``.
    value, gradient : NodeErrors or None
        Relative errors of the value, and of its cotangent: the largest of all entries. ``born`` is the operation's own
        error on the inputs that the program handed it, ``inherited`` what the program's number is off from that of the
        same program in higher precision. NaN where it is not known; entries of a
        gradient that are 0 in higher precision are left out. None for a value that no gradient goes through.
    fault : Fault or None
        What goes wrong here: its ``kind``, ``where``, ``message``.
    rewrite : Rewrite or None
        A stabler formula for the one that a fault is part of: ``written`` and ``better``.
    replayed : bool
        Whether forward function and rule ran in higher precision; False where they know no wider dtype (LAPACK).
    """

    node: GraphNode
    value: NodeErrors
    gradient: NodeErrors | None
    fault: Fault | None
    rewrite: Rewrite | None
    replayed: bool

    def __str__(self) -> str:
        said = f"{title(self.node)}: value off by {_written(self.value.inherited)}"
        if self.gradient is not None:
            said += f", gradient by {_written(self.gradient.inherited)}"
        if self.fault is not None:
            said += f"; {self.fault.kind} ({self.fault.where}): {self.fault.message}"
        return said + (f"; write {self.rewrite}" if self.rewrite is not None else "")


class Audit:
    """A program's rounding errors, node by node.

    Attributes
    ----------
    rows : tuple of AuditRow
        Worst first: those with a fault by its severity, then the others by their errors.
    graph : Graph
        What was recorded; its nodes are those of the rows.
    precision : str
        The dtype of the replay.
    notes : tuple of str
        What could not be replayed, and why.
    """

    def __init__(self, recorded: Recorded):
        replay = Replay(recorded)
        judge = Judge(replay)
        self.graph: Graph = recorded.graph
        self.precision = replay.precision.name
        known = suggestions(self.graph)
        rows: dict[GraphNode, AuditRow] = {}
        for node, errors in judge.values.items():
            shown = self.graph.find(Tensor(node.value, node))[0]
            if shown in rows:
                continue  # another reading of the same value of a Variable
            fault = judge.judge(node)
            refused = node in replay.refused or node in replay.refused_backward
            rewrite = known.get(shown.index) if fault is not None else None
            rows[shown] = AuditRow(shown, errors, judge.cotangents.get(node), fault, rewrite, not refused)
        self.rows = tuple(sorted(rows.values(), key=_badness))
        self.notes = tuple(_notes(replay, self.rows))

    @property
    def faults(self) -> tuple[AuditRow, ...]:
        """Rows with a fault, worst first."""
        return tuple(row for row in self.rows if row.fault is not None)

    @property
    def worst(self) -> AuditRow:
        """The first row."""
        return self.rows[0]

    def row(self, which: Any) -> AuditRow:
        """Row of one node: a GraphNode, or a name, as ``Graph.node`` takes it; arguments are called ``args[0]``."""
        node = self.graph.node(which)
        return next(row for row in self.rows if row.node is node)

    def __str__(self) -> str:
        head = ("node", "value: born", "inherited", "gradient: born", "inherited", "fault", "line")
        rows = [
            (
                f"#{row.node.index} {title(row.node)}",
                _written(row.value.born),
                _written(row.value.inherited),
                "" if row.gradient is None else _written(row.gradient.born),
                "" if row.gradient is None else _written(row.gradient.inherited),
                "" if row.fault is None else f"{row.fault.kind} ({row.fault.where})",
                row.node.place or "",
            )
            for row in self.rows[:_SHOWN]
        ]
        lines = [f"Replayed in {self.precision}: relative errors, worst first.", table([head, *rows], "<>>>><<")]
        if len(self.rows) > _SHOWN:
            lines.append(f"... and {len(self.rows) - _SHOWN} more nodes")
        lines += [f"#{row.node.index} {row}" for row in self.faults]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return f"<Audit: {len(self.rows)} nodes, {len(self.faults)} with a fault>"


def audit(f: Callable[..., Any], args: Any) -> Audit:
    """Replay what ``f`` computes in higher precision, and say at which operations digits are lost.

    Parameters
    ----------
    f : callable
        Returns a Tensor, or a nested structure of Tensors. Their sum is what the gradients are of.
    args : tuple or list
        The positional arguments of ``f``: nested structures; a single one may be given bare. Floating entries are
        differentiated. Trainable Variables that ``f`` reads are too.

    Returns
    -------
    Audit
        ``print`` shows its table; ``.worst`` is where to begin.

    Raises
    ------
    ConversionError
        If nothing of the result was recorded.

    Notes
    -----
    Programs in float32 are replayed in float64, programs in float64 in the platform's long double (80 bits on x86; on
    platforms where it has no more than 64 the errors are 0, and a note says so). Arguments and constants are taken as
    the program had them, rounded. A program that would take another branch in higher precision is replayed on the
    branch that it took.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> found = ag.testing.audit(lambda x: np.log(1 + x), np.float32(1e-5))
    >>> found.worst.fault.kind, str(found.worst.rewrite)
    ('amplification', 'log(1 + x) -> log1p(x)')
    """
    if not callable(f):
        raise TypeError(f"audit: expected a function and its arguments; got {type(f).__name__}.")
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    recorded = Recorded(f, args)
    check(args, recorded.nodes)
    return Audit(recorded)


def _badness(row: AuditRow) -> tuple[Any, ...]:
    size = max(row.value.inherited, 0.0 if row.gradient is None else row.gradient.inherited)
    size = 0.0 if np.isnan(size) else size
    if row.fault is None:
        return (2, 0.0, 0, -size, row.node.index)
    # Beyond 1 nothing is left: then the first in the program is where to begin. A gradient loses its digits by the same
    # formula as the value, so the value goes first.
    return (int(row.fault.where == "gradient"), -min(row.fault.severity, 1.0), row.node.index, -size, row.node.index)


def _written(error: float) -> str:
    return "unknown" if np.isnan(error) else "0" if error == 0 else f"{error:.1e}"


def _notes(replay: Replay, rows: Sequence[AuditRow]) -> list[str]:
    notes = []
    if not replay.precision.is_wider:
        notes.append(
            "long double has no more digits than float64 on this platform, so no error of a float64 program can be "
            "seen; run the program in float32."
        )
    refused = dict.fromkeys(
        node.operation
        for node in replay.recorded.nodes
        if (node in replay.refused or node in replay.refused_backward) and node.primitive is not PROJECT
    )
    if refused:
        notes.append(
            f"{', '.join(refused)} cannot be computed in {replay.precision.name} and ran in the program's own "
            "precision: errors born there are not known, and those after it only in part."
        )
    return notes
