"""A failing check as Python text: one operation alone, or a user's function as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...custom import UserPrimitive, custom_gradient
from ...tensor import Tensor
from ..foreign import Foreign, ForeignPrimitive, is_floating, parameters_of
from ..programs.spelling import spelled
from .local import Local
from .lookup import decorated
from .sources import Name, Source


def call_of(local: Local, order: int, modes: Sequence[str], options: dict[str, Any] | None = None) -> Source:
    """Text that applies one operation to its inputs and checks it."""
    primitive = local.node.primitive
    if isinstance(primitive, ForeignPrimitive):
        return foreign_of(primitive.foreign, primitive.foreign.filled(primitive.args, local.points), options or {})
    source = Source()
    names = [source.free_name(name) for name in local.names]
    for name, point in zip(names, local.points, strict=True):
        source.bind(name, np.asarray(point))
    texts = _texts(source, local, names)
    call = _call(source, local, texts)
    function = call.partition("(")[0]
    if call != f"{function}({', '.join(names)})" or not function.isidentifier():
        function = source.free_name("f")
        source.parts.append(f"def {function}({', '.join(names)}):\n    return {call}")
    options = {"order": order, "modes": tuple(modes), **(options or {})}
    source.check = check_text(function, names, options, local.is_own)
    return source


def function_of(f: Callable[..., Any], args: Sequence[Any], options: dict[str, Any], has_own: bool = True) -> Source:
    """Text that makes a user's function and its arguments again, and checks it."""
    source = Source()
    function = source.expression(f, "f")
    names = _arguments(source, f, args)
    source.check = check_text(function, names, options, has_own)
    return source


def foreign_of(foreign: Foreign, args: Sequence[Any], options: dict[str, Any]) -> Source:
    """Text that checks a gradient from elsewhere."""
    source = Source()
    function = source.expression(foreign.f, "f")
    given = {"gradient": foreign.gradient, "vjp": foreign.vjp, "convert": foreign.convert}
    texts = [f"{key}={source.expression(value, key)}" for key, value in given.items() if value is not None]
    floating = [position for position, arg in enumerate(args) if is_floating(arg)]
    if floating != list(foreign.positions):
        texts.append(f"argnums={foreign.positions!r}")
    texts += [f"{key}={options[key]!r}" for key in ("rtol", "atol") if options.get(key) is not None]
    names = _arguments(source, foreign.f, args)
    source.check = f"ag.testing.check_foreign({function}, args={_tuple(names)}, {', '.join(texts)})"
    return source


def _arguments(source: Source, f: Any, args: Sequence[Any]) -> list[str]:
    """Names for the arguments of a function, bound to them."""
    names = []
    for name, arg in zip(parameters_of(f, len(args)), args, strict=True):
        names.append(source.free_name(name))
        source.bind(names[-1], np.asarray(arg) if isinstance(arg, np.generic) else arg)
    return names


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' * (len(names) == 1)})"


def check_text(function: str, names: Sequence[str], options: dict[str, Any], has_own: bool) -> str:
    """The call of ``check_grads``; operations of the user's own would be refused before it could tell what is wrong."""
    given = "".join(f", {key}={value!r}" for key, value in options.items() if value is not None)
    call = f"ag.testing.check_grads({function}, {_tuple(names)}{given})"
    return f"with ag.probing(False):  # the check says more than a refusal\n    {call}" if has_own else call


def _texts(source: Source, local: Local, names: Sequence[str]) -> list[Any]:
    """One text for each argument of the operation."""
    of_position = dict(zip(local.positions, names, strict=True))
    return [
        of_position[index] if index in of_position else source.expression(arg, "constant")
        for index, arg in enumerate(local.args)
    ]


def _call(source: Source, local: Local, texts: list[str]) -> str:
    primitive: Any = local.node.primitive
    params = local.node.params
    if local.call is not None:
        count = len(local.call.leaves)
        structure = local.call.rebuild([Name(text) for text in texts[:count]])
        given = [source.expression(part) for part in structure]
        known = decorated(local.culprit)
        function = source.expression(custom_gradient(local.culprit) if known is None else known, local.node.operation)
        params = local.call.keywords
    elif isinstance(primitive, UserPrimitive):
        given, function = texts, source.expression(primitive, primitive.name)
    else:
        operands = [Tensor(np.asarray(a), None) if i in local.positions else a for i, a in enumerate(local.args)]
        text = spelled(primitive, operands, texts, params)
        return _with_imports(source, primitive, text)
    given = [*given, *(f"{key}={source.expression(value, key)}" for key, value in params.items())]
    return f"{function}({', '.join(given)})"


def _with_imports(source: Source, primitive: Any, text: str) -> str:
    """A spelling, with what it refers to imported."""
    if "anp." in text:
        source.imports.append("import autograd_core.numpy as anp")
    if 'ROW["' in text:
        source.imports.append("from autograd_core.ops.table import TABLE")
        source.parts.append("ROW = {row.name: row for row in TABLE}")
    elif text.startswith(f"{primitive.name}("):  # no row of the table: a Primitive of the user's own
        name = source.expression(primitive, primitive.name if primitive.name.isidentifier() else "operation")
        return text.replace(primitive.name, name, 1)
    return text
