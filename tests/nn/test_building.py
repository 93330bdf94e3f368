"""When a layer is built: after ``build``, whoever calls it, and only once; a ``build`` that raises leaves nothing."""

import re

import numpy as np
import pytest

import autograd_core as ag
import nn

BATCH = np.ones((4, 3), "float32")


class Scale(nn.Layer):
    """Weights of its own, and a count of how often they were made."""

    made = 0

    def build(self, input_shape):
        self.made += 1
        self.factor = self.add_weight(input_shape[-1:], "ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


class Shifted(Scale):
    """More weights than the class above."""

    def build(self, input_shape):
        super().build(input_shape)
        self.built_before_the_end = self.built
        self.shift = self.add_weight(input_shape[-1:], "zeros", name="shift")

    def call(self, inputs):
        return super().call(inputs) + self.shift


class Alone(nn.layers.Dense):
    """A ``build`` that does not call that of the class above."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), "ones", name="kernel")
        self.bias = None


class Parent(nn.Layer):
    """Builds the layers below, as Keras recommends."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = nn.layers.Dense(5), nn.layers.Dense(2)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(self.first.compute_output_shape(input_shape))

    def call(self, inputs):
        return self.second(self.first(inputs))


class Net(nn.Model):
    """A model with a ``build`` of its own, and a layer that is built by the call."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner, self.last = Parent(), nn.layers.Dense(1)

    def build(self, input_shape):
        self.inner.build(input_shape)
        self.offset = self.add_weight((1,), "zeros", name="offset")

    def call(self, inputs):
        return self.last(self.inner(inputs)) + self.offset


MAKERS = {
    "Dense": lambda: nn.layers.Dense(2),
    "LayerNormalization": nn.layers.LayerNormalization,
    "BatchNormalization": nn.layers.BatchNormalization,
    "user": Scale,
    "super": Shifted,
    "no super": lambda: Alone(2),
    "parent": Parent,
    "Sequential": lambda: nn.Sequential([nn.layers.Dense(2), Scale()]),
    "no weights": nn.layers.Flatten,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_built_by_hand(make):
    """A direct call of ``build`` is the only one: what was set then is what the first call uses."""
    layer = make()
    assert not layer.built
    layer.build((None, 3))
    assert layer.built
    weights = layer.weights
    layer.set_weights([np.full(weight.shape, 0.5) for weight in weights])
    layer(BATCH)
    assert [id(weight) for weight in layer.weights] == [id(weight) for weight in weights]
    assert all(np.all(weight == 0.5) for weight in layer.trainable_weights)


def test_values():
    """A Dense layer with weights of one's own computes with them."""
    dense = nn.layers.Dense(2)
    dense.build((None, 3))
    dense.set_weights([np.ones((3, 2)), np.zeros(2)])
    np.testing.assert_array_equal(dense(np.ones((1, 3), "float32")), [[3.0, 3.0]])


@pytest.mark.parametrize("kind", [Scale, Shifted])
def test_once(kind):
    """``super().build`` is a part of ``build``, not one of its own; a call on data builds once, too."""
    layer = kind()
    layer(BATCH)
    layer(BATCH)
    assert layer.built
    assert layer.made == 1
    assert not getattr(layer, "built_before_the_end", False)


def test_other_shapes():
    """``build`` may take more than one shape, by name as well."""
    attention = nn.layers.MultiHeadAttention(2, 3)
    attention.build((None, 4, 6), (None, 5, 7))
    weights = attention.get_weights()
    attention(np.ones((1, 4, 6), "float32"), np.ones((1, 5, 7), "float32"))
    assert len(weights) == len(attention.weights) == 8
    dense = nn.layers.Dense(2)
    dense.build(input_shape=(None, 3))
    assert dense.built


def test_wrapped():
    """A layer that was built by hand keeps its weights in a wrapper, in a cell, and in a Sequential."""
    dense, cell = nn.layers.Dense(2), nn.layers.LSTMCell(2)
    dense.build((None, 3))
    cell.build((None, 3))
    kernel = dense.kernel.numpy()
    nn.layers.TimeDistributed(dense)(np.ones((1, 4, 3), "float32"))
    nn.layers.RNN(cell)(np.ones((1, 4, 3), "float32"))
    nn.Sequential([dense])(BATCH)
    np.testing.assert_array_equal(dense.kernel, kernel)
    assert (len(dense.weights), len(cell.weights)) == (2, 3)


def test_model(tmp_path):
    """A model's own ``build`` makes it built; what it did not build is built by the call, and files fit both."""
    pytest.importorskip("safetensors")
    net = Net()
    net.build((None, 3))
    assert net.built
    kept = net.get_weights()
    expected = net(BATCH)
    assert len(net.weights) == 7
    for weight, value in zip(net.weights[:1], kept[:1], strict=True):
        np.testing.assert_array_equal(weight, value)
    net.save_weights(tmp_path / "net.safetensors")
    other = Net()
    with pytest.raises(ag.StructureError, match="no weights yet"):
        other.load_weights(tmp_path / "net.safetensors")
    other.build((None, 3))
    with pytest.raises(ag.StructureError, match=r"Not built yet in the model: '\w+'; call the model on data"):
        other.load_weights(tmp_path / "net.safetensors")
    other(BATCH)
    other.load_weights(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(other(BATCH), expected)
    net.save(tmp_path / "whole.safetensors")
    again = nn.models.load_model(tmp_path / "whole.safetensors", {"Net": Net, "Parent": Parent})
    np.testing.assert_array_equal(again(BATCH), expected)


class Fails(nn.Layer):
    """Raises after half of the work, unless the shape is even."""

    def __init__(self):
        super().__init__()
        self.inside, self.more = Scale(), []

    def build(self, input_shape):
        self.kept = self.add_weight((2,), name="kept", regularizer="l2")
        self.inside.build(input_shape)
        self.more.append(nn.layers.Dense(1))
        self.more[0].build(input_shape)
        self.made = ag.Variable(np.ones(2))
        if input_shape[-1] % 2:
            raise ag.ShapeError("odd")
        self.late = self.add_weight((2,), name="late")

    def call(self, inputs):
        return self.more[0](self.inside(inputs))


@pytest.mark.parametrize("how", ["build", "call"])
def test_raises(how):
    """A ``build`` that raises leaves the layer, and those below it, as they were; the next one starts afresh."""
    layer = Fails()
    with pytest.raises(ag.ShapeError, match="odd"):
        layer.build((None, 3)) if how == "build" else layer(BATCH)
    assert not layer.built
    assert not layer.inside.built
    assert layer.weights == layer.losses == layer.more == []
    assert not hasattr(layer, "kept")
    assert not hasattr(layer, "made")
    layer(np.ones((2, 4), "float32"))
    assert layer.built
    assert [weight.shape for weight in layer.weights] == [(2,), (2,), (4,), (4, 1), (1,), (2,)]
    assert len(layer.losses) == 1


def test_raises_in_a_list():
    """A failure that is caught on the way undoes only the layer that failed."""

    class Tries(nn.Layer):
        def __init__(self):
            super().__init__()
            self.good, self.bad = Scale(), Fails()

        def build(self, input_shape):
            self.good.build(input_shape)
            with pytest.raises(ag.ShapeError):
                self.bad.build(input_shape)

    layer = Tries()
    layer.build((None, 3))
    assert (layer.built, layer.good.built, layer.bad.built) == (True, True, False)
    assert len(layer.weights) == 1


def test_recurrent_name():
    """The name of a cell does not grow with each failure."""
    layer = nn.layers.LSTM(2)
    for _ in range(2):
        with pytest.raises(ag.ShapeError):
            layer.build((None, 4, None))
    layer.build((None, 4, 3))
    assert layer.weights[0].name == "lstm/lstm_cell/kernel"


@pytest.mark.parametrize("name", ["Dense", "user", "super", "parent"])
def test_twice(name):
    """Building again would make other weights: it is refused, and nothing is changed."""
    layer = MAKERS[name]()
    layer.build((None, 3))
    weights = layer.weights
    with pytest.raises(ag.StructureError, match=r"is built already.*kernel|is built already.*factor"):
        layer.build((None, 3))
    assert layer.built
    assert all(one is other for one, other in zip(layer.weights, weights, strict=True))
    layer(BATCH)


@pytest.mark.parametrize("name", ["no weights", "Sequential"])
def test_twice_without_loss(name):
    """Where nothing is made, building again does nothing."""
    layer = MAKERS[name]()
    layer.build((None, 3))
    before = layer.weights
    layer.build((None, 3))
    assert all(one is other for one, other in zip(layer.weights, before, strict=True))


def test_calls_itself():
    """A ``build`` may call its own layer, as models do that make their weights by a call on ones."""

    class Eager(nn.Model):
        def __init__(self):
            super().__init__()
            self.dense = nn.layers.Dense(2)

        def build(self, input_shape):
            self(np.ones((1, *input_shape[1:]), "float32"))

        def call(self, inputs):
            return self.dense(inputs)

    model = Eager()
    model.build((None, 3))
    assert model.built
    assert len(model.weights) == 2


def test_traced():
    """Layers that are built by a ``build`` inside a trace have ordinary weights."""
    parent = Parent()
    value = ag.function(lambda x: parent(x))(BATCH)
    np.testing.assert_allclose(value, parent(BATCH), rtol=1e-6)
    assert len(parent.weights) == 4


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.layers.Dense(2), (3,)),
        (lambda: nn.layers.Conv2D(2, 3), (5, 5, 3)),
        (lambda: nn.layers.LSTM(2), (4, 3)),
        (lambda: nn.layers.TimeDistributed(nn.layers.Dense(2)), (4, 3)),
    ],
    ids=["Dense", "Conv2D", "LSTM", "TimeDistributed"],
)
def test_shape_in_words(make, shape):
    """A layer that refuses its first input says the shape that it has; asked for any batch, it says so."""
    layer = make()
    with pytest.raises(ag.ShapeError, match=re.escape(f"the input has shape {shape}; expected")):
        layer(np.ones(shape))
    with pytest.raises(ag.ShapeError, match=r"the input has shape \(None,.*; expected"):
        layer.build((None, *shape[1:]))
