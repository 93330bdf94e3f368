"""Callbacks: each does what it says at the time it says."""

import csv
import json
import math

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = RANDOM.randint(0, 3, 40)


def model(optimizer="adam"):
    made = nn.Sequential(
        [nn.Input((3,)), nn.layers.Dense(3, "softmax", kernel_initializer=nn.initializers.HeNormal(1))]
    )
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


class Told(nn.callbacks.Callback):
    """Puts figures of its own into the logs, before the callbacks after it see them."""

    def __init__(self, name, values):
        self.name = name
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


def run(*callbacks, epochs=8, made=None, **options):
    made = made or model()
    return made, made.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, seed=0, callbacks=callbacks, **options)


def test_all_methods_are_called_in_order():
    """Of fit, of the evaluation inside, and of evaluate and predict."""
    seen = []
    names = [name for name in vars(nn.callbacks.Callback) if name.startswith("on_")]  # on_epoch_resume is not called
    watcher = nn.callbacks.LambdaCallback(**{name: lambda *args, n=name: seen.append(n) for name in names})
    made, _ = run(watcher, epochs=1, validation_data=(X[:16], Y[:16]))
    step = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"]
    assert seen == ["on_train_begin", "on_epoch_begin", *step * 3, *test, "on_epoch_end", "on_train_end"]
    seen.clear()
    made.evaluate(X[:8], Y[:8], verbose=0, callbacks=[watcher])
    made.predict(X[:8], callbacks=[watcher])
    predict = [name.replace("test", "predict") for name in test]
    assert seen == [*test, *predict]


def test_the_end_is_told_when_training_breaks_off():
    """``on_train_end`` is called, and the exception comes through."""
    seen = []

    def fail(batch, logs):
        raise RuntimeError("stop here")

    watcher = nn.callbacks.LambdaCallback(on_train_batch_end=fail, on_train_end=seen.append)
    with pytest.raises(RuntimeError, match="stop here"):
        run(watcher)
    assert seen == [None]


# -- stopping ---------------------------------------------------------------------------------------------------------

RISING = [1.0, 0.5, 0.6, 0.7, 0.4, 0.9, 0.9, 0.9]


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({"patience": 2}, 4), ({"patience": 3}, 8), ({"patience": 0}, 3), ({"patience": 1, "min_delta": 0.6}, 2),
        ({"patience": 1, "mode": "max"}, 2), ({"patience": 2, "start_from_epoch": 3}, 7),
        ({"patience": 3, "baseline": 0.1}, 3),
    ],
)  # fmt: skip
def test_early_stopping(options, epochs):
    """After so many epochs that are not better, counted as Keras does."""
    callback = nn.callbacks.EarlyStopping("told", **options)
    _, history = run(Told("told", RISING), callback)
    assert len(history.epoch) == epochs


def test_early_stopping_gives_the_best_weights_back():
    """Those of the epoch with the best figure."""
    weights = []
    keeper = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(keeper.model.get_weights()[0]))
    callback = nn.callbacks.EarlyStopping("told", patience=2, restore_best_weights=True)
    made, _ = run(keeper, Told("told", RISING), callback)
    assert callback.best_epoch == 1
    assert callback.stopped_epoch == 3
    np.testing.assert_array_equal(made.get_weights()[0], weights[1])


def test_a_figure_that_is_not_there():
    """A warning names those there are."""
    with pytest.warns(UserWarning, match=r"follows 'val_loss', .* no such figure; .*loss, accuracy.*validation"):
        run(nn.callbacks.EarlyStopping(), epochs=1)


def test_terminate_on_nan(capsys):
    """The training stops at once."""
    made = model()
    made.compile("sgd", lambda y_true, y_pred: y_pred * np.inf)
    with np.errstate(invalid="ignore"):
        history = made.fit(X, X, verbose=0, epochs=3, callbacks=[nn.callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1
    assert "the loss is inf; the training stops" in capsys.readouterr().out
    with pytest.raises(ag.DomainError, match=r"Batch 0: the loss is"), np.errstate(invalid="ignore"):
        made.fit(X, X, verbose=0, callbacks=[nn.callbacks.TerminateOnNaN(raise_error=True)])


# -- learning rates ---------------------------------------------------------------------------------------------------


def test_learning_rate_scheduler():
    """With the epoch alone, or the present rate too; the rate is among the figures."""
    _, history = run(nn.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), epochs=3)
    assert history.history["loss"]
    made, _ = run(nn.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2), epochs=3)
    assert made.optimizer.learning_rate == pytest.approx(0.001 / 8)
    with pytest.raises(ag.DomainError, match="the schedule gave 'fast' for epoch 0"):
        run(nn.callbacks.LearningRateScheduler(lambda epoch: "fast"))
    scheduled = model(optim.SGD(optim.schedules.ExponentialDecay(0.1, 10, 0.5)))
    with pytest.raises(ag.StructureError, match="follows a schedule already"):
        run(nn.callbacks.LearningRateScheduler(lambda epoch: 0.1), made=scheduled)


def test_reduce_on_plateau():
    """Lowered after ``patience`` epochs, not below ``min_lr``, not during the cooldown."""
    told = Told("told", [1.0] * 8)
    rates = []
    keeper = nn.callbacks.LambdaCallback(
        on_epoch_end=lambda e, logs: rates.append(keeper.model.optimizer.learning_rate)
    )
    run(told, nn.callbacks.ReduceLROnPlateau("told", factor=0.5, patience=2, cooldown=1, min_lr=3e-4), keeper)
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 5e-4, 5e-4, 3e-4, 3e-4, 3e-4, 3e-4])
    with pytest.raises(ag.DomainError, match=r"factor is 1\.5"):
        nn.callbacks.ReduceLROnPlateau(factor=1.5)


