"""Lambda, Embedding, InputLayer, and what all layers share: losses, trainable, names, weights in and out."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
from nn import layers

X = np.arange(12, dtype="float32").reshape(3, 4) / 10


# Lambda and Activation


def test_lambda():
    """A function of the input, with arguments, of several inputs, and NumPy's own."""
    np.testing.assert_allclose(layers.Lambda(lambda x: x**2)(X).numpy(), X**2)
    np.testing.assert_allclose(layers.Lambda(lambda x, s: x * s, arguments={"s": 3.0})(X).numpy(), 3 * X, rtol=1e-6)
    np.testing.assert_array_equal(layers.Lambda(lambda v: v[0] - v[1])([X, X]).numpy(), 0 * X)
    np.testing.assert_allclose(layers.Lambda(np.tanh)(X).numpy(), np.tanh(X), rtol=1e-6)
    assert layers.Lambda(lambda x: x * 2)(X).dtype == "float32"


def test_lambda_knows_training():
    """If the function has such a parameter."""
    layer = layers.Lambda(lambda x, training=None: x * (2.0 if training else 1.0))
    np.testing.assert_array_equal(layer(X).numpy(), X)
    np.testing.assert_array_equal(layer(X, training=True).numpy(), 2 * X)
    model = nn.Sequential([layer])
    np.testing.assert_array_equal(model(X, training=True).numpy(), 2 * X)


def test_lambda_s_shape():
    """Found by a call on ones, or said: as a shape of one sample, or a function of the shape."""
    x = nn.Input((4,))
    for said in (None, (2,), lambda shape: (shape[0], 2)):
        assert layers.Lambda(lambda v: v[:, :2], output_shape=said)(x).shape == (None, 2)


def test_activation_of_ones_own():
    """A function without a name has its place in a Sequential."""
    model = nn.Sequential([layers.Dense(2, activation=lambda z: z * z), layers.Activation(lambda z: anp.maximum(z, 1))])
    assert (model(X).numpy() >= 1).all()


# Embedding


def test_embedding():
    """Rows by number, of integers or whole floats of any shape; the gradient adds up over repeated numbers."""
    layer = layers.Embedding(5, 2)
    numbers = np.array([[1, 4, 1], [0, 0, 0]])
    out = layer(numbers)
    table = layer.embeddings.numpy()
    np.testing.assert_array_equal(out.numpy(), table[numbers])
    np.testing.assert_array_equal(layer(numbers.astype("float32")).numpy(), table[numbers])
    with ag.GradientTape() as tape:
        total = layer(numbers).sum()
    gradient = tape.gradient(total, layer.embeddings).numpy()
    np.testing.assert_array_equal(gradient[:, 0], [3, 2, 0, 0, 1])
    assert layer(np.zeros((0, 3), int)).shape == (0, 3, 2)
    assert np.abs(table).max() <= 0.05


def test_embedding_with_weights():
    """Given as an array, as a list of one (Keras's older way), or by an initializer; frozen if asked."""
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    for options in (
        {"weights": table}, {"weights": [table]}, {"embeddings_initializer": nn.initializers.Constant(table)},
    ):  # fmt: skip
        layer = layers.Embedding(2, 2, trainable=False, **options)
        np.testing.assert_array_equal(layer(np.array([1])).numpy(), [[3, 4]])
        assert layer.trainable_weights == []


# InputLayer


def test_input_layer():
    """Builds a Sequential at once, in Keras's new and old spelling; it is not among the layers."""
    for first in (
        layers.InputLayer(shape=(4,)), layers.InputLayer(input_shape=(4,)), nn.Input((4,)),
        layers.InputLayer(batch_shape=(None, 4)),
    ):  # fmt: skip
        model = nn.Sequential([first, layers.Dense(2)])
        assert model.built
        assert [len(model.layers), len(model.weights)] == [1, 2]
        assert model(X).shape == (3, 2)
        assert model.input_shape == (None, 4)
    with pytest.raises(ag.StructureError, match="an input comes first"):
        nn.Sequential([layers.Dense(2), layers.InputLayer(shape=(4,))])


