"""Trainer: ``compile``, ``fit``, ``evaluate`` and ``predict``, for every model.

``fit`` is a loop over epochs and batches around ``train_step``, which is a tape, a loss, a gradient and a step of the
optimizer, in ten lines. A model that trains in another way defines its own ``train_step``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import optim

from . import fitting
from . import metrics as metrics_module
from .callbacks import Callback, History, figures
from .compiled import CompiledLoss, CompiledMetrics
from .data.structure import as_element, leaves
from .feeding import Feed, Weighted, checked_arrays, unpacked
from .layer import Layer
from .shapes import positive
from .steps import Steps


class Trainer(Layer):
    """What a Model has beyond a Layer, apart from its structure."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.optimizer: optim.Optimizer | None = None
        self.loss: Any = None
        self.stop_training = False  # a callback may set it
        self.history: History | None = None  # of the last call of fit
        self.progress: fitting.Fit | None = None  # the present call of fit: epoch, step, order
        self._compiled_loss: CompiledLoss | None = None
        self._compiled_metrics: CompiledMetrics | None = None
        self._loss_mean: metrics_module.Mean | None = None
        self.run_eagerly = False
        self.steps_per_execution = 1
        self.jit_compile: Any = "auto"
        object.__setattr__(self, "_compiled_steps", Steps(self))  # nothing in it is a layer of this model

    def compile(
        self,
        optimizer: str | optim.Optimizer = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how to train.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or function of ``y_true`` and ``y_pred``; for several outputs a list or dict of them
        loss_weights : float, or list or dict of float, optional
            Factors of the losses of several outputs.
        metrics : sequence of str, Metric or function; for several outputs a list of lists, or a dict
            "accuracy" (or "acc") is the accuracy that fits the shapes: of labels given as integers, of one-hot rows, or
            of a single output against a threshold.
        weighted_metrics
            Metrics that heed sample weights and class weights.
        run_eagerly : bool
            Run each step as the Python that it is, for finding faults: with prints and breakpoints.
        jit_compile : bool or "auto"
            What the steps are compiled for: True Numba, however few they are (it needs the extra ``jit``), False NumPy
            alone, "auto" what pays for as many steps as there are. See ``autograd_core.function``.
        steps_per_execution : int
            Steps that ``fit`` makes between two calls of the callbacks' ``on_train_batch_begin`` and ``..._end``.
        auto_scale_loss
            Accepted as in Keras.

        Raises
        ------
        DomainError
            For an unknown name; the model stays as it was.

        Notes
        -----
        ``fit``, ``evaluate`` and ``predict`` run their steps as compiled plans, unless there are few of them:
        ``train_step``, ``test_step`` and ``predict_step`` are traced once for each shape of a batch (the last, smaller
        one has a plan of its own), and what is Python in them happens then. Learning rates, ``trainable`` and rates of
        dropout may change from step to step; for other attributes that are changed, call ``compile`` again. A step that
        cannot be traced, because it asks for the value of a Tensor, runs eagerly, with a warning that names the line;
        with ``jit_compile=True`` the error is raised. ``train_on_batch`` and calls of the model itself run eagerly.
        """
        if jit_compile not in (True, False, "auto"):
            raise ag.DomainError(f'compile: jit_compile is {jit_compile!r}; expected True, False or "auto".')
        positive("compile", "steps_per_execution", steps_per_execution)
        names = self._output_names()
        made = optim.get(optimizer)
        compiled_loss = None if loss is None else CompiledLoss(loss, loss_weights, names)
        compiled_metrics = CompiledMetrics(metrics, weighted_metrics, names)
        self.optimizer = made
        self.loss = loss if compiled_loss is None or compiled_loss.loss is None else compiled_loss.loss
        self.run_eagerly = bool(run_eagerly)
        self.steps_per_execution = int(steps_per_execution)
        self.jit_compile = jit_compile
        object.__setattr__(self, "_compiled_steps", Steps(self))
        self._compiled_loss = compiled_loss
        self._compiled_metrics = compiled_metrics
        self._loss_mean = metrics_module.Mean("loss")
        # What was asked for, for `save`; a name says more than the object made from it.
        asked = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        object.__setattr__(self, "_asked", asked)  # nothing in it is a layer of this model

    def _output_names(self) -> list[str] | None:
        """Names of the outputs where they are known before the first call."""
        return None

    @property
    def compiled(self) -> bool:
        """Whether ``compile`` was called."""
        return self.optimizer is not None

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """The running mean of the loss, the metrics asked for, and metrics that are attributes of the model."""
        found: list[metrics_module.Metric] = [] if self._loss_mean is None else [self._loss_mean]
        if self._compiled_loss is not None:
            found += self._compiled_loss.trackers
        if self._compiled_metrics is not None:
            found += self._compiled_metrics.all
        for value in list(self.__dict__.values()):
            if isinstance(value, metrics_module.Metric) and not any(value is known for known in found):
                found.append(value)
        return found

    @property
    def metrics_names(self) -> list[str]:
        """Names of the figures, in order."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Let all metrics forget what they have collected."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Figures so far, by name."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            found.update(value if isinstance(value, dict) else {metric.name: value})
        return found

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
        x, y, sample_weight = unpacked(data)
        optimizer: Any = self.optimizer
        with ag.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
            scaled = loss if optimizer.loss_scale_factor is None else optimizer.scale_loss(loss)
        variables = self.trainable_variables
        optimizer.apply_gradients(list(zip(tape.gradient(scaled, variables), variables, strict=True)))
        return self._figures(loss, x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Compute loss and metrics for one batch, without training."""
        x, y, sample_weight = unpacked(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        return self._figures(loss, x, y, y_pred, sample_weight)

    def predict_step(self, x: Any) -> Any:
        """Compute the output for one batch."""
        return self(x, training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> ag.Tensor:
        """Loss of one batch: that given to ``compile``, and what layers add (regularizers, ``add_loss``).

        ``x`` is there for a model that wants it.
        """
        extra = self.losses
        if self._compiled_loss is None:
            if not extra:
                raise ag.AutogradError(
                    f"{self.name}: no loss is known; give one to compile(loss=...), or define compute_loss or "
                    "train_step."
                )
            return sum(extra[1:], extra[0])
        if y is None:
            raise ag.StructureError(
                f"{self.name}: the loss {getattr(self.loss, 'name', self.loss)} compares with y, and no y was given."
            )
        loss = self._compiled_loss(y, y_pred, sample_weight)
        for penalty in extra:
            loss = loss + penalty
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Take a batch into the metrics given to ``compile``, and give all results so far."""
        if self._compiled_metrics is not None and y is not None:
            self._compiled_metrics.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _figures(self, loss: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        # The last batch of an epoch may be smaller, and counts for less.
        size = len(y_pred) if y_pred.__class__ is ag.Tensor else len(leaves(_as_tuple(y_pred))[0])
        self._loss_mean.update_state(loss, sample_weight=size)  # type: ignore[union-attr]
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one step with one batch; the metrics go on from where they were (``reset_metrics`` starts anew).

        Returns
        -------
        float, list of float, or dict
            As ``evaluate``.
        """
        self._check_compiled("train_on_batch")
        batch = _batch("train_on_batch", x, y, sample_weight)
        if class_weight is not None:
            batch = Weighted(Feed(), class_weight).weighted(batch)
        return fitting.given_back(fitting.floats(self.train_step(batch)), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch; see ``train_on_batch``."""
        self._check_compiled("test_on_batch")
        logs = self.test_step(_batch("test_on_batch", x, y, sample_weight))
        return fitting.given_back(fitting.floats(logs), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Output for one batch, as NumPy arrays."""
        return fitting.joined([self.predict_step(_batch("predict_on_batch", x)[0])])

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
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        seed: int | np.random.Generator | None = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        x : array_like, structure of arrays, Dataset, generator, or object with ``len`` and ``[i]``
            Inputs. All but arrays give batches ``(x, y)`` or ``(x, y, sample_weight)``; then neither ``y`` nor
            ``batch_size`` is given.
        y : array_like, or structure of arrays
            What is true for each sample.
        batch_size : int, optional
            32 if None. The last batch of an epoch may be smaller.
        epochs : int
            How many times to go through the data (up to this number, counted from ``initial_epoch``).
        verbose : {"auto", 0, 1, 2}
            0 shows nothing; 2 a line per epoch; "auto" and 1 a bar on a terminal or in a notebook, a line per epoch
            elsewhere.
        callbacks : sequence of Callback, optional
        validation_split : float
            This part of the samples, the last ones, is not trained with but evaluated after each epoch.
        validation_data : tuple or Dataset, optional
            ``(x, y)`` or ``(x, y, sample_weight)`` to evaluate after each epoch.
        shuffle : bool
            Whether to go through the samples in a new random order in each epoch. (A Dataset has its own order.)
        class_weight : dict from int to float, optional
            Multiplies the loss of the samples of a class.
        sample_weight : array_like, optional
            Multiplies the loss of each sample.
        initial_epoch : int
        steps_per_epoch : int, optional
            Batches in an epoch, where the data has no end, or an epoch is to be shorter.
        validation_steps, validation_batch_size : int, optional
            Of the validation; ``batch_size`` if None.
        validation_freq : int
            Evaluate after each so many epochs.
        seed : int, numpy.random.Generator or None
            Of the order of the samples; None is different in every run (unless ``nn.utils.set_random_seed`` was
            called).

        Returns
        -------
        History
            ``.history`` has a list per figure, with one entry per epoch; ``.plot()`` draws them.
        """
        self._check_compiled("fit")
        return fitting.Fit(
            self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
            class_weight, sample_weight, initial_epoch, steps_per_epoch, validation_steps, validation_batch_size,
            validation_freq, seed,
        ).run()  # fmt: skip

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics over all samples.

        Parameters
        ----------
        x, y, batch_size, sample_weight
            As for ``fit``.
        verbose : {"auto", 0, 1, 2}
            0 shows nothing, anything else a line.
        steps : int, optional
            Batches to look at, where the data has no end.
        callbacks : sequence of Callback, optional
        return_dict : bool
            Give a dict from name to figure.

        Returns
        -------
        float, list of float, or dict
            The loss alone if there are no metrics; otherwise the loss and the metrics, in order.
        """
        self._check_compiled("evaluate")
        logs = fitting.evaluated(self, "evaluate", (x, y, sample_weight), batch_size, steps, callbacks or ())
        if verbose:
            print(figures(logs), flush=True)
        return fitting.given_back(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> Any:
        """Output for all samples, computed batch by batch.

        Parameters
        ----------
        x : array_like, structure of arrays, Dataset or generator of batches (inputs alone, or tuples beginning so)
        batch_size : int, optional
            32 if None.
        verbose : {"auto", 0, 1, 2}
            Accepted as in Keras; nothing is shown.
        steps : int, optional
            Batches to look at, where the data has no end.
        callbacks : sequence of Callback, optional

        Returns
        -------
        numpy.ndarray, or a structure of them like the output
        """
        return fitting.predicted(self, x, batch_size, steps, callbacks or ())

    def _check_compiled(self, asked: str) -> None:
        if self.optimizer is None:
            raise ag.AutogradError(
                f"{self.name}.{asked}: call compile(optimizer=..., loss=..., metrics=[...]) on the model first."
            )


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _batch(asked: str, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, ...]:
    """One batch as Tensors."""
    arrays = checked_arrays(asked, x, y, sample_weight)
    return as_element(arrays)
