"""From DOT source to a picture: by the system's ``dot``, or else by pygraphviz, whose wheel carries Graphviz itself."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConversionError, GraphError, MissingExtraError

if TYPE_CHECKING:
    import graphviz

FORMATS = (".svg", ".png", ".pdf")
SOURCE = (".dot", ".gv")


def check(path: Path) -> None:
    """Refuse what ``render`` cannot do, before any work is done."""
    suffix = path.suffix.lower()
    if suffix not in (*FORMATS, *SOURCE):
        raise GraphError(
            f"Graph.render: cannot tell the format from {path.name!r}; expected a name that ends in "
            f"{', '.join(FORMATS)} or {SOURCE[0]}."
        )
    if not path.parent.is_dir():
        raise GraphError(f"Graph.render: there is no folder {path.parent}; make it first, or give another path.")


def render(drawing: graphviz.Digraph, path: Path) -> Path:
    """Write ``drawing`` to ``path``, which ``check`` has let pass; see ``Graph.render``."""
    suffix = path.suffix.lower()
    if suffix in SOURCE:
        _write(path, drawing.source.encode("utf-8"))
        return path
    if not can_draw():
        source = path.with_suffix(SOURCE[0])
        _write(source, drawing.source.encode("utf-8"))
        raise MissingExtraError(
            f"Graph.render: drawing {path.name!r} needs Graphviz: neither the program `dot` nor the package pygraphviz "
            'is there. Install one: pip install "autograd-core[draw]" brings Graphviz with it. The source of the '
            f"drawing has been written to {source}."
        )
    _write(path, picture(drawing, suffix[1:]))
    return path


def as_path(path: Any) -> Path:
    """The file that ``path`` names; refused if it names none."""
    if not isinstance(path, (str, os.PathLike)):
        raise ConversionError(f"Graph.render: path must be a str or a Path; got a {type(path).__name__}.")
    return Path(path)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GraphError(f"Graph.render: {str(path)!r} cannot be written: {reason}. Give another path.") from None


def render_drawing(drawing: graphviz.Digraph, path: str | os.PathLike[str]) -> Path:
    """Write any drawing of the ``graphviz`` package to a file, by the system's ``dot`` or by pygraphviz.

    Parameters
    ----------
    drawing : graphviz.Digraph
    path : path
        Ends in .svg, .png or .pdf; or in .dot or .gv for the drawing's source, which needs neither.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    MissingExtraError
        If nothing that can draw is installed. The source is then written beside ``path``, with the ending .dot.
    GraphError
        If the ending is another one, or there is no such folder.
    """
    file = as_path(path)
    check(file)
    return render(drawing, file)


def drawing_to_svg(drawing: graphviz.Digraph) -> str | None:
    """Text of any drawing of the ``graphviz`` package as SVG, for notebooks; None where nothing can draw."""
    return picture(drawing, "svg").decode("utf-8") if can_draw() else None


def can_draw() -> bool:
    """Whether there is a program or package that lays graphs out."""
    return shutil.which("dot") is not None or importlib.util.find_spec("pygraphviz") is not None


def picture(drawing: graphviz.Digraph, form: str) -> bytes:
    """The bytes of ``drawing`` as a file of format ``form``.

    Raises
    ------
    GraphError
        If the program that draws fails; with what it said.
    """
    if form == "png":
        drawing = drawing.copy()
        drawing.graph_attr.setdefault("dpi", "144")  # sharp on a screen of today
    return _by_program(drawing, form) if shutil.which("dot") else _by_package(drawing, form)


def _by_program(drawing: graphviz.Digraph, form: str) -> bytes:
    import graphviz

    try:
        return drawing.pipe(format=form, quiet=True)
    except graphviz.CalledProcessError as error:
        raise GraphError(f"Graph.render: `dot` could not draw {form.upper()}. It says: {_said(error.stderr)}") from None


# In a process of its own: Graphviz ends the process it runs in when it meets what it cannot draw.
_CHILD = """
import sys
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


def _by_package(drawing: graphviz.Digraph, form: str) -> bytes:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, form],
            input=drawing.source.encode("utf-8"),
            capture_output=True,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = _said(error.stderr) if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise GraphError(f"Graph.render: pygraphviz could not draw {form.upper()}. It says: {said}") from None
    return done.stdout


def _said(output: bytes | None) -> str:
    """The end of what a program wrote on its way out."""
    return (output or b"").decode("utf-8", "replace").strip()[-1000:]
