"""A training that was broken off goes on as if nothing had happened: same weights, bit for bit, and same figures."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = RANDOM.randint(0, 3, 40)


class BrokenOffError(Exception):
    """What ends a training here."""


class BreakAt(nn.callbacks.Callback):
    """Raise at a step, counted over all epochs; never if None."""

    def __init__(self, step):
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise BrokenOffError


def model(optimizer):
    made = nn.Sequential(
        [
            nn.layers.Dense(8, activation="tanh", kernel_initializer=nn.initializers.GlorotUniform(1)),
            nn.layers.Dropout(0.3, seed=2),
            nn.layers.BatchNormalization(),
            nn.layers.Dense(3, activation="softmax", kernel_initializer=nn.initializers.GlorotUniform(3)),
        ]
    )
    made.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def slices():
    return nn.data.Dataset.from_tensor_slices((X, Y))


FEEDS = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 8, "seed": 5},
    "shuffled Dataset": lambda: {"x": slices().shuffle(15, seed=5).batch(8)},
    "cached and prefetched": lambda: {"x": slices().cache().shuffle(40, seed=5).batch(8).prefetch(2)},
    "endless Dataset": lambda: {"x": slices().shuffle(15, seed=5).batch(8).repeat(), "steps_per_epoch": 4},
    "in order": lambda: {"x": X, "y": Y, "batch_size": 8, "shuffle": False},
    "validation": lambda: {"x": X, "y": Y, "batch_size": 8, "seed": 5, "validation_split": 0.25},
    "class weights": lambda: {"x": X, "y": Y, "batch_size": 8, "seed": 5, "class_weight": {0: 2.0}},
}
OPTIMIZERS = {
    "adam": lambda: optim.Adam(0.01),
    "sgd with momentum": lambda: optim.SGD(0.05, momentum=0.9, nesterov=True),
    "schedule": lambda: optim.RMSprop(optim.schedules.CosineDecay(0.01, 20)),
    "accumulation": lambda: optim.AdamW(0.01, gradient_accumulation_steps=3),
    "averages": lambda: optim.Lion(0.001, use_ema=True, ema_overwrite_frequency=4),
}


def run(folder, feed, optimizer, broken_at=None, save_freq=1, epochs=3):
    made = model(OPTIMIZERS[optimizer])
    callbacks = [
        nn.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        nn.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
        if optimizer != "schedule"
        else nn.callbacks.History(),
        nn.callbacks.BackupAndRestore(folder, save_freq=save_freq),
        BreakAt(broken_at),
    ]
    history = made.fit(epochs=epochs, verbose=0, callbacks=callbacks, **FEEDS[feed]())
    return made.get_weights(), history.history


def assert_same(found, expected):
    for a, b in zip(found[0], expected[0], strict=True):
        assert a.tobytes() == b.tobytes()
    assert found[1] == expected[1]


CASES = [(feed, "adam") for feed in FEEDS] + [("arrays", optimizer) for optimizer in OPTIMIZERS]


@pytest.mark.parametrize(("feed", "optimizer"), CASES)
@pytest.mark.parametrize("save_freq", [1, 3, "epoch"])
def test_it_goes_on_where_it_was(tmp_path, feed, optimizer, save_freq):
    """Broken off twice, at any step: in the first epoch, between epochs, in the last."""
    expected = run(tmp_path / "whole", feed, optimizer)
    for step in (0, 3, 4, 9):
        folder = tmp_path / str(step)
        for at in (step, 1):
            with pytest.raises(BrokenOffError):
                run(folder, feed, optimizer, broken_at=at, save_freq=save_freq)
        assert_same(run(folder, feed, optimizer, save_freq=save_freq), expected)
        assert not list(folder.iterdir())


def test_the_backup_may_be_kept(tmp_path):
    """With ``delete_checkpoint=False`` a second fit has nothing left to do, and more epochs go on."""
    made = model(OPTIMIZERS["adam"])
    keep = nn.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[keep])
    before = made.get_weights()
    again = model(OPTIMIZERS["adam"])
    history = again.fit(X, Y, epochs=2, verbose=0, callbacks=[keep])
    assert_same((again.get_weights(), {}), (before, {}))
    assert history.epoch == [0, 1]
    assert again.fit(X, Y, epochs=3, verbose=0, callbacks=[keep]).epoch == [0, 1, 2]


def test_a_backup_that_does_not_fit(tmp_path):
    """Of another network, optimizer or callbacks; damaged: an error, and the model is as it was."""
    with pytest.raises(BrokenOffError):
        run(tmp_path, "arrays", "adam", broken_at=2)
    path = tmp_path / "backup.safetensors"
    data = path.read_bytes()

    def begin(made, *callbacks):
        made.fit(X, Y, verbose=0, callbacks=[*callbacks, nn.callbacks.BackupAndRestore(tmp_path)])

    others = [nn.callbacks.EarlyStopping("loss"), nn.callbacks.LearningRateScheduler(lambda e: 0.1), BreakAt(None)]
    with pytest.raises(ag.StructureError, match=r"is of a training with the callbacks .*; this one has \['History'\]"):
        begin(model(OPTIMIZERS["adam"]))
    with pytest.raises(ag.StructureError, match=r"was written with the optimizer Adam; this model has SGD"):
        begin(model(OPTIMIZERS["sgd with momentum"]), *others)
    smaller = nn.Sequential([nn.layers.Dense(3, activation="softmax"), nn.layers.Dropout(0.5)])
    smaller.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ag.StructureError, match=r"does not fit 'sequential': weight 1 is"):
        begin(smaller, *others)
    path.write_bytes(data[:-100])
    with pytest.raises(ag.DataError, match=r"backup\.safetensors is damaged"):
        begin(model(OPTIMIZERS["adam"]), *others)
    with pytest.raises(ag.DomainError, match=r"save_freq is 0"):
        nn.callbacks.BackupAndRestore(tmp_path, save_freq=0)
    with pytest.raises(ag.DomainError, match="backup_dir is empty"):
        nn.callbacks.BackupAndRestore("")


def test_states_of_recurrent_layers_come_back(tmp_path):
    """A layer that goes on from batch to batch does so from before the break to after it."""
    x = RANDOM.normal(size=(40, 4, 3)).astype(np.float32)

    def run_recurrent(folder, broken_at=None):
        initializers = {"kernel_initializer": nn.initializers.GlorotUniform(1), "recurrent_initializer": "identity"}
        recurrent = nn.layers.SimpleRNN(3, stateful=True, **initializers)
        made = nn.Sequential([recurrent, nn.layers.Dense(3, kernel_initializer=nn.initializers.GlorotUniform(2))])
        made.compile("sgd", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
        callbacks = [nn.callbacks.BackupAndRestore(folder, save_freq=1), BreakAt(broken_at)]
        made.fit(x, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
        return made.get_weights(), {}

    expected = run_recurrent(tmp_path / "whole")
    with pytest.raises(BrokenOffError):
        run_recurrent(tmp_path / "broken", broken_at=6)
    assert_same(run_recurrent(tmp_path / "broken"), expected)


def test_a_training_that_had_stopped_stays_stopped(tmp_path, monkeypatch):
    """Killed between the last epoch, which a callback ended early, and the removal of the backup."""
    made = model(OPTIMIZERS["adam"])
    stopping = nn.callbacks.EarlyStopping("told", patience=0)
    told = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(told=1.0))
    backup = nn.callbacks.BackupAndRestore(tmp_path)
    monkeypatch.setattr(nn.callbacks.BackupAndRestore, "on_train_end", lambda *args: None)
    made.fit(X, Y, epochs=9, verbose=0, callbacks=[told, stopping, backup])
    monkeypatch.undo()
    again = model(OPTIMIZERS["adam"])
    history = again.fit(X, Y, epochs=9, verbose=0, callbacks=[told, stopping, backup])
    assert history.epoch == [0, 1]
    assert_same((again.get_weights(), {}), (made.get_weights(), {}))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed")
@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_any_moment(tmp_path, kills):
    """SIGKILL at random moments: see ``killed_training.py``."""
    pytest.importorskip("safetensors")
    program = Path(__file__).with_name("killed_training.py")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, program, tmp_path / "work", str(kills), "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert f"killed {kills} times" in done.stdout
