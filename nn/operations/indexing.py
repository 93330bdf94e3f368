"""Parts of arrays: slices at places that are computed, scattering, segments, the largest entries, one-hot rows."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import autograd_core.numpy as anp

_REDUCTIONS = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


def slice_(inputs: Any, start_indices: Any, shape: Sequence[int]) -> Any:
    """Part of an array that begins at ``start_indices``, which may be computed, and has ``shape``.

    Parameters
    ----------
    inputs : array_like
    start_indices : sequence of int, or Tensor
        One for each axis.
    shape : sequence of int
        -1 for all that follows along an axis, where the start is known.

    Examples
    --------
    >>> slice_(ag.constant([[1, 2, 3], [4, 5, 6]]), (0, 1), (2, 2)).numpy()
    array([[2, 3],
           [5, 6]])
    """
    inputs = ag.convert_to_tensor(inputs)
    starts = _starts("slice", start_indices, inputs.ndim)
    lengths = tuple(shape)
    if len(lengths) != inputs.ndim:
        raise ag.ShapeError(f"slice: shape is {lengths}; the input has {inputs.ndim} axes, expected one length each.")
    if -1 in lengths:
        if any(not isinstance(start, int) for start, length in zip(starts, lengths, strict=True) if length == -1):
            raise ag.ShapeError("slice: shape has -1 along an axis whose start is computed; expected its length.")
        lengths = tuple(
            total - start if length == -1 else length
            for total, start, length in zip(inputs.shape, starts, lengths, strict=True)
        )
    return inputs[_window("slice", inputs.shape, starts, lengths)]


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """Copy of an array with ``updates`` in it, from ``start_indices`` on, which may be computed.

    Examples
    --------
    >>> slice_update(ag.constant([1, 2, 3, 4]), [1], [8, 9]).numpy()
    array([1, 8, 9, 4])
    """
    inputs, updates = ag.convert_to_tensor(inputs), ag.convert_to_tensor(updates)
    starts = _starts("slice_update", start_indices, inputs.ndim)
    if updates.ndim != inputs.ndim:
        raise ag.ShapeError(
            f"slice_update: updates has shape {updates.shape}, the input {inputs.shape}; expected as many axes."
        )
    window = _window("slice_update", inputs.shape, starts, updates.shape)
    return inputs.at[window].set(updates.astype(inputs.dtype))


def _starts(asked: str, starts: Any, ndim: int) -> list[Any]:
    """Where a slice begins along each axis: integers where they are known, else Tensors of shape ()."""
    found = list(starts) if isinstance(starts, (list, tuple)) else list(anp.atleast_1d(ag.convert_to_tensor(starts)))
    if len(found) != ndim:
        raise ag.ShapeError(f"{asked}: got {len(found)} start_indices; the input has {ndim} axes, expected one each.")
    return [_known(start) for start in found]


def _known(number: Any) -> Any:
    tensor = ag.convert_to_tensor(number)
    if tensor.dtype.kind not in "iu" or tensor.ndim:
        raise ag.DtypeError(f"a start index is {number!r}; expected an integer.")
    return int(tensor.array) if ag.tracing.is_known(tensor.array) else tensor


def _window(asked: str, total: Sequence[int], starts: list[Any], lengths: Sequence[int]) -> tuple[Any, ...]:
    """Index of a part of an array: slices, or arrays that broadcast against each other where a start is computed."""
    for axis, (whole, start, length) in enumerate(zip(total, starts, lengths, strict=True)):
        first = start if isinstance(start, int) else 0
        if first < 0 or length < 0 or first + length > whole:
            raise ag.ShapeError(
                f"{asked}: {length} entries from {first} on do not fit into axis {axis} of an input of shape "
                f"{tuple(total)}."
            )
    if all(isinstance(start, int) for start in starts):
        return tuple(builtins.slice(start, start + length) for start, length in zip(starts, lengths, strict=True))
    places = (start + np.arange(length) for start, length in zip(starts, lengths, strict=True))
    return tuple(
        anp.reshape(place, [-1 if other == axis else 1 for other in range(len(total))])
        for axis, place in enumerate(places)
    )


def scatter(indices: Any, values: Any, shape: Sequence[int]) -> Any:
    """Zeros of ``shape`` with ``values`` at ``indices``; what goes to the same place is added.

    Parameters
    ----------
    indices : array_like of int, shape (..., n)
        Each row is a place along the first ``n`` axes.
    values : array_like, shape (..., and the rest of ``shape``)
    shape : sequence of int

    Examples
    --------
    >>> scatter([[0], [2], [0]], [1.0, 2.0, 3.0], (4,)).numpy()
    array([4., 0., 2., 0.])
    """
    values = ag.convert_to_tensor(values)
    return anp.zeros(tuple(shape), values.dtype).at[_places("scatter", indices, len(tuple(shape)))].add(values)


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """Copy of an array with ``updates`` at ``indices``.

    Parameters
    ----------
    inputs : array_like
    indices : array_like of int, shape (..., n)
        Each row is a place along the first ``n`` axes.
    updates : array_like, shape (..., and the other axes of ``inputs``)
    reduction : {None, "add", "max", "min", "mul"}
        What is done with the entries that are there; None: they are replaced.

    Examples
    --------
    >>> scatter_update([1.0, 2.0, 3.0], [[1]], [5.0], "add").numpy()
    array([1., 7., 3.])
    """
    if reduction not in _REDUCTIONS:
        raise ag.DomainError(
            f"scatter_update: reduction is {reduction!r}; expected one of {', '.join(map(repr, _REDUCTIONS))}."
        )
    inputs = ag.convert_to_tensor(inputs)
    place = inputs.at[_places("scatter_update", indices, inputs.ndim)]
    return getattr(place, _REDUCTIONS[reduction])(ag.convert_to_tensor(updates).astype(inputs.dtype))


def _places(asked: str, indices: Any, ndim: int) -> tuple[Any, ...]:
    """Rows of indices as an index: one array for each column."""
    indices = ag.convert_to_tensor(indices)
    if indices.dtype.kind not in "iu" or not indices.ndim or not 1 <= indices.shape[-1] <= ndim:
        raise ag.ShapeError(
            f"{asked}: indices has shape {indices.shape} and dtype {indices.dtype}; expected integers of shape "
            f"(..., n), with n from 1 to {ndim}, the number of axes."
        )
    columns = range(indices.shape[-1])
    if ag.tracing.is_known(indices.array):  # then they are no part of a plan
        return tuple(ag.constant(indices.array[..., column]) for column in columns)
    return tuple(indices[..., column] for column in columns)


def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Sum of the entries of ``data`` with the same number in ``segment_ids``, along the first axis.

    Parameters
    ----------
    data : array_like, shape (n, ...)
    segment_ids : array_like of int, shape (n,)
        Entries below 0 or beyond ``num_segments`` are left out.
    num_segments : int, optional
        Length of the result; the largest number plus 1 if None.
    sorted : bool
        Whether the numbers are in order; the result is the same.

    Examples
    --------
    >>> segment_sum([1.0, 2.0, 3.0], [0, 2, 0]).numpy()
    array([4., 0., 2.])
    """
    data, places, count = _segments("segment_sum", data, segment_ids, num_segments)
    return anp.zeros((count + 1, *data.shape[1:]), data.dtype).at[places].add(data)[:count]


