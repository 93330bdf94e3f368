"""LSTM: a recurrent layer with a carry that is changed through gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core.numpy as anp

from .. import activations
from ..randomness import Seed
from .recurrent import RecurrentCell
from .rnn import CellLayer, of_cell


class LSTMCell(RecurrentCell):
    """One step of ``LSTM``. States: output and carry.

    Weights: ``kernel`` of shape ``(features, 4 * units)``, ``recurrent_kernel`` of shape ``(units, 4 * units)`` and
    ``bias`` of shape ``(4 * units,)``, with the gates in the order input, forget, candidate, output.

    The parameters from ``use_bias`` to ``bias_initializer`` and from ``kernel_regularizer`` to ``seed`` are those of
    ``RecurrentCell``.

    Parameters
    ----------
    units : int
    activation : str or callable, optional
        Of the candidate, and of the carry on its way to the output.
    recurrent_activation : str or callable, optional
        Of the gates.
    unit_forget_bias : bool
        Whether the bias of the forget gate starts at 1.
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = "tanh",
        recurrent_activation: str | Callable[..., Any] | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        super().__init__(
            units, activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **options,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> list[int]:
        """Lengths of output and carry."""
        return [self.units, self.units]

    def _first_bias(self, shape, dtype=None):
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype)
        units = self.units
        return anp.concatenate([
            self.bias_initializer((units,), dtype=dtype), anp.ones(units, dtype),
            self.bias_initializer((2 * units,), dtype=dtype),
        ])  # fmt: skip

    def run(self, sequences, states, how):
        usual = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        if not usual or (how.training and self.recurrent_dropout):
            return super().run(sequences, states, how)
        input_mask, _ = self._drawn((len(sequences), sequences.shape[-1]), how.training)
        if input_mask is not None:
            sequences = sequences * input_mask[:, None]
        bias = anp.zeros(4 * self.units, self.dtype) if self.bias is None else self.bias
        output, carry = states
        outputs, carry = anp.lstm(
            sequences, self.kernel, self.recurrent_kernel, bias, output, carry, mask=how.mask, sequences=how.every
        )
        last = outputs[:, -1] if how.every else outputs
        if how.mask is not None and how.zero_output:
            kept = how.mask[..., None] if how.every else how.mask[:, -1:]
            outputs = anp.where(kept, outputs, anp.zeros_like(outputs))
        return outputs, [last, carry]

    def step(self, projected, states, state_mask):
        output, carry = states
        i, f, candidate, o = anp.split(projected + self._recurrent(output, state_mask), 4, axis=-1)
        gate = self.recurrent_activation
        carry = gate(f) * carry + gate(i) * self.activation(candidate)
        output = gate(o) * self.activation(carry)
        return output, [output, carry]


class LSTM(CellLayer):
    r"""Long short-term memory.

    In each step, with the output h and the carry c of the step before, :math:`i, f, o = \sigma(x W + h U + b)` for the
    three gates and :math:`g = \tanh(x W + h U + b)` for the candidate, :math:`c' = f c + i g` and
    :math:`h' = o \tanh(c')`.

    Input shape ``(batch, time, features)``, output shape ``(batch, units)``, or ``(batch, time, units)`` with
    ``return_sequences``. Weights: ``kernel`` of shape ``(features, 4 * units)``, ``recurrent_kernel`` of shape
    ``(units, 4 * units)`` and ``bias`` of shape ``(4 * units,)``, with the gates in the order i, f, g, o.

    The parameters from ``activation`` to ``seed`` are those of ``LSTMCell``.

    Parameters
    ----------
    units : int
        Length of output and carry.
    return_sequences, return_state, go_backwards, stateful, unroll : bool
        See ``RNN``.
    use_cudnn
        Accepted as in Keras, and not used.
    **options
        ``zero_output_for_mask``, and those of every layer.

    References
    ----------
    Hochreiter & Schmidhuber (1997), "Long short-term memory"; Gers, Schmidhuber & Cummins (2000), "Learning to forget".

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.zeros((8, 28, 28), "float32")
    >>> LSTM(64)(rows).shape
    (8, 64)
    >>> outputs, last, carry = LSTM(64, return_sequences=True, return_state=True)(rows)
    >>> outputs.shape, last.shape, carry.shape
    ((8, 28, 64), (8, 64), (8, 64))
    """

    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = "tanh",
        recurrent_activation: str | Callable[..., Any] | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        use_cudnn: Any = "auto",
        **options: Any,
    ):
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **self._for_cell(options),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **options,
        )  # fmt: skip
