"""Constants: what depends on nothing that changes is computed once, and known numbers are written as numbers."""

from __future__ import annotations

import numpy as np

from ...ops.reshaping import BROADCAST_TO
from ...ops.rounding import LDEXP
from ...ops.selection import CLIP, WHERE
from ...symbol import Value
from ..program import Instruction, Program, replaced
from .pure import is_pure
from .rewrite import Rewriting

SMALL = 4096  # bytes; a larger result is folded only if it is no larger than what it is computed from


def fold(program: Program) -> Program:
    """``program`` with what is computed from constants alone as constants.

    An array that is larger than what it is made of is left to the run: a constant takes memory for good.
    """
    new = Rewriting(program)
    for instruction in program.instructions:
        instruction = new.translated(instruction)
        arrays = _folded(new, instruction)
        if arrays is None:
            new.keep(instruction)
            continue
        for result, array in zip(instruction.results, arrays, strict=True):
            new.replace(result, new.known(array))
    return new.finish()


def _folded(new: Rewriting, instruction: Instruction) -> list[np.ndarray] | None:
    """Results of an instruction that depends on constants alone; None for others."""
    values = list(instruction.values())
    arrays = [new.constant(value) for value in values]
    if instruction.primitive is BROADCAST_TO or not is_pure(instruction.primitive):
        return None
    if any(array is None for array in arrays):
        return None
    size = sum(result.nbytes for result in instruction.results)
    if size > max(SMALL, sum(value.nbytes for value in values)):
        return None
    operands = [new.constant(o) if o.__class__ is Value else o for o in instruction.operands]
    try:
        with np.errstate(all="ignore"):
            out = instruction.primitive.impl(*operands, **replaced(instruction.params, new.constant))
    except Exception:
        return None
    results = [np.array(o, order="C") for o in (out if out.__class__ is tuple else (out,))]
    if [(a.shape, a.dtype) for a in results] != [(r.shape, r.dtype) for r in instruction.results]:
        return None
    for array in results:
        array.flags.writeable = False
    return results


def numbers(program: Program) -> Program:
    """``program`` with Python numbers as operands in place of constants all of whose entries are equal.

    Only where the number leads to the same dtype, the same shape and exactly the same values: it is weak, the array it
    stands for was not.
    """
    new = Rewriting(program)
    for instruction in program.instructions:
        new.keep(_with_numbers(new, new.translated(instruction)))
    return new.finish()


def _with_numbers(new: Rewriting, instruction: Instruction) -> Instruction:
    primitive = instruction.primitive
    if not primitive.elementwise or len(instruction.operands) < 2:  # vecdot is a ufunc too, and wants its axes
        return instruction
    if not (isinstance(primitive.impl, np.ufunc) or primitive in (WHERE, CLIP)):
        return instruction
    if primitive is LDEXP:  # its operands do not promote one another
        return instruction
    operands = list(instruction.operands)
    for place, operand in enumerate(operands):
        scalar = new.uniform(operand)
        if scalar is None or (place == 0 and primitive in (WHERE, CLIP)):
            continue
        others = operands[:place] + operands[place + 1 :]
        if primitive is WHERE:
            others = others[1:]
        number = _weak(scalar, others)
        if number is not None and _shape_of([*operands[:place], *operands[place + 1 :]]) == instruction.result.shape:
            operands[place] = number
    if operands == list(instruction.operands):
        return instruction
    return Instruction(primitive, tuple(operands), instruction.params, instruction.results, instruction.place)


def _weak(scalar: np.generic, others: list[object]) -> float | int | None:
    """``scalar`` as a Python number, if among ``others`` it computes the same."""
    dtypes = [other.dtype for other in others if other.__class__ is Value]
    if not dtypes or scalar.dtype.kind not in "fi" or not np.isfinite(scalar):
        return None
    number = scalar.item()
    weak = np.result_type(*dtypes, number)
    if weak != np.result_type(*dtypes, scalar.dtype) or weak.kind not in "fi":
        return None
    if weak.kind == "i" and not -(2**31) <= number < 2**31:
        return None
    return number if weak.type(number) == number else None


def _shape_of(operands: list[object]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(o.shape for o in operands if o.__class__ is Value))
