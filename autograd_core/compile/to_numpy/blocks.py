"""Which instructions NumPy runs together, block by block, so that what passes between them stays in the cache.

A chain of elementwise operations on a large array goes through memory at every step. Done for some ten thousand entries
at a time, all steps before the next ones, only its first operands and last results do. The blocks run along the first
axis; operands without it, or of length 1 along it, are used whole. Reductions over other axes belong to the chain like
elementwise steps; reductions over the first axis end it, with a part for each block.

Where there is much to do, a chain is cut into parts of some blocks each, which several threads may run at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...ops.indexing import GETITEM
from ...ops.joining import CONCATENATE, SPLIT, STACK, UNSTACK
from ...ops.products import MATMUL
from ...ops.reductions import MAX, MIN, SUM
from ...ops.reshaping import ASTYPE, BROADCAST_TO, COPY, RESHAPE, TRANSPOSE
from ...ops.selection import WHERE
from ...symbol import Value
from ..machine.blas_sizes import SMALL
from ..program import Instruction, Program
from .lower import GATED, MASK
from .storage import Step, is_ufunc, stride_of

FEW = 1 << 16  # entries; whatever is done with them, there is not much for BLAS
MOST = 48  # instructions in one loop


class Sizes(NamedTuple):
    """From where on which way is taken.

    Attributes
    ----------
    large : int
        Entries from which on an array is large: the steps of a smaller chain find the results of the ones before in
        the cache anyway.
    block : int
        Entries of a block.
    shared : int
        Entries times operations from which on a chain is cut into parts for several threads. Five operations on
        260,000 floats take as long with four threads as with one, 300 us; on 520,000 470 us instead of 580.
    part : int
        Entries that a part has at least.
    wide : int
        Entries of a block of a part, at most. Threads hand over the interpreter at each call, which takes longer than
        what smaller blocks save.
    """

    large: int = 1 << 16
    block: int = 1 << 15
    shared: int = 1 << 21
    part: int = 1 << 15
    wide: int = 1 << 17


ELEMENTWISE = frozenset((MASK, GATED, WHERE, COPY, ASTYPE))
LOOSE = frozenset((TRANSPOSE, RESHAPE, BROADCAST_TO, GETITEM, SPLIT, UNSTACK))
REDUCTIONS = frozenset((SUM, MAX, MIN))


@dataclass(slots=True)
class _Group:
    """Instructions that may become one loop over the first axis."""

    members: list[Instruction] = field(default_factory=list)
    results: set[Value] = field(default_factory=set)
    ended: set[Value] = field(default_factory=set)  # reductions over the first axis, known only after the loop


def steps_of(program: Program, sizes: Sizes, threads: int = 1) -> list[Step]:
    """The instructions of ``program`` in the order in which they run, chains on large arrays in one step each.

    Parameters
    ----------
    sizes : Sizes
    threads : int
        Parts of a chain, at most.
    """
    groups: dict[tuple[int, int], _Group] = {}
    home: dict[Value, tuple[int, int]] = {}
    steps: list[Step] = []
    used_by: dict[Value, list[Instruction]] = {}
    for instruction in program.instructions:
        for value in instruction.values():
            used_by.setdefault(value, []).append(instruction)
    wanted = set(program.roots())

    loose: set[Value] = set()  # may not lie in C order without gaps

    def flush(key: tuple[int, int]) -> None:
        steps.extend(_as_steps(groups.pop(key), used_by, wanted, loose, sizes, threads))

    for instruction in program.instructions:
        key = _key(instruction)
        for value in instruction.values():
            at = home.get(value)
            if at in groups and value in groups[at].results and (at != key or value in groups[at].ended):
                flush(at)
        if not (_is_large(instruction, sizes.large) or _continues(instruction, key, home, groups)):
            key = None
        if key is None:
            steps.append(Step([instruction]))
            if instruction.primitive in LOOSE:
                loose.update(instruction.results)
            continue
        group = groups.setdefault(key, _Group())
        group.members.append(instruction)
        group.results.add(instruction.result)
        home[instruction.result] = key
        if ends(instruction):
            group.ended.add(instruction.result)
        if len(group.members) >= MOST:
            flush(key)
    for key in list(groups):
        flush(key)
    return steps


def _is_large(instruction: Instruction, large: int) -> bool:
    return max(v.size for v in (*instruction.results, *instruction.values())) >= large


def _continues(instruction: Instruction, key: Any, home: dict[Value, Any], groups: dict[Any, _Group]) -> bool:
    """Whether it reads what a chain that is being put together has made."""
    return key in groups and any(home.get(value) == key for value in instruction.values())


def ends(instruction: Instruction) -> bool:
    """Whether it reduces over the first axis."""
    return instruction.primitive in REDUCTIONS and 0 in instruction.params["axis"]


def _key(instruction: Instruction) -> tuple[int, int] | None:
    """Axes and length of the first one, for what can be done block by block."""
    if len(instruction.results) != 1 or any(o.__class__ is Value and o.dtype.kind == "O" for o in instruction.operands):
        return None
    if instruction.primitive in REDUCTIONS:
        (x,) = instruction.operands
        if x.__class__ is not Value or x.ndim < 1 or set(instruction.params) != {"axis", "keepdims"}:
            return None
        inside = 0 not in instruction.params["axis"] and instruction.params["keepdims"] and instruction.params["axis"]
        return (x.ndim, x.shape[0]) if (ends(instruction) or inside) and x.dtype == instruction.result.dtype else None
    result = instruction.result
    if not result.ndim or not (is_ufunc(instruction) or instruction.primitive in ELEMENTWISE):
        return None
    if instruction.primitive is ASTYPE and instruction.operands[0].dtype.kind == "c":
        return None
    return result.ndim, result.shape[0]


def _as_steps(
    group: _Group,
    used_by: dict[Value, list[Instruction]],
    wanted: set[Value],
    loose: set[Value],
    sizes: Sizes,
    threads: int,
) -> list[Step]:
    members, block = group.members, sizes.block
    length = max(i.operands[0].shape[0] if ends(i) else i.result.shape[0] for i in members)
    widest = max(v.size for i in members for v in (i.result, *i.values()))
    row = widest // max(length, 1)
    if len(members) < 2 or widest < sizes.large:
        return [Step([i]) for i in members]
    step = Step(list(members))
    step.rows = max(1, block // max(row, 1))
    step.length = length
    if row > 4 * block or step.rows >= length:
        if not _is_flat(members, loose) or widest <= block:
            return [Step([i]) for i in members]
        step.flat, step.length, step.rows = True, widest, block
    step.inner = {
        i.result
        for i in members
        if i.result not in wanted and not ends(i) and all(user in members for user in used_by.get(i.result, ()))
    }
    _cut_up(step, widest, sizes, threads)
    return [step]


def _cut_up(step: Step, widest: int, sizes: Sizes, threads: int) -> None:
    """Cut the loop into parts of equal numbers of equal blocks, if there is enough to do."""
    parts = min(threads, step.length, widest // max(sizes.part, 1))
    if parts < 2 or widest * len(step.instructions) < sizes.shared:
        return
    length = -(-step.length // parts)
    blocks = min(length, -(-widest // (parts * sizes.wide)))
    step.rows = -(-length // blocks)
    step.run = -(-length // step.rows)
    step.parts = -(-step.length // (step.rows * step.run))


def _is_flat(members: list[Instruction], loose: set[Value]) -> bool:
    """Whether all operands are alike or numbers, so that axes do not matter."""
    shape = members[0].operands[0].shape if ends(members[0]) else members[0].result.shape
    for i in members:
        if i.primitive in REDUCTIONS and (len(i.params["axis"]) < len(shape) or not ends(i)):
            return False
        if not ends(i) and i.result.shape != shape:
            return False
        if any(v in loose or (v.shape != shape and v.ndim) for v in i.values()):
            return False
    return True


def needs_blas(step: Step) -> bool:
    """Whether a step may have something to do for the threads of BLAS; what is not known may, if it is large.

    These keep looking for work for some 30 ms afterwards. Threads of ours would take turns with them: the update of
    784 by 512 weights after two products took 330 us on four threads by itself, and up to 4,000 here.
    """
    if step.blocked:
        return False
    (instruction,) = step.instructions
    primitive = instruction.primitive
    if is_ufunc(instruction) or primitive in ELEMENTWISE | LOOSE | REDUCTIONS | {CONCATENATE, STACK}:
        return False
    if primitive is MATMUL:
        return instruction.result.size * instruction.operands[0].shape[-1] > SMALL
    return max(v.size for v in (*instruction.results, *instruction.values())) >= FEW


# -- memory of a loop --------------------------------------------------------------------------------------------------


def block_shape(step: Step, value: Value) -> tuple[int, ...]:
    """Shape of a value's part in one block."""
    return (step.rows,) if step.flat else (step.rows, *value.shape[1:])


