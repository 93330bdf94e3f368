"""Convolution over any number of spatial axes, channels last, as in Keras: cross-correlation, no kernel is flipped.

Three rows, each linear in both of its arguments, and each the VJP of the others:

    conv(x, w) -> y        conv_wrt_x(y, w) -> x        conv_wrt_w(x, y) -> w

since all three are one sum over (x, w, y) with one factor left out. So there are derivatives of every order, in both
modes, and transposed convolution is ``conv_wrt_x`` itself.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError
from ..primitive import MULTILINEAR, Primitive, apply
from ..recording import trace_here
from .arithmetic import ADD
from .axes import on
from .correlation import correlate, correlate_wrt_w, correlate_wrt_x
from .depthwise import correlate_each, correlate_each_wrt_w, correlate_each_wrt_x
from .matrices import operand
from .windows import Pairs, Sizes, counts, extent, floating, padding_pairs, per_axis, spatial_axes

__all__ = ["add_bias", "conv", "conv_transpose", "depthwise_conv"]

# -- forward functions: one group, each channel by itself, or group by group -------------------------------------------


def _alike(a, b):
    """Both in the dtype of their product."""
    if a.dtype is not b.dtype:
        dtype = np.result_type(a, b)
        a, b = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
    return a, b


def _slices(count: int, groups: int) -> list[slice]:
    size = count // groups
    return [slice(start, start + size) for start in range(0, groups * size, size)] if size else [slice(0)] * groups


def _conv(x, w, *, strides: Sizes, padding: Pairs, dilation: Sizes, groups: int):
    x, w = _alike(x, w)
    moves = (strides, padding, dilation)
    channels, filters = x.shape[-1], w.shape[-1]
    if groups == 1:
        return correlate(x, w, *moves)
    if groups == channels:
        x = x if filters == channels else np.repeat(x, filters // channels, axis=-1)
        return correlate_each(x, w[..., 0, :], *moves)
    pairs = zip(_slices(channels, groups), _slices(filters, groups), strict=True)
    return np.concatenate([correlate(x[..., ins], w[..., outs], *moves) for ins, outs in pairs], axis=-1)


def _conv_wrt_x(y, w, *, size: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes, groups: int):
    y, w = _alike(y, w)
    moves = (size, strides, padding, dilation)
    filters = w.shape[-1]
    if groups == 1:
        return correlate_wrt_x(y, w, *moves)
    if w.shape[-2] == 1:
        x = correlate_each_wrt_x(y, w[..., 0, :], *moves)
        return x if filters == groups else x.reshape(*x.shape[:-1], groups, filters // groups).sum(axis=-1)
    parts = _slices(filters, groups)
    return np.concatenate([correlate_wrt_x(y[..., outs], w[..., outs], *moves) for outs in parts], axis=-1)


def _conv_wrt_w(x, y, *, kernel: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes, groups: int):
    x, y = _alike(x, y)
    moves = (kernel, strides, padding, dilation)
    channels, filters = x.shape[-1], y.shape[-1]
    if groups == 1:
        return correlate_wrt_w(x, y, *moves)
    if groups == channels:
        x = x if filters == channels else np.repeat(x, filters // channels, axis=-1)
        return correlate_each_wrt_w(x, y, *moves)[..., None, :]
    pairs = zip(_slices(channels, groups), _slices(filters, groups), strict=True)
    return np.concatenate([correlate_wrt_w(x[..., ins], y[..., outs], *moves) for ins, outs in pairs], axis=-1)


# -- rows --------------------------------------------------------------------------------------------------------------


def _sample(draw) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Input, kernel, result and parameters of a small convolution."""
    axes = draw.choice((1, 2, 1, 3))
    kernel = tuple(draw.integer(1, 3) for _ in range(axes))
    strides = tuple(draw.integer(1, 3) for _ in range(axes))
    dilation = tuple(draw.integer(1, 2) for _ in range(axes))
    padding = tuple((draw.integer(0, 2), draw.integer(0, 2)) for _ in range(axes))
    least = (
        max(extent(k, d) - sum(pair), 1 if axes < 3 else 0)
        for k, d, pair in zip(kernel, dilation, padding, strict=True)
    )
    spatial = tuple(side + draw.integer(0, 4 if axes < 3 else 1) for side in least)
    groups, depth, multiple = draw.choice(((1, 2, 2), (1, 1, 3), (2, 1, 1), (3, 1, 2), (2, 2, 2), (1, 0, 2)))
    moves = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    outs = counts("sample", spatial, kernel, strides, padding, dilation)
    batch = draw.choice((2, 1, 0))
    x = draw.array((batch, *spatial, groups * depth))
    w = draw.array((*kernel, depth, groups * multiple))
    return x, w, draw.array((batch, *outs, groups * multiple)), moves


