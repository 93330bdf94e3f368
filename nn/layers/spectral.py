"""SpectralNormalization: a layer whose kernel is divided by its largest singular value."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from ..initializers import TruncatedNormal
from ..layer import Layer
from ..shapes import positive
from .wrappers import Wrapper


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value at each call in training.

    The kernel is seen as a matrix with the last axis as columns. Its singular value is found by power iteration, which
    goes on from where the last call in training ended; the kernel is replaced by the quotient, and stays outside of
    training. Weights: those of the layer, and ``vector_u`` of shape ``(1, columns)``, which is not trained.

    Parameters
    ----------
    layer : Layer
        With a ``kernel``, or ``embeddings``.
    power_iterations : int
        In each call.
    **options
        Those of every layer.

    References
    ----------
    Miyato et al. (2018), "Spectral normalization for generative adversarial networks", algorithm 1.
    """

    supports_masking = False

    def __init__(self, layer: Layer, power_iterations: int = 1, **options: Any):
        super().__init__(layer, **options)
        self.power_iterations = positive("SpectralNormalization", "power_iterations", power_iterations)

    def build(self, input_shape):
        if not self.layer.built:
            self.layer._build_symbolically(input_shape)
        kernel = self._kernel
        self._own_weights.append(kernel)  # before vector_u, as in Keras
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), TruncatedNormal(stddev=0.02), kernel.dtype, trainable=False, name="vector_u"
        )

    @property
    def _kernel(self) -> ag.Variable:
        for name in ("kernel", "embeddings"):
            found = getattr(self.layer, name, None)
            if isinstance(found, ag.Variable) and found.ndim:
                return found
        raise ag.StructureError(
            f"SpectralNormalization {self.name!r}: {type(self.layer).__name__} {self.layer.name!r} has no kernel and "
            "no embeddings; expected a layer such as Dense(32)."
        )

    def call(self, inputs, training=None):
        if training:
            vector, kernel = self.normalized_weights()
            self.vector_u.assign(vector)
            self._kernel.assign(kernel)
        return self.layer(inputs)  # which finds `training` in the call that this is

    def normalized_weights(self) -> tuple[Any, Any]:
        """The next ``vector_u``, and the kernel divided by its largest singular value; both as they are if it is 0."""
        kernel = ag.stop_gradient(ag.convert_to_tensor(self._kernel))
        before = ag.convert_to_tensor(self.vector_u)
        matrix = anp.reshape(kernel, (-1, kernel.shape[-1]))
        columns = before
        for _ in range(self.power_iterations):
            rows = _unit(anp.matmul(columns, matrix.T))
            columns = _unit(anp.matmul(rows, matrix))
        value = anp.sum(anp.matmul(rows, matrix) * columns)
        zero = anp.all(anp.equal(kernel, 0))
        return anp.where(zero, before, columns), kernel / anp.where(zero, 1.0, value)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


def _unit(vector: Any) -> Any:
    return vector / anp.sqrt(anp.maximum(anp.sum(anp.square(vector)), 1e-14))
