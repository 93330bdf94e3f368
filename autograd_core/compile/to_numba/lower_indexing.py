"""Reads and updates by an index, and what is made of them: getitem, set_at, add_at, pad, one_hot, tril, repeat, tile.

Basic indices are views. Arrays of integers are looked up in the loop (kind "gather"); updates copy the array, unless
nobody needs the old one, and then go over the entries that change (kind "update"). All integers are looked at before
anything is looked up: a kind "check" in front says whether one is out of range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ops.reshaping import COPY
from ...ops.selection import WHERE
from ...symbol import Value
from ..program import Instruction
from .loops import Ints, View, contiguous_strides, whole
from .lower import Lowering, Op


@dataclass(slots=True, eq=False)
class Places:
    """Where the entries lie that an index picks.

    Attributes
    ----------
    shape, strides, offset
        Of what the index gives, in the array's memory, apart from the arrays of integers in the index.
    indices : list of (View, stride, side)
        For each array of integers: its entry times the stride is added; the axis has ``side`` entries.
    """

    shape: Ints
    strides: Ints
    offset: int
    indices: list[tuple[View, int, int]]


def _is_integers(entry: Any) -> bool:
    return isinstance(entry, (Value, np.ndarray)) and entry.dtype.kind in "iu"


def places(lowering: Lowering, view: View, index: Any) -> Places | None:
    """What an index of integers, slices, None, Ellipsis and arrays of integers picks; None for any other index."""
    entries = list(index) if index.__class__ is tuple else [index]
    if not all(_is_plain(entry) or _is_integers(entry) for entry in entries):
        return None
    taken = sum(entry is not None and entry is not Ellipsis for entry in entries)
    rest = [slice(None)] * (len(view.shape) - taken)
    at = next((k for k, entry in enumerate(entries) if entry is Ellipsis), None)
    entries = [*entries, *rest] if at is None else [*entries[:at], *rest, *entries[at + 1 :]]
    arrays = any(map(_is_integers, entries))
    sides: list[tuple[int, int]] = []  # (length, stride) of the axes that slices and None leave
    found: list[tuple[View, int, int]] = []
    advanced: list[int] = []
    offset, axis, before = view.offset, 0, 0
    for number, entry in enumerate(entries):
        if entry is None:
            sides.append((1, 0))
            continue
        side, stride = view.shape[axis], view.strides[axis]
        axis += 1
        if entry.__class__ is slice:
            start, stop, step = entry.indices(side)
            length = len(range(start, stop, step))
            sides.append((length, stride * step))
            offset += start * stride if length else 0
            continue
        if not advanced:
            before = len(sides)
        advanced.append(number)
        if _is_integers(entry):
            found.append((_index_view(lowering, entry), stride, side))
        else:
            offset += (int(entry) % side if side else 0) * stride
    apart = advanced and advanced[-1] - advanced[0] + 1 != len(advanced)
    return _arranged(sides, found, offset, 0 if apart or not arrays else before)


def _is_plain(entry: Any) -> bool:
    if entry.__class__ is slice:
        return all(bound.__class__ in (int, type(None)) for bound in (entry.start, entry.stop, entry.step))
    integer = entry.__class__ is int or isinstance(entry, np.integer)
    return entry is None or entry is Ellipsis or integer


def _index_view(lowering: Lowering, entry: Any) -> View:
    return lowering.constant(entry) if isinstance(entry, np.ndarray) else lowering.view(entry)


def _arranged(sides: list[tuple[int, int]], found: list[tuple[View, int, int]], offset: int, at: int) -> Places:
    common = np.broadcast_shapes(*(view.shape for view, _, _ in found))
    shape = (*(s for s, _ in sides[:at]), *common, *(s for s, _ in sides[at:]))
    strides = (*(s for _, s in sides[:at]), *(0 for _ in common), *(s for _, s in sides[at:]))
    indices = []
    for view, stride, side in found:
        spread = view.broadcast(common)
        own = ((0,) * at) + spread.strides + (0,) * (len(sides) - at)
        indices.append((View(view.root, shape, own, view.offset), stride, side))
    return Places(shape, strides, offset, indices)


def checked(lowering: Lowering, where: Places, source: list[View]) -> list[Op]:
    """Ops that look whether all integers are in range."""
    ops = []
    for (_, _, side), view in zip(where.indices, source, strict=True):
        key = (view.root, view.shape, view.strides, view.offset, side)
        if key not in lowering.checked:
            lowering.op("check", None, [view], [], test="range", side=side)
            lowering.checked[key] = lowering.result.ops[-1]
        ops.append(lowering.checked[key])
    return ops


def _sources(where: Places) -> list[View]:
    """The index arrays as they are, without the axes along which they are repeated."""
    found = []
    for view, _, _ in where.indices:
        kept = [at for at, stride in enumerate(view.strides) if stride]
        shape, strides = tuple(view.shape[at] for at in kept), tuple(view.strides[at] for at in kept)
        found.append(View(view.root, shape, strides, view.offset))
    return found


def _params(lowering: Lowering, where: Places) -> dict[str, Any]:
    strides = tuple(s for side, s in zip(where.shape, where.strides, strict=True) if side != 1)
    terms = tuple((stride, side) for _, stride, side in where.indices)
    return {"terms": terms, "strides": strides, "after": checked(lowering, where, _sources(where))}


# -- rules -------------------------------------------------------------------------------------------------------------


def _getitem(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    """Kind "gather"; params: terms, (stride, side) of each array; strides of the other axes; after, the checks."""
    (view,) = operands
    where = places(lowering, view, instruction.params["index"])
    if where is None or where.shape != instruction.result.shape:
        return False
    base = View(view.root, view.shape, view.strides, where.offset)
    given = [base, *(each for each, _, _ in where.indices)]
    lowering.op("gather", instruction.primitive, given, [instruction.result], **_params(lowering, where))
    return True


def update(lowering: Lowering, x: View, y: View, where: Places, result: Value, mode: str) -> None:
    """Kind "update": ``result`` is ``x`` with ``y`` set or added; params as of "gather", shape, offset and mode."""
    spread = y.broadcast(where.shape)
    given = [x, spread, *(each for each, _, _ in where.indices)]
    params = {**_params(lowering, where), "shape": where.shape, "offset": where.offset, "mode": mode}
    primitive = COPY if lowering.instruction is None else lowering.instruction.primitive
    lowering.op("update", primitive, given, [result], **params)


def _at(mode: str) -> Any:
    def rule(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
        x, y = operands if mode == "add" else operands[::-1]
        x, y, result = lowering.array(x), lowering.array(y), instruction.result
        where = places(lowering, whole(result), instruction.params["index"])
        if where is None or x.shape != result.shape:
            return False
        if x.root.dtype != result.dtype:
            x = lowering.contiguous(x, result.dtype)
        update(lowering, x, y, where, result, mode)
        return True

    return rule


def filled(lowering: Lowering, number: Any, result: Value) -> View:
    """A number as an array like ``result``."""
    return lowering.constant(np.asarray(number, result.dtype)).broadcast(result.shape)


def _pad(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    (view,) = operands
    result, frame = instruction.result, instruction.params.get("frame")
    if frame is not None and not isinstance(frame, (Value, np.ndarray)):
        return False
    base = filled(lowering, 0, result) if frame is None else _index_view(lowering, frame)
    steps = contiguous_strides(result.shape)
    offset = sum(before * step for (before, _), step in zip(instruction.params["widths"], steps, strict=True))
    update(lowering, base, view, Places(view.shape, steps, offset if view.size else 0, []), result, "set")
    return True


def _one_hot(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    (labels,) = operands
    result, axis = instruction.result, instruction.params["axis"] % instruction.result.ndim
    steps = contiguous_strides(result.shape)
    others = (*steps[:axis], *steps[axis + 1 :])
    where = Places(labels.shape, others, 0, [(labels, steps[axis], instruction.params["count"])])
    update(lowering, filled(lowering, 0, result), filled(lowering, 1, Value((), result.dtype)), where, result, "set")
    return True


def _triangle(keep: Any) -> Any:
    def rule(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
        (view,) = operands
        mask = lowering.constant(keep(np.ones(view.shape[-2:], bool), instruction.params["k"]))
        zero = lowering.constant(np.zeros((), view.root.dtype))
        lowering.map(WHERE, [mask, view, zero], instruction.result)
        return True

    return rule


def _copied(lowering: Lowering, instruction: Instruction, wider: View) -> bool:
    copy = lowering.map(COPY, [wider], lowering.new(wider.shape, wider.root.dtype))
    shape = instruction.result.shape
    lowering.result.views[instruction.result] = View(copy.root, shape, contiguous_strides(shape))
    return True


def _tile(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    (view,) = operands
    pairs = list(zip(instruction.params["reps"], view.shape, view.strides, strict=True))
    shape = tuple(length for count, side, _ in pairs for length in (count, side))
    strides = tuple(step for _, _, stride in pairs for step in (0, stride))
    return _copied(lowering, instruction, View(view.root, shape, strides, view.offset))


def _repeat(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    (view,) = operands
    count, axis = instruction.params["repeats"], instruction.params["axis"]
    if count.__class__ is not int or axis is None:
        return False
    at = axis % len(view.shape) + 1
    shape, strides = (*view.shape[:at], count, *view.shape[at:]), (*view.strides[:at], 0, *view.strides[at:])
    return _copied(lowering, instruction, View(view.root, shape, strides, view.offset))


def _roll(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    """Copies of the parts that stay together: two along each axis."""
    (view,), params, result = operands, instruction.params, instruction.result
    if not view.size or not params["axis"]:
        return False
    steps = contiguous_strides(result.shape)
    parts = [(view.shape, view.offset, 0)]
    for axis, side in enumerate(view.shape):
        shift = (
            sum(by for by, at in zip(params["shift"], params["axis"], strict=True) if at % result.ndim == axis) % side
        )
        stays = side - shift
        cuts = [(0, stays, shift), (stays, shift, 0)] if shift else [(0, side, 0)]
        parts = [
            ((*shape[:axis], length, *shape[axis + 1 :]), start + view.strides[axis] * at, target + steps[axis] * to)
            for shape, start, target in parts
            for at, length, to in cuts
        ]
    sources = [View(view.root, shape, view.strides, start) for shape, start, _ in parts]
    targets = tuple(View(result, shape, steps, target) for shape, _, target in parts)
    lowering.op("parts", instruction.primitive, sources, [result], targets=targets)
    return True


def _on_diagonal(lowering: Lowering, instruction: Instruction, operands: list[Any]) -> bool:
    (view,) = operands
    result, offset = instruction.result, instruction.params["offset"]
    *steps, row, column = contiguous_strides(result.shape)
    start = (offset * column if offset > 0 else -offset * row) if view.size else 0
    where = Places(view.shape, (*steps, row + column), start, [])
    update(lowering, filled(lowering, 0, result), view, where, result, "set")
    return True


INDEXING: dict[str, Any] = {
    "roll": _roll, "on_diagonal": _on_diagonal,
    "getitem": _getitem, "add_at": _at("add"), "set_at": _at("set"), "pad": _pad, "one_hot": _one_hot,
    "tril": _triangle(np.tril), "triu": _triangle(np.triu), "tile": _tile, "repeat": _repeat,
}  # fmt: skip
