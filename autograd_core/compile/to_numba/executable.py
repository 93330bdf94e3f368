"""What the Numba emitter gives: compiled functions, the frames that they work in, and Python's part between them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...symbol import Value
from ..executable import ZeroMetInfinity
from ..machine import threads
from ..program import replaced
from ..reuse import is_large, unheld
from . import cache
from .buffers import aligned
from .loops import View
from .lower import Op
from .parallel import prepare
from .pointer import IS_TUPLE, address_of, addresses, handle
from .repeat import NAME as LOOP

if TYPE_CHECKING:
    from .emit import Emitter


class Frame:
    """Workspace of one call in flight, and the table of addresses that compiled code is given.

    Attributes
    ----------
    memory : array of bytes
    table : array of int64
        Address of the workspace, of the bound inputs, of the constants.
    address : int
        Of the table.
    stamps : array of int64
        Behind it in the table: what the clock said before and after each kernel, if that was asked for.
    version : int
        Which binding the table holds.
    """

    __slots__ = ("address", "memory", "stamps", "table", "version")

    def __init__(self, nbytes: int, length: int, stamps: int = 0):
        self.memory = _aligned(nbytes)
        whole = np.zeros(length + stamps, np.int64)
        self.table, self.stamps = whole[:length], whole[length:]
        self.table[0] = address_of(self.memory)
        self.address = address_of(self.table)
        self.version = -1


def _aligned(nbytes: int) -> Any:
    """Bytes that begin at a cache line."""
    raw = np.empty(nbytes + 64, np.uint8)
    start = -address_of(raw) % 64
    return raw[start : start + nbytes]


class NumbaExecutable:
    """A program compiled by Numba.

    Attributes
    ----------
    source : str
        The emitted Python text.
    file : str
        Where it lies, or what tracebacks call it.
    seconds : float
        How long it took to compile, or to load from the disk.
    cached : bool
        Whether machine code came from the disk.
    loop : callable or None
        Runs many steps, if the program is the step of a loop; see ``repeat``.
    """

    def __init__(self, emitter: Emitter, source: str, again: Callable[[bool], NumbaExecutable]):
        self.source = source
        if emitter.parallel:
            prepare()  # machine code refers to the pool's functions by name
        loaded = cache.load(emitter.program.name, source)
        self.file, self.seconds, self.cached = loaded.file, loaded.seconds, loaded.cached
        self._rows = emitter.summary()
        self._made = [cluster.results for cluster in emitter.ran]
        self.parallel = emitter.parallel
        self._steps = [
            (loaded.names[step] if step.__class__ is str else step, number) for step, number in emitter.steps
        ]
        self.loop: Any = loaded.names.get(LOOP)
        self._stamps = 2 * len(emitter.rows) if emitter.timed else 0
        self._failing = emitter.failing
        self._homes = emitter.memory.homes
        self._views = emitter.lowered.views
        self._nbytes = aligned(emitter.memory.nbytes) + emitter.scratch
        self._slots = emitter.slots
        self._positions = emitter.positions
        self._constants = [np.asarray(i.key, order="C") for i in emitter.constants]
        self._bound_inputs = emitter.bound
        self._written = {id(target.value) for target, _ in emitter.lowered.writes}
        self._bound: list[Any] = [None] * len(emitter.bound)
        self._given: Sequence[Any] = ()
        self._version = 0
        self._frames: list[Frame] = []
        self._copies: list[tuple[Any, Any, bool]] = []
        self._addresses: list[int] = [address_of(array) for array in self._constants]
        self._outputs = [(value.shape, value.dtype) for value in emitter.program.outputs]
        self._call = self._driver()
        self._again = again
        self._serial: NumbaExecutable | None = None

    def bind(self, arrays: Sequence[Any]) -> None:
        """Say which arrays the bound inputs are, in the program's order; those written to are written in place."""
        self._copies = []
        self._given = arrays
        self._bound = [
            self._contiguous(array, each.value)
            for array, each in zip(arrays, self._bound_inputs, strict=bool(arrays))  # none: let go of them
        ]
        self._addresses = [address_of(array) for array in (*self._bound, *self._constants)]
        self._version += 1

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Run on the passed inputs, in the program's order; one array for each output."""
        if self.parallel and not threads.parallel_allowed():  # in a forked child
            return self._alone(arrays)
        if self._copies:
            for copy, array, _ in self._copies:
                np.copyto(copy, array)
            outputs = self._call(*arrays)
            for copy, array, written in self._copies:
                if written:
                    np.copyto(array, copy)
            return outputs
        return self._call(*arrays)

    def _alone(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The same call by code for one thread."""
        if self._serial is None:
            self._serial = self._again(False)
        self._serial.bind(self._given)
        return self._serial(*arrays)

    def report(self) -> list[dict[str, Any]]:
        """One row per kernel, product or call; at last the workspace, with the least it could be."""
        return [dict(row) for row in self._rows]

    def groups(self) -> list[tuple[str, list[Value]]]:
        """Name of each kernel, and the values that it computes."""
        return [(row["name"], values) for row, values in zip(self._rows, self._made, strict=False)]

    def times(self, bound: Sequence[Any], passed: Sequence[Any]) -> list[float]:
        """Microseconds of each kernel, in the order of the report; measured on copies of the bound arrays."""
        # Not imported at the top: it compiles something.
        measure = importlib.import_module(".times", __package__).measure
        return measure(self._again(True), bound, passed)

    def steps(self) -> list[tuple[Any, int]]:
        """What a call runs in turn: compiled functions, and Ops for Python with the number of their row."""
        return self._steps

    def new_frame(self) -> Frame:
        """A frame with the arrays that are bound now."""
        frame = self._frame()
        self._refresh(frame)
        return frame

    def repeats(self) -> bool:
        """Whether many steps can be run by one call here: not in a forked child, if several threads take part."""
        return self.loop is not None and (not self.parallel or threads.parallel_allowed())

    def take_frame(self) -> Frame:
        """A frame that nobody else works in; to be given back."""
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = self._frame()
        if frame.version != self._version:
            self._refresh(frame)
        return frame

    def give_frame(self, frame: Frame) -> None:
        """Give a frame back."""
        self._frames.append(frame)

    def new_outputs(self) -> tuple[Any, ...]:
        """Arrays for the outputs of a call."""
        return tuple(np.empty(shape, dtype) for shape, dtype in self._outputs)

    # -- a call --------------------------------------------------------------------------------------------------------

    def _driver(self) -> Any:
        """The Python function that makes a call."""
        passed = [f"x{at}" for at in range(len(self._positions))]
        outputs = [f"o{at}" for at in range(len(self._outputs))]
        indent = "        " if self.parallel else "    "
        lines = [f"def call({', '.join(passed)}):", "    try:", "        frame = frames.pop()"]
        lines += ["    except IndexError:  # all are in use", "        frame = new_frame()"]
        lines += ["    if frame.version != own._version: own._refresh(frame)"]
        for name, (shape, dtype) in zip(outputs, self._outputs, strict=True):
            made = f"unheld(given_{name}, " if is_large(shape, dtype) else "empty("
            lines.append(f"    {name} = {made}shape_{name}, dtype_{name})")
        arrays = f"frame, ({''.join(n + ', ' for n in passed)}), ({''.join(n + ', ' for n in outputs)})"
        given = "".join(f"{name}, " for name in (*passed, *outputs))
        lines.append(f"    given = ({given})" if IS_TUPLE else f"    given = addresses(({given}))")
        for at, (step, _) in enumerate(self._steps):
            if step.__class__ is Op:
                lines.append(f"    python(step{at}, {arrays})")
            else:
                lines += ["    with parallel_region:"] if self.parallel else []
                lines.append(f"{indent}code = step{at}(frame.address, handle(given))")
                lines.append(f"    if code: fail(code, {arrays})")
        lines += ["    frames.append(frame)", f"    return ({''.join(n + ', ' for n in outputs)})"]
        names: dict[str, Any] = {
            "frames": self._frames, "new_frame": self._frame, "own": self, "empty": np.empty, "unheld": unheld,
            "handle": handle, "addresses": addresses,
            "parallel_region": threads.parallel_region, "python": self.call_python, "fail": self.fail,
            **{f"step{at}": step for at, (step, _) in enumerate(self._steps)},
        }  # fmt: skip
        for at, (shape, dtype) in enumerate(self._outputs):
            names[f"shape_o{at}"], names[f"dtype_o{at}"] = shape, dtype
            names[f"given_o{at}"] = []
        exec(compile("\n".join(lines), "<autograd_core call of a compiled program>", "exec"), names)
        return names["call"]

    def _frame(self) -> Frame:
        return Frame(self._nbytes, 1 + len(self._bound) + len(self._constants), self._stamps)

    def _refresh(self, frame: Frame) -> None:
        frame.table[1:] = self._addresses
        frame.version = self._version

    def _contiguous(self, array: Any, value: Value) -> Any:
        if array.flags.c_contiguous and array.flags.aligned:
            return array
        copy = np.array(array, order="C")
        self._copies.append((copy, array, id(value) in self._written))
        return copy

    # -- Python between compiled functions -----------------------------------------------------------------------------

    def call_python(self, op: Op, frame: Frame, passed: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        """Call a primitive and keep what it gives."""
        results = self._applied(op, frame, passed, outputs)
        for value, result in zip(op.results, results, strict=True):
            if value in self._homes:
                np.copyto(self._memory(value, frame, passed, outputs), result)

    def _applied(self, op: Op, frame: Frame, passed: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        extra = op.params.get("extra", ())
        given = [self._array(o, frame, passed, outputs) if o.__class__ is View else o for o in op.operands]
        count = len(given) - len(extra)
        known = dict(zip(extra, given[count:], strict=True))
        params = replaced(op.params["instruction"].params, known.__getitem__)
        with np.errstate(all="ignore"):
            out = op.primitive.impl(*given[:count], **params)
        return out if out.__class__ is tuple else (out,)

    def _memory(self, root: Value, frame: Frame, passed: tuple[Any, ...], outputs: tuple[Any, ...]) -> Any:
        """A root as an array."""
        home = self._homes[root]
        if home.kind == "output":
            return outputs[home.key].reshape(root.shape)
        if home.kind == "work":
            return np.ndarray(root.shape, root.dtype, frame.memory, home.key.offset)
        value = home.key
        if value in self._positions:
            return passed[self._positions[value]]
        slot = self._slots[value] - 1
        return self._bound[slot] if slot < len(self._bound) else self._constants[slot - len(self._bound)]

    def _array(self, view: View, frame: Frame, passed: tuple[Any, ...], outputs: tuple[Any, ...]) -> Any:
        """A view as an array."""
        base = self._memory(view.root, frame, passed, outputs)
        if not view.size:
            return np.empty(view.shape, view.root.dtype)
        if view.is_whole():
            return base.reshape(view.shape)
        step = view.root.dtype.itemsize
        strides = tuple(stride * step for stride in view.strides)
        array = np.ndarray(view.shape, view.root.dtype, base.reshape(-1), view.offset * step, strides)
        array.flags.writeable = False
        return array

    def fail(self, code: int, frame: Frame, passed: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        """Raise the error that belongs to what a compiled function returned."""
        if code < 0:
            self._frames.append(frame)
            raise ZeroMetInfinity
        op = self._failing[code - 1]
        if op.kind == "kernel":  # the primitive itself says what is wrong
            self._applied(op, frame, passed, outputs)
        axis = f" for an axis of length {op.params['side']}" if "side" in op.params else ""
        raise IndexError(f"an index is out of range{axis}: {op.comment} {op.place}".rstrip())
