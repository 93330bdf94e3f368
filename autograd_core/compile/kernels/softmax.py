"""Softmax along the last axis, and the cross-entropy with labels.

Rows are taken in blocks that stay in the nearest cache. Within a block each pass is one loop over all its entries, so
that short rows (ten classes) fill the vector registers as well as long ones do.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ..vector_math import exp, log, maximum
from .jit import kernel, parallel_kernel

LEAST = 1e-30  # a smaller probability has lost digits: its logarithm is found from the logits


@kernel
def _largest(x, start, width):
    top = x[start]
    for j in range(start + 1, start + width):
        top = maximum(top, x[j])
    return top


@kernel
def _exponentials(y, x, low, high, width):
    """exp(x - largest of its row) of rows low to high."""
    for row in range(low, high):
        top = _largest(x, row * width, width)
        for j in range(row * width, row * width + width):
            y[j] = x[j] - top
    for j in range(low * width, high * width):
        y[j] = exp(y[j])


@kernel
def _softmax_rows(y, x, low, high, width):
    _exponentials(y, x, low, high, width)
    one = x.dtype.type(1)
    for row in range(low, high):
        total = x.dtype.type(0)
        for j in range(row * width, row * width + width):
            total += y[j]
        factor = one / total
        for j in range(row * width, row * width + width):
            y[j] *= factor


@kernel
def softmax(y, x, rows, width, block):
    """Put the softmax of each of ``rows`` rows into y."""
    flat_y, flat_x = y.reshape(-1), x.reshape(-1)
    for low in range(0, rows, block):
        _softmax_rows(flat_y, flat_x, low, min(low + block, rows), width)


@parallel_kernel
def softmax_parallel(y, x, rows, width, block):
    """The same, blocks shared among threads."""
    flat_y, flat_x = y.reshape(-1), x.reshape(-1)
    for part in prange((rows + block - 1) // block):
        _softmax_rows(flat_y, flat_x, part * block, min(part * block + block, rows), width)


@kernel
def _log_softmax_rows(y, x, low, high, width):
    _exponentials(y, x, low, high, width)
    for row in range(low, high):
        start = row * width
        top, total = _largest(x, start, width), x.dtype.type(0)
        for j in range(start, start + width):
            total += y[j]
        off = log(total)
        for j in range(start, start + width):
            y[j] = (x[j] - top) - off


@kernel
def log_softmax(y, x, rows, width, block):
    """Put x - log(sum(exp(x))) of each of ``rows`` rows into y."""
    flat_y, flat_x = y.reshape(-1), x.reshape(-1)
    for low in range(0, rows, block):
        _log_softmax_rows(flat_y, flat_x, low, min(low + block, rows), width)


@parallel_kernel
def log_softmax_parallel(y, x, rows, width, block):
    """The same, blocks shared among threads."""
    flat_y, flat_x = y.reshape(-1), x.reshape(-1)
    for part in prange((rows + block - 1) // block):
        _log_softmax_rows(flat_y, flat_x, part * block, min(part * block + block, rows), width)


# -- cross-entropy with labels -----------------------------------------------------------------------------------------


@kernel
def _all_classes(labels, width):
    wrong = 0
    for row in range(labels.size):
        wrong += labels[row] < 0 or labels[row] >= width
    return wrong == 0


@kernel
def _loss(x, start, label, width, work):
    """log(sum(exp(x))) - x[label] of one row."""
    top, total = _largest(x, start, width), x.dtype.type(0)
    for j in range(width):
        work[j] = exp(x[start + j] - top)
    for j in range(width):
        total += work[j]
    return log(total) - (x[start + label] - top)


@kernel
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
                flat[row] = _loss(x, row * width, at, width, work)


@kernel
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
        out[row] = _loss(x, row * width, np.intp(flat[row]), width, work)
    return 0


@kernel
def cross_entropy_mean(loss, labels, logits, work, each, width):
    """Their mean."""
    flat, x = labels.reshape(-1), logits.reshape(-1)
    if not _all_classes(flat, width):
        return 1
    for row in range(flat.size):
        each[row] = _loss(x, row * width, np.intp(flat[row]), width, work)
    loss[()] = _mean(each)
    return 0


# -- its gradient ------------------------------------------------------------------------------------------------------


@kernel
def _take_off(dx, weights, labels, factor, low, high, width):
    for row in range(low, high):
        at = np.intp(labels[row])
        if 0 <= at < width:  # the loss has been computed, and has seen to that
            dx[row * width + at] -= weights[row % weights.size] * factor


@kernel
def _gradient_known(dx, weights, labels, p, factor, low, high, width):
    if weights.size == 1:
        weight = weights[0] * factor
        for j in range(low * width, high * width):
            dx[j] = p[j] * weight
    else:
        for row in range(low, high):
            weight = weights[row] * factor
            for j in range(row * width, row * width + width):
                dx[j] = p[j] * weight
    _take_off(dx, weights, labels, factor, low, high, width)


@kernel
def _gradient(dx, weights, labels, x, factor, low, high, width):
    _exponentials(dx, x, low, high, width)
    for row in range(low, high):
        total = dx.dtype.type(0)
        for j in range(row * width, row * width + width):
            total += dx[j]
        weight = weights[row % weights.size] * factor / total
        for j in range(row * width, row * width + width):
            dx[j] *= weight
    _take_off(dx, weights, labels, factor, low, high, width)


@kernel
def gradient_known(dx, ct, labels, logits, probabilities, rows, width, block, share):
    """Put (probabilities - one-hot labels) * ct * share into dx; ct is one number, or one for each row."""
    factor = dx.dtype.type(share)
    _gradient_known(
        dx.reshape(-1), ct.reshape(-1), labels.reshape(-1), probabilities.reshape(-1), factor, 0, rows, width
    )


@parallel_kernel
def gradient_known_parallel(dx, ct, labels, logits, probabilities, rows, width, block, share):
    """The same, blocks shared among threads."""
    flat, weights, classes, p = dx.reshape(-1), ct.reshape(-1), labels.reshape(-1), probabilities.reshape(-1)
    factor = dx.dtype.type(share)
    for part in prange((rows + block - 1) // block):
        _gradient_known(flat, weights, classes, p, factor, part * block, min(part * block + block, rows), width)


@kernel
def gradient(dx, ct, labels, logits, rows, width, block, share):
    """Put (softmax(logits) - one-hot labels) * ct * share into dx."""
    flat, weights, classes, x = dx.reshape(-1), ct.reshape(-1), labels.reshape(-1), logits.reshape(-1)
    factor = dx.dtype.type(share)
    for low in range(0, rows, block):
        _gradient(flat, weights, classes, x, factor, low, min(low + block, rows), width)


@parallel_kernel
def gradient_parallel(dx, ct, labels, logits, rows, width, block, share):
    """The same, blocks shared among threads."""
    flat, weights, classes, x = dx.reshape(-1), ct.reshape(-1), labels.reshape(-1), logits.reshape(-1)
    factor = dx.dtype.type(share)
    for part in prange((rows + block - 1) // block):
        _gradient(flat, weights, classes, x, factor, part * block, min(part * block + block, rows), width)