def _sample_conv(draw):
    x, w, _, moves = _sample(draw)
    return (x, w), moves


def _sample_wrt_x(draw):
    x, w, y, moves = _sample(draw)
    return (y, w), {"size": x.shape[1:-1], **moves}


def _sample_wrt_w(draw):
    x, w, y, moves = _sample(draw)
    return (x, y), {"kernel": w.shape[:-2], **moves}


CONV = Primitive(
    "conv", _conv, jvps=MULTILINEAR, sample=_sample_conv,
    doc="y[n, o, f] = sum(x[n, o * strides + k * dilation, c] * w[k, c, f]) over k and c: cross-correlation.",
    vjps=(lambda ct, ans, x, w, **moves: on(CONV_WRT_X, ct, w, size=x.shape[1:-1], **moves),
          lambda ct, ans, x, w, **moves: on(CONV_WRT_W, x, ct, kernel=w.shape[:-2], **moves)),
)  # fmt: skip

CONV_WRT_X = Primitive(
    "conv_wrt_x", _conv_wrt_x, jvps=MULTILINEAR, sample=_sample_wrt_x,
    doc="The transpose of conv in x: transposed convolution.",
    vjps=(lambda ct, ans, y, w, *, size, **moves: on(CONV, ct, w, **moves),
          lambda ct, ans, y, w, *, size, **moves: on(CONV_WRT_W, ct, y, kernel=w.shape[:-2], **moves)),
)  # fmt: skip

CONV_WRT_W = Primitive(
    "conv_wrt_w", _conv_wrt_w, jvps=MULTILINEAR, sample=_sample_wrt_w, doc="The transpose of conv in w.",
    vjps=(lambda ct, ans, x, y, *, kernel, **moves: on(CONV_WRT_X, y, ct, size=x.shape[1:-1], **moves),
          lambda ct, ans, x, y, *, kernel, **moves: on(CONV, x, ct, **moves)),
)  # fmt: skip


def _sum_to_last(ct, ans, x, b):
    """Sum over all axes but the last."""
    if ct.__class__ is not np.ndarray or ct.dtype.char not in "fd" or not ct.flags.c_contiguous or ct.ndim < 3:
        return np.sum(ct, axis=tuple(range(ct.ndim - 1)))
    # BLAS adds long rows up; channels alone would be short ones. On (64, 28, 28, 6) floats ten times as fast as np.sum.
    rows = ct.reshape(math.prod(ct.shape[:-2]), ct.shape[-2] * ct.shape[-1])
    return np.ones(len(rows), ct.dtype).dot(rows).reshape(ct.shape[-2:]).sum(axis=0)


def _sample_bias(draw):
    x = draw.array(draw.shape(min_dims=1))
    return (x, draw.array(x.shape[-1:])), {}


# A row of its own for the speed of the sum that is the gradient of b.
ADD_BIAS = Primitive(
    "add_bias", lambda x, b: np.add(x, b), keeps=False, sample=_sample_bias,
    doc="x + b, with one entry of b for each channel: the last axis of x.",
    vjps=(lambda ct, ans, x, b: ct, _sum_to_last),
    jvps=(lambda t, ans, x, b: t, lambda t, ans, x, b: np.broadcast_to(t, ans.shape)),
)  # fmt: skip

ROWS = (CONV, CONV_WRT_X, CONV_WRT_W, ADD_BIAS)

# -- public functions --------------------------------------------------------------------------------------------------


