"""``fashion_mnist.load_data``: files like MNIST's that are not MNIST's, kept apart from them."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from nn.datasets import fashion_mnist
from tests.nn.datasets.idx_bytes import idx_bytes
from tests.nn.datasets.mirror import Mirror

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
PUBLIC_MIRRORS = fashion_mnist.MIRRORS  # before the tests put one of their own in their place


def contents() -> dict[str, bytes]:
    """A set of the right sizes, with as many of each class, and nothing drawn in it."""
    arrays = []
    for count in (60000, 10000):
        arrays += [np.zeros((count, 28, 28), np.uint8), (np.arange(count) % 10).astype(np.uint8)]
    return {name: idx_bytes(array) for name, array in zip(NAMES, arrays, strict=True)}


def put(folder: Path, **replaced: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents().items():
        (folder / name).write_bytes(data)
    for name, array in replaced.items():
        (folder / next(full for full in NAMES if full.startswith(name.replace("_", "-")))).write_bytes(idx_bytes(array))
    return folder


@pytest.fixture
def published(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A mirror with such a set, and its sums in place of the real ones."""
    files = {name: gzip.compress(data, 1, mtime=0) for name, data in contents().items()}
    mirror.files = {f"{name}.gz": data for name, data in files.items()}
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (mirror.address,))
    known = fashion_mnist._COLLECTION
    train, test = (
        tuple(replace(file, gzip_md5=hashlib.md5(files[file.name]).hexdigest()) for file in pair)
        for pair in (known.train, known.test)
    )
    monkeypatch.setattr(fashion_mnist, "_COLLECTION", replace(known, train=train, test=test))
    return files


def test_a_download(published: dict[str, bytes], cache: Path, mirror: Mirror) -> None:
    """Once, into a folder of its own in the cache: MNIST's files have the same names."""
    for _ in range(2):
        (train_images, train_labels), (test_images, test_labels) = fashion_mnist.load_data()
        assert (train_images.shape, test_images.shape) == ((60000, 28, 28), (10000, 28, 28))
        assert (train_labels[:3].tolist(), test_labels.dtype) == ([0, 1, 2], np.uint8)
    assert mirror.asked == [f"{name}.gz" for name in NAMES]
    assert sorted(file.name for file in (cache / "fashion_mnist").iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    assert [file.name for file in cache.iterdir()] == ["fashion_mnist"]


def test_mnist_in_the_usual_folders_is_not_taken(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lies in ``fashion_mnist`` inside them."""
    put(tmp_path / "data")
    put(cache)
    monkeypatch.setenv("AUTOGRAD_CORE_DATA", str(tmp_path / "data"))
    with pytest.raises(ag.DataNotFoundError, match=r"folder named fashion_mnist, .* to the one around it") as caught:
        fashion_mnist.load_data()
    assert str(tmp_path / "data" / "fashion_mnist") in str(caught.value)
    put(tmp_path / "data" / "fashion_mnist")
    assert fashion_mnist.load_data()[0][1][:3].tolist() == [0, 1, 2]


def test_the_sum_of_a_published_file(published: dict[str, bytes], tmp_path: Path, mirror: Mirror, cache: Path) -> None:
    """Is compared where there is one: of the compressed file, found or downloaded."""
    for name, data in published.items():
        (tmp_path / f"{name}.gz").write_bytes(data)
    fashion_mnist.load_data(tmp_path)
    other = gzip.compress(contents()[NAMES[0]], 1, mtime=1)
    (tmp_path / f"{NAMES[0]}.gz").write_bytes(other)
    with pytest.raises(ag.DataError, match=f"not Fashion-MNIST's {NAMES[0]}.gz: its MD5 sum is") as caught:
        fashion_mnist.load_data(tmp_path)
    assert hashlib.md5(other).hexdigest() in str(caught.value)
    mirror.files[f"{NAMES[0]}.gz"] = other
    with pytest.raises(ag.DataNotFoundError, match="not Fashion-MNIST"):
        fashion_mnist.load_data()
    assert list((cache / "fashion_mnist").iterdir()) == []


def test_the_real_sums_are_compared(tmp_path: Path) -> None:
    """A set that is right in all but its contents is refused."""
    for name, data in contents().items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data, 1))
    with pytest.raises(ag.DataError, match="expected 8d4fb7e6c68d591d4c3dfef9ec88bf0d"):
        fashion_mnist.load_data(tmp_path)


def test_mnist_decompressed_in_its_place(real_mnist: Path) -> None:
    """Is told by its labels, which are not evenly spread (or by its sums)."""
    with pytest.raises(ag.DataError, match=r"not Fashion-MNIST's (labels: there are \[5923, 6742|train)"):
        fashion_mnist.load_data(real_mnist)


def test_bad_files(tmp_path: Path) -> None:
    """The checks are MNIST's."""
    with pytest.raises(ag.DataError, match=r"Fashion-MNIST: .* 9 images, and .* 10000 labels"):
        fashion_mnist.load_data(put(tmp_path, t10k_images=np.zeros((9, 28, 28), np.uint8)))
    with pytest.raises(ag.DataError, match="label 10 at index 7; Fashion-MNIST's labels are 0 to 9"):
        labels = (np.arange(60000) % 10).astype(np.uint8)
        labels[7] = 10
        fashion_mnist.load_data(put(tmp_path, train_labels=labels))


def test_names_and_mirrors() -> None:
    """A name for each class; mirrors over TLS."""
    assert len(fashion_mnist.CLASS_NAMES) == 10
    assert fashion_mnist.CLASS_NAMES[9] == "Ankle boot"
    assert len(PUBLIC_MIRRORS) > 1
    assert all(address.startswith("https://") and address.endswith("/") for address in PUBLIC_MIRRORS)
