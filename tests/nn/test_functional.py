"""Functional models: graphs of layers between symbolic tensors."""

import operator

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
from nn import layers

X = np.arange(12, dtype="float32").reshape(3, 4) / 10


def ones(units, **options):
    """A Dense layer that sums its inputs."""
    return layers.Dense(units, kernel_initializer="ones", **options)


def value(model, *inputs):
    """Output as arrays."""
    return nn.shapes.map_structure(lambda tensor: tensor.numpy(), model(*inputs))


# Inputs and outputs


def test_several_inputs_and_outputs_as_lists():
    """In the order given; arrays, lists and tuples go in."""
    a, b = nn.Input((4,), name="a"), nn.Input((2,), name="b")
    model = nn.Model([a, b], [layers.Concatenate()([b, a]), ones(3, name="sums")(a)])
    for inputs in ([X, X[:, :2]], (X, X[:, :2])):
        joined, sums = value(model, inputs)
        np.testing.assert_array_equal(joined, np.hstack([X[:, :2], X]))
        np.testing.assert_allclose(sums, np.repeat(X.sum(1, keepdims=True), 3, 1), rtol=1e-6)
    assert model.input_shape == [(None, 4), (None, 2)]
    assert model.output_shape == [(None, 6), (None, 3)]
    assert model.input_names == ["a", "b"]
    assert model.output_names == ["concatenate", "sums"]
    predicted = model.predict([X, X[:, :2]], batch_size=2, verbose=0)
    assert [array.shape for array in predicted] == [(3, 6), (3, 3)]


def test_several_inputs_and_outputs_as_dicts():
    """By key, whatever the order; a key too many is not looked at; inputs in a list also go by their names."""
    a, b = nn.Input((4,), name="a"), nn.Input((4,), name="b")
    model = nn.Model({"first": a, "second": b}, {"d": layers.Subtract()([a, b]), "s": a + b})
    out = value(model, {"second": X, "first": 3 * X, "more": X})
    assert list(out) == ["d", "s"]
    np.testing.assert_allclose(out["d"], 2 * X, rtol=1e-6)
    np.testing.assert_allclose(out["s"], 4 * X, rtol=1e-6)
    assert model.output_names == ["d", "s"]
    by_name = nn.Model([a, b], layers.Subtract()([a, b]))
    np.testing.assert_allclose(value(by_name, {"b": X, "a": 3 * X}), 2 * X, rtol=1e-6)


def test_one_input_in_a_list():
    """``Model([x], [y])`` is ``Model(x, y)``, as in Keras."""
    a = nn.Input((4,))
    model = nn.Model([a], [ones(1)(a)])
    for inputs in (X, [X]):
        np.testing.assert_allclose(value(model, inputs), X.sum(1, keepdims=True), rtol=1e-6)
    assert model.output_shape == (None, 1)


def test_losses_by_the_names_of_the_outputs():
    """``compile`` and ``fit`` with dicts by layer names (of a list) or by keys (of a dict): Keras's figures."""
    a = nn.Input((4,), name="a")
    model = nn.Model(a, [ones(2, name="o1")(a), ones(1, name="o2")(a)])
    model.compile("sgd", {"o1": "mse", "o2": "mae"}, loss_weights={"o1": 1.0, "o2": 0.5}, metrics={"o1": ["mae"]})
    history = model.fit(X, {"o1": X[:, :2], "o2": X[:, :1]}, verbose=0).history
    found = {name: values[0] for name, values in history.items()}
    assert found == pytest.approx({"loss": 4.925, "o1_loss": 4.025, "o2_loss": 1.8, "o1_mae": 1.75}, rel=1e-5)
    keyed = nn.Model(a, {"p": ones(2)(a), "q": ones(1)(a)})
    keyed.compile("sgd", {"p": "mse", "q": "mae"})
    assert set(keyed.fit(X, {"p": X[:, :2], "q": X[:, :1]}, verbose=0).history) == {"loss", "p_loss", "q_loss"}


def test_a_layer_of_several_outputs():
    """Each output is a symbolic tensor of its own."""
    a = nn.Input((5, 3))
    outputs = layers.LSTM(2, return_sequences=True, return_state=True)(a)
    assert [symbol.shape for symbol in outputs] == [(None, 5, 2), (None, 2), (None, 2)]
    model = nn.Model(a, outputs)
    sequences, h, _ = value(model, np.ones((2, 5, 3), "float32"))
    np.testing.assert_array_equal(sequences[:, -1], h)
    assert len(set(model.output_names)) == 3


