"""For libraries on top of the engine: state of their own in functions that are traced (``autograd_core.function``).

What is a Variable needs none of this. An optimizer keeps numbers and arrays of its own, a layer draws random numbers, a
model has switches: in a trace each of them has to be read, and written, at every run of the plan. Outside of a trace
these functions do at once what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from . import hooks, recording
from .primitive import Primitive, apply
from .recording import trace_here
from .symbol import Value
from .tensor import Overloaded, Tensor
from .variable import Variable


def is_tracing() -> bool:
    """Whether a function is being traced here."""
    return trace_here() is not None


def host(call: Callable[[], Any], shape: Sequence[int], dtype: Any) -> Tensor:
    """What a Python function returns, asked anew at every run of a plan, before anything else runs.

    Parameters
    ----------
    call : callable without arguments
        Returns an array of ``shape``: random numbers, a learning rate.
    shape : sequence of int
    dtype : dtype
    """
    trace = trace_here()
    if trace is None:
        return Tensor(np.asarray(call(), dtype).reshape(tuple(shape)), None)
    return trace.host(call, shape, dtype)


def static(find_out: Callable[[], Any]) -> Any:
    """A fact that decides how a function goes on; a plan made for one value of it is not run for another.

    Parameters
    ----------
    find_out : callable without arguments
        Returns something that can be compared; quick, since it is called before every run.
    """
    trace = trace_here()
    return find_out() if trace is None else trace.static(find_out)


def buffer(array: Any) -> Tensor:
    """Present value of an array that ``store`` writes to; the array stays the same object for good."""
    trace = trace_here()
    return Tensor(array, None) if trace is None else trace.buffer(array)


def store(array: Any, value: Any) -> None:
    """Write ``value`` into ``array``, an array that only its owner holds."""
    trace = trace_here()
    if trace is None:
        array[...] = value.array if isinstance(value, Tensor) else value
    else:
        trace.store(array, value)


def afterwards(call: Callable[..., Any], *tensors: Tensor) -> None:
    """Call a Python function after each run of a plan, with what ``tensors`` are then: to count, to collect figures."""
    trace = trace_here()
    if trace is None:
        call(*tensors)
    else:
        trace.add_afterwards(call, tensors)


def late(call: Callable[[], Any], shape: Sequence[int] = (), dtype: Any = np.float64) -> Any:
    """What a Python function returns after each run, when everything else is done.

    In a trace it can be returned from the traced function, and nothing else can be done with it.
    """
    trace = trace_here()
    return call() if trace is None else trace.late(call, shape, dtype)


def late_call(value: Any) -> Callable[[], Any] | None:
    """The function behind what ``late`` gave in the present trace; None for anything else."""
    source: Any = getattr(getattr(value, "array", None), "source", None)
    return source.key if getattr(source, "kind", None) == "late" else None


def outdate_plans() -> None:
    """Let every compiled function be traced again at its next call: something that traces depend on has changed."""
    hooks.outdate_plans()


def is_recorded(tensor: Any) -> bool:
    """Whether a tape that is still open tracks a Tensor, so that a gradient may arrive at it."""
    node = getattr(tensor, "node", None)
    return node is not None and any(token.alive for token in node.tapes)


def count(owner: object) -> int:
    """How often this was asked for ``owner`` in the present trace; always 0 outside of one."""
    trace = trace_here()
    return 0 if trace is None else trace.count(owner)


CHECKED = Primitive(
    "checked", lambda x, *, call: (call(x), x)[1],
    # Not LINEAR, which would look at the tangent.
    vjps=(lambda ct, ans, x, *, call: ct,), jvps=(lambda t, ans, x, *, call: t,), keeps=False,
    doc="x, looked at by a Python function, which may raise.",
)  # fmt: skip


def checked(tensor: Any, call: Callable[[Any], None]) -> Any:
    """``tensor``, after ``call`` has looked at its array and found nothing to raise an error for; at every run."""
    if trace_here() is None:
        call(tensor.array if isinstance(tensor, Overloaded) else tensor)
        return tensor
    return apply(CHECKED, (tensor,), {"call": call})


def is_known(tensor: Any) -> bool:
    """Whether the entries of a Tensor can be looked at: not those of a traced value."""
    return getattr(tensor, "array", tensor).__class__ is not Value


def open_scope(name: str) -> bool:
    """Enter ``name_scope(name)`` if anything is recorded here; whether it was entered. For the call of a layer."""
    if recording.current() is None:
        return False
    recording.enter_scope(str(name))
    return True


def close_scope() -> None:
    """Leave what ``open_scope`` has entered."""
    recording.leave()


def began() -> float | None:
    """When something begins that is not made of operations, a step of an optimizer; None if nobody measures here."""
    frame = recording.current()
    return None if frame is None or frame.instead is None or frame.trace is not None else perf_counter()


def ended(name: str, began: float | None) -> None:
    """Let ``autograd_core.profile`` know that what is called ``name`` is done, and has ``began`` then."""
    frame = recording.current()
    if began is not None and frame is not None and frame.instead is not None:
        frame.instead.note_time(name, began)


watching: list[Any] = []
"""Those who look for draws in traces: ``leave()`` and ``come_back()`` are called around a ``suspended`` block."""


@contextmanager
def suspended(once: bool = True) -> Iterator[None]:
    """Leave the trace for a ``with`` block: what is computed inside happens now. For making weights.

    Parameters
    ----------
    once : bool
        Whether it is certain that what is done inside is not done again by a later trace. Otherwise Variables made
        inside are those of the function, which may make some at its first call only.
    """
    frame = recording.current()
    if frame is None or frame.trace is None:
        yield
        return
    made = Variable.made
    watchers = list(watching)
    for watcher in watchers:
        watcher.leave()
    recording.replace(None)
    try:
        yield
    finally:
        recording.replace(frame)
        for watcher in watchers:
            watcher.come_back()
        if once:
            Variable.made = made
