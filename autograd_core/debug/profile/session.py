"""Profile: what ``ag.profile()`` gives, open inside its ``with`` block and to be read afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from threading import get_ident
from typing import Any

from ... import recording
from ...details import Details
from ...errors import DomainError, TapeError
from ...graph import Graph, graph
from . import rows as made
from .alive import Alive, alive_in
from .kernels import Kernels
from .recorder import Recorder
from .rows import GROUPS, Moment, Row
from .speedscope import document
from .strand import Strand
from .table import html_table, text_table

MOST_EVENTS = 1_000_000

SORTS: dict[str, Callable[[Row], float]] = {
    "time": lambda row: row.seconds,
    "forward": lambda row: row.forward,
    "backward": lambda row: row.backward,
    "calls": lambda row: row.calls,
    "saved": lambda row: row.saved_bytes,
    "results": lambda row: row.result_bytes,
    "peak": lambda row: row.peak_bytes,
}


def profile(kernels: bool = False, events: int = MOST_EVENTS) -> Profile:
    """Context manager: measure what is computed inside, forward and backward.

    Parameters
    ----------
    kernels : bool
        Also time the kernels inside of each plan of a compiled function, once, when it is first called.
    events : int
        So many events are kept for the flame graph and the time line of memory, about 150 bytes for each. What comes
        after them is counted in the tables all the same.

    Returns
    -------
    Profile
        To be entered: ``with ag.profile() as prof:``. ``print(prof)`` shows its table.

    Notes
    -----
    It measures one thread, and the asyncio tasks started inside; ``with prof:`` in another thread adds that thread to
    it. Entered again it goes on. In a ``with`` block of another profile it reports to both.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> w = ag.Variable(np.ones(1000), name="w")
    >>> with ag.profile() as prof, ag.GradientTape() as tape:
    ...     loss = np.sum(np.tanh(w * w))
    ...     gradient = tape.gradient(loss, w)
    >>> [(row.name, row.calls, row.backward_calls, row.saved_bytes) for row in sorted(prof.rows(), key=str)]
    [('multiply', 1, 1, 8000), ('sum', 1, 1, 0), ('tanh', 1, 1, 8000)]
    """
    if not isinstance(kernels, bool):
        raise DomainError(f"profile: kernels is {kernels!r}; expected True or False.")
    if not isinstance(events, int) or isinstance(events, bool) or events < 0:
        raise DomainError(f"profile: events is {events!r}; expected an integer of at least 0.")
    return Profile(kernels, events)


class Profile:
    """What was measured. See ``ag.profile``.

    Attributes
    ----------
    events : int
        So many are kept.
    """

    def __init__(self, kernels: bool, events: int):
        self.events = events
        self._kernels = Kernels() if kernels else None
        self._recorders: list[Recorder] = []
        self._open: dict[int, list[Recorder]] = {}  # by thread

    def __enter__(self) -> Profile:
        details = recording.setting_here().details
        outer = details if isinstance(details, Recorder) and details.is_open else None
        inside = details.inside if isinstance(details, Recorder) else details
        if inside.__class__ is Details:
            inside = None  # record_details: lines and times are noted anyway
        recorder = Recorder(self.events, None if self._kernels is None else self._kernels.see, inside)
        recorder.owners = (self, *(() if outer is None else outer.owners))
        if outer is not None:
            outer.parts.append(recorder)
        if outer is None or self not in outer.owners:
            self._recorders.append(recorder)
        self._open.setdefault(get_ident(), []).append(recorder)
        recording.listen(recorder)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        opened = self._open.get(get_ident())
        if not opened:
            raise TapeError("Profile: this thread has not entered it. Enter and leave it by one `with prof:` block.")
        details = recording.setting_here().details
        # Tasks that take turns may leave their blocks in another order than they have entered them.
        here = [each for each in opened if isinstance(details, Recorder) and each.strands is details.strands]
        recorder = here[-1] if here else opened[-1]
        opened.remove(recorder)
        recording.stop_listening()
        recorder.close()

    # -- in sum ----------------------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """How long the blocks were open, up to now if one is; threads add up."""
        return sum(strand.seconds for strand in self._threads())

    @property
    def measuring(self) -> float:
        """Seconds that the profile itself has taken, as far as it can measure that."""
        return sum(strand.own for strand in self._strands())

    @property
    def between(self) -> float:
        """Seconds between what was measured: Python between operations."""
        return max(self.seconds - self.measuring - sum(strand.inside for strand in self._strands()), 0.0)

    @property
    def left_out(self) -> int:
        """How many events were not kept."""
        return sum(strand.left_out for strand in self._strands())

    def _threads(self) -> list[Strand]:
        return [strand for recorder in self._recorders for strand in list(recorder.strands.values())]

    def _strands(self) -> list[Strand]:
        return [strand for recorder in self._recorders for strand in recorder.all_strands()]

    # -- rows ------------------------------------------------------------------------------------------------------

    def rows(self, by: str = "operation", sort: str = "time") -> list[Row]:
        """What was measured, added up; the largest first.

        Parameters
        ----------
        by : {"operation", "node", "scope", "line", "kernel"}
            "node": each recorded application; "kernel": of compiled functions, where they were timed.
        sort : {"time", "forward", "backward", "calls", "saved", "results", "peak"}

        Returns
        -------
        list of Row
        """
        if by not in (*GROUPS, "node", "kernel"):
            raise DomainError(f"Profile: by is {by!r}; expected one of {', '.join(map(repr, (*GROUPS, 'node')))}.")
        if sort not in SORTS:
            raise DomainError(f"Profile: sort is {sort!r}; expected one of {', '.join(map(repr, SORTS))}.")
        if by == "kernel":
            found = self._kernel_rows()
        elif by == "node":
            found = made.rows_of_nodes(self._strands())
        else:
            found = made.rows_of(self._strands(), by, made.at_peak(self._strands()))
        return sorted(found, key=SORTS[sort], reverse=True)

    def _kernel_rows(self) -> list[Row]:
        if self._kernels is None:
            raise DomainError('Profile: by="kernel" needs the kernels to be timed: ag.profile(kernels=True).')
        return self._kernels.rows()

    def table(self, by: str = "operation", sort: str = "time", top: int | None = 20) -> str:
        """The rows as a text, times in milliseconds; below them what lies between, and the sum.

        Columns: how often it was applied (calls) and its rules were asked on the way back (pulled back); the time of
        each, without what was computed inside and has a row of its own; bytes that Nodes save of their arguments, bytes
        of results, and bytes that it had brought to what recordings held when that was most. Parameters as for
        ``Profile.rows``, and ``top``: so many rows at most; None for all.
        """
        _check_top(top)
        return text_table(self, self.rows(by, sort), by, top)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        state = "open" if any(self._open.values()) else "closed"
        return f"<Profile {state}: {self.seconds * 1e3:,.1f} ms, {len(self.rows())} operations>"

    def _repr_html_(self) -> str:
        return html_table(self, self.rows(), "operation", 20)

    # -- memory ----------------------------------------------------------------------------------------------------

    def memory(self) -> list[Moment]:
        """Bytes that recordings held, after each change.

        Each array counts once, however many Nodes and views refer to it; values of Variables and of watched Tensors,
        which are there anyway, do not count.
        """
        return made.timeline(self._strands())

    @property
    def peak(self) -> Moment | None:
        """When recordings held most; None if they never held anything."""
        return max(self.memory(), key=lambda moment: moment.nbytes, default=None)

    def alive(self, top: int | None = 10) -> Alive:
        """What was recorded in the profile and is still there: which arrays, the largest first, and what keeps them."""
        _check_top(top)
        return alive_in(self._strands(), top)

    # -- to look at ------------------------------------------------------------------------------------------------

    def speedscope(self, path: str | Path) -> Path:
        """Write the flame graph for https://www.speedscope.app: phase, scope, line, operation."""
        path = _file("speedscope", path)
        path.write_text(json.dumps(document(self._recorders)), encoding="utf-8")
        return path

    def to_json(self, path: str | Path) -> Path:
        """Write everything that the tables show, in seconds and bytes."""
        path = _file("to_json", path)
        path.write_text(json.dumps(self._document()), encoding="utf-8")
        return path

    def _document(self) -> dict[str, Any]:
        kinds = (*GROUPS, "node", *(("kernel",) if self._kernels is not None else ()))
        return {
            "seconds": self.seconds,
            "between": self.between,
            "measuring": self.measuring,
            "rows": {by: [asdict(row) for row in self.rows(by)] for by in kinds},
            "memory": [asdict(moment) for moment in self.memory()],
        }

    def graph(self, target: Any, names: Mapping[str, Any] | None = None) -> Graph:
        """Diagram of what ``target`` was computed from, as ``ag.graph`` gives it.

        What was measured so far stands at its nodes: ``draw(heat="time")`` shows forward and backward together.
        """
        return graph(target, names)

    def render(self, path: str | Path, target: Any, heat: str = "time", **options: Any) -> Path:
        """Draw what ``target`` was computed from, with its heat, into a file; ``options`` as for ``Graph.render``."""
        return graph(target).render(path, heat=heat, **options)


def _check_top(top: Any) -> None:
    if top is not None and (not isinstance(top, int) or isinstance(top, bool) or top < 0):
        raise DomainError(f"Profile: top is {top!r}; expected how many rows, or None for all.")


def _file(asked: str, path: Any) -> Path:
    try:
        path = Path(path)
    except TypeError:
        raise DomainError(f"Profile.{asked}: the path is {path!r}; expected a str or Path.") from None
    if not path.parent.is_dir():
        raise DomainError(f"Profile.{asked}: there is no folder {str(path.parent)!r}. Make it, or choose another.")
    return path
