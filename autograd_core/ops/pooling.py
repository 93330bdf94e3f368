"""Pooling: the largest entry, or the mean, of each window over the spatial axes; channels last.

A window is a box, so it is reduced along one axis after the other: the first axes first, where the runs of memory are
long, and the last on what little is left. Nothing is padded: at the border the slices are shorter.

The mean is linear, and its two rows are each other's transposes. The maximum is piecewise linear: which entries win
is read from the arrays, and its two linear rows, which take it as given, are each other's transposes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import LINEAR, Primitive, apply
from ..tensor import Tensor, as_value
from .axes import on
from .matrices import operand
from .windows import Pairs, Sizes, counts, floating, padding_pairs, per_axis, reach, spatial_axes

__all__ = ["avg_pool", "max_pool"]

# -- one axis ----------------------------------------------------------------------------------------------------------


def _at(axis: int, where: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (where,)


def _along(x, ufunc, axis: int, size: int, stride: int, before: int, outs: int, start):
    """``ufunc`` over the windows along one axis; ``start`` stands in for what lies outside."""
    side = x.shape[axis]
    reaches = [reach(side, outs, stride, before, offset) for offset in range(size)]
    if all(where == slice(0, outs) for where, _ in reaches):
        parts = [x[_at(axis, entries)] for _, entries in reaches]
        if size == 1:
            return parts[0]
        total = ufunc(parts[0], parts[1])
        for part in parts[2:]:
            ufunc(total, part, out=total)
        return total
    total = np.full((*x.shape[:axis], outs, *x.shape[axis + 1 :]), start, x.dtype)
    for where, entries in reaches:
        target = total[_at(axis, where)]
        ufunc(target, x[_at(axis, entries)], out=target)
    return total


def _reduced(x, ufunc, size: Sizes, strides: Sizes, padding: Pairs, start):
    """``ufunc`` over the windows, axis by axis."""
    outs = counts("pool", x.shape[1:-1], size, strides, padding, (1,) * len(size))
    for axis, (k, s, (before, _), out) in enumerate(zip(size, strides, padding, outs, strict=True), start=1):
        x = _along(x, ufunc, axis, k, s, before, out, start)
    return x


def _spread_along(ct, axis: int, side: int, size: int, stride: int, before: int):
    """Transpose of a sum over windows along one axis: each entry of the array gets the sum of its windows."""
    outs = ct.shape[axis]
    if size == stride == 1 and side == outs:
        return ct
    apart = size <= stride
    full = size == stride and not before and side == outs * size
    x = (np.empty if full else np.zeros)((*ct.shape[:axis], side, *ct.shape[axis + 1 :]), ct.dtype)
    for offset in range(size):
        where, entries = reach(side, outs, stride, before, offset)
        target = x[_at(axis, entries)]
        if apart:
            target[...] = ct[_at(axis, where)]
        else:
            np.add(target, ct[_at(axis, where)], out=target)
    return x


# -- mean --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _weights(spatial: Sizes, outs: Sizes, size: Sizes, strides: Sizes, padding: Pairs, dtype):
    """One over the number of entries of each window: a number if it is the same for all, else (*outs, 1)."""
    full = math.prod(size)
    if not any(map(any, padding)):
        return dtype.type(1 / full)
    inside = np.ones(())
    for side, out, k, s, (before, _) in zip(spatial, outs, size, strides, padding, strict=True):
        starts = np.arange(out) * s - before
        inside = inside[..., None] * (np.minimum(starts + k, side) - np.maximum(starts, 0))
    weights = (1 / inside[..., None]).astype(dtype)
    weights.flags.writeable = False
    return weights


def _avg_pool(x, *, size: Sizes, strides: Sizes, padding: Pairs):
    if x.dtype.kind not in "fc":
        x = x.astype(float)
    y = _reduced(x, np.add, size, strides, padding, 0)
    return y * _weights(x.shape[1:-1], y.shape[1:-1], size, strides, padding, x.real.dtype)


def _avg_pool_wrt_x(ct, *, spatial: Sizes, size: Sizes, strides: Sizes, padding: Pairs):
    x = ct * _weights(spatial, ct.shape[1:-1], size, strides, padding, ct.real.dtype)
    for axis in range(len(spatial), 0, -1):
        at = axis - 1
        x = _spread_along(x, axis, spatial[at], size[at], strides[at], padding[at][0])
    return x


# -- maximum -----------------------------------------------------------------------------------------------------------


def _lowest(dtype):
    """What loses against every number of this dtype."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _max_pool(x, *, size: Sizes, strides: Sizes, padding: Pairs):
    y = _reduced(x, np.maximum, size, strides, padding, _lowest(x.dtype))
    return y.copy() if np.may_share_memory(x, y) else y


