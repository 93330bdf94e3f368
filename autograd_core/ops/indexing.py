"""Reading and writing entries: ``x[i]``, ``x[i] = y`` and ``x.at[i]``.

A Tensor's value never changes under a Node that needs it, so ``x[i] = y`` makes a new value and lets the handle ``x``
move on to it. Ten thousand such updates of one array must not copy it ten thousand times: where nobody but this handle
can see the old array it is written to itself, and the old Node, whose rule needs no entries, forgets it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import index as as_integer
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, TraceError, UnsupportedError
from ..node import Node, Spec
from ..primitive import LINEAR, Primitive, apply
from ..recording import current, trace_here
from ..scatter import Cleared, Scatter, add_at, is_basic
from ..shapes import broadcasts_into, shape_of
from ..symbol import Value, made_in, user_line
from ..tensor import OVERLOADS as TABLE
from ..tensor import Overloaded, Tensor, as_value
from ..variable import Variable

__all__: list[str] = []

_SMALL = 64  # entries; copying as few costs less than finding out that it is not needed

# -- the index ---------------------------------------------------------------------------------------------------------

_PLAIN = frozenset((int, slice, type(None), type(Ellipsis)))


def canonical(index):
    """``index`` as NumPy takes it and nobody changes it: Tensors as their values, the caller's arrays copied."""
    if index.__class__ is tuple:
        return tuple(entry if entry.__class__ is int else _entry(entry) for entry in index)
    return index if index.__class__ is int else _entry(index)


def _entry(entry):
    if entry.__class__ is slice:
        bounds = (entry.start, entry.stop, entry.step)
        if all(bound.__class__ in _PLAIN for bound in bounds):
            return entry
        return slice(*(None if bound is None else as_integer(bound) for bound in bounds))
    if entry.__class__ in _PLAIN or isinstance(entry, (bool, np.bool_)):
        return entry
    if isinstance(entry, np.integer):
        return int(entry)
    array = as_value(entry)
    if array.dtype.kind not in "iub":
        if array.size or isinstance(entry, (np.ndarray, Overloaded)):
            raise IndexError(
                f"an index of dtype {array.dtype} and shape {array.shape} was given; expected integers, booleans or "
                "slices. Convert it on purpose: i.astype(int)."
            )
        array = array.astype(np.intp)  # [] is a list of no integers
    if array.__class__ is Value:
        return array  # traced: the plan reads it
    if not array.ndim and array.dtype.kind != "b":
        return int(array)
    if array is entry and array.dtype.kind != "b" and trace_here() is not None:
        return trace_here().value_of(array)  # the user's own, who may write to it: read at each run
    return array.copy() if array is entry else array


# -- rows --------------------------------------------------------------------------------------------------------------


def _get(x, *, index):
    if index.__class__ is np.ndarray and index.dtype.kind in "iu" and x.ndim:
        return x.take(index, 0)  # twice as fast as x[index]
    return x[index]


def _pull_entries(ct, ans, x, *, index):
    if ct.__class__ is Tensor:
        return ADD_AT(np.zeros(x.shape, ct.dtype), ct, index=index)
    return Scatter(ct, index, x.shape)


def _sample_index(draw, shape):
    """Any kind of index into an array of ``shape``."""
    if not shape:
        return draw.choice(((), ..., None, (None, ...)))
    kind = draw.choice(("integer", "slice", "all", "array", "mask", "mixed"))
    length = shape[0]
    if not length or kind == "slice":
        return slice(draw.integer(0, length), draw.integer(0, length), draw.choice((None, 1, 2, -1)))
    if kind == "integer":
        return draw.integer(-length, length - 1)
    if kind == "all":
        return draw.choice((..., (None, ..., None), (slice(None, None, -1), ...)))
    if kind == "mask":
        return draw.array(shape) > 0
    places = np.array([draw.integer(-length, length - 1) for _ in range(draw.integer(0, 4))], np.intp)
    return places if kind == "array" else (places[:, None], ..., None)


def _sample_get(draw):
    shape = draw.shape()
    return (draw.array(shape),), {"index": _sample_index(draw, shape)}


GETITEM = Primitive(
    "getitem", _get, vjps=(_pull_entries,), jvps=LINEAR, keeps=False, sample=_sample_get,
    doc="x[index]; an entry that is read twice gets both cotangents.",
)  # fmt: skip


def traced_mask(index):
    """The mask, if ``index`` is one whose entries are known only when a plan runs; None if not."""
    entries = index if index.__class__ is tuple else (index,)
    masks = [entry for entry in entries if entry.__class__ is Value and entry.dtype.kind == "b"]
    return masks[0] if masks else None


