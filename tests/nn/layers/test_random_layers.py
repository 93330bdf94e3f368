"""Layers that are random in training: Dropout and its relatives, GaussianNoise, GaussianDropout."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import layers

ONES = np.ones((200, 100), "float32")
IMAGES = np.ones((10, 6, 7, 8), "float32")

# Name: a function that makes it, and an input.
CASES = {
    "Dropout": (lambda **o: layers.Dropout(0.3, **o), ONES),
    "SpatialDropout1D": (lambda **o: layers.SpatialDropout1D(0.3, **o), IMAGES[0]),
    "SpatialDropout2D": (lambda **o: layers.SpatialDropout2D(0.3, **o), IMAGES),
    "SpatialDropout3D": (lambda **o: layers.SpatialDropout3D(0.3, **o), np.ones((4, 2, 3, 4, 5), "float32")),
    "AlphaDropout": (lambda **o: layers.AlphaDropout(0.3, **o), ONES),
    "GaussianDropout": (lambda **o: layers.GaussianDropout(0.3, **o), ONES),
    "GaussianNoise": (lambda **o: layers.GaussianNoise(0.3, **o), ONES),
}
EVERY = pytest.mark.parametrize(("make", "x"), CASES.values(), ids=CASES)


@EVERY
def test_only_in_training(make, x):
    """Otherwise the input comes out as it is."""
    layer = make(seed=1)
    for options in ({}, {"training": False}, {"training": None}):
        np.testing.assert_array_equal(layer(x, **options).numpy(), x)
    out = layer(x, training=True)
    assert (out.numpy() != x).any()
    assert out.dtype == "float32"
    assert out.shape == x.shape


@EVERY
def test_seed(make, x):
    """The same seed draws the same, also after a round through the config; each call draws anew."""
    layer = make(seed=1)
    first, second = (layer(x, training=True).numpy() for _ in range(2))
    assert (first != second).any()
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x, training=True).numpy(), first)
    np.testing.assert_array_equal(again(x, training=True).numpy(), second)
    assert (make(seed=2)(x, training=True).numpy() != first).any()
    assert again.name == layer.name
    assert layer.weights == []


@EVERY
def test_integers_become_floats(make, x):
    """Noise on whole numbers is not cut off to whole numbers."""
    out = make(seed=1)(x.astype("uint8"), training=True)
    assert out.dtype == "float32"
    np.testing.assert_allclose(out.numpy(), make(seed=1)(x, training=True).numpy(), rtol=1e-6)


@EVERY
def test_gradient_is_what_the_input_was_multiplied_by(make, x):
    """For the same draw; the noise that is added has none."""
    layer = make(seed=1)
    v = ag.Variable(x * 3)
    with ag.GradientTape() as tape:
        out = layer(v, training=True)
    gradient = tape.gradient(out, v).numpy()
    step = 0.5
    moved = type(layer).from_config(layer.get_config())(x * 3 + step, training=True).numpy()
    np.testing.assert_allclose((moved - out.numpy()) / step, gradient, rtol=1e-3, atol=1e-4)


@EVERY
def test_empty_and_other_batches(make, x):
    """No samples, and another number of them."""
    layer = make(seed=1)
    assert layer(x[:0], training=True).shape == (0, *x.shape[1:])
    assert layer(x[:3], training=True).shape == (3, *x.shape[1:])


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_rate_and_scale(rate):
    """The share of zeros, and the factor 1 / (1 - rate) for the others: the mean stays."""
    out = layers.Dropout(rate, seed=0)(np.ones((400, 500)), training=True).numpy()
    np.testing.assert_allclose((out == 0).mean(), rate, atol=0.005)
    np.testing.assert_allclose(out[out != 0], 1 / (1 - rate), rtol=1e-6)


def test_noise_shape():
    """Axes of length 1 share what is drawn; None is the input's length."""

    def drawn(noise_shape):
        return layers.Dropout(0.5, noise_shape=noise_shape, seed=0)(ONES, training=True).numpy()

    assert (drawn((None, 1)) == drawn((200, 1))).all()
    rows, columns = drawn((None, 1)), drawn((1, None))
    assert (rows == rows[:, :1]).all()
    assert 0 < rows[:, 0].mean() < 2
    assert (columns == columns[:1]).all()
    layer = layers.Dropout(0.5, noise_shape=(None, 1), seed=0)
    assert layer.get_config()["noise_shape"] == [None, 1]
    with pytest.raises(ag.ShapeError, match=r"noise_shape \(3, 1\) does not fit the input of shape \(200, 100\)"):
        drawn((3, 1))


def test_spatial_dropout_drops_channels():
    """The same at all places of a sample, others in other samples; in both formats."""
    last = layers.SpatialDropout2D(0.5, seed=0)(IMAGES, training=True).numpy()
    assert (last == last[:, :1, :1]).all()
    assert (last[:, 0, 0] != last[:1, 0, 0]).any()
    first = layers.SpatialDropout2D(0.5, "channels_first", seed=0)(IMAGES, training=True).numpy()
    assert (first == first[:, :, :1, :1]).all()
    assert set(np.unique(last)) == {0, 2}


