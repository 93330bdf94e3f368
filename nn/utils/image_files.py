"""One image from a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autograd_core as ag

__all__ = ["COLOR_MODES", "centered_window", "check_one_of", "checked_size", "img_to_array", "load_img", "pillow"]

COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}  # and what Pillow calls them
_METHODS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def load_img(
    path: str | os.PathLike[str],
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Open an image file.

    Parameters
    ----------
    path : str or path
    color_mode : {"rgb", "grayscale", "rgba"}
    target_size : (int, int), optional
        Height and width to bring it to.
    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}
        Pillow's methods, which smooth where they make an image smaller ("nearest" does not).
    keep_aspect_ratio : bool
        Cut off what sticks out instead of stretching.

    Returns
    -------
    PIL.Image.Image
    """
    check_one_of("load_img", "color_mode", color_mode, tuple(COLOR_MODES))
    check_one_of("load_img", "interpolation", interpolation, _METHODS)
    image = _opened(path, color_mode)
    if target_size is None:
        return image
    height, width = checked_size("load_img", "target_size", target_size)
    if image.size == (width, height):
        return image
    box = centered_window(image.height, image.width, (height, width)) if keep_aspect_ratio else (0, 0, *image.size)
    return image.resize((width, height), getattr(pillow().Resampling, interpolation.upper()), box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: DTypeLike | None = None) -> np.ndarray:
    """Array of a Pillow image.

    Parameters
    ----------
    img : PIL.Image.Image or array_like
    data_format : {"channels_last", "channels_first"}, optional
        Where the axis of channels comes; last if None.
    dtype : dtype, optional
        float32 if None.

    Returns
    -------
    array, shape (height, width, channels)
    """
    check_one_of("img_to_array", "data_format", data_format, ("channels_last", "channels_first", None))
    array = np.array(img, dtype="float32" if dtype is None else dtype)
    if array.ndim not in (2, 3):
        raise ag.ShapeError(f"img_to_array: an image of shape {array.shape}; expected 2 or 3 axes.")
    array = array if array.ndim == 3 else array[..., np.newaxis]
    return array.transpose(2, 0, 1) if data_format == "channels_first" else array


def pillow() -> Any:
    """``PIL.Image``."""
    try:
        import PIL.Image
    except ImportError:
        raise ag.MissingExtraError(
            'images need the package "Pillow", which is not installed; install it with: pip install "autograd-core[nn]"'
        ) from None
    return PIL.Image


def _opened(path: str | os.PathLike[str], color_mode: str) -> Any:
    module = pillow()
    try:
        with module.open(path) as image:
            return _in_mode(module, image, color_mode)
    except FileNotFoundError:
        raise ag.DataNotFoundError(f"{os.fspath(path)}: there is no such file; expected an image.") from None
    except Exception as error:  # each format has its own ways of failing on damaged bytes
        raise ag.DataError(
            f"{os.fspath(path)}: cannot be read as an image ({type(error).__name__}: {error}). It is damaged or of "
            "another format: replace it with a good copy, or take it out of the folder."
        ) from error


def _in_mode(module: Any, image: Any, color_mode: str) -> Any:
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255 instead of scaling
        image = module.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns otherwise
    return image.convert(COLOR_MODES[color_mode])


def centered_window(height: int, width: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest box (left, top, right, bottom) in the middle of an image, of the wanted proportions."""
    high = max(min(height, width * size[0] // size[1]), 1)
    wide = max(min(width, height * size[1] // size[0]), 1)
    top, left = (height - high) // 2, (width - wide) // 2
    return left, top, left + wide, top + high


def check_one_of(function: str, name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Raise unless an argument is one of the values that it may have."""
    if not (value is None or isinstance(value, str)) or value not in allowed:
        raise ag.DomainError(f"{function}: {name} is {value!r}; expected one of {', '.join(map(repr, allowed))}.")


def checked_size(function: str, name: str, size: Any) -> tuple[int, int]:
    """Height and width that a user gave, as two integers."""
    numbers = (size, size) if isinstance(size, (int, np.integer)) else tuple(size) if hasattr(size, "__len__") else ()
    if len(numbers) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in numbers):
        raise ag.DomainError(f"{function}: {name} is {size!r}; expected (height, width), two integers of at least 1.")
    return int(numbers[0]), int(numbers[1])
