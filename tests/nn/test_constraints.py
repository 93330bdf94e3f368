"""Constraints: values, and their effect after each step."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

C = nn.constraints
W = np.array([[3.0, -0.6, 0.0], [4.0, 0.8, 0.0]])  # columns of norm 5, 1 and 0
X = np.arange(12, dtype="float32").reshape(3, 4) / 10

VALUES = {
    "max norm": (C.MaxNorm(2.0), [[1.2, -0.6, 0], [1.6, 0.8, 0]]),
    "max norm of rows": (C.MaxNorm(1.0, axis=1), W / np.linalg.norm(W, axis=1, keepdims=True)),
    "max norm, default": (C.MaxNorm(), [[1.2, -0.6, 0], [1.6, 0.8, 0]]),
    "non-negative": (C.NonNeg(), [[3, 0, 0], [4, 0.8, 0]]),
    "unit norm": (C.UnitNorm(), [[0.6, -0.6, 0], [0.8, 0.8, 0]]),
    "between": (C.MinMaxNorm(2.0, 4.0), [[2.4, -1.2, 0], [3.2, 1.6, 0]]),
    "half the way": (C.MinMaxNorm(2.0, 4.0, rate=0.5), [[2.7, -0.9, 0], [3.6, 1.2, 0]]),
    "older max": (C.max_norm(2.0), [[1.2, -0.6, 0], [1.6, 0.8, 0]]),
    "older others": (lambda w: C.unit_norm()(C.non_neg()(w)), [[0.6, 0, 0], [0.8, 1, 0]]),
    "string": (C.get("unit_norm"), [[0.6, -0.6, 0], [0.8, 0.8, 0]]),
    "string in capitals": (C.get("NonNeg"), [[3, 0, 0], [4, 0.8, 0]]),
    "class": (C.get(C.NonNeg), [[3, 0, 0], [4, 0.8, 0]]),
    "config": (C.get({"class_name": "MaxNorm", "config": {"max_value": 2.0}}), [[1.2, -0.6, 0], [1.6, 0.8, 0]]),
    "function": (C.get(lambda w: w * 2), 2 * W),
}


@pytest.mark.parametrize(("constraint", "expected"), VALUES.values(), ids=VALUES)
def test_values(constraint, expected):
    """By hand; a vector of 0 stays 0; Keras adds 1e-7 to the norms."""
    np.testing.assert_allclose(np.asarray(constraint(ag.Variable(W)).numpy()), expected, rtol=3e-7, atol=1e-7)
    assert constraint(ag.Variable(W.astype("float32"))).dtype == "float32"


def test_norm_of_a_convolution_s_filters():
    """Over three axes."""
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 5))
    norms = np.sqrt((C.MaxNorm(1.0, axis=[0, 1, 2])(kernel).numpy() ** 2).sum((0, 1, 2)))
    np.testing.assert_allclose(norms, np.ones(5), rtol=1e-6)


@pytest.mark.parametrize("make", [lambda: C.MaxNorm(3.0, 1), C.NonNeg, C.UnitNorm, lambda: C.MinMaxNorm(0.5, 2.0)])
def test_config(make):
    """By its class, and by ``serialize``; None stays None."""
    first = make()
    for again in (type(first).from_config(first.get_config()), C.deserialize(C.serialize(first))):
        assert type(again) is type(first)
        np.testing.assert_array_equal(again(W).numpy(), first(W).numpy())
    assert C.get(None) is None
    assert C.get(first) is first


def test_fit_keeps_to_them():
    """After every step, for kernel and bias."""
    model = nn.Sequential(
        [nn.Input((4,)), nn.layers.Dense(2, kernel_constraint=C.MaxNorm(0.5), bias_constraint="non_neg")]
    )
    model.compile("sgd", "mse")
    seen = []
    watch = nn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()))
    model.fit(X, -X[:, :2] - 10, epochs=3, batch_size=1, verbose=0, callbacks=[watch])
    assert len(seen) == 9
    for kernel, bias in seen:
        assert (np.linalg.norm(kernel, axis=0) <= 0.5 * (1 + 1e-6)).all()
        assert (bias == 0).all()  # the data pull it below


def test_a_loop_of_ones_own_keeps_to_them():
    """The optimizer applies them; a weight made by ``add_weight`` has its own."""

    class Scale(nn.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight((4,), "ones", name="factor", constraint=lambda w: w.clip(0.9, 1.1))

        def call(self, inputs):
            return inputs * self.factor

    layer = Scale()
    optimizer = optim.SGD(10.0)
    for _ in range(3):
        with ag.GradientTape() as tape:
            loss = (layer(X) ** 2).sum()
        optimizer.minimize(loss, layer.trainable_variables, tape=tape)
        np.testing.assert_allclose(layer.factor.numpy(), np.full(4, 0.9), rtol=1e-6)


MISTAKES = {
    "name": (
        lambda: C.get("max_norm2"),
        ag.DomainError,
        "no constraint is called 'max_norm2'.*did you mean 'max_norm'",
    ),
    "number": (lambda: C.get(2.0), ag.ConversionError, "got a float"),
    "argument": (lambda: C.NonNeg(2.0), TypeError, "argument"),
    "axis": (lambda: C.UnitNorm(axis=3)(W), ag.AxisError, "axis"),
}


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given."""
    with pytest.raises(error, match=match):
        ask()
