"""Writing figures down, and calling functions of the user's: CSVLogger, LambdaCallback."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Callback, Logs


class CSVLogger(Callback):
    """Write the figures of each epoch to a table: one line each, flushed at once.

    Parameters
    ----------
    filename : path
    separator : str
    append : bool
        Write behind what is there (of a training that went before), in place of a new file.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        self.path = Path(filename)
        self.separator = separator
        self.append = append
        self._file: Any = None
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._names = None
        continues = self.append and self.path.exists() and self.path.stat().st_size > 0
        if continues:
            with self.path.open(newline="") as file:
                self._names = next(csv.reader(file, delimiter=self.separator))[1:]
        self._open("a" if continues else "w")

    def _open(self, mode: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open(mode, newline="")
        except OSError as error:
            raise ag.DataError(f"CSVLogger: {self.path} cannot be written: {error.strerror}.") from error

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.separator, lineterminator="\n")
        if self._names is None:
            # Figures of a validation that comes later than after the first epoch have their column, too.
            extra = [f"val_{name}" for name in logs if not name.startswith("val_") and f"val_{name}" not in logs]
            validates = getattr(self.model.progress, "validation", None) is not None
            self._names = [*logs, *(extra if validates else [])]
            writer.writerow(["epoch", *self._names])
        writer.writerow([epoch, *(_cell(logs.get(name)) for name in self._names)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def state_dict(self) -> dict[str, Any]:
        """The lines so far: a training that goes on after a crash writes no line twice."""
        text = self.path.read_text() if self.path.exists() else ""
        return {"names": self._names, "text": text}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.close()
        self._open("w")
        self._file.write(state["text"])
        self._file.flush()
        self._names = state["names"]


def _cell(value: Any) -> Any:
    if value is None:
        return "NA"
    array = np.asarray(value)
    return repr(float(array)) if not array.ndim else str(array.tolist())


class LambdaCallback(Callback):
    """Functions in place of methods: ``LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))``.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Of ``epoch`` and ``logs``.
    on_train_begin, on_train_end : callable, optional
        Of ``logs``.
    on_train_batch_begin, on_train_batch_end : callable, optional
        Of ``batch`` and ``logs``.
    **others
        Any other method of ``Callback``.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **others: Callable[..., Any],
    ):
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end, **others,
        }  # fmt: skip
        for name, function in given.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                known = ", ".join(sorted(entry for entry in vars(Callback) if entry.startswith("on_")))
                raise ag.DomainError(f"LambdaCallback: there is no {name!r}; there are: {known}.")
            if function is not None:
                setattr(self, name, _with_logs(function))


def _with_logs(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` called with all its arguments, also where ``logs`` is left out by the caller."""

    def call(*args: Any) -> Any:
        wanted = 2 if args and isinstance(args[0], int) else 1
        return function(*args, *([None] * (wanted - len(args))))

    return call
