"""What the listings share: the real MNIST digits if they are on this machine, and small made-up ones."""

import os
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.datasets._locate import cache_folder

FOLDERS = (
    os.environ.get("AUTOGRAD_CORE_DATA"),
    Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist",  # beside the checkout
    cache_folder(),
)


@pytest.fixture(scope="session")
def mnist():
    """The arrays of ``mnist.load_data()``; nothing is downloaded: without the files the test is skipped."""
    for folder in filter(None, FOLDERS):
        if len({file.name[:12] for file in Path(folder).glob("*ubyte*")}) == 4:
            return nn.datasets.mnist.load_data(folder)
    return pytest.skip("no MNIST files: set AUTOGRAD_CORE_DATA to a folder that holds the four of them")


@pytest.fixture(scope="session")
def digits(mnist):
    """The digits as rows of float32 from 0 to 1."""
    (train_images, train_labels), (test_images, test_labels) = mnist
    flat = [images.reshape((len(images), 28 * 28)).astype("float32") / 255 for images in (train_images, test_images)]
    return (flat[0], train_labels), (flat[1], test_labels)


@pytest.fixture(scope="session")
def few_digits():
    """Bars of ink at ten places, in the form of ``digits``: 512 to train, 128 to test."""
    random = np.random.default_rng(0)

    def draw(count):
        labels = random.integers(0, 10, count).astype("uint8")
        images = random.random((count, 28, 28)).astype("float32") * 0.05
        for image, label in zip(images, labels, strict=True):
            image[7:21, 2 * label + 2 : 2 * label + 6] = 1.0
        return images.reshape(count, 28 * 28), labels

    return draw(512), draw(128)
