"""Every layer, loss and activation inside a traced function: values, gradients and state as eagerly."""

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import layers
from nn.shapes import leaves, map_structure
from tests.nn.expected import activation_cases, layer_cases, losses_cases, recurrent_cases


def single(structure):
    """Floats in single precision; everything as arrays."""
    return map_structure(lambda a: a.astype("float32") if np.asarray(a).dtype.kind == "f" else a, structure)


def number(value):
    """A sum in which every entry counts differently."""
    weights = np.linspace(0.5, 1.5, value.size).reshape(value.shape).astype(value.dtype)
    return (value * weights).sum()


class Called:
    """A call of a layer with its gradients, as one flat list of Tensors."""

    def __init__(self, layer, as_list=False, **options):
        self.layer, self.as_list, self.options = layer, as_list, options

    def __call__(self, *inputs):
        sources = [x for x in inputs if x.dtype.kind == "f"]
        with ag.GradientTape() as tape:
            tape.watch(sources)
            out = self.layer(list(inputs), **self.options) if self.as_list else self.layer(*inputs, **self.options)
            outputs = [value for value in leaves(out) if value is not None]
            losses = [number(value) for value in outputs if value.dtype.kind == "f"] + self.layer.losses
            loss = sum(losses, 0.0)
        variables = [*sources, *self.layer.trainable_variables]
        return [*outputs, *tape.gradient(loss, variables, unconnected_gradients="zero")] if variables else outputs


def assert_close(got, wanted, what=""):
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    got, wanted = np.asarray(got.numpy()), np.asarray(wanted.numpy())
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0) if wanted.dtype.kind == "f" else 1.0
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * scale, err_msg=what)


def compare(layer, inputs, calls=2, traces=1, **options):
    """Call a copy of a built layer eagerly and another in a traced function: all that can be seen must be equal."""
    eager, traced = Called(copy.deepcopy(layer), **options), Called(copy.deepcopy(layer), **options)
    function = ag.function(traced.__call__, jit="numpy")
    for call in range(calls):
        arrays = [ag.constant(a * (1 + call / 4) if a.dtype.kind == "f" else a) for a in inputs]
        wanted, got = eager(*arrays), function(*arrays)
        assert len(got) == len(wanted)
        for a, b in zip(wanted, got, strict=True):
            assert_close(b, a)
        for a, b in zip(eager.layer.weights, traced.layer.weights, strict=True):
            assert_close(b, a, a.name)
    assert function.traces == traces
    return eager.layer, traced.layer


@pytest.mark.parametrize("case", layer_cases.CASES, ids=str)
def test_every_layer(case):
    layer, inputs = case.make(nn), single(case.inputs())
    layer(inputs if len(inputs) > 1 else inputs[0])
    options = {} if case.training is None else {"training": case.training}
    compare(layer, inputs, as_list=len(inputs) > 1, **options)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", recurrent_cases.CASES, ids=str)
def test_every_recurrent_and_attention_layer(case, training):
    layer, inputs = case.make(nn), single(list(case.inputs))
    kwargs = single(case.kwargs)
    layer(inputs, **kwargs) if case.as_list else layer(*inputs, **kwargs)
    if hasattr(layer, "reset_state"):
        layer.reset_state()
    traces = 2 if getattr(layer, "stateful", False) else 1  # without states from a batch before, and with them
    compare(layer, inputs, calls=3, traces=traces, as_list=case.as_list, training=training, **kwargs)


