"""What networks are made of, with Keras's arguments: convolutions, pooling, normalizations, cross-entropies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from ..layers.formats import channels_back, channels_to_end, data_format_of
from ..losses import crossentropy
from .elements import floating, rsqrt

_EPSILON = 1e-7  # keras.config.epsilon()
Sizes = int | Sequence[int]


# -- windows ---------------------------------------------------------------------------------------------------------


def max_pool(
    inputs: Any, pool_size: Sizes, strides: Sizes | None = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Largest entry of each window; ``strides`` is ``pool_size`` if None."""
    kind = data_format_of("max_pool", data_format)
    return channels_back(anp.max_pool(_channels_last(inputs, kind), pool_size, strides, padding), kind)


def average_pool(
    inputs: Any, pool_size: Sizes, strides: Sizes | None = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Mean of each window; what lies outside does not count."""
    kind = data_format_of("average_pool", data_format)
    return channels_back(anp.avg_pool(floating(_channels_last(inputs, kind)), pool_size, strides, padding), kind)


def conv(
    inputs: Any,
    kernel: Any,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Any:
    """Convolution with a kernel of shape ``(*window, channels / groups, filters)``."""
    kind = data_format_of("conv", data_format)
    inputs, kernel = floating(_channels_last(inputs, kind)), floating(kernel)
    groups = max(1, inputs.shape[-1] // max(1, kernel.shape[-2])) if kernel.ndim > 1 else 1
    return channels_back(anp.conv(inputs, kernel, strides, padding, dilation_rate, groups), kind)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Any:
    """Convolution of each channel by itself, with a kernel of shape ``(*window, channels, multiplier)``."""
    kind = data_format_of("depthwise_conv", data_format)
    inputs = floating(_channels_last(inputs, kind))
    return channels_back(anp.depthwise_conv(inputs, floating(kernel), strides, padding, dilation_rate), kind)


def _channels_last(inputs: Any, data_format: str) -> Any:
    return channels_to_end(ag.convert_to_tensor(inputs), data_format)


# -- normalizations --------------------------------------------------------------------------------------------------


def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Any, Any]:
    """Mean and (uncorrected) variance along axes."""
    if synchronized:
        raise ag.UnsupportedError("moments: there is one process; expected synchronized=False.")
    x = floating(x)
    axes = axes if isinstance(axes, int) else tuple(axes)
    return anp.mean(x, axis=axes, keepdims=keepdims), anp.var(x, axis=axes, keepdims=keepdims)


def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """Divide by the norm along an axis, or by ``epsilon`` (1e-7) where it is less.

    Examples
    --------
    >>> normalize([[3.0, 4.0], [0.0, 0.0]]).numpy()
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ag.DomainError(f"normalize: order is {order!r}; expected an integer of at least 1.")
    x = anp.atleast_1d(floating(x))
    least = _EPSILON if epsilon is None else epsilon
    if order == 2:  # the root of what is not 0, so that rows of zeros have a derivative
        return x * rsqrt(anp.maximum(anp.sum(anp.square(x), axis=axis, keepdims=True), least**2))
    return x / anp.maximum(anp.linalg.norm(x, ord=order, axis=axis, keepdims=True), least)


def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``, with vectors that go along ``axis``."""
    x = floating(x)
    if not -x.ndim <= axis < x.ndim:
        raise ag.AxisError(f"batch_normalization: axis is {axis}; x has {x.ndim} axes.")
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, variance, offset, scale = (
        None if vector is None else anp.reshape(vector, shape) for vector in (mean, variance, offset, scale)
    )
    factor = rsqrt(variance + epsilon)
    outputs = (x - mean) * (factor if scale is None else factor * scale)
    return outputs if offset is None else outputs + offset


def layer_normalization(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    """Mean 0 and variance 1 along axes, then times ``gamma`` and plus ``beta``; ``epsilon`` is 1e-7 if None."""
    x = floating(x)
    axes = _axes("layer_normalization", axis, x.ndim)
    gamma, beta = (_along(weight, axes, x) for weight in (gamma, beta))
    return anp.standardize(x, axes, _EPSILON if epsilon is None else epsilon, gamma, beta)[0]


def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    """``x / sqrt(mean(x**2) + epsilon) * scale`` along axes; ``epsilon`` is 1e-7 if None."""
    x = anp.atleast_1d(floating(x))
    axes = _axes("rms_normalization", axis, x.ndim)
    means = anp.mean(anp.square(x), axis=axes, keepdims=True)
    outputs = x * rsqrt(means + (_EPSILON if epsilon is None else epsilon))
    return outputs if scale is None else outputs * _along(scale, axes, x)


def _axes(asked: str, axis: Any, ndim: int) -> tuple[int, ...]:
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    if any(not -ndim <= one < ndim for one in axes):
        raise ag.AxisError(f"{asked}: axis is {axis}; x has {ndim} axes.")
    return tuple(sorted(one % ndim for one in axes))


def _along(weight: Any, axes: tuple[int, ...], x: Any) -> Any:
    """A weight with entries along ``axes``, seen in a shape that broadcasts with ``x``."""
    if weight is None:
        return None
    weight = ag.convert_to_tensor(weight)
    if weight.ndim == x.ndim or axes == tuple(range(x.ndim - len(axes), x.ndim)):
        return weight
    return anp.reshape(weight, [length if axis in axes else 1 for axis, length in enumerate(x.shape)])


# -- cross-entropies -------------------------------------------------------------------------------------------------


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-target * log(output) - (1 - target) * log(1 - output)`` of each entry; no mean is taken."""
    target, output = floating(target), floating(output)
    if target.shape != output.shape:
        raise ag.ShapeError(
            f"binary_crossentropy: target has shape {target.shape}, output {output.shape}; expected the same."
        )
    logits = crossentropy.sigmoid_logits(output, from_logits)
    if logits is not None:
        return anp.sigmoid_cross_entropy(target.astype(logits.dtype), logits)
    return crossentropy.yes_no(target.astype(output.dtype), output)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(target * log(output))`` along the axis of the classes: see ``nn.losses.categorical_crossentropy``."""
    return crossentropy.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-log(output[target])`` for classes given as numbers: see ``nn.losses.sparse_categorical_crossentropy``."""
    return crossentropy.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


FUNCTIONS = (
    average_pool, batch_normalization, binary_crossentropy, categorical_crossentropy, conv, depthwise_conv,
    layer_normalization, max_pool, moments, normalize, rms_normalization, sparse_categorical_crossentropy,
)  # fmt: skip