def _wins(x, y, missing: bool):
    """Where an entry is the largest of its window; a NaN that was handed on counts as the entry that has it."""
    wins = np.equal(x, y)
    return wins | (np.not_equal(x, x) & np.not_equal(y, y)) if missing else wins


def _steps(x, y, size: Sizes, strides: Sizes, padding: Pairs):
    """How the maximum was found, axis by axis, and how many entries of each window tie for it.

    Each step is its axis, its length before, and for each entry of a window along that axis: which windows have it,
    where it lies, and in which of them it wins. An entry is the maximum of its window if it wins at every step.
    """
    outs = counts("pool", x.shape[1:-1], size, strides, padding, (1,) * len(size))
    missing = y.dtype.kind in "fc" and bool(np.isnan(y).any())
    steps, ties = [], np.ones(x.shape, np.uint8 if math.prod(size) < 256 else np.intp)
    for axis, (k, s, (before, _), out) in enumerate(zip(size, strides, padding, outs, strict=True), start=1):
        side = x.shape[axis]
        most = _along(x, np.maximum, axis, k, s, before, out, _lowest(x.dtype))
        tied, picks = np.zeros(most.shape, ties.dtype), []
        for offset in range(k):
            where, entries = (_at(axis, part) for part in reach(side, out, s, before, offset))
            wins = _wins(x[entries], most[where], missing)
            target = tied[where]
            np.add(target, wins * ties[entries], out=target)
            picks.append((where, entries, wins))
        steps.append((axis, side, k <= s, picks))
        x, ties = most, tied
    return steps, ties


def _evenly(amount, ties):
    return amount if not ties.size or ties.max() == 1 else amount / ties.astype(amount.real.dtype)


def _max_spread(ct, x, y, *, size: Sizes, strides: Sizes, padding: Pairs):
    steps, ties = _steps(x, y, size, strides, padding)
    part = _evenly(ct, ties)
    for axis, side, apart, picks in reversed(steps):
        wider = np.zeros((*part.shape[:axis], side, *part.shape[axis + 1 :]), ct.dtype)
        for where, entries, wins in picks:
            target = wider[entries]  # a product with the mask takes a tenth of the time of np.where
            if apart:
                np.multiply(wins, part[where], out=target)
            else:
                np.add(target, wins * part[where], out=target)
        part = wider
    return part


def _max_pick(t, x, y, *, size: Sizes, strides: Sizes, padding: Pairs):
    steps, ties = _steps(x, y, size, strides, padding)
    part = t
    for axis, _, _, picks in steps:
        outs = y.shape[axis]
        picked = np.zeros((*part.shape[:axis], outs, *part.shape[axis + 1 :]), t.dtype)
        for where, entries, wins in picks:
            target = picked[where]
            np.add(target, wins * part[entries], out=target)
        part = picked
    return _evenly(part, ties)


def _fixed(x):
    """A Tensor of the same value: which entry wins has no derivative."""
    return Tensor(as_value(x), None) if isinstance(x, Tensor) else x


# -- rows --------------------------------------------------------------------------------------------------------------


def _sample_pool(draw):
    axes = draw.choice((1, 2, 1, 3))
    spatial = tuple(draw.integer(1, 5 if axes < 3 else 3) for _ in range(axes))
    size = tuple(draw.integer(1, min(side, 3)) for side in spatial)
    strides = tuple(draw.integer(1, 3) for _ in range(axes))
    dilation = (1,) * axes
    padding = padding_pairs("sample", draw.choice(("valid", "same")), spatial, size, strides, dilation)
    x = draw.spread((draw.choice((2, 1, 0)), *spatial, draw.choice((2, 1, 0))))
    return (x,), {"size": size, "strides": strides, "padding": padding}


def _sample_avg_wrt_x(draw):
    (x,), moves = _sample_pool(draw)
    return (draw.array(_avg_pool(x, **moves).shape),), {"spatial": x.shape[1:-1], **moves}


def _sample_max_spread(draw):
    (x,), moves = _sample_pool(draw)
    y = _max_pool(x, **moves)
    return (draw.array(y.shape), x, y), moves


def _sample_max_pick(draw):
    (x,), moves = _sample_pool(draw)
    return (draw.array(x.shape), x, _max_pool(x, **moves)), moves


AVG_POOL = Primitive(
    "avg_pool", _avg_pool, keeps=False, jvps=LINEAR, sample=_sample_pool,
    doc="Mean of each window; what lies outside of the array does not count.",
    vjps=(lambda ct, ans, x, **moves: on(AVG_POOL_WRT_X, ct, spatial=x.shape[1:-1], **moves),),
)  # fmt: skip

