"""A program as a drawing: what is read, the instructions, what is written and returned, before or after the passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..graph.dot import STYLES
from ..graph.elements import CONSTANT, INPUT, OPERATION, TARGET, VARIABLE
from .program import Input, Program, shown, typed

if TYPE_CHECKING:
    import graphviz

_KINDS = {"variable": VARIABLE, "buffer": VARIABLE, "constant": CONSTANT}
_FONT = "Helvetica,Arial,sans-serif"


def digraph(program: Program, direction: str = "TB") -> graphviz.Digraph:
    """DOT source of a program's data flow.

    Parameters
    ----------
    program : Program
    direction : {"TB", "LR", "BT", "RL"}
    """
    import graphviz

    drawing = graphviz.Digraph(
        graph_attr={"rankdir": direction, "pad": "0.15", "nodesep": "0.25", "ranksep": "0.35"},
        node_attr={"shape": "box", "fontname": _FONT, "fontsize": "11", "margin": "0.1,0.05", "height": "0.3"},
        edge_attr={"fontname": _FONT, "fontsize": "10", "color": "#404040", "arrowsize": "0.6"},
    )
    for each in program.inputs:
        style = STYLES[_KINDS.get(each.kind, INPUT)]
        drawing.node(each.value.name, f"{_name(each)}\n{typed(each.value)}", **style)
    for number, instruction in enumerate(program.instructions):
        options = {key: value for key, value in instruction.params.items() if key in ("axis", "axes", "shape", "index")}
        told = ", ".join(f"{key}={shown(value)}" for key, value in options.items())
        label = f"{instruction.primitive.name}{f' ({told})' if told else ''}\n{typed(instruction.results[0])}"
        drawing.node(f"i{number}", label, tooltip=instruction.place, **STYLES[OPERATION])
    made = {result: f"i{number}" for number, each in enumerate(program.instructions) for result in each.results}
    made |= {each.value: each.value.name for each in program.inputs}
    for number, instruction in enumerate(program.instructions):
        for value in instruction.values():
            drawing.edge(made[value], f"i{number}")
    for target, value in program.writes:
        drawing.edge(made[value], target.value.name, style="dashed", color="#9A6A00", constraint="false")
    for number, value in enumerate(program.outputs):
        drawing.node(f"o{number}", "returned" if len(program.outputs) == 1 else f"returned {number}", **STYLES[TARGET])
        drawing.edge(made[value], f"o{number}")
    return drawing


def _name(given: Input) -> str:
    if given.kind == "variable":
        return getattr(given.key, "name", None) or "a Variable"
    if given.kind == "argument":
        return f"argument {given.key}"
    names: dict[str, Any] = {"host": "from Python", "buffer": "state", "constant": "constant"}
    return names.get(given.kind, given.kind)
