"""Gradients of each example of models of ``nn``: layers know nothing of it."""

from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn

in_a_plan = partial(ag.function, jit="numpy")
RNG = np.random.default_rng(0)


def dense():
    layers = [nn.layers.Dense(6, activation="relu"), nn.layers.LayerNormalization(), nn.layers.Dropout(0.5)]
    return nn.Sequential([*layers, nn.layers.Dense(3)]), RNG.normal(size=(5, 4)).astype(np.float32)


def convolutional():
    layers = [nn.layers.Conv2D(3, 3, activation="relu"), nn.layers.MaxPooling2D(2), nn.layers.BatchNormalization()]
    model = nn.Sequential([*layers, nn.layers.Flatten(), nn.layers.Dense(3)])
    return model, RNG.normal(size=(5, 8, 8, 2)).astype(np.float32)


def recurrent(layer):
    def make():
        model = nn.Sequential([nn.layers.Embedding(7, 4), layer(3), nn.layers.Dense(3)])
        return model, RNG.integers(0, 7, size=(5, 6))

    return make


@pytest.mark.parametrize(
    "make", [dense, convolutional, recurrent(nn.layers.LSTM), recurrent(nn.layers.GRU)],
    ids=["dense", "convolutional", "LSTM", "GRU"],
)  # fmt: skip
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_each_example(make, compiled):
    model, x = make()
    labels = RNG.integers(0, 3, size=5)
    model(x[:1])
    loss = nn.losses.SparseCategoricalCrossentropy(from_logits=True)

    def gradients(x, label):
        with ag.GradientTape() as tape:
            value = loss(label[None], model(x[None], training=False))
        return tape.gradient(value, model.trainable_variables)

    each = [gradients(ag.constant(x[i]), ag.constant(labels[i])) for i in range(5)]
    mapped = ag.vmap(gradients)
    found = (in_a_plan(mapped) if compiled else mapped)(ag.constant(x), ag.constant(labels))
    assert len(found) == len(model.trainable_variables)
    for own, column in zip(found, zip(*each, strict=True), strict=True):
        wanted = np.stack([gradient.numpy() for gradient in column])
        np.testing.assert_allclose(own.numpy(), wanted, rtol=2e-4, atol=2e-6)


def test_dropout_drops_for_each_example():
    layer = nn.layers.Dropout(0.5, seed=0)
    out = ag.vmap(lambda x: layer(x, training=True))(np.ones((4, 100), np.float32))
    assert len({tuple(row) for row in out}) == 4


def test_statistics_of_a_batch_are_refused():
    layer = nn.layers.BatchNormalization()
    layer(np.ones((2, 3), np.float32))
    with pytest.raises(ag.TraceError, match="differs between the 4 examples"):
        ag.vmap(lambda x: layer(x[None], training=True))(RNG.normal(size=(4, 3)).astype(np.float32))
