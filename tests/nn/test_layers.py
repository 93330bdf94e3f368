"""Layers: a table with one check of the contract for all, then what is particular to one."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.expected import layer_cases, recurrent_cases

RNG = np.random.default_rng(0)


def dense(x, kernel, bias=0.0, activation=lambda z: z):
    return activation(x @ kernel + bias)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Case:
    """A layer, the shape of an input, and its formula in NumPy: ``formula(x, *weights)``."""

    name: str
    make: Callable[..., nn.Layer]
    input_shape: tuple[int, ...]
    formula: Callable
    weights: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __str__(self):
        return self.name


CASES = (
    Case("Dense", lambda **o: nn.layers.Dense(4, **o), (5, 3), dense, {"kernel": (3, 4), "bias": (4,)}),
    Case(
        "Dense without bias",
        lambda **o: nn.layers.Dense(4, use_bias=False, **o),
        (5, 3), dense, {"kernel": (3, 4)},
    ),
    Case(
        "Dense along the last of three axes",
        lambda **o: nn.layers.Dense(2, activation="tanh", bias_initializer="ones", **o),
        (2, 5, 3), lambda x, w, b: np.tanh(x @ w + b), {"kernel": (3, 2), "bias": (2,)},
    ),
    Case(
        "Dense with softmax",
        lambda **o: nn.layers.Dense(4, activation="softmax", **o),
        (5, 3), lambda x, w, b: softmax(x @ w + b), {"kernel": (3, 4), "bias": (4,)},
    ),
    Case(
        "Dense with a function",
        lambda **o: nn.layers.Dense(4, activation=lambda z: z * z, **o),
        (5, 3), lambda x, w, b: (x @ w + b) ** 2, {"kernel": (3, 4), "bias": (4,)},
    ),
    Case("Activation relu", lambda **o: nn.layers.Activation("relu", **o), (2, 3), lambda x: np.maximum(x, 0)),
    Case("Activation sigmoid", lambda **o: nn.layers.Activation("sigmoid", **o), (4,), lambda x: 1 / (1 + np.exp(-x))),
    Case("Flatten", lambda **o: nn.layers.Flatten(**o), (2, 3, 4), lambda x: x.reshape(2, 12)),
    Case("Flatten of one axis", lambda **o: nn.layers.Flatten(**o), (3,), lambda x: x.reshape(3, 1)),
    Case(
        "Sequential",
        lambda **o: nn.Sequential([nn.layers.Flatten(**o), nn.layers.Dense(2, **o)]),
        (2, 3, 4), lambda x, w, b: x.reshape(2, 12) @ w + b, {"kernel": (12, 2), "bias": (2,)},
    ),
)  # fmt: skip


def test_every_layer_has_a_case():
    """A new layer cannot be left out: each is compared with Keras, or is random, or stands above."""
    tables = (layer_cases.CASES, recurrent_cases.CASES)
    compared = {type(case.make(nn)) for table in tables for case in table}
    random = {"AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "InputLayer", "Lambda"}
    random |= {f"SpatialDropout{rank}D" for rank in (1, 2, 3)}
    random |= {"GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "Wrapper"}  # inside the layers compared
    layers = {getattr(nn.layers, name) for name in nn.layers.__all__}
    layers = {layer for layer in layers if isinstance(layer, type)} - {nn.Layer}
    known = compared | {type(case.make()) for case in CASES} | {getattr(nn.layers, name) for name in random}
    assert layers - known == set()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_weights_follow_the_formula(case):
    """Made at the first call, in float64: the weights have the stated names and shapes, the value is the formula's."""
    layer = case.make(dtype="float64")
    x = RNG.normal(size=case.input_shape)
    value = layer(x)
    assert [weight.name.rpartition("/")[2] for weight in layer.weights] == list(case.weights)
    assert [weight.shape for weight in layer.weights] == list(case.weights.values())
    np.testing.assert_allclose(value.numpy(), case.formula(x, *layer.get_weights()), rtol=1e-12)
    assert layer.trainable_weights == layer.weights
    assert layer.built


