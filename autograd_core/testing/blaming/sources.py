"""Python text that makes a user's function again: imported where it can be, else pasted with all that it refers to.

What can be written: functions and lambdas with what their names stand for, modules, classes, arrays, plain values,
containers, Tensors and Variables, and functions with a gradient of their own. What cannot is left as a line to fill in.
"""

from __future__ import annotations

import functools
import sys
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ...custom import UserPrimitive
from ...tensor import Tensor
from ...variable import Variable
from ..literals import literal
from .lookup import (
    class_text,
    folder_of,
    found_in_a_module,
    has_own_gradient,
    importable,
    is_python,
    names_in,
    written,
)

LARGE = 64
"""Arrays with more entries are written into a file beside a script, not into its text."""


LONGEST = 1000
"""Containers with more entries are not written down."""

MOST_NAMES = 100
"""What refers to more than so many names is no text that anybody would read."""


class Source:
    """Text that is being put together.

    Attributes
    ----------
    imports : list of str
    folders : list of str
        Where the user's modules are, if they are not installed.
    parts : list of str or (str, array)
        Definitions, in order; of a larger array its name and itself.
    missing : list of str
        What could not be written.
    check : str
        The last lines.
    """

    def __init__(self, check: str = ""):
        self.imports = ["import numpy as np", "", "import autograd_core as ag"]
        self.folders: list[str] = []
        self.parts: list[Any] = []
        self.missing: list[str] = []
        self.check = check
        self._bound: dict[str, Any] = {"np": np, "ag": sys.modules[__name__.partition(".")[0]]}

    @property
    def large(self) -> dict[str, np.ndarray]:
        """Arrays for a file beside the text."""
        return {part[0]: part[1] for part in self.parts if isinstance(part, tuple) and part[1].size > LARGE}

    def text(self, file: str | None = None, stand_alone: bool = False) -> str:
        """The whole text.

        Parameters
        ----------
        file : str, optional
            Where larger arrays are, beside the text; if None, they are written out.
        stand_alone : bool
            Say where this package is, too, if it is not installed.
        """
        large = self.large if file is not None else {}
        lines = self._head(bool(large), [*self.folders, *([folder_of(__name__)] if stand_alone else [])])
        if large:
            lines += [f"data = np.load(Path(__file__).with_name({file!r}))"]
        for part in self.parts:
            if isinstance(part, tuple):
                name, array = part
                part = f"{name} = data[{name!r}]" if name in large else f"{name} = {literal(array)}"
            spaced = part.startswith(("def ", "class ", "@"))
            lines += [*([""] * 2 if spaced else []), part, *([""] * 2 if spaced else [])]
        lines += ["", *self.check.splitlines()]
        return _tidied(lines)

    def _head(self, has_file: bool, folders: list[str | None]) -> list[str]:
        """Imports, and where to look for what is imported."""
        known = [folder for folder in dict.fromkeys(folders) if folder is not None]
        standard = [*(["import sys"] if known else []), *(["from pathlib import Path"] if has_file else [])]
        standard += [line for line in self.imports if line == "import functools"][:1]
        own = dict.fromkeys(line for line in self.imports[1:] if line and line != "import functools")
        paths = [f"sys.path.insert(0, {folder!r})" for folder in known]
        groups = [sorted(standard, key=lambda line: line.startswith("from")), self.imports[:1], paths, list(own)]
        return [line for group in groups if group for line in (*group, "")]

    # -- names -----------------------------------------------------------------------------------------------------

    def bind(self, name: str, value: Any) -> None:
        """Have ``name`` stand for ``value``."""
        if name in self._bound:
            if self._bound[name] is not value:
                self._miss(name, "stands for two things in what was pasted here")
            return
        self._bound[name] = value
        if len(self._bound) > MOST_NAMES:
            self._miss(name, f"there is too much to write down: more than {MOST_NAMES} names")
        elif isinstance(value, ModuleType):
            self._import_module(name, value)
        elif not self._import(name, value):
            self._define(name, value)

    def free_name(self, name: str) -> str:
        """``name``, or with a number behind it if it is taken."""
        number = 1
        while (made := name if number == 1 else f"{name}_{number}") in self._bound:
            number += 1
        return made

    def expression(self, value: Any, hint: str = "value") -> str:
        """Text that gives ``value``, with names bound as they are needed."""
        for name, known in self._bound.items():
            if known is value and not isinstance(value, (int, float, str, tuple, type(None))):
                return name
        if isinstance(value, Name):
            return value.name
        if isinstance(value, np.ndarray) and value.size > 4:
            name = self.free_name(hint)
            self.bind(name, value)
            return name
        plain = literal(value)
        if plain is not None:
            return plain
        inside = self._container(value, hint)
        if inside is not None:
            return inside
        name = self.free_name(getattr(value, "__name__", hint) if _is_identifier(value) else hint)
        self.bind(name, value)
        return name

    def _container(self, value: Any, hint: str) -> str | None:
        if isinstance(value, dict):
            if len(value) > LONGEST:
                return None
            items = [f"{self.expression(key)}: {self.expression(entry, hint)}" for key, entry in value.items()]
            return "{" + ", ".join(items) + "}" if type(value) is dict else None
        if type(value) in (list, tuple, set, frozenset) and len(value) <= LONGEST:
            entries = [self.expression(entry, hint) for entry in value]
            joined = ", ".join(entries)
            forms: dict[Any, str] = {
                list: f"[{joined}]",
                tuple: f"({joined}{',' * (len(entries) == 1)})",
                set: f"{{{joined}}}",
            }
            form = forms.get(type(value)) or f"frozenset([{joined}])"
            return form if entries else f"{type(value).__name__}()"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            kind = self.expression(type(value), type(value).__name__)
            return f"{kind}({', '.join(self.expression(entry, hint) for entry in value)})"
        return None

    # -- imports ---------------------------------------------------------------------------------------------------

    def _import_module(self, name: str, module: ModuleType) -> None:
        full = module.__name__
        self._note_folder(module)
        package, _, last = full.rpartition(".")
        if package and last == name:
            self.imports.append(f"from {package} import {last}")
        else:
            self.imports.append(f"import {full}" if full == name else f"import {full} as {name}")

    def _import(self, name: str, value: Any) -> bool:
        """Import ``value`` as ``name``; False if it cannot be imported."""
        found = importable(value)
        if found is None:
            return False
        module, path = found
        if module.__name__ == "builtins":
            self.parts += [f"{name} = {path}"] if name != path else []
            return True
        self._note_folder(module)
        first, _, rest = path.partition(".")
        if rest:
            self.imports.append(f"from {module.__name__} import {first}")
            self.parts.append(f"{name} = {path}")
        else:
            self.imports.append(f"from {module.__name__} import {first}" + (f" as {name}" if first != name else ""))
        return True

    def _note_folder(self, module: ModuleType) -> None:
        """Remember where a module is that is not installed."""
        folder = folder_of(module.__name__)
        if folder is not None and module.__name__.partition(".")[0] != __name__.partition(".")[0]:
            self.folders.append(folder)

    # -- definitions -----------------------------------------------------------------------------------------------

    def _define(self, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray) and literal(value) is not None:
            self.parts.append((name, value))
        elif isinstance(value, Tensor):
            self.parts.append(f"{name} = ag.constant({self.expression(value.array, f'{name}_value')})")
        elif isinstance(value, Variable):
            given = self.expression(value.numpy(), f"{name}_value")
            self.parts.append(f"{name} = ag.Variable({given}, trainable={value.trainable}, name={value.name!r})")
        elif isinstance(value, UserPrimitive):
            self._define_primitive(name, value)
        elif has_own_gradient(value):
            self._paste(name, value.__wrapped__)
            self.parts.append(f"{name} = ag.custom_gradient({name})")
        elif isinstance(value, FunctionType):
            self._paste(name, value)
        elif isinstance(value, type) and self._paste_class(name, value):
            return
        elif isinstance(value, functools.partial):
            self._define_partial(name, value)
        elif isinstance(value, MethodType):
            owner = self.expression(value.__self__, "owner")
            self.parts.append(f"{name} = {owner}.{value.__func__.__name__}")
        else:
            plain = literal(value)
            inside = plain if plain is not None else self._container(value, name)
            where = None if inside is not None else found_in_a_module(value)
            if where is not None:
                self._note_folder(where[0])
                self.imports.append(
                    f"from {where[0].__name__} import {where[1]} as {name}".removesuffix(f" as {where[1]}")
                )
            elif inside is None and not self._define_instance(name, value):
                self._miss(name, f"a {type(value).__module__}.{type(value).__qualname__}, which cannot be written down")
            elif inside is not None:
                self.parts.append(f"{name} = {inside}")

    def _define_instance(self, name: str, value: Any) -> bool:
        """An object of a class written in Python, by its attributes; False if it is none."""
        kind = type(value)
        if not hasattr(value, "__dict__") or not all(is_python(base) for base in kind.__mro__[:-1]):
            return False
        if not all(str(key).isidentifier() for key in vars(value)):
            return False
        known = self.expression(kind, kind.__name__)
        self.parts.append(f"{name} = object.__new__({known})")
        if vars(value):
            given = [f"{key}={self.expression(entry, key)}" for key, entry in vars(value).items()]
            self.parts.append(f"vars({name}).update({', '.join(given)})")
        return True

    def _paste_class(self, name: str, kind: type) -> bool:
        """The text of a class; False if it is not to be found."""
        functions = [entry for entry in vars(kind).values() if isinstance(entry, FunctionType)]
        text = class_text(kind, functions)
        if text is None or not is_python(kind):
            return False
        for base in kind.__bases__:
            if base is not object:
                self.bind(base.__name__, base)
        for function in functions:
            for each, value in names_in(function):
                if each != "__class__":  # the cell that super() reads
                    self.bind(each, value)
        self.parts.append(text if name == kind.__name__ else f"{text}\n\n\n{name} = {kind.__name__}")
        return True

    def _define_primitive(self, name: str, value: UserPrimitive) -> None:
        self._paste(name, value.__wrapped__)  # type: ignore[attr-defined]  # update_wrapper has set it
        self.parts.append(f"{name} = ag.primitive({name})")
        for declare, rules in (("defvjp", value.vjps), ("defjvp", value.jvps)):
            if rules and not isinstance(rules, str):
                own = [rule if rule is None else getattr(rule, "__wrapped__", rule) for rule in rules]
                written = [self.expression(rule, f"{name}_rule") for rule in own]
                self.parts.append(f"{name}.{declare}({', '.join(written)})")

    def _define_partial(self, name: str, value: functools.partial) -> None:
        self.imports.append("import functools")
        given = [self.expression(value.func, "function"), *(self.expression(arg, f"{name}_arg") for arg in value.args)]
        given += [f"{key}={self.expression(arg, key)}" for key, arg in value.keywords.items()]
        self.parts.append(f"{name} = functools.partial({', '.join(given)})")

    def _paste(self, name: str, function: Any) -> None:
        """The text of a function itself, without decorators, and before it what its names stand for."""
        if not isinstance(function, FunctionType):
            self.parts.append(f"{name} = {self.expression(function, f'{name}_function')}")
            return
        ours = function.__globals__["__name__"].partition(".")[0] == __name__.partition(".")[0]
        found = written(function) if not ours else None
        if found is None:
            self._miss(name, f"{getattr(function, '__qualname__', function)!r}, whose text is not to be found")
            return
        for each, value in names_in(function):
            self.bind(each, value)
        text, own_name = found
        if own_name is None:
            self.parts.append(f"{name} = {text}")
        elif own_name == name:
            self.parts.append(text)
        else:
            self.parts += [text, f"{name} = {own_name}"]

    def _miss(self, name: str, what: str) -> None:
        self.missing.append(f"{name}: {what}")
        self.parts.append(f"{name} = ...  # TO FILL IN: {what}")


class Name:
    """A name in the text, where a value is expected."""

    def __init__(self, name: str):
        self.name = name


def _is_identifier(value: Any) -> bool:
    return str(getattr(value, "__name__", "")).isidentifier()


def _tidied(lines: list[str]) -> str:
    """Text with no more than two empty lines in a row."""
    text = "\n".join(lines)
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text.strip("\n") + "\n"
