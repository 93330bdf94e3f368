"""The table of a profile, as text and for notebooks."""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from .rows import Row

if TYPE_CHECKING:
    from .session import Profile

_WIDEST = 60


class Column(NamedTuple):
    """One column: its title, and the text of a row in it."""

    title: str
    text: Callable[[Row], str]


def columns_of(rows: Sequence[Row], wall: float) -> list[Column]:
    """The columns that have something to say about these rows."""
    columns = [Column("calls", lambda row: _count(row.calls))]
    pulled = any(row.backward_calls or row.backward for row in rows)
    pushed = any(row.tangent_calls or row.tangent for row in rows)
    if pulled or pushed:
        columns.append(Column("forward ms", lambda row: _ms(row.forward)))
    if pulled:
        columns += [
            Column("pulled back", lambda row: _count(row.backward_calls)),
            Column("backward ms", lambda row: _ms(row.backward)),
        ]
    if pushed:
        columns += [
            Column("pushed", lambda row: _count(row.tangent_calls)),
            Column("tangents ms", lambda row: _ms(row.tangent)),
        ]
    columns += [
        Column("total ms", lambda row: _ms(row.seconds)),
        Column("%", lambda row: f"{100 * row.seconds / wall:.1f}" if wall else ""),
        Column("saved", lambda row: nbytes(row.saved_bytes) if row.saved_bytes else "-"),
        Column("results", lambda row: nbytes(row.result_bytes) if row.result_bytes else "-"),
    ]
    if any(row.peak_bytes for row in rows):
        columns.append(Column("at peak", lambda row: nbytes(row.peak_bytes) if row.peak_bytes else "-"))
    return columns


def text_table(profile: Profile, rows: Sequence[Row], by: str, top: int | None) -> str:
    """The table as text: the rows, what lies between them, and their sum."""
    shown = rows if top is None else rows[:top]
    columns = columns_of(rows, profile.seconds)
    names = short_names([row.name for row in shown], by)
    lines = [[by, *(column.title for column in columns)]]
    lines += [[name, *(column.text(row) for column in columns)] for name, row in zip(names, shown, strict=True)]
    rule = len(lines)
    for name, seconds in _rest(profile, rows, shown, by):
        texts = {"total ms": _ms(seconds), "%": f"{100 * seconds / profile.seconds:.1f}" if profile.seconds else ""}
        lines.append([name, *(texts.get(column.title, "") for column in columns)])
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns) + 1)]
    written = [_line(line, widths) for line in lines]
    bar = "-" * len(written[0])
    return "\n".join([*written[:1], bar, *written[1:rule], bar, *written[rule:], *_footnotes(profile, by)])


def _rest(profile: Profile, rows: Sequence[Row], shown: Sequence[Row], by: str) -> list[tuple[str, float]]:
    hidden = len(rows) - len(shown)
    if by == "kernel":
        return [(f"{hidden:,} more", sum(row.seconds for row in rows[len(shown) :]))] if hidden else []
    rest = [(f"{hidden:,} more", sum(row.seconds for row in rows[len(shown) :]))] if hidden else []
    rest += [("Python between operations", profile.between), ("the profile itself", profile.measuring)]
    return [*rest, ("all", profile.seconds)]


def _footnotes(profile: Profile, by: str) -> list[str]:
    if by == "kernel":
        return ["Inside of compiled calls: the shortest of many runs of each kernel, times the calls of its plan."]
    notes = []
    peak = profile.peak
    if peak is not None:
        notes.append(
            f"Recordings held {nbytes(peak.nbytes)} at most, {peak.seconds * 1e3:,.1f} ms after the start, when "
            f"{_cut(peak.operation or '')} was applied" + (f" at {_short(peak.place)}." if peak.place else ".")
        )
    if profile.left_out:
        notes.append(
            f"{profile.left_out:,} events are not in the flame graph: there were more than {profile.events:,}. "
            "They are counted here."
        )
    return [_printable(note) for note in notes]


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    cells = [texts[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(texts[1:], widths[1:], strict=True))]
    return "  ".join(cells)


def html_table(profile: Profile, rows: Sequence[Row], by: str, top: int) -> str:
    """The table for a notebook: in its colours, light or dark, with a bar behind the times."""
    columns = columns_of(rows, profile.seconds)
    most = max((row.seconds for row in rows), default=0.0)
    shown = rows[:top]
    lines = [_html_line("th", [by, *(column.title for column in columns)])]
    for name, row in zip(short_names([row.name for row in shown], by), shown, strict=True):
        lines.append(_html_line("td", [name, *(column.text(row) for column in columns)], _bar(row.seconds, most)))
    for name, seconds in _rest(profile, rows, shown, by):
        texts = [_ms(seconds) if column.title == "total ms" else "" for column in columns]
        lines.append(_html_line("td", [name, *texts], "font-style:italic"))
    notes = "".join(f"<p>{escape(note)}</p>" for note in _footnotes(profile, by))
    style = "border-collapse:collapse;color:inherit;background:transparent"
    return f"<div><table style='{style}'>{''.join(lines)}</table>{notes}</div>"


def _html_line(tag: str, texts: Sequence[str], first: str = "") -> str:
    cells = [
        f"<{tag} style='padding:.1em .6em;text-align:{'right' if at else f'left;{first}'}'>{escape(text)}</{tag}>"
        for at, text in enumerate(texts)
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _bar(seconds: float, most: float) -> str:
    part = 100 * seconds / most if most else 0.0
    return f"background:linear-gradient(90deg,rgba(240,140,40,.35) {part:.1f}%,transparent {part:.1f}%)"


# -- words and figures -------------------------------------------------------------------------------------------------


def nbytes(count: int) -> str:
    """Bytes, as people read them."""
    scale, unit = next(((s, u) for s, u in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if count >= s), (1.0, "B"))
    return f"{count / scale:.3g} {unit}" if unit != "B" else f"{count} B"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.3f}" if seconds else "-"


def _count(count: int) -> str:
    return f"{count:,}" if count else "-"


def short_names(names: Sequence[str], by: str) -> list[str]:
    """Names that fit into a table; a line with its file's name alone, and what is written there."""
    if by == "line":
        files = {os.path.basename(path): set() for path in names}  # type: ignore[var-annotated]
        return [_with_source(name) for name in names] if files else []
    return [_cut(_printable(_short(name) if by == "node" else name)) for name in names]


def _with_source(place: str) -> str:
    path, _, line = place.rpartition(":")
    source = linecache.getline(path, int(line)).strip() if line.isdigit() else ""
    return _cut(_printable(f"{_short(place)}  {source}".rstrip()))


def _short(text: str | None) -> str:
    """A text with the path in it, its last word, cut down to the file's name."""
    if not text:
        return ""
    before, blank, place = text.rpartition(" ")
    return before + blank + os.path.basename(place)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
