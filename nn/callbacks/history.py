"""History: the figures of every epoch, and a picture of them."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from .base import Callback, Logs


class History(Callback):
    """Figures of every epoch: ``history["loss"]`` is a list with one entry per epoch, ``epoch`` their numbers."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": list(self.epoch), "history": {name: list(values) for name, values in self.history.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}

    def plot(self, names: Any = None, figsize: tuple[float, float] | None = None) -> Any:
        """Draw the figures over the epochs: training and validation of each together.

        Parameters
        ----------
        names : sequence of str, optional
            Which; all if None. The validation's come with those of the training.
        figsize : pair of float, optional
            Inches.

        Returns
        -------
        matplotlib.figure.Figure
            ``history.plot().savefig("training.png")``; a notebook shows it.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        DomainError
            For a name that is not there, or if there is nothing to draw.
        """
        try:
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError:
            raise ag.MissingExtraError(
                'History.plot needs the package "matplotlib", which is not installed; install it with: '
                'pip install "autograd-core[demos]"'
            ) from None
        names = self._names_to_plot(names)
        columns = min(len(names), 3)
        rows = -(-len(names) // columns)
        figure = Figure(figsize=figsize or (4.6 * columns, 3.4 * rows), layout="constrained")
        epochs = [epoch + 1 for epoch in self.epoch]
        for axes, name in zip(np.ravel(figure.subplots(rows, columns, squeeze=False)), names, strict=False):
            for key, label, color in ((name, "training", "#2f6db5"), (f"val_{name}", "validation", "#e07b1f")):
                values = self.history.get(key)
                if values is not None:
                    axes.plot(epochs[-len(values) :], values, color=color, marker="o", markersize=4, label=label)
            axes.set_title(name.replace("_", " "), loc="left", fontweight="bold")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(color="#e5e7eb")
            axes.spines[["top", "right"]].set_visible(False)
            if f"val_{name}" in self.history:
                axes.legend(frameon=False)
        for axes in figure.axes[len(names) :]:
            axes.set_visible(False)
        return figure

    def _names_to_plot(self, names: Any) -> list[str]:
        known = [name for name, values in self.history.items() if all(isinstance(v, (int, float)) for v in values)]
        wanted = [name for name in known if not (name.startswith("val_") and name[4:] in known)]
        if names is not None:
            wanted = [names] if isinstance(names, str) else list(names)
            for name in wanted:
                if name not in known:
                    raise ag.DomainError(f"History.plot: there is no figure {name!r}; there are: {', '.join(known)}.")
        if not wanted:
            raise ag.DomainError("History.plot: there is nothing to draw: no epoch has ended.")
        return wanted
