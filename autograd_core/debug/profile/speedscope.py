"""The flame graph, in the format of https://www.speedscope.app: "evented" profiles of opened and closed frames.

Each event stands in its phase, its scopes and its line. Those frames stay open from one event to the next as long as
both are in them, so that what is white inside of a line is Python between its operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .recorder import Recorder
from .rows import operation_of
from .sites import BACKWARD, FORWARD, OPERATION, PLAN, TANGENT, Site
from .strand import Event, Strand

SCHEMA = "https://www.speedscope.app/file-format-schema.json"

_PHASES = {FORWARD: "forward", BACKWARD: "backward", TANGENT: "tangents (forward mode)"}

Frame = tuple[str, str | None, int | None]
"""Name, file and line."""


def document(recorders: Sequence[Recorder]) -> dict[str, Any]:
    """Everything that was measured, as what is to be written as JSON."""
    frames: dict[Frame, int] = {}
    profiles = []
    for recorder in recorders:
        profiles += [_profile(strands, frames) for strands in _by_thread(recorder).values()]
    shared = [{"name": name, **({"file": file, "line": line} if file else {})} for name, file, line in frames]
    return {
        "$schema": SCHEMA, "name": "autograd_core.profile", "activeProfileIndex": 0 if profiles else None,
        "exporter": "autograd_core", "shared": {"frames": shared}, "profiles": profiles,
    }  # fmt: skip


def _by_thread(recorder: Recorder) -> dict[int, list[Strand]]:
    """What each thread has measured, here and in profiles opened inside: one flame graph for each."""
    found: dict[int, list[Strand]] = {}
    pending = [recorder]
    while pending:
        each = pending.pop(0)
        for thread, strand in list(each.strands.items()):
            found.setdefault(thread, []).append(strand)
        pending += each.parts
    return found


def _profile(strands: Sequence[Strand], frames: dict[Frame, int]) -> dict[str, Any]:
    opened = min(strand.opened for strand in strands)
    ended = max(strand.opened + strand.seconds for strand in strands)
    writer = _Writer(opened, frames)
    for event in sorted((event for strand in strands for event in strand.events), key=lambda each: (each[0], each[4])):
        writer.add(event)
    writer.close_to(0)
    return {
        "type": "evented", "name": strands[0].name, "unit": "seconds", "startValue": 0.0,
        "endValue": max(ended - opened, writer.now), "events": writer.written,
    }  # fmt: skip


class _Writer:
    """Writes frames as they open and close, in the order of time, whatever the clock has said."""

    def __init__(self, opened: float, frames: dict[Frame, int]):
        self.opened = opened
        self.frames = frames
        self.written: list[dict[str, Any]] = []
        self.now = 0.0
        self.stack: list[tuple[Frame, float, int]] = []  # frame, its end, and the depth of the event it belongs to

    def add(self, event: Event) -> None:
        """Write an event; those inside of it come after it."""
        start, end, site, phase, depth, rule = event
        own = _path(site, phase, rule)
        start, end = start - self.opened, end - self.opened
        keep = 0
        outer = len(self.stack)
        while outer and self.stack[outer - 1][2] >= depth:
            outer -= 1
        if depth:  # inside of another event: without its phase and scopes, and the line only if it is another
            own = [frame for frame in own[-2:] if all(frame != open_ for open_, *_ in self.stack[:outer])] or own[-1:]
        wanted = own[:-1]
        while outer + keep < len(self.stack) and keep < len(wanted) and self.stack[outer + keep][0] == wanted[keep]:
            keep += 1
        self.close_to(outer + keep)
        for frame in wanted[keep:]:
            self._open(frame, start, depth)
        for at in range(outer, len(self.stack)):
            frame, until, of = self.stack[at]
            self.stack[at] = (frame, max(until, end), of)
        self._open(own[-1], start, depth)
        self.stack[-1] = (own[-1], end, depth)

    def _open(self, frame: Frame, start: float, depth: int) -> None:
        self.now = max(self.now, start)
        self.written.append({"type": "O", "frame": self._number(frame), "at": self.now})
        self.stack.append((frame, self.now, depth))

    def close_to(self, count: int) -> None:
        """Close all open frames but the outermost ``count``."""
        while len(self.stack) > count:
            frame, end, _ = self.stack.pop()
            self.now = max(self.now, end)
            self.written.append({"type": "C", "frame": self._number(frame), "at": self.now})

    def _number(self, frame: Frame) -> int:
        return self.frames.setdefault(frame, len(self.frames))


def _path(site: Site, phase: int, rule: bool) -> list[Frame]:
    """Frames around an event, and its own: phase, scopes, line, operation."""
    file, _, number = (site.line.place or "").rpartition(":")
    line = int(number) if number.isdigit() else None
    frames: list[Frame] = [(_PHASES[phase], None, None)] if site.kind in (OPERATION, PLAN) else []
    frames += [(f"scope {name}", None, None) for name in site.scope]
    if file:
        frames.append((f"{file.replace(chr(92), '/').rpartition('/')[2]}:{number}", file, line))
    name = operation_of(site)
    if rule:
        name = f"{name}: {'tangent' if phase == TANGENT else 'backward'}"
    return [*frames, (name, file or None, line)]
