"""What there is to break: the rules of each row, the helpers that rules call, and the engine's own walk."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE
from autograd_core.primitive import Primitive
from autograd_core.testing import rows

from . import code, engine, text, wrapped
from .mutant import Mutant, in_slot, replaced

DIFFERENTIABLE = tuple(row for row in TABLE if row.vjps is not None)


@dataclass(frozen=True)
class Target:
    """Something to break, and the rows whose tests look at it.

    Attributes
    ----------
    name : str
    rows : tuple of Primitive
        Those that use it.
    group : str
        "rule", "helper" or "engine".
    mutants : callable
        Gives all mutants, always in the same order.
    """

    name: str
    rows: tuple[Primitive, ...]
    group: str
    mutants: Callable[[], Iterator[Mutant]]


def targets() -> list[Target]:
    """All there is to break."""
    return [*_of_rules(), *_of_helpers(), *engine.targets(Target)]


def numbered(made: Iterator[tuple[str, str, Callable]], name: str) -> Iterator[Mutant]:
    for number, (kind, change, planted) in enumerate(made):
        yield Mutant(name, kind, change, number, planted)


# -- rules -------------------------------------------------------------------------------------------------------------


def _of_rules() -> Iterator[Target]:
    for row in DIFFERENTIABLE:
        for slot in ("vjps", "jvps"):
            rules = getattr(row, slot)
            if isinstance(rules, str):
                name = f"{row.name}.jvps"
                yield Target(name, (row,), "rule", partial(_mutants_of_declared, row, name))
                continue
            for index, rule in enumerate(rules or ()):
                if rule is not None:
                    name = f"{row.name}.{slot}[{index}]"
                    yield Target(name, (row,), "rule", partial(_mutants_of_rule, row, slot, index, name))


def _mutants_of_rule(row: Primitive, slot: str, index: int, name: str) -> Iterator[Mutant]:
    return numbered(_of_rule(row, slot, index), name)


def _mutants_of_declared(row: Primitive, name: str) -> Iterator[Mutant]:
    made = ((kind, change, partial(replaced, [(row, "jvps", jvps)])) for kind, change, jvps in wrapped.declared(row))
    return numbered(made, name)


def _of_rule(row: Primitive, slot: str, index: int):
    rule = getattr(row, slot)[index]
    for kind, change, breaker in wrapped.breakers(row, slot, index, takes_complex(row)):
        yield kind, change, partial(in_slot, row, slot, index, breaker(rule))
    yield "dropped", "no rule", partial(in_slot, row, slot, index, None)
    for kind, change, made in text.mutated(rule):
        yield kind, change, partial(_planted_text, row, slot, index, made)


def _planted_text(row, slot, index, made):
    return in_slot(row, slot, index, made())


@cache
def takes_complex(row: Primitive) -> bool:
    """Whether the forward function of ``row`` takes complex arrays."""
    generator = np.random.default_rng(1)
    case = rows.sample(row, Draw(lambda low, high: int(generator.integers(low, high + 1))))
    args = [np.asarray(arg + 0.3j) if index in case.active else arg for index, arg in enumerate(case.args)]
    try:
        with np.errstate(all="ignore"):
            row.impl(*args, **case.params)
    except TypeError:
        return False
    return True


# -- helpers -----------------------------------------------------------------------------------------------------------
# A helper is broken for rules only: forward functions that call it too go on calling the right one.


def _of_helpers() -> Iterator[Target]:
    for helper, users in helpers().items():
        name = f"{helper.__module__.rpartition('.')[2]}.{helper.__qualname__}"
        yield Target(name, users, "helper", partial(_mutants_of_helper, helper, users, name))


def _mutants_of_helper(helper, users, name: str) -> Iterator[Mutant]:
    made = ((kind, change, partial(_planted_helper, helper, users, new)) for kind, change, new in text.mutated(helper))
    return numbered(made, name)


@cache
def helpers() -> dict[types.FunctionType, tuple[Primitive, ...]]:
    """Functions of ``autograd_core.ops`` that rules call, other than public ones; and the rows that do."""
    users: dict[types.FunctionType, list[Primitive]] = {}
    for row in DIFFERENTIABLE:
        found: dict[types.FunctionType, None] = {}
        rules = _rules_of(row)
        for rule in rules:
            _reach(rule, found)
        for helper in found:
            if helper not in rules:
                users.setdefault(helper, []).append(row)
    return {helper: tuple(of) for helper, of in users.items()}


def _rules_of(row: Primitive) -> list[Any]:
    jvps = () if isinstance(row.jvps, str) or row.jvps is None else row.jvps
    return [rule for rule in (*(row.vjps or ()), *jvps) if rule is not None]


def _reach(function, found: dict) -> None:
    for other in _helpers_called(function).values():
        if other not in found:
            found[other] = None
            _reach(other, found)


def _helpers_called(function) -> dict[str, types.FunctionType]:
    return {name: other for name, other in code.called(function).items() if _is_helper(other)}


def _is_helper(function) -> bool:
    module = function.__module__
    return (
        module.startswith("autograd_core.ops.")
        and not hasattr(function, "primitive")
        and function.__name__ not in getattr(code.module_of(function), "__all__", ())
    )


def _planted_helper(helper, users, made):
    new = made()
    changes = []
    for row in users:
        memo: dict[Any, Any] = {helper: new}
        vjps = tuple(None if rule is None else _calling(rule, memo) for rule in row.vjps)
        changes.append((row, "vjps", vjps))
        if not isinstance(row.jvps, str) and row.jvps is not None:
            jvps = tuple(None if rule is None else _calling(rule, memo) for rule in row.jvps)
            changes.append((row, "jvps", jvps))
    return replaced(changes)


def _calling(function, memo: dict):
    """``function``, calling what ``memo`` has in place of what it called."""
    if function in memo:
        return memo[function]
    memo[function] = function  # a function that calls itself goes on calling the right one
    new = {name: _calling(other, memo) for name, other in _helpers_called(function).items()}
    calls = _helpers_called(function)
    changed = {name: other for name, other in new.items() if other is not calls[name]}
    if changed:
        closure = {name: types.CellType(changed[name]) for name in function.__code__.co_freevars if name in changed}
        memo[function] = text.remade(function, None, {**function.__globals__, **changed}, closure)
    return memo[function]
