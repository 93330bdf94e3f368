"""Tensor: an array value and the Node that made it; and what it shares with Variable: ways out, and NumPy's protocols.

The protocols look the NumPy function up in the table ``OVERLOADS`` and call ours.
"""

from __future__ import annotations

import sys
from opcode import opmap
from typing import Any

import numpy as np
from numpy import asarray

from .errors import ConversionError, DtypeError, ShapeError, TapeError, UnsupportedError
from .foreign import instead_of_scipy
from .hooks import ON_NODES, Hook, HookHandle, Hooks
from .methods import OVERLOADS, Methods
from .node import Node
from .recording import IN_PLACE, current, trace_here
from .symbol import Value

_COPIED: Any = object()  # stands for the `node` that a user does not give

_FORMAT = "a format specification"

SCALARS = frozenset((np.float32, np.float64, np.bool_, np.int64))  # the commonest

SUPPORTED_KINDS = "fciub"
"""Of the dtypes a Tensor may have: float, complex, signed, unsigned, bool."""


class Overloaded(Methods):
    """What Tensors and Variables have in common, besides operators and methods: ways out and NumPy's protocols."""

    __slots__ = ()

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the entries."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.array.size

    @property
    def nbytes(self) -> int:
        """Bytes taken by the entries."""
        return self.array.nbytes

    @property
    def itemsize(self) -> int:
        """Bytes taken by one entry."""
        return self.array.itemsize

    @property
    def device(self) -> str:
        """Where the entries are; always ``"cpu"`` (Array API)."""
        return "cpu"

    def to_device(self, device: str, /, *, stream=None):
        """Return self for ``"cpu"``, the only device there is (Array API)."""
        if device != "cpu" or stream is not None:
            raise ValueError(f'to_device: this engine has one device, "cpu"; got {device!r}, stream={stream!r}.')
        return self

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d Tensor; use .item() for its value.")
        return self.array.shape[0]

    # -- explicit ways out ---------------------------------------------------------------------------------------

    def numpy(self):
        """Value as a NumPy array of the caller's own (a NumPy scalar if 0-d): writing to it changes nothing here."""
        return self._leave("numpy()").copy()[()]

    def item(self, *index):
        """Value of a one-entry array, or of the entry at ``index``, as a Python number."""
        return self._leave("item()").item(*index)

    def tolist(self):
        """Value as nested lists of Python numbers."""
        return self._leave("tolist()").tolist()

    def __float__(self) -> float:
        return float(self._only_entry("float"))

    def __int__(self) -> int:
        return int(self._only_entry("int"))

    def __complex__(self) -> complex:
        return complex(self._only_entry("complex"))

    def __bool__(self) -> bool:
        if self.array.size != 1 and self.array.__class__ is not Value:
            raise ValueError(
                f"the truth value of a {type(self).__name__} of shape {self.shape} is ambiguous; "
                "use .any() or .all(), or where() to choose entry by entry."
            )
        return bool(self._seen())

    def __index__(self) -> int:
        if self.array.ndim or self.array.dtype.kind not in "iu":
            raise TypeError(
                f"only a 0-d integer can be an index; got shape {self.shape}, dtype {self.dtype}. Use int(x) to round."
            )
        return int(self._seen())

    def _only_entry(self, wanted: str):
        if self.array.size != 1:
            raise TypeError(f"{wanted}() needs a value with one entry; this one has shape {self.shape}.")
        if _stores(sys._getframe(2)) and self._is_tracked():  # in this order: a Variable is read to know
            raise ConversionError(
                f"a tape is tracking this {type(self).__name__}: storing it in an entry of a NumPy array would "
                f"silently cut its gradient. {_IN_ENTRIES} If the gradient shall stop: z[i] = x.item()."
            )
        # What is printed is not computed with.
        return (self._seen() if wanted == _FORMAT else self._leave(f"{wanted}()")).item()

    def __format__(self, spec: str) -> str:
        if not spec and self.array.ndim:
            return str(self)  # a single value prints as the number it is, so that f"loss {loss}" reads well
        return format(self._only_entry(_FORMAT), spec)

    def __array__(self, dtype=None, copy=None):
        if self._is_tracked():
            cure = instead_of_scipy(OVERLOADS["namespace"](None)).rstrip()
            raise ConversionError(
                f"a tape is tracking this {type(self).__name__} (shape {self.shape}): turning it into a NumPy array "
                f"would silently cut its gradient. {cure or _instead_at(sys._getframe(1))} If the gradient shall stop: "
                "x.numpy(), x.item(), float(x) or stop_gradient(x)."
            )
        if copy is False:
            raise ValueError("a Tensor's array is never handed out for writing; np.asarray(x) makes a copy.")
        return np.array(self._leave("np.asarray"), dtype=dtype)

    def _seen(self):
        """The raw value, for a look at the entries: in a trace of a function, a fact that its plan is made for."""
        trace = trace_here()
        if trace is not None:
            trace.looked_at(self)
        return self.array

    def _leave(self, how: str):
        """The raw value, for somebody who goes on outside of what is recorded."""
        frame = current()
        if frame is not None:
            if frame.trace is not None:
                seen = frame.trace.looked_at(self)
                if seen is not None:  # inside of a vmap, and the same for all examples
                    return seen
            else:
                self._note_end(frame, how)
        return self.array

    def _note_end(self, frame, how: str) -> None:
        frame.note_end(how, None, self)

    def _is_tracked(self) -> bool:
        raise NotImplementedError("abstract: Tensor and Variable say how they are tracked")

    # -- NumPy's protocols ---------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        function = OVERLOADS.get(ufunc if method == "__call__" else (ufunc, method))
        if function is not None and not kwargs:
            return function(*inputs)
        if function is None and method == "__call__":
            function = OVERLOADS["other ufunc"](ufunc)  # SciPy's, which may not even be installed
        if function is None:
            called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise _unsupported(called, (*inputs, *kwargs.values()))
        if kwargs and method == "__call__":
            return OVERLOADS["ufunc keywords"](function, ufunc, inputs, **kwargs)
        return function(*inputs, **kwargs)

    def __array_function__(self, func, types, args, kwargs):
        function = OVERLOADS.get(func)
        if function is None:
            name = f"{getattr(func, '__module__', 'numpy')}.{func.__name__}"
            raise _unsupported(name, (*args, *kwargs.values()))
        return function(*args, **kwargs)

    def __array_namespace__(self, *, api_version=None):
        """Namespace of functions for this array (Array API standard): ``autograd_core.numpy``."""
        return OVERLOADS["namespace"](api_version)