@pytest.mark.parametrize("case", CASES, ids=str)
def test_dtype_is_float32_unless_another_is_asked_for(case):
    """float64 inputs are converted, and so are integers where there is something to compute."""
    layer = case.make()
    assert layer(RNG.normal(size=case.input_shape)).dtype == "float32"
    assert all(weight.dtype == "float32" for weight in layer.weights)
    if case.weights:
        assert layer(np.ones(case.input_shape, "uint8")).dtype == "float32"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_output_shape_is_known_without_a_call(case):
    """``compute_output_shape`` says what the call gives."""
    layer = case.make()
    got = layer(np.zeros(case.input_shape)).shape
    assert case.make().compute_output_shape((None, *case.input_shape[1:])) == (None, *got[1:])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_reach_inputs_and_weights(case):
    """The gradient of a random projection agrees with a central difference along a random direction."""
    layer = case.make(dtype="float64")
    x = ag.Variable(RNG.normal(size=case.input_shape))
    projection = RNG.normal(size=layer(x).shape)

    def value():
        return (layer(x) * projection).sum()

    variables = [x, *layer.weights]
    with ag.GradientTape() as tape:
        loss = value()
    gradients = tape.gradient(loss, variables)
    directions = [RNG.normal(size=variable.shape) for variable in variables]
    expected = sum((g.numpy() * d).sum() for g, d in zip(gradients, directions, strict=True))
    h, ends = 1e-6, []
    start = [variable.numpy() for variable in variables]
    for sign in (1, -1):
        for variable, first, direction in zip(variables, start, directions, strict=True):
            variable.assign(first + sign * h * direction)
        ends.append(value().item())
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), expected, rtol=1e-6, atol=1e-8)


# Which weights


def test_input_shape_makes_the_weights_before_the_first_call():
    """``input_shape=`` and ``input_dim=``, asked for by ``weights`` or by being added to a model."""
    assert [w.shape for w in nn.layers.Dense(4, input_shape=(3,)).weights] == [(3, 4), (4,)]
    assert [w.shape for w in nn.layers.Dense(4, input_dim=3).trainable_variables] == [(3, 4), (4,)]
    assert nn.layers.Dense(4).weights == []
    model = nn.Sequential([nn.layers.Flatten(input_shape=(2, 2)), nn.layers.Dense(3), nn.layers.Dense(5)])
    assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 5), (5,)]


def test_weights_are_found_in_definition_order():
    """Variables and layers in attributes, lists, tuples and dicts, each once, in the order of the attributes."""

    class Nest(nn.Layer):
        def __init__(self):
            super().__init__()
            self.first = ag.Variable(1.0, name="first")
            self.blocks = []
            self.table = {"a": ag.Variable(2.0, name="a"), "pair": (nn.layers.Dense(1, input_dim=1, name="in_dict"), 7)}
            self.last = ag.Variable(3.0, name="last", trainable=False)
            self.again = self.first
            self.size = (1, 2)
            self.blocks.append(nn.layers.Dense(1, input_dim=1, use_bias=False, name="in_list"))

        def call(self, inputs):
            return inputs

    nest = Nest()
    names = ["first", "in_list/kernel", "a", "in_dict/kernel", "in_dict/bias", "last"]
    assert [w.name for w in nest.weights] == names
    assert [w.name for w in nest.trainable_variables] == names[:-1]
    assert [w.name for w in nest.non_trainable_weights] == ["last"]
    nest.table["pair"][0].trainable = False
    assert [w.name for w in nest.trainable_weights] == ["first", "in_list/kernel", "a"]
    del nest.table
    nest.blocks = None
    assert [w.name for w in nest.weights] == ["first", "last"]