def test_inputs_of_other_kinds():
    """Integers stay integers; a number per sample; an array without its last axis of length 1."""
    words = nn.Input((5,), dtype="int32")
    assert nn.Model(words, layers.Embedding(10, 3)(words))(np.zeros((2, 5), int)).shape == (2, 5, 3)
    number = nn.Input(())
    np.testing.assert_array_equal(value(nn.Model(number, number * 2), np.arange(3.0)), [0, 2, 4])
    column = nn.Input((1,))
    assert nn.Model(column, ones(2)(column))(np.arange(3.0)).shape == (3, 2)
    assert nn.Input((4,), batch_size=3).shape == (3, 4)
    assert nn.Input(batch_shape=(None, 4)).shape == (None, 4)


def test_a_layer_that_needs_integers_is_traced_with_integers():
    """The shape of its output is found by a call on what the symbolic tensor stands for."""

    class Table(nn.Layer):
        def build(self, input_shape):
            self.rows = self.add_weight((7, 2), "ones")

        def call(self, inputs):
            assert inputs.dtype.kind == "i"
            return anp.take(self.rows, inputs, axis=0)

    words = nn.Input((5,), dtype="int64")
    assert Table()(words).shape == (None, 5, 2)
    assert Table()(words[:, None] * 2).shape == (None, 1, 5, 2)


# Structure


def test_a_shared_layer():
    """Called twice: its weights count once, both calls get gradients."""
    dense = ones(4)
    a, b = nn.Input((4,)), nn.Input((4,))
    model = nn.Model([a, b], layers.Subtract()([dense(dense(a)), dense(b)]))
    assert [len(model.layers), len(model.weights), model.count_params()] == [2, 2, 20]
    sums = X.sum(1, keepdims=True)
    np.testing.assert_allclose(value(model, [X, X]), np.repeat(4 * sums - sums, 4, 1), rtol=1e-5)
    with ag.GradientTape() as tape:
        loss = model([X, X]).sum()
    np.testing.assert_allclose(tape.gradient(loss, dense.bias).numpy(), np.full(4, 3 * 4.0), rtol=1e-6)
    assert dense.output.shape == (None, 4)


def test_nested_models():
    """Models are layers: functional in functional, Sequential in functional, functional in Sequential, subclassed."""

    class Twice(nn.Model):
        def __init__(self):
            super().__init__()
            self.inner = ones(4)

        def call(self, x):
            return self.inner(self.inner(x))

    a, b = nn.Input((4,)), nn.Input((4,))
    inner = nn.Model(a, ones(3)(a), name="inner")
    chain = nn.Sequential([ones(3), ones(2)])
    model = nn.Model(b, layers.Concatenate()([inner(b), chain(b), Twice()(b)]))
    sums = X.sum(1, keepdims=True)
    expected = np.hstack([np.repeat(sums, 3, 1), np.repeat(3 * sums, 2, 1), np.repeat(4 * sums, 4, 1)])
    np.testing.assert_allclose(value(model, X), expected, rtol=1e-5)
    assert len(model.weights) == 8
    assert model.get_layer("inner") is inner
    last = nn.Sequential([inner, ones(1)])
    np.testing.assert_allclose(value(last, X), 3 * sums, rtol=1e-5)
    inner.trainable = False
    assert len(last.trainable_weights) == 2
    assert len(model.trainable_weights) == 6


@pytest.mark.parametrize("known", [True, False], ids=["input known", "built by data"])
def test_features(known):
    """Outputs of inner layers, from a Sequential whose shape was told or seen, and from a functional model."""
    model = nn.Sequential([*([nn.Input((4,))] if known else []), ones(3, name="f"), ones(1)])
    model(X)
    features = nn.Model(inputs=model.inputs, outputs=model.get_layer("f").output)
    np.testing.assert_allclose(value(features, X), np.repeat(X.sum(1, keepdims=True), 3, 1), rtol=1e-6)
    every = nn.Model(model.input, [layer.output for layer in model.layers])
    assert [array.shape for array in value(every, X)] == [(3, 3), (3, 1)]
    assert every.layers == model.layers  # the same layers, not copies
    middle = nn.Model(features.output, model.output)
    np.testing.assert_allclose(value(middle, np.ones((2, 3))), np.full((2, 1), 3.0))


def test_a_subclass_of_a_functional_model():
    """``super().__init__(inputs, outputs)``, and a ``call`` of its own."""

    class Net(nn.Model):
        def __init__(self):
            a = nn.Input((4,))
            super().__init__(a, ones(2)(a))

    class Doubled(Net):
        def call(self, inputs, training=None, mask=None):
            return 2 * super().call(inputs)

    np.testing.assert_allclose(value(Doubled(), X), 2 * value(Net(), X), rtol=1e-6)


