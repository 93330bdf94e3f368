"""Relatives of Adam: AdamW, Adamax, Nadam, Lion."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from .adam import Adam, update_moments
from .checks import check_epsilon, check_interval
from .optimizer import Optimizer, Rate


class AdamW(Adam):
    r"""Adam, after the weights have been shrunk: :math:`w \leftarrow w - \eta \lambda w` before each step.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`.
    weight_decay : float
        :math:`\lambda`; not negative.
    beta_1, beta_2, epsilon, amsgrad
        As for ``Adam``.
    *shared, **options
        Those of every optimizer, from ``clipnorm`` on: see ``Optimizer``.

    References
    ----------
    Loshchilov & Hutter (2019), "Decoupled weight decay regularization", algorithm 2.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        *shared: Any,
        **options: Any,
    ):
        if weight_decay is None:
            raise ag.DomainError("AdamW: weight_decay is None; expected a number. Adam does without.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *shared, **options)


class Adamax(Optimizer):
    r"""Adamax: :math:`w \leftarrow w - \eta m / ((1 - \beta_1^t)(u + \epsilon))`, with a running largest :math:`|g|`.

    With :math:`m \leftarrow m + (1-\beta_1)(g - m)` and :math:`u \leftarrow \max(\beta_2 u, |g|)`.

    Parameters
    ----------
    learning_rate : float
    beta_1, beta_2 : float
        From 0 to less than 1.
    epsilon : float or None
        None means 1e-7.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", section 7.1.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = check_interval("Adamax", "beta_1", beta_1, 0.0, 1.0, open_above=True)
        self.beta_2 = check_interval("Adamax", "beta_2", beta_2, 0.0, 1.0, open_above=True)
        self.epsilon = check_epsilon("Adamax", epsilon)

    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0, "norm": 0.0}

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        return learning_rate / (1.0 - self.beta_1**step), 1.0 - self.beta_1, self.beta_2, self.epsilon

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        alpha, rest_1, beta_2, epsilon = constants
        m, u = state
        np.subtract(gradient, m, work)
        np.multiply(work, rest_1, work)
        np.add(m, work, m)
        np.absolute(gradient, work)
        np.multiply(u, beta_2, u)
        np.maximum(u, work, out=u)
        np.add(u, epsilon, work)
        np.divide(m, work, work)
        np.multiply(work, alpha, work)
        np.subtract(value, work, new_value)


class Nadam(Optimizer):
    r"""Nadam: Adam whose momentum looks one step ahead, as Nesterov's does.

    :math:`\mu_t = \beta_1 (1 - 0.96^t / 2)` and :math:`w \leftarrow w - \eta \hat m / (\sqrt{\hat v} + \epsilon)` with
    :math:`\hat m = \mu_{t+1} m / (1 - \prod_{i \le t+1} \mu_i) + (1 - \mu_t) g / (1 - \prod_{i \le t} \mu_i)` and
    :math:`\hat v = v / (1 - \beta_2^t)`; m and v as in Adam.

    Parameters
    ----------
    learning_rate : float
    beta_1, beta_2 : float
        From 0 to less than 1.
    epsilon : float or None
        None means 1e-7.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam", algorithm 2.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = check_interval("Nadam", "beta_1", beta_1, 0.0, 1.0, open_above=True)
        self.beta_2 = check_interval("Nadam", "beta_2", beta_2, 0.0, 1.0, open_above=True)
        self.epsilon = check_epsilon("Nadam", epsilon)
        self._product = (0, 1.0)  # of all mu so far, and of how many

    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    def _mu(self, step: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96**step)

    def _product_until(self, step: int) -> float:
        done, product = self._product if self._product[0] <= step else (0, 1.0)
        for at in range(done + 1, step + 1):  # one step on, as a rule; all of them after a state was loaded
            product *= self._mu(at)
        self._product = (step, product)
        return product

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        mu, ahead, product = self._mu(step), self._mu(step + 1), self._product_until(step)
        of_momentum = learning_rate * ahead / (1.0 - product * ahead)
        of_gradient = learning_rate * (1.0 - mu) / (1.0 - product)
        correction = 1.0 / (1.0 - self.beta_2**step)
        return of_momentum, of_gradient, 1.0 - self.beta_1, 1.0 - self.beta_2, correction, self.epsilon

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        of_momentum, of_gradient, rest_1, rest_2, correction, epsilon = constants
        m, v = state
        update_moments(m, v, gradient, rest_1, rest_2, work)
        step = gradient * of_gradient
        np.multiply(m, of_momentum, work)
        np.add(step, work, step)
        np.multiply(v, correction, work)
        np.sqrt(work, work)
        np.add(work, epsilon, work)
        np.divide(step, work, step)
        np.subtract(value, step, new_value)


class Lion(Optimizer):
    r"""Lion: :math:`w \leftarrow w - \eta\,\mathrm{sign}(\beta_1 m + (1 - \beta_1) g)`; every entry moves as far.

    Then :math:`m \leftarrow \beta_2 m + (1 - \beta_2) g`.

    Parameters
    ----------
    learning_rate : float
        Three to ten times smaller than Adam's.
    beta_1, beta_2 : float
        From 0 to 1.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", program 1.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.beta_1 = check_interval("Lion", "beta_1", beta_1, 0.0, 1.0)
        self.beta_2 = check_interval("Lion", "beta_2", beta_2, 0.0, 1.0)

    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0}

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        return learning_rate, self.beta_1, 1.0 - self.beta_1, self.beta_2, 1.0 - self.beta_2

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        learning_rate, beta_1, rest_1, beta_2, rest_2 = constants
        (m,) = state
        step = gradient * rest_1
        np.multiply(m, beta_1, work)
        np.add(step, work, step)
        np.sign(step, step)
        np.multiply(step, learning_rate, step)
        np.multiply(m, beta_2, m)
        np.multiply(gradient, rest_2, work)
        np.add(m, work, m)
        np.subtract(value, step, new_value)
