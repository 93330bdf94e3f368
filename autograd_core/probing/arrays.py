"""Points, directions and cotangents of a probe: lists of arrays, one per differentiated value."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = list[Any]


def random_like(x, generator) -> Any:
    """Entries of size 0.5 to 1 of the dtype of ``x``; multiples of 1/1024, so that few digits are lost."""
    entries = _entries(x.shape, generator)
    if x.dtype.kind == "c":
        entries = entries + 1j * _entries(x.shape, generator)
    return np.asarray(entries, x.dtype)


def _entries(shape: tuple[int, ...], generator: Any) -> Any:
    drawn = np.asarray(generator.integers(0, 1026, shape, dtype=np.int16))  # 513 sizes, two signs
    return np.multiply((512 + (drawn >> 1)) * (1 - 2 * (drawn & 1)), 2.0**-10, dtype=np.float64)


def sizes(x, least: float = 0.0) -> Any:
    """A power of two of the size of each entry; for a zero that of the largest entry, or 1."""
    magnitudes = np.abs(x)
    largest = magnitudes.max(initial=0.0)
    filled = np.maximum(np.where(magnitudes > 0, magnitudes, largest if largest > 0 else 1.0), least)
    return np.ldexp(1.0, np.frexp(filled)[1] - 1)


def moved(points: Arrays, direction: Arrays, step: float) -> Arrays:
    """``points + step * direction``, in the dtypes of the points."""
    return [np.asarray(x + step * v, x.dtype) for x, v in zip(points, direction, strict=True)]


def pair(cts: Arrays, tangents: Arrays) -> tuple[float, float]:
    """Real inner product, and the sum of the sizes of its terms; None stands for zeros."""
    total = size = 0.0
    for ct, tangent in zip(cts, tangents, strict=True):
        if ct is None or tangent is None:
            continue
        wide = np.complex128 if "c" in (ct.dtype.kind, tangent.dtype.kind) else np.float64
        terms = np.real(np.conj(np.asarray(ct, wide)) * np.asarray(tangent, wide))
        total += float(terms.sum())
        size += float(np.abs(terms).sum())
    return total, size


def is_finite(arrays: Arrays) -> bool:
    """Whether all entries are finite."""
    return all(array is None or bool(np.isfinite(array).all()) for array in arrays)


def same(arrays: Arrays, others: Arrays) -> bool:
    """Whether all entries are equal, NaN to NaN."""
    return len(arrays) == len(others) and all(
        (a is None) == (b is None) and (a is None or _equal(a, b)) for a, b in zip(arrays, others, strict=True)
    )


def _equal(a, b) -> bool:
    if a.shape == b.shape and a.size > 4096 and not np.array_equal(a.flat[:64], b.flat[:64], equal_nan=True):
        return False  # the usual case, of large arrays, at once
    return np.array_equal(a, b) or np.array_equal(a, b, equal_nan=True)


def precision(arrays: Arrays) -> float:
    """Relative rounding error of the coarsest dtype among ``arrays``."""
    return max((float(np.finfo(array.dtype).eps) for array in arrays if array.dtype.kind in "fc"), default=2.0**-52)
