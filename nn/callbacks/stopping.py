"""Ending a training early: EarlyStopping, TerminateOnNaN."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_core as ag

from ..feeding import unpacked
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
    """Stop when the loss is NaN or infinite, and say where that comes from.

    For that the batch is computed once more, under ``ag.detect_anomaly``: with the weights that the epoch began with if
    those there are now are NaN themselves. Nothing is searched, and nothing costs, as long as the loss is finite.

    Parameters
    ----------
    raise_error : bool
        Raise a DomainError, in place of a message.
    """

    _weights: list[Any] | None = None  # all weights, with what each was when the epoch began

    def __init__(self, raise_error: bool = False):
        self.raise_error = raise_error

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._weights = [(weight, weight.numpy()) for weight in self.model.weights]

    on_epoch_resume = on_epoch_begin

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss: Any = (logs or {}).get("loss")
        if loss is None or np.isfinite(getattr(loss, "array", loss)):
            return
        message = f"Batch {batch}: the loss is {float(loss)}; the training stops.{self._origin()}"
        if self.raise_error:
            raise ag.DomainError(message)
        print(message, flush=True)
        self.model.stop_training = True

    def _origin(self) -> str:
        """Where the NaN or infinity comes from, as a sentence to be added; empty where that was not found out."""
        data = getattr(self.model.progress, "batch", None)
        now = [(weight, weight.numpy()) for weight in self.model.weights]
        if data is None or not _has_usual_step(self.model):
            return _ADVICE
        spoilt = [weight for weight, value in now if not np.isfinite(value).all()]
        try:
            if spoilt:
                _put(self._weights or [])
            _repeat(self.model, data)
        except ag.AnomalyError as error:
            return f" Where it comes from: {error}"
        finally:
            _put(now)
        if spoilt:
            others = f", and {len(spoilt) - 1} others" if len(spoilt) > 1 else ""
            return f" The weights are not finite any more: {spoilt[0].name}{others}.{_ADVICE}"
        return _ADVICE


_ADVICE = " Call fit inside `with ag.detect_anomaly():` to stop at the operation that makes the first NaN or infinity."


def _has_usual_step(model: Any) -> bool:
    """Whether a step is what ``fit`` makes it, so that it can be repeated in part."""
    trainer: Any = next(cls for cls in type(model).__mro__ if cls.__name__ == "Trainer")
    return type(model).train_step is trainer.train_step


def _put(values: Iterable[tuple[Any, Any]]) -> None:
    for weight, value in values:
        weight.assign(value)


def _repeat(model: Any, data: Any) -> None:
    """Loss and gradients of a batch, looked at; no step is made."""
    x, y, sample_weight = unpacked(data)
    with ag.detect_anomaly():
        with ag.GradientTape() as tape:
            loss = model.compute_loss(x, y, model(x, training=True), sample_weight)
        tape.gradient(loss, model.trainable_variables)
