"""Level: one ``vmap`` that is running. Its primitives are applied to all examples at once.

Inside of a mapped function each array is that of one example: a ``Value``, which has a shape and a dtype. Behind it, in
a ``Slot``, is the Tensor with the examples of all, along its first axis. A primitive that meets one is applied by its
batching rule to the Tensors behind, in the frame around the ``vmap``: so tapes outside record what is computed for all
examples, a trace outside writes it down, and another ``vmap`` outside maps it once more. Tapes inside record the
Values, and their backward walks apply primitives again, as those of a traced function do.

What is the same for all examples is computed once, and is an ordinary Tensor, as long as no tape outside tracks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import recording, tracing
from ..errors import TraceError
from ..hooks import ON_NODES
from ..node import NO_PARAMS, Node
from ..primitive import Primitive, apply, output_of
from ..recording import Frame, Record
from ..symbol import Value, user_line
from ..tensor import Overloaded, Tensor, as_value
from ..variable import Variable
from .apart import apply_to_all
from .changes import Changes
from .laying import Mapped, has_mapped
from .slots import Slot, example_of, has_nan, replaced, spec

_NUMBERS = frozenset((float, int, complex, bool))


class Level:
    """One call of a mapped function.

    Parameters
    ----------
    size : int
        Number of examples.
    frame : Frame or None
        Around it.
    name : str
        Of the function.
    """

    def __init__(self, size: int, frame: Frame | None, name: str):
        self.size = size
        self.frame = frame
        self.name = name
        self.conditional = 0  # how many branches or loops deep, of which not all examples take part
        self._present: dict[int, tuple[Any, Any, Tensor]] = {}
        self.changes = Changes()

    def __repr__(self) -> str:
        return f"<vmap of {self.name} over {self.size} examples>"

    # -- going in and out ------------------------------------------------------------------------------------------

    @contextmanager
    def inside(self, records: tuple[Record, ...] = ()) -> Iterator[None]:
        """For what the mapped function does: the frame that is left is the one around it meanwhile."""
        around, before = recording.current(), self.frame
        self.frame = around
        recording.replace(Frame(records, self))
        try:
            yield
        finally:
            recording.replace(around)
            self.frame = before

    @contextmanager
    def outside(self) -> Iterator[None]:
        """For what is done for all examples at once."""
        before = recording.replace(self.frame)
        try:
            yield
        finally:
            recording.replace(before)

    def enter(self, tensor: Any, mapped: bool, node: Node | None = None) -> Tensor:
        """A Tensor of outside as one of inside."""
        array = tensor.array
        if not mapped:
            if tensor.node is None:
                return Tensor(array, node)  # nothing outside could be lost
            return Tensor(Value(array.shape, array.dtype, Slot(self, tensor, False), example_of(array)), node)
        return Tensor(self._value(tensor), node)

    def _value(self, tensor: Any) -> Value:
        array = tensor.array
        example = None
        if array.__class__ is np.ndarray:
            example = array[0, ...] if self.size else None
        elif array.example is not None and self.size:
            example = array.example[0, ...]
        return Value(array.shape[1:], array.dtype, Slot(self, tensor, True), example)

    def entered(self, tensor: Any) -> Any:
        """What is made an input of something inside: it stays connected with what tracks it outside."""
        if self.frame is None:
            return tensor
        if self.frame.trace is not None and self._slot(getattr(tensor, "array", None)) is None:
            tensor = self.frame.trace.entered(tensor)
        if tensor.__class__ is not Tensor or tensor.node is None or self._slot(tensor.array) is not None:
            return tensor
        if not self.frame.trackers((tensor.node,)):
            return tensor
        return self.enter(Tensor(tensor.array, tensor.node), False, tensor.node)

    def leave(self, given: Any) -> tuple[Any, bool]:
        """What is behind anything inside: a Tensor of outside, or what was given; and whether it is mapped."""
        if given.__class__ is Variable or isinstance(given, Variable):
            given = given.read(recording.current())
        array = given.array if given.__class__ is Tensor else given
        slot = self._slot(array)
        if slot is not None:
            return slot.tensor, slot.mapped
        return (Tensor(given, None) if given.__class__ is Value else given), False

    def cut(self, given: Any, stop_gradient: Callable[[Any], Any]) -> Tensor:
        """``stop_gradient(given)``, for tapes inside and outside."""
        slot = self._slot(given.array)
        if slot is None:
            return Tensor(given.array, None)
        with self.outside():
            tensor = stop_gradient(slot.tensor)
        return self.enter(tensor, slot.mapped)

    def _slot(self, array: Any) -> Slot | None:
        if array.__class__ is not Value:
            return None
        slot = array.source
        return slot if slot.__class__ is Slot and slot.level is self else None

    def is_mapped(self, given: Any) -> bool:
        """Whether something differs between examples."""
        slot = self._slot(getattr(given, "array", given))
        return slot is not None and slot.mapped

    # -- primitives ------------------------------------------------------------------------------------------------

    def apply(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any], frame: Frame) -> Any:
        """Apply ``primitive`` to all examples; see ``primitive.apply``, whose place this takes inside."""
        operands: list[Any] = []
        parents: list[Node | None] = []
        behind: list[Any] = []
        mapped: list[bool] = []
        for arg in args:
            operand, node, tensor, own = self._operand(arg, frame)
            operands.append(operand)
            parents.append(node)
            behind.append(tensor)
            mapped.append(own)
        inner = replaced(params, lambda given: getattr(given, "array", given)) if params else params
        outer = replaced(inner, self._behind) if inner else inner
        differs = any(mapped) or (bool(outer) and has_mapped(outer))
        before = recording.replace(self.frame)
        try:
            if differs:
                out = apply_to_all(primitive, behind, mapped, outer, self.size)
            else:
                out = apply(primitive, tuple(behind), outer)
        except Exception as error:
            if differs and self._is_shape_error(error):
                raise self._explained(primitive, operands, inner, error) from None
            raise
        finally:
            recording.replace(before)
        return self._recorded(primitive, operands, parents, out, differs, inner, frame)

    def _operand(self, arg: Any, frame: Frame) -> tuple[Any, Node | None, Any, bool]:
        """An argument: its array or number inside, its Node, what is behind it, and whether it is mapped."""
        if arg.__class__ is Variable or isinstance(arg, Variable):
            arg = arg.read(frame)
        elif arg.__class__ is Value:
            arg = Tensor(arg, None)
        if arg.__class__ is not Tensor:
            value = arg if arg.__class__ in _NUMBERS else self._foreign(arg, frame)
            return value, None, value, False
        if arg.node is not None and frame.records:  # a tape inside may keep it
            arg = self.entered(arg)
        slot = self._slot(arg.array)
        return (arg.array, arg.node, arg, False) if slot is None else (arg.array, arg.node, slot.tensor, slot.mapped)

    def _foreign(self, arg: Any, frame: Frame) -> Any:
        """An array of the user's, copied where a tape inside may keep it."""
        if isinstance(arg, np.generic):
            return arg
        for number in (bool, int, float, complex):
            if isinstance(arg, number):
                return number(arg)  # type: ignore[arg-type]
        array = as_value(arg)
        kept = array is arg and frame.records and array.__class__ is not Value and self._is_outermost()
        return np.array(array) if kept else array

    def _behind(self, value: Any) -> Any:
        """What is behind a Value among the parameters."""
        slot = self._slot(value)
        if slot is None:
            return value
        return Mapped(slot.tensor) if slot.mapped else slot.tensor.array

    @staticmethod
    def _is_shape_error(error: Exception) -> bool:
        return isinstance(error, (ValueError, IndexError, np.exceptions.AxisError)) and not isinstance(
            error, np.linalg.LinAlgError
        )

    def _explained(self, primitive: Primitive, operands: Sequence[Any], params: Any, error: Exception) -> Exception:
        """The error that one example has, with the shapes that the user sees; else the one of all."""
        examples = [np.zeros(o.shape, o.dtype) if o.__class__ is Value else o for o in operands]
        given = tuple(Tensor(o, None) if isinstance(o, np.ndarray) else o for o in examples)
        own = replaced(params, lambda value: np.zeros(value.shape, value.dtype)) if params else params
        try:
            with np.errstate(all="ignore"):
                primitive.impl(*examples, **own)
        except (ValueError, TypeError, IndexError) as of_one:
            return primitive.explained(given, own, of_one)
        return error

    def _recorded(self, primitive, operands, parents, out, mapped: bool, params, frame: Frame) -> Any:
        """Results as Tensors of inside, with a Node where a tape inside tracks an operand."""
        several = out.__class__ is tuple
        tapes = frame.trackers(parents) if frame.records else ()
        outs = out if several else (out,)
        results = tuple([self.enter(each, mapped) for each in outs])
        if not tapes or primitive.vjps is None or not (several or outs[0].dtype.kind in "fc"):
            return results if several else results[0]
        saved = tuple(operands if primitive.keeps else [spec(o) for o in operands])
        parents = [p if p is not None and any(token in p.tapes for token in tapes) else None for p in parents]
        value: Any = tuple(each.array for each in results) if several else results[0].array
        node = Node(primitive, saved, tuple(parents), value, params or NO_PARAMS, tapes)
        frame.write(node)
        if several:
            return tuple(output_of(frame, node, index) for index in range(len(value)))
        results[0].node = node
        return results[0]

    # -- what a trace offers -----------------------------------------------------------------------------------------

    @property
    def zero_wins(self) -> bool:
        """As in the trace around, if there is one."""
        trace = None if self.frame is None else self.frame.trace
        return trace is not None and trace.zero_wins

    def guard(self, nodes: Sequence[Node], found: Sequence[Any]) -> bool:
        """Whether a walk inside has met a NaN, and is to be made again with zeros winning."""
        tensors = [self.leave(ct)[0] for ct in found if getattr(ct, "dtype", np.dtype(bool)).kind in "fc"]
        trace = None if self.frame is None else self.frame.trace
        if trace is not None:
            behind = [self._node_behind(node) for node in nodes]
            with self.outside():
                return bool(trace.guard(behind, tensors))
        if ON_NODES:  # what hooks are called for once cannot be walked twice
            return False
        return any(has_nan(np.asarray(getattr(tensor, "array", tensor))) for tensor in tensors)

    def _node_behind(self, node: Node) -> Node:
        """An application inside as the trace around can look at it."""
        if not any(arg.__class__ is Value for arg in node.args):
            return node
        args = tuple(self.leave(arg)[0] for arg in node.args)
        arrays = tuple(arg.array if arg.__class__ is Tensor else arg for arg in args)
        return Node(node.primitive, arrays, node.parents, node.value, node.params, node.tapes)

    def value_of(self, given: Any) -> Any:
        """The array of anything: what an index is made of."""
        array = given.array if isinstance(given, Overloaded) else given
        return np.array(array) if array.__class__ is np.ndarray and self._is_outermost() else as_value(array)

    def _is_outermost(self) -> bool:
        """Whether no trace is around: one reads an array at each run, and would keep to what is in a copy."""
        return self.frame is None or self.frame.trace is None

    def present(self, variable: Variable) -> Tensor:
        """Value of a Variable, the same for all examples."""
        with self.outside():
            tensor = variable.read(self.frame)
        known = self._present.get(id(variable))
        if known is None or known[1] is not tensor:
            known = self._present[id(variable)] = (variable, tensor, self.enter(tensor, False))
        return known[2]

    def forget(self) -> None:
        """Let go of what was read of Variables: a cycle would keep it alive."""
        self._present.clear()

    def assign(self, variable: Variable, given: Any, update: Any = None) -> Variable:
        """``variable.assign(given)`` or an update of it: with what is the same for all examples."""
        what = "assign" if update is None else f"assign_{'add' if update is np.add else 'sub'}"
        value = self._single(f"{variable.label()}.{what}", given, "Return the values and assign outside, or reduce")
        with self.outside():
            getattr(variable, what)(value)
        return variable

    def _single(self, asked: str, given: Any, cure: str) -> Any:
        """What is behind something that must be the same for all examples."""
        value, mapped = self.leave(given)
        if mapped:
            raise TraceError(
                f"{asked} at {user_line()}: the value differs between the {self.size} examples that {self.name} is "
                f"mapped over (autograd_core.vmap), and there is one place for it. {cure} over the examples there."
            )
        if self.conditional:
            raise TraceError(
                f"{asked} at {user_line()}: inside of a branch or a loop that some of the examples take and others do "
                f"not (autograd_core.vmap). {cure} outside of it."
            )
        return value

    def buffer(self, array: Any) -> Tensor:
        """Present value of an array that ``store`` writes to."""
        with self.outside():
            tensor = tracing.buffer(array)
        return self.enter(tensor, False)

    def store(self, array: Any, value: Any) -> None:
        """Write what is the same for all examples into an array."""
        single = self._single("store", value, "Return the values, and write them")
        with self.outside():
            tracing.store(array, single)

    def static(self, find_out: Callable[[], Any]) -> Any:
        """A fact that decides how the function goes on."""
        with self.outside():
            return tracing.static(find_out)

    def host(self, call: Callable[[], Any], shape: Sequence[int], dtype: Any) -> Tensor:
        """What a Python function returns, called once for each example."""
        every = (self.size, *shape)

        def draw() -> Any:
            drawn = [np.asarray(call(), dtype).reshape(tuple(shape)) for _ in range(self.size)]
            return np.stack(drawn) if drawn else np.zeros(every, dtype)

        with self.outside():
            tensor = tracing.host(draw, every, dtype)
        return self.enter(tensor, True)

    def add_afterwards(self, call: Callable[..., Any], tensors: Sequence[Any]) -> None:
        """Call a Python function with what is the same for all examples."""
        given = [
            self._single("a metric, a loss or a counter", each, "Return the values, and use them") for each in tensors
        ]
        with self.outside():
            tracing.afterwards(call, *given)

    def late(self, call: Callable[[], Any], shape: Sequence[int], dtype: Any) -> Any:
        """What a Python function returns after the run."""
        with self.outside():
            found = tracing.late(call, shape, dtype)
        return self.enter(found, False) if isinstance(found, Tensor) else found

    def count(self, owner: object) -> int:
        """How often this was asked for ``owner`` in the trace around; 0 outside of one."""
        with self.outside():
            return tracing.count(owner)

    def pause(self, record: Any) -> None:
        """A tape pauses: nothing else is to do here."""

    go_on = pause

    def looked_at(self, handle: Any) -> Any:
        """The raw value of what is the same for all examples; None where the handle's own is to be taken."""
        slot = self._slot(handle.array)
        if slot is None or slot.mapped:
            return None
        with self.outside():
            return slot.tensor._leave("vmap")

    # -- Tensors that are changed in place ---------------------------------------------------------------------------

    def moved(self, handle: Tensor) -> None:
        """Remember a Tensor that goes on as a Value (``x[i] = y``): if it is one from outside, that is an error."""
        if self._slot(handle.array) is None:
            self.changes.note(handle)

    def check_moved(self, since: int = 0) -> None:
        """Raise if a Tensor that somebody outside has was changed into a Value."""
        self.changes.check(self.name, since, self._alone)

    def _alone(self, handle: Tensor) -> Tensor | None:
        """What a handle stands for, if it is the same for all examples."""
        slot = self._slot(handle.array)
        return None if slot is None else slot.alone


def level_here() -> Level | None:
    """The innermost ``vmap`` whose function is running here; None if there is none, or a trace is further inside."""
    trace: Any = recording.trace_here()
    return trace if trace.__class__ is Level else None