def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Largest of the entries with the same number; the smallest there is where there are none. See ``segment_sum``."""
    data, places, count = _segments("segment_max", data, segment_ids, num_segments)
    lowest = -np.inf if data.dtype.kind == "f" else np.iinfo(data.dtype).min
    return anp.full((count + 1, *data.shape[1:]), lowest, data.dtype).at[places].max(data)[:count]


def _segments(asked: str, data: Any, segment_ids: Any, num_segments: int | None) -> tuple[Any, Any, int]:
    """Data, the segment of each entry (those left out in one behind the last), and how many there are."""
    data, ids = ag.convert_to_tensor(data), ag.convert_to_tensor(segment_ids)
    if ids.dtype.kind not in "iu" or ids.ndim != 1 or ids.shape != data.shape[:1]:
        raise ag.ShapeError(
            f"{asked}: data has shape {data.shape}, segment_ids shape {ids.shape} and dtype {ids.dtype}; expected an "
            "integer for each entry along the first axis."
        )
    known = ag.tracing.is_known(ids.array)
    if num_segments is None:
        if not known:
            raise ag.TraceError(
                f"{asked}: the segments are computed in a trace; give num_segments, how many there are."
            )
        num_segments = int(ids.array.max(initial=-1)) + 1
    kept = ids.array if known else ids
    places = (np if known else anp).where((kept >= 0) & (kept < num_segments), kept, num_segments)
    return data, ag.constant(places) if known else places, num_segments  # known ones are no part of a plan


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """The ``k`` largest entries along the last axis, from the largest on, and where they stand.

    Of equal entries those come first that stand first.

    Returns
    -------
    values : Tensor, shape (..., k)
    indices : Tensor of int32, shape (..., k)

    Examples
    --------
    >>> values, indices = top_k([1.0, 3.0, 2.0], 2)
    >>> values.numpy(), indices.numpy()
    (array([3., 2.]), array([1, 2], dtype=int32))
    """
    x = ag.convert_to_tensor(x)
    if not x.ndim or isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k <= x.shape[-1]:
        raise ag.DomainError(f"top_k: k is {k!r} and x has shape {x.shape}; expected k from 0 to the last length.")
    # The last of the reversed entries: a stable order upwards, read backwards, has equal ones in the order given.
    order = anp.flip(anp.argsort(anp.flip(ag.stop_gradient(x), -1), axis=-1, stable=True), -1)[..., :k]
    places = x.shape[-1] - 1 - order
    return anp.take_along_axis(x, places, axis=-1), places.astype("int32")


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether each target is among the ``k`` largest predictions of its row; equal ones all are.

    Parameters
    ----------
    targets : array_like of int, shape (...)
    predictions : array_like, shape (..., classes)
    """
    targets, predictions = ag.convert_to_tensor(targets), ag.convert_to_tensor(predictions)
    if targets.dtype.kind not in "iu" or targets.shape != predictions.shape[:-1]:
        raise ag.ShapeError(
            f"in_top_k: targets has shape {targets.shape} and dtype {targets.dtype}, predictions shape "
            f"{predictions.shape}; expected an integer for each row."
        )
    chosen = anp.take_along_axis(predictions, anp.expand_dims(targets, -1), axis=-1)
    chosen = anp.where(anp.isnan(chosen), -np.inf, chosen)
    return anp.count_nonzero(predictions > chosen, axis=-1) < k


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """One-hot rows along a new axis; an entry below 0 or beyond the classes gives zeros."""
    _only_dense("one_hot", sparse)
    x = ag.convert_to_tensor(x)
    axis = axis + x.ndim + 1 if axis < 0 else axis
    if not 0 <= axis <= x.ndim:
        raise ag.AxisError(f"one_hot: axis is {axis}; the result has {x.ndim + 1} axes.")
    classes = np.arange(num_classes).reshape([-1 if i == axis else 1 for i in range(x.ndim + 1)])
    return anp.equal(anp.expand_dims(x, axis), classes).astype("float32" if dtype is None else dtype)


