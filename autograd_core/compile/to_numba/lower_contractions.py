"""Sums of products over named axes: einsum and tensordot as views of one matrix product; var, std and norms as sums.

Every axis has a letter. Letters in both factors and in the result count the matrices of a stack, letters in both but
not in the result are summed over, the others are rows and columns. So an einsum of two factors is at most one product
by BLAS of two views, and its result is a view of that product. A letter twice in one factor is a diagonal, which is a
view too: its stride is the sum of both.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...ops.arithmetic import MULTIPLY, SUBTRACT
from ...ops.complex_parts import ABSOLUTE
from ...ops.exponential import SQRT
from ...ops.reshaping import COPY
from ...symbol import Value
from ..program import Instruction
from .loops import Ints, View, contiguous_strides, reshaped, transposed
from .lower import Lowering
from .lower_products import FLOATS, multiply_matrices

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Sides = dict[str, int]


def _einsum(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    result = instruction.result
    terms, output = instruction.params["subscripts"].split("->")
    if result.dtype not in FLOATS or len(operands) > 2 or any(v.root.dtype != result.dtype for v in operands):
        return False
    pairs = [_by_letters(view, term) for view, term in zip(operands, terms.split(","), strict=True)]
    sides: Sides = {}
    for view, letters in pairs:
        for letter, side in zip(letters, view.shape, strict=True):
            if sides.setdefault(letter, side) != side:
                return False  # an axis of length 1 that is repeated
    if not all(sides.values()):
        return False
    if len(pairs) == 1:
        return _sum_letters(lowering, instruction, *pairs[0], output)
    return _multiply(lowering, instruction, pairs, output, sides)


def _by_letters(view: View, term: str) -> tuple[View, str]:
    """The view with each letter once."""
    letters = "".join(dict.fromkeys(term))
    strides = [sum(s for s, each in zip(view.strides, term, strict=True) if each == letter) for letter in letters]
    shape = [view.shape[term.index(letter)] for letter in letters]
    return View(view.root, tuple(shape), tuple(strides), view.offset), letters


def _sum_letters(lowering: Lowering, instruction: Instruction, view: View, letters: str, output: str) -> bool:
    rest = [letter for letter in letters if letter not in output]
    view = transposed(view, tuple(letters.index(letter) for letter in (*output, *rest)))
    axes = tuple(range(len(output), len(view.shape)))
    if axes:
        _reduce(lowering, instruction, view, instruction.result, axes)
    else:
        lowering.map(COPY, [view], instruction.result)
    return True


def _reduce(
    lowering: Lowering, instruction: Instruction, view: View, result: Value, axes: Ints, scale: float | None = None
) -> None:
    lowering.op("reduce", instruction.primitive, [view], [result], step="plus", axes=axes, scale=scale)


def _without_own(lowering: Lowering, instruction: Instruction, view: View, letters: str, kept: str) -> tuple[View, str]:
    """The factor summed over letters that nobody else has."""
    own = tuple(at for at, letter in enumerate(letters) if letter not in kept)
    if not own:
        return view, letters
    shape = tuple(side for at, side in enumerate(view.shape) if at not in own)
    summed = lowering.new(shape, view.root.dtype)
    _reduce(lowering, instruction, view, summed, own)
    return lowering.view(summed), "".join(letter for letter in letters if letter in kept)


def _multiply(
    lowering: Lowering, instruction: Instruction, pairs: list[tuple[View, str]], output: str, sides: Sides
) -> bool:
    (x, of_x), (y, of_y) = pairs
    x, of_x = _without_own(lowering, instruction, x, of_x, of_y + output)
    y, of_y = _without_own(lowering, instruction, y, of_y, of_x + output)
    stack = [each for each in output if each in of_x and each in of_y]
    summed = [each for each in of_x if each in of_y and each not in output]
    rows = [each for each in output if each in of_x and each not in of_y]
    columns = [each for each in output if each in of_y and each not in of_x]
    if not summed:
        factors = [_spread(x, of_x, output, sides), _spread(y, of_y, output, sides)]
        lowering.map(MULTIPLY, factors, instruction.result)
        return True
    x = _as_matrices(lowering, x, of_x, (stack, rows, summed), sides)
    y = _as_matrices(lowering, y, of_y, (stack, summed, columns), sides)
    batch = tuple(sides[each] for each in stack)
    product = lowering.new((*batch, x.shape[-2], y.shape[-1]), instruction.result.dtype)
    multiply_matrices(lowering, x, y, product)
    order = [*stack, *rows, *columns]
    root = lowering.view(product).root
    shape = tuple(sides[each] for each in order)
    whole = View(root, shape, contiguous_strides(shape), lowering.view(product).offset)
    lowering.result.views[instruction.result] = transposed(whole, tuple(order.index(each) for each in output))
    return True


def _spread(view: View, letters: str, output: str, sides: Sides) -> View:
    strides = tuple(view.strides[letters.index(each)] if each in letters else 0 for each in output)
    return View(view.root, tuple(sides[each] for each in output), strides, view.offset)


def _as_matrices(lowering: Lowering, view: View, letters: str, groups: tuple[list[str], ...], sides: Sides) -> View:
    """The factor with axes for the stack, and one axis each for rows and columns; copied where that is no view."""
    stack, *two = groups
    view = transposed(view, tuple(letters.index(each) for group in groups for each in group))
    shape = (*(sides[each] for each in stack), *(prod(sides[each] for each in group) for group in two))
    found = reshaped(view, shape) or reshaped(lowering.contiguous(view), shape)
    assert found is not None
    return found


def _tensordot(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    x, y = operands
    left, right = instruction.params["axes"]
    of_x = LETTERS[: len(x.shape)]
    of_y = list(LETTERS[len(x.shape) : len(x.shape) + len(y.shape)])
    for a, b in zip(left, right, strict=True):
        of_y[b] = of_x[a]
    output = "".join(each for each in (*of_x, *of_y) if (each in of_x) != (each in of_y))
    result = instruction.result
    if len(x.shape) + len(y.shape) > len(LETTERS) or not (x.size and y.size and result.dtype in FLOATS):
        return False
    if any(v.root.dtype != result.dtype for v in operands):
        return False
    sides = dict(zip((*of_x, *of_y), (*x.shape, *y.shape), strict=True))
    return _multiply(lowering, instruction, [(x, of_x), (y, "".join(of_y))], output, sides)


# -- spread and size ---------------------------------------------------------------------------------------------------


def _axes(params: dict[str, Any], view: View) -> Ints:
    axis = params["axis"]
    if axis is None:
        return tuple(range(len(view.shape)))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _variance(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    """Mean of squared distances from the mean; its root for std."""
    (view,), params, result = operands, instruction.params, instruction.result
    axes = _axes(params, view)
    count = prod(view.shape[at] for at in axes)
    divisor = count - params["correction"]
    if set(params) - {"axis", "keepdims", "correction", "dtype"} or divisor <= 0 or not view.size:
        return False
    if result.dtype not in FLOATS or view.root.dtype != result.dtype:
        return False
    kept = tuple(1 if at in axes else side for at, side in enumerate(view.shape))
    mean = lowering.new(kept, result.dtype)
    _reduce(lowering, instruction, view, mean, axes, count)
    apart = lowering.map(SUBTRACT, [view, lowering.view(mean)], lowering.new(view.shape, result.dtype))
    square = lowering.map(MULTIPLY, [apart, apart], lowering.new(view.shape, result.dtype))
    if instruction.primitive.name == "var":
        _reduce(lowering, instruction, square, result, axes, divisor)
        return True
    variance = lowering.new(result.shape, result.dtype)
    _reduce(lowering, instruction, square, variance, axes, divisor)
    lowering.map(SQRT, [lowering.view(variance)], result)
    return True


def _norm(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    (view,), params, result = operands, instruction.params, instruction.result
    if params["ord"] not in (1, 2) or result.dtype not in FLOATS or view.root.dtype != result.dtype or not view.size:
        return False
    axes = _axes(params, view)
    terms = lowering.new(view.shape, result.dtype)
    if params["ord"] == 1:
        _reduce(lowering, instruction, lowering.map(ABSOLUTE, [view], terms), result, axes)
        return True
    squares = lowering.new(result.shape, result.dtype)
    _reduce(lowering, instruction, lowering.map(MULTIPLY, [view, view], terms), squares, axes)
    lowering.map(SQRT, [lowering.view(squares)], result)
    return True


def _diagonal(lowering: Lowering, instruction: Instruction, operands: list[View]) -> bool:
    (view,), result = operands, instruction.result
    offset, first, second = (instruction.params[key] for key in ("offset", "axis1", "axis2"))
    if not result.size:
        return False
    rest = [at for at in range(len(view.shape)) if at not in (first, second)]
    start = view.offset + (offset * view.strides[second] if offset > 0 else -offset * view.strides[first])
    strides = (*(view.strides[at] for at in rest), view.strides[first] + view.strides[second])
    lowering.result.views[result] = View(view.root, result.shape, strides, start)
    return True


CONTRACTIONS: dict[str, Any] = {
    "einsum": _einsum, "tensordot": _tensordot, "var": _variance, "std": _variance, "vector_norm": _norm,
    "diagonal": _diagonal,
}  # fmt: skip
