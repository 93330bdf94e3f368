"""Preparing inputs: Rescaling, Normalization with statistics taken from data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from ..shapes import axis_of
from .activation import Pointwise


class Rescaling(Pointwise):
    """``inputs * scale + offset``, as floats: ``Rescaling(1 / 255)`` for images of bytes."""

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any):
        super().__init__(**options)
        self.scale = scale
        self.offset = offset

    def call(self, inputs):
        scale, offset = (np.asarray(value, self.dtype) for value in (self.scale, self.offset))
        return anp.astype(inputs, self.dtype) * scale + offset


class Normalization(Pointwise):
    """``(inputs - mean) / sqrt(variance)``, with mean and variance of data seen before: call ``adapt(data)`` first.

    Weights, not trained: ``mean``, ``variance`` and ``count``, which is 0 (unless mean and variance are given).

    Parameters
    ----------
    axis : int, sequence of int or None
        Axes with statistics of their own for each entry; None: one mean and variance for everything.
    mean, variance : float or array_like, optional
        In place of ``adapt``.
    invert : bool
        Go back: ``inputs * sqrt(variance) + mean``.
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **options: Any,
    ):
        super().__init__(**options)
        if (mean is None) != (variance is None):
            raise ag.DomainError("Normalization: mean and variance must be given together, or neither.")
        if np.shape(mean) != np.shape(variance):
            raise ag.ShapeError(
                f"Normalization: mean has shape {np.shape(mean)}, variance {np.shape(variance)}; they must be the same."
            )
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert

    def build(self, input_shape):
        own = f"Normalization {self.name!r}"
        self._kept = tuple(sorted(axis_of(own, axis, len(input_shape)) for axis in self.axis))
        self._lengths = tuple(input_shape[axis] for axis in self._kept)
        if None in self._lengths:
            raise self._wrong_input(input_shape, f"known lengths along axis {self.axis}")
        self._shape = [length if axis in self._kept else 1 for axis, length in enumerate(input_shape)]
        if self.input_mean is not None:
            return
        self.adapt_mean = self.add_weight(self._lengths, "zeros", name="mean", trainable=False)
        self.adapt_variance = self.add_weight(self._lengths, "ones", name="variance", trainable=False)
        self.count = self.add_weight((), "zeros", dtype="int32", name="count", trainable=False)

    @property
    def mean(self) -> Any:
        """Mean, in a shape that goes with that of the inputs."""
        return self._statistics(self._shape)[0]

    @property
    def variance(self) -> Any:
        """Variance, in a shape that goes with that of the inputs."""
        return self._statistics(self._shape)[1]

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data.

        Parameters
        ----------
        data : array_like, or iterable of batches (a Dataset; of tuples, the first entry counts)

        Raises
        ------
        DomainError
            If there is no data, or some of it is NaN or infinite.
        """
        if self.input_mean is not None:
            raise ag.StructureError(
                f"Normalization {self.name!r}: mean and variance were given; there is nothing to adapt."
            )
        batches: Iterable[Any] = [data] if isinstance(data, (np.ndarray, ag.Tensor, list, tuple)) else data
        total, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in batches:
            x = np.asarray(ag.convert_to_tensor(batch[0] if isinstance(batch, tuple) else batch).array, np.float64)
            if not self.built:
                self._build_for((None, *x.shape[1:]))
            self._check(x.shape)
            axes = tuple(axis for axis in range(x.ndim) if axis not in self._kept)
            count = x.size // max(1, int(np.prod(self._lengths)))
            if not count:
                continue
            share = count / (total + count)
            new = mean * (1 - share) + x.mean(axis=axes) * share
            # Variance of both parts together: each part's own, and the distance of its mean from the common one.
            variance = (variance + (mean - new) ** 2) * (1 - share) + (
                x.var(axis=axes) + (x.mean(axis=axes) - new) ** 2
            ) * share
            total, mean = total + count, new
        if not total:
            raise ag.DomainError(f"Normalization {self.name!r}: adapt got no data.")
        if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
            raise ag.DomainError(f"Normalization {self.name!r}: the data given to adapt has NaN or infinite entries.")
        self.adapt_mean.assign(mean.astype(self.dtype))
        self.adapt_variance.assign(variance.astype(self.dtype))

    def _check(self, shape: tuple[int, ...]) -> None:
        if len(shape) <= max(self._kept, default=0) or tuple(shape[axis] for axis in self._kept) != self._lengths:
            raise self._wrong_input(shape, f"lengths {self._lengths} along axes {self._kept}")

    def call(self, inputs):
        inputs = anp.astype(inputs, self.dtype)
        self._check(inputs.shape)
        shape = [length if axis in self._kept else 1 for axis, length in enumerate(inputs.shape)]
        mean, variance = self._statistics(shape)
        # As Keras does: a constant feature is divided by 1e-7, not by 0.
        deviation = anp.maximum(anp.sqrt(variance), 1e-7)
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def _statistics(self, shape: list[int]) -> tuple[Any, Any]:
        if self.input_mean is None:
            return anp.reshape(self.adapt_mean, shape), anp.reshape(self.adapt_variance, shape)
        given = [np.asarray(value, self.dtype) for value in (self.input_mean, self.input_variance)]
        mean, variance = (np.broadcast_to(value, self._lengths).reshape(shape) for value in given)
        return mean, variance
