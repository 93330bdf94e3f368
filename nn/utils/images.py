"""A folder of images as a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ag

from ..data import AUTOTUNE, Dataset
from .folders import listed
from .image_files import COLOR_MODES, centered_window, check_one_of, checked_size, img_to_array, load_img, pillow
from .resize import METHODS, resize

__all__ = ["image_dataset_from_directory"]

_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_NAME = "image_dataset_from_directory"


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    verbose: bool = True,
) -> Any:
    """Batches of images, and of the classes that their folders say they are of.

    Parameters
    ----------
    directory : str or path
        ``directory/cat/1.png``, ``directory/dog/2.jpg``: a folder for each class, with images in it or further down.
        Formats: BMP, GIF (the first picture), JPEG, PNG. Other files are passed over.
    labels : "inferred", None, or sequence of int
        "inferred": the number of the folder. None: no labels. Integers: one for each file, in the order of sorted
        paths; folders then mean nothing.
    label_mode : {"int", "categorical", "binary", None}
        ``y`` as int32 numbers, shape (batch,); as float32 one-hot rows, shape (batch, classes); as float32 0 or 1,
        shape (batch, 1), of two classes; or no ``y``.
    class_names : sequence of str, optional
        Names of the folders in the order in which they are numbered; alphabetical if None.
    color_mode : {"grayscale", "rgb", "rgba"}
        1, 3 or 4 channels.
    batch_size : int or None
        None gives single images.
    image_size : (int, int)
        Height and width that all images are brought to.
    shuffle : bool
        Whether each epoch has a random order of its own; otherwise files come class by class, sorted.
    seed : int, optional
        The same number gives the same order, and the same split, in every run.
    validation_split : float, optional
        The part of the files (between 0 and 1) that is kept for validation.
    subset : {"training", "validation", "both"}, optional
        Which part to give; "both" gives a pair of datasets.
    interpolation : str
        "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic".
    follow_links : bool
        Whether to go into folders that are symbolic links.
    crop_to_aspect_ratio : bool
        Cut off what sticks out, so that nothing is stretched.
    pad_to_aspect_ratio : bool
        Add black (0) around, so that nothing is stretched.
    data_format : {"channels_last", "channels_first"}, optional
        Where the axis of channels is; last if None.
    verbose : bool
        Say how many files were found.

    Returns
    -------
    Dataset, or pair of Dataset
        Of ``x``, float32, 0 to 255, shape (batch, height, width, channels), or of ``(x, y)``. It has attributes
        ``class_names`` and ``file_paths``. Files are read as they are needed, in a background thread.

    Raises
    ------
    DataNotFoundError, DataError
        If the folder is not there, or has no image; while iterating, if a file is damaged. The file is named.
    MissingExtraError
        If Pillow is not installed.
    """
    pillow()  # what is missing is said now, not when the first image is read
    height_width = checked_size(_NAME, "image_size", image_size)
    check_one_of(_NAME, "color_mode", color_mode, tuple(COLOR_MODES))
    check_one_of(_NAME, "label_mode", label_mode, ("int", "categorical", "binary", None))
    check_one_of(_NAME, "interpolation", interpolation, tuple(METHODS))
    check_one_of(_NAME, "data_format", data_format, ("channels_last", "channels_first", None))
    _check_split(validation_split, subset, shuffle, seed)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ag.DomainError(f"{_NAME}: crop_to_aspect_ratio and pad_to_aspect_ratio are True; choose one of them.")
    if labels is None or label_mode is None:
        labels = label_mode = None
    files, numbers, names = listed(directory, labels, class_names, _FORMATS, follow_links)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ag.DomainError(f'{_NAME}: label_mode is "binary", for two classes; found {len(names or ())}: {names}.')
    if verbose:
        print(f"Found {len(files)} files." if names is None else f"Found {len(files)} files of {len(names)} classes.")
    fit = _cropped if crop_to_aspect_ratio else _padded if pad_to_aspect_ratio else resize
    image = _reader(files, color_mode, lambda pixels: fit(pixels, height_width, interpolation), data_format)
    targets = None if label_mode is None else _encoded(numbers, label_mode, len(names or ()))
    random = np.random.default_rng(seed)

    def made(indices: np.ndarray, mixed: bool) -> Dataset:
        dataset = Dataset.from_tensor_slices(indices if targets is None else (indices, targets[indices]))
        if mixed:
            dataset = dataset.shuffle(max(len(indices), 1), seed=random)
        dataset = dataset.map(image if targets is None else lambda index, label: (image(index), label))
        dataset = (dataset if batch_size is None else dataset.batch(batch_size)).prefetch(AUTOTUNE)
        # What a user may look up, as in Keras.
        dataset.class_names = names  # type: ignore[attr-defined]
        dataset.file_paths = [files[index] for index in indices]  # type: ignore[attr-defined]
        return dataset

    # Mixed before it is split only (which needs a seed): so a saved random_state() suffices to go on, without a seed.
    mixed_first = shuffle and validation_split is not None
    order = random.permutation(len(files)) if mixed_first else np.arange(len(files))
    parts = _parts(order, validation_split, subset)
    if any(not len(part) for part in parts):
        raise ag.DataError(
            f"{os.fspath(directory)}: validation_split={validation_split} of {len(files)} files leaves no file on one "
            "side; expected at least one on each."
        )
    datasets = [made(part, shuffle and not (subset == "both" and place)) for place, part in enumerate(parts)]
    return tuple(datasets) if subset == "both" else datasets[0]


def _reader(
    files: Sequence[str], color_mode: str, fit: Callable[[np.ndarray], np.ndarray], data_format: str | None
) -> Callable[[Any], np.ndarray]:
    """A function that gives the image of a number."""

    def image(index: Any) -> np.ndarray:
        pixels = fit(img_to_array(load_img(files[int(index)], color_mode)))
        return pixels.transpose(2, 0, 1) if data_format == "channels_first" else pixels

    return image


def _cropped(image: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    left, top, right, bottom = centered_window(image.shape[0], image.shape[1], size)
    return resize(image[top:bottom, left:right], size, method)


def _padded(image: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    height, width = image.shape[:2]
    ratio = max(width / size[1], height / size[0])
    inner = max(int(height / ratio), 1), max(int(width / ratio), 1)
    # From the lengths before they are rounded, as TensorFlow does.
    top, left = int((size[0] - height / ratio) / 2), int((size[1] - width / ratio) / 2)
    result = np.zeros((*size, image.shape[2]), np.float32)
    result[top : top + inner[0], left : left + inner[1]] = resize(image, inner, method)
    return result


def _encoded(numbers: np.ndarray, mode: str, classes: int) -> np.ndarray:
    """Labels as ``label_mode`` says."""
    if mode != "int" and not 0 <= numbers.min() <= numbers.max() < classes:
        raise ag.DomainError(
            f"{_NAME}: labels go from {numbers.min()} to {numbers.max()}; for label_mode={mode!r} the {classes} "
            f"different ones must be 0 to {classes - 1}."
        )
    if mode == "categorical":
        return (numbers[:, np.newaxis] == np.arange(classes)).astype(np.float32)
    return numbers.astype(np.float32)[:, np.newaxis] if mode == "binary" else numbers.astype(np.int32)


def _parts(order: np.ndarray, fraction: float | None, subset: str | None) -> list[np.ndarray]:
    """The files of each dataset asked for: validation takes the last ones."""
    if fraction is None:
        return [order]
    at = len(order) - int(fraction * len(order))
    parts = {"training": [order[:at]], "validation": [order[at:]], "both": [order[:at], order[at:]]}
    return parts[str(subset)]


def _check_split(fraction: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    if (fraction is None) != (subset is None):
        raise ag.StructureError(
            f"{_NAME}: validation_split is {fraction!r} and subset {subset!r}; give both of them, or none."
        )
    if fraction is None:
        return
    if not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
        raise ag.DomainError(f"{_NAME}: validation_split is {fraction!r}; expected a number between 0 and 1.")
    check_one_of(_NAME, "subset", subset, ("training", "validation", "both"))
    if shuffle and seed is None:
        raise ag.StructureError(
            f"{_NAME}: validation_split with shuffle=True needs a seed, so that no file is in both parts: seed=0."
        )
