"""Optimizers: rules that turn gradients into new values of Variables. Keras's names, formulas and defaults.

>>> import autograd_core as ag
>>> import optim
>>> w = ag.Variable(5.0)
>>> optimizer = optim.SGD(learning_rate=0.1)
>>> for _ in range(100):
...     with ag.GradientTape() as tape:
...         loss = (w - 2.0) ** 2
...     steps = optimizer.apply_gradients([(tape.gradient(loss, w), w)])
>>> round(w.item(), 6)
2.0
"""

from __future__ import annotations

from . import schedules
from .adagrad import Adadelta, Adagrad
from .adam import Adam
from .adam_family import Adamax, AdamW, Lion, Nadam
from .lbfgs import LBFGS
from .lookup import deserialize, get, serialize
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = [
    "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Nadam", "Optimizer", "RMSprop",
    "deserialize", "get", "schedules", "serialize",
]  # fmt: skip
