"""Recurrent layers: against Keras's values, the fused way against the composed one, dropout, states, bad input."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
from nn import layers
from tests.nn.expected.recurrent_cases import CASES
from tests.nn.layers import keras_values

KINDS = (layers.SimpleRNN, layers.LSTM, layers.GRU)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5)).astype("float32")
RECURRENT = [case for case in CASES if case.name.startswith(("SimpleRNN", "LSTM", "GRU", "RNN"))]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", RECURRENT, ids=str)
def test_like_keras(case, dtype):
    """Outputs and gradients in weights and inputs."""
    keras_values.check(case, dtype)


# -- the fused LSTM ----------------------------------------------------------------------------------------------------


def tanh(x):
    """Not ``nn.activations.tanh``: the layer cannot know that it is the same."""
    return anp.tanh(x)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_fused_lstm_is_the_composed_one(every, masked):
    """A layer with an activation of the user's own takes another way to the same values, and the same gradients."""
    mask = RNG.uniform(size=X.shape[:2]) > 0.4 if masked else None
    found = []
    for activation in ("tanh", tanh):
        layer = layers.LSTM(3, activation=activation, return_sequences=every, return_state=True, dtype="float64")
        x = ag.Variable(X.astype("float64"))
        layer(x)
        layer.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in layer.weights])
        with ag.GradientTape() as tape:
            outputs = layer(x, mask=mask)
            total = sum((anp.sin(3 * output)).sum() for output in outputs)
        found.append([*outputs, *tape.gradient(total, [x, *layer.trainable_weights])])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("masked", [False, True])
def test_second_order_through_the_layer(masked):
    """The gradient of a norm of the gradient agrees with differences."""
    layer = layers.LSTM(2, dtype="float64")
    x = X[:2, :3, :2].astype("float64")
    mask = np.array([[True, False, True], [False, True, True]]) if masked else None
    layer(x)

    def slope(x):
        return anp.sum(anp.square(ag.grad(lambda x: anp.sum(anp.square(layer(x, mask=mask))))(x)))

    ag.testing.check_grads(slope, (x,), order=1, modes=("rev",))


def test_rule_without_what_the_forward_pass_kept():
    """Two applications do not share buffers, and the gradient of the first is right after the second."""
    layer = layers.LSTM(2, dtype="float64")
    one, other = ag.Variable(X[:1].astype("float64")), ag.Variable(X[1:2].astype("float64"))
    layer(one)
    with ag.GradientTape(persistent=True) as tape:
        first = layer(one).sum()
        second = layer(other).sum()
    with ag.GradientTape() as alone:
        again = layer(one).sum()
    np.testing.assert_array_equal(tape.gradient(first, one).numpy(), alone.gradient(again, one).numpy())
    assert tape.gradient(second, one) is None


def test_lstm_operation_names_wrong_shapes():
    """Shapes given and expected."""
    zeros = np.zeros
    with pytest.raises(ag.ShapeError, match=r"lstm: .*\(2, 3, 4\), \(4, 9\).*expected .*4 units"):
        anp.lstm(zeros((2, 3, 4)), zeros((4, 9)), zeros((2, 8)), zeros(8), zeros((2, 2)), zeros((2, 2)))
    with pytest.raises(ag.ShapeError, match=r"lstm: the mask has shape \(3,\); expected .*\(2, 3\)"):
        anp.lstm(zeros((2, 3, 4)), zeros((4, 8)), zeros((2, 8)), zeros(8), zeros((2, 2)), zeros((2, 2)), zeros(3))
    with pytest.raises(ag.DtypeError, match="lstm: got complex numbers"):
        anp.lstm(zeros((2, 3, 4), complex), zeros((4, 8)), zeros((2, 8)), zeros(8), zeros((2, 2)), zeros((2, 2)))


# -- dropout -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}], ids=str)
def test_dropout(kind, options):
    """Random in training and only then; the same for the same seed; the dtype stays."""
    layer = kind(4, seed=1, return_sequences=True, **options)
    quiet = layer(X)
    first, second = layer(X, training=True), layer(X, training=True)
    np.testing.assert_array_equal(layer(X).numpy(), quiet.numpy())
    assert first.dtype == "float32"
    assert np.abs(first.numpy() - second.numpy()).max() > 1e-3
    twin = kind(4, seed=1, return_sequences=True, **options)
    twin(X)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(X, training=True).numpy(), first.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_dropped_inputs_are_the_same_in_all_steps(kind):
    """With one feature and one sequence, either all inputs are dropped or none."""
    layer = kind(2, dropout=0.5, seed=0, activation="linear", return_sequences=True)
    x = np.ones((1, 6, 1), "float32")
    layer(x)
    kernel, recurrent, bias = layer.get_weights()
    layer.set_weights([np.ones_like(kernel), np.zeros_like(recurrent), np.zeros_like(bias)])
    outputs = np.array([layer(x, training=True).numpy() for _ in range(20)])
    if kind is layers.SimpleRNN:
        assert set(np.unique(outputs)) == {0.0, 2.0}
    dropped = (outputs == 0).all(axis=(1, 2, 3))
    assert 0 < dropped.sum() < 20
    assert (outputs[~dropped] != 0).all()


