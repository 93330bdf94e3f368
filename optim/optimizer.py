"""Optimizer: what all of them share. A subclass says which state it keeps and how one step goes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from . import clipping, schedules, traced
from .accumulation import Accumulation
from .averages import Averages
from .checks import check_count, check_interval, check_limit
from .config import argument_names, unknown
from .exceptions import Exceptions
from .flat import Group
from .gradients import Pairs, Targets, names_of
from .rate import LearningRate
from .saving import Saved

Rate = float | Callable[[int], float]  # a learning rate, or a schedule: a function of the number of steps made


class Optimizer(Saved):
    """Base of all optimizers.

    Parameters
    ----------
    learning_rate : float, or function of the number of calls made
        Finite and not negative; may be changed between steps. See ``optim.schedules`` for functions.
    weight_decay : float, optional
        Shrink the variables before each step: by ``learning_rate * weight_decay`` times their value.
    clipnorm : float, optional
        Scale each gradient down to this Euclidean norm.
    clipvalue : float, optional
        Limit every entry of a gradient to the interval from ``-clipvalue`` to ``clipvalue``.
    global_clipnorm : float, optional
        Scale all gradients by one factor, so that their common norm is at most this. At most one of the three.
    use_ema : bool
        Keep a running average of every variable: ``average = ema_momentum * average + (1 - ema_momentum) * value``
        after each call. ``finalize_variable_values`` gives the averages to the variables.
    ema_momentum : float
        From 0 to 1.
    ema_overwrite_frequency : int, optional
        Give the averages to the variables after every so many steps, too.
    loss_scale_factor : float, optional
        Divide the gradients by this: they are those of a loss that was multiplied by it (``scale_loss``).
    gradient_accumulation_steps : int, optional
        At least 2: so many calls of ``apply_gradients`` make one step, with the mean of their gradients. Schedules and
        averages go on with every call, ``iterations`` with every step, as in Keras.
    name : str, optional
        The class's name if None.
    lr : float, optional
        Old spelling of ``learning_rate``.
    decay : float
        Old way to lower the learning rate: at call t (from 0) it is ``learning_rate / (1 + decay * t)``.

    Attributes
    ----------
    built : bool
        Whether the variables are known, and state was made for them.

    Notes
    -----
    State belongs to a variable's position in the list that ``build`` (or the first ``apply_gradients``) was given.
    A variable with an attribute ``constraint``, a function of its value, is given that function's result after each
    call.

    A subclass defines ``slots``, ``constants`` and ``update_step``.
    """

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        *,
        lr: float | None = None,
        decay: float | None = 0.0,
        **others: Any,
    ):
        own = type(self).__name__
        if others:
            name = next(iter(others))
            raise ag.ConversionError(unknown(f"{own}: no argument is called", name, argument_names(type(self))))
        self.name = own if name is None else name
        self._calls = 0  # of apply_gradients; a call that only collects gradients counts here, but makes no step
        self._schedule: Callable[[int], float] | None = None
        self.learning_rate = learning_rate if lr is None else lr
        self.decay = check_interval(own, "decay", 0.0 if decay is None else decay, 0.0)
        self.weight_decay = None if weight_decay is None else check_interval(own, "weight_decay", weight_decay, 0.0)
        self.clipnorm = check_limit(own, "clipnorm", clipnorm)
        self.clipvalue = check_limit(own, "clipvalue", clipvalue)
        self.global_clipnorm = check_limit(own, "global_clipnorm", global_clipnorm)
        if sum(limit is not None for limit in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ag.DomainError(
                f"{own}: got clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}; at most "
                "one of the three can be used."
            )
        self.use_ema = bool(use_ema)
        self.ema_momentum = check_interval(own, "ema_momentum", ema_momentum, 0.0, 1.0)
        self.ema_overwrite_frequency = check_count(own, "ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.loss_scale_factor = check_limit(own, "loss_scale_factor", loss_scale_factor)
        self.gradient_accumulation_steps = check_count(
            own, "gradient_accumulation_steps", gradient_accumulation_steps, 2
        )
        self.built = False
        self._targets = Targets(own, [])
        self._groups: list[Group] = []
        self._accumulation: Accumulation | None = None
        self._averages: Averages | None = None
        self._constrained: list[tuple[int, Any]] = []
        self._exceptions = Exceptions("")  # from weight decay
        self._waiting: dict[str, Any] | None = None  # state loaded before the variables are known

    # -- what is known of it -------------------------------------------------------------------------------------

    @property
    def iterations(self) -> int:
        """Steps made so far; with gradient accumulation a step takes several calls."""
        return self._calls // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> LearningRate:
        """Size of the next step; what is used at a step is this after ``decay``.

        ``optimizer.learning_rate = 0.1`` and ``optimizer.learning_rate.assign(0.1)`` change it.
        """
        if self._schedule is None:
            return LearningRate(self._learning_rate, self)
        now = check_interval(type(self).__name__, "learning_rate", self._schedule(self._calls), 0.0)
        return LearningRate(now, self)

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        if callable(value):
            self._schedule = schedules.of_step(value)
        else:
            self._learning_rate = check_interval(type(self).__name__, "learning_rate", value, 0.0)
            self._schedule = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: learning rate {self.learning_rate:g}, {self.iterations} steps made>"

    def exclude_from_weight_decay(
        self, var_list: Iterable[ag.Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Let weight decay pass over some variables; to be said before the first step.

        Parameters
        ----------
        var_list : iterable of Variable, optional
        var_names : iterable of str, optional
            Regular expressions: a variable is passed over if one is found anywhere in its name ("bias").

        Raises
        ------
        StructureError
            If the optimizer is built already.
        """
        where = f"{type(self).__name__}.exclude_from_weight_decay"
        if self.built:
            raise ag.StructureError(
                f"{where}: this optimizer is built already, for {self._names()}. Call it before build and before the "
                "first step."
            )
        self._exceptions = Exceptions(where, var_list, var_names)

    def scale_loss(self, loss: ag.Tensor) -> ag.Tensor:
        """``loss`` times ``loss_scale_factor``, by which the gradients are divided later; ``loss`` itself without."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

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
            if not self._targets.are(variables):
                raise ag.StructureError(
                    f"{own}.build: this optimizer was built for {self._names()}; got {names_of(variables)}. "
                    "Make a new optimizer for other variables."
                )
            return
        self._targets = Targets(own, variables)
        constraints = [getattr(variable, "constraint", None) for variable in variables]
        self._constrained = [(i, constraint) for i, constraint in enumerate(constraints) if constraint is not None]
        self._make_state()
        self._load_waiting()  # if it does not fit, the optimizer is not built
        self.built = True

    def _make_state(self) -> None:
        variables = self._targets.variables
        slots, count = self.slots(), len(self.constants(self.learning_rate, 1))
        self._groups = []
        for dtype in dict.fromkeys(variable.dtype for variable in variables):
            members = [i for i, variable in enumerate(variables) if variable.dtype == dtype]
            self._groups.append(Group(members, [variables[i] for i in members], slots, count))
        excluded = self._exceptions.among(variables)
        for group in self._groups if excluded else ():
            group.spare_from_decay(excluded)
        if self.use_ema:
            self._averages = Averages(self._groups, self.ema_momentum, self.ema_overwrite_frequency)
        if self.gradient_accumulation_steps is not None:
            self._accumulation = Accumulation(self._groups, len(variables), self.gradient_accumulation_steps)

    def apply_gradients(self, grads_and_vars: Pairs) -> int:
        """Make one step.

        Parameters
        ----------
        grads_and_vars : iterable of (Tensor, Variable)
            As from ``zip(gradients, variables)``. Gradients are Tensors or array_likes of their Variable's shape.
            The first call fixes the list of variables; later calls may leave some out, but name no others.

        Returns
        -------
        int
            Calls made so far: steps, if gradients are not accumulated.

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
            return self._calls
        if not self.built:
            with ag.tracing.suspended():
                self.build([variable for _, variable in pairs])
        gradients = self._targets.in_order(pairs)
        if ag.tracing.is_tracing():
            return self._apply_traced(gradients)
        began = ag.tracing.began()
        calls = self._calls
        learning_rate = self._rate_at(calls)
        if self.loss_scale_factor is not None:
            gradients = [None if gradient is None else gradient / self.loss_scale_factor for gradient in gradients]
        if self._accumulation is None:
            self._update(gradients, learning_rate, calls + 1)
        else:
            self._accumulate(self._accumulation, gradients, learning_rate)
        if self._averages is not None:
            self._averages.follow(self.iterations)
        if self._constrained:
            self._constrain(gradients)
        self._calls = calls + 1
        ag.tracing.ended(f"optimizer step: {type(self).__name__}", began)
        return calls + 1

    def apply(self, grads: Sequence[Any], trainable_variables: Iterable[ag.Variable] | None = None) -> None:
        """Make one step, as ``apply_gradients`` does, with gradients and variables in two lists.

        Parameters
        ----------
        grads : sequence of Tensor, array_like or None
        trainable_variables : iterable of Variable, optional
            Those that this optimizer was built for, if None.
        """
        own, gradients = type(self).__name__, list(grads)
        if trainable_variables is None and not self.built:
            raise ag.StructureError(
                f"{own}.apply: it is not known which variables the gradients belong to. Give trainable_variables, or "
                "call build(variables) first."
            )
        variables = self._targets.variables if trainable_variables is None else list(trainable_variables)
        if len(gradients) != len(variables):
            raise ag.StructureError(
                f"{own}.apply: got {len(gradients)} gradients for {len(variables)} variables: {names_of(variables)}; "
                "expected one for each (None where there is none)."
            )
        self.apply_gradients(list(zip(gradients, variables, strict=True)))

    def _rate_at(self, calls: int) -> float:
        """Learning rate of the step after so many calls."""
        if self._schedule is None:
            rate = self._learning_rate
        else:
            rate = check_interval(type(self).__name__, "learning_rate", self._schedule(calls), 0.0)
        return rate / (1.0 + self.decay * calls)

    def _apply_traced(self, gradients: list[Any]) -> Any:
        """``apply_gradients`` in a function that is traced: what follows is done at each run of its plan."""
        ahead = ag.tracing.count(self)  # steps that the same function makes before this one
        gradients = [None if gradient is None else ag.Tensor(gradient, None) for gradient in gradients]
        if self.loss_scale_factor is not None:
            gradients = [None if gradient is None else gradient / self.loss_scale_factor for gradient in gradients]
        if self._accumulation is None:
            self._update_traced(gradients, lambda: self._calls + ahead + 1, ahead)
        else:
            means = self._accumulation.traced(gradients, lambda: self._calls + ahead)
            if means is not None:
                steps = self._accumulation.steps
                self._update_traced(means, lambda: (self._calls + ahead) // steps + 1, ahead)
                self._accumulation.clear_traced()
        if self._averages is not None:
            steps = self.gradient_accumulation_steps or 1
            self._averages.follow_traced(lambda: (self._calls + ahead) // steps)
        if self._constrained:
            self._constrain(gradients)
        ag.tracing.afterwards(self._count_call)
        return ag.tracing.late(lambda: self._calls, (), np.int64)

    def _count_call(self) -> None:
        self._calls += 1

    def _limits(self) -> tuple[float | None, ...]:
        """Options that are fixed in a plan: with others the function is traced again."""
        return self.clipnorm, self.clipvalue, self.global_clipnorm, self.loss_scale_factor

    def _update_traced(self, gradients: list[Any], step: Callable[[], int], ahead: int) -> None:
        ag.tracing.static(self._limits)
        if self.clipnorm is not None:
            gradients = traced.by_norm(gradients, self.clipnorm)
        elif self.clipvalue is not None:
            gradients = traced.by_value(gradients, self.clipvalue)
        elif self.global_clipnorm is not None:
            gradients = traced.by_global_norm(gradients, self.global_clipnorm)

        def constants() -> tuple[float, ...]:
            rate = self._rate_at(self._calls + ahead)
            return (*self.constants(rate, step()), rate * (self.weight_decay or 0.0))

        shrinks = ag.tracing.static(lambda: bool(self.weight_decay))
        count = len(self.constants(0.0, 1)) + 1
        for group in self._groups:
            own = [gradients[i] for i in group.positions]
            traced.update(group, own, self.update_step, constants, count, shrinks)

    def _update(self, gradients: list[Any], learning_rate: float, step: int) -> None:
        gradients = self._clipped(gradients)
        constants = self.constants(learning_rate, step)
        for group in self._groups:
            own = gradients if len(self._groups) == 1 else [gradients[i] for i in group.positions]
            group.update(own, self.update_step, constants, learning_rate * (self.weight_decay or 0.0))

    def _accumulate(self, accumulation: Accumulation, gradients: list[Any], learning_rate: float) -> None:
        if not accumulation.completes(self._calls):
            accumulation.add(gradients)
            return
        self._update(accumulation.means(gradients), learning_rate, self.iterations + 1)
        accumulation.clear()

    def _constrain(self, gradients: Sequence[Any]) -> None:
        for position, constraint in self._constrained:
            if gradients[position] is not None:
                variable = self._targets.variables[position]
                variable.assign(constraint(variable.value))

    def finalize_variable_values(self, var_list: Iterable[ag.Variable]) -> None:
        """Give variables their running averages, if such are kept (``use_ema``); to be called after training.

        Raises
        ------
        StructureError
            For a Variable that this optimizer was not built for.
        """
        if self._averages is None or not self._calls:
            return
        averages = self._averages.by_position()
        variables = list(var_list)
        for variable in variables:
            if variable not in self._targets.positions:
                raise ag.StructureError(
                    f"{type(self).__name__}.finalize_variable_values: got {names_of([variable])}; averages are kept "
                    f"of {self._names()}."
                )
        for variable in variables:
            variable.assign(ag.Tensor(averages[self._targets.positions[variable]].copy()))

    def minimize(
        self,
        loss: ag.Tensor | Callable[[], ag.Tensor],
        var_list: Collection[ag.Variable] | None = None,
        tape: ag.GradientTape | None = None,
    ) -> ag.Tensor:
        """Take the gradient of a loss and make one step.

        Parameters
        ----------
        loss : callable without arguments, or Tensor
            A callable is run under a tape of its own; a Tensor needs the ``tape`` that recorded it. Not to be scaled:
            the gradient is, by ``loss_scale_factor``.
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
        variables, scale = list(var_list), self.loss_scale_factor
        seed = None if scale is None else np.full(value.shape, scale, value.dtype)
        gradients = tape.gradient(value, variables, output_gradients=seed)
        self.apply_gradients(list(zip(gradients, variables, strict=True)))
        return value

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None:
            return clipping.by_norm(gradients, self.clipnorm)
        if self.clipvalue is not None:
            return clipping.by_value(gradients, self.clipvalue)
        if self.global_clipnorm is not None:
            return clipping.by_global_norm(gradients, self.global_clipnorm)
        return gradients

    def _names(self) -> str:
        return names_of(self._targets.variables)
