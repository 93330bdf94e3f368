"""``fit``, ``evaluate`` and ``predict`` as compiled plans: the same as with ``run_eagerly=True``."""

import copy
import gc
import pickle
import warnings
import weakref

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
import nn.steps
import optim
from nn import layers

RANDOM = np.random.RandomState(0)
COUNT = 52  # with batches of 16 the last one is smaller
X = RANDOM.normal(size=(COUNT, 5)).astype("float32")
LABELS = RANDOM.randint(0, 3, COUNT)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
NUMBERS = (X @ RANDOM.normal(size=(5, 2))).astype("float32")
BITS = (NUMBERS[:, :1] > 0).astype("float32")
WEIGHTS = RANDOM.uniform(0.5, 2.0, COUNT).astype("float32")


@pytest.fixture(autouse=True)
def every_step_is_compiled(monkeypatch):
    monkeypatch.setattr(nn.steps, "FEWEST", 1)


def classifier(**options):
    return nn.Sequential([layers.Dense(8, activation="relu", **options), layers.Dense(3, activation="softmax")])


def regressor():
    return nn.Sequential([layers.Dense(4, activation="tanh"), layers.Dense(2)])


def both(build, compiling, run):
    """What ``run(model)`` gives for the same model with plans and without, and the two models."""
    results, models = [], []
    for eager in (False, True):
        nn.utils.set_random_seed(1)
        model = build()
        given = compiling() if callable(compiling) else copy.deepcopy(compiling)
        model.compile(**given, run_eagerly=eager, jit_compile="auto" if eager else False)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            results.append(run(model))
        models.append(model)
    assert_same(results[0], results[1])
    for ours, eagerly in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), eagerly.numpy(), rtol=1e-3, atol=1e-5, err_msg=ours.name)
    return models


def assert_same(got, wanted):
    if isinstance(wanted, dict):
        assert list(got) == list(wanted)
        for key in wanted:
            assert_same(got[key], wanted[key])
    elif isinstance(wanted, (list, tuple)) and any(isinstance(entry, (dict, list, tuple)) for entry in wanted):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=1e-5)


def fitted(x=X, y=LABELS, **options):
    """A function that trains a model, and gives the history."""
    options = {"batch_size": 16, "epochs": 3, "verbose": 0, "seed": 2, **options}
    return lambda model: model.fit(x, y, **options).history


def functions_of(model):
    return model._compiled_steps._functions


def traces_of(model):
    return {name: function.traces for (name, *_), function in functions_of(model).items()}


SPARSE = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}

