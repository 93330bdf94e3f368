"""When an operation is probed: at its first recorded call with arguments of a kind, and not again.

A kind is what the dtypes and numbers of axes of the arguments are, which of them are tracked, and which keywords were
given. Functions that are written inside another function are new ones at each call of it: they are known by their code,
and by what they close over as far as that can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary, ref

from ..errors import ProbeError
from ..symbol import Value, user_line
from ..tensor import Overloaded, Tensor
from ..tree import flatten
from ..variable import Variable
from .checks import probe
from .report import NOT_PROBED, ProbeReport
from .subject import Operation, inside
from .surroundings import attributes_of
from .switch import is_on

MOST = 16
"""So many kinds of arguments of one operation are probed, and so many operations made by the same code."""

_SIMPLE = (int, float, complex, str, bytes, bool, type(None))


class Probes:
    """What is known of one operation of the user's own."""

    __slots__ = ("cure", "make", "owner", "refused", "seen")

    def __init__(self, owner: Any, make: Callable[[Any], Operation], cure: str):
        # No cycle: functions are often made at each call, and hold what they close over.
        self.owner: Callable[[], Any] = ref(owner)
        self.make = make
        self.cure = cure
        self.forget()

    def __reduce__(self) -> Any:
        return _without_owner, (self.make, self.cure)  # a reference to the owner cannot be pickled

    def forget(self) -> None:
        """Begin anew: it has other rules now."""
        self.seen: set[Any] = set()
        self.refused: dict[Any, ProbeReport] = {}

    def look(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Probe the operation if it is used with such arguments for the first time; raise if it is refused."""
        key = kind_of(args, keywords)
        if key not in self.seen and is_on() and not inside.get():
            self._first(key, args, keywords)

    def pass_over(self) -> None:
        """Note that the operation was met where entries are not known, unless more is known of it."""
        owner: Any = self.owner()
        if owner is not None and owner.probe_report is None:
            operation = self.make(owner)
            owner.probe_report = ProbeReport(operation.name, "...", reason="it was traced or mapped, without entries")

    def _first(self, key: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        report = self.refused.get(key)
        if report is None and len(self.seen) < MOST:
            report = self._probed(key, args, keywords)
        if report is not None and not report.accepted:
            self.refused[key] = report
            raise refusal(report, self.cure)

    def _probed(self, key: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> ProbeReport | None:
        """What a probe finds; None if there is nothing to probe."""
        owner: Any = self.owner()
        if owner is None:  # it was pickled: a copy of what was probed elsewhere
            return None
        operation = self.make(owner)
        if is_known(operation.functions, key):
            self.seen.add(key)
            return None
        leaves = flatten(list(args))[0]
        if any(isinstance(leaf, Overloaded) and leaf.array.__class__ is Value for leaf in leaves):
            return None  # it left a function that was traced, which is an error of its own
        rules = operation.differentiable(len(leaves))
        active = [index for index, leaf in enumerate(leaves) if rules[index] and _is_tracked(leaf)]
        if not active and not operation.reads_variables:
            self.seen.add(key)
            return None
        report = owner.probe_report = probe(operation, args, keywords, active)
        if report.accepted and not report.has_raised:
            self.seen.add(key)
            if report.verdict != NOT_PROBED:
                remember(operation.functions, key)
        return report


def _without_owner(make: Callable[[Any], Operation], cure: str) -> Probes:
    probes = Probes(Probes, make, cure)
    probes.owner = _nobody
    return probes


def _nobody() -> None:
    """No owner."""


def refusal(report: ProbeReport, cure: str) -> ProbeError:
    """Error for an operation that is wrong."""
    error = ProbeError(
        f"{report.operation}: refused when it was probed at its first use ({user_line()}). {report.reason} It was "
        f"called with ({report.arguments}). If this gradient is meant: {cure}, or `with autograd_core.probing(False):` "
        "around its use."
    )
    error.probe_report = report
    return error


def kind_of(args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What one probe stands for: hashable, and quick to make."""
    kinds: list[Any] = []
    for arg in args:
        kind: Any = arg.__class__
        if kind is Tensor:
            array = arg.array
            kinds.append((array.dtype, array.ndim, arg.node is None))
        elif kind is Variable:
            array = arg._value.array
            kinds.append((array.dtype, array.ndim, arg.trainable))
        elif isinstance(arg, (list, tuple, dict)):
            kinds.append(kind_of(tuple(flatten(arg)[0]), {}))
        else:
            kinds.append((getattr(arg, "dtype", kind), getattr(arg, "ndim", 0)))
    if keywords:
        kinds += [(key, value if isinstance(value, _SIMPLE) else type(value)) for key, value in keywords.items()]
    return tuple(kinds)


def _is_tracked(leaf: Any) -> bool:
    if isinstance(leaf, Variable):
        return leaf.trainable and leaf.dtype.kind in "fc"
    return isinstance(leaf, Tensor) and leaf.node is not None and leaf.dtype.kind in "fc"


# -- functions that are the same by their code -------------------------------------------------------------------------


class _Code:
    """The operations that were made by one piece of code."""

    __slots__ = ("accepted", "count")

    def __init__(self) -> None:
        self.accepted: set[Any] = set()
        self.count = 0


_codes: WeakKeyDictionary[CodeType, _Code] = WeakKeyDictionary()


def is_known(functions: tuple[Any, ...], key: Any) -> bool:
    """Whether an operation made by the same code, with the same in its closure, was accepted; or enough of them."""
    code = _code_of(functions)
    known = None if code is None else _codes.get(code)
    if known is None:
        return False
    return known.count >= MOST or (_identity(functions), key) in known.accepted


def remember(functions: tuple[Any, ...], key: Any) -> None:
    """Let the operation be known as accepted."""
    code = _code_of(functions)
    if code is None:
        return
    known = _codes.setdefault(code, _Code())
    known.count += 1
    identity = _identity(functions)
    if identity is not None:
        known.accepted.add((identity, key))


def _code_of(functions: tuple[Any, ...]) -> CodeType | None:
    """Code that stands for an operation: of its function, or of the first rule where that is not written in Python."""
    return next((code for code in map(_code, functions) if code is not None), None)


def _code(function: Any) -> CodeType | None:
    function = _unwrapped(function)
    while isinstance(function, partial):
        function = _unwrapped(function.func)
    own = getattr(function, "__code__", None)
    return own or getattr(_unwrapped(type(function).__call__), "__code__", None)  # of an object that can be called


def _unwrapped(function: Any) -> Any:
    while (inner := attributes_of(function).get("__wrapped__")) is not None:
        function = inner
    return function


def _identity(value: Any, depth: int = 4) -> Any:
    """Something to compare ``value`` by; None if there is nothing."""
    if issubclass(type(value), _SIMPLE):  # an object may lie about its class, or raise an error
        return (type(value), value)
    value = _unwrapped(value)
    if depth and issubclass(type(value), tuple):
        parts: Any = value
    elif depth and issubclass(type(value), FunctionType):
        try:
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
        except ValueError:  # one that is empty yet
            return None
        parts = (*cells, *(value.__defaults__ or ()))
    else:
        return None
    found = tuple(_identity(part, depth - 1) for part in parts)
    if any(part is None for part in found):
        return None
    return (value.__code__, found) if issubclass(type(value), FunctionType) else found
