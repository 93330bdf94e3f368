"""The engine's own walk: functions that serve every rule, broken one change at a time in their text.

They are changed in place, by their code object, so that whoever calls them calls the changed one. What must notice are
the tests of some rows of each kind, then random programs, then the tests of the tape and the transforms.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core import backward, cotangents, forward, linearize, scatter, shapes
from autograd_core.ops.table import TABLE
from autograd_core.primitive import PROJECT, Primitive
from autograd_core.tensor import Tensor
from autograd_core.testing import rows

from . import same, text
from .mutant import Mutant, in_slot
from .promises import Promise, promises

PANEL = tuple(
    next(row for row in TABLE if row.name == name)
    for name in (
        "multiply", "tanh", "where", "sum", "matmul", "getitem", "set_at", "slogdet", "concatenate", "standardize",
        "power", "svdvals",
    )
)  # fmt: skip
"""Rows of all kinds: elementwise, with several results, joint, variadic, with notes in place of arrays, ..."""

FUNCTIONS: tuple[Callable[..., Any], ...] = (
    cotangents.fit, cotangents.unbroadcast, cotangents.carry_out, cotangents.complete, backward.zeros_win,
    backward._zeros_win_if_needed, backward.vanishes, backward._has_nan, forward._ancestors, forward._plus,
    forward._conform, scatter.Scatter.add_to, scatter.Scatter.dense, scatter.Cleared.carry_out,
    shapes.broadcast_axes, shapes.broadcasts_into,
)  # fmt: skip
WALKS = (backward._walk, forward._walk, forward._tangent)
"""Long functions, which are full of short cuts for speed: of these only what they compute is changed."""
OF_WALKS = ("text operator", "text statement", "text call")


def targets(target_class) -> Iterator[Any]:
    """One target for each function, and one for each rule that is in no table."""
    for function in (*FUNCTIONS, *WALKS):
        name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        yield target_class(name, PANEL, "engine", partial(_mutants, function, name))
    for row in (PROJECT, linearize.LIFT):
        name = f"{row.name}.vjps[0]"
        yield target_class(name, PANEL, "engine", partial(_mutants_of_rule, row, name))


def _mutants(function, name: str) -> Iterator[Mutant]:
    for number, (kind, change, made) in enumerate(text.mutated(function)):
        if function not in WALKS or kind in OF_WALKS:
            yield Mutant(name, kind, change, number, partial(_changed_in_place, function, made))


def _mutants_of_rule(row: Primitive, name: str) -> Iterator[Mutant]:
    for number, (kind, change, made) in enumerate(text.mutated(row.vjps[0])):
        yield Mutant(name, kind, change, number, partial(_planted_rule, row, made))


def _planted_rule(row, made):
    return in_slot(row, "vjps", 0, made())


@contextmanager
def _changed_in_place(function: types.FunctionType, made) -> Iterator[None]:
    before = function.__code__
    try:
        function.__code__ = made().__code__
        yield
    finally:
        function.__code__ = before


# -- small programs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program(same.Tracked):
    """A function of its arguments in place of a row's application; ``nodes`` of its graph."""

    nodes: int = 0
    title: str = ""
    slopes: tuple[float, ...] | None = None  # of each entry, where differences cannot tell
    curves: tuple[float, ...] | None = None  # second derivatives of each entry

    @property
    def function(self) -> Callable[..., Any]:
        return self.params["function"]

    def raw(self, primals=None):
        out = self.function(*(self.args if primals is None else self.with_primals(primals)))
        return tuple(map(np.asarray, out if isinstance(out, tuple) else (out,)))

    def tensors(self, primals):
        out = self.function(*self.with_primals(primals))
        return self._used(tuple(one for one in (out if isinstance(out, tuple) else (out,)) if one.dtype.kind in "fc"))

    def __str__(self) -> str:
        return self.title


def programs() -> list[Program | Promise]:
    """Of one or two operations: reuse, chains, broadcasting, several results, indices, zeros that meet infinities."""
    return sorted([*_PROGRAMS, *promises()], key=lambda program: program.nodes)


@cache
def outcomes() -> tuple[tuple[int, Program, list[Any]], ...]:
    """What comes of the programs with the right walk; to be called while nothing is planted."""
    found = ((number, program, same.outcome(program, number)) for number, program in enumerate(_PROGRAMS))
    return tuple((number, program, result) for number, program, result in found if result is not None)


