"""An image to resize, and how."""

import numpy as np

METHODS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")
SIZES = ((3, 2), (14, 11), (7, 5), (10, 3), (7, 9), (1, 1))


def image():
    return np.random.RandomState(0).randint(0, 256, (7, 5, 3)).astype("uint8")


def cases():
    """Key, size, method."""
    return [(f"{method} {height} x {width}", (height, width), method) for method in METHODS for height, width in SIZES]