class Tensor(Overloaded):
    """An array value and the Node that made it.

    Parameters
    ----------
    array : array_like
        Copied, and converted by NumPy's rules (Python floats make float64).
    node : Node or None, optional
        What recorded it. The engine passes it always, None included, and hands ``array`` over with it, without a copy:
        nobody writes to that array any more.

    Attributes
    ----------
    array : numpy.ndarray
        The raw value. Read only by convention: it may be saved in the graph. ``numpy()`` gives a copy.
    node : Node or None
    """

    __slots__ = ("__weakref__", "array", "node")

    def __init__(self, array, node: Node | None = _COPIED):
        if node is _COPIED:
            # __array__ copies too, and refuses to cut a tracked value off from its gradient.
            array = array.__array__() if isinstance(array, Overloaded) else np.array(as_value(array))
            node = None
        # One exact type check costs 30 ns and also catches the scalars that NumPy returns for 0-d results.
        if array.__class__ is not np.ndarray:
            array = asarray(array) if array.__class__ in SCALARS else as_value(array)
        self.array = array
        self.node = node

    def _note_end(self, frame, how: str) -> None:
        if self.node is not None:
            frame.note_end(how, self.node, None)

    def _is_tracked(self) -> bool:
        frame, node = current(), self.node
        if self.array.__class__ is Value and getattr(self.array.source, "is_tracked", bool)():
            return True  # around the vmap that this is inside of
        return frame is not None and node is not None and any(token in node.tapes for token in frame.tokens)

    def register_gradient_hook(self, hook: Hook) -> HookHandle:
        """Have ``hook`` called with the gradient of this value, whenever a backward walk arrives at it.

        Parameters
        ----------
        hook : callable
            ``hook(gradient)``, a Tensor of this shape and dtype, complete: the sum of what comes from all uses. What it
            returns goes on in its place, if not None. Several hooks are called in the order in which they were
            registered, each with what the one before it has left.

        Returns
        -------
        HookHandle
            Its ``remove()`` takes the hook away.

        Raises
        ------
        TapeError
            If no tape tracks this Tensor.

        Notes
        -----
        A persistent tape calls it at each gradient. Where another tape records the walk, for a higher derivative, what
        the hook computes is recorded too. Inside ``autograd_core.function`` it is called at each run, and cannot be
        differentiated. Forward mode knows no hooks. It belongs to the present value: ``x += y`` leaves it behind.

        Examples
        --------
        >>> import autograd_core as ag
        >>> w = ag.Variable(3.0)
        >>> with ag.GradientTape() as tape:
        ...     h = w * w
        ...     handle = h.register_gradient_hook(lambda gradient: gradient * 10.0)
        ...     y = h + 1.0
        >>> tape.gradient(y, w).item()
        60.0
        """
        node = self.node
        if node is None or not any(token.alive for token in node.tapes):
            if trace_here() is not None:  # the plan for calls without a tape: no gradient will arrive
                return Hooks().add(hook)
            raise TapeError(
                f"register_gradient_hook: no tape tracks this Tensor (shape {self.shape}), so no gradient will arrive "
                "at it. Register the hook inside `with tape:`, on a result of a watched Variable or Tensor "
                "(autograd_core.tracing.is_recorded(x) says whether it is one)."
            )
        return ON_NODES.register(node, hook)

    def _become(self, result: Tensor) -> None:
        """Go on as ``result``: under a trace, which must know if it is a Tensor from outside that changes."""
        if result.array.__class__ is Value:
            trace_here().moved(self)
        frame = current()
        if frame is not None and frame.instead is not None and frame.trace is None:
            frame.instead.moved(self, self.node)
        if frame is not None and self.node is not None:
            frame.note_hint(IN_PLACE, (self.node,))
        self.array, self.node = result.array, result.node

    def __setitem__(self, index, value):
        moved = OVERLOADS["setitem"](self, index, value)
        self._become(moved)

    def _move_to(self, result: Tensor, operator: str) -> Tensor:
        """Let this handle go on as ``result`` (``x += y``); shape and dtype stay, as they do for NumPy arrays."""
        if result.shape != self.shape:
            raise ShapeError(
                f"x {operator} y: x has shape {self.shape} and y would broadcast it to {result.shape}; an update in "
                f"place keeps the shape. Write x = x {operator[:-1]} y."
            )
        if result.dtype != self.dtype:
            if not np.can_cast(result.dtype, self.dtype, "same_kind"):
                raise DtypeError(
                    f"x {operator} y: x has dtype {self.dtype} and the result {result.dtype}; an update in place "
                    f"keeps the dtype. Write x = x {operator[:-1]} y, or convert x first."
                )
            result = result.astype(self.dtype)
        self._become(result)
        return self

    def __iadd__(self, other):
        return self._move_to(self + other, "+=")

    def __isub__(self, other):
        return self._move_to(self - other, "-=")

    def __imul__(self, other):
        return self._move_to(self * other, "*=")

    def __itruediv__(self, other):
        return self._move_to(self / other, "/=")

    def __ifloordiv__(self, other):
        return self._move_to(self // other, "//=")

    def __imod__(self, other):
        return self._move_to(self % other, "%=")

    def __ipow__(self, other):
        return self._move_to(self**other, "**=")

    def __imatmul__(self, other):
        return self._move_to(self @ other, "@=")

    def fill(self, value) -> None:
        """Set every entry to ``value``; recorded like ``x[...] = value``."""
        self[...] = value

    def sort(self, axis=-1, *, stable=True) -> None:
        """Sort in place; recorded like ``x[...] = np.sort(x)``."""
        self._become(OVERLOADS[np.sort](self, axis=axis, stable=stable))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return Tensor(self.array.copy(), None)  # a deep copy shares nothing, so it has no part in the graph

    def __reduce__(self):
        return Tensor, (self.array,)  # pickled as a value: a graph stays in its process

    def __repr__(self) -> str:
        return _show("Tensor", self.array)

    __str__ = __repr__


def _unsupported(called: str, given: Any) -> UnsupportedError:
    """Error for a function that Tensors do not know; what is missing depends on whether one is tracked."""
    if _tracked_in(given):
        return UnsupportedError(
            f"{called} is not supported on Tensors: there is no rule for its derivative. Use x.numpy() to leave "
            "the graph on purpose, or declare the operation with autograd_core.primitive."
        )
    return UnsupportedError(
        f"{called} is not supported on Tensors. No tape is tracking what it was given here: give it the arrays, "
        "x.numpy() in place of x."
    )


def _tracked_in(given: Any) -> bool:
    if isinstance(given, (list, tuple)):
        return any(_tracked_in(entry) for entry in given)
    return isinstance(given, Overloaded) and given._is_tracked()


_IN_ENTRIES = (
    "Make the array with autograd_core.numpy (anp.zeros(...), say), so that z[i] = x is recorded, or "
    "z = z.at[i].set(x); or collect the entries in a list for np.stack."
)
_IN_LISTS = (
    "Functions of NumPy that compute take it as it is. In place of np.array([x, y]) write np.stack([x, y]) or "
    "autograd_core.numpy.array([x, y]), in place of np.asarray(x) only x."
)


def _instead_at(frame) -> str:
    """What to write in place of what made an array of a tracked value."""
    return _IN_ENTRIES if _stores(frame) else _IN_LISTS


def _stores(frame) -> bool:
    """Whether the instruction that a frame is at is ``z[i] = x``.

    An array asks ``x`` for a number then, just as ``float(x)`` does, and for nothing else that would tell.
    """
    return frame.f_code.co_code[frame.f_lasti] == opmap["STORE_SUBSCR"]


def _show(label: str, array) -> str:
    if array.__class__ is Value:
        return f"{label}({array!r})"
    body = np.array2string(array, separator=", ", prefix=label + "(", threshold=200)
    return f"{label}({body}, shape={array.shape}, dtype={array.dtype})"


def taken(given: Any) -> Tensor:
    """A value of the caller's as a Tensor: a copy of an array; in a trace what is read anew at each run."""
    trace = trace_here()
    if trace is not None:
        given = trace.entered(given)
    return given if isinstance(given, Tensor) else Tensor(np.array(as_value(given)), None)


def as_value(value):
    """Raw array for ``value``: what a Tensor can hold.

    Raises
    ------
    ConversionError
        For strings, objects, ragged lists, masked arrays and matrices.
    """
    if isinstance(value, Overloaded):
        return value._seen()
    if value.__class__ is Value:
        return value
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise ConversionError(
            f"a {type(value).__name__} cannot become a Tensor: its mask or its own meaning of * would be lost. "
            "Convert it first: np.ma.filled(x, fill_value) or np.asarray(matrix)."
        )
    try:
        array = np.asarray(_unwrap_list(value) if isinstance(value, (list, tuple)) else value)
    except ConversionError:
        raise
    except (ValueError, TypeError) as error:
        raise ConversionError(f"cannot make a Tensor from {type(value).__name__}: {error}") from None
    if array.dtype.kind not in SUPPORTED_KINDS:
        raise ConversionError(
            f"cannot make a Tensor from {type(value).__name__} {_short(value)} (NumPy dtype {array.dtype}); "
            "expected numbers or booleans, in an array or in nested lists of equal lengths."
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def converted(array, dtype):
    """Copy of ``array`` in ``dtype``, which must be one that a Tensor can have; None keeps the dtype.

    Raises
    ------
    DtypeError
        For dtypes of other things than numbers, and for complex values that would lose their imaginary part.
    """
    wanted = array.dtype if dtype is None else np.dtype(dtype)
    if wanted.kind not in SUPPORTED_KINDS:
        raise DtypeError(f"dtype={wanted}: expected floats, integers, booleans or complex numbers.")
    if array.dtype.kind == "c" and wanted.kind != "c":
        raise DtypeError(f"complex values do not fit dtype={wanted}; take the real part first.")
    return np.array(array, wanted)


def _unwrap_list(value):
    """Replace Tensors inside nested lists by their arrays, refusing tracked ones (``__array__`` says why)."""
    if isinstance(value, (list, tuple)):
        return [_unwrap_list(entry) for entry in value]
    return value.__array__() if isinstance(value, Overloaded) else value


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
