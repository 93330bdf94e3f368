"""Making random programs: one step after the other, each applied to what fits among the values there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import AutogradError, DomainError
from ...primitive import Primitive
from ...scatter import is_basic
from ...tensor import Overloaded, Tensor
from .control import FORMS, Body, Cond, Control, ForiLoop, Scan, WhileLoop
from .drawing import FixedShape, ProgramDraw, from_generator
from .functions import Function
from .operations import Assign, AtIndex, Call, Fit, Near, Operation, Row, Squash, Update
from .pool import Choice, Pool, pool_of
from .program import RandomProgram, program_of
from .spelling import ROW_OF
from .steps import Ref, Step

MOST_ENTRIES = 150  # of any value
LARGEST = 200.0
RADIUS = 0.02
ATTEMPTS = 50
TRIES = 3  # steps are drawn again that leave the domain
MANY = 23  # choices among values that there are
WIDE = 4.0  # how far from 0 a value may be for an operation that takes all numbers


class Rejected(Exception):  # noqa: N818 -- no error: the step is drawn again
    """A step that leaves the domain, overflows, or has a kink right there."""


class Generator:
    """Makes one program.

    Parameters
    ----------
    draw : ProgramDraw
    pool : Pool
        What the steps are made from.
    """

    def __init__(self, draw: ProgramDraw, pool: Pool):
        self.draw = draw
        self.pool = pool
        self.arguments: list[Any] = []
        self.steps: list[Step] = []
        self.available: list[tuple[Ref, Any]] = []  # references that may be read, with raw values

    def program(self, max_operations: int) -> RandomProgram | None:
        """A program of 1 to ``max_operations`` steps, those not counted that bring values into a domain."""
        for _ in range(self.draw.integer(1, max_operations)):
            self.draw.together(self._maybe_step)
        shows = any(value.size for ref, value in self.available if ref.of == "v")
        return program_of(self.arguments, self.steps) if self.arguments and shows else None

    def _maybe_step(self) -> None:
        """A step, or none: that is what the simplest draws lead to, so that hypothesis can leave out any step."""
        if self.draw.integer(0, 7):
            for _ in range(TRIES):
                if self._try_step():
                    return

    def _try_step(self) -> bool:
        kept = [list(part) for part in (self.arguments, self.steps, self.available)]
        self.draw.shapes = list(dict.fromkeys(value.shape for _, value in self.available if value.size))[::-1]
        self.draw.forget()
        try:
            with np.errstate(all="ignore"):
                self._step()
        except (Rejected, AutogradError, np.linalg.LinAlgError, ValueError, TypeError, IndexError):
            self.arguments, self.steps, self.available = kept  # a user's own operation may raise what it likes
            return False
        return True

    def _step(self) -> None:
        kind = self.draw.choice(self.pool.kinds)
        if kind == "indexing":
            self._indexing()
        elif kind == "assignment":
            self._assignment()
        elif kind == "control":
            self._control()
        elif kind == "functions":
            self._function(self.draw.choice(self.pool.functions))
        else:
            self._row(self.draw.choice(self.pool.rows))

    # -- kinds of steps ------------------------------------------------------------------------------------------------

    def _row(self, choice: Choice) -> None:
        row = choice.row
        if row.vjps is None and not self.draw.one_in(3):  # comparisons and integers: some, among others
            choice = self.draw.choice(self.pool.rows)
        row = choice.row
        args, params = choice.sample(self.draw)
        self._apply(Row(row), args, params, not row.elementwise or bool(row.kink), _rules(row, len(args)))

    def _function(self, function: Function) -> None:
        args, params = function.sample(self.draw)
        self._apply(Call(function.name, function.function), args, params, True, [True] * len(args))

    def _indexing(self) -> None:
        x = self._argument(self.draw.array(self.draw.shape(1, 3, 1)), must=True)
        self._add(Row(ROW_OF["getitem"]), [x], {"index": self._index(self._value(x).shape)})

    def _index(self, shape: tuple[int, ...]) -> Any:
        sample = ROW_OF["getitem"].sample
        assert sample is not None
        return sample(FixedShape(self.draw, shape))[1]["index"]

    def _assignment(self) -> None:
        """``x[i] = y``, ``x[i] += y``, ``x += y``, ``x.at[i].set(y)``; a copy of x, if it is not a step's own."""
        operation = self.draw.choice(ASSIGNMENTS)
        x = self._argument(self.draw.array(self.draw.shape(1, 3, 1)), must=True)
        if operation.in_place and not self._is_own(x):
            x = self._add(COPY, [x], {})
        shape = self._value(x).shape
        params: dict[str, Any] = {}
        if not isinstance(operation, Update):
            params["index"] = self._index(shape)
            if isinstance(operation, AtIndex) and operation.verb == "multiply" and not is_basic(params["index"]):
                raise Rejected  # it must know which entries are repeated, which a trace does not
            shape = np.zeros(shape)[params["index"]].shape
        y = self._argument(self.draw.array(self.draw.choice(((), shape))))
        self._add(operation, [x, y], params)
        if operation.in_place:  # the name x stands for the new value from here on
            self.available = [entry for entry in self.available if entry[0] != x]

    def _is_own(self, ref: Any) -> bool:
        """Whether a value is the result of a primitive, which is nobody else's."""
        return (
            isinstance(ref, Ref)
            and ref.of == "v"
            and ref.part is None
            and isinstance(self.steps[ref.index].operation, (Row, Squash, Near, Assign, Update))
        )

    def _control(self) -> None:
        draw = self.draw
        kind = draw.choice((ForiLoop, WhileLoop, Scan, Cond))
        shape = draw.shape(1, 2, 1) if kind is Scan else draw.shape(0, 2, 1)
        w = self._argument(draw.array(shape))
        c = self._argument(draw.array(shape[1:] if kind is Scan else shape), must=True)
        bodies = tuple(
            Body(draw.choice(self.pool.unaries), draw.integer(0, len(FORMS) - 1))
            for _ in range(2 if kind in (Scan, Cond) else 1)
        )
        operation: Control
        if kind is Scan:
            operation = Scan(bodies, draw.boolean())
        elif kind is Cond:
            middle = float(np.mean(self._value(c)))
            operation = Cond(bodies, round(middle + (0.5 if draw.boolean() else -0.5), 2))
        else:
            operation = (WhileLoop if kind is WhileLoop else ForiLoop)(bodies, draw.integer(1, 3))
        self._check_values([self._value(c)], WIDE)
        self._add(operation, [c, w], {}, checked=True, largest=WIDE)

    # -- applying ------------------------------------------------------------------------------------------------------

    def _apply(self, operation: Operation, args: Any, params: dict[str, Any], checked: bool, rules: list[bool]) -> None:
        """Add a step, some of whose arguments are values there are, and others new arguments of the program.

        ``rules`` tells which arguments have a derivative; the others stay constants.
        """
        args = [np.asarray(arg) if isinstance(arg, np.generic) else arg for arg in args]
        active = [i for i, (arg, rule) in enumerate(zip(args, rules, strict=True)) if rule and _is_floating(arg)]
        must = self.draw.choice(active) if active else None
        operands = [self._argument(arg, i == must) if i in active else self._held(arg) for i, arg in enumerate(args)]
        self._add(operation, operands, params, checked)

    def _held(self, arg: Any) -> Any:
        """An argument without a derivative: a value of that kind, if there is one, or what was drawn."""
        if isinstance(arg, list):
            return [self._argument(part) if _is_floating(part) else part for part in arg]
        if not isinstance(arg, np.ndarray) or arg.dtype.kind != "b":
            return arg
        fitting = [ref for ref, value in self.available if value.dtype == arg.dtype and value.shape == arg.shape]
        return self.draw.choice(fitting) if fitting and self.draw.boolean() else arg

    def _argument(self, array: Any, must: bool = False) -> Any:
        """Where an argument comes from: it stays a constant, becomes one of the program's, or is an earlier value."""
        source = self.draw.integer(0 if not must else 1, 6)
        which = self.draw.integer(0, MANY) if source > 1 else 0
        if source == 0 or not np.isfinite(array).all():
            return self._constant(array)
        if source > 1 and self.available:
            found = self._earlier(array, which)
            if found is not None:
                return found
        self.arguments.append(array)
        ref = Ref("x", len(self.arguments) - 1)
        self.available.append((ref, array))
        return ref

    def _constant(self, array: Any) -> Any:
        """A constant, now and then with a zero in it: what is never exactly 0 does not show every rule."""
        if not array.size or not self.draw.one_in(3):
            return array
        made = np.array(array)
        made.reshape(-1)[self.draw.integer(0, array.size - 1)] = 0.0
        return made

    def _earlier(self, array: Any, which: int) -> Ref | None:
        """A value there is, brought to the shape and into the domain of ``array``."""
        floating = [(ref, value) for ref, value in self.available if value.dtype.kind in "fc"]
        fitting = [ref for ref, value in floating if value.shape == array.shape]
        if fitting:
            wanted = fitting + [ref for ref in fitting if self._is_end(ref)]
            ref = wanted[which % len(wanted)]
        else:
            larger = [ref for ref, value in floating if value.size >= array.size > 0]
            larger = [ref for ref in larger if self._is_end(ref)] or larger
            if not larger or which > MANY * 3 // 4:
                return None
            ref = self._add(Fit(array.shape), [larger[which % len(larger)]], {})
        return self._into_domain(ref, array)

    def _is_end(self, ref: Ref) -> bool:
        """Whether no step has read a value yet."""
        return all(ref not in step.refs for step in self.steps)

    def _into_domain(self, ref: Ref, array: Any) -> Ref:
        value = self._value(ref)
        if value.dtype.kind == "c" and array.dtype.kind == "f":
            ref = self._add(Row(ROW_OF["real"]), [ref], {})
            value = self._value(ref)
        interval = self.draw.interval(array)
        if interval is None or array.dtype.kind == "c":
            return self._add(Near(RADIUS), [array, ref], {})
        low, high = (-WIDE, WIDE) if interval == (-2.0, 2.0) else interval
        if (value >= low).all() and (value <= high).all():
            return ref
        return self._add(Squash(*interval), [ref], {})

    # -- adding a step -------------------------------------------------------------------------------------------------

    def _add(
        self, operation: Operation, operands: list[Any], params: dict[str, Any], checked: bool = False,
        largest: float = LARGEST,
    ) -> Ref:  # fmt: skip
        """Run a step on what there is, look at what it gives, and keep it."""
        result = _run(operation, [self._raw(operand) for operand in operands], params)
        several = isinstance(result, (tuple, list))
        values = [raw(part) for part in result] if several else [raw(result)]
        self._check_values(values, largest)
        if checked:
            self._check_smooth(operation, operands, params, values)
        number = len(self.steps)
        self.steps.append(Step(operation, tuple(operands), dict(params), len(values) if several else 0))
        for part, value in enumerate(values):
            self.available.append((Ref("v", number, part if several else None), value))
        return Ref("v", number)

    def _check_values(self, values: list[Any], largest: float) -> None:
        for value in values:
            if value.size > MOST_ENTRIES or not np.isfinite(value).all():
                raise Rejected
            if value.dtype.kind in "fc" and value.size and np.abs(value).max() > largest:
                raise Rejected

    def _check_smooth(self, operation: Operation, operands: list[Any], params: Any, values: list[Any]) -> None:
        """No kink, no jump and no ill-conditioned matrix within a step of what the operation is applied to."""
        generator = np.random.default_rng(0)
        here = [self._raw(operand) for operand in operands]
        tracked = [isinstance(operand, Ref) and _is_floating(x) for operand, x in zip(operands, here, strict=True)]
        direction = [
            generator.uniform(0.5, 1.0, x.shape) * generator.choice([-1, 1], x.shape) * STEP if moves else 0
            for x, moves in zip(here, tracked, strict=True)
        ]
        beside = []
        for sign in (1, -1):
            moved = [
                np.asarray(x + sign * v, x.dtype) if moves else x
                for x, v, moves in zip(here, direction, tracked, strict=True)
            ]
            result = _run(operation, moved, params)
            beside.append([raw(part) for part in (result if isinstance(result, (tuple, list)) else [result])])
        for value, ahead, behind in zip(values, *beside, strict=True):
            if value.dtype.kind not in "fc":
                if not (np.array_equal(value, ahead) and np.array_equal(value, behind)):
                    raise Rejected
            elif value.size:
                bent = np.abs(ahead - 2 * value + behind).max()
                if not bent <= BENT * max(1.0, np.abs(value).max()):
                    raise Rejected

    def _raw(self, operand: Any) -> Any:
        if isinstance(operand, list):
            return [self._raw(part) for part in operand]
        return self._value(operand) if isinstance(operand, Ref) else operand

    def _value(self, operand: Any) -> Any:
        if not isinstance(operand, Ref):
            return operand
        return next(value for ref, value in reversed(self.available) if ref == operand)