def _refuse_mask(index) -> None:
    mask = traced_mask(index)
    if mask is not None:
        raise TraceError(
            f"x[mask] at {user_line()}: how many entries a mask of shape {mask.shape} picks is not known inside a "
            f"function that is {made_in(mask)}. Keep the shape: np.where(mask, x, 0), or pick outside."
        )


def _set(y, x, *, index):
    out = np.array(x)
    out[index] = y
    return out


def _written(index, shape):
    """Where a value that is written stays: not where a later one goes to the same entry. None: everywhere."""
    if is_basic(index):
        return None
    if any(entry.__class__ is Value for entry in (index if index.__class__ is tuple else (index,))):
        return apply(LAST_WRITTEN, (), {"index": index, "shape": tuple(shape)})
    places = np.arange(int(np.prod(shape)), dtype=np.intp).reshape(shape)[index]
    order = np.arange(places.size, dtype=np.intp)
    last = np.zeros(int(np.prod(shape)), np.intp)
    last[places.ravel()] = order
    stays = last[places.ravel()] == order
    return None if stays.all() else stays.reshape(places.shape)


LAST_WRITTEN = Primitive(
    "last_written", lambda *, index, shape: _stays(index, shape), vjps=None,
    sample=lambda draw: ((), {"index": np.array([draw.integer(0, 3) for _ in range(5)], np.intp), "shape": (4,)}),
    doc="Whether no later value is written to the same place of an array of a shape: for updates at traced indices.",
)  # fmt: skip


def _stays(index, shape):
    stays = _written(index, shape)
    return np.ones(np.zeros(shape, bool)[index].shape, bool) if stays is None else stays


def _pull_written(ct, ans, y, x, *, index):
    got = ct[index]
    stays = _written(index, x.shape)
    if stays is not None:
        return np.where(stays, got, np.zeros((), ct.dtype))
    # A copy: the walk may clear these entries next, in the same array.
    return got.copy() if isinstance(got, np.ndarray) and is_basic(index) else got


def _pull_overwritten(ct, ans, y, x, *, index):
    return SET_AT(0, ct, index=index) if ct.__class__ is Tensor else Cleared(ct, index)


def _sample_set(draw):
    shape = draw.shape()
    index = _sample_index(draw, shape)
    part = np.zeros(shape)[index].shape
    return (draw.array(draw.choice((part, ()))), draw.array(shape)), {"index": index}


# The value comes first: its rule must have read the cotangent before the other clears it.
SET_AT = Primitive(
    "set_at", _set, vjps=(_pull_written, _pull_overwritten), jvps=LINEAR, keeps=False, sample=_sample_set,
    doc="x with y at index; where an index is repeated the last value stays, and only it gets a gradient.",
)  # fmt: skip


def _add(x, y, *, index):
    out = np.array(x, np.result_type(x, y))
    add_at(out, index, y)
    return out


ADD_AT = Primitive(
    "add_at", _add, jvps=LINEAR, keeps=False, sample=lambda draw: (lambda args, params: (args[::-1], params))(
        *_sample_set(draw)),
    doc="x with y added at index; repeated indices add up.",
    vjps=(lambda ct, ans, x, y, *, index: ct,
          lambda ct, ans, x, y, *, index: ct[index]),
)  # fmt: skip

ROWS = (GETITEM, SET_AT, ADD_AT, LAST_WRITTEN)

# -- x[index] ----------------------------------------------------------------------------------------------------------


