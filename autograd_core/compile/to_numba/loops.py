"""Index maps: values that are the entries of another one in another order, and the loops that run over them.

A ``View`` says where each entry of a value lies in a contiguous *root*: at ``offset + sum(index * stride)``. Reshape,
transpose, broadcasting and basic slices only change strides; nothing is copied for them. A loop nest over several
views is brought to its fewest dimensions before it is emitted, so that the inner loop is long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ...symbol import Value
from ..passes.pure import is_ours
from ..program import Instruction

Ints = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Where the entries of a value lie.

    Attributes
    ----------
    root : Value
        What lies in memory, contiguous in C order.
    shape : tuple of int
    strides : tuple of int
        In entries, not bytes.
    offset : int
        Of the entry at index 0.
    """

    root: Value
    shape: Ints
    strides: Ints
    offset: int = 0

    @property
    def size(self) -> int:
        """Number of entries."""
        return prod(self.shape)

    def is_whole(self) -> bool:
        """Whether this is all of the root, in its order."""
        return not self.offset and self.size == self.root.size and is_contiguous(self.shape, self.strides)

    def is_contiguous(self) -> bool:
        """Whether the entries lie one after another in C order."""
        return is_contiguous(self.shape, self.strides)

    def broadcast(self, shape: Ints) -> View:
        """The same entries repeated along new axes and axes of length 1."""
        extra = len(shape) - len(self.shape)
        own = zip(self.shape, self.strides, shape[extra:], strict=True)
        strides = (0,) * extra + tuple(0 if side == 1 != wanted else stride for side, stride, wanted in own)
        return View(self.root, shape, strides, self.offset)


def contiguous_strides(shape: Sequence[int]) -> Ints:
    """Strides of an array in C order, in entries."""
    strides, step = [], 1
    for side in reversed(shape):
        strides.append(step)
        step *= side
    return tuple(reversed(strides))


def is_contiguous(shape: Ints, strides: Ints) -> bool:
    """Whether entries with these strides lie one after another in C order."""
    expected = 1
    for side, stride in zip(reversed(shape), reversed(strides), strict=True):
        if side != 1 and stride != expected:
            return not prod(shape)
        expected *= side
    return True


def whole(value: Value) -> View:
    """All of a value that lies in memory."""
    return View(value, value.shape, contiguous_strides(value.shape))


# -- instructions that only change the index ---------------------------------------------------------------------------


def view_of(instruction: Instruction, operand: View) -> tuple[View, ...] | None:
    """Views that an instruction's results are of its operand, or None if it computes or copies something."""
    rule = _RULES.get(instruction.primitive.name)
    if rule is None or not is_ours(instruction.primitive):
        return None
    found = rule(operand, **instruction.params)
    return found if found is None or found.__class__ is tuple else (found,)


def _same(view: View) -> View:
    return view


def transposed(view: View, axes: Ints) -> View:
    """Axes in another order."""
    return View(view.root, tuple(view.shape[a] for a in axes), tuple(view.strides[a] for a in axes), view.offset)


def _broadcast_to(view: View, shape: Ints) -> View:
    return view.broadcast(tuple(shape))


def reshaped(view: View, shape: Ints, order: str = "C") -> View | None:
    """Another shape, or None if the entries do not lie at regular places then."""
    shape = tuple(shape)
    if order != "C":
        if order != "F":
            return None
        turned = reshaped(transposed(view, tuple(reversed(range(len(view.shape))))), shape[::-1])
        return None if turned is None else transposed(turned, tuple(reversed(range(len(shape)))))
    if view.is_contiguous():
        return View(view.root, shape, contiguous_strides(shape), view.offset)
    strides = _split_strides(view, shape)
    return None if strides is None else View(view.root, shape, strides, view.offset)