def first_different(right) -> Any:
    """The smallest program on which the walk, as it is now, gives something else."""
    return same.first_different(right)


# -- what they are compared with ---------------------------------------------------------------------------------------


def check(program: Program | Promise) -> None:
    """The derivatives of a small program against differences, a wider dtype, or by hand; raises if one is wrong."""
    with np.errstate(all="ignore"):
        if isinstance(program, Promise):
            program.run()
        elif program.slopes is not None:
            _check_slopes(program, np.array(program.slopes))
            if program.curves is not None:
                _check_curves(program, np.array(program.curves))
        elif any(_is_narrow(arg) for arg in program.args):
            _check_narrow(program)
        else:
            for one in (rows.check_vjp, rows.check_jvp, rows.check_second_order):
                one(program, np.random.default_rng(0))


def noticed() -> Program | Promise | None:
    """The smallest program whose derivatives are wrong with the walk as it is now."""
    for program in programs():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                check(program)
        except Exception:
            return program
    return None


def _is_narrow(arg) -> bool:
    return isinstance(arg, np.ndarray) and arg.dtype in ("float32", "complex64")


def _check_slopes(program: Program, slopes) -> None:
    for ct in (np.array([1.0, -2.0, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0])):
        wanted = np.where(ct == 0, 0, ct * slopes)
        np.testing.assert_allclose(rows.pull(program, program.primals, [ct])[0], wanted)
        np.testing.assert_allclose(rows.push(program, program.primals, [ct])[0], wanted)


def _check_curves(program: Program, curves) -> None:
    ct = np.array([1.0, -2.0, 3.0])
    first = ag.grad(lambda x: np.sum(program.function(x) * ct))
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(first(x)))(*program.primals), ct * curves)


def _check_narrow(program: Program) -> None:
    """In float32 as in float64 but for the digits; each derivative in its own dtype."""
    wide = replace(program, args=tuple(_widened(program.args)))
    random = np.random.default_rng(0)
    outs = program.raw_floating(program.primals)
    cts, u, w = (rows.noise(random, like) for like in (outs, program.primals, program.primals))
    pulled, pushed = rows.pull(program, program.primals, cts), rows.push(program, program.primals, w)
    rows.check_fit(program, program.primals, pulled)
    assert [t.dtype for t in pushed] == [out.dtype for out in outs]
    wider = rows.pull(wide, wide.primals, _widened(cts)), rows.push(wide, wide.primals, _widened(w))
    second = same.second(program, program.primals, cts, u, w)
    wider_second = same.second(wide, wide.primals, *map(_widened, (cts, u, w)))
    for got, wanted in zip((*pulled, *pushed, *second), (*wider[0], *wider[1], *wider_second), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)


def _widened(arrays):
    return [
        array.astype(complex if array.dtype.kind == "c" else float) if _is_narrow(array) else array for array in arrays
    ]


# -- the programs ------------------------------------------------------------------------------------------------------


def _written(x, index, y):
    x = x.copy()
    x[index] = y
    return x


def _hooked_sqrt(x):
    root = np.sqrt(x)
    if isinstance(root, Tensor):
        root.register_gradient_hook(lambda ct: None)
    return root


