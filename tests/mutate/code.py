"""What the code of a function refers to: globals, other functions of ours, its own arguments."""

from __future__ import annotations

import dis
import inspect
import sys
import types
from functools import cache
from typing import Any


def called(function) -> dict[str, Any]:
    """The functions of this project that ``function`` refers to by a global name or a closure, by name."""
    found = {name: function.__globals__.get(name) for name in _global_names(function.__code__)}
    closure = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    found.update(closure)
    return {name: value for name, value in found.items() if isinstance(value, types.FunctionType)}


@cache
def _global_names(code: types.CodeType) -> frozenset[str]:
    """Names read as globals (not as attributes) in ``code`` and what it contains."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return frozenset(names.union(*(_global_names(c) for c in code.co_consts if isinstance(c, types.CodeType)), set()))


def reads(function: Any, position: int) -> bool:
    """Whether a rule reads its positional argument. Of what comes as ``*args`` it may."""
    code = getattr(function, "__code__", None)
    if code is None or position >= code.co_argcount:
        return True
    name = code.co_varnames[position]
    return any(
        i.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE")) and name in _names(i.argval)
        for i in dis.get_instructions(code)
    )


def _names(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)  # Python 3.13 loads two at once


def module_of(function):
    """The module that ``function`` was defined in."""
    return sys.modules[function.__module__]
