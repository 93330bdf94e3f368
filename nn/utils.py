"""Small helpers for data."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

__all__ = ["to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """One-hot rows for class numbers, as a float array.

    Parameters
    ----------
    x : array_like of int, shape (...) or (..., 1)
    num_classes : int, optional
        The largest number plus 1 if None.

    Returns
    -------
    float64 array, shape (..., num_classes)

    Raises
    ------
    DomainError
        For a number that is not among 0 to ``num_classes - 1``.

    Examples
    --------
    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = np.asarray(x)
    if labels.dtype.kind not in "iub":
        whole = labels.astype(np.int64)
        if labels.dtype.kind != "f" or not np.array_equal(whole, labels):
            raise ag.DomainError(f"to_categorical: got values of dtype {labels.dtype}; expected integers.")
        labels = whole
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        num_classes = int(labels.max()) + 1 if labels.size else 0
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise ag.DomainError(f"to_categorical: found class {wrong}; expected 0 to {num_classes - 1}.")
    return (labels[..., np.newaxis] == np.arange(num_classes)).astype(np.float64)
