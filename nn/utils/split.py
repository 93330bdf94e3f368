"""A dataset in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from ..data import INFINITE_CARDINALITY, Dataset
from ..data.prefetch import Prefetch
from ..data.sources import Slices
from ..data.structure import arrays_of, map_structure, stack
from ..data.transform import Batch

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | np.random.Generator | None = None,
) -> tuple[Dataset, Dataset]:
    """Two datasets, of the first and of the last elements: to train with, and to test with.

    Parameters
    ----------
    dataset : Dataset, array, or tuple or list of arrays of one length
        A dataset is drawn once and kept in memory; if it is batched, its entries are split and batched again.
    left_size, right_size : float or int, optional
        A part of all elements (a float between 0 and 1), or a number of them (an int). One of them may be None: the
        rest.
    shuffle : bool
        Whether to mix the elements before they are split.
    seed : int, numpy.random.Generator or None
        The same number gives the same parts in every run.

    Returns
    -------
    left, right : Dataset

    Examples
    --------
    >>> left, right = split_dataset(np.arange(10), left_size=0.8)
    >>> [int(number) for number in right]
    [8, 9]
    """
    arrays, count, batch_size = _drawn(dataset)
    left, right = _sizes(left_size, right_size, count)
    order = np.random.default_rng(seed).permutation(count) if shuffle else np.arange(count)

    def part(places: np.ndarray) -> Dataset:
        found = Dataset.from_tensor_slices(map_structure(lambda array: array[places], arrays))
        return found if batch_size is None else found.batch(batch_size)

    return part(order[:left]), part(order[count - right :])


def _drawn(dataset: Any) -> tuple[Any, int, int | None]:
    """Arrays with an entry for each element, how many there are, and the size of the batches to make again."""
    if not isinstance(dataset, Dataset):
        # A list holds arrays side by side, as a tuple does.
        slices = Slices.checked(tuple(dataset) if isinstance(dataset, list) else dataset)
        return slices.arrays, slices.length, None
    if dataset.cardinality() == INFINITE_CARDINALITY:
        raise ag.DomainError("split_dataset: the dataset has no end; cut it with take(count) first.")
    step = dataset._step
    while isinstance(step, Prefetch):
        step = step.source
    batch_size = step.size if isinstance(step, Batch) else None
    elements = list(dataset if batch_size is None else dataset.unbatch())
    return (arrays_of(stack(elements)) if elements else None), len(elements), batch_size


def _sizes(left: Any, right: Any, count: int) -> tuple[int, int]:
    """Numbers of elements on either side."""
    if left is None and right is None:
        raise ag.StructureError("split_dataset: give left_size, right_size or both: 0.8 is a part, 80 a number.")
    first, second = _size("left_size", left, count), _size("right_size", right, count)
    on_left = count - int(second or 0) if first is None else first
    on_right = count - int(first or 0) if second is None else second
    if min(on_left, on_right) < 1 or on_left + on_right > count:
        raise ag.DomainError(
            f"split_dataset: left_size={left!r} and right_size={right!r} of {count} elements gives {on_left} and "
            f"{on_right}; expected at least one on each side, and not more than {count} together."
        )
    return on_left, on_right


def _size(name: str, value: Any, count: int) -> int | None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if value is None or (whole and value > 0):
        return None if value is None else int(value)
    if isinstance(value, (float, np.floating)) and 0 < value < 1:
        return round(float(value) * count)
    raise ag.DomainError(
        f"split_dataset: {name} is {value!r}; expected a part between 0.0 and 1.0, a number of at least 1, or None."
    )
