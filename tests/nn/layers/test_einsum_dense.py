"""EinsumDense: shapes of its weights, their initial size, and equations that do not fit."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import layers

X = np.random.RandomState(0).normal(size=(2, 4, 5)).astype("float32")


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "kernel", "bias", "out"),
    [
        ("btd,de->bte", (None, 6), "e", (5, 6), (6,), (2, 4, 6)),
        ("btd,dhk->bthk", (None, 2, 3), "hk", (5, 2, 3), (2, 3), (2, 4, 2, 3)),
        ("btd,dhk->bthk", (4, 2, 3), "th", (5, 2, 3), (4, 2, 1), (2, 4, 2, 3)),
        ("btd,dhk->bkth", (3, None, 2), "k", (5, 2, 3), (3, 1, 1), (2, 3, 4, 2)),
        ("btd,tdk->bk", 3, "k", (4, 5, 3), (3,), (2, 3)),
        ("btd,dk->bk", 3, "k", (5, 3), (3,), (2, 3)),
        ("btd,ts->bsd", (3, 5), "s", (4, 3), (3, 1), (2, 3, 5)),
        ("...x,xy->...y", 6, None, (5, 6), None, (2, 4, 6)),
        ("bt...,tc->bc...", 3, "c", (4, 3), (3, 1), (2, 3, 5)),
        ("btd, td -> bt", 4, None, (4, 5), None, (2, 4)),
    ],
)
def test_shapes(equation, output_shape, bias_axes, kernel, bias, out):
    """Of kernel, bias and output; the value is that of ``einsum``."""
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    found = layer(X)
    assert layer.kernel.shape == kernel
    assert [weight.name for weight in layer.weights] == ["einsum_dense/kernel", "einsum_dense/bias"][: 1 + bool(bias)]
    wanted = np.einsum(equation, X, layer.kernel.numpy())
    if bias is not None:
        assert layer.bias.shape == bias
        layer.bias.assign(np.arange(layer.bias.size, dtype="float32").reshape(bias))
        found, wanted = layer(X), wanted + layer.bias.numpy()
    assert found.shape == out == (2, *layer.compute_output_shape((None, 4, 5))[1:])
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_initial_size():
    """Glorot's variance counts the axes in the output as outputs, all others as inputs."""
    layer = layers.EinsumDense("btd,dhk->bthk", (None, 20, 30), kernel_initializer="glorot_uniform")
    layer(np.ones((1, 2, 100), "float32"))
    limit = np.sqrt(6 / (100 + 600))
    largest = abs(layer.kernel.numpy()).max()
    assert 0.98 * limit < largest <= limit * (1 + 1e-6)
    initializer = nn.initializers.GlorotUniform
    one, other = (
        layers.EinsumDense("ab,bc->ac", 4, kernel_initializer=initializer(seed=1)),
        layers.Dense(4, kernel_initializer=initializer(seed=1)),
    )
    one(X[0]), other(X[0])
    np.testing.assert_array_equal(one.kernel.numpy(), other.kernel.numpy())


def test_options():
    """Activation, regularizers, constraints, and a config that says all."""
    layer = layers.EinsumDense(
        "...x,xy->...y", 3, "relu", "y", kernel_regularizer="l2", bias_constraint="non_neg", name="mine"
    )
    assert (layer(X).numpy() >= 0).all()
    assert len(layer.losses) == 1
    config = layer.get_config()
    assert {key: config[key] for key in ("equation", "output_shape", "activation", "bias_axes", "name")} == {
        "equation": "...x,xy->...y", "output_shape": 3, "activation": "relu", "bias_axes": "y", "name": "mine",
    }  # fmt: skip
    assert layers.EinsumDense.from_config(config)(X).shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("equation", "output_shape", "options", "error", "match"),
    [
        ("ab,bc", 3, {}, ag.DomainError, "equation is 'ab,bc'; expected 'ab,bc->ac'"),
        ("...ab,bc->ac", 3, {}, ag.DomainError, r"equation is '\.\.\.ab,bc->ac'"),
        (3, 3, {}, ag.DomainError, "equation is 3"),
        ("ab,bcd->ac", 3, {}, ag.DomainError, "'d' in 'ab,bcd->ac' is an axis of the kernel alone"),
        ("ab,bc->acd", (3, 4), {}, ag.DomainError, "'d' .* is an axis of the output alone"),
        ("ab,bc->ac", 0, {}, ag.DomainError, "output_shape is 0"),
        ("ab,bc->ac", 3, {}, ag.ShapeError, r"has shape .*4, 5.; expected the axes of the first operand"),
        ("abc,cd->abd", 3, {}, ag.ShapeError, r"output_shape is \(3,\); .* has 2 axes with letters"),
        ("abc,cd->abd", (3, 6), {}, ag.ShapeError, "3 entries along 'b'"),
        ("abc,cd->abd", (4, None), {}, ag.ShapeError, "a known length along 'd'"),
        ("abc,cd->abd", (4, 6), {"bias_axes": "c"}, ag.DomainError, "bias_axes is 'c'; expected letters of the output"),
        ("abc,cd->abd", (4, 6), {"bias_axes": ""}, ag.DomainError, "bias_axes is ''"),
    ],
)
def test_bad_arguments(equation, output_shape, options, error, match):
    """Named with what was given."""
    with pytest.raises(error, match=match):
        layers.EinsumDense(equation, output_shape, **options)(X)


def test_an_input_of_another_width():
    """After it was built."""
    layer = layers.EinsumDense("...x,xy->...y", 3)
    layer(X)
    with pytest.raises(ag.ShapeError, match=r"has shape \(2, 4, 4\); expected lengths that fit the kernel of shape"):
        layer(X[..., :4])
