"""Which arrays a plan reads and writes in place, and that nobody else sees them change.

Eagerly the value of a Variable is replaced, never written over, since a tape or the user may hold its array. A plan
writes into the array, which saves allocating all weights at every step. That is allowed only while nobody else holds
the array: CPython's reference counts say so. Each Variable that plans write to has a ``Home``: it knows how many
references are the plans' own. If there are more, somebody holds the array, and the plan goes on in a copy.
"""

from __future__ import annotations

import sys
from sys import getrefcount
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..variable import Variable
from .executable import BOUND, Executable
from .program import Program

_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class Home:
    """The array in which plans keep the value of one Variable."""

    __slots__ = ("array", "held")

    def __init__(self, array: Any):
        self.array = array
        self.held = 0  # references that belong to plans


_epoch = [0]  # grows whenever a plan takes or leaves an array, so that expected counts are computed anew


def _count(array: Any) -> int:
    return next(map(getrefcount, (array,)))


def _alone() -> int:
    """Count of an array that only a Home and a Tensor hold, as ``_count`` sees it."""
    home = Home(np.zeros(1))
    tensor = Tensor(home.array, None)
    count = _count(home.array)
    del tensor
    return count


_ALONE = _alone()


class Binding:
    """The bound arrays of one plan.

    Parameters
    ----------
    program : Program
    executable : Executable
    """

    def __init__(self, program: Program, executable: Executable):
        inputs = [each for each in program.inputs if each.kind in BOUND]
        written = {id(target) for target, _ in program.writes}
        self._executable = executable
        self._inputs = inputs
        self._variables: list[Variable] = [each.key for each in inputs if each.kind == "variable"]
        self._written: list[Variable] = [each.key for each in inputs if each.kind == "variable" and id(each) in written]
        self._tensors: list[Tensor] = []
        self._arrays: list[Any] = []  # of the written Variables
        self._expected: list[int] = []
        self._epoch = -1
        self._held: list[tuple[Home, int]] = []

    @property
    def written(self) -> list[Variable]:
        """Variables that the plan writes to."""
        return self._written

    def prepare(self) -> None:
        """See to it that the executable works on the present values, and writes to nobody else's arrays."""
        for variable, tensor in zip(self._variables, self._tensors, strict=False):
            if variable._value is not tensor:
                break
        else:
            if self._epoch == _epoch[0] and _COUNTS_ARE_EXACT and [*map(getrefcount, self._arrays)] == self._expected:
                return
        self._rebind()

    def _rebind(self) -> None:
        if self._epoch >= 0 and self._is_current():
            return
        self.release()
        for variable in self._written:
            self._move_home(variable)
        self._tensors = [variable._value for variable in self._variables]
        arrays = [each.key._value.array if each.kind == "variable" else each.key for each in self._inputs]
        homes = [v.home for v in self._variables if v.home is not None and v.home.array is v._value.array]
        before = [_count(home.array) for home in homes]
        self._arrays = [variable.home.array for variable in self._written]
        self._executable.bind([_contiguous(array) for array in arrays])
        del arrays
        _epoch[0] += 1
        for home, count in zip(homes, before, strict=True):
            held = _count(home.array) - count + 1  # `arrays` was counted before and is gone
            home.held += held
            self._held.append((home, held))
        self._expect()

    def _is_current(self) -> bool:
        """Whether only the counts have to be looked at again: another plan took or left some of the arrays."""
        for variable, tensor in zip(self._variables, self._tensors, strict=True):
            if variable._value is not tensor and not _taken_home(variable, tensor):
                return False
        if any(v.home.array is not v._value.array or not _is_alone(v.home) for v in self._written):
            return False
        self._expect()
        return True

    def _expect(self) -> None:
        self._expected = [*map(getrefcount, self._arrays)]
        self._epoch = _epoch[0]

    def _move_home(self, variable: Variable) -> None:
        """Let ``variable`` have an array of its own, that only plans hold."""
        home, tensor = variable.home, variable._value
        if home is not None and home.array is tensor.array and _is_alone(home):
            return
        home = variable.home = Home(np.array(tensor.array, order="C"))
        variable._value = Tensor(home.array, None)

    def release(self) -> None:
        """Let go of all arrays."""
        self._tensors, self._arrays, self._epoch = [], [], -1
        if self._held:
            self._executable.bind(())
            for home, held in self._held:
                home.held -= held
            self._held = []
            _epoch[0] += 1


def _is_alone(home: Home) -> bool:
    return _COUNTS_ARE_EXACT and _count(home.array) == _ALONE + home.held


def _taken_home(variable: Variable, tensor: Tensor) -> bool:
    """Copy what was assigned to a Variable into ``tensor``, which plans know, if nobody else holds its array.

    A metric that is reset, a weight that is clipped by hand: to bind another array takes some 50 us for each plan.
    """
    home = variable.home
    if home is None or home.array is not tensor.array or not _is_alone(home):
        return False
    np.copyto(home.array, variable._value.array)
    variable._value = tensor
    return True


def _contiguous(array: Any) -> Any:
    return np.asarray(array, order="C")  # np.ascontiguousarray would make a vector of a number
