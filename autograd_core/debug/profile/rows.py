"""From what strands have measured to rows: sums by operation, node, scope or line; and what was held when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .sites import BACKWARD, FORWARD, OPERATION, STEP, TANGENT, Applied, Site
from .strand import Strand


@dataclass(slots=True)
class Row:
    """What one operation, node, scope or line has cost. Times are in seconds, without what was computed inside.

    Attributes
    ----------
    name : str
        The operation, the scope, or the line as ``path:line``.
    calls, backward_calls, tangent_calls : int
        How often something was applied, and how often its rules were asked: for cotangents, and for tangents.
    forward, backward, tangent : float
        Seconds by phase. What rules apply that are recorded themselves is counted as backward, too.
    saved_bytes, result_bytes : int
        What the Nodes keep of their arguments for the backward pass, and what all calls gave.
    peak_bytes : int
        Of what recordings held when it was most, how much came in with this.
    """

    name: str
    calls: int = 0
    backward_calls: int = 0
    tangent_calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    tangent: float = 0.0
    saved_bytes: int = 0
    result_bytes: int = 0
    peak_bytes: int = 0

    @property
    def seconds(self) -> float:
        """All phases together."""
        return self.forward + self.backward + self.tangent

    def add(self, site: Site) -> None:
        """Add what a Site has counted."""
        self.calls += site.calls
        self.backward_calls += site.pulls
        self.tangent_calls += site.pushes
        self.forward += site.seconds[FORWARD]
        self.backward += site.seconds[BACKWARD]
        self.tangent += site.seconds[TANGENT]
        self.saved_bytes += site.saved_bytes
        self.result_bytes += site.result_bytes


NO_SCOPE, NO_LINE = "(no scope)", "(line not known)"


def operation_of(site: Site) -> str:
    """What to call the operation of a Site."""
    return site.operation if site.kind in (OPERATION, STEP) else f"{site.kind}: {site.operation}"


GROUPS: dict[str, Callable[[Site], str]] = {
    "operation": operation_of,
    "scope": lambda site: "/".join(site.scope) or NO_SCOPE,
    "line": lambda site: site.line.place or NO_LINE,
}


def rows_of(strands: Iterable[Strand], by: str, peak: dict[Site, int]) -> list[Row]:
    """A row for each operation, scope or line."""
    name_of = GROUPS[by]
    found: dict[str, Row] = {}
    for strand in strands:
        for site in dict.fromkeys(strand.sites.values()):
            name = name_of(site)
            row = found.get(name)
            if row is None:
                row = found[name] = Row(name)
            row.add(site)
            row.peak_bytes += peak.get(site, 0)
    return [row for row in found.values() if row.calls or row.backward_calls or row.tangent_calls]


def rows_of_nodes(strands: Iterable[Strand]) -> list[Row]:
    """A row for each recorded application."""
    return [_of_node(applied) for strand in strands for applied in strand.applied]


def _of_node(applied: Applied) -> Row:
    site = applied.site
    return Row(
        f"#{applied.number} {operation_of(site)} {applied.shape} {site.line.place or NO_LINE}",
        calls=1,
        backward_calls=applied.pulls,
        tangent_calls=applied.pushes,
        forward=applied.forward or 0.0,
        backward=applied.backward,
        tangent=applied.tangent,
        saved_bytes=applied.saved_bytes,
        result_bytes=applied.result_bytes,
    )


# -- memory ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """What recordings held at one moment.

    Attributes
    ----------
    seconds : float
        Since the profile was opened.
    nbytes : int
    operation, place : str or None
        What has brought the last of it; None where something was let go.
    """

    seconds: float
    nbytes: int
    operation: str | None
    place: str | None


def timeline(strands: Sequence[Strand]) -> list[Moment]:
    """What was held, after each change."""
    opened = min((strand.opened for strand in strands), default=0.0)
    held, found = 0, []
    for when, change, site in _changes(strands):
        held += change
        operation, place = (operation_of(site), site.line.place) if change > 0 else (None, None)
        found.append(Moment(when - opened, held, operation, place))
    return found


def at_peak(strands: Sequence[Strand]) -> dict[Site, int]:
    """Of the bytes held when it was most, how many each Site had brought."""
    changes = _changes(strands)
    held = most = count = 0
    for index, (_, change, _) in enumerate(changes):
        held += change
        if held > most:
            most, count = held, index + 1
    found: dict[Site, int] = {}
    for _, change, site in changes[:count]:
        found[site] = found.get(site, 0) + change
    return found


def _changes(strands: Sequence[Strand]) -> list[tuple[float, int, Site]]:
    changes = [change for strand in strands for change in strand.memory.changes]
    return sorted(changes, key=lambda change: change[0]) if len(strands) > 1 else changes
