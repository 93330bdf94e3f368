"""Fashion-MNIST: 70,000 pictures of clothes and shoes, 28 by 28 pixels, in files like MNIST's.

The four files are no part of this project: ``load_data`` finds them on the machine or downloads them. Files with
``.gz`` are compared with the MD5 sums that their authors publish.

References
----------
Xiao, Rasul & Vollgraf (2017), "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms".
"""

import os

from nn.datasets._image_files import Collection, File, Pair, load

__all__ = ["CLASS_NAMES", "load_data"]

MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)

CLASS_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

_COLLECTION = Collection(
    "Fashion-MNIST",
    train=(
        File("train-images-idx3-ubyte", (60000, 28, 28), gzip_md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        File("train-labels-idx1-ubyte", (60000,), gzip_md5="25c81989df183df01b3e8a0aad5dffbe"),
    ),
    test=(
        File("t10k-images-idx3-ubyte", (10000, 28, 28), gzip_md5="bef4ecab320f06d8554ea6380940ec79"),
        File("t10k-labels-idx1-ubyte", (10000,), gzip_md5="bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    folder="fashion_mnist",
    even=True,
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Pair, Pair]:
    """The pictures of clothes, as ``(train_images, train_labels), (test_images, test_labels)``.

    The files are looked for in ``path``, then in the folder ``fashion_mnist`` inside the folder that the environment
    variable ``AUTOGRAD_CORE_DATA`` names, then in that inside the user's cache folder; what is still missing is
    downloaded there. The names are MNIST's, as ``train-images-idx3-ubyte``, with or without ``.gz``.

    Parameters
    ----------
    path : str, path or None
        A folder to look in first.

    Returns
    -------
    train_images : uint8 array, shape (60000, 28, 28)
    train_labels : uint8 array, shape (60000,)
        Numbers of classes, 0 to 9; ``CLASS_NAMES`` says which are which.
    test_images : uint8 array, shape (10000, 28, 28)
    test_labels : uint8 array, shape (10000,)

    Raises
    ------
    DataNotFoundError
        If ``path`` does not exist; or if a file is nowhere to be found and cannot be downloaded.
    MissingExtraError
        If a file is nowhere to be found and pooch, which downloads, is not installed.
    DataError
        If ``path`` is not a folder, or a file is truncated, garbled, wrongly sized, or not Fashion-MNIST's. (No sum is
        known of decompressed files: of those, sizes and labels are checked.)

    Examples
    --------
    >>> (train_images, train_labels), (test_images, test_labels) = load_data()  # doctest: +SKIP
    >>> CLASS_NAMES[train_labels[0]]  # doctest: +SKIP
    'Ankle boot'
    """
    return load(_COLLECTION, MIRRORS, path)
