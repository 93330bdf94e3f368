"""What the user's program calls an object: variables of running functions and of modules, attributes, containers.

Looked for are running functions of all threads (a garbage collector does not see their variables), modules, and by
``gc.get_referrers`` what refers to the object otherwise. Only what is the user's is named.
"""

from __future__ import annotations

import gc
import inspect
import os
import reprlib
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from ...symbol import _NOT_THE_USERS

_CACHE = type(lru_cache(lambda: None))
_WAITING = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_DEEPEST = 4  # containers in containers
_MOST = 20  # references to one object that are followed


@dataclass(frozen=True, slots=True)
class Name:
    """One way by which a program gets at an object.

    Attributes
    ----------
    text : str
        In the program's words: ``losses[3]``, ``self.history["loss"][0]``.
    where : str
        Whose it is: "of main() at train.py:12", "of the module train".
    container : str or None
        The kind of the innermost container that it is in: "list", "dict"; None for a variable itself.
    stopped : bool
        Whether it is of a function that has been left, or waits.
    """

    text: str
    where: str
    container: str | None = None
    stopped: bool = False

    def __str__(self) -> str:
        return f"{self.text} {self.where}"


class Namer:
    """Finds names, by what the program's variables are at one moment.

    Parameters
    ----------
    hidden : set of int
        Identities of objects that are not the program's: those by which one is looking.
    """

    def __init__(self, hidden: set[int]):
        self._variables = _variables()
        self._roots: dict[int, dict[tuple[str, str], None]] = {}
        for name, where, value in self._variables:
            self._roots.setdefault(id(value), {})[name, where] = None
        self._hidden = hidden
        self._hidden |= {id(self._variables), id(self._roots), *map(id, self._variables)}

    def names_of(self, thing: Any) -> list[Name]:
        """What the program calls ``thing``."""
        found: list[Name] = []
        level: list[tuple[Any, str, str | None]] = [(thing, "", None)]
        seen = {id(thing)}
        for _ in range(_DEEPEST):
            above: list[tuple[Any, str, str | None]] = []
            for item in level:
                self._hidden.add(id(item))
                each, path, container = item
                found += [Name(f"{name}{path}", where, container) for name, where in self._roots.get(id(each), ())]
                for holder, step in _holders(each, seen, self._hidden):
                    seen.add(id(holder))
                    if issubclass(type(holder), _WAITING):
                        found += _names_where_it_waits(holder, each, path, container)
                    elif issubclass(type(holder), types.FunctionType):
                        if not _ours(holder.__module__ or ""):
                            found.append(Name(f"{step}{path}", f"of the function {holder.__qualname__}()", container))
                    else:
                        above.append((holder, f"{step}{path}", container or _kind_of(holder)))
            level = above
        return list(dict.fromkeys(found))

    def variables_that(self, is_it: Callable[[Any], bool]) -> list[Name]:
        """Variables of the program whose values are as ``is_it`` says."""
        return [Name(name, where) for name, where, value in self._variables if is_it(value)]


# -- variables ---------------------------------------------------------------------------------------------------------


def _variables() -> list[tuple[str, str, Any]]:
    """Variables of the user's: name, whose it is, value."""
    found = []
    for frame in _frames():
        if frame.f_code.co_name != "<module>":
            where = _whose(frame)
            found += [(name, where, value) for name, value in local_variables(frame)]
    for module in list(sys.modules.values()):
        title = getattr(module, "__name__", None)
        if not isinstance(module, types.ModuleType) or not isinstance(title, str) or _is_not_the_users(title):
            continue
        where = f"of the module {title}"
        found += [(name, where, value) for name, value in list(vars(module).items()) if not name.startswith("__")]
    return found


def _whose(frame: types.FrameType) -> str:
    return f"of {frame.f_code.co_name}() at {_short(frame.f_code.co_filename)}:{frame.f_lineno}"


def names_in_frame(frame: types.FrameType, thing: Any) -> list[Name]:
    """What a function that has been left calls ``thing``: a traceback keeps it, or a generator that is not done."""
    if _ours(frame.f_globals.get("__name__", "")):
        return []
    where = f"{_whose(frame)} (kept by a traceback or a waiting generator)"
    return [Name(name, where, stopped=True) for name, value in local_variables(frame) if value is thing]


def local_variables(frame: types.FrameType) -> list[tuple[str, Any]]:
    """Variables of a function and what they stand for."""
    snapshot: Any = frame.f_locals
    found = [(name, value) for name, value in snapshot.items() if name.isidentifier()]  # no names of compilers
    if sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        snapshot.clear()  # a copy that the frame would keep, and with it what is deleted in the function later
    return found


def _names_where_it_waits(waiting: Any, thing: Any, path: str, container: str | None) -> list[Name]:
    frame = next(getattr(waiting, name) for name in ("gi_frame", "cr_frame", "ag_frame") if hasattr(waiting, name))
    names = [] if frame is None else names_in_frame(frame, thing)
    return [Name(f"{name.text}{path}", name.where, container, stopped=True) for name in names]


