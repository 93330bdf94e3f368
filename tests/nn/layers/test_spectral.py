"""SpectralNormalization, RMSNormalization and ActivityRegularization: steps, weights, losses, bad input."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import layers

X = np.random.RandomState(0).normal(size=(6, 4)).astype("float32")
KERNEL = np.arange(1.0, 9.0, dtype="float32").reshape(4, 2)


def unit(vector):
    return vector / np.linalg.norm(vector)


def iterated(kernel, vector, count):
    """The next vector, and the kernel divided by its singular value as far as it is known then."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(count):
        rows = unit(vector @ matrix.T)
        vector = unit(rows @ matrix)
    return vector, kernel / (rows @ matrix @ vector.T).item()


def made(iterations=1, inner=None):
    layer = layers.SpectralNormalization(layers.Dense(2) if inner is None else inner, iterations)
    layer(X)
    layer.layer.kernel.assign(KERNEL)
    layer.vector_u.assign([[0.6, 0.8]])
    return layer


@pytest.mark.parametrize("iterations", [1, 3])
def test_power_iteration(iterations):
    """In training the kernel is replaced; outside of it nothing changes."""
    layer = made(iterations)
    np.testing.assert_allclose(layer(X).numpy(), X @ KERNEL, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(layer.vector_u.numpy(), np.float32([[0.6, 0.8]]))
    vector, kernel = np.float64([[0.6, 0.8]]), KERNEL.astype("float64")
    for _ in range(2):
        vector, kernel = iterated(kernel, vector, iterations)
        np.testing.assert_allclose(layer(X, training=True).numpy(), X @ kernel, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(layer.vector_u.numpy(), vector, rtol=1e-5)
    for _ in range(20):
        layer(X, training=True)
    np.testing.assert_allclose(np.linalg.norm(layer.layer.kernel.numpy(), 2), 1.0, rtol=1e-5)


def test_weights():
    """Those of Keras, in its order; the vector is not trained."""
    layer = made()
    names = [weight.name.rpartition("/")[2] for weight in layer.weights]
    assert names == ["kernel", "vector_u", "bias"]
    assert layer.trainable_weights == [layer.layer.kernel, layer.layer.bias]
    assert layer.vector_u.shape == (1, 2)
    assert [weight.dtype for weight in layer.weights] == ["float32"] * 3


@pytest.mark.parametrize("jit_compile", [True, False])
def test_training(jit_compile):
    """One step of SGD begins at the kernel divided."""
    model = nn.Sequential([nn.Input((4,)), made()])
    inner = model.layers[-1].layer
    model.compile(optim.SGD(0.1), "mse", run_eagerly=not jit_compile)
    model.fit(X, np.ones((6, 2), "float32"), batch_size=6, verbose=0)
    kernel = iterated(KERNEL.astype("float64"), np.float64([[0.6, 0.8]]), 1)[1]
    gradient = X.T @ (X @ kernel - 1) * 2 / 12
    np.testing.assert_allclose(inner.kernel.numpy(), kernel - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_a_kernel_of_zeros_stays():
    """There is nothing to divide by."""
    layer = made()
    layer.layer.kernel.assign(np.zeros((4, 2), "float32"))
    np.testing.assert_array_equal(layer(X, training=True).numpy(), np.zeros((6, 2)))
    np.testing.assert_array_equal(layer.vector_u.numpy(), np.float32([[0.6, 0.8]]))


def test_other_layers():
    """Convolutions and embeddings; what has no kernel is refused."""
    images = np.ones((2, 5, 5, 3), "float32")
    layer = layers.SpectralNormalization(layers.Conv2D(4, 3))
    assert layer(images, training=True).shape == (2, 3, 3, 4)
    assert layer.vector_u.shape == (1, 4)
    layer = layers.SpectralNormalization(layers.Embedding(7, 3))
    assert layer(np.array([[1, 2]]), training=True).shape == (1, 2, 3)
    with pytest.raises(ag.StructureError, match="ReLU 're_lu' has no kernel and no embeddings"):
        layers.SpectralNormalization(layers.ReLU())(X)
    for count in (0, 0.5):
        with pytest.raises(ag.DomainError, match=f"power_iterations is {count}"):
            layers.SpectralNormalization(layers.Dense(2), count)
    with pytest.raises(ag.ConversionError, match="got a str; expected a layer"):
        layers.SpectralNormalization("dense")


def small_model():
    x = nn.Input((4,))
    y = layers.SpectralNormalization(layers.Dense(3, activation="relu"), power_iterations=2)(x)
    y = layers.ActivityRegularization(l2=0.5)(layers.RMSNormalization()(y))
    return nn.Model(x, layers.EinsumDense("ab,bc->ac", 2, bias_axes="c")(y))


def test_saved_models(tmp_path):
    """A model of these layers is the same after it was saved and loaded, and has a summary."""
    model = small_model()
    model(X, training=True)
    model.save(tmp_path / "model.keras.npz")
    again = nn.models.load_model(tmp_path / "model.keras.npz")
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = small_model()
    model.save_weights(tmp_path / "weights.npz")
    other.load_weights(tmp_path / "weights.npz")
    np.testing.assert_array_equal(other(X).numpy(), model(X).numpy())
    lines = []
    model.summary(print_fn=lines.append)
    text = "\n".join(map(str, lines))
    for name in ("SpectralNormalization", "RMSNormalization", "ActivityRegularization", "EinsumDense"):
        assert name in text


# -- RMSNormalization and ActivityRegularization ---------------------------------------------------------------------


def test_rms_normalization():
    """A vector of scales, along any axes."""
    layer = layers.RMSNormalization()
    wanted = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(layer(X).numpy(), wanted, rtol=1e-5)
    assert [weight.name for weight in layer.weights] == ["rms_normalization/scale"]
    layer.scale.assign([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(layer(X).numpy(), wanted * [1, 2, 3, 4], rtol=1e-5)
    assert layers.RMSNormalization(axis=[1, 2])(X[None]).shape == (1, 6, 4)
    with pytest.raises(ag.DomainError, match="epsilon is -1"):
        layers.RMSNormalization(epsilon=-1)
    with pytest.raises(ag.AxisError, match="axis is 2; the input has 2 axes"):
        layers.RMSNormalization(axis=2)(X)
    with pytest.raises(ag.ShapeError, match=r"has shape \(6, 3\); expected lengths \(4,\)"):
        layer(X[:, :3])
    with pytest.raises(ag.ShapeError, match="known lengths along the normalized axes"):
        layers.RMSNormalization()(nn.Input((None,)))


def test_activity_regularization():
    """Divided by the batch size, as every penalty of outputs; the config has the two factors."""
    layer = layers.ActivityRegularization(l1=0.1, l2=0.2)
    np.testing.assert_array_equal(layer(X).numpy(), X)
    (loss,) = layer.losses
    np.testing.assert_allclose(float(loss), (0.1 * abs(X).sum() + 0.2 * (X**2).sum()) / 6, rtol=1e-5)
    config = layer.get_config()
    assert (config["l1"], config["l2"], "activity_regularizer" in config) == (0.1, 0.2, False)
    again = layers.ActivityRegularization.from_config(config)
    again(X)
    assert float(again.losses[0]) == float(loss)
    with pytest.raises(ag.DomainError, match="l1 is -1"):
        layers.ActivityRegularization(l1=-1)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: layers.ZeroPadding3D((1, 2)), r"padding is \(1, 2\); expected an integer, 3 of them, or 3 pairs"),
        (lambda: layers.Cropping3D(-1), "cropping is -1; expected an integer of at least 0"),
        (lambda: layers.ZeroPadding3D(True), "padding is True"),
        (lambda: layers.UpSampling3D((2, 2)), r"size is \(2, 2\); expected one integer or 3 of them"),
        (lambda: layers.UpSampling3D(data_format="last"), "data_format is 'last'"),
    ],
)
def test_bad_volumes(make, match):
    """Named with what was given."""
    with pytest.raises(ag.DomainError, match=match):
        make()


def test_volumes_of_other_axes():
    """Too few axes, and cropping of everything."""
    for layer in (layers.ZeroPadding3D(), layers.UpSampling3D(), layers.Cropping3D()):
        with pytest.raises(ag.ShapeError, match="expected 5 axes"):
            layer(np.ones((1, 4, 4, 1)))
    with pytest.raises(ag.ShapeError, match="more entries than cropping"):
        layers.Cropping3D(2)(np.ones((1, 4, 5, 6, 1)))
