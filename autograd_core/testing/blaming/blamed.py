"""What ``blame`` finds: the operation that is wrong, alone, as a picture, as text and in a sentence."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import AutogradError, GraphError
from ...graph import Graph, render_drawing
from ...graph.labels import note_row, table
from ...node import Node
from .calls import call_of
from .local import Local, Run
from .sources import Source


class WrongRule:
    """One operation with a wrong rule.

    Attributes
    ----------
    node : Node
        As it was recorded.
    operation : str
    place : str or None
        Line of the user's program in which it was applied, as ``path:line``.
    arguments : tuple of array
        The smallest inputs found at which it is wrong.
    names : tuple of str
        What to call them.
    error : GradientCheckError
        What the check says of the operation alone.
    order : int
        Which derivative of the operation is wrong: 1, or 2 if the first is right.
    via : str or None
        The operation of the program whose rule applied this one, where it is not in the program itself.
    """

    def __init__(
        self,
        local: Local,
        error: AutogradError,
        order: int,
        modes: tuple[str, ...],
        found: Local,
        via: Any,
        outside: str = "",
    ):
        self.local = local
        self.node: Node = found.node
        self.operation = found.node.operation
        place = (via or found).node.origin.place
        self.place = None if place == outside else place
        self.arguments = local.points
        self.names = local.names
        self.error = error
        self.order = order
        self.modes = modes
        self.via = None if via is None else via.node.operation

    @property
    def function(self) -> Callable[..., Any]:
        """The operation as a function of ``arguments``."""
        return self.local.function

    @property
    def code(self) -> str:
        """Text to paste into a file: the operation alone, its inputs, and the check that fails."""
        return self.source().text()

    def source(self) -> Source:
        """``code`` in parts."""
        return call_of(self.local, self.order, self.modes)

    def graph(self) -> Graph:
        """The operation and its inputs."""
        return self.local.graph()

    def wrong_inputs(self) -> list[str]:
        """Names of the inputs whose derivative is wrong."""
        return [self.names[index] for index in wrong_positions(self.error) if index < len(self.names)]

    def render(self, path: str | PathLike[str]) -> Path:
        """Picture of ``graph()``, with the wrong edge marked, in a file; as ``Graph.render``."""
        shown = self.graph()
        wrong = self.wrong_inputs()
        highlight = (wrong[0], shown.targets[0]) if wrong and len(shown.targets) == 1 else None
        try:
            drawing = shown.draw(highlight=highlight)
        except GraphError:  # no edge leads there: that is the fault
            drawing = shown.draw()
        said = [f"{line[:1].upper()}{line[1:]}." for line in numbers(self.error, self.names)]
        notes = [f"The rule of {self.operation} is wrong.", *said]
        drawing.graph_attr.update(label=table(*map(note_row, notes)), labelloc="b", labeljust="l")
        return render_drawing(drawing, path)

    def __str__(self) -> str:
        at = f", applied at {self.place}," if self.place else ""
        through = f", which the rule of {self.via} applies" if self.via else ""
        which = "rule" if self.order == 1 else "second derivative"
        said = "; ".join(numbers(self.error, self.names)) or str(self.error)
        return f"The {which} of {self.operation}{through}{at} is wrong: {said}"


class Blame:
    """What ``blame`` found; false if nothing is wrong.

    Attributes
    ----------
    faults : tuple of WrongRule
        Operations whose rules are wrong: those of the user first, and then in the order of the program.
    node, operation, place, code
        Of the first of them; None if there is none.
    arguments : tuple or None
        The smallest inputs found at which that operation is wrong; where none is, the smallest arguments found at which
        the whole function is.
    explanation : str
        What is wrong where no single operation is; empty if one is, or if nothing is wrong.
    error : GradientCheckError or None
        What ``check_grads`` says of the whole function, where that was asked.
    has_own : bool
        Whether the program applies operations of the user's own.
    skipped : tuple of str
        Operations that could not be checked by themselves.
    """

    def __init__(
        self,
        run: Run | None,
        faults: Sequence[WrongRule],
        explanation: str,
        error: Any,
        skipped: Sequence[str],
        arguments: tuple[Any, ...] | None = None,
    ):
        self._run = run
        self.faults = tuple(faults)
        self.explanation = explanation
        self.error = error
        self.skipped = tuple(skipped)
        self.arguments = self.faults[0].arguments if self.faults else arguments
        self.has_own = run is not None and any(local.is_own for local in run.locals)

    def _first(self, name: str) -> Any:
        return getattr(self.faults[0], name) if self.faults else None

    @property
    def node(self) -> Node | None:
        """The recorded operation whose rule is wrong."""
        return self._first("node")

    @property
    def operation(self) -> str | None:
        """Its name."""
        return self._first("operation")

    @property
    def place(self) -> str | None:
        """The line of the user's program in which it was applied, as ``path:line``."""
        return self._first("place")

    @property
    def code(self) -> str | None:
        """Text to paste into a file: the operation alone, its inputs, and the check that fails."""
        return self._first("code")

    def graph(self) -> Graph:
        """The smallest wrong graph: the operation and its inputs; all of the program where none is to blame."""
        if self.faults:
            return self.faults[0].graph()
        if self._run is None or not self._run.outs:
            raise GraphError("blame: nothing of the function was recorded, so there is no graph to show.")
        return self._run.graph()

    def render(self, path: str | PathLike[str]) -> Path:
        """``graph()`` as a picture, with the wrong edge marked; as ``Graph.render``."""
        if self.faults:
            return self.faults[0].render(path)
        drawing = self.graph().draw()
        lines = [part for line in self.explanation.splitlines() for part in textwrap.wrap(line, 100)][:8]
        if lines:
            drawing.graph_attr.update(label=table(*map(note_row, lines)), labelloc="b", labeljust="l")
        return render_drawing(drawing, path)

    def __bool__(self) -> bool:
        return bool(self.faults or self.explanation)

    def __str__(self) -> str:
        unchecked = f" Not checked by itself: {', '.join(self.skipped)}." if self.skipped else ""
        if self.faults:
            return "\n".join(map(str, self.faults)) + unchecked
        if self.explanation:
            return self.explanation + unchecked
        return f"Nothing is wrong: every operation agrees with differences, and so does the whole.{unchecked}"


def wrong_positions(error: Any) -> list[int]:
    """Which arguments a failed check names, by number."""
    report = getattr(error, "report", None)
    names = [each.name for each in report.verdicts if each.verdict == "wrong"] if report is not None else []
    found = re.findall(r"args\[(\d+)\]", " ".join(names) or str(error))
    return list(dict.fromkeys(int(number) for number in found))


def numbers(error: Any, names: Sequence[str]) -> list[str]:
    """Both numbers for each input that is wrong, as lines."""
    report = getattr(error, "report", None)
    lines: dict[str, str] = {}
    for each in () if report is None else report.verdicts:
        position = re.match(r"args\[(\d+)\]", each.name)
        if each.verdict != "wrong" or np.isnan([each.by_rule, each.numerical]).all() or position is None:
            continue
        name = names[int(position[1])] if int(position[1]) < len(names) else each.name
        which = "derivative" if each.order == 1 else "second derivative"
        rule = "JVP rule" if each.mode == "fwd" else "rule"
        where = f"the {which} in {name}{list(each.entry) if each.entry else ''}"
        both = f"is {each.by_rule:.6g} by its {rule}, {each.numerical:.6g} by differences"
        lines.setdefault(name, f"{where} {both}")
    return list(lines.values())
