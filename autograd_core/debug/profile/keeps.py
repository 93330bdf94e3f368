"""``what_keeps``: why an array is still in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ConversionError
from ...tensor import Tensor
from ...variable import Variable
from .holders import Heap, Holder
from .memory import owner_of
from .table import nbytes


def what_keeps(tensor: Any) -> Holders:
    """What keeps the array of a Tensor alive: which variables, containers, tapes, operations and other Tensors.

    Parameters
    ----------
    tensor : Tensor, Variable or numpy.ndarray

    Returns
    -------
    Holders
        ``print`` it: a sentence for each, with the line where it is known, and what lets the array go.

    Raises
    ------
    ConversionError
        For anything else.

    Notes
    -----
    All objects of the program are looked through, after a garbage collection: it takes tenths of a second in a large
    program. Lines of operations are known inside of ``ag.profile`` and ``ag.record_details``.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> w = ag.Variable([1.0, 2.0], name="w")
    >>> with ag.GradientTape(persistent=True) as tape:
    ...     h = np.exp(w)
    >>> holder = next(each for each in ag.what_keeps(h) if each.kind == "tape")
    >>> print(holder.text)
    The tape... is persistent and still referenced: exp gave it.
    >>> print(holder.cure)
    del ... when all gradients have been taken.
    """
    if not isinstance(tensor, (Tensor, Variable, np.ndarray)):
        raise ConversionError(
            f"what_keeps: got a {type(tensor).__name__}; expected a Tensor, a Variable or a NumPy array."
        )
    array = tensor if isinstance(tensor, np.ndarray) else tensor.array
    if not isinstance(array, np.ndarray):
        raise ConversionError("what_keeps: inside of a function that is traced there are no arrays yet.")
    return Holders(array.shape, str(array.dtype), owner_of(array).nbytes, Heap().holders_of(array))


class Holders(tuple[Holder, ...]):
    """What keeps an array alive.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
    nbytes : int
        Of the whole memory, also where the array is a view of a part of it.
    """

    shape: tuple[int, ...]
    dtype: str
    nbytes: int

    def __new__(cls, shape: tuple[int, ...], dtype: str, size: int, holders: list[Holder]) -> Holders:
        found = super().__new__(cls, holders)
        found.shape, found.dtype, found.nbytes = shape, dtype, size
        return found

    def __str__(self) -> str:
        what = f"An array of shape {self.shape}, {self.dtype}, {nbytes(self.nbytes)}"
        if not self:
            return f"{what}: nothing of yours keeps it but what you have asked with; it goes with that."
        lines = [f"  {number}. {holder}" for number, holder in enumerate(self, 1)]
        return "\n".join([f"{what}, is kept alive by", *lines])

    __repr__ = __str__
