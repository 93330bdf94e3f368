"""The loops of ``fit``, ``evaluate`` and ``predict`` around a model's steps.

``Fit`` is one call of ``fit``. It knows the epoch, the step, and the state that the order of the samples had when the
epoch began, so that a callback can save all that is needed to go on from here, and take it up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from . import losses
from .callbacks import Callback, History, ProgbarLogger
from .data.structure import as_element, leaves
from .feeding import (
    DatasetFeed,
    Feed,
    adjusted,
    array_feed,
    batch_feed,
    checked_arrays,
    cut,
    feed,
    gives_batches,
    split,
    unpacked,
)
from .steps import figures_of


class Fit:
    """One call of ``fit``; parameters as there.

    Attributes
    ----------
    epoch, step : int
        Epochs that are complete, and steps made in the present one.
    order : JSON-able
        State of the order of the samples at the beginning of the present epoch.
    batch : tuple or None
        What the present step, or the last one, is given.
    callbacks : list of Callback
        In the order in which they are called; ``History`` comes last.
    """

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any,
        batch_size: int | None,
        epochs: int,
        verbose: str | int,
        callbacks: Sequence[Callback] | None,
        validation_split: float,
        validation_data: Any,
        shuffle: bool,
        class_weight: Mapping[int, float] | None,
        sample_weight: Any,
        initial_epoch: int,
        steps_per_epoch: int | None,
        validation_steps: int | None,
        validation_batch_size: int | None,
        validation_freq: int,
        seed: Any,
    ):
        self.model = model
        _check_counts(epochs, initial_epoch, validation_batch_size, verbose)
        self.epochs = int(epochs)
        if gives_batches(x):
            if validation_split:
                raise ag.StructureError(
                    f"fit: validation_split needs arrays; x is a {type(x).__name__}. Give validation_data."
                )
            source = batch_feed("fit", x, y, sample_weight, batch_size, shuffle, seed)
            batch_size = None
        else:
            arrays = checked_arrays("fit", x, y, sample_weight)
            if _checked_split(validation_split):
                arrays, validation_data = split("fit", arrays, validation_split)
            _check_targets(model, arrays)
            source = array_feed(arrays, batch_size, shuffle, seed)
        self.feed = adjusted("fit", source, steps_per_epoch, class_weight)
        _check_end("fit", self.feed, "steps_per_epoch")
        self.validation = _checked_validation(model, validation_data)
        self.validation_steps = validation_steps
        self.validation_batch_size = validation_batch_size or batch_size
        self.validation_epochs = _validation_epochs(validation_freq)
        self.epoch = initial_epoch
        self.step = 0
        self.order: Any = None
        self.batch: Any = None
        self.history = History()
        shown = [ProgbarLogger(False if verbose == 2 else None)] if verbose else []
        # The history comes after the user's, which may add to the figures.
        self.callbacks = [*all_callbacks("fit", callbacks), *shown, self.history]
        self._verbose = verbose
        self._afterwards: list[Callable[[], Any]] = []  # what callbacks want done when all have been called
        self._outcome: Any = {}  # of the last step

    def afterwards(self, action: Callable[[], Any]) -> None:
        """Have ``action`` called when all callbacks have been told of the end of the epoch (or of the beginning)."""
        self._afterwards.append(action)

    def figures(self) -> dict[str, Any]:
        """Figures after the last step, as it gave them."""
        return figures_of(self._outcome)

    def build_model(self) -> None:
        """Make all weights and metrics, by a look at the first batch."""
        batch = self.feed.peek()
        if batch is not None:
            self.model.test_step(batch)
        self.model.reset_metrics()

    def run(self) -> History:
        """Train until the last epoch, or until a callback stops it."""
        model = self.model
        model.stop_training = False
        outer, model.progress = model.progress, self  # a callback may call fit
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params({"epochs": self.epochs, "steps": self.feed.steps, "verbose": self._verbose})
        try:
            self._call("on_train_begin")  # a callback may set the epoch, the step and the order
            first = True
            while self.epoch < self.epochs and not model.stop_training:
                self._run_epoch(resumed=first and self.step > 0)
                first = False
        finally:
            try:
                self._call("on_train_end")
            finally:
                model.progress, model.history = outer, self.history
        if model.optimizer is not None and getattr(model.optimizer, "use_ema", False):
            model.optimizer.finalize_variable_values(model.trainable_variables)
        return self.history

    def _run_epoch(self, resumed: bool) -> None:
        epoch = self.epoch
        if self.order is not None:
            self.feed.set_random_state(self.order)
        self.order = self.feed.random_state()
        if resumed:
            self._call("on_epoch_resume", epoch)
        else:
            self.model.reset_metrics()
            self._call("on_epoch_begin", epoch)
        logs = self._run_steps()
        if self.validation is not None and self.validation_epochs(epoch + 1):
            found = evaluated(
                self.model, "fit", self.validation, self.validation_batch_size, self.validation_steps,
                self.callbacks, watched=True, epochs=self.epochs,
            )  # fmt: skip
            logs.update({f"val_{name}": value for name, value in found.items()})
        self.epoch, self.step, self.order = epoch + 1, 0, None
        self._call("on_epoch_end", epoch, logs)

    def _run_steps(self) -> dict[str, float]:
        model, skip = self.model, self.step
        before, after = (
            overriding(self.callbacks, "on_train_batch_begin"),
            watching(self.callbacks, "on_train_batch_end"),
        )
        step = model._compiled_steps.of("train_step", self._steps_in_all())
        several, number = model.steps_per_execution, skip - 1
        for number, data in enumerate(self.feed.epoch(skip), skip):
            if before and (several == 1 or not number % several):
                for call in before:
                    call(number)
            self.batch = data
            self._outcome = step(data)
            self.step = number + 1
            if several != 1 and self.step % several:
                continue
            if after:
                tell(after, number, self.figures)
            if model.stop_training:
                break
        if number < skip:
            if not skip:
                raise ag.DomainError("fit: the data gave no batch.")
            # A training that was cut off after the last step of an epoch has no step left to give the figures.
            return floats(model.get_metrics_result())
        if self.step % several:
            tell(after, number, self.figures)
        return floats(self.figures() or model.get_metrics_result())

    def _steps_in_all(self) -> int | None:
        """Steps of the whole training, those before a resumption included."""
        return None if self.feed.steps is None else self.feed.steps * self.epochs

    def _call(self, method: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, method)(*args)
        while self._afterwards:
            self._afterwards.pop(0)()


def evaluated(
    model: Any,
    asked: str,
    data: tuple[Any, Any, Any],
    batch_size: int | None,
    steps: int | None,
    callbacks: Iterable[Callback],
    watched: bool = False,
    epochs: int = 1,
) -> dict[str, float]:
    """Loss and metrics of a model over data, to be asked ``epochs`` times; see ``evaluate``.

    With ``watched`` the callbacks know the model already.
    """
    x, y, sample_weight = data
    if watched and gives_batches(x):
        batch_size = None  # that of the training's arrays
    source = feed(asked, x, y, sample_weight, batch_size, steps=steps)
    _check_end(asked, source)
    callbacks = all_callbacks(asked, callbacks)
    if not watched:
        for callback in callbacks:
            callback.set_model(model)
    model.reset_metrics()
    for call in overriding(callbacks, "on_test_begin"):
        call()
    before, after = overriding(callbacks, "on_test_batch_begin"), overriding(callbacks, "on_test_batch_end")
    outcome: Any = None
    step = model._compiled_steps.of("test_step", _times(source.steps, epochs))
    for number, batch in enumerate(source.epoch()):
        for call in before:
            call(number)
        outcome = step(batch)
        if after:
            logs = figures_of(outcome)
            for call in after:
                call(number, logs)
    if outcome is None:
        raise ag.DomainError(f"{asked}: the data gave no batch.")
    found = floats(figures_of(outcome))
    for call in overriding(callbacks, "on_test_end"):
        call(found)
    return found


def predicted(model: Any, x: Any, batch_size: int | None, steps: int | None, callbacks: Iterable[Callback]) -> Any:
    """Output of a model for data."""
    source = feed("predict", x, None, None, batch_size, steps=steps)
    _check_end("predict", source)
    callbacks = all_callbacks("predict", callbacks)
    for callback in callbacks:
        callback.set_model(model)
    for call in overriding(callbacks, "on_predict_begin"):
        call()
    before, after = overriding(callbacks, "on_predict_batch_begin"), overriding(callbacks, "on_predict_batch_end")
    parts = []
    step = model._compiled_steps.of("predict_step", source.steps)
    for number, batch in enumerate(source.epoch()):
        for call in before:
            call(number)
        parts.append(step(unpacked(batch)[0] if isinstance(batch, tuple) else batch))
        for call in after:
            call(number, {"outputs": parts[-1]})
    if not parts:
        raise ag.DomainError("predict: the data gave no batch.")
    for call in overriding(callbacks, "on_predict_end"):
        call()
    return joined(parts)


def _times(steps: int | None, epochs: int) -> int | None:
    return None if steps is None else steps * epochs


def joined(parts: Sequence[Any]) -> Any:
    """Outputs of batches as one array, or structure of arrays."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: joined([part[key] for part in parts]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(joined(column) for column in zip(*parts, strict=True))
    return np.concatenate([ag.convert_to_tensor(part).array for part in parts])