def test_gaussian_noise():
    """Mean 0 and the given deviation, added."""
    x = np.full((500, 400), 7.0, "float32")
    noise = layers.GaussianNoise(0.5, seed=0)(x, training=True).numpy() - x
    np.testing.assert_allclose([noise.mean(), noise.std()], [0, 0.5], atol=0.005)
    np.testing.assert_allclose((np.abs(noise) < 0.5).mean(), 0.6827, atol=0.005)


def test_gaussian_dropout():
    """Factors of mean 1 and deviation sqrt(rate / (1 - rate))."""
    out = layers.GaussianDropout(0.2, seed=0)(np.ones((500, 400)), training=True).numpy()
    np.testing.assert_allclose([out.mean(), out.std()], [1, 0.5], atol=0.005)


def test_alpha_dropout():
    """Mean and variance of standard normal inputs stay; the dropped ones have one value."""
    x = np.random.default_rng(0).normal(size=(500, 400)).astype("float32")
    out = layers.AlphaDropout(0.3, seed=0)(x, training=True).numpy()
    np.testing.assert_allclose([out.mean(), out.var()], [0, 1], atol=0.02)
    values, counts = np.unique(out, return_counts=True)
    np.testing.assert_allclose(counts.max() / out.size, 0.3, atol=0.005)
    low, rate = -1.7580993408473766, 0.3
    scale = ((1 - rate) * (1 + rate * low**2)) ** -0.5
    np.testing.assert_allclose(values[counts.argmax()], scale * low - scale * low * rate, rtol=1e-5)


# Training, handed down


class Inner(nn.Layer):
    """A layer that does not speak of training, around one that needs it."""

    def __init__(self):
        super().__init__()
        self.dropout = layers.Dropout(0.5, seed=1)

    def call(self, x):
        return self.dropout(x)


class Net(nn.Model):
    """A model that does not, either."""

    def __init__(self):
        super().__init__()
        self.chain = nn.Sequential([Inner(), nn.Sequential([layers.Dense(100, kernel_initializer="identity")])])

    def call(self, x):
        return self.chain(x)


def is_random(out):
    return bool((out.numpy() != ONES).any())


def test_training_is_handed_down():
    """Through layers, Sequentials and models whose ``call`` has no such argument; nothing is left behind."""
    model = Net()
    assert [is_random(model(ONES, training=t)) for t in (None, True, False, None, True)] == [0, 1, 0, 0, 1]
    assert not is_random(model.chain(ONES))
    np.testing.assert_array_equal(model.predict(ONES, verbose=0), ONES)


def test_training_said_inside_wins():
    """What the author of a model says for a layer holds, whatever the model is called with."""

    class Fixed(nn.Model):
        def __init__(self, training):
            super().__init__()
            self.dropout = layers.Dropout(0.5, seed=1)
            self.inside = training

        def call(self, x, training=None):
            return self.dropout(x, training=self.inside)

    assert [is_random(Fixed(False)(ONES, training=t)) for t in (None, True)] == [0, 0]
    assert [is_random(Fixed(True)(ONES, training=t)) for t in (None, False)] == [1, 1]


def test_training_after_an_error():
    """An error in a call leaves nothing behind."""

    class Broken(nn.Model):
        def call(self, x):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Broken()(ONES, training=True)
    assert not is_random(layers.Dropout(0.5)(ONES))


def test_fit_trains_with_dropout():
    """And ``evaluate`` is without."""
    model = nn.Sequential([layers.Dropout(0.5, seed=0), layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile(optim.SGD(0.0), "mse")
    y = np.full((200, 1), 100.0, "float32")
    assert model.evaluate(ONES, y, verbose=0) == pytest.approx(0, abs=1e-6)
    assert model.fit(ONES, y, verbose=0).history["loss"][0] == pytest.approx(100, rel=0.3)


MISTAKES = {
    "rate too large": (lambda: layers.Dropout(1.5), ag.DomainError, "Dropout: rate is 1.5"),
    "negative": (lambda: layers.GaussianDropout(-0.1), ag.DomainError, "GaussianDropout: rate is -0.1"),
    "text": (lambda: layers.AlphaDropout("a"), ag.DomainError, "AlphaDropout: rate is 'a'"),
    "deviation": (lambda: layers.GaussianNoise(-1), ag.DomainError, "GaussianNoise: stddev is -1"),
    "deviation in words": (lambda: layers.GaussianNoise("a"), ag.DomainError, "GaussianNoise: stddev is 'a'"),
    "seed": (lambda: layers.Dropout(0.5, seed=-1), ag.DomainError, "seed is -1"),
    "axes": (
        lambda: layers.SpatialDropout2D(0.5)(ONES, training=True), ag.ShapeError, "SpatialDropout2D 'spatial_dropout2d'"
    ),
    "format": (lambda: layers.SpatialDropout2D(0.5, "last"), ag.DomainError, "data_format is 'last'"),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given."""
    with pytest.raises(error, match=match):
        ask()