AVG_POOL_WRT_X = Primitive(
    "avg_pool_wrt_x", _avg_pool_wrt_x, keeps=False, jvps=LINEAR, sample=_sample_avg_wrt_x,
    doc="The transpose of avg_pool: each entry gets its share of every window it is in.",
    vjps=(lambda ct, ans, y, *, spatial, **moves: on(AVG_POOL, ct, **moves),),
)  # fmt: skip

MAX_POOL = Primitive(
    "max_pool", _max_pool, sample=_sample_pool, doc="Largest entry of each window; NaN if there is one.",
    kink="ties share evenly: 1/k each for k equal entries of a window",
    vjps=(lambda ct, ans, x, **moves: on(MAX_SPREAD, ct, _fixed(x), _fixed(ans), **moves),),
    jvps=(lambda t, ans, x, **moves: on(MAX_PICK, t, _fixed(x), _fixed(ans), **moves),),
)  # fmt: skip

MAX_SPREAD = Primitive(
    "max_pool_spread", _max_spread, sample=_sample_max_spread,
    doc="The transpose of max_pool at x with result y: each window's entry goes to where its maximum is.",
    vjps=(lambda ct, ans, t, x, y, **moves: on(MAX_PICK, ct, x, y, **moves), None, None),
    jvps=(lambda t, ans, ct, x, y, **moves: on(MAX_SPREAD, t, x, y, **moves), None, None),
)  # fmt: skip

MAX_PICK = Primitive(
    "max_pool_pick", _max_pick, sample=_sample_max_pick,
    doc="The entry at each window's maximum, where x has it, with y the maxima.",
    vjps=(lambda ct, ans, t, x, y, **moves: on(MAX_SPREAD, ct, x, y, **moves), None, None),
    jvps=(lambda t, ans, at, x, y, **moves: on(MAX_PICK, t, x, y, **moves), None, None),
)  # fmt: skip

ROWS = (MAX_POOL, MAX_SPREAD, MAX_PICK, AVG_POOL, AVG_POOL_WRT_X)

# -- public functions --------------------------------------------------------------------------------------------------


def max_pool(x, pool_size, strides=None, padding="valid"):
    """Largest entry of each window over the spatial axes, channel by channel, as Keras's MaxPooling layers.

    Entries that tie within a window share its cotangent evenly: the subgradient of least norm.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (batch, spatial axes, channels)
        With one or more spatial axes.
    pool_size : int, or one for each spatial axis
    strides : int, or one for each spatial axis, or None
        From one window to the next; None for ``pool_size``: windows side by side.
    padding : "valid" or "same"
        ``"same"``: ceil(n / stride) windows, of which those at the border may be smaller.

    Returns
    -------
    Tensor, shape (batch, spatial axes, channels).

    Raises
    ------
    ShapeError
        If there are no spatial axes, or a window does not fit.
    DomainError
        If pool_size, strides or padding are not possible.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core.numpy as anp
    >>> anp.max_pool(np.array([[[1.0], [5.0], [2.0], [3.0]]]), 2).tolist()
    [[[5.0], [3.0]]]
    """
    return _pooled("max_pool", MAX_POOL, x, pool_size, strides, padding)


def avg_pool(x, pool_size, strides=None, padding="valid"):
    """Mean of each window over the spatial axes, channel by channel, as Keras's AveragePooling layers.

    With ``padding="same"`` a window at the border is divided by the number of its entries that lie in the array.

    Parameters
    ----------
    x, pool_size, strides, padding
        As in ``max_pool``.

    Returns
    -------
    Tensor, shape (batch, spatial axes, channels).

    Raises
    ------
    ShapeError, DomainError
        As ``max_pool``.
    """
    return _pooled("avg_pool", AVG_POOL, x, pool_size, strides, padding)


def _pooled(name: str, row: Primitive, x, pool_size, strides, padding):
    x = floating(name, operand(x))
    axes = spatial_axes(name, x)
    size = per_axis(name, "pool_size", pool_size, axes)
    strides = size if strides is None else per_axis(name, "strides", strides, axes)
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise DomainError(f'{name}: padding={padding!r}; expected "valid" or "same".')
    spatial, ones = x.shape[1:-1], (1,) * axes
    if 0 in spatial:
        raise ShapeError(f"{name}: x has shape {x.shape}; expected at least one entry along each spatial axis.")
    pairs = padding_pairs(name, padding, spatial, size, strides, ones)
    counts(name, spatial, size, strides, pairs, ones)
    return apply(row, (x,), {"size": size, "strides": strides, "padding": pairs})


OVERLOADS: dict[Any, Any] = {}
"""NumPy has no pooling."""