# Losses added in a call


class Costly(nn.Layer):
    """Adds a tenth of the sum of what it gets."""

    def call(self, inputs):
        self.add_loss(0.1 * inputs.sum())
        return inputs


def test_add_loss():
    """Of the last call only; in ``fit``, ``evaluate`` and loops of one's own."""
    model = nn.Sequential([Costly(), layers.Dense(1, kernel_initializer="ones", trainable=False)])
    for _ in range(2):
        model(X)
        assert [loss.item() for loss in model.losses] == pytest.approx([0.66])
    model.compile("sgd", "mse")
    y = X.sum(1, keepdims=True)
    assert model.evaluate(X, y, verbose=0) == pytest.approx(0.66, rel=1e-5)
    v = ag.Variable(X)
    with ag.GradientTape() as tape:
        model(v)
        loss = sum(model.losses)
    np.testing.assert_allclose(tape.gradient(loss, v).numpy(), np.full((3, 4), 0.1))


def test_activity_regularizer_of_any_layer():
    """Of the mean over the samples, on every layer that takes Keras's argument."""
    for layer in (
        layers.Dense(2, activity_regularizer="l2", kernel_initializer="ones"),
        layers.Activation("linear", activity_regularizer=nn.regularizers.L1(0.1)),
        layers.Conv1D(2, 1, activity_regularizer="l1"),
    ):
        out = layer(X[..., None] if isinstance(layer, layers.Conv1D) else X)
        expected = layer.activity_regularizer(out).item() / 3
        assert [loss.item() for loss in layer.losses] == pytest.approx([expected], rel=1e-5)


# Trainable


def test_trainable():
    """At construction and later; freezing a model freezes what is inside, which can be thawed one by one."""
    dense = layers.Dense(2, trainable=False, input_dim=4)
    assert (len(dense.trainable_weights), len(dense.non_trainable_weights)) == (0, 2)
    dense.trainable = True
    assert len(dense.trainable_weights) == 2
    model = nn.Sequential([nn.Input((4,)), layers.Dense(3), nn.Sequential([layers.Dense(2), layers.Dense(1)])])
    model.trainable = False
    assert [layer.trainable for layer in model.layers] == [False, False]
    assert model.trainable_weights == []
    model.layers[1].layers[0].trainable = True
    model.trainable = True
    assert len(model.trainable_weights) == 6


def test_frozen_layers_stay_in_fit():
    """And the others move."""
    model = nn.Sequential([nn.Input((4,)), layers.Dense(3), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :1] + 1, verbose=0)
    changed = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True]


# Layers of one's own


def test_a_layer_as_the_books_write_it():
    """``build`` that calls ``super().build``, ``add_weight`` by keywords, ``get_config``."""

    class Linear(nn.Layer):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones", trainable=True)
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b", regularizer="l2")
            super().build(input_shape)

        def call(self, inputs):
            return anp.matmul(inputs, self.w) + self.b

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    layer = Linear(3, name="mine")
    np.testing.assert_allclose(layer(X).numpy(), np.repeat(X.sum(1, keepdims=True), 3, 1), rtol=1e-6)
    assert len(layer.losses) == 1
    again = Linear.from_config(layer.get_config())
    assert (again.units, again.name) == (3, "mine")
    assert nn.Sequential([Linear(4), Linear(1)])(X).shape == (3, 1)


def test_weights_are_copies():
    """What ``get_weights`` gives is the caller's own."""
    layer = layers.Dense(2, input_dim=4, kernel_initializer="ones")
    layer.get_weights()[0][:] = 9
    np.testing.assert_array_equal(layer.kernel.numpy(), np.ones((4, 2)))


