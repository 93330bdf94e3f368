"""GRU: a recurrent layer whose state is mixed with a candidate through gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core.numpy as anp

from .. import activations
from ..randomness import Seed
from .recurrent import RecurrentCell
from .rnn import CellLayer, of_cell


class GRUCell(RecurrentCell):
    """One step of ``GRU``. The state is the output.

    Weights: ``kernel`` of shape ``(features, 3 * units)``, ``recurrent_kernel`` of shape ``(units, 3 * units)`` and
    ``bias`` of shape ``(2, 3 * units)``, for inputs and state, with the gates in the order update, reset, candidate;
    without ``reset_after`` the bias has the shape ``(3 * units,)``.

    The parameters from ``use_bias`` to ``recurrent_dropout`` are those of ``RecurrentCell``.

    Parameters
    ----------
    units : int
    activation : str or callable, optional
        Of the candidate.
    recurrent_activation : str or callable, optional
        Of the gates.
    reset_after : bool
        Whether the reset gate works on the product of the state with the kernel, or on the state before it.
    seed : int, numpy.random.Generator or None
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = "tanh",
        recurrent_activation: str | Callable[..., Any] | None = "sigmoid",
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
        reset_after: bool = True,
        seed: Seed = None,
        **options: Any,
    ):
        super().__init__(
            units, activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **options,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self):
        return self.bias[0] if self.reset_after and self.bias is not None else self.bias

    def step(self, projected, states, state_mask):
        state, units = states[0], self.units
        x_z, x_r, x_h = anp.split(projected, 3, axis=-1)
        if self.reset_after:
            inner = self._recurrent(state, state_mask)
            if self.bias is not None:
                inner = inner + self.bias[1]
            h_z, h_r, h_h = anp.split(inner, 3, axis=-1)
            z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
            h_h = r * h_h
        else:
            kernel = self.recurrent_kernel
            inner = self._recurrent(state, None if state_mask is None else state_mask[:2], kernel[:, : 2 * units], 2)
            h_z, h_r = anp.split(inner, 2, axis=-1)
            z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
            reset = r * state if state_mask is None else r * (state * state_mask[2])
            h_h = anp.matmul(reset, kernel[:, 2 * units :])
        state = z * state + (1 - z) * self.activation(x_h + h_h)
        return state, [state]


class GRU(CellLayer):
    r"""Gated recurrent unit.

    In each step, with the output h of the step before, an update gate z and a reset gate r, both
    :math:`\sigma(x W + h U + b)`, the candidate :math:`g = \tanh(x W + b + r (h U + b'))` and
    :math:`h' = z h + (1 - z) g`. Without ``reset_after`` the candidate is :math:`\tanh(x W + b + (r h) U)`.

    Input shape ``(batch, time, features)``, output shape ``(batch, units)``, or ``(batch, time, units)`` with
    ``return_sequences``. Weights: ``kernel`` of shape ``(features, 3 * units)``, ``recurrent_kernel`` of shape
    ``(units, 3 * units)`` and ``bias`` of shape ``(2, 3 * units)`` (``(3 * units,)`` without ``reset_after``), with the
    gates in the order z, r, g.

    The parameters from ``activation`` to ``seed`` are those of ``GRUCell``.

    Parameters
    ----------
    units : int
        Length of output and state.
    reset_after
        See ``GRUCell``.
    return_sequences, return_state, go_backwards, stateful, unroll : bool
        See ``RNN``.
    use_cudnn
        Accepted as in Keras, and not used.
    **options
        ``zero_output_for_mask``, and those of every layer.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical machine translation".
    """

    recurrent_activation = of_cell("recurrent_activation")
    reset_after = of_cell("reset_after")

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = "tanh",
        recurrent_activation: str | Callable[..., Any] | None = "sigmoid",
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
        seed: Seed = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **options: Any,
    ):
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, reset_after, seed, **self._for_cell(options),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **options,
        )  # fmt: skip
