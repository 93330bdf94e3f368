"""``function``: trace once per signature, then run as a compiled plan."""

from __future__ import annotations

import importlib.util
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import partial, update_wrapper
from types import MethodType
from typing import Any

import numpy as np

from .. import recording
from ..errors import DomainError, StructureError, TraceError
from ..symbol import Value, user_frame
from ..tensor import Overloaded, Tensor
from ..tree import flatten, map_leaves
from ..variable import Variable
from .cost import is_worth_compiling
from .differentiable import UNTRACKED, Differentiable, run_eagerly
from .draws import Draws
from .methods import WeakMethod, held
from .plan import Plan
from .program import Program
from .signature import Leaves, differences, lifted
from .trace import Trace

MOST_PLANS = 128
"""Signatures for which a function keeps plans; those that have not been used for a long time go first."""

MOST_FACTS = 8
"""Plans for one signature, made for other facts from outside."""

RETRACES_BEFORE_WARNING = 8


def function(f: Callable[..., Any] | None = None, *, jit: str = "auto", calls: int | None = None) -> Any:
    """Make a function that is traced at its first call, and then runs as a compiled plan.

    Parameters
    ----------
    f : callable
        Takes Tensors, arrays, numbers and nested structures of them. It may use tapes, transforms, Variables,
        optimizers and other functions made by this decorator.
    jit : {"auto", "numba", "numpy"}
        What the plan is emitted for. "numba" needs the extra ``jit``; "auto" takes it if it is there, unless it would
        take too long to compile (long unrolled loops): about 10 seconds, or the time that 2,000 calls take.
    calls : int, optional
        About how often the function will be called, where that is known: "auto" then takes Numba only if the seconds
        that it takes to compile pay, and however many those are.

    Returns
    -------
    Function
        Called as ``f``. A plan belongs to a signature: shapes and dtypes of arrays, the nested structure, and the
        values of all other arguments (numbers, strings, objects), which are fixed in it.

    Raises
    ------
    TraceError
        When called, if ``f`` branches on a traced value or converts one to a number or an array.

    Notes
    -----
    ``f`` itself runs only when it is traced: what it prints or appends to a list happens then. Variables are read and
    written at each call, random numbers are drawn anew, arrays and Tensors that ``f`` refers to are read anew.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> @ag.function
    ... def squares(x):
    ...     return np.sum(x * x)
    >>> squares(np.array([1.0, 2.0]))
    np.float64(5.0)
    """
    if jit not in ("auto", "numba", "numpy"):
        raise DomainError(f'function: jit must be "auto", "numba" or "numpy"; got {jit!r}.')
    if f is None:
        return lambda g: Function(g, jit, calls)
    if not callable(f):
        raise TypeError(f"function: expected a function; got {type(f).__name__}.")
    return Function(f, jit, calls)


