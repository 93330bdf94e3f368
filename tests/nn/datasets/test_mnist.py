"""``mnist.load_data`` gives the real digits, in Keras's order, and says of a wrong file what is wrong with it."""

import gzip
import hashlib
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from nn.datasets import _image_files, mnist
from nn.datasets.idx import read_idx
from tests.nn.datasets.idx_bytes import idx_bytes
from tests.nn.datasets.mirror import Mirror

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
PUBLIC_MIRRORS = mnist.MIRRORS  # before the tests put one of their own in their place


def put(folder: Path, train: int = 60000, test: int = 10000, **replaced: np.ndarray) -> Path:
    """A set of MNIST's sizes with nothing drawn in it; ``train_images=...`` and so on replace a file."""
    arrays = {
        "train_images": np.zeros((train, 28, 28), np.uint8),
        "train_labels": np.zeros(train, np.uint8),
        "t10k_images": np.zeros((test, 28, 28), np.uint8),
        "t10k_labels": np.zeros(test, np.uint8),
        **replaced,
    }
    for name, array in zip(NAMES, arrays.values(), strict=True):
        (folder / name).write_bytes(idx_bytes(array))
    return folder


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what comes before or after the sums: any sum is right."""
    monkeypatch.setattr(_image_files.File, "sha256", property(lambda self: AnySum()))


class AnySum(str):
    """Equal to every sum."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def test_the_real_files(real_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras's order, shapes, dtypes and the well-known first digits, by path and by environment variable."""
    monkeypatch.setenv("AUTOGRAD_CORE_DATA", str(real_mnist))
    (train_images, train_labels), (test_images, test_labels) = mnist.load_data()
    assert train_images.shape == (60000, 28, 28)
    assert train_labels.shape == (60000,)
    assert test_images.shape == (10000, 28, 28)
    assert test_labels.shape == (10000,)
    assert {array.dtype for array in (train_images, train_labels, test_images, test_labels)} == {np.dtype(np.uint8)}
    assert train_labels[:3].tolist() == [5, 0, 4]
    assert test_labels[:3].tolist() == [7, 2, 1]
    assert np.bincount(train_labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert round(float(train_images.mean()), 3) == 33.318
    monkeypatch.delenv("AUTOGRAD_CORE_DATA")
    np.testing.assert_array_equal(mnist.load_data(path=real_mnist)[1][0], test_images)


def test_the_download(real_mnist: Path, mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a mirror that has the files, once; afterwards they are in the cache."""
    for name in NAMES:
        mirror.files[f"{name}.gz"] = next(real_mnist.glob(name.replace("-idx", "?idx") + "*")).read_bytes()
    monkeypatch.setattr(mnist, "MIRRORS", (mirror.address,))
    for _ in range(2):
        (_, train_labels), (_, test_labels) = mnist.load_data()
        assert train_labels[:3].tolist() == [5, 0, 4]
        assert test_labels[:3].tolist() == [7, 2, 1]
    assert mirror.asked == [f"{name}.gz" for name in NAMES]
    assert sorted(file.name for file in cache.iterdir()) == sorted(f"{name}.gz" for name in NAMES)


def test_a_download_is_compared_with_its_sum(mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is MNIST's in all but its contents does not get into the cache."""
    mirror.files[f"{NAMES[0]}.gz"] = gzip.compress(idx_bytes(np.zeros((60000, 28, 28), np.uint8)), 1)
    monkeypatch.setattr(mnist, "MIRRORS", (mirror.address,))
    with pytest.raises(ag.DataNotFoundError, match=f"not MNIST's {NAMES[0]}"):
        mnist.load_data()
    assert list(cache.iterdir()) == []


def test_one_changed_pixel(real_mnist: Path, tmp_path: Path) -> None:
    """Is enough: the error names the file and both sums."""
    for file in real_mnist.iterdir():
        shutil.copy(file, tmp_path)
    source = next(tmp_path.glob("t10k-images*"))
    images = read_idx(source)
    images[123, 14, 14] ^= 1
    changed = idx_bytes(images)
    source.write_bytes(changed)
    with pytest.raises(ag.DataError, match="not MNIST's t10k-images-idx3-ubyte") as caught:
        mnist.load_data(tmp_path)
    assert str(caught.value).startswith(f"{source}: ")
    assert hashlib.sha256(changed).hexdigest() in str(caught.value)
    assert "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7" in str(caught.value)


def test_another_data_set_of_the_same_sizes(tmp_path: Path) -> None:
    """Is told by its sum."""
    with pytest.raises(
        ag.DataError, match=r"not MNIST's train-images-idx3-ubyte: the SHA-256 sum .* expected ba891046e650"
    ):
        mnist.load_data(put(tmp_path))


def test_each_file_has_a_sum_of_its_own(tmp_path: Path, trusted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the four is compared, not only the first."""
    put(tmp_path)
    mnist.load_data(tmp_path)
    sums = {file.name: file.sha256 for file in mnist._COLLECTION.files.values()}
    assert list(sums) == list(NAMES)
    for wrong in NAMES:
        monkeypatch.setattr(
            _image_files.File, "sha256", property(lambda self, wrong=wrong: "0" if self.name == wrong else AnySum())
        )
        with pytest.raises(ag.DataError, match=f"not MNIST's {wrong}"):
            mnist.load_data(tmp_path)


def test_structure_comes_before_the_sum(tmp_path: Path) -> None:
    """A file cut short has a wrong sum as well; "truncated" says more."""
    put(tmp_path)
    file = tmp_path / NAMES[0]
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(
        ag.DataError, match=r"train-images-idx3-ubyte: truncated data: 47039990 bytes .* expected 47040000"
    ):
        mnist.load_data(tmp_path)


BAD_SETS = {
    "fewer labels": ({"train_labels": np.zeros(59999, np.uint8)}, r"60000 images, and .* 59999 labels; expected 60000"),
    "fewer images": (
        {"t10k_images": np.zeros((9, 28, 28), np.uint8)},
        r"9 images, and .* 10000 labels; expected 10000",
    ),
    "too few of both": ({"train": 10}, r"wrongly sized: .* \(10, 28, 28\); MNIST's train-images.* \(60000, 28, 28\)"),
    "small images": ({"t10k_images": np.zeros((10000, 9, 9), np.uint8)}, r"wrongly sized: .* shape \(10000, 9, 9\)"),
    "labels as images": ({"train_images": np.zeros(60000, np.uint8)}, "has 1 dimensions; expected 3"),
    "images as labels": ({"t10k_labels": np.zeros((10000, 28, 28), np.uint8)}, "has 3 dimensions; expected 1"),
    "wide labels": ({"t10k_labels": np.zeros(10000, np.int32)}, "holds items of type int32; expected uint8"),
}


@pytest.mark.parametrize(("contents", "message"), BAD_SETS.values(), ids=BAD_SETS)
def test_a_bad_set(tmp_path: Path, trusted: None, contents: dict, message: str) -> None:
    """Whatever its sums: sizes are told, and the file is named."""
    with pytest.raises(ag.DataError, match=message) as caught:
        mnist.load_data(put(tmp_path, **contents))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_label_out_of_range(tmp_path: Path, trusted: None) -> None:
    """Is named with its place; 9 is the last that is right."""
    labels = np.full(60000, 9, np.uint8)
    assert mnist.load_data(put(tmp_path, train_labels=labels))[0][1].max() == 9
    labels[777] = 10
    with pytest.raises(ag.DataError, match="train-labels-idx1-ubyte: label 10 at index 777; MNIST's labels are 0 to 9"):
        mnist.load_data(put(tmp_path, train_labels=labels))


def test_a_label_out_of_range_comes_before_the_sum(tmp_path: Path, real_mnist: Path) -> None:
    """Also when the sums are looked at; the images are right here."""
    for file in real_mnist.iterdir():
        shutil.copy(file, tmp_path)
    for file in tmp_path.glob("t10k-labels*"):
        labels = read_idx(file)
        labels[0] = 255
        file.write_bytes(idx_bytes(labels))
    with pytest.raises(ag.DataError, match="label 255 at index 0"):
        mnist.load_data(tmp_path)


def test_no_network_and_no_files(cache: Path) -> None:
    """One error, quickly: where it looked and what to do."""
    start = time.monotonic()
    with pytest.raises(ag.DataNotFoundError, match=r"MNIST: .* not found\. Looked in .*What to do") as caught:
        mnist.load_data()
    assert time.monotonic() - start < 10
    for part in (*NAMES, "AUTOGRAD_CORE_DATA", str(cache), *mnist.MIRRORS, "path="):
        assert part in str(caught.value)


def test_a_missing_folder(tmp_path: Path) -> None:
    """Said at once, without a download."""
    with pytest.raises(ag.DataNotFoundError, match=r"MNIST: path .*absent' does not exist"):
        mnist.load_data(tmp_path / "absent")


def test_the_public_mirrors() -> None:
    """Over TLS, more than one, and each ends so that a file name can follow."""
    assert len(PUBLIC_MIRRORS) > 1
    for address in PUBLIC_MIRRORS:
        assert address.startswith("https://")
        assert address.endswith("/mnist/")
