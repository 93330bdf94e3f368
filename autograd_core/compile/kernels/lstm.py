"""A long short-term memory over all steps, forward and backward.

Sequences are taken in groups of ``LANES``, each with all its steps: threads that have different groups never wait for
one another. Within a group the arrays of a step are matrices with one row per unit and one column per sequence, as in
the buffers of ``ops.recurrent``, so each row is one vector of the machine, and all loops over a gate are one loop.
The product for the gradient of the weights is made for ``SLOTS`` steps at once.
"""

from __future__ import annotations

import numpy as np
from ..numba_parallel import in_parallel
from ..vector_math import sigmoid, tanh, use_wide_registers
from .jit import alone, helper, kernel
from .products import gemm

LANES = 16
SLOTS = 32
STRIDE = (SLOTS + 1) * LANES  # one more, so that rows do not all fall into the same few lines of the cache
WIDTH, DEPTH = np.uintp(LANES), np.uintp(STRIDE)

# Indices that are sums are unsigned: a signed one that may be negative, for all that LLVM knows, counts from the end,
# and a loop over it is not vectorised. (Signed and unsigned together would be a float.)

# -- between buffers of all sequences and those of a group -------------------------------------------------------------


@helper
def _store(whole, rows, first, count, part):
    """Put ``rows`` rows of a group into columns first to first + count of ``whole`` (rows, batch)."""
    first = np.uintp(first)
    if count == LANES:
        for row in range(np.uintp(rows)):
            for lane in range(WIDTH):
                whole[row, first + lane] = part[row * WIDTH + lane]
    else:
        for row in range(np.uintp(rows)):
            for lane in range(np.uintp(count)):
                whole[row, first + lane] = part[row * WIDTH + lane]


@helper
def _load(part, whole, rows, first, count):
    """The other way; lanes without a sequence are 0."""
    first = np.uintp(first)
    if count == LANES:
        for row in range(np.uintp(rows)):
            for lane in range(WIDTH):
                part[row * WIDTH + lane] = whole[row, first + lane]
    else:
        part[: rows * LANES] = 0
        for row in range(np.uintp(rows)):
            for lane in range(np.uintp(count)):
                part[row * WIDTH + lane] = whole[row, first + lane]


@helper
def _load_rows(part, whole, first, count):
    """Turn rows first to first + count of ``whole`` (sequences) into columns; the other lanes are 0."""
    width = whole.shape[1]
    if count < LANES:
        part[: width * LANES] = 0
    for lane in range(count):
        row = whole[first + lane]
        for at in range(np.uintp(width)):
            part[at * WIDTH + np.uintp(lane)] = row[at]


@helper
def _store_rows(whole, first, count, part):
    """The other way."""
    for lane in range(count):
        row = whole[first + lane]
        for at in range(np.uintp(whole.shape[1])):
            row[at] = part[at * WIDTH + np.uintp(lane)]


@helper
def _stack(weights, matrix, start):
    """Rows of weights with the gates in the order of the buffers: i, f, o, candidate."""
    units = matrix.shape[1] // 4
    for row in range(len(matrix)):
        source, target = matrix[row], weights[(start + row) * 4 * units : (start + row + 1) * 4 * units]
        target[: 2 * units] = source[: 2 * units]
        target[2 * units : 3 * units] = source[3 * units :]
        target[3 * units :] = source[2 * units : 3 * units]


@helper
def _stack_all(weights, weight, bias, recurrent):
    _stack(weights, weight, 0)
    _stack(weights, bias.reshape(1, bias.size), len(weight))
    _stack(weights, recurrent, len(weight) + 1)


# -- forward -----------------------------------------------------------------------------------------------------------


@helper
def _activate(sums, carry, squashed, output, size):
    """Gates from their sums, in place; the next carry and output. ``size`` entries each."""
    use_wide_registers()
    i, f, o, candidate = sums[:size], sums[size : 2 * size], sums[2 * size : 3 * size], sums[3 * size :]
    for j in range(3 * size):
        sums[j] = sigmoid(sums[j])
    for j in range(size):
        candidate[j] = tanh(candidate[j])
    for j in range(size):
        carry[j] = f[j] * carry[j] + i[j] * candidate[j]
    for j in range(size):
        squashed[j] = tanh(carry[j])
    for j in range(size):
        output[j] = o[j] * squashed[j]


