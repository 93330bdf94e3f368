"""Listings 9, 10 and 22: tensor operations as loops, as geometry, and the shapes of data."""

import numpy as np

import autograd_core.numpy as anp
import nn

RNG = np.random.default_rng(0)


def naive_relu(x):
    assert len(x.shape) == 2
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j], 0)
    return x


def naive_add(x, y):
    assert len(x.shape) == 2
    assert x.shape == y.shape
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += y[i, j]
    return x


def naive_add_matrix_and_vector(x, y):
    assert len(x.shape) == 2
    assert len(y.shape) == 1
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += y[j]
    return x


def naive_vector_dot(x, y):
    assert len(x.shape) == len(y.shape) == 1
    z = 0.0
    for i in range(x.shape[0]):
        z += x[i] * y[i]
    return z


def naive_matrix_vector_dot(x, y):
    z = np.zeros(x.shape[0])
    for i in range(x.shape[0]):
        z[i] = naive_vector_dot(x[i, :], y)
    return z


def naive_matrix_dot(x, y):
    assert x.shape[1] == y.shape[0]
    z = np.zeros((x.shape[0], y.shape[1]))
    for i in range(x.shape[0]):
        for j in range(y.shape[1]):
            z[i, j] = naive_vector_dot(x[i, :], y[:, j])
    return z


def test_9_loops_beside_numpy_and_ours():
    x, y, v = RNG.normal(size=(4, 5)), RNG.normal(size=(4, 5)), RNG.normal(size=5)
    cases = (
        (naive_relu(x), np.maximum(x, 0), nn.activations.relu(x)),
        (naive_add(x, y), x + y, anp.add(x, y)),
        (naive_add_matrix_and_vector(x, v), x + v, anp.asarray(x) + v),
        (naive_vector_dot(x[0], v), np.dot(x[0], v), anp.dot(x[0], v)),
        (naive_matrix_vector_dot(x, v), np.dot(x, v), anp.dot(x, v)),
        (naive_matrix_dot(x, y.T), np.dot(x, y.T), anp.matmul(x, y.T)),
    )
    for by_loop, by_numpy, ours in cases:
        np.testing.assert_allclose(ours.numpy(), by_numpy, rtol=1e-12)
        np.testing.assert_allclose(by_loop, by_numpy, rtol=1e-12)


def test_9_the_same_loops_on_our_tensors():
    """Written for arrays, run on Tensors: ``x[i, j] = ...`` and ``x[i, j] += ...`` in a copy."""
    x, y, v = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2)), RNG.normal(size=2)
    ours, other, vector = (anp.asarray(a) for a in (x, y, v))
    np.testing.assert_array_equal(naive_relu(ours).numpy(), np.maximum(x, 0))
    np.testing.assert_array_equal(naive_add(ours, other).numpy(), x + y)
    np.testing.assert_array_equal(naive_add_matrix_and_vector(ours, vector).numpy(), x + v)
    np.testing.assert_array_equal(ours.numpy(), x)
    np.testing.assert_allclose(naive_vector_dot(ours[0], vector).numpy(), x[0] @ v, rtol=1e-12)


def test_9_shapes():
    assert anp.dot(anp.ones((2, 3, 4, 5)), anp.ones((5,))).shape == (2, 3, 4)
    x, y = RNG.random((64, 3, 32, 10)), RNG.random((32, 10))
    z = anp.maximum(x, y)
    assert z.shape == (64, 3, 32, 10)
    np.testing.assert_array_equal(z.numpy(), np.maximum(x, y))
    assert anp.transpose(anp.zeros((300, 20))).shape == (20, 300)
    x = anp.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    assert x.reshape((6, 1)).shape == (6, 1)
    assert x.reshape((2, 3)).numpy().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_10_geometry():
    points = RNG.normal(size=(2, 6))
    angle = np.pi / 3
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    S = np.array([[2.0, 0.0], [0.0, 0.5]])
    shift = np.array([[1.0], [-2.0]])
    np.testing.assert_array_equal((anp.asarray(points) + shift).numpy(), points + shift)
    rotated = anp.matmul(R, points).numpy()
    np.testing.assert_allclose(np.linalg.norm(rotated, axis=0), np.linalg.norm(points, axis=0), rtol=1e-12)
    np.testing.assert_allclose(anp.matmul(R.T, rotated).numpy(), points, rtol=1e-12)
    np.testing.assert_array_equal(anp.matmul(S, points).numpy(), points * [[2.0], [0.5]])

    # Two affine maps in a row are one affine map: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2).
    W1, W2, b1, b2 = R, S, shift, RNG.normal(size=(2, 1))
    both = anp.matmul(W2, anp.matmul(W1, points) + b1) + b2
    one = anp.matmul(anp.matmul(W2, W1), points) + (anp.matmul(W2, b1) + b2)
    np.testing.assert_allclose(both.numpy(), one.numpy(), rtol=1e-12, atol=1e-14)


def test_22_vector_data_and_sequences():
    people = RNG.random((100, 3)).astype("float32")
    mean, std = anp.mean(people, axis=0), anp.std(people, axis=0)
    assert mean.shape == (3,)
    normal = (people - mean) / std
    np.testing.assert_allclose(normal.numpy().mean(axis=0), [0, 0, 0], atol=1e-5)
    assert nn.layers.Dense(5)(people).shape == (100, 5)

    prices = RNG.random((25, 39, 3)).astype("float32")  # samples, time, features
    assert anp.asarray(prices)[:, -1].shape == (25, 3)
    assert anp.max(prices, axis=1).shape == (25, 3)
    assert nn.layers.LSTM(4)(prices).shape == (25, 4)
    assert nn.layers.Conv1D(4, 5)(prices).shape == (25, 35, 4)
    assert nn.layers.TimeDistributed(nn.layers.Dense(2))(prices).shape == (25, 39, 2)


def test_22_images():
    last = RNG.random((8, 28, 32, 3)).astype("float32")
    first = anp.transpose(last, (0, 3, 1, 2))
    assert first.shape == (8, 3, 28, 32)
    np.testing.assert_allclose(anp.mean(last, axis=(1, 2)).numpy(), anp.mean(first, axis=(2, 3)).numpy(), rtol=1e-5)
    conv = nn.layers.Conv2D(4, 3)
    other = nn.layers.Conv2D(4, 3, data_format="channels_first")
    assert conv(last).shape == (8, 26, 30, 4)
    assert other(first).shape == (8, 4, 26, 30)
    other.set_weights(conv.get_weights())
    np.testing.assert_allclose(
        anp.transpose(conv(last), (0, 3, 1, 2)).numpy(), other(first).numpy(), rtol=1e-4, atol=1e-5
    )
    assert nn.layers.MaxPooling2D()(last).shape == (8, 14, 16, 3)
    assert nn.layers.MaxPooling2D(data_format="channels_first")(first).shape == (8, 3, 14, 16)


def test_22_video():
    clips, frames, height, width, channels = 4, 240, 144, 256, 3
    whole = np.broadcast_to(np.float32(0), (clips, frames, height, width, channels))  # takes no memory
    assert whole.ndim == 5
    assert whole.size == 106_168_320
    assert whole.size * 4 // 2**20 == 405  # MB of 2**20 bytes
    small = RNG.random((2, 5, 8, 9, 3)).astype("float32")
    assert anp.mean(small, axis=1).shape == (2, 8, 9, 3)
    assert nn.layers.Conv3D(2, 3)(small).shape == (2, 3, 6, 7, 2)
    assert nn.layers.TimeDistributed(nn.layers.Flatten())(small).shape == (2, 5, 216)
