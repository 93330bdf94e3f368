"""Mean 0 and variance 1 along axes, and the gradient: over a batch, or along the last axis.

Rows are shared among threads in parts. Over a batch each part adds up its own rows, by blocks, so that sums of many
thousand terms lose no digits; the parts' sums are then put together and each part goes over its rows again.
``scale`` and ``offset`` have one entry, or one for each column.
"""

from __future__ import annotations

import numpy as np

from ..to_numba.parallel import in_parallel
from .jit import alone, helper, kernel

BLOCK = 128  # rows that are added up before their sum is added to others


@helper
def _bounds(count, parts, part):
    """First row of a part, and the first behind it."""
    return part * count // parts, (part + 1) * count // parts


@helper
def _add_rows(work, x, part):
    """Sum of a part's rows in each column."""
    sums, block = work[0, part], work[len(work) - 1, part]
    low, high = _bounds(len(x), work.shape[1], part)
    sums[:] = 0
    for first in range(low, high, BLOCK):
        block[:] = 0
        for row in range(first, min(first + BLOCK, high)):
            entries = x[row]
            for j in range(len(block)):
                block[j] += entries[j]
        for j in range(len(block)):
            sums[j] += block[j]


@helper
def _add_squares(work, x, mean, part):
    """Sum of the squares of what a part's rows are off the mean."""
    sums, block = work[0, part], work[1, part]
    low, high = _bounds(len(x), work.shape[1], part)
    sums[:] = 0
    for first in range(low, high, BLOCK):
        block[:] = 0
        for row in range(first, min(first + BLOCK, high)):
            entries = x[row]
            for j in range(len(block)):
                block[j] += (entries[j] - mean[j]) * (entries[j] - mean[j])
        for j in range(len(block)):
            sums[j] += block[j]


@helper
def _add_products(work, ct, x, mean, part):
    """Sums of a part's cotangents, and of these times what the rows are off the mean."""
    _add_rows(work, ct, part)
    sums, block = work[1, part], work[2, part]
    low, high = _bounds(len(x), work.shape[1], part)
    sums[:] = 0
    for first in range(low, high, BLOCK):
        block[:] = 0
        for row in range(first, min(first + BLOCK, high)):
            entries, arrived = x[row], ct[row]
            for j in range(len(block)):
                block[j] += arrived[j] * (entries[j] - mean[j])
        for j in range(len(block)):
            sums[j] += block[j]


@helper
def _total(parts, factor, out):
    """Sum of the parts' sums, times a factor."""
    out[:] = 0
    for part in range(len(parts)):
        for j in range(len(out)):
            out[j] += parts[part, j]
    for j in range(len(out)):
        out[j] *= factor


@helper
def _per_column(given, out):
    """``given`` for each column."""
    for j in range(len(out)):
        out[j] = given[j] if given.size > 1 else given[0]


# -- over a batch ------------------------------------------------------------------------------------------------------


@kernel
def standardize_batch(y, mean, variance, x, scale, offset, work, columns, epsilon):
    """Each column by itself; ``work`` (2, parts, columns), ``columns`` (2, columns)."""
    width = mean.size
    rows, out, m, v = x.reshape(-1, width), y.reshape(-1, width), mean.reshape(-1), variance.reshape(-1)
    count, parts = len(rows), work.shape[1]
    share = x.dtype.type(1.0 / count)
    in_parallel(_add_rows, parts, work, rows)
    _total(work[0], share, m)
    in_parallel(_add_squares, parts, work, rows, m)
    _total(work[0], share, v)
    factor, move = columns[0], columns[1]
    _per_column(scale.reshape(-1), factor)
    _per_column(offset.reshape(-1), move)
    for j in range(width):
        factor[j] /= np.sqrt(v[j] + x.dtype.type(epsilon))
    in_parallel(_scale_rows, parts, parts, out, rows, m, factor, move)


@helper
def _scale_rows(parts, out, rows, mean, factor, move, part):
    low, high = _bounds(len(rows), parts, part)
    for row in range(low, high):
        y, x = out[row], rows[row]
        for j in range(len(y)):
            y[j] = (x[j] - mean[j]) * factor[j] + move[j]


@helper
def _pull_rows(parts, out, arrived, rows, mean, columns, part):
    factor, slope, constant = columns[2], columns[3], columns[4]
    low, high = _bounds(len(rows), parts, part)
    for row in range(low, high):
        dx, ct, x = out[row], arrived[row], rows[row]
        for j in range(len(dx)):
            dx[j] = ct[j] * factor[j] + (x[j] - mean[j]) * slope[j] + constant[j]


@kernel
def standardize_batch_backward(
    dx, ct_scale, ct_offset, ct, ct_mean, ct_variance, x, scale, offset, mean, variance, work, columns, epsilon
):
    """Cotangents of x, scale and offset; ``work`` (3, parts, columns), ``columns`` (5, columns)."""
    width = mean.size
    rows, arrived, out, m = x.reshape(-1, width), ct.reshape(-1, width), dx.reshape(-1, width), mean.reshape(-1)
    count, parts, kind = len(rows), work.shape[1], x.dtype.type
    in_parallel(_add_products, parts, work, arrived, rows, m)
    total, product, factor, slope, constant = columns[0], columns[1], columns[2], columns[3], columns[4]
    _total(work[0], kind(1), total)
    _total(work[1], kind(1), product)
    _per_column(scale.reshape(-1), factor)
    _back_columns(
        total, product, factor, slope, constant, ct_mean.reshape(-1), ct_variance.reshape(-1), variance.reshape(-1),
        kind(epsilon), kind(1.0 / count),
    )  # fmt: skip
    _reduce(ct_offset.reshape(-1), total)
    _reduce(ct_scale.reshape(-1), product)
    in_parallel(_pull_rows, parts, parts, out, arrived, rows, m, columns)