def _frames() -> Iterator[types.FrameType]:
    """Frames of the user's functions that are running, in any thread."""
    for innermost in list(sys._current_frames().values()):
        frame: types.FrameType | None = innermost
        while frame is not None:
            if not _ours(frame.f_globals.get("__name__", "")):
                yield frame
            frame = frame.f_back


def _ours(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(_NOT_THE_USERS)


def _is_not_the_users(title: str) -> bool:
    if title in ("autograd_core", "nn", "optim", "numpy") or title.startswith(_NOT_THE_USERS):
        return True
    return title in sys.stdlib_module_names or title.partition(".")[0] in sys.stdlib_module_names - {"__main__"}


def _short(path: str) -> str:
    return os.path.basename(path)


# -- what refers to it -------------------------------------------------------------------------------------------------


def _holders(thing: Any, seen: set[int], hidden: set[int]) -> Iterator[tuple[Any, str]]:
    """What refers to ``thing``, and how one gets from there to it."""
    count = 0
    for holder in gc.get_referrers(thing):
        if id(holder) in seen or id(holder) in hidden or _is_machinery(holder):
            continue
        step = _step(holder, thing)
        if step is None:
            continue
        count += 1
        if count > _MOST:
            return
        yield step if isinstance(step, tuple) else (holder, step)


def _kind_of(holder: Any) -> str:
    return "lru_cache" if issubclass(type(holder), _CACHE) else type(holder).__name__


def _is_machinery(holder: Any) -> bool:
    kind = type(holder)  # an object may lie about its class, or raise an error
    return issubclass(kind, (types.FrameType, types.ModuleType)) or _ours(f"{kind.__module__}.")


def _step(holder: Any, thing: Any) -> Any:
    """From a container to what is in it, as an expression; with another holder where the container is a part of it."""
    kind = type(holder)
    if issubclass(kind, (list, tuple, deque)):
        at = next((i for i, each in enumerate(holder) if each is thing), None)
        return None if at is None else f"[{at}]"
    if issubclass(kind, dict):
        return _step_of_dict(holder, thing)
    if issubclass(kind, (set, frozenset)):
        return "{...}"
    if issubclass(kind, _CACHE):
        return "(...)"
    if issubclass(kind, partial):
        return next((f".{name}" for name in ("args", "keywords", "func") if getattr(holder, name) is thing), None)
    if issubclass(kind, types.MethodType):
        return ".__self__"
    if issubclass(kind, types.CellType):
        return _function_of(holder)
    if issubclass(kind, types.FunctionType):
        return "__defaults__" if holder.__defaults__ is thing else "__kwdefaults__"
    if issubclass(kind, _WAITING):
        return ""
    attribute = _attribute(holder, thing)
    return None if attribute is None else f".{attribute}"


def _step_of_dict(holder: Any, thing: Any) -> Any:
    key = next((key for key, each in holder.items() if each is thing), None)
    owner = next((each for each in gc.get_referrers(holder) if _dict_of(each) is holder), None)
    if owner is None:
        cache = next((each for each in gc.get_referrers(holder) if issubclass(type(each), _CACHE)), None)
        return f"[{_shown(key)}]" if cache is None else (cache, "(...)")
    return None if issubclass(type(owner), types.ModuleType) else (owner, f".{key}")


def _dict_of(thing: Any) -> Any:
    """The attributes of an object; None for one that has none, or does not give them away."""
    try:
        return object.__getattribute__(thing, "__dict__")
    except Exception:
        return None  # whatever the user's object raises: it is no answer


def _shown(key: Any) -> str:
    try:
        return reprlib.repr(key)
    except Exception:
        return "..."  # of a key that cannot be shown


def _function_of(cell: types.CellType) -> tuple[types.FunctionType, str] | None:
    for closure in gc.get_referrers(cell):
        if not isinstance(closure, tuple):
            continue
        for function in gc.get_referrers(closure):
            if isinstance(function, types.FunctionType) and function.__closure__ is closure:
                at = next(i for i, each in enumerate(closure) if each is cell)  # cells are equal if contents are
                return function, function.__code__.co_freevars[at]
    return None


def _attribute(holder: Any, thing: Any) -> str | None:
    """The attribute of ``holder`` that ``thing`` is."""
    attributes = dict(_dict_of(holder) or {})
    for kind in type(holder).__mro__:
        for slot in _slots(kind):
            value = kind.__dict__.get(slot)
            if isinstance(value, types.MemberDescriptorType):
                attributes.setdefault(slot, _slot_of(value, holder))
    return next((name for name, value in attributes.items() if value is thing), None)


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _slot_of(slot: types.MemberDescriptorType, holder: Any) -> Any:
    try:
        return slot.__get__(holder)
    except AttributeError:
        return None  # not set
