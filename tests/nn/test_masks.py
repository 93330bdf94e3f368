"""Masks find their way from the layer that makes them to those that need them, in every kind of model."""

import gc
import threading

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
from nn import layers, masks

WORDS = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
STEPS = np.ones((2, 4, 3), "float32") * np.array([[1, 1, 0, 0], [1, 0, 0, 0]], "float32")[..., None]


@pytest.fixture(autouse=True)
def nothing_left():
    """No mask outlives its Tensor."""
    yield
    gc.collect()
    assert masks.known == {}


class Subclass(nn.Model):
    """Does not speak of masks."""

    def __init__(self, *chain):
        super().__init__()
        self.chain = list(chain)

    def call(self, x):
        for layer in self.chain:
            x = layer(x)
        return x


class InALayer(nn.Layer):
    """A layer around a layer."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x)


def functional(*chain):
    x = y = nn.Input((None,), dtype="int64")
    for layer in chain:
        y = layer(y)
    return nn.Model(x, y)


KINDS = {
    "Sequential": lambda *chain: nn.Sequential(list(chain)),
    "functional": functional,
    "subclassed": Subclass,
    "Sequential in Sequential": lambda first, *rest: nn.Sequential([nn.Sequential([first]), nn.Sequential(list(rest))]),
    "functional in functional": lambda first, *rest: functional(functional(first), *rest),
    "Sequential in functional": lambda first, *rest: functional(nn.Sequential([first]), nn.Sequential(list(rest))),
    "subclassed in Sequential": lambda first, *rest: nn.Sequential([Subclass(first), Subclass(*rest)]),
    "inside layers": lambda first, *rest: nn.Sequential([InALayer(first), InALayer(nn.Sequential(list(rest)))]),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("last", [lambda: layers.LSTM(2), layers.GlobalAveragePooling1D], ids=["LSTM", "mean"])
def test_filling_does_not_count(kind, last):
    """Whatever is behind the words, and however many there are of it: the result is that of the words alone."""
    chain = (layers.Embedding(9, 3, mask_zero=True), layers.Dropout(0.5), layers.Dense(3, activation="tanh"), last())
    model = kind(*chain)
    out = model(WORDS).numpy()
    np.testing.assert_allclose(out, model(WORDS[:, :2]).numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(out[1:], model(WORDS[1:, :1]).numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(model.predict(WORDS, verbose=0), out, rtol=1e-5, atol=1e-7)


def test_in_a_loop_of_ones_own():
    """Layers called one after another, under a tape: filling has no gradient."""
    embedding, mean = layers.Embedding(9, 3, mask_zero=True), layers.GlobalAveragePooling1D()
    with ag.GradientTape() as tape:
        loss = (mean(embedding(WORDS)) ** 2).sum()
    gradient = tape.gradient(loss, embedding.embeddings).numpy()
    assert (gradient[0] == 0).all()
    assert (gradient[1:4] != 0).all()


def test_masking():
    """Steps that all equal the value are left out, and become 0; float64 inputs and other values, too."""
    np.testing.assert_array_equal(layers.Masking().compute_mask(STEPS).numpy(), STEPS[..., 0] == 1)
    out = layers.Masking(mask_value=9.0)(np.full((1, 2, 3), 9.0))
    np.testing.assert_array_equal(out.numpy(), np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(masks.mask_of(out).numpy(), [[False, False]])
    model = nn.Sequential([layers.Masking(), layers.GlobalAveragePooling1D()])
    np.testing.assert_array_equal(model(STEPS.astype("float64") * 7).numpy(), np.full((2, 3), 7.0))


def test_embedding_without_mask_zero_makes_none():
    """And a layer that works on other axes ends the mask."""
    assert masks.mask_of(layers.Embedding(9, 3)(WORDS)) is None
    model = nn.Sequential([layers.Embedding(9, 3, mask_zero=True), layers.Flatten()])
    assert masks.mask_of(model(WORDS)) is None


def test_merging():
    """Concatenate and Add join the masks of their inputs."""
    x = nn.Input((None,), dtype="int64")
    words = layers.Embedding(9, 3, mask_zero=True)(x)
    for merged in (layers.Concatenate()([words, words]), layers.Add()([words, words])):
        model = nn.Model(x, layers.GlobalAveragePooling1D()(merged))
        np.testing.assert_allclose(model(WORDS).numpy(), model(WORDS[:, :2]).numpy(), rtol=1e-5)
    ended = nn.Model(x, layers.GlobalAveragePooling1D()(words + words))  # an operator knows nothing of masks
    assert np.abs(ended(WORDS).numpy() - ended(WORDS[:, :2]).numpy()).max() > 1e-4


def test_attention():
    """MultiHeadAttention finds the masks of queries and values by itself."""
    embedding, attention = layers.Embedding(9, 4, mask_zero=True), layers.MultiHeadAttention(2, 3)
    words = embedding(WORDS)
    out = attention(words, words).numpy()
    plain = ag.Tensor(words.array, None)
    keep = WORDS > 0
    told = attention(plain, plain, query_mask=keep, value_mask=keep).numpy()
    np.testing.assert_allclose(out, told, rtol=1e-5, atol=1e-7)
    short = embedding(WORDS[:, :2])
    np.testing.assert_allclose(out[0, :2], attention(short, short).numpy()[0], rtol=1e-4, atol=1e-6)


def test_a_layer_of_ones_own_that_makes_one():
    """``compute_mask``, as a layer of word and place is written in the books; a ``mask`` argument receives it."""
    seen = []

    class WordAndPlace(nn.Layer):
        def __init__(self):
            super().__init__()
            self.words, self.places = layers.Embedding(9, 3), layers.Embedding(20, 3)

        def call(self, inputs):
            return self.words(inputs) + self.places(np.arange(inputs.shape[-1]))

        def compute_mask(self, inputs, mask=None):
            return anp.not_equal(inputs, 0)

    class Looks(nn.Layer):
        def call(self, inputs, mask=None):
            seen.append(None if mask is None else mask.numpy())
            return inputs * 2

    model = nn.Sequential([WordAndPlace(), Looks(), Looks()])
    model(WORDS)
    np.testing.assert_array_equal(seen[0], WORDS > 0)
    assert seen[1] is None  # `Looks` does not say that it supports masks: there it ends, as in Keras


def test_a_mask_given_by_the_caller():
    """Wins over the one that belongs to the input; it stays with the call, not with the caller's Tensor."""
    x = ag.constant(STEPS + 1)
    keep = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool)
    mean = layers.GlobalAveragePooling1D()
    for model in (nn.Sequential([mean]), nn.Sequential([nn.Input((4, 3)), layers.Activation("linear"), mean])):
        np.testing.assert_array_equal(model(x, mask=keep).numpy(), np.full((2, 3), 2.0))
        np.testing.assert_array_equal(model(x).numpy()[0], np.full(3, 1.5))
    np.testing.assert_array_equal(mean(layers.Masking()(STEPS), mask=~keep).numpy(), np.zeros((2, 3)))


