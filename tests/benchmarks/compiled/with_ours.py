"""Our sides, as a user writes them; ``jit`` is None (eager), "numpy" or "numba"."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from tests.benchmarks.compiled import chain as chain_work
from tests.benchmarks.compiled import clusters as clusters_work
from tests.benchmarks.compiled import lenet as lenet_work
from tests.benchmarks.compiled import lstm as lstm_work
from tests.benchmarks.compiled import mnist as mnist_work
from tests.benchmarks.compiled import mnist_epoch as mnist_epoch_work
from tests.benchmarks.compiled import scan as scan_work
from tests.benchmarks.compiled import small_ops as small_ops_work
from tests.benchmarks.compiled import while_loop as while_loop_work
from tests.benchmarks.compiled.work import Run, Trainer, training_run


def compiled(function: Callable[..., Any], jit: str | None) -> Callable[..., Any]:
    """The function itself, or its compiled form."""
    if jit is None:
        return function
    return ag.function(function, jit=jit)


def run(problem: Mapping[str, Any], model: Any, loss_object: Any, optimizer: Any, jit: str | None) -> Run:
    """A step on a model: a tape, the loss, its gradients, ``apply_gradients``."""
    batches = [(ag.constant(x), ag.constant(y)) for x, y in problem["batches"]]
    model(batches[0][0])
    model.set_weights(problem["weights"])

    def step(x, y):
        with ag.GradientTape() as tape:
            loss = loss_object(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))  # noqa: B905 - as a user writes it
        return loss

    return training_run(Trainer(compiled(step, jit), model.get_weights), batches, problem["weights"])


def clusters(problem: Mapping[str, Any], jit: str | None) -> Run:
    layers, work = nn.layers, clusters_work
    model = nn.Sequential([layers.Dense(work.HIDDEN, activation="sigmoid"), layers.Dense(10, activation="softmax")])
    optimizer = optim.Adam(work.LEARNING_RATE, work.BETA_1, work.BETA_2, epsilon=work.EPSILON)
    return run(problem, model, nn.losses.SparseCategoricalCrossentropy(), optimizer, jit)


def mnist_model() -> Any:
    layers = nn.layers
    return nn.Sequential([layers.Dense(mnist_work.HIDDEN, activation="relu"), layers.Dense(10, activation="softmax")])


def mnist_optimizer() -> Any:
    return optim.RMSprop(mnist_work.LEARNING_RATE, rho=mnist_work.RHO, epsilon=mnist_work.EPSILON)


def mnist(problem: Mapping[str, Any], jit: str | None) -> Run:
    return run(problem, mnist_model(), nn.losses.SparseCategoricalCrossentropy(), mnist_optimizer(), jit)


def lstm(problem: Mapping[str, Any], jit: str | None) -> Run:
    model = nn.Sequential([nn.layers.LSTM(lstm_work.UNITS), nn.layers.Dense(10)])
    loss_object = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    return run(problem, model, loss_object, optim.Adam(), jit)


def lenet(problem: Mapping[str, Any], jit: str | None) -> Run:
    layers = nn.layers
    model = nn.Sequential(
        [
            layers.Conv2D(6, 5, padding="same", activation="relu"), layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="relu"), layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"), layers.Dense(10),
        ]
    )  # fmt: skip
    loss_object = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = optim.SGD(lenet_work.LEARNING_RATE, momentum=lenet_work.MOMENTUM)
    return run(problem, model, loss_object, optimizer, jit)


def chain(problem: Mapping[str, Any], jit: str | None) -> Run:
    a, b = chain_work.SCALE, chain_work.SHIFT

    def value_of(x):
        return np.sum(np.tanh(x * a + b) * np.exp(-x * x) + np.log1p(x * x))

    function, x = compiled(ag.value_and_grad(value_of), jit), ag.constant(problem["x"])
    return chain_work.run_of(lambda: function(x))


def small_ops(problem: Mapping[str, Any], jit: str | None) -> Run:
    leaves = [ag.constant(array) for array in problem["arrays"]]

    def value_and_gradients(x, a, b):
        with ag.GradientTape() as tape:
            tape.watch([x, a, b])
            value = np.sum(small_ops_work.chain(x, a, b, np.tanh))
        return value, tape.gradient(value, [x, a, b])

    function = compiled(value_and_gradients, jit)
    return small_ops_work.run_of(lambda: function(*leaves))


def scan(problem: Mapping[str, Any], jit: str | None) -> Run:
    w, u, x = (ag.constant(array) for array in problem.values())
    zeros = np.zeros((scan_work.BATCH, scan_work.UNITS), np.float32)
    value = lambda w, u: scan_work.value_of(w, u, x, ag.scan, np.tanh, zeros)
    function = compiled(ag.value_and_grad(value, argnums=(0, 1)), jit)
    return scan_work.run_of(lambda: function(w, u))


def while_loop(problem: Mapping[str, Any], jit: str | None) -> Run:
    function = compiled(lambda start, end: while_loop_work.way(start, end, ag.while_loop, np.sin), jit)
    return while_loop_work.run_of(lambda: function(problem["start"], problem["end"]))


def first_call(problem: Mapping[str, Any], jit: str | None, imported: bool = False) -> Run:
    """The MNIST step before its first call; ``imported``: with Numba imported already."""
    if imported:
        importlib.import_module("numba")
    return mnist(problem, jit)


class Count(nn.callbacks.Callback):
    """A callback that does next to nothing, as a user's may."""

    def __init__(self):
        super().__init__()
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


def mnist_epoch(problem: Mapping[str, Any], jit: str | None) -> Run:
    """``fit``: eager, or compiled for NumPy or Numba, or for what it chooses by itself ("auto")."""
    model = mnist_model()
    model.build((None, mnist_work.PIXELS))
    model.set_weights(problem["weights"])
    how = (
        {"run_eagerly": True} if jit is None else {"jit_compile": {"numpy": False, "numba": True, "auto": "auto"}[jit]}
    )
    model.compile(mnist_optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
    images, labels = problem["images"], problem["labels"]

    def epoch(count, shuffle):
        x, y = images[:count], labels[:count]
        history = model.fit(x, y, batch_size=mnist_work.BATCH_SIZE, verbose=0, shuffle=shuffle, callbacks=[Count()])
        return history.history["loss"][0]

    return mnist_epoch_work.run_of(problem, epoch, model.get_weights)
