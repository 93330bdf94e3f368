"""What recurrent layers share: cells, which compute one step, and RNN, which runs a cell over all steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .. import activations, constraints, initializers, regularizers
from ..config import is_config, made
from ..layer import Layer
from ..randomness import Seed, generator
from ..shapes import Shape, positive, share

States = list[Any]


@dataclass(frozen=True)
class Run:
    """How a cell is run over all steps.

    Attributes
    ----------
    every : bool
        Whether the outputs of all steps are wanted, or the last.
    mask : array of bool, shape (batch, time), or None
        Where False, the states are kept, and the output is the one before.
    zero_output : bool
        Whether the output where ``mask`` is False is 0 instead.
    training : bool or None
    """

    every: bool
    mask: Any = None
    zero_output: bool = False
    training: bool | None = None


class RecurrentCell(Layer):
    """Base of our cells: one product for the inputs of all steps, then one for the state in each step.

    Weights: ``kernel`` of shape ``(features, gates * units)``, ``recurrent_kernel`` of shape ``(units, gates * units)``
    and ``bias``. A subclass defines ``step``.

    Parameters
    ----------
    units : int
        Length of the output and of each state.
    activation : str or callable, optional
        None for none.
    use_bias : bool
    kernel_initializer, recurrent_initializer, bias_initializer : str or callable
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or callable, optional
    kernel_constraint, recurrent_constraint, bias_constraint : str or callable, optional
    dropout, recurrent_dropout : float
        Share of the inputs' and of the state's entries that are set to 0 in training; the same ones in all steps.
    seed : int, numpy.random.Generator or None
    **options
        Those of every layer.
    """

    gates = 1

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        **options: Any,
    ):
        options.pop("implementation", None)  # as older programs say; nothing depends on it
        super().__init__(**options)
        owner = type(self).__name__
        self.units = positive(owner, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = share(owner, "dropout", dropout)
        self.recurrent_dropout = share(owner, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.generator = generator(seed)
        self._masks: tuple[Any, Any] | None = None  # of steps that are called one by one
        self._traced_masks: tuple[Any, Any] | None = None  # and of those in a function that is traced

    @property
    def state_size(self) -> Any:
        """Length of the state, or list of lengths if there are several."""
        return self.units

    @property
    def output_size(self) -> int:
        """Length of the output."""
        return self.units

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Zeros, one array ``(batch_size, units)`` for each state."""
        return [anp.zeros((batch_size, size), self.dtype) for size in sizes_of(self.state_size)]

    # -- weights -------------------------------------------------------------------------------------------------

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise self._wrong_input(input_shape, "(batch, features), with a known number of features")
        self.kernel = self.add_weight(
            (input_shape[-1], self.gates * self.units), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            (self.units, self.gates * self.units), self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(), self._first_bias, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self, shape: Sequence[int], dtype: Any = None) -> Any:
        return self.bias_initializer(shape, dtype=dtype)

    def _input_bias(self) -> Any:
        """The bias that is added to the product of the inputs."""
        return self.bias

    # -- all steps -----------------------------------------------------------------------------------------------

    def run(self, sequences: Any, states: States, how: Run) -> tuple[Any, States]:
        """Run over all steps.

        Parameters
        ----------
        sequences : Tensor, shape (batch, time, features)
        states : list of Tensor, each of shape (batch, units)
        how : Run

        Returns
        -------
        (Tensor of shape (batch, time, units) or (batch, units), list of Tensor)
            What ``how.every`` asks for, and the states after the last step.
        """
        input_mask, state_mask = self._drawn((len(sequences), sequences.shape[-1]), how.training)
        projected = self._projected(anp.swapaxes(sequences, 0, 1), input_mask)
        return loop(lambda x, s: self.step(x, s, state_mask), projected, states, how)

    def step(self, projected: Any, states: States, state_mask: Any) -> tuple[Any, States]:
        """One step: the output and the new states, from the inputs' product with the kernel."""
        raise TypeError(f"{type(self).__name__} does not define step(projected, states, state_mask).")

    def call(self, inputs, states, training=False):
        """One step alone, for loops of one's own.

        Parameters
        ----------
        inputs : Tensor, shape (batch, features)
        states : list of Tensor
        training : bool
            Whether to drop entries: the same ones in each call, until ``reset_dropout_mask``; in a function that is
            traced, the same ones at each run.

        Returns
        -------
        (output, list of states)
        """
        self._check_features(inputs.shape)
        input_mask, state_mask = self._step_masks(inputs.shape) if training else (None, None)
        alone = not isinstance(states, (list, tuple))
        projected = self._projected(inputs[None], input_mask)[0]
        output, new = self.step(projected, [states] if alone else list(states), state_mask)
        return output, new[0] if alone else new

    def _step_masks(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        if not ag.tracing.is_tracing():
            if self._masks is None:
                self._masks = self._drawn(shape, True)
            return self._masks
        if not ag.tracing.count(self) or self._traced_masks is None:  # each run of a plan draws its own
            self._traced_masks = self._drawn(shape, True)
        return self._traced_masks

    def reset_dropout_mask(self) -> None:
        """Let the next call draw anew what is dropped."""
        self._masks = self._traced_masks = None

    def reset_recurrent_dropout_mask(self) -> None:
        """The same: both masks are drawn together."""
        self.reset_dropout_mask()

    def _check_features(self, shape: tuple[int, ...]) -> None:
        if shape[-1] != self.kernel.shape[0]:
            raise self._wrong_input(shape, f"{self.kernel.shape[0]} features (the last axis), as when it was built")

    # -- products ------------------------------------------------------------------------------------------------

    def _drawn(self, shape: tuple[int, ...], training: bool | None) -> tuple[Any, Any]:
        """Factors for the inputs and for the state, which set entries to 0 and scale the others up; None for none."""
        if not training:
            return None, None
        # As in Keras: with recurrent dropout, each gate has masks of its own.
        count = (self.gates,) if self.recurrent_dropout and self.gates > 1 else ()
        batch, features = shape
        return (
            self._factors((*count, batch, features), self.dropout),
            self._factors((*count, batch, self.units), self.recurrent_dropout),
        )

    def _factors(self, shape: tuple[int, ...], rate: float) -> Any:
        if not rate:
            return None

        def draw() -> Any:
            return (self.generator.random(shape, np.float32) >= rate) * self.dtype.type(1.0 / (1.0 - rate))

        return ag.tracing.host(draw, shape, self.dtype) if ag.tracing.is_tracing() else draw()

    def _projected(self, sequences: Any, mask: Any) -> Any:
        """``sequences @ kernel + bias`` for all steps at once; each gate's own mask first, if there are such."""
        bias = self._input_bias()
        if mask is not None and mask.ndim == 3:
            products = anp.matmul(sequences * mask[:, None], _by_gate(self.kernel, self.gates)[:, None])
            joined = anp.moveaxis(products, 0, 2).reshape(*sequences.shape[:2], -1)
            return joined if bias is None else joined + bias
        if mask is not None:
            sequences = sequences * mask
        return anp.matmul(sequences, self.kernel) if bias is None else anp.affine(sequences, self.kernel, bias)

    def _recurrent(self, state: Any, mask: Any, kernel: Any = None, gates: int | None = None) -> Any:
        """``state @ recurrent_kernel``, with each gate's own mask if there are such."""
        kernel = self.recurrent_kernel if kernel is None else kernel
        if mask is None:
            return anp.matmul(state, kernel)
        if mask.ndim == 2:
            return anp.matmul(state * mask, kernel)
        products = anp.matmul(state * mask, _by_gate(kernel, gates or self.gates))
        return anp.moveaxis(products, 0, 1).reshape(len(state), -1)


def _by_gate(kernel: Any, gates: int) -> Any:
    """``(n, gates * units)`` as ``(gates, n, units)``."""
    return anp.moveaxis(anp.reshape(kernel, (kernel.shape[0], gates, -1)), 1, 0)


def sizes_of(state_size: Any) -> list[Any]:
    """Lengths of the states, as a list."""
    return list(state_size) if isinstance(state_size, (list, tuple)) else [state_size]


def loop(step: Callable[[Any, States], Any], inputs: Any, states: States, how: Run) -> tuple[Any, States]:
    """Output and last states of a cell that is called step by step; ``inputs`` have time first."""
    outputs: list[Any] = []
    for time in range(len(inputs)):
        output, new = step(inputs[time], states)
        new = list(new) if isinstance(new, (list, tuple)) else [new]
        if how.mask is not None:
            kept = how.mask[:, time, None]
            before = outputs[-1] if outputs else states[0]
            if how.zero_output or before.shape != output.shape:
                before = anp.zeros_like(output)
            output = anp.where(kept, output, before)
            new = [anp.where(kept, after, old) for after, old in zip(new, states, strict=True)]
        outputs.append(output)
        states = new
    return anp.stack(outputs, axis=1) if how.every else outputs[-1], states


class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next.

    Parameters
    ----------
    cells : list of cells
    **options
        Those of every layer.
    """

    def __init__(self, cells: Sequence[Any], **options: Any):
        super().__init__(**options)
        for cell in cells:
            check_cell("StackedRNNCells", cell)
        if not cells:
            raise ag.StructureError("StackedRNNCells: the list of cells is empty; expected at least one.")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """That of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """That of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Zeros, a list for each cell."""
        return [first_states(cell, batch_size, self.dtype) for cell in self.cells]

    def build(self, input_shape):
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def call(self, inputs, states, training=False):
        after = []
        for cell, own in zip(self.cells, states, strict=True):
            inputs, new = call_cell(cell, inputs, list(own) if isinstance(own, (list, tuple)) else [own], training)
            after.append(list(new) if isinstance(new, (list, tuple)) else [new])
        return inputs, after

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        cells = [made(Layer, entry, custom_objects) if is_config(entry) else entry for entry in config["cells"]]
        return super().from_config({**config, "cells": cells}, custom_objects)


# -- cells of any kind -------------------------------------------------------------------------------------------------


def check_cell(owner: str, cell: Any) -> None:
    """Raise unless ``cell`` has what RNN needs."""
    for name in ("call", "state_size"):
        if not hasattr(cell, name):
            raise ag.ConversionError(
                f"{owner}: a cell is a {type(cell).__name__} without {name!r}; expected an object with "
                "call(inputs, states) -> (output, new states) and state_size, such as LSTMCell(32)."
            )


def output_size_of(cell: Any) -> int:
    """Length of a cell's output."""
    size = getattr(cell, "output_size", None)
    return sizes_of(cell.state_size)[0] if size is None else size


def first_states(cell: Any, batch_size: int | None, dtype: Any) -> States:
    """Zeros, or what the cell says it starts with."""
    if hasattr(cell, "get_initial_state"):
        states = cell.get_initial_state(batch_size=batch_size)
        return list(states) if isinstance(states, (list, tuple)) else [states]
    return [anp.zeros((batch_size, size), dtype) for size in sizes_of(cell.state_size)]


def build_cell(cell: Any, input_shape: Shape) -> None:
    """Make the cell's weights if it is a layer."""
    if isinstance(cell, Layer) and not cell.built:
        cell._build_for(input_shape)


def call_cell(cell: Any, inputs: Any, states: States, training: bool | None) -> Any:
    """One step of a cell of any kind."""
    if not isinstance(cell, Layer):
        return cell.call(inputs, states)
    return cell(inputs, states, training=training) if cell._hands_training_on else cell(inputs, states)


def run_cell(cell: Any, sequences: Any, states: Any, how: Run) -> tuple[Any, Any]:
    """Output and last states of a cell of any kind; see ``RecurrentCell.run``."""
    if isinstance(cell, StackedRNNCells) and type(cell).call is StackedRNNCells.call:
        after: States = []
        for number, (inner, own) in enumerate(zip(cell.cells, states, strict=True), 1):
            # One cell after the other, each over all steps: what masked steps give to the next cell is not used.
            last = number == len(cell.cells)
            sequences, new = run_cell(inner, sequences, own, how if last else replace(how, every=True))
            after.append(new)
        return sequences, after
    if isinstance(cell, RecurrentCell) and type(cell).call is RecurrentCell.call:
        return cell.run(sequences, states, how)
    steps = anp.swapaxes(sequences, 0, 1)
    return loop(lambda x, s: call_cell(cell, x, s, how.training), steps, states, how)
