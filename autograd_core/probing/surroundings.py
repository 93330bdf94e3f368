"""What a user's function may change beside its result, kept so that a probe can put it back.

Variables and random generators that the function can reach (through its closure, its defaults, the globals it names,
its arguments) are looked for a few steps deep. Other things that it writes to (a list, a counter, a file) are its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from ..variable import Variable

DEPTH = 4
MOST = 2000  # objects looked at


class Surroundings:
    """State that is put back before each call of a probe, and at its end."""

    def __init__(self, roots: list[Any]):
        self.variables: dict[int, tuple[Any, Any, int, Any]] = {}
        self.generators: list[tuple[Any, Any]] = []
        for found in reach(roots):
            if isinstance(found, Variable):
                self.keep(found)
            else:
                bits = found.bit_generator if isinstance(found, np.random.Generator) else found
                self.generators.append((bits, state_of(bits)))
        self._numpy = np.random.get_state()
        self._python = random.getstate()

    def keep(self, variable: Any) -> None:
        """Put this Variable back, too."""
        if id(variable) not in self.variables:
            self.variables[id(variable)] = (variable, variable._value, variable.version, variable._assigned_by)

    def restore(self) -> None:
        """Let everything be as it was at first."""
        for variable, value, version, place in self.variables.values():
            if variable._value is not value:
                variable._value = value
            if variable.version != version:
                variable.version, variable._assigned_by = version, place
        for bits, state in self.generators:
            _set_state(bits, state)
        np.random.set_state(self._numpy)
        random.setstate(self._python)


def state_of(found: Any) -> Any:
    """State of a generator, or of what its bits come from."""
    if isinstance(found, random.Random):
        return found.getstate()
    bits = found.bit_generator if isinstance(found, np.random.Generator) else found
    return _legacy(bits) or bits.state


def _legacy(bits: Any) -> Any:
    return bits.get_state() if isinstance(bits, np.random.RandomState) else None


def _set_state(bits: Any, state: Any) -> None:
    if isinstance(bits, random.Random):
        bits.setstate(state)
    elif isinstance(bits, np.random.RandomState):
        bits.set_state(state)
    else:
        bits.state = state


_KEPT = (Variable, np.random.Generator, np.random.RandomState, random.Random)
_LEAVES = (np.ndarray, str, bytes, int, float, complex, type(None), type, np.generic)


def reach(roots: list[Any], depth: int = DEPTH, most: int = MOST) -> Iterator[Any]:
    """Variables and generators within reach of ``roots``: so many steps from them, among so many objects."""
    seen: set[int] = set()
    layer = list(roots)
    for _ in range(depth):
        following: list[Any] = []
        for item in layer:
            if issubclass(type(item), _LEAVES) or id(item) in seen:
                continue
            if len(seen) >= most:
                return
            seen.add(id(item))
            if issubclass(type(item), _KEPT):  # an object may lie about its class, or raise an error
                yield item
            else:
                following += _parts(item)
        layer = following


def _parts(item: Any) -> list[Any]:
    """What an object holds, as far as a function would get at it."""
    kind = type(item)
    if issubclass(kind, FunctionType):
        cells = [cell.cell_contents for cell in item.__closure__ or () if _is_filled(cell)]
        named = [item.__globals__[name] for name in _names(item.__code__) if name in item.__globals__]
        # Modules and classes are not gone into: whatever they hold is everybody's.
        named = [value for value in named if not issubclass(type(value), type) and not _is_module(value)]
        parts = [*cells, *(item.__defaults__ or ()), *(item.__kwdefaults__ or {}).values(), *named]
    elif issubclass(kind, MethodType):
        return [item.__self__, item.__func__]
    elif issubclass(kind, partial):
        return [item.func, *item.args, *item.keywords.values()]
    elif issubclass(kind, dict):
        return list(dict.values(item))
    elif issubclass(kind, (list, tuple, set)):
        return list(item)
    else:
        parts = []
    attributes = {} if _is_module(item) else attributes_of(item)
    return [*parts, *attributes.values()]


def attributes_of(item: Any) -> dict[str, Any]:
    """The attributes of an object, ``__wrapped__`` too; none of one that does not give them away."""
    try:
        found = object.__getattribute__(item, "__dict__")
    except Exception:
        return {}  # whatever the user's object raises: it is no answer
    return found if type(found) is dict else {}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # raises if it is empty
    except ValueError:
        return False
    return True


def _is_module(value: Any) -> bool:
    return type(value).__name__ == "module"


def _names(code: CodeType) -> Iterator[str]:
    """Names of globals that a function refers to, those of functions defined inside of it, too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
