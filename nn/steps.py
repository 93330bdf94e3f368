"""Which steps of a model run as compiled plans: those of ``fit``, ``evaluate`` and ``predict``, unless there are few.

To trace a step takes some ten times as long as to run it, and to compile it with Numba some seconds. So a few steps run
eagerly, more as a plan for NumPy, and a long training as one for Numba; which one depends on nothing but the numbers of
steps and the work in each, so that a training that is repeated, or goes on from a backup, takes the same way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import autograd_core as ag

FEWEST = 16
"""Steps for which a trace pays."""

UNKNOWN = 100
"""Steps that a source without a known length is taken for."""


class Steps:
    """The compiled steps of one model, until it is compiled anew."""

    def __init__(self, model: Any):
        self._model = model
        self._functions: dict[tuple[str, int], Any] = {}
        self._eager: set[str] = set()  # what could not be traced

    def of(self, name: str, steps: int | None) -> Callable[..., Any]:
        """The model's method ``name``, to be called about ``steps`` times; compiled if that pays.

        Parameters
        ----------
        name : {"train_step", "test_step", "predict_step"}
        steps : int or None
        """
        model = self._model
        method = getattr(model, name)
        steps = UNKNOWN if steps is None else steps
        if model.run_eagerly or name in self._eager or steps < FEWEST:
            return method
        size = steps.bit_length()
        function = self._functions.get((name, size))
        if function is None:
            function = self._functions[name, size] = ag.function(method, jit=_jit(model.jit_compile), calls=steps)
        return self._guarded(name, method, function)

    def _guarded(self, name: str, method: Callable[..., Any], function: Any) -> Callable[..., Any]:
        """``function``, or ``method`` once it is found that it cannot be traced."""
        run = function

        def step(data: Any) -> Any:
            nonlocal run
            try:
                return run(data)
            except ag.TraceError as error:
                if run is method or self._model.jit_compile is True:
                    raise
                warnings.warn(
                    f"{self._model.name}.{name} cannot be compiled and runs eagerly, which is slower: {error} Say "
                    "compile(..., run_eagerly=True) if that is meant.",
                    RuntimeWarning,
                    stacklevel=4,
                )
                self._eager.add(name)
                run = method
                return run(data)

        return step


def _jit(asked: Any) -> str:
    if asked == "auto":
        return "auto"
    return "numba" if asked else "numpy"
