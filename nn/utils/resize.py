"""Images of another size, without smoothing beforehand: the formulas of ``tf.image.resize``.

Each new pixel is a weighted sum of a few old ones near the place it falls on: first down the rows, then across the
columns. A method is the shape of these weights; pixel ``i`` of ``n`` covers ``i`` to ``i + 1``, its middle is at
``i + 0.5``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["METHODS", "resize"]

Weights = tuple[np.ndarray, np.ndarray]


def resize(image: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    """Resize an image.

    Parameters
    ----------
    image : array, shape (height, width, channels)
    size : (int, int)
        New height and width.
    method : str
        One of METHODS.

    Returns
    -------
    float32 array, shape (new height, new width, channels)
    """
    image = np.asarray(image, np.float32)
    for axis, length in enumerate(size):  # also where the length stays: "gaussian" and "mitchellcubic" smooth
        image = _along(image, axis, _weights(method, image.shape[axis], length))
    return image


def _along(image: np.ndarray, axis: int, weights: Weights) -> np.ndarray:
    places, factors = weights
    shape = [1] * image.ndim
    shape[axis] = -1
    total = image.take(places[0], axis) * factors[0].reshape(shape)
    for place, factor in zip(places[1:], factors[1:], strict=True):
        total += image.take(place, axis) * factor.reshape(shape)
    return total


@lru_cache(maxsize=256)
def _weights(method: str, old: int, new: int) -> Weights:
    """Which old pixels go into each new one, and how much of them; both of shape (pixels taken, new)."""
    scale = old / new
    middles = (np.arange(new) + 0.5) * scale
    if method == "nearest":
        return np.minimum(middles.astype(np.intp), old - 1)[np.newaxis], np.ones((1, new), np.float32)
    if method == "area":
        return _areas(old, new, scale)
    radius, kernel = METHODS[method]
    first = np.ceil(middles - radius - 0.5).astype(np.intp)
    places = first + np.arange(2 * int(np.ceil(radius)) + 1)[:, np.newaxis]
    factors = kernel(np.abs(places + 0.5 - middles)) * ((places >= 0) & (places < old))
    return _used(np.clip(places, 0, old - 1), factors / factors.sum(axis=0))


def _areas(old: int, new: int, scale: float) -> Weights:
    """The part of each old pixel that a new one covers."""
    start = np.arange(new) * scale
    stop = start + scale
    places = np.floor(start).astype(np.intp) + np.arange(int(np.ceil(scale)) + 1)[:, np.newaxis]
    factors = np.clip(np.minimum(places + 1, stop) - np.maximum(places, start), 0, None)
    return _used(np.clip(places, 0, old - 1), factors / factors.sum(axis=0))


def _used(places: np.ndarray, factors: np.ndarray) -> Weights:
    used = np.any(factors != 0, axis=1)
    return places[used], factors[used].astype(np.float32)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - x, 0)


def _keys(x: np.ndarray) -> np.ndarray:
    """Keys (1981), with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _mitchell(x: np.ndarray) -> np.ndarray:
    """Mitchell & Netravali (1988), with B = C = 1/3."""
    near = (7 * x - 12) * x * x / 6 + 16 / 18
    far = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _gaussian(x: np.ndarray) -> np.ndarray:
    sigma = 1.5 / 3
    return np.where(x < 1.5, np.exp(-x * x / (2 * sigma * sigma)), 0)


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


METHODS: dict[str, Any] = {
    "bilinear": (1.0, _triangle),
    "nearest": None,
    "bicubic": (2.0, _keys),
    "area": None,
    "lanczos3": (3.0, _lanczos(3)),
    "lanczos5": (5.0, _lanczos(5)),
    "gaussian": (1.5, _gaussian),
    "mitchellcubic": (2.0, _mitchell),
}
