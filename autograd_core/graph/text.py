"""Texts about nodes: numbers, values, names that come from users, and the table that ``print(graph)`` shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from .elements import CONSTANT, GraphNode

SMALL = 8  # values of up to this many entries are shown
LONGEST = 32  # characters of a name that are shown

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn the text around them


def number(value: Any) -> str:
    """A number with 4 significant digits; integers in full as long as they are short."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (complex, np.complexfloating)):
        sign = "-" if value.imag < 0 else "+"
        return f"{number(value.real)}{sign}{number(abs(value.imag))}j"
    if (isinstance(value, int) or np.isfinite(value)) and abs(value) < 1e6 and value == int(value):
        return str(int(value))
    return f"{float(value):.4g}"


def entries(array: Any) -> str | None:
    """Entries of a small array; None if there are more than a label has room for."""
    if array is None or array.size > SMALL:
        return None
    return np.array2string(np.asarray(array), separator=", ", max_line_width=10**6, formatter={"all": number}).replace(
        "\n", ""
    )


def shape_and_dtype(node: GraphNode) -> str:
    """``scalar float64``, ``(32, 10) float32``, or several of them; ``number`` for a Python number."""
    if isinstance(node.value, (bool, int, float, complex)) and not isinstance(node.value, np.generic):
        return "number"
    return ", ".join(
        f"{'scalar' if result.shape == () else _plain(result.shape)} {result.dtype}" for result in node.results
    )


def _plain(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def shorten(text: str, longest: int = LONGEST) -> str:
    """A user's text on one line, as it is written, with what cannot be shown replaced."""
    text = text[: 4 * longest]  # a name may be a whole book
    shown = "".join("\ufffd" if _unprintable(letter) else letter for letter in " ".join(text.split()))
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def _unprintable(letter: str) -> bool:
    """Control characters, halves of surrogate pairs, direction marks, and the two code points XML forbids."""
    return letter in _BIDI or unicodedata.category(letter) in ("Cc", "Cs") or ord(letter) & 0xFFFE == 0xFFFE


def title(node: GraphNode) -> str:
    """What a node is called: its name, else its operation, else its value, else its kind."""
    written = shorten(node.name or "") or shorten(node.operation or "")
    return written or (entries(node.array) if node.kind == CONSTANT else None) or node.kind


def call(node: GraphNode) -> str:
    """The operation with its parameters, ``sum(axis=(0,))``; empty for what was not computed."""
    params = ", ".join(f"{key}={value!r}" for key, value in node.params.items() if value is not None)
    return shorten((node.operation or "") + (f"({params})" if params else ""))


def table(rows: Sequence[Sequence[str]], align: str) -> str:
    """Rows as aligned columns; ``align`` has one "<" or ">" per column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
