"""A long short-term memory over all steps, forward and backward.

Sequences are taken in groups of ``LANES``, each with all its steps: threads that have different groups never wait for
one another. Within a group the arrays of a step are matrices with one row per unit and one column per sequence, as in
the buffers of ``ops.recurrent``, so each row is one vector of the machine. All that happens to a unit between two
products happens in one pass: its gates go from the registers to where they are kept.
"""

from __future__ import annotations

import numpy as np

from ..machine.vector_math import use_wide_registers
from ..to_numba.parallel import in_parallel
from .jit import alone, helper, kernel
from .lstm_gates import short_tanh, sigmoid_and_tanh, two_sigmoids
from .products import gemm

LANES = 16
WIDTH = np.uintp(LANES)

# Indices that are sums are unsigned: a signed one that may be negative, for all that LLVM knows, counts from the end,
# and a loop over it is not vectorised. (Signed and unsigned together would be a float.)

# -- between arrays of all sequences and those of a group --------------------------------------------------------------


@helper
def _store(whole, first, count, part):
    """Put the rows of a group into columns first to first + count of ``whole`` (rows, batch)."""
    first = np.uintp(first)
    for row in range(np.uintp(len(whole))):
        for lane in range(np.uintp(count)):
            whole[row, first + lane] = part[row * WIDTH + lane]


@helper
def _load_rows(part, whole, first, count):
    """Turn rows first to first + count of ``whole`` (sequences) into columns."""
    for lane in range(count):
        row = whole[first + lane]
        for at in range(np.uintp(whole.shape[1])):
            part[at * WIDTH + np.uintp(lane)] = row[at]


@helper
def _store_rows(whole, first, count, part):
    """The other way."""
    for lane in range(count):
        row = whole[first + lane]
        for at in range(np.uintp(whole.shape[1])):
            row[at] = part[at * WIDTH + np.uintp(lane)]


@helper
def _stack(weights, weight, bias, recurrent):
    """Rows of weights one under the other, with the gates in the order of the buffers: i, f, o, candidate."""
    units, count = bias.size // 4, len(weight)
    for row in range(count + 1 + len(recurrent)):
        source = weight[row] if row < count else bias if row == count else recurrent[row - count - 1]
        begin = row * 4 * units
        for gate in range(4):
            of = (gate if gate < 2 else 5 - gate) * units
            _copy(weights[begin + gate * units : begin + (gate + 1) * units], source[of : of + units])


@helper
def _copy(target, source):
    for j in range(len(target)):
        target[j] = source[j]


# -- forward -----------------------------------------------------------------------------------------------------------


@helper
def _activate(
    i_sums, f_sums, o_sums, candidate_sums, carry, output, i_kept, f_kept, o_kept, candidate_kept, squashed_kept,
    carries, outputs, first, count,
):  # fmt: skip
    """Gates from their sums, the next carry and output, all in one pass; what is kept has all sequences."""
    use_wide_registers()
    first = np.uintp(first)
    for row in range(np.uintp(len(carries))):
        for lane in range(np.uintp(count)):
            at, column = row * WIDTH + lane, first + lane
            i, f = two_sigmoids(i_sums[at], f_sums[at])
            o, candidate = sigmoid_and_tanh(o_sums[at], candidate_sums[at])
            after = f * carry[at] + i * candidate
            squashed = short_tanh(after)
            carry[at] = after
            output[at] = o * squashed
            i_kept[row, column] = i
            f_kept[row, column] = f
            o_kept[row, column] = o
            candidate_kept[row, column] = candidate
            squashed_kept[row, column] = squashed
            carries[row, column] = after
            outputs[row, column] = o * squashed


