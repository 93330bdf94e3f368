"""``nn.ops``: NumPy's functions on symbolic tensors, and on everything else."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn

X = np.random.RandomState(0).normal(size=(4, 3)).astype(np.float32)


def test_a_model_of_functions():
    """Several inputs, constants, axes; the same as on arrays."""
    a, b = nn.Input((3,)), nn.Input((3,))

    def function(a, b):
        joined = nn.ops.concatenate([a, nn.ops.tanh(b)], axis=-1)
        return nn.ops.mean(joined * 2.0, axis=1, keepdims=True) + nn.ops.cast(
            nn.ops.max(a, axis=-1, keepdims=True), "float32"
        )

    model = nn.Model([a, b], function(a, b))
    assert model.output_shape == (None, 1)
    np.testing.assert_array_equal(model([X, X]).numpy(), function(ag.constant(X), ag.constant(X)).numpy())


def test_gradients_go_through():
    """As through any layer."""
    x = nn.Input((3,))
    model = nn.Model(x, nn.ops.square(nn.layers.Dense(2)(x)))
    with ag.GradientTape() as tape:
        loss = model(X).sum()
    assert all(gradient is not None for gradient in tape.gradient(loss, model.trainable_weights))


def test_activations_and_the_rest():
    """Names that NumPy does not have."""
    x = nn.Input((3,))
    assert nn.ops.shape(x) == (None, 3)
    assert nn.ops.shape(X) == (4, 3)
    assert nn.Model(x, nn.ops.softmax(x))(X).shape == (4, 3)
    np.testing.assert_array_equal(nn.ops.relu(X).numpy(), np.maximum(X, 0))
    assert isinstance(nn.ops.convert_to_numpy(anp.ones(2)), np.ndarray)
    assert nn.ops.pi == np.pi
    assert "matmul" in dir(nn.ops)


def test_an_unknown_name():
    """The nearest is said."""
    with pytest.raises(AttributeError, match=r"nn\.ops has no 'matmull'. Did you mean 'matmul'\?"):
        nn.ops.matmull  # noqa: B018 - the access is what is tested
