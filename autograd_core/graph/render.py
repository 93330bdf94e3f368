"""From DOT source to a picture: by the system's ``dot``, or else by pygraphviz, whose wheel carries Graphviz itself."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import GraphError, MissingExtraError

if TYPE_CHECKING:
    import graphviz

FORMATS = (".svg", ".png", ".pdf")
SOURCE = (".dot", ".gv")

MOST_NODES = 1000  # laid out in 3 s; the time grows with the square, and 100,000 nodes would never end

_drawing = Lock()  # Graphviz, inside pygraphviz, works for one thread at a time


def check(path: Path, count: int) -> None:
    """Refuse what ``render`` cannot do with a graph of ``count`` nodes, before any work is done."""
    suffix = path.suffix.lower()
    if suffix not in (*FORMATS, *SOURCE):
        raise GraphError(
            f"Graph.render: cannot tell the format from {path.name!r}; expected a name that ends in "
            f"{', '.join(FORMATS)} or {SOURCE[0]}."
        )
    if not path.parent.is_dir():
        raise GraphError(f"Graph.render: there is no folder {path.parent}; make it first, or give another path.")
    if suffix in FORMATS and count > MOST_NODES:
        raise GraphError(
            f"Graph.render: this graph has {count:,} nodes; up to {MOST_NODES:,} can be laid out in a reasonable time. "
            "Leave some out with graph.condense() (what has a name, Variables and inputs stay) or "
            f"graph.condense(keep=[...]), or write the source alone: render({path.with_suffix(SOURCE[0]).name!r})."
        )


def render(drawing: graphviz.Digraph, path: Path) -> Path:
    """Write ``drawing`` to ``path``, which ``check`` has let pass; see ``Graph.render``."""
    suffix = path.suffix.lower()
    if suffix in SOURCE:
        path.write_text(drawing.source, encoding="utf-8")
        return path
    if not can_draw():
        source = path.with_suffix(SOURCE[0])
        source.write_text(drawing.source, encoding="utf-8")
        raise MissingExtraError(
            f"Graph.render: drawing {path.name!r} needs Graphviz: neither the program `dot` nor the package pygraphviz "
            'is there. Install one: pip install "autograd-core[draw]" brings Graphviz with it. The source of the '
            f"drawing has been written to {source}."
        )
    path.write_bytes(picture(drawing, suffix[1:]))
    return path


def can_draw(count: int = 0) -> bool:
    """Whether there is a program or package that lays graphs out, and one of ``count`` nodes is not too large."""
    there = shutil.which("dot") is not None or importlib.util.find_spec("pygraphviz") is not None
    return there and count <= MOST_NODES


def picture(drawing: graphviz.Digraph, form: str) -> bytes:
    """The bytes of ``drawing`` as a file of format ``form``.

    Raises
    ------
    GraphError
        If the program that draws fails; with what it said.
    """
    if form == "png":
        drawing = drawing.copy()
        drawing.graph_attr["dpi"] = "144"  # sharp on a screen of today
    return _by_program(drawing, form) if shutil.which("dot") else _by_package(drawing, form)


def _by_program(drawing: graphviz.Digraph, form: str) -> bytes:
    import graphviz

    try:
        return drawing.pipe(format=form)
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode("utf-8", "replace").strip()
        raise GraphError(f"Graph.render: `dot` could not draw {form.upper()}. It says: {said}") from None


def _by_package(drawing: graphviz.Digraph, form: str) -> bytes:
    try:
        import pygraphviz

        with _drawing:
            laid_out = pygraphviz.AGraph(string=drawing.source)
            try:
                return laid_out.draw(format=form, prog="dot")
            finally:
                laid_out.close()
    except (ImportError, OSError, ValueError) as error:
        raise GraphError(f"Graph.render: pygraphviz could not draw {form.upper()}. It says: {error}") from None
