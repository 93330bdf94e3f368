"""Normalizations: running statistics, frozen layers, masks; and Normalization, which takes its statistics from data."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import layers

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(64, 4)).astype("float32")


def normal(x, axis, epsilon=1e-3):
    """Mean 0 and variance 1 along the axes."""
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)


def moving(layer):
    return layer.moving_mean.numpy(), layer.moving_variance.numpy()


# BatchNormalization


@pytest.mark.parametrize("momentum", [0.0, 0.8, 0.99])
def test_moving_statistics(momentum):
    """Of mean and (uncorrected) variance of the batches; outside of training they are used and stay."""
    layer = layers.BatchNormalization(momentum=momentum)
    mean, variance = np.zeros(4), np.ones(4)
    for start in (0, 16, 32):
        batch = X[start : start + 16]
        np.testing.assert_allclose(layer(batch, training=True).numpy(), normal(batch, 0), rtol=1e-4, atol=1e-5)
        mean = mean * momentum + batch.mean(0) * (1 - momentum)
        variance = variance * momentum + batch.var(0) * (1 - momentum)
    np.testing.assert_allclose(moving(layer), (mean, variance), rtol=1e-5)
    for options in ({}, {"training": False}):
        out = layer(X, **options).numpy()
        np.testing.assert_allclose(out, (X - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moving(layer), (mean, variance), rtol=1e-5)
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [weight.name.rpartition("/")[2] for weight in layer.weights] == names
    assert layer.non_trainable_weights == [layer.moving_mean, layer.moving_variance]
    assert [weight.dtype for weight in layer.weights] == ["float32"] * 4


def test_frozen():
    """A frozen layer, alone or in a frozen model, works with its running statistics also in training."""
    layer = layers.BatchNormalization()
    layer(X)
    layer.trainable = False
    np.testing.assert_array_equal(layer(X, training=True).numpy(), layer(X).numpy())
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(4))
    assert layer.trainable_weights == []
    inner = nn.Sequential([layers.BatchNormalization(), layers.Dense(4)])
    model = nn.Sequential([inner, layers.Dense(1)])
    model(X)
    inner.trainable = False
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(X, X[:, :1], verbose=0)
    for ours, theirs in zip(inner.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    inner.trainable = True
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    assert (inner.get_weights()[2] != before[2]).all()


# What Keras 3.15 gives for the test below.
KERAS_FIT = {
    "mean": [1.874842, 1.261178, 2.236026, 2.56216],
    "variance": [7.921825, 7.608293, 7.382929, 5.494289],
    "gamma": [1.086096, 1.075677, 1.058758, 1.061579],
    "loss": 7.140021,
}


def test_fit_like_keras():
    """Two epochs of four batches: Keras's statistics, weights and loss."""
    random = np.random.RandomState(0)
    x = random.normal(2.0, 3.0, size=(64, 4)).astype("float32")
    model = nn.Sequential([nn.Input((4,)), layers.BatchNormalization(momentum=0.5)])
    model.compile("sgd", "mse")
    model.fit(x, x, batch_size=16, epochs=2, shuffle=False, verbose=0)
    mean, variance = KERAS_FIT["mean"], KERAS_FIT["variance"]
    np.testing.assert_allclose(moving(model.layers[0]), (mean, variance), rtol=1e-4)
    np.testing.assert_allclose(model.layers[0].gamma.numpy(), KERAS_FIT["gamma"], rtol=1e-4)
    assert model.evaluate(x, x, verbose=0) == pytest.approx(KERAS_FIT["loss"], rel=1e-4)


def test_masked_steps_do_not_count():
    """In mean and variance; the output is computed for all. By argument, and from a layer that makes masks."""
    x = np.arange(24, dtype="float32").reshape(2, 3, 4)
    mask = np.array([[1, 1, 0], [1, 0, 0]], bool)
    kept = x[mask]
    layer = layers.BatchNormalization(momentum=0.5)
    out = layer(x, training=True, mask=mask).numpy()
    expected = (x - kept.mean(0)) / np.sqrt(kept.var(0) + 1e-3)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moving(layer), (kept.mean(0) / 2, 0.5 + kept.var(0) / 2), rtol=1e-5)
    x[~mask] = 0
    model = nn.Sequential([layers.Masking(), layers.BatchNormalization(momentum=0.5)])
    model(x, training=True)
    np.testing.assert_allclose(moving(model.layers[1]), (kept.mean(0) / 2, 0.5 + kept.var(0) / 2), rtol=1e-5)


def test_one_sample_and_equal_samples():
    """A variance of 0 is no fault."""
    for batch in (X[:1], np.repeat(X[:1], 5, axis=0)):
        out = layers.BatchNormalization()(batch, training=True).numpy()
        np.testing.assert_allclose(out, np.zeros_like(batch), atol=1e-4)


