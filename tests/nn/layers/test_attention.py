"""Attention layers: against Keras's values, masks, dropout, configs, bad input."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import layers
from tests.nn.expected.recurrent_cases import CASES
from tests.nn.layers import keras_values

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 6)).astype("float32")
Y = RNG.normal(size=(3, 5, 2)).astype("float32")
ATTENTION = [case for case in CASES if case.name.startswith(("heads", "Attention", "Additive"))]


def test_every_case_is_run():
    """By this file or one of the two others."""
    prefixes = ("heads", "Attention", "Additive", "SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "TimeDistributed")
    assert [case.name for case in CASES if not case.name.startswith(prefixes)] == []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", ATTENTION, ids=str)
def test_like_keras(case, dtype):
    """Outputs and gradients in weights and inputs."""
    keras_values.check(case, dtype)


def heads(**options):
    return layers.MultiHeadAttention(2, 3, **options)


@pytest.mark.parametrize("by", ["value_mask", "key_mask"])
def test_masked_values_do_not_count(by):
    """Changing an entry that is masked changes nothing, and no gradient gets there."""
    layer, kept = heads(), np.array([[True, True, False, True, False]] * 3)
    value = ag.Variable(Y)
    with ag.GradientTape() as tape:
        outputs = layer(X, value, **{by: kept})
        total = (outputs * outputs).sum()
    gradient = tape.gradient(total, value).numpy()
    assert (gradient[:, [2, 4]] == 0).all()
    assert (gradient[:, [0, 1, 3]] != 0).any()
    changed = Y.copy()
    changed[:, [2, 4]] = 1e3
    np.testing.assert_allclose(layer(X, changed, **{by: kept}).numpy(), outputs.numpy(), rtol=1e-5, atol=1e-6)


def test_causal():
    """The outputs at the beginning do not depend on what comes later."""
    layer = heads()
    whole = layer(X, X, use_causal_mask=True).numpy()
    np.testing.assert_allclose(layer(X[:, :2], X[:, :2], use_causal_mask=True).numpy(), whole[:, :2], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_masked_is_finite(dtype):
    """A row that may attend to nothing has a mean for output, and no NaN; so have large scores."""
    layer = heads(dtype=dtype)
    nothing = np.zeros((3, 4, 5), bool)
    outputs, weights = layer(X, Y, attention_mask=nothing, return_attention_scores=True)
    assert outputs.dtype == dtype
    np.testing.assert_allclose(weights.numpy(), 0.2, rtol=1e-6)
    outputs, weights = layer(1e6 * X, 1e6 * Y, return_attention_scores=True)
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1, rtol=1e-6)
    assert np.isfinite(outputs.numpy()).all()


def test_query_mask_and_masks_from_layers():
    """In a functional model the mask of an Embedding is that of queries and values."""
    words = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
    embedding, layer = layers.Embedding(4, 6, mask_zero=True), heads()
    x = nn.Input((None,), dtype="int64")
    vectors = embedding(x)
    model = nn.Model(x, layer(vectors, vectors))
    y = embedding(words)
    expected = layer(y, y, query_mask=words > 0, value_mask=words > 0).numpy()
    np.testing.assert_allclose(model(words).numpy()[words > 0], expected[words > 0], rtol=1e-5)
    alone = layer(y[:1, :2], y[:1, :2]).numpy()
    np.testing.assert_allclose(expected[:1, :2], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("made", [heads, layers.Attention, layers.AdditiveAttention])
def test_dropout(made):
    """Random in training and only then; the same for the same seed; the dtype stays."""

    def call(layer, **options):
        return (layer(X, X, **options) if made is heads else layer([X, X], **options)).numpy()

    layer, twin = made(dropout=0.5, seed=1), made(dropout=0.5, seed=1)
    quiet = call(layer)
    call(twin)
    twin.set_weights(layer.get_weights())
    first = call(layer, training=True)
    assert first.dtype == "float32"
    assert np.abs(first - quiet).max() > 1e-4
    np.testing.assert_array_equal(call(twin, training=True), first)
    np.testing.assert_array_equal(call(layer), quiet)


def test_names_shapes_and_config():
    """Weights in Keras's order and with its names; a layer made from the config has the same."""
    layer = heads(value_dim=4, output_shape=(2, 5), use_gate=True, name="mha")
    assert layer(X, Y).shape == (3, 4, 2, 5)
    assert [(weight.name, weight.shape) for weight in layer.weights][:5] == [
        ("mha/query/kernel", (6, 2, 3)), ("mha/query/bias", (2, 3)), ("mha/key/kernel", (2, 2, 3)),
        ("mha/key/bias", (2, 3)), ("mha/gate/kernel", (6, 2, 4)),
    ]  # fmt: skip
    twin = layers.MultiHeadAttention.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    twin(X, Y)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(X, Y).numpy(), layer(X, Y).numpy())
    scores = layers.AdditiveAttention.from_config(layers.AdditiveAttention(dropout=0.1).get_config())
    assert scores.dropout == 0.1


def test_before_data():
    """Symbolic inputs of lengths that are not known, as arguments and as a list."""
    query, value = nn.Input((None, 6)), nn.Input((None, 2))
    outputs = heads()(query, value)
    assert outputs.shape == (None, None, 6)
    assert nn.Model([query, value], outputs)([X, Y]).shape == (3, 4, 6)
    pair = layers.Attention()([query, query])
    assert pair.shape == (None, None, 6)
    assert heads()(query=query, value=value).shape == (None, None, 6)


def test_empty():
    """No samples, no outputs."""
    assert heads()(X[:0], Y[:0]).shape == (0, 4, 6)
    assert layers.Attention()([X[:0], X[:0]]).shape == (0, 4, 6)


def built():
    layer = heads(name="mha")
    layer(X, Y)
    return layer


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.MultiHeadAttention(0, 2), ag.DomainError, "num_heads is 0; expected an integer of at least 1"),
        (lambda: layers.MultiHeadAttention(2, 2.5), ag.DomainError, "key_dim is 2.5"),
        (lambda: heads(value_dim=0), ag.DomainError, "value_dim is 0"),
        (lambda: heads(dropout=1), ag.DomainError, "dropout is 1; expected a number from 0"),
        (lambda: heads(sliding_window=0), ag.DomainError, "sliding_window is 0"),
        (lambda: heads()(X), ag.StructureError, r"no value was given; expected \(query, value\)"),
        (lambda: heads()(X, Y, Y[:, :3]), ag.ShapeError, r"\(None, 4, 6\), \(None, 5, 2\) and \(None, 3, 2\)"),
        (lambda: heads()(X[0], X[0]), ag.ShapeError, r"expected \(batch, queries, n\)"),
        (lambda: built()(X, X), ag.ShapeError, r"'mha': .*lengths \(6, 6, 6\); this layer was built for \(6, 2, 2\)"),
        (lambda: built()(X, Y, attention_mask=np.ones((3, 4, 4), bool)), ag.ShapeError,
         r"'mha': the masks .*\(3, 4, 4\); expected .*\(3, 2, 4, 5\)"),
        (lambda: layers.Attention(score_mode="sum"), ag.DomainError, "score_mode is 'sum'"),
        (lambda: layers.Attention()(X), ag.StructureError, "got one input; expected a list"),
        (lambda: layers.Attention()([X, Y]), ag.ShapeError, r"\(3, 4, 6\), \(3, 5, 2\) and \(3, 5, 2\); expected"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, message):
    """What was given, what was expected."""
    with pytest.raises(error, match=message):
        call()
