"""Adam: a running mean of the gradient, divided by a running root mean square."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from .checks import check_epsilon, check_interval
from .optimizer import Optimizer, Rate


def update_moments(m, v, gradient, rest_1, rest_2, work) -> None:
    """Move the running means of the gradient and of its square on, in place."""
    np.subtract(gradient, m, work)
    np.multiply(work, rest_1, work)
    np.add(m, work, m)
    np.multiply(gradient, gradient, work)
    np.subtract(work, v, work)
    np.multiply(work, rest_2, work)
    np.add(v, work, v)


class Adam(Optimizer):
    r"""Adam: :math:`w \leftarrow w - \alpha_t\, m / (\sqrt v + \epsilon)`.

    With :math:`m \leftarrow m + (1-\beta_1)(g - m)`, :math:`v \leftarrow v + (1-\beta_2)(g^2 - v)` and the step size
    :math:`\alpha_t = \eta \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`, which corrects for both starting at 0.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; ``lr`` is understood too.
    beta_1, beta_2 : float
        Share of the past in the two running means, from 0 to less than 1.
    epsilon : float or None
        Outside the root, as in Algorithm 1 before the correction of v (the paper's epsilon-hat); None means 1e-7.
    amsgrad : bool
        Divide by the largest v so far, so that steps never grow again.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", section 2. Reddi, Kale & Kumar (2018), "On the
    convergence of Adam and beyond" (amsgrad).
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = check_interval("Adam", "beta_1", beta_1, 0.0, 1.0, open_above=True)
        self.beta_2 = check_interval("Adam", "beta_2", beta_2, 0.0, 1.0, open_above=True)
        self.epsilon = check_epsilon("Adam", epsilon)
        self.amsgrad = amsgrad

    def slots(self) -> dict[str, float]:
        names = ["momentum", "velocity", *(["velocity_hat"] if self.amsgrad else [])]
        return dict.fromkeys(names, 0.0)

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        # In double precision whatever the variables' dtype: 1 - 0.999**t in float32 would keep five digits at first.
        alpha = learning_rate * sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        return alpha, 1.0 - self.beta_1, 1.0 - self.beta_2, self.epsilon

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        alpha, rest_1, rest_2, epsilon = constants
        m, v = state[0], state[1]
        update_moments(m, v, gradient, rest_1, rest_2, work)
        if self.amsgrad:
            v = np.maximum(state[2], v, out=state[2])
        np.sqrt(v, work)
        np.add(work, epsilon, work)
        np.divide(m, work, work)
        np.multiply(work, alpha, work)
        np.subtract(value, work, new_value)
