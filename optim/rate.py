"""The learning rate as it is read: a float that can be assigned to, as Keras's Variable can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag

from .checks import check_interval

if TYPE_CHECKING:
    from .optimizer import Optimizer


class LearningRate(float):
    """A learning rate at the moment it was asked for.

    It is a float of that value and stays one; ``assign`` changes the rate of the optimizer that it was read from.
    """

    __slots__ = ("_optimizer",)
    _optimizer: Optimizer

    def __new__(cls, value: float, optimizer: Optimizer):
        self = super().__new__(cls, value)
        self._optimizer = optimizer
        return self

    def assign(self, value: Any) -> LearningRate:
        """Let ``value`` be the optimizer's learning rate from the next step on; gives it as it is then.

        Raises
        ------
        DomainError
            If it is not finite, or negative.
        StructureError
            If a schedule gives the learning rate.
        """
        optimizer, own = self._optimizer, type(self._optimizer).__name__
        if optimizer._schedule is not None:
            raise ag.StructureError(
                f"{own}.learning_rate.assign: a schedule gives the learning rate, step by step. To put a fixed one in "
                f"its place, write optimizer.learning_rate = {value!r}."
            )
        optimizer.learning_rate = check_interval(own, "learning_rate", value, 0.0)
        return optimizer.learning_rate

    def assign_add(self, delta: Any) -> LearningRate:
        """Add ``delta`` to the optimizer's learning rate as it is now."""
        return self.assign(self._optimizer.learning_rate + float(delta))

    def assign_sub(self, delta: Any) -> LearningRate:
        """Subtract ``delta`` from the optimizer's learning rate as it is now."""
        return self.assign(self._optimizer.learning_rate - float(delta))

    def numpy(self) -> np.float64:
        """The value as NumPy's number."""
        return np.float64(self)

    def __reduce__(self):
        return float, (float(self),)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        # NumPy lets a float, but no class of its own that is one, take the dtype of the array beside it.
        plain = [float(entry) if entry.__class__ is LearningRate else entry for entry in inputs]
        return getattr(ufunc, method)(*plain, **keywords)
