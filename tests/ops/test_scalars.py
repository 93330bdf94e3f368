"""Gradients of single numbers: the walk computes them on NumPy's scalars, the rules must not notice."""

import random

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.domain import Draw
from autograd_core.ops.table import TABLE

ROWS = [row for row in TABLE if row.elementwise and row.vjps is not None and not row.variadic]


def numbers_for(row, dtype):
    """Numbers for ``row``, as 0-d arrays, and its parameters."""
    generator = random.Random(0)
    if row.sample is None:
        return [np.array(generator.uniform(*bounds), dtype) for bounds in row.domain], {}
    while True:  # until no array is empty
        args, params = row.sample(Draw(generator.randint, dtype))
        arrays = [np.asarray(arg) for arg in args]
        if all(array.size for array in arrays):
            return [array.reshape(-1)[0].reshape(()) for array in arrays], params


def gradients(row, args, params):
    """Value, and gradients with respect to the floating arguments."""
    leaves = [ag.constant(arg) for arg in args]
    sources = [leaf for leaf in leaves if leaf.dtype.kind == "f"]
    with ag.GradientTape() as tape:
        tape.watch(sources)
        result = row(*leaves, **params)
        result = result[0] if isinstance(result, tuple) else result
    return result, tape.gradient(result, sources, unconnected_gradients="zero")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_number_has_the_gradient_of_an_array_of_it(row, dtype):
    numbers, params = numbers_for(row, dtype)
    value, found = gradients(row, numbers, params)
    other, expected = gradients(row, [number.reshape(1) for number in numbers], params)
    assert value.shape == ()
    assert value.dtype == other.dtype
    np.testing.assert_allclose(value.numpy(), other.numpy()[0], rtol=1e-6)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.shape == ()
        assert mine.dtype == theirs.dtype
        assert mine.array.__class__ is np.ndarray
        np.testing.assert_allclose(mine.numpy(), theirs.numpy()[0], rtol=1e-6)


def test_a_number_used_by_many_adds_up():
    x = ag.constant(2.0)
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = x * x * x + x / x + np.tanh(x) - np.tanh(x)
    assert tape.gradient(y, x).item() == 12.0


def test_zero_wins_over_an_infinite_derivative_of_a_number():
    x = ag.constant(0.0)
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = np.where(x > 0, np.sqrt(x), x)
    assert tape.gradient(y, x).item() == 1.0


def test_operators_are_the_functions_of_the_table():
    assert ag.Tensor.__add__ is ag.numpy.add
    x, y = ag.constant([1.0, 2.0]), ag.constant([3.0, 4.0])
    for result, expected in ((x + y, [4, 6]), (2 + x, [3, 4]), (x - 1, [0, 1]), (-x, [-1, -2]), (x @ y, 11)):
        assert result.tolist() == expected
    with pytest.raises(ag.errors.ShapeError, match="broadcast"):
        x + ag.constant([1.0, 2.0, 3.0])
