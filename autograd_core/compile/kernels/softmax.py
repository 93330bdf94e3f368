"""Softmax along the last axis, and the cross-entropy with labels.

Rows are taken in blocks that stay in the nearest cache. Within a block each pass is one loop over all its entries, so
that short rows (ten classes) fill the vector registers as well as long ones do.
"""

from __future__ import annotations

import numpy as np

from ..machine.vector_math import exp, log, maximum
from ..to_numba.parallel import in_parallel
from .jit import alone, helper, kernel

LEAST = 1e-30  # a smaller probability has lost digits: its logarithm is found from the logits


@helper
def _largest(row):
    top = row[0]
    for j in range(1, len(row)):
        top = maximum(top, row[j])
    return top


@helper
def _sum(row):
    total = row.dtype.type(0)
    for j in range(len(row)):
        total += row[j]
    return total


@helper
def _times(row, factor):
    for j in range(len(row)):
        row[j] *= factor


@helper
def _minus(y, x, amount):
    for j in range(len(y)):
        y[j] = x[j] - amount


@helper
def _exponentials(y, x, low, high, width):
    """exp(x - largest of its row) of rows low to high."""
    for at in range(low * width, high * width, width):
        row = x[at : at + width]
        _minus(y[at : at + width], row, _largest(row))
    block = y[low * width : high * width]
    for j in range(len(block)):
        block[j] = exp(block[j])


@helper
def _softmax_rows(y, x, rows, width, block, part):
    low, high = part * block, min(part * block + block, rows)
    _exponentials(y, x, low, high, width)
    for at in range(low * width, high * width, width):
        row = y[at : at + width]
        _times(row, y.dtype.type(1) / _sum(row))


