"""Arrays looked at for NaN and infinities: which entries of a result are not finite although what they were made of is.

Arguments that have a NaN of their own make NaN, and that is no news; so a result is looked at together with what it was
computed from. For an elementwise operation that is done entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..node import Node
from ..primitive import Slot
from ..scatter import Cleared, Scatter
from ..tensor import Overloaded

SHOWN = 5
"""Offending entries that are kept."""


def floating(values: Sequence[Any]) -> list[Any]:
    """Those of ``values`` that can be NaN, as arrays: not integers, Specs, or nothing at all."""
    found = [raw(value) for value in values]
    return [array for array in found if array is not None and array.dtype.kind in "fc"]


def raw(value: Any) -> Any:
    """Array of a Tensor, Variable, array or number; None for anything else."""
    if isinstance(value, Overloaded):
        value = value.array
    if isinstance(value, (np.ndarray, np.generic, float, int, complex)):
        return np.asarray(value)
    return None


def parts(value: Any) -> Iterator[Any]:
    """Arrays in a value or cotangent: of several results, and of the notes that rules of reads and updates send."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from parts(part)
        return
    if isinstance(value, Cleared):
        value = value.carry_out(False)
    elif isinstance(value, (Slot, Scatter)):
        value = value.ct if isinstance(value, Slot) else value.values
    array = raw(value)
    if array is not None and array.dtype.kind in "fc":
        yield array


def is_finite(value: Any) -> bool:
    """Whether all entries of a value or cotangent, or of the several in a tuple, are finite."""
    return all(bool(np.isfinite(array).all()) for array in parts(value))


def born(value: Any, inputs: Sequence[Any], elementwise: bool, infinities: bool) -> Any:
    """Where ``value`` has a NaN that ``inputs`` do not explain, or an infinity though all of them are finite.

    Returns
    -------
    array of bool, or None if there is no such entry
    """
    array = raw(value)
    if array is None or array.dtype.kind not in "fc" or (wrong := ~np.isfinite(array)) is None or not wrong.any():
        return None
    nan = np.isnan(array)
    given = floating(inputs)
    if elementwise and all(_fits(each.shape, array.shape) for each in given):
        explained, finite = np.zeros(array.shape, bool), np.ones(array.shape, bool)
        for each in given:
            explained |= np.isnan(each)
            finite &= np.isfinite(each)
    else:
        explained = np.asarray(any(np.isnan(each).any() for each in given))
        finite = np.asarray(all(np.isfinite(each).all() for each in given))
    found = nan & ~explained
    if infinities:
        found |= ~nan & wrong & finite
    return found if found.any() else None


def _fits(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, full) == full
    except ValueError:
        return False


def offending(wrong: Any, value: Any, inputs: Sequence[Any], elementwise: bool) -> list[dict[str, object]]:
    """The first few entries in which ``wrong`` holds: index, value, and what an elementwise operation made it of."""
    array = raw(value)
    rows: list[dict[str, object]] = []
    for place in np.argwhere(wrong)[:SHOWN]:
        index = tuple(int(i) for i in place)
        numbers = [_at(raw(each), index, array.shape) for each in inputs] if elementwise else []
        rows.append({"index": index, "value": array[index].item(), "inputs": tuple(numbers)})
    return rows


def _at(array: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    if array is None or not _fits(array.shape, shape):
        return None
    return np.broadcast_to(array, shape)[index].item()


def shown_index(index: tuple[int, ...]) -> str:
    """``[0, 3]``; nothing for a single number."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def shown_number(number: Any) -> str:
    """A number in a few digits; ``?`` where it is not kept."""
    return "?" if number is None else f"{number:.6g}"


def ranges(inputs: Sequence[Any]) -> str:
    """What an operation that is not elementwise was given: shape, and the range of the entries."""
    texts = []
    for position, each in enumerate(inputs):
        array = raw(each)
        if array is None or array.dtype.kind not in "fc":
            continue
        if not array.size:
            texts.append(f"argument {position} has shape {array.shape}")
            continue
        if array.ndim == 0:
            texts.append(f"argument {position} is {shown_number(array.item())}")
            continue
        good = np.abs(array)[np.isfinite(array)]
        low, high = (good.min(), good.max()) if good.size else (np.nan, np.nan)
        texts.append(
            f"argument {position} has shape {array.shape}, absolute values from {shown_number(low)} to "
            f"{shown_number(high)}"
        )
    return "; ".join(texts)


def variable_of(node: Node | None) -> Any:
    """The Variable that a leaf stands for; None for any other Node."""
    return node.params["variable"]() if node is not None and "variable" in node.params else None
