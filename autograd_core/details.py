"""``record_details``: where in the user's program each operation was written, and how long it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from . import recording
from .node import Node, Origin, Setting
from .primitive import PROJECT, Primitive, apply
from .recording import Frame, Record
from .symbol import user_line


@contextmanager
def record_details(lines: bool = True, times: bool = True) -> Iterator[None]:
    """Context manager: tapes note the user's line and the time of each operation, for diagrams.

    Off unless asked for: recording an operation then takes some microseconds more. Shown by ``GraphNode.place`` and
    ``GraphNode.seconds``. The gradients are the same. Inside another ``record_details`` the inner one holds. Inside of
    a traced function (``autograd_core.function``) nothing is noted: a plan has lines of its own.

    Parameters
    ----------
    lines : bool
        Note the innermost line that is not one of this library or of NumPy.
    times : bool
        Note how long each operation took, forward: its computation, and the two microseconds that it takes to apply
        and record it.

    Examples
    --------
    >>> import autograd_core as ag
    >>> w = ag.Variable(3.0, name="w")
    >>> with ag.record_details(), ag.GradientTape() as tape:
    ...     y = w * w
    >>> ag.graph(y).nodes[-1].seconds > 0
    True
    """
    outer = recording.setting_here().details
    if outer is not None and (outer.runs_eagerly or outer.listens):  # they go on, and note lines anyway
        with outer.timing(times):
            yield
        return
    recording.note(Details(lines, times) if lines or times else None)
    try:
        yield
    finally:
        recording.leave()


class Details:
    """Applies primitives in place of ``primitive.apply``, and notes line and time of the Nodes that come of it."""

    __slots__ = ("lines", "times")

    runs_eagerly = False
    """Whether compiled functions shall be run operation by operation."""

    looks = False
    """Whether walks are looked at, too: see ``debug.anomaly``."""

    listens = False
    """Whether operations outside of all tapes are of interest, too: see ``recording.listen``."""

    def __init__(self, lines: bool, times: bool):
        self.lines = lines
        self.times = times

    @contextmanager
    def timing(self, times: bool) -> Iterator[None]:
        """Note times meanwhile, or not."""
        before, self.times = self.times, times
        try:
            yield
        finally:
            self.times = before

    def apply(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], frame: Frame) -> Any:
        """Apply ``primitive`` as without details, and note them."""
        recording.replace(frame.within(Setting(None, None, frame.origin)))
        try:
            start = perf_counter()
            result = apply(primitive, args, params)
            seconds = perf_counter() - start
        finally:
            recording.replace(frame)
        results = result if result.__class__ is tuple else (result,)
        made = [part.node for part in results if part.node is not None]
        if made:
            origin = Origin(frame.origin.scope, self._line(), seconds if self.times else None)
            for node in made:
                _note(node, origin)
        return result

    def origin(self, setting: Setting, started: float | None) -> Origin:
        """Origin of a Node that is not made by ``apply``; its time is known if it says when it started."""
        seconds = perf_counter() - started if self.times and started is not None else None
        return Origin(setting.scope, self._line(), seconds)

    def ended(self, how: str, node: Node | None, variable: Any) -> None:
        """Hear that a value leaves what is recorded: ``Frame.note_end``."""

    def pause(self, record: Record) -> None:
        """Hear that a tape pauses; and, with ``go_on``, that it is back."""

    go_on = pause

    def moved(self, tensor: Any, node: Node | None) -> None:
        """Hear that the handle ``tensor``, which stood for ``node``, goes on as another value (``x += y``)."""

    def around(self, details: Details) -> Details:
        """Who takes notes where ``details`` shall, inside of this one: the inner one holds."""
        return details

    def timed(self, walk: Callable[..., Any]) -> Callable[..., Any]:
        """The backward walk, for those who measure it; and ``timed_forward`` that of forward mode."""
        return walk

    timed_forward = timed

    def call(self, function: Any, leaves: Any, args: Any, keywords: Any, frame: Frame) -> Any:
        """Call a compiled function."""
        return function._run(function._entry(leaves, args, keywords), leaves, args, keywords, frame)

    def note_time(self, name: str, started: float) -> None:
        """Hear that something has just ended that is no operation and began at ``started``."""

    def wrote(self, node: Node) -> None:
        """Look at a Node that was not made by ``apply``; for those who do more than take notes."""

    def _line(self) -> str | None:
        return user_line() if self.lines else None


def _note(node: Node, origin: Origin) -> None:
    """Note ``origin`` at a Node; at the application that it is a result of, too, and the time only there."""
    if node.primitive is PROJECT:
        node.parents[0].origin = origin  # type: ignore[union-attr]  # the Node with all results
        origin = Origin(origin.scope, origin.place)
    node.origin = origin
