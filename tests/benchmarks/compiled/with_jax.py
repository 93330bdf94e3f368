"""JAX's sides: the whole step, optimizer included, in one ``jax.jit`` with donated state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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


class Training:
    """Weights and optimizer state, and the jitted step that takes them and gives new ones."""

    def __init__(self, first: Any, loss_of: Callable[..., Any], optimizer: tuple[Callable[..., Any], ...]):
        init, update = optimizer

        def advance(state, x, y):
            weights, moments = state
            loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
            return update(weights, moments, gradients), loss

        weights = [jnp.array(w) for w in first]
        self.state = weights, init(weights)
        self.advance = jax.jit(advance, donate_argnums=0)

    def step(self, x, y):
        self.state, loss = self.advance(self.state, x, y)
        return loss

    def wait(self):
        jax.block_until_ready(self.state)

    def weights(self):
        return [np.asarray(w) for w in self.state[0]]


def run(problem: Mapping[str, Any], loss_of: Callable[..., Any], optimizer: Any) -> Run:
    training = Training(problem["weights"], loss_of, optimizer)
    batches = [(jnp.array(x), jnp.array(y.astype(np.int32))) for x, y in problem["batches"]]
    return training_run(Trainer(training.step, training.weights), batches, problem["weights"], training.wait)


def cross_entropy(z, y):
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], 1)[:, 0])


def two_layers(activation: Callable[..., Any]) -> Callable[..., Any]:
    def loss_of(w, x, y):
        return cross_entropy(activation(x @ w[0] + w[1]) @ w[2] + w[3], y)

    return loss_of


# Optimizers, by Keras's formulas: (init, update)


def adam(learning_rate: float = 1e-3, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7):
    def init(weights):
        return [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], jnp.float32(0)

    def update(weights, moments, gradients):
        means, squares, step = moments
        step = step + 1
        rate = learning_rate * jnp.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        means = [beta_1 * m + (1 - beta_1) * g for m, g in zip(means, gradients, strict=True)]
        squares = [beta_2 * v + (1 - beta_2) * g * g for v, g in zip(squares, gradients, strict=True)]
        triples = zip(weights, means, squares, strict=True)
        return [w - rate * m / (jnp.sqrt(v) + epsilon) for w, m, v in triples], (means, squares, step)

    return init, update


def rmsprop(learning_rate: float = 1e-3, rho: float = 0.9, epsilon: float = 1e-7):
    def init(weights):
        return [jnp.zeros_like(w) for w in weights]

    def update(weights, squares, gradients):
        squares = [rho * v + (1 - rho) * g * g for v, g in zip(squares, gradients, strict=True)]
        triples = zip(weights, gradients, squares, strict=True)
        return [w - learning_rate * g / jnp.sqrt(v + epsilon) for w, g, v in triples], squares

    return init, update


def sgd(learning_rate: float, momentum: float):
    def init(weights):
        return [jnp.zeros_like(w) for w in weights]

    def update(weights, velocities, gradients):
        velocities = [momentum * v - learning_rate * g for v, g in zip(velocities, gradients, strict=True)]
        return [w + v for w, v in zip(weights, velocities, strict=True)], velocities

    return init, update


# The rows


def clusters(problem: Mapping[str, Any]) -> Run:
    work = clusters_work
    optimizer = adam(work.LEARNING_RATE, work.BETA_1, work.BETA_2, work.EPSILON)
    return run(problem, two_layers(jax.nn.sigmoid), optimizer)


def mnist(problem: Mapping[str, Any]) -> Run:
    optimizer = rmsprop(mnist_work.LEARNING_RATE, mnist_work.RHO, mnist_work.EPSILON)
    return run(problem, two_layers(jax.nn.relu), optimizer)


def lstm(problem: Mapping[str, Any], unroll: bool = False) -> Run:
    sigmoid = jax.nn.sigmoid

    def loss_of(w, x, y):
        projected = jnp.swapaxes(x, 0, 1) @ w[0] + w[2]

        def cell(state, at):
            h, c = state
            i, f, g, o = jnp.split(at + h @ w[1], 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
            return (sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((len(x), lstm_work.UNITS))
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), projected, unroll=unroll)
        return cross_entropy(h @ w[3] + w[4], y)

    return run(problem, loss_of, adam())


def lenet(problem: Mapping[str, Any]) -> Run:
    def convolved(x, kernel, padding):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=numbers)

    def pool(x):
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") * 0.25

    def loss_of(w, x, y):
        relu = jax.nn.relu
        h = pool(relu(convolved(x, w[0], "SAME") + w[1]))
        h = pool(relu(convolved(h, w[2], "VALID") + w[3])).reshape(len(x), -1)
        return cross_entropy(relu(relu(h @ w[4] + w[5]) @ w[6] + w[7]) @ w[8] + w[9], y)

    return run(problem, loss_of, sgd(lenet_work.LEARNING_RATE, lenet_work.MOMENTUM))


def chain(problem: Mapping[str, Any]) -> Run:
    a, b = chain_work.SCALE, chain_work.SHIFT

    def value_of(x):
        return jnp.sum(jnp.tanh(x * a + b) * jnp.exp(-x * x) + jnp.log1p(x * x))

    function, x = jax.jit(jax.value_and_grad(value_of)), jnp.array(problem["x"])
    return chain_work.run_of(lambda: jax.block_until_ready(function(x)))


def small_ops(problem: Mapping[str, Any]) -> Run:
    def value_of(*leaves):
        return jnp.sum(small_ops_work.chain(*leaves, jnp.tanh))

    function = jax.jit(jax.value_and_grad(value_of, argnums=(0, 1, 2)))
    leaves = [jnp.array(array) for array in problem["arrays"]]
    return small_ops_work.run_of(lambda: jax.block_until_ready(function(*leaves)))


def scan(problem: Mapping[str, Any]) -> Run:
    w, u, x = (jnp.array(array) for array in problem.values())
    zeros = jnp.zeros((scan_work.BATCH, scan_work.UNITS))
    value = lambda w, u, x: scan_work.value_of(w, u, x, jax.lax.scan, jnp.tanh, zeros)
    function = jax.jit(jax.value_and_grad(value, argnums=(0, 1)))
    return scan_work.run_of(lambda: jax.block_until_ready(function(w, u, x)))


def while_loop(problem: Mapping[str, Any]) -> Run:
    jax.config.update("jax_enable_x64", True)
    function = jax.jit(lambda start, end: while_loop_work.way(start, end, jax.lax.while_loop, jnp.sin))
    start, end = jnp.array(problem["start"]), jnp.array(problem["end"])
    return while_loop_work.run_of(lambda: jax.block_until_ready(function(start, end)))


def mnist_epoch(problem: Mapping[str, Any]) -> Run:
    """A loop over batches out of NumPy arrays."""
    optimizer = rmsprop(mnist_work.LEARNING_RATE, mnist_work.RHO, mnist_work.EPSILON)
    training = Training(problem["weights"], two_layers(jax.nn.relu), optimizer)
    images, labels = problem["images"], problem["labels"].astype(np.int32)

    def epoch(count, shuffle):
        cuts = mnist_epoch_work.cuts_of(count, np.random.permutation(count) if shuffle else None)
        losses = [training.step(images[cut], labels[cut]) for cut in cuts]
        training.wait()
        return float(sum(np.asarray(loss) for loss in losses)) / len(losses)

    return mnist_epoch_work.run_of(problem, epoch, training.weights)
