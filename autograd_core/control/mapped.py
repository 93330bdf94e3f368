"""Branches and loops inside of a function that is mapped over examples (``vmap``).

Where the examples do not agree on which way to go, both ways are computed and each example takes its own: of a ``cond``
both functions run, and a loop goes on until the last example is done, while those that are done stay as they are.
Inside of a traced function (``function``), and where no tape inside wants a derivative, they become branches and loops
of the plan, whose functions are mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import recording
from ..batching.level import Level
from ..batching.slots import raw
from ..errors import ShapeError, TraceError
from ..tensor import Overloaded, Tensor, as_value, taken
from ..tree import flatten
from .carry import Carry
from .structure import Structure, check_same, handle, spec, widened

# -- cond --------------------------------------------------------------------------------------------------------------


def cond(
    level: Level, now: Callable[..., Any], pred: Any, functions: Sequence[Callable[..., Any]], operands: Any
) -> Any:
    """``cond`` inside of ``level``; ``now`` is ``cond`` itself, for the frame around it."""
    if not level.is_mapped(pred):
        if raw(pred) is not None or not isinstance(pred, Overloaded):
            return functions[0 if _truth(pred) else 1](*operands)
        if not _records():
            return _traced_cond(level, now, pred, functions, operands)
    return _both(level, pred, functions, operands)


def _records() -> bool:
    frame = recording.current()
    return frame is not None and bool(frame.records)


def _truth(pred: Any) -> bool:
    return bool(pred.item() if isinstance(pred, Overloaded) else pred)


def _both(level: Level, pred: Any, functions: Sequence[Callable[..., Any]], operands: Any) -> Any:
    """Both functions, and for each example the result of one."""
    found = []
    for which, function in zip(("true_fun", "false_fun"), functions, strict=True):
        with _of_some(level):
            found.append(Structure(f"cond: {which}", _handles(function(*_handles(operands)))))
    first, second = found
    others = first.matching("cond", "true_fun and false_fun return different structures", second.given)
    return first.rebuild(_chosen("cond", _boolean(pred), first.leaves, others, first.names))


def _handles(structure: Any) -> Any:
    """The same with handles of its own: what a function changes in place (``x += y``) nobody else sees."""
    leaves, rebuild = flatten(structure)
    return rebuild([handle(leaf) for leaf in leaves])


def _boolean(pred: Any) -> Any:
    given = pred if isinstance(pred, Overloaded) else Tensor(as_value(pred), None)
    return given if given.dtype.kind == "b" else np.not_equal(given, 0)


def _chosen(name: str, pred: Any, first: Sequence[Any], second: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Leaf by leaf, what an example takes of two; they must have the same shapes and dtypes."""
    left, right = list(first), list(second)
    for i, (one, other) in enumerate(zip(first, second, strict=True)):
        wanted, have = spec(one)[1], spec(other)[1]
        if wanted != have and widened(other, wanted):
            right[i] = np.asarray(other, wanted)
        elif wanted != have and widened(one, have):
            left[i] = np.asarray(one, have)
    check_same(
        name,
        lambda path, wanted, given: f"leaf {path} of the result has {wanted} from true_fun and {given} from false_fun",
        names,
        [spec(leaf) for leaf in left],
        [spec(leaf) for leaf in right],
    )
    return [np.where(pred, one, other) for one, other in zip(left, right, strict=True)]


@contextmanager
def _of_some(level: Level) -> Iterator[None]:
    """For what is computed for examples, too, that will not take it: nothing is assigned, and no warning is given."""
    mark = level.changes.mark()
    level.conditional += 1
    try:
        with np.errstate(all="ignore"):
            yield
        level.check_moved(mark)
    finally:
        level.conditional -= 1


def _traced_cond(level: Level, now: Any, pred: Any, functions: Any, operands: Any) -> Any:
    """A branch of the plan around, of mapped functions."""
    built: list[Any] = []

    def of_all(function: Callable[..., Any]) -> Callable[[], Any]:
        def call() -> list[Any]:
            with level.inside():
                structure = Structure("cond", function(*operands))
                pairs = [level.leave(_tensor(leaf)) for leaf in structure.leaves]
            built.append(structure)
            return [_spread(level, tensor, mapped) for tensor, mapped in pairs]

        return call

    behind, _ = level.leave(pred)
    with level.outside():
        found = now(behind, of_all(functions[0]), of_all(functions[1]))
    built[0].matching("cond", "true_fun and false_fun return different structures", built[1].given)
    return built[0].rebuild([level.enter(each, True) for each in found])


def _tensor(leaf: Any) -> Any:
    return leaf if isinstance(leaf, Overloaded) else taken(leaf)


def _spread(level: Level, tensor: Any, mapped: bool) -> Any:
    """All examples of something, in the frame around the ``vmap``."""
    return tensor if mapped else np.broadcast_to(tensor, (level.size, *tensor.shape))


def _first(level: Level, carry: Carry) -> list[Any]:
    """The first carry of all examples."""
    pairs = [level.leave(_tensor(leaf)) for leaf in carry.operands()]
    with level.outside():
        return [_spread(level, tensor, mapped) for tensor, mapped in pairs]


# -- while_loop --------------------------------------------------------------------------------------------------------


def while_loop(level: Level, now: Callable[..., Any], cond_fun: Any, body_fun: Any, carry: Carry) -> Any:
    """``while_loop`` inside of ``level``; ``now`` is ``while_loop`` itself, for the frame around it."""
    if _is_traced(level) and not _records():
        return _traced_while(level, now, cond_fun, body_fun, carry)
    state = carry.first()
    alive: Any = None  # which examples go on, as soon as they differ
    while True:
        test = _tested(cond_fun(state))
        if alive is not None or level.is_mapped(test):
            alive = _boolean(test) if alive is None else np.logical_and(alive, _boolean(test))
        going = _entries(carry.name, test if alive is None else alive)
        if not going.any():
            return state
        state = _step(level, carry, body_fun, state, None if going.all() else alive)


