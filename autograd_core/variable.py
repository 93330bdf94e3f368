"""Variable: a mutable leaf. Its shape and dtype never change; its value is replaced, never written over.

Because ``assign`` puts a new array in place of the old one, whatever a tape saved before the assignment is still
there afterwards, and the gradient taken later is that of the values that were used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from .errors import DtypeError, ShapeError, UnsupportedError
from .hooks import ON_VARIABLES, Hook, HookHandle, outdate_plans
from .recording import current, trace_here
from .shapes import broadcasts_into
from .tensor import Overloaded, Tensor, _show, as_value, converted


class Variable(Overloaded):
    """A value that training changes.

    Parameters
    ----------
    initial_value : array_like, Tensor, Variable or callable without arguments
        Copied. Python floats make float64.
    trainable : bool
        Trainable Variables are watched by every tape that reads them (if it watches accessed variables).
    dtype : dtype, optional
        Converts the initial value.
    name : str, optional
    constraint : callable, optional
        From a value to the value that is allowed: an optimizer applies it after each of its steps.

    Attributes
    ----------
    trainable : bool
    name : str or None
    constraint : callable or None
    version : int
        How many times a value was assigned.

    Examples
    --------
    >>> import autograd_core as ag
    >>> w = ag.Variable([1.0, 2.0], name="w")
    >>> with ag.GradientTape() as tape:
    ...     loss = (w * w).sum()
    >>> tape.gradient(loss, w).numpy()
    array([2., 4.])
    """

    made = 0
    """How many there have been: a traced function must not make new ones at later calls."""

    __slots__ = (
        "__weakref__",
        "_assigned_by",
        "_value",
        "constraint",
        "home",
        "leaf_params",
        "name",
        "trainable",
        "version",
    )

    def __init__(
        self,
        initial_value,
        trainable: bool = True,
        dtype=None,
        name: str | None = None,
        constraint: Callable[[Tensor], Any] | None = None,
    ):
        if callable(initial_value) and not isinstance(initial_value, Overloaded):
            initial_value = initial_value()
        self._value = Tensor(converted(as_value(initial_value), dtype), None)
        self.trainable = trainable
        self.name = name
        self.constraint = constraint
        self.version = 0
        self.home: Any = None  # where compiled plans keep the value: see compile/binding.py
        self._assigned_by: tuple[Any, int] | None = None
        Variable.made += 1
        self.leaf_params = {"variable": ref(self)}  # what all leaves that stand for this Variable have in common

    @property
    def array(self):
        """The raw value. Read only by convention; ``numpy()`` gives a copy."""
        trace = trace_here()
        return self._value.array if trace is None else trace.present(self).array

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._value.array.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the entries."""
        return self._value.array.dtype

    @property
    def value(self) -> Tensor:
        """Present value as a Tensor; recorded as a read of this Variable where a tape is active."""
        read = self.read(current())
        return Tensor(read.array, read.node)  # a handle of the caller's own, which `x[i] = y` may move on

    def read(self, frame) -> Tensor:
        """Tensor of the present value, tracked by the tapes of ``frame`` that watch this Variable.

        The same handle for every read of one value, for the engine's own use: it must not be moved on.
        """
        value = self._value
        if frame is None:
            return value
        if frame.trace is not None:
            value = frame.trace.present(self)
        known = frame.leaves.get(id(self))
        if known is not None and known[1] is value:
            return known[2]
        tensor = Tensor(value.array, frame.leaf_of(self, value.array))
        frame.leaves[id(self)] = (self, value, tensor)
        return tensor

    def _is_tracked(self) -> bool:
        frame = current()
        return frame is not None and self.read(frame).node is not None

    def register_gradient_hook(self, hook: Hook) -> HookHandle:
        """Have ``hook`` called with the gradient of this Variable, each time a tape gives it.

        As ``Tensor.register_gradient_hook``; the gradient is that of all reads together. Compiled functions are traced
        again at their next call, so that they call it, too.

        Examples
        --------
        >>> import autograd_core as ag
        >>> w = ag.Variable(3.0)
        >>> handle = w.register_gradient_hook(lambda gradient: gradient * 10.0)
        >>> with ag.GradientTape() as tape:
        ...     y = w * w
        >>> tape.gradient(y, w).item()
        60.0
        >>> handle.remove()
        """
        return ON_VARIABLES.register(self, hook, outdate_plans)

    # -- assignment ----------------------------------------------------------------------------------------------

    def assign(self, value) -> Variable:
        """Put ``value`` in place of the present value.

        Not differentiable, as in TensorFlow: a tape sees the values before and after as two reads.

        Parameters
        ----------
        value : array_like, Tensor or Variable, of this Variable's shape
            A NumPy array is copied; a Tensor's array is shared, since Tensors do not change. Python numbers and
            narrower dtypes are converted to this Variable's dtype.

        Returns
        -------
        Variable
            This Variable.

        Raises
        ------
        ShapeError
            If the shape differs; nothing is broadcast.
        DtypeError
            If a conversion could lose values: float64 into float32, float into integer, complex into float.
        """
        frame = current()
        if frame is not None and frame.trace is not None:
            return frame.trace.assign(self, value)
        if frame is not None and isinstance(value, Overloaded):
            value._note_end(frame, "assign()")
        old = self._value.array
        if value.__class__ is Tensor and value.array.dtype is old.dtype and value.array.shape == old.shape:
            # Nothing to check: what an optimizer does with every Variable at every step. As `_put`, without the call.
            self._value = Tensor(value.array, None)
            self.version += 1
            caller = sys._getframe(1)
            self._assigned_by = (caller.f_code, caller.f_lasti)
        else:
            self._put(self._fitted("assign", value, None), sys._getframe(1))
        return self

    def assign_add(self, delta) -> Variable:
        """Add ``delta``; it may broadcast to this Variable's shape. Raises as ``assign`` does."""
        trace = trace_here()
        if trace is not None:
            return trace.assign(self, delta, np.add)
        self._put(self._fitted("assign_add", delta, np.add), sys._getframe(1))
        return self

    def assign_sub(self, delta) -> Variable:
        """Subtract ``delta``; it may broadcast to this Variable's shape. Raises as ``assign`` does."""
        trace = trace_here()
        if trace is not None:
            return trace.assign(self, delta, np.subtract)
        self._put(self._fitted("assign_sub", delta, np.subtract), sys._getframe(1))
        return self

    def _put(self, array, caller) -> None:
        self._value = Tensor(array, None)
        self.version += 1
        # Noted so that an error can say where the value was replaced; the line is looked up when it is asked for.
        self._assigned_by = (caller.f_code, caller.f_lasti)

    def _fitted(self, what: str, given, ufunc):
        """Raw array of the new value, checked and converted."""
        old = self._value.array
        array = as_value(given)
        self.check_update(what, given, array, ufunc is not None)
        if ufunc is not None:
            frame = current()
            if frame is not None and isinstance(given, Overloaded):
                given._note_end(frame, f"{what}()")
            return ufunc(old, array.astype(old.dtype, copy=False))
        if array.dtype != old.dtype:
            return array.astype(old.dtype)
        return array if isinstance(given, Overloaded) else array.copy()

    def check_update(self, what: str, given, array, update: bool) -> None:
        """Raise what ``assign`` (or an ``update`` of it) would, for ``array``, the value of what is ``given``."""
        self._check_dtype(what, given, array)
        if not broadcasts_into(array.shape, self.shape) or (not update and array.shape != self.shape):
            raise self._shape_error(what, array)

    def _check_dtype(self, what: str, given, array) -> None:
        own = self.dtype
        if array.dtype == own or np.can_cast(array.dtype, own, "safe"):
            return
        # Python numbers and lists of them have no width of their own: only their kind must fit.
        weak = not isinstance(given, (np.ndarray, np.generic, Overloaded))
        if weak and np.can_cast(array.dtype, own, "same_kind") and _in_range(array, own):
            return
        raise DtypeError(
            f"{self.label()}.{what}: the Variable has dtype {own}, the value {array.dtype}, and the conversion could "
            f"lose values. Convert it yourself if that is meant: value.astype({own.name!r})."
        )

    def _shape_error(self, what: str, array) -> ShapeError:
        return ShapeError(
            f"{self.label()}.{what}: the Variable has shape {self.shape}, the value {array.shape}; the shape of a "
            "Variable never changes. Reshape the value, or make a new Variable."
        )

    def label(self) -> str:
        """What to call this Variable in an error message."""
        return f"Variable {self.name!r}" if self.name else "Variable"

    def assigned_at(self) -> str:
        """Where the present value was assigned (``file:line``), for error messages."""
        if self._assigned_by is None:
            return "its creation"
        code, instruction = self._assigned_by
        lines = [line for start, stop, line in code.co_lines() if start <= instruction < stop]
        return f"{code.co_filename}:{lines[0] if lines else code.co_firstlineno}"

    # -- what a Variable is not ------------------------------------------------------------------------------------

    def __setitem__(self, index, value):
        raise UnsupportedError(
            f"{self.label()}: entries cannot be assigned one by one. Use v.assign(v.value.at[index].set(value)); "
            "inside a differentiable computation work on a Tensor: x = v.value; x[index] = value."
        )

    def _no_update(self, other):
        raise UnsupportedError(
            f"{self.label()}: an update in place (v += y) could mean two things. Use v.assign_add(y) or "
            "v.assign_sub(y) to change the Variable, or x = v + y for a new, differentiable Tensor."
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __imod__ = __ipow__ = __imatmul__ = _no_update

    def __deepcopy__(self, memo):
        return Variable(self.array, trainable=self.trainable, name=self.name, constraint=self.constraint)

    def __reduce__(self):
        return Variable, (self.array, self.trainable, None, self.name, self.constraint)

    def __repr__(self) -> str:
        return _show("Variable" if self.name is None else f"Variable {self.name!r}", self.array)

    __str__ = __repr__


def _in_range(array, dtype) -> bool:
    """Whether the integers in ``array`` fit ``dtype``; floats always do, as infinity if need be."""
    if dtype.kind not in "iu" or not array.size:
        return True
    limits = np.iinfo(dtype)
    return bool(limits.min <= array.min() and array.max() <= limits.max)