def test_training_is_handed_down():
    """From the call of the model, unless a layer was told in the graph."""
    a = nn.Input((50,))
    told = nn.Model(a, layers.Dropout(0.5, seed=1)(a, training=True))
    free = nn.Model(a, layers.Dropout(0.5, seed=1)(a))
    data = np.ones((20, 50), "float32")
    assert (value(told, data) == 0).any()
    assert (value(free, data) == 1).all()
    assert (free(data, training=True).numpy() == 0).any()


def test_unknown_lengths():
    """None stays None where a layer cannot know, and is known again where it can."""
    a = nn.Input((None, 4))
    dense, pooled = layers.Dense(3)(a), layers.GlobalAveragePooling1D()(a)
    assert (dense.shape, pooled.shape) == ((None, None, 3), (None, 4))
    assert layers.Flatten()(a).shape == (None, None)
    assert layers.Concatenate()([a, dense]).shape == (None, None, 7)
    assert layers.Concatenate(axis=1)([a, a]).shape == (None, None, 4)
    model = nn.Model(a, [dense, pooled])
    for length in (1, 5):
        assert [array.shape for array in value(model, np.ones((2, length, 4)))] == [(2, length, 3), (2, 4)]
    image = nn.Input((None, None, 3))
    small = layers.Conv2D(2, 3, padding="same", strides=2)(image)
    assert small.shape == (None, None, None, 2)
    assert layers.GlobalMaxPooling2D()(small).shape == (None, 2)
    assert layers.Conv2DTranspose(5, 3, strides=2)(small).shape == (None, None, None, 5)
    assert layers.Lambda(lambda x: x[:, :, :2])(a).shape == (None, None, 2)


def test_a_deep_graph():
    """Deeper than Python's stack."""
    a = x = nn.Input((2,))
    for _ in range(1500):
        x = x + 1
    np.testing.assert_array_equal(value(nn.Model(a, x), np.zeros((1, 2))), [[1500, 1500]])


# Operators and functions

FUNCTIONS = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")},
    **{name: getattr(operator, name) for name in ("gt", "ge", "lt", "le")},
    "with numbers": lambda a, b: -(2 - a) + 3 * b / 2 - 1 / (a + 1) + 2**b,
    "with arrays": lambda a, b: np.ones(4, "float32") + a - np.arange(4, dtype="float32") * b,
    "abs": lambda a, b: abs(a - b),
    "slices": lambda a, b: a[:, 1:3] * b[:, :1],
    "negative index": lambda a, b: a[:, -1] + b[..., 0],
    "tanh": lambda a, b: np.tanh(a),
    "concatenate": lambda a, b: np.concatenate([a, b], axis=-1),
    "stack": lambda a, b: np.stack([a, b], axis=1),
    "sum": lambda a, b: np.sum(a * b, axis=1, keepdims=True),
    "reshape": lambda a, b: np.reshape(a, (-1, 2, 2)),
    "matmul": lambda a, b: a[:, None, :] @ b[:, :, None],
    "where": lambda a, b: np.where(a > b, a, b),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_operators_and_numpy_s_functions(function):
    """They become steps of the model, with the shape and dtype that the values have then."""
    a, b = nn.Input((4,)), nn.Input((4,))
    symbol = function(a, b)
    model = nn.Model([a, b], symbol)
    x, y = X + 1, X[::-1] + 2
    expected = function(x, y)
    got = value(model, [x, y])
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert symbol.dtype == got.dtype
    assert symbol.shape == (None, *expected.shape[1:])


@pytest.mark.parametrize(
    "ask", [bool, len, list, np.asarray, float, anp.tanh], ids=["bool", "len", "list", "asarray", "float", "anp"]
)
def test_a_symbolic_tensor_has_no_value(ask):
    """Said in words, with the way out."""
    with pytest.raises((ag.ConversionError, TypeError), match=r"Lambda|float"):
        ask(nn.Input((4,)))


# Descriptions


def test_config_round_trip():
    """Structure, names, shared layers and keyword arguments; with the same weights the same values."""
    a, b = nn.Input((4,), name="a"), nn.Input((3,), name="b")
    dense = layers.Dense(3, name="d", activation="tanh")
    h = dense(a)
    outputs = {"y": layers.Concatenate(axis=1, name="cc")([h, b]), "z": layers.Multiply(name="mm")([dense(a), b])}
    model = nn.Model({"a": a, "b": b}, outputs, name="mine")
    again = nn.Model.from_config(model.get_config())
    assert again.name == "mine"
    assert [layer.name for layer in again.layers] == ["d", "cc", "mm"]
    again.set_weights(model.get_weights())
    data = {"a": X, "b": X[:, :3]}
    for key in "yz":
        np.testing.assert_array_equal(model(data)[key].numpy(), again(data)[key].numpy())
    assert again.get_config() == model.get_config()
    model.trainable = False
    assert nn.Model.from_config(model.get_config()).trainable_weights == []


