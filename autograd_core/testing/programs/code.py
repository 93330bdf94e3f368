"""A program as Python text that runs by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...primitive import Primitive
from ...tensor import Tensor
from ..literals import text_of
from .operations import AtIndex
from .spelling import ROW_OF, importable
from .steps import Ref, Step, read

if TYPE_CHECKING:
    from .program import RandomProgram

LONGEST_INLINE = 48  # characters; a longer constant gets a name of its own
CHECKS = ("ag.testing.check_grads(program, ({inputs}), order=1)", "ag.testing.invariants.compiled(program, ({inputs}))")


class Writer:
    """Writes one program.

    Parameters
    ----------
    program : RandomProgram
    checks : sequence of str
        The last lines; ``{inputs}`` stands for the arguments.
    """

    def __init__(self, program: RandomProgram, checks: tuple[str, ...] = CHECKS):
        self.program = program
        self.checks = checks
        self.constants: list[str] = []
        self.names: list[str] = []  # of the values of the steps
        self.body: list[str] = []
        with np.errstate(all="ignore"):
            self._write_steps()

    @property
    def inputs(self) -> list[str]:
        """Names of the arguments."""
        return [f"x{i}" for i in range(len(self.program.arguments))]

    def function(self) -> list[str]:
        """Lines of the function."""
        results = [self._text(ref) for ref in self.program.results]
        returned = results[0] if len(results) == 1 else f"({', '.join(results)})"
        body = [*self._as_tensors(), *self.body, f"return {returned}"]
        return [f"def program({', '.join(self.inputs)}):", *(f"    {line}" for line in body)]

    def _as_tensors(self) -> list[str]:
        """A line that lets the program be called with arrays too, where it uses what only Tensors have."""
        if not any(step.operation.in_place or isinstance(step.operation, AtIndex) for step in self.program.steps):
            return []
        names = ", ".join(self.inputs)
        if len(self.inputs) == 1:
            return [f"{names} = ag.convert_to_tensor({names})"]
        return [f"{names} = map(ag.convert_to_tensor, ({names}))"]

    def file(self) -> str:
        """The whole text."""
        function = self.function()
        inputs = ", ".join(self.inputs) + ("," if len(self.inputs) == 1 else "")
        given = [f"x{i} = {text_of(x)}" for i, x in enumerate(self.program.arguments)]
        checks = [check.format(inputs=inputs) for check in self.checks]
        parts = [self._imports("\n".join(function)), [*given, *self.constants], ["", *function, "", ""], checks]
        return "\n\n".join("\n".join(part) for part in parts if part).replace("\n\n\n\n", "\n\n\n") + "\n"

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _write_steps(self) -> None:
        given = [Tensor(np.asarray(x), None) for x in self.program.arguments]
        values: list[Any] = []
        for number, step in enumerate(self.program.steps):
            operands = [read(operand, given, values) for operand in step.operands]
            text = step.operation.text(operands, [self._text(operand) for operand in step.operands], step.params)
            if step.operation.in_place:
                self.names.append(self._text(step.operands[0]))
                self.body.append(text)
            else:
                self.names.append(f"v{number}")
                self.body.append(f"v{number} = {text}")
            values.append(step.operation.run(operands, step.params))

    def _text(self, operand: Any) -> str:
        """Text of an operand."""
        if isinstance(operand, Ref):
            name = f"x{operand.index}" if operand.of == "x" else self.names[operand.index]
            return name if operand.part is None else f"{name}[{operand.part}]"
        if isinstance(operand, list):
            return "[" + ", ".join(map(self._text, operand)) + "]"
        text = text_of(operand)
        if len(text) <= LONGEST_INLINE:
            return text
        self.constants.append(f"c{len(self.constants)} = {text}")
        return f"c{len(self.constants) - 1}"

    # -- imports -------------------------------------------------------------------------------------------------------

    def _imports(self, text: str) -> list[str]:
        lines = ["import numpy as np", "", "import autograd_core as ag"]
        if "anp." in text:
            lines.append("import autograd_core.numpy as anp")
        if 'ROW["' in text:
            lines += ["from autograd_core.ops.table import TABLE", "", "ROW = {row.name: row for row in TABLE}"]
        return lines + [line for row in _own_rows(self.program.steps) for line in _own_import(row)]


def _own_rows(steps: tuple[Step, ...]) -> list[Primitive]:
    rows = {row.name: row for step in steps for row in step.operation.rows}
    return [row for row in rows.values() if ROW_OF.get(row.name) is not row]


def _own_import(row: Primitive) -> list[str]:
    module, name = importable(row)
    if module == "__main__" or not module:
        return [f"# {row.name} is an operation of your own: define or import it here."]
    return [f"from {module} import {name}"]
