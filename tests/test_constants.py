"""constant and convert_to_tensor: values that no later change reaches."""

import numpy as np
import pytest

import autograd_core as ag


def test_a_constant_is_a_copy():
    """Writing to the array afterwards changes nothing."""
    array = np.ones(3)
    for x in (ag.constant(array), ag.constant(array[:2]), ag.constant(ag.constant(array)), ag.convert_to_tensor(array)):
        array[:] = 5.0
        assert x.tolist() == [1.0] * len(x)
        array[:] = 1.0


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (1, None, np.int64),
        (1.0, None, np.float64),
        (True, None, np.bool_),
        (1j, None, np.complex128),
        ([1, 2.5], None, np.float64),
        (np.float32(1), None, np.float32),
        (1, "float32", np.float32),
        (1.5, int, np.int64),
    ],
)
def test_dtypes_follow_numpy(value, dtype, expected):
    """Python floats make float64; dtype= converts."""
    assert ag.constant(value, dtype).dtype == expected
    assert ag.convert_to_tensor(value, dtype).dtype == expected


@pytest.mark.parametrize(
    ("value", "shape", "expected"),
    [
        (2.0, (2, 2), [[2.0, 2.0], [2.0, 2.0]]),
        (2.0, (), 2.0),
        (2.0, 3, [2.0] * 3),
        ([1, 2, 3, 4], (2, 2), [[1, 2], [3, 4]]),
    ],
)
def test_a_shape_is_filled(value, shape, expected):
    """By one value, or by as many as it has entries."""
    assert ag.constant(value, shape=shape).tolist() == expected
    with pytest.raises(ag.ShapeError, match="constant: 2 values"):
        ag.constant([1.0, 2.0], shape=(3,))


@pytest.mark.parametrize(
    "value",
    [
        "text",
        None,
        object(),
        {"a": 1},
        [[1], [1, 2]],
        [None],
        np.array(["a"]),
        np.array([object()]),
        np.ma.masked_array([1.0], [True]),
        np.array("2020-01-01", "M8[D]"),
        np.timedelta64(1, "s"),
        lambda: 1.0,
    ],
)
def test_what_is_no_number_is_refused(value):
    """By constant, convert_to_tensor and Tensor alike, saying what was given."""
    for make in (ag.constant, ag.convert_to_tensor, ag.Tensor):
        with pytest.raises(ag.ConversionError):
            make(value)


def test_a_matrix_is_refused():
    """np.matrix has a `*` of its own."""
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0]])
    with pytest.raises(ag.ConversionError, match="matrix"):
        ag.constant(matrix)


def test_a_tracked_value_cannot_become_a_constant_silently():
    """constant and Tensor refuse it, convert_to_tensor passes it on."""
    v = ag.Variable([1.0, 2.0])
    with ag.GradientTape(persistent=True) as tape:
        y = v * v
        for make in (ag.constant, ag.Tensor):
            for tracked in (v, y, [y, y], [[y], [v]]):
                with pytest.raises(ag.ConversionError, match="tracking"):
                    make(tracked)
        assert ag.convert_to_tensor(y) is y
        stacked = ag.convert_to_tensor([v, y])
        wide = ag.convert_to_tensor(y, "complex128")
        cut = ag.constant(ag.stop_gradient(y))
    assert tape.gradient(stacked, v).tolist() == [3.0, 5.0]
    assert tape.gradient(wide, v).tolist() == [2.0, 4.0]
    assert tape.gradient(cut, v) is None