# -- files ------------------------------------------------------------------------------------------------------------


def test_checkpoints_of_every_epoch_and_of_the_best(tmp_path):
    """Names with fields; the best is that of the best figure."""
    weights = []
    keeper = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(keeper.model.get_weights()))
    told = Told("told", RISING)
    every = nn.callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{told:.1f}", save_weights_only=True)
    best = nn.callbacks.ModelCheckpoint(tmp_path / "best", monitor="told", save_best_only=True)
    made, _ = run(keeper, told, every, best)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{i + 1:02d}-{value:.1f}" for i, value in enumerate(RISING)} | {"best"}
    loaded = nn.models.load_model(tmp_path / "best")
    np.testing.assert_array_equal(loaded.get_weights()[0], weights[4][0])
    made.load_weights(tmp_path / "03-0.6")
    np.testing.assert_array_equal(made.get_weights()[0], weights[2][0])
    with pytest.raises(ag.DomainError, match=r"has a field that is not known .*there are: epoch, loss, accuracy"):
        run(nn.callbacks.ModelCheckpoint(tmp_path / "{val_loss}"), epochs=1)
    with pytest.raises(ag.DomainError, match="save_freq is 'batch'"):
        nn.callbacks.ModelCheckpoint(tmp_path, save_freq="batch")


def test_checkpoints_after_steps(tmp_path):
    """Three steps an epoch; one file after every second."""
    run(nn.callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=2), epochs=2)
    assert {path.name for path in tmp_path.iterdir()} == {"1-2", "2-1", "2-3"}


def test_csv_logger(tmp_path):
    """A line for each epoch, numbers exactly; appended to if asked."""
    path = tmp_path / "logs" / "training.csv"
    _, history = run(nn.callbacks.CSVLogger(path), epochs=3, validation_data=(X, Y), validation_freq=2)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [float(row["loss"]) for row in rows] == history.history["loss"]
    assert rows[0]["val_loss"] == "NA"
    run(nn.callbacks.CSVLogger(path, append=True), epochs=1, validation_data=(X, Y))
    assert len(path.read_text().splitlines()) == 5
    run(nn.callbacks.CSVLogger(path, separator=";"), epochs=1)
    assert path.read_text().startswith("epoch;loss;accuracy\n0;")


def test_tensorboard_files_hold_the_figures(tmp_path):
    """Read back with TensorBoard's own reader."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing import event_file_loader

    callback = nn.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=2, write_steps_per_second=True)
    _, history = run(callback, epochs=3, validation_data=(X, Y))
    found = {}
    for folder in ("train", "validation"):
        (path,) = (tmp_path / folder).iterdir()
        for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found.setdefault((folder, value.tag), []).append((event.step, value))
    losses = [value.simple_value for _, value in found["train", "epoch_loss"]]
    np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-6)
    assert [step for step, _ in found["train", "batch_loss"]] == [2, 4, 6, 8]
    assert len(found["validation", "epoch_accuracy"]) == 3
    assert found["train", "dense/kernel"][0][1].histo.num == 9
    assert ("train", "epoch_steps_per_second") in found


# -- history and progress ---------------------------------------------------------------------------------------------


def test_history_is_drawn():
    """One picture for each figure, with its validation; a name that is not there is said."""
    _, history = run(epochs=3, validation_data=(X, Y))
    figure = history.plot()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["loss", "accuracy"]
    assert [line.get_label() for line in figure.axes[0].lines] == ["training", "validation"]
    np.testing.assert_allclose(figure.axes[0].lines[1].get_ydata(), history.history["val_loss"])
    assert len(history.plot("accuracy").axes) == 1
    with pytest.raises(ag.DomainError, match="there is no figure 'acc'; there are: loss, accuracy"):
        history.plot(["acc"])
    with pytest.raises(ag.DomainError, match="nothing to draw"):
        nn.callbacks.History().plot()


def test_a_line_per_epoch_in_a_file(capsys):
    """Not a terminal: no bar; small numbers keep their digits."""
    model().fit(X, Y, epochs=2, verbose=2, callbacks=[nn.callbacks.LearningRateScheduler(lambda epoch: 1e-5)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Epoch 1/2 - 2 steps - ")
    assert "learning_rate: 1.0000e-05" in lines[1]


def test_lambda_callback_knows_the_methods():
    """A misspelt one is said."""
    with pytest.raises(ag.DomainError, match="there is no 'on_epoch_ends'; there are: on_epoch_begin, on_epoch_end"):
        nn.callbacks.LambdaCallback(on_epoch_ends=print)


@pytest.mark.parametrize(
    "callback",
    [
        nn.callbacks.EarlyStopping("loss", restore_best_weights=True), nn.callbacks.ReduceLROnPlateau("loss"),
        nn.callbacks.History(), nn.callbacks.ModelCheckpoint("x", "loss", save_best_only=True, save_weights_only=True),
    ],
    ids=lambda callback: type(callback).__name__,
)  # fmt: skip
def test_states_come_back(callback, tmp_path, monkeypatch):
    """``load_state_dict(state_dict())`` restores everything; the state holds nothing but plain values and arrays."""
    monkeypatch.chdir(tmp_path)
    run(callback, epochs=2)
    state = callback.state_dict()
    json.dumps(state, default=lambda value: value.tolist())
    before = {name: value for name, value in vars(callback).items() if name not in ("model", "params")}
    for name in state:
        if name in vars(callback):
            setattr(callback, name, math.nan)
    callback.load_state_dict(state)
    for name, value in before.items():
        np.testing.assert_equal(vars(callback)[name], value)
