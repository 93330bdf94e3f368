"""The instruction of a loop of known length, and its derivatives, which are loops of known length again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import recording
from ..errors import AutogradError
from ..primitive import Primitive
from ..recording import Frame, trace_here
from ..symbol import Value
from ..tensor import Tensor
from .body import Body, live_cotangents, pull, push, zeros_like
from .code import Code
from .keeping import worth_keeping
from .native import is_ready, steps
from .slicing import needed
from .weave import newcomers, tracked


class _Iterate:
    """Runs the step once for each entry: what the instruction does."""

    def __init__(self, code: Code, body: Body, length: int, reverse: bool, keeps_draws: bool):
        self.code = code
        self.codes = [code]
        self._carry = len(body.carry)
        self._slices = len(body.slices)
        self._length = length
        self._reverse = reverse
        self._keeps_draws = keeps_draws

    def prepare(self, jit: str) -> None:
        """Emit the step."""
        self.code.prepare(jit, repeated=True)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        if trace_here() is not None:
            return self._outline(arrays)
        carry = list(arrays[: self._carry])
        stacks = arrays[self._carry : self._carry + self._slices]
        constants = arrays[self._carry + self._slices :]
        results = [np.empty((self._length, *shape), dtype) for shape, dtype in self.code.specs[self._carry :]]
        if self._length > 1 and is_ready(self.code):
            found = steps(self.code, carry, stacks, constants, self._length, self._reverse, self._keeps_draws)
            if found is not None:
                return found
        kept = self.code.hosts if self._keeps_draws else []
        drawn = [np.empty((self._length, *shape), dtype) for _, shape, dtype in kept]
        for index in range(self._length)[:: -1 if self._reverse else 1]:
            draws = self.code.draw()
            for stack, draw in zip(drawn, draws, strict=False):
                stack[index] = draw
            outs = self.code([*carry, *(stack[index, ...] for stack in stacks), *constants, *draws])
            carry = list(outs[: self._carry])
            for stack, out in zip(results, outs[self._carry :], strict=True):
                stack[index] = out
        carry = self.code.apart(carry) if self._length else [array.copy() for array in carry]
        return (*carry, *results, *drawn)

    def _outline(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays of the right shapes: one step is made, if there is one."""
        drawn = self.code.nothing_drawn()
        end = self._carry + self._slices
        if self._length:
            slices = [array[0, ...] for array in arrays[self._carry : end]]
            outs = self.code.outline([*arrays[: self._carry], *slices, *arrays[end:], *drawn])
        else:
            outs = (*arrays[: self._carry], *(np.zeros(*spec) for spec in self.code.specs[self._carry :]))
        stacked = [*outs[self._carry :], *(drawn if self._keeps_draws else ())]
        return (*outs[: self._carry], *(np.broadcast_to(out, (self._length, *out.shape)) for out in stacked))


