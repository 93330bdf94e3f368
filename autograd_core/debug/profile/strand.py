"""Strand: what one thread of a profile has measured, event after event."""

from __future__ import annotations

from threading import current_thread
from time import perf_counter
from typing import Any

from ...linearize import LIFT
from ...node import Node
from ...primitive import PROJECT
from .memory import Memory
from .sites import BACKWARD, FORWARD, NOWHERE, OPERATION, Applied, Line, Site, applied_at

Event = tuple[float, float, Site, int, int, bool]
"""Something that took time: start, end, Site, phase, depth, and whether it was a rule. A plain tuple, made fastest."""


class Strand:
    """What one thread measures.

    Attributes
    ----------
    sites : dict
        By what tells them apart quickly while measuring; ``Site.key`` says which are the same.
    events : list of Event
        In the order in which they ended, at most ``most``; ``left_out`` counts the others.
    applied : list of Applied
        What was recorded by tapes, at most ``most``.
    inside : float
        Seconds of the events that have ended at the present depth.
    own : float
        Seconds that the measuring itself has taken, as far as it can measure that.
    """

    def __init__(self, most: int):
        self.name = current_thread().name
        self.sites: dict[Any, Site] = {}
        self.events: list[Event] = []
        self.applied: list[Applied] = []
        self.most = most
        self.left_out = 0
        self.number = 0
        self.memory = Memory(most)
        self.phase = FORWARD
        self.depth = 0
        self.inside = self.own = 0.0
        self.opened = perf_counter()
        self.closed: float | None = None
        self.walked_from: tuple[Any, int] = (None, 0)  # the user's line in which the present walk was started
        self.rule_of: Site | None = None  # whose rule is being asked

    @property
    def seconds(self) -> float:
        """How long it was open; up to now, if it is."""
        return (perf_counter() if self.closed is None else self.closed) - self.opened

    def close(self) -> None:
        """Measure no more."""
        self.closed = perf_counter()
        self.memory.noting = False

    # -- where something is ----------------------------------------------------------------------------------------

    def site_of(self, operation: Any, name: str, scope: tuple[str, ...], code: Any, instruction: int) -> Site:
        """The Site of ``operation``, a Primitive, applied in this line of the user's."""
        rule = self.rule_of
        if rule is not None and instruction == self.walked_from[1] and code is self.walked_from[0]:
            # Applied by a rule: at the line, and in the scope, of what the rule is of.
            return self.site(name, OPERATION, rule.scope, rule.line)
        key = (id(operation), id(code), instruction, scope)
        site = self.sites.get(key)
        if site is None:
            site = self.sites[key] = Site(name, OPERATION, scope, Line(code, instruction), self, operation)
        return site

    def site(self, name: str, kind: str, scope: tuple[str, ...], line: Line) -> Site:
        """A Site by what it says."""
        key = (name, kind, scope, line.place)
        site = self.sites.get(key)
        if site is None:
            site = self.sites[key] = Site(name, kind, scope, line, self)
        return site

    def site_of_node(self, node: Node) -> tuple[Site, Applied | None]:
        """The Site of a recorded application, and what is noted of it; also if it was recorded before the profile."""
        if node.primitive is PROJECT:
            node = node.parents[0]  # type: ignore[assignment]
        origin: Any = node.origin
        if origin.__class__ is not Applied:
            place = origin.place
            line = NOWHERE if place is None else Line(None, 0, place)
            return self.site(node.operation, OPERATION, origin.scope, line), None
        site = origin.site
        if site.home is self:
            return site, origin
        return self.site(site.operation, site.kind, site.scope, site.line), origin  # of another thread or profile

    # -- what happens ----------------------------------------------------------------------------------------------

    def event(self, start: float, end: float, site: Site, rule: bool = False) -> None:
        """Note an event that has just ended, without anything inside."""
        if len(self.events) < self.most:
            self.events.append((start, end, site, self.phase, self.depth, rule))
        else:
            self.left_out += 1

    def enter(self) -> float:
        """Go one deeper; gives the seconds counted so far, for ``leave``."""
        before, self.inside = self.inside, 0.0
        self.depth += 1
        return before

    def leave(self, before: float, start: float, end: float, site: Site, rule: bool = False) -> float:
        """Come back out of an event, and note it; gives its own seconds."""
        own = end - start - self.inside
        self.inside = before + end - start
        self.depth -= 1
        self.event(start, end, site, rule)
        return own

    def late(self, started: float, site: Site) -> float:
        """Note an event that nobody knew of when it began; gives its own seconds: what has ended since was inside."""
        end = perf_counter()
        inner, at = 0.0, len(self.events)
        while at and self.events[at - 1][0] >= started:
            at -= 1
            start, stop, of, phase, depth, rule = self.events[at]
            if depth < self.depth:
                break
            if depth == self.depth:
                inner += stop - start
            self.events[at] = (start, stop, of, phase, depth + 1, rule)
        if self.left_out and not inner:
            inner = end - started  # what was inside is not known any more
        self.inside += end - started - inner
        self.event(started, end, site)
        return end - started - inner

    def record(self, node: Node, site: Site, seconds: float | None, now: float) -> None:
        """Note an application that a tape has recorded."""
        if node.primitive is PROJECT:
            node = node.parents[0]  # type: ignore[assignment]
        elif node.primitive is LIFT:
            return
        self.number += 1
        applied: Any = applied_at(site, self.number, self.phase, seconds)
        node.origin = applied
        self.memory.hold(node, applied, now)
        if self.number <= self.most:
            self.applied.append(applied)


def add_rule(site: Site, applied: Applied | None, phase: int, seconds: float, counts: bool) -> None:
    """Count what a Node's rules took in a walk; the parts of a result, which do not count, have only a time."""
    site.seconds[phase] += seconds
    if phase == BACKWARD:
        site.pulls += counts
        if applied is not None:
            applied.backward += seconds
            applied.pulls += counts
    else:
        site.pushes += counts
        if applied is not None:
            applied.tangent += seconds
            applied.pushes += counts
