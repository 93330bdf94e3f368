"""``vmap``: the transform itself, from its arguments to its results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .. import recording
from ..errors import ConversionError, ShapeError
from ..ops.reshaping import moveaxis
from ..symbol import Value
from ..tensor import SUPPORTED_KINDS, Overloaded, Tensor, as_value, taken
from ..tree import flatten
from ..variable import Variable
from .axes import Axes, axis_of, spread_axes
from .level import Level


def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """Map a function over axes of its arguments: write it for one example, call it with many.

    Parameters
    ----------
    f : callable
        Takes and returns nested structures of Tensors, arrays and numbers; it sees one example of each argument that
        is mapped, and the whole of those that are not.
    in_axes : int, None, or a tuple with one entry per positional argument
        Along which axis the examples of an argument lie; None: it is the same for all. An entry is for all leaves of
        its argument, or is itself a structure like the argument, down to where one entry is for all that is below;
        where an argument has None there is nothing, and None is what the function sees.
        Negative axes count from the last. Keyword arguments are mapped over axis 0.
    out_axes : int, None, or a structure like the result, down to some level
        Where the axis of examples is put in the results. None: the result is the same for all, and given once.

    Returns
    -------
    callable
        Takes the arguments of ``f``, with one more axis where they are mapped. Called with NumPy arrays it gives NumPy
        arrays, with Tensors Tensors.

    Raises
    ------
    ShapeError
        When called, if nothing is mapped, if the numbers of examples differ, or if a result differs between examples
        for which ``out_axes`` is None.
    AxisError
        If an argument does not have the axis.
    StructureError
        If ``in_axes`` or ``out_axes`` are built otherwise than the arguments or results.
    TraceError
        If ``f`` looks at the entries of what differs between examples (``if x > 0``, ``float(x)``, ``x.numpy()``).

    Notes
    -----
    ``f`` runs once. Each operation is applied to all examples at once: no example sees another one. Transforms, tapes
    and compiled functions work inside and outside, and nest to any depth: ``vmap(grad(loss))`` gives the gradient of
    each example, ``grad`` of a function that calls ``vmap`` works as well, and so does ``vmap(vmap(f))``.

    Random numbers that ``f`` draws are drawn for each example.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_core as ag
    >>> ag.vmap(np.dot)(np.arange(6.0).reshape(3, 2), np.ones((3, 2)))
    array([1., 5., 9.])
    >>> ag.vmap(ag.grad(lambda w, x: (w * x) ** 2), in_axes=(None, 0))(2.0, np.array([1.0, 3.0]))
    array([ 4., 36.])
    """
    if not callable(f):
        raise TypeError(f"vmap: expected a function; got {type(f).__name__}.")
    name = getattr(f, "__name__", type(f).__name__)

    @wraps(f)
    def mapped(*args, **keywords):
        frame = recording.current()
        leaves, rebuild, axes, names = _arguments(name, args, keywords, in_axes)
        size = _size(name, leaves, axes, names)
        plain = not any(isinstance(leaf, Overloaded) for leaf in leaves)
        level = Level(size, frame, name)
        behind = [
            _for_all(leaf, frame) if axis is None else _in_front(leaf, axis)
            for leaf, axis in zip(leaves, axes, strict=True)
        ]
        outs, rebuild_result, out_places = _run(level, f, behind, axes, rebuild, out_axes)
        with level.outside():
            return rebuild_result(
                [
                    out if axis is _AS_IT_IS else _placed(level, out, own, axis, plain)
                    for (out, own), axis in zip(outs, out_places, strict=True)
                ]
            )

    return mapped


_AS_IT_IS: Any = object()  # the axis of a result that is None


def _run(level: Level, f, behind, axes, rebuild, out_axes):
    """Call the function inside; its results are pairs (what is behind, whether it is mapped)."""
    with level.inside(), level.changes.undone_on_failure():
        own = [leaf if axis is None else level.enter(leaf, True) for leaf, axis in zip(behind, axes, strict=True)]
        args, keywords = rebuild(own)
        del own
        leaves, build = _results(level.name, f(*args, **keywords), out_axes)
        del args, keywords
        outs = [(leaf, False) if axis is _AS_IT_IS else _left(level, leaf) for leaf, axis in leaves]
        places = [axis for _, axis in leaves]
        del leaves
        level.check_moved()
    level.forget()
    return outs, build, places


def _left(level: Level, leaf: Any) -> tuple[Any, bool]:
    if leaf.__class__ is not Tensor and not isinstance(leaf, Overloaded):
        try:
            return taken(leaf), False
        except ConversionError as error:
            raise ConversionError(
                f"vmap: {level.name} returned a {type(leaf).__name__}; expected Tensors, arrays, numbers or None. "
                f"{error}"
            ) from None
    return level.leave(leaf)


# -- arguments ---------------------------------------------------------------------------------------------------------


def _arguments(name: str, args: tuple[Any, ...], keywords: dict[str, Any], in_axes: Axes):
    """Leaves of all arguments, how they are put together, the axis of each, and what to call it."""
    if isinstance(in_axes, (tuple, list)) and len(in_axes) != len(args):
        raise ShapeError(
            f"vmap: in_axes has {len(in_axes)} entries, and {name} was called with {len(args)} positional arguments; "
            "expected one entry for each, or a single number for all. Keyword arguments are mapped over axis 0."
        )
    entries = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
    leaves, rebuild = flatten([args, keywords])
    axes: list[int | None] = []
    names: list[str] = []
    for position, (arg, entry) in enumerate(zip(args, entries, strict=True)):
        spread_axes("in_axes", f"args[{position}]", entry, arg, axes, names)
    for key, arg in keywords.items():
        spread_axes("in_axes", key, 0, arg, axes, names)
    axes = [None if leaf is None else axis for leaf, axis in zip(leaves, axes, strict=True)]
    if not args and not keywords:
        raise ShapeError(f"vmap: {name} was called without arguments; there is nothing to map it over.")
    return leaves, rebuild, axes, names


def _size(name: str, leaves: list[Any], axes: list[int | None], names: list[str]) -> int:
    """Number of examples."""
    sizes: dict[str, tuple[int, int]] = {}
    for i, (leaf, axis, path) in enumerate(zip(leaves, axes, names, strict=True)):
        if axis is None:
            continue
        shape = _shape(name, leaf, path)
        axes[i] = axis_of(f"{path} has shape {shape}", axis, len(shape))
        sizes[path] = (axis, shape[axis])
    if not sizes:
        raise ShapeError(
            f"vmap: no argument of {name} is mapped (in_axes is None for all of them), so the number of examples is "
            "not known. Give at least one argument an axis, or call the function itself."
        )
    if len({size for _, size in sizes.values()}) > 1:
        told = ", ".join(f"{path} has size {size} along axis {axis}" for path, (axis, size) in sizes.items())
        raise ShapeError(
            f"vmap: the numbers of examples differ between the arguments of {name}: {told}. Give the axis of the "
            "examples of each in in_axes; None for an argument that is the same for all."
        )
    return next(iter(sizes.values()))[1]


def _shape(name: str, leaf: Any, path: str) -> tuple[int, ...]:
    try:
        return leaf.shape if isinstance(leaf, Overloaded) else as_value(leaf).shape
    except ConversionError:
        raise ConversionError(
            f"vmap: {path} of {name} is a {type(leaf).__name__}, which has no axis to map over; give None for it in "
            "in_axes (arguments that are mapped are arrays, Tensors and numbers in nested lists)."
        ) from None


def _for_all(leaf: Any, frame: Any) -> Any:
    """An argument that is not mapped: an array becomes a Tensor, which can be indexed with one of an example."""
    if leaf.__class__ is not np.ndarray or leaf.dtype.kind not in SUPPORTED_KINDS:
        return leaf
    return Tensor(leaf, None) if frame is None else taken(leaf)  # a tape outside may keep it


def _in_front(leaf: Any, axis: int) -> Tensor:
    """The examples of an argument along axis 0, as a Tensor."""
    if isinstance(leaf, Variable):
        leaf = leaf.value
    else:
        leaf = taken(leaf)
    # A handle of its own: it may be the result, and be changed in place by whoever gets it.
    return moveaxis(leaf, axis, 0) if axis else Tensor(leaf.array, leaf.node)


# -- results -----------------------------------------------------------------------------------------------------------


def _results(name: str, result: Any, out_axes: Axes):
    """Pairs (leaf, axis), and how they are put together."""
    leaves, rebuild = flatten(result)
    axes: list[int | None] = []
    names: list[str] = []
    spread_axes("out_axes", "result", out_axes, result, axes, names)
    return [(leaf, _AS_IT_IS if leaf is None else axis) for leaf, axis in zip(leaves, axes, strict=True)], rebuild


def _placed(level: Level, out: Any, mapped: bool, axis: int | None, plain: bool) -> Any:
    """One result, with the examples along ``axis``."""
    if axis is None:
        if mapped:
            raise ShapeError(
                f"vmap: out_axes is None for a result of {level.name} that differs between the examples; there is no "
                "one value to give. Give it an axis, or reduce over the examples outside."
            )
        return _handed_back(out, plain)
    shape = out.shape if mapped else (level.size, *out.shape)
    place = axis_of(f"a result of {level.name} has, with the axis of examples, shape {shape}", axis, len(shape))
    if not mapped:
        out = np.broadcast_to(out, shape)
    return _handed_back(moveaxis(out, 0, place) if place else out, plain)


def _handed_back(value: Any, plain: bool) -> Any:
    """A NumPy array of the caller's own if the call was in NumPy, and nothing outside tracks the value."""
    if plain and value.array.__class__ is not Value and not value._is_tracked():
        return value.array if _is_alone(value) else value.numpy()
    return value if value.__class__ is Tensor else value.value


def _is_alone(tensor: Tensor) -> bool:
    """Whether nobody but a Tensor refers to its array, so that it can be handed over: copies of large results cost."""
    array = tensor.array
    if array.base is not None or not array.ndim or not array.flags.writeable:
        return False
    del array
    return _references(tensor) <= _ALONE


def _references(tensor: Tensor) -> int:
    return sys.getrefcount(tensor.array)


_ALONE = _references(Tensor(np.zeros(1), None))  # as this interpreter counts
