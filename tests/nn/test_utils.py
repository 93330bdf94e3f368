"""Helpers for data: one-hot rows, rows of length 1, a dataset in two parts, a table from a file, padded sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

Dataset = nn.data.Dataset


def numbers(dataset):
    return [entry for element in dataset for entry in np.ravel(element.numpy()).tolist()]


def test_to_categorical():
    """One-hot rows; a column of labels; float labels that are whole; out of range."""
    np.testing.assert_array_equal(nn.utils.to_categorical([1, 0, 2]), [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(nn.utils.to_categorical([[1.0], [0.0]], 3), [[0, 1, 0], [1, 0, 0]])
    for labels, match in (([3], "class 3; expected 0 to 2"), ([-1], "class -1"), ([0.5], "expected integers")):
        with pytest.raises(ag.DomainError, match=match):
            nn.utils.to_categorical(labels, 3)


@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalize(axis, order):
    """Rows have norm 1, zeros stay, the dtype stays; the array given is not changed."""
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    x[1] = x[:, 1] = 0
    before = x.copy()
    found = nn.utils.normalize(x, axis, order)
    norms = np.linalg.norm(found, order, axis)
    np.testing.assert_allclose(norms, (np.linalg.norm(x, order, axis) > 0).astype("float32"), rtol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(x, before)
    assert nn.utils.normalize(np.ones((0, 3))).shape == (0, 3)
    np.testing.assert_allclose(nn.utils.normalize([3, 4]), [0.6, 0.8])
    with pytest.raises(ag.AxisError, match=r"axis is 2; x has shape \(4, 3\)"):
        nn.utils.normalize(x, 2)


# -- split_dataset -----------------------------------------------------------------------------------------------------


@given(count=st.integers(2, 30), left=st.integers(1, 29), shuffle=st.booleans())
def test_split(count, left, shuffle):
    """Every element is in one part; in order, unless mixed."""
    left = min(left, count - 1)
    parts = nn.utils.split_dataset(Dataset.range(count), left_size=left, shuffle=shuffle, seed=1)
    assert [len(part) for part in parts] == [left, count - left]
    found = numbers(parts[0]) + numbers(parts[1])
    assert sorted(found) == list(range(count))
    again = nn.utils.split_dataset(Dataset.range(count), right_size=count - left, shuffle=shuffle, seed=1)
    assert numbers(again[0]) + numbers(again[1]) == found
    if not shuffle:
        assert found == list(range(count))


def test_split_of_everything():
    """Arrays side by side, one array, a batched dataset, one of unknown length, dicts."""
    x, y = np.arange(20.0, dtype="float32").reshape(10, 2), np.arange(10)
    for data in ((x, y), [x, y], Dataset.from_tensor_slices((x, y))):
        left, right = nn.utils.split_dataset(data, 0.7)
        assert [len(left), len(right)] == [7, 3]
        a, b = next(iter(right))
        assert (a.numpy().tolist(), a.dtype, int(b)) == ([14, 15], "float32", 7)
    assert numbers(nn.utils.split_dataset(y, right_size=0.25)[1]) == [8, 9]
    left, right = nn.utils.split_dataset(Dataset.from_tensor_slices((x, y)).batch(4).prefetch(1), 0.5)
    assert [b.shape for _, b in left] == [(4,), (1,)]
    left, right = nn.utils.split_dataset(Dataset.range(10).filter(lambda n: n > 3), left_size=2, right_size=3)
    assert (numbers(left), numbers(right)) == ([4, 5], [7, 8, 9])
    left, _ = nn.utils.split_dataset(Dataset.from_tensor_slices({"a": x, "b": y}), 0.2)
    assert [int(element["b"]) for element in left] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, ag.StructureError, "give left_size, right_size or both"),
        ({"left_size": 0.01}, ag.DomainError, "gives 0 and 10; expected at least one"),
        ({"left_size": 10}, ag.DomainError, "gives 10 and 0"),
        ({"left_size": 6, "right_size": 5}, ag.DomainError, "gives 6 and 5"),
        ({"left_size": 1.5}, ag.DomainError, "left_size is 1.5"),
        ({"right_size": -1}, ag.DomainError, "right_size is -1"),
        ({"right_size": "half"}, ag.DomainError, "right_size is 'half'"),
        ({"right_size": True}, ag.DomainError, "right_size is True"),
    ],
)
def test_bad_splits(arguments, error, match):
    """Named with what was given."""
    with pytest.raises(error, match=match):
        nn.utils.split_dataset(np.arange(10), **arguments)


def test_data_that_cannot_be_split():
    """Without end, without elements, of different lengths."""
    with pytest.raises(ag.DomainError, match="has no end"):
        nn.utils.split_dataset(Dataset.range(3).repeat(), 0.5)
    with pytest.raises(ag.DomainError, match="of 0 elements"):
        nn.utils.split_dataset(Dataset.range(0), 0.5)
    with pytest.raises(ag.ShapeError, match=r"lengths \[3, 4\]"):
        nn.utils.split_dataset((np.ones(3), np.ones(4)), 0.5)


# -- load_csv ----------------------------------------------------------------------------------------------------------

TABLE = "area,rooms,price\n80,3,250.5\n60,2,200\n"


@pytest.fixture
def csv(tmp_path):
    """Write a table; its path."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return path

    return write