def test_cell_keeps_what_it_drops_until_told():
    """As in Keras: a loop of one's own drops the same entries in each step."""
    cell = layers.GRUCell(3, dropout=0.5, recurrent_dropout=0.5, seed=0)
    x, states = X[:, 0], [np.ones((3, 3), "float32")]
    first, _ = cell(x, states, training=True)
    np.testing.assert_array_equal(cell(x, states, training=True)[0].numpy(), first.numpy())
    cell.reset_dropout_mask()
    assert np.abs(cell(x, states, training=True)[0].numpy() - first.numpy()).max() > 0


# -- cells and states --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_cell_by_cell(kind):
    """A loop over the cell gives what the layer gives."""
    layer = kind(4)
    expected = layer(X).numpy()
    states = layer.get_initial_state(3)
    for step in range(4):
        output, states = layer.cell(X[:, step], states)
    np.testing.assert_allclose(output.numpy(), expected, rtol=2e-6, atol=2e-7)


def test_cell_of_ones_own():
    """Any object with ``call`` and ``state_size``; a layer among them has its weights trained."""

    class Minimal(nn.Layer):
        state_size = 2

        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1], 2), name="kernel")

        def call(self, inputs, states):
            output = anp.matmul(inputs, self.kernel) + 0.5 * states[0]
            return output, [output]

    class Sum:
        state_size = 5

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

    layer = layers.RNN(Minimal(), return_sequences=True, return_state=True)
    outputs, state = layer(X)
    products = X @ layer.get_weights()[0]
    np.testing.assert_allclose(outputs.numpy()[:, 1], products[:, 1] + 0.5 * products[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(state.numpy(), outputs.numpy()[:, -1])
    np.testing.assert_allclose(layers.RNN(Sum())(X).numpy(), X.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(layers.RNN([Sum(), Minimal()])(X).shape, (3, 2))


def test_stacked_states():
    """One list of states for each cell, given and taken."""
    layer = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], return_state=True)
    output, first, second = layer(X)
    assert (output.shape, [s.shape for s in first], [s.shape for s in second]) == ((3, 3), [(3, 2)] * 2, [(3, 3)])
    again = layer(X, initial_state=[first, second])[0].numpy()
    assert np.abs(again - output.numpy()).max() > 1e-4
    assert [weight.name for weight in layer.weights][:2] == ["lstm_cell/kernel", "lstm_cell/recurrent_kernel"]


@pytest.mark.parametrize("kind", KINDS)
def test_stateful_is_one_long_sequence(kind):
    """Two halves one after the other give what the whole gives; reset_state forgets."""
    layer = kind(3, stateful=True)
    whole = layer(X).numpy()
    layer.reset_state()
    layer(X[:, :2])
    np.testing.assert_allclose(layer(X[:, 2:]).numpy(), whole, rtol=1e-6)
    with pytest.raises(ag.ShapeError, match=r"shape \(2, 4, 5\); expected 3 sequences .*reset_state\(\)"):
        layer(X[:2])
    layer.reset_state()
    assert layer(X[:2]).shape == (2, 3)
    assert len(layer.weights) == 3


def test_encoder_and_decoder():
    """States of one layer are the first ones of another, in a functional model."""
    source, target = nn.Input((None, 5)), nn.Input((None, 2))
    _, *states = layers.LSTM(3, return_state=True)(source)
    model = nn.Model([source, target], layers.LSTM(3, return_sequences=True)(target, initial_state=states))
    assert model([X, np.ones((3, 7, 2), "float32")]).shape == (3, 7, 3)
    assert model.output_shape == (None, None, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_before_data(kind):
    """Known from the shape of the input, with lengths that are not."""
    x = nn.Input((None, 8))
    assert kind(3)(x).shape == (None, 3)
    assert kind(3, return_sequences=True)(x).shape == (None, None, 3)
    assert [s.shape for s in kind(3, return_state=True)(x)][:2] == [(None, 3)] * 2
    assert kind(3, input_shape=(None, 8)).count_params() > 0


def test_numbers_and_sizes():
    """Integers are converted; an empty batch gives an empty result; weights are initialised as Keras does it."""
    assert layers.LSTM(2)(np.ones((1, 3, 2), int)).dtype == "float32"
    for kind in KINDS:
        assert kind(2)(np.zeros((0, 3, 2), "float32")).shape == (0, 2)
    layer = layers.LSTM(2, input_shape=(None, 3))
    np.testing.assert_array_equal(layer.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])
    recurrent = layer.get_weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(2), atol=1e-6)
    assert layers.GRU(2, input_shape=(None, 3)).get_weights()[2].shape == (2, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_config(kind):
    """A layer made from the config has the same options, in the cell too."""
    layer = kind(3, activation="relu", dropout=0.2, seed=4, go_backwards=True, kernel_regularizer="l2", name="x")
    twin = kind.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    assert (twin.units, twin.dropout, twin.go_backwards, twin.activation) == (3, 0.2, True, layer.activation)
    stacked = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3, reset_after=False)], return_state=True)
    twin = layers.RNN.from_config(stacked.get_config())
    assert twin.get_config() == stacked.get_config()
    assert [type(cell) for cell in twin.cell.cells] == [layers.LSTMCell, layers.GRUCell]
    assert not twin.cell.cells[1].reset_after


