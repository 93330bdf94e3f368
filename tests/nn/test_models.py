"""Models: structure, summary, training, evaluation, prediction."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
import optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int64") + (X[:, 2] > 1)


class Net(nn.Model):
    """4 inputs, 8 hidden units, 3 classes."""

    def __init__(self, seed=0):
        super().__init__()
        glorot = nn.initializers.GlorotUniform(seed)
        self.hidden = nn.layers.Dense(8, activation="tanh", kernel_initializer=glorot)
        self.out = nn.layers.Dense(3, activation="softmax", kernel_initializer=glorot)

    def call(self, x, training=None, mask=None):
        return self.out(self.hidden(x))


def sequential(seed=0):
    """The same network."""
    glorot = nn.initializers.GlorotUniform(seed)
    return nn.Sequential(
        [
            nn.layers.Dense(8, activation="tanh", kernel_initializer=glorot),
            nn.layers.Dense(3, activation="softmax", kernel_initializer=glorot),
        ]
    )


def compiled(model, **options):
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **options})
    return model


def by_hand(weights, x, y, learning_rate, batch_size, epochs):
    """The same training in plain NumPy, in order and in double precision: weights, and the loss of each epoch."""
    w1, b1, w2, b2 = (np.array(w, dtype="float64") for w in weights)
    means = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(x), batch_size):
            xb, yb = x[start : start + batch_size].astype("float64"), y[start : start + batch_size]
            h = np.tanh(xb @ w1 + b1)
            z = h @ w2 + b2
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            total -= np.log(p[np.arange(len(yb)), yb]).sum()
            dz = (p - np.eye(3)[yb]) / len(yb)
            dh = dz @ w2.T * (1 - h * h)
            w2, b2 = w2 - learning_rate * h.T @ dz, b2 - learning_rate * dz.sum(axis=0)
            w1, b1 = w1 - learning_rate * xb.T @ dh, b1 - learning_rate * dh.sum(axis=0)
        means.append(total / len(x))
    return [w1, b1, w2, b2], means


# Structure


@pytest.mark.parametrize("make", [Net, sequential])
def test_weights_appear_with_the_first_call(make):
    """In definition order; before there are none."""
    model = make()
    assert not model.built
    assert model.weights == []
    assert model(X).shape == (50, 3)
    assert model.built
    assert [w.name for w in model.weights] == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]


@pytest.mark.parametrize("make", [Net, sequential])
def test_build_makes_the_weights(make):
    """For a shape with None for the batch."""
    model = make()
    model.build((None, 4))
    assert [w.shape for w in model.weights] == [(4, 8), (8,), (8, 3), (3,)]
    np.testing.assert_allclose(model(X).numpy().sum(axis=1), np.ones(50), rtol=1e-6)


def test_the_older_style():
    """``add`` with ``input_shape``, layer by layer, then a summary before any data."""
    model = nn.Sequential()
    model.add(nn.layers.Dense(512, activation="relu", input_shape=(28 * 28,)))
    model.add(nn.layers.Dense(10, activation="softmax"))
    lines = []
    model.summary(print_fn=lines.append)
    assert [line.split() for line in lines] == [
        ["Model:", '"sequential"'],
        [lines[1]],
        ["Layer", "(type)", "Output", "shape", "Parameters"],
        [lines[1]],
        ["dense", "(Dense)", "(None,", "512)", "401,920"],
        ["dense_1", "(Dense)", "(None,", "10)", "5,130"],
        [lines[1]],
        ["Total", "parameters:", "407,050", "(1.55", "MiB)"],
        ["Trainable", "parameters:", "407,050"],
        ["Non-trainable", "parameters:", "0"],
    ]


def test_summary_of_a_subclass():
    """Before the first call it says what is not known; afterwards the shapes that were seen."""
    model, before, after = Net(), [], []
    model.summary(print_fn=before.append)
    assert sum("not built" in line for line in before) == 2
    model(X)
    model.hidden.trainable = False
    model.summary(print_fn=after.append, line_length=60)
    assert [line.split()[-3:] for line in after[4:6]] == [["(None,", "8)", "40"], ["(None,", "3)", "27"]]
    assert after[-3].split()[2] == "67"
    assert [line.split()[-1] for line in after[-2:]] == ["27", "40"]
    assert len(after[1]) == 60


def test_models_inside_models():
    """A model is a layer; ``training`` goes down to the layer that wants it."""
    seen = []

    class Probe(nn.Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    model = nn.Sequential([nn.Sequential([Probe(), nn.layers.Dense(2)]), nn.layers.Dense(1)])
    model(X)
    model(X, training=True)
    compiled(model, loss="mse", metrics=None).fit(X, Y[:, None], batch_size=50, verbose=0)
    model.predict(X, batch_size=50)
    assert seen == [None, True, False, True, False]  # the third: fit tries the loss on one sample before it begins
    assert len(model.weights) == 4


def test_a_model_with_a_build_of_its_own():
    """``build`` runs before the first ``call``."""

    class Shift(nn.Model):
        def build(self, input_shape):
            self.shift = self.add_weight(input_shape[1:], "ones", name="shift")

        def call(self, x):
            return x + self.shift

    np.testing.assert_array_equal(Shift()(np.zeros((1, 2))).numpy(), [[1, 1]])


# Training


@pytest.mark.parametrize("make", [Net, sequential])
def test_fit_is_the_training_it_says(make):
    """Unshuffled epochs of full and partial batches, against the same by hand: weights and mean losses."""
    model = make()
    model.build((None, 4))
    expected, losses = by_hand(model.get_weights(), X, Y, 0.5, 16, 3)
    history = compiled(model, optimizer=optim.SGD(0.5)).fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    for got, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-5)
    assert history.epoch == [0, 1, 2]
    assert model.optimizer.iterations == 3 * 4


def test_figures_are_python_floats_by_name():
    """Loss and metrics, and those of the validation data."""
    model = compiled(Net(), metrics=["accuracy", "mse", nn.metrics.SparseCategoricalAccuracy("again")])
    with pytest.raises(ag.ShapeError, match="mean_squared_error"):  # labels are not one-hot
        model.fit(X, Y, verbose=0)
    model = compiled(Net(), metrics=["acc", nn.metrics.SparseCategoricalAccuracy("again")])
    history = model.fit(X[:30], Y[:30], epochs=2, validation_data=(X[30:], Y[30:]), verbose=0, seed=0)
    assert list(history.history) == ["loss", "acc", "again", "val_loss", "val_acc", "val_again"]
    assert all(type(value) is float for values in history.history.values() for value in values)
    assert history.history["acc"] == history.history["again"]
    found = model.evaluate(X[30:], Y[30:], verbose=0)
    assert found == [history.history[name][-1] for name in ("val_loss", "val_acc", "val_again")]
    assert model.evaluate(X[30:], Y[30:], verbose=0, return_dict=True) == dict(
        zip(["loss", "acc", "again"], found, strict=True)
    )


def test_fit_learns_and_predict_agrees_with_evaluate():
    """A problem that is easy is solved; the accuracy is that of the predictions."""
    model = compiled(Net(), optimizer=optim.Adam(0.05))
    model.fit(X, Y, epochs=60, verbose=0, seed=1)
    _, accuracy = model.evaluate(X, Y, verbose=0)
    predictions = model.predict(X, batch_size=7)
    assert isinstance(predictions, np.ndarray)
    assert accuracy == pytest.approx((predictions.argmax(axis=1) == Y).mean(), abs=1e-6)
    assert accuracy > 0.95
    np.testing.assert_allclose(predictions, model(X).numpy(), rtol=1e-5)
    np.testing.assert_allclose(predictions.sum(axis=1), np.ones(50), rtol=1e-5)


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 2), (1, 50), (50, 1), (200, 1), (16, 4)])
def test_batch_size(batch_size, steps):
    """32 if none is given; the last batch may be smaller."""
    model = compiled(Net())
    model.fit(X, Y, batch_size=batch_size, verbose=0)
    assert model.optimizer.iterations == steps


def test_the_same_seed_is_the_same_training():
    """And another seed is another order."""
    results = []
    for seed in (1, 1, 2):
        model = compiled(sequential())
        model.fit(X, Y, epochs=2, verbose=0, seed=seed)
        results.append(model.get_weights()[0])
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_fit_from_a_dataset():
    """Batches as they come; the same as from arrays."""
    results = []
    dataset = nn.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    for data in ((dataset, None), (X, Y)):
        model = compiled(sequential())
        options = {} if data[1] is None else {"batch_size": 16, "shuffle": False}
        history = model.fit(*data, epochs=2, verbose=0, validation_data=dataset, **options)
        results.append(
            (model.get_weights(), history.history, model.evaluate(dataset, verbose=0), model.predict(dataset))
        )
    for a, b in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert results[0][1:3] == results[1][1:3]
    np.testing.assert_array_equal(results[0][3], results[1][3])


def test_validation_split_takes_the_last_samples():
    """They are not trained with."""
    plain, split = compiled(sequential()), compiled(sequential())
    plain.fit(X[:40], Y[:40], batch_size=10, shuffle=False, verbose=0)
    history = split.fit(X, Y, batch_size=10, shuffle=False, verbose=0, validation_split=0.2)
    for a, b in zip(plain.get_weights(), split.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history.history["val_loss"] == [plain.evaluate(X[40:], Y[40:], verbose=0)[0]]


def test_sample_weights_choose_samples():
    """Weights of 0 and 1 train as if the samples of weight 0 had a loss of 0."""
    weights = (np.arange(50) < 25).astype("float32")
    one, other = compiled(sequential(), optimizer=optim.SGD(1.0)), compiled(sequential(), optimizer=optim.SGD(0.5))
    one.fit(X, Y, batch_size=50, verbose=0, shuffle=False, sample_weight=weights)
    other.fit(X[:25], Y[:25], batch_size=50, verbose=0, shuffle=False)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_one_hot_labels_and_a_single_output():
    """ "accuracy" means what fits the shapes."""
    model = compiled(sequential(), loss="categorical_crossentropy")
    model.fit(X, nn.utils.to_categorical(Y), verbose=0)
    assert isinstance(model.metrics[1].chosen, nn.metrics.CategoricalAccuracy)
    model = compiled(nn.Sequential([nn.layers.Dense(1, activation="sigmoid")]), loss="mse")
    model.fit(X, (Y > 0).astype(float), verbose=0)
    assert isinstance(model.metrics[1].chosen, nn.metrics.BinaryAccuracy)


def test_a_training_step_of_one_s_own():
    """``train_step`` is called with each batch; its figures are those of the epoch."""

    class Regression(nn.Model):
        def __init__(self):
            super().__init__()
            self.w = ag.Variable(np.zeros((4, 1), "float32"), name="w")

        def call(self, x):
            return anp.matmul(x, self.w)

        def train_step(self, data):
            x, y = data
            with ag.GradientTape() as tape:
                loss = anp.mean(anp.square(self(x) - y))
            self.optimizer.apply_gradients([(tape.gradient(loss, self.w), self.w)])
            return {"squared": loss}

    target = X @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")
    model = Regression()
    model.compile(optimizer=optim.SGD(0.3))
    history = model.fit(X, target, epochs=40, verbose=0, seed=0)
    assert list(history.history) == ["squared"]
    np.testing.assert_allclose(model.w.numpy().ravel(), [1, -2, 0.5, 0], atol=1e-2)


def test_callbacks_are_called_in_order():
    """Around training, epochs and batches; one may end the training."""
    calls = []

    class Watch(nn.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append(("begin", self.params["steps"], self.model.name))

        def on_epoch_begin(self, epoch, logs=None):
            calls.append(("epoch", epoch))

        def on_train_batch_begin(self, batch, logs=None):
            calls.append(("before", batch))

        def on_train_batch_end(self, batch, logs=None):
            calls.append(("after", batch, sorted(logs)))

        def on_epoch_end(self, epoch, logs=None):
            calls.append(("done", epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs=None):
            calls.append("end")

    history = compiled(Net()).fit(X, Y, batch_size=50, epochs=9, verbose=0, callbacks=[Watch()])
    names = ["accuracy", "loss"]
    one = [("before", 0), ("after", 0, names)]
    assert calls == [
        ("begin", 1, "net"), ("epoch", 0), *one, ("done", 0, names), ("epoch", 1), *one, ("done", 1, names), "end",
    ]  # fmt: skip
    assert history.epoch == [0, 1]


def test_a_line_per_epoch(capsys):
    """Where the output is no terminal; nothing at all with ``verbose=0``."""
    model = compiled(Net())
    model.fit(X, Y, epochs=2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X)
    assert capsys.readouterr() == ("", "")
    model.fit(X, Y, epochs=2, validation_data=(X, Y))
    model.evaluate(X, Y)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert len(lines) == 3
    assert lines[1].startswith("Epoch 2/2 - 2 steps - ")
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert f"- {name}: " in lines[1]
    assert lines[2].startswith("loss: ")


def test_a_bar_on_a_terminal(capsys):
    """With tqdm a bar is filled, and ends with the figures of the epoch."""
    pytest.importorskip("tqdm")
    compiled(Net()).fit(X, Y, verbose=0, callbacks=[nn.callbacks.ProgbarLogger(bar=True)])
    out, _ = capsys.readouterr()
    assert "Epoch 1/1" in out
    assert "2/2" in out
    assert "loss: " in out.rpartition("\r")[2]


# Bad input


@pytest.mark.parametrize(
    ("ask", "error", "match"),
    [
        (lambda m: nn.Model().fit(X, Y), ag.AutogradError, r"call compile"),
        (lambda m: m.fit(X, Y[:-1]), ag.ShapeError, r"lengths \[50, 49\]"),
        (lambda m: m.fit(X[:0], Y[:0]), ag.ShapeError, "no sample"),
        (lambda m: m.fit(X), ag.StructureError, "no y was given"),
        (lambda m: m.fit(), ag.StructureError, "x is None"),
        (lambda m: m.fit(X, Y, batch_size=0), ag.DomainError, "batch_size is 0"),
        (lambda m: m.fit(X, Y, validation_split=1.5), ag.DomainError, "validation_split is 1.5"),
        (lambda m: m.fit(nn.data.Dataset.from_tensor_slices((X, Y)).batch(5), Y), ag.StructureError, "x is a Dataset"),
        (lambda m: m.fit(nn.data.Dataset.from_tensor_slices((X, Y, Y, Y)).batch(5)), ag.StructureError, "a tuple of 4"),
        (lambda m: m.evaluate(X, sample_weight=Y), ag.StructureError, "without y"),
        (lambda m: m.predict(1.0), ag.ShapeError, "lengths"),
        (lambda m: m.compile("adamm"), ag.DomainError, "'adamm'"),
        (lambda m: m.compile("adam", "mse", metrics=["acuracy"]), ag.DomainError, "'acuracy'"),
        (lambda m: nn.Model()(X), TypeError, "does not define call"),
    ],
)
def test_bad_input(ask, error, match):
    """Each is refused before anything is trained."""
    with pytest.raises(error, match=match):
        ask(compiled(Net()))


def test_no_loss():
    """A model without a loss says where one can be given."""
    model = Net()
    model.compile("sgd")
    with pytest.raises(ag.AutogradError, match=r"net: no loss is known; give one to compile"):
        model.fit(X, Y, verbose=0)


def test_a_weight_that_the_loss_does_not_need_is_named():
    """The optimizer's warning names the weight by its layer."""

    class Idle(Net):
        def __init__(self):
            super().__init__()
            self.idle = nn.layers.Dense(1, input_dim=1, name="idle", use_bias=False)

    with pytest.warns(UserWarning, match="no gradient .None. for 'idle/kernel'"):
        compiled(Idle()).fit(X, Y, batch_size=50, verbose=0)
