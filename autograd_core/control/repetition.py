"""The instruction of a loop of which it is not known how often it runs, and its derivatives.

Forward mode carries tangents along. The loop backward has to start at the end: it runs the loop again, keeps what each
step started from in a list, and walks back along it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
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
from .native import is_ready, step_and_test, steps, steps_while
from .weave import newcomers, tracked

STRETCH = 256  # steps that are made without a look at what is kept of them, at first
LONGEST = 1 << 22  # bytes kept in one stretch


class _Repeat:
    """Runs the step while the test holds: what the instruction does."""

    def __init__(self, test: Code, step: Code, count: int):
        self.test = test
        self.step = step
        self.joined: Code | None = None
        self._count = count

    @property
    def codes(self) -> list[Code]:
        """What is emitted."""
        return [self.test, self.joined or self.step]

    def prepare(self, jit: str) -> None:
        """Emit test and step, together if that gives compiled code that needs no Python between its steps."""
        self.test.prepare(jit)
        if jit == "numba" and not self.test.hosts and not self.step.hosts:  # what is drawn is drawn for one step
            joined = step_and_test(self.step, self.test, self._count)
            joined.prepare(jit, repeated=True)
            self.joined = joined if is_ready(joined) else None
        if self.joined is None:
            self.step.prepare(jit)

    def is_native(self) -> bool:
        """Whether many steps can be run by one call."""
        return self.joined is not None and is_ready(self.joined)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        count = self._count
        if trace_here() is not None:  # only shapes are wanted
            return tuple(self.step.outline([*arrays, *self.step.nothing_drawn()])[:count])
        carry, constants = arrays[:count], arrays[count:]
        if not self.goes_on(carry, constants):
            return tuple(array.copy() for array in carry)
        found = self._natively(carry, constants) if self.is_native() else None
        return self._step_by_step(carry, constants) if found is None else found

    def _natively(self, carry: Sequence[Any], constants: Sequence[Any]) -> tuple[Any, ...] | None:
        carry = [*carry]
        for kept in self.stretches(carry, constants, keeps=False):
            if kept is None:
                return None
        return tuple(carry)

    def stretches(self, carry: list[Any], constants: Sequence[Any], keeps: bool) -> Iterator[list[Any] | None]:
        """What the steps start from, stacked, for one stretch of steps after another; None: a step failed.

        Parameters
        ----------
        carry : list of array
            The first one, for which there is a step; after each stretch that which has been reached.
        keeps : bool
            Whether what the steps start from is wanted.
        """
        limit = max(1, LONGEST // (1 + keeps * sum(array.nbytes for array in carry)))
        most, goes_on = min(STRETCH, limit), True
        while goes_on:
            found = steps_while(self.joined, carry, constants, most, keeps)  # type: ignore[arg-type]  # there is one
            if found is None:
                yield None
                return
            carry[:], starts, goes_on = found
            yield starts
            most = min(4 * most, limit)

    def _step_by_step(self, carry: Sequence[Any], constants: Sequence[Any]) -> tuple[Any, ...]:
        while True:
            carry = self.step([*carry, *constants, *self.step.draw()])
            if not self.goes_on(carry, constants):
                return tuple(self.step.apart(carry))

    def goes_on(self, carry: Sequence[Any], constants: Sequence[Any]) -> bool:
        """Whether there is another step."""
        return bool(self.test([*carry, *constants, *self.test.draw()])[0])


class _WalkBack:
    """The loop backward: cotangents of the carry, and sums of those of what is the same in all steps."""

    def __init__(self, repeat: _Repeat, back: Code, body: Body, pulled: Pulled):
        self.repeat = repeat
        self.back = back
        self._count = len(body.carry)
        self._own = len(body.constants)  # of the loop itself; the step back may have more
        self._constants = len(pulled.body.constants)
        self._carried = len(pulled.body.carry)

    @property
    def codes(self) -> list[Code]:
        """What is emitted."""
        return [*self.repeat.codes, self.back]

    def prepare(self, jit: str) -> None:
        """Emit test, step and the step backward."""
        self.repeat.prepare(jit)
        self.back.prepare(jit, repeated=True)

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        end = self._count + self._constants
        carry, constants, cts = arrays[: self._count], arrays[self._count : end], arrays[end:]
        if trace_here() is not None:
            return tuple(self.back.outline([*cts, *carry, *constants])[: self._carried])
        if not self.repeat.goes_on(carry, constants[: self._own]):
            return tuple(array.copy() for array in cts)
        found = None
        if self.repeat.is_native() and is_ready(self.back):
            found = self._natively(carry, constants, cts)
        return self._step_by_step(carry, constants, cts) if found is None else found

    def _natively(self, carry: Sequence[Any], constants: Sequence[Any], cts: Sequence[Any]) -> tuple[Any, ...] | None:
        kept = list(self.repeat.stretches([*carry], constants[: self._own], keeps=True))
        while kept:
            starts = kept.pop()
            found = starts and steps(self.back, cts, starts, constants, len(starts[0]), reverse=True)
            if found is None:
                return None
            cts = found
        return tuple(cts)

    def _step_by_step(self, carry: Sequence[Any], constants: Sequence[Any], cts: Sequence[Any]) -> tuple[Any, ...]:
        starts = [carry]
        while True:
            carry = self.repeat.step([*carry, *constants[: self._own]])
            if not self.repeat.goes_on(carry, constants[: self._own]):
                break
            starts.append(carry)
        while starts:
            cts = self.back([*cts, *starts.pop(), *constants])
        return tuple(self.back.apart(cts))


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
