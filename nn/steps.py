"""Which steps of a model run as compiled plans: those of ``fit``, ``evaluate`` and ``predict``, unless there are few.

To trace a step takes some ten times as long as to run it, and to compile it with Numba some seconds. So a few steps run
eagerly, more as a plan for NumPy, and a long training as one for Numba; which one depends on nothing but the numbers of
steps and the work in each, so that a training that is repeated, or goes on from a backup, takes the same way.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import autograd_core as ag

from .deferred import AFTER_RUN

FEWEST = 16
"""Steps for which a trace pays."""

UNKNOWN = 100
"""Steps that a source without a known length is taken for."""

MOST_COMPILED = 8
"""Plans, for as many shapes of a batch, that may be compiled with Numba unless that was asked for."""

MOST_TRACES = 14
"""Plans for NumPy: where there are more shapes, steps run eagerly."""


class Figures:
    """What a compiled step gives in place of its figures: they are computed when somebody looks at them.

    The results of metrics are what the metrics say at that time, so they have to be asked for before the next step.
    """

    __slots__ = ("_calls", "_names")

    def __init__(self, logs: Mapping[str, Any]):
        self._names = tuple(logs)
        found = {name: ag.tracing.late_call(value) for name, value in logs.items()}
        self._calls = {name: call for name, call in found.items() if call is not None}

    def others(self, logs: Mapping[str, Any]) -> dict[str, Any]:
        """Figures that the plan itself gives."""
        return {name: value for name, value in logs.items() if name not in self._calls}

    def now(self, others: Mapping[str, Any]) -> dict[str, Any]:
        """All figures, in the order in which the step gave them."""
        calls = self._calls
        return {name: calls[name]() if name in calls else others[name] for name in self._names}


def figures_of(outcome: Any) -> Any:
    """Figures of a step, from what it gave."""
    if outcome.__class__ is Figures:
        return outcome.now({})
    if outcome.__class__ is tuple and outcome and outcome[0].__class__ is Figures:
        return outcome[0].now(outcome[1])
    return outcome


def _looked_at_later(method: Callable[..., Any]) -> Callable[..., Any]:
    """``method``, a step, with Figures in place of what metrics say after it."""

    @wraps(method)
    def step(data: Any) -> Any:
        logs = method(data)
        if not isinstance(logs, Mapping) or not ag.tracing.is_tracing():
            return logs
        figures = Figures(logs)
        others = figures.others(logs)
        return (figures, others) if others else figures

    return step


class Steps:
    """The compiled steps of one model, until it is compiled anew."""

    def __init__(self, model: Any):
        self._model = model
        self._functions: dict[tuple[str, str, int, Any], Any] = {}
        self._eager: set[str] = set()  # what could not be traced

    def __getstate__(self) -> dict[str, Any]:
        # Plans work on this model's own arrays: a copy makes others.
        return {**vars(self), "_functions": {}}

    def of(self, name: str, steps: int | None) -> Callable[..., Any]:
        """The model's method ``name``, to be called about ``steps`` times; compiled if that pays.

        What it gives is for ``figures_of``.

        Parameters
        ----------
        name : {"train_step", "test_step", "predict_step"}
        steps : int or None
        """
        model = self._model
        method = getattr(model, name)
        steps = UNKNOWN if steps is None else steps
        pays = steps >= FEWEST or model.jit_compile is True
        if model.run_eagerly or name in self._eager or not pays:
            return method
        return _Step(self, name, method, self._function(name, method, _jit(model.jit_compile), steps))

    def _function(self, name: str, method: Callable[..., Any], jit: str, steps: int) -> Any:
        key = (name, jit, steps.bit_length(), getattr(method, "__func__", method))  # it may be replaced
        function = self._functions.get(key)
        if function is None:
            traced = method if name == "predict_step" else _looked_at_later(method)
            function = self._functions[key] = ag.function(traced, jit=jit, calls=steps)
        return function


class _Step:
    """One step, called again and again: compiled for as long as that is possible and pays."""

    __slots__ = ("_function", "_method", "_most", "_name", "_steps")

    def __init__(self, steps: Steps, name: str, method: Callable[..., Any], function: Any):
        self._steps = steps
        self._name = name
        self._method = method
        self._function = function
        self._most = MOST_TRACES if function.jit == "numpy" else MOST_COMPILED

    def __call__(self, data: Any) -> Any:
        function = self._function
        if function is None:
            return self._method(data)
        try:
            outcome = function(data)
        except (ag.TraceError, ag.ConversionError, ag.StructureError) as error:
            if self._steps._model.jit_compile is True or AFTER_RUN in vars(error):
                raise
            return self._fall_back(data, error)
        if function.traces > self._most:
            self._spend_less(function)
        return outcome

    def _fall_back(self, data: Any, error: ag.AutogradError) -> Any:
        """Make the step eagerly, and all that follow; nothing has been changed yet."""
        outcome = self._method(data)  # it may say itself what is wrong
        model = self._steps._model
        warnings.warn(
            f"{model.name}.{self._name} cannot be compiled and runs eagerly, which is slower: {error} Say "
            "compile(..., run_eagerly=True) if that is meant.",
            RuntimeWarning,
            stacklevel=_depth_of_user(),
        )
        self._steps._eager.add(self._name)
        self._function = None
        return outcome

    def _spend_less(self, function: Any) -> None:
        """Batches of very many shapes: compile for NumPy, which takes milliseconds, and in the end not at all."""
        if function.jit == "numpy" or self._steps._model.jit_compile is True:
            self._function = None if function.jit == "numpy" else function
            return
        steps = self._steps
        self._function = steps._function(self._name, self._method, "numpy", UNKNOWN)
        self._most = MOST_TRACES


def _depth_of_user() -> int:
    """Level of the innermost frame that is not one of this package, as ``warnings.warn`` in the caller counts it."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    return level


def _jit(asked: Any) -> str:
    if asked == "auto":
        return "auto"
    return "numba" if asked else "numpy"