def test_config_of_nested_models():
    """A model inside a model is described, too; and of a layer of one's own, although it is called as one of ours."""

    class Dense(nn.Layer):
        def __init__(self, factor, **options):
            super().__init__(**options)
            self.factor = factor

        def call(self, inputs):
            return inputs * self.factor

    a = nn.Input((4,))
    inner = nn.Sequential([layers.Dense(3), Dense(5.0)], name="inner")
    model = nn.Model(a, Dense(2.0)(inner(a)))
    again = nn.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(value(again, X), value(model, X))


def test_a_function_has_no_config():
    """An operator in the graph cannot be written down, and the error says what can."""
    a = nn.Input((4,))
    with pytest.raises(ag.UnsupportedError, match=r"the function 'add' .*layers.Add"):
        nn.Model(a, a + 1).get_config()


def test_losses_of_a_graph():
    """A layer called twice adds its loss twice; the call on ones while the graph is made does not count."""

    class Costly(nn.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * inputs.sum())
            return inputs

    layer = Costly()
    a = nn.Input((4,))
    model = nn.Model(a, layer(layer(a)))
    assert model.losses == []
    for _ in range(2):
        model(X)
        np.testing.assert_allclose([loss.item() for loss in model.losses], [0.66, 0.66], rtol=1e-5)


# Mistakes


def two():
    """A model of two inputs."""
    a, b = nn.Input((4,), name="a"), nn.Input((4,), name="b")
    return nn.Model([a, b], layers.Add()([a, b]), name="two")


def one():
    """A model of one input."""
    a = nn.Input((4,), name="a")
    return nn.Model(a, ones(1)(a), name="one")


MISTAKES = {
    "an input left out": (
        lambda: nn.Model(nn.Input((4,)), layers.Add()([nn.Input((4,)), nn.Input((4,))])),
        ag.StructureError, "which is not among the inputs",
    ),
    "no outputs": (lambda: nn.Model(nn.Input((4,))), ag.StructureError, "must be given together"),
    "an array for an output": (lambda: nn.Model(nn.Input((4,)), X), ag.ConversionError, "has a ndarray in it"),
    "a layer for an output": (lambda: nn.Model(nn.Input((4,)), ones(1)), ag.ConversionError, "has a Dense in it"),
    "empty": (lambda: nn.Model([], []), ag.StructureError, "inputs is empty"),
    "too few inputs": (lambda: two()([X]), ag.StructureError, "two: got 1 inputs; expected 2"),
    "a key that is missing": (lambda: two()({"a": X}), ag.StructureError, r"the inputs are called \['a', 'b'\]"),
    "rank": (lambda: one()(X[None]), ag.ShapeError, r"one: the input 'a' has shape \(1, 3, 4\); expected \(None, 4\)"),
    "width": (lambda: one()(X[:, :3]), ag.ShapeError, r"the input 'a' has shape \(3, 3\); expected \(None, 4\)"),
    "a sample alone": (lambda: one()(X[0]), ag.ShapeError, "needs a batch axis"),
    "shapes that do not add": (
        lambda: layers.Add()([nn.Input((5, 3)), nn.Input((4, 3))]), ag.ShapeError, "Add 'add': .*do not go together",
    ),
    "one input to add": (lambda: layers.Add()(nn.Input((3,))), ag.StructureError, "Add 'add': got one input"),
    "an unknown width": (
        lambda: layers.Dense(2)(layers.Flatten()(nn.Input((None, 3)))), ag.ShapeError, "Dense 'dense': .*known length",
    ),
    "no shape": (lambda: nn.Input(), ag.ShapeError, "Input: give the shape"),
    "a shape of words": (lambda: nn.Input(("a",)), ag.ShapeError, r"Input: the shape of one sample is \('a',\)"),
    "output of a layer never called": (lambda: ones(1).output, ag.StructureError, "not called on symbolic tensors"),
    "input of a model of no graph": (lambda: nn.Sequential([ones(1)]).input, ag.StructureError, "not known yet"),
    "a loss of another name": (
        lambda: two_outputs().compile("sgd", {"o3": "mse"}).fit(X, [X, X]), (ag.StructureError, AttributeError), ".*",
    ),
}  # fmt: skip


def two_outputs():
    """A model of two outputs."""
    a = nn.Input((4,), name="a")
    return nn.Model(a, [ones(1, name="o1")(a), ones(1, name="o2")(a)])


@pytest.mark.parametrize(("ask", "error", "match"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(ask, error, match):
    """Each is refused in words that name the model or layer and the fault."""
    with pytest.raises(error, match=match):
        ask()
