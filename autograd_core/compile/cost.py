"""About how long a program takes, from its shapes alone: decides, the same way every time, if compiling it pays."""

from __future__ import annotations

from math import prod

from .program import Instruction, Program

_COMPILING = 0.5, 0.01
"""Seconds of work in all from which a plan is compiled by Numba: so many, and so many more for each instruction."""

_CALL = 1.5e-6  # seconds for one NumPy call
_BYTE = 1e-10  # seconds for each byte that is read or written
_FLOP = 2e-11  # seconds for a multiplication and addition in a matrix product

PRODUCTS = frozenset((
    "matmul", "dot", "affine", "einsum", "tensordot", "conv", "conv_transpose", "depthwise_conv", "lstm",
))  # fmt: skip


def is_worth_compiling(program: Program, calls: int) -> bool:
    """Whether so many runs take longer than it takes to compile the program."""
    fixed, each = _COMPILING
    return seconds(program) * calls >= fixed + each * len(program.instructions)


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
