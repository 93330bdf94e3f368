"""Normalizations with learned scale and offset: over the batch, over features, over groups of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import constraints, initializers, regularizers
from ..shapes import axis_of
from .activation import Pointwise


class Normalizer(Pointwise):
    """What they share: ``gamma`` and ``beta``.

    Parameters
    ----------
    epsilon : float
        Added to the variance, so that the quotient exists where all values are equal.
    center, scale : bool
        Whether there is an offset ``beta`` and a factor ``gamma``.
    beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint
        Of the two weights.
    **options
        Those of every layer.
    """

    def __init__(
        self,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        if not epsilon >= 0:
            raise ag.DomainError(f"{type(self).__name__}: epsilon is {epsilon!r}; expected a number of at least 0.")
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def _add_weights(self, shape: Sequence[int | None]) -> None:
        if None in shape:
            raise ag.ShapeError(
                f"{type(self).__name__} {self.name!r}: a length along the normalized axes is not known: {tuple(shape)}."
            )
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, name="gamma",  # type: ignore[arg-type]
                regularizer=self.gamma_regularizer, constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, name="beta",  # type: ignore[arg-type]
                regularizer=self.beta_regularizer, constraint=self.beta_constraint,
            )  # fmt: skip

    def _standardized(self, inputs: Any, axes: tuple[int, ...], shape: Sequence[int] | None = None) -> Any:
        """Scaled and moved result, with the mean and the variance that were taken off."""
        weights = (self.gamma, self.beta)
        scale, offset = (w if w is None or shape is None else anp.reshape(w, shape) for w in weights)
        return anp.standardize(inputs, axes, self.epsilon, scale, offset)

    def _scaled(self, centered: Any, variance: Any, shape: Sequence[int] | None = None) -> Any:
        """``centered / sqrt(variance + epsilon) * gamma + beta``, with the weights seen in ``shape``."""
        factor = 1.0 / anp.sqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * (self.gamma if shape is None else anp.reshape(self.gamma, shape))
        outputs = centered * factor
        if self.beta is not None:
            outputs = outputs + (self.beta if shape is None else anp.reshape(self.beta, shape))
        return outputs


class BatchNormalization(Normalizer):
    r""":math:`\gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta` for each channel.

    In training :math:`\mu` and :math:`\sigma^2` are those of the batch, and running means of them are kept, with which
    it works otherwise (also in training, if ``trainable`` is False).

    Weights, each of the length of the axis: ``gamma``, ``beta``, and not trained ``moving_mean``, ``moving_variance``.

    The parameters from ``epsilon`` to ``gamma_initializer`` are those of ``Normalizer``.

    Parameters
    ----------
    axis : int
        Of the channels; the default is channels last.
    momentum : float
        Share of the past in the running means.
    moving_mean_initializer, moving_variance_initializer : str or callable
    **options
        See ``Normalizer``.

    References
    ----------
    Ioffe & Szegedy (2015), "Batch normalization", algorithms 1 and 2. The running variance is that of the batch without
    Bessel's correction, as in Keras.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **options: Any,
    ):
        super().__init__(epsilon, center, scale, beta_initializer, gamma_initializer, **options)
        if not 0 <= momentum <= 1:
            raise ag.DomainError(f"BatchNormalization: momentum is {momentum!r}; expected a number from 0 to 1.")
        self.axis = axis
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape):
        axis = axis_of(f"BatchNormalization {self.name!r}", self.axis, len(input_shape))
        self._ndim = len(input_shape)
        length = (input_shape[axis],)
        self._add_weights(length)
        self.moving_mean = self.add_weight(length, self.moving_mean_initializer, name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            length, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def call(self, inputs, training=None, mask=None):
        inputs = self._floating(inputs)
        axis = axis_of(f"BatchNormalization {self.name!r}", self.axis, inputs.ndim)
        length = self.moving_mean.shape[0]
        if inputs.ndim != self._ndim or inputs.shape[axis] != length:
            raise self._wrong_input(
                inputs.shape, f"{self._ndim} axes and {length} entries along axis {self.axis}, as when it was built"
            )
        shape = [1] * inputs.ndim
        shape[axis] = length
        if not (training and ag.tracing.static(lambda: self.trainable)):
            mean, variance = (anp.reshape(w, shape) for w in (self.moving_mean, self.moving_variance))
            return self._scaled(inputs - mean, variance, shape)
        axes = tuple(i for i in range(inputs.ndim) if i != axis)
        if mask is None:
            outputs, mean, variance = self._standardized(inputs, axes, shape)
        else:
            centered, mean, variance = _moments(inputs, axes, mask)
            outputs = self._scaled(centered, variance, shape)
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance)
        return outputs

    def _follow(self, running: ag.Variable, batch: Any) -> None:
        """Move a running mean towards the value of this batch."""
        past, present = ag.stop_gradient(running.value), anp.reshape(ag.stop_gradient(batch), (-1,))
        momentum = running.dtype.type(self.momentum)
        running.assign(past * momentum + present.astype(past.dtype) * (1 - momentum))


