"""Files of a folder, class by class: a folder in it is a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag

__all__ = ["listed"]

Listing = tuple[list[str], np.ndarray, "list[str] | None"]


def listed(
    directory: str | os.PathLike[str],
    labels: Any,
    class_names: Sequence[str] | None,
    formats: tuple[str, ...],
    follow_links: bool,
) -> Listing:
    """Paths of files, the class number of each, and the names of the classes (None without labels).

    Parameters
    ----------
    directory : str or path
    labels : "inferred", None or sequence of int
    class_names : sequence of str, optional
        The folders that are classes, in order; only for "inferred".
    formats : tuple of str
        Endings of file names, in small letters.
    follow_links : bool

    Returns
    -------
    list of str, int array, list of str or None
        In the order of the classes, and of sorted paths within a class.
    """
    folder = _checked_folder(directory)
    inferred = isinstance(labels, str)
    if inferred and labels != "inferred":
        raise ag.DomainError(f'labels is {labels!r}; expected "inferred", None or a list of integers.')
    if class_names is not None and not inferred:
        raise ag.StructureError('class_names is given and labels is not "inferred": the names are those of folders.')
    if inferred:
        files, numbers, names = _by_folder(folder, class_names, formats, follow_links)
    else:
        files = _files_in(folder, formats, follow_links)
        numbers = np.zeros(len(files), np.int64) if labels is None else _numbers(folder, labels, len(files))
        names = None if labels is None else [str(number) for number in sorted(set(numbers.tolist()))]
    if not files:
        raise ag.DataError(
            f"{folder}: no image found{' in its folders' if inferred else ''}; expected files that end with "
            f"{', '.join(formats)}"
            + (", in a folder for each class. Without classes pass labels=None." if inferred else ".")
        )
    return files, numbers, names


def _by_folder(
    folder: str, class_names: Sequence[str] | None, formats: tuple[str, ...], follow_links: bool
) -> tuple[list[str], np.ndarray, list[str] | None]:
    found = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    names = found if class_names is None else list(class_names)
    missing = [name for name in names if name not in found]
    if missing or len(set(names)) < len(names):
        raise ag.DomainError(
            f"{folder}: class_names is {names}; expected names of its folders, each once. They are {found}."
        )
    per_class = [_files_in(os.path.join(folder, name), formats, follow_links) for name in names]
    numbers = np.repeat(np.arange(len(names)), [len(files) for files in per_class])
    return [file for files in per_class for file in files], numbers, names


def _files_in(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """All the way down; sorted by folder, then by name."""
    walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [os.path.join(root, name) for root, _, names in walk for name in sorted(names) if _ends(name, formats)]


def _ends(name: str, formats: tuple[str, ...]) -> bool:
    return name.lower().endswith(formats)


def _numbers(folder: str, labels: Any, count: int) -> np.ndarray:
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ag.DomainError(f'labels is {labels!r}; expected "inferred", None or a list of integers.')
    if len(numbers) != count:
        raise ag.ShapeError(f"{folder}: {len(numbers)} labels for {count} files; expected one for each.")
    return numbers


def _checked_folder(directory: str | os.PathLike[str]) -> str:
    if not isinstance(directory, (str, os.PathLike)):
        raise ag.DataError(f"directory is {directory!r}; expected the path of a folder, as str or Path.")
    folder = os.path.expanduser(os.fspath(directory))
    if not os.path.exists(folder):
        raise ag.DataNotFoundError(f"{folder}: there is no such folder; expected one with images.")
    if not os.path.isdir(folder):
        raise ag.DataError(f"{folder}: not a folder; expected one with images.")
    return folder
