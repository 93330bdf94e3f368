"""Arrays made larger at their edges.

Each way to pad is linear in the array: a frame with the array in the middle, entries picked again (``edge``,
``reflect``, ``symmetric``, ``wrap``), or the product with a small matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DomainError, ShapeError, UnsupportedError
from ..primitive import Primitive, apply
from ..tensor import Overloaded
from .axes import on, one
from .gathering import take
from .joining import concatenate
from .matrices import operand, tensor
from .scans import at_axis

__all__ = ["pad"]

Widths = tuple[tuple[int, int], ...]

# -- a frame around the array ------------------------------------------------------------------------------------------


def _middle(shape, widths: Widths):
    return tuple(slice(before, before + side) for side, (before, _) in zip(shape, widths, strict=True))


def _framed(x, *, widths: Widths, frame=None):
    shape = tuple(side + before + after for side, (before, after) in zip(x.shape, widths, strict=True))
    out = np.zeros(shape, x.dtype) if frame is None else frame.copy()
    out[_middle(x.shape, widths)] = x
    return out


def _sample_frame(draw):
    x = draw.array(draw.shape())
    return (x,), {"widths": tuple((draw.integer(0, 3), draw.integer(0, 3)) for _ in x.shape)}


PAD = Primitive(
    "pad", _framed, keeps=False, sample=_sample_frame, doc="The array in the middle of a constant frame.",
    vjps=(lambda ct, ans, x, *, widths, frame=None: ct[_middle(x.shape, widths)],),
    jvps=(lambda t, ans, x, *, widths, frame=None: on(PAD, t, widths=widths),),  # the frame's own tangent is 0
)  # fmt: skip

ROWS = (PAD,)

# -- public function ---------------------------------------------------------------------------------------------------

_OPTIONS = {
    "constant": ("constant_values",), "edge": (), "empty": (), "linear_ramp": ("end_values",),
    "maximum": ("stat_length",), "mean": ("stat_length",), "median": ("stat_length",), "minimum": ("stat_length",),
    "reflect": ("reflect_type",), "symmetric": ("reflect_type",), "wrap": (),
}  # fmt: skip


def pad(array, pad_width, mode="constant", **kwargs):
    """An array with entries added at its edges, as ``numpy.pad``.

    Parameters
    ----------
    array : array_like
    pad_width : int, (before, after), a pair for each axis, or a dict of axes
        How many entries to add.
    mode : str
        ``"constant"`` (``constant_values``, 0 by default), ``"edge"``, ``"reflect"``, ``"symmetric"``, ``"wrap"``,
        ``"linear_ramp"`` (``end_values``), ``"maximum"``, ``"minimum"``, ``"mean"``, ``"median"`` (``stat_length``),
        ``"empty"`` (zeros here).
    **kwargs
        What the mode takes; ``constant_values`` and ``end_values`` may be Tensors, and get gradients.

    Raises
    ------
    DomainError, ShapeError
        If the mode, its options or the widths are not possible.
    """
    array = operand(array)
    if not isinstance(mode, str):
        raise UnsupportedError("pad: a function as mode is not supported on Tensors: it would write into the array.")
    if mode not in _OPTIONS:
        raise DomainError(f"pad: mode {mode!r}; expected one of {', '.join(_OPTIONS)}.")
    unknown = set(kwargs) - set(_OPTIONS[mode])
    if unknown:
        allowed = ", ".join(_OPTIONS[mode]) or "no options"
        raise DomainError(f"pad: mode {mode!r} takes {allowed}; got {', '.join(sorted(unknown))}.")
    widths = _widths(pad_width, array.ndim)
    if mode in ("constant", "empty"):
        return _constant(array, widths, kwargs.get("constant_values", 0))
    for axis, (before, after) in enumerate(widths):
        if before or after:
            if not array.shape[axis]:
                raise ShapeError(f"pad: axis {axis} has no entries, so mode {mode!r} has nothing to pad with.")
            array = _along(array, axis, before, after, mode, kwargs)
    return tensor(array)


def _widths(pad_width, ndim: int) -> Widths:
    if isinstance(pad_width, dict):
        widths: list[Any] = [(0, 0)] * ndim
        for axis, entry in pad_width.items():
            widths[one("pad", axis, ndim)] = entry if isinstance(entry, (tuple, list)) else (entry, entry)
        pad_width = widths or 0
    try:
        raw = np.asarray(pad_width if ndim else 0)
        pairs = np.broadcast_to(raw, (ndim, 2))
    except ValueError:
        raise ShapeError(
            f"pad: pad_width={pad_width!r} for an array of {ndim} axes; expected one number, one (before, after), or "
            "one of these for each axis."
        ) from None
    if raw.dtype.kind not in "iu" or (pairs < 0).any():
        raise DomainError(f"pad: pad_width={pad_width!r}; expected integers, 0 or more.")
    return tuple((int(before), int(after)) for before, after in pairs)


def _constant(array, widths: Widths, values):
    tracked = isinstance(values, Overloaded) or (
        isinstance(values, (tuple, list)) and any(isinstance(v, Overloaded) for v in values)
    )
    if not tracked:
        if np.all(np.equal(values, 0)):
            return apply(PAD, (array,), {"widths": widths})
        frame = np.pad(np.zeros(array.shape, array.dtype), widths, constant_values=values)
        return apply(PAD, (array,), {"widths": widths, "frame": frame})
    sides = np.broadcast_to(values if isinstance(values, Overloaded) else np.stack(values), (array.ndim, 2))
    for axis, (before, after) in enumerate(widths):
        shape = array.shape
        parts = [
            np.broadcast_to(np.astype(side, array.dtype), (*shape[:axis], width, *shape[axis + 1 :]))
            for side, width in ((sides[axis, 0], before), (sides[axis, 1], after))
        ]
        array = concatenate((parts[0], array, parts[1]), axis)
    return array


def _along(array, axis: int, before: int, after: int, mode: str, options: dict[str, Any]):
    """``array`` padded along one axis."""
    if mode == "linear_ramp":
        return _ramps(array, axis, before, after, options.get("end_values", 0))
    if mode in ("maximum", "minimum", "mean", "median"):
        return _summarised(array, axis, before, after, mode, options.get("stat_length"))
    kind = {"mode": mode, **options}
    if options.get("reflect_type", "even") not in ("even", "odd"):
        raise DomainError(f'pad: reflect_type must be "even" or "odd"; got {options["reflect_type"]!r}.')
    length = array.shape[axis]
    if options.get("reflect_type") == "odd":  # twice the edge less the entry reflected, again and again
        weights = np.pad(np.eye(length, dtype=array.dtype), ((0, 0), (before, after)), **kind)
        return np.moveaxis(np.matmul(np.moveaxis(tensor(array), axis, -1), weights), -1, axis)
    return take(array, np.pad(np.arange(length), (before, after), **kind), axis)


def _side(array, axis: int, part: slice):
    return tensor(array)[at_axis(array.ndim, axis, part)]


def _ramps(array, axis: int, before: int, after: int, ends):
    pairs = np.broadcast_to(ends if isinstance(ends, Overloaded) else np.asarray(ends), (array.ndim, 2))

    def ramp(edge, end, count: int, falling: bool):
        steps = np.arange(count) / max(count, 1)
        steps = steps[::-1] if falling else steps
        steps = steps.reshape((-1,) + (1,) * (array.ndim - axis - 1))
        return np.astype(end + (edge - end) * steps, array.dtype)

    first = ramp(_side(array, axis, slice(0, 1)), pairs[axis, 0], before, falling=False)
    last = ramp(_side(array, axis, slice(-1, None)), pairs[axis, 1], after, falling=True)
    return concatenate((first, array, last), axis)


_SUMMARIES: dict[str, Any] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _summarised(array, axis: int, before: int, after: int, mode: str, lengths):
    length = array.shape[axis]
    pairs = ((length, length),) * array.ndim if lengths is None else _widths(lengths, array.ndim)
    if min(pairs[axis]) < 1:
        raise DomainError(f"pad: stat_length={lengths!r}; expected 1 or more.")
    parts = []
    for count, part in ((before, slice(0, pairs[axis][0])), (after, slice(-min(pairs[axis][1], length), None))):
        value = _SUMMARIES[mode](_side(array, axis, part), axis=axis, keepdims=True)
        shape = (*array.shape[:axis], count, *array.shape[axis + 1 :])
        parts.append(np.broadcast_to(_fitted(value, array.dtype), shape))
    return concatenate((parts[0], array, parts[1]), axis)


def _fitted(value, dtype):
    """``value`` in the array's dtype; rounded for integers, as NumPy does."""
    return np.astype(np.rint(value) if dtype.kind in "iu" else value, dtype)


OVERLOADS: dict[Any, Any] = {np.pad: pad}