class Scan:
    """A loop of known length.

    Parameters
    ----------
    name : str
    body : Body
    length : int
    reverse : bool
        Whether the last entry comes first.
    """

    def __init__(self, name: str, body: Body, length: int, reverse: bool):
        self.name = name
        self.body = body
        self.length = length
        self.reverse = reverse
        self.wanted: list[Hashable] = []
        self.kept: list[Value] = []

    def stage(self, operands: Sequence[Any], frame: Frame) -> list[Tensor]:
        """Write down the instruction; the last carry, and the results of all steps."""
        body = self.body
        operands, followed = tracked(operands, frame)
        self.wanted = [body.labels[i] for i in followed]
        count = len(body.carry) + len(body.results)
        if not count:
            return []
        if self.wanted:  # for the loop backward
            self.kept = self._kept()
            starts = [body.inner.handle(label) for label in body.carry]
            body.results = [*body.results, *starts, *(Tensor(value, None) for value in self.kept)]
            operands = [*operands, *self._referred(frame)]
        iterate = _Iterate(body.code(), body, self.length, self.reverse, bool(self.wanted) and bool(body.hosts))
        row = Primitive(self.name, iterate, vjps=(self._pull,), jvps=(self._push,), joint=True)
        body.inner.rows.append(row)
        return list(row(*operands))[:count]

    def _kept(self) -> list[Value]:
        """Values of each step that are kept, besides the carries that the steps start from."""
        body = self.body
        if body.depth < 1:
            return []
        live = [i for i, out in enumerate(body.results) if out.dtype.kind in "fc"]
        try:
            return worth_keeping(body, pull(body, live, self.wanted))
        except AutogradError:  # whoever asks for the derivative will see it
            return []

    def _referred(self, frame: Frame) -> list[Any]:
        """Arrays that only what is kept refers to, since a rule does: constants of the step from here on."""
        body = self.body
        if not self.kept:
            return []
        read = set(self.kept)
        for instruction in needed(body.inner.program, self.kept, body.saved):
            read.update(instruction.values())
        known = newcomers(body.inner, body.labels, frame)
        new = {label: each for label, each in known.items() if body.inner.labels[label].value in read}
        body.constants = [*body.constants, *new]
        return list(new.values())

    def _split(self, ans: Sequence[Any]) -> tuple[Any, Any, Any]:
        """First carries of all steps, what else was kept of them, draws."""
        count = len(self.body.carry)
        draws = count + len(self.body.results)
        kept = draws - len(self.kept)
        return ans[kept - count : kept], ans[kept:draws], ans[draws:]

    def _pull(self, ct: Any, ans: Any, *operands: Any) -> list[Any]:
        """Cotangents of the operands: a loop in the other direction."""
        body, count = self.body, len(self.body.carry)
        starts, kept, draws = self._split(ans)
        live = live_cotangents(ct[count : count + len(body.results)], ans[count:])
        pulled = pull(body, live, self.wanted)
        labels = {value: ("kept", object()) for value in self.kept}
        pulled.body.saved |= labels
        pulled.body.slices += labels.values()
        by_label = dict(zip(body.labels, operands, strict=True))
        given: list[Any] = [ct[i] for i in pulled.floating]
        given += [zeros_like(by_label[label]) for label in pulled.sums]
        given += [*starts, *operands[count : count + len(body.slices)], *draws, *live.values(), *kept]
        given += operands[count + len(body.slices) :]
        frame: Any = recording.current()
        new = newcomers(body.inner, pulled.body.labels, frame)
        pulled.body.constants += new
        given += new.values()
        found = Scan(f"{self.name} backward", pulled.body, self.length, not self.reverse).stage(given, frame)
        places = [*(body.carry[i] for i in pulled.floating), *pulled.sums, *pulled.outer]
        totals = dict(zip(places, found, strict=True))
        return [totals.get(label) for label in body.labels]

    def _push(self, entering: Sequence[Any], ans: Any, *operands: Any) -> tuple[Any, ...]:
        """Tangents of the results: a loop that carries tangents too."""
        body, count = self.body, len(self.body.carry)
        draws = self._split(ans)[2]
        tangents = dict(zip(body.labels, entering, strict=True))
        own = {*body.carry, *body.saved.values()}
        others = {label: t for label, t in tangents.items() if t is not None and label not in own}
        body = replace(body, results=body.results[: len(body.results) - len(self.kept)])
        pushed = push(body, others)
        end = count + len(body.slices)
        given = [*operands[:count]]
        for i in pushed.floating:
            given.append(zeros_like(operands[i]) if entering[i] is None else entering[i])
        given += [*operands[count:end], *draws, *(t for label, t in others.items() if label in body.slices)]
        given += [*operands[end:], *(t for label, t in others.items() if label not in body.slices)]
        frame: Any = recording.current()
        new = newcomers(body.inner, pushed.body.labels, frame)
        pushed.body.constants += new
        given += new.values()
        found = Scan(f"{self.name} forward", pushed.body, self.length, self.reverse).stage(given, frame)
        parts: list[Any] = [np.zeros(out.shape, out.dtype) for out in ans]
        for place, tangent in zip(pushed.floating, found[count:], strict=False):
            parts[place] = tangent
        for place, tangent in zip(pushed.results, found[count + len(pushed.floating) :], strict=True):
            parts[count + place] = tangent
        return tuple(parts)
