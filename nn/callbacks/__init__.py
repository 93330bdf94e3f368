"""Callbacks: what happens around the steps of ``fit``. Keras's names, arguments and defaults."""

from __future__ import annotations

from .backup import BackupAndRestore
from .base import Callback
from .checkpoint import ModelCheckpoint
from .history import History
from .logging import CSVLogger, LambdaCallback
from .progress import ProgbarLogger, figures
from .rates import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping, TerminateOnNaN
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler",
    "ModelCheckpoint", "ProgbarLogger", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN", "figures",
]  # fmt: skip
