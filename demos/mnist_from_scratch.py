"""Handwritten digits by hand: layers of two Variables, a tape, and w.assign_sub(gradient * learning_rate).

The network is 784-512(relu)-10(softmax), as in demos.mnist. Its weights start uniform in [0, 0.1) and plain gradient
descent with learning rate 0.001 changes them, for ten epochs in batches of 128. That reaches about 81 %: how a network
starts and how its steps are made matters as much as its shape (demos.mnist reaches 97.9 % in five epochs).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp
import nn
from demos._shared import BLUE, ORANGE, load_digits, make_parser, progress, pyplot, run, save, whole_numbers

LEARNING_RATE = 1e-3


class NaiveDense:
    """activation(x W + b)."""

    def __init__(self, input_size: int, output_size: int, activation: Any, random: np.random.Generator) -> None:
        self.activation = activation
        self.W = ag.Variable(random.uniform(0, 1e-1, (input_size, output_size)).astype("float32"), name="W")
        self.b = ag.Variable(np.zeros(output_size, "float32"), name="b")

    def __call__(self, inputs: Any) -> Any:
        return self.activation(anp.matmul(inputs, self.W) + self.b)

    @property
    def weights(self) -> list[ag.Variable]:
        return [self.W, self.b]


class NaiveSequential:
    """Layers one after another."""

    def __init__(self, layers: list[NaiveDense]) -> None:
        self.layers = layers

    def __call__(self, inputs: Any) -> Any:
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self) -> list[ag.Variable]:
        return [weight for layer in self.layers for weight in layer.weights]


class BatchGenerator:
    """The data in order, a batch at a time."""

    def __init__(self, images: Any, labels: Any, batch_size: int = 128) -> None:
        self.index = 0
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self) -> tuple[Any, Any]:
        images = self.images[self.index : self.index + self.batch_size]
        labels = self.labels[self.index : self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


def update_weights(gradients: Any, weights: Any) -> None:
    """Plain gradient descent."""
    for g, w in zip(gradients, weights, strict=True):
        w.assign_sub(g * LEARNING_RATE)


def one_training_step(model: NaiveSequential, images_batch: Any, labels_batch: Any) -> Any:
    """Forward pass on a tape, gradient, new weights."""
    with ag.GradientTape() as tape:
        predictions = model(images_batch)
        per_sample_losses = nn.losses.sparse_categorical_crossentropy(labels_batch, predictions)
        average_loss = anp.mean(per_sample_losses)
    gradients = tape.gradient(average_loss, model.weights)
    update_weights(gradients, model.weights)
    return average_loss


def accuracy_of(model: NaiveSequential, images: Any, labels: Any) -> float:
    """Share of the images whose largest output is at their label."""
    predictions = model(images).numpy()
    return float((np.argmax(predictions, axis=1) == labels).mean())


def fit(model: NaiveSequential, images: Any, labels: Any, test: Any, epochs: int, batch_size: int) -> dict[str, Any]:
    """Train; print the loss now and then, and a line per epoch. Figures by epoch."""
    history: dict[str, Any] = {"loss": [], "accuracy": []}
    for epoch in range(1, epochs + 1):
        batches = BatchGenerator(images, labels, batch_size)
        losses = []
        for batch in progress(range(batches.num_batches), batches.num_batches, f"epoch {epoch}"):
            images_batch, labels_batch = batches.next()
            loss = one_training_step(model, images_batch, labels_batch)
            losses.append(loss.item())
            if batch % 100 == 0:
                print(f"    batch {batch:>3}: loss {loss.item():.2f}")
        history["loss"].append(float(np.mean(losses)))
        history["accuracy"].append(accuracy_of(model, *test))
        print(f"epoch {epoch:>2}/{epochs}  loss {history['loss'][-1]:.4f}  test accuracy {history['accuracy'][-1]:.2%}")
    return history


def draw(history: dict[str, Any], folder: Any) -> None:
    """Mean loss and test accuracy of every epoch."""
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    epochs = range(1, len(history["loss"]) + 1)
    left.plot(epochs, history["loss"], color=BLUE, marker="o")
    left.set(title="Training loss, mean of the epoch", xlabel="epoch", ylim=(0, None))
    right.plot(epochs, [100 * value for value in history["accuracy"]], color=ORANGE, marker="o")
    right.set(title="Test accuracy, %", xlabel="epoch")
    for axes in (left, right):
        whole_numbers(axes.xaxis)
    save(figure, folder, "mnist_from_scratch.png")


def main() -> None:
    args = make_parser(__doc__, epochs=10).parse_args()
    pyplot()  # if matplotlib is missing, say so before the training
    train_x, train_y, test_x, test_y = load_digits()
    random = np.random.default_rng(args.seed)
    model = NaiveSequential(
        [
            NaiveDense(input_size=28 * 28, output_size=512, activation=nn.activations.relu, random=random),
            NaiveDense(input_size=512, output_size=10, activation=nn.activations.softmax, random=random),
        ]
    )
    history = fit(model, train_x, train_y, (test_x, test_y), epochs=args.epochs, batch_size=128)
    print(f"test accuracy after {args.epochs} epochs: {history['accuracy'][-1]:.2%}")
    draw(history, args.output)


if __name__ == "__main__":
    run(main)
