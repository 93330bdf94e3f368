"""The instruction of a loop of which it is not known how often it runs, and its derivatives.

Forward mode carries tangents along. The loop backward has to start at the end: it runs the loop again, keeps what each
step started from in a list, and walks back along it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NoReturn

import numpy as np

from .. import recording
from ..errors import NotDifferentiableError
from ..primitive import Primitive
from ..recording import Frame, trace_here
from ..tensor import Tensor
from .body import Body, Pulled, pull, push, refuse_draws, zeros_like
from .branches import matters
from .code import Code
from .inner import InnerTrace
from .weave import newcomers, tracked


class _Repeat:
    """Runs the step while the test holds: what the instruction does."""

    def __init__(self, test: Code, step: Code, count: int):
        self.test = test
        self.step = step
        self.codes = [test, step]
        self._count = count

    def prepare(self, jit: str) -> None:
        """Emit test and step."""
        self.test.prepare(jit)
        self.step.prepare(jit)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        count = self._count
        if trace_here() is not None:  # only shapes are wanted
            return tuple(self.step.outline([*arrays, *self.step.nothing_drawn()])[:count])
        carry, constants = arrays[:count], arrays[count:]
        first = carry
        while self.goes_on(carry, constants):
            carry = self.step([*carry, *constants, *self.step.draw()])
        return tuple([array.copy() for array in carry] if carry is first else self.step.apart(carry))

    def goes_on(self, carry: Sequence[Any], constants: Sequence[Any]) -> bool:
        """Whether there is another step."""
        return bool(self.test([*carry, *constants, *self.test.draw()])[0])


class _WalkBack:
    """The loop backward: cotangents of the carry, and sums of those of what is the same in all steps."""

    def __init__(self, repeat: _Repeat, back: Code, body: Body, pulled: Pulled):
        self.repeat = repeat
        self.back = back
        self.codes = [*repeat.codes, back]
        self._count = len(body.carry)
        self._own = len(body.constants)  # of the loop itself; the step back may have more
        self._constants = len(pulled.body.constants)
        self._carried = len(pulled.body.carry)

    def prepare(self, jit: str) -> None:
        """Emit test, step and the step backward."""
        self.repeat.prepare(jit)
        self.back.prepare(jit)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        end = self._count + self._constants
        carry, constants, cts = arrays[: self._count], arrays[self._count : end], arrays[end:]
        if trace_here() is not None:
            return tuple(self.back.outline([*cts, *carry, *constants])[: self._carried])
        starts = []
        while self.repeat.goes_on(carry, constants[: self._own]):
            starts.append(carry)
            carry = self.repeat.step([*carry, *constants[: self._own]])
        first = cts
        while starts:
            cts = self.back([*cts, *starts.pop(), *constants])
        return tuple([array.copy() for array in cts] if cts is first else self.back.apart(cts))


class Repetition:
    """A loop of unknown length.

    Parameters
    ----------
    name : str
    test : InnerTrace
    going_on : Tensor
        Result of the test, in its trace.
    body : Body
    """

    def __init__(self, name: str, test: InnerTrace, going_on: Tensor, body: Body):
        self.name = name
        self.test = test
        self.going_on = going_on
        self.body = body
        self.wanted: list[Hashable] = []

    def stage(self, operands: Sequence[Any], frame: Frame) -> list[Tensor]:
        """Write down the instruction; the last carry."""
        body = self.body
        operands, followed = tracked(operands, frame)
        self.wanted = [body.labels[i] for i in followed]
        row = Primitive(self.name, self._repeat(), vjps=(self._pull,), jvps=(self._push,), joint=True)
        body.inner.rows.append(row)
        return list(row(*operands))

    def _repeat(self) -> _Repeat:
        positions = {label: i for i, label in enumerate(self.body.labels)}
        test = self.test.extract("test", [self.going_on], positions, [], draws=True)
        return _Repeat(test, self.body.code(), len(self.body.carry))

    def _pull(self, ct: Any, ans: Any, *operands: Any) -> list[Any]:
        """Cotangents of the operands, by a walk back through the steps."""
        body = self.body
        refuse_draws(self.name, [*self.test.hosts, *body.hosts])
        pulled = pull(body, (), self.wanted)
        by_label = dict(zip(body.labels, operands, strict=True))
        new = newcomers(body.inner, pulled.body.labels, recording.current())  # type: ignore[arg-type]
        pulled.body.constants += new
        given = [*operands, *new.values()]
        for i in pulled.floating:
            given.append(ct[i] if matters(ct[i], ans[i]) else zeros_like(ans[i]))
        given += [zeros_like(by_label[label]) for label in pulled.sums]
        walk = _WalkBack(self._repeat(), pulled.body.code(), body, pulled)
        row = Primitive(f"{self.name} backward", walk, vjps=(self._refuse,), jvps=(self._refuse,), joint=True)
        body.inner.rows.append(row)
        places = [*(body.carry[i] for i in pulled.floating), *pulled.sums]
        totals = dict(zip(places, row(*given), strict=True))
        return [totals.get(label) for label in body.labels]

    def _refuse(self, *args: Any) -> NoReturn:
        raise NotDifferentiableError(
            f"{self.name}: a second derivative backward through a loop of which it is not known how often it runs, in "
            "a function that is traced. Use scan or fori_loop with Python integers as bounds; take one of the two "
            "derivatives forward, first (autograd_core.grad of a function that uses jvp); or leave the function "
            "untraced."
        )

    def _push(self, entering: Sequence[Any], ans: Any, *operands: Any) -> tuple[Any, ...]:
        """Tangents of the last carry: a loop that carries tangents too."""
        body, count = self.body, len(self.body.carry)
        refuse_draws(self.name, [*self.test.hosts, *body.hosts])
        others = {
            label: t
            for label, t in zip(body.labels, entering, strict=True)
            if t is not None and label not in body.carry
        }
        pushed = push(body, others)
        given = list(operands[:count])
        for i in pushed.floating:
            given.append(zeros_like(operands[i]) if entering[i] is None else entering[i])
        given += [*operands[count:], *others.values()]
        frame: Any = recording.current()
        new = newcomers(body.inner, pushed.body.labels, frame)
        pushed.body.constants += new
        given += new.values()
        found = Repetition(f"{self.name} forward", self.test, self.going_on, pushed.body).stage(given, frame)
        parts: list[Any] = [np.zeros(out.shape, out.dtype) for out in ans]
        for place, tangent in zip(pushed.floating, found[count:], strict=True):
            parts[place] = tangent
        return tuple(parts)
