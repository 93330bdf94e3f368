"""Rules broken from outside: each wrapper calls the right rule, and spoils what goes in or comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core.ops.domain import Draw
from autograd_core.primitive import LINEAR, MULTILINEAR, Primitive
from autograd_core.scatter import Cleared, Scatter
from autograd_core.tensor import Tensor
from autograd_core.testing.rows import sample

from .code import reads

Rule = Callable[..., Any]
Breaker = Callable[[Rule], Rule]


# -- what comes out ----------------------------------------------------------------------------------------------------


def dense(out: Any) -> Any:
    """An array for a note that a rule sends in place of one; anything else as it is."""
    if isinstance(out, Scatter):
        return out.dense()
    return out.carry_out(False) if isinstance(out, Cleared) else out


def on_result(spoil: Callable[[Any], Any], part: int | None = None) -> Breaker:
    """The rule with ``spoil`` done to its result; to one of several results if ``part`` is given."""

    def breaker(rule: Rule) -> Rule:
        def broken(ct, ans, *args, **params):
            out = rule(ct, ans, *args, **params)
            if not isinstance(out, tuple):
                return spoil(dense(out))
            return tuple(
                spoil(dense(one)) if one is not None and part in (None, at) else one for at, one in enumerate(out)
            )

        return broken

    return breaker


def _first_entry_zero(out):
    mask = np.zeros(out.shape, bool)
    mask[(0,) * out.ndim if out.size else ()] = True
    return np.where(mask, np.zeros((), out.dtype), out) if out.size else out


def _rolled(out):
    return np.reshape(np.roll(np.reshape(out, (-1,)), 1), out.shape)


def _transposed(out):
    square = out.ndim > 1 and out.shape[-1] == out.shape[-2]
    return np.swapaxes(out, -1, -2) if square else out


def _narrow(out):
    width = {"d": np.float32, "D": np.complex64, "f": np.float16}.get(out.dtype.char)
    return out if width is None else np.astype(_array(out), width)


def _first_slice(out):
    return out[:1] if out.ndim and out.shape[0] else out


def _twice(out):
    return np.broadcast_to(_array(out), (2, *out.shape))


def _array(out):
    return out if isinstance(out, Tensor) else np.asarray(out)


RESULTS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("sign", "sign reversed", lambda out: -out),
    ("factor", "times 2", lambda out: out * 2),
    ("factor", "times 1.01", lambda out: out * 1.01),
    ("factor", "times 1.0001", lambda out: out * 1.0001),
    ("dropped", "zero", lambda out: out * 0),
    ("entry", "first entry zero", _first_entry_zero),
    ("entry", "entries rolled by one", _rolled),
    ("transposed", "last two axes swapped", _transposed),
    ("dtype", "rounded to half the width", _narrow),
    ("shape", "first slice for all", _first_slice),
    ("shape", "twice, along a new axis", _twice),
)
CONJUGATE = ("conjugate", "conjugated", lambda out: np.conj(out))


# -- what goes in ------------------------------------------------------------------------------------------------------


def _each(function, value):
    """``function`` of an array, or of each in a tuple or list (None stays None)."""
    if isinstance(value, (tuple, list)):
        return type(value)(None if one is None else function(one) for one in value)
    return function(value)


def _ones(ct):
    return np.ones(ct.shape, ct.dtype)


def upstream_ignored(rule: Rule) -> Rule:
    return lambda ct, ans, *args, **params: rule(_each(_ones, ct), ans, *args, **params)


def _raw(value):
    return value.array if isinstance(value, Tensor) else value


def stale(rule: Rule) -> Rule:
    """Computed on raw arrays: nothing is recorded, so that a second derivative is cut."""

    def broken(ct, ans, *args, **params):
        raw = rule(_each(_raw, ct), _each(_raw, ans), *map(_raw, args), **params)
        recorded = any(isinstance(one, Tensor) for one in (ct, ans, *args))
        return Tensor(np.asarray(dense(raw)), None) if recorded and not isinstance(raw, tuple) else raw

    return broken


def stale_arguments(rule: Rule) -> Rule:
    """The cotangent is followed, what it is multiplied by is not."""

    def broken(ct, ans, *args, **params):
        def fixed(value):
            return Tensor(value.array, None) if isinstance(value, Tensor) else value

        return rule(ct, _each(fixed, ans), *map(fixed, args), **params)

    return broken


def answer_for(index: int) -> Breaker:
    """The result in place of an argument."""

    def breaker(rule: Rule) -> Rule:
        def broken(ct, ans, *args, **params):
            one = ans[0] if isinstance(ans, tuple) else ans
            return rule(ct, ans, *args[:index], one, *args[index + 1 :], **params)

        return broken

    return breaker


def argument_for_answer(rule: Rule) -> Rule:
    return lambda ct, ans, *args, **params: rule(ct, args[0], *args, **params)


def arguments_swapped(rule: Rule) -> Rule:
    return lambda ct, ans, x, y, *args, **params: rule(ct, ans, y, x, *args, **params)


def missing_sum(index: int) -> Breaker:
    """One slice in place of the sum over the axes along which the argument was broadcast."""

    def breaker(rule: Rule) -> Rule:
        def broken(ct, ans, *args, **params):
            out = dense(rule(ct, ans, *args, **params))
            shape = np.shape(_raw(args[index]))
            if out.shape != np.shape(_raw(ans)):
                out = np.broadcast_to(_array(out), np.shape(_raw(ans)))
            extra = out.ndim - len(shape)
            if extra > 0:
                out = out[(0,) * extra] if all(out.shape[:extra]) else out
            for axis, side in enumerate(shape if extra >= 0 else ()):
                if side == 1 and out.shape[axis] > 1:
                    out = out[(slice(None),) * axis + (slice(0, 1),)]
            return out

        return broken

    return breaker


# -- all of them -------------------------------------------------------------------------------------------------------


def breakers(row: Primitive, slot: str, index: int, complex_too: bool) -> Iterator[tuple[str, str, Breaker]]:
    """Triples (kind, change, breaker) for one rule of ``row``."""
    parts = _parts(row) if row.joint and slot == "vjps" else [None]
    for part in parts:
        of_part = "" if part is None else f" for argument {part}"
        for kind, change, spoil in (*RESULTS, *((CONJUGATE,) if complex_too else ())):
            yield kind, change + of_part, on_result(lambda out, spoil=spoil: _each(spoil, out), part)
    yield "upstream", "upstream ignored", upstream_ignored
    yield "stale", "computed on raw arrays", stale
    yield "stale", "arguments not followed", stale_arguments
    rule = getattr(row, slot)[index]
    if reads(rule, 2):
        yield "operand", "the result in place of argument 0", answer_for(0)
    if reads(rule, 1):
        yield "operand", "argument 0 in place of the result", argument_for_answer
    count = len(getattr(row, slot))
    if (count > 1 or row.variadic or row.joint) and (reads(rule, 2) or reads(rule, 3)):
        yield "operand", "arguments 0 and 1 swapped", arguments_swapped
    for other in range(count):
        if other != index and getattr(row, slot)[other] is not None:
            yield "operand", f"the rule of argument {other}", lambda rule, other=other: getattr(row, slot)[other]
    if row.elementwise and slot == "vjps" and count > 1:
        yield "sum", "one slice in place of the sum over broadcast axes", missing_sum(index)


def _parts(row: Primitive) -> list[int]:
    """Positions of the arguments of a row whose only rule serves all."""
    generator = np.random.default_rng(0)
    case = sample(row, Draw(lambda low, high: int(generator.integers(low, high + 1))))
    return [index for index, arg in enumerate(case.args) if isinstance(arg, np.ndarray) and arg.dtype.kind in "fc"]


def declared(row: Primitive) -> Iterator[tuple[str, str, Any]]:
    """Triples (kind, change, jvps) for a row whose JVP is declared by its kind: what may stand in its place."""
    other = MULTILINEAR if row.jvps == LINEAR else LINEAR
    if row.variadic:
        yield "declared", f"{other} in place of {row.jvps}", other
        return
    assert row.vjps is not None
    active = [index for index, rule in enumerate(row.vjps) if rule is not None]
    if len(active) > 1:
        yield "declared", f"{other} in place of {row.jvps}", other
    rules = tuple(None if rule is None else _pushed(row, index) for index, rule in enumerate(row.vjps))
    for index in active:
        for kind, change, spoil in RESULTS[:5]:
            broken = on_result(lambda out, spoil=spoil: _each(spoil, out))(rules[index])
            yield kind, f"JVP of argument {index} {change}", (*rules[:index], broken, *rules[index + 1 :])


def _pushed(row: Primitive, index: int) -> Rule:
    """JVP rule for one argument of a linear or multilinear row."""
    linear = row.jvps == LINEAR

    def rule(t, ans, *args, **params):
        run = row if any(isinstance(one, Tensor) for one in (t, *args)) else row.impl
        rest = [
            np.zeros(np.shape(_raw(arg)), arg.dtype) if linear and row.vjps[at] is not None and at != index else arg
            for at, arg in enumerate(args)
        ]
        return run(*rest[:index], t, *rest[index + 1 :], **params)

    return rule