def conv(x, w, strides=1, padding="valid", dilation=1, groups=1):
    """Convolution, as in Keras's layers: cross-correlation with a kernel, without a flip.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (batch, spatial axes, channels)
        With one or more spatial axes.
    w : shape (window, channels // groups, filters)
    strides : int, or one for each spatial axis
        From one window to the next.
    padding : str, or a pair (before, after) for each spatial axis
        ``"valid"``: none. ``"same"``: ceil(n / stride) windows, with the odd zero after, as in TensorFlow and Keras.
        ``"causal"`` (one spatial axis): all zeros before.
    dilation : int, or one for each spatial axis
        From one entry of a window to the next.
    groups : int
        Channels and filters fall into so many groups, each convolved by itself. With as many groups as channels this
        is a depthwise convolution.

    Returns
    -------
    Tensor, shape (batch, spatial axes, filters).

    Raises
    ------
    ShapeError
        If channels do not fit, the groups do not divide them, or a window does not fit into the padded input.
    DomainError
        If strides, padding, dilation or groups are not possible.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core.numpy as anp
    >>> anp.conv(np.arange(6.0).reshape(1, 6, 1), np.array([[[-1.0]], [[1.0]]]), strides=2).ravel()
    Tensor([1., 1., 1.], shape=(3,), dtype=float64)
    """
    x, w, axes = _operands("conv", x, w, "(*kernel, channels // groups, filters)")
    channels, depth, filters = x.shape[-1], w.shape[-2], w.shape[-1]
    if groups.__class__ is not int or groups < 1:
        raise DomainError(f"conv: groups={groups!r}; expected an integer of at least 1.")
    if channels != depth * groups or filters % groups:
        raise _unfit(x, w, groups)
    kernel = w.shape[:-2]
    strides, dilation = _moves("conv", kernel, strides, dilation, axes)
    pairs = padding_pairs("conv", padding, x.shape[1:-1], kernel, strides, dilation)
    counts("conv", x.shape[1:-1], kernel, strides, pairs, dilation)
    return apply(CONV, (x, w), {"strides": strides, "padding": pairs, "dilation": dilation, "groups": groups})


def conv_transpose(x, w, strides=1, padding="valid", output_padding=None, dilation=1):
    """Transposed convolution, as in Keras's Conv2DTranspose: from the shape of a convolution's result to its input's.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (batch, spatial axes, channels)
    w : shape (window, filters, channels)
        The kernel of the convolution of which this is the transpose.
    strides : int, or one for each spatial axis
    padding : "valid" or "same"
        With n entries along an axis, a kernel that reaches over k entries, and stride s, the result has
        (n - 1) * s + max(k, s) entries ("valid"), or n * s ("same").
    output_padding : int, one for each spatial axis, or None
        The result has (n - 1) * s + k + output_padding entries ("valid"), or
        (n - 1) * s + k % 2 + output_padding ("same").
    dilation : int, or one for each spatial axis

    Returns
    -------
    Tensor, shape (batch, *sides, filters).

    Raises
    ------
    ShapeError
        If channels do not fit, or the input has no entries.
    DomainError
        If strides, padding, output_padding or dilation are not possible.
    """
    x, w, axes = _operands("conv_transpose", x, w, "(*kernel, filters, channels)")
    if x.shape[-1] != w.shape[-1]:
        raise ShapeError(
            f"conv_transpose: x has {x.shape[-1]} channels (shape {x.shape}), and w is for {w.shape[-1]} (shape "
            f"{w.shape}); the last axes must be equal: w is (*kernel, filters, channels)."
        )
    kernel = w.shape[:-2]
    strides, dilation = _moves("conv_transpose", kernel, strides, dilation, axes)
    extra = None
    if output_padding is not None:
        extra = per_axis("conv_transpose", "output_padding", output_padding, axes, least=0)
        if any(e >= s for e, s in zip(extra, strides, strict=True)):
            raise DomainError(
                f"conv_transpose: output_padding={output_padding!r} with strides={strides}; it must be less than the "
                "stride along each axis. Use a larger stride, or pad the result with np.pad."
            )
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise DomainError(f'conv_transpose: padding={padding!r}; expected "valid" or "same".')
    size, pairs = _transposed(x.shape[1:-1], kernel, strides, padding.lower() == "same", extra, dilation)
    params = {"size": size, "strides": strides, "padding": pairs, "dilation": dilation, "groups": 1}
    return apply(CONV_WRT_X, (x, w), params)


def depthwise_conv(x, w, strides=1, padding="valid", dilation=1):
    """Convolution of each channel by itself, as in Keras's DepthwiseConv2D.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (batch, spatial axes, channels)
    w : shape (window, channels, multiplier)
        Each channel gives ``multiplier`` channels of the result, which lie side by side.
    strides, padding, dilation
        As in ``conv``.

    Returns
    -------
    Tensor, shape (batch, spatial axes, channels * multiplier).

    Raises
    ------
    ShapeError, DomainError
        As ``conv``.
    """
    x, w, _ = _operands("depthwise_conv", x, w, "(*kernel, channels, multiplier)")
    channels = x.shape[-1]
    if channels != w.shape[-2]:
        raise ShapeError(
            f"depthwise_conv: x has {channels} channels (shape {x.shape}), w is for {w.shape[-2]} (shape {w.shape}); "
            "they must be equal: w is (*kernel, channels, multiplier)."
        )
    if not channels:
        raise ShapeError(f"depthwise_conv: x has no channels (shape {x.shape}); expected at least one.")
    w = np.reshape(w, (*w.shape[:-2], 1, channels * w.shape[-1]))
    return conv(x, w, strides, padding, dilation, groups=channels)


