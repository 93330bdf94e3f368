"""Value: what stands in for an array while a function is traced.

It has the shape and the dtype of the array and nothing else that depends on entries: whatever would look at them, to
branch, to convert or to print, raises a TraceError. So a program that was traced is right for other entries too.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from .errors import TraceError

_NOT_THE_USERS = ("autograd_core.", "nn.", "optim.", "numpy.", "contextlib")


class Value:
    """An array of a traced program whose entries are known only when the plan runs.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    name : str
        In the plan: ``x0``, ``v17``.
    source
        What it comes from: the ``Input`` or ``Instruction`` of the program.
    example : array or None
        What it was when it was traced, for finding the shapes of what is computed from it; let go after the trace.
    """

    __slots__ = ("__weakref__", "dtype", "example", "name", "shape", "source")

    def __init__(self, shape: tuple[int, ...], dtype: Any, source: Any = None, example: Any = None, name: str = ""):
        self.shape = shape
        self.dtype = dtype
        self.source = source
        self.example = example
        self.name = name

    # What is known without the entries. ``base`` and ``flags`` are asked of arrays to find views.
    base = None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def itemsize(self) -> int:
        """Bytes of one entry."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def astype(self, dtype: Any, copy: bool = True) -> Value:
        """Itself where the dtype is this one already; a conversion has to be recorded."""
        return self if self.dtype == dtype else self._left()

    def __repr__(self) -> str:
        told = getattr(self.source, "told", "known when the plan runs")
        return f"<{self.name or 'value'}: shape {self.shape}, {self.dtype}, {told}>"

    # -- what would need the entries -----------------------------------------------------------------------------

    __array_ufunc__ = None  # NumPy then raises TypeError, which the fast paths of primitives look out for

    def _unknown(self, asked: str, cure: str) -> NoReturn:
        reason = getattr(self.source, "reason", f"inside a function that is {made_in(self)} the entries are not known")
        raise TraceError(
            f"{asked} of a value of shape {self.shape}, dtype {self.dtype} at {user_line()}: {reason}. {cure}"
        )

    def __bool__(self) -> bool:
        alone = getattr(self.source, "alone", None)
        if alone is not None:  # inside of a vmap, and the same for all examples
            return bool(alone)
        self._unknown(
            "a branch was taken on the truth value",
            "Choose with autograd_core.numpy.where(condition, x, y) or autograd_core.cond(condition, f, g, *operands); "
            "loop with autograd_core.while_loop, fori_loop or scan; or leave the decision outside of the function.",
        )

    def _left(self, *args: Any, **keywords: Any) -> NoReturn:
        self._unknown(
            "a conversion to a number or a NumPy array",
            "Compute with it as it is, with NumPy's functions (np.stack([x, y]) in place of np.array([x, y])), and "
            "return it: outside of the function it is a number.",
        )

    __float__ = __int__ = __complex__ = __index__ = __array__ = __getitem__ = __iter__ = __contains__ = _left
    item = tolist = copy = reshape = ravel = view = all = any = min = max = sum = dot = take = _left
    transpose = tobytes = __array_function__ = _left


def made_in(value: Value) -> str:
    """What was done with the function that ``value`` is from, for messages."""
    return getattr(value.source, "made_in", "traced (autograd_core.function)")


def user_line() -> str:
    """Where the user's program is: the innermost line that is not one of ours or NumPy's, as ``file:line``."""
    frame = user_frame(sys._getframe(1))
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def user_frame(frame: Any) -> Any:
    """The innermost frame, from ``frame`` outwards, that is not one of ours or NumPy's; the outermost if all are."""
    while True:
        outer = frame.f_back
        if outer is None or not frame.f_globals.get("__name__", "").startswith(_NOT_THE_USERS):
            return frame
        frame = outer
