"""``lstm``: a long short-term memory over all steps of a batch of sequences, as one operation.

Written step by step it is a dozen Nodes for each step, and most of their time goes into small arrays that are made and
thrown away. Here the loop runs over buffers with one row per feature and one column per sequence, in which the gates
are contiguous blocks. In each step one matrix product takes the inputs, the bias and the last output together, and one
``tanh`` serves all gates, since ``sigmoid(x) = (1 + tanh(x / 2)) / 2``. The backward pass walks the same buffers from
the end (backpropagation through time). A training step of 28 steps, 64 units and 64 sequences takes less than half the
time of the composed one (tests/benchmarks/lstm_step.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import DtypeError, ShapeError
from ..primitive import Primitive, apply
from ..recording import current
from ..tensor import Tensor, as_value
from ..variable import Variable
from .activations import SIGMOID
from .axes import on

__all__ = ["lstm"]

_SMALL = 900_000  # multiplications in a product; see ``_in_pieces``
_ORDER = (0, 1, 3, 2)  # of the gates in the buffers: those with a sigmoid side by side. It is its own inverse.


class _Buffers(NamedTuple):
    """What the forward pass computes, time first and sequences last."""

    weights: Any  # (rows, 4 units): kernel, bias and recurrent kernel, one under the other
    columns: Any  # (time + 1, rows, batch): inputs, ones and outputs, one under the other
    gates: Any  # (time, 5 units, batch): the gates after their activations, and tanh of the carries
    carries: Any  # (time + 1, units, batch)


class _Kept:
    """Carries the buffers of one application from its forward to its backward pass."""

    __slots__ = ("buffers", "results")

    def __init__(self):
        self.buffers: _Buffers | None = None
        self.results: Any = None

    def __repr__(self) -> str:
        return "..."

    def of(self, results: Any) -> _Buffers | None:
        """The buffers, if they are those that ``results`` were computed with."""
        return self.buffers if results[0] is self.results[0] else None


# -- forward -----------------------------------------------------------------------------------------------------------


def _lstm(
    x, kernel, recurrent_kernel, bias, h, c, mask=None, *, sequences=False, constant=False, keep=False, kept=None
):
    _check(x, kernel, recurrent_kernel, bias, h, c)
    buffers = _forward(x, kernel, recurrent_kernel, bias, h, c, mask)
    features = x.shape[2]
    outputs = buffers.columns[:, features + 1 :]
    chosen = outputs[1:].transpose(2, 0, 1).copy() if sequences else outputs[-1].T.copy()
    results = (chosen, buffers.carries[-1].T.copy())
    if keep:
        return *results, buffers.columns, buffers.gates, buffers.carries
    if kept is not None:
        kept.buffers, kept.results = buffers, results
    return results


def _check(x, kernel, recurrent_kernel, bias, h, c) -> None:
    shapes = [np.shape(arg) for arg in (x, kernel, recurrent_kernel, bias, h, c)]
    if len(shapes[0]) == 3 and len(shapes[2]) == 2:
        (batch, _, features), (units, wide) = shapes[0], shapes[2]
        state = (batch, units)
        if wide == 4 * units and shapes[1:] == [(features, wide), (units, wide), (wide,), state, state]:
            return
    raise ShapeError(
        "lstm: x, kernel, recurrent_kernel, bias, h and c have shapes "
        f"{', '.join(map(str, shapes))}; expected (batch, time, features), (features, 4 units), (units, 4 units), "
        "(4 units,), (batch, units) and (batch, units)."
    )


def _stacked(kernel, bias, recurrent_kernel):
    """Weights one under the other, with the gates in the order of the buffers."""
    weights = np.concatenate([kernel, bias[None], recurrent_kernel])
    wide = weights.shape[1]
    return weights.reshape(-1, 4, wide // 4)[:, _ORDER].reshape(-1, wide)


def _forward(x, kernel, recurrent_kernel, bias, h, c, mask) -> _Buffers:
    (batch, time, features), units = x.shape, h.shape[1]
    weights = _stacked(kernel, bias, recurrent_kernel)
    dtype = np.result_type(x, weights, h, c)
    columns = np.empty((time + 1, len(weights), batch), dtype)
    columns[:time, :features] = x.transpose(1, 2, 0)
    columns[time, :features] = 0  # nobody reads it, but a plan's results are all defined
    columns[:, features] = 1
    outputs = columns[:, features + 1 :]
    outputs[0] = h.T
    gates, carries = np.empty((time, 5 * units, batch), dtype), np.empty((time + 1, units, batch), dtype)
    carries[0] = c.T
    halved = weights.T.astype(dtype, order="C")
    halved[: 3 * units] *= 0.5
    halved = _in_pieces(halved, batch)
    by_gate, pieces = (
        gates.reshape(time, 5, units, batch),
        gates[:, : 4 * units].reshape(time, *halved.shape[:2], batch),
    )
    half, product = np.full((), 0.5, dtype), np.empty((units, batch), dtype)
    for t in range(time):
        blocks, carry, output = gates[t], carries[t + 1], outputs[t + 1]
        i, f, o, candidate, squashed = by_gate[t]
        sums, sigmoids = blocks[: 4 * units], blocks[: 3 * units]
        np.matmul(halved, columns[t], pieces[t])
        np.tanh(sums, sums)
        np.multiply(sigmoids, half, sigmoids)
        np.add(sigmoids, half, sigmoids)
        np.multiply(f, carries[t], carry)
        np.multiply(i, candidate, product)
        np.add(carry, product, carry)
        np.tanh(carry, squashed)
        np.multiply(o, squashed, output)
        if mask is not None:
            skipped = ~mask[:, t]
            np.copyto(carry, carries[t], where=skipped)
            np.copyto(output, outputs[t], where=skipped)
    return _Buffers(weights, columns, gates, carries)


def _in_pieces(matrix, columns: int):
    """A matrix as a stack of several, one under the other, so that each product with ``columns`` columns is small.

    OpenBLAS has kernels for products of less than 100**3 steps that need no copies, and takes several threads for
    larger ones, which wait for one another: (256, 93) @ (93, 64) takes 20 us in two pieces and 25 us in one; with four
    threads from 10 to 100 us, as busy as the machine is. From some millions of steps on threads pay.
    """
    rows, inner = matrix.shape
    steps = rows * inner * columns
    count = next((n for n in (1, 2, 4, 8) if rows % n == 0 and steps < n * _SMALL), 1)
    return matrix.reshape(count, rows // count, inner)


# -- backward ----------------------------------------------------------------------------------------------------------


def _rule(ct, ans, x, *others, sequences=False, constant=False, keep=False, kept=None):
    """Cotangents of all arguments; composed of operations where these are recorded for a higher derivative."""
    args, mask = (x, *others[:5]), others[5] if len(others) > 5 else None
    if any(value.__class__ is Tensor and value._is_tracked() for value in (*ct, *args)):
        return *_composed(ct, *args, mask, sequences), None
    if any(value.__class__ is Tensor for value in (*ct, *args)):
        buffers = ans[2:] if keep else ()
        cts = LSTM_BACKWARD(*ct[:2], x, *others, *buffers, sequences=sequences, constant=constant)
        return *((None, *cts) if constant else cts), None
    found = None if kept is None else kept.of(ans)
    if found is None:
        found = _forward(*args, mask)
    return *_backward(ct, found, x.shape[2], mask, sequences, constant), None


def _lstm_backward(ct_outputs, ct_carry, x, kernel, recurrent_kernel, bias, h, c, *others, sequences, constant):
    """As ``_rule`` on arrays; ``others`` are the mask, if there is one, and the buffers, if they are at hand."""
    mask = others[0] if len(others) in (1, 4) else None
    if len(others) > 1:
        buffers = _Buffers(_stacked(kernel, bias, recurrent_kernel), *others[-3:])
    else:
        buffers = _forward(x, kernel, recurrent_kernel, bias, h, c, mask)
    return _backward((ct_outputs, ct_carry), buffers, x.shape[2], mask, sequences, constant)[constant:]


def _backward(ct, buffers: _Buffers, features: int, mask, sequences: bool, constant: bool):
    weights, columns, gates, carries = buffers
    time, wide, batch = gates.shape
    units, dtype = wide // 5, gates.dtype
    # Rows of the weights along which a cotangent goes on: without the inputs' where those are constant.
    first = features + 1 if constant else 0
    used = _in_pieces(weights[first:].astype(dtype, copy=False), batch)
    pulled = np.empty((len(weights) - first, batch), dtype)
    pulled_pieces = pulled.reshape(*used.shape[:2], batch)
    ct_output = pulled[features + 1 - first :]
    ct_output[...] = 0 if sequences else ct[0].T
    arriving = ct[0].transpose(1, 2, 0).copy() if sequences else None
    ct_carry = ct[1].T.astype(dtype, order="C")
    ct_x = None if constant else np.empty((time, features, batch), dtype)
    ct_sums, slopes, part = (np.empty((rows * units, batch), dtype) for rows in (4, 5, 1))
    ct_weights, product = (make((4 * units, len(weights)), dtype) for make in (np.zeros, np.empty))
    ct_pieces = _in_pieces(ct_sums, len(weights))
    product_pieces = product.reshape(*ct_pieces.shape[:2], len(weights))
    row = np.empty((batch, len(weights)), dtype)
    ct_i, ct_f, ct_o, ct_candidate = ct_sums.reshape(4, units, batch)
    by_gate = gates.reshape(time, 5, units, batch)
    sigmoid_slopes, tanh_slopes, all_slopes = slopes[: 3 * units], slopes[3 * units :], slopes[: 4 * units]
    one, passed = np.ones((), dtype), None
    for t in range(time - 1, -1, -1):
        blocks = gates[t]
        i, f, o, candidate, squashed = by_gate[t]
        if arriving is not None:
            np.add(ct_output, arriving[t], ct_output)
        if mask is not None:
            skipped = ~mask[:, t]
            passed = np.where(skipped, ct_output, 0), np.where(skipped, ct_carry, 0)
            np.copyto(ct_output, 0, where=skipped)
            np.copyto(ct_carry, 0, where=skipped)
        # Slopes of the activations: s - s * s of a sigmoid, 1 - s * s of a tanh.
        np.multiply(blocks, blocks, slopes)
        np.subtract(blocks[: 3 * units], sigmoid_slopes, sigmoid_slopes)
        np.subtract(one, tanh_slopes, tanh_slopes)
        np.multiply(slopes[4 * units :], o, part)
        np.multiply(part, ct_output, part)
        np.add(ct_carry, part, ct_carry)
        np.multiply(ct_carry, candidate, ct_i)
        np.multiply(ct_carry, carries[t], ct_f)
        np.multiply(ct_output, squashed, ct_o)
        np.multiply(ct_carry, i, ct_candidate)
        np.multiply(ct_sums, all_slopes, ct_sums)
        np.multiply(ct_carry, f, ct_carry)
        np.copyto(row, columns[t].T)
        np.matmul(ct_pieces, row, product_pieces)
        np.add(ct_weights, product, ct_weights)
        np.matmul(used, ct_sums, pulled_pieces)
        if ct_x is not None:
            ct_x[t] = pulled[:features]
        if passed is not None:
            np.add(ct_output, passed[0], ct_output)
            np.add(ct_carry, passed[1], ct_carry)
    ct_weights = ct_weights.reshape(4, units, -1).transpose(2, 0, 1)[:, _ORDER].reshape(-1, 4 * units)
    return (
        None if ct_x is None else ct_x.transpose(2, 0, 1).copy(),
        ct_weights[:features], ct_weights[features + 1 :], ct_weights[features],
        ct_output.T.copy(), ct_carry.T.copy(),
    )  # fmt: skip


def _composed(ct, x, kernel, recurrent_kernel, bias, h, c, mask, sequences: bool):
    """The same in NumPy's names, gates in the order of the arguments."""
    time, units = x.shape[1], h.shape[1]
    steps = []
    for t in range(time):
        sums = x[:, t] @ kernel + h @ recurrent_kernel + bias
        i, f, o = (on(SIGMOID, sums[:, k * units : (k + 1) * units]) for k in (0, 1, 3))
        candidate = np.tanh(sums[:, 2 * units : 3 * units])
        carry = f * c + i * candidate
        squash = np.tanh(carry)
        steps.append((i, f, o, candidate, h, c, squash))
        kept = None if mask is None else mask[:, t, None]
        h = o * squash if kept is None else np.where(kept, o * squash, h)
        c = carry if kept is None else np.where(kept, carry, c)
    ct_h, ct_c = (np.zeros_like(h) if sequences else ct[0]), ct[1]
    ct_sums: list[Any] = []
    zero = np.zeros((), h.dtype)
    for t in range(time - 1, -1, -1):
        i, f, o, candidate, h, c, squash = steps[t]
        ct_h = ct_h + ct[0][:, t] if sequences else ct_h
        passed: Any = None
        if mask is not None:
            kept = mask[:, t, None]
            passed = np.where(kept, zero, ct_h), np.where(kept, zero, ct_c)
            ct_h, ct_c = np.where(kept, ct_h, zero), np.where(kept, ct_c, zero)
        ct_c = ct_c + ct_h * o * (1 - squash * squash)
        ct_sum = np.concatenate([
            ct_c * candidate * i * (1 - i), ct_c * c * f * (1 - f),
            ct_c * i * (1 - candidate * candidate), ct_h * squash * o * (1 - o),
        ], axis=1)  # fmt: skip
        ct_sums.append(ct_sum)
        ct_h, ct_c = ct_sum @ recurrent_kernel.T, ct_c * f
        if passed is not None:
            ct_h, ct_c = ct_h + passed[0], ct_c + passed[1]
    if not time:
        return np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent_kernel), np.zeros_like(bias), ct_h, ct_c
    ct_sums.reverse()
    rows, outputs = np.concatenate(ct_sums), np.concatenate([step[4] for step in steps])
    inputs = np.concatenate([x[:, t] for t in range(time)])
    return (
        np.stack([part @ kernel.T for part in ct_sums], axis=1),
        inputs.T @ rows, outputs.T @ rows, np.sum(rows, axis=0), ct_h, ct_c,
    )  # fmt: skip


