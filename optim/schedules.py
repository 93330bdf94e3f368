"""Learning rates that change from step to step: ``optim.Adam(schedules.CosineDecay(1e-3, 10_000))``.

A schedule is a function of the number of steps made so far. Any function will do:
``optim.SGD(lambda step: 0.1 / (1 + step))``. Keras's names, formulas and defaults.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import autograd_core as ag

from .checks import check_interval
from .config import class_and_config, config_of, made_from

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule", "OneCycle",
    "PiecewiseConstantDecay", "PolynomialDecay", "deserialize", "serialize",
]  # fmt: skip


class LearningRateSchedule:
    """Base of all schedules: a subclass computes the learning rate in ``__call__(step)``, ``step`` counted from 0."""

    def __call__(self, step: int) -> float:
        """Learning rate of the step that comes after ``step`` steps."""
        raise TypeError(f"{type(self).__name__} does not define __call__(step); a schedule must.")

    def get_config(self) -> dict[str, Any]:
        """Arguments that would make this schedule again."""
        return config_of(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Schedule made with the arguments that ``get_config`` gave."""
        return made_from(cls, config)

    def _checked(self, name: str, value: float, low: float = 0.0, high: float = math.inf, open_below: bool = False):
        return check_interval(type(self).__name__, name, value, low, high, open_below=open_below)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name != "name")
        return f"{type(self).__name__}({options})"


