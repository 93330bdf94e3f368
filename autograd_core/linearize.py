"""Run a function on given arguments and keep the recording: what all transforms are made of.

``Linearized`` holds the values of the outputs and the recorded graph between chosen inputs and the outputs; its
``pull`` and ``push`` are the function's VJP and JVP at that point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import recording
from .backward import pull_back
from .errors import ConversionError, DtypeError
from .forward import push_forward
from .hooked import at_source
from .hooks import ON_NODES
from .node import NO_PARAMS, Node, Spec, leaf
from .primitive import LINEAR, Primitive
from .recording import Record
from .tensor import Overloaded, Tensor, as_value
from .tree import flatten, flatten_filled, paths
from .variable import Variable

LIFT = Primitive("lift", lambda x: x, vjps=(lambda ct, ans, x: ct,), jvps=LINEAR, elementwise=True, keeps=False)
"""Identity, under which an argument that outer tapes track becomes an input of an inner recording."""


class Linearized:
    """A function applied once, with its recording.

    Parameters
    ----------
    name : str
        Of the transform, for error messages.
    function : callable
    args : sequence
        Positional arguments: nested structures of arrays, numbers, Tensors.
    argnums : sequence of int
        Which of ``args`` are inputs of the recording.
    keywords : dict
        Passed on to ``function``.
    copy : bool
        Copy NumPy arguments, for a recording that outlives the call (the caller may write to them). They are copied
        too where an outer tape may save them.

    Attributes
    ----------
    result
        What ``function`` returned.
    plain : bool
        Whether all arguments were NumPy arrays or numbers, so that results are handed back as such.
    inputs : list of Node
        One per leaf of the chosen arguments; None is none.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        argnums: Sequence[int],
        keywords: dict[str, Any],
        copy: bool,
    ):
        self.name = name
        self.record = Record(watches_variables=False)
        self.inputs: list[Node] = []
        self.plain = not any(isinstance(leaf_, Overloaded) for arg in args for leaf_ in flatten(arg)[0])
        frame = recording.current()
        token = self.record.token
        recording.add(self.record)
        try:
            inner = recording.current()
            assert inner is not None
            lifted = list(args)
            for argnum in argnums:
                leaves, rebuild = flatten_filled(args[argnum])
                lifted[argnum] = rebuild(
                    [
                        self._lift(value, frame, inner, token, copy, (argnum, args[argnum], number))
                        for number, value in enumerate(leaves)
                    ]
                )
            self.result = function(*lifted, **keywords)
        finally:
            recording.remove(self.record)

    def _lift(self, value, frame, inner, token, copy: bool, place: tuple[int, Any, int]) -> Tensor:
        """Tensor for one input, tracked by this recording and by whatever tracks ``value`` already.

        ``place`` says where it is: number of the argument, the argument, number of the leaf.
        """
        try:
            array = as_value(value)
        except ConversionError as error:
            raise ConversionError(f"{self.name}: {_told(place)}: {error} {_CURE}") from None
        if array.dtype.kind not in "fc":
            raise DtypeError(
                f"{self.name}: {_told(place)} has dtype {array.dtype}, which has no derivative; pass floating-point "
                f"values (3.0 instead of 3, or x.astype(float)). {_CURE}"
            )
        if isinstance(value, Variable):
            value = value.read(frame)
        if frame is not None and frame.trace is not None:
            value = frame.trace.entered(value)  # what tracks it outside of a loop or a vmap goes on to do so
            array = as_value(value)
        outer = value.node if isinstance(value, Tensor) and value.node is not None and frame is not None else None
        tracked = frame.trackers((outer,)) if outer is not None else ()
        if tracked:
            node = Node(LIFT, (Spec(array),), (outer,), array, NO_PARAMS, tracked)
            frame.write(node)
            node.tapes = (*tracked, token)
            if len(node.tapes) == len(inner.shared):
                node.tapes = inner.shared
        else:
            if (copy or frame is not None) and not isinstance(value, Overloaded):
                array = np.array(array)
            node = leaf(array, (token,) if len(inner.shared) > 1 else inner.shared)
        self.inputs.append(node)
        return Tensor(array, node)

    def check_result(self, leaf_) -> Tensor:
        """One leaf of the result, as a Tensor.

        Raises
        ------
        ConversionError
            If it is not a Tensor: its path from the inputs, if there was one, is cut.
        """
        if isinstance(leaf_, Variable):
            return leaf_.value
        if not isinstance(leaf_, Tensor):
            raise ConversionError(
                f"{self.name}: the function returned a {type(leaf_).__name__}, not a Tensor computed from its "
                "arguments, so its derivative would be silently zero. Do not leave the graph inside (float(), "
                ".item(), .numpy()); return autograd_core.constant(value) if a constant is meant."
            )
        return leaf_

    def pull(self, cotangents: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Cotangents of the inputs (zeros where unconnected), given pairs (output, its cotangent)."""
        recorded = recording.is_recording()
        token = self.record.token
        seeds: dict[Node, Any] = {}
        for output, ct in cotangents:
            node = output.node
            if node is None or token not in node.tapes:
                continue
            seed = ct if recorded else ct.array
            seeds[node] = seed if node not in seeds else seeds[node] + seed
        found = pull_back(self.record.nodes, seeds, self.inputs, recorded)
        if ON_NODES:
            found = {node: at_source(ct, node, "an argument") for node, ct in found.items() if node in self.inputs}
        return [_tensor(found.get(node), node.value) for node in self.inputs]

    def push(self, tangents: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
        """Tangents of ``outputs`` (zeros where unconnected), given those of the inputs."""
        recorded = recording.is_recording()
        token = self.record.token
        seeds = {node: t if recorded else t.array for node, t in zip(self.inputs, tangents, strict=True)}
        nodes = [o.node if o.node is not None and token in o.node.tapes else None for o in outputs]
        found = push_forward(self.record.nodes, seeds, [n for n in nodes if n is not None], recorded)
        return [
            _tensor(None if node is None else found.get(node), output.array)
            for node, output in zip(nodes, outputs, strict=True)
        ]


_CURE = "What shall not be differentiated goes into another argument, which is not in argnums."


def _told(place: tuple[int, Any, int]) -> str:
    """``argument 0['w']``, for messages."""
    argnum, given, number = place
    names = [path for path, leaf_ in zip(paths(given), flatten(given)[0], strict=True) if leaf_ is not None]
    return f"argument {argnum}{'' if names[number] == 'itself' else names[number]}"


def _tensor(found, value) -> Tensor:
    """What a walk found, as a Tensor; zeros like ``value`` if it found nothing."""
    if found is None:
        return Tensor(np.zeros(value.shape, value.dtype), None)
    return found if isinstance(found, Tensor) else Tensor(found, None)
