"""Trainer: ``compile``, ``fit``, ``evaluate`` and ``predict``, for every model.

``fit`` is a loop over epochs and batches around ``train_step``, which is a tape, a loss, a gradient and a step of the
optimizer, in ten lines. A model that trains in another way defines its own ``train_step``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import optim

from . import losses
from . import metrics as metrics_module
from .callbacks import Callback, History, Progress, figures
from .data import Dataset
from .layer import Layer

DEFAULT_BATCH_SIZE = 32


class Trainer(Layer):
    """What a Model has beyond a Layer, apart from its structure."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.optimizer: optim.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.stop_training = False  # a callback may set it
        self._loss_mean: metrics_module.Mean | None = None
        self._wanted_metrics: tuple[Any, ...] = ()
        self._metrics: tuple[metrics_module.Metric, ...] | None = None  # made when the first labels are seen

    def compile(
        self,
        optimizer: str | optim.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | None = None,
        metrics: Sequence[Any] | None = None,
    ) -> None:
        """Say how to train.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or function of ``y_true`` and ``y_pred``
        metrics : sequence of str, Metric or function
            "accuracy" (or "acc") is the accuracy that fits the shapes: of labels given as integers, of one-hot rows, or
            of a single output against a threshold.
        """
        self.optimizer = optim.get(optimizer)
        self.loss = None if loss is None else losses.get(loss)
        self._loss_mean = metrics_module.Mean("loss")
        wanted = [metrics] if isinstance(metrics, (str, metrics_module.Metric)) else (metrics or [])
        self._wanted_metrics = tuple(_resolved(entry) for entry in wanted)
        self._metrics = None

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """The running mean of the loss, and the metrics asked for (known after the first batch)."""
        return [*([] if self._loss_mean is None else [self._loss_mean]), *(self._metrics or ())]

    # -- one step --------------------------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """Make one training step.

        Parameters
        ----------
        data : tuple
            ``(x, y)`` or ``(x, y, sample_weight)``: one batch, as Tensors.

        Returns
        -------
        dict of str to number
            Figures to show, by name.
        """
        x, y, sample_weight = _unpacked(data)
        with ag.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))  # type: ignore[union-attr]
        return self.compute_metrics(loss, y, y_pred)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Compute loss and metrics for one batch, without training."""
        x, y, sample_weight = _unpacked(data)
        y_pred = self(x, training=False)
        return self.compute_metrics(self.compute_loss(x, y, y_pred, sample_weight), y, y_pred)

    def predict_step(self, x: Any) -> Any:
        """Compute the output for one batch."""
        return self(x, training=False)

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> ag.Tensor:
        """Loss of one batch: that given to ``compile``. ``x`` is there for a model that wants it."""
        if self.loss is None:
            raise ag.AutogradError(
                f"{self.name}: no loss is known; give one to compile(loss=...), or define compute_loss or train_step."
            )
        if y is None:
            raise ag.StructureError(f"{self.name}: the loss {self.loss.name} compares with y, and no y was given.")
        return self.loss(y, y_pred, sample_weight)

    def compute_metrics(self, loss: Any, y: Any, y_pred: Any) -> dict[str, Any]:
        """Take a batch into the metrics, and give the results so far. The metrics do not heed sample weights."""
        if self._metrics is None:
            self._metrics = tuple(_made(entry, y, y_pred) for entry in self._wanted_metrics)
        # The last batch of an epoch may be smaller, and counts for less.
        self._loss_mean.update_state(loss, sample_weight=len(_leaves(y_pred)[0]))  # type: ignore[union-attr]
        for metric in self._metrics:
            metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    # -- loops -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        seed: int | np.random.Generator | None = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        x : array_like, structure of arrays, or Dataset
            Inputs. A Dataset gives batches ``(x, y)`` or ``(x, y, sample_weight)``; then neither ``y`` nor
            ``batch_size`` is given.
        y : array_like
            What is true for each sample.
        batch_size : int, optional
            32 if None. The last batch of an epoch may be smaller.
        epochs : int
            How many times to go through the data (up to this number, counted from ``initial_epoch``).
        verbose : {"auto", 0, 1, 2}
            0 shows nothing; 2 a line per epoch; "auto" and 1 a bar on a terminal, a line per epoch elsewhere.
        callbacks : sequence of Callback, optional
        validation_split : float
            This part of the samples, the last ones, is not trained with but evaluated after each epoch.
        validation_data : tuple or Dataset, optional
            ``(x, y)`` or ``(x, y, sample_weight)`` to evaluate after each epoch.
        shuffle : bool
            Whether to go through the samples in a new random order in each epoch. (A Dataset has its own order.)
        sample_weight : array_like, optional
            Multiplies the loss of each sample.
        initial_epoch : int
        seed : int, numpy.random.Generator or None
            Of the order of the samples; None is different in every run.

        Returns
        -------
        History
            ``.history`` has a list per figure, with one entry per epoch.
        """
        self._check_compiled("fit")
        if isinstance(x, Dataset):
            if y is not None or batch_size is not None or validation_split:
                raise ag.StructureError("fit: x is a Dataset, so y, batch_size and validation_split must not be given.")
            batches: Dataset = x
        else:
            arrays = _checked("fit", x, y, sample_weight)
            if validation_split:
                arrays, validation_data = _split(arrays, validation_split)
            batches = _batches(arrays, batch_size, np.random.default_rng(seed) if shuffle else None)
        history = History()
        watchers = [history, *(callbacks or ()), *([Progress(False if verbose == 2 else None)] if verbose else [])]
        for watcher in watchers:
            watcher.set_model(self)
            watcher.set_params({"epochs": epochs, "steps": len(batches), "verbose": verbose})
        before_batch = _overriding(watchers, "on_train_batch_begin")
        after_batch = _overriding(watchers, "on_train_batch_end")
        self.stop_training = False
        for watcher in watchers:
            watcher.on_train_begin()
        try:
            for epoch in range(initial_epoch, epochs):
                for watcher in watchers:
                    watcher.on_epoch_begin(epoch)
                logs = self._run_epoch(batches, before_batch, after_batch)
                if validation_data is not None:
                    found = self._evaluated(validation_data, batch_size)
                    logs.update({f"val_{name}": value for name, value in found.items()})
                for watcher in watchers:
                    watcher.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        finally:
            for watcher in watchers:
                watcher.on_train_end()
        return history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics over all samples.

        Parameters
        ----------
        x, y, batch_size, sample_weight
            As for ``fit``.
        verbose : {"auto", 0, 1, 2}
            0 shows nothing, anything else a line.
        return_dict : bool
            Give a dict from name to figure.

        Returns
        -------
        float, list of float, or dict
            The loss alone if there are no metrics; otherwise the loss and the metrics, in order.
        """
        self._check_compiled("evaluate")
        logs = self._evaluated(x if isinstance(x, Dataset) else (x, y, sample_weight), batch_size)
        if verbose:
            print(figures(logs), flush=True)
        if return_dict:
            return logs
        return list(logs.values()) if len(logs) > 1 else next(iter(logs.values()))

    def predict(self, x: Any, batch_size: int | None = None, verbose: str | int = "auto") -> Any:
        """Output for all samples, computed batch by batch.

        Parameters
        ----------
        x : array_like, structure of arrays, or Dataset of batches (of inputs alone, or of tuples that begin with them)
        batch_size : int, optional
            32 if None.
        verbose : {"auto", 0, 1, 2}
            Accepted as in Keras; nothing is shown.

        Returns
        -------
        numpy.ndarray, or a structure of them like the output
        """
        if isinstance(x, Dataset):
            parts = [self.predict_step(data[0] if isinstance(data, tuple) else data) for data in x]
        else:
            (arrays,) = _checked("predict", x, None, None)
            parts = [self.predict_step(data) for (data,) in _batches((arrays,), batch_size, None)]
        return _joined(parts)

    def _run_epoch(self, batches: Dataset, before: Sequence[Any], after: Sequence[Any]) -> dict[str, float]:
        for metric in self.metrics:
            metric.reset_state()
        logs: dict[str, Any] = {}
        for number, data in enumerate(batches):
            for call in before:
                call(number)
            logs = self.train_step(data)
            for call in after:
                call(number, logs)
        return {name: float(value) for name, value in logs.items()}

    def _evaluated(self, data: Any, batch_size: int | None) -> dict[str, float]:
        if not isinstance(data, Dataset):
            data = _batches(_checked("evaluate", *data), batch_size, None)
        for metric in self.metrics:
            metric.reset_state()
        logs: dict[str, Any] = {}
        for batch in data:
            logs = self.test_step(batch)
        return {name: float(value) for name, value in logs.items()}

    def _check_compiled(self, asked: str) -> None:
        if self.optimizer is None:
            raise ag.AutogradError(
                f"{self.name}.{asked}: call compile(optimizer=..., loss=..., metrics=[...]) on the model first."
            )