def test_a_layer_shared_or_referring_back_is_counted_once():
    """A layer in two places, and a layer that knows its owner."""
    shared = nn.layers.Dense(2, input_dim=2)

    class Twice(nn.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = shared, shared
            shared.owner = self

        def call(self, x):
            return self.two(self.one(x))

    model = Twice()
    assert model(np.ones((1, 2))).shape == (1, 2)
    assert len(model.weights) == 2
    assert model.layers == [shared]


def test_a_layer_of_one_s_own():
    """``build`` with ``add_weight``, called once; ``training`` is handed over only where it is wanted."""
    seen = []

    class Scale(nn.Layer):
        def build(self, input_shape):
            seen.append(input_shape)
            self.factor = self.add_weight(input_shape[-1:], "ones", name="factor")

        def call(self, inputs, training=None):
            seen.append(training)
            return inputs * self.factor * (2.0 if training else 1.0)

    layer = Scale()
    np.testing.assert_array_equal(layer([[1.0, 2.0]]).numpy(), [[1, 2]])
    np.testing.assert_array_equal(layer([[1.0, 2.0]], training=True).numpy(), [[2, 4]])
    assert seen == [(None, 2), None, True]
    assert layer.factor.name == "scale/factor"
    nn.layers.Dense(2)(np.ones((1, 2)), training=True, mask=None)  # has no such parameters, and is not given them
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        layer(np.ones((1, 2)), colour="red")


def test_several_inputs():
    """A list or dict of inputs is converted entry by entry, and ``build`` sees a structure of shapes."""
    seen = []

    class Add(nn.Layer):
        def build(self, input_shape):
            seen.append(input_shape)

        def call(self, inputs, *, scale=1.0):
            parts = inputs.values() if isinstance(inputs, dict) else inputs
            return sum(parts) * scale

    x, y = np.ones((2, 3)), np.ones((2, 3), "float32")
    assert Add()([x, y]).dtype == "float32"
    np.testing.assert_array_equal(Add()({"a": x, "b": y}, scale=3.0).numpy(), np.full((2, 3), 6.0))
    assert seen == [[(None, 3), (None, 3)], {"a": (None, 3), "b": (None, 3)}]


def test_the_caller_s_array_may_change_afterwards():
    """A tape keeps what the layer was given, not the array it came in."""
    layer = nn.layers.Dense(1, use_bias=False)
    x = np.ones((2, 3), "float32")
    with ag.GradientTape() as tape:
        loss = layer(x).sum()
    x[:] = 7.0
    np.testing.assert_array_equal(tape.gradient(loss, layer.kernel).numpy(), np.full((3, 1), 2.0))


def test_weights_out_and_in():
    """``get_weights`` and ``set_weights`` are inverse, and the arrays are the caller's own."""
    first, second = (nn.layers.Dense(4, input_dim=3) for _ in range(2))
    second.set_weights(first.get_weights())
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ag.StructureError, match="got 1 arrays; this Dense has 2 weights: dense/kernel, dense/bias"):
        first.set_weights([np.zeros((3, 4))])
    with pytest.raises(ag.ShapeError, match=r"'dense/bias' has shape \(3,\); expected \(4,\)"):
        first.set_weights([np.zeros((3, 4)), np.zeros(3)])
    assert first.count_params() == 16


# Names


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("Dense", "dense"),
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("LSTM", "lstm"),
        ("GRUCell", "gru_cell"),
        ("LayerNormalization", "layer_normalization"),
    ],
)
def test_default_names(class_name, expected):
    """The class's name with underscores."""
    assert type(class_name, (nn.Layer,), {})().name == expected


def test_names_in_a_model_differ():
    """The second of a kind gets a number; names chosen by the user stay."""
    model = nn.Sequential([nn.layers.Dense(1), nn.layers.Dense(1), nn.layers.Dense(1, name="mine"), nn.layers.Dense(1)])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "mine", "dense_2"]
    assert model.get_layer("dense_1") is model.layers[1]
    assert model.get_layer(index=2).name == "mine"
    with pytest.raises(ag.DomainError, match="no layer is called 'dense_9'; known: dense, dense_1, mine, dense_2"):
        model.get_layer("dense_9")
    with pytest.raises(ag.StructureError, match="called 'mine' already"):
        model.add(nn.layers.Dense(1, name="mine"))


# Bad input


