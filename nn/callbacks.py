"""Callbacks: what happens around the steps of ``fit``. ``History`` keeps the figures, ``Progress`` shows them."""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

__all__ = ["Callback", "History", "Progress"]

Logs = dict[str, Any]


class Callback:
    """Base of all callbacks: methods that ``fit`` calls; each does nothing unless a subclass defines it.

    ``logs`` are the figures by name, as Python floats at the end of an epoch; at the end of a batch they are as the
    training step gave them (the running mean of the epoch so far), so that nothing is converted for nobody.
    """

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Tell the callback which model is trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell the callback the number of ``epochs`` and ``steps``, and ``verbose``."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before each epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After each epoch; the figures of the validation data begin with ``val_``."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before each step, counted from 0 in its epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After each step."""


class History(Callback):
    """Figures of every epoch: ``history["loss"]`` is a list with one entry per epoch, ``epoch`` their numbers."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class Progress(Callback):
    """A line per epoch; on a terminal, with tqdm installed, a bar that fills while the epoch runs.

    Parameters
    ----------
    bar : bool or None
        None: if the output goes to a terminal and tqdm is there.
    """

    refresh = 0.1  # seconds between two looks at the figures

    def __init__(self, bar: bool | None = None):
        self.bar = bar
        self._shown: Any = None
        self._start = self._next = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start = time.perf_counter()
        self._next = self._start + self.refresh
        self._label = f"Epoch {epoch + 1}/{self.params['epochs']}"
        if self.bar or (self.bar is None and bar_is_possible()):
            self._shown = make_bar(self.params["steps"], self._label)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._shown is None:
            return
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + self.refresh
            self._shown.set_postfix_str(figures(logs or {}), refresh=False)
            self._shown.update(batch + 1 - self._shown.n)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._shown is not None:
            self._shown.set_postfix_str(figures(logs or {}), refresh=False)
            self._shown.update(self.params["steps"] - self._shown.n)
            self._shown.close()
            self._shown = None
            return
        seconds = time.perf_counter() - self._start
        print(f"{self._label} - {self.params['steps']} steps - {seconds:.1f} s - {figures(logs or {})}", flush=True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._shown is not None:  # an epoch that an exception ended
            self._shown.close()
            self._shown = None


def bar_is_possible() -> bool:
    """Whether the output goes to a terminal, and tqdm (extra ``nn``) is installed."""
    return sys.stdout.isatty() and importlib.util.find_spec("tqdm") is not None


def make_bar(total: int, label: str) -> Any:
    """Bar of tqdm on the standard output."""
    import tqdm

    return tqdm.tqdm(total=total, desc=label, file=sys.stdout, unit="step", dynamic_ncols=True)


def figures(logs: Logs) -> str:
    """``"loss: 0.2561 - accuracy: 0.9260"``."""
    return " - ".join(f"{name}: {float(value):.4f}" for name, value in logs.items())
