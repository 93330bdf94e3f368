"""Attention by products of queries and keys, or by their sums, of one head."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

from ..layer import Layer
from ..randomness import Seed, generator
from ..shapes import share


def as_mask(mask: Any) -> Any:
    """A mask as a Tensor of bool; None stays None."""
    return None if mask is None else ag.convert_to_tensor(mask).astype(bool)


def causal_mask(queries: int, keys: int) -> Any:
    """True where a key is not later than the query: shape (1, queries, keys)."""
    return np.tri(queries, keys, dtype=bool)[None]


def masked_softmax(scores: Any, mask: Any) -> Any:
    """Softmax along the last axis of the scores where ``mask`` is True; even where it is True nowhere."""
    if mask is not None:
        # A number, not -inf: a row without any True then has a softmax, that of equal scores.
        scores = anp.where(mask, scores, scores.dtype.type(0.5 * np.finfo(scores.dtype).min))
    return anp.softmax(scores, -1)


def dropped(source: np.random.Generator, weights: Any, rate: float) -> Any:
    """Weights with a share of them set to 0, and the others scaled up."""
    kept = ag.tracing.host(lambda: source.random(weights.shape, np.float32) >= rate, weights.shape, bool)
    return weights * (kept * weights.dtype.type(1.0 / (1.0 - rate)))


class Attention(Layer):
    """Dot-product attention: means of values, weighted by how well their keys fit a query.

    Called on a list ``[query, value]`` or ``[query, value, key]``, of shapes ``(batch, queries, n)``,
    ``(batch, keys, m)`` and ``(batch, keys, n)``; the key is the value if it is not given. Output shape
    ``(batch, queries, m)``. Weights: ``scale``, a number, with ``use_scale``, and ``concat_score_weight``, a number,
    with ``score_mode="concat"``.

    Parameters
    ----------
    use_scale : bool
        Whether the scores are multiplied by a learned number.
    score_mode : {"dot", "concat"}
        Scores are products of queries and keys, or the sum of ``tanh(query + key)`` times a learned number.
    dropout : float
        Share of the weights that are set to 0 in training.
    seed : int, numpy.random.Generator or None
    **options
        Those of every layer.

    References
    ----------
    Luong, Pham & Manning (2015), "Effective approaches to attention-based neural machine translation".
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: Seed = None,
        **options: Any,
    ):
        super().__init__(**options)
        owner = type(self).__name__
        if score_mode not in ("dot", "concat"):
            raise ag.DomainError(f"{owner}: score_mode is {score_mode!r}; expected 'dot' or 'concat'.")
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = share(owner, "dropout", dropout)
        self.seed = seed
        self.generator = generator(seed)

    def build(self, input_shape):
        self._check_count(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _check_count(self, inputs: Any) -> None:
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            given = f"{len(inputs)} inputs" if isinstance(inputs, (list, tuple)) else "one input"
            raise ag.StructureError(
                f"{type(self).__name__} {self.name!r}: got {given}; expected a list [query, value] or "
                "[query, value, key]."
            )

    def call(self, inputs, mask=None, training=False, return_attention_scores=False, use_causal_mask=False):
        """Attend.

        Parameters
        ----------
        inputs : list of Tensor
        mask : list of array_like of bool, optional
            Of queries, whose outputs are 0 where it is False, and of values, which have no weight where it is False;
            None for none.
        training : bool
        return_attention_scores : bool
            Whether to give the weights too, of shape (batch, queries, keys).
        use_causal_mask : bool
            Whether a query attends only to keys that are not later.
        """
        self._check_count(inputs)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) == 3 else value
        self._check_shapes(query.shape, value.shape, key.shape)
        query_mask, value_mask = (as_mask(mask[0]), as_mask(mask[1])) if mask is not None else (None, None)
        kept = None if value_mask is None else value_mask[..., None, :]
        if use_causal_mask:
            causal = causal_mask(query.shape[-2], key.shape[-2])
            kept = causal if kept is None else kept & causal
        weights = masked_softmax(self._scores(query, key), kept)
        used = dropped(self.generator, weights, self.dropout) if training and self.dropout else weights
        outputs = anp.matmul(used, value)
        if query_mask is not None:
            outputs = anp.where(query_mask[..., None], outputs, anp.zeros_like(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def _check_shapes(self, query: Any, value: Any, key: Any) -> None:
        if min(map(len, (query, value, key))) < 3 or key[-1] != query[-1] or key[-2] != value[-2]:
            raise ag.ShapeError(
                f"{type(self).__name__} {self.name!r}: query, value and key have shapes {query}, {value} and {key}; "
                "expected (batch, queries, n), (batch, keys, m) and (batch, keys, n)."
            )

    def _scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = anp.matmul(query, anp.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        sums = query[..., :, None, :] + key[..., None, :, :]
        return self.concat_score_weight * anp.sum(anp.tanh(sums if self.scale is None else self.scale * sums), axis=-1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape):
        self._check_count(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])


class AdditiveAttention(Attention):
    """Attention with scores ``sum(scale * tanh(query + key))``.

    Called as ``Attention`` is. Weight: ``scale`` of shape ``(n,)``, with ``use_scale``.

    Parameters
    ----------
    use_scale : bool
        Whether there is a learned factor for each feature.
    dropout : float
        Share of the weights that are set to 0 in training.
    **options
        ``seed``, and those of every layer.

    References
    ----------
    Bahdanau, Cho & Bengio (2014), "Neural machine translation by jointly learning to align and translate".
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **options: Any):
        super().__init__(use_scale, "dot", dropout, **options)

    def build(self, input_shape):
        self._check_count(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _scores(self, query, key):
        terms = anp.tanh(query[..., :, None, :] + key[..., None, :, :])
        return anp.sum(terms if self.scale is None else self.scale * terms, axis=-1)
