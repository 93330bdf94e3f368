"""Variables laid side by side: all of one dtype in one flat array, so that one pass of few calls updates them all.

An optimizer that goes through a network variable by variable makes a dozen small NumPy calls for each. Here the values,
the state and (where they are small) the gradients of all variables lie one after another in flat arrays; each variable
is given a view of its stretch.

**Nobody's array is overwritten.** A value handed to a Variable may be saved by a tape, or held by the user
(``old = w.value``). So the new values are written into another flat array than the present ones, and an array that has
been replaced is used again only once nobody but this module refers to it or to a view of it. CPython's reference counts
answer that: a view keeps a reference to the array that owns its memory. Where the counts cannot be relied on (a build
without the global interpreter lock, another Python) a new array is made for each step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

BLOCK = 65_536
"""Entries updated at a time: the handful of arrays in play then stays in the second-level cache. An RMSprop step for
400,000 floats takes a third less time than in one piece; from 32,000 to 130,000 entries it makes little difference."""

_KEPT = 3  # flat arrays of values: the present one, the one before (a loss may still hold its graph), one to spare

_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class Values:
    """One flat array with a value for every variable of a group, and the view of it that each variable is given."""

    __slots__ = ("_unheld", "numbers", "tensors", "views")

    def __init__(self, group: Group):
        self.numbers = np.empty(group.size, group.real)
        self.views = group.views_of(self.numbers)
        self.tensors = [ag.Tensor(view, None) for view in self.views]  # what the variables are assigned
        self._unheld = self._count()  # measured, not reasoned: how many temporary references count differs by version

    def _count(self) -> int:
        return sys.getrefcount(self.numbers) + sum(map(sys.getrefcount, self.views))

    def is_held(self) -> bool:
        """Whether anybody else refers to the array, to one of the views, or to a view of a view."""
        return not _COUNTS_ARE_EXACT or self._count() != self._unheld


class Group:
    """Variables of one dtype, in order, with their optimizer state.

    Complex variables are treated as pairs of real numbers: the gradient is d/dx + i d/dy, so each part descends.

    Parameters
    ----------
    positions : sequence of int
        Where each variable stands in the optimizer's list.
    variables : sequence of Variable
    slots : mapping of str to float
        Name and initial value of each array of state.
    constants : int
        How many numbers the rule is given at each step.

    Attributes
    ----------
    dtype : dtype
        Of the variables; ``real`` is that of the numbers in the flat arrays.
    bounds : list of (start, stop)
        Stretch of each variable in the flat arrays, which have ``size`` entries.
    state : dict of str to array
        What the rule is given.
    extra : dict of str to array
        State that the rule does not see: see ``keep``.
    decayed : array or None
        1 for the entries that weight decay shrinks, 0 for the others; None: it shrinks all.
    """

    def __init__(
        self,
        positions: Sequence[int],
        variables: Sequence[ag.Variable],
        slots: dict[str, float],
        constants: int,
    ):
        self.positions = list(positions)
        self.variables = list(variables)
        self.shapes = [variable.shape for variable in variables]
        self.dtype = variables[0].dtype
        self.real = np.empty(0, self.dtype).real.dtype
        width = self.dtype.itemsize // self.real.itemsize
        stops = np.cumsum([variable.size * width for variable in variables]).tolist()
        self.bounds = list(zip([0, *stops[:-1]], stops, strict=True))
        self.size = stops[-1]
        self.state = {name: np.full(self.size, initial, self.real) for name, initial in slots.items()}
        self.extra: dict[str, Any] = {}
        self.decayed: Any = None
        self._parts: dict[str, list[Any]] = {}
        self._gathered = np.empty(self.size, self.real)
        self._gathered_views = self.views_of(self._gathered)
        self._work = np.empty(min(self.size, BLOCK), self.real)
        # 0-d arrays as operands: 0.15 us a call cheaper than NumPy scalars, 0.25 us than Python numbers.
        self._constants = np.empty(constants, self.real)
        self._scalars = [self._constants[i : i + 1].reshape(()) for i in range(constants)]
        self._values: Values | None = None  # what the variables were given last
        self._versions: list[int] = []  # how often each had been assigned then
        self._pool: list[Values] = []

    def views_of(self, numbers: Any) -> list[Any]:
        """View of each variable's stretch of a flat array, in the variable's shape and dtype."""
        return [
            numbers[start:stop].view(self.dtype).reshape(shape)
            for (start, stop), shape in zip(self.bounds, self.shapes, strict=True)
        ]

    def part(self, name: str, position: int) -> Any:
        """A variable's stretch of an array of state, as real numbers: the same array object each time."""
        if name not in self._parts:
            numbers: Any = self.state[name] if name in self.state else self.extra[name]
            ends = (2,) if self.dtype.kind == "c" else ()
            self._parts[name] = [
                numbers[start:stop].reshape((*shape, *ends))
                for (start, stop), shape in zip(self.bounds, self.shapes, strict=True)
            ]
        return self._parts[name][position]

    def decayed_part(self, position: int) -> bool:
        """Whether weight decay shrinks a variable."""
        start, stop = self.bounds[position]
        return self.decayed is None or start == stop or bool(self.decayed[start])

    def keep(self, name: str) -> Any:
        """Make another flat array of state, of zeros."""
        self.extra[name] = np.zeros(self.size, self.real)
        return self.extra[name]

    def spare_from_decay(self, excluded: Container[ag.Variable]) -> None:
        """Let weight decay pass over some of the variables."""
        self.decayed = np.ones(self.size, self.real)
        for variable, (start, stop) in zip(self.variables, self.bounds, strict=True):
            if variable in excluded:
                self.decayed[start:stop] = 0.0

    def present(self) -> Any:
        """Flat array of the present values; only to be read."""
        if self._values is not None and [variable.version for variable in self.variables] == self._versions:
            return self._values.numbers
        return np.concatenate([np.ascontiguousarray(v.array).reshape(-1).view(self.real) for v in self.variables])

    def put(self, numbers: Any) -> None:
        """Assign to every variable its stretch of ``numbers``, which is copied."""
        new = self._unheld_values()
        new.numbers[...] = numbers
        for variable, tensor in zip(self.variables, new.tensors, strict=True):
            variable.assign(tensor)
        self._values = new
        self._versions = [variable.version for variable in self.variables]

    def update(
        self, gradients: Sequence[Any], rule: Callable[..., None], constants: Sequence[float], shrink: float = 0.0
    ) -> None:
        """Apply ``rule`` to every variable that has a gradient, and assign the results.

        Parameters
        ----------
        gradients : sequence of array or None
            One per variable, of its shape and dtype.
        rule : callable
            ``rule(value, gradient, new_value, state, work, constants)``: see ``Optimizer.update_step``.
        constants : sequence of float
        shrink : float
            What part of each value is taken off first.
        """
        self._constants[:] = constants
        missing = False
        for gradient in gradients:
            missing = missing or gradient is None
        old, new = self._old_and_new()
        states = list(self.state.values())
        if shrink:
            rule = self._after_shrinking(rule, shrink)
            states += [] if self.decayed is None else [self.decayed]
        for start, stop, gradient in self._pieces(gradients, missing):
            if stop - start == self.size <= BLOCK:  # a small network: all of it at once
                rule(old.numbers, gradient, new.numbers, states, self._work, self._scalars)
                continue
            for low in range(start, stop, BLOCK):
                high = min(low + BLOCK, stop)
                rule(
                    old.numbers[low:high],
                    gradient[low - start : high - start],
                    new.numbers[low:high],
                    [state[low:high] for state in states],
                    self._work[: high - low],
                    self._scalars,
                )
        for variable, tensor, gradient in zip(self.variables, new.tensors, gradients, strict=True):
            if gradient is not None:
                variable.assign(tensor)  # a Tensor's array is shared, not copied
        self._values = new
        # A variable that was left alone has its value in an older array: the next step lays all of them out anew.
        self._versions = [variable.version for variable in self.variables] if not missing else []

    def _after_shrinking(self, rule: Callable[..., None], shrink: float) -> Callable[..., None]:
        part = np.asarray(shrink, self.real)

        def shrunk(value, gradient, new_value, state, work, constants):
            np.multiply(value, part, work)
            np.subtract(value, work, new_value)
            rule(new_value, gradient, new_value, state, work, constants)

        def some_shrunk(value, gradient, new_value, state, work, constants):
            *state, decayed = state
            np.multiply(value, part, work)
            np.multiply(work, decayed, work)
            np.subtract(value, work, new_value)
            rule(new_value, gradient, new_value, state, work, constants)

        return shrunk if self.decayed is None else some_shrunk

    def _old_and_new(self) -> tuple[Values, Values]:
        """Where to read the present values, and where to write the new ones."""
        old, new = self._values, self._unheld_values()
        if old is not None and [variable.version for variable in self.variables] == self._versions:
            return old, new
        # The first step, or a variable was assigned by somebody else: lay the values out in the new array and update
        # them there, since the old array may be held.
        for variable, view in zip(self.variables, new.views, strict=True):
            view[...] = variable.array
        return new, new

    def _unheld_values(self) -> Values:
        for values in self._pool:
            if values is not self._values and not values.is_held():
                return values
        values = Values(self)
        self._pool.append(values)
        if len(self._pool) > _KEPT:  # held by somebody: let it go, it is freed when they are done
            del self._pool[1 if self._pool[0] is self._values else 0]
        return values

    def _pieces(self, gradients: Sequence[Any], missing: bool) -> list[tuple[int, int, Any]]:
        """Stretches (start, stop, flat gradient) that cover the variables with a gradient.

        Small gradients are copied side by side; a large one is read where it is, which saves a pass over it.
        """
        if self.size < BLOCK and not missing:
            for gradient, view in zip(gradients, self._gathered_views, strict=True):
                view[...] = gradient
            return [(0, self.size, self._gathered)]
        pieces: list[tuple[int, int, Any]] = []
        begin = end = 0  # of the small gradients copied since the last piece
        for (start, stop), gradient, view in zip(self.bounds, gradients, self._gathered_views, strict=True):
            if gradient is not None and stop - start < BLOCK:
                view[...] = gradient
                begin = start if begin == end else begin
                end = stop
                continue
            if begin != end:
                pieces.append((begin, end, self._gathered[begin:end]))
                begin = end = 0
            if gradient is not None:
                pieces.append((start, stop, np.ascontiguousarray(gradient).reshape(-1).view(self.real)))
        if begin != end:
            pieces.append((begin, end, self._gathered[begin:end]))
        return pieces
