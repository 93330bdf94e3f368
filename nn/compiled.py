"""What ``compile`` is given, made ready for models of one output and of several.

A model's output may be one Tensor, a list or a dict of them. Losses and metrics may be one for all, a list in the order
of the outputs, or a dict by their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import autograd_core as ag

from . import losses, metrics, shapes
from .config import is_config


class AutoAccuracy(metrics.Metric):
    """The accuracy that fits the shapes of the first batch: what the string "accuracy" stands for.

    Of labels given as integers, of one-hot rows, or of a single output against a threshold.
    """

    traced = True

    def __init__(self, name: str = "accuracy"):
        super().__init__(name=name)
        self.chosen: metrics.Metric | None = None

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Take in a batch."""
        if self.chosen is None:
            with ag.tracing.suspended():
                self.chosen = metrics.accuracy_for(tuple(y_true.shape), tuple(y_pred.shape), self.name)
        if sample_weight is None:
            self.chosen.update_state(y_true, y_pred)
        else:
            self.chosen.update_state(y_true, y_pred, sample_weight)

    def result(self) -> ag.Tensor:
        return ag.Tensor(0.0) if self.chosen is None else self.chosen.result()

    def reset_state(self) -> None:
        if self.chosen is not None:
            self.chosen.reset_state()


class CompiledLoss:
    """One loss, or one for each output with its weight.

    Parameters
    ----------
    loss : str, Loss, function, None, or list or dict of them
    weights : float, or list or dict of float, optional
    names : sequence of str, or None
        Of the outputs, where they are known beforehand.
    """

    def __init__(self, loss: Any, weights: Any, names: Sequence[str] | None):
        self.names = names
        self.single = not isinstance(loss, (list, tuple, Mapping)) or is_config(loss)
        self.loss = losses.get(loss) if self.single and loss is not None else None
        self.spec = None if self.single else _map(lambda entry: None if entry is None else losses.get(entry), loss)
        self.weights = weights
        self.trackers: list[metrics.Mean] = []  # of each output's loss
        if self.single and isinstance(weights, (list, tuple, Mapping)) and not (names and len(names) > 1):
            raise ag.StructureError(
                f"compile: loss_weights is {weights!r}, and there is one loss; give one number, or a loss for each "
                "output."
            )

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        if self.single and not shapes.is_structure(y_pred):
            assert self.loss is not None
            loss = self.loss(y, y_pred, sample_weight)
            return loss if self.weights is None else loss * _only(self.weights)
        return self._total(y, y_pred, sample_weight)

    def _total(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        names = self.names or output_names(y_pred)
        rows = [
            by_output("loss", self.loss if self.single else self.spec, names, repeat=self.single),
            by_output("y", y, names),
            by_output("the output", y_pred, names),
            _weights_by_output(sample_weight, names),
            by_output("loss_weights", self.weights, names, repeat=self.weights is None),
        ]
        trained = [row for row in zip(names, *rows, strict=True) if row[1] is not None]
        if not self.trackers and len(trained) > 1:
            self.trackers = [metrics.Mean(f"{row[0]}_loss") for row in trained]
        total = None
        for position, (_, loss, true, predicted, weight, factor) in enumerate(trained):
            value = loss(true, predicted, weight)
            if self.trackers:
                self.trackers[position].update_state(value, sample_weight=len(predicted))
            value = value if factor is None else value * factor
            total = value if total is None else total + value
        if total is None:
            raise ag.StructureError("compile: there is no loss for any output.")
        return total


class CompiledMetrics:
    """Metrics of one output, or of each.

    Parameters
    ----------
    wanted, weighted : None, str, Metric, or list or dict of them (nested for several outputs)
        Those in ``weighted`` heed sample weights.
    names : sequence of str, or None
    """

    def __init__(self, wanted: Any, weighted: Any, names: Sequence[str] | None):
        self.names = names
        several = names is not None and len(names) > 1
        taken = {"loss"}
        self.plain = _placed("metrics", wanted, names, several, taken)
        self.weighted = _placed("weighted_metrics", weighted, names, several, taken)
        self.all = [metric for _, metric in (*self.plain, *self.weighted)]
        self._together = not any(key is not None for key, _ in (*self.plain, *self.weighted))

    def update(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Take in a batch."""
        if not self.all:
            return
        if self._together and not shapes.is_structure(y_pred):
            for _, metric in self.plain:
                metric.update_state(y, y_pred)
            for _, metric in self.weighted:
                metric.update_state(y, y_pred, sample_weight)
            return
        names = list(self.names or output_names(y_pred))
        true = by_output("y", y, names)
        predicted = by_output("the output", y_pred, names)
        weights = _weights_by_output(sample_weight, names)
        for heeds, placed in ((False, self.plain), (True, self.weighted)):
            for key, metric in placed:
                place = 0 if key is None else key if isinstance(key, int) else _place(key, names)
                weight = (weights[place],) if heeds else ()
                metric.update_state(true[place], predicted[place], *weight)


def _placed(
    what: str, wanted: Any, names: Sequence[str] | None, several: bool, taken: set[str]
) -> list[tuple[Any, metrics.Metric]]:
    """Metrics with the output that each belongs to: a name, a position, or None for the only one."""
    if wanted is None:
        return []
    heeds = what == "weighted_metrics"
    if is_config(wanted):
        wanted = [wanted]
    if isinstance(wanted, Mapping):
        return [
            (key, metric)
            for key, entry in wanted.items()
            for metric in _made(entry, key if several else None, taken, heeds)
        ]
    if not isinstance(wanted, (list, tuple)):
        wanted = [wanted]
    if several or any(isinstance(entry, (list, tuple, Mapping)) and not is_config(entry) for entry in wanted):
        if names is not None and len(wanted) != len(names):
            raise ag.StructureError(
                f"compile: {what} has {len(wanted)} entries; the model has {len(names)} outputs: {', '.join(names)}. "
                "Give a list of lists with one for each output, or a dict by their names."
            )
        labels = names or [f"output_{position}" for position in range(len(wanted))]
        return [
            (position, metric)
            for position, (entry, label) in enumerate(zip(wanted, labels, strict=True))
            for metric in _made(entry, label if len(wanted) > 1 else None, taken, heeds)
        ]
    return [(None, metric) for metric in _made(wanted, None, taken, heeds)]


def _made(entry: Any, prefix: str | None, taken: set[str], heeds: bool) -> list[metrics.Metric]:
    found = []
    for each in entry if isinstance(entry, (list, tuple)) else [entry]:
        if each is None:
            continue
        automatic = isinstance(each, str) and each.lower() in ("accuracy", "acc")
        metric = AutoAccuracy(each) if automatic else metrics.get(each)
        metric.name = _free_name(metric.name, prefix, taken, heeds)
        taken.add(metric.name)
        found.append(metric)
    return found


def _free_name(own: str, prefix: str | None, taken: set[str], heeds: bool) -> str:
    """Name of a figure as Keras makes it: figures are kept by name, so no two may be called the same."""
    front = "" if prefix is None or own.startswith(f"{prefix}_") else f"{prefix}_"
    if heeds and front + own in taken:
        own = f"weighted_{own}"
    name, number = front + own, 1
    while name in taken:
        name = f"{front}{own}_{number}"
        number += 1
    return name


def output_names(y_pred: Any) -> list[str]:
    """Names of the entries of an output."""
    if isinstance(y_pred, Mapping):
        return list(y_pred)
    count = len(y_pred) if isinstance(y_pred, (list, tuple)) else 1
    return ["output"] if count == 1 else [f"output_{position}" for position in range(count)]


def by_output(what: str, value: Any, names: Sequence[str], repeat: bool = False) -> list[Any]:
    """``value`` as a list with one entry for each output."""
    if repeat:
        return [value] * len(names)
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in names]
        if unknown:
            raise ag.StructureError(f"{what} has an entry {unknown[0]!r}; the outputs are called {', '.join(names)}.")
        return [value.get(name) for name in names]
    entries = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(entries) != len(names):
        raise ag.StructureError(
            f"{what} has {len(entries)} entries; the model has {len(names)} outputs: {', '.join(names)}."
        )
    return entries


def _weights_by_output(sample_weight: Any, names: Sequence[str]) -> list[Any]:
    """Weights of the samples for each output; those that are given once are for all."""
    return by_output("sample_weight", sample_weight, names, repeat=not shapes.is_structure(sample_weight))


def _place(key: str, names: Sequence[str]) -> int:
    if key not in names:
        raise ag.StructureError(f"metrics has an entry {key!r}; the outputs are called {', '.join(names)}.")
    return list(names).index(key)


def _map(function: Any, structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return {key: function(value) for key, value in structure.items()}
    return [function(value) for value in structure]


def _only(weights: Any) -> float:
    if isinstance(weights, Mapping):
        return float(next(iter(weights.values())))
    return float(weights[0] if isinstance(weights, (list, tuple)) else weights)
