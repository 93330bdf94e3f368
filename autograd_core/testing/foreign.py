"""check_foreign: gradients that another library computes, or that were written by hand, against differences.

The function becomes one operation of this engine, with the foreign gradient as its rule, and ``check_grads`` checks it
as it checks any other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConversionError, CotangentError, DtypeError, GradientCheckError, ShapeError
from ..primitive import Primitive
from ..tensor import Overloaded, Tensor
from .checking.check import check_grads


def check_foreign(
    f: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    args: Any = (),
    *,
    vjp: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    convert: Callable[[Any], Any] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    **options: Any,
) -> Any:
    """Check a gradient that was computed elsewhere: by another library, or by formulas of one's own.

    Parameters
    ----------
    f : callable
        Takes arrays, gives a number or an array: NumPy's, or another library's.
    gradient : callable, optional
        ``gradient(*args)`` gives the gradient of a scalar ``f``: an array like the argument, or one for each of
        ``argnums`` in a tuple or list.
    args : tuple or list
        Positional arguments, the same for both. Floating arrays and numbers are differentiated, others held. A single
        one may be given bare.
    vjp : callable, optional
        In place of ``gradient``, and for an ``f`` that gives an array: ``vjp(cotangent, *args)`` gives what
        ``gradient`` would of ``sum(cotangent * f(*args))``.
    argnums : int or sequence of int, optional
        The arguments that the gradient is of; by default all that are floating. The others are held.
    convert : callable, optional
        Makes another library's array of a NumPy array (``torch.tensor``, ``jax.numpy.asarray``); by default both
        functions are given NumPy arrays.
    rtol, atol, **options
        As for ``check_grads``; the order is 1 and the mode "rev".

    Returns
    -------
    GradientReport
        As ``check_grads`` does.

    Raises
    ------
    GradientCheckError
        If the gradient is wrong.
    ShapeError
        If ``gradient`` is given and ``f`` gives more than one number.
    CotangentError
        If there are not as many gradients as arguments, or one is not of its argument's shape.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> f = lambda x: np.sum(x**3)
    >>> report = ag.testing.check_foreign(f, lambda x: 3 * x**2, np.array([1.0, 2.0]))
    """
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    function = foreign(f, args, gradient, vjp, argnums, convert)
    return check_grads(function.of(args), function.points(args), 1, ("rev",), rtol, atol, **options)


@dataclass(frozen=True, eq=False)
class Foreign:
    """A function and its gradient from elsewhere, as an operation.

    Attributes
    ----------
    f, gradient, vjp, convert
        As given to ``check_foreign``.
    positions : tuple of int
        Arguments that the gradient is of.
    name : str
    """

    f: Callable[..., Any]
    gradient: Callable[..., Any] | None
    vjp: Callable[..., Any] | None
    convert: Callable[[Any], Any] | None
    positions: tuple[int, ...]

    @property
    def name(self) -> str:
        """What to call it."""
        name = getattr(self.f, "__name__", type(self.f).__name__)
        return name if name.isidentifier() else "f"

    def of(self, args: Sequence[Any]) -> Callable[..., Any]:
        """The function of the arguments at ``positions``, the others held, on Tensors."""
        row = ForeignPrimitive(self, tuple(args))

        def function(*xs: Any) -> Any:
            return row(*xs)

        function.__name__ = self.name
        return function

    def names(self, count: int) -> tuple[str, ...]:
        """What the function calls the arguments that the gradient is of."""
        known = parameters_of(self.f, count)
        return tuple(known[position] for position in self.positions)

    def points(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments that the gradient is of."""
        return tuple(args[position] for position in self.positions)

    def filled(self, args: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        """``args`` with ``xs`` at ``positions``."""
        filled = list(args)
        for position, x in zip(self.positions, xs, strict=True):
            filled[position] = np.array(x)
        return filled

    def given(self, args: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        """Arguments for both functions: copies, with ``xs`` at ``positions``."""
        filled = [np.array(arg) if isinstance(arg, np.ndarray) else arg for arg in self.filled(args, xs)]
        if self.convert is None:
            return filled
        return [self.convert(arg) if isinstance(arg, np.ndarray) else arg for arg in filled]

    def value(self, args: Sequence[Any], xs: Sequence[Any]) -> np.ndarray:
        """What the function gives."""
        value = as_array(f"{self.name}: the function", self.f(*self.given(args, xs)))
        if self.gradient is not None and value.size != 1:
            raise ShapeError(
                f"check_foreign: {self.name} gave shape {value.shape}; a gradient is of one number. Sum the result, or "
                "give vjp= in place of the gradient: vjp(cotangent, *args)."
            )
        return value

    def pulled(self, ct: np.ndarray, args: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        """Gradient in each argument at ``positions``, weighed with the cotangent."""
        given = self.given(args, xs)
        if self.vjp is not None:
            found = self.vjp(ct if self.convert is None else self.convert(ct), *given)
        else:
            assert self.gradient is not None
            found = self.gradient(*given)
        several = isinstance(found, (tuple, list))
        parts = list(found) if several and len(self.positions) == len(found) else [found]
        if len(parts) != len(self.positions):
            raise CotangentError(
                f"check_foreign: the gradient of {self.name} has {len(found) if several else 1} parts; "
                f"{len(self.positions)} arguments are floating, {list(self.positions)}. Return one part for each, or "
                "say with argnums= which arguments it is of."
            )
        return [self._fitting(part, ct, x, at) for part, x, at in zip(parts, xs, self.positions, strict=True)]

    def _fitting(self, part: Any, ct: np.ndarray, x: Any, position: int) -> np.ndarray:
        whose = f"{self.name}: the gradient in argument {position}"
        array = as_array(whose, part)
        if array.shape != np.shape(x):
            raise CotangentError(
                f"check_foreign: {whose} has shape {array.shape}; the argument has shape {np.shape(x)}. They must be "
                "the same."
            )
        return array if self.vjp is not None else np.asarray(array * np.reshape(ct, ()))


class ForeignPrimitive(Primitive):
    """One application of a ``Foreign``: an operation of the arguments that a derivative is wanted for."""

    __slots__ = ("args", "foreign")

    def __init__(self, foreign: Foreign, args: tuple[Any, ...]):
        self.foreign = foreign
        self.args = args

        def rule(ct: Any, ans: Any, *xs: Any) -> list[Any]:
            found = foreign.pulled(_raw(ct), args, [_raw(x) for x in xs])
            return [Tensor(part, None) for part in found] if isinstance(ct, Tensor) else found

        super().__init__(foreign.name, lambda *xs: foreign.value(args, xs), vjps=(rule,), joint=True)


def foreign(f: Any, args: Sequence[Any], gradient: Any, vjp: Any, argnums: Any, convert: Any) -> Foreign:
    """What ``check_foreign`` was given, looked at."""
    if not callable(f) or (gradient is None) == (vjp is None) or not callable(vjp if gradient is None else gradient):
        raise ConversionError(
            f"check_foreign: expected two functions, f and either gradient= or vjp=; got {type(f).__name__}, "
            f"gradient={_kind(gradient)}, vjp={_kind(vjp)}."
        )
    if argnums is None:
        positions = tuple(position for position, arg in enumerate(args) if is_floating(arg))
    else:
        positions = tuple(np.atleast_1d(argnums).tolist())
    strange = [position for position in positions if not 0 <= position < len(args) or not is_floating(args[position])]
    if strange or not positions:
        raise DtypeError(
            f"check_foreign: argument {strange[0]} is no floating array or number of the {len(args)} given."
            if strange
            else f"check_foreign: none of the {len(args)} arguments is a floating array or number; integers have no "
            "derivative. Write 3.0 instead of 3."
        )
    return Foreign(f, gradient, vjp, convert, positions)


def as_array(whose: str, value: Any) -> np.ndarray:
    """NumPy's array of what another library gave: a torch Tensor that is differentiated, or on a device, too."""
    for name in ("detach", "cpu"):
        method = getattr(value, name, None)
        if callable(method):
            value = method()
    array = _raw(value) if isinstance(value, Overloaded) else np.asarray(value)
    if array.dtype.kind not in "fc" or array.dtype.hasobject:
        raise GradientCheckError(
            f"check_foreign: {whose} gave a {type(value).__name__} of dtype {array.dtype}; expected floating numbers. "
            "None is no gradient; zeros are."
        )
    return array


def parameters_of(f: Any, count: int) -> list[str]:
    """What a function calls its positional arguments, if it has so many; else x, or x1, x2, ..."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    known = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return known[:count] if len(known) >= count else ["x"] if count == 1 else [f"x{i + 1}" for i in range(count)]


def is_floating(arg: Any) -> bool:
    """Whether an argument is differentiated."""
    return isinstance(arg, float) or (isinstance(arg, (np.ndarray, np.generic)) and arg.dtype.kind in "f")


def _raw(value: Any) -> Any:
    return value.array if isinstance(value, Overloaded) else np.asarray(value)


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
