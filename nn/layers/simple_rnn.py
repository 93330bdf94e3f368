"""SimpleRNN: a recurrent layer whose state is its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..randomness import Seed
from .recurrent import RecurrentCell
from .rnn import CellLayer


class SimpleRNNCell(RecurrentCell):
    """One step of ``SimpleRNN``: ``activation(inputs @ kernel + bias + state @ recurrent_kernel)``.

    Weights: ``kernel`` of shape ``(features, units)``, ``recurrent_kernel`` of shape ``(units, units)`` and ``bias`` of
    shape ``(units,)``. The parameters are those of ``RecurrentCell``.
    """

    def step(self, projected, states, state_mask):
        output = self.activation(projected + self._recurrent(states[0], state_mask))
        return output, [output]


class SimpleRNN(CellLayer):
    """Recurrent layer whose state is its output.

    Input shape ``(batch, time, features)``, output shape ``(batch, units)``, or ``(batch, time, units)`` with
    ``return_sequences``. Weights: ``kernel`` of shape ``(features, units)``, ``recurrent_kernel`` of shape
    ``(units, units)`` and ``bias`` of shape ``(units,)``.

    The parameters from ``activation`` to ``seed`` are those of ``RecurrentCell``.

    Parameters
    ----------
    units : int
        Length of output and state.
    return_sequences, return_state, go_backwards, stateful, unroll : bool
        See ``RNN``.
    **options
        ``zero_output_for_mask``, and those of every layer.
    """

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Seed = None,
        **options: Any,
    ):
        cell = SimpleRNNCell(
            units, activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **self._for_cell(options),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **options,
        )  # fmt: skip