def _moments(inputs: Any, axes: tuple[int, ...], mask: Any) -> tuple[Any, Any, Any]:
    """Inputs less their mean, the mean, and the variance; of the entries that the mask leaves."""
    kept = anp.expand_dims(ag.convert_to_tensor(mask).astype(bool), -1)
    kept = anp.broadcast_to(kept, inputs.shape)
    count = anp.sum(kept, axis=axes, keepdims=True).astype(inputs.dtype) + inputs.dtype.type(1e-7)
    mean = anp.sum(anp.where(kept, inputs, 0), axis=axes, keepdims=True) / count
    centered = inputs - mean
    return centered, mean, anp.sum(anp.where(kept, anp.square(centered), 0), axis=axes, keepdims=True) / count


class LayerNormalization(Normalizer):
    """Mean 0 and variance 1 over the features of each sample, then scaled and moved.

    Weights ``gamma`` and ``beta``, of the shape of the axes.

    The parameters from ``epsilon`` to ``gamma_initializer`` are those of ``Normalizer``.

    Parameters
    ----------
    axis : int or sequence of int
        Over which to take mean and variance.
    **options
        See ``Normalizer``.

    References
    ----------
    Ba, Kiros & Hinton (2016), "Layer normalization".
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **options: Any,
    ):
        super().__init__(epsilon, center, scale, beta_initializer, gamma_initializer, **options)
        self.axis = axis

    def _axes(self, ndim: int) -> tuple[int, ...]:
        axes = (self.axis,) if isinstance(self.axis, int) else self.axis
        return tuple(sorted(axis_of(f"LayerNormalization {self.name!r}", axis, ndim) for axis in axes))

    def build(self, input_shape):
        self._lengths = tuple(input_shape[axis] for axis in self._axes(len(input_shape)))
        self._add_weights(self._lengths)

    def call(self, inputs):
        inputs = self._floating(inputs)
        axes = self._axes(inputs.ndim)
        if tuple(inputs.shape[axis] for axis in axes) != self._lengths:
            raise self._wrong_input(inputs.shape, f"lengths {self._lengths} along axes {axes}, as when it was built")
        shape = None
        if axes != tuple(range(inputs.ndim - len(axes), inputs.ndim)):
            shape = [length if axis in axes else 1 for axis, length in enumerate(inputs.shape)]
        return self._standardized(inputs, axes, shape)[0]


class GroupNormalization(Normalizer):
    """Mean 0 and variance 1 over groups of channels (and all places) of each sample.

    Weights ``gamma`` and ``beta``, of the number of channels.

    The parameters from ``epsilon`` to ``gamma_initializer`` are those of ``Normalizer``.

    Parameters
    ----------
    groups : int
        How many; -1 means one for each channel (instance normalization).
    axis : int
        Of the channels.
    **options
        See ``Normalizer``.

    References
    ----------
    Wu & He (2018), "Group normalization".
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **options: Any,
    ):
        super().__init__(epsilon, center, scale, beta_initializer, gamma_initializer, **options)
        if isinstance(groups, bool) or not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ag.DomainError(f"GroupNormalization: groups is {groups!r}; expected an integer of at least 1, or -1.")
        self.groups = groups
        self.axis = axis

    def build(self, input_shape):
        channels = input_shape[axis_of(f"GroupNormalization {self.name!r}", self.axis, len(input_shape))]
        self._add_weights((channels,))
        self._channels = channels
        self._count = channels if self.groups == -1 else self.groups
        if channels % self._count:
            raise self._wrong_input(input_shape, f"a number of channels that {self.groups} groups divide")

    def call(self, inputs):
        inputs = self._floating(inputs)
        axis = axis_of(f"GroupNormalization {self.name!r}", self.axis, inputs.ndim)
        if inputs.shape[axis] != self._channels:
            raise self._wrong_input(inputs.shape, f"{self._channels} entries along axis {self.axis}")
        shape = inputs.shape
        size = self._channels // self._count
        grouped = inputs.reshape(*shape[:axis], self._count, size, *shape[axis + 1 :])
        axes = tuple(i for i in range(1, grouped.ndim) if i != axis)
        weights = [1] * grouped.ndim
        weights[axis : axis + 2] = [self._count, size]
        return anp.reshape(self._standardized(grouped, axes, weights)[0], shape)


