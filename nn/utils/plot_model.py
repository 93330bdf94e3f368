"""``plot_model``: the layers of a model as a picture."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import autograd_core as ag

from .. import shapes
from ..layer import Layer
from ..topology import Box, Topology, topology, walk

if TYPE_CHECKING:
    import graphviz

DIRECTIONS = ("TB", "LR", "BT", "RL")
_FONT = "Helvetica,Arial,sans-serif"
_LONGEST = 40  # characters of a name that are shown
_HEADS = {"input": "#D3EBF8", "layer": "#E4E9EF", "function": "#F4F4F4", "operation": "#F4F4F4"}
"""Background of a box's first row, by its kind."""

_CLUSTER = {"style": "rounded", "color": "#8C8C8C", "bgcolor": "#FAFAFA", "fontname": _FONT, "fontsize": "11"}


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **options: Any,
) -> Path:
    """Draw the layers of a model into a file; arguments as in Keras.

    Parameters
    ----------
    model : Model
        One whose ``call`` is a user's own must have been called or built: it is called once more to see which layer
        reads what.
    to_file : path
        Ends in .png, .svg or .pdf; or in .dot for the source of the drawing, which needs no Graphviz.
    show_shapes : bool
        Shapes of what goes in and what comes out; None stands for the batch.
    show_dtype : bool
        Dtype of what comes out.
    show_layer_names : bool
        Names of the layers; otherwise their classes alone.
    rankdir : {"TB", "LR", "BT", "RL"}
        From top to bottom, left to right, ...
    expand_nested : bool
        Models among the layers as frames with their layers in them.
    dpi : int
        Dots per inch of a .png.
    show_layer_activations : bool
        Activation of each layer that has one.
    show_trainable : bool
        Whether the weights of each layer are trained.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    StructureError
        If the model's ``call`` is a user's own and the shape of its input is not known yet.
    GraphError
        If the file's ending or folder is not one that can be written.
    MissingExtraError
        If nothing that can draw is installed; the source is then written beside, with the ending .dot.

    Examples
    --------
    >>> import nn
    >>> model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(3, activation="relu"), nn.layers.Dense(1)])
    >>> plot_model(model, "model.svg", show_shapes=True)  # doctest: +SKIP
    PosixPath('model.svg')
    """
    drawing = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False,
        show_layer_activations, show_trainable, **options,
    )  # fmt: skip
    return ag.render_drawing(drawing, to_file)


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **options: Any,
) -> graphviz.Digraph:
    """The drawing of ``plot_model`` as ``graphviz`` source, which notebooks show; parameters as there.

    Parameters
    ----------
    subgraph : bool
        As a part for another drawing, with a frame around it.
    """
    import graphviz

    _check(model, rankdir, dpi, options)
    drawing = graphviz.Digraph(
        f"cluster_{model.name}" if subgraph else None,
        graph_attr={"rankdir": rankdir, "dpi": str(dpi), "pad": "0.15", "nodesep": "0.3", "ranksep": "0.35"},
        node_attr={"shape": "plain", "fontname": _FONT, "fontsize": "11"},
        edge_attr={"color": "#404040", "arrowsize": "0.7"},
    )
    if subgraph:
        drawing.attr(label=_shown(model.name), **_CLUSTER)
    shown = {
        "shapes": show_shapes, "dtype": show_dtype, "names": show_layer_names,
        "activations": show_layer_activations, "trainable": show_trainable,
    }  # fmt: skip
    found = topology(model, expand_nested)
    keys = {box: f"n{number}" for number, box in enumerate(walk(found))}
    _add(drawing, found, keys, shown)
    return drawing


def _check(model: Any, rankdir: str, dpi: Any, options: dict[str, Any]) -> None:
    if not isinstance(model, Layer) or not hasattr(model, "layers"):
        raise ag.ConversionError(f"plot_model: got a {type(model).__name__}; expected a model.")
    if rankdir not in DIRECTIONS:
        raise ag.DomainError(f"plot_model: rankdir is {rankdir!r}; expected one of {', '.join(DIRECTIONS)}.")
    if isinstance(dpi, bool) or not isinstance(dpi, (int, float)) or not 0 < dpi < 5000:
        raise ag.DomainError(f"plot_model: dpi is {dpi!r}; expected dots per inch, a number above 0.")
    if options:
        raise ag.StructureError(f"plot_model: got unknown options {', '.join(options)}.")


