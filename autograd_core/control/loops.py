"""``while_loop``, ``fori_loop`` and ``scan``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import recording
from ..batching.level import Level, level_here
from ..batching.slots import raw
from ..compile.trace import Trace
from ..errors import DtypeError, ShapeError, StructureError, TraceError
from ..recording import trace_here
from ..tensor import Overloaded, Tensor, as_value
from ..variable import Variable
from . import mapped
from .body import Body
from .carry import Carry, traced_step
from .inner import InnerTrace
from .repetition import Repetition
from .scans import Scan
from .structure import Structure, is_array, is_weak, spec, varies
from .weave import assign, captures, fresh, written


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """Repeat ``body_fun`` while ``cond_fun`` holds.

    Parameters
    ----------
    cond_fun : callable
        From the carry to a single truth value.
    body_fun : callable
        From the carry to the next one, of the same structure, shapes and dtypes.
    init_val : nested structure of Tensors, arrays and numbers
        The first carry.

    Returns
    -------
    The last carry.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        If a step changes the structure of the carry, or the shape or dtype of a leaf, which is named.

    Notes
    -----
    Differentiable to any order eagerly. In a traced function: backward once, which runs the loop a second time (what
    each step starts from is kept for the walk back), and forward to any order.

    Examples
    --------
    >>> import autograd_core as ag
    >>> ag.while_loop(lambda x: x < 100.0, lambda x: 2.0 * x, 3.0)
    192.0
    """
    _callable("while_loop", cond_fun=cond_fun, body_fun=body_fun)
    carry = Carry("while_loop", "init_val", init_val)
    level = level_here()
    if level is not None:
        return mapped.while_loop(level, while_loop, cond_fun, body_fun, carry)
    if trace_here() is not None:
        return _traced_while("while_loop", cond_fun, body_fun, carry)
    now = carry.first()
    while _truth(cond_fun(now)):
        now = carry.structure.rebuild(carry.next("body_fun", body_fun(now)))
    return now


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``for i in range(lower, upper): val = body_fun(i, val)``.

    Parameters
    ----------
    lower, upper : int, or Tensor with a single integer
        In a traced function with Python integers, the loop is one of known length: differentiable to any order, as
        ``scan``. Otherwise it is a ``while_loop``.
    body_fun : callable
        ``body_fun(i, carry)`` gives the next carry. ``i`` is a Python integer, in a traced function a Tensor.
    init_val : nested structure of Tensors, arrays and numbers
        The first carry; also the result if there is no step.

    Returns
    -------
    The last carry.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        As ``while_loop``; DtypeError too for bounds that are no integers.

    Examples
    --------
    >>> import autograd_core as ag
    >>> ag.fori_loop(1, 6, lambda i, product: product * i, 1)
    120
    """
    _callable("fori_loop", body_fun=body_fun)
    for which, bound in (("lower", lower), ("upper", upper)):
        shape, dtype = spec(bound)
        if shape != () or dtype.kind not in "iu":
            raise DtypeError(f"fori_loop: {which} must be a single integer; got shape {shape}, dtype {dtype}.")
    carry = Carry("fori_loop", "init_val", init_val)
    level = level_here()
    if level is not None:
        return _mapped_fori(level, lower, upper, body_fun, init_val, carry)
    if trace_here() is None:
        now = carry.first()
        for i in range(_integer(lower), _integer(upper)):
            now = carry.structure.rebuild(carry.next("body_fun", body_fun(i, now)))
        return now
    if varies(lower) or varies(upper):
        return _traced_fori(lower, upper, body_fun, init_val)
    steps = np.arange(int(lower), max(int(upper), int(lower)))

    def step(now: Any, i: Any) -> tuple[Any, None]:
        return body_fun(i, now), None

    return _traced_scan("fori_loop", "body_fun", step, carry, steps, len(steps), False)[0]


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Carry a value along the first axis of ``xs``, and stack what each step gives.

    Parameters
    ----------
    f : callable
        ``f(carry, x)`` gives a pair: the next carry, of the same structure, shapes and dtypes; and a nested structure
        ``y``, or None. ``x`` has the structure of ``xs``, its leaves without their first axis.
    init : nested structure of Tensors, arrays and numbers
        The first carry.
    xs : nested structure of Tensors and arrays, or None
        All of one length along axis 0.
    length : int, optional
        How many steps; must be given if ``xs`` is None.
    reverse : bool
        Start at the end. ``ys`` stays in the order of ``xs``.

    Returns
    -------
    carry
        The last one.
    ys
        What ``f`` gave, stacked along a new axis 0.

    Raises
    ------
    ShapeError
        If lengths differ, or none is known.
    StructureError, ShapeError, DtypeError
        If ``f`` returns no pair, changes the carry's structure, or the shape or dtype of a leaf, which is named.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.scan(lambda total, x: (total + x, total * x), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 2., 9.]))
    """
    _callable("scan", f=f)
    carry = Carry("scan", "init", init)
    count = _length(xs, length)
    level = level_here()
    if level is not None:
        if mapped.is_a_loop_of_the_plan(level):
            return mapped.scan(level, scan, f, carry, xs, count, reverse)
        return _scan_now(f, carry, xs, count, reverse)
    if trace_here() is not None:
        return _traced_scan("scan", "f", f, carry, xs, count, reverse)
    return _scan_now(f, carry, xs, count, reverse)


# -- eagerly -----------------------------------------------------------------------------------------------------------


def _callable(name: str, **functions: Any) -> None:
    for which, given in functions.items():
        if not callable(given):
            raise TypeError(f"{name}: {which} must be a function; got {type(given).__name__}.")


def _mapped_fori(level: Level, lower: Any, upper: Any, body_fun: Any, init_val: Any, carry: Carry) -> Any:
    bounds = [bound for bound in (lower, upper) if varies(bound)]
    if any(level.is_mapped(bound) or raw(bound) is None for bound in bounds):
        return mapped.fori(level, while_loop, lower, upper, body_fun, init_val)
    start, stop = _integer(lower), _integer(upper)
    if mapped.is_a_loop_of_the_plan(level):
        steps = np.arange(start, max(stop, start))
        return mapped.scan(level, scan, lambda now, i: (body_fun(i, now), None), carry, steps, len(steps), False)[0]
    now = carry.first()
    for i in range(start, stop):
        now = carry.structure.rebuild(carry.next("body_fun", body_fun(i, now)))
    return now


def _truth(given: Any) -> bool:
    shape, dtype = spec(given)
    if shape != () or dtype.kind == "c":
        raise ShapeError(
            f"while_loop: cond_fun must return a single truth value; got shape {shape}, dtype {dtype}. Use .any(), "
            ".all() or a comparison."
        )
    return bool(given.item() if isinstance(given, Overloaded) else given)


def _integer(bound: Any) -> int:
    return int(bound.item() if isinstance(bound, Overloaded) else bound)


def _length(xs: Any, length: int | None) -> int:
    """Number of steps."""
    if length is not None and (not hasattr(length, "__index__") or isinstance(length, bool) or length.__index__() < 0):
        raise DtypeError(f"scan: length must be an integer of 0 or more, known to Python; got {length!r}.")
    structure = Structure("scan: xs", xs)
    lengths = {} if length is None else {"length": length.__index__()}
    for leaf, path in zip(structure.leaves, structure.names, strict=True):
        shape = spec(leaf)[0]
        if not shape:
            raise ShapeError(
                f"scan: leaf {path} of xs has no axis to go along; give what is the same in all steps as a "
                "part of init, or let f refer to it."
            )
        lengths[f"leaf {path} of xs"] = shape[0]
    if not lengths:
        raise ShapeError("scan: it is not known how many steps there are; give xs, or length.")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{which}: {count}" for which, count in lengths.items())
        raise ShapeError(f"scan: there are different numbers of steps ({told}).")
    return next(iter(lengths.values()))


def _scan_now(f: Callable[..., Any], carry: Carry, xs: Any, count: int, reverse: bool) -> tuple[Any, Any]:
    slices = Structure("scan: xs", xs)
    leaves = [
        leaf.value if isinstance(leaf, Variable) else leaf if is_array(leaf) else as_value(leaf)
        for leaf in slices.leaves
    ]
    now = carry.first()
    ys: Structure | None = None
    collected: list[list[Any]] = []
    for index in range(count)[:: -1 if reverse else 1]:
        after, y = _pair(f(now, slices.rebuild([leaf[index] for leaf in leaves])))
        now = carry.structure.rebuild(carry.next("f", after))
        ys = Structure("scan: f", y) if ys is None else ys
        collected.append(ys.matching("scan", "f returns different structures", y))
    if ys is None:
        return now, _no_results(f, carry, slices, leaves)
    columns = [list(column)[:: -1 if reverse else 1] for column in zip(*collected, strict=True)]
    return now, ys.rebuild([np.stack(column) for column in columns])


def _pair(given: Any) -> tuple[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise StructureError(
            f"scan: f must return a pair (carry, y); got {type(given).__name__}. Return (carry, None) "
            "if there is nothing to stack."
        )
    return given[0], given[1]


def _no_results(f: Callable[..., Any], carry: Carry, slices: Structure, leaves: Sequence[Any]) -> Any:
    """Results of no step: arrays of length 0, of the shapes that a step would give."""
    trace = Trace("scan")

    def step() -> Structure:
        first = [trace.argument(i, np.zeros(*spec(leaf))) for i, leaf in enumerate(carry.structure.leaves)]
        parts = [trace.argument(len(first) + i, np.zeros(leaf.shape[1:], leaf.dtype)) for i, leaf in enumerate(leaves)]
        handles = [Tensor(value, None) for value in (*first, *parts)]
        now = carry.structure.rebuild(handles[: len(first)])
        return Structure("scan: f", _pair(f(now, slices.rebuild(handles[len(first) :])))[1])

    ys = trace.run(step)
    plain = not any(isinstance(leaf, Overloaded) for leaf in (*leaves, *carry.structure.leaves))
    empty = [np.zeros((0, *shape), dtype) for shape, dtype in map(spec, ys.leaves)]
    return ys.rebuild(empty if plain else [Tensor(array, None) for array in empty])


# -- traced ------------------------------------------------------------------------------------------------------------


def _traced_scan(
    name: str, what: str, f: Callable[..., Any], carry: Carry, xs: Any, count: int, reverse: bool
) -> tuple[Any, Any]:
    frame: Any = recording.current()
    slices = Structure(f"{name}: xs", xs)
    stacks = [leaf if isinstance(leaf, (Tensor, Variable)) else as_value(leaf) for leaf in slices.leaves]
    examples = [_slice(fresh(stack)) for stack in stacks]

    def call(inner: InnerTrace, now: Any, others: Sequence[Any]) -> tuple[Any, Structure]:
        after, y = _pair(f(now, slices.rebuild(others)))
        return after, Structure(f"{name}: {what}", y)

    inner, outputs, ys = traced_step(carry, what, call, frame, examples)
    own = len(carry.specs)
    targets = written([inner])
    kept = [inner.present_at(label, source) for label, source in targets.items()]
    taken = captures([inner], frame)
    labels = [("carry", i) for i in range(own)]
    body = Body(
        inner,
        [*labels, *targets],
        [("slice", i) for i in range(len(stacks))],
        [label for label in taken if label not in targets],
        [*outputs[:own], *kept],
        list(outputs[own:]),
        len(inner.records),
        drawn=True,
    )
    given = [*carry.operands(), *(taken[label] for label in targets), *stacks, *(taken[c] for c in body.constants)]
    found = Scan(name, body, count, reverse).stage(given, frame)
    end = own + len(targets)
    assign(frame, targets, found[own:end])
    return carry.structure.rebuild(found[:own]), ys.rebuild(found[end:])


def _slice(array: Any) -> Any:
    return array[0, ...] if len(array) else np.zeros(array.shape[1:], array.dtype)


def _traced_while(name: str, cond_fun: Callable[..., Any], body_fun: Callable[..., Any], carry: Carry) -> Any:
    frame: Any = recording.current()
    inner, outputs, _ = traced_step(carry, "body_fun", lambda _, now, others: (body_fun(now), None), frame, [])
    test = InnerTrace(name, frame)
    (going_on,) = test.trace(lambda: [_tested(test, cond_fun, carry)])
    if test.written:
        raise TraceError(f"{name}: cond_fun assigns a Variable. Assign in body_fun, or keep the value in the carry.")
    targets = written([inner])
    kept = [inner.present_at(label, source) for label, source in targets.items()]
    taken = captures([inner, test], frame)
    body = Body(
        inner,
        [*(("carry", i) for i in range(len(carry.specs))), *targets],
        [],
        [label for label in taken if label not in targets],
        [*outputs, *kept],
        [],
        len(inner.records),
        drawn=True,
    )
    if not body.carry:
        raise StructureError(f"{name}: init_val has no leaves, and body_fun assigns no Variable: nothing could change.")
    given = [*carry.operands(), *(taken[label] for label in targets), *(taken[c] for c in body.constants)]
    found = Repetition(name, test, going_on, body).stage(given, frame)
    own = len(carry.specs)
    assign(frame, targets, found[own:])
    return carry.structure.rebuild(found[:own])


def _tested(test: InnerTrace, cond_fun: Callable[..., Any], carry: Carry) -> Any:
    """Result of the test, as a boolean."""
    given = cond_fun(carry.structure.rebuild(carry.handles(test)))
    shape, dtype = spec(given)
    if shape != () or dtype.kind == "c":
        raise ShapeError(
            f"while_loop: cond_fun must return a single truth value; got shape {shape}, dtype {dtype}. Use .any(), "
            ".all() or a comparison."
        )
    if dtype.kind == "b":
        return given
    return np.not_equal(given if isinstance(given, Overloaded) else Tensor(as_value(given), None), 0)


def _traced_fori(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """A loop whose bounds are known when the plan runs: the index is a part of the carry."""

    def body(now: Any) -> Any:
        index, value = now
        return index + 1, body_fun(index, value)

    start = np.int64(lower) if is_weak(lower) else lower
    start = (start if isinstance(start, Overloaded) else Tensor(as_value(start), None)).astype(np.int64)
    carry = Carry("fori_loop", "init_val", (start, init_val))
    return _traced_while("fori_loop", lambda now: now[0] < upper, body, carry)[1]