@helper
def _forward_group(outputs, last, columns, gates, carries, x, h, c, weights, scratch, first, count, sequences):
    """All steps of sequences first to first + count."""
    _, time, features = x.shape
    units = h.shape[1]
    size, start = units * LANES, (features + 1) * LANES
    rows = features + 1 + units
    sums, carry, squashed = scratch[: 4 * size], scratch[4 * size : 5 * size], scratch[5 * size : 6 * size]
    column = scratch[6 * size :]
    output = column[start:]
    column[features * LANES : start] = 1
    _load_rows(output, h, first, count)
    _load_rows(carry, c, first, count)
    depth = len(gates)
    _store(carries[0], units, first, count, carry)
    for t in range(time):
        _load_rows(column, x[:, t], first, count)
        at = t % depth
        _store(columns[at], rows, first, count, column)
        gemm(1, 0, 4 * units, LANES, rows, weights, 4 * units, column, LANES, 0.0, sums, LANES)
        _activate(sums, carry, squashed, output, size)
        _store(gates[at], 4 * units, first, count, sums)
        _store(gates[at, 4 * units :], units, first, count, squashed)
        _store(carries[at + 1], units, first, count, carry)
        if sequences:
            _store_rows(outputs[:, t], first, count, output)
    if not sequences:
        _store_rows(outputs[:, 0], first, count, output)
    _store_rows(last, first, count, carry)
    if len(columns) > time:
        column[: features * LANES] = 0
        _store(columns[time], rows, first, count, column)


@helper
def _forward_part(outputs, last, columns, gates, carries, x, h, c, weights, scratch, sequences, part):
    """The groups of one part."""
    batch = len(x)
    for first in range(part * LANES, batch, len(scratch) * LANES):
        _forward_group(
            outputs, last, columns, gates, carries, x, h, c, weights, scratch[part], first,
            min(LANES, batch - first), sequences,
        )  # fmt: skip