def parts_shape(step: Step, instruction: Instruction) -> tuple[int, ...]:
    """Shape of what a reduction over the first axis leaves, one part for each block."""
    (x,), axis = instruction.operands, instruction.params["axis"]
    kept = () if step.flat else tuple(side for at, side in enumerate(x.shape) if at not in axis)
    return (-(-step.length // step.rows), *kept)


def is_cut(step: Step, value: Value) -> bool:
    """Whether a block has a part of a value, not the whole."""
    if step.flat:
        return value.size == step.length and value.ndim > 0
    first = step.instructions[0]
    ndim = first.operands[0].ndim if ends(first) else first.result.ndim
    return value.ndim == ndim and value.shape[0] == step.length


NARROW = 64  # entries; along a shorter last axis NumPy takes longer to repeat an operand than to compute with it


def tiles_of(step: Step) -> dict[Value, tuple[int, ...]]:
    """Operands that every block uses whole and that are short along the last axis: the shape of a block of each.

    A bias of 6 added to (64, 28, 28, 6) floats takes 315 us, and 84 where it lies beside each row.
    """
    if step.flat:
        return {}
    shapes: dict[Value, set[tuple[int, ...]]] = {}
    made = {i.result for i in step.instructions}
    for i in step.instructions:
        for value in i.values():
            if value.size > 1 and not is_cut(step, value) and value not in made:
                shapes.setdefault(value, set()).add(block_shape(step, i.result))
    return {value: next(iter(found)) for value, found in shapes.items() if len(found) == 1 and _is_narrow(*found)}


def _is_narrow(shape: tuple[int, ...]) -> bool:
    return shape[-1] <= NARROW


def inner_layout(step: Step) -> tuple[list[tuple[int, tuple[int, ...], str]], dict[Value, int], int]:
    """Work arrays of a block: (offset, shape, dtype) of each, which of them a value is in, and the size of all.

    Where there are parts, each has its own: the others lie behind the first, at ``stride_of``.
    """
    last: dict[Value, int] = {}
    for place, i in enumerate(step.instructions):
        for value in (*i.values(), i.result):
            last[value] = place
    arrays: list[tuple[int, tuple[int, ...], str]] = []
    ends_at: list[int] = []
    chosen: dict[Value, int] = {}
    size = 0
    for value, shape in tiles_of(step).items():
        chosen[value] = len(arrays)
        arrays.append((size, shape, value.dtype.str))
        ends_at.append(1 << 30)
        size += stride_of(shape, value.dtype)
    for place, i in enumerate(step.instructions):
        value = i.result
        if ends(i):
            shape, dtype, free = parts_shape(step, i), i.result.dtype.str, None
        elif value in step.inner:
            shape, dtype = block_shape(step, value), value.dtype.str
            free = next(
                (k for k, (_, s, d) in enumerate(arrays)
                 if (s, d) == (shape, dtype) and ends_at[k] < place + _in_place(i)),
                None,
            )  # fmt: skip
        else:
            continue
        if free is None:
            free = len(arrays)
            arrays.append((size, shape, dtype))
            ends_at.append(0)
            size += stride_of(shape, value.dtype) * (1 if ends(i) else step.parts)
        ends_at[free] = 1 << 30 if ends(i) else last[value]
        chosen[value] = free
    return arrays, chosen, size


def _in_place(instruction: Instruction) -> bool:
    """Whether the result may be written over an operand."""
    return is_ufunc(instruction) or instruction.primitive in (MASK, GATED)


def block_memory(step: Step) -> int:
    """Bytes that a loop needs for itself."""
    return inner_layout(step)[2]
