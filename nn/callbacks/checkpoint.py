"""ModelCheckpoint: the model's file after each epoch, or its best one."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import autograd_core as ag

from .base import Logs, Monitor
from .progress import figures


class ModelCheckpoint(Monitor):
    """Save the model, or its weights, while it is trained.

    Parameters
    ----------
    filepath : path
        May hold fields: ``"epoch {epoch:02d} {val_loss:.3f}.safetensors"``; ``epoch`` counts from 1, ``batch`` is there
        if it is saved after steps.
    monitor : str
        Figure that says what is best.
    verbose : int
        1 says what was saved.
    save_best_only : bool
        Only when the figure is better than ever before.
    save_weights_only : bool
        ``model.save_weights`` in place of ``model.save``, which keeps the optimizer's state, too.
    mode : {"auto", "min", "max"}
        See ``Monitor``.
    save_freq : "epoch" or int
        An integer: after each so many steps.
    initial_value_threshold : float, optional
        Best value so far, of an earlier training.
    """

    needs_step_figures = False

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode)
        check_frequency("ModelCheckpoint", save_freq)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = math.nan if initial_value_threshold is None else initial_value_threshold
        self._steps = 0
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_epoch_resume(self, epoch: int) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._steps += 1
        if self._steps % int(self.save_freq) == 0:
            self._save({name: float(value) for name, value in self.step_figures(logs).items()}, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs or {})

    def _save(self, logs: Logs, **fields: int) -> None:
        if self.save_best_only:
            current = self.value_in(logs)
            if current is None or not self.is_better(current, self.best):
                return
            self.best = current
        try:
            path = self.filepath.format(epoch=self._epoch + 1, **fields, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise ag.DomainError(
                f"ModelCheckpoint: the file name {self.filepath!r} has a field that is not known ({error}); there are: "
                f"{', '.join(['epoch', *fields, *logs])}."
            ) from error
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"Epoch {self._epoch + 1}: wrote {path} ({figures(logs)})", flush=True)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self._steps = state["best"], state["steps"]


def check_frequency(own: str, value: Any) -> None:
    """Raise an error unless ``value`` is "epoch" or an integer of at least 1."""
    if value != "epoch" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ag.DomainError(f"{own}: save_freq is {value!r}; expected 'epoch' or an integer of at least 1.")
