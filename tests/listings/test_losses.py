"""Listing 15: losses as string, function and object, and by hand."""

import numpy as np
import pytest

import autograd_core.numpy as anp
import nn

T = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
Y = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
WORSE = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])


def sum_squares_error(y, t):
    return 0.5 * np.sum((y - t) ** 2)


def cross_entropy_error(y, t):
    delta = 1e-7
    return -np.sum(t * np.log(y + delta))


def test_15_by_hand():
    assert sum_squares_error(Y, T) == pytest.approx(0.0975, abs=1e-12)
    assert sum_squares_error(WORSE, T) == pytest.approx(0.5975, abs=1e-12)
    assert cross_entropy_error(Y, T) == pytest.approx(0.510825457099338, abs=1e-15)
    assert cross_entropy_error(WORSE, T) == pytest.approx(2.302584092994546, abs=1e-15)
    # The same programs on our Tensors.
    t, y = anp.asarray(T), anp.asarray(Y)
    assert sum_squares_error(y, t).item() == pytest.approx(0.0975, abs=1e-12)
    assert cross_entropy_error(y, t).item() == pytest.approx(0.510825457099338, abs=1e-15)
    # And ready-made: without the 1e-7.
    assert nn.losses.categorical_crossentropy(T, Y).item() == pytest.approx(-np.log(0.6), rel=1e-6)
    assert nn.losses.half_sum_of_squares(T, Y).item() == pytest.approx(0.0975, rel=1e-6)


def test_15_entropy_and_divergence():
    def entropy(p):
        return -np.sum(p * np.log2(p))

    assert entropy(np.array([0.5, 0.5])) == 1.0  # a fair coin, in bits
    assert entropy(anp.asarray([0.5, 0.5])).item() == 1.0
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.3, 0.4, 0.3])
    own = -np.sum(p * np.log(p))
    divergence = nn.losses.kl_divergence(p, q).item()
    assert divergence == pytest.approx(np.sum(p * np.log(p / q)), rel=1e-6)
    assert nn.losses.categorical_crossentropy(p, q).item() == pytest.approx(own + divergence, rel=1e-6)


@pytest.mark.parametrize(
    ("spellings", "activation", "labels"),
    [
        (("mse", "mean_squared_error", nn.losses.mean_squared_error, nn.losses.MeanSquaredError()), None, "one-hot"),
        (("binary_crossentropy", nn.losses.binary_crossentropy, nn.losses.BinaryCrossentropy()), "sigmoid", "one-hot"),
        (
            ("categorical_crossentropy", nn.losses.categorical_crossentropy, nn.losses.CategoricalCrossentropy()),
            "softmax", "one-hot",
        ),
        (
            (
                "sparse_categorical_crossentropy", nn.losses.sparse_categorical_crossentropy,
                nn.losses.SparseCategoricalCrossentropy(),
            ),
            "softmax", "numbers",
        ),
    ],
    ids=["mse", "binary", "categorical", "sparse"],
)  # fmt: skip
def test_15_string_function_object(spellings, activation, labels):
    x = np.random.default_rng(0).normal(size=(40, 5))
    numbers = np.arange(40) % 3
    y = numbers if labels == "numbers" else nn.utils.to_categorical(numbers)
    results = []
    for loss in spellings:
        start = nn.initializers.GlorotUniform(seed=1)
        model = nn.Sequential([nn.layers.Dense(3, activation=activation, kernel_initializer=start)])
        model.compile(optimizer="sgd", loss=loss)
        results.append(model.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0).history["loss"])
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-6)
    assert results[0][-1] < results[0][0]
