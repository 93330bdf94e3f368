"""What ``fit`` takes beside arrays: weights of classes, generators, several outputs, losses of layers, and the like."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(48, 3)).astype(np.float32)
Y = RANDOM.randint(0, 3, 48)


def model(**options):
    glorot = nn.initializers.GlorotUniform(1)
    made = nn.Sequential([nn.layers.Dense(3, activation="softmax", kernel_initializer=glorot, input_shape=(3,))])
    made.compile("sgd", "sparse_categorical_crossentropy", **options)
    return made


def two_outputs():
    """One input, a regression and a classification."""
    inputs = nn.Input((3,), name="points")
    hidden = nn.layers.Dense(4, activation="tanh", kernel_initializer=nn.initializers.GlorotUniform(2))(inputs)
    value = nn.layers.Dense(1, name="value", kernel_initializer=nn.initializers.GlorotUniform(3))(hidden)
    kind = nn.layers.Dense(3, activation="softmax", name="kind", kernel_initializer=nn.initializers.GlorotUniform(4))
    return nn.Model(inputs, [value, kind(hidden)])


TRUE = (X[:, :1] * 2, Y)


# -- weights of samples and classes -----------------------------------------------------------------------------------


def test_class_weight_is_a_sample_weight():
    """The same steps as with the weight of each sample written out; one-hot labels too."""
    results = []
    weights = {0: 0.5, 2: 3.0}
    each = np.array([weights.get(int(label), 1.0) for label in Y])
    for options in ({"class_weight": weights}, {"sample_weight": each}):
        made = model(weighted_metrics=["accuracy"])
        history = made.fit(X, Y, epochs=3, batch_size=16, shuffle=False, verbose=0, **options)
        results.append((made.get_weights(), history.history))
    np.testing.assert_allclose(results[0][0][0], results[1][0][0], rtol=1e-6)
    assert results[0][1].keys() == results[1][1].keys()
    assert results[0][1]["accuracy"] == pytest.approx(results[1][1]["accuracy"])
    one_hot = model()
    one_hot.compile("sgd", "categorical_crossentropy")
    one_hot.fit(X, nn.utils.to_categorical(Y), epochs=3, batch_size=16, shuffle=False, verbose=0, class_weight=weights)
    np.testing.assert_allclose(one_hot.get_weights()[0], results[0][0][0], rtol=1e-5)


def test_both_weights_are_multiplied():
    """Class and sample weights together."""
    made, other = model(), model()
    each = np.linspace(0.5, 2, 48)
    made.fit(X, Y, batch_size=48, verbose=0, class_weight={1: 2.0}, sample_weight=each)
    other.fit(X, Y, batch_size=48, verbose=0, sample_weight=each * np.where(Y == 1, 2.0, 1.0))
    np.testing.assert_allclose(made.get_weights()[0], other.get_weights()[0], rtol=1e-6)


def test_metrics_heed_weights_only_where_they_are_to():
    """``metrics`` count every sample the same, ``weighted_metrics`` do not."""
    made = model(metrics=["accuracy"], weighted_metrics=[nn.metrics.SparseCategoricalAccuracy("weighted")])
    weight = np.zeros(48)
    weight[:5] = 1
    logs = made.evaluate(X, Y, verbose=0, return_dict=True, sample_weight=weight)
    hits = made.predict(X).argmax(axis=1) == Y
    assert logs["accuracy"] == pytest.approx(hits.mean())
    assert logs["weighted"] == pytest.approx(hits[:5].mean())


# -- where batches come from ------------------------------------------------------------------------------------------


def batches():
    while True:
        for start in range(0, 48, 16):
            yield X[start : start + 16], Y[start : start + 16]


class Batches:
    """As Keras's ``PyDataset``."""

    def __init__(self):
        self.ended = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[index * 16 : index * 16 + 16], Y[index * 16 : index * 16 + 16]

    def on_epoch_end(self):
        self.ended += 1


def endless():
    return nn.data.Dataset.from_tensor_slices((X, Y)).batch(16).repeat()


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (lambda: batches(), {"steps_per_epoch": 3}),
        (lambda: Batches(), {"shuffle": False}),
        (lambda: endless(), {"steps_per_epoch": 3}),
        (lambda: nn.data.Dataset.from_tensor_slices((X, Y)).batch(16).prefetch(2), {}),
    ],
    ids=["generator", "sequence", "endless Dataset", "prefetched Dataset"],
)
def test_batches_from_anywhere_train_as_arrays_do(data, options):
    """The same batches, the same weights, the same figures."""
    expected = model(metrics=["accuracy"])
    history = expected.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    made = model(metrics=["accuracy"])
    found = made.fit(data(), epochs=2, verbose=0, **options)
    np.testing.assert_array_equal(made.get_weights()[0], expected.get_weights()[0])
    assert found.history == history.history