RANDOM = {
    "Dropout": layers.Dropout(0.3, seed=1),
    "Dropout of features": layers.Dropout(0.3, noise_shape=(None, 1, None), seed=1),
    "SpatialDropout1D": layers.SpatialDropout1D(0.3, seed=1),
    "AlphaDropout": layers.AlphaDropout(0.3, seed=1),
    "GaussianDropout": layers.GaussianDropout(0.3, seed=1),
    "GaussianNoise": layers.GaussianNoise(0.3, seed=1),
    "LSTM": layers.LSTM(3, dropout=0.3, recurrent_dropout=0.2, seed=1),
    "GRU": layers.GRU(3, dropout=0.3, recurrent_dropout=0.2, seed=1, return_sequences=True),
    "SimpleRNN": layers.SimpleRNN(3, dropout=0.3, recurrent_dropout=0.2, seed=1),
    "attention": nn.Sequential([layers.Dense(4), layers.Dropout(0.2, seed=2)]),
    "RNN of cells": layers.RNN(
        [layers.LSTMCell(3, dropout=0.3, seed=1), layers.GRUCell(2, recurrent_dropout=0.2, seed=2)]
    ),
    "twice in one model": nn.Sequential([layers.Dropout(0.2, seed=2), layers.Dense(4), layers.Dropout(0.2, seed=3)]),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_layers_draw_the_same_numbers(name):
    """From the same generator, in the same order, anew at each call; and outside of training nothing."""
    layer, x = RANDOM[name], np.random.RandomState(0).normal(size=(4, 5, 6)).astype("float32")
    layer(x)
    compare(layer, [x], calls=4, training=True)
    compare(layer, [x], training=False)


def test_attention_dropout():
    layer = layers.MultiHeadAttention(2, 3, dropout=0.4, seed=1)
    x = np.random.RandomState(0).normal(size=(2, 5, 6)).astype("float32")
    layer(x, x)
    compare(layer, [x, x], calls=3, training=True)


# Masks


@pytest.mark.parametrize("last", [lambda: layers.LSTM(2), layers.GlobalAveragePooling1D], ids=["LSTM", "mean"])
def test_masks_go_through_traced_models(last):
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    model = nn.Sequential([
        layers.Embedding(9, 3, mask_zero=True), layers.Dropout(0.5, seed=0), layers.Dense(3, activation="tanh"), last(),
    ])  # fmt: skip
    model(words)
    eager, _ = compare(model, [words])
    compare(model, [words], training=True)
    np.testing.assert_allclose(eager(words).numpy(), eager(words[:, :2]).numpy(), rtol=1e-5, atol=1e-7)


def test_losses_leave_out_what_a_mask_leaves_out():
    words, labels = np.array([[1, 2, 0], [3, 0, 0]]), np.array([[1, 0, 1], [0, 1, 1]])
    model = nn.Sequential([layers.Embedding(9, 3, mask_zero=True), layers.Dense(2, activation="softmax")])
    loss = nn.losses.SparseCategoricalCrossentropy()
    wanted = loss(labels, model(words)).item()
    found = ag.function(lambda w, y: loss(y, model(w)), jit="numpy")(words, labels)
    np.testing.assert_allclose(found.item(), wanted, rtol=1e-6)
    assert wanted != loss(labels, nn.Sequential(model.layers[1:])(model.layers[0].embeddings.numpy()[words])).item()


# Losses and activations


def loss_step(case):
    """A function that gives values and gradients of a loss, with and without weights; and what it is called on."""
    loss, true, guess = case.make(nn), single(case.y_true), single(case.y_pred)

    def step(true, guess, weight):
        with ag.GradientTape(persistent=True) as tape:
            tape.watch(guess)
            values = [loss(true, guess), loss(true, guess, weight)]
        return [*values, *(tape.gradient(value, guess) for value in values)]

    count = loss(true, guess).size if loss.reduction == "none" else guess.shape[1 if "axis 0" in case.name else 0]
    weights = np.linspace(0.5, 2.0, count).astype("float32")
    return step, [ag.constant(array) for array in (true, guess, weights)]


def activation_step(case):
    """The same for an activation."""
    name, options = case

    def step(x):
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = getattr(nn.activations, name)(x, **options)
            total = number(y)
        return [y, tape.gradient(total, x)]

    return step, [ag.constant(activation_cases.inputs(name).astype("float32"))]


def layer_step(case):
    """The same for a layer."""
    layer, inputs = case.make(nn), single(case.inputs() if callable(case.inputs) else list(case.inputs))
    as_list = len(inputs) > 1 if callable(case.inputs) else case.as_list
    options = single(getattr(case, "kwargs", {}))
    layer(inputs, **options) if as_list else layer(*inputs, **options)
    return Called(layer, as_list, **options), [ag.constant(array) for array in inputs]


def check_step(step, arguments, jit="numpy"):
    for got, wanted in zip(ag.function(step, jit=jit)(*arguments), step(*arguments), strict=True):
        assert_close(got, wanted)


@pytest.mark.parametrize("case", losses_cases.CASES, ids=str)
def test_every_loss(case):
    """Its value, its gradient, and with sample weights."""
    check_step(*loss_step(case))


@pytest.mark.parametrize("case", activation_cases.CASES, ids=activation_cases.name_of)
def test_every_activation(case):
    check_step(*activation_step(case))


def one_of_each(cases, make):
    """The first case of each class."""
    return list({type(make(case)): case for case in reversed(cases)}.values())[::-1]


def groups(count):
    """Layers, losses and activations in groups, since Numba takes seconds for each function, however short."""
    pytest.importorskip("numba")
    chosen = one_of_each(layer_cases.CASES, lambda case: case.make(nn))
    chosen += one_of_each([c for c in recurrent_cases.CASES if c.calls == 1], lambda case: case.make(nn))
    steps = [(layer_step, case) for case in chosen]
    steps += [(loss_step, case) for case in one_of_each(losses_cases.CASES, lambda case: case.make(nn))]
    steps += [(activation_step, case) for case in activation_cases.CASES]
    return [steps[start::count] for start in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("group", range(12))
def test_with_numba(group):
    parts = [make(case) for make, case in groups(12)[group]]
    ends = np.cumsum([len(arguments) for _, arguments in parts])

    def step(*given):
        pieces = [given[end - len(own) : end] for end, (_, own) in zip(ends, parts, strict=True)]
        return [value for (each, _), piece in zip(parts, pieces, strict=True) for value in each(*piece)]

    check_step(step, [argument for _, arguments in parts for argument in arguments], "numba")


# Weights with regularizers, layers that add losses, constraints


@pytest.mark.parametrize(
    "regularizer", ["l1", "l2", nn.regularizers.L1L2(0.1, 0.2), nn.regularizers.OrthogonalRegularizer()]
)
def test_regularizers_and_losses_of_layers(regularizer):
    class Adds(nn.Layer):
        def call(self, x):
            self.add_loss(0.1 * (x**2).sum())
            self.add_loss(0.01 * x.sum())
            return x * 2

    dense = layers.Dense(3, kernel_regularizer=regularizer, bias_regularizer="l2", activity_regularizer="l2")
    model = nn.Sequential([dense, Adds(), layers.Dense(2, activity_regularizer=nn.regularizers.L1(0.1))])
    x = np.random.RandomState(0).normal(size=(4, 5)).astype("float32")
    model(x)
    eager, traced = compare(model, [x])
    assert len(traced.losses) == len(eager.losses) == 6  # what the last call has added is there, as eagerly
    for got, wanted in zip(traced.losses, eager.losses, strict=True):
        assert_close(got, wanted)


def test_a_stateful_layer_twice_in_one_function():
    layer = layers.LSTM(3, stateful=True)
    x = ag.constant(np.random.RandomState(0).normal(size=(2, 4, 3)).astype("float32"))
    layer(x)
    layer.reset_state()
    eager, traced = layer, copy.deepcopy(layer)
    function = ag.function(lambda x: traced(traced(x)[:, None]), jit="numpy")
    for _ in range(3):
        assert_close(function(x), eager(eager(x)[:, None]))
    traced.reset_state()
    eager.reset_state()
    assert_close(function(x), eager(eager(x)[:, None]))
    assert function.traces == 2


def test_batch_normalization_that_is_frozen_between_calls():
    layer = layers.BatchNormalization(center=False, scale=False)
    x = ag.constant(np.random.RandomState(0).normal(size=(8, 3)).astype("float32"))
    layer(x)
    eager, traced = layer, copy.deepcopy(layer)
    function = ag.function(lambda x: traced(x, training=True), jit="numpy")
    for trainable in (True, True, False, False, True):
        eager.trainable = traced.trainable = trainable
        assert_close(function(x), eager(x, training=True))
        assert_close(traced.moving_mean, eager.moving_mean)
    assert function.traces == 2


# What is wrong is said at the run


def test_numbers_out_of_range_raise_at_the_run_and_change_nothing():
    model = nn.Sequential([layers.Embedding(4, 2), layers.Flatten(), layers.BatchNormalization(), layers.Dense(3)])
    loss, optimizer = nn.losses.SparseCategoricalCrossentropy(from_logits=True), optim.SGD(0.1, momentum=0.5)

    @ag.function(jit="numpy")
    def step(words, labels):
        with ag.GradientTape() as tape:
            value = loss(labels, model(words, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    words, labels = np.array([[0, 1], [2, 3], [1, 1]]), np.array([0, 1, 2])
    step(words, labels)
    before, steps = [w.numpy() for w in model.weights], int(optimizer.iterations)
    for wrong in ((words + 1, labels), (words - 1, labels), (words, labels + 1), (words, labels - 1)):
        with pytest.raises(ag.DomainError, match=r"expected integers from 0 to 3|label .* out of range"):
            step(*wrong)
    assert optimizer.iterations == steps
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    step(words, labels)
    assert step.traces == 1


# Models that are built at the first traced call


class Subclassed(nn.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(4, activation="relu")
        self.norm = layers.BatchNormalization()
        self.out = layers.Dense(2)

    def call(self, x):
        return self.out(self.norm(self.hidden(x)))


MODELS = {
    "subclassed": Subclassed,
    "Sequential": lambda: nn.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)]),
    "recurrent": lambda: nn.Sequential([layers.Reshape((3, 1)), layers.Bidirectional(layers.GRU(2)), layers.Dense(2)]),
    "attention": lambda: nn.Sequential([layers.Reshape((3, 1)), Attends(), layers.Flatten(), layers.Dense(2)]),
    "nested": lambda: nn.Sequential([Subclassed(), nn.Sequential([layers.Dense(2)])]),
}


class Attends(nn.Layer):
    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 3)

    def call(self, x):
        return self.attention(x, x)


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_is_built_at_its_first_traced_call(kind):
    """Its weights are made then, those of the optimizer too, and the metrics' variables; the call counts as any."""
    results = []
    for traced in (False, True):
        nn.utils.set_random_seed(3)
        model, optimizer = MODELS[kind](), optim.Adam(0.01)
        loss, mean = nn.losses.MeanSquaredError(), nn.metrics.Mean()

        def step(x, y, model=model, loss=loss, optimizer=optimizer, mean=mean):
            with ag.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
            mean.update_state(value)
            return value

        function = ag.function(step, jit="numpy") if traced else step
        random = np.random.RandomState(0)
        x, y = (ag.constant(random.normal(size=(5, n)).astype("float32")) for n in (3, 2))
        values = [np.asarray(function(x, y)).item() for _ in range(4)]
        results.append((values, [w.numpy() for w in model.weights], mean.result().item()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-4)
    assert [w.shape for w in results[1][1]] == [w.shape for w in results[0][1]]
    for got, wanted in zip(results[1][1], results[0][1], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(results[1][2], results[0][2], rtol=1e-4)


def test_layers_made_inside_of_a_function_are_refused_in_later_traces():
    """Each trace would make others. A model that is built in a later trace is none of these: it is built once."""
    made = ag.function(lambda x: layers.Dense(2)(x), jit="numpy")
    x = ag.constant(np.ones((2, 3), "float32"))
    first = made(x).numpy()
    np.testing.assert_array_equal(made(x).numpy(), first)
    with pytest.raises(ag.StructureError, match="made a Variable in a later call than its first"):
        made(ag.constant(np.ones((4, 3), "float32")))
    called = ag.function(lambda model, x: model(x), jit="numpy")
    for count in range(2, 4):
        model = Subclassed()
        np.testing.assert_allclose(called(model, x[:count]).numpy(), model(x[:count]).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell])
def test_cells_called_step_by_step(make):
    """What is dropped is the same at all steps of one run, and drawn anew at the next."""
    x = ag.constant(np.random.RandomState(0).normal(size=(5, 2, 4)).astype("float32"))
    eager = make(3, dropout=0.3, recurrent_dropout=0.2, seed=1)
    eager(x[0], eager.get_initial_state(2))
    traced = copy.deepcopy(eager)

    def run(cell, x):
        states, outputs = cell.get_initial_state(2), []
        for time in range(len(x)):
            output, states = cell(x[time], states, training=True)
            outputs.append(output)
        return outputs

    function = ag.function(lambda x: run(traced, x), jit="numpy")
    for _ in range(3):
        eager.reset_dropout_mask()
        for got, wanted in zip(function(x), run(eager, x), strict=True):
            assert_close(got, wanted)
    assert_close(traced(x[0], traced.get_initial_state(2))[0], eager(x[0], eager.get_initial_state(2))[0])
