"""Bidirectional and TimeDistributed: against Keras's values, configs, states, bad input."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import layers
from tests.nn.expected.recurrent_cases import CASES
from tests.nn.layers import keras_values

X = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
WRAPPERS = [case for case in CASES if case.name.startswith(("Bidirectional", "TimeDistributed"))]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", WRAPPERS, ids=str)
def test_like_keras(case, dtype):
    """Outputs and gradients in weights and inputs."""
    keras_values.check(case, dtype)


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
@pytest.mark.parametrize("state", [False, True])
def test_shapes_before_data(mode, state):
    """Those of the outputs that come, with lengths that are not known."""
    layer = layers.Bidirectional(layers.LSTM(2, return_sequences=True, return_state=state), mode)
    symbols = layer(nn.Input((None, 5)))
    outputs = layer(X)
    symbols, outputs = (list(v) if isinstance(v, (list, tuple)) else [v] for v in (symbols, outputs))
    assert [(None, *output.shape[1:]) for output in outputs if output.ndim == 2] == [
        symbol.shape for symbol in symbols if symbol.ndim == 2
    ]
    assert [output.shape[-1] for output in outputs] == [symbol.shape[-1] for symbol in symbols]
    assert symbols[0].shape[:2] == (None, None)


def test_config():
    """Wrappers made from their configs are alike, and work."""
    for layer in (
        layers.Bidirectional(layers.GRU(2, reset_after=False, return_sequences=True), "sum", name="both"),
        layers.Bidirectional(layers.LSTM(2), backward_layer=layers.SimpleRNN(2, go_backwards=True)),
        layers.TimeDistributed(layers.Dense(3, "relu")),
    ):
        twin = type(layer).from_config(layer.get_config())
        assert twin.get_config() == layer.get_config()
        assert twin(X).shape == layer(X).shape
        assert [weight.shape for weight in twin.weights] == [weight.shape for weight in layer.weights]


def test_names_and_first_weights():
    """Both layers have names of their own; the one given is not used; weights may be given."""
    inner = layers.SimpleRNN(2)
    layer = layers.Bidirectional(inner)
    layer(X)
    assert not inner.built
    assert [half.name for half in (layer.forward_layer, layer.backward_layer)] == [
        "forward_simple_rnn", "backward_simple_rnn",
    ]  # fmt: skip
    twin = layers.Bidirectional(layers.SimpleRNN(2), weights=layer.get_weights())
    np.testing.assert_array_equal(twin(X).numpy(), layer(X).numpy())


def test_stateful():
    """States of both directions are kept, and forgotten."""
    layer = layers.Bidirectional(layers.SimpleRNN(2, stateful=True))
    first, second = layer(X).numpy(), layer(X).numpy()
    assert np.abs(first - second).max() > 1e-6
    layer.reset_state()
    np.testing.assert_array_equal(layer(X).numpy(), first)


def test_mask_goes_through():
    """Embedding, two wrappers, and a layer that uses the mask in the end."""
    words = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
    model = nn.Sequential(
        [
            layers.Embedding(4, 3, mask_zero=True),
            layers.TimeDistributed(layers.Dense(3)),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.LSTM(2),
        ]
    )
    whole = model(words).numpy()
    np.testing.assert_allclose(model(words[:, :3]).numpy(), whole, rtol=1e-5)


def test_training_reaches_the_layer_inside():
    """Dropout inside works in training, and only then."""
    layer = layers.TimeDistributed(layers.Dropout(0.5, seed=0))
    np.testing.assert_array_equal(layer(X).numpy(), X)
    assert (layer(X, training=True).numpy() == 0).any()


def test_time_distributed_convolution():
    """Every step is an image; the layer inside is built for one of them."""
    images = np.ones((2, 3, 6, 6, 1), "float32")
    layer = layers.TimeDistributed(layers.Flatten())
    assert layer(images).shape == (2, 3, 36)
    assert layer(nn.Input((None, 6, 6, 1))).shape == (None, None, 36)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Bidirectional("lstm"), ag.ConversionError, "got a str; expected a layer, such as LSTM"),
        (lambda: layers.Bidirectional(layers.Dense(2)), ag.ConversionError, "Dense has no 'go_backwards'"),
        (lambda: layers.Bidirectional(layers.LSTM(2), "product"), ag.DomainError, "merge_mode is 'product'.*'concat'"),
        (lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)), ag.DomainError,
         "go_backwards is False for both"),
        (lambda: layers.Bidirectional(
            layers.LSTM(2), backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True)),
         ag.DomainError, "return_sequences is False for the forward layer and True"),
        (lambda: layers.Bidirectional(layers.LSTM(2))(X, initial_state=[X[:, 0, :2]]), ag.StructureError,
         "even number of arrays"),
        (lambda: layers.Bidirectional(layers.LSTM(2))(X[0]), ag.ShapeError, r"expected \(batch, time, features\)"),
        (lambda: layers.TimeDistributed(3), ag.ConversionError, "got a int"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(X[0]), ag.ShapeError, r"\(4, 5\); expected \(batch, time"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(X, mask=np.ones((3, 2), bool)), ag.ShapeError,
         r"mask has shape \(3, 2\); expected .* \(3, 4\)"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, message):
    """What was given, what was expected."""
    with pytest.raises(error, match=message):
        call()