def _entries(name: str, test: Any) -> Any:
    """Which examples go on, as an array."""
    known = raw(test)
    if known is None:
        raise TraceError(
            f"{name}: a derivative is taken inside of a function that is mapped (autograd_core.vmap), through a loop "
            "of which it is not known how often it runs, inside of a traced function. Take the derivative outside of "
            "the vmap, or use scan or fori_loop with Python integers as bounds."
        )
    return np.asarray(known)


def _step(level: Level, carry: Carry, body_fun: Any, state: Any, alive: Any) -> Any:
    if alive is None:
        return carry.structure.rebuild(carry.next("body_fun", body_fun(state)))
    before = carry.structure.matching(carry.name, "body_fun", state)
    with _of_some(level):
        after = carry.next("body_fun", _handles(body_fun(carry.structure.rebuild([handle(leaf) for leaf in before]))))
    return carry.structure.rebuild([np.where(alive, new, old) for new, old in zip(after, before, strict=True)])


def _tested(test: Any) -> Any:
    shape, dtype = spec(test)
    if shape != () or dtype.kind == "c":
        raise ShapeError(
            f"while_loop: cond_fun must return a single truth value; got shape {shape}, dtype {dtype}. Use .any(), "
            ".all() or a comparison."
        )
    return test


def _is_traced(level: Level) -> bool:
    """Whether there is a trace around all mapped functions."""
    trace: Any = level
    while trace.__class__ is Level:
        trace = None if trace.frame is None else trace.frame.trace
    return trace is not None


def _traced_while(level: Level, now: Any, cond_fun: Any, body_fun: Any, carry: Carry) -> Any:
    """A loop of the plan around: it carries all examples, and goes on while one of them does."""
    if carry.is_weak():  # as eagerly, the first step is given the numbers of Python: it says which dtype they take
        carry.next("body_fun", body_fun(carry.first()))
        carry.settle()
    first = _first(level, carry)

    def state_of(leaves: Sequence[Any]) -> Any:
        return carry.structure.rebuild([level.enter(leaf, True) for leaf in leaves])

    def going(leaves: Sequence[Any]) -> Any:
        with level.inside():
            test, mapped = level.leave(_boolean(_tested(cond_fun(state_of(leaves)))))
        return np.any(test) if mapped else test

    def step(leaves: Sequence[Any]) -> list[Any]:
        with level.inside():
            state = state_of(leaves)
            alive = _boolean(_tested(cond_fun(state)))
            with _of_some(level):
                after = carry.conformed(carry.next("body_fun", _handles(body_fun(state))))
            before = [level.enter(leaf, True) for leaf in leaves]
            chosen = [np.where(alive, new, old) for new, old in zip(after, before, strict=True)]
            pairs = [level.leave(each) for each in chosen]
        return [_spread(level, tensor, mapped) for tensor, mapped in pairs]

    with level.outside():
        last = now(going, step, first)
    return state_of(last)


def fori(level: Level, now: Callable[..., Any], lower: Any, upper: Any, body_fun: Any, init_val: Any) -> Any:
    """``fori_loop`` with bounds that differ between examples, or are not known: the index is a part of the carry."""
    zero = np.zeros((), np.int64)
    start = np.astype(_tensor(lower), np.int64) + zero
    carry = Carry("fori_loop", "init_val", (start, init_val))

    def body(state: Any) -> Any:
        index, value = state
        return index + 1, body_fun(index, value)

    return while_loop(level, now, lambda state: np.less(state[0], upper), body, carry)[1]


# -- scan --------------------------------------------------------------------------------------------------------------


def is_a_loop_of_the_plan(level: Level) -> bool:
    """Whether ``scan`` is one; elsewhere its steps are made one by one."""
    return _is_traced(level) and not _records()


def scan(level: Level, now: Callable[..., Any], f: Any, carry: Carry, xs: Any, count: int, reverse: bool) -> Any:
    """``scan`` inside of ``level``, as a loop of the plan around; ``now`` is ``scan`` itself."""
    slices = Structure("scan: xs", xs)
    stacks = [level.leave(_tensor(leaf)) for leaf in slices.leaves]
    flags = [mapped for _, mapped in stacks]
    if carry.is_weak():
        parts = [_tensor(leaf)[0] for leaf in slices.leaves] if count else []
        if count:
            carry.next("f", f(carry.first(), slices.rebuild(parts))[0])
        carry.settle()
    first = _first(level, carry)
    found: list[Structure] = []

    def step(leaves: Sequence[Any], parts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        with level.inside():
            state = carry.structure.rebuild([level.enter(leaf, True) for leaf in leaves])
            own = [level.enter(part, mapped) for part, mapped in zip(parts, flags, strict=True)]
            after, y = f(state, slices.rebuild(own))
            next_leaves = carry.conformed(carry.next("f", after))
            found.append(Structure("scan: f", y))
            pairs = [level.leave(_tensor(leaf)) for leaf in next_leaves]
            results = [level.leave(_tensor(leaf)) for leaf in found[-1].leaves]
        return [_spread(level, *pair) for pair in pairs], [_spread(level, *pair) for pair in results]

    with level.outside():
        along = [np.moveaxis(stack, 1, 0) if mapped else stack for stack, mapped in stacks]
        last, ys = now(step, first, along, count, reverse)
        ys = [np.moveaxis(y, 0, 1) for y in ys]
    state = carry.structure.rebuild([level.enter(leaf, True) for leaf in last])
    return state, found[-1].rebuild([level.enter(y, True) for y in ys])
