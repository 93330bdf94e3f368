"""About how long a program takes, from its shapes alone: decides, the same way every time, if compiling it pays."""

from __future__ import annotations

from math import prod

from .program import Instruction, Program

WORTH_COMPILING = 0.5
"""Seconds of work in all, as estimated here, from which a plan is compiled by Numba."""

_CALL = 1.5e-6  # seconds for one NumPy call
_BYTE = 1e-10  # seconds for each byte that is read or written
_FLOP = 2e-11  # seconds for a multiplication and addition in a matrix product

PRODUCTS = frozenset((
    "matmul", "dot", "affine", "einsum", "tensordot", "conv", "conv_transpose", "depthwise_conv", "lstm",
))  # fmt: skip


def seconds(program: Program) -> float:
    """Estimate for one run, with NumPy."""
    return sum(map(_of_one, program.instructions))


def _of_one(instruction: Instruction) -> float:
    values = [*instruction.values(), *instruction.results]
    took = _CALL + _BYTE * sum(value.nbytes for value in values)
    if instruction.primitive.name in PRODUCTS or "correlat" in instruction.primitive.name:
        sizes = sorted(value.size for value in values)
        # The product of the three sides of a matrix product is the root of the product of its three areas.
        took += _FLOP * prod(map(float, sizes[-3:])) ** 0.5
    return took
