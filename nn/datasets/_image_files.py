"""Four IDX files, of images and labels to train and to test with: what MNIST and Fashion-MNIST have in common.

Each file is checked: its structure, its sizes, its labels, and the sum that is published for it.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import autograd_core as ag
from nn.datasets._locate import Source, locate
from nn.datasets.idx import is_gzip, read_idx

__all__ = ["Collection", "File", "Pair", "load"]

_CLASSES = 10

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class File:
    """What a file holds when it is right, and the sums that are known of it."""

    name: str
    shape: tuple[int, ...]
    sha256: str | None = None  # of the decompressed file
    gzip_md5: str | None = None  # of the file with .gz, as it is published


@dataclass(frozen=True, slots=True)
class Collection:
    """A data set of four files."""

    title: str
    train: tuple[File, File]  # images, labels
    test: tuple[File, File]
    folder: str = ""  # inside the usual folders; another set's files have the same names
    even: bool = False  # whether there are as many images of each class

    @property
    def files(self) -> dict[str, File]:
        """All four, by name."""
        return {file.name: file for file in (*self.train, *self.test)}


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a file was found to hold."""

    path: Path
    array: NDArray[np.uint8]
    sha256: str


def load(collection: Collection, mirrors: tuple[str, ...], path: str | os.PathLike[str] | None) -> tuple[Pair, Pair]:
    """Find or download the files, check them and read them: ``(images, labels)`` to train with, then to test with."""
    files = collection.files

    def check(name: str, file: Path) -> None:
        _check_identity(collection, files[name], _read(files[name], file))

    source = Source(collection.title, tuple(files), mirrors, collection.folder)
    paths = locate(source, path, check)
    return _load_pair(collection, collection.train, paths), _load_pair(collection, collection.test, paths)


def _load_pair(collection: Collection, files: tuple[File, File], paths: dict[str, Path]) -> Pair:
    """Images and their labels, checked: first each file's structure, then one against the other, then the sums.

    In this order because any fault changes the sum, and "10 bytes are missing" says more than "the sum differs".
    """
    images, labels = (_read(file, paths[file.name]) for file in files)
    if len(images.array) != len(labels.array):
        raise ag.DataError(
            f"{collection.title}: {images.path} holds {len(images.array)} images, and {labels.path} "
            f"{len(labels.array)} labels; expected {files[0].shape[0]} of both. Replace the one that is wrong."
        )
    for file, contents in zip(files, (images, labels), strict=True):
        _check_identity(collection, file, contents)
    return images.array, labels.array


def _read(file: File, path: Path) -> _Contents:
    digest = hashlib.sha256()
    array = read_idx(path, ndim=len(file.shape), dtype=np.uint8, digest=digest)
    return _Contents(path, array, digest.hexdigest())


def _check_identity(collection: Collection, file: File, found: _Contents) -> None:
    """The fault that says most comes first."""
    title = collection.title
    if found.array.shape != file.shape:
        raise ag.DataError(
            f"{found.path}: wrongly sized: it holds an array of shape {found.array.shape}; {title}'s {file.name} has "
            f"{file.shape}. Replace it with a good copy."
        )
    if len(file.shape) == 1:
        _check_labels(collection, found)
    if file.sha256 is not None and found.sha256 != file.sha256:
        raise ag.DataError(
            f"{found.path}: not {title}'s {file.name}: the SHA-256 sum of its decompressed data is {found.sha256}; "
            f"expected {file.sha256}. It is damaged, or of another data set. Replace it with a good copy."
        )
    if file.gzip_md5 is not None and is_gzip(found.path):
        md5 = hashlib.md5(found.path.read_bytes(), usedforsecurity=False).hexdigest()
        if md5 != file.gzip_md5:
            raise ag.DataError(
                f"{found.path}: not {title}'s {file.name}.gz: its MD5 sum is {md5}; expected {file.gzip_md5}. It is "
                "damaged, of another data set, or compressed anew. Replace it with the published file."
            )


def _check_labels(collection: Collection, found: _Contents) -> None:
    if found.array.max() >= _CLASSES:
        index = int(found.array.argmax())
        raise ag.DataError(
            f"{found.path}: label {found.array[index]} at index {index}; {collection.title}'s labels are 0 to "
            f"{_CLASSES - 1}. Replace it with a good copy."
        )
    counts = np.bincount(found.array, minlength=_CLASSES)
    if collection.even and np.ptp(counts):
        raise ag.DataError(
            f"{found.path}: not {collection.title}'s labels: there are {counts.tolist()} of the {_CLASSES} classes; "
            f"expected {len(found.array) // _CLASSES} of each. It is of another data set. Replace it with a good copy."
        )
