"""ProgbarLogger: the training on a terminal, in a notebook, or in a file."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from typing import Any

import numpy as np

from .base import Callback, Logs


class ProgbarLogger(Callback):
    """A line per epoch; on a terminal or in a notebook, with tqdm installed, a bar that fills while the epoch runs.

    ``fit`` adds one of its own, unless ``verbose=0``.

    Parameters
    ----------
    bar : bool or None
        None: if the output goes to a terminal or a notebook and tqdm is there.
    """

    needs_step_figures = False
    refresh = 0.1  # seconds between two looks at the figures

    def __init__(self, bar: bool | None = None):
        self.bar = bar
        self._shown: Any = None
        self._start = self._next = 0.0
        self._made = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start = time.perf_counter()
        self._next = self._start + self.refresh
        self._label = f"Epoch {epoch + 1}/{self.params['epochs']}"
        self._made = 0
        if self.bar or (self.bar is None and bar_is_possible()):
            self._shown = make_bar(self.params["steps"], self._label)

    def on_epoch_resume(self, epoch: int) -> None:
        self.on_epoch_begin(epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._made = batch + 1
        if self._shown is None:
            return
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + self.refresh
            self._shown.set_postfix_str(figures(self.step_figures(logs)), refresh=False)
            self._shown.update(batch + 1 - self._shown.n)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        steps = self.params["steps"] or self._made
        if self._shown is not None:
            self._shown.set_postfix_str(figures(logs or {}), refresh=False)
            self._shown.update(steps - self._shown.n)
            self._shown.close()
            self._shown = None
            return
        seconds = time.perf_counter() - self._start
        print(f"{self._label} - {steps} steps - {seconds:.1f} s - {figures(logs or {})}", flush=True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._shown is not None:  # an epoch that an exception ended
            self._shown.close()
            self._shown = None


def bar_is_possible() -> bool:
    """Whether somebody looks at the output while it comes, and tqdm (extra ``nn``) is installed."""
    return (_is_terminal() or in_notebook()) and importlib.util.find_spec("tqdm") is not None


def _is_terminal() -> bool:
    """Whether the output goes to a terminal that has lines to draw on: tqdm draws nothing on one of no size."""
    if not sys.stdout.isatty():
        return False
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines != 0
    except (OSError, ValueError):  # something that only says that it is a terminal
        return True


def in_notebook() -> bool:
    """Whether the program runs in a Jupyter kernel."""
    return "ipykernel" in sys.modules and type(sys.stdout).__module__.startswith("ipykernel")


def make_bar(total: int | None, label: str) -> Any:
    """Bar of tqdm on the standard output."""
    import tqdm

    return tqdm.tqdm(total=total, desc=label, file=sys.stdout, unit="step", dynamic_ncols=True)


def figures(logs: Logs) -> str:
    """``"loss: 0.2561 - accuracy: 0.9260"``; small numbers as ``1.0000e-05``."""
    return " - ".join(f"{name}: {_figure(value)}" for name, value in logs.items())


def _figure(value: Any) -> str:
    array = np.asarray(getattr(value, "array", value))
    if array.ndim:
        return np.array2string(array, precision=4, threshold=8, separator=", ").replace("\n", "")
    number = float(array)
    return f"{number:.4f}" if number == 0 or abs(number) >= 1e-3 else f"{number:.4e}"