def _resolved(entry: Any) -> Any:
    """A metric, or the name "accuracy", whose meaning depends on the first batch."""
    if isinstance(entry, str) and entry.lower() in ("accuracy", "acc"):
        return entry
    return metrics_module.get(entry)


def _made(entry: Any, y: Any, y_pred: Any) -> metrics_module.Metric:
    return metrics_module.accuracy_for(y.shape, y_pred.shape, entry) if isinstance(entry, str) else entry


def _unpacked(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch; None for what is not there."""
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ag.StructureError(
            f"a batch must be (x,), (x, y) or (x, y, sample_weight); got a tuple of {len(data)}. Several inputs go "
            "together in one tuple: ((x1, x2), y)."
        )
    return (*data, None, None)[:3]  # type: ignore[return-value]


def _checked(asked: str, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, ...]:
    """Arrays that are there, after checking that they can be cut into batches together."""
    if x is None:
        raise ag.StructureError(f"{asked}: x is None; give an array or a Dataset.")
    if sample_weight is not None and y is None:
        raise ag.StructureError(f"{asked}: sample_weight was given without y.")
    arrays = tuple(value for value in (x, y, sample_weight) if value is not None)
    lengths = [len(leaf) if np.ndim(leaf) else None for value in arrays for leaf in _leaves(value)]
    if len(set(lengths)) > 1 or None in lengths:
        raise ag.ShapeError(
            f"{asked}: the first axes of x, y (and sample_weight) have lengths {lengths}; they must be the same: one "
            "entry of each for every sample."
        )
    if not lengths[0]:
        raise ag.ShapeError(f"{asked}: there is no sample: the first axis has length 0.")
    return arrays


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for entry in value.values() for leaf in _leaves(entry)]
    return [leaf for entry in value for leaf in _leaves(entry)] if isinstance(value, tuple) else [value]


def _batches(arrays: tuple[Any, ...], batch_size: int | None, order: np.random.Generator | None) -> Dataset:
    dataset = Dataset.from_tensor_slices(arrays)
    if order is not None:
        dataset = dataset.shuffle(len(dataset), seed=order)
    return dataset.batch(DEFAULT_BATCH_SIZE if batch_size is None else batch_size)


def _split(arrays: tuple[Any, ...], fraction: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """All but the last ``fraction`` of the samples, and those."""
    count = len(_leaves(arrays)[0])
    at = count - int(count * fraction) if 0 < fraction < 1 else 0
    if not 0 < at < count:
        raise ag.DomainError(
            f"fit: validation_split is {fraction!r} of {count} samples; expected a part between 0 and 1 that leaves at "
            "least one sample on each side."
        )
    return _cut(arrays, slice(None, at)), _cut(arrays, slice(at, None))


def _cut(value: Any, where: slice) -> Any:
    if isinstance(value, dict):
        return {key: _cut(entry, where) for key, entry in value.items()}
    return tuple(_cut(entry, where) for entry in value) if isinstance(value, tuple) else np.asarray(value)[where]


def _joined(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, dict):
        return {key: _joined([part[key] for part in parts]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_joined(column) for column in zip(*parts, strict=True))
    return np.concatenate([ag.convert_to_tensor(part).array for part in parts])


def _overriding(watchers: Iterable[Callback], method: str) -> list[Any]:
    """Bound methods of the callbacks that define ``method``: the others cost nothing per batch."""
    return [
        getattr(watcher, method)
        for watcher in watchers
        if getattr(type(watcher), method) is not getattr(Callback, method)
    ]