def test_table(csv):
    """All columns, or one apart as label, by name or by number; names of the others on demand."""
    path = csv(TABLE)
    x = nn.utils.load_csv(path)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, [[80, 3, 250.5], [60, 2, 200]])
    for label in ("price", 2, -1):
        x, y, names = nn.utils.load_csv(str(path), label=label, return_names=True)
        np.testing.assert_array_equal(x, [[80, 3], [60, 2]])
        np.testing.assert_array_equal(y, np.float32([250.5, 200]))
        assert names == ["area", "rooms"]
    x, y = nn.utils.load_csv(path, label="rooms", dtype="float64", label_dtype="int64")
    assert (x.dtype, y.dtype, y.tolist()) == ("float64", "int64", [3, 2])


@pytest.mark.parametrize(
    ("text", "options", "names", "rows"),
    [
        ("1,2\n3,4\n", {}, ["0", "1"], [[1, 2], [3, 4]]),
        ("1,2\n3,4\n", {"header": True}, ["1", "2"], [[3, 4]]),
        ("a;b\n1e3;-.5\n", {"delimiter": ";"}, ["a", "b"], [[1000, -0.5]]),
        ("a\tb\n1\t2", {"delimiter": "\t"}, ["a", "b"], [[1, 2]]),
        ("\ufeffa,b\r\n\r\n1,2\r\n,\r\n", {}, ["a", "b"], [[1, 2]]),
        ('"a, really","b"\n"1",2\n\n3,"4"\n', {}, ["a, really", "b"], [[1, 2], [3, 4]]),
        ("Größe\n1\n2\n", {}, ["Größe"], [[1], [2]]),
        (" a , b \n 1 , 2 \n", {}, ["a", "b"], [[1, 2]]),
        ("7\n", {}, ["0"], [[7]]),
    ],
)
def test_kinds_of_tables(csv, text, options, names, rows):
    """Headers found or told, delimiters, quotes, empty lines, line ends, a byte order mark."""
    x, found = nn.utils.load_csv(csv(text), return_names=True, **options)
    assert found == names
    np.testing.assert_array_equal(x, np.float32(rows))


def test_nan_is_a_number(csv):
    """A value that is not known."""
    assert np.isnan(nn.utils.load_csv(csv("a,b\n1,nan\n"))[0, 1])


