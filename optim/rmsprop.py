"""RMSprop: each entry's step is divided by a running root mean square of its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import check_epsilon, check_interval
from .optimizer import Optimizer, Rate


class RMSprop(Optimizer):
    r"""RMSprop: :math:`v \leftarrow \rho v + (1-\rho) g^2,\ w \leftarrow w - \eta g / \sqrt{v + \epsilon}`.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; ``lr`` is understood too.
    rho : float
        Share of the past in the running mean, from 0 to 1.
    momentum : float
        :math:`\mu`: if not 0, the steps themselves are accumulated, :math:`m \leftarrow \mu m + \text{step}`.
    epsilon : float or None
        Inside the root, as in Keras; None means 1e-7.
    centered : bool
        Divide by the running standard deviation: the square of the running mean gradient is taken off v.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Hinton, Srivastava & Swersky (2012), "Neural networks for machine learning", lecture 6e. Centered: Graves (2013),
    "Generating sequences with recurrent neural networks", equations 38 to 41.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.rho = check_interval("RMSprop", "rho", rho, 0.0, 1.0)
        self.momentum = check_interval("RMSprop", "momentum", momentum, 0.0, 1.0)
        self.epsilon = check_epsilon("RMSprop", epsilon)
        self.centered = centered

    def slots(self) -> dict[str, float]:
        wanted = {"velocity": True, "momentum": self.momentum > 0, "average_gradient": self.centered}
        return {name: 0.0 for name, used in wanted.items() if used}

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        return learning_rate, self.rho, 1.0 - self.rho, self.epsilon, self.momentum

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        learning_rate, rho, rest, epsilon, momentum = constants
        velocity, *others = state
        np.multiply(gradient, gradient, work)
        np.multiply(work, rest, work)
        np.multiply(velocity, rho, velocity)
        np.add(velocity, work, velocity)
        if self.centered:
            average = others[-1]
            np.multiply(gradient, rest, work)
            np.multiply(average, rho, average)
            np.add(average, work, average)
            np.multiply(average, average, work)
            np.subtract(velocity, work, work)
            np.add(work, epsilon, work)
        else:
            np.add(velocity, epsilon, work)
        np.sqrt(work, work)
        np.divide(gradient, work, work)
        np.multiply(work, learning_rate, work)
        if self.momentum > 0:
            m = others[0]
            np.multiply(m, momentum, m)
            np.add(m, work, m)
            work = m
        np.subtract(value, work, new_value)
