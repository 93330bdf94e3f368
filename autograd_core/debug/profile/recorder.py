"""Recorder: stands in for ``primitive.apply``, walks and compiled calls while a profile is open, and measures them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from time import perf_counter
from typing import Any

from ... import recording
from ...details import Details
from ...linearize import LIFT
from ...node import Node, Origin, Setting
from ...primitive import PROJECT, Primitive, apply, binary, unary
from ...recording import Frame, Record
from . import walks
from .sites import FORWARD, PLAN, STEP, TRACE, Line, user_code
from .strand import Strand

_fast: dict[Primitive, dict[int, Callable[..., Any]]] = {}
"""Elementwise primitives of the engine's own table, as functions of one or of two arguments."""

_PASSES_ON = (PROJECT, LIFT, None)


def _fast_function(primitive: Primitive, count: int) -> Callable[..., Any] | None:
    """``primitive`` as a function, for those that ``unary`` and ``binary`` take half the time for; else None."""
    known = _fast.get(primitive)
    if known is None:
        plain = primitive.__class__ is Primitive and primitive.elementwise and primitive.rule_per_argument
        if not plain or primitive.of_one_call or primitive.vjps is None:
            return None
        known = _fast[primitive] = {1: unary(primitive)} if len(primitive.vjps) == 1 else {2: binary(primitive)}
    return known.get(count)


class _Begun(Origin):
    """Origin of a Node that has not been seen yet."""

    __slots__ = ("started",)

    def __init__(self, scope: tuple[str, ...], place: str | None, started: float | None):
        super().__init__(scope, place)
        self.started = started