def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """1 for each class that is among the entries of a row, else 0.

    Examples
    --------
    >>> multi_hot([[1, 3, 3], [0, 1, 0]], 4).numpy()
    array([[0., 1., 0., 1.],
           [1., 1., 0., 0.]], dtype=float32)
    """
    if num_classes is None:
        raise ag.DomainError("multi_hot: give num_classes, the length of each row of the result.")
    inputs = ag.convert_to_tensor(inputs)
    _only_dense("multi_hot", sparse)
    return anp.max(one_hot(inputs, num_classes, axis, dtype), axis=1 if inputs.ndim > 1 else 0)


def _only_dense(asked: str, sparse: bool) -> None:
    if sparse:
        raise ag.UnsupportedError(f"{asked}: there are no sparse Tensors; expected sparse=False.")


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Entries along an axis, as a list."""
    x = ag.convert_to_tensor(x)
    parts = list(anp.unstack(x, axis=axis))
    if num is not None and num != len(parts):
        raise ag.ShapeError(f"unstack: num is {num}; x of shape {x.shape} has {len(parts)} entries along axis {axis}.")
    return parts


FUNCTIONS = (
    in_top_k, multi_hot, one_hot, scatter, scatter_update, segment_max, segment_sum, slice_, slice_update, top_k,
    unstack,
)  # fmt: skip