COPY = Row(ROW_OF["copy"])
CONSTANT_ONLY = ("lstm_backward", "standardize_backward")  # parts of rules, without a derivative of their own
STEP = 2e-3
BENT = 2e-4  # a second difference: 50 times the square of the step
ASSIGNMENTS: tuple[Operation, ...] = (
    *(Assign("="), Assign("="), Assign("+="), Update("+="), Update("-="), Update("*=")),
    *(AtIndex("set"), AtIndex("add"), AtIndex("multiply")),
)


def _run(operation: Operation, operands: list[Any], params: dict[str, Any]) -> Any:
    given = [Tensor(x, None) if isinstance(x, np.ndarray) else x for x in operands]
    return operation.run(given, params)


def raw(value: Any) -> Any:
    """Array of a value."""
    return value.array if isinstance(value, Overloaded) else np.asarray(value)


def _rules(row: Primitive, count: int) -> list[bool]:
    """Which arguments may be tracked; of an operation without a derivative those of one that gives no floats."""
    if row.vjps is None:
        return [row.name not in CONSTANT_ONLY] * count
    return [True] * count if row.joint else [rule is not None for rule in row.rules(count)]


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fc"


def random_program(
    seed: Any = 0,
    operations: Any = None,
    max_operations: int = 8,
    dtype: Any = "float64",
    features: Any = None,
) -> RandomProgram:
    """A random program, the same for the same ``seed``; see ``strategies.programs`` for the other parameters."""
    pool = operations if isinstance(operations, Pool) else pool_of(operations, features)
    for attempt in range(ATTEMPTS):
        made = Generator(from_generator((*flat_seed(seed), attempt), dtype), pool).program(max_operations)
        if made is not None:
            return made
    raise nothing_fits([choice.row.name for choice in pool.rows] + [function.name for function in pool.functions])


def flat_seed(seed: Any) -> tuple[int, ...]:
    """An integer, or nested tuples of them, as one tuple."""
    return tuple(part for one in seed for part in flat_seed(one)) if isinstance(seed, tuple) else (int(seed),)


def nothing_fits(names: list[str]) -> DomainError:
    """Error for operations of which no program can be made."""
    return DomainError(
        f"random programs: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''} could not be applied to any "
        "arguments drawn (they raise, or the values are not finite, jump, or are larger than "
        f"{LARGEST:g}). Say where arguments come from: (operation, [(low, high), ...]) with an interval per argument, "
        "or (operation, sample) with sample(draw) -> (args, params)."
    )
