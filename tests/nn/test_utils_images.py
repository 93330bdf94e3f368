"""Images from files: sizes as TensorFlow makes them, folders as classes, damaged files named."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.utils.resize import METHODS, resize
from tests.nn.expected import resize_cases

Image = pytest.importorskip("PIL.Image")

EXPECTED = np.load(Path(__file__).parent / "expected" / "resize.npz")
load = nn.utils.image_dataset_from_directory


@pytest.mark.parametrize(("key", "size", "method"), resize_cases.cases())
def test_resize_as_tensorflow(key, size, method):
    """Pixel by pixel. TensorFlow looks the weights of "bicubic" up in a table of 1024."""
    found = resize(resize_cases.image(), size, method)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, EXPECTED[key], rtol=1e-5, atol=0.2 if method == "bicubic" else 1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_resize_keeps_a_plain_image(method):
    """The weights of a pixel add up to 1."""
    np.testing.assert_allclose(resize(np.full((5, 8, 1), 7), (11, 3), method), np.full((11, 3, 1), 7), rtol=1e-6)


@pytest.fixture
def folder(tmp_path):
    """Three classes with 3, 4 and 5 images, of different sizes and formats; the colour says which it is."""
    formats = ("png", "bmp", "gif", "jpg", "JPEG")
    for label, name in enumerate(("cat", "ant", "dog")):
        (tmp_path / name / "more").mkdir(parents=True)
        for number in range(3 + label):
            where = tmp_path / name / ("more" if number == 2 else "")
            pixels = np.full((6 + number, 9, 3), (40 * label, 10 * number, 128), np.uint8)
            Image.fromarray(pixels).save(where / f"{number}.{formats[number]}")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "loose.png").write_bytes(b"not looked at")
    return tmp_path


def names(dataset):
    """Files, as class/number."""
    return [re.sub(r"/more|\..*", "", "/".join(Path(p).parts[-3:]).partition("/")[2]) for p in dataset.file_paths]


def test_classes(folder, capsys):
    """Folders in alphabetical order, files sorted; float32 from 0 to 255; int32 labels; a word about it."""
    dataset = load(folder, shuffle=False, image_size=(4, 5), batch_size=5)
    assert capsys.readouterr().out == "Found 12 files of 3 classes.\n"
    assert dataset.class_names == ["ant", "cat", "dog"]
    assert [Path(path).name for path in dataset.file_paths[:4]] == ["0.png", "1.bmp", "3.jpg", "2.gif"]
    assert len(dataset) == 3
    x, y = next(iter(dataset))
    assert (x.shape, x.dtype, y.dtype, y.numpy().tolist()) == ((5, 4, 5, 3), "float32", "int32", [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(x.numpy()[0, 0, 0], [40, 0, 128])
    np.testing.assert_allclose(x.numpy()[2, 0, 0], [40, 30, 128], atol=3)  # JPEG is not exact
    chosen = load(folder, class_names=["dog", "cat"], shuffle=False, image_size=4, verbose=False)
    assert chosen.class_names == ["dog", "cat"]
    assert [int(entry) for _, y in chosen for entry in y] == [0] * 5 + [1] * 3
    assert capsys.readouterr().out == ""


def test_labels(folder):
    """As numbers, one-hot rows, 0 or 1, none; given as a list; single images."""
    options = {"shuffle": False, "image_size": (4, 5), "verbose": False, "batch_size": 12}
    (_, y), *_ = load(folder, label_mode="categorical", **options)
    assert (y.shape, y.dtype, y.numpy().argmax(axis=1).tolist()) == ((12, 3), "float32", [0] * 4 + [1] * 3 + [2] * 5)
    (_, y), *_ = load(folder, label_mode="binary", class_names=["cat", "dog"], **options)
    assert (y.shape, y.dtype, y.numpy().ravel().tolist()) == ((8, 1), "float32", [0] * 3 + [1] * 5)
    (folder / "loose.png").unlink()  # without labels all is read that is in the folder or further down
    for missing in ({"labels": None}, {"label_mode": None}):
        dataset = load(folder, **missing, **options)
        (x,) = dataset
        assert x.shape == (12, 4, 5, 3)
        assert dataset.class_names is None
    dataset = load(folder / "dog", labels=[3, 1, 1, 3, 9], **options)
    assert dataset.class_names == ["1", "3", "9"]
    assert next(iter(dataset))[1].numpy().tolist() == [3, 1, 1, 3, 9]
    x, y = next(iter(load(folder, **{**options, "batch_size": None})))
    assert (x.shape, y.shape) == ((4, 5, 3), ())


def test_orders(folder):
    """With a seed the same in every run, another in each epoch; training and validation share no file."""
    options = {"image_size": (2, 2), "verbose": False, "batch_size": 1}

    def epoch(dataset):
        return [x.numpy().round(-1).ravel().tolist() for x, _ in dataset]

    one, two = (load(folder, seed=1, **options) for _ in range(2))
    first = epoch(one)
    assert epoch(two) == first != epoch(one)
    assert sorted(epoch(two)) == sorted(first)
    split = {"validation_split": 0.25, "seed": 3, **options}
    training, validation = load(folder, subset="training", **split), load(folder, subset="validation", **split)
    assert (len(training), len(validation)) == (9, 3)
    assert sorted(names(training) + names(validation)) == sorted(names(one))
    both = load(folder, subset="both", **split)
    assert [names(part) for part in both] == [names(training), names(validation)]
    assert epoch(both[1]) == epoch(both[1])
    state = one.random_state()
    third = epoch(one)
    other = load(folder, **options)
    other.set_random_state(state)
    assert epoch(other) == third


def test_colours(folder):
    """1, 3 or 4 channels, whatever the file holds; 16 bits scaled to 8; axes in the order asked for."""
    options = {"labels": None, "image_size": (4, 4), "verbose": False}
    source = folder / "kinds"
    source.mkdir()
    grey = np.full((4, 4), 200, np.uint8)
    for name, image in {
        "a": Image.fromarray(grey), "b": Image.fromarray(grey.astype(np.uint16) * 257), "c": Image.fromarray(grey > 0),
        "d": Image.fromarray(np.stack([grey] * 3 + [grey // 2], -1)),
        "e": Image.fromarray(np.stack([grey] * 3, -1)).convert("P"),
        "f": Image.fromarray(grey).convert("LA"),
    }.items():  # fmt: skip
        image.save(source / f"{name}.png")
    for mode, channels in (("grayscale", 1), ("rgb", 3), ("rgba", 4)):
        (x,) = load(source, color_mode=mode, shuffle=False, **options)
        assert x.shape == (6, 4, 4, channels)
        np.testing.assert_allclose(x.numpy()[[0, 1, 3, 5], ..., : min(channels, 3)], 200, atol=1)
        np.testing.assert_array_equal(x.numpy()[2, ..., : min(channels, 3)], 255)
    (x,) = load(source, color_mode="rgba", data_format="channels_first", shuffle=False, **options)
    assert x.shape == (6, 4, 4, 4)
    np.testing.assert_array_equal(x.numpy()[3, 3], 100)


def test_proportions(tmp_path):
    """Stretched; cut on both sides; with black around."""
    pixels = np.zeros((4, 12, 3), np.uint8)
    pixels[:, 4:8] = 100
    Image.fromarray(pixels).save(tmp_path / "a.png")
    options = {"labels": None, "image_size": (4, 4), "verbose": False, "interpolation": "nearest"}
    (stretched,), (cut,), (padded,) = (
        next(iter(load(tmp_path, **options, **more))).numpy()[..., 0]
        for more in ({}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True})
    )
    np.testing.assert_array_equal(stretched[0], [0, 100, 100, 0])
    np.testing.assert_array_equal(cut, np.full((4, 4), 100))
    np.testing.assert_array_equal(padded[:, 1], [0, 100, 0, 0])


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "flipped"])
@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp"])
def test_a_damaged_image(tmp_path, damage, ending):
    """Is named when its turn comes."""
    file = tmp_path / f"bad.{ending}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(file)
    good = file.read_bytes()
    file.write_bytes(
        {"cut": good[: len(good) // 2], "garbage": b"abc" * 50, "empty": b"", "flipped": bytes(50) + good[50:]}[damage]
    )
    dataset = load(tmp_path, labels=None, verbose=False)
    with pytest.raises(ag.DataError, match=re.escape(f"{file}: cannot be read as an image")):
        list(dataset)
    with pytest.raises(ag.DataError, match=f"bad.{ending}"):
        nn.utils.load_img(file)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"labels": "guess"}, ag.DomainError, "labels is 'guess'"),
        ({"labels": [1, 2]}, ag.ShapeError, "2 labels for 13 files"),
        ({"labels": [0.5] * 13}, ag.DomainError, "list of integers"),
        ({"labels": None, "class_names": ["cat"]}, ag.StructureError, "class_names is given"),
        ({"class_names": ["cat", "cow"]}, ag.DomainError, r"They are \['ant', 'cat', 'dog'\]"),
        ({"class_names": ["cat", "cat"]}, ag.DomainError, "each once"),
        ({"label_mode": "binary"}, ag.DomainError, "for two classes; found 3"),
        ({"labels": [1] * 13, "label_mode": "categorical"}, ag.DomainError, "go from 1 to 1; .* must be 0 to 0"),
        ({"label_mode": "onehot"}, ag.DomainError, "label_mode is 'onehot'; expected one of 'int'"),
        ({"color_mode": "cmyk"}, ag.DomainError, "color_mode is 'cmyk'"),
        ({"interpolation": "cubic"}, ag.DomainError, "interpolation is 'cubic'.*'bicubic'"),
        ({"data_format": "last"}, ag.DomainError, "data_format is 'last'"),
        ({"image_size": (4,)}, ag.DomainError, r"image_size is \(4,\)"),
        ({"image_size": (4, 0)}, ag.DomainError, "two integers of at least 1"),
        ({"image_size": None}, ag.DomainError, "image_size is None"),
        ({"batch_size": 0}, ag.DomainError, "batch_size is 0"),
        ({"validation_split": 0.2}, ag.StructureError, "subset None; give both"),
        ({"subset": "training"}, ag.StructureError, "give both"),
        ({"validation_split": 2, "subset": "training", "seed": 1}, ag.DomainError, "validation_split is 2"),
        ({"validation_split": 0.2, "subset": "train", "seed": 1}, ag.DomainError, "subset is 'train'"),
        ({"validation_split": 0.2, "subset": "training"}, ag.StructureError, "needs a seed"),
        ({"validation_split": 0.01, "subset": "validation", "seed": 1}, ag.DataError, "leaves no file"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ag.DomainError, "choose one"),
    ],
)
def test_bad_arguments(folder, options, error, match):
    """Named with what was given, before anything is read."""
    with pytest.raises(error, match=match):
        load(folder, verbose=False, **options)


def test_folders_that_are_none(tmp_path):
    """Not there; a file; without images; no path at all."""
    (tmp_path / "file").touch()
    (tmp_path / "class").mkdir()
    with pytest.raises(ag.DataNotFoundError, match="no such folder"):
        load(tmp_path / "absent")
    with pytest.raises(ag.DataError, match="not a folder"):
        load(tmp_path / "file")
    with pytest.raises(ag.DataError, match=r"no image found in its folders; expected files that end with .*\.png"):
        load(tmp_path)
    with pytest.raises(ag.DataError, match="directory is 3"):
        load(3)


def test_one_image(folder):
    """Opened, brought to a size, turned into an array."""
    image = nn.utils.load_img(folder / "dog" / "1.bmp", target_size=(4, 6))
    array = nn.utils.img_to_array(image)
    assert (image.size, array.shape, array.dtype) == ((6, 4), (4, 6, 3), np.float32)
    np.testing.assert_array_equal(array[0, 0], [80, 10, 128])
    grey = nn.utils.load_img(str(folder / "dog" / "1.bmp"), color_mode="grayscale")
    assert nn.utils.img_to_array(grey, data_format="channels_first", dtype="uint8").shape == (1, 7, 9)
    square = nn.utils.load_img(folder / "cat" / "0.png", target_size=(3, 3), keep_aspect_ratio=True)
    assert square.size == (3, 3)
    with pytest.raises(ag.DataNotFoundError, match="no such file"):
        nn.utils.load_img(folder / "absent.png")
    with pytest.raises(ag.DomainError, match="load_img: interpolation is 'area'"):
        nn.utils.load_img(folder / "cat" / "0.png", interpolation="area")
    with pytest.raises(ag.ShapeError, match="expected 2 or 3 axes"):
        nn.utils.img_to_array(np.ones(3))


def test_without_pillow(folder, monkeypatch):
    """The extra to install is named."""
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ag.MissingExtraError, match=r'pip install "autograd-core\[nn\]"'):
        load(folder)
