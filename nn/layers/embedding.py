"""Embedding: a learned vector for each of a number of things."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from .. import constraints, initializers, regularizers
from ..layer import Layer
from ..shapes import positive


class Embedding(Layer):
    """Rows of a matrix, by number.

    Input shape ``(batch, ...)`` of integers from 0 to ``input_dim - 1``, output shape ``(batch, ..., output_dim)``.
    Weight: ``embeddings`` of shape ``(input_dim, output_dim)``.

    Parameters
    ----------
    input_dim : int
        How many rows there are.
    output_dim : int
        Length of each.
    embeddings_initializer, embeddings_regularizer, embeddings_constraint : str or callable
    mask_zero : bool
        Whether 0 stands for no entry, to be left out by the layers after it that know masks.
    weights : array_like, optional
        The matrix to start with.

    Raises
    ------
    DomainError
        At the call, for a number that is out of range.
    """

    takes_several = False

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **options: Any,
    ):
        if options.get("input_length") is not None:  # as older programs say; nothing depends on it
            options["input_shape"] = (options["input_length"],)
        options.pop("input_length", None)
        super().__init__(**options)
        self.input_dim = positive("Embedding", "input_dim", input_dim)
        self.output_dim = positive("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.makes_mask = mask_zero
        self._first_values = weights

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
        )  # fmt: skip
        if self._first_values is not None:
            values = self._first_values
            self.set_weights([values[0] if isinstance(values, (list, tuple)) and len(values) == 1 else values])

    def call(self, inputs):
        numbers = ag.tracing.checked(inputs, self._check)
        if numbers.dtype.kind not in "iu":
            numbers = numbers.astype(np.int64)
        return anp.take(self.embeddings, numbers, axis=0)

    def _check(self, numbers: Any) -> None:
        if numbers.dtype.kind not in "iu" and not np.array_equal(numbers.astype(np.int64), numbers):
            raise ag.DomainError(
                f"Embedding {self.name!r}: the input has dtype {numbers.dtype} and entries that are not whole; "
                f"expected integers from 0 to {self.input_dim - 1}."
            )
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < self.input_dim:
            wrong = numbers.min() if numbers.min() < 0 else numbers.max()
            raise ag.DomainError(
                f"Embedding {self.name!r}: the input has {wrong}; expected integers from 0 to {self.input_dim - 1}."
            )

    def compute_mask(self, inputs, mask=None):
        return anp.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)
