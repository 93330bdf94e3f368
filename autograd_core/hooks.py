"""Gradient hooks: functions of the user's that a backward walk calls with the gradient of a value.

They are kept here, beside the graph and not in it, by the identity of the Node or Variable that they belong to. While
there is none, a walk asks once whether the table is empty.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from weakref import WeakSet, ref

Hook = Callable[[Any], Any]


class Hooks:
    """The hooks of one Node, Variable or layer, in the order in which they were registered."""

    __slots__ = ("__weakref__", "functions", "owner")

    _numbers = itertools.count()

    def __init__(self, owner: Any = None):
        self.owner = owner  # a weak reference, or None
        self.functions: dict[int, Hook] = {}

    def add(self, function: Hook, emptied: Callable[[], Any] | None = None) -> HookHandle:
        """Register a function; ``emptied`` is called when the last one has been removed."""
        if not callable(function):
            raise TypeError(
                f"register_gradient_hook: got a {type(function).__name__}; expected a function of the gradient that "
                "returns None, or what shall be the gradient in its place."
            )
        number = next(self._numbers)
        self.functions[number] = function
        return HookHandle(self, number, emptied)


class HookHandle:
    """What ``register_gradient_hook`` returns: takes the hook away again."""

    __slots__ = ("_emptied", "_hooks", "_number")

    def __init__(self, hooks: Hooks, number: int, emptied: Callable[[], Any] | None):
        self._hooks = ref(hooks)
        self._number = number
        self._emptied = emptied

    def remove(self) -> None:
        """Take the hook away; nothing happens if it is gone already."""
        hooks = self._hooks()
        if hooks is None or hooks.functions.pop(self._number, None) is None:
            return
        if not hooks.functions and self._emptied is not None:
            self._emptied()

    def __repr__(self) -> str:
        hooks = self._hooks()
        there = hooks is not None and self._number in hooks.functions
        return f"<HookHandle {'registered' if there else 'removed'}>"


class Table(dict[int, Hooks]):
    """Hooks by the identity of the object that they belong to; they go when it goes."""

    def hooks_of(self, owner: Any) -> Hooks | None:
        """The hooks of ``owner``; None if there are none."""
        return self.get(id(owner))

    def register(self, owner: Any, function: Hook, changed: Callable[[], Any] | None = None) -> HookHandle:
        """Register a function; ``changed`` is called now, and when the last one has been removed."""
        key = id(owner)
        hooks = self.get(key)
        if hooks is None:
            hooks = Hooks(ref(owner, lambda _: self.pop(key, None)))

        def emptied() -> None:
            self.pop(key, None)
            if changed is not None:
                changed()

        handle = hooks.add(function, emptied)
        self[key] = hooks
        if changed is not None:
            changed()
        return handle


ON_NODES = Table()
ON_VARIABLES = Table()

PLANS: WeakSet[Any] = WeakSet()
"""Compiled plans that are there: those made without a hook do not call it, so they are to be made anew."""


def outdate_plans() -> None:
    """Let every compiled function be traced again at its next call."""
    for plan in list(PLANS):
        plan.outdate()
