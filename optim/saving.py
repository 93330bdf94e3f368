"""What an optimizer must remember for a run to go on bit for bit, and what it was made with: given out, taken back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag

from . import schedules, state
from .config import config_of, made_from
from .gradients import name_of

if TYPE_CHECKING:
    from .flat import Group
    from .gradients import Targets


class Saved:
    """Base of Optimizer: its state as a dict, as arrays for a file and as Variables; its arguments as a dict."""

    _calls: int
    _schedule: Callable[[int], float] | None
    _targets: Targets
    _groups: list[Group]
    _waiting: dict[str, Any] | None
    built: bool
    learning_rate: Any

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later run needs to go on (copied).

        Returns
        -------
        dict
            "optimizer" (the class's name), "iterations" (calls of ``apply_gradients``), "learning_rate" (unless a
            schedule gives it), and "state": for each variable in order a dict from name to array.
        """
        scalars = {name: array.item() for name, array in self._scalars().items()}
        return {"optimizer": type(self).__name__, **scalars, "state": self._nested(self._copies())}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave; also before the first step, when the variables are not known yet.

        Raises
        ------
        ConversionError, DomainError, DtypeError, ShapeError, StructureError
            If it does not fit this optimizer; nothing is changed then.
        """
        own, where = type(self).__name__, f"{type(self).__name__}.load_state_dict"
        if not isinstance(saved, dict):
            raise ag.ConversionError(f"{where}: got a {type(saved).__name__}; expected what state_dict() gives.")
        missing = [name for name in ("optimizer", "iterations", "state") if name not in saved]
        if missing:
            raise ag.StructureError(
                f"{where}: there is no {missing[0]!r} in the state. Expected what state_dict() gives; a dict of flat "
                "names is for load_state_arrays."
            )
        if saved["optimizer"] != own:
            raise ag.StructureError(f"{where}: the state is of {saved['optimizer']}, not of {own}.")
        scalars = {name: saved[name] for name in state.SCALARS if name in saved}
        self._load(where, {**scalars, **self._flattened(where, saved["state"])})

    def state_arrays(self) -> dict[str, Any]:
        """The same as ``state_dict``, as arrays under flat names, for a file.

        Returns
        -------
        dict of str to array
            "iterations" and "learning_rate" (unless a schedule gives it), of shape (), and "0/momentum",
            "0/velocity", "1/momentum", ...: position of the variable, name of the state.
        """
        return {**self._scalars(), **self._copies()}

    def load_state_arrays(self, arrays: dict[str, Any]) -> None:
        """Go on from what ``state_arrays`` gave; also before the first step, when the variables are not known yet.

        A schedule goes on by the number of steps; a fixed learning rate is that of the saved state, if it has one.

        Raises
        ------
        ConversionError, DomainError, DtypeError, ShapeError, StructureError
            If it does not fit this optimizer; the first entry that differs is named, and nothing is changed.
        """
        self._load(f"{type(self).__name__}.load_state_arrays", arrays)

    @property
    def variables(self) -> list[ag.Variable]:
        """The optimizer's own state (number of calls, learning rate unless a schedule gives it), and the arrays.

        As Variables with the values of this moment. Assigning to one changes the state of the optimizer.
        """
        iteration = state.StateVariable(np.int64(self._calls), "iteration", self._set_calls)
        rate = state.StateVariable(np.float64(self.learning_rate), "learning_rate", self._set_rate)
        arrays = [
            state.StateVariable(array, self._variable_name(name), partial(self._set_array, name))
            for name, array in self._state().items()
        ]
        return [iteration, *([rate] if self._schedule is None else []), *arrays]

    def _set_calls(self, value: Any) -> None:
        self._calls = int(value)

    def _set_rate(self, value: Any) -> None:
        self.learning_rate = float(value)

    def _set_array(self, name: str, value: Any) -> None:
        self._put_state({**self._state(), name: value})

    def _variable_name(self, name: str) -> str:
        position, slot = name.split("/", 1)
        return f"{self._targets.variables[int(position)].name or position}_{slot}"

    def get_config(self) -> dict[str, Any]:
        """Arguments that would make this optimizer again, without its state; a schedule is a dict, too.

        The learning rate is the present one. A function given as learning rate stays itself.
        """
        config = config_of(self)
        if isinstance(self._schedule, schedules.LearningRateSchedule):
            config["learning_rate"] = schedules.serialize(self._schedule)
        else:
            config["learning_rate"] = float(self.learning_rate) if self._schedule is None else self._schedule
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Optimizer made with the arguments that ``get_config`` gave.

        Raises
        ------
        StructureError
            For an argument that this optimizer does not have.
        """
        rate = config.get("learning_rate") if isinstance(config, dict) else None
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate)}
        return made_from(cls, config)

    # -- what is there, and what is taken ------------------------------------------------------------------------

    def _scalars(self) -> dict[str, Any]:
        rate = {"learning_rate": np.array(self.learning_rate)} if self._schedule is None else {}
        return {"iterations": np.array(self._calls, np.int64), **rate}

    def _copies(self) -> dict[str, Any]:
        arrays = self._state() if self._waiting is None else self._waiting
        return {name: array.copy() for name, array in arrays.items()}

    def _load(self, where: str, given: Any) -> None:
        calls, rate, arrays = state.split(where, given)
        if self.built:
            self._check_state(where, arrays)
            self._put_state(arrays)
        else:
            self._check_names(where, arrays)
            self._waiting = {name: np.array(array) for name, array in arrays.items()} or None  # none before a step
        if self._schedule is None and rate is not None:
            self.learning_rate = rate
        self._calls = calls

    def _load_waiting(self) -> None:
        if self._waiting is not None:
            self._check_state(f"{type(self).__name__}: the state loaded earlier", self._waiting)
            self._put_state(self._waiting)
            self._waiting = None

    # -- overridden where the state is not one array for each variable and slot ------------------------------------

    def _state(self) -> dict[str, Any]:
        """Arrays of state by flat name; views, so that writing to them changes the state."""
        found: dict[int, dict[str, Any]] = {}
        for group in self._groups:
            for name, numbers in {**group.state, **group.extra}.items():
                for position, view in zip(group.positions, group.views_of(numbers), strict=True):
                    found.setdefault(position, {})[name] = view
        return {f"{position}/{name}": view for position in sorted(found) for name, view in found[position].items()}

    def _check_names(self, where: str, given: dict[str, Any]) -> None:
        state.check_names(where, given, r"\d+/.+", "'0/momentum'")

    def _check_state(self, where: str, given: dict[str, Any]) -> None:
        self._check_names(where, given)
        variables, count = self._targets.variables, 1 + max((int(name.split("/")[0]) for name in given), default=-1)
        if given and count != len(variables):
            raise ag.StructureError(
                f"{where}: the state is of {count} variables; this optimizer has {len(variables)}: {self._names()}."
            )

        def describe(name: str) -> str:
            position, slot = name.split("/", 1)
            return f", {slot} of {name_of(variables[int(position)])},"

        state.check_like(where, given, self._state(), describe)

    def _put_state(self, arrays: dict[str, Any]) -> None:
        for name, view in self._state().items():
            view[...] = arrays[name]

    def _nested(self, arrays: dict[str, Any]) -> Any:
        named = 1 + max((int(name.split("/")[0]) for name in arrays), default=-1)
        return state.nested(arrays, max(named, len(self._targets.variables)))

    def _flattened(self, where: str, nested: Any) -> dict[str, Any]:
        if not isinstance(nested, (list, tuple)) or not all(isinstance(arrays, dict) for arrays in nested):
            raise ag.ConversionError(f"{where}: 'state' is {type(nested).__name__}; expected a list of dicts.")
        return state.flattened(nested)

    def _names(self) -> str:
        """Names of the variables, for messages; what an Optimizer defines."""
        raise TypeError(f"{type(self).__name__} does not define _names().")
