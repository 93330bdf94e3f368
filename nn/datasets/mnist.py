"""MNIST: 70,000 handwritten digits, 28 by 28 pixels.

The four files are no part of this project: ``load_data`` finds them on the machine or downloads them. Each is
compared with its known SHA-256 sum, so it does not matter where a file comes from.

References
----------
LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document recognition".
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import autograd_core as ag
from nn.datasets._locate import Source, locate
from nn.datasets.idx import read_idx

__all__ = ["load_data"]

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_CLASSES = 10

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class _File:
    """What a file holds when it is right; the sum is of the decompressed file."""

    name: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a file was found to hold."""

    path: Path
    array: NDArray[np.uint8]
    sha256: str


_TRAIN = (
    _File(
        "train-images-idx3-ubyte",
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    _File(
        "train-labels-idx1-ubyte",
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
)
_TEST = (
    _File(
        "t10k-images-idx3-ubyte",
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    _File(
        "t10k-labels-idx1-ubyte",
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
_FILES = {file.name: file for file in (*_TRAIN, *_TEST)}


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Pair, Pair]:
    """The MNIST digits, as ``(train_images, train_labels), (test_images, test_labels)``.

    The files are looked for in ``path``, then in the folder that the environment variable ``AUTOGRAD_CORE_DATA``
    names, then in the user's cache folder (``autograd-core`` in ``XDG_CACHE_HOME``, or in the platform's own folder
    for caches); what is still missing is downloaded into the cache folder. ``train-images-idx3-ubyte`` may also be
    spelled ``train-images.idx3-ubyte``, either with or without ``.gz``, and so for the other three.

    Parameters
    ----------
    path : str, path or None
        A folder to look in first.

    Returns
    -------
    train_images : uint8 array, shape (60000, 28, 28)
        0 is paper, 255 is ink.
    train_labels : uint8 array, shape (60000,)
        The digits, 0 to 9.
    test_images : uint8 array, shape (10000, 28, 28)
    test_labels : uint8 array, shape (10000,)

    Raises
    ------
    DataNotFoundError
        If ``path`` does not exist; or if a file is nowhere to be found and cannot be downloaded.
    MissingExtraError
        If a file is nowhere to be found and pooch, which downloads, is not installed.
    DataError
        If ``path`` is not a folder, or a file is truncated, garbled, wrongly sized, or not MNIST's.

    Examples
    --------
    >>> (train_images, train_labels), (test_images, test_labels) = load_data()  # doctest: +SKIP
    >>> train_labels[:3]  # doctest: +SKIP
    array([5, 0, 4], dtype=uint8)
    """
    paths = locate(Source("MNIST", tuple(_FILES), MIRRORS), path, check=_read_checked)
    return _load_pair(_TRAIN, paths), _load_pair(_TEST, paths)


def _load_pair(files: tuple[_File, _File], paths: dict[str, Path]) -> Pair:
    """Images and their labels, checked: first each file's structure, then one against the other, then the sums.

    In this order because any fault changes the sum, and "10 bytes are missing" says more than "the sum differs".
    """
    images, labels = (_read(file, paths[file.name]) for file in files)
    if len(images.array) != len(labels.array):
        raise ag.DataError(
            f"MNIST: {images.path} holds {len(images.array)} images, and {labels.path} {len(labels.array)} labels; "
            f"expected {files[0].shape[0]} of both. Replace the one that is wrong."
        )
    for file, contents in zip(files, (images, labels), strict=True):
        _check_identity(file, contents)
    return images.array, labels.array


def _read_checked(name: str, path: Path) -> None:
    """Raise unless the file at ``path`` is MNIST's file of that name."""
    _check_identity(_FILES[name], _read(_FILES[name], path))


def _read(file: _File, path: Path) -> _Contents:
    digest = hashlib.sha256()
    array = read_idx(path, ndim=len(file.shape), dtype=np.uint8, digest=digest)
    return _Contents(path, array, digest.hexdigest())


def _check_identity(file: _File, found: _Contents) -> None:
    """The fault that says most comes first; the sum alone would catch them all."""
    if found.array.shape != file.shape:
        raise ag.DataError(
            f"{found.path}: wrongly sized: it holds an array of shape {found.array.shape}; MNIST's {file.name} has "
            f"{file.shape}. Replace it with a good copy."
        )
    if len(file.shape) == 1 and found.array.max() >= _CLASSES:
        index = int(found.array.argmax())
        raise ag.DataError(
            f"{found.path}: label {found.array[index]} at index {index}; MNIST's labels are 0 to {_CLASSES - 1}. "
            "Replace it with a good copy."
        )
    if found.sha256 != file.sha256:
        raise ag.DataError(
            f"{found.path}: not MNIST's {file.name}: the SHA-256 sum of its decompressed data is {found.sha256}; "
            f"expected {file.sha256}. It is damaged, or of another data set. Replace it with a good copy."
        )
