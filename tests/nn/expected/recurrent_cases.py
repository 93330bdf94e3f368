"""Recurrent and attention layers to compare with Keras. For ``make_recurrent.py`` and for the tests.

``make(k)`` makes a layer from a namespace ``k``: Keras or ``nn``. The weights are drawn here, in the order and shapes
that the layer asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BATCH, TIME, FEATURES, UNITS = 3, 4, 5, 2


def draw(seed: int, *shape: int) -> np.ndarray:
    """Numbers that float32 has too, so that both precisions are given the same."""
    return np.random.RandomState(seed).normal(size=shape).astype(np.float32).astype(np.float64)


X = draw(0, BATCH, TIME, FEATURES)
H, C = draw(1, BATCH, UNITS), draw(2, BATCH, UNITS)
MASK = np.array([[1, 1, 1, 0], [0, 1, 1, 1], [1, 0, 1, 0]], bool)
WORDS = np.array([[1, 2, 3, 0], [0, 4, 4, 1], [2, 0, 1, 0]])
QUERY, VALUE, KEY = draw(3, BATCH, TIME, 6), draw(4, BATCH, 5, 4), draw(5, BATCH, 5, 3)
LIKE_QUERY = draw(6, BATCH, 5, 6)
VALUE_MASK = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 0, 0, 0, 1]], bool)
PAIRS = np.random.RandomState(7).uniform(size=(BATCH, TIME, 5)) > 0.4
PAIRS[..., 0] = True
IMAGE = draw(8, 2, 3, 2, 4)


@dataclass(frozen=True)
class Case:
    """A layer and what it is called on."""

    name: str
    make: Callable[[Any], Any]
    inputs: Sequence[np.ndarray] = (X,)
    kwargs: dict[str, Any] = field(default_factory=dict)
    as_list: bool = False  # whether the inputs are one list, or arguments one by one
    calls: int = 1  # the outputs are those of the last; gradients only for one call

    def __str__(self):
        return self.name

    def weights(self, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """Weights of these shapes."""
        return [0.5 * draw(100 + number, *shape) for number, shape in enumerate(shapes)]

    def directions(self, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """For each output, what it is multiplied by in the sum whose gradient is compared."""
        return [draw(200 + number, *shape) for number, shape in enumerate(shapes)]

    @property
    def has_gradients(self) -> bool:
        return self.calls == 1

    @property
    def has_input_gradients(self) -> bool:
        return self.has_gradients and self.inputs[0].dtype.kind == "f"


def _recurrent(name: str, **fixed: Any) -> list[Case]:
    """All options for one kind of layer."""
    states = [H, C] if name == "LSTM" else [H]

    def make(**options: Any) -> Callable[[Any], Any]:
        return lambda k: getattr(k.layers, name)(UNITS, **fixed, **options)

    label = name + "".join(f", {key} {value}" for key, value in fixed.items())
    return [
        Case(label, make()),
        Case(f"{label}, sequences", make(return_sequences=True)),
        Case(f"{label}, state", make(return_sequences=True, return_state=True)),
        Case(f"{label}, backwards", make(return_sequences=True, go_backwards=True)),
        Case(f"{label}, no bias", make(use_bias=False)),
        Case(f"{label}, other activation", make(activation="softsign", return_state=True)),
        Case(f"{label}, linear", make(activation=None)),
        Case(f"{label}, unrolled", make(unroll=True)),
        Case(f"{label}, mask", make(), kwargs={"mask": MASK}),
        Case(f"{label}, mask, sequences and state", make(return_sequences=True, return_state=True),
             kwargs={"mask": MASK}),
        Case(f"{label}, mask, backwards", make(return_sequences=True, go_backwards=True), kwargs={"mask": MASK}),
        Case(f"{label}, mask, zeros", make(return_sequences=True, zero_output_for_mask=True), kwargs={"mask": MASK}),
        Case(f"{label}, first state", make(return_state=True), kwargs={"initial_state": states}),
        Case(f"{label}, first state, mask", make(return_sequences=True),
             kwargs={"initial_state": states, "mask": MASK}),
        Case(f"{label}, stateful", make(stateful=True, return_state=True), calls=2),
        Case(f"{label}, one step", make(return_sequences=True), (X[:, :1],)),
        Case(f"{label}, words", lambda k: k.Sequential(
            [k.layers.Embedding(6, FEATURES, mask_zero=True), getattr(k.layers, name)(UNITS, **fixed)]), (WORDS,)),
    ]  # fmt: skip


def _bidirectional() -> list[Case]:
    def make(mode: Any, layer: str = "LSTM", **options: Any) -> Callable[[Any], Any]:
        return lambda k: k.layers.Bidirectional(getattr(k.layers, layer)(UNITS, **options), merge_mode=mode)

    cases = [
        Case(f"Bidirectional {mode}", make(mode, return_sequences=True)) for mode in ("concat", "sum", "ave", "mul")
    ]
    return [
        *cases,
        Case("Bidirectional None", make(None, return_sequences=True)),
        Case("Bidirectional, last", make("concat")),
        Case("Bidirectional, state", make("concat", "GRU", return_sequences=True, return_state=True)),
        Case("Bidirectional, first state", make("sum"), kwargs={"initial_state": [H, C, C, H]}),
        Case("Bidirectional, mask", make("concat", return_sequences=True), kwargs={"mask": MASK}),
        Case("Bidirectional, mask, last", make("concat", "SimpleRNN"), kwargs={"mask": MASK}),
        Case("Bidirectional, backward layer", lambda k: k.layers.Bidirectional(
            k.layers.LSTM(UNITS), backward_layer=k.layers.GRU(UNITS, go_backwards=True))),
    ]  # fmt: skip


def _others() -> list[Case]:
    return [
        Case("RNN of a cell", lambda k: k.layers.RNN(k.layers.LSTMCell(UNITS), return_sequences=True)),
        Case("RNN of cells", lambda k: k.layers.RNN(
            [k.layers.LSTMCell(UNITS), k.layers.LSTMCell(3)], return_sequences=True)),
        Case("RNN of cells, mask", lambda k: k.layers.RNN(
            [k.layers.GRUCell(UNITS), k.layers.GRUCell(3), k.layers.SimpleRNNCell(2)], return_sequences=True),
            kwargs={"mask": MASK}),
        Case("TimeDistributed", lambda k: k.layers.TimeDistributed(k.layers.Dense(3, activation="tanh"))),
    ]  # fmt: skip


def _attention() -> list[Case]:
    def heads(**options: Any) -> Callable[[Any], Any]:
        return lambda k: k.layers.MultiHeadAttention(2, 3, **options)

    query, pair, three = (QUERY,), (QUERY, VALUE), (QUERY, VALUE, KEY)
    fitting = (QUERY, LIKE_QUERY)
    masks = {"mask": [MASK, VALUE_MASK]}
    return [
        Case("heads, self", heads(), query * 2),
        Case("heads, cross", heads(), pair),
        Case("heads, cross with key", heads(), three),
        Case("heads, causal", heads(), query * 2, {"use_causal_mask": True}),
        Case("heads, causal, of other lengths", heads(), pair, {"use_causal_mask": True}),
        Case("heads, scores", heads(), pair, {"return_attention_scores": True}),
        Case("heads, causal, scores", heads(), query * 2, {"return_attention_scores": True, "use_causal_mask": True}),
        Case("heads, masked", heads(), pair, {"attention_mask": PAIRS}),
        Case("heads, masked, scores", heads(), pair, {"attention_mask": PAIRS, "return_attention_scores": True}),
        Case("heads, window", heads(sliding_window=2), query * 2),
        Case("heads, value_dim", heads(value_dim=4), pair),
        Case("heads, output_shape", heads(output_shape=5), pair),
        Case("heads, output_shape of two axes", heads(output_shape=(2, 3)), pair),
        Case("heads, no bias", heads(use_bias=False), pair),
        Case("heads, gate", heads(use_gate=True, value_dim=2), pair),
        Case("heads, two axes", heads(), (IMAGE, IMAGE)),
        Case("heads, second axis", heads(attention_axes=(2,)), (IMAGE, IMAGE)),
        Case("Attention", lambda k: k.layers.Attention(), fitting, as_list=True),
        Case("Attention with key", lambda k: k.layers.Attention(use_scale=True), (QUERY, VALUE, LIKE_QUERY),
             as_list=True),
        Case("Attention, concat", lambda k: k.layers.Attention(score_mode="concat", use_scale=True), fitting,
             as_list=True),
        Case("Attention, masks", lambda k: k.layers.Attention(), fitting, masks, as_list=True),
        Case("Attention, causal", lambda k: k.layers.Attention(), fitting,
             {"use_causal_mask": True, "return_attention_scores": True}, as_list=True),
        Case("AdditiveAttention", lambda k: k.layers.AdditiveAttention(), fitting, masks, as_list=True),
        Case("AdditiveAttention, no scale", lambda k: k.layers.AdditiveAttention(use_scale=False), fitting,
             as_list=True),
    ]  # fmt: skip


CASES = (
    *_recurrent("SimpleRNN"),
    *_recurrent("LSTM"),
    *_recurrent("LSTM", recurrent_activation="hard_sigmoid"),
    *_recurrent("GRU"),
    *_recurrent("GRU", reset_after=False),
    *_bidirectional(),
    *_others(),
    *_attention(),
)
