"""Adagrad and Adadelta: steps divided by what the gradients have been so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import check_epsilon, check_interval
from .optimizer import Optimizer, Rate


class Adagrad(Optimizer):
    r"""Adagrad: :math:`a \leftarrow a + g^2,\ w \leftarrow w - \eta g / \sqrt{a + \epsilon}`.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; ``lr`` is understood too.
    initial_accumulator_value : float
        What a starts with; not negative.
    epsilon : float or None
        Inside the root, as in Keras; None means 1e-7.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Duchi, Hazan & Singer (2011), "Adaptive subgradient methods for online learning and stochastic optimization".
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.initial_accumulator_value = check_interval(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value, 0.0
        )
        self.epsilon = check_epsilon("Adagrad", epsilon)

    def slots(self) -> dict[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        return learning_rate, self.epsilon

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        learning_rate, epsilon = constants
        (accumulator,) = state
        np.multiply(gradient, gradient, work)
        np.add(accumulator, work, accumulator)
        np.add(accumulator, epsilon, work)
        np.sqrt(work, work)
        np.divide(gradient, work, work)
        np.multiply(work, learning_rate, work)
        np.subtract(value, work, new_value)


class Adadelta(Optimizer):
    r"""Adadelta: :math:`d = g \sqrt{u + \epsilon} / \sqrt{a + \epsilon},\ w \leftarrow w - \eta d`.

    With the running means :math:`a \leftarrow \rho a + (1-\rho) g^2` before and :math:`u \leftarrow \rho u + (1-\rho)
    d^2` after the step: steps have the unit of w, whatever the unit of the loss.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; 1 is that of the paper.
    rho : float
        Share of the past in the running means, from 0 to 1.
    epsilon : float or None
        None means 1e-7.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method", algorithm 1.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float | None = 1e-7,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.rho = check_interval("Adadelta", "rho", rho, 0.0, 1.0)
        self.epsilon = check_epsilon("Adadelta", epsilon)

    def slots(self) -> dict[str, float]:
        return {"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        return learning_rate, self.rho, 1.0 - self.rho, self.epsilon

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        learning_rate, rho, rest, epsilon = constants
        gradients, steps = state
        np.multiply(gradient, gradient, work)
        np.multiply(work, rest, work)
        np.multiply(gradients, rho, gradients)
        np.add(gradients, work, gradients)
        step = np.sqrt(steps + epsilon)
        np.add(gradients, epsilon, work)
        np.sqrt(work, work)
        np.divide(step, work, step)
        np.multiply(step, gradient, step)
        np.multiply(step, step, work)
        np.multiply(work, rest, work)
        np.multiply(steps, rho, steps)
        np.add(steps, work, steps)
        np.multiply(step, learning_rate, step)
        np.subtract(value, step, new_value)
