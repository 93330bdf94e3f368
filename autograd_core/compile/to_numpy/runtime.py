"""What the source that is emitted for NumPy calls besides NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..executable import ZeroMetInfinity
from ..machine.python_threads import share
from ..reuse import unheld
from .storage import stride_of


def workspace(size: int) -> Any:
    """Memory whose first byte is at the beginning of a line of the cache."""
    memory = np.empty(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]


def at(memory: Any, offset: int, shape: tuple[int, ...], dtype: str) -> Any:
    """An array at a place of a workspace."""
    return np.ndarray(shape, dtype, memory, offset)


def cut(array: Any, rows: int) -> list[Any]:
    """Parts of an array along its first axis, or of a list."""
    return [array[start : start + rows] for start in range(0, len(array), rows)]


def again(block: Any, length: int) -> list[Any]:
    """The same block for each part of ``length`` rows; a piece of it for the last."""
    whole, rest = divmod(length, len(block))
    return [block] * whole + [block[:rest]] * bool(rest)


def turns(memory: Any, offset: int, shape: tuple[int, ...], dtype: str, length: int, run: int) -> list[Any]:
    """Like ``again``, but every ``run`` parts have a block of their own; these lie one behind the other."""
    rows, stride = shape[0], stride_of(shape, dtype)
    count = -(-length // rows)
    blocks = [at(memory, k * stride + offset, shape, dtype) for k in range(-(-count // run))]
    return [blocks[k // run][: length - k * rows] for k in range(count)]


def each(parts: Any) -> list[Any]:
    """The entries along the first axis as arrays, also where they are numbers."""
    return [parts[k, ...] for k in range(len(parts))]


def guard(*arrays: Any) -> None:
    """Raise if one of the arrays has a NaN: through BLAS, 20 times faster than isnan on 400,000 floats."""
    for array in arrays:
        flat = array if array.ndim == 1 else array.ravel()
        squares = flat.dot(flat)
        if squares != squares:
            raise ZeroMetInfinity


def own(array: Any, *others: Any) -> Any:
    """``array`` itself if it shares memory with nothing else."""
    if array.base is None and array.flags.writeable and all(array is not other for other in others):
        return array
    return array.copy()


GLOBALS: dict[str, Any] = {
    "copyto": np.copyto, "asarray": np.asarray, "broadcast_to": np.broadcast_to, "empty": np.empty, "inf": np.inf,
    "nan": np.nan, "workspace": workspace, "at": at, "unheld": unheld, "cut": cut, "again": again, "each": each,
    "turns": turns, "share": share, "guard": guard, "own": own,
    "ZeroMetInfinity": ZeroMetInfinity,
}  # fmt: skip
"""By the names that the source has for them."""
