"""The instruction of a loop of known length, and its derivatives, which are loops of known length again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import recording
from ..primitive import Primitive
from ..recording import Frame, trace_here
from ..tensor import Tensor
from .body import Body, live_cotangents, pull, push
from .code import Code
from .weave import newcomers, tracked


class _Iterate:
    """Runs the step once for each entry: what the instruction does."""

    def __init__(self, code: Code, body: Body, length: int, reverse: bool, keeps_draws: bool):
        self.code = code
        self._carry = len(body.carry)
        self._slices = len(body.slices)
        self._length = length
        self._reverse = reverse
        self._keeps_draws = keeps_draws

    def prepare(self, jit: str) -> None:
        """Emit the step."""
        self.code.prepare(jit)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        if trace_here() is not None:
            return self._outline(arrays)
        carry = list(arrays[: self._carry])
        stacks = arrays[self._carry : self._carry + self._slices]
        constants = arrays[self._carry + self._slices :]
        results = [np.empty((self._length, *shape), dtype) for shape, dtype in self.code.specs[self._carry :]]
        drawn = (
            [np.empty((self._length, *shape), dtype) for _, shape, dtype in self.code.hosts]
            if self._keeps_draws
            else []
        )
        for index in range(self._length)[:: -1 if self._reverse else 1]:
            draws = self.code.draw()
            for stack, draw in zip(drawn, draws, strict=False):
                stack[index] = draw
            outs = self.code([*carry, *(stack[index, ...] for stack in stacks), *constants, *draws])
            carry = list(outs[: self._carry])
            for stack, out in zip(results, outs[self._carry :], strict=True):
                stack[index] = out
        if not self._length:
            carry = [array.copy() for array in carry]
        return (*carry, *results, *drawn)

    def _outline(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays of the right shapes: one step is made, if there is one."""
        drawn = self.code.nothing_drawn()
        end = self._carry + self._slices
        if self._length:
            slices = [array[0, ...] for array in arrays[self._carry : end]]
            outs = self.code.outline([*arrays[: self._carry], *slices, *arrays[end:], *drawn])
        else:
            outs = [*arrays[: self._carry], *(np.zeros(*spec) for spec in self.code.specs[self._carry :])]
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
        self.wanted: list[Any] = []

    def stage(self, operands: Sequence[Any], frame: Frame) -> list[Tensor]:
        """Write down the instruction; the last carry, and the results of all steps."""
        body = self.body
        operands, followed = tracked(operands, frame)
        self.wanted = [body.labels[i] for i in followed]
        count = len(body.carry) + len(body.results)
        if not count:
            return []
        if self.wanted:  # what each step starts from is kept for the loop backward
            body.results = [*body.results, *(body.inner.handle(label) for label in body.carry)]
        iterate = _Iterate(body.code(), body, self.length, self.reverse, bool(self.wanted) and bool(body.hosts))
        row = Primitive(self.name, iterate, vjps=(self._pull,), jvps=(self._push,), joint=True)
        return list(row(*operands))[:count]

    def _split(self, ans: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
        """Last carry, results, first carries of all steps, draws."""
        count = len(self.body.carry)
        stop = len(self.body.results)  # with the first carries, of which there are `count`
        return ans[:count], ans[count:stop], ans[stop : stop + count], ans[stop + count :]

    def _pull(self, ct: Any, ans: Any, *operands: Any) -> list[Any]:
        """Cotangents of the operands: a loop in the other direction."""
        body, count = self.body, len(self.body.carry)
        _, _, starts, draws = self._split(ans)
        live = live_cotangents(ct[count : count + len(body.results)], ans[count:])
        pulled = pull(body, live, self.wanted)
        by_label = dict(zip(body.labels, operands, strict=True))
        given: list[Any] = [ct[i] for i in pulled.floating]
        given += [_nothing(by_label[label]) for label in pulled.sums]
        given += [*starts, *operands[count : count + len(body.slices)], *draws, *live.values()]
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
        draws = self._split(ans)[3]
        tangents = dict(zip(body.labels, entering, strict=True))
        others = {label: t for label, t in tangents.items() if t is not None and label not in body.carry}
        pushed = push(body, others)
        end = count + len(body.slices)
        given = [*operands[:count]]
        for i in pushed.floating:
            given.append(_nothing(operands[i]) if entering[i] is None else entering[i])
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


def _nothing(like: Any) -> Any:
    return np.zeros(like.shape, like.dtype)