@helper
def _back_columns(total, product, factor, slope, constant, ct_mean, ct_variance, variance, epsilon, share):
    """Make the cotangent of x linear in ct and x: ct * factor + (x - mean) * slope + constant, column by column."""
    one, two = variance.dtype.type(1), variance.dtype.type(2)
    for j in range(len(total)):
        inverse = one / np.sqrt(variance[j] + epsilon)
        product[j] *= inverse  # sum of ct * unit
        factor[j] *= inverse
        slope[j] = -factor[j] * inverse * product[j] * share + two * ct_variance[j] * share
        constant[j] = (ct_mean[j] - factor[j] * total[j]) * share


@helper
def _reduce(out, columns):
    """Columns as they are, or their sum where one number served all."""
    if out.size > 1 or len(columns) == 1:
        out[:] = columns
        return
    out[0] = 0
    for j in range(len(columns)):
        out[0] += columns[j]


# -- along the last axis -----------------------------------------------------------------------------------------------


@helper
def _row_moments(x):
    share, total, squares = x.dtype.type(1.0 / len(x)), x.dtype.type(0), x.dtype.type(0)
    for j in range(len(x)):
        total += x[j]
    mean = total * share
    for j in range(len(x)):
        squares += (x[j] - mean) * (x[j] - mean)
    return mean, squares * share


@kernel
def standardize_rows(y, mean, variance, x, scale, offset, columns, epsilon, parts):
    """Each row by itself; ``columns`` (2, width)."""
    width = x.shape[x.ndim - 1]
    rows, out, m, v = x.reshape(-1, width), y.reshape(-1, width), mean.reshape(-1), variance.reshape(-1)
    _per_column(scale.reshape(-1), columns[0])
    _per_column(offset.reshape(-1), columns[1])
    in_parallel(_unit_rows, parts, parts, out, m, v, rows, columns, x.dtype.type(epsilon))


@helper
def _unit_rows(parts, out, means, variances, rows, columns, epsilon, part):
    scale, offset = columns[0], columns[1]
    low, high = _bounds(len(rows), parts, part)
    for row in range(low, high):
        y, x = out[row], rows[row]
        mean, variance = _row_moments(x)
        means[row], variances[row] = mean, variance
        inverse = x.dtype.type(1) / np.sqrt(variance + epsilon)
        for j in range(len(y)):
            y[j] = (x[j] - mean) * inverse * scale[j] + offset[j]


@helper
def _back_row(dx, ct, x, scale, sums, products, mean, inverse, share, ct_mean, ct_variance):
    """One row; adds to the sums for offset and scale."""
    two = x.dtype.type(2)
    total, product = x.dtype.type(0), x.dtype.type(0)
    for j in range(len(x)):
        unit, scaled = (x[j] - mean) * inverse, ct[j] * scale[j]
        sums[j] += ct[j]
        products[j] += ct[j] * unit
        total += scaled
        product += scaled * unit
    slope = two * ct_variance * share - inverse * inverse * product * share
    constant = (ct_mean - inverse * total) * share
    for j in range(len(x)):
        dx[j] = ct[j] * scale[j] * inverse + (x[j] - mean) * slope + constant


@helper
def _back_rows(out, arrived, rows, scale, work, means, variances, ct_means, ct_variances, epsilon, part):
    sums, products, one = work[0, part], work[1, part], rows.dtype.type(1)
    sums[:] = 0
    products[:] = 0
    share = rows.dtype.type(1.0 / rows.shape[1])
    low, high = _bounds(len(rows), work.shape[1], part)
    for row in range(low, high):
        inverse = one / np.sqrt(variances[row] + epsilon)
        _back_row(
            out[row], arrived[row], rows[row], scale, sums, products, means[row], inverse, share, ct_means[row],
            ct_variances[row],
        )  # fmt: skip


@kernel
def standardize_rows_backward(
    dx, ct_scale, ct_offset, ct, ct_mean, ct_variance, x, scale, offset, mean, variance, work, columns, epsilon
):
    """Cotangents of x, scale and offset; ``work`` (2, parts, width), ``columns`` (3, width)."""
    width = x.shape[x.ndim - 1]
    rows, arrived, out = x.reshape(-1, width), ct.reshape(-1, width), dx.reshape(-1, width)
    m, v, ct_m, ct_v = mean.reshape(-1), variance.reshape(-1), ct_mean.reshape(-1), ct_variance.reshape(-1)
    parts, kind = work.shape[1], x.dtype.type
    _per_column(scale.reshape(-1), columns[2])
    in_parallel(_back_rows, parts, out, arrived, rows, columns[2], work, m, v, ct_m, ct_v, kind(epsilon))
    _total(work[0], kind(1), columns[0])
    _total(work[1], kind(1), columns[1])
    _reduce(ct_offset.reshape(-1), columns[0])
    _reduce(ct_scale.reshape(-1), columns[1])


# -- where sharing does not pay ----------------------------------------------------------------------------------------

standardize_batch_alone = alone(standardize_batch)
standardize_batch_backward_alone = alone(standardize_batch_backward)
standardize_rows_alone = alone(standardize_rows)
standardize_rows_backward_alone = alone(standardize_rows_backward)
