r"""Windows that move over the spatial axes of an array: what is asked of them, how many there are, where they lie.

Arrays are laid out channels last: (batch, \*spatial, channels), with one, two, three or more spatial axes. A window has
a size, a stride from one window to the next, and a dilation: the step from one of its entries to the next. Pairs of
(before, after) say how many zeros are thought around the array.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DomainError, DtypeError, ShapeError

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

# -- arguments ---------------------------------------------------------------------------------------------------------


def per_axis(name: str, what: str, value, axes: int, least: int = 1) -> Sizes:
    """``value`` as one integer for each spatial axis.

    Raises
    ------
    DomainError
        If it is neither an integer nor ``axes`` integers, or one is less than ``least``.
    """
    if value.__class__ is int and value >= least:
        return (value,) * axes
    entries = tuple(value) if isinstance(value, (tuple, list, np.ndarray)) and np.ndim(value) == 1 else (value,) * axes
    if len(entries) != axes or not all(_whole(entry) and entry >= least for entry in entries):
        raise DomainError(
            f"{name}: {what}={value!r}; expected an integer of at least {least}, or {axes} of them, one for each "
            "spatial axis."
        )
    return tuple(int(entry) for entry in entries)


def _whole(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def spatial_axes(name: str, x, form: str = "(batch, *spatial, channels)") -> int:
    """How many spatial axes ``x`` has."""
    if x.ndim < 3:
        raise ShapeError(
            f"{name}: x has shape {x.shape}; expected {form} with at least one spatial axis. Add the missing axes with "
            "np.expand_dims or np.reshape."
        )
    return x.ndim - 2


def floating(name: str, x):
    """``x``, unless it is of a dtype without arithmetic."""
    if x.dtype.kind == "b":
        raise DtypeError(f"{name}: got an array of dtype bool; expected numbers. Use np.astype(x, np.float32).")
    return x


# -- padding and counts ------------------------------------------------------------------------------------------------


def extent(size: int, dilation: int) -> int:
    """How many entries a window of ``size`` entries reaches over."""
    return (size - 1) * dilation + 1


def padding_pairs(name: str, padding: Any, spatial: Sizes, kernel: Sizes, strides: Sizes, dilation: Sizes) -> Pairs:
    """``padding`` as a pair (before, after) for each spatial axis.

    ``"same"`` is the rule of TensorFlow and Keras: there are ceil(n / stride) windows, and if the zeros that these need
    cannot be halved, the odd one comes after. ``"causal"``: all zeros before, so that no window looks ahead.
    """
    kind = padding.lower() if isinstance(padding, str) else None
    if kind == "valid":
        return ((0, 0),) * len(spatial)
    if kind == "same":
        return tuple(map(_same, spatial, kernel, strides, dilation))
    if kind == "causal":
        if len(spatial) != 1:
            raise DomainError(
                f'{name}: padding="causal" with {len(spatial)} spatial axes; it is for one axis (of time). Use "same", '
                '"valid" or pairs (before, after).'
            )
        return ((extent(kernel[0], dilation[0]) - 1, 0),)
    pairs = _explicit(padding, len(spatial))
    if pairs is None:
        raise DomainError(
            f'{name}: padding={padding!r}; expected "valid", "same", "causal" (one spatial axis), or a pair (before, '
            f"after) of integers of at least 0 for each of the {len(spatial)} spatial axes."
        )
    return pairs


def _same(length: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    missing = max((-(-length // stride) - 1) * stride + extent(size, dilation) - length, 0)
    return missing // 2, missing - missing // 2


def _explicit(padding, axes: int) -> Pairs | None:
    try:
        pairs = tuple((before, after) for before, after in padding)
    except (TypeError, ValueError):
        return None
    fine = len(pairs) == axes and all(_whole(side) and side >= 0 for pair in pairs for side in pair)
    return tuple((int(before), int(after)) for before, after in pairs) if fine else None


@lru_cache(maxsize=512)
def counts(name: str, spatial: Sizes, kernel: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes) -> Sizes:
    """How many windows lie along each spatial axis.

    Raises
    ------
    ShapeError
        If a window is larger than the padded array.
    """
    sides = tuple(side + before + after for side, (before, after) in zip(spatial, padding, strict=True))
    reach = tuple(map(extent, kernel, dilation))
    if any(r > side for r, side in zip(reach, sides, strict=True)):
        padded = "" if sides == spatial else f", {sides} with its padding"
        dilated = "" if reach == kernel else f", dilated to {reach}"
        raise ShapeError(
            f"{name}: a window of {kernel}{dilated} does not fit into spatial axes of {spatial}{padded}. Use a smaller "
            'window, a larger input, or padding="same".'
        )
    return tuple((side - r) // stride + 1 for side, r, stride in zip(sides, reach, strides, strict=True))


# -- regions -----------------------------------------------------------------------------------------------------------


def inner(spatial: Sizes, padding: Pairs) -> tuple[slice, ...]:
    """Index of an array within itself padded."""
    middle = (slice(before, before + side) for side, (before, _) in zip(spatial, padding, strict=True))
    return (slice(None), *middle)


def padded(spatial: Sizes, padding: Pairs) -> Sizes:
    """Spatial sides with their padding."""
    return tuple(side + before + after for side, (before, after) in zip(spatial, padding, strict=True))


@lru_cache(maxsize=4096)
def reach(side: int, outs: int, stride: int, before: int, offset: int) -> tuple[slice, slice]:
    """For the entry at ``offset`` of each window along an axis: which windows have it in the array, and where."""
    low = max(-((offset - before) // stride), 0)
    high = max(min((side - 1 - offset + before) // stride + 1, outs), low)
    start = low * stride + offset - before
    return slice(low, high), slice(start, start + max(high - low - 1, 0) * stride + (high > low), stride)