def _made() -> Iterator[Program]:
    random = np.random.default_rng(5)
    v, w, m = random.uniform(0.5, 2.0, 3), random.uniform(0.5, 2.0, 3), random.uniform(0.5, 2.0, (2, 3))
    zero, scalar = np.array([0.0, 1.0, 4.0]), np.array(1.3)
    narrow, turned = v.astype("float32"), v + 1j * w
    twice = np.array([1, 1, 0])

    def program(nodes, title, function, *args, tracked=None, slopes=None, curves=None):
        tracked = tuple(range(len(args))) if tracked is None else tracked
        return Program(
            LIFTED, args, {"function": function}, tracked, nodes=nodes, title=title, slopes=slopes, curves=curves
        )

    for x, name in ((v, "x"), (scalar, "x, 0-d"), (narrow, "x, float32"), (turned, "x, complex"), (m, "x, 2-d")):
        yield program(2, f"sin({name})", np.sin, x)
        yield program(2, f"x * x, x = {name}", lambda x: x * x, x)
        yield program(2, f"x + x, x = {name}", lambda x: x + x, x)
        yield program(2, f"sum(x), x = {name}", np.sum, x)
        yield program(3, f"sin(cos(x)), x = {name}", lambda x: np.sin(np.cos(x)), x)
        yield program(3, f"x * sin(x), x = {name}", lambda x: x * np.sin(x), x)
    pairs = [(m, w), (w, m), (scalar, m), (m, scalar), (m[:, :1], w), (narrow, w), (v, turned), (scalar, narrow)]
    pairs += [(m[:, :1], random.uniform(0.5, 2.0, (2, 2, 3)))]
    pairs += [(narrow, turned), (turned.astype("complex64"), turned), (scalar.astype("float32"), scalar)]
    pairs += [(scalar.astype("float32"), np.array(1.3 + 2j)), (turned.astype("complex64"), v)]
    for a, b in pairs:
        for tracked in ((0,), (1,), (0, 1)):
            given = f"x {a.dtype}{a.shape}, y {b.dtype}{b.shape}"
            yield program(1 + len(tracked), f"x * y, {given}", lambda x, y: x * y, a, b, tracked=tracked)
            yield program(1 + len(tracked), f"x - y, {given}", lambda x, y: x - y, a, b, tracked=tracked)
    yield program(3, "modf(x)[0]", lambda x: np.modf(x)[0], v)
    yield program(3, "modf(x)[1]", lambda x: np.modf(x)[1], v)
    yield program(2, "x[[1, 1, 0]]", lambda x: x[twice], v)
    yield program(2, "x[1:]", lambda x: x[1:], v)
    yield program(2, "x[1]", lambda x: x[1], v)
    yield program(3, "x[1] * x", lambda x: x[1] * x, v)
    yield program(3, "x[1] + x", lambda x: x[1] + x, v)
    yield program(3, "x[x[1:] ...]: x[1:][0]", lambda x: x[1:][0], v)
    yield program(3, "sin(x)[1]", lambda x: np.sin(x)[1], v)
    yield program(3, "x[1] = y", lambda x, y: _written(x, 1, y), v, scalar, tracked=(0, 1))
    yield program(3, "x[1] = 2, plus x", lambda x: _written(x, 1, 2.0) + x, v)
    yield program(3, "x plus x[1] = 2", lambda x: x + _written(x, 1, 2.0), v)
    yield program(3, "x[1] = 2, minus x", lambda x: x - _written(x, 1, 2.0), turned)
    yield program(3, "x[1] = 2, x[0] = 3", lambda x: _written(_written(x, 1, 2.0), 0, 3.0), v)
    some = np.array([False, True, True])
    root, bent = (0, 0.5, 0.25), (0, -0.25, -1 / 32)
    for title, sqrt in (("sqrt", np.sqrt), ("hooked sqrt", _hooked_sqrt)):
        masked = lambda x, sqrt=sqrt: np.where(some, sqrt(x), 0.0)
        yield program(3, f"where(x > 0, {title}(x), 0)", masked, zero, slopes=root, curves=bent)
    yield program(2, "sqrt(x) at 0", np.sqrt, zero, slopes=(np.inf, 0.5, 0.25))
    yield program(3, "sqrt(x) * 0", lambda x: np.sqrt(x) * 0.0, zero, slopes=(0, 0, 0))
    yield program(2, "x * inf", lambda x: x * np.array([np.inf, 1.0, 2.0]), zero, slopes=(np.inf, 1, 2))
    yield program(3, "concatenate([x, x])", lambda x: np.concatenate([x, x]), v)
    yield program(3, "linalg.svd(x)[1]", lambda x: np.linalg.svd(x, full_matrices=False)[1], m)
    yield program(3, "linalg.svd(x)[0]", lambda x: np.linalg.svd(x, full_matrices=False)[0], m)
    yield program(2, "x @ y", lambda x, y: x @ y, m, w, tracked=(0,))
    large = random.uniform(0.5, 2.0, 700)
    spots = random.integers(0, 700, 600)
    yield program(2, "x[indices], 600 of them", lambda x: x[spots], large)
    yield program(2, "x[indices], rows", lambda x: x[spots % 20], random.uniform(0.5, 2.0, (20, 2)))


LIFTED = Primitive("program", lambda x: x, vjps=(lambda ct, ans, x: ct,))
_PROGRAMS = sorted(_made(), key=lambda program: program.nodes)
