"""Loops over blocks as source: what ``numpy_blocks`` has put together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ops.reductions import SUM
from ...symbol import Value
from ..program import Instruction
from .blocks import ends, inner_layout, is_cut, parts_shape, tiles_of
from .calls import REDUCTIONS, folds_of
from .storage import Step


class Loop:
    """One loop; parts that are the same at each call are cut once, in ``prepare``, the others before the loop.

    Where threads share its blocks it is a function in ``prepare``, which ``step`` has called on each run of blocks.

    Parameters
    ----------
    writer : Writer
    step : Step
    number : int
        For its name.
    """

    def __init__(self, writer: Any, step: Step, number: int):
        self.writer, self.step, self.name = writer, step, f"loop{number}"
        self.arrays, self.chosen, _ = inner_layout(step)
        self.ended = [i for i in step.instructions if ends(i)]
        self.fixed: dict[str, str] = {}  # text of the parts of each name, prepared
        self.moving: dict[str, str] = {}
        self.tiled: set[Value] = set()

    def write(self) -> None:
        """Write the loop."""
        self._lay_out()
        for value in dict.fromkeys(v for i in self.step.instructions for v in (*i.values(), *i.results)):
            self._name(value)
        guarded = len(self.writer.guarded)
        body = ["    " + line for i in self.step.instructions for line in self._lines(i)]
        if self.step.parts > 1:
            self._share(body, len(self.writer.guarded) > guarded)
        else:
            if self.fixed:
                self.writer.prepared.append(f"{self.name} = list({self._fixed()})")
            self.writer.lines += [self._head(self._all(self.name)), *body]
        self.writer.local.clear()
        for i in self.ended:
            out = self.writer.seen(i.result, parts_shape(self.step, i)[1:])
            self.writer.lines.append(f"{self._reduce(i)}({self._parts(i)}, 0, None, {out})  # {i.result.name}")

    def _share(self, body: list[str], looks_for_nan: bool) -> None:
        """Write a function for a run of blocks, and the call that has all runs done."""
        writer, step = self.writer, self.step
        used = dict.fromkeys(v for i in step.instructions for v in i.values())
        given = [v.name for v in used if v not in writer.local and not writer.storage.is_static(v)]
        runs, blocks = f"{self.name}_runs", f"{self.name}_blocks"
        if self.moving:
            if self.fixed:
                writer.prepared.append(f"{blocks} = list({self._fixed()})")
            runs = f"cut(list({self._all(blocks)}), {step.run})"
        else:
            writer.prepared.append(f"{runs} = cut(list({self._fixed()}), {step.run})")
        lines = [self._head("blocks"), *body]
        call = f"share({', '.join((self.name, runs, *given))})"
        if looks_for_nan:
            lines, call = ["nans = 0.0", *lines, "return nans"], f"nans += sum({call})"
        writer.prepared += ["", f"def {self.name}({', '.join(('blocks', *given))}):"]
        writer.prepared += [*("    " + line for line in lines), ""]
        writer.lines.append(f"{call}  # {step.parts} parts")

    def _parts(self, instruction: Instruction) -> str:
        return f"{self.name}_parts{self.chosen[instruction.result]}"

    def _lay_out(self) -> None:
        """The work arrays of a block, and those of the parts of reductions."""
        parts = {self.chosen[i.result] for i in self.ended}
        tiles = {k: value for value, k in self.chosen.items() if value in tiles_of(self.step)}
        for k, (offset, shape, dtype) in enumerate(self.arrays):
            if k in tiles:
                self._tile(k, tiles[k])
                continue
            text = f'at(memory, {self.step.scratch + offset}, {shape}, "{np.dtype(dtype)}")'
            if k in parts:
                self.writer.prepared.append(f"{self.name}_parts{k} = {text}")
                self.fixed[f"t{k}"] = f"each({self.name}_parts{k})"
            elif self.step.parts > 1:
                self.fixed[f"t{k}"] = text.replace("at(", "turns(", 1)[:-1] + f", {self.step.length}, {self.step.run})"
            else:
                self.fixed[f"t{k}"] = f"again({text}, {self.step.length})"

    def _tile(self, k: int, value: Value) -> None:
        """Memory for an operand repeated along a whole block."""
        offset, shape, dtype = self.arrays[k]
        self.tiled.add(value)
        self.writer.prepared.append(
            f'{self.name}_{value.name} = at(memory, {self.step.scratch + offset}, {shape}, "{np.dtype(dtype)}")'
        )

    def _name(self, value: Value) -> None:
        """Say by which name the loop knows a value."""
        writer, step = self.writer, self.step
        made = any(value in i.results for i in step.instructions)
        if made and writer.storage.kind[value] == "fresh":
            writer.lines.append(f"{value.name} = {writer.empty(value)}")
        if value in self.chosen and value not in self.tiled:
            writer.local[value] = f"t{self.chosen[value]}"
        elif is_cut(step, value):
            writer.local[value] = f"{value.name}_b"
            whole = f"{value.name}.reshape({value.size})" if step.flat and value.ndim > 1 else value.name
            parts = self.fixed if writer.storage.is_static(value) else self.moving
            parts[f"{value.name}_b"] = f"cut({whole}, {step.rows})"
        elif value in self.tiled:
            writer.local[value] = f"{value.name}_b"
            self.fixed[f"{value.name}_b"] = f"again({self.name}_{value.name}, {step.length})"
            writer.lines.append(f"copyto({self.name}_{value.name}, {value.name})  # once, and not in each block")

    def _lines(self, i: Instruction) -> list[str]:
        if i.primitive not in REDUCTIONS:
            first, *others = self.writer.calls.lines(i, self.writer.name(i.result))
            return [f"{first}  # {i.result.name}, {i.primitive.name}", *others, *self._guard(i.result)]
        product = self._sum_by_blas(i)
        if product is not None:
            return [f"{product}  # {i.result.name}, sum"]
        axis = "None" if self.step.flat else str(i.params["axis"])
        x, out = self.writer.name(i.operands[0]), self.writer.name(i.result)
        kept = "" if ends(i) else ", True"
        return [f"{self._reduce(i)}({x}, {axis}, None, {out}{kept})  # {i.result.name}, {i.primitive.name}"]

    def _guard(self, value: Value) -> list[str]:
        """A line that looks for NaN in a part of a guarded value while it is in the cache."""
        writer = self.writer
        if value not in writer.program.guards or value.dtype.kind != "f" or not is_cut(self.step, value):
            return []
        if not writer.guarded:
            writer.lines.append("nans = 0.0")
        writer.guarded.add(value)
        part = writer.name(value) if self.step.flat or value.ndim == 1 else f"{writer.name(value)}.reshape(-1)"
        dot = writer.known(np.dot, "dot")
        return [f"nans += {dot}({part}, {part})"]

    def _sum_by_blas(self, i: Instruction) -> str | None:
        """The sum of all rows of a block, as ``Calls.reduction`` does it."""
        (x,), axis, step = i.operands, i.params["axis"], self.step
        if i.primitive is not SUM or step.flat or axis != tuple(range(x.ndim - 1)) or x.dtype.char not in "fd":
            return None
        middle, width = math.prod(x.shape[1:-1]), x.shape[-1]
        if not middle * width:
            return None
        folds = math.gcd(folds_of(1 << 20, width), middle)
        ones = self.writer.ones((step.rows, middle // folds), x.dtype)
        self.fixed[f"{ones}_b"] = f"again({ones}, {step.length})"
        rows = f"{self.writer.name(x)}.reshape(-1, {width * folds})" if x.ndim > 2 or folds > 1 else self.writer.name(x)
        dot, out = self.writer.known(np.dot, "dot"), self.writer.name(i.result)
        if folds == 1:
            return f"{dot}({ones}_b.reshape(-1), {rows}, {out})"
        return f"{self._reduce(i)}({dot}({ones}_b.reshape(-1), {rows}).reshape(-1, {width}), 0, None, {out})"

    def _reduce(self, instruction: Instruction) -> str:
        return self.writer.reduce(REDUCTIONS[instruction.primitive])

    def _fixed(self) -> str:
        """Text of what is prepared for each block."""
        return f"zip({', '.join(self.fixed.values())})"

    def _all(self, prepared: str) -> str:
        """Text of everything that each block has; ``prepared`` is the name of what is prepared."""
        if not self.moving:
            return prepared
        return f"zip({', '.join(([prepared] if self.fixed else []) + list(self.moving.values()))})"

    def _head(self, blocks: str) -> str:
        """The line that goes through the blocks."""
        names, step = list(self.fixed), self.step
        if self.moving:
            names = ([_tuple(names)] if names else []) + list(self.moving)
        comment = f"  # {len(step.instructions)} operations, {step.rows} of {step.length} at a time"
        return f"for {_tuple(names) if len(names) == 1 else ', '.join(names)} in {blocks}:{comment}"


def _tuple(names: list[str]) -> str:
    return f"({', '.join(names)},)"
