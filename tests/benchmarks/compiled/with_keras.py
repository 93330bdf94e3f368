"""Keras 3 on TensorFlow, and steps in ``tf.function``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tests.benchmarks.compiled import mnist as mnist_work
from tests.benchmarks.compiled import mnist_epoch as mnist_epoch_work
from tests.benchmarks.compiled.work import Run, Trainer, training_run


def rmsprop() -> Any:
    work = mnist_work
    return keras.optimizers.RMSprop(work.LEARNING_RATE, rho=work.RHO, epsilon=work.EPSILON)


def mnist(problem: Mapping[str, Any], xla: bool | None = None) -> Run:
    w = [tf.Variable(array) for array in problem["weights"]]
    optimizer = rmsprop()
    optimizer.build(w)

    @tf.function(jit_compile=xla)
    def step(x, y):
        with tf.GradientTape() as tape:
            z = tf.nn.relu(x @ w[0] + w[1]) @ w[2] + w[3]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))
        optimizer.apply(tape.gradient(loss, w), w)
        return loss

    batches = [(tf.constant(x), tf.constant(y)) for x, y in problem["batches"]]
    side = Trainer(step, lambda: [v.numpy() for v in w])
    return training_run(side, batches, problem["weights"], sync=lambda: w[3].numpy())


class Count(keras.callbacks.Callback):
    """A callback that does next to nothing, as a user's may."""

    def __init__(self):
        super().__init__()
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


def mnist_epoch(problem: Mapping[str, Any]) -> Run:
    layers = keras.layers
    hidden = layers.Dense(mnist_work.HIDDEN, activation="relu")
    inputs = layers.Input((mnist_work.PIXELS,))
    model = keras.Sequential([inputs, hidden, layers.Dense(10, activation="softmax")])
    model.set_weights(problem["weights"])
    model.compile(rmsprop(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = problem["images"], problem["labels"]

    def epoch(count, shuffle):
        x, y = images[:count], labels[:count]
        history = model.fit(x, y, batch_size=mnist_work.BATCH_SIZE, verbose=0, shuffle=shuffle, callbacks=[Count()])
        return history.history["loss"][0]

    return mnist_epoch_work.run_of(problem, epoch, model.get_weights)
