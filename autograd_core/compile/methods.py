"""Methods that do not keep their object alive: an object must not live by the plans that were made for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any
from weakref import ref


class WeakMethod:
    """A function with its first argument, the object, held weakly. Whoever calls it has the object."""

    def __init__(self, f: Callable[..., Any], instance: Any, gone: Callable[[Any], Any]):
        self._function = f
        self._instance = ref(instance, gone)
        update_wrapper(self, f)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._function(self._instance(), *args, **keywords)

    @property
    def held(self) -> Callable[..., Any]:
        """The method, with the object held as ever."""
        return MethodType(self._function, self._instance())


def held(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f``; if it is a ``WeakMethod`` then one that keeps its object, for a call that may come much later."""
    return f.held if isinstance(f, WeakMethod) else f