def _split_strides(view: View, shape: Ints) -> Ints | None:
    """Strides of ``view`` in another shape, or None if the entries do not lie at regular places then."""
    dims = [(side, stride) for side, stride in zip(view.shape, view.strides, strict=True) if side != 1]
    if not view.size:
        return contiguous_strides(shape)
    merged: list[list[int]] = []
    for side, stride in dims:
        if merged and merged[-1][1] == stride * side:
            merged[-1] = [merged[-1][0] * side, stride]
        else:
            merged.append([side, stride])
    strides: list[int] = []
    left = list(reversed(merged))
    for side in reversed(shape):
        if side == 1:
            strides.append(0)
            continue
        if not left or left[0][0] % side:
            return None
        length, stride = left[0]
        strides.append(stride)
        left[0] = [length // side, stride * side]
        if left[0][0] == 1:
            left.pop(0)
    return tuple(reversed(strides))


def _getitem(view: View, index: Any) -> View | None:
    """Integers, slices, None and Ellipsis; None for any other index."""
    entries = index if index.__class__ is tuple else (index,)
    if any(not _is_basic(entry) for entry in entries):
        return None
    taken = sum(entry is not None and entry is not Ellipsis for entry in entries)
    if Ellipsis not in entries:
        entries = (*entries, Ellipsis)
    shape, strides, offset, axis = [], [], view.offset, 0
    for entry in entries:
        if entry is None:
            shape.append(1)
            strides.append(0)
        elif entry is Ellipsis:
            stop = axis + len(view.shape) - taken
            shape += view.shape[axis:stop]
            strides += view.strides[axis:stop]
            axis = stop
        else:
            side, stride = view.shape[axis], view.strides[axis]
            axis += 1
            if entry.__class__ is slice:
                start, stop, step = entry.indices(side)
                shape.append(len(range(start, stop, step)))
                strides.append(stride * step)
                offset += start * stride if shape[-1] else 0
            else:
                offset += (int(entry) % side if side else 0) * stride
    return View(view.root, tuple(shape), tuple(strides), offset)


def _is_basic(entry: Any) -> bool:
    if entry.__class__ is slice:
        return all(bound.__class__ in (int, type(None)) for bound in (entry.start, entry.stop, entry.step))
    return entry is None or entry is Ellipsis or entry.__class__ is int or isinstance(entry, np.integer)


def _flip(view: View, axis: int | Ints) -> View:
    axes = (axis,) if isinstance(axis, int) else axis
    index = [slice(None)] * len(view.shape)
    for at in range(len(view.shape)) if axes is None else axes:
        index[at] = slice(None, None, -1)
    found = _getitem(view, tuple(index))
    assert found is not None
    return found


def _diagonal(view: View, offset: int, axis1: int, axis2: int) -> View:
    count = len(view.shape)
    axis1, axis2 = axis1 % count, axis2 % count
    down, right = max(-offset, 0), max(offset, 0)
    length = max(0, min(view.shape[axis1] - down, view.shape[axis2] - right))
    others = [at for at in range(count) if at not in (axis1, axis2)]
    shape = (*(view.shape[at] for at in others), length)
    strides = (*(view.strides[at] for at in others), view.strides[axis1] + view.strides[axis2])
    start = down * view.strides[axis1] + right * view.strides[axis2] if length else 0
    return View(view.root, shape, strides, view.offset + start)


def _unstack(view: View, axis: int) -> tuple[View, ...]:
    front: tuple[slice, ...] = (slice(None),) * (axis % len(view.shape))
    return tuple(_getitem(view, (*front, at)) for at in range(view.shape[axis]))  # type: ignore[misc]


def _split(view: View, cuts: Any, axis: int) -> tuple[View, ...]:
    side = view.shape[axis]
    if not isinstance(cuts, (tuple, list, np.ndarray)):
        cuts = range(side // cuts, side, side // cuts)
    bounds = [0, *map(int, cuts), side]
    front: tuple[slice, ...] = (slice(None),) * (axis % len(view.shape))
    pairs = pairwise(bounds)
    return tuple(_getitem(view, (*front, slice(start, stop))) for start, stop in pairs)  # type: ignore[misc]


_RULES: dict[str, Any] = {
    "lift": _same, "copy": _same, "transpose": transposed, "broadcast_to": _broadcast_to, "reshape": reshaped,
    "getitem": _getitem, "flip": _flip, "unstack": _unstack, "split": _split, "diagonal": _diagonal,
}  # fmt: skip

# -- loop nests --------------------------------------------------------------------------------------------------------


def collapsed(shape: Ints, strides: Sequence[Ints]) -> tuple[Ints, list[Ints]]:
    """The same loops in as few dimensions as all of ``strides`` allow.

    Parameters
    ----------
    shape : tuple of int
        Lengths of the loops, outermost first.
    strides : sequence of tuple of int
        One tuple per array that is read or written.

    Returns
    -------
    shape, strides
        Without loops of length 1, and neighbours merged where every array goes on from the one into the other.
    """
    kept = [at for at, side in enumerate(shape) if side != 1]
    sides = [shape[at] for at in kept]
    columns = [[each[at] for each in strides] for at in kept]
    at = len(sides) - 2
    while at >= 0:
        if all(outer == inner * sides[at + 1] for outer, inner in zip(columns[at], columns[at + 1], strict=True)):
            sides[at : at + 2] = [sides[at] * sides[at + 1]]
            columns[at : at + 2] = [columns[at + 1]]
        at -= 1
    return tuple(sides), [tuple(column[each] for column in columns) for each in range(len(strides))]


def squeezed(shape: Ints) -> Ints:
    """``shape`` without axes of length 1."""
    return tuple(side for side in shape if side != 1)


INDICES = ("i", "j", "k", "m", "n", "p", "q", "r", "s", "t", "u", "v")


def place(strides: Ints, offset: int) -> str:
    """Index expression: ``i * 128 + j + 3``."""
    terms = [
        name if stride == 1 else f"{name} * {stride}" for name, stride in zip(INDICES, strides, strict=False) if stride
    ]
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms)