def test_an_epoch_may_be_shorter_than_the_data():
    """With ``steps_per_epoch`` the next epoch goes on where the last one ended."""
    made = model()
    seen = []
    made.train_step = lambda data: seen.append(data[0].numpy()[0, 0]) or {"loss": 0.0}
    made.fit(nn.data.Dataset.from_tensor_slices((X, Y)).batch(12), epochs=3, steps_per_epoch=2, verbose=0)
    assert seen == [X[0, 0], X[12, 0], X[24, 0], X[36, 0], X[0, 0], X[12, 0]]


def test_a_sequence_is_shuffled_and_told_of_the_end():
    """The order is that of the seed; ``on_epoch_end`` is called."""
    made, data = model(), Batches()
    seen = []
    made.train_step = lambda batch: seen.append(float(batch[0][0, 0])) or {"loss": 0.0}
    made.fit(data, epochs=4, seed=1, verbose=0)
    assert data.ended == 4
    assert len({tuple(seen[i : i + 3]) for i in range(0, 12, 3)}) > 1
    assert all(set(seen[i : i + 3]) == set(seen[:3]) for i in range(0, 12, 3))


def test_evaluate_and_predict_from_a_generator():
    """With ``steps``; the same as from arrays."""
    made = model(metrics=["accuracy"])
    assert made.evaluate(batches(), steps=3, verbose=0) == pytest.approx(made.evaluate(X, Y, 16, verbose=0))
    np.testing.assert_allclose(made.predict(batches(), steps=3), made.predict(X), rtol=1e-6)


def test_validation_now_and_then():
    """``validation_freq``, ``validation_steps`` and ``validation_batch_size``."""
    made = model()
    history = made.fit(X, Y, epochs=4, verbose=0, validation_data=endless(), validation_steps=3, validation_freq=2)
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_loss"]) == 2
    assert history.history["val_loss"][-1] == pytest.approx(made.evaluate(X, Y, verbose=0), rel=1e-5)


# -- one batch at a time ----------------------------------------------------------------------------------------------


def test_train_on_batch_makes_the_steps_of_fit():
    """Three calls are an epoch; the figures go on until they are reset."""
    made, expected = model(metrics=["accuracy"]), model(metrics=["accuracy"])
    expected.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    for start in range(0, 48, 16):
        figures = made.train_on_batch(X[start : start + 16], Y[start : start + 16], return_dict=True)
    np.testing.assert_array_equal(made.get_weights()[0], expected.get_weights()[0])
    assert set(figures) == {"loss", "accuracy"}
    made.reset_metrics()
    loss, accuracy = made.test_on_batch(X, Y)
    assert [loss, accuracy] == pytest.approx(made.evaluate(X, Y, batch_size=48, verbose=0))
    np.testing.assert_allclose(made.predict_on_batch(X), made.predict(X), rtol=1e-6)
    weighted = model()
    weighted.train_on_batch(X, Y, class_weight={0: 2.0})


# -- several outputs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "weights", "metrics", "true"),
    [
        (["mse", "sparse_categorical_crossentropy"], [1.0, 0.5], [["mae"], ["accuracy"]], TRUE),
        ({"value": "mse", "kind": "sparse_categorical_crossentropy"}, {"value": 1.0, "kind": 0.5},
         {"value": "mae", "kind": ["accuracy"]}, {"value": TRUE[0], "kind": Y}),
        ([nn.losses.MeanSquaredError(), nn.losses.SparseCategoricalCrossentropy()], [1.0, 0.5],
         ["mae", "accuracy"], list(TRUE)),
    ],
    ids=["lists", "dicts", "objects"],
)  # fmt: skip
def test_a_loss_for_each_output(loss, weights, metrics, true):
    """The total is the weighted sum; each output has its own figures, with its name before them."""
    made = two_outputs()
    made.compile("sgd", loss, loss_weights=weights, metrics=metrics)
    before = made.evaluate(X, true, verbose=0, return_dict=True)
    assert set(before) == {"loss", "value_loss", "kind_loss", "value_mae", "kind_accuracy"} | {
        name for name in before if "mean_absolute_error" in name
    }
    assert before["loss"] == pytest.approx(before["value_loss"] + 0.5 * before["kind_loss"], rel=1e-6)
    value, kind = made.predict(X)
    assert before["value_loss"] == pytest.approx(np.mean((value - TRUE[0]) ** 2), rel=1e-5)
    assert before["kind_accuracy"] == pytest.approx(np.mean(kind.argmax(axis=1) == Y))
    history = made.fit(X, true, epochs=3, verbose=0, validation_split=0.25, seed=0)
    assert history.history["val_loss"][-1] < history.history["val_loss"][0]


