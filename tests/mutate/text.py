"""Mutants of a function's text: its source is parsed, one thing in it changed, and compiled again.

Only the function's own code is new: its globals, closure and defaults stay, so that it does what the old one did, but
for the one change.
"""

from __future__ import annotations
import __future__

import ast
import copy
import types
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
NAMES = {
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "tan": "sin", "tanh": "sin", "arcsinh": "arctan",
    "exp": "expm1", "expm1": "exp", "exp2": "exp", "log": "log1p", "log1p": "log", "log2": "log", "log10": "log",
    "sqrt": "square", "square": "sqrt", "reciprocal": "negative", "power": "multiply", "hypot": "add",
    "add": "subtract", "subtract": "add", "multiply": "divide", "divide": "multiply", "true_divide": "multiply",
    "maximum": "minimum", "minimum": "maximum", "fmax": "fmin", "fmin": "fmax", "max": "min", "min": "max",
    "sum": "mean", "mean": "sum", "prod": "sum", "cumsum": "cumprod", "cumprod": "cumsum", "amax": "amin",
    "real": "imag", "imag": "real", "floor": "ceil", "ceil": "floor", "rint": "floor", "trunc": "floor",
    "equal": "not_equal", "not_equal": "equal", "less": "greater_equal", "greater": "less_equal",
    "less_equal": "less", "greater_equal": "greater", "logical_and": "logical_or", "logical_or": "logical_and",
    "any": "all", "all": "any", "isnan": "isinf", "isinf": "isnan", "isfinite": "isnan", "signbit": "isnan",
    "tril": "triu", "triu": "tril", "zeros_like": "ones_like", "ones_like": "zeros_like", "zeros": "ones",
    "ones": "zeros", "fft": "ifft", "ifft": "fft", "fftn": "ifftn", "ifftn": "fftn", "rfft": "ihfft",
    "argmax": "argmin", "argmin": "argmax", "solve": "matmul", "adjoint": "conjugate",
}  # fmt: skip
"""A name of NumPy's or ours, and another of the same arguments."""

Change = tuple[str, ast.AST]


def mutated(function: types.FunctionType) -> Iterator[tuple[str, str, Callable[[], types.FunctionType]]]:
    """Each change of one thing in the text of ``function``: its kind, in words, and what makes the changed one."""
    statement, node, position = _located(function)
    original = ast.unparse(node)
    seen = {original}
    for at, inner in enumerate(_walk(node)):
        for change, new in _alternatives(inner, node):
            tree, text = _changed(statement, node, at, new)
            if text in seen:
                continue
            seen.add(text)
            where = f"line {getattr(inner, 'lineno', 0)}, column {getattr(inner, 'col_offset', 0)}"
            yield KINDS[type(inner)], f"{change} ({where})", _maker(function, tree, position)


def _maker(function, tree, position) -> Callable[[], types.FunctionType]:
    return lambda: remade(function, _codes(_compiled(tree, function.__code__.co_filename))[position])


def remade(function, code=None, namespace=None, closure=None) -> types.FunctionType:
    """A copy of ``function`` with other code, globals or closure."""
    code = function.__code__ if code is None else code
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells.update(closure or {})
    new = types.FunctionType(
        code,
        function.__globals__ if namespace is None else namespace,
        function.__name__,
        function.__defaults__,
        tuple(cells[name] for name in code.co_freevars),
    )
    new.__kwdefaults__ = function.__kwdefaults__
    return new


# -- where the function stands -----------------------------------------------------------------------------------------


def _located(function) -> tuple[ast.stmt, Any, int]:
    """The top-level statement around ``function``, its node, and its place among the statement's code objects."""
    code = function.__code__
    for statement in _statements(code.co_filename):
        if not _first_line(statement) <= code.co_firstlineno <= (statement.end_lineno or 0):
            continue
        codes = _codes(_compiled(statement, code.co_filename))
        position = next((at for at, other in enumerate(codes) if _same(code, other)), None)
        if position is None:
            continue
        for node in ast.walk(statement):
            if _may_be(node, code) and _is_at(statement, node, position, code.co_filename):
                return statement, node, position
    raise LookupError(f"{function.__qualname__} in {code.co_filename}: its source was not found")


def _same(code: types.CodeType, other: types.CodeType) -> bool:
    """Whether both were compiled from the same place."""
    return all(getattr(code, name) == getattr(other, name) for name in ("co_name", "co_firstlineno", "co_code")) and (
        not hasattr(code, "co_positions") or list(code.co_positions()) == list(other.co_positions())
    )


@cache
def _statements(filename: str) -> list[ast.stmt]:
    with open(filename, encoding="utf-8") as file:
        return ast.parse(file.read(), filename).body


