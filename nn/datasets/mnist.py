"""MNIST: 70,000 handwritten digits, 28 by 28 pixels.

The four files are no part of this project: ``load_data`` finds them on the machine or downloads them. Each is
compared with its known SHA-256 sum, so it does not matter where a file comes from.

References
----------
LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document recognition".
"""

import os

from nn.datasets._image_files import Collection, File, Pair, load

__all__ = ["load_data"]

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

_COLLECTION = Collection(
    "MNIST",
    train=(
        File(
            "train-images-idx3-ubyte",
            (60000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        File(
            "train-labels-idx1-ubyte",
            (60000,),
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
    ),
    test=(
        File(
            "t10k-images-idx3-ubyte",
            (10000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        File(
            "t10k-labels-idx1-ubyte",
            (10000,),
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)


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
    return load(_COLLECTION, MIRRORS, path)
