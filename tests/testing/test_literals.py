"""Values as Python text."""

import numpy as np
import pytest

from autograd_core.testing.literals import index_text, literal, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([[1.0, -np.inf], [np.nan, 2.0]]), "np.array([[1.0, -np.inf], [np.nan, 2.0]])"),
        (np.zeros((0, 2), "float32"), "np.zeros((0, 2), dtype=np.float32)"),
        (np.array([1, 2], "int32"), "np.array([1, 2], dtype=np.int32)"),
        (np.float32(0.5), "np.float32(0.5)"),
        ((slice(None), ..., None, 3), "(slice(None, None, None), ..., None, 3)"),
        ({"a": [1.5]}, "{'a': [1.5]}"),
    ],
)
def test_text(value, text):
    assert text_of(value) == text
    np.testing.assert_equal(eval(text, {"np": np}), value)


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0, 2.5e-9, np.nan, -np.inf, -0.0]),
        np.float32(0.1),
        np.array([[0.1, 2]], np.float32),
        np.array(3.0),
        np.arange(6).reshape(2, 3),
        np.arange(3, dtype=np.int8),
        np.array([True, False]),
        np.array([1 + 2j, complex(0, -np.inf)]),
        np.zeros((0, 3), np.float32),
        np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32),
        np.float16(0.1),
        np.longdouble(1) / 3,
        np.array([1, np.longdouble(2) / 3]),
        np.array([1 + 2j], np.clongdouble),
        np.float32,
        np.array([1.0, 2.0], ">f4"),
        1e-5,
        complex(0, np.inf),
        float("nan"),
        True,
        None,
        ...,
        "it's",
        slice(None, -1, 2),
        np.dtype("f4"),
        range(3),
    ],
    ids=repr,
)
def test_a_value_as_text_is_the_value(value):
    read = eval(literal(value), {"np": np})
    if isinstance(value, (np.ndarray, np.generic)):
        assert read.dtype == value.dtype
        np.testing.assert_array_equal(read, value)
        np.testing.assert_array_equal(np.signbit(np.real(read)), np.signbit(np.real(value)))
    else:
        assert repr(read) == repr(value)


@pytest.mark.parametrize(
    "value", [np.array(["a"]), np.array([None]), object(), {1: 2}], ids=lambda value: type(value).__name__
)
def test_what_has_no_text(value):
    assert literal(value) is None


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (slice(None), ":"),
        (slice(1, None, 2), "1::2"),
        ((slice(None), 0), ":, 0"),
        ((1,), "1,"),
        ((), "()"),
        ((..., None), "..., None"),
        (np.array([0, 2]), "np.array([0, 2])"),
    ],
)
def test_an_index(index, text):
    assert index_text(index) == text
