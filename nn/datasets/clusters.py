"""The 10-cluster set: square clouds of points in the plane, made on the spot, so no file is needed."""

import operator

import numpy as np
from numpy.typing import NDArray

import autograd_core as ag

__all__ = ["load_data"]


def load_data(
    seed: int = 0, centres: int = 10, points_per_centre: int = 100
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points scattered around random centres, and the number of the centre each belongs to.

    Parameters
    ----------
    seed : int
        Of the set; the same seed always gives the same points.
    centres : int
        How many clusters.
    points_per_centre : int
        How many points in each.

    Returns
    -------
    points : float32 array, shape (centres * points_per_centre, 2)
        Cluster by cluster, not shuffled.
    labels : int64 array, shape (centres * points_per_centre,)
        0 to ``centres - 1``.

    Raises
    ------
    DomainError
        If an argument is not an integer, or out of range.

    Notes
    -----
    All centres are drawn first, uniform in [-8, 8) on both axes; then, centre by centre, each point is its centre
    plus a step uniform in [0, 1) on both axes. The draws are those of ``numpy.random.seed(seed)``, made by a generator
    of their own: NumPy's global random state is neither used nor changed.

    Examples
    --------
    >>> points, labels = load_data()
    >>> points.shape, labels.shape
    ((1000, 2), (1000,))
    >>> labels[[0, 99, 100, 999]].tolist()
    [0, 0, 1, 9]
    """
    seed = _integer("seed", seed, least=0, most=2**32 - 1)
    centres = _integer("centres", centres, least=1)
    points_per_centre = _integer("points_per_centre", points_per_centre, least=1)
    # The legacy generator on purpose: its stream is frozen by NumPy, so the set is the same for ever.
    random = np.random.RandomState(seed)
    middles = random.uniform(-8.0, 8.0, (centres, 2))
    # One draw for all: in C order it is the same stream as one rand(2) per point, centre after centre.
    steps = random.rand(centres, points_per_centre, 2)
    points = (middles[:, np.newaxis, :] + steps).reshape(-1, 2).astype(np.float32)
    return points, np.repeat(np.arange(centres, dtype=np.int64), points_per_centre)


def _integer(name: str, value: int, least: int, most: int | None = None) -> int:
    """``value`` as an int within bounds, or a DataError that names the argument."""
    wanted = f"an integer of at least {least}" + ("" if most is None else f" and at most {most}")
    try:
        number = operator.index(value)
    except TypeError:
        raise ag.DomainError(f"clusters.load_data: {name} is {value!r}; expected {wanted}.") from None
    if number < least or (most is not None and number > most):
        raise ag.DomainError(f"clusters.load_data: {name} is {number}; expected {wanted}.")
    return number
