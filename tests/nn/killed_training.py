"""A training that is killed again and again, as a program: ``python killed_training.py FOLDER KILLS SEED``.

It trains once without a break. Then the same training runs in processes that are killed with SIGKILL at random moments,
each going on from the backup of the one before, until there were KILLS kills. After each the backup must be readable;
each time that a training comes to its end, its weights must be those of the one without a break, bit for bit.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import nn
import optim
from nn import saving

EPOCHS = 12


def train(folder, result):
    """Train a small network with everything that has a state; the last weights go into ``result``."""
    random = np.random.RandomState(0)
    x = random.normal(size=(96, 6)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 2] > 0.5)
    model = nn.Sequential(
        [
            nn.Input((6,)),
            nn.layers.GaussianNoise(0.1),
            nn.layers.Dense(16, activation="relu"),
            nn.layers.BatchNormalization(),
            nn.layers.Dropout(0.2),
            nn.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        optim.Adam(0.01, use_ema=True, gradient_accumulation_steps=2, clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", nn.metrics.SparseTopKCategoricalAccuracy(k=2)],
    )
    callbacks = [
        nn.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.95),
        nn.callbacks.ReduceLROnPlateau("loss", factor=0.7, patience=2),
        nn.callbacks.EarlyStopping("val_loss", patience=EPOCHS, restore_best_weights=True),
        nn.callbacks.CSVLogger(folder / "figures.csv"),
        nn.callbacks.BackupAndRestore(folder / "backup", save_freq=1),
    ]
    history = model.fit(
        x, y, batch_size=16, epochs=EPOCHS, validation_data=(x[:32], y[:32]), callbacks=callbacks, verbose=0
    )
    table = (folder / "figures.csv").read_text()
    saving.write(result, "training", {"weights": model.get_weights(), "history": history.history, "table": table})


def run_until(folder, result, seconds):
    """Train in a process that is killed after some time; whether it came to its end before."""
    child = os.fork()
    if not child:
        try:
            nn.utils.set_random_seed(1)
            train(folder, result)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.0005)
    else:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        sys.exit("a training failed")
    return True


def main(folder, kills, seed):
    """Kill so many times; exit with an error if anything differs."""
    random = np.random.RandomState(seed)
    start = time.monotonic()
    (folder / "whole").mkdir(parents=True)
    (folder / "broken").mkdir()
    assert run_until(folder / "whole", folder / "expected", 600)
    duration = time.monotonic() - start
    expected = saving.read(folder / "expected", "training")
    backup = folder / "broken" / "backup" / "backup.safetensors"
    killed = ended = 0
    while killed < kills or not ended:
        # The last one runs to its end, so that there is something to compare.
        limit = random.uniform(0, duration / 2) if killed < kills else 600
        if not run_until(folder / "broken", folder / "found", limit):
            killed += 1
            if backup.exists():
                saving.read(backup, "training")
            continue
        found = saving.read(folder / "found", "training")
        for a, b in zip(expected["weights"], found["weights"], strict=True):
            assert a.tobytes() == b.tobytes(), "the weights differ"
        assert found["history"] == expected["history"], "the history differs"
        assert found["table"] == expected["table"], "the table differs"
        assert not backup.exists()
        assert not list(backup.parent.iterdir()), "files were left over"
        ended += 1
    print(f"killed {killed} times, came to the end {ended} times, {duration:.1f} s without a break")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
