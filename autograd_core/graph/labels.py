"""Labels of a drawing: tables of cells in Graphviz's HTML-like language, in which whatever users wrote is text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Any

from .elements import CONSTANT, VARIABLE, GraphEdge, GraphNode
from .fold import Box
from .groups import REPEAT, SCOPE, Group
from .palette import DERIVATIVE, QUIET
from .text import call, entries, number, shape_and_dtype, shorten, title

_WIDE = 1.25  # of a letter's size, the room for one that the font of the drawing may lack: an emoji, an ideograph
_NARROW = 0.65  # for others outside ASCII
_ENTRIES = 9  # of a matrix on an edge
_THIN = frozenset("iljI.,:;'|!()[]/ ")


def node_label(node: GraphNode, extra: Iterable[str | None] = (), with_gradient: bool = True) -> str:
    """Title, how it was computed, value, gradient, shape and dtype of a node, then ``extra``."""
    value = _lines(node.array)
    head = title(node) if node.name else call(node) or (value if node.kind == CONSTANT else None) or title(node)
    below = call(node) or node.kind
    gradient = _lines(node.gradient) if with_gradient else None
    return table(
        _row(head, 12, bold=True),
        _row(None if below == head else below, 10, QUIET),
        _row(None if value == head else value, 14),
        _row(gradient and f"gradient {gradient}", 11),
        _row(shape_and_dtype(node), 9, QUIET),
        *(_row(text, 11) for text in extra),
    )


def repeated_label(node: GraphNode, same: str | None, extra: Iterable[str | None] = ()) -> str:
    """For a node that stands for its counterparts in all repetitions: their values differ, unless ``same`` is given."""
    head = shorten(node.operation or "") or same or node.kind
    return table(
        _row(head, 12, bold=True),
        _row(None if node.operation or head == node.kind else node.kind, 10, QUIET),
        _row(shape_and_dtype(node), 9, QUIET),
        *(_row(text, 11) for text in extra),
    )


def group_label(group: Group, nodes: Iterable[GraphNode], last: GraphNode, extra: Iterable[str | None] = ()) -> str:
    """For a closed group: its name, what it is, how much is in it, and what comes out of it."""
    return table(
        _row(group_title(group), 12, bold=True),
        _row(f"× {group.repeats:,}" if group.repeats > 1 else None, 14),
        _row(_inventory(group, nodes), 10, QUIET),
        _row(shape_and_dtype(last), 9, QUIET),
        *(_row(text, 11) for text in extra),
    )


def gradient_label(ratio: str, value: str | None, below: str | None) -> str:
    """For a gradient in the backward half."""
    return table(_row(ratio, 11), _row(value and value.replace("], [", "],\n["), 14), _row(below, 9, QUIET))


def box_title(box: Box, nodes: tuple[GraphNode, ...]) -> str:
    """What a box is called in a sentence."""
    return title(nodes[box.nodes[0]]) if box.group is None else group_title(box.group)


def group_title(group: Group) -> str:
    """Name of a group, without the count that the name of a repetition ends in."""
    name = group.name.rpartition(" × ")[0] if group.kind == REPEAT else group.name
    return shorten(name) or ("the whole graph" if not group.path else group.kind)


def _inventory(group: Group, nodes: Iterable[GraphNode]) -> str:
    kinds = [node.kind for node in nodes]
    variables = kinds.count(VARIABLE)
    operations = sum(kind in ("operation", "target") for kind in kinds)
    parts = [_count(operations, "operation"), _count(variables, "Variable")]
    told = ", ".join(part for part in parts if part) or f"{len(kinds):,} values"
    return f"scope: {told}" if group.kind == SCOPE and group.path else told


def _count(many: int, what: str) -> str | None:
    return f"{many:,} {what}{'s' * (many != 1)}" if many else None


def cluster_label(group: Group) -> str:
    """For a scope that is open, or a repetition shown once."""
    name = group_title(group)
    if group.kind == REPEAT:
        return f'<<FONT POINT-SIZE="15"><B>{escaped(f"× {group.repeats:,}")}</B></FONT>>'
    return f'<<FONT POINT-SIZE="11" COLOR="{QUIET}"><B>{escaped(name)}</B></FONT>>'


# -- edges -------------------------------------------------------------------------------------------------------------


def derivative(edge: GraphEdge) -> tuple[str, str] | None:
    """Label and tooltip for the local derivative: a number, or entries of a small matrix, or else its norm."""
    if edge.source.kind == CONSTANT:
        return None
    told = f"d {title(edge.target)} / d {title(edge.source)}"
    if edge.local_derivative is not None:
        value = number(edge.local_derivative)
        return edge_label(value), f"{told} = {value}"
    found = edge.jacobian
    if found is None:
        return None
    told = f"{told}: Jacobian of shape {found.shape}"
    if found.matrix is not None and found.matrix.size <= _ENTRIES:
        matrix = entries_of(found.matrix)
        return edge_label(matrix.replace("], [", "],\n["), size=10), f"{told} = {matrix}"
    if found.norm is None:
        return None
    norm = number(found.norm)
    about = "≈" if found.is_estimate else "="
    return edge_label(f"|J| {about} {norm}", size=10), f"{told}, Frobenius norm {'about ' * found.is_estimate}{norm}"


def entries_of(matrix: Any) -> str:
    """Entries of a small matrix, as text."""
    rows = ["[" + ", ".join(number(entry) for entry in row) + "]" for row in matrix.tolist()]
    return rows[0] if len(rows) == 1 else "[" + ", ".join(rows) + "]"


def edge_label(*lines: str | None, size: int = 12, color: str = DERIVATIVE) -> str:
    """A label for an edge, with room around it so that lines do not touch it."""
    rows = (_row(line, size, color) for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>>'


# -- cells -------------------------------------------------------------------------------------------------------------


def table(*rows: str) -> str:
    """Rows as one label."""
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'


def _row(text: str | None, size: float, color: str | None = None, bold: bool = False, align: str = "CENTER") -> str:
    """One row; nothing for no text."""
    if not text:
        return ""
    shown = escaped(text).replace("\n", "<BR/>")
    shown = f"<B>{shown}</B>" if bold else shown
    ink = f' COLOR="{color}"' if color else ""
    return f'<TR><TD{_room(text, size, bold)} ALIGN="{align}"><FONT POINT-SIZE="{size:g}"{ink}>{shown}</FONT></TD></TR>'


def note_row(text: str) -> str:
    """A line of the note below a drawing."""
    return _row(text, 11, QUIET, align="LEFT")


def escaped(text: str) -> str:
    """Text that Graphviz shows as it is written."""
    return escape(text).replace("\\", "\\\\")  # \N, \G, ... are replaced in labels of this kind too


def tooltip(text: str) -> str:
    """Text for a tooltip. Graphviz looks for escapes once in some, twice in others: no backslash is left."""
    return escape(text).replace("\\", "\N{SET MINUS}")


def _room(text: str, size: float, bold: bool) -> str:
    """Least width of a cell, for letters that Graphviz takes for narrower than they are: bold ones, ideographs, ..."""
    if text.isascii() and not bold:
        return ""
    widest = max(sum(map(_width, line)) for line in text.split("\n"))
    return f' WIDTH="{round(widest * size)}"'


def _width(letter: str) -> float:
    """Of a letter, as a part of the size of the font: enough, not exact."""
    if letter.isascii():
        return 0.3 if letter in _THIN else 0.5
    if unicodedata.combining(letter):
        return 0.0
    wide = unicodedata.east_asian_width(letter) in "WF" or ord(letter) >= 0x2E80
    return _WIDE if wide else _NARROW


def _lines(array: Any) -> str | None:
    """Entries of a small array, a line for each row of a matrix."""
    shown = entries(array)
    return shown and shown.replace("], [", "],\n[")