def _add(drawing: Any, found: Topology, keys: dict[Box, str], shown: dict[str, bool]) -> None:
    for box in found.boxes:
        if box.inner is None:
            drawing.node(keys[box], _label(box, shown))
            continue
        with drawing.subgraph(name=f"cluster_{keys[box]}") as part:
            part.attr(label=_shown(box.name), **_CLUSTER)
            _add(part, box.inner, keys, shown)
    for box in found.boxes:
        for source in box.sources:
            for start, end in _ends(source, box):
                drawing.edge(keys[start], keys[end])


def _ends(source: Box, target: Box) -> list[tuple[Box, Box]]:
    """Boxes between which the arrow from ``source`` to ``target`` runs: inside of frames, from and to their layers."""
    starts, ends = [source], [target]
    while any(box.inner is not None for box in starts):
        starts = [inner for box in starts for inner in (box.inner.outputs if box.inner is not None else [box])]
    while any(box.inner is not None for box in ends):
        ends = [inner for box in ends for inner in (_entries(box.inner) if box.inner is not None else [box])]
    return [(start, end) for start in starts for end in ends]


def _entries(inner: Topology) -> list[Box]:
    return inner.inputs or [box for box in inner.boxes if not box.sources]


# -- labels ------------------------------------------------------------------------------------------------------------


def _label(box: Box, shown: dict[str, bool]) -> str:
    """A table: what the box is, then what was asked for, one below the other."""
    rows = [_head(box, shown)]
    rows += [_row(name, _shape(value)) for name, value in _shapes(box)] if shown["shapes"] else []
    if shown["dtype"] and box.dtype is not None:
        rows.append(_row("dtype", str(box.dtype)))
    if shown["activations"]:
        activation = getattr(box.layer, "activation", None)
        name = getattr(activation, "__name__", None) or getattr(activation, "name", None)
        rows += [_row("activation", name)] if name else []
    if shown["trainable"] and box.kind == "layer" and box.layer.weights:
        rows.append(_row("trainable", "yes" if box.layer.trainable else "no"))
    return f'<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="5" COLOR="#404040">{"".join(rows)}</TABLE>>'


def _head(box: Box, shown: dict[str, bool]) -> str:
    kind = type(box.layer).__name__ if box.kind == "layer" else box.name
    text = f"<B>{_shown(kind)}</B>"
    if box.kind == "input":
        text = f"<B>{_shown(box.name)}</B>" if shown["names"] and box.name != "input" else "<B>Input</B>"
    elif box.kind == "layer" and shown["names"]:
        text = f"<B>{_shown(box.name)}</B> ({_shown(kind)})"
    return f'<TR><TD COLSPAN="2" BGCOLOR="{_HEADS[box.kind]}">{text}</TD></TR>'


def _row(name: str, value: str) -> str:
    return (
        f'<TR><TD ALIGN="LEFT"><FONT COLOR="#505050">{name}</FONT></TD>'
        f'<TD ALIGN="LEFT">{_shown(value, 4 * _LONGEST)}</TD></TR>'
    )


def _shapes(box: Box) -> list[tuple[str, Any]]:
    if box.kind == "input":
        return [("shape", box.output_shape)]
    given = [source.output_shape for source in box.sources]
    before = [("input", given[0] if len(given) == 1 else given)] if given else []
    return [*before, ("output", box.output_shape)]


def _shape(value: Any) -> str:
    if value is None:
        return "?"
    if shapes.is_shape(value) and not (isinstance(value, list) and not value):
        return str(tuple(value))
    return ", ".join(map(_shape, value.values() if isinstance(value, dict) else value))


def _shown(text: str, longest: int = _LONGEST) -> str:
    """A user's text in a label: on one line, not too long, and as text whatever is in it."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest]).split())
    line = line if len(line) <= longest else line[: longest - 1] + "…"
    return escape(line).replace("\\", "\\\\")