@pytest.mark.parametrize(
    ("ask", "error", "match"),
    [
        (lambda: nn.layers.Dense(0), ag.DomainError, "units is 0"),
        (lambda: nn.layers.Dense(2.5), ag.DomainError, "units is 2.5"),
        (
            lambda: nn.layers.Dense(2, activation="rellu"),
            ag.DomainError,
            "no activation is called 'rellu'; did you mean 'relu'. Known: .*relu",
        ),
        (lambda: nn.layers.Dense(2, activation=3), ag.ConversionError, "got a int"),
        (
            lambda: nn.layers.Dense(2)(np.ones(3)),
            ag.ShapeError,
            r"Dense 'dense': the input has shape \(3,\).*batch axis",
        ),
        (lambda: nn.layers.Dense(2)(1.0), ag.ShapeError, "Dense 'dense'"),
        (lambda: nn.layers.Flatten()(1.0), ag.ShapeError, "batch axis"),
        (lambda: nn.Layer()(np.ones(2)), TypeError, "does not define call"),
        (lambda: nn.layers.Dense(2, colour="red"), TypeError, "colour"),
        (lambda: nn.Sequential([abs]), ag.ConversionError, "got a builtin_function_or_method; expected a layer"),
        (lambda: nn.Sequential().pop(), ag.StructureError, "there is no layer"),
    ],
)
def test_bad_input(ask, error, match):
    """Each is refused in words that name the layer and the fault."""
    with pytest.raises(error, match=match):
        ask()


def test_an_input_of_another_width():
    """The layer says what it was built for."""
    layer = nn.layers.Dense(2, name="narrow")
    layer(np.ones((1, 3)))
    with pytest.raises(ag.ShapeError, match=r"Dense 'narrow': the input has shape \(1, 4\).* of length 3"):
        layer(np.ones((1, 4)))


def test_super_init_forgotten():
    """Assigning a layer before ``super().__init__()`` says what is missing."""

    class Hasty(nn.Model):
        def __init__(self):
            self.dense = nn.layers.Dense(2)

    with pytest.raises(ag.AutogradError, match=r"Hasty.dense: call super\(\).__init__\(\) before"):
        Hasty()


# Initializers and activations


def test_glorot_uniform():
    """Within the stated limit, of about its variance, the same for the same seed, new at each call."""
    values = nn.initializers.GlorotUniform(seed=3)((200, 300)).numpy()
    limit = np.sqrt(6 / 500)
    assert values.dtype == "float32"
    assert limit * 0.99 < np.abs(values).max() <= limit * (1 + 1e-6)
    np.testing.assert_allclose(values.var(), limit**2 / 3, rtol=0.02)
    again = nn.initializers.GlorotUniform(seed=3)
    np.testing.assert_array_equal(again((200, 300)).numpy(), values)
    assert (again((200, 300)).numpy() != values).any()
    shared = np.random.default_rng(3)
    np.testing.assert_array_equal(nn.initializers.GlorotUniform(shared)((200, 300)).numpy(), values)


def test_fans_of_windows_and_vectors():
    """A convolution's kernel counts its window; a vector counts its length, a number 1."""
    for shape, total in (((3, 3, 8, 16), 9 * 24), ((5,), 10), ((), 2)):
        values = nn.initializers.GlorotUniform(seed=0)(shape, dtype="float64").numpy()
        assert np.abs(values).max() <= np.sqrt(6 / total)


def test_other_initializers():
    """Their stated ranges, means and dtypes; by name, class, function."""
    uniform = nn.initializers.RandomUniform(-2.0, -1.0, seed=1)((1000,)).numpy()
    assert -2 <= uniform.min() < -1.98
    assert -1.02 < uniform.max() <= -1
    normal = nn.initializers.RandomNormal(mean=5.0, stddev=0.1, seed=1)((10000,), dtype="float64").numpy()
    np.testing.assert_allclose([normal.mean(), normal.std()], [5.0, 0.1], rtol=0.02)
    for name in (
        "zeros",
        "Zeros",
        nn.initializers.Zeros,
        nn.initializers.Zeros(),
        lambda shape, dtype: np.zeros(shape),
    ):
        layer = nn.layers.Dense(2, kernel_initializer=name, input_dim=3)
        np.testing.assert_array_equal(layer.get_weights()[0], np.zeros((3, 2)))
    with pytest.raises(
        ag.DomainError, match=r"no initializer is called 'glorot'; did you mean .*Known: .*GlorotUniform"
    ):
        nn.initializers.get("glorot")
    with pytest.raises(ag.DomainError, match=r"minval is 1\.0"):
        nn.initializers.RandomUniform(1.0, 0.0)


def test_activations_by_name():
    """Each name is its function; None is the identity."""
    for name in set(nn.activations.__all__) - {"get"}:
        assert nn.activations.get(name) is getattr(nn.activations, name)
    assert nn.activations.get(None) is nn.activations.linear