@kernel
def lstm(outputs, last, columns, gates, carries, x, weight, recurrent, bias, h, c, weights, scratch, sequences):
    """Outputs, last carry, and buffers as ``ops.recurrent`` has them; ``gates`` has all steps, or one."""
    _stack_all(weights, weight, bias, recurrent)
    batch = len(x)
    shaped = outputs.reshape(batch, outputs.size // (batch * h.shape[1]), h.shape[1])
    in_parallel(
        _forward_part, len(scratch), shaped, last, columns, gates, carries, x, h, c, weights, scratch, sequences
    )


lstm_alone = alone(lstm)


@kernel
def lstm_unkept(outputs, last, x, weight, recurrent, bias, h, c, columns, gates, carries, weights, scratch, sequences):
    """The same where nobody wants the buffers: they are work arrays of one step."""
    lstm(outputs, last, columns, gates, carries, x, weight, recurrent, bias, h, c, weights, scratch, sequences)


@kernel
def lstm_unkept_alone(
    outputs, last, x, weight, recurrent, bias, h, c, columns, gates, carries, weights, scratch, sequences
):
    """The same in the calling thread alone."""
    lstm_alone(outputs, last, columns, gates, carries, x, weight, recurrent, bias, h, c, weights, scratch, sequences)


# -- backward ----------------------------------------------------------------------------------------------------------


@helper
def _slopes(ct_sums, ct_output, ct_carry, gates, before, size):
    """Cotangents of the sums and, in place, of the carry before."""
    one = gates.dtype.type(1)
    i, f, o = gates[:size], gates[size : 2 * size], gates[2 * size : 3 * size]
    candidate, squashed = gates[3 * size : 4 * size], gates[4 * size :]
    ct_i, ct_f, ct_o = ct_sums[:size], ct_sums[size : 2 * size], ct_sums[2 * size : 3 * size]
    ct_candidate = ct_sums[3 * size :]
    for j in range(size):
        ct = ct_carry[j] + ct_output[j] * o[j] * (one - squashed[j] * squashed[j])
        ct_i[j] = ct * candidate[j] * i[j] * (one - i[j])
        ct_f[j] = ct * before[j] * f[j] * (one - f[j])
        ct_o[j] = ct_output[j] * squashed[j] * o[j] * (one - o[j])
        ct_candidate[j] = ct * i[j] * (one - candidate[j] * candidate[j])
        ct_carry[j] = ct * f[j]


@helper
def _place(all_steps, part, rows, slot):
    """Put a step's rows beside those of other steps."""
    begin = np.uintp(slot) * WIDTH
    for row in range(np.uintp(rows)):
        for lane in range(WIDTH):
            all_steps[row * DEPTH + begin + lane] = part[row * WIDTH + lane]


@helper
def _arrive(ct_output, ct_outputs, first, count):
    """Add the cotangents of a step's outputs."""
    for lane in range(count):
        row = ct_outputs[first + lane]
        for at in range(np.uintp(len(row))):
            ct_output[at * WIDTH + np.uintp(lane)] += row[at]


@helper
def _backward_group(
    ct_x, ct_h, ct_c, ct_weights, ct_outputs, ct_last, columns, gates, carries, weights, scratch, features, first,
    count, sequences, constant, fresh,
):  # fmt: skip
    """All steps of sequences first to first + count; adds to ``ct_weights`` unless it is fresh."""
    time, units = len(gates), ct_h.shape[1]
    rows, wide, size = features + 1 + units, 4 * units, units * LANES
    top = features + 1 if constant else 0
    ct_sums, part, before = scratch[: 4 * size], scratch[4 * size : 9 * size], scratch[9 * size : 10 * size]
    ct_carry, rest = scratch[10 * size : 11 * size], scratch[11 * size :]
    column, pulled = rest[: rows * LANES], rest[rows * LANES : 2 * rows * LANES]
    all_columns = rest[2 * rows * LANES : (2 * LANES + STRIDE) * rows]
    all_sums = rest[(2 * LANES + STRIDE) * rows :]
    pulled[:] = 0
    start = (features + 1 - top) * LANES
    ct_output = pulled[start : start + size]
    if not sequences:
        _load_rows(ct_output, ct_outputs[:, 0], first, count)
    _load_rows(ct_carry, ct_last, first, count)
    for t in range(time - 1, -1, -1):
        if sequences:
            _arrive(ct_output, ct_outputs[:, t], first, count)
        _load(part, gates[t], 5 * units, first, count)
        _load(before, carries[t], units, first, count)
        _slopes(ct_sums, ct_output, ct_carry, part, before, size)
        _load(column, columns[t], rows, first, count)
        slot = t % SLOTS
        _place(all_sums, ct_sums, wide, slot)
        _place(all_columns, column, rows, slot)
        gemm(0, 0, rows - top, LANES, wide, (weights, top * wide), wide, ct_sums, LANES, 0.0, pulled, LANES)
        if not constant:
            _store_rows(ct_x[:, t], first, count, pulled)
        if slot == 0:
            depth = min(SLOTS, time - t) * LANES
            beta = 0.0 if fresh else 1.0
            gemm(0, 1, rows, wide, depth, all_columns, STRIDE, all_sums, STRIDE, beta, ct_weights, wide)
            fresh = False
    _store_rows(ct_h, first, count, ct_output)
    _store_rows(ct_c, first, count, ct_carry)


@helper
def _backward_part(
    ct_x, ct_h, ct_c, parts, ct_outputs, ct_last, columns, gates, carries, weights, scratch, features, sequences,
    constant, part,
):  # fmt: skip
    """The groups of one part."""
    batch, start = len(ct_h), part * LANES
    for first in range(start, batch, len(parts) * LANES):
        _backward_group(
            ct_x, ct_h, ct_c, parts[part], ct_outputs, ct_last, columns, gates, carries, weights, scratch[part],
            features, first, min(LANES, batch - first), sequences, constant, first == start,
        )  # fmt: skip


@helper
def _collect(ct_matrix, parts, start):
    """Sum of the groups' parts, gates in the order of the arguments."""
    units = ct_matrix.shape[1] // 4
    for row in range(len(ct_matrix)):
        for gate in range(4):
            target = ct_matrix[row, gate * units : (gate + 1) * units]
            begin = (start + row) * 4 * units + (gate if gate < 2 else 5 - gate) * units
            target[:] = parts[0, begin : begin + units]
            for at in range(1, len(parts)):
                source = parts[at, begin : begin + units]
                for j in range(units):
                    target[j] += source[j]


@kernel
def lstm_backward(
    ct_x, ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns,
    gates, carries, weights, parts, scratch, sequences, constant,
):  # fmt: skip
    """Cotangents of all arguments; ``parts`` has a copy of the weights' for each thread that may work on it."""
    _stack_all(weights, weight, bias, recurrent)
    batch, features, units = len(h), len(weight), h.shape[1]
    shaped = ct_outputs.reshape(batch, ct_outputs.size // (batch * units), units)
    in_parallel(
        _backward_part, len(parts), ct_x, ct_h, ct_c, parts, shaped, ct_last, columns, gates, carries, weights, scratch,
        features, sequences, constant,
    )  # fmt: skip
    _collect(ct_weight, parts, 0)
    _collect(ct_bias.reshape(1, ct_bias.size), parts, features)
    _collect(ct_recurrent, parts, features + 1)


lstm_backward_alone = alone(lstm_backward)


@kernel
def lstm_backward_constant(
    ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns, gates,
    carries, weights, parts, scratch, sequences, constant,
):  # fmt: skip
    """The same where nobody asks for the cotangent of x."""
    lstm_backward(
        x, ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns,
        gates, carries, weights, parts, scratch, sequences, constant,
    )  # fmt: skip


@kernel
def lstm_backward_constant_alone(
    ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns, gates,
    carries, weights, parts, scratch, sequences, constant,
):  # fmt: skip
    """The same in the calling thread alone."""
    lstm_backward_alone(
        x, ct_weight, ct_recurrent, ct_bias, ct_h, ct_c, ct_outputs, ct_last, x, weight, recurrent, bias, h, c, columns,
        gates, carries, weights, parts, scratch, sequences, constant,
    )  # fmt: skip
