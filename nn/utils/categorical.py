"""Labels as one-hot rows, and rows of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

__all__ = ["normalize", "to_categorical"]


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


def normalize(x: Any, axis: int = -1, order: Any = 2) -> Any:
    """Divide by the norm along an axis; what has norm 0 stays 0.

    Parameters
    ----------
    x : array_like
    axis : int
    order : float or inf
        Of the norm, as for ``numpy.linalg.norm``: 2 is Euclid's, 1 the sum of absolute values.

    Returns
    -------
    array, shape of ``x``

    Examples
    --------
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    values = ag.convert_to_tensor(x).numpy()
    if values.dtype.kind not in "fc":
        values = values.astype(np.float64)
    if not values.ndim or not -values.ndim <= axis < values.ndim:
        raise ag.AxisError(f"normalize: axis is {axis}; x has shape {values.shape}.")
    norm = np.linalg.norm(values, order, axis, keepdims=True)
    return values / np.where(norm == 0, np.ones_like(norm), norm)