class Recorder(Details):
    """Measures what is computed in one ``with`` block.

    Parameters
    ----------
    most : int
        So many events are kept at most.
    calls : callable or None
        Told of each compiled call: ``calls(function, plan, leaves)``.
    inside : Details or None
        Who steps in, too, ``detect_anomaly`` say: measured as a part of each operation.
    """

    __slots__ = ("calls", "inside", "most", "owners", "parts", "strands", "thread")

    listens = True

    def __init__(self, most: int, calls: Callable[..., None] | None = None, inside: Details | None = None):
        super().__init__(lines=True, times=True)
        self.most = most
        self.calls = calls
        self.inside = inside
        self.thread = get_ident()
        # The thread's own first. A context that is copied into another thread (asyncio.to_thread) brings the recorder
        # with it: that thread gets a strand of its own.
        self.strands: dict[int, Strand] = {self.thread: Strand(most)}
        self.owners: tuple[Any, ...] = ()  # the profiles that it reports to
        self.parts: list[Recorder] = []  # those of profiles opened inside

    def strand(self) -> Strand:
        """What this thread measures."""
        strand = self.strands.get(get_ident())
        if strand is None:
            strand = self.strands[get_ident()] = Strand(self.most)
        return strand

    @property
    def is_open(self) -> bool:
        """Whether the block has not ended; in an odd order of blocks it may have, and be asked all the same."""
        return self.strands[self.thread].closed is None

    def all_strands(self) -> list[Strand]:
        """What was measured here, and by profiles opened inside."""
        return [*list(self.strands.values()), *(strand for part in self.parts for strand in part.all_strands())]

    def close(self) -> None:
        """Measure no more."""
        for strand in list(self.strands.values()):
            strand.close()

    def around(self, details: Details) -> Details:
        """Who takes notes where ``details`` shall: both; lines and times are noted anyway."""
        if details.__class__ is Details:
            return self
        both = Recorder.__new__(Recorder)
        both.lines = both.times = True
        both.most, both.calls, both.thread, both.strands = self.most, self.calls, self.thread, self.strands
        both.owners, both.parts, both.inside = self.owners, self.parts, details
        return both

    # -- forward ---------------------------------------------------------------------------------------------------

    def apply(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], frame: Frame) -> Any:
        """Apply ``primitive``, and measure it."""
        strand = self.strands.get(get_ident()) or self.strand()
        quiet: Any = frame.quiet or self._quiet(frame)
        run = None if params else _fast_function(primitive, len(args))
        recording.replace(quiet)
        try:
            if run is None:
                start = perf_counter()
                result = apply(primitive, args, params)
                end = perf_counter()
            else:
                start = perf_counter()
                result = run(*args)
                end = perf_counter()
        finally:
            recording.replace(frame)
        if strand.closed is not None:
            return result
        seconds = end - start
        phase = strand.phase
        code, instruction = user_code(3)  # below are this, ``primitive.apply`` and a function of the engine's
        if strand.rule_of is None:
            scope = quiet.origin._scope
            site: Any = strand.sites.get((id(primitive), id(code), instruction, scope))
            if site is None:
                site = strand.site_of(primitive, primitive.name, scope, code, instruction)
        else:
            site = strand.site_of(primitive, primitive.name, quiet.origin._scope, code, instruction)
        site.calls += 1
        site.seconds[phase] += seconds
        strand.inside += seconds
        if len(strand.events) < strand.most:
            strand.events.append((start, end, site, phase, strand.depth, False))
        else:
            strand.left_out += 1
        if result.__class__ is tuple:
            site.result_bytes += sum(part.array.nbytes for part in result)
            made = next((part.node for part in result if part.node is not None), None)
        else:
            site.result_bytes += result.array.nbytes
            made = result.node
        if made is not None:
            strand.record(made, site, seconds, end)
        strand.own += perf_counter() - end
        return result

    def _quiet(self, frame: Frame) -> Frame:
        """The same tapes without measuring; kept at the frame, since a strand must not keep recordings alive."""
        quiet = frame.quiet = frame.within(Setting(None, self.inside, frame.origin))
        quiet.outer = None  # no cycle
        quiet.origin.scope  # noqa: B018  # put together, and remembered there
        return quiet

    def origin(self, setting: Setting, started: float | None) -> Origin:
        """Origin of a Node that is not made by ``apply``, until ``wrote`` has seen it."""
        if self.inside is not None:
            inner = self.inside.origin(setting, started)
            return _Begun(inner.scope, inner.place, started)
        return _Begun(setting.scope, None, started)

    def wrote(self, node: Node) -> None:
        """Measure a Node that was written down by itself: a custom gradient, a checkpoint, an update of entries."""
        begun: Any = node.origin
        strand = self.strand()
        if strand.closed is None and begun.__class__ is _Begun:
            code, instruction = user_code(1)
            site = strand.site_of(node.operation, node.operation, begun.scope, code, instruction)
            if node.primitive not in _PASSES_ON:
                site.calls += 1
                seconds = None if begun.started is None else strand.late(begun.started, site)
                site.seconds[strand.phase] += seconds or 0.0
                strand.record(node, site, seconds, perf_counter())
                site.result_bytes += getattr(node.origin, "result_bytes", 0)
            else:
                node.origin = Origin(begun.scope, Line(code, instruction).place)
        if self.inside is not None:
            self.inside.wrote(node)

    # -- walks -----------------------------------------------------------------------------------------------------

    def timed(self, walk: Callable[..., Any]) -> Callable[..., Any]:
        """A backward walk that is measured."""
        return walks.backward(self.strand(), walk) if self.is_open else walk

    def timed_forward(self, walk: Callable[..., Any]) -> Callable[..., Any]:
        """A walk of forward mode that is measured."""
        return walks.forward(self.strand(), walk) if self.is_open else walk

    # -- compiled functions, and what is not made of operations ----------------------------------------------------

    def call(self, function: Any, leaves: Any, args: Any, keywords: Any, frame: Frame) -> Any:
        """Call a compiled function, and measure it: its trace by itself, where it has to be made."""
        strand = self.strand()
        code, instruction = user_code(1)
        line, scope = Line(code, instruction), frame.origin.scope
        entered = strand.enter()
        start, traces = perf_counter(), function.traces
        try:
            entry = function._entry(leaves, args, keywords)
        except BaseException:
            strand.depth, strand.inside = strand.depth - 1, entered
            raise
        end = perf_counter()
        if function.traces != traces:
            site = strand.site(function.name, TRACE, scope, line)
            site.calls += 1
            site.seconds[strand.phase] += strand.leave(entered, start, end, site)
            entered = strand.enter()
            start = end
        try:
            result = function._run(entry, leaves, args, keywords, frame)
        except BaseException:
            strand.depth, strand.inside = strand.depth - 1, entered
            raise
        end = perf_counter()
        site = strand.site(function.name, PLAN, scope, line)
        site.calls += 1
        site.seconds[strand.phase] += strand.leave(entered, start, end, site)
        if self.calls is not None and not frame.records:
            self.calls(function, entry.plan, args, keywords)
        strand.own += perf_counter() - end
        return result

    def note_time(self, name: str, started: float) -> None:
        """Measure something that has just ended and is no operation: the step of an optimizer."""
        strand = self.strand()
        if strand.closed is None:
            code, instruction = user_code(1)
            site = strand.site(name, STEP, recording.setting_here().scope, Line(code, instruction))
            site.calls += 1
            site.seconds[FORWARD] += strand.late(started, site)

    # -- what the one inside wants to know ---------------------------------------------------------------------------

    @property
    def runs_eagerly(self) -> bool:  # type: ignore[override]
        """As the one inside."""
        return self.inside is not None and self.inside.runs_eagerly

    @property
    def looks(self) -> bool:  # type: ignore[override]
        """As the one inside."""
        return self.inside is not None and self.inside.looks

    def looking(self, nodes: Any, recorded: bool) -> Any:
        """The one inside looks."""
        return self.inside.looking(nodes, recorded)  # type: ignore[union-attr]  # asked only where it looks

    @contextmanager
    def timing(self, times: bool) -> Iterator[None]:
        """Times are noted anyway."""
        yield

    def ended(self, how: str, node: Node | None, variable: Any) -> None:
        """Tell the one inside."""
        if self.inside is not None:
            self.inside.ended(how, node, variable)

    def pause(self, record: Record) -> None:
        """Tell the one inside."""
        if self.inside is not None:
            self.inside.pause(record)

    def go_on(self, record: Record) -> None:
        """Tell the one inside."""
        if self.inside is not None:
            self.inside.go_on(record)

    def moved(self, tensor: Any, node: Node | None) -> None:
        """Tell the one inside."""
        if self.inside is not None:
            self.inside.moved(tensor, node)