@helper
def _forward(outputs, last, columns, gates, carries, x, h, c, weights, scratch, sequences, part):
    """One part of the sequences: a group through all its steps, then the next."""
    batch, time, features = x.shape
    units, steps, shaped = h.shape[1], len(columns), outputs.reshape(batch, -1, h.shape[1])
    size, start, rows = units * LANES, (features + 1) * LANES, features + 1 + units
    work = scratch[part]
    sums, carry, column = work[: 4 * size], work[4 * size : 5 * size], work[5 * size :]
    output = column[start : start + size]
    for first in range(part * LANES, batch, len(scratch) * LANES):
        count = min(LANES, batch - first)
        column[features * LANES : start] = 1
        _load_rows(output, h, first, count)
        _load_rows(carry, c, first, count)
        _store(columns[0, features + 1 :], first, count, output)
        _store(carries[0], first, count, carry)
        for t in range(time):
            _load_rows(column, x[:, t], first, count)
            _store(columns[t % steps, : features + 1], first, count, column)
            gemm(1, 0, 4 * units, count, rows, weights, 4 * units, column, LANES, 0.0, sums, LANES)
            kept, after = gates[t % len(gates)], carries[t % len(gates) + 1]
            i, f, o, candidate = sums[:size], sums[size : 2 * size], sums[2 * size : 3 * size], sums[3 * size :]
            _activate(
                i, f, o, candidate, carry, output, kept[:units], kept[units : 2 * units], kept[2 * units : 3 * units],
                kept[3 * units : 4 * units], kept[4 * units :], after, columns[(t + 1) % steps, features + 1 :], first,
                count,
            )  # fmt: skip
            if sequences or t == time - 1:
                _store_rows(shaped[:, t if sequences else 0], first, count, output)
        _store_rows(last, first, count, carry)
        if steps > time:
            column[: features * LANES] = 0
            _store(columns[time, : features + 1], first, count, column)


@kernel
def lstm(outputs, last, columns, gates, carries, x, weight, recurrent, bias, h, c, weights, scratch, sequences):
    """Outputs, last carry, and buffers as ``ops.recurrent`` has them; ``gates`` has all steps, or one."""
    _stack(weights, weight, bias, recurrent)
    parts = len(scratch)
    in_parallel(_forward, parts, outputs, last, columns, gates, carries, x, h, c, weights, scratch, sequences)


@kernel
def lstm_unkept(outputs, last, x, weight, recurrent, bias, h, c, columns, gates, carries, weights, scratch, sequences):
    """The same where nobody wants the buffers: they are work arrays of one step."""
    _stack(weights, weight, bias, recurrent)
    parts = len(scratch)
    in_parallel(_forward, parts, outputs, last, columns, gates, carries, x, h, c, weights, scratch, sequences)


# -- backward ----------------------------------------------------------------------------------------------------------


@helper
def _slopes(
    ct_i, ct_f, ct_o, ct_candidate, ct_output, ct_carry, i_kept, f_kept, o_kept, candidate_kept, squashed_kept, carries,
    first, count,
):  # fmt: skip
    """Cotangents of the sums and, in place, of the carry before."""
    use_wide_registers()
    first, one = np.uintp(first), ct_carry.dtype.type(1)
    for row in range(np.uintp(len(carries))):
        for lane in range(np.uintp(count)):
            at, column = row * WIDTH + lane, first + lane
            i, f, o = i_kept[row, column], f_kept[row, column], o_kept[row, column]
            candidate, squashed = candidate_kept[row, column], squashed_kept[row, column]
            ct = ct_carry[at] + ct_output[at] * o * (one - squashed * squashed)
            ct_i[at] = ct * candidate * i * (one - i)
            ct_f[at] = ct * carries[row, column] * f * (one - f)
            ct_o[at] = ct_output[at] * squashed * o * (one - o)
            ct_candidate[at] = ct * i * (one - candidate * candidate)
            ct_carry[at] = ct * f


@helper
def _arrive(ct_output, ct_outputs, first, count):
    """Add the cotangents of a step's outputs."""
    for lane in range(count):
        row = ct_outputs[first + lane]
        for at in range(np.uintp(len(row))):
            ct_output[at * WIDTH + np.uintp(lane)] += row[at]


