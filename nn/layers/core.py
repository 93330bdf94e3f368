"""InputLayer, Lambda, Identity, Masking: layers without weights that are not about shapes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import shapes
from ..layer import Layer
from ..regularizers import L1L2
from ..symbolic import SymbolicTensor
from .activation import Pointwise


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    name: str | None = None,
    batch_shape: Sequence[int | None] | None = None,
) -> SymbolicTensor:
    """Symbolic tensor that stands for an input of a model.

    Parameters
    ----------
    shape : tuple of int or None
        Of one sample, without the batch axis; None where the length differs from batch to batch.
    batch_size : int, optional
    dtype : dtype, optional
        "float32" if None.
    name : str, optional
        With several inputs in a dict, the key.
    batch_shape : tuple, optional
        In place of ``shape`` and ``batch_size``: with the batch axis.

    Returns
    -------
    SymbolicTensor
        What layers can be called on, to build ``Model(inputs, outputs)``.
    """
    if (shape is None) == (batch_shape is None):
        raise ag.ShapeError("Input: give the shape of one sample, shape=(784,), or batch_shape=(None, 784).")
    if batch_shape is not None:
        batch_size, shape = batch_shape[0], tuple(batch_shape[1:])
    known = shapes.sample_shape("Input", shape)  # type: ignore[arg-type]
    kind = shapes.checked_dtype("Input", "float32" if dtype is None else dtype)
    return SymbolicTensor((batch_size, *known[1:]), kind, name)


class InputLayer(Layer):
    """The input, as it is: says in a Sequential which shape and dtype comes in.

    Parameters
    ----------
    shape : tuple of int or None
        Of one sample.
    batch_size : int, optional
    dtype : dtype, optional
    batch_shape : tuple of int or None, optional
        In place of ``shape`` and ``batch_size``: both in one.
    """

    supports_masking = True

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        batch_shape: Sequence[int | None] | None = None,
        **options: Any,
    ):
        declared = options.pop("input_shape", None)
        symbol = Input(
            declared if shape is None and batch_shape is None else shape, batch_size, dtype, None, batch_shape
        )
        super().__init__(dtype=symbol.dtype, input_shape=symbol.shape[1:], **options)

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


class Identity(Pointwise):
    """The input itself."""

    def call(self, inputs):
        return inputs


class ActivityRegularization(Pointwise):
    """The input itself; ``l1 * sum(abs(x)) + l2 * sum(x**2)``, divided by the batch size, is added to the loss.

    Parameters
    ----------
    l1, l2 : float
        Factors of at least 0.
    **options
        Those of every layer.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **options: Any):
        super().__init__(activity_regularizer=L1L2(l1, l2), **options)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs):
        return inputs


class Lambda(Layer):
    """A function of the input as a layer.

    Parameters
    ----------
    function : callable
        Of a Tensor (or a structure of them); its parameters ``mask`` and ``training``, if it has them, are filled in.
    output_shape : tuple or callable, optional
        Shape of one sample of the output, or a function from shape to shape; found by a call on ones if None.
    mask : callable, optional
        ``mask(inputs, mask)`` gives the mask of the output.
    arguments : dict, optional
        Handed to the function by name.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        if not callable(function):
            raise ag.ConversionError(f"Lambda: got a {type(function).__name__}; expected a function of the input.")
        self.function = function
        self.output_shape = output_shape
        self.mask = mask
        self.supports_masking = mask is not None
        self.arguments = arguments or {}
        try:
            self._takes = set(inspect.signature(function).parameters)
        except ValueError:  # a NumPy ufunc
            self._takes = set()

    def call(self, inputs, mask=None, training=None):
        extra = {name: value for name, value in (("mask", mask), ("training", training)) if name in self._takes}
        return self.function(inputs, **{**self.arguments, **extra})

    def compute_output_shape(self, input_shape):
        if self.output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self.output_shape):
            return tuple(self.output_shape(input_shape))
        first = input_shape if shapes.is_shape(input_shape) else input_shape[0]
        return (first[0], *self.output_shape)

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask


class Masking(Pointwise):
    """Leave out time steps whose features all equal ``mask_value``: layers after it that know masks skip them."""

    def __init__(self, mask_value: float = 0.0, **options: Any):
        super().__init__(**options)
        self.mask_value = mask_value

    def compute_mask(self, inputs, mask=None):
        return anp.any(anp.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        kept = anp.any(anp.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return anp.where(kept, inputs, 0)
