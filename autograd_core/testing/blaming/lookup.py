"""Where a function, a class or an object of the user's is to be found: its module and name, or its text."""

from __future__ import annotations

import ast
import linecache
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ...custom import UserPrimitive


def folder_of(module: str) -> str | None:
    """Folder that has to be on the path for a module to be imported; None if it is installed, or has no file."""
    file = getattr(sys.modules[module], "__file__", None)
    if file is None or "site-packages" in file or file.startswith((sys.base_prefix, sys.prefix)):
        return None
    path = Path(file).resolve()
    return str(path.parents[module.count(".") + (path.name == "__init__.py")])


def importable(value: Any) -> tuple[ModuleType, str] | None:
    """Module and dotted name that ``value`` can be imported by; None if there are none."""
    for name in dict.fromkeys((getattr(value, "__module__", None), "numpy" if isinstance(value, np.ufunc) else None)):
        module = sys.modules.get(name) if isinstance(name, str) and name != "__main__" else None
        path = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if module is None or not isinstance(path, str) or "<" in path:
            continue
        found: Any = module
        for part in path.split("."):
            found = getattr(found, part, None)
        if found is value and (hasattr(module, "__file__") or isinstance(value, (BuiltinFunctionType, type))):
            return module, path
    return None


def found_in_a_module(value: Any) -> tuple[ModuleType, str] | None:
    """Module and name of something that was given a name in a module, as an object made there."""
    for full, module in list(sys.modules.items()):
        if full == "__main__" or not isinstance(module, ModuleType) or module.__name__ != full:
            continue
        for name, item in list(vars(module).items()):
            if item is value and name.isidentifier():
                return module, name
    return None


def decorated(function: Any) -> Any:
    """What a module calls ``function`` by, if that is ``function`` with a gradient of its own; else None."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    found: Any = module
    for part in getattr(function, "__qualname__", "<>").split("."):
        found = getattr(found, part, None)
    return found if has_own_gradient(found) and found.__wrapped__ is function else None


def has_own_gradient(value: Any) -> bool:
    """Whether a function is what ``custom_gradient`` gives."""
    return (
        isinstance(value, FunctionType)
        and value.__code__.co_name == "with_own_gradient"
        and value.__globals__["__name__"] == UserPrimitive.__module__
    )


def names_in(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Global and free names that a function uses, with what they stand for."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for name, cell in cells.items():
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in dict.fromkeys(_global_names(function.__code__)):
        if name in function.__globals__ and name not in cells:
            yield name, function.__globals__[name]


def _global_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def written(function: FunctionType) -> tuple[str, str | None] | None:
    """Text of a function without decorators, and the name it has there; of a lambda the text alone."""
    code = function.__code__
    try:
        lines = _lines_of(code)
        tree = ast.parse("".join(lines))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    text = "".join(lines)
    if code.co_name == "<lambda>":
        found = _lambda_of(tree, code)
        segment = None if found is None else ast.get_source_segment(text, found)
        return None if segment is None else (f"({segment})" if "\n" in segment else segment, None)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name and _starts(node) == code.co_firstlineno:
            block = "".join(lines[node.lineno - 1 : node.end_lineno])
            return textwrap.dedent(block).rstrip(), node.name
    return None


def class_text(kind: type, functions: list[FunctionType]) -> str | None:
    """Text of a class without decorators, found by one of its functions."""
    if not functions:
        return None
    code = functions[0].__code__
    try:
        lines = _lines_of(code)
        tree = ast.parse("".join(lines))
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            starts = [_starts(part) for part in node.body if isinstance(part, ast.FunctionDef)]
            if code.co_firstlineno in starts:
                return textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno])).rstrip()
    return None


def _lines_of(code: CodeType) -> list[str]:
    lines = linecache.getlines(code.co_filename)
    if not lines:
        raise OSError(code.co_filename)
    return lines


def _starts(node: ast.FunctionDef) -> int:
    """The line Python counts a function from: its first decorator's."""
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _lambda_of(tree: ast.AST, code: CodeType) -> ast.Lambda | None:
    """The lambda of a line that became ``code``."""
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    fitting = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and tuple(each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)) == arguments
    ]
    positions = getattr(code, "co_positions", None)  # from Python 3.11 on
    if len(fitting) > 1 and positions is not None:
        columns = [column for line, _, column, _ in positions() if column and line == code.co_firstlineno]
        inside = [node for node in fitting if columns and node.col_offset < min(columns) < (node.end_col_offset or 0)]
        fitting = inside or [node for node in fitting if node.lineno != node.end_lineno]
        fitting.sort(key=lambda node: -node.col_offset)  # the innermost
    return fitting[0] if fitting else None


def is_python(kind: type) -> bool:
    """Whether a class was written in Python, so that its attributes are all there is to its objects."""
    return bool(kind.__flags__ & (1 << 9)) and not getattr(kind, "__slots__", ())  # a heap type
