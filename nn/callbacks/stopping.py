"""Ending a training early: EarlyStopping, TerminateOnNaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Callback, Logs, Monitor


class EarlyStopping(Monitor):
    """Stop when a figure has not become better for some epochs.

    Parameters
    ----------
    monitor : str
    min_delta : float
        A smaller change for the better does not count.
    patience : int
        So many epochs without a change for the better, one after another, end the training.
    verbose : int
        1 says so.
    mode : {"auto", "min", "max"}
        See ``Monitor``.
    baseline : float, optional
        Only what is better than this begins the waiting anew.
    restore_best_weights : bool
        Give the model the weights of its best epoch at the end; otherwise it keeps those of the last.
    start_from_epoch : int
        Epochs before this one do not count.

    Attributes
    ----------
    stopped_epoch : int
        The epoch after which it stopped; 0 if it did not.
    best_epoch : int
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.best = math.nan
        self.best_weights: list[Any] | None = None
        self.best_epoch = 0
        self.wait = 0
        self.stopped_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.value_in(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.is_better(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_better(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: stopped, {self.monitor} was best after epoch {self.best_epoch + 1}")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in ("best", "best_epoch", "wait", "stopped_epoch")}
        return {**state, "best_weights": self.best_weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class TerminateOnNaN(Callback):
    """Stop when the loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Raise a DomainError, in place of a message.
    """

    def __init__(self, raise_error: bool = False):
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss: Any = (logs or {}).get("loss")
        if loss is None or np.isfinite(getattr(loss, "array", loss)):
            return
        message = f"Batch {batch}: the loss is {float(loss)}; the training stops."
        if self.raise_error:
            raise ag.DomainError(message)
        print(message, flush=True)
        self.model.stop_training = True
