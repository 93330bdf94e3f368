"""Random programs, for tests of passes and emitters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from autograd_core.compile.program import Program
from autograd_core.ops.activations import LEAKY_RELU, RELU, SIGMOID, SOFTPLUS
from autograd_core.ops.affine import AFFINE
from autograd_core.ops.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, POWER, SQUARE, SUBTRACT
from autograd_core.ops.comparison import GREATER
from autograd_core.ops.complex_parts import ABSOLUTE
from autograd_core.ops.exponential import EXP, LOG1P
from autograd_core.ops.indexing import ADD_AT, GETITEM, SET_AT
from autograd_core.ops.joining import CONCATENATE, SPLIT, STACK, UNSTACK
from autograd_core.ops.products import MATMUL
from autograd_core.ops.reductions import MAX, MEAN, SUM
from autograd_core.ops.reshaping import ASTYPE, BROADCAST_TO, COPY, RESHAPE, TRANSPOSE
from autograd_core.ops.rounding import ROUND
from autograd_core.ops.selection import CLIP, MAXIMUM, WHERE
from autograd_core.ops.softmax import LOG_SOFTMAX, SOFTMAX
from autograd_core.ops.trigonometric import TANH
from autograd_core.symbol import Value

from .build import Builder

NUMBERS = (0, 1, 2, 0.0, -0.0, 1.0, 0.5, -1.5, 2.0)


class NothingFitsError(Exception):
    """No value, and no small input, is as an instruction needs it."""


class Random:
    """Grows a program by random instructions.

    Parameters
    ----------
    seed : int
    sides : tuple of int
        Lengths of axes.
    """

    def __init__(self, seed: int, sides: tuple[int, ...] = (1, 2, 3)):
        self.rng = np.random.default_rng(seed)
        self.sides = sides
        self.b = Builder()
        self.values: list[Value] = []
        self.gates: list[Value] = []

    def pick(self, options: Any) -> Any:
        """One of several."""
        return options[int(self.rng.integers(len(options)))]

    def shape(self, least: int = 0) -> tuple[int, ...]:
        """A shape of up to three axes."""
        return tuple(self.pick(self.sides) for _ in range(int(self.rng.integers(least, 4))))

    def array(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        """Entries of order 1."""
        return np.asarray(self.rng.normal(size=shape)).astype(dtype)

    def value(self, condition: Callable[[Value], bool] = lambda v: True) -> Value:
        """A value that is there, late ones rather than early ones; a new input if none fits."""
        fitting = [v for v in self.values if condition(v)]
        if fitting:
            return fitting[-1 - min(int(self.rng.geometric(0.3)) - 1, len(fitting) - 1)]
        for _ in range(100):
            new = Value(self.shape(), np.dtype(np.float32))
            if condition(new):
                return self.input(new.shape)
        raise NothingFitsError

    def input(self, shape: tuple[int, ...]) -> Value:
        """A new input of some kind."""
        array = self.array(shape, self.pick((np.float32, np.float32, np.float32, np.float64)))
        kind = self.pick(("argument", "argument", "variable", "array", "constant", "uniform"))
        if kind in ("constant", "uniform"):
            array = array if kind == "constant" else np.full_like(array, self.pick((0, 1, 0.5)))
            value = self.b.constant(array)
        else:
            value = self.b.input(kind, array)
        self.values.append(value)
        return value

    def partner(self, x: Value) -> Any:
        """Something that broadcasts with ``x``."""
        if self.rng.random() < 0.25:
            return self.pick(NUMBERS)
        return self.value(lambda v: _broadcasts(v.shape, x.shape))

    def add(self, primitive: Any, *operands: Any, **params: Any) -> None:
        """One more instruction, unless its result is empty, too large or no number."""
        before = len(self.b.program.instructions)
        with np.errstate(all="ignore"):
            results = self.b.add(primitive, *operands, **params)
        results = results if isinstance(results, tuple) else (results,)
        if not results or any(not 0 < r.size < 20000 or not np.all(np.abs(r.example) < 1e6) for r in results):
            del self.b.program.instructions[before:]
            return
        (self.gates if results[0].dtype == bool else self.values).extend(results)

    def step(self) -> None:
        """One random instruction."""
        with suppress(NothingFitsError):  # another one will
            self.pick(STEPS)(self, self.value())

    def program(self, length: int = 12, writes: int = 2) -> tuple[Program, list[Any]]:
        """A program, and arrays to run it on."""
        for _ in range(3):
            self.input(self.shape())
        while len(self.b.program.instructions) < length:
            self.step()
        targets = [i.value for i in self.b.program.inputs if i.kind == "variable"]
        for target in targets[:writes]:
            new = [v for v in self.values if (v.shape, v.dtype) == (target.shape, target.dtype)]
            self.b.write(target, self.pick(new))
        outputs = [self.pick(self.values[-6:]) for _ in range(3)]
        guards = (self.pick(self.values),) if self.rng.random() < 0.5 else ()
        return self.b.finish(*outputs, guards=guards), [np.array(a) for a in self.b.examples()]


def _broadcasts(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    return all(i == j or 1 in (i, j) for i, j in zip(left[::-1], right[::-1], strict=False))


def _axes(r: Random, x: Value) -> tuple[int, ...]:
    return tuple(at for at in range(x.ndim) if r.rng.random() < 0.6)


def _unary(r: Random, x: Value) -> None:
    primitive = r.pick((NEGATIVE, EXP, TANH, SQUARE, SIGMOID, SOFTPLUS, RELU, ABSOLUTE, COPY, LEAKY_RELU, ROUND))
    params = {LEAKY_RELU: {"negative_slope": r.pick((0.2, 1.5))}, ROUND: {"decimals": 1}}.get(primitive, {})
    r.add(primitive, x, **params)


def _binary(r: Random, x: Value) -> None:
    pair = (x, r.partner(x))
    r.add(r.pick((ADD, SUBTRACT, MULTIPLY, MULTIPLY, MAXIMUM)), *(pair if r.rng.random() < 0.5 else pair[::-1]))


def _quotient(r: Random, x: Value) -> None:
    r.add(DIVIDE, x, r.pick((1, 1.0, 2.0, r.partner(x))))


def _power(r: Random, x: Value) -> None:
    r.add(POWER, x, r.pick((1, 2, 2.0, 1.0)))


def _gate(r: Random, x: Value) -> None:
    r.add(GREATER, x, r.partner(x))
    if r.gates:
        gate = r.gates[-1]
        y = r.value(lambda v: _broadcasts(v.shape, gate.shape))
        r.add(WHERE, gate, *r.pick(((y, 0.0), (0.0, y), (y, y), (y, 0.5))))


def _clip(r: Random, x: Value) -> None:
    r.add(CLIP, x, r.pick((-0.5, -np.inf)), r.pick((0.5, np.inf)))


def _reduce(r: Random, x: Value) -> None:
    r.add(r.pick((SUM, SUM, MEAN, MAX)), x, axis=_axes(r, x), keepdims=bool(r.rng.integers(2)))


def _reshape(r: Random, x: Value) -> None:
    shapes = (x.shape[::-1], (x.size,), (*x.shape, 1), (1, *x.shape), x.shape)
    r.add(RESHAPE, x, shape=r.pick(shapes))


def _transpose(r: Random, x: Value) -> None:
    r.add(TRANSPOSE, x, axes=tuple(int(k) for k in r.rng.permutation(x.ndim)))


def _broadcast(r: Random, x: Value) -> None:
    r.add(BROADCAST_TO, x, shape=(2, *(2 if s == 1 else s for s in x.shape)))


def _astype(r: Random, x: Value) -> None:
    r.add(ASTYPE, x, dtype=np.dtype(r.pick((np.float32, np.float64))))


def _index(r: Random, x: Value) -> Any:
    if not x.ndim or not x.shape[0]:
        return r.pick((..., None))
    n = x.shape[0]
    return r.pick((0, -1, slice(0, n), slice(None, None, -1), slice(0, n, 2), (..., 0), None, (None, 0)))


def _getitem(r: Random, x: Value) -> None:
    if x.ndim and x.shape[0] and r.rng.random() < 0.3:
        r.add(GETITEM, x, index=r.rng.integers(0, x.shape[0], size=3))
    else:
        r.add(GETITEM, x, index=_index(r, x))


def _update(r: Random, x: Value) -> None:
    index = _index(r, x)
    part = x.example[index].shape
    y = r.pick((0, 0.5, r.value(lambda v: v.ndim <= len(part) and _fits(v.shape, part))))
    if y.__class__ is Value and y.dtype != x.dtype:
        return
    r.add(*r.pick(((SET_AT, y, x), (ADD_AT, x, y))), index=index) if y.__class__ is Value else r.add(
        SET_AT, y, x, index=index
    )


def _fits(shape: tuple[int, ...], part: tuple[int, ...]) -> bool:
    return all(i in (1, j) for i, j in zip(shape[::-1], part[::-1], strict=False))


def _matmul(r: Random, x: Value) -> None:
    if not x.ndim:
        return
    n = x.shape[-1]
    y = r.value(lambda v: v.ndim > 0 and v.shape[-2:][0] == n and _broadcasts(v.shape[:-2], x.shape[:-2]))
    r.add(MATMUL, x, y)


def _affine(r: Random, x: Value) -> None:
    if x.ndim:
        n, m = x.shape[-1], r.pick(r.sides)
        w = r.value(lambda v: v.ndim == 2 and v.shape == (n, m))
        r.add(AFFINE, x, w, r.value(lambda v: v.shape == (m,)))


def _softmax(r: Random, x: Value) -> None:
    if x.ndim:
        r.add(r.pick((SOFTMAX, LOG_SOFTMAX)), x, axis=r.pick((x.ndim - 1, 0, (0,))))


def _join(r: Random, x: Value) -> None:
    if x.ndim:
        same = r.value(lambda v: v.shape == x.shape)
        r.add(r.pick((CONCATENATE, STACK)), x, same, axis=int(r.rng.integers(x.ndim)))


def _part(r: Random, x: Value) -> None:
    if x.ndim:
        axis = int(r.rng.integers(x.ndim))
        r.add(UNSTACK, x, axis=axis) if r.rng.random() < 0.5 else r.add(SPLIT, x, cuts=(1,), axis=axis)


def _log1p(r: Random, x: Value) -> None:
    r.add(LOG1P, x)


STEPS: tuple[Callable[[Random, Value], None], ...] = (
    _unary, _unary, _binary, _binary, _binary, _quotient, _power, _gate, _clip, _reduce, _reduce, _reshape, _transpose,
    _broadcast, _astype, _getitem, _update, _matmul, _affine, _softmax, _join, _part, _log1p,
)  # fmt: skip


def arrays_of(optimised: Program, program: Program, arrays: list[Any]) -> list[Any]:
    """Arrays for a program that a pass made of ``program``: its inputs may be fewer, or have new constants."""
    known = {id(each): array for each, array in zip(program.inputs, arrays, strict=True)}
    return [each.key if each.kind == "constant" else known[id(each)] for each in optimised.inputs]
