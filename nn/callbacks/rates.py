"""Changing the learning rate from epoch to epoch: LearningRateScheduler, ReduceLROnPlateau."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Callback, Logs, Monitor


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, learning_rate)`` or ``schedule(epoch)`` gives the new one; epochs count from 0.
    verbose : int
        1 says so.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        if not callable(schedule):
            raise ag.ConversionError(
                f"LearningRateScheduler: got a {type(schedule).__name__}; expected a function of epoch and rate."
            )
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        _check_settable("LearningRateScheduler", optimizer)
        try:
            inspect.signature(self.schedule).bind(epoch, optimizer.learning_rate)
            rate = self.schedule(epoch, optimizer.learning_rate)
        except TypeError:
            rate = self.schedule(epoch)
        if isinstance(rate, (ag.Tensor, np.ndarray, np.generic)):
            rate = float(rate)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise ag.DomainError(
                f"LearningRateScheduler: the schedule gave {rate!r} for epoch {epoch}; expected a number."
            )
        optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {rate:g}", flush=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate when a figure has not become better for some epochs.

    Parameters
    ----------
    monitor : str
    factor : float
        The learning rate is multiplied by it; less than 1.
    patience : int
        So many epochs without a change for the better, one after another.
    verbose : int
    mode : {"auto", "min", "max"}
        See ``Monitor``.
    min_delta : float
        A smaller change for the better does not count.
    cooldown : int
        Epochs after a change that do not count.
    min_lr : float
        Not below this.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if not 0 <= factor < 1:
            raise ag.DomainError(f"ReduceLROnPlateau: factor is {factor!r}; expected a number from 0 to less than 1.")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = math.nan
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = self.value_in(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_better(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        _check_settable("ReduceLROnPlateau", optimizer)
        if optimizer.learning_rate <= self.min_lr:
            return
        optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate lowered to {optimizer.learning_rate:g}", flush=True)

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("best", "wait", "cooldown_counter")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def _check_settable(own: str, optimizer: Any) -> None:
    if getattr(optimizer, "_schedule", None) is not None:
        raise ag.StructureError(
            f"{own}: the optimizer's learning rate follows a schedule already; give it a number to start with instead."
        )
