"""What a primitive gives for what stands for values while a function is traced: it tells shapes and dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..symbol import Value
from ..tracing import CHECKED
from .program import Instruction, replaced


def outcome(instruction: Instruction, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Result of an instruction for the examples of its operands.

    Whether an operation takes their entries is for the run to find out: those of a branch that is not taken, or of the
    first step of a loop, may be others than any run will see.
    """
    impl = instruction.primitive.impl
    if instruction.primitive is CHECKED:
        return _example(instruction.operands[0])
    try:
        return impl(*replaced(instruction.operands, _example), **replaced(instruction.params, _example))
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        with suppress(Exception):  # if it is not for the entries that it fails then it fails again
            return impl(*replaced(instruction.operands, _harmless), **replaced(instruction.params, _harmless))
        if isinstance(error, ArithmeticError) and not isinstance(error, OverflowError):
            raise
        raise instruction.primitive.explained(args, params, error) from None


def _example(value: Any) -> Any:
    return value.example if value.__class__ is Value else value


def _harmless(value: Value) -> Any:
    """Entries that are in every domain: unit matrices, ones, and first places."""
    if value.dtype.kind not in "fc":
        return np.zeros(value.shape, value.dtype)
    if len(value.shape) > 1 and value.shape[-1] == value.shape[-2]:
        return np.broadcast_to(np.eye(value.shape[-1], dtype=value.dtype), value.shape).copy()
    return np.ones(value.shape, value.dtype)
