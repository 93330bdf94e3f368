"""A program as a drawing: what is read, the instructions, what is written and returned, before or after the passes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ..graph.dot import STYLES
from ..graph.elements import CONSTANT, INPUT, OPERATION, TARGET, VARIABLE
from ..symbol import Value
from .program import Input, Program, shown, typed

if TYPE_CHECKING:
    import graphviz

_KINDS = {"variable": VARIABLE, "buffer": VARIABLE, "constant": CONSTANT}
_FONT = "Helvetica,Arial,sans-serif"


_KERNEL = {
    "style": "rounded,filled", "color": "#B8B8B8", "fillcolor": "#F4F4F4", "fontname": _FONT, "fontsize": "10",
    "fontcolor": "#606060", "labeljust": "l", "margin": "8",
}  # fmt: skip
"""Of the box around what runs as one kernel."""

_ONE_BOX = {"fillcolor": "#F3E3ED", "color": "#8A3F6A", "penwidth": "1.6"}
FOLDED = 120
"""Instructions from which a kernel is one box."""

MOST = 1000
"""Instructions that are laid out: in 3 s; the time grows with the square."""

Groups = Sequence[tuple[str, Collection[Value]]]


def digraph(program: Program, direction: str = "TB", kernels: Groups = ()) -> graphviz.Digraph:
    """DOT source of a program's data flow.

    Parameters
    ----------
    program : Program
    direction : {"TB", "LR", "BT", "RL"}
    kernels : sequence of (name, values)
        What each kernel computes: where that is more than one instruction, a box is drawn around them; in a large
        program they are one box.
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
    kernel_of = {value: number for number, (_, values) in enumerate(kernels) for value in values}
    inside: dict[int, list[int]] = {}
    for number, instruction in enumerate(program.instructions):
        kernel = next((kernel_of[result] for result in instruction.results if result in kernel_of), None)
        inside.setdefault(-1 if kernel is None else kernel, []).append(number)
    box_of: dict[int, str] = {number: f"i{number}" for number in range(len(program.instructions))}
    for kernel, numbers in inside.items():
        if kernel < 0 or len(numbers) == 1:
            _add_instructions(drawing, program, numbers)
        elif len(program.instructions) > FOLDED:
            _add_kernel(drawing, program, kernels[kernel][0], f"k{kernel}", numbers)
            box_of.update(dict.fromkeys(numbers, f"k{kernel}"))
        else:
            with drawing.subgraph(name=f"cluster_{kernel}") as box:
                box.attr(label=kernels[kernel][0], **_KERNEL)
                _add_instructions(box, program, numbers)
    made = {result: box_of[number] for number, each in enumerate(program.instructions) for result in each.results}
    made |= {each.value: each.value.name for each in program.inputs}
    drawn: set[tuple[str, str]] = set()
    for number, instruction in enumerate(program.instructions):
        for value in instruction.values():
            ends = made[value], box_of[number]
            if ends[0] != ends[1] and (ends not in drawn or box_of[number].startswith("i")):
                drawn.add(ends)
                drawing.edge(*ends)
    for number, (target, value) in enumerate(program.writes):  # not edges back to the input: they cross everything
        drawing.node(f"w{number}", f"new {_name(target)}", **{**STYLES[VARIABLE], "style": "filled,dashed"})
        drawing.edge(made[value], f"w{number}", color="#9A6A00")
    for number, value in enumerate(program.outputs):
        drawing.node(f"o{number}", "returned" if len(program.outputs) == 1 else f"returned {number}", **STYLES[TARGET])
        drawing.edge(made[value], f"o{number}")
    return drawing


def _add_kernel(drawing: Any, program: Program, name: str, key: str, numbers: Sequence[int]) -> None:
    """One box for all operations of a kernel."""
    names = [program.instructions[number].primitive.name for number in numbers]
    told = f"{', '.join(names[:3])}, ..." if len(names) > 3 else ", ".join(names)
    last = typed(program.instructions[numbers[-1]].results[0])
    drawing.node(key, f"{name}: {len(names)} operations\n{told}\n{last}", **{**STYLES[OPERATION], **_ONE_BOX})


def _add_instructions(drawing: graphviz.Digraph, program: Program, numbers: Sequence[int]) -> None:
    for number in numbers:
        instruction = program.instructions[number]
        options = {key: value for key, value in instruction.params.items() if key in ("axis", "axes", "shape", "index")}
        told = ", ".join(f"{key}={shown(value)}" for key, value in options.items())
        label = f"{instruction.primitive.name}{f' ({told})' if told else ''}\n{typed(instruction.results[0])}"
        drawing.node(f"i{number}", label, tooltip=instruction.place, **STYLES[OPERATION])


def _name(given: Input) -> str:
    if given.kind == "variable":
        return getattr(given.key, "name", None) or "a Variable"
    if given.kind == "argument":
        return f"argument {given.key}"
    names: dict[str, Any] = {"host": "from Python", "buffer": "state", "constant": "constant"}
    return names.get(given.kind, given.kind)
