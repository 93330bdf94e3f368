"""MultiHeadAttention: several dot-product attentions at once, on learned projections."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .. import constraints, initializers, regularizers
from ..layer import Layer
from ..randomness import Seed, generator
from ..shapes import axis_of, positive, shape_of, share
from ..symbolic import SymbolicTensor
from .attention import as_mask, causal_mask, dropped, masked_softmax


class MultiHeadAttention(Layer):
    """Several dot-product attentions at once, each on its own projection of queries, keys and values.

    Called on ``query`` of shape ``(batch, queries, n)`` and ``value`` of shape ``(batch, keys, m)``; the output has the
    shape ``(batch, queries, n)``, or what ``output_shape`` says in place of n. Weights, in this order: ``query/kernel``
    of shape ``(n, heads, key_dim)``, ``query/bias`` of shape ``(heads, key_dim)``; ``key/kernel``, ``key/bias``;
    with ``use_gate`` ``gate/kernel``, ``gate/bias``; ``value/kernel``, ``value/bias`` with value_dim in place of
    key_dim; ``attention_output/kernel`` of shape ``(heads, value_dim, n)`` and ``attention_output/bias``.

    Parameters
    ----------
    num_heads : int
    key_dim : int
        Length of the projections of queries and keys, for each head.
    value_dim : int, optional
        Of values; ``key_dim`` if None.
    dropout : float
        Share of the weights of values that are set to 0 in training.
    use_bias : bool
    output_shape : int or tuple of int, optional
        Of the output, in place of the last axis of the query.
    attention_axes : int or tuple of int, optional
        Axes attended over; all but the first and the last if None.
    sliding_window : int, optional
        A query attends only to keys less than so many places away.
    flash_attention
        Accepted as in Keras, and not used.
    kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint
        Of all kernels and biases.
    activity_regularizer : str or callable, optional
    use_gate : bool
        Whether each head's output is multiplied by a sigmoid of a projection of the query.
    seed : int, numpy.random.Generator or None
    **options
        Those of every layer.

    References
    ----------
    Vaswani et al. (2017), "Attention is all you need", section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros((2, 10, 16), "float32")
    >>> outputs, weights = MultiHeadAttention(4, 8)(x, x, return_attention_scores=True, use_causal_mask=True)
    >>> outputs.shape, weights.shape
    ((2, 10, 16), (2, 4, 10, 10))
    """

    supports_masking = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Seed = None,
        **options: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **options)
        owner = "MultiHeadAttention"
        self.num_heads = positive(owner, "num_heads", num_heads)
        self.key_dim = positive(owner, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else positive(owner, "value_dim", value_dim)
        self.dropout = share(owner, "dropout", dropout)
        self.use_bias = use_bias
        self.use_gate = use_gate
        lengths = (output_shape,) if isinstance(output_shape, (int, np.integer)) else tuple(output_shape or ())
        self._last_axes = tuple(positive(owner, "output_shape", length) for length in lengths)
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.sliding_window = None if sliding_window is None else positive(owner, "sliding_window", sliding_window)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed = seed
        self.generator = generator(seed)

    # -- weights -------------------------------------------------------------------------------------------------

    def build(self, query_shape, value_shape=None, key_shape=None):
        value_shape = query_shape if value_shape is None else value_shape
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        heads = self.num_heads
        self.query_kernel, self.query_bias = self._projection("query", query_shape[-1:], (heads, self.key_dim))
        self.key_kernel, self.key_bias = self._projection("key", key_shape[-1:], (heads, self.key_dim))
        self.gate_kernel = self.gate_bias = None
        if self.use_gate:
            self.gate_kernel, self.gate_bias = self._projection("gate", query_shape[-1:], (heads, self.value_dim))
        self.value_kernel, self.value_bias = self._projection("value", value_shape[-1:], (heads, self.value_dim))
        last = self._last_axes or (query_shape[-1],)
        self.output_kernel, self.output_bias = self._projection("attention_output", (heads, self.value_dim), last)
        self._lengths = (query_shape[-1], value_shape[-1], key_shape[-1])

    def _projection(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[Any, Any]:
        kernel = self.add_weight(
            (*inputs, *outputs), self.kernel_initializer, name=f"{name}/kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if not self.use_bias:
            return kernel, None
        return kernel, self.add_weight(
            outputs, self.bias_initializer, name=f"{name}/bias",
            regularizer=self.bias_regularizer, constraint=self.bias_constraint,
        )  # fmt: skip

    def _check_shapes(self, query: Any, value: Any, key: Any) -> None:
        if not len(query) == len(value) == len(key) >= 3 or value[1:-1] != key[1:-1]:
            raise ag.ShapeError(
                f"MultiHeadAttention {self.name!r}: query, value and key have shapes {tuple(query)}, {tuple(value)} "
                f"and {tuple(key)}; expected (batch, queries, n), (batch, keys, m) and (batch, keys, k)."
            )

    # -- the call ------------------------------------------------------------------------------------------------

    def __call__(self, query, value=None, key=None, *args: Any, mask: Any = None, **kwargs: Any):  # type: ignore[override]  # Keras's names
        """Build if need be, convert the inputs, and ``call``; see there.

        Parameters
        ----------
        mask : array_like of bool, optional
            That of the query (and of the value, if they are one), from a layer that makes masks.
        """
        if value is None:
            raise ag.StructureError(f"MultiHeadAttention {self.name!r}: no value was given; expected (query, value).")
        if mask is not None and kwargs.get("query_mask") is None:
            kwargs["query_mask"] = mask
            if value is query and kwargs.get("value_mask") is None:
                kwargs["value_mask"] = mask
        if not self.built:
            self._others = tuple(None if other is None else _shape_of(other) for other in (value, key))
        return super().__call__(query, value, key, *args, **kwargs)

    def _build_for(self, input_shape):
        self.build(input_shape, *self.__dict__.get("_others", ()))

    def call(
        self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
        return_attention_scores=False, training=None, use_causal_mask=False,
    ):  # fmt: skip
        """Attend.

        Parameters
        ----------
        query, value : Tensor
        key : Tensor, optional
            The value if None.
        query_mask, value_mask, key_mask : array_like of bool, optional
            Of shapes (batch, queries) and (batch, keys): what is False takes no part.
        attention_mask : array_like of bool, optional
            Of shape (batch, queries, keys), or (batch, heads, queries, keys): which key each query attends to.
        return_attention_scores : bool
            Whether to give the weights too, of shape (batch, heads, queries, keys).
        training : bool, optional
        use_causal_mask : bool
            Whether a query attends only to keys that are not later.
        """
        key = value if key is None else key
        self._check_shapes(query.shape, value.shape, key.shape)
        self._check_lengths(query.shape[-1], value.shape[-1], key.shape[-1])
        mask = self._mask(query.shape, key.shape, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        outputs, weights = self._attended(
            _projected(query, self.query_kernel, self.query_bias),
            _projected(key, self.key_kernel, self.key_bias),
            _projected(value, self.value_kernel, self.value_bias),
            mask, training,
        )  # fmt: skip
        if self.gate_kernel is not None:
            outputs = outputs * anp.sigmoid(_projected(query, self.gate_kernel, self.gate_bias))
        outputs = _projected(outputs, self.output_kernel, self.output_bias, 2)
        return (outputs, weights) if return_attention_scores else outputs

    def _check_lengths(self, *lengths: int) -> None:
        if lengths != self._lengths:
            raise ag.ShapeError(
                f"MultiHeadAttention {self.name!r}: query, value and key have last axes of lengths {lengths}; this "
                f"layer was built for {self._lengths}."
            )

    def _axes(self, ndim: int) -> tuple[int, ...]:
        """Axes attended over, counted from the front."""
        if self.attention_axes is None:
            return tuple(range(1, ndim - 1))
        return tuple(axis_of(f"MultiHeadAttention {self.name!r}", axis, ndim) for axis in self.attention_axes)

    def _mask(self, query: Any, key: Any, query_mask: Any, value_mask: Any, key_mask: Any, mask: Any, causal: bool):
        """All masks as one, of shape (batch, ..., queries, keys); None if there are none."""
        query_mask, value_mask, key_mask = map(as_mask, (query_mask, value_mask, key_mask))
        masks = [
            as_mask(mask),
            None if query_mask is None else query_mask[..., :, None],
            None if value_mask is None else value_mask[..., None, :],
            None if key_mask is None else key_mask[..., None, :],
            causal_mask(query[1], key[1]) if causal else None,
        ]
        if self.sliding_window is not None:
            masks.append((np.abs(np.arange(query[1])[:, None] - np.arange(key[1])) < self.sliding_window)[None])
        found = [part for part in masks if part is not None]
        return functools.reduce(np.logical_and, found) if found else None

    def _attended(self, query: Any, key: Any, value: Any, mask: Any, training: bool | None) -> tuple[Any, Any]:
        """Outputs of the heads and the weights, from projections of shape (batch, ..., heads, length)."""
        axes = self._axes(query.ndim - 1)
        q, k, v = (_places_last(x, axes) for x in (query, key, value))
        scores = anp.matmul(q * q.dtype.type(1.0 / math.sqrt(self.key_dim)), anp.swapaxes(k, -2, -1))
        places = tuple(query.shape[axis] for axis in axes), tuple(key.shape[axis] for axis in axes)
        full = (*scores.shape[:-2], *places[0], *places[1])
        if mask is not None:
            mask = self._for_heads(mask, full, 2 * len(axes)).reshape(scores.shape)
        weights = masked_softmax(scores, mask)
        used = dropped(self.generator, weights, self.dropout) if training and self.dropout else weights
        outputs = anp.matmul(used, v)  # (batch, ..., heads, places, length)
        return _places_back(outputs, axes, places[0]), weights.reshape(full)

    def _for_heads(self, mask: Any, full: tuple[int, ...], places: int) -> Any:
        """``mask`` for scores of shape ``full``, whose last ``places`` axes are those of queries and keys."""
        given = mask.shape
        while mask.ndim < len(full):
            mask = np.expand_dims(mask, mask.ndim - places)
        try:
            return np.broadcast_to(mask, full)
        except ValueError:
            raise ag.ShapeError(
                f"MultiHeadAttention {self.name!r}: the masks together have shape {given}; expected one that "
                f"broadcasts to {full}: batch, heads, queries, keys."
            ) from None

    def compute_mask(self, inputs, mask=None):
        return mask

    def compute_output_shape(self, query_shape, value_shape=None, key_shape=None):
        return (*query_shape[:-1], *(self._last_axes or query_shape[-1:]))


def _shape_of(value: Any) -> Any:
    return value.shape if isinstance(value, SymbolicTensor) else shape_of(ag.convert_to_tensor(value))


def _projected(x: Any, kernel: Any, bias: Any, joined: int = 1) -> Any:
    """``x @ kernel + bias`` over the last ``joined`` axes of x; one matrix product, whatever the number of axes."""
    inputs, outputs = kernel.shape[:joined], kernel.shape[joined:]
    matrix = anp.reshape(kernel, (math.prod(inputs), math.prod(outputs)))
    rows = x.reshape(*x.shape[:-joined], math.prod(inputs)) if joined > 1 else x
    y = anp.matmul(rows, matrix) if bias is None else anp.affine(rows, matrix, anp.reshape(bias, (-1,)))
    return y.reshape(*y.shape[:-1], *outputs)


def _places_last(x: Any, axes: tuple[int, ...]) -> Any:
    """``(batch, ..., heads, length)`` as ``(batch, others, heads, places, length)``, one axis for all in ``axes``."""
    others = [axis for axis in range(x.ndim - 1) if axis not in axes]
    x = anp.transpose(x, (*others, *axes, x.ndim - 1))
    count = len(others)
    return x.reshape(*x.shape[:count], math.prod(x.shape[count:-1]), x.shape[-1])


def _places_back(x: Any, axes: tuple[int, ...], places: tuple[int, ...]) -> Any:
    """The inverse of ``_places_last``."""
    ndim = x.ndim - 1 + len(axes)
    x = x.reshape(*x.shape[:-2], *places, x.shape[-1])
    order = [axis for axis in range(ndim - 1) if axis not in axes] + [*axes, ndim - 1]
    return anp.transpose(x, tuple(int(place) for place in np.argsort(order)))