def _first_line(node) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])


def _may_be(node, code) -> bool:
    return isinstance(node, (ast.Lambda, ast.FunctionDef)) and _first_line(node) == code.co_firstlineno


def _is_at(statement, node, position: int, filename: str) -> bool:
    """Whether the code at ``position`` is that of ``node``: of several lambdas on a line only one is."""
    mark = ast.Constant(123456789)
    body = mark if isinstance(node, ast.Lambda) else [ast.Return(mark)]
    before, node.body = node.body, body
    try:
        codes = _codes(_compiled(copy.deepcopy(statement), filename))
    finally:
        node.body = before
    return position < len(codes) and 123456789 in codes[position].co_consts


def _compiled(statement: ast.stmt, filename: str) -> types.CodeType:
    # With the imports: code that calls a function of an imported module is not what it is for a method of an object.
    imports = [other for other in _statements(filename) if isinstance(other, (ast.Import, ast.ImportFrom))]
    tree = ast.fix_missing_locations(ast.Module([*imports, statement], []))
    return compile(tree, filename, "exec", __future__.annotations.compiler_flag, dont_inherit=True)


def _codes(code: types.CodeType) -> list[types.CodeType]:
    """Code objects inside of ``code``, from the outside in and from left to right."""
    found = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += [constant, *_codes(constant)]
    return found


# -- what is changed ---------------------------------------------------------------------------------------------------


def _walk(node) -> list[ast.AST]:
    """The nodes of a function's body, without what only words an error, and without annotations."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    while waiting:
        inner = waiting.pop(0)
        if isinstance(inner, (ast.Raise, ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)):
            continue
        found.append(inner)
        children = [child for child in ast.iter_child_nodes(inner) if not isinstance(child, ast.expr_context)]
        if isinstance(inner, ast.AnnAssign):
            children = [child for child in children if child is not inner.annotation]
        waiting[:0] = children
    return found


def _changed(statement, node, at: int, new) -> tuple[ast.stmt, str]:
    """The statement with one node of the function replaced; and the function's new text."""
    memo: dict[int, Any] = {}
    tree = copy.deepcopy(statement, memo)
    function = memo[id(node)]
    old = _walk(function)[at]
    _Swap(old, ast.copy_location(copy.deepcopy(new), old)).visit(function)
    return tree, ast.unparse(function)


class _Swap(ast.NodeTransformer):
    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit(self, node):
        return self.new if node is self.old else self.generic_visit(node)


def _alternatives(node, function) -> Iterator[Change]:
    """What may stand in place of ``node``."""
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        yield from handler(node, function)


def _said(node) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."


def _arithmetic(node: ast.BinOp, function) -> Iterator[Change]:
    for other in OPERATORS.get(type(node.op), ()):
        yield f"{_said(node)}: {type(node.op).__name__} -> {other.__name__}", ast.BinOp(node.left, other(), node.right)
    yield f"{_said(node)}: left operand alone", node.left
    yield f"{_said(node)}: right operand alone", node.right
    if isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult, ast.Pow, ast.FloorDiv, ast.Mod)):
        yield f"{_said(node)}: operands swapped", ast.BinOp(node.right, node.op, node.left)


def _sign(node: ast.UnaryOp, function) -> Iterator[Change]:
    if not isinstance(node.operand, ast.Constant) or not isinstance(node.op, ast.USub):
        yield f"{_said(node)}: {type(node.op).__name__} dropped", node.operand
    elif isinstance(node.operand.value, (int, float)):
        yield f"{_said(node)}: sign dropped", node.operand


def _comparison(node: ast.Compare, function) -> Iterator[Change]:
    for place, op in enumerate(node.ops):
        for other in COMPARISONS.get(type(op), ()):
            ops = [other() if at == place else o for at, o in enumerate(node.ops)]
            yield (
                f"{_said(node)}: {type(op).__name__} -> {other.__name__}",
                ast.Compare(node.left, ops, node.comparators),
            )


def _logic(node: ast.BoolOp, function) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield f"{_said(node)}: and <-> or", ast.BoolOp(other, node.values)
    for place in range(len(node.values)):
        rest = node.values[:place] + node.values[place + 1 :]
        yield f"{_said(node)}: term {place} dropped", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _choice(node: ast.IfExp, function) -> Iterator[Change]:
    yield f"{_said(node)}: always the first", node.body
    yield f"{_said(node)}: always the second", node.orelse
    yield f"{_said(node)}: condition negated", ast.IfExp(node.test, node.orelse, node.body)


