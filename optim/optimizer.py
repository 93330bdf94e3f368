"""Optimizer: what all of them share. A subclass says which state it keeps and how one step goes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from . import clipping
from .checks import check_interval, check_limit
from .flat import Group

Pairs = Iterable[tuple[Any, ag.Variable]]
Rate = float | Callable[[int], float]  # a learning rate, or a schedule: a function of the number of steps made


class Optimizer:
    """Base of all optimizers.

    Parameters
    ----------
    learning_rate : float, or function of the number of steps made
        Finite and not negative; may be changed between steps. See ``optim.schedules`` for functions.
    clipnorm : float, optional
        Scale each gradient down to this Euclidean norm.
    clipvalue : float, optional
        Limit every entry of a gradient to the interval from ``-clipvalue`` to ``clipvalue``.
    global_clipnorm : float, optional
        Scale all gradients by one factor, so that their common norm is at most this. At most one of the three.
    weight_decay : float, optional
        Shrink the variables before each step: by ``learning_rate * weight_decay`` times their value.
    name : str, optional
        The class's name if None.
    lr : float, optional
        Old spelling of ``learning_rate``.
    decay : float
        Old way to lower the learning rate: at step t (from 0) it is ``learning_rate / (1 + decay * t)``.

    Attributes
    ----------
    iterations : int
        Steps made so far.
    built : bool
        Whether the variables are known, and state was made for them.

    Notes
    -----
    State belongs to a variable's position in the list that ``build`` (or the first ``apply_gradients``) was given.

    A subclass defines ``slots``, ``constants`` and ``update_step``.
    """

    def __init__(
        self,
        learning_rate: Rate,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        weight_decay: float | None = None,
        name: str | None = None,
        lr: float | None = None,
        decay: float | None = 0.0,
    ):
        own = type(self).__name__
        self.name = own if name is None else name
        self.iterations = 0
        self._schedule: Callable[[int], float] | None = None
        self.learning_rate = learning_rate if lr is None else lr
        self.decay = check_interval(own, "decay", 0.0 if decay is None else decay, 0.0)
        self.clipnorm = check_limit(own, "clipnorm", clipnorm)
        self.clipvalue = check_limit(own, "clipvalue", clipvalue)
        self.global_clipnorm = check_limit(own, "global_clipnorm", global_clipnorm)
        self.weight_decay = None if weight_decay is None else check_interval(own, "weight_decay", weight_decay, 0.0)
        if sum(limit is not None for limit in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ag.DomainError(
                f"{own}: got clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}; at most "
                "one of the three can be used."
            )
        self.built = False
        self._variables: list[ag.Variable] = []
        self._positions: dict[ag.Variable, int] = {}
        self._groups: list[Group] = []
        self._waiting: list[dict[str, Any]] | None = None  # state loaded before the variables are known

    @property
    def learning_rate(self) -> float:
        """Size of the next step; what is used at a step is this after ``decay``."""
        if self._schedule is None:
            return self._learning_rate
        return check_interval(type(self).__name__, "learning_rate", self._schedule(self.iterations), 0.0)

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        if callable(value):
            self._schedule = value
        else:
            self._learning_rate = check_interval(type(self).__name__, "learning_rate", value, 0.0)
            self._schedule = None

    @property
    def variables(self) -> list[ag.Variable]:
        """The variables that this optimizer was built for, in order."""
        return list(self._variables)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: learning rate {self.learning_rate:g}, {self.iterations} steps made>"

    # -- what a subclass defines ---------------------------------------------------------------------------------

    def slots(self) -> dict[str, float]:
        """Names of the arrays of state that each variable needs, and the value they start with."""
        raise TypeError(f"{type(self).__name__} does not define slots(); a subclass of Optimizer must.")

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        """Numbers that the rule needs at ``step`` (from 1); always equally many."""
        raise TypeError(f"{type(self).__name__} does not define constants(); a subclass of Optimizer must.")

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        """Make one step for many entries at once; the variables lie one after another in 1-d arrays.

        Parameters
        ----------
        value, gradient : arrays of one length
            Not to be written to.
        new_value : array
            Where the result goes. It may be ``value`` itself, so ``value`` is not to be read after it was written.
        state : list of arrays
            One per slot, in their order; changed in place.
        work : array
            For results in between.
        constants : list of 0-d arrays
            What ``constants`` returned, in the dtype of the variables.
        """
        raise TypeError(f"{type(self).__name__} does not define update_step(); a subclass of Optimizer must.")

    # -- steps ---------------------------------------------------------------------------------------------------

    def build(self, variables: Iterable[ag.Variable]) -> None:
        """Make the state for ``variables``, which are those this optimizer will update; once."""
        own, variables = type(self).__name__, list(variables)
        if self.built:
            if len(variables) != len(self._variables) or any(v not in self._positions for v in variables):
                raise ag.StructureError(
                    f"{own}.build: this optimizer was built for {_names(self._variables)}; got {_names(variables)}. "
                    "Make a new optimizer for other variables."
                )
            return
        for variable in variables:
            if not isinstance(variable, ag.Variable):
                raise ag.ConversionError(
                    f"{own}: got a {type(variable).__name__} to update; expected a Variable, as in "
                    "apply_gradients(zip(gradients, variables)), in this order."
                )
            if variable.dtype.kind not in "fc":
                raise ag.DtypeError(
                    f"{own}: {_name(variable)} has dtype {variable.dtype}; only floating and complex Variables can be "
                    "trained."
                )
        positions = {variable: position for position, variable in enumerate(variables)}
        if len(positions) != len(variables):
            twice = next(v for i, v in enumerate(variables) if positions[v] != i)
            raise ag.StructureError(f"{own}: {_name(twice)} is in the list twice; each may be there once.")
        self._variables, self._positions = variables, positions
        self._kinds = [(variable.shape, variable.dtype) for variable in variables]
        slots, count = self.slots(), len(self.constants(self.learning_rate, 1))
        for dtype in dict.fromkeys(variable.dtype for variable in variables):
            members = [i for i, variable in enumerate(variables) if variable.dtype == dtype]
            self._groups.append(Group(members, [variables[i] for i in members], slots, count))
        self.built = True
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._load_state(waiting)

    def apply_gradients(self, grads_and_vars: Pairs) -> int:
        """Make one step.

        Parameters
        ----------
        grads_and_vars : iterable of (gradient, Variable)
            As from ``zip(gradients, variables)``. Gradients are Tensors or array_likes of their Variable's shape.
            The first call fixes the list of variables; later calls may leave some out, but name no others.

        Returns
        -------
        int
            Steps made so far.

        Raises
        ------
        DomainError
            If no variable has a gradient (all are None). Some that have none are left alone, with a warning.
        ShapeError
            If a gradient does not have its Variable's shape.
        StructureError
            For a Variable that is there twice, or that this optimizer was not built for.
        """
        pairs = grads_and_vars if grads_and_vars.__class__ is list else list(grads_and_vars)
        if not pairs:
            return self.iterations
        if not self.built:
            self.build([variable for _, variable in pairs])
        gradients = self._clipped(self._in_order(pairs))
        step = self.iterations + 1
        learning_rate = self._learning_rate if self._schedule is None else self.learning_rate
        learning_rate /= 1.0 + self.decay * self.iterations
        constants = self.constants(learning_rate, step)
        for group in self._groups:
            own = gradients if len(self._groups) == 1 else [gradients[i] for i in group.positions]
            group.update(own, self.update_step, constants, learning_rate * (self.weight_decay or 0.0))
        self.iterations = step
        return step

    def minimize(
        self,
        loss: ag.Tensor | Callable[[], ag.Tensor],
        var_list: Sequence[ag.Variable] | None = None,
        tape: ag.GradientTape | None = None,
    ) -> ag.Tensor:
        """Take the gradient of a loss and make one step.

        Parameters
        ----------
        loss : callable without arguments, or Tensor
            A callable is run under a tape of its own; a Tensor needs the ``tape`` that recorded it.
        var_list : sequence of Variable, optional
            What to change; for a callable, if None: every trainable Variable that it read.
        tape : GradientTape, optional

        Returns
        -------
        Tensor
            The loss before the step.
        """
        if not callable(loss):
            if tape is None or var_list is None:
                raise ag.TapeError(
                    f"{type(self).__name__}.minimize: the loss is a value, so the tape that recorded it (tape=) and "
                    "the variables (var_list=) are needed. Or give a function without arguments that computes the loss."
                )
            value = loss
        else:
            with tape or ag.GradientTape() as tape:
                value = loss()
            var_list = tape.watched_variables() if var_list is None else var_list
        variables = list(var_list)
        self.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    def _in_order(self, pairs: list[tuple[Any, ag.Variable]]) -> list[Any]:
        """Raw gradients by position, None where there is none; everything about them checked."""
        if len(pairs) == len(self._variables):
            arrays = []
            for (gradient, variable), own, (shape, dtype) in zip(pairs, self._variables, self._kinds, strict=True):
                if variable is not own or gradient.__class__ is not ag.Tensor:
                    break
                array = gradient.array
                if array.shape != shape or array.dtype is not dtype:
                    break
                arrays.append(array)
            else:
                return arrays  # every gradient there, in order, and of its variable's kind
        gradients: list[Any] = [None] * len(self._variables)
        seen = 0
        missing = []
        for gradient, variable in pairs:
            position = self._positions.get(variable)
            if position is None:
                raise self._unknown(variable)
            if gradient is None:
                missing.append(variable)
                continue
            array = gradient.array if gradient.__class__ is ag.Tensor else _as_array(gradient)
            known = variable.array
            if array.shape != known.shape or array.dtype is not known.dtype:
                array = self._fitted(array, variable)
            if gradients[position] is None:
                seen += 1
            gradients[position] = array
        if seen + len(missing) != len(pairs):
            raise self._repeated(pairs)
        if missing:
            self._report(missing, all_of_them=not seen)
        return gradients

    def _fitted(self, array: Any, variable: ag.Variable) -> Any:
        own = type(self).__name__
        if array.shape != variable.shape:
            raise ag.ShapeError(
                f"{own}: the gradient for {_name(variable)} has shape {array.shape}, the Variable {variable.shape}; "
                "they must be the same. Are gradients and variables in the same order?"
            )
        if array.dtype.kind == "c" and variable.dtype.kind != "c":
            raise ag.DtypeError(f"{own}: the gradient for {_name(variable)} is complex, the Variable is not.")
        return array.astype(variable.dtype, copy=False)

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None:
            return clipping.by_norm(gradients, self.clipnorm)
        if self.clipvalue is not None:
            return clipping.by_value(gradients, self.clipvalue)
        if self.global_clipnorm is not None:
            return clipping.by_global_norm(gradients, self.global_clipnorm)
        return gradients

    # -- state ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later run needs to go on: steps made, learning rate, and each variable's state (copied).

        Returns
        -------
        dict
            "optimizer" (the class's name), "iterations", "learning_rate", and "state": for each variable in order
            a dict from slot name to array.
        """
        state: list[dict[str, Any]] = [{} for _ in self._variables]
        for group in self._groups:
            for name, numbers in group.state.items():
                for position, view in zip(group.positions, group.views_of(numbers), strict=True):
                    state[position][name] = view.copy()
        if self._waiting is not None:
            state = self._waiting
        return {
            "optimizer": type(self).__name__,
            "iterations": self.iterations,
            "learning_rate": self.learning_rate,
            "state": state,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave; also before the first step, when the variables are not known yet."""
        own = type(self).__name__
        if saved["optimizer"] != own:
            raise ag.StructureError(f"{own}.load_state_dict: the state is of {saved['optimizer']}, not of {own}.")
        if self.built:
            self._load_state(saved["state"])
        elif saved["state"]:
            self._waiting = [{name: np.array(array) for name, array in arrays.items()} for arrays in saved["state"]]
        if self._schedule is None:  # a schedule goes on by the number of steps made
            self.learning_rate = saved["learning_rate"]
        self.iterations = int(saved["iterations"])

    def _load_state(self, saved: Sequence[dict[str, Any]]) -> None:
        own = type(self).__name__
        wanted = list(self.slots())
        if len(saved) != len(self._variables):
            raise ag.StructureError(
                f"{own}.load_state_dict: the state is of {len(saved)} variables; this optimizer has "
                f"{len(self._variables)}: {_names(self._variables)}."
            )
        for variable, arrays in zip(self._variables, saved, strict=True):
            if sorted(arrays) != sorted(wanted):
                raise ag.StructureError(
                    f"{own}.load_state_dict: the state of {_name(variable)} has {sorted(arrays)}; expected "
                    f"{sorted(wanted)}. Was it made with other options?"
                )
            for name, array in arrays.items():
                if np.shape(array) != variable.shape:
                    raise ag.ShapeError(
                        f"{own}.load_state_dict: {name} of {_name(variable)} has shape {np.shape(array)}; expected "
                        f"{variable.shape}."
                    )
        for group in self._groups:
            for name, numbers in group.state.items():
                for position, view in zip(group.positions, group.views_of(numbers), strict=True):
                    view[...] = saved[position][name]

    # -- errors --------------------------------------------------------------------------------------------------

    def _unknown(self, variable: Any) -> ag.AutogradError:
        own = type(self).__name__
        if not isinstance(variable, ag.Variable):
            return ag.ConversionError(
                f"{own}.apply_gradients: got a {type(variable).__name__} to update; expected pairs of a gradient and "
                "a Variable, in this order: zip(gradients, variables)."
            )
        return ag.StructureError(
            f"{own}.apply_gradients: {_name(variable)} of shape {variable.shape} is not among the variables that this "
            f"optimizer was built for: {_names(self._variables)}. Make a new optimizer for other variables."
        )

    def _repeated(self, pairs: list[tuple[Any, ag.Variable]]) -> ag.StructureError:
        variables = [variable for _, variable in pairs]
        twice = next(v for i, v in enumerate(variables) if any(v is other for other in variables[:i]))
        return ag.StructureError(
            f"{type(self).__name__}.apply_gradients: {_name(twice)} is there twice; add its gradients up first."
        )

    def _report(self, missing: list[ag.Variable], all_of_them: bool) -> None:
        text = (
            f"{type(self).__name__}: no gradient (None) for {_names(missing)}. The loss does not depend on them: were "
            "they used inside the tape, and did no value leave it through .numpy() or float()?"
        )
        if all_of_them:
            raise ag.DomainError(text)
        warnings.warn(text + " They are left as they are.", UserWarning, stacklevel=4)


def _as_array(gradient: Any) -> Any:
    return ag.convert_to_tensor(gradient).array


def _name(variable: Any) -> str:
    return repr(variable.name) if getattr(variable, "name", None) else "a Variable without a name"


def _names(variables: Sequence[ag.Variable]) -> str:
    return ", ".join(_name(variable) for variable in variables) or "no variables"