class Function:
    """A function that runs as compiled plans, one for each signature. See ``function``."""

    def __init__(self, f: Callable[..., Any], jit: str, calls: int | None = None):
        update_wrapper(self, f)
        self._calls = calls
        self.python_function = f
        self.jit = jit
        self.traces = 0  # how often the function was traced
        self.name = getattr(f, "__name__", "function")
        self._entries: OrderedDict[tuple[Any, ...], list[Entry]] = OrderedDict()
        self._lock = threading.RLock()
        self._bound: dict[int, Function] = {}  # by the identity of objects that are still there
        self._knows_variables = False
        self._noted_draws = False
        self._last_key: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<Function {self.name}: {len(self._entries)} plans, jit {self.jit}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: plans for each object of its own, which is kept alive by what is given here and not by them."""
        if instance is None:
            return self
        key = id(instance)
        known = self._bound.get(key)
        if known is None:
            try:
                method = WeakMethod(self.python_function, instance, partial(_forget, self._bound, key))
            except TypeError:  # it cannot be referred to weakly: it is an argument like others, by equality
                return MethodType(self, instance)
            known = self._bound[key] = Function(method, self.jit, self._calls)
        return BoundFunction(known, instance)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        frame = recording.current()
        if frame is not None and frame.trace is not None:
            return self.python_function(*args, **keywords)  # part of the trace that is being written
        leaves = Leaves(self.name, args, keywords)
        if frame is not None and frame.instead is not None and frame.instead.runs_eagerly:
            # For arrays it has to be known whether Tensors are read: the plan tells whether arrays are given back.
            entry = self._entry(leaves, args, keywords) if leaves.plain else None
            result = run_eagerly(self.python_function, args, keywords)
            return result if entry is None else entry.hand_back_eagerly(result)
        if frame is not None and frame.instead is not None:
            return frame.instead.call(self, leaves, args, keywords, frame)
        return self._run(self._entry(leaves, args, keywords), leaves, args, keywords, frame)

    def _run(self, entry: Entry, leaves: Leaves, args: Any, keywords: Any, frame: Any) -> Any:
        """Call with an entry that fits."""
        if frame is not None and frame.records:
            tracked = entry.differentiable(self).call(args, keywords, leaves, frame)
            if tracked is not UNTRACKED:
                return tracked
        return entry.hand_back(entry.plan(leaves.arrays), leaves.plain)

    # -- plans -----------------------------------------------------------------------------------------------------

    def _entry(self, leaves: Leaves, args: Any, keywords: Any) -> Entry:
        """The entry for such arguments; traced if it is not there yet."""
        entries = self._entries.get(leaves.key)
        if entries is not None:
            for entry in entries:
                if not entry.plan.statics or entry.plan.holds():
                    entry.used = True
                    return entry
        with self._lock:
            for entry in self._entries.get(leaves.key, ()):
                if entry.plan.holds():
                    return entry
            entry = self._traced(args, keywords, leaves)
            # The newest first: facts change for good more often than to and fro.
            self._entries[leaves.key] = [entry, *self._entries.get(leaves.key, ())][:MOST_FACTS]
            self._drop_unused()
            self._note_trace(leaves.key)
            return entry

    def _drop_unused(self) -> None:
        """Keep to the bound: go round, and drop plans that were not used since the last time round."""
        while len(self._entries) > MOST_PLANS:
            key, entries = next(iter(self._entries.items()))
            if any(entry.used for entry in entries):
                for entry in entries:
                    entry.used = False
                self._entries.move_to_end(key)
            else:
                del self._entries[key]

    def _note_trace(self, key: tuple[Any, ...]) -> None:
        self.traces += 1
        if self.traces > RETRACES_BEFORE_WARNING and self.traces & (self.traces - 1) == 0:
            warnings.warn(
                f"{self.name} was traced {self.traces} times. Each trace takes far longer than a run. Since the last "
                f"one: {differences(self._last_key, key)}. Give numbers that change as Tensors "
                "(autograd_core.constant), keep shapes the same (pad the last batch), and define the function once, "
                "not in a loop.",
                RuntimeWarning,
                stacklevel=_depth_of_user(),
            )
        self._last_key = key

    def _note_draws(self, drawn: str) -> None:
        if drawn and not self._noted_draws:
            self._noted_draws = True
            warnings.warn(
                f"{self.name} draws from {drawn} while it is traced: that runs once, so what is drawn is fixed in the "
                "plan, the same at every call. Draw with autograd_core.numpy.random (anp.random.normal(...), or an "
                "anp.random.Generator made outside), which draws anew at each call; or draw outside of the function, "
                "and give it the numbers.",
                RuntimeWarning,
                stacklevel=_depth_of_user(),
            )

    def _traced(self, args: Any, keywords: Any, leaves: Leaves) -> Entry:
        entry = self._trace_once(args, keywords, leaves.arrays, zero_wins=False)
        self._knows_variables = True
        return entry

    def _trace_once(self, args: Any, keywords: Any, arrays: list[Any], zero_wins: bool) -> Entry:
        trace = Trace(self.name, zero_wins)
        handles: list[tuple[Tensor, Value]] = []

        def make(_: Any) -> Tensor:
            value = trace.argument(len(handles), arrays[len(handles)])
            handles.append((Tensor(value, None), value))
            return handles[-1][0]

        own_args, own_keywords = lifted(args, make), lifted(dict(sorted(keywords.items())), make)
        made = _MadeVariables(self.name, allowed=not self._knows_variables)
        draws = Draws([held(self.python_function), args, keywords])
        with made, draws:
            result = trace.run(partial(self.python_function, *own_args, **own_keywords))
        if not made.any:  # first values of Variables are drawn once in any case
            self._note_draws(draws.drawn())
        if any(handle.array is not value for handle, value in handles):
            raise TraceError(
                f"{self.name} changes an argument in place (x[...] = y, x += y): the caller's would not change. Start "
                "with a copy, x = x.copy(), and return it."
            )
        returned, rebuild = flatten(result)
        del result, own_args, own_keywords
        places = [i for i, leaf in enumerate(returned) if isinstance(leaf, (Overloaded, np.ndarray))]
        places = [i for i in places if not isinstance(returned[i], Variable)]
        outputs = [trace.value_of(returned[i]) for i in places]
        for i in places:
            returned[i] = None
        handles.clear()
        program = trace.finish(outputs)
        given = list(arrays)
        again = None if zero_wins else (lambda: self._trace_once(args, keywords, given, zero_wins=True).plan)
        return Entry(Plan(trace, program, self._emitter(program), again), program, returned, places, rebuild)

    def _emitter(self, program: Program) -> str:
        if self.jit != "auto":
            return self.jit
        if not (importlib.util.find_spec("numba") and importlib.util.find_spec("autograd_core.compile.to_numba.emit")):
            return "numpy"
        if self._calls is None:
            return "auto"
        return "numba" if is_worth_compiling(program, self._calls) else "numpy"

    # -- looking at it ---------------------------------------------------------------------------------------------

    def plan(self, *args: Any, **keywords: Any) -> Plan:
        """The plan for such arguments; traced if it is not there yet, but not run."""
        leaves = Leaves(self.name, args, keywords)
        return self._entry(leaves, args, keywords).plan


class Entry:
    """A plan, and how its outputs become what the function returned."""

    __slots__ = (
        "_differentiable",
        "_places",
        "_reads_tensors",
        "_rebuild",
        "_rest",
        "_single",
        "plan",
        "program",
        "used",
    )

    def __init__(self, plan: Plan, program: Program, rest: list[Any], places: list[int], rebuild: Callable[..., Any]):
        self.plan = plan
        self.program = program
        self.used = False
        self._rest = rest
        self._places = places
        self._rebuild = rebuild
        self._single = len(rest) == 1 and places == [0] and rebuild([Ellipsis]) is Ellipsis
        self._reads_tensors = any(each.kind in ("variable", "tensor") for each in program.inputs)
        self._differentiable: Differentiable | None = None

    def hand_back(self, arrays: Any, plain: bool) -> Any:
        """What the function returns, as NumPy arrays if it was given only such and reads no Variable or Tensor."""
        if plain and not self._reads_tensors:
            return self.rebuilt([array[()] for array in arrays])
        if self._single:
            return Tensor(arrays[0], None)
        return self.rebuilt([Tensor(array, None) for array in arrays])

    def hand_back_eagerly(self, result: Any) -> Any:
        """The same for what the function itself has returned for NumPy arrays."""
        if self._reads_tensors:
            return result
        return map_leaves(lambda leaf: leaf.numpy() if isinstance(leaf, Tensor) else leaf, result)

    def rebuilt(self, outputs: list[Any]) -> Any:
        """The structure that was returned, around these outputs."""
        leaves = list(self._rest)
        for place, output in zip(self._places, outputs, strict=True):
            leaves[place] = output
        return self._rebuild(leaves)

    def differentiable(self, function: Function) -> Differentiable:
        """The same function with a derivative, for calls under a tape."""
        if self._differentiable is None:
            self._differentiable = Differentiable(function.name, function.python_function, self)
        return self._differentiable


class BoundFunction(Function):
    """The plans of one object, and the object: as long as somebody has ``x.f``, there is an ``x``."""

    __slots__ = ("__self__", "_plans")

    def __init__(self, plans: Function, instance: Any):
        self.__dict__ = plans.__dict__  # one state: what this one traces the next one finds
        self.__self__ = instance
        self._plans = plans

    def _entry(self, leaves: Leaves, args: Any, keywords: Any) -> Entry:
        return self._plans._entry(leaves, args, keywords)  # what it makes must not refer to this one

    def __eq__(self, other: object) -> bool:
        """As for methods of Python: ``x.f == x.f``."""
        return isinstance(other, BoundFunction) and self.__dict__ is other.__dict__

    def __hash__(self) -> int:
        return id(self.__dict__)


def _depth_of_user() -> int:
    """Level of the innermost frame of the user's, as ``warnings.warn`` in the caller counts it."""
    frame, level = sys._getframe(1), 1
    user = user_frame(frame)
    while frame is not user and frame.f_back is not None:
        frame, level = frame.f_back, level + 1
    return level


def _forget(bound: dict[int, Function], key: int, _: Any) -> None:
    bound.pop(key, None)


class _MadeVariables:
    """Notices Variables that a function makes while it is traced: allowed at its first call only."""

    def __init__(self, name: str, allowed: bool):
        self.name = name
        self._allowed = allowed

    def __enter__(self) -> _MadeVariables:
        self._before = Variable.made
        return self

    @property
    def any(self) -> bool:
        """Whether there were some."""
        return Variable.made != self._before

    def __exit__(self, kind: Any, *exc_info: Any) -> None:
        if kind is None and not self._allowed and self.any:
            raise StructureError(
                f"{self.name} made a Variable in a later call than its first. A plan would make none, and training "
                "would go on with others: make Variables outside of the function, or once, at its first call "
                "(if self.w is None: self.w = Variable(...))."
            )
