"""Handwritten digits with nn.Sequential: 784-512(relu)-10(softmax), RMSprop, batches of 128.

Five epochs on the 60,000 training images give about 97.9 % on the 10,000 test images. The data are found on the
machine or downloaded (see nn.datasets.mnist).
"""

from __future__ import annotations

from typing import Any

import nn
from demos._shared import BLUE, GREEN, ORANGE, RED, load_digits, make_parser, pyplot, run, save, whole_numbers


def make_model(seed: int | None = None) -> nn.Sequential:
    """The network, compiled."""
    glorot = nn.initializers.GlorotUniform(seed)
    model = nn.Sequential(
        [
            nn.layers.Dense(512, activation="relu", kernel_initializer=glorot),
            nn.layers.Dense(10, activation="softmax", kernel_initializer=glorot),
        ]
    )
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def draw_training(history: dict[str, list[float]], folder: Any) -> None:
    """Loss and accuracy after each epoch, of the training and the test images."""
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    epochs = range(1, len(history["loss"]) + 1)
    for axes, name, title, factor in ((left, "loss", "Loss", 1), (right, "accuracy", "Accuracy, %", 100)):
        axes.plot(epochs, [factor * v for v in history[name]], color=BLUE, marker="o", label="training (running mean)")
        axes.plot(epochs, [factor * v for v in history["val_" + name]], color=ORANGE, marker="o", label="test")
        axes.set(title=title, xlabel="epoch")
        whole_numbers(axes.xaxis)
    left.legend()
    save(figure, folder, "mnist_training.png")


def draw_digits(model: nn.Model, images: Any, labels: Any, folder: Any) -> None:
    """Some test images with the prediction: the first ten, and ten that are wrong."""
    plt = pyplot()
    probabilities = model.predict(images)
    predicted = probabilities.argmax(axis=1)
    wrong = (predicted != labels).nonzero()[0][:10]
    figure, rows = plt.subplots(2, 10, figsize=(10, 3.1))
    for axes, index in zip(rows.flat, [*range(10), *wrong], strict=False):
        axes.imshow(images[index].reshape(28, 28), cmap="gray_r")
        right = predicted[index] == labels[index]
        said = f"{predicted[index]}" if right else f"{predicted[index]}, is {labels[index]}"
        axes.set_title(said, color=GREEN if right else RED, fontsize=11, loc="center", pad=4)
        axes.set_xlabel(f"{probabilities[index].max():.1%}", fontsize=9)
    for axes in rows.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    figure.suptitle("The first ten test images, and the first ten that are taken for another digit", fontsize=12)
    save(figure, folder, "mnist_digits.png")


def main() -> None:
    args = make_parser(__doc__, epochs=5).parse_args()
    pyplot()  # if matplotlib is missing, say so before the training
    train_x, train_y, test_x, test_y = load_digits()
    model = make_model(args.seed)
    model.build((None, train_x.shape[1]))
    model.summary()
    history = model.fit(
        train_x, train_y, epochs=args.epochs, batch_size=128, validation_data=(test_x, test_y), seed=args.seed
    )
    loss, accuracy = model.evaluate(test_x, test_y, verbose=0)
    print(f"test images: loss {loss:.4f}, accuracy {accuracy:.2%}")
    draw_training(history.history, args.output)
    draw_digits(model, test_x, test_y, args.output)


if __name__ == "__main__":
    run(main)