@pytest.mark.parametrize(
    ("text", "options", "error", "match"),
    [
        (TABLE + "70,x,3\n", {}, ag.DataError, r"table.csv: line 4, column 'rooms': 'x' is not a number"),
        (TABLE + "\n70,,3\n", {}, ag.DataError, r"line 5, column 'rooms': the cell is empty"),
        (TABLE + "70,1\n", {}, ag.DataError, "line 4 has 2 cells; expected 3"),
        (TABLE + "70,1,2,3\n", {}, ag.DataError, "line 4 has 4 cells; expected 3"),
        ("a,b\n1\n2\n", {}, ag.DataError, "line 2 has 1 cells; expected 2"),
        ("1,2\n1_0,3\n", {}, ag.DataError, "line 2, column '0': '1_0' is not a number"),
        (TABLE, {"delimiter": ";"}, ag.DataError, "is not a number"),
        (TABLE, {"header": False}, ag.DataError, "line 1, column '0': 'area' is not a number"),
        ("", {}, ag.DataError, "there is no line in it"),
        ("\n ,\n", {}, ag.DataError, "there is no line in it"),
        ("a,b\n", {}, ag.DataError, "no line with numbers"),
        (b"a,b\n1,\xff\n", {}, ag.DataError, "not a text file in UTF-8"),
        (b"\x89PNG\0\0", {}, ag.DataError, "not a text file|no line with numbers|not a number"),
        (TABLE, {"label": "prize"}, ag.DomainError, "no column has the name 'prize'.*'area', 'rooms', 'price'"),
        ("a,a\n1,2\n", {"label": "a"}, ag.DomainError, "more than one column has the name 'a'"),
        (TABLE, {"label": 3}, ag.DomainError, "no column 3; it has 3"),
        (TABLE, {"label": 1.0}, ag.DomainError, "label is 1.0"),
        (TABLE, {"label": "price", "label_dtype": "int64"}, ag.DataError, "'price' holds 250.5.*whole number"),
        (TABLE, {"delimiter": ", "}, ag.DomainError, "delimiter is ', '"),
    ],
)
def test_bad_tables(csv, text, options, error, match):
    """The file, the line and the column are named."""
    with pytest.raises(error, match=match):
        nn.utils.load_csv(csv(text), **options)


def test_a_table_that_is_not_there(tmp_path):
    """And a folder in its place."""
    with pytest.raises(ag.DataNotFoundError, match=r"absent.csv: there is no such file"):
        nn.utils.load_csv(tmp_path / "absent.csv")
    with pytest.raises(ag.DataError, match="cannot be read"):
        nn.utils.load_csv(tmp_path)


def test_dataset_of_a_table(csv):
    """An element for each line."""
    path = csv(TABLE)
    assert [element.shape for element in Dataset.from_csv(path)] == [(3,), (3,)]
    x, y = next(iter(Dataset.from_csv(path, label="price").batch(2)))
    assert (x.shape, y.numpy().tolist()) == ((2, 2), [250.5, 200])


# -- pad_sequences -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [0, 0, 0], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [0, 0, 0], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [0, 0], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [0, 0], [4, 5]]),
        ({"maxlen": 4, "value": -1}, [[-1, -1, -1, 1], [-1, -1, 2, 3], [-1] * 4, [-1, 4, 5, 6]]),
        ({"maxlen": 0}, [[], [], [], []]),
    ],
)
def test_pad_sequences(options, rows):
    """Before and behind; too long ones are cut."""
    found = nn.utils.pad_sequences([[1], [2, 3], [], [4, 5, 6]], **options)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, np.reshape(rows, (4, -1)))


def test_pad_sequences_of_other_things():
    """Rows of arrays, floats, strings, Tensors, nothing."""
    found = nn.utils.pad_sequences([np.ones((1, 2)), np.ones((3, 2))], dtype="float32", value=0.5)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], [[0.5, 0.5], [0.5, 0.5], [1, 1]])
    words = nn.utils.pad_sequences([["a"], ["bc", "d"]], dtype=object, value="")
    assert words.tolist() == [["", "a"], ["bc", "d"]]
    assert nn.utils.pad_sequences([ag.constant([1]), [2, 3]]).tolist() == [[0, 1], [2, 3]]
    assert nn.utils.pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("sequences", "options", "error", "match"),
    [
        (3, {}, ag.StructureError, "got a int; expected a list of sequences"),
        ([[1], 2], {}, ag.StructureError, "sequence 1 is 2; expected a list or an array"),
        ([[1], [[2, 3]]], {}, ag.ShapeError, r"entries of sequence 1 have shape \(2,\); expected \(\)"),
        ([["a"]], {}, ag.DtypeError, "sequence 0 cannot be converted to int32"),
        ([["a"]], {"value": ""}, ag.DtypeError, "strings of different lengths need dtype=object"),
        ([[1]], {"padding": "before"}, ag.DomainError, "padding is 'before'"),
        ([[1]], {"truncating": "after"}, ag.DomainError, "truncating is 'after'"),
        ([[1]], {"maxlen": -1}, ag.DomainError, "maxlen is -1"),
        ([[1]], {"dtype": "number"}, ag.DtypeError, "dtype is 'number'"),
    ],
)
def test_sequences_that_cannot_be_padded(sequences, options, error, match):
    """Named with what was given."""
    with pytest.raises(error, match=match):
        nn.utils.pad_sequences(sequences, **options)
