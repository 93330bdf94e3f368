"""The carry of a loop: what each step gives to the next; it keeps its structure, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import TraceError
from ..recording import Frame
from ..tensor import Tensor, as_value
from ..variable import Variable
from .inner import InnerTrace
from .structure import Structure, check_same, handle, is_weak, spec, widened
from .weave import fresh


class Carry:
    """The first carry, and what is known of the following ones.

    Parameters
    ----------
    name : str
        Of the loop.
    what : str
        The argument that it is: ``"init_val"``.
    given : nested structure
        Of Tensors, arrays and numbers. Numbers of Python take the dtype that the first step gives them.
    """

    def __init__(self, name: str, what: str, given: Any):
        self.name = name
        self.structure = Structure(f"{name}: {what}", given)
        self.specs = [spec(leaf) for leaf in self.structure.leaves]
        self._weak = [is_weak(leaf) for leaf in self.structure.leaves]

    def first(self) -> Any:
        """The first carry for a loop that runs now: handles of its own, and copies of arrays."""
        own = []
        for leaf in self.structure.leaves:
            if leaf.__class__ is Variable or isinstance(leaf, Variable):
                leaf = leaf.value
            own.append(leaf.copy() if isinstance(leaf, np.ndarray) else handle(leaf))
        return self.structure.rebuild(own)

    def next(self, what: str, given: Any) -> list[Any]:
        """Leaves of what the body returned, which must be like the carry before.

        Raises
        ------
        StructureError, ShapeError, DtypeError
            Naming the leaf.
        """
        leaves = self.structure.matching(self.name, what, given)
        found = [spec(leaf) for leaf in leaves]
        for i, (leaf, weak) in enumerate(zip(leaves, self._weak, strict=True)):
            (shape, dtype), (own_shape, own_dtype) = self.specs[i], found[i]
            if weak and shape == own_shape and np.can_cast(dtype, own_dtype, "same_kind"):
                self.specs[i] = found[i]  # a number of Python: what was given may as well have been of this dtype
            elif widened(leaf, dtype):
                found[i] = (own_shape, dtype)
            self._weak[i] = weak and is_weak(leaf)
        check_same(
            self.name,
            lambda path, wanted, given: f"{what}: leaf {path} of the carry has {wanted} before the step, {given} after",
            self.structure.names,
            self.specs,
            found,
        )
        return leaves

    def is_weak(self) -> bool:
        """Whether a leaf is a number of Python that may take another dtype."""
        return any(self._weak)

    def settle(self) -> None:
        """Let the dtypes be what they are now."""
        self._weak = [False] * len(self._weak)

    def handles(self, trace: InnerTrace, trial: bool = False) -> list[Any]:
        """The carry in the trace of a step: operands ("carry", i); on ``trial`` numbers of Python as they are."""
        return [
            leaf
            if trial and is_weak(leaf)
            else trace.operand(("carry", i), leaf if isinstance(leaf, np.ndarray) else np.asarray(fresh(leaf)))
            for i, leaf in enumerate(self.structure.leaves if trial else self.operands())
        ]

    def conformed(self, leaves: Sequence[Any]) -> list[Any]:
        """What a step returned, with numbers of Python in the dtypes of the carry."""
        return [
            np.asarray(leaf, dtype) if is_weak(leaf) else leaf
            for leaf, (_, dtype) in zip(leaves, self.specs, strict=True)
        ]

    def operands(self) -> list[Any]:
        """Leaves of the first carry for a loop that is traced, in their dtypes."""
        return [
            np.asarray(leaf, dtype)
            if is_weak(leaf)
            else leaf
            if isinstance(leaf, (Tensor, Variable))
            else as_value(leaf)
            for leaf, (_, dtype) in zip(self.structure.leaves, self.specs, strict=True)
        ]


def traced_step(
    carry: Carry,
    what: str,
    call: Callable[[InnerTrace, Any, Sequence[Any]], tuple[Any, Any]],
    frame: Frame,
    slices: Sequence[Any],
) -> tuple[InnerTrace, list[Tensor], Any]:
    """Trace the body of a loop.

    Parameters
    ----------
    call : callable
        ``call(inner, carry, slices)`` gives the next carry, and a Structure or None.
    slices : sequence of array
        Examples of what a step is given besides the carry: operands ("slice", i).

    Returns
    -------
    inner : InnerTrace
    outputs : list of Tensor
        The next carry, then the leaves of the Structure.
    structure : Structure or None
    """
    if carry.is_weak():  # as eagerly, the first step is given the numbers of Python: it says which dtype they take
        _trace_once(carry, what, call, frame, slices, trial=True)
        carry.settle()
    return _trace_once(carry, what, call, frame, slices, trial=False)


def _trace_once(
    carry: Carry, what: str, call: Any, frame: Frame, slices: Sequence[Any], trial: bool
) -> tuple[InnerTrace, list[Tensor], Any]:
    inner = InnerTrace(carry.name, frame)
    found: list[Any] = []

    def run() -> list[Any]:
        given = carry.handles(inner, trial)
        parts = [inner.operand(("slice", i), example) for i, example in enumerate(slices)]
        handles = [each for each in (*given, *parts) if each.__class__ is Tensor]
        arrays = [each.array for each in handles]
        after, structure = call(inner, carry.structure.rebuild(given), parts)
        leaves = carry.next(what, after)
        if any(each.array is not array for each, array in zip(handles, arrays, strict=True)):
            raise TraceError(
                f"{carry.name}: {what} changes what it is given in place (x[...] = y, x += y). Start with a copy."
            )
        found.append(structure)
        return [*carry.conformed(leaves), *(structure.leaves if structure is not None else ())]

    outputs = inner.trace(run)
    return inner, outputs, found[0]