def floats(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as Python floats; those that are several numbers as arrays."""
    found: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            found.update(floats(value))
            continue
        array = np.asarray(value.array if isinstance(value, (ag.Tensor, ag.Variable)) else value)
        found[name] = float(array) if not array.ndim else array
    return found


def given_back(logs: dict[str, Any], return_dict: bool) -> Any:
    """Figures in the form that ``evaluate`` gives them."""
    if return_dict:
        return logs
    return list(logs.values()) if len(logs) > 1 else next(iter(logs.values()))


def overriding(callbacks: Iterable[Callback], method: str) -> list[Any]:
    """Bound methods of the callbacks that define ``method``: the others cost nothing per batch."""
    return [getattr(callback, method) for callback in callbacks if _defines(callback, method)]


def _defines(callback: Callback, method: str) -> bool:
    return getattr(type(callback), method) is not getattr(Callback, method) or method in vars(callback)


def watching(callbacks: Iterable[Callback], method: str) -> list[tuple[Any, bool]]:
    """The same, each with whether it is to be given the figures: see ``Callback.needs_step_figures``."""
    chosen = [callback for callback in callbacks if _defines(callback, method)]
    return [(getattr(callback, method), _needs_figures(callback, method)) for callback in chosen]


def _needs_figures(callback: Callback, method: str) -> bool:
    if method in vars(callback):
        return True
    definer = next(cls for cls in type(callback).__mro__ if method in vars(cls))  # of it, not of a class behind it
    return bool(vars(definer).get("needs_step_figures", True))


def tell(watchers: Iterable[tuple[Any, bool]], number: int, figures: Callable[[], Any]) -> None:
    """Call callbacks after a step; the figures are computed if one wants them."""
    logs = None
    for call, wants in watchers:
        if wants and logs is None:
            logs = figures()
        call(number, logs if wants else None)


def all_callbacks(asked: str, callbacks: Any) -> list[Callback]:
    """Callbacks as a list, from one, from None, or from nested lists of them."""
    if callbacks is None:
        return []
    if isinstance(callbacks, Iterable) and not isinstance(callbacks, str):
        return [each for entry in callbacks for each in all_callbacks(asked, entry)]
    if not isinstance(callbacks, Callback):
        raise ag.ConversionError(
            f"{asked}: callbacks has a {type(callbacks).__name__} in it; expected callbacks (nn.callbacks)."
            + (" Is it a class? Call it." if isinstance(callbacks, type) else "")
        )
    return [callbacks]


def _check_counts(epochs: Any, initial_epoch: Any, validation_batch_size: Any, verbose: Any) -> None:
    for name, value, least in (
        ("epochs", epochs, 0),
        ("initial_epoch", initial_epoch, 0),
        ("validation_batch_size", 1 if validation_batch_size is None else validation_batch_size, 1),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ag.DomainError(f"fit: {name} is {value!r}; expected an integer of at least {least}.")
    if verbose not in ("auto", 0, 1, 2):
        raise ag.DomainError(f"fit: verbose is {verbose!r}; expected 'auto', 0, 1 or 2.")


def _checked_split(fraction: Any) -> Any:
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.number, type(None))):
        raise ag.DomainError(f"fit: validation_split is {fraction!r}; expected a number between 0 and 1.")
    return fraction


def _validation_epochs(freq: Any) -> Callable[[int], bool]:
    """Whether to evaluate after an epoch, counted from 1: after each so many, or after those in a list."""
    if isinstance(freq, (int, np.integer)) and not isinstance(freq, bool) and freq >= 1:
        return lambda epoch: epoch % freq == 0
    if isinstance(freq, (list, tuple, set, range)):
        return lambda epoch: epoch in freq
    raise ag.DomainError(f"fit: validation_freq is {freq!r}; expected an integer of at least 1, or a list of epochs.")


def _checked_validation(model: Any, validation: Any) -> tuple[Any, Any, Any] | None:
    """Data to evaluate with, after a look at it: what does not fit is said before the first epoch."""
    if validation is None:
        return None
    data = _as_data(validation)
    if not gives_batches(data[0]):
        _check_targets(model, checked_arrays("fit: validation_data", *data))
    return data


def _as_data(validation: Any) -> tuple[Any, Any, Any]:
    return unpacked(validation) if isinstance(validation, (tuple, list)) else (validation, None, None)


def _check_end(asked: str, source: Feed, limit: str = "steps") -> None:
    if isinstance(source, DatasetFeed) and source.dataset.cardinality() == -1:
        raise ag.DomainError(f"{asked}: the Dataset has no end; say how many batches to take ({limit}=...).")


def _check_targets(model: Any, arrays: tuple[Any, ...]) -> None:
    """Try the loss on the first sample, and look at all labels: what does not fit is said before anything changes."""
    compiled = model._compiled_loss
    if len(arrays) == 1 or compiled is None or _has_own_step(model):
        return
    if any(getattr(layer, "stateful", False) for layer in model._flatten_layers()):
        return  # a call would change the state of the layer
    given, true, weight = unpacked(as_element(cut(arrays, slice(1))))
    predicted = model(given, training=False)
    if isinstance(compiled.loss, losses.SparseCategoricalCrossentropy) and isinstance(predicted, ag.Tensor):
        _check_labels(np.asarray(leaves(arrays[1])[0]), predicted.shape[-1], compiled.loss)
    compiled(true, predicted, weight)
    for tracker in compiled.trackers:
        tracker.reset_state()


def _has_own_step(model: Any) -> bool:
    from_trainer = next(cls for cls in type(model).__mro__ if cls.__name__ == "Trainer")
    return any(getattr(type(model), name) is not getattr(from_trainer, name) for name in ("train_step", "compute_loss"))


def _check_labels(labels: Any, classes: int, loss: Any) -> None:
    counted = labels
    ignored = getattr(loss, "options", {}).get("ignore_class")
    if ignored is not None:
        counted = labels[labels != ignored]
    if counted.size and not 0 <= counted.min() <= counted.max() < classes:
        wrong = (labels < 0) | (labels >= classes)
        if ignored is not None:
            wrong &= labels != ignored
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ag.DomainError(
            f"fit: y has {int(wrong.sum())} labels out of range, the first at {first}: {labels[first]}; the model's "
            f"output has {classes} classes, so labels go from 0 to {classes - 1}."
        )
