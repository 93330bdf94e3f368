"""Which instructions are views of their operand, and how arrays lie in memory, found on arrays without memory."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ...ops.indexing import GETITEM
from ...ops.joining import SPLIT, UNSTACK
from ...ops.reshaping import ASTYPE, BROADCAST_TO, RESHAPE, TRANSPOSE
from ...scatter import is_basic
from ...symbol import Value
from ..program import Instruction, values_in


def ghost(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array laid out in C order whose entries nobody may look at: all its memory is one number."""
    strides, step = [], np.dtype(dtype).itemsize
    for side in reversed(shape):
        strides.append(step)
        step *= max(side, 1)
    return np.lib.stride_tricks.as_strided(np.zeros((), dtype), shape, strides[::-1], writeable=False)


def view_texts(instruction: Instruction, base: Any) -> list[str] | None:
    """For each result the expression over ``{0}`` that gives it as a view of its operand; None if it is none.

    ``base`` is the ghost of the operand.
    """
    primitive, params = instruction.primitive, instruction.params
    if primitive is TRANSPOSE:
        axes = params["axes"]
        return ["{0}.T" if axes == tuple(range(len(axes)))[::-1] else f"{{0}}.transpose({axes})"]
    if primitive is RESHAPE:
        if params.get("order", "C") != "C" or not _reshapes(base, params["shape"]):
            return None
        return [f"{{0}}.reshape({params['shape']})"]
    if primitive is BROADCAST_TO:
        return [f"broadcast_to({{0}}, {params['shape']})"]
    if primitive is ASTYPE and params["dtype"] == base.dtype:
        return ["{0}"]
    if primitive is GETITEM and is_plain(params["index"]):
        return [f"{{0}}[{index_text(params['index'])}]"]
    if primitive is SPLIT:
        return _parts(params["axis"], (0, *params["cuts"], base.shape[params["axis"]]))
    if primitive is UNSTACK:
        return [f"{{0}}[{':, ' * params['axis']}{k}, ...]" for k in range(len(instruction.results))]
    return None


def _parts(axis: int, cuts: tuple[int, ...]) -> list[str]:
    return [f"{{0}}[{':, ' * axis}{a}:{b}]" for a, b in pairwise(cuts)]


def is_plain(index: Any) -> bool:
    """Whether an index is known when the program is emitted, and selects a view."""
    return is_basic(index) and not any(True for _ in values_in(index)) and not _has_bool(index)


def _has_bool(index: Any) -> bool:
    return any(entry.__class__ in (bool, np.bool_) for entry in (index if index.__class__ is tuple else (index,)))


def index_text(index: Any) -> str:
    """A basic index as it is written between brackets; it always gives an array, also of no axes."""
    entries = index if index.__class__ is tuple else (index,)
    parts = [_entry_text(entry) for entry in entries]
    if not any(entry is Ellipsis for entry in entries):
        parts.append("...")
    return ", ".join(parts)


def _entry_text(entry: Any) -> str:
    if entry is Ellipsis:
        return "..."
    if entry.__class__ is slice:
        bounds = ["" if bound is None else str(int(bound)) for bound in (entry.start, entry.stop, entry.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    return "None" if entry is None else str(int(entry))


def _reshapes(base: Any, shape: tuple[int, ...]) -> bool:
    """Whether NumPy reshapes without a copy; known for contiguous arrays and for axes of length 1."""
    return base.flags.c_contiguous or [s for s in base.shape if s != 1] == [s for s in shape if s != 1]


def seen_through(text: str, base: Any, value: Value) -> Any:
    """Ghost of the view that ``text`` makes of ``base``."""
    if ".reshape(" in text:
        if base.flags.c_contiguous:
            return ghost(value.shape, value.dtype)
        long = iter([stride for stride, side in zip(base.strides, base.shape, strict=True) if side != 1])
        strides = [0 if side == 1 else next(long) for side in value.shape]
        return np.lib.stride_tricks.as_strided(base, value.shape, strides, writeable=False)
    return eval(text.format("base"), {"base": base, "broadcast_to": np.broadcast_to})
