"""Handwritten digits with nn.Sequential: 784-512(relu)-10(softmax), RMSprop, batches of 128.

Five epochs on the 60,000 training images give about 97.9 % on the 10,000 test images. How a network starts, and in
which order it sees the images, is drawn by chance: so it is trained five times, from five seeds, and the mean is given.
The data are found on the machine or downloaded (see nn.datasets.mnist).
"""

from __future__ import annotations

import numpy as np

import nn
from demos._shared import at_least, draw_digits, draw_training, load_digits, make_parser, pyplot, run


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


def main() -> None:
    parser = make_parser(__doc__, epochs=5)
    parser.add_argument(
        "--seeds", type=at_least(1), default=5, metavar="N", help="trainings, from --seed on (%(default)s)"
    )
    args = parser.parse_args()
    pyplot()  # if matplotlib is missing, say so before the training
    train_x, train_y, test_x, test_y = load_digits()
    model = make_model()
    model.build((None, train_x.shape[1]))
    model.summary()
    histories, accuracies = [], []
    for seed in range(args.seed, args.seed + args.seeds):
        print(f"\nseed {seed}")
        model = make_model(seed)
        history = model.fit(
            train_x, train_y, epochs=args.epochs, batch_size=128, validation_data=(test_x, test_y), seed=seed
        )
        loss, accuracy = model.evaluate(test_x, test_y, verbose=0)
        print(f"test images: loss {loss:.4f}, accuracy {accuracy:.2%}")
        histories.append(history.history)
        accuracies.append(accuracy)
    each = ", ".join(f"{accuracy:.2%}" for accuracy in accuracies)
    print(f"\ntest accuracy of {args.seeds} {'seed' if args.seeds == 1 else 'seeds'}: {each}")
    print(f"mean test accuracy {np.mean(accuracies):.2%}")
    draw_training(histories, args.output, "mnist_training.png")
    draw_digits(model.predict(test_x), test_x, test_y, args.output, "mnist_digits.png")


if __name__ == "__main__":
    run(main)
