"""How NumPy is called for each primitive such that the result lands in an array that is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ops.indexing import ADD_AT, SET_AT
from ...ops.joining import CONCATENATE, STACK
from ...ops.products import MATMUL
from ...ops.reductions import ALL, ANY, FMAX_REDUCE, FMIN_REDUCE, MAX, MIN, PROD, SUM
from ...ops.reshaping import ASTYPE, COPY, RESHAPE
from ...ops.selection import WHERE
from ...primitive import Primitive
from ...symbol import Value
from ..program import Instruction
from .lower import GATED, MASK, integer_of
from .storage import Storage, is_ufunc
from .views import index_text, is_plain

REDUCTIONS: dict[Primitive, Any] = {
    SUM: np.add, PROD: np.multiply, MAX: np.maximum, MIN: np.minimum, FMAX_REDUCE: np.fmax, FMIN_REDUCE: np.fmin,
    ALL: np.logical_and, ANY: np.logical_or,
}  # fmt: skip

BY_BLAS = 4096  # terms; longer sums are left to NumPy, which adds in pairs and so loses fewer digits


def writes_out(instruction: Instruction, storage: Storage) -> bool:
    """Whether ``call`` can have the result of an instruction written into an array that is given."""
    if len(instruction.results) != 1 or instruction.params.get("__tuple__"):
        return False
    if is_ufunc(instruction):
        return True
    condition = CONDITIONS.get(instruction.primitive)
    return condition is not None and condition(instruction)


def _of_arrays(instruction: Instruction) -> bool:
    return all(o.__class__ is Value for o in instruction.operands)


def _reduces(instruction: Instruction) -> bool:
    return _of_arrays(instruction) and set(instruction.params) <= {"axis", "keepdims", "dtype"}


def _converts(instruction: Instruction) -> bool:
    (x,) = instruction.operands
    return x.__class__ is Value and (x.dtype.kind != "c" or instruction.result.dtype.kind == "c")


def _updates(instruction: Instruction) -> bool:
    changed = instruction.operands[1 if instruction.primitive is SET_AT else 0]
    return changed.__class__ is Value and is_plain(instruction.params["index"])


def _joins(instruction: Instruction) -> bool:
    return (_of_arrays(instruction) and instruction.primitive is not STACK) or instruction.result.ndim < 6


CONDITIONS: dict[Primitive, Callable[[Instruction], bool]] = {
    MATMUL: _of_arrays, COPY: _of_arrays, ASTYPE: _converts, SET_AT: _updates, ADD_AT: _updates,
    CONCATENATE: _of_arrays, STACK: _of_arrays, **dict.fromkeys(REDUCTIONS, _reduces),
    MASK: _of_arrays, GATED: _of_arrays,
    RESHAPE: lambda i: i.params.get("order", "C") == "C",
    WHERE: lambda i: i.operands[0].__class__ is Value and i.operands[0].dtype == bool,
}  # fmt: skip


def folds_of(terms: int, width: int) -> int:
    """How many narrow rows are best seen as one wide row when they are added up.

    With 50,000 rows of 6 floats BLAS takes 86 us, with 16 rows beside one another 20 us, and np.add.reduce 690 us.
    """
    folds = 1
    while width * folds < 256 and terms % (2 * folds) == 0 and terms >= 1024 * folds:
        folds *= 2
    return folds


class Calls:
    """Lines of source for instructions; ``writer`` gives names to what they need.

    Parameters
    ----------
    writer
        Has ``name(value)``, ``known(object, hint)`` for globals of the module, ``number(number, dtype)`` for Python
        numbers as arrays, ``seen(value, shape)`` for values in another shape without a copy, and ``storage``.
    """

    def __init__(self, writer: Any):
        self.writer = writer

    def lines(self, instruction: Instruction, out: str) -> list[str]:
        """Lines that write the result of ``instruction`` into ``out``."""
        if is_ufunc(instruction):
            return [self.ufunc(instruction, [self.operand(o, instruction) for o in instruction.operands], out)]
        primitive = instruction.primitive
        if primitive in REDUCTIONS:
            return [self.reduction(instruction, out)]
        method = getattr(self, f"_{primitive.name}")
        return method(instruction, out)

    def operand(self, operand: Any, instruction: Instruction) -> str:
        """Text of an operand of a ufunc: Python numbers as arrays made once, where that gives the same."""
        if operand.__class__ is Value:
            return self.writer.name(operand)
        dtypes = {o.dtype for o in instruction.operands if o.__class__ is Value}
        if len(dtypes) == 1 and operand.__class__ in (int, float) and instruction.primitive.name != "power":
            (dtype,) = dtypes
            if dtype.kind == "f" or (dtype.kind == "i" and operand.__class__ is int and abs(operand) < 2**7):
                return self.writer.number(operand, dtype)
        return self.literal(operand)

    def literal(self, number: Any) -> str:
        """A Python number as source; a NumPy scalar, which is not weak, by name."""
        if isinstance(number, np.generic):
            return str(self.writer.known(number, "k"))
        return f"({number!r})" if number.__class__ is complex else repr(number)

    def ufunc(self, instruction: Instruction, operands: list[str], out: str) -> str:
        """One call of a ufunc."""
        ufunc: Any = instruction.primitive.impl
        name = self.writer.known(ufunc, ufunc.__name__)
        if ufunc in (np.maximum, np.minimum):  # which want it so
            out = f"out={out}"
        return f"{name}({', '.join(operands)}, {out})"

    def reduction(self, instruction: Instruction, out: str) -> str:
        """One call of ``ufunc.reduce``, or of BLAS with a vector of ones, which adds rows up three times as fast."""
        (x,) = instruction.operands
        axis, keepdims = instruction.params["axis"], instruction.params["keepdims"]
        if instruction.primitive is SUM and instruction.params.get("dtype") is None:
            product = self._sum_by_blas(x, axis, keepdims, out)
            if product is not None:
                return product
        reduce = self.writer.reduce(REDUCTIONS[instruction.primitive])
        dtype = instruction.params.get("dtype")
        over = "None" if len(axis) == x.ndim > 0 else str(axis[0]) if len(axis) == 1 else str(axis)
        given = "None" if dtype is None else self.writer.known(np.dtype(dtype), f"{np.dtype(dtype).name}_")
        return f"{reduce}({self.writer.name(x)}, {over}, {given}, {out}{', True' if keepdims else ''})"

    def _sum_by_blas(self, x: Value, axis: tuple[int, ...], keepdims: bool, out: str) -> str | None:
        if x.dtype.char not in "fd" or not x.size or not axis or not self.writer.storage.is_whole(x):
            return None
        count = len(axis)
        leading, trailing = axis == tuple(range(count)), axis == tuple(range(x.ndim - count, x.ndim))
        terms = int(np.prod([x.shape[at] for at in axis]))
        dot = self.writer.known(np.dot, "dot")
        if leading and trailing:
            if terms > BY_BLAS or keepdims:
                return None
            return f"{dot}({self.writer.seen(x, (terms,))}, {self.writer.ones((terms,), x.dtype)}, {out})"
        if keepdims and x.ndim != 2:
            return None
        rest = x.size // terms
        if leading and x.ndim - count == 1 and not keepdims:
            folds = folds_of(terms, rest)
            ones = self.writer.ones((terms // folds,), x.dtype)
            product = f"{dot}({ones}, {self.writer.seen(x, (terms // folds, rest * folds))}"
            if folds == 1:
                return f"{product}, {out})"
            return f"{self.writer.reduce(np.add)}({product}).reshape({(folds, rest)}), 0, None, {out})"
        if leading and x.ndim - count == 1:
            ones = self.writer.ones((1, terms), x.dtype)
            return f"{dot}({ones}, {self.writer.seen(x, (terms, rest))}, {out})"
        if trailing and terms <= BY_BLAS and x.ndim - count == 1:
            ones = self.writer.ones((terms, 1) if keepdims else (terms,), x.dtype)
            return f"{dot}({self.writer.seen(x, (rest, terms))}, {ones}, {out})"
        return None

    # -- by the names of primitives ----------------------------------------------------------------------------------

    def _matmul(self, instruction: Instruction, out: str) -> list[str]:
        x, y = instruction.operands
        name = self.writer.name
        if x.ndim <= 2 and y.ndim <= 2:
            return [f"{self.writer.known(np.dot, 'dot')}({name(x)}, {name(y)}, {out})"]
        if y.ndim == 2 and self.writer.storage.is_whole(x) and x.size:
            rows = x.size // x.shape[-1]
            flat = self.writer.seen(instruction.result, (rows, y.shape[1]))
            left = self.writer.seen(x, (rows, x.shape[-1]))
            return [f"{self.writer.known(np.dot, 'dot')}({left}, {name(y)}, {flat})"]
        return [f"{self.writer.known(np.matmul, 'matmul')}({name(x)}, {name(y)}, {out})"]

    def _copy(self, instruction: Instruction, out: str) -> list[str]:
        (x,) = instruction.operands
        return [f"copyto({out}, {self.writer.name(x)})"]

    def _astype(self, instruction: Instruction, out: str) -> list[str]:
        (x,) = instruction.operands
        return [f'copyto({out}, {self.writer.name(x)}, "unsafe")']

    def _reshape(self, instruction: Instruction, out: str) -> list[str]:
        (x,) = instruction.operands
        return [f"copyto({self.writer.seen(instruction.result, x.shape)}, {self.writer.name(x)})"]

    def _where(self, instruction: Instruction, out: str) -> list[str]:
        gate, x, y = (self.writer.name(o) if o.__class__ is Value else self.literal(o) for o in instruction.operands)
        return [f"copyto({out}, {y})", f"copyto({out}, {x}, where={gate})"]

    def _mask(self, instruction: Instruction, out: str) -> list[str]:
        (gate,) = instruction.operands
        return [f"{self.writer.known(np.negative, 'negative')}({self.writer.bits(gate, 'int8')}, {out})"]

    def _gated(self, instruction: Instruction, out: str) -> list[str]:
        x, mask = instruction.operands
        integer = integer_of(x.dtype).name
        left, right = self.writer.bits(x, integer), self.writer.bits(instruction.result, integer)
        return [f"{self.writer.known(np.bitwise_and, 'bitwise_and')}({left}, {self.writer.name(mask)}, {right})"]

    def _set_at(self, instruction: Instruction, out: str) -> list[str]:
        y, x = instruction.operands
        return [
            *self._copied(x, instruction, out),
            f"{out}[{index_text(instruction.params['index'])}] = {self._text(y)}",
        ]

    def _add_at(self, instruction: Instruction, out: str) -> list[str]:
        x, y = instruction.operands
        return [
            *self._copied(x, instruction, out),
            f"{out}[{index_text(instruction.params['index'])}] += {self._text(y)}",
        ]

    def _text(self, operand: Any) -> str:
        return self.writer.name(operand) if operand.__class__ is Value else self.literal(operand)

    def _copied(self, x: Value, instruction: Instruction, out: str) -> list[str]:
        storage, result = self.writer.storage, instruction.result
        root = storage.roots[x][0]
        if storage.instead.get(result) is root or (result in storage.target and storage.target[result].value is root):
            return []
        return [f"copyto({out}, {self.writer.name(x)})"]

    def _concatenate(self, instruction: Instruction, out: str) -> list[str]:
        parts = ", ".join(map(self.writer.name, instruction.operands))
        name = self.writer.known(np.concatenate, "concatenate")
        return [f"{name}(({parts},), {instruction.params['axis']}, {out})"]

    def _stack(self, instruction: Instruction, out: str) -> list[str]:
        before = ":, " * instruction.params["axis"]
        return [f"{out}[{before}{k}, ...] = {self.writer.name(part)}" for k, part in enumerate(instruction.operands)]
