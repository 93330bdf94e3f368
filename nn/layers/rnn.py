"""RNN: runs a cell over all steps of sequences. Base of SimpleRNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import autograd_core as ag

from ..config import is_config, made
from ..layer import Layer
from ..shapes import leaves, map_structure
from .recurrent import (
    RecurrentCell,
    Run,
    StackedRNNCells,
    build_cell,
    check_cell,
    first_states,
    output_size_of,
    run_cell,
    sizes_of,
)


class RNN(Layer):
    """Runs a cell over the steps of sequences.

    Input shape ``(batch, time, features)``. Output shape ``(batch, units)``, or ``(batch, time, units)`` with
    ``return_sequences``; with ``return_state`` a tuple: the output and each state, of shape ``(batch, units)``.

    Parameters
    ----------
    cell : cell, or list of cells
        An object with ``call(inputs, states) -> (output, new states)`` and ``state_size``; a list is stacked.
    return_sequences : bool
        Whether to give the outputs of all steps, or only the last.
    return_state : bool
        Whether to give the last states, too.
    go_backwards : bool
        Whether to go from the last step to the first; the outputs are in the order in which they are computed.
    stateful : bool
        Whether a batch starts with the states that the batch before it has left.
    unroll : bool
        Accepted as in Keras; the loop runs in Python either way.
    zero_output_for_mask : bool
        Whether the output of a masked step is 0, or the output before it.
    **options
        Those of every layer.

    Raises
    ------
    ShapeError
        At the call, for inputs of another rank or number of features, without steps, or initial states that do not fit.
    """

    supports_masking = True
    _rank: int | None = None  # of the inputs; any from 3 up if None

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **options: Any,
    ):
        super().__init__(**options)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        check_cell(type(self).__name__, cell)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._keep(None)

    @property
    def state_size(self) -> list[Any]:
        """Lengths of the states."""
        return sizes_of(self.cell.state_size)

    def build(self, sequences_shape, initial_state_shape=None):
        self._check_rank(sequences_shape)
        build_cell(self.cell, (sequences_shape[0], *sequences_shape[2:]))

    def _check_rank(self, shape: Any) -> None:
        if len(shape) != self._rank if self._rank else len(shape) < 3:
            raise self._wrong_input(shape, "(batch, time, features). A single sequence needs a batch axis: x[None]")

    # -- the call ------------------------------------------------------------------------------------------------

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Run over the steps.

        Parameters
        ----------
        sequences : Tensor, shape (batch, time, features)
        initial_state : list of Tensor, optional
            Zeros if None, or what the batch before has left if ``stateful``.
        mask : array_like of bool, shape (batch, time), optional
            Steps where it is False keep the state.
        training : bool
            Whether to drop entries.
        """
        sequences = self._checked(sequences)
        states = self._first(sequences, initial_state)
        kept = self._kept_steps(sequences, mask)
        if self.go_backwards:
            sequences, kept = sequences[:, ::-1], None if kept is None else kept[:, ::-1]
        how = Run(self.return_sequences, kept, self.zero_output_for_mask, training)
        output, states = run_cell(self.cell, sequences, states, how)
        if self.stateful:
            object.__setattr__(self, "_left", states)
            ag.tracing.afterwards(lambda *now: self._keep(_around(states, now)), *leaves(states))
        return (output, *states) if self.return_state else output

    def _checked(self, sequences: Any) -> Any:
        self._check_rank(sequences.shape)
        if not sequences.shape[1]:
            raise self._wrong_input(sequences.shape, "at least one time step (axis 1)")
        first = self.cell.cells[0] if isinstance(self.cell, StackedRNNCells) else self.cell
        if isinstance(first, RecurrentCell) and first.kernel.shape[0] != sequences.shape[-1]:
            raise self._wrong_input(
                sequences.shape, f"{first.kernel.shape[0]} features (the last axis), as when it was built"
            )
        return sequences.astype(self.dtype) if sequences.dtype.kind in "iub" else sequences

    def _kept_steps(self, sequences: Any, mask: Any) -> Any:
        """The mask as an array of shape (batch, time)."""
        if mask is None:
            return None
        if isinstance(mask, (list, tuple)) and any(hasattr(entry, "shape") or entry is None for entry in mask):
            mask = mask[0]  # of the sequences; the others are those of initial states
            if mask is None:
                return None
        kept = ag.convert_to_tensor(mask).astype(bool)
        if kept.shape != sequences.shape[:2]:
            raise ag.ShapeError(
                f"{type(self).__name__} {self.name!r}: the mask has shape {kept.shape}; expected (batch, time), which "
                f"is {sequences.shape[:2]} here."
            )
        return kept

    # -- states --------------------------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """States that a call starts with."""
        return first_states(self.cell, batch_size, self.dtype)

    def reset_state(self) -> None:
        """Forget the states of the last batch: the next one starts with zeros, and may have another size."""
        self._keep(None)

    reset_states = reset_state

    def _keep(self, states: Any) -> None:
        # Past `__setattr__`, which would take the list for one that holds weights.
        object.__setattr__(self, "states", states)
        object.__setattr__(self, "_left", None)

    def _last_states(self) -> Any:
        """What the batch before has left; in a function that is traced, what it has left at each run."""
        if ag.tracing.count(self):
            return self.__dict__["_left"]  # of the call before, in the same function
        now = self.__dict__["states"]
        if ag.tracing.static(lambda: self.__dict__["states"] is None):
            return None
        ag.tracing.static(lambda: [state.shape for state in leaves(self.__dict__["states"])])

        def at(number: int) -> Any:
            return lambda: list(leaves(self.__dict__["states"]))[number].array

        return _around(now, [ag.tracing.host(at(i), s.shape, s.dtype) for i, s in enumerate(leaves(now))])

    def _first(self, sequences: Any, given: Any) -> list[Any]:
        batch = sequences.shape[0]
        if given is None:
            states = self._last_states() if self.stateful else None
            if states is None:
                return self.get_initial_state(batch)
            kept = _first_leaf(states).shape[0]
            if kept != batch:
                raise self._wrong_input(
                    sequences.shape,
                    f"{kept} sequences (axis 0), as in the batch before, since it is stateful. reset_state() forgets "
                    "that batch",
                )
            return states
        return self._fitting(given, self._sizes, batch, "")

    @property
    def _sizes(self) -> list[Any]:
        """Lengths of the states; a list for each cell if there are several."""
        sizes = self.state_size
        return [sizes_of(size) for size in sizes] if isinstance(self.cell, StackedRNNCells) else sizes

    def _fitting(self, given: Any, sizes: list[Any], batch: int, place: str) -> list[Any]:
        """Given states as Tensors of the layer's dtype, if there are as many and of the shapes expected."""
        states = list(given) if isinstance(given, (list, tuple)) else [given]
        owner = f"{type(self).__name__} {self.name!r}: initial_state{place}"
        if len(states) != len(sizes):
            raise ag.StructureError(f"{owner} has {len(states)} entries; expected {len(sizes)}, of lengths {sizes}.")
        found = []
        for number, (state, size) in enumerate(zip(states, sizes, strict=True)):
            if isinstance(size, list):
                found.append(self._fitting(state, size, batch, f"{place}[{number}]"))
                continue
            tensor = self._converted(state)
            if isinstance(size, int) and tensor.shape != (batch, size):
                raise ag.ShapeError(f"{owner}[{number}] has shape {tensor.shape}; expected {(batch, size)}.")
            found.append(tensor)
        return found

    # -- shapes and masks ----------------------------------------------------------------------------------------

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        self._check_rank(sequences_shape)
        batch, time = sequences_shape[:2]
        size = output_size_of(self.cell)
        output = (batch, time, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return [output, *map_structure(lambda length: (batch, length), self._sizes)]

    def compute_mask(self, inputs, mask=None):
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        output = mask if self.return_sequences else None
        return [output, *[None] * len(self.state_size)] if self.return_state else output

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        cell = config.get("cell")
        if cell is None:
            return super().from_config(config, custom_objects)
        if isinstance(cell, list):
            cell = [made(Layer, entry, custom_objects) if is_config(entry) else entry for entry in cell]
        elif is_config(cell):
            cell = made(Layer, cell, custom_objects)
        return super().from_config({**config, "cell": cell}, custom_objects)


def _first_leaf(states: Any) -> Any:
    while isinstance(states, list):
        states = states[0]
    return states


def of_cell(name: str) -> Any:
    """Attribute of a layer that is its cell's."""
    return property(lambda layer: getattr(layer.cell, name), doc=f"``{name}`` of the cell.")


class CellLayer(RNN):
    """Base of layers that make their cell themselves, and have its arguments as their own."""

    _rank = 3

    units = of_cell("units")
    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")

    @staticmethod
    def _for_cell(options: dict[str, Any]) -> dict[str, Any]:
        """Those of a layer's options that its cell needs as well."""
        options.pop("implementation", None)
        return {name: options[name] for name in ("dtype", "trainable") if name in options}

    def build(self, sequences_shape, initial_state_shape=None):
        if not self.cell.built and not self.cell.name.startswith(f"{self.name}/"):  # a build may have failed before
            # Now, since the layer may have got a number since it was made.
            self.cell.name = f"{self.name}/{self.cell.name}"
        super().build(sequences_shape, initial_state_shape)


def _around(structure: Any, tensors: Any) -> Any:
    """A structure like this one around other Tensors, as constants."""
    each = iter(tensors)
    return map_structure(lambda _: ag.Tensor(next(each).array, None), structure)