def add_bias(x, b):
    """``x + b`` with one entry of ``b`` for each channel: a layer's bias, with a fast gradient.

    Parameters
    ----------
    x : array_like, Tensor or Variable, shape (..., channels)
    b : shape (channels,)

    Raises
    ------
    ShapeError
        If ``b`` does not have this shape.
    """
    x, b = operand(x), operand(b)
    if not x.ndim or b.shape != x.shape[-1:]:
        raise ShapeError(f"add_bias: x has shape {x.shape} and b {b.shape}; expected (..., channels) and (channels,).")
    # A plan fuses the sum with its neighbours, and the gradient's is one like others.
    return apply(ADD if trace_here() is not None else ADD_BIAS, (x, b), {})


# -- checks ------------------------------------------------------------------------------------------------------------


def _operands(name: str, x, w, form: str):
    x, w = floating(name, operand(x)), floating(name, operand(w))
    axes = spatial_axes(name, x)
    if w.ndim != x.ndim:
        raise ShapeError(
            f"{name}: x has shape {x.shape} and w {w.shape}; with {axes} spatial axes w must have {axes + 2} "
            f"axes, {form}."
        )
    if 0 in w.shape[:-2]:
        raise ShapeError(
            f"{name}: w has shape {w.shape}; a kernel must have at least one entry along each spatial axis."
        )
    return x, w, axes


def _moves(name: str, kernel: Sizes, strides, dilation, axes: int) -> tuple[Sizes, Sizes]:
    """Strides and dilation for each axis; a dilation of a single entry changes nothing and is left out."""
    spread = per_axis(name, "dilation", dilation, axes)
    return per_axis(name, "strides", strides, axes), tuple(
        d if k > 1 else 1 for k, d in zip(kernel, spread, strict=True)
    )


def _unfit(x, w, groups: int) -> ShapeError:
    channels, depth, filters = x.shape[-1], w.shape[-2], w.shape[-1]
    if groups > 1 and (channels % groups or filters % groups):
        return ShapeError(
            f"conv: groups={groups} must divide the {channels} channels of x (shape {x.shape}) and the {filters} "
            f"filters of w (shape {w.shape})."
        )
    each = f" in each of {groups} groups" if groups > 1 else ""
    hint = ""
    if groups == 1 and x.ndim > 2 and x.shape[1] == depth:
        hint = " Are the channels of x first? Move them last: np.moveaxis(x, 1, -1)."
    elif groups == 1 and depth and not channels % depth and not filters % (channels // depth):
        hint = f" For a grouped convolution give groups={channels // depth}."
    return ShapeError(
        f"conv: x has {channels // groups} channels{each} (shape {x.shape}), w is for {depth} (shape {w.shape}); they "
        f"must be equal: w is (*kernel, channels // groups, filters).{hint}"
    )


@lru_cache(maxsize=256)
def _transposed(spatial: Sizes, kernel: Sizes, strides: Sizes, same: bool, extra: Sizes | None, dilation: Sizes):
    """Sides of the result of a transposed convolution, and the padding of the convolution back to ``spatial``."""
    if 0 in spatial:
        raise ShapeError(f"conv_transpose: x has spatial axes of {spatial}; expected at least one entry along each.")
    size, pairs = [], []
    for axis, (n, k, s, d) in enumerate(zip(spatial, kernel, strides, dilation, strict=True)):
        reach = extent(k, d)
        if same:
            base, more = (n - 1) * s + reach % 2, s - reach % 2
        else:
            base, more = (n - 1) * s + reach, max(s - reach, 0)
        side = base + (more if extra is None else extra[axis])
        missing = max((n - 1) * s + reach - side, 0)
        size.append(side)
        pairs.append((missing // 2, missing - missing // 2))
    return tuple(size), tuple(pairs)


OVERLOADS: dict[Any, Any] = {}
"""NumPy has no convolution of batches with channels."""