class RMSNormalization(Pointwise):
    """``x / sqrt(mean(x**2) + epsilon) * scale``, with the mean over the features of each sample.

    Weight ``scale``, of the shape of the axes.

    Parameters
    ----------
    axis : int or sequence of int
        Over which to take the mean.
    epsilon : float
        Added to the mean of squares.
    **options
        Those of every layer.

    References
    ----------
    Zhang & Sennrich (2019), "Root mean square layer normalization".
    """

    supports_masking = False

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **options: Any):
        super().__init__(**options)
        if not epsilon >= 0:
            raise ag.DomainError(f"RMSNormalization: epsilon is {epsilon!r}; expected a number of at least 0.")
        self.axis = axis
        self.epsilon = epsilon

    def _axes(self, ndim: int) -> tuple[int, ...]:
        axes = (self.axis,) if isinstance(self.axis, int) else self.axis
        return tuple(sorted(axis_of(f"RMSNormalization {self.name!r}", axis, ndim) for axis in axes))

    def build(self, input_shape):
        lengths = tuple(input_shape[axis] for axis in self._axes(len(input_shape)))
        if None in lengths:
            raise self._wrong_input(input_shape, "known lengths along the normalized axes")
        self.scale = self.add_weight(lengths, "ones", name="scale")

    def call(self, inputs):
        inputs = self._floating(inputs)
        axes = self._axes(inputs.ndim)
        lengths = self.scale.shape
        if tuple(inputs.shape[axis] for axis in axes) != lengths:
            raise self._wrong_input(inputs.shape, f"lengths {lengths} along axes {axes}, as when it was built")
        scale: Any = self.scale
        if axes != tuple(range(inputs.ndim - len(axes), inputs.ndim)):
            scale = anp.reshape(scale, [n if axis in axes else 1 for axis, n in enumerate(inputs.shape)])
        return inputs / anp.sqrt(anp.mean(anp.square(inputs), axis=axes, keepdims=True) + self.epsilon) * scale


class UnitNormalization(Pointwise):
    """Scale the vectors along an axis to length 1."""

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any):
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs):
        inputs = self._floating(inputs)
        axes = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        return inputs / anp.sqrt(anp.maximum(anp.sum(anp.square(inputs), axis=axes, keepdims=True), 1e-12))
