"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

__all__ = ["pad_sequences"]

_SIDES = ("pre", "post")


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as rows of one array.

    Parameters
    ----------
    sequences : list of sequences
        Of numbers, or of arrays of one shape.
    maxlen : int, optional
        Length of the rows; that of the longest sequence if None.
    dtype : dtype
        Of the array; ``object`` for strings of different lengths.
    padding, truncating : {"pre", "post"}
        Whether what is missing is put, and what is too much is taken, before a sequence or behind it.
    value : float or str
        Stands where a sequence is too short.

    Returns
    -------
    array, shape (sequences, maxlen, ...)

    Raises
    ------
    StructureError
        If something in the list is no sequence.
    ShapeError
        If the entries of the sequences do not all have the same shape.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3], [4, 5, 6]])
    array([[0, 0, 1],
           [0, 2, 3],
           [4, 5, 6]], dtype=int32)
    >>> pad_sequences([[1], [4, 5, 6]], maxlen=2, padding="post")
    array([[1, 0],
           [5, 6]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in _SIDES:
            raise ag.DomainError(f"pad_sequences: {name} is {side!r}; expected 'pre' or 'post'.")
    rows = _rows(sequences)
    if maxlen is None:
        maxlen = max(map(len, rows), default=0)
    elif isinstance(maxlen, bool) or not isinstance(maxlen, (int, np.integer)) or maxlen < 0:
        raise ag.DomainError(f"pad_sequences: maxlen is {maxlen!r}; expected an integer of at least 0, or None.")
    kind = _dtype_for(dtype, value)
    shape = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    found = np.full((len(rows), maxlen, *shape), value, kind)
    for number, row in enumerate(rows):
        entries = _entries(row, number, kind, shape)
        kept = entries[max(0, len(entries) - maxlen) :] if truncating == "pre" else entries[:maxlen]
        first = maxlen - len(kept) if padding == "pre" else 0
        found[number, first : first + len(kept)] = kept
    return found


def _rows(sequences: Any) -> list[Any]:
    if not hasattr(sequences, "__len__"):
        raise ag.StructureError(f"pad_sequences: got a {type(sequences).__name__}; expected a list of sequences.")
    rows = [row.numpy() if isinstance(row, (ag.Tensor, ag.Variable)) else row for row in sequences]
    for number, row in enumerate(rows):
        if not hasattr(row, "__len__") or (isinstance(row, np.ndarray) and not row.ndim):
            raise ag.StructureError(f"pad_sequences: sequence {number} is {row!r}; expected a list or an array.")
    return rows


def _dtype_for(dtype: Any, value: Any) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise ag.DtypeError(f"pad_sequences: dtype is {dtype!r}; expected one such as 'int32' or 'float32'.") from None
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ag.DtypeError(
            f"pad_sequences: value is {value!r} and dtype {kind}; strings of different lengths need dtype=object."
        )
    return kind


def _entries(row: Any, number: int, kind: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """A sequence as an array whose entries have ``shape``."""
    try:
        entries = np.asarray(row, dtype=kind) if len(row) else np.empty((0, *shape), kind)
    except (TypeError, ValueError) as error:
        raise ag.DtypeError(f"pad_sequences: sequence {number} cannot be converted to {kind}: {error}.") from None
    if entries.shape[1:] != shape:
        raise ag.ShapeError(
            f"pad_sequences: the entries of sequence {number} have shape {entries.shape[1:]}; expected {shape}, as in "
            "the first."
        )
    return entries
