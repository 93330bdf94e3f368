"""Regularizers: values, and their effect in ``fit`` and in loops of one's own."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
import optim

R = nn.regularizers
W = np.array([[1.0, -2.0, 3.0], [-0.5, 0.0, 2.0]])
X = np.arange(12, dtype="float32").reshape(3, 4) / 10

# Cosines of the rows of W, and of its columns, by hand.
ROWS = abs(-0.5 + 6.0) / np.sqrt(14 * 4.25)
COLUMNS = sum(
    abs(W[:, i] @ W[:, j]) / np.linalg.norm(W[:, i]) / np.linalg.norm(W[:, j]) for i, j in ((0, 1), (0, 2), (1, 2))
)

VALUES = {
    "l1": (R.L1(0.1), 0.85),
    "l2": (R.L2(0.1), 1.825),
    "l1 and l2": (R.L1L2(0.1, 0.2), 0.85 + 3.65),
    "defaults": (R.L1L2(), 0.0),
    "None is 0": (R.L1L2(l1=None, l2=0.1), 1.825),
    "older l1": (R.l1(0.1), 0.85),
    "older l2": (R.l2(l2=0.1), 1.825),
    "older both": (R.l1_l2(l1=0.01, l2=0.02), 0.085 + 0.365),
    "a number of NumPy's": (R.L2(np.float64(0.1)), 1.825),
    "rows": (R.OrthogonalRegularizer(0.1), 0.1 * ROWS),
    "columns": (R.OrthogonalRegularizer(0.1, "columns"), 0.1 * COLUMNS / 3),
    "orthonormal": (lambda w: R.OrthogonalRegularizer(0.1)(np.eye(3)), 0.0),
    "string l1": (R.get("l1"), 0.085),
    "string L2": (R.get("L2"), 0.1825),
    "string l1_l2": (R.get("l1_l2"), 0.0),
    "string orthogonal": (R.get("orthogonal_regularizer"), 0.01 * ROWS),
    "class": (R.get(R.L2), 0.1825),
    "config": (R.get({"class_name": "L2", "config": {"l2": 0.1}}), 1.825),
    "function": (R.get(lambda w: anp.sum(w)), 3.5),
}


@pytest.mark.parametrize(("regularizer", "expected"), VALUES.values(), ids=VALUES)
def test_values(regularizer, expected):
    """Keras's formulas, by hand; float32 stays float32."""
    assert regularizer(W).item() == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert regularizer(ag.Variable(W.astype("float32"))).dtype == "float32" or expected == 0


def test_one_row_is_orthogonal():
    """To nothing: there is no pair."""
    assert R.OrthogonalRegularizer()(W[:1]).item() == 0


@pytest.mark.parametrize("make", [lambda: R.L1(0.2), lambda: R.L2(0.3), lambda: R.L1L2(0.1, 0.2)])
def test_config(make):
    """By its class, and by ``serialize``; None stays None."""
    first = make()
    for again in (type(first).from_config(first.get_config()), R.deserialize(R.serialize(first))):
        assert type(again) is type(first)
        assert again(W).item() == first(W).item()
    assert R.get(None) is None
    assert R.get(first) is first


def test_gradients():
    """2 l2 w and l1 sign(w), with 0 at 0."""
    w = ag.Variable(W)
    with ag.GradientTape(persistent=True) as tape:
        l1, l2 = R.L1(0.1)(w), R.L2(0.1)(w)
    np.testing.assert_allclose(tape.gradient(l1, w).numpy(), 0.1 * np.sign(W))
    np.testing.assert_allclose(tape.gradient(l2, w).numpy(), 0.2 * W)


def regularized(**options):
    """Two layers with penalties on a kernel, another kernel and a bias."""
    return nn.Sequential(
        [
            nn.Input((4,)),
            nn.layers.Dense(3, kernel_regularizer="l2", kernel_initializer="ones", **options),
            nn.layers.Dense(
                1, kernel_regularizer=R.L1(0.1), bias_regularizer=R.l2(0.1), kernel_initializer="ones",
                bias_initializer="ones",
            ),
        ]
    )  # fmt: skip