def getitem(x, index):
    """``x[index]``: a value, not a view. Integers, slices, None, ..., arrays, masks and Tensors of these.

    Raises
    ------
    IndexError
        Out of range, too many indices, or an index that is not integer or boolean.
    """
    if x.__class__ is Variable:
        x = x.value
    index = canonical(index)
    source = x.array
    if source.__class__ is Value or traced_mask(index) is not None:
        _refuse_mask(index)
        return apply(GETITEM, (x,), {"index": index})
    result = apply(GETITEM, (x,), {"index": index})
    # Entries of an array that is being filled: a view would hold the buffer, and the next update would have to copy it.
    if result.array.base is source and result.array.size <= max(source.size // 2, _SMALL):
        filled = x.node is not None and x.node.primitive is SET_AT
        if filled or result.array.size <= 4096:
            result.array = result.array.copy()
            if result.node is not None:
                result.node.value = result.array
    return result


# -- x[index] = y ------------------------------------------------------------------------------------------------------


def setitem(x: Tensor, index, value) -> Tensor:
    """What ``x`` moves on to at ``x[index] = value``; nothing has changed if this raises."""
    index = canonical(index)
    trace = trace_here()
    if trace is not None:
        return AtIndex(x, index).set(value)
    value = _fitting(x, index, value)
    if x.array.size <= _SMALL or not _alone(x):
        return apply(SET_AT, (value, x), {"index": index})
    buffer, old = x.array, x.node
    raw = value.array if isinstance(value, Overloaded) else value
    try:
        buffer[index] = raw
    except (IndexError, ValueError, TypeError, OverflowError) as error:
        raise SET_AT.explained((value, x), {"index": index}, error) from None
    if old is not None:
        old.value = Spec(buffer)
    frame = current()
    source = value.read(frame).node if isinstance(value, Variable) else getattr(value, "node", None)
    parents = (source, old)
    tapes = () if frame is None else frame.trackers(parents)
    if frame is None or not tapes:
        return Tensor(buffer, None)
    kept = tuple(p if p is not None and any(token in p.tapes for token in tapes) else None for p in parents)
    args = (raw if raw.__class__ is not np.ndarray else Spec(raw), Spec(buffer))
    node = Node(SET_AT, args, kept, buffer, {"index": index}, tapes)
    frame.write(node)
    return Tensor(buffer, node)


def _references(x: Tensor) -> int:
    return sys.getrefcount(x.array)


# Without the interpreter's lock counts are not exact, and every update makes a copy.
_locked = getattr(sys, "_is_gil_enabled", lambda: True)
_ALONE = _references(Tensor(np.zeros(1)))  # of an array that only a Tensor refers to, as this interpreter counts


def _alone(x: Tensor) -> bool:
    """Whether nobody but ``x``, and the update that made it, refers to its array: no Node, no view, no user."""
    array, node = x.array, x.node
    if array.base is not None or not array.flags.writeable or not _locked():
        return False
    del array
    if node is None:
        return _references(x) == _ALONE
    return node.primitive is SET_AT and node.value is x.array and _references(x) == _ALONE + 1


def _fitting(x, index, value):
    """``value`` as it can be written to ``x[index]``: of a kind that fits, without leading axes of length 1."""
    if value.__class__ in (int, float, bool) and x.dtype.kind in "fc":
        return value
    if not isinstance(value, (Overloaded, int, float, complex, np.ndarray)):
        value = np.asarray(value) if isinstance(value, np.generic) else _array(value)
    dtype = value.dtype if hasattr(value, "dtype") else np.min_scalar_type(value)
    if not np.can_cast(dtype, x.dtype, "same_kind") and not (dtype.kind in "iub" and x.dtype.kind in "iub"):
        raise DtypeError(
            f"x[index] = y: x has dtype {x.dtype} and y {dtype}; an update keeps the dtype, and this conversion would "
            "lose values. Convert x before, or y on purpose: y.astype(...)."
        )
    shape = shape_of(value)
    if shape:
        part = _part_shape(x, index, value)
        if not broadcasts_into(shape, part):
            short = shape[len(shape) - len(part) :] if len(shape) > len(part) else shape
            if set(shape[: len(shape) - len(part)]) - {1} or not broadcasts_into(short, part):
                raise ShapeError(
                    f"x[index] = y: y has shape {shape}, and x[index] shape {part} (x: {x.shape}); y must broadcast "
                    "to x[index]."
                )
            value = np.reshape(value, short)
    return value


def _part_shape(x, index, value):
    if is_basic(index):
        try:
            return _bare(x.shape)[index].shape
        except (IndexError, ValueError) as error:
            raise SET_AT.explained((value, x), {"index": index}, error) from None
    try:  # the shape alone: entries of no bytes
        return _bare(x.shape)[replaced_values(index)].shape
    except (IndexError, ValueError) as error:
        raise SET_AT.explained((value, x), {"index": index}, error) from None


def _bare(shape):
    """Array of a shape with entries of no bytes, to find out the shape of a part."""
    return np.lib.stride_tricks.as_strided(np.zeros((), bool), shape, (0,) * len(shape))


def replaced_values(index):
    """``index`` with zeros in place of what is traced: it picks a part of the same shape."""
    if index.__class__ is tuple:
        return tuple(map(replaced_values, index))
    return np.zeros(index.shape, index.dtype) if index.__class__ is Value else index


def _array(value):
    """A list as an array; as a stack of Tensors if it holds any."""
    return TABLE["array"](value)


# -- x.at[index] -------------------------------------------------------------------------------------------------------


class At:
    """``x.at``: makes changed copies of ``x``, see ``AtIndex``."""

    __slots__ = ("_x",)

    def __init__(self, x):
        self._x = x.value if isinstance(x, Variable) else x

    def __getitem__(self, index) -> AtIndex:
        return AtIndex(self._x, canonical(index))

    def __repr__(self) -> str:
        return f"<at of a Tensor of shape {self._x.shape}; write x.at[index].set(y)>"


class AtIndex:
    """``x.at[index]``: copies of ``x`` with other entries at ``index``.

    Where an index is repeated ``set`` keeps the last value, and all others apply their operation once for each time.
    """

    __slots__ = ("_index", "_x")

    def __init__(self, x: Tensor, index):
        self._x = x
        self._index = index

    def get(self):
        """``x[index]``."""
        return getitem(self._x, self._index)

    def set(self, y):
        """Copy of x with ``y`` at index."""
        mask = traced_mask(self._index)
        if mask is not None:
            return self._where(mask, y)
        return apply(SET_AT, (_fitting(self._x, self._index, y), self._x), {"index": self._index})

    def _where(self, mask, y):
        """``set`` for a traced mask: one value for all the entries it picks, since their number is not known."""
        if self._index.__class__ is tuple or np.size(y if not isinstance(y, Overloaded) else y.array) != 1:
            _refuse_mask(self._index)
        return self._where_all(mask, np.reshape(y, ()) if isinstance(y, Overloaded) else y)

    def add(self, y):
        """Copy of x with ``y`` added at index."""
        if traced_mask(self._index) is not None:
            return self._update(np.add, y)
        return apply(ADD_AT, (self._x, _fitting(self._x, self._index, y)), {"index": self._index})

    def subtract(self, y):
        """Copy of x with ``y`` subtracted at index."""
        return self.add(np.negative(y) if isinstance(y, Overloaded) else np.negative(as_value(y)))

    def multiply(self, y):
        """Copy of x multiplied by ``y`` at index."""
        return self._update(np.multiply, y)

    mul = multiply

    def divide(self, y):
        """Copy of x divided by ``y`` at index."""
        return self._update(np.divide, y)

    def power(self, y):
        """Copy of x raised to the power ``y`` at index."""
        return self._update(np.power, y)

    def min(self, y):
        """Copy of x, at index the smaller of its entry and ``y``."""
        return self._update(np.minimum, y)

    def max(self, y):
        """Copy of x, at index the larger of its entry and ``y``."""
        return self._update(np.maximum, y)

    def apply(self, function: Callable[[Any], Any]):
        """Copy of x with ``function`` applied to the entries at index."""
        return self._update(lambda entries, _: function(entries), 0)

    def _update(self, operation, y):
        x, index = self._x, self._index
        mask = traced_mask(index)
        if mask is not None:
            if index.__class__ is tuple or np.size(y if not isinstance(y, Overloaded) else y.array) != 1:
                _refuse_mask(index)
            return self._where_all(mask, operation(x, y))
        value = _fitting(x, index, y)
        unknown = [entry for entry in (index if index.__class__ is tuple else (index,)) if entry.__class__ is Value]
        if unknown:
            raise TraceError(
                f"x.at[i] at {user_line()}: multiply, divide, power, min, max and apply need to know which entries are "
                f"repeated, and inside a function that is {made_in(unknown[0])} the index is not known. Use set and "
                "add, or where."
            )
        if _written(index, x.shape) is None:
            return AtIndex(x, index).set(operation(getitem(x, index), value))
        # Repeated entries: in rounds, each of which meets an entry at most once.
        places = np.arange(x.size, dtype=np.intp).reshape(x.shape)[index].ravel()
        order = np.argsort(places, kind="stable")
        begins = np.flatnonzero(np.diff(places[order], prepend=-1))
        turn = np.empty_like(order)
        turn[order] = np.arange(order.size) - np.repeat(begins, np.diff(begins, append=order.size))
        values = np.reshape(np.broadcast_to(value, _part_shape(x, index, value)), (-1,))
        flat = np.reshape(x, (-1,))
        for number in range(int(turn.max()) + 1):
            now = np.flatnonzero(turn == number)
            there = AtIndex(flat, places[now])
            flat = there.set(operation(there.get(), values[now]))
        return np.reshape(flat, x.shape)

    def _where_all(self, mask, changed):
        chosen = np.reshape(Tensor(mask, None), (*mask.shape, *(1,) * (self._x.ndim - mask.ndim)))
        return np.astype(np.where(chosen, changed, self._x), self._x.dtype)

    def __getattr__(self, name):
        raise UnsupportedError(
            f"x.at[index].{name}: there are get, set, add, subtract, multiply, divide, power, min, max and apply."
        )


OVERLOADS: dict[Any, Any] = {"getitem": getitem, "setitem": setitem, "at": At}
