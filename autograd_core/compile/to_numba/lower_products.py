"""Matrix products: what BLAS reads as it lies, what is copied first, and what is a loop.

Transposed operands are flags of the product; a product of a stack of matrices with one matrix is one product of all its
rows. A bias is added in the loop that follows, together with whatever comes after it.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...ops.arithmetic import ADD, MULTIPLY
from ...ops.reshaping import COPY
from ...symbol import Value
from ..machine.blas_sizes import terms, transposes_first
from ..program import Instruction
from .loops import View, reshaped
from .lower import Lowering

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def matrix(view: View) -> tuple[int, int] | None:
    """How BLAS reads the last two axes: (transposed, distance of rows); None if it cannot."""
    (rows, columns), (down, right) = view.shape[-2:], view.strides[-2:]
    if right == 1 or columns == 1:
        if down >= columns or rows == 1:
            return 0, max(down, columns, 1) if rows > 1 else max(columns, 1)
        if columns > 1:
            return None
    if (down == 1 or rows == 1) and (right >= rows or columns == 1):
        return 1, max(right, rows, 1) if columns > 1 else max(rows, 1)
    return None


def _readable(lowering: Lowering, view: View, dtype: Any) -> View:
    view = lowering.contiguous(view, dtype) if view.root.dtype != dtype else view
    return view if matrix(view) else lowering.contiguous(view)


def multiply_matrices(lowering: Lowering, x: View, y: View, result: Value) -> bool:
    """params: batch, its shape; operands have the batch's axes before the last two."""
    if result.dtype not in FLOATS or not all(v.root.dtype.kind in "biuf" for v in (x, y)):
        return False
    x = View(x.root, (1, *x.shape), (0, *x.strides), x.offset) if len(x.shape) == 1 else x
    y = View(y.root, (*y.shape, 1), (*y.strides, 0), y.offset) if len(y.shape) == 1 else y
    if not result.size:
        lowering.result.views[result] = lowering.constant(np.zeros(result.shape, result.dtype))
        return True
    if not x.shape[-1]:
        lowering.map(COPY, [lowering.constant(np.zeros((), result.dtype))], result)
        return True
    if len(y.shape) == 2 < len(x.shape):
        rows = reshaped(x, (prod(x.shape[:-1]), x.shape[-1]))
        x = rows if rows is not None else lowering.contiguous(x)
        x = reshaped(x, (prod(x.shape[:-1]), x.shape[-1])) or x
    if len(x.shape) == len(y.shape) == 2 and x.shape[1] <= 2 and result.shape == (x.shape[0], y.shape[1]):
        _multiply_columns(lowering, x, y, result)
        return True
    x, y = _readable(lowering, x, result.dtype), _readable(lowering, y, result.dtype)
    (m, k), n = x.shape[-2:], y.shape[-1]
    if len(y.shape) == 2 and matrix(y)[0] and transposes_first(m, n, k):  # type: ignore[index]
        y = lowering.map(COPY, [y], lowering.new(y.shape, result.dtype))
    count = terms(m, n, k, lowering.workers) if len(x.shape) == len(y.shape) == 2 else 1
    if count > 1:
        _add_terms(lowering, x, y, result, count)
        return True
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = (v.broadcast((*batch, *v.shape[-2:])) for v in (x, y))
    lowering.op("product", lowering.instruction.primitive, [x, y], [result], batch=batch)
    return True


def _add_terms(lowering: Lowering, x: View, y: View, result: Value, count: int) -> None:
    """A product as the sum of products of some of the columns of ``x`` and as many rows of ``y``."""
    (m, k), n = x.shape, y.shape[-1]
    (down, right), (below, beside) = x.strides, y.strides
    width = k // count
    left = View(x.root, (count, m, width), (width * right, down, right), x.offset)
    stacked = View(y.root, (count, width, n), (width * below, below, beside), y.offset)
    products = lowering.new((count, m, n), result.dtype)
    lowering.op("product", lowering.instruction.primitive, [left, stacked], [products], batch=(count,))
    parts = [View(products, (m, n), (n, 1), at * m * n) for at in range(count)]
    total = parts[0]
    for at, part in enumerate(parts[1:], 1):
        target = result if at == count - 1 else lowering.new(result.shape, result.dtype)
        lowering.map(ADD, [total, part], target)
        total = lowering.view(target)


def _multiply_columns(lowering: Lowering, x: View, y: View, result: Value) -> None:
    """A product over one or two entries: as fast in a loop, which takes along what follows."""
    terms = []
    for at in range(x.shape[1]):
        left = View(x.root, (x.shape[0], 1), (x.strides[0], 0), x.offset + at * x.strides[1])
        right = View(y.root, (1, y.shape[1]), (0, y.strides[1]), y.offset + at * y.strides[0])
        last = at == x.shape[1] - 1 == 0
        terms.append(
            lowering.map(MULTIPLY, [left, right], result if last else lowering.new(result.shape, result.dtype))
        )
    if len(terms) == 2:
        lowering.map(ADD, terms, result)


def _matmul(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    x, y = operands
    return multiply_matrices(lowering, x, y, instruction.result)


def _affine(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    x, w, b = operands
    result = instruction.result
    product = lowering.new(result.shape, result.dtype)
    if not multiply_matrices(lowering, x, w, product):
        return False
    lowering.map(ADD, [lowering.view(product), b], result)
    return True


PRODUCTS: dict[str, Any] = {"matmul": _matmul, "affine": _affine}