def test_outputs_and_losses_that_do_not_fit():
    """Numbers and names are said."""
    made = two_outputs()
    made.compile("sgd", ["mse", "mse", "mse"])
    with pytest.raises(ag.StructureError, match=r"loss has 3 entries; the model has 2 outputs"):
        made.fit(X, TRUE, verbose=0)
    made.compile("sgd", {"value": "mse", "knid": "mse"})
    with pytest.raises(ag.StructureError, match=r"loss has an entry 'knid'; the outputs are called value, kind"):
        made.fit(X, TRUE, verbose=0)
    with pytest.raises(ag.StructureError, match=r"metrics has 3 entries; the model has 2 outputs: value, kind"):
        made.compile("sgd", "mse", metrics=["mse", "mae", "mse"])


# -- losses that layers add -------------------------------------------------------------------------------------------


class Noisy(nn.Layer):
    """Adds the mean square of its input to the loss."""

    def call(self, inputs):
        self.add_loss(0.1 * (inputs * inputs).mean())
        return inputs


def test_regularizers_and_added_losses_are_trained_with():
    """The loss is the sum; a step of SGD moves the weights by the gradient of all of it."""
    kernel = np.array([[1.0], [-2.0], [3.0]], np.float32)
    layer = nn.layers.Dense(1, use_bias=False, kernel_regularizer=nn.regularizers.L2(0.05))
    made = nn.Sequential([Noisy(), layer, nn.layers.Dense(1, use_bias=False, activity_regularizer="l2")])
    made.build((None, 3))
    made.set_weights([kernel, np.ones((1, 1), np.float32)])
    made.compile(optim.SGD(0.01), "mse")
    x, y = X[:8], X[:8, :1]
    out = x @ kernel
    expected = np.mean((out - y) ** 2) + 0.1 * np.mean(x * x) + 0.05 * np.sum(kernel**2) + 0.01 * np.sum(out**2) / 8
    assert made.evaluate(x, y, batch_size=8, verbose=0) == pytest.approx(expected, rel=1e-5)
    made.fit(x, y, batch_size=8, verbose=0)
    gradient = 2 * x.T @ (out - y) / 8 + 0.1 * kernel + 0.02 * x.T @ out / 8
    np.testing.assert_allclose(made.get_weights()[0], kernel - 0.01 * gradient, rtol=1e-5)
    assert len(made.losses) == 3


def test_a_model_may_have_no_loss_but_those_its_layers_add():
    """An autoencoder's way to write it."""
    made = nn.Sequential([Noisy(), nn.layers.Dense(1, use_bias=False, kernel_regularizer="l2")])
    made.compile("sgd")
    assert made.fit(X, verbose=0, epochs=2).history["loss"][0] > 0
    bare = nn.Sequential([nn.layers.Dense(1)])
    bare.compile("sgd")
    with pytest.raises(ag.AutogradError, match="no loss is known"):
        bare.fit(X, verbose=0)


# -- training steps of one's own --------------------------------------------------------------------------------------


class Custom(nn.Model):
    """The training step of Keras's guide, with a tape."""

    def __init__(self):
        super().__init__()
        self.dense = nn.layers.Dense(3, activation="softmax", kernel_initializer=nn.initializers.GlorotUniform(1))

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        x, y = data
        with ag.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_the_training_step_of_the_guide():
    """It trains as the built-in one."""
    made, expected = Custom(), model(metrics=["accuracy"])
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    found = made.fit(X, Y, epochs=3, batch_size=16, shuffle=False, verbose=0)
    history = expected.fit(X, Y, epochs=3, batch_size=16, shuffle=False, verbose=0)
    np.testing.assert_array_equal(made.get_weights()[0], expected.get_weights()[0])
    assert found.history["accuracy"] == pytest.approx(history.history["accuracy"])


def test_a_lone_input_comes_as_itself():
    """As in Keras: ``train_step(data)`` gets x where there is no y, and a tuple where there is."""
    made, seen = model(), []
    made.train_step = lambda data: seen.append(data) or {"loss": 0.0}
    made.fit(X, batch_size=48, shuffle=False, verbose=0)
    assert isinstance(seen[0], ag.Tensor)
    np.testing.assert_array_equal(seen[0].numpy(), X)
    made.fit((X, X[:, :1]), batch_size=48, verbose=0)
    made.fit(X, Y, batch_size=48, verbose=0)
    assert [len(data) for data in seen[1:]] == [1, 2]


class OwnMetric(nn.Model):
    """Its metric is an attribute, and is reset before each epoch."""

    def __init__(self):
        super().__init__()
        self.dense = nn.layers.Dense(3)
        self.tracker = nn.metrics.Mean(name="spread")

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        self.tracker.update_state(1.0)
        self.seen = [*getattr(self, "seen", []), self.tracker.count.item()]
        return {"spread": self.tracker.result()}