def test_regularizer_and_frozen_layer():
    """Penalties of the cell's weights are among the layer's losses; a frozen layer trains nothing."""
    layer = layers.LSTM(2, kernel_regularizer="l2")
    layer(X)
    assert len(layer.losses) == 1
    layer.trainable = False
    assert (layer.trainable_weights, len(layer.weights)) == ([], 3)
    assert layers.LSTM(2, trainable=False, input_shape=(None, 2)).trainable_weights == []


def test_learns():
    """fit with masks: which of two words came first."""
    words = RNG.integers(1, 3, (64, 6))
    words[:, 4:] = 0
    model = nn.Sequential([layers.Embedding(3, 4, mask_zero=True), layers.LSTM(8), layers.Dense(2)])
    model.compile("adam", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.learning_rate = 0.03
    losses = model.fit(words, words[:, 0] - 1, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


# -- bad input ---------------------------------------------------------------------------------------------------------


def built(kind=layers.LSTM, **options):
    layer = kind(2, name="memory", **options)
    layer(X)
    return layer


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: built()(X[0]), ag.ShapeError, r"LSTM 'memory': .*\(4, 5\); expected .*features\).*x\[None\]"),
        (lambda: layers.GRU(2)(X[..., None]), ag.ShapeError, r"GRU 'gru': .*\(3, 4, 5, 1\); expected \(batch, time"),
        (lambda: built()(X[..., :3]), ag.ShapeError, r"LSTM 'memory': .*\(3, 4, 3\); expected 5 features"),
        (lambda: built().cell(X[:, 0, :3], [np.zeros((3, 2))] * 2), ag.ShapeError, r"\(3, 3\); expected 5 features"),
        (lambda: built()(X[:, :0]), ag.ShapeError, r"\(3, 0, 5\); expected at least one time step"),
        (lambda: layers.LSTM(2)(nn.Input((4, None))), ag.ShapeError, "known number of features"),
        (lambda: built()(X, initial_state=[np.zeros((3, 2))]), ag.StructureError, "has 1 entries; expected 2"),
        (lambda: built()(X, initial_state=[np.zeros((3, 2)), np.zeros((2, 2))]), ag.ShapeError,
         r"'memory': initial_state\[1\] has shape \(2, 2\); expected \(3, 2\)"),
        (lambda: built()(X, mask=np.ones((3, 5), bool)), ag.ShapeError, r"shape \(3, 5\); expected .*\(3, 4\)"),
        (lambda: layers.LSTM(0), ag.DomainError, "LSTMCell: units is 0; expected an integer of at least 1"),
        (lambda: layers.GRU(2, dropout=1.0), ag.DomainError, "GRUCell: dropout is 1.0; expected a number from 0"),
        (lambda: layers.GRU(2, recurrent_dropout=-0.1), ag.DomainError, "recurrent_dropout is -0.1"),
        (lambda: layers.RNN("lstm"), ag.ConversionError, "RNN: a cell is a str without 'call'.*LSTMCell"),
        (lambda: layers.RNN([]), ag.StructureError, "the list of cells is empty"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, message):
    """The layer, what was given, what was expected."""
    with pytest.raises(error, match=message):
        call()
