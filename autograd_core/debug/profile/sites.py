"""Site: one operation at one line in one scope, with what all its applications cost. Applied: one of them."""

from __future__ import annotations

import sys
from typing import Any

from ...node import Origin
from ...symbol import user_frame

FORWARD, BACKWARD, TANGENT = range(3)
"""In which phase something was computed: as the program says, on the way back, or for tangents in forward mode."""

OPERATION, PLAN, TRACE, STEP = "operation", "compiled call", "trace and compile", "step"
"""What a Site is."""


class Line:
    """A line of a program; which one is looked up when somebody asks, since that takes longer than an operation."""

    __slots__ = ("_place", "code", "instruction")

    def __init__(self, code: Any, instruction: int, place: str | None = None):
        self.code = code
        self.instruction = instruction
        self._place = place

    @property
    def place(self) -> str | None:
        """``path:line``; None if it is not known."""
        if self._place is None and self.code is not None:
            found = [line for start, stop, line in self.code.co_lines() if start <= self.instruction < stop]
            line = found[0] if found and found[0] is not None else self.code.co_firstlineno
            self._place = f"{self.code.co_filename}:{line}"
        return self._place


NOWHERE = Line(None, 0)

_ours: dict[str, bool] = {}
"""Whether a module of this name is one of the engine's or of NumPy's; as ``symbol.user_frame`` says, but faster."""


def user_code(depth: int) -> tuple[Any, int]:
    """Code and instruction of the innermost frame of the user's, looked for from ``depth`` frames above the caller."""
    frame: Any = sys._getframe(depth + 1)
    while True:
        name = frame.f_globals.get("__name__", "")
        ours = _ours.get(name)
        if ours is None:
            ours = _ours[name] = user_frame(frame) is not frame
        if not ours or frame.f_back is None:
            return frame.f_code, frame.f_lasti
        frame = frame.f_back


class Site:
    """An operation at a line in a scope.

    Attributes
    ----------
    operation : str
    kind : str
        "operation", "compiled call", "trace and compile", or "step": something that is not made of operations.
    scope : tuple of str
    line : Line
    calls, pulls, pushes : int
        How often it was applied, its rules asked on a way back, and for tangents.
    seconds : list of float
        Of its own, without what was computed inside and is counted elsewhere: by phase.
    result_bytes, saved_bytes : int
        Of all applications: what they gave, and what their Nodes keep of their arguments.
    home : Strand or None
        Which counts here.
    stands_for : object
        Kept, since it is told apart by its identity.
    """

    __slots__ = (
        "calls", "home", "kind", "line", "operation", "pulls", "pushes", "result_bytes", "saved_bytes", "scope",
        "seconds", "stands_for",
    )  # fmt: skip

    def __init__(
        self,
        operation: str,
        kind: str,
        scope: tuple[str, ...],
        line: Line,
        home: Any = None,
        stands_for: Any = None,
    ):
        self.operation = operation
        self.home = home
        self.stands_for = stands_for
        self.kind = kind
        self.scope = scope
        self.line = line
        self.calls = self.pulls = self.pushes = 0
        self.seconds = [0.0, 0.0, 0.0]
        self.result_bytes = self.saved_bytes = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two Sites one, whoever has made them."""
        return self.operation, self.kind, self.scope, self.line.place

    def add(self, other: Site) -> None:
        """Add what another Site of the same key has counted."""
        self.calls += other.calls
        self.pulls += other.pulls
        self.pushes += other.pushes
        self.seconds = [mine + its for mine, its in zip(self.seconds, other.seconds, strict=True)]
        self.result_bytes += other.result_bytes
        self.saved_bytes += other.saved_bytes


class Applied(Origin):
    """One application at a Site: the origin of its Node, so that whoever meets the Node can note what it costs.

    Attributes
    ----------
    site : Site
    number : int
        Applications are numbered in the order of the recording.
    forward : float or None
        Seconds; None if nobody has measured it.
    backward, tangent : float
    shape : tuple
        Of the result, or of each result.
    """

    __slots__ = (
        "backward", "forward", "number", "pulls", "pushes", "result_bytes", "saved_bytes", "shape", "site", "tangent",
    )  # fmt: skip

    site: Site
    number: int
    forward: float | None
    backward: float
    tangent: float
    pulls: int
    pushes: int
    result_bytes: int
    saved_bytes: int
    shape: Any

    @property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.site.scope

    @property
    def place(self) -> str | None:  # type: ignore[override]
        return self.site.line.place

    @property
    def seconds(self) -> float | None:  # type: ignore[override]
        """Forward, backward and tangents together."""
        rules = self.backward + self.tangent
        return rules or None if self.forward is None else self.forward + rules


_new = Applied.__new__


def applied_at(site: Site, number: int, phase: int, seconds: float | None) -> Applied:
    """One application; made without a call of ``__init__``, which takes longer than all of this."""
    applied = _new(Applied)
    applied.site = site
    applied.number = number
    applied.backward = applied.tangent = 0.0
    applied.pulls = applied.pushes = applied.result_bytes = applied.saved_bytes = 0
    applied.forward = seconds
    if phase:  # applied by a rule
        applied.forward = None if seconds is None else 0.0
        if phase == BACKWARD:
            applied.backward = seconds or 0.0
        else:
            applied.tangent = seconds or 0.0
    return applied
