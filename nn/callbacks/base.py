"""Callback: what happens around the steps of ``fit``, ``evaluate`` and ``predict``."""

from __future__ import annotations

import math
import warnings
from typing import Any

import autograd_core as ag

Logs = dict[str, Any]


class Callback:
    """Base of all callbacks: methods that ``fit`` calls; each does nothing unless a subclass defines it.

    ``logs`` are the figures by name, as Python floats at the end of an epoch; at the end of a batch they are as the
    training step gave them (the running mean of the epoch so far), so that nothing is converted for nobody.
    """

    model: Any = None
    params: dict[str, Any]
    needs_step_figures = True
    """Whether ``on_train_batch_end`` is to be given the figures: to compute them takes longer than some steps. A class
    that defines that method and says False here is given None, and may ask for them (``step_figures``)."""

    def set_model(self, model: Any) -> None:
        """Tell the callback which model is trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell the callback the number of ``epochs`` and ``steps`` (None if not known), and ``verbose``."""
        self.params = params

    def step_figures(self, logs: Logs | None = None) -> Logs:
        """Figures after the present step: those given, or else those of the training that goes on."""
        if logs is not None:
            return logs
        progress = getattr(self.model, "progress", None)
        return {} if progress is None else progress.figures()

    def state_dict(self) -> dict[str, Any]:
        """What a later run needs to go on: numbers, strings, lists, dicts and arrays. See ``BackupAndRestore``."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, also if an exception ends the training."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before each epoch, counted from 0."""

    def on_epoch_resume(self, epoch: int) -> None:
        """In place of ``on_epoch_begin``, where a training that was broken off goes on in the middle of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After each epoch; the figures of the validation data begin with ``val_``."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before each step, counted from 0 in its epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After each step."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation, also one inside ``fit``."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before each batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After each batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before ``predict``."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After ``predict``."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before each batch of ``predict``."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After each batch of ``predict``; ``logs["outputs"]`` is what it gave."""


class Monitor(Callback):
    """Base of callbacks that follow one figure.

    Parameters
    ----------
    monitor : str
        Name of the figure, as in the history: "loss", "val_loss", "val_accuracy".
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" knows by the name: accuracies, precision, recall, AUC and scores are
        to grow, everything else to shrink.
    min_delta : float
        A smaller change for the better does not count.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0):
        own = type(self).__name__
        if mode not in ("auto", "min", "max"):
            raise ag.DomainError(f"{own}: mode is {mode!r}; expected 'auto', 'min' or 'max'.")
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = math.nan  # nothing yet

    @property
    def grows(self) -> bool:
        """Whether larger is better."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_").lower()
        return name.endswith(_GROWING) or "acc" in name

    def is_better(self, value: float, than: float) -> bool:
        """Whether ``value`` is better; than NaN, which stands for nothing yet, everything is."""
        if math.isnan(value):
            return False
        if math.isnan(than):
            return True
        return value - self.min_delta > than if self.grows else value + self.min_delta < than

    def value_in(self, logs: Logs | None) -> float | None:
        """The figure; None with a warning if it is not there."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            known = ", ".join(logs or {}) or "none"
            warnings.warn(
                f"{type(self).__name__} follows {self.monitor!r}, and there is no such figure; there are: {known}."
                + (" Give fit validation_data." if self.monitor.startswith("val_") else ""),
                UserWarning,
                stacklevel=2,
            )
        return value


_GROWING = ("accuracy", "acc", "auc", "precision", "recall", "score", "iou", "r2", "f1", "positives", "negatives")