def _sample_lstm(draw):
    empty = draw.choice((None, None, None, 0, 1, 2))  # seldom: nothing is computed then
    batch, time, features = (0 if at == empty else draw.integer(1, 3) for at in range(3))
    units = draw.integer(1, 2)
    shapes = [(batch, time, features), (features, 4 * units), (units, 4 * units), (4 * units,), *[(batch, units)] * 2]
    args = tuple(draw.array(shape) for shape in shapes)
    if draw.choice((False, True)):
        args += (np.arange(batch * time).reshape(batch, time) % 3 != draw.integer(0, 2),)
    return args, {"sequences": draw.choice((False, True))}


def _sample_backward(draw):
    args, params = _sample_lstm(draw)
    (batch, time, _), units = args[0].shape, args[4].shape[1]
    cts = draw.array((batch, time, units) if params["sequences"] else (batch, units)), draw.array((batch, units))
    buffers = _forward(*args[:6], args[6] if len(args) > 6 else None)[1:] if draw.boolean() else ()
    return (*cts, *args, *buffers), {**params, "constant": draw.boolean()}


LSTM = Primitive(
    "lstm", _lstm, vjps=(_rule,), joint=True, sample=_sample_lstm,
    doc="Outputs and last carry of a long short-term memory over sequences; with keep= also what its gradient needs.",
)  # fmt: skip