@helper
def _backward(
    ct_x, ct_h, ct_c, ct_outputs, ct_last, columns, gates, carries, weights, parts, scratch, features, sequences,
    constant, part,
):  # fmt: skip
    """One part of the sequences: a group through all its steps, then the next; the weights' cotangents are added up."""
    (batch, units), time = ct_h.shape, len(gates)
    shaped = ct_outputs.reshape(batch, -1, units)
    rows, wide, size = features + 1 + units, 4 * units, units * LANES
    top = features + 1 if constant else 0
    start, work, ct_weights = (features + 1 - top) * LANES, scratch[part], parts[part]
    ct_sums, ct_carry, pulled = work[: 4 * size], work[4 * size : 5 * size], work[5 * size :]
    ct_output, beta = pulled[start : start + size], 0.0
    for first in range(part * LANES, batch, len(parts) * LANES):
        count = min(LANES, batch - first)
        pulled[:] = 0
        _load_rows(ct_carry, ct_last, first, count)
        for t in range(time - 1, -1, -1):
            if sequences or t == time - 1:
                _arrive(ct_output, shaped[:, t if sequences else 0], first, count)
            kept = gates[t]
            i, f, o = ct_sums[:size], ct_sums[size : 2 * size], ct_sums[2 * size : 3 * size]
            _slopes(
                i, f, o, ct_sums[3 * size :], ct_output, ct_carry, kept[:units], kept[units : 2 * units],
                kept[2 * units : 3 * units], kept[3 * units : 4 * units], kept[4 * units :], carries[t], first, count,
            )  # fmt: skip
            gemm(0, 1, rows, wide, count, (columns[t], first), batch, ct_sums, LANES, beta, ct_weights, wide)
            gemm(0, 0, rows - top, count, wide, (weights, top * wide), wide, ct_sums, LANES, 0.0, pulled, LANES)
            beta = 1.0
            if not constant:
                _store_rows(ct_x[:, t], first, count, pulled)
        _store_rows(ct_h, first, count, ct_output)
        _store_rows(ct_c, first, count, ct_carry)


@helper
def _collect(ct_weight, ct_bias, ct_recurrent, parts):
    """Sum of the groups' parts, gates in the order of the arguments."""
    units, count = ct_bias.size // 4, len(ct_weight)
    for row in range(count + 1 + len(ct_recurrent)):
        target = ct_weight[row] if row < count else ct_bias if row == count else ct_recurrent[row - count - 1]
        begin = row * 4 * units
        for gate in range(4):
            to, of = gate * units, begin + (gate if gate < 2 else 5 - gate) * units
            _copy(target[to : to + units], parts[0, of : of + units])
            for at in range(1, len(parts)):
                _add(target[to : to + units], parts[at, of : of + units])


@helper
def _add(target, source):
    for j in range(len(target)):
        target[j] += source[j]


@kernel
def lstm_backward(
    ct_x, ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns,
    gates, carries, weights, parts, scratch, sequences, constant,
):  # fmt: skip
    """Cotangents of all arguments; ``parts`` has a copy of the weights' for each thread that may work on it."""
    _stack(weights, weight, bias, recurrent)
    in_parallel(
        _backward, len(parts), ct_x, ct_h, ct_c, ct_outputs, ct_last, columns, gates, carries, weights, parts, scratch,
        len(weight), sequences, constant,
    )  # fmt: skip
    _collect(ct_weight, ct_bias, ct_recurrent, parts)


@kernel
def lstm_backward_constant(
    ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns, gates,
    carries, weights, parts, scratch, sequences, constant,
):  # fmt: skip
    """The same where nobody asks for the cotangent of x, which is not written to."""
    _stack(weights, weight, bias, recurrent)
    in_parallel(
        _backward, len(parts), x, ct_h, ct_c, ct_outputs, ct_last, columns, gates, carries, weights, parts, scratch,
        len(weight), sequences, constant,
    )  # fmt: skip
    _collect(ct_weight, ct_bias, ct_recurrent, parts)


# -- where sharing does not pay ----------------------------------------------------------------------------------------

lstm_alone = alone(lstm)
lstm_unkept_alone = alone(lstm_unkept)
lstm_backward_alone = alone(lstm_backward)
lstm_backward_constant_alone = alone(lstm_backward_constant)
