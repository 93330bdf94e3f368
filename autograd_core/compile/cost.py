"""About how long a program takes, from its shapes alone: decides, the same way every time, if compiling it pays."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from math import prod

from .passes import optimise
from .program import Instruction, Program

_COMPILING = 0.5, 0.01
"""Seconds of work in all from which a plan is compiled by Numba: so many, and so many more for each instruction."""

PATIENCE = 10.0
"""Seconds that compiling may take for a function of which nobody said how often it will be called..."""

_CALLS = 2000
"""... or as many as it runs for in so many calls."""

_LINE = 1.9e-3  # seconds for each line of source that Numba compiles
_KERNEL = 20e-3  # and for each kernel besides
_FEW = 200  # instructions that are surely compiled in time

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


def is_compiled_soon(optimised: Program) -> bool:
    """Whether Numba compiles a program in a time that a user waits for, or that pays if there are many calls."""
    programs = [optimised, *map(optimise, _inner(optimised))]
    if sum(len(each.instructions) for each in programs) <= _FEW:
        return True
    return sum(map(_compiling, programs)) <= max(PATIENCE, _CALLS * seconds(optimised))


def _compiling(optimised: Program) -> float:
    """Estimate for compiling one program by Numba."""
    # Not imported at the top: it imports Numba.
    lines, kernels = importlib.import_module(".to_numba.emit", __package__).sizes(optimised)
    return _LINE * lines + _KERNEL * kernels


def _inner(program: Program) -> Iterator[Program]:
    """Programs of branches, and of bodies of loops."""
    for instruction in program.instructions:
        for code in getattr(instruction.primitive.impl, "codes", ()):
            yield code.program
            yield from _inner(code.program)


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
