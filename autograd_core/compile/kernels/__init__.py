"""Kernels written by hand: what emitted Numba code calls for primitives that are no elementwise chain.

This module can be read without Numba. ``KERNELS[primitive]`` is a ``Kernel``; for an instruction it gives a ``Call``,
or None where no compiled form fits (a dtype, a parameter): then the emitter calls ``primitive.impl``. A Call names a
nopython function and what it is given:

    from autograd_core.compile.kernels.lstm import lstm_f4
    code = lstm_f4(out0, out1, ..., in0, in1, ..., work0, work1, ..., static0, static1, ...)

Results, operands and work arrays are C-contiguous arrays of the instruction's shapes and dtypes (0-d ones are 0-d
arrays), results and work arrays with whatever they held before, none overlapping another that is written; statics are
Python numbers and tuples of them, which can be written as literals. Where ``Call.fails`` is true the function returns a
number: not 0 means that the entries of the operands are not allowed (a label out of range, say), and
``primitive.impl`` on the same operands raises the right error.
"""

from __future__ import annotations

from ...primitive import Primitive
from . import plans_lstm, plans_positions, plans_rows, plans_standardize, plans_windows
from .calls import Call, Kernel

_GROUPS = (plans_rows, plans_positions, plans_lstm, plans_windows, plans_standardize)

KERNELS: dict[Primitive, Kernel] = {each.primitive: each for group in _GROUPS for each in group.KERNELS}
"""All kernels, by primitive."""

__all__ = ["KERNELS", "Call", "Kernel"]
