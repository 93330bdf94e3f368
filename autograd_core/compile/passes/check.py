"""Check: whether a program fits together, run after every pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import AutogradError
from ...ops.axes import length
from ...ops.products import MATMUL
from ...ops.reductions import SUM
from ...ops.reshaping import ASTYPE, BROADCAST_TO, RESHAPE, TRANSPOSE
from ...primitive import Primitive
from ...symbol import Value
from ..program import Instruction, Program, typed


class PlanError(AutogradError, RuntimeError):
    """A program does not fit together: a fault of a pass, not of the user's program."""


def check(program: Program, after: str = "", seen: set[Instruction] | None = None) -> None:
    """Raise for a program that reads what is not there, writes a value twice, or whose shapes or dtypes do not agree.

    Parameters
    ----------
    program : Program
    after : str
        Name of the pass that has made it.
    seen : set of Instruction, optional
        Instructions whose shapes and dtypes were found right before; those that are found right now are added.

    Raises
    ------
    PlanError
        With the instruction and the name of the pass after which this was found.
    """
    where = f"program {program.name}" + (f" after the pass {after}" if after else "")
    known = {each.value for each in program.inputs}
    if len(known) != len(program.inputs):
        raise PlanError(f"{where}: two inputs have the same value.")
    for instruction in program.instructions:
        for value in instruction.values():
            if value not in known:
                raise PlanError(f"{where}: {instruction} reads {value.name} before it is made.")
        for result in instruction.results:
            if result in known:
                raise PlanError(f"{where}: {instruction} makes {result.name}, which is there already.")
            known.add(result)
        if seen is None or instruction not in seen:
            _check_types(instruction, where)
    if seen is not None:
        seen.update(program.instructions)
    for value in program.roots():
        if value not in known:
            raise PlanError(f"{where}: {value.name} is wanted, and nothing makes it.")
    inputs = set(map(id, program.inputs))
    for target, value in program.writes:
        if id(target) not in inputs or target.kind not in ("variable", "buffer"):
            raise PlanError(f"{where}: {value.name} is written to a {target.kind} that is no input to be written to.")
        if (target.value.shape, target.value.dtype) != (value.shape, value.dtype):
            raise PlanError(f"{where}: {typed(value)} is written to {typed(target.value)}.")


def _check_types(instruction: Instruction, where: str) -> None:
    infer = INFER.get(instruction.primitive)
    if infer is None:
        if not instruction.primitive.elementwise or len(instruction.results) != 1:
            return
        infer = _of_elementwise
    if any(o.__class__ is not Value for o in instruction.operands) and infer is not _of_elementwise:
        return
    shape, dtype = infer(*instruction.operands, primitive=instruction.primitive, **instruction.params)
    result = instruction.result
    if result.shape != shape or (dtype is not None and result.dtype != dtype):
        raise PlanError(
            f"{where}: {instruction} is noted as {typed(result)}; from its operands "
            f"({', '.join(typed(o) if o.__class__ is Value else repr(o) for o in instruction.operands)}) follows shape "
            f"{shape}, dtype {dtype}."
        )


def _of_elementwise(*operands, primitive: Primitive, **params) -> tuple[tuple[int, ...], Any]:
    shape = np.broadcast_shapes(*(o.shape for o in operands if o.__class__ is Value))
    ufunc = primitive.impl
    if not isinstance(ufunc, np.ufunc) or params:
        return shape, None
    kinds = tuple(o.dtype if o.__class__ is Value else o.__class__ for o in operands)
    if any(kind is bool for kind in kinds):  # resolve_dtypes knows no weak booleans
        return shape, None
    try:
        return shape, ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[ufunc.nin]
    except TypeError:  # a weak number that NumPy accepts as a scalar only
        return shape, None


def _of_matmul(x, y, primitive):
    if x.ndim == 1 or y.ndim == 1:
        shape = (*x.shape[:-1], *y.shape[:-2], *y.shape[1:][-1:]) if y.ndim > 1 else x.shape[:-1]
    else:
        shape = (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1])
    return shape, np.result_type(x.dtype, y.dtype)


def _of_reshape(x, primitive, shape, order="C"):
    return (shape if int(np.prod(shape, dtype=object)) == x.size else x.shape), x.dtype


def _of_transpose(x, primitive, axes):
    return tuple(x.shape[axis] for axis in axes), x.dtype


def _of_broadcast_to(x, primitive, shape):
    return np.broadcast_shapes(x.shape, shape), x.dtype


def _of_astype(x, primitive, dtype):
    return x.shape, np.dtype(dtype)


def _of_sum(x, primitive, axis, keepdims, dtype=None):
    kept = tuple(1 if at in axis else side for at, side in enumerate(x.shape) if keepdims or at not in axis)
    assert length(x.shape, axis) >= 0
    return kept, dtype or (x.dtype if x.dtype.kind in "fc" else None)


INFER: dict[Primitive, Callable[..., tuple[tuple[int, ...], Any]]] = {
    MATMUL: _of_matmul, RESHAPE: _of_reshape, TRANSPOSE: _of_transpose, BROADCAST_TO: _of_broadcast_to,
    ASTYPE: _of_astype, SUM: _of_sum,
}  # fmt: skip
