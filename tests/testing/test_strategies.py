"""The strategies draw what they say, and hypothesis is needed only when one is asked for."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.testing import strategies
from autograd_core.tree import flatten


@given(st.data(), st.sampled_from(["float32", "float64", "complex64"]))
def test_arrays(data, dtype):
    array = data.draw(strategies.arrays(dtype=dtype, low=-1.0, high=3.0))
    assert array.dtype == dtype
    assert array.ndim <= 3
    assert np.all((array.real >= -1) & (array.real <= 3) & (array.imag >= -1) & (array.imag <= 3))


@pytest.mark.parametrize(
    "wanted",
    [
        lambda x: x.ndim == 0,
        lambda x: x.size == 0,
        lambda x: 1 in x.shape and x.ndim == 3,
        lambda x: x.size > 1 and np.isinf(x).any(),
        lambda x: x.ndim and not x.flags.c_contiguous and not x.flags.f_contiguous,
        lambda x: any(stride < 0 for stride in x.strides),
        lambda x: x.size > 1 and len(np.unique(x)) < x.size,
    ],
)
def test_arrays_of_all_kinds_come_up(wanted):
    find(strategies.arrays(special=[np.inf], ties=True), wanted)


@given(st.data())
def test_fixed_and_drawn_shapes(data):
    assert data.draw(strategies.arrays((2, 3))).shape == (2, 3)
    assert data.draw(strategies.arrays(strategies.shapes(min_dims=2, max_dims=2, min_side=1))).size > 0


@given(strategies.broadcastable_shapes(3))
def test_shapes_broadcast(shapes):
    np.broadcast_shapes(*shapes)


@given(st.data())
def test_axes_fit(data):
    shape = data.draw(strategies.shapes())
    np.sum(np.zeros(shape), axis=data.draw(strategies.axes(len(shape))))


@given(st.data())
def test_indices_fit(data):
    array = np.zeros(data.draw(strategies.shapes()))
    array[data.draw(strategies.indices(array.shape))]
    array[data.draw(strategies.basic_indices(array.shape))]
    array[data.draw(strategies.advanced_indices(array.shape))]


@given(st.data(), st.sampled_from(["float32", "float64", "complex128"]))
def test_positive_definite(data, dtype):
    matrices = data.draw(strategies.positive_definite(dtype=dtype, batch=(2,)))
    assert matrices.dtype == dtype
    np.testing.assert_array_equal(matrices, np.conj(np.swapaxes(matrices, -1, -2)))
    if matrices.size:
        spectrum = np.linalg.eigvalsh(matrices)
        assert spectrum.min() > 0.19
        assert spectrum.max() < 5.01


@given(strategies.structures(st.floats(0, 1)))
def test_structures(structure):
    leaves, rebuild = flatten(structure)
    assert all(isinstance(leaf, float) for leaf in leaves)
    assert rebuild(leaves) == structure


def test_structures_nest():
    find(strategies.structures(st.just(1.0)), lambda s: isinstance(s, dict) and isinstance(s.get("w"), tuple))


@given(st.data())
def test_draw_from(data):
    draw = strategies.draw_from(data, "float32")
    assert draw.array((2, 2)).dtype == np.float32
    assert draw.integer(3, 5) in (3, 4, 5)


def test_bad_arguments():
    with pytest.raises(ag.DomainError, match="floating dtype"):
        strategies.arrays(dtype=int)
    with pytest.raises(ag.DomainError, match="low <= high"):
        strategies.arrays(low=2, high=1)


def test_hypothesis_is_imported_only_when_a_strategy_is_asked_for():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import autograd_core as ag, autograd_core.testing as testing\n"
        "try: testing.strategies.shapes()\n"
        "except ag.MissingExtraError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "autograd-core[test]"' in run.stdout