def test_losses_of_a_model():
    """One for each weight with a regularizer, up to date after a change; none of frozen layers."""
    model = regularized()
    assert [loss.item() for loss in model.losses] == pytest.approx([0.12, 0.3, 0.1])
    model.layers[0].kernel.assign_add(np.ones((4, 3), "float32"))
    assert model.losses[0].item() == pytest.approx(0.48)
    model.layers[1].trainable = False
    assert len(model.losses) == 1
    assert len(model.layers[0].losses) == 1


def test_every_kind_of_weight():
    """Convolutions, normalizations, embeddings and recurrent layers take them, too."""
    layers = [
        (nn.layers.Conv2D(2, 3, kernel_regularizer="l2", bias_regularizer="l1"), (None, 5, 5, 3), 2),
        (nn.layers.DepthwiseConv2D(3, depthwise_regularizer="l2"), (None, 5, 5, 3), 1),
        (nn.layers.BatchNormalization(gamma_regularizer="l2", beta_regularizer="l2"), (None, 3), 2),
        (nn.layers.LayerNormalization(gamma_regularizer="l2"), (None, 3), 1),
        (nn.layers.Embedding(5, 2, embeddings_regularizer="l2"), (None, 3), 1),
        (nn.layers.LSTM(2, kernel_regularizer="l2", recurrent_regularizer="l2"), (None, 4, 3), 2),
        (nn.layers.PReLU(alpha_regularizer="l2"), (None, 3), 1),
    ]
    for layer, shape, count in layers:
        layer.build(shape)
        assert len(layer.losses) == count, layer


def test_fit_trains_on_the_sum():
    """The figure shown is the whole loss; the step is Keras's, and so is what ``evaluate`` gives afterwards."""
    model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(1, kernel_regularizer=R.L2(0.5), kernel_initializer="ones")])
    model.compile("sgd", "mse")
    history = model.fit(X, X[:, :1], verbose=0)
    assert history.history["loss"][0] == pytest.approx(6.2, rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0][:, 0], [0.9692, 0.9656, 0.962, 0.9584], rtol=1e-5)
    assert model.evaluate(X, X[:, :1], verbose=0) == pytest.approx(5.5584259, rel=1e-5)


def test_a_loop_of_ones_own():
    """``sum(model.losses)`` inside the tape: the same step as that of ``fit``."""
    model, other = regularized(), regularized()
    model.compile(optim.SGD(0.1), "mse")
    model.fit(X, X[:, :1], verbose=0)
    with ag.GradientTape() as tape:
        loss = nn.losses.MeanSquaredError()(X[:, :1], other(X, training=True)) + sum(other.losses)
    gradients = tape.gradient(loss, other.trainable_variables)
    optim.SGD(0.1).apply_gradients(zip(gradients, other.trainable_variables, strict=True))
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_activity():
    """A penalty of the output, for each sample; Keras's figures over two batches."""
    model = nn.Sequential([nn.layers.Dense(2, activity_regularizer="l2", kernel_initializer="ones")])
    model(X)
    assert model.losses[0].item() == pytest.approx(0.01 * 2 * (X.sum(1) ** 2).sum() / 3, rel=1e-5)
    model(X)
    assert len(model.losses) == 1  # of the last call only
    model.compile("sgd", "mse")
    history = model.fit(X, X[:, :2], batch_size=2, shuffle=False, verbose=0)
    assert history.history["loss"][0] == pytest.approx(4.0902557, rel=1e-5)
    assert model.evaluate(X, X[:, :2], verbose=0) == pytest.approx(3.6593087, rel=1e-5)


MISTAKES = {
    "name": (lambda: R.get("l3"), ag.DomainError, "no regularizer is called 'l3'"),
    "number": (lambda: R.get(0.01), ag.ConversionError, "got a float"),
    "negative": (lambda: R.L2(-1), ag.DomainError, "L2: l2 is -1"),
    "NaN": (lambda: R.L1(float("nan")), ag.DomainError, "L1: l1 is nan"),
    "text": (lambda: R.L2("a"), ag.DomainError, "L2: l2 is 'a'"),
    "mode": (lambda: R.OrthogonalRegularizer(mode="both"), ag.DomainError, "mode is 'both'"),
    "vector": (lambda: R.OrthogonalRegularizer()(W[0]), ag.ShapeError, r"the weight has shape \(3,\)"),
    "class": (lambda: R.get({"class_name": "L3"}), ag.DomainError, "no Regularizer is called 'L3'"),
}


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given."""
    with pytest.raises(error, match=match):
        ask()
