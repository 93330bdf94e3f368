"""Many runs of one compiled function in a row, without Python between them: the steps of a loop.

``run0(table, given)`` finds its arrays behind ``given``, as a call from Python lays them out. Here the same words are
laid out once for the whole loop; from step to step only the addresses of arrays that move are written anew::

    address = base + stride * ((step + ahead) & mask)

With a mask of -1 an array goes on by one row of a stack at each step; with a mask of 1 it takes turns between two.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ..machine import threads
from .pointer import DATA_OFFSET, IS_TUPLE, ITEMS_OFFSET, address_of, bool_at, int64_at

if TYPE_CHECKING:
    from .executable import NumbaExecutable

NAME = "steps"
HELPERS = ("move", "copy", "stops")

TEXT = f"""
@njit("int64(int64, int64, int64, int64, int64, int64, int64)", nogil=True, cache=CACHE, {{options}})
def {NAME}(table, given, moves, copies, flags, first, last):
    for step in range(first, last):
        move(moves, step)
        if run0(table, given):
            return -1
        copy(copies, step)
        if stops(flags, step):
            return step + 1
    return last
""".strip()
"""What is added to the source of a program that is the step of a loop."""

ENOUGH = 0.02  # seconds of steps after which Python has a turn, for Ctrl-C


@dataclass(frozen=True, slots=True)
class Track:
    """Where an array lies at each step.

    Attributes
    ----------
    base, stride : int
        Address, and bytes from one row to the next.
    mask : int
        -1: another row at each step; 1: two rows in turn; 0: the same row always.
    ahead : int
        1: where the array lies that the next step reads.
    """

    base: int
    stride: int = 0
    mask: int = 0
    ahead: int = 0

    def next(self) -> Track:
        """Where it lies at the next step."""
        return replace(self, ahead=self.ahead + 1)

    def words(self) -> tuple[int, int, int, int]:
        """As compiled code reads it."""
        return self.base, self.stride, self.mask, self.ahead


def row(array: Any) -> Track:
    """The same array at all steps."""
    return Track(address_of(array))


def rows(stack: Any, reverse: bool = False) -> Track:
    """One row of a C-contiguous stack at each step; ``reverse``: the last one first."""
    stride = stack.dtype.itemsize * int(np.prod(stack.shape[1:]))
    return Track(address_of(stack) + (len(stack) - 1) * stride * reverse, -stride if reverse else stride, -1)


def in_turn(pair: Any) -> Track:
    """Two rows in turn."""
    return replace(rows(pair), mask=1)


def run(
    executable: NumbaExecutable,
    tracks: Sequence[Track],
    copies: Sequence[tuple[int, Track, Track]],
    length: int,
    flags: Any = None,
) -> int | None:
    """Run all steps.

    Parameters
    ----------
    executable : NumbaExecutable
        Of one step.
    tracks : sequence of Track
        Where its inputs and its outputs lie, as many and in the order in which it is given them.
    copies : sequence of (int, Track, Track)
        After each step so many bytes are copied, from the first to the second.
    length : int
    flags : array of bool, optional
        One for each step, which that step sets: the first False one ends the loop.

    Returns
    -------
    int or None
        How many steps were made. None if one failed: nothing is known of the outputs then.
    """
    words, cells = _laid_out(len(tracks))
    moves = [(address_of(cells) + 8 * at, *track.words()) for at, track in enumerate(tracks) if track.mask]
    for at, track in enumerate(tracks):
        cells[at] = track.base
    moving = np.array([len(moves), *(word for each in moves for word in each)], np.int64)
    copied = [(nbytes, *source.words(), *target.words()) for nbytes, source, target in copies if nbytes]
    copying = np.array([len(copied), *(word for each in copied for word in each)], np.int64)
    flagged = 0 if flags is None else address_of(flags)
    frame = executable.take_frame()
    given = frame.address, address_of(words), address_of(moving), address_of(copying), flagged
    done, count = 0, 1
    try:
        while done < length:
            last = min(done + count, length)
            started = time.perf_counter()
            with threads.parallel_region if executable.parallel else nullcontext():
                done = executable.loop(*given, done, last)
            if done < 0:
                return None
            if flags is not None and not flags[done - 1]:
                break
            if time.perf_counter() - started < ENOUGH / 4:
                count *= 4
    finally:
        executable.give_frame(frame)
    return done


def _laid_out(count: int) -> tuple[Any, Any]:
    """Words that compiled code takes for the tuple of its arrays; and, of them, the addresses of these arrays' data."""
    if not IS_TUPLE:
        words = np.zeros(max(count, 1), np.int64)
        return words, words
    start = ITEMS_OFFSET // 8
    words = np.zeros(start + 2 * count + 1, np.int64)
    cells = words[start + count :]
    words[start : start + count] = address_of(cells) - DATA_OFFSET + 8 * np.arange(count)
    return words, cells


# -- compiled ----------------------------------------------------------------------------------------------------------


@intrinsic
def _copy_bytes(typingctx, target, source, nbytes):
    """Copy between addresses."""

    def codegen(context, builder, sig, args):
        bytes_of = [builder.inttoptr(address, cgutils.voidptr_t) for address in args[:2]]
        cgutils.raw_memcpy(builder, *bytes_of, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _place(track, at, step):
    return track[at] + track[at + 1] * ((step + track[at + 3]) & track[at + 2])


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def move(moves, step):
    """Write the addresses of this step."""
    table = int64_at(moves)
    for each in range(table[0]):
        at = 1 + 5 * each
        int64_at(table[at])[0] = _place(table, at + 1, step)


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def stops(flags, step):
    """Whether a step has ended the loop."""
    return flags != 0 and not bool_at(flags)[step]


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def copy(copies, step):
    """Make the copies of this step."""
    table = int64_at(copies)
    for each in range(table[0]):
        at = 1 + 9 * each
        _copy_bytes(_place(table, at + 5, step), _place(table, at + 1, step), table[at])
