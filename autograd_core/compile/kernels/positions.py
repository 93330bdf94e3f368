"""Position of the largest or smallest entry along the last axis: the first of several; of a NaN if there is one."""

from __future__ import annotations

from .jit import kernel


@kernel
def argmax(y, x, width):
    """``y``: where the largest entry of each row is."""
    x, y = x.reshape(-1), y.reshape(-1)
    for i in range(len(y)):
        start = i * width
        best, at = x[start], 0
        for j in range(1, width):
            entry = x[start + j]
            if entry > best or (entry != entry and best == best):
                best, at = entry, j
        y[i] = at


@kernel
def argmin(y, x, width):
    """``y``: where the smallest entry of each row is."""
    x, y = x.reshape(-1), y.reshape(-1)
    for i in range(len(y)):
        start = i * width
        best, at = x[start], 0
        for j in range(1, width):
            entry = x[start + j]
            if entry < best or (entry != entry and best == best):
                best, at = entry, j
        y[i] = at