@kernel
def softmax(y, x, rows, width, block):
    """Put the softmax of each of ``rows`` rows into y."""
    in_parallel(_softmax_rows, (rows + block - 1) // block, y.reshape(-1), x.reshape(-1), rows, width, block)


@helper
def _log_softmax_rows(y, x, rows, width, block, part):
    low, high = part * block, min(part * block + block, rows)
    _exponentials(y, x, low, high, width)
    for at in range(low * width, high * width, width):
        row, given = y[at : at + width], x[at : at + width]
        top, off = _largest(given), log(_sum(row))
        for j in range(len(row)):
            row[j] = (given[j] - top) - off


@kernel
def log_softmax(y, x, rows, width, block):
    """Put x - log(sum(exp(x))) of each of ``rows`` rows into y."""
    in_parallel(_log_softmax_rows, (rows + block - 1) // block, y.reshape(-1), x.reshape(-1), rows, width, block)


# -- cross-entropy with labels -----------------------------------------------------------------------------------------


@helper
def _all_classes(labels, width):
    wrong = 0
    for row in range(labels.size):
        wrong += labels[row] < 0 or labels[row] >= width
    return wrong == 0


@helper
def _loss(row, label, work):
    """log(sum(exp(x))) - x[label] of one row."""
    top = _largest(row)
    _minus(work, row, top)
    for j in range(len(work)):
        work[j] = exp(work[j])
    return log(_sum(work)) - (row[label] - top)


@helper
def _losses(flat, labels, p, x, work, width):
    """-log(p[label]), or from the logits where that has lost digits."""
    for row in range(labels.size):
        flat[row] = p[row * width + np.intp(labels[row])]
    lost = 0
    for row in range(labels.size):
        lost += not flat[row] > LEAST
    for row in range(labels.size):
        flat[row] = -log(flat[row])
    if lost:
        for row in range(labels.size):
            at = np.intp(labels[row])
            if not p[row * width + at] > LEAST:
                flat[row] = _loss(x[row * width : row * width + width], at, work)


@helper
def _mean(flat):
    total = flat.dtype.type(0)
    for row in range(flat.size):
        total += flat[row]
    return total / flat.dtype.type(flat.size)


@kernel
def cross_entropy_known(losses, labels, logits, probabilities, work, width):
    """One loss for each label, given the probabilities; 1 if a label is no class."""
    flat = labels.reshape(-1)
    if not _all_classes(flat, width):
        return 1
    _losses(losses.reshape(-1), flat, probabilities.reshape(-1), logits.reshape(-1), work, width)
    return 0


@kernel
def cross_entropy_known_mean(loss, labels, logits, probabilities, work, each, width):
    """Their mean."""
    flat = labels.reshape(-1)
    if not _all_classes(flat, width):
        return 1
    _losses(each, flat, probabilities.reshape(-1), logits.reshape(-1), work, width)
    loss[()] = _mean(each)
    return 0


@kernel
def cross_entropy(losses, labels, logits, work, width):
    """One loss for each label; 1 if a label is no class. ``work`` has one row."""
    flat, x, out = labels.reshape(-1), logits.reshape(-1), losses.reshape(-1)
    if not _all_classes(flat, width):
        return 1
    for row in range(flat.size):
        out[row] = _loss(x[row * width : row * width + width], np.intp(flat[row]), work)
    return 0


@kernel
def cross_entropy_mean(loss, labels, logits, work, each, width):
    """Their mean."""
    flat, x = labels.reshape(-1), logits.reshape(-1)
    if not _all_classes(flat, width):
        return 1
    for row in range(flat.size):
        each[row] = _loss(x[row * width : row * width + width], np.intp(flat[row]), work)
    loss[()] = _mean(each)
    return 0


# -- its gradient ------------------------------------------------------------------------------------------------------


@helper
def _take_off(dx, weights, labels, factor, low, high, width):
    for row in range(low, high):
        at = np.intp(labels[row])
        if 0 <= at < width:  # the loss has been computed, and has seen to that
            dx[row * width + at] -= weights[row % weights.size] * factor


@helper
def _product(y, x, factor):
    for j in range(len(y)):
        y[j] = x[j] * factor


@helper
def _gradient_known(dx, weights, labels, p, factor, rows, width, block, part):
    low, high = part * block, min(part * block + block, rows)
    if weights.size == 1:
        _product(dx[low * width : high * width], p[low * width : high * width], weights[0] * factor)
    else:
        for row in range(low, high):
            at = row * width
            _product(dx[at : at + width], p[at : at + width], weights[row] * factor)
    _take_off(dx, weights, labels, factor, low, high, width)


@helper
def _gradient(dx, weights, labels, x, factor, rows, width, block, part):
    low, high = part * block, min(part * block + block, rows)
    _exponentials(dx, x, low, high, width)
    for row in range(low, high):
        entries = dx[row * width : row * width + width]
        _times(entries, weights[row % weights.size] * factor / _sum(entries))
    _take_off(dx, weights, labels, factor, low, high, width)


@kernel
def gradient_known(dx, ct, labels, logits, probabilities, rows, width, block, share):
    """Put (probabilities - one-hot labels) * ct * share into dx; ct is one number, or one for each row."""
    flat, weights, classes, p = dx.reshape(-1), ct.reshape(-1), labels.reshape(-1), probabilities.reshape(-1)
    factor = dx.dtype.type(share)
    parts = (rows + block - 1) // block
    in_parallel(_gradient_known, parts, flat, weights, classes, p, factor, rows, width, block)


@kernel
def gradient(dx, ct, labels, logits, rows, width, block, share):
    """Put (softmax(logits) - one-hot labels) * ct * share into dx."""
    flat, weights, classes, x = dx.reshape(-1), ct.reshape(-1), labels.reshape(-1), logits.reshape(-1)
    factor = dx.dtype.type(share)
    in_parallel(_gradient, (rows + block - 1) // block, flat, weights, classes, x, factor, rows, width, block)


# -- where sharing does not pay ----------------------------------------------------------------------------------------

softmax_alone = alone(softmax)
log_softmax_alone = alone(log_softmax)
gradient_known_alone = alone(gradient_known)
gradient_alone = alone(gradient)