@pytest.mark.parametrize("axis", [-1, 1, 3])
def test_axis_of_the_channels(axis):
    """Statistics over all other axes."""
    x = RNG.normal(size=(5, 3, 4, 6)).astype("float32")
    layer = layers.BatchNormalization(axis=axis)
    others = tuple(i for i in range(4) if i != axis % 4)
    np.testing.assert_allclose(layer(x, training=True).numpy(), normal(x, others), rtol=1e-3, atol=1e-4)
    assert layer.gamma.shape == (x.shape[axis],)


@pytest.mark.parametrize(
    "make",
    [
        layers.BatchNormalization, layers.LayerNormalization, lambda: layers.GroupNormalization(2),
        layers.UnitNormalization, layers.Normalization,
    ],
    ids=["batch", "layer", "group", "unit", "adapted"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["uint8", "int64", "bool", "float64"])
def test_dtype(make, kind):
    """Whole numbers are computed with as float32, and nothing overflows."""
    x = (200 + RNG.integers(0, 50, size=(5, 4))).astype(kind)
    out, wanted = make()(x), make()(x.astype("float32"))
    assert out.dtype == "float32"
    np.testing.assert_allclose(out.numpy(), wanted.numpy(), rtol=1e-6)


# Over features


def test_layer_normalization_axes():
    """One axis, a list of them, counted from either end; the same in training; samples do not mix."""
    x = RNG.normal(size=(5, 3, 4)).astype("float32")
    for axis, axes in ((-1, 2), (1, 1), ([1, 2], (1, 2)), ((-1, -2), (1, 2))):
        layer = layers.LayerNormalization(axis=axis)
        np.testing.assert_allclose(layer(x, training=True).numpy(), normal(x, axes), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(layer(x[1:2]).numpy(), layer(x)[1:2].numpy(), rtol=1e-5, atol=1e-6)


def test_unit_normalization():
    """Length 1; a vector of 0 stays 0."""
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(layers.UnitNormalization()(x).numpy(), [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_group_normalization_of_one_group_and_of_each():
    """One group is all channels; -1 is one for each."""
    x = RNG.normal(size=(3, 5, 4)).astype("float32")
    np.testing.assert_allclose(layers.GroupNormalization(1)(x).numpy(), normal(x, (1, 2)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(layers.GroupNormalization(-1)(x).numpy(), normal(x, 1), rtol=1e-3, atol=1e-4)


# Normalization

DATA = {
    "array": lambda: X,
    "float64": lambda: X.astype("float64"),
    "Tensor": lambda: ag.constant(X),
    "dataset of batches": lambda: nn.data.Dataset.from_tensor_slices(X).batch(7),
    "dataset with labels": lambda: nn.data.Dataset.from_tensor_slices((X, np.arange(64))).batch(50),
    "generator": lambda: (X[i : i + 10] for i in range(0, 64, 10)),
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_adapt(data):
    """The same from an array and from batches of any size: exactly mean and variance of all."""
    layer = layers.Normalization()
    layer.adapt(data())
    np.testing.assert_allclose(layer.mean.numpy(), X.mean(0, keepdims=True, dtype="float64"), rtol=1e-5)
    np.testing.assert_allclose(layer.variance.numpy(), X.var(0, keepdims=True, dtype="float64"), rtol=1e-5)
    out = layer(X).numpy()
    np.testing.assert_allclose(out.mean(0), np.zeros(4), atol=1e-5)
    np.testing.assert_allclose(out.std(0), np.ones(4), rtol=1e-5)
    assert [weight.shape for weight in layer.weights] == [(4,), (4,), ()]
    assert layer.trainable_weights == []


def test_adapt_starts_anew():
    """What was seen before is forgotten."""
    layer = layers.Normalization()
    layer.adapt(X)
    layer.adapt(2 * X)
    np.testing.assert_allclose(layer.mean.numpy()[0], 2 * X.mean(0), rtol=1e-5)


def test_large_numbers_keep_their_digits():
    """A small variance around a large mean."""
    layer = layers.Normalization(dtype="float64")
    layer.adapt(nn.data.Dataset.from_tensor_slices(1e6 + X.astype("float64")).batch(5))
    np.testing.assert_allclose(layer.variance.numpy()[0], X.var(0, dtype="float64"), rtol=1e-8)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (1, 1, 4)), (1, (1, 3, 1)), (None, (1, 1, 1)), ((1, 2), (1, 3, 4))])
def test_axis(axis, shape):
    """Statistics of their own for each entry of the axes; Keras's shapes."""
    x = RNG.normal(size=(50, 3, 4)).astype("float32")
    layer = layers.Normalization(axis=axis)
    layer.adapt(x)
    others = tuple(i for i in range(3) if shape[i] == 1)
    np.testing.assert_allclose(layer.mean.numpy(), x.mean(others, keepdims=True), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer(x).numpy(), normal(x, others, 0), rtol=1e-3, atol=1e-4)


def test_given_statistics():
    """In place of ``adapt``: numbers for all features, or one for each; and the way back."""
    np.testing.assert_allclose(layers.Normalization(mean=1.0, variance=4.0)(X).numpy(), (X - 1) / 2, rtol=1e-5)
    mean, variance = [1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 9.0, 16.0]
    layer = layers.Normalization(mean=mean, variance=variance)
    there = layer(X).numpy()
    np.testing.assert_allclose(there, (X - mean) / np.sqrt(variance), rtol=1e-4, atol=1e-6)
    back = layers.Normalization(mean=mean, variance=variance, invert=True)
    np.testing.assert_allclose(back(there).numpy(), X, rtol=1e-4, atol=1e-5)
    assert layer.weights == []


def test_before_adapt_and_constant_features():
    """Unadapted nothing changes; a feature that never changes is not divided by 0."""
    np.testing.assert_array_equal(layers.Normalization()(X).numpy(), X)
    layer = layers.Normalization()
    layer.adapt(np.ones((5, 2), "float32"))
    np.testing.assert_array_equal(layer(np.ones((2, 2), "float32")).numpy(), np.zeros((2, 2)))


def test_in_a_model():
    """Adapted before; its statistics are weights that ``get_weights`` and ``set_weights`` carry over."""
    layer = layers.Normalization()
    layer.adapt(X)
    model = nn.Sequential([nn.Input((4,)), layer, layers.Dense(1)])
    assert (len(model.weights), len(model.trainable_weights)) == (5, 2)
    other = nn.Sequential([nn.Input((4,)), layers.Normalization(), layers.Dense(1)])
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(X).numpy(), model(X).numpy())


def with_a_gap():
    x = X.copy()
    x[3, 1] = np.nan
    return x


def built(layer):
    """After a call on X."""
    layer(X)
    return layer


MISTAKES = {
    "NaN": (lambda: layers.Normalization().adapt(with_a_gap()), ag.DomainError, "has NaN or infinite"),
    "no data": (lambda: layers.Normalization().adapt(X[:0]), ag.DomainError, "adapt got no data"),
    "no batches": (lambda: layers.Normalization().adapt(iter([])), ag.DomainError, "adapt got no data"),
    "mean alone": (lambda: layers.Normalization(mean=1.0), ag.DomainError, "must be given together"),
    "other shapes": (
        lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0]), ag.ShapeError, r"mean has shape \(2,\)",
    ),
    "nothing to adapt": (
        lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(X), ag.StructureError, "nothing to adapt",
    ),
    "adapted for another width": (
        lambda: built(layers.Normalization())(X[:, :3]), ag.ShapeError, r"Normalization 'normalization': .*\(64, 3\)",
    ),
    "batch, width": (
        lambda: built(layers.BatchNormalization())(X[:, :3]), ag.ShapeError,
        r"BatchNormalization 'batch_normalization': the input has shape \(64, 3\); expected 2 axes and 4 entries",
    ),
    "batch, axes": (
        lambda: built(layers.BatchNormalization())(X[None]), ag.ShapeError, r"shape \(1, 64, 4\); expected 2 axes",
    ),
    "batch, axis": (lambda: layers.BatchNormalization(axis=5)(X), ag.AxisError, "axis is 5; the input has 2 axes"),
    "batch, momentum": (lambda: layers.BatchNormalization(momentum=2.0), ag.DomainError, "momentum is 2.0"),
    "epsilon": (lambda: layers.LayerNormalization(epsilon=-1.0), ag.DomainError, "epsilon is -1.0"),
    "layer, width": (
        lambda: built(layers.LayerNormalization())(X[:, :3]), ag.ShapeError,
        r"LayerNormalization 'layer_normalization': the input has shape \(64, 3\); expected lengths \(4,\)",
    ),
    "groups": (lambda: layers.GroupNormalization(3)(X), ag.ShapeError, "channels that 3 groups divide"),
    "no groups": (lambda: layers.GroupNormalization(0), ag.DomainError, "groups is 0"),
    "unknown width": (
        lambda: layers.BatchNormalization()(nn.Input((3, None))), ag.ShapeError, "length along .* is not known",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given, what was expected."""
    with pytest.raises(error, match=match):
        ask()