def test_losses_leave_masked_steps_out():
    """Keras's 4, where the mean over all steps would be 2; weighted, and without reduction."""
    model = nn.Sequential([layers.Masking(), layers.Dense(1, kernel_initializer="ones")])
    x = np.ones((1, 4, 2), "float32")
    x[0, 2:] = 0
    y = np.zeros((1, 4, 1), "float32")
    model.compile("sgd", "mse")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(4.0)
    assert model.fit(x, y, verbose=0).history["loss"] == pytest.approx([4.0])
    model.set_weights([np.ones((2, 1)), np.ones(1)])
    losses = nn.losses.MeanSquaredError(reduction="none")(y, model(x)).numpy()
    np.testing.assert_array_equal(losses, [[9, 9, 0, 0]])
    weighted = nn.losses.MeanSquaredError()(y, model(x), sample_weight=[[1.0, 0.0, 5.0, 5.0]])
    assert weighted.item() == pytest.approx(9 * 2 / 4)


def test_threads():
    """Masks of one thread are not seen in another; nothing is lost when many work at once."""
    model = nn.Sequential([layers.Embedding(9, 3, mask_zero=True), layers.LSTM(2)])
    expected = model(WORDS).numpy()
    wrong = []

    def work():
        wrong.extend(i for i in range(30) if np.abs(model(WORDS).numpy() - expected).max() > 1e-6)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
