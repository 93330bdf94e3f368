"""TensorBoard: figures of a training as event files, which the program ``tensorboard`` shows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag

from .base import Callback, Logs


class TensorBoard(Callback):
    """Write the figures of each epoch (or each so many steps), and histograms of the weights, for TensorBoard.

    Needs the package ``tensorboard``, whose writer is used: ``pip install "autograd-core[tensorboard]"``.

    Parameters
    ----------
    log_dir : path
        The folders ``train`` and ``validation`` are made in it.
    histogram_freq : int
        Histograms of all weights after each so many epochs; 0 for none.
    write_graph, write_images, write_steps_per_second : bool
        ``write_steps_per_second`` adds the speed of each epoch; the others are accepted as in Keras, and not used.
    update_freq : "epoch", "batch" or int
        An integer: the figures of the training after each so many steps, too.
    profile_batch, embeddings_freq, embeddings_metadata
        Accepted as in Keras, and not used.
    """

    needs_step_figures = False

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        self.folder = Path(log_dir)
        self.histogram_freq = histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._steps = 0
        self._epoch_began = (0.0, 0)
        _proto()  # if the package is missing, say so before the training

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_began = (time.perf_counter(), self._steps)

    def on_epoch_resume(self, epoch: int) -> None:
        self.on_epoch_begin(epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._steps += 1
        if self.update_freq != "epoch" and self._steps % int(self.update_freq) == 0:
            for name, value in self.step_figures(logs).items():
                self._scalar("train", f"batch_{name}", value, self._steps)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        for name, value in (logs or {}).items():
            where, short = ("validation", name[4:]) if name.startswith("val_") else ("train", name)
            self._scalar(where, f"epoch_{short}", value, epoch)
        if self.write_steps_per_second:
            began, steps = self._epoch_began
            speed = (self._steps - steps) / (time.perf_counter() - began)
            self._scalar("train", "epoch_steps_per_second", speed, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for weight in self.model.weights:
                self._histogram(str(weight.name), weight.array, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _scalar(self, where: str, name: str, value: Any, step: int) -> None:
        array = np.asarray(getattr(value, "array", value))
        if not array.ndim:
            summary = _proto()[1]
            self._write(where, summary.Value(tag=name, simple_value=float(array)), step)

    def _histogram(self, name: str, values: Any, step: int) -> None:
        summary, histogram = _proto()[1], _proto()[2]
        flat = np.asarray(values, np.float64).ravel()
        flat = flat[np.isfinite(flat)]
        if not flat.size:
            return
        counts, edges = np.histogram(flat, bins=30)
        found = histogram(
            min=flat.min(), max=flat.max(), num=flat.size, sum=flat.sum(), sum_squares=(flat * flat).sum(),
            bucket_limit=edges[1:].tolist(), bucket=counts.tolist(),
        )  # fmt: skip
        self._write("train", summary.Value(tag=name, histo=found), step)

    def _write(self, where: str, value: Any, step: int) -> None:
        event, summary, _, writer = _proto()
        if where not in self._writers:
            folder = self.folder / where
            folder.mkdir(parents=True, exist_ok=True)
            self._writers[where] = writer(str(folder))
        self._writers[where].add_event(event(wall_time=time.time(), step=step, summary=summary(value=[value])))

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._steps = state["steps"]


def _proto() -> tuple[Any, Any, Any, Any]:
    """Event, Summary, HistogramProto, and the writer of TensorBoard's own package."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.histogram_pb2 import HistogramProto
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise ag.MissingExtraError(
            'TensorBoard needs the package "tensorboard", which is not installed; install it with: '
            'pip install "autograd-core[tensorboard]"'
        ) from None
    return Event, Summary, HistogramProto, EventFileWriter