# Never recorded: where its result would be, the rule of LSTM composes it of operations that have rules.
LSTM_BACKWARD = Primitive(
    "lstm_backward", _lstm_backward, vjps=None, sample=_sample_backward, doc="Cotangents of all arguments of lstm."
)


def lstm(x, kernel, recurrent_kernel, bias, h, c, mask=None, sequences=False):
    r"""Long short-term memory over all steps of a batch of sequences.

    In each step :math:`i, f, o = \sigma(x W + h U + b)`, :math:`g = \tanh(x W + h U + b)`, :math:`c' = f c + i g` and
    :math:`h' = o \tanh(c')`.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (batch, time, features)
    kernel : shape (features, 4 * units)
        For i, f, g and o side by side.
    recurrent_kernel : shape (units, 4 * units)
    bias : shape (4 * units,)
    h, c : shape (batch, units)
        Output and carry before the first step.
    mask : array_like of bool, shape (batch, time), optional
        Steps where it is False change nothing; their output is the one before.
    sequences : bool
        Whether to give the outputs of all steps, or the last.

    Returns
    -------
    outputs : Tensor, shape (batch, time, units) or (batch, units)
    carry : Tensor, shape (batch, units)

    Raises
    ------
    ShapeError
        If the shapes are not these.
    """
    given = (x, kernel, recurrent_kernel, bias, h, c)
    args: Any = tuple(arg if isinstance(arg, (Tensor, Variable)) else as_value(arg) for arg in given)
    for arg in args:
        if arg.dtype.kind == "c":
            raise DtypeError("lstm: got complex numbers; expected real ones.")
    if mask is not None:
        mask = _boolean(mask)
        if mask.shape != args[0].shape[:2]:
            raise ShapeError(f"lstm: the mask has shape {mask.shape}; expected (batch, time), {args[0].shape[:2]}.")
        args += (mask,)
    params: dict[str, Any] = {"sequences": bool(sequences)}
    if isinstance(args[0], np.ndarray) or (isinstance(args[0], Tensor) and args[0].node is None):
        params["constant"] = True  # no cotangent of the inputs is needed, which saves a part of each product
    frame = current()
    if frame is None or frame.trace is None:
        params["kept"] = _Kept()
    elif frame.records:  # a plan hands buffers on as what they are: results
        params["keep"] = True
    return apply(LSTM, args, params)[:2]


def _boolean(mask) -> Tensor:
    if isinstance(mask, Tensor) and mask.dtype == bool:
        return mask
    return Tensor(np.array(as_value(mask), bool), None)


ROWS = (LSTM, LSTM_BACKWARD)

OVERLOADS: dict[Any, Any] = {}