def _branch(node: ast.If, function) -> Iterator[Change]:
    yield f"if {_said(node.test)}: condition negated", ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    yield f"if {_said(node.test)}: never", ast.If(ast.Constant(False), node.body, node.orelse)
    yield f"if {_said(node.test)}: always", ast.If(ast.Constant(True), node.body, node.orelse)


def _call(node: ast.Call, function) -> Iterator[Change]:
    plain = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
    if plain and len(plain) == len(node.args):
        yield f"{_said(node)}: its argument in place of the call", node.args[0]
        for place in range(1, len(plain)):
            args = [*node.args]
            args[place - 1], args[place] = args[place], args[place - 1]
            change = f"{_said(node)}: arguments {place - 1} and {place} swapped"
            yield change, ast.Call(node.func, args, node.keywords)
    for place, keyword in enumerate(node.keywords):
        rest = node.keywords[:place] + node.keywords[place + 1 :]
        yield f"{_said(node)}: {keyword.arg or '**'} dropped", ast.Call(node.func, node.args, rest)


def _attribute(node: ast.Attribute, function) -> Iterator[Change]:
    other = NAMES.get(node.attr)
    if other is not None:
        yield f"{_said(node)} -> {other}", ast.Attribute(node.value, other, node.ctx)


def _name(node: ast.Name, function) -> Iterator[Change]:
    if not isinstance(node.ctx, ast.Load):
        return
    other = NAMES.get(node.id)
    if other is not None:
        yield f"{node.id} -> {other}", ast.Name(other, ast.Load())
    operands = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    if node.id in operands and len(operands) > 1:
        at = operands.index(node.id)
        for step in (1, -1):
            yield (
                f"{node.id} -> {operands[(at + step) % len(operands)]}",
                ast.Name(operands[(at + step) % len(operands)], ast.Load()),
            )


def _constant(node: ast.Constant, function) -> Iterator[Change]:
    value = node.value
    if value is True or value is False:
        yield f"{value} -> {not value}", ast.Constant(not value)
    elif isinstance(value, int):
        for other in {value + 1, value - 1}:
            yield f"{value} -> {other}", ast.Constant(other)
    elif isinstance(value, (float, complex)):
        yield f"{value} -> {value + 1}", ast.Constant(value + 1)
        if value:
            yield f"{value} -> {value * 1.0001!r}", ast.Constant(value * 1.0001)


def _subscript(node: ast.Subscript, function) -> Iterator[Change]:
    if isinstance(node.ctx, ast.Load):
        yield f"{_said(node)}: not indexed", node.value


def _slice(node: ast.Slice, function) -> Iterator[Change]:
    for part in ("lower", "upper", "step"):
        if getattr(node, part) is not None:
            parts = {name: getattr(node, name) for name in ("lower", "upper", "step")}
            yield f"{_said(node)}: {part} dropped", ast.Slice(**{**parts, part: None})


def _augmented(node: ast.AugAssign, function) -> Iterator[Change]:
    yield f"{_said(node)}: dropped", ast.Pass()
    for other in OPERATORS.get(type(node.op), ()):
        change = f"{_said(node)}: {type(node.op).__name__} -> {other.__name__}"
        yield change, ast.AugAssign(node.target, other(), node.value)


def _statement(node: ast.Expr, function) -> Iterator[Change]:
    if not isinstance(node.value, ast.Constant):  # a docstring
        yield f"{_said(node)}: dropped", ast.Pass()


def _assignment(node: ast.Assign, function) -> Iterator[Change]:
    """Drop what gives a name another value; without it, the name still has one."""
    known = {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)}
    for other in ast.walk(function):
        if isinstance(other, ast.Name) and isinstance(other.ctx, ast.Store) and other.lineno < node.lineno:
            known.add(other.id)
    names = {inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    if names <= known:
        yield f"{_said(node)}: dropped", ast.Pass()


_HANDLERS: dict[type, Callable[[Any, Any], Iterator[Change]]] = {
    ast.BinOp: _arithmetic,
    ast.UnaryOp: _sign,
    ast.Compare: _comparison,
    ast.BoolOp: _logic,
    ast.IfExp: _choice,
    ast.If: _branch,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.AugAssign: _augmented,
    ast.Expr: _statement,
    ast.Assign: _assignment,
}
KINDS: dict[type, str] = {
    **dict.fromkeys((ast.BinOp, ast.UnaryOp), "text operator"),
    **dict.fromkeys((ast.Compare, ast.BoolOp, ast.IfExp, ast.If), "text condition"),
    **dict.fromkeys((ast.Call, ast.Attribute), "text call"),
    ast.Name: "text operand",
    ast.Constant: "text constant",
    **dict.fromkeys((ast.Subscript, ast.Slice), "text index"),
    **dict.fromkeys((ast.AugAssign, ast.Expr, ast.Assign), "text statement"),
}