FITS = {
    "labels": (classifier, SPARSE, fitted()),
    "one-hot": (classifier, {**SPARSE, "loss": "categorical_crossentropy"}, fitted(y=ONE_HOT)),
    "numbers": (regressor, {"optimizer": "rmsprop", "loss": "mse", "metrics": ["mae"]}, fitted(y=NUMBERS)),
    "one batch": (classifier, SPARSE, fitted(batch_size=COUNT)),
    "without metrics": (regressor, {"optimizer": "sgd", "loss": "mae"}, fitted(y=NUMBERS)),
    "sample weights": (classifier, {**SPARSE, "weighted_metrics": ["accuracy"]}, fitted(sample_weight=WEIGHTS)),
    "class weights": (
        classifier, {**SPARSE, "weighted_metrics": ["accuracy"]}, fitted(class_weight={0: 2.0, 1: 0.5, 2: 1.0})
    ),
    "validation": (classifier, SPARSE, fitted(validation_data=(X[:20], LABELS[:20]), validation_batch_size=8)),
    "validation split": (classifier, SPARSE, fitted(validation_split=0.25)),
    "weighted validation": (classifier, SPARSE, fitted(validation_data=(X[:20], LABELS[:20], WEIGHTS[:20]))),
    "steps per epoch": (
        classifier, SPARSE,
        lambda model: model.fit(
            nn.data.Dataset.from_tensor_slices((X, LABELS)).shuffle(30, seed=1).batch(16).repeat(), epochs=3,
            steps_per_epoch=5, verbose=0,
        ).history,
    ),
    "Dataset": (
        classifier, SPARSE,
        lambda model: model.fit(nn.data.Dataset.from_tensor_slices((X, LABELS)).batch(16), epochs=3, verbose=0).history,
    ),
    "generator": (
        classifier, SPARSE,
        lambda model: model.fit(((X[i : i + 9], LABELS[i : i + 9]) for i in range(40)), epochs=2, steps_per_epoch=20,
                                verbose=0).history,
    ),
    "regularizers": (
        lambda: classifier(kernel_regularizer="l2", activity_regularizer="l1"), SPARSE, fitted()
    ),
    "constraints": (lambda: classifier(kernel_constraint="max_norm"), SPARSE, fitted()),
    "averages": (
        classifier,
        lambda: {**SPARSE, "optimizer": optim.Adam(0.01, use_ema=True, ema_overwrite_frequency=5)},
        fitted(),
    ),
    "accumulation": (
        classifier,
        lambda: {**SPARSE, "optimizer": optim.SGD(0.1, momentum=0.9, gradient_accumulation_steps=3)},
        fitted(),
    ),
    "scaled loss": (classifier, lambda: {**SPARSE, "optimizer": optim.Adam(loss_scale_factor=128.0)}, fitted()),
    "clipped": (classifier, lambda: {**SPARSE, "optimizer": optim.Adam(0.01, global_clipnorm=0.1)}, fitted()),
    "schedule": (
        classifier,
        lambda: {**SPARSE, "optimizer": optim.SGD(optim.schedules.ExponentialDecay(0.1, 4, 0.7))},
        fitted(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FITS)
def test_fit(case):
    compiled, _ = both(*FITS[case])
    assert traces_of(compiled)["train_step"] <= (2 if case != "averages" and case != "accumulation" else 6)


METRICS = {
    "accuracies": (classifier, ["acc", "sparse_categorical_accuracy", nn.metrics.SparseTopKCategoricalAccuracy(2)],
                   LABELS),
    "of one-hot rows": (classifier, ["accuracy", "categorical_accuracy", nn.metrics.Precision(), nn.metrics.Recall(),
                                     nn.metrics.AUC(), nn.metrics.F1Score(), nn.metrics.OneHotMeanIoU(3)], ONE_HOT),
    "of yes and no": (lambda: nn.Sequential([layers.Dense(1, activation="sigmoid")]),
                      ["accuracy", nn.metrics.BinaryAccuracy(threshold=0.3), nn.metrics.AUC(curve="PR"), "mse",
                       nn.metrics.TruePositives(), nn.metrics.BinaryCrossentropy()], BITS),
    "of numbers": (regressor, ["mse", "mae", "mape", "msle", "cosine_similarity", nn.metrics.RootMeanSquaredError(),
                               nn.metrics.R2Score(), nn.metrics.LogCoshError(), "hinge"], NUMBERS),
    "of one's own": (regressor, [lambda true, guess: anp.mean(abs(true - guess), axis=-1)], NUMBERS),
    "with Python": (regressor, [lambda true, guess: np.max(true.numpy() - guess.numpy(), axis=-1)], NUMBERS),
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", METRICS)
def test_metrics(case, weighted):
    build, metrics, y = METRICS[case]
    loss = "sparse_categorical_crossentropy" if y is LABELS else "mse"
    key = "weighted_metrics" if weighted else "metrics"
    compiling = {"optimizer": "adam", "loss": loss, key: metrics}
    compiled, _ = both(build, compiling, fitted(y=y, sample_weight=WEIGHTS if weighted else None, epochs=2))
    found = [compiled.evaluate(X, y, verbose=0, return_dict=True) for _ in range(2)]
    assert_same(*found)


class Counter(nn.metrics.Metric):
    """A metric that counts in Python."""

    def __init__(self):
        super().__init__(name="counter")
        self.seen = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.seen.append(float(np.asarray(y_pred.array).sum()))

    def result(self):
        return {"largest": max(self.seen, default=0.0), "count": float(len(self.seen))}

    def reset_state(self):
        self.seen = []


def test_a_metric_that_counts_in_python():
    compiled, _ = both(
        regressor, lambda: {"optimizer": "sgd", "loss": "mse", "metrics": [Counter()]}, fitted(y=NUMBERS)
    )
    assert compiled.history.history["count"] == [4.0] * 3


def test_a_metric_that_extends_a_mean():
    class Doubled(nn.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(2 * np.abs(y_true.numpy() - y_pred.numpy()), sample_weight)

    class Squared(nn.metrics.MeanAbsoluteError):
        def result(self):
            return super().result() ** 2

    both(regressor, lambda: {"optimizer": "sgd", "loss": "mse", "metrics": [Doubled(), Squared()]}, fitted(y=NUMBERS))


# Several inputs and outputs


def two_by_two():
    a, b = nn.Input((5,), name="a"), nn.Input((2,), name="b")
    joined = layers.Concatenate()([layers.Dense(4, activation="relu")(a), layers.Dropout(0.2, seed=3)(b)])
    return nn.Model(
        [a, b], [layers.Dense(3, activation="softmax", name="kind")(joined), layers.Dense(2, name="size")(joined)]
    )


@pytest.mark.parametrize("weights", [None, {"kind": WEIGHTS, "size": WEIGHTS[::-1]}])
def test_several_inputs_and_outputs(weights):
    compiling = {
        "optimizer": "adam", "loss": {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        "loss_weights": {"kind": 1.0, "size": 0.3}, "metrics": {"kind": "accuracy", "size": ["mae"]},
    }  # fmt: skip
    targets = {"kind": LABELS, "size": NUMBERS}
    run = fitted([X, NUMBERS], targets, sample_weight=weights, validation_data=([X, NUMBERS], targets))
    compiled, _ = both(two_by_two, compiling, run)
    assert traces_of(compiled) == {"train_step": 2, "test_step": 2}
    both(two_by_two, compiling, lambda model: [list(p) for p in model.predict([X, NUMBERS], verbose=0)])


# How often, and of what, plans are made


def test_the_last_smaller_batch_is_traced_once():
    """However many epochs and calls there are: two plans, for the two sizes."""
    model = classifier()
    model.compile(**SPARSE)
    for _ in range(3):
        model.fit(X, LABELS, batch_size=16, epochs=4, verbose=0)
    assert traces_of(model) == {"train_step": 2}
    for _ in range(3):
        model.evaluate(X, LABELS, batch_size=16, verbose=0)
        model.predict(X, batch_size=16)
    assert traces_of(model) == {"train_step": 2, "test_step": 2, "predict_step": 2}


def test_few_steps_run_eagerly(monkeypatch):
    monkeypatch.setattr(nn.steps, "FEWEST", 16)
    model = classifier()
    model.compile(**SPARSE)
    model.fit(X, LABELS, batch_size=16, epochs=3, verbose=0)
    assert not functions_of(model)
    model.fit(X, LABELS, batch_size=16, epochs=4, verbose=0)
    assert len(functions_of(model)) == 1


def test_run_eagerly_and_another_compile():
    model = classifier()
    model.compile(**SPARSE, run_eagerly=True)
    model.fit(X, LABELS, verbose=0)
    assert not functions_of(model)
    model.compile(**SPARSE)
    model.fit(X, LABELS, verbose=0)
    assert traces_of(model) == {"train_step": 2}
    model.run_eagerly = True
    model.fit(X, LABELS, verbose=0)
    assert traces_of(model) == {"train_step": 2}


def test_numba_is_asked_for(monkeypatch):
    """Then it is taken, also for few steps."""
    pytest.importorskip("numba")
    monkeypatch.setattr(nn.steps, "FEWEST", 16)
    model = classifier()
    model.compile(**SPARSE, jit_compile=True)
    model.fit(X, LABELS, verbose=0, epochs=2, batch_size=26)
    (function,) = functions_of(model).values()
    assert function.jit == "numba"
    with pytest.raises(ag.DomainError, match="jit_compile is 'yes'"):
        model.compile(**SPARSE, jit_compile="yes")


def test_a_model_is_freed_with_its_plans():
    model = classifier()
    model.compile(**SPARSE)
    model.fit(X, LABELS, verbose=0)
    model.predict(X)
    seen = weakref.ref(model)
    del model
    gc.collect()
    assert seen() is None


# Callbacks


def test_callbacks_change_the_learning_rate_and_stop():
    """Each step has the rate that was set before it, and no new plan is made for it."""

    class Changes(nn.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.1 / (batch + 1)

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    compiled, _ = both(classifier, SPARSE, lambda model: fitted(callbacks=[Changes()], epochs=5)(model))
    assert len(compiled.history.history["loss"]) == 2
    assert traces_of(compiled) == {"train_step": 2}


@pytest.mark.parametrize("what", ["layer", "variable"])
@pytest.mark.parametrize("at", ["epoch", "batch"])
def test_callbacks_freeze_and_thaw(what, at):
    """From the next step on, as eagerly; each set of trained weights has plans of its own."""

    class Freezes(nn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if at == "epoch":
                self.turn(epoch % 2 == 0)

        def on_train_batch_begin(self, batch, logs=None):
            if at == "batch":
                self.turn(batch != 1)

        def turn(self, on):
            first = self.model.layers[0]
            for each in [first] if what == "layer" else first.weights:
                each.trainable = on

    def build():
        return nn.Sequential([layers.Dense(4, activation="relu", input_dim=5), layers.Dense(3, activation="softmax")])

    def compiling():
        return {**SPARSE, "optimizer": optim.SGD(0.1, momentum=0.9)}

    def run(model):
        model.optimizer.build(model.trainable_variables)
        return fitted(callbacks=[Freezes()], epochs=4)(model)

    compiled, _ = both(build, compiling, run)
    assert traces_of(compiled)["train_step"] <= 4


def test_figures_given_to_callbacks():
    """At every step, and kept by the callback: they are those after that step."""

    def run(model):
        seen = []
        watch = nn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs))
        history = fitted(callbacks=[watch], epochs=2)(model)
        return history, [{name: float(value) for name, value in logs.items()} for logs in seen]

    both(classifier, SPARSE, run)


def test_a_callback_that_asks_for_figures():
    class Sparing(nn.callbacks.Callback):
        needs_step_figures = False

        def on_train_batch_end(self, batch, logs=None):
            assert logs is None
            if batch == 2:
                self.found = {name: float(value) for name, value in self.step_figures().items()}

    class Wanting(Sparing):
        def on_train_batch_end(self, batch, logs=None):
            self.last = {name: float(value) for name, value in logs.items()}

    def run(model):
        sparing, wanting = Sparing(), Wanting()
        fitted(callbacks=[sparing, wanting])(model)
        return sparing.found, wanting.last

    both(classifier, SPARSE, run)


def test_a_progress_bar_shows_figures(capsys):
    pytest.importorskip("tqdm")

    class Bar(nn.callbacks.ProgbarLogger):
        refresh = 0.0

    model = classifier()
    model.compile(**SPARSE)
    model.fit(X, LABELS, verbose=0, callbacks=[Bar(True)], epochs=2, batch_size=16)
    assert "accuracy" in capsys.readouterr().out


def test_terminate_on_nan():
    x = X.copy()
    x[40] = np.inf
    compiling = {"optimizer": optim.SGD(0.1), "loss": "mse"}

    def run(model):
        with np.errstate(all="ignore"):
            history = fitted(x, NUMBERS, shuffle=False, callbacks=[nn.callbacks.TerminateOnNaN()])(model)
        return len(history["loss"]), int(model.optimizer.iterations)

    compiled, _ = both(lambda: nn.Sequential([layers.Dense(2, input_dim=5)]), compiling, run)
    assert compiled.optimizer.iterations == 3


@pytest.mark.parametrize("several", [1, 2, 3, 10])
def test_steps_per_execution(several):
    """Callbacks are told of every so many steps, and of the last of an epoch; nothing else changes."""

    class Counts(nn.callbacks.Callback):
        def __init__(self):
            self.begun, self.ended = [], []

        def on_train_batch_begin(self, batch, logs=None):
            self.begun.append(batch)

        def on_train_batch_end(self, batch, logs=None):
            self.ended.append(batch)
            assert set(logs) == {"loss", "accuracy"}

    def run(model):
        counts = Counts()
        return fitted(callbacks=[counts], epochs=1)(model), counts.begun, counts.ended

    compiled, _ = both(classifier, {**SPARSE, "steps_per_execution": several}, run)
    counts = run(compiled)
    assert counts[1] == list(range(0, 4, several))
    assert counts[2] == sorted({*range(several - 1, 4, several), 3})
    plain, _ = both(classifier, SPARSE, fitted(epochs=1))
    for ours, other in zip(plain.optimizer.variables[1:2], compiled.optimizer.variables[1:2], strict=True):
        assert ours.shape == other.shape


def test_steps_per_execution_must_be_a_count():
    with pytest.raises(ag.DomainError, match="steps_per_execution is 0"):
        classifier().compile(**SPARSE, steps_per_execution=0)


# Models that train in their own way


class OwnStep(nn.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.Dense(4, activation="relu"), layers.Dense(2)
        self.own = nn.metrics.Mean(name="own")
        self.worst = Worst()

    def call(self, x):
        return self.out(self.hidden(x))

    def train_step(self, data):
        x, y = data
        with ag.GradientTape() as tape:
            guess = self(x, training=True)
            loss = anp.mean((guess - y) ** 2) + sum(self.losses, 0.0)
        variables = self.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.own.update_state(loss)
        self.worst.update_state(y, guess)
        norm = anp.sqrt(sum(anp.sum(g * g) for g in gradients))
        return {"now": loss, "own": self.own.result(), "norm": norm, "worst": self.worst.result()}


class Worst(nn.metrics.Metric):
    def __init__(self):
        super().__init__(name="worst")
        self.value = self.add_variable(name="value")

    def update_state(self, y_true, y_pred):
        self.value.assign(max(self.value.item(), float(np.abs(y_true.numpy() - y_pred.numpy()).max())))

    def result(self):
        return self.value.value


def test_a_train_step_of_one_s_own():
    """Figures of the step itself, of metrics in the plan and of others, in their order."""
    compiled, _ = both(OwnStep, {"optimizer": "adam"}, fitted(y=NUMBERS))
    assert list(compiled.history.history) == ["now", "own", "norm", "worst"]
    assert traces_of(compiled) == {"train_step": 2}


class OwnLoss(nn.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(2)

    def call(self, x, training=None):
        return self.out(x) + (1.0 if training else 0.0)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return anp.mean(abs(y - y_pred)) * (2.0 if training else 1.0)


def test_a_loss_of_one_s_own():
    both(OwnLoss, {"optimizer": "adam"}, fitted(y=NUMBERS, validation_data=(X, NUMBERS)))


class NotTraceable(OwnStep):
    def train_step(self, data):
        logs = super().train_step(data)
        return logs if float(logs["now"]) > 0 else {}


def test_what_cannot_be_traced_runs_eagerly_with_a_warning():
    """Once for a compiled model, and the message names the line; ``jit_compile=True`` makes it an error."""
    model = NotTraceable()
    model.compile("adam")
    with pytest.warns(RuntimeWarning, match=r"train_step cannot be compiled.*test_compiled_training.py:\d+") as found:
        model.fit(X, NUMBERS, verbose=0, epochs=2)
    model.fit(X, NUMBERS, verbose=0)
    assert len(found) == 1
    assert found[0].filename == __file__
    assert model.optimizer.iterations == 6
    model.compile("adam", jit_compile=True)
    with pytest.raises(ag.TraceError, match="not known"):
        model.fit(X, NUMBERS, verbose=0)


def test_nothing_is_changed_by_a_trace_that_fails():
    """What was traced before the line that cannot be is as if it had not been: metrics, weights, generators."""
    results = []
    for eager in (False, True):
        nn.utils.set_random_seed(4)
        model = NotTraceable()
        model.compile("adam", run_eagerly=eager)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            results.append(fitted(y=NUMBERS)(model))
    assert results[0] == results[1]


# Recurrent layers, normalization, embeddings


def words_model(**options):
    return nn.Sequential([
        layers.Embedding(9, 4, mask_zero=True), layers.Bidirectional(layers.LSTM(3, dropout=0.2, seed=1, **options)),
        layers.BatchNormalization(), layers.Dropout(0.2, seed=2), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


WORDS = RANDOM.randint(0, 9, (COUNT, 6))


def test_random_layers_masks_and_moving_statistics():
    """The same numbers are drawn, in training only; averages move; masks leave out what is no word."""
    compiled, _ = both(words_model, SPARSE, fitted(WORDS, LABELS, validation_data=(WORDS, LABELS)))
    assert traces_of(compiled) == {"train_step": 2, "test_step": 2}
    both(words_model, SPARSE, lambda model: list(model.predict(WORDS)))


def test_stateful_layers():
    """States go on from batch to batch; ``reset_state`` forgets them, without another trace."""

    def build():
        return nn.Sequential([layers.LSTM(3, stateful=True), layers.Dense(3, activation="softmax")])

    x = RANDOM.normal(size=(48, 4, 2)).astype("float32")

    def run(model):
        first = fitted(x, LABELS[:48], shuffle=False, epochs=2)(model)
        model.layers[0].reset_state()
        second = fitted(x, LABELS[:48], shuffle=False, epochs=2)(model)
        predictions = model.predict(x, batch_size=16)
        return first, second, list(predictions)

    compiled, _ = both(build, SPARSE, run)
    assert traces_of(compiled)["train_step"] == 2  # without states from a batch before, and with them


def test_numbers_out_of_range():
    """Said at the step where they come; nothing is changed by it."""
    labels = LABELS.copy()
    labels[40] = 3
    model = words_model()
    model.compile(**SPARSE)
    model.fit(WORDS, LABELS, verbose=0, batch_size=16, shuffle=False)
    weights = [w.numpy() for w in model.weights]
    words = WORDS.copy()
    words[0, 0] = 9
    data = nn.data.Dataset.from_tensor_slices((words, LABELS)).batch(16)
    with pytest.raises(ag.DomainError, match="the input has 9"):
        model.fit(data, verbose=0)
    for weight, before in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before)
    with pytest.raises(ag.DomainError, match="out of range"):
        model.fit(nn.data.Dataset.from_tensor_slices((WORDS, labels)).batch(16), verbose=0)
    assert model.optimizer.iterations == 4 + 2


# Predictions


@pytest.mark.parametrize("kind", ["array", "list", "dict"])
def test_predictions_of_any_structure(kind):
    class Several(nn.Model):
        def __init__(self):
            super().__init__()
            self.out = layers.Dense(2)

        def call(self, x):
            y = self.out(x)
            return {"array": y, "list": [y, y * 2], "dict": {"a": y, "b": y.sum(axis=1)}}[kind]

    model = Several()
    eager = model.predict(X[:3], batch_size=2)
    model.compile("sgd", "mse")
    got, wanted = model.predict(X, batch_size=16), model(X)
    wanted = nn.shapes.map_structure(lambda t: t.numpy(), wanted)
    assert type(got) is type(wanted) is type(eager)
    assert_same(got, wanted)


def test_a_held_prediction_or_weight_is_not_overwritten():
    model = classifier()
    model.compile(**SPARSE)
    model.fit(X, LABELS, verbose=0)
    held = [(w.value, w.numpy()) for w in model.weights]
    model.fit(X, LABELS, verbose=0)
    for tensor, before in held:
        np.testing.assert_array_equal(tensor.numpy(), before)


def test_saved_in_the_middle_and_loaded(tmp_path):
    """A model saved after compiled steps, loaded, and trained on, ends as the one that went on."""
    nn.utils.set_random_seed(0)
    model = classifier()
    model.compile(**SPARSE)
    fitted()(model)
    model.save(tmp_path / "model.nn")
    other = nn.models.load_model(tmp_path / "model.nn")
    assert_same(fitted()(other), fitted()(model))
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


# What else may change between steps


def test_batches_of_many_shapes():
    """Plans are made for some, and the rest runs eagerly, without a word: the results are the same."""

    def batches():
        for start in range(0, 40):
            yield X[: 5 + start], LABELS[: 5 + start]

    both(classifier, SPARSE, lambda model: model.fit(batches(), epochs=1, verbose=0).history)
    model = classifier()
    model.compile(**SPARSE)
    model.fit(batches(), epochs=1, verbose=0)
    assert sum(function.traces for function in functions_of(model).values()) <= 1 + nn.steps.MOST_TRACES * 2


def test_a_rate_of_dropout_that_changes():
    class Lowers(nn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.layers[0].rate = [0.5, 0.0, 0.2][epoch]
            self.model.layers[1].stddev = [0.5, 0.0, 0.2][epoch]

    def build():
        return nn.Sequential([layers.Dropout(0.1, seed=0), layers.GaussianNoise(0.1, seed=1), layers.Dense(3)])

    compiling = {"optimizer": "sgd", "loss": "mse"}
    both(build, compiling, lambda model: fitted(y=ONE_HOT, callbacks=[Lowers()])(model))


def test_batches_that_hold_other_things_than_numbers():
    """A step of one's own may be given names: it runs eagerly, with a warning."""

    class Named(OwnStep):
        def train_step(self, data):
            x, y, name = data
            assert name[0].startswith("sample")
            return super().train_step((ag.constant(x), ag.constant(y)))

    names = np.array([f"sample {number}" for number in range(COUNT)])
    model = Named()
    model.compile("adam")
    with pytest.warns(RuntimeWarning, match="dtype <U9; expected arrays of numbers"):
        model.fit(((X[i : i + 9], NUMBERS[i : i + 9], names[i : i + 9]) for i in range(9)), verbose=0)
    assert model.optimizer.iterations == 9


def test_mistakes_are_said_as_eagerly_and_without_a_warning():
    model = regressor()
    model.compile("sgd", "mse")
    model.fit(X, NUMBERS, verbose=0)
    with pytest.raises(ag.ShapeError, match="built for a last axis of length 5"):
        model.predict(X[:, :3])
    with pytest.raises(ag.ShapeError, match="y_true has shape"):
        model.fit(nn.data.Dataset.from_tensor_slices((X, ONE_HOT)).batch(4), verbose=0)
    assert model.optimizer.iterations == 2


def test_copies_of_a_trained_model():
    """Copied and pickled models have plans of their own."""
    model = classifier()
    model.compile(**SPARSE)
    model.fit(X, LABELS, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        before = model.get_weights()
        other.fit(X, LABELS, verbose=0)
        for weight, value in zip(model.weights, before, strict=True):
            np.testing.assert_array_equal(weight.numpy(), value)
        assert (other.get_weights()[0] != before[0]).any()
        assert_same(other.predict(X), other(X).numpy())


def test_a_metric_that_fails_after_the_step():
    """Its error is handed on, and the step is not made again."""

    class Fails(nn.metrics.Metric):
        def update_state(self, y_true, y_pred):
            raise ag.StructureError("this metric wants something else")

        def result(self):
            return 0.0

    model = nn.Sequential([layers.Dense(2, input_dim=5)])
    model.compile("sgd", "mse", metrics=[Fails()])
    with pytest.raises(ag.StructureError, match="wants something else"):
        model.fit(nn.data.Dataset.from_tensor_slices((X, NUMBERS)).batch(16), verbose=0)
    assert model.optimizer.iterations == 1


def test_a_step_that_is_replaced():
    model = regressor()
    model.compile("sgd", "mse")
    model.fit(X, NUMBERS, verbose=0)
    original = model.train_step
    model.train_step = lambda data: {**original(data), "more": ag.constant(1.0)}
    assert model.fit(X, NUMBERS, verbose=0).history["more"] == [1.0]
    del model.train_step
    assert "more" not in model.fit(X, NUMBERS, verbose=0).history


@pytest.mark.parametrize("weighted", [False, True])
def test_masks_and_metrics_of_every_step_of_a_sequence(weighted):
    """Loss and accuracies leave out what the mask leaves out, with weights for each step, too."""

    def build():
        return nn.Sequential([layers.Embedding(9, 4, mask_zero=True), layers.Dense(3, activation="softmax")])

    labels, weights = RANDOM.randint(0, 3, WORDS.shape), RANDOM.uniform(size=WORDS.shape)
    compiling = {**SPARSE, "weighted_metrics": ["accuracy", nn.metrics.SparseCategoricalCrossentropy()]}
    both(build, compiling, fitted(WORDS, labels, sample_weight=weights if weighted else None))
