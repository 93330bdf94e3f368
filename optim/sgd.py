"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import check_interval
from .optimizer import Optimizer, Rate


class SGD(Optimizer):
    r"""Gradient descent, with momentum if asked: :math:`m \leftarrow \mu m - \eta g,\ w \leftarrow w + m`.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`; ``lr`` is understood too.
    momentum : float
        :math:`\mu`, from 0 (plain descent, :math:`w \leftarrow w - \eta g`) to 1.
    nesterov : bool
        Nesterov's form: :math:`w \leftarrow w + \mu m - \eta g` with the new m.
    *shared, **options
        Those of every optimizer, from ``weight_decay`` on: see ``Optimizer``.

    References
    ----------
    Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum in deep learning".
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *shared: Any,
        **options: Any,
    ):
        super().__init__(learning_rate, *shared, **options)
        self.momentum = check_interval("SGD", "momentum", momentum, 0.0, 1.0)
        self.nesterov = nesterov

    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def constants(self, learning_rate: float, step: int) -> tuple[float, ...]:
        return learning_rate, self.momentum

    def update_step(self, value, gradient, new_value, state, work, constants) -> None:
        learning_rate, momentum = constants
        np.multiply(gradient, learning_rate, work)
        if not state:
            np.subtract(value, work, new_value)
            return
        m = state[0]
        np.multiply(m, momentum, m)
        np.subtract(m, work, m)
        if not self.nesterov:
            np.add(value, m, new_value)
            return
        np.subtract(value, work, new_value)
        np.multiply(m, momentum, work)
        np.add(new_value, work, new_value)