class ExponentialDecay(LearningRateSchedule):
    r""":math:`\eta_0\, r^{t / T}`.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    decay_steps : float
        :math:`T`, more than 0.
    decay_rate : float
        :math:`r`.
    staircase : bool
        Round :math:`t / T` down: the rate falls every T steps at once.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        self.name = name
        self.initial_learning_rate = self._checked("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._checked("decay_steps", decay_steps, open_below=True)
        self.decay_rate = self._checked("decay_rate", decay_rate)
        self.staircase = staircase

    def _progress(self, step: int) -> float:
        progress = step / self.decay_steps
        return math.floor(progress) if self.staircase else progress

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate * self.decay_rate ** self._progress(step)


class InverseTimeDecay(ExponentialDecay):
    r""":math:`\eta_0 / (1 + r\, t / T)`; parameters as for ``ExponentialDecay``."""

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._progress(step))


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]``, and so on.

    Parameters
    ----------
    boundaries : sequence of int
        Ascending.
    values : sequence of float
        One more than there are boundaries.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float], name: str | None = None):
        self.name = name
        self.boundaries = [int(boundary) for boundary in boundaries]
        self.values = [self._checked(f"values[{index}]", value) for index, value in enumerate(values)]
        if len(self.values) != len(self.boundaries) + 1 or self.boundaries != sorted(set(self.boundaries)):
            raise ag.DomainError(
                f"PiecewiseConstantDecay: boundaries={list(boundaries)!r}, values={list(values)!r}; expected "
                "boundaries in ascending order, and one value more than boundaries."
            )

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


class PolynomialDecay(LearningRateSchedule):
    r""":math:`(\eta_0 - \eta_1)(1 - t/T)^p + \eta_1`; :math:`\eta_1` from step T on.

    Parameters
    ----------
    initial_learning_rate : float
        :math:`\eta_0`.
    decay_steps : float
        :math:`T`, more than 0.
    end_learning_rate : float
        :math:`\eta_1`.
    power : float
        :math:`p`; 1 is a straight line.
    cycle : bool
        Start anew when the end is reached, over twice, three times, ... as many steps.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ):
        self.name = name
        self.initial_learning_rate = self._checked("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._checked("decay_steps", decay_steps, open_below=True)
        self.end_learning_rate = self._checked("end_learning_rate", end_learning_rate)
        self.power = self._checked("power", power)
        self.cycle = cycle

    def __call__(self, step: int) -> float:
        length = self.decay_steps
        if self.cycle:
            length *= max(1.0, math.ceil(step / length))
        left = 1.0 - min(step, length) / length
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


def _cosine(progress: float) -> float:
    """From 1 to 0 along half a wave, for progress from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


class CosineDecay(LearningRateSchedule):
    r""":math:`\eta_0 ((1 - \alpha)(1 + \cos(\pi t/T))/2 + \alpha)`; after a straight warm-up, if there is one.

    Parameters
    ----------
    initial_learning_rate : float
        Where the decay starts from; with a warm-up, where that starts from.
    decay_steps : float
        :math:`T`, more than 0; the warm-up is not counted.
    alpha : float
        What is left at the end, as a part of where the decay started from.
    warmup_target : float, optional
        Rise to this first; the decay starts from it.
    warmup_steps : float
        In so many steps.

    References
    ----------
    Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        self.name = name
        self.initial_learning_rate = self._checked("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._checked("decay_steps", decay_steps, open_below=True)
        self.alpha = self._checked("alpha", alpha)
        self.warmup_target = None if warmup_target is None else self._checked("warmup_target", warmup_target)
        self.warmup_steps = self._checked("warmup_steps", warmup_steps)

    def __call__(self, step: int) -> float:
        top, decayed = self.initial_learning_rate, float(step)
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            top, decayed = self.warmup_target, step - self.warmup_steps
        progress = min(decayed, self.decay_steps) / self.decay_steps
        return top * ((1.0 - self.alpha) * _cosine(progress) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decays one after another, each ``t_mul`` times as long and starting ``m_mul`` times as high.

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : float
        Length of the first, more than 0.
    t_mul : float
        At least 1.
    m_mul : float
    alpha : float
        The lowest rate, as a part of the initial one.

    References
    ----------
    Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ):
        self.name = name
        self.initial_learning_rate = self._checked("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._checked("first_decay_steps", first_decay_steps, open_below=True)
        self.t_mul = self._checked("t_mul", t_mul, 1.0)
        self.m_mul = self._checked("m_mul", m_mul)
        self.alpha = self._checked("alpha", alpha)

    def __call__(self, step: int) -> float:
        progress, length, height = step / self.first_decay_steps, 1.0, 1.0
        if self.t_mul == 1.0:
            height = self.m_mul ** math.floor(progress)
            progress %= 1.0
        else:
            while progress >= length:
                progress, length, height = progress - length, length * self.t_mul, height * self.m_mul
        return self.initial_learning_rate * ((1.0 - self.alpha) * height * _cosine(progress / length) + self.alpha)


class OneCycle(LearningRateSchedule):
    """Up along half a wave to a large rate, and down to a tiny one.

    Parameters
    ----------
    max_learning_rate : float
    total_steps : int
        Of the whole training, more than 0; afterwards the rate stays where it ended.
    warm_up : float
        Part of the steps that goes up, from 0 to 1.
    start : float
        Where it starts, as a part of the maximum.
    end : float
        Where it ends, as a part of the start.

    References
    ----------
    Smith & Topin (2018), "Super-convergence: very fast training of neural networks using large learning rates".
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        warm_up: float = 0.3,
        start: float = 1 / 25,
        end: float = 1e-4,
        name: str | None = None,
    ):
        self.name = name
        self.max_learning_rate = self._checked("max_learning_rate", max_learning_rate)
        self.total_steps = self._checked("total_steps", total_steps, open_below=True)
        self.warm_up = self._checked("warm_up", warm_up, 0.0, 1.0)
        self.start = self._checked("start", start)
        self.end = self._checked("end", end)

    def __call__(self, step: int) -> float:
        top, first = self.max_learning_rate, self.max_learning_rate * self.start
        rising = self.warm_up * self.total_steps
        if step < rising:
            return top - (top - first) * _cosine(step / rising)
        falling = self.total_steps - rising
        progress = min((step - rising) / falling, 1.0) if falling else 1.0
        last = first * self.end
        return last + (top - last) * _cosine(progress)


def of_step(function: Callable[..., float]) -> Callable[[int], float]:
    """A function given as learning rate, as one of the number of steps; Keras's own take no argument."""
    try:
        inspect.signature(function).bind(0)
    except TypeError:
        return lambda step: function()
    except ValueError:  # a built-in function does not tell
        return function
    return function


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Description of a schedule, from which ``deserialize`` makes it again: its class's name and its arguments."""
    return {"class_name": type(learning_rate_schedule).__name__, "config": learning_rate_schedule.get_config()}


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None
) -> Any:
    """Schedule for a description.

    Parameters
    ----------
    config : dict
        ``{"class_name": ..., "config": ...}``, as from ``serialize``.
    custom_objects : dict of str to class, optional
        Classes of one's own, by name.

    Raises
    ------
    DomainError
        For an unknown name; the message has the nearest one known.
    """
    own = (ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay,
           CosineDecayRestarts, OneCycle)  # fmt: skip
    known = {cls.__name__: cls for cls in own} | dict(custom_objects or {})
    cls, arguments = class_and_config("optim.schedules.deserialize", config, known)
    return cls.from_config(arguments)  # type: ignore[attr-defined]
