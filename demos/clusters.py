"""Ten clusters of points in the plane, told apart by a network of two layers: 2-128(sigmoid)-10(softmax).

The model is a subclass of nn.Model. One training step is written out: a tape records the forward pass, gives the
gradient of the loss, and Adam changes the weights. Trained on all 1,000 points in batches of 32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from demos._shared import BLUE, ORANGE, make_parser, plot_regions, progress, pyplot, run, save


class Net(nn.Model):
    """2 inputs, 128 hidden units, a probability for each of 10 classes."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        glorot = nn.initializers.GlorotUniform(seed)
        self.hidden = nn.layers.Dense(128, input_dim=2, activation="sigmoid", kernel_initializer=glorot)
        self.out = nn.layers.Dense(10, activation="softmax", kernel_initializer=glorot)

    def call(self, x, training=None, mask=None):
        return self.out(self.hidden(x))


def train_step(model, inputs, labels, loss_object, optimizer, train_loss, train_accuracy):
    """One step: forward pass on a tape, gradient, new weights; then the two running figures."""
    with ag.GradientTape() as tape:
        predictions = model(inputs, training=True)
        loss = loss_object(labels, predictions)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    train_loss(loss)
    train_accuracy(labels, predictions)


def train(epochs: int, seed: int, every: int) -> tuple[Net, Any, Any, dict[str, list[float]]]:
    """Train on the set; print a line every so many epochs. The model, the points, the labels, figures by epoch."""
    points, labels = nn.datasets.clusters.load_data()
    batches = nn.data.Dataset.from_tensor_slices((points, labels)).shuffle(1000, seed=seed).batch(32)
    model = Net(seed)
    loss_object = nn.losses.SparseCategoricalCrossentropy()
    optimizer = optim.Adam()
    train_loss, train_accuracy = nn.metrics.Mean(), nn.metrics.SparseCategoricalAccuracy()
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    for epoch in progress(range(1, epochs + 1), epochs, "clusters"):
        train_loss.reset_state()
        train_accuracy.reset_state()
        for inputs, targets in batches:
            train_step(model, inputs, targets, loss_object, optimizer, train_loss, train_accuracy)
        history["loss"].append(float(train_loss.result()))
        history["accuracy"].append(float(train_accuracy.result()))
        if epoch % every == 0 or epoch in (1, epochs):
            print(f"epoch {epoch:>3}/{epochs}  loss {history['loss'][-1]:.4f}  accuracy {history['accuracy'][-1]:.2%}")
    return model, points, labels, history


def draw(model: Net, points: Any, labels: Any, history: dict[str, list[float]], folder: Any) -> None:
    """Decision regions, and how loss and accuracy went."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7.2, 7))
    plot_regions(axes, model.predict, points, labels)
    axes.set_title("Ten clusters, and the class the network gives to every place")
    save(figure, folder, "clusters_regions.png")

    figure, (upper, lower) = plt.subplots(2, 1, figsize=(7, 5.2), sharex=True)
    epochs = np.arange(1, len(history["loss"]) + 1)
    upper.plot(epochs, history["loss"], color=BLUE)
    upper.set(title="Loss", yscale="log")
    lower.plot(epochs, np.multiply(history["accuracy"], 100), color=ORANGE)
    lower.set(title="Accuracy, %", xlabel="epoch", ylim=(None, 101))
    save(figure, folder, "clusters_training.png")


def main() -> None:
    args = make_parser(__doc__, epochs=200).parse_args()
    pyplot()  # if matplotlib is missing, say so before the training
    model, points, labels, history = train(args.epochs, args.seed, every=10)
    right = int((model.predict(points).argmax(axis=1) == labels).sum())
    print(f"after training: {right} of {len(points)} points right, {right / len(points):.2%}")
    draw(model, points, labels, history, args.output)


if __name__ == "__main__":
    run(main)
