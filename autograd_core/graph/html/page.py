"""Putting the page together: markup, style, program and data in one file that asks for nothing else.

What users wrote reaches the page as JSON inside a ``<script>`` that no browser runs, with every character escaped that
HTML or JavaScript could take for its own, and is only ever shown as text. Beside that, the page's policy allows no
program but its own (by its hash), and no connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConversionError, GraphError
from ..text import shorten, title
from .data import page_data

if TYPE_CHECKING:
    from ..model import Graph

SCRIPTS = (
    "elements.js",
    "numbers.js",
    "model.js",
    "layout.js",
    "ranks.js",
    "places.js",
    "scene.js",
    "walk.js",
    "paths.js",
    "state.js",
    "view.js",
    "details.js",
    "panels.js",
    "search.js",
    "page.js",
)
SUFFIXES = (".html", ".htm")

_UNSAFE = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def to_html(graph: Graph, path: str | Path | None = None, title: str | None = None) -> str | Path:
    """The page for ``graph``: its text, or written to ``path``; see ``Graph.to_html``."""
    if path is None:
        return page(graph, title)
    file = _checked(path)
    text = page(graph, title)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise GraphError(f"Graph.to_html: {file} cannot be written: {error.strerror}. Give another path.") from None
    return file


def page(graph: Graph, heading: str | None = None) -> str:
    """The text of the page."""
    if heading is not None and not isinstance(heading, str):
        raise ConversionError(f"Graph.to_html: title must be a string or None; got a {type(heading).__name__}.")
    shown = shorten(heading or "", 200) or _heading(graph)
    style, program = _part("page.css"), _program()
    values = {
        "TITLE": escape(shown),
        "STYLE": style,
        "STYLE_HASH": _hash(style),
        "PROGRAM": program,
        "PROGRAM_HASH": _hash(program),
        "DATA": embed(page_data(graph)),
    }
    pieces = _part("page.html").split("%%")  # text, name, text, name, ..., so that nothing put in is looked at again
    return "".join(values[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def embed(data: Any) -> str:
    """JSON that can stand in a ``<script>``: ASCII, without a character that ends the element or a line of it."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def _heading(graph: Graph) -> str:
    named = ", ".join(title(node) for node in graph.targets[:3])
    return f"Graph of {named}" if named else "Graph"


def _checked(path: Any) -> Path:
    """``path``, if a page can be written there; said before any work is done."""
    if not isinstance(path, (str, Path)):
        raise ConversionError(f"Graph.to_html: path must be a string, a Path or None; got a {type(path).__name__}.")
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES:
        raise GraphError(f"Graph.to_html: expected a name that ends in .html; got {file.name!r}.")
    if not file.parent.is_dir():
        raise GraphError(f"Graph.to_html: there is no folder {file.parent}; make it first, or give another path.")
    return file


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _program() -> str:
    parts = "\n".join(_part(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


@cache
def _hash(text: str) -> str:
    """As a content security policy names an inline script or style."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