def test_names():
    """Given ones must differ; others are numbered, also where models are put together."""
    inner = nn.Sequential([layers.Dense(1), layers.Dense(1)])
    model = nn.Sequential([layers.Dense(4), inner, layers.Dense(1), nn.Sequential([layers.Dense(1)])])
    names = [layer.name for layer in model.layers]
    assert names == ["dense", "sequential", "dense_1", "sequential_1"]
    assert [layer.name for layer in inner.layers] == ["dense", "dense_1"]
    x = nn.Input((4,))
    functional = nn.Model(x, layers.Dense(1)(layers.Dense(2)(layers.Dense(3, name="dense_1")(x))))
    assert len({layer.name for layer in functional.layers}) == 3
    assert layers.Dense(1)(X).shape == layers.Dense(1)(inputs=X).shape == (3, 1)


def built(layer):
    """After a call."""
    layer(X)
    return layer


def same_names():
    x = nn.Input((4,))
    return nn.Model(x, layers.Dense(1, name="a")(layers.Dense(1, name="a")(x)))


ZEROS = np.zeros
MISTAKES = {
    "too few weights": (
        lambda: built(layers.Dense(2)).set_weights([ZEROS((4, 2))]), ag.StructureError,
        "got 1 arrays; this Dense has 2 weights: dense/kernel, dense/bias",
    ),
    "weights of another shape": (
        lambda: built(layers.Dense(2)).set_weights([ZEROS((4, 3)), ZEROS(2)]), ag.ShapeError,
        r"'dense/kernel' has shape \(4, 3\); expected \(4, 2\)",
    ),
    "weights before there are any": (
        lambda: layers.Dense(2).set_weights([ZEROS((4, 2)), ZEROS(2)]), ag.StructureError, "not built",
    ),
    "weights in words": (
        lambda: built(layers.Dense(2)).set_weights([np.full((4, 2), "a"), ZEROS(2)]), ag.AutogradError, "dense/kernel",
    ),
    "a weight of unknown length": (
        lambda: nn.Layer().add_weight((None, 2), name="w"), ag.ShapeError, "every length must be known",
    ),
    "the same name twice in a Sequential": (
        lambda: nn.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]), ag.StructureError, "called 'a'",
    ),
    "the same name twice in a graph": (same_names, ag.StructureError, "called 'a'"),
    "no function": (lambda: layers.Lambda(3), ag.ConversionError, "Lambda: got a int"),
    "a number out of range": (
        lambda: layers.Embedding(3, 2)(np.array([5])), ag.DomainError, "'embedding': the input has 5; .* 0 to 2",
    ),
    "a negative number": (lambda: layers.Embedding(3, 2)(np.array([-1])), ag.DomainError, "the input has -1"),
    "numbers that are not whole": (lambda: layers.Embedding(3, 2)(np.array([0.5])), ag.DomainError, "not whole"),
    "no rows": (lambda: layers.Embedding(0, 2), ag.DomainError, "input_dim is 0"),
    "dtype": (lambda: layers.Dense(2, dtype="float31"), ag.DtypeError, "dtype is 'float31'"),
    "shape of a sample": (lambda: layers.Dense(2, input_shape=(-1,)), ag.ShapeError, r"sample is \(-1,\)"),
    "reshape": (lambda: layers.Reshape((5,))(X), ag.ShapeError, r"Reshape 'reshape': .* fit \(5,\); .* 4 entries"),
    "permute": (lambda: layers.Permute((1, 2))(X), ag.ShapeError, r"Permute 'permute': .*dims=\(1, 2\)"),
    "width": (lambda: built(layers.Dense(2))(X[:, :2]), ag.ShapeError, r"Dense 'dense': .*\(3, 2\); .* length 4"),
    "PReLU": (lambda: built(layers.PReLU())(X[:, :2]), ag.ShapeError, r"PReLU 'p_re_lu': .*\(3, 2\); expected"),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """What was asked, what was given, what was expected."""
    with pytest.raises(error, match=match):
        ask()


def test_a_refused_assignment_changes_nothing():
    """Not even the weights before the one that does not fit."""
    layer = built(layers.Dense(2))
    before = layer.get_weights()
    for wrong in ([ZEROS((4, 2)), ZEROS(3)], [ZEROS((4, 2)), np.full(2, "a")]):
        with pytest.raises(ag.AutogradError):
            layer.set_weights(wrong)
    for ours, theirs in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
