"""The 10-cluster set is made exactly as documented, and leaves NumPy's random state alone."""

import numpy as np
import pytest

import autograd_core as ag
from nn.datasets import clusters

FIRST = [[1.7596344, 4.2421885], [1.2424954, 4.223559], [0.89929049, 4.08295088]]
LAST = [4.92537972, 6.82424519]


def by_definition(seed: int = 0, centres: int = 10, points_per_centre: int = 100) -> np.ndarray:
    """The points, one draw at a time: all centres first, then rand(2) for each point of each."""
    random = np.random.RandomState(seed)
    middles = [random.uniform(-8, 8, 2) for _ in range(centres)]
    return np.array([middle + random.rand(2) for middle in middles for _ in range(points_per_centre)], np.float32)


def test_the_set() -> None:
    """Shapes, dtypes and every value."""
    points, labels = clusters.load_data()
    np.testing.assert_array_equal(points, by_definition(), strict=True)
    np.testing.assert_array_equal(labels, np.array([centre for centre in range(10) for _ in range(100)]))
    assert points.shape == (1000, 2)
    assert points.dtype == np.float32
    assert labels.dtype == np.int64


def test_known_values() -> None:
    """The first and last points, so that a change of NumPy's stream would be seen as well."""
    points, _ = clusters.load_data()
    # First centre: 16 (0.54881350, 0.71518937) - 8; the first step, the 21st and 22nd draws: (0.97861834, 0.79915856).
    np.testing.assert_allclose(points[0], [0.78101604 + 0.97861834, 3.44302986 + 0.79915856], rtol=1e-6)
    np.testing.assert_allclose(points[:3], FIRST, rtol=1e-6)
    np.testing.assert_allclose(points[-1], LAST, rtol=1e-6)


@pytest.mark.parametrize("arguments", [(1, 10, 100), (0, 3, 7), (2**32 - 1, 1, 1), (np.int64(5), 2, 3)])
def test_other_sets(arguments: tuple[int, int, int]) -> None:
    """Seed, number of centres and number of points follow the same definition."""
    points, labels = clusters.load_data(*arguments)
    np.testing.assert_array_equal(points, by_definition(*arguments), strict=True)
    assert np.bincount(labels).tolist() == [arguments[2]] * arguments[1]


def test_numpys_global_state_is_neither_used_nor_changed() -> None:
    """Whatever it is before, the set is the same, and the state after is the state before."""
    np.random.seed(123)
    before = np.random.get_state(legacy=False)
    first = clusters.load_data()
    after = np.random.get_state(legacy=False)
    np.testing.assert_equal(after, before)
    np.random.seed(321)
    np.testing.assert_equal(clusters.load_data(), first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1; expected an integer of at least 0 and at most 4294967295"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"seed": None}, "seed is None"),
        ({"centres": 0}, "centres is 0; expected an integer of at least 1"),
        ({"centres": 2.0}, r"centres is 2\.0; expected an integer"),
        ({"points_per_centre": -3}, "points_per_centre is -3"),
        ({"points_per_centre": float("nan")}, "points_per_centre is nan"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    """Each error names the argument and what it may be."""
    with pytest.raises(ag.DomainError, match=message):
        clusters.load_data(**arguments)