def test_metrics_of_the_model_s_own_are_reset():
    """Attributes that are metrics belong to ``metrics``."""
    made = OwnMetric()
    made.compile("sgd")
    made.fit(X, batch_size=16, epochs=2, verbose=0)
    assert made.seen == [1, 2, 3, 1, 2, 3]
    assert "spread" in made.metrics_names


def test_averages_of_weights_are_given_at_the_end():
    """``use_ema``: after ``fit`` the weights are the running averages."""
    made = model()
    made.compile(optim.SGD(0.1, use_ema=True, ema_momentum=0.5), "sparse_categorical_crossentropy")
    plain = model()
    plain.compile(optim.SGD(0.1), "sparse_categorical_crossentropy")
    made.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    plain.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    assert not np.allclose(made.get_weights()[0], plain.get_weights()[0])


# -- bad input --------------------------------------------------------------------------------------------------------

NAN = X.copy()
NAN[7, 1] = np.nan

MISTAKES = [
    (lambda m: m.fit(NAN, Y), ag.DomainError, r"fit: x has 1 entries that are NaN, the first at \(7, 1\)"),
    (lambda m: m.fit(X, Y.astype(float) * np.nan), ag.DomainError, r"fit: y has 48 entries that are NaN"),
    (lambda m: m.fit(X, Y + 1), ag.DomainError, r"y has \d+ labels out of range, the first at \(\d+,\): 3; .* 0 to 2"),
    (lambda m: m.fit(X, -Y), ag.DomainError, "labels out of range"),
    (lambda m: m.fit(X, Y[:40]), ag.ShapeError, r"lengths \[48, 40\]"),
    (lambda m: m.fit(X[:0], Y[:0]), ag.ShapeError, "there is no sample"),
    (lambda m: m.fit(X[:, :2], Y), ag.ShapeError, r"Dense 'dense'.*\(1, 2\).*3"),
    (lambda m: m.fit(X, nn.utils.to_categorical(Y)), ag.ShapeError, "categorical_crossentropy"),
    (lambda m: m.fit(np.array([["a"] * 3] * 48), Y), ag.DtypeError, "x has dtype <U1; expected numbers"),
    (lambda m: m.fit(endless()), ag.DomainError, "no end"),
    (lambda m: m.evaluate(endless()), ag.DomainError, "no end"),
    (lambda m: m.predict(endless()), ag.DomainError, "no end"),
    (lambda m: m.fit(batches(), Y), ag.StructureError, "gives whole batches; y and sample_weight must not be given"),
    (lambda m: m.fit(batches(), validation_split=0.5), ag.StructureError, "validation_split needs arrays"),
    (lambda m: m.fit([X, X], Y), ag.StructureError, r"Dense 'dense': got 2 inputs in a tuple; expected one array"),
    (lambda m: m({"a": X}), ag.StructureError, r"got 1 inputs in a dict; expected one array"),
    (lambda m: m.fit(X, Y, batch_size=0), ag.DomainError, r"batch_size is 0; expected an integer of at least 1"),
    (lambda m: m.save_weights(""), ag.DomainError, r"the file name is ''; expected a path"),
    (lambda m: m.fit(X, Y, steps_per_epoch=0), ag.DomainError, "number of steps is 0"),
    (lambda m: m.fit(iter([]), steps_per_epoch=2), ag.DomainError, "the data ended before"),
    (lambda m: m.fit(iter([])), ag.DomainError, "the data gave no batch"),
    (lambda m: m.fit(X, Y, callbacks=[nn.callbacks.EarlyStopping]), ag.ConversionError, "Is it a class"),
    (lambda m: m.compile("adam", "sparse_categorical_crosentropy"), ag.DomainError,
     "did you mean 'sparse_categorical_crossentropy'"),
    (lambda m: m.compile("adm", "mse"), ag.DomainError, "[Dd]id you mean 'adam'"),
    (lambda m: nn.layers.Dense(3, activation="reul"), ag.DomainError, "did you mean 'relu'"),
    (lambda m: nn.layers.Dense(3, kernel_initializer="he_norml"), ag.DomainError, "did you mean"),
    (lambda m: m.get_layer("dens"), ag.DomainError, "known: dense"),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "error", "message"), MISTAKES)
def test_mistakes_are_named_and_change_nothing(mistake, error, message):
    """The weights, the optimizer and what was compiled are as before."""
    made = model()
    before, optimizer = made.get_weights(), made.optimizer
    with pytest.raises(error, match=message):
        mistake(made)
    np.testing.assert_array_equal(made.get_weights()[0], before[0])
    assert made.optimizer is optimizer
    assert optimizer.iterations == 0
    made.fit(X, Y, verbose=0)  # and it can be trained after all
