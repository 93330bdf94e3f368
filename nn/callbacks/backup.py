"""BackupAndRestore: a training that was killed goes on as if nothing had happened."""

from __future__ import annotations

import os
from pathlib import Path

import autograd_core as ag

from .. import saving
from .base import Callback, Logs
from .checkpoint import check_frequency


class BackupAndRestore(Callback):
    """Save everything about a training again and again; if there is such a file when ``fit`` begins, go on from it.

    What is saved: weights, optimizer state and number of steps, metrics, random generators of layers and of the order
    of the samples, epoch and step, the history, and what the other callbacks remember. A training that is killed and
    started again therefore ends with the same weights, bit for bit, as one that was not. (A generator of batches cannot
    be put back; nor can functions of the user's that draw random numbers. Where a program draws weights without a seed,
    they come from the backup, if there is one.)

    Each backup is one file, written beside the last one and put in its place when it is complete.

    Parameters
    ----------
    backup_dir : path
        Folder of this training alone; made if it is not there.
    save_freq : "epoch" or int
        An integer: after each so many steps, too.
    double_checkpoint : bool
        Accepted as in Keras; a file that is complete always stays until the next one is.
    delete_checkpoint : bool
        Remove the backup when the training is over, so that the next one starts anew.
    """

    needs_step_figures = False

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        check_frequency("BackupAndRestore", save_freq)
        if not os.fspath(backup_dir):
            raise ag.DomainError("BackupAndRestore: backup_dir is empty; give a folder.")
        self.folder = Path(backup_dir)
        self.path = self.folder / "backup.safetensors"
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self._steps = 0
        self._complete = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._complete = False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ag.DataError(
                f"BackupAndRestore: the folder {self.folder} cannot be made: {error.strerror}."
            ) from error
        saving.remove_leftovers(self.path)
        if self.path.exists():
            self._restore()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq != "epoch":
            self._steps += 1
            if self._steps % int(self.save_freq) == 0:
                self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        progress = self.model.progress
        self._complete = progress.epoch >= progress.epochs or self.model.stop_training
        progress.afterwards(self._save)  # the callbacks after this one have something to remember, too

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._complete and self.delete_checkpoint:
            self.path.unlink(missing_ok=True)

    def _save(self) -> None:
        progress = self.model.progress
        others = [
            {"class_name": type(callback).__name__, "state": callback.state_dict()}
            for callback in progress.callbacks
            if callback is not self
        ]
        fit = {
            "epoch": progress.epoch,
            "step": progress.step,
            "steps": self._steps,
            "order": progress.order,
            "feed": progress.feed.random_state(),
            "stopped": self.model.stop_training,
        }
        state = {**saving.training_state(self.model), "fit": fit, "callbacks": others}
        saving.write(self.path, "training", state)

    def _restore(self) -> None:
        progress = self.model.progress
        state = saving.read(self.path, "training")
        others = [callback for callback in progress.callbacks if callback is not self]
        saved = state["callbacks"]
        if [entry["class_name"] for entry in saved] != [type(callback).__name__ for callback in others]:
            raise ag.StructureError(
                f"BackupAndRestore: the backup in {self.folder} is of a training with the callbacks "
                f"{[entry['class_name'] for entry in saved]}; this one has {[type(c).__name__ for c in others]}. Use "
                "the same ones, or another folder."
            )
        progress.build_model()
        saving.restore_training(self.model, state, str(self.path))
        fit = state["fit"]
        progress.epoch, progress.step, self._steps = fit["epoch"], fit["step"], fit["steps"]
        self.model.stop_training = fit["stopped"]
        self._complete = progress.epoch >= progress.epochs or fit["stopped"]  # killed before it could be removed
        progress.order = fit["order"] if fit["order"] is not None else fit["feed"]
        progress.afterwards(
            lambda: [callback.load_state_dict(entry["state"]) for callback, entry in zip(others, saved, strict=True)]
        )
