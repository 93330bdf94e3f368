"""How sub-programs are woven into the trace around them: what they take from it, and what they give back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ..compile.program import Input
from ..recording import Frame
from ..symbol import Value
from ..tensor import Tensor, as_value
from ..variable import Variable
from .inner import InnerTrace

Labels = dict[Hashable, int]
"""Position of each operand, by label."""


def fresh(given: Any) -> Any:
    """Array that stands for a Tensor or an array while shapes are found."""
    value = as_value(given)
    return value.example if value.__class__ is Value else value


def captures(inners: Sequence[InnerTrace], frame: Frame) -> dict[Hashable, Any]:
    """What the functions take from outside, by label, as operands of the trace around them."""
    found: dict[Hashable, Any] = {}
    for inner in inners:
        for label, each in inner.captured.items():
            if label not in found:
                found[label] = frame.trace.buffer(each.key) if each.kind == "buffer" else each.key
    return found


def newcomers(inner: InnerTrace, labels: Sequence[Hashable], frame: Frame) -> dict[Hashable, Any]:
    """What a derivative takes from outside that the function itself does not: arrays that a rule refers to."""
    known = set(labels)
    return {label: each for label, each in captures([inner], frame).items() if label not in known}


def written(inners: Sequence[InnerTrace]) -> dict[Hashable, Input]:
    """Variables and buffers that any of the functions assigns, by label."""
    return {label: source for inner in inners for label, source in inner.written.items()}


def assign(frame: Frame, targets: Mapping[Hashable, Input], values: Sequence[Tensor]) -> None:
    """Let the trace around the construct assign what its functions have assigned."""
    for source, value in zip(targets.values(), values, strict=True):
        if source.kind == "variable":
            frame.trace.assign(source.key, value)
        else:
            frame.trace.store(source.key, value)


def tracked(operands: Sequence[Any], frame: Frame) -> tuple[list[Any], list[int]]:
    """Operands with Variables read, and the positions of those that a tape tracks here."""
    read = [each.read(frame) if isinstance(each, Variable) else each for each in operands]
    trace, followed = frame.trace, []
    for position, each in enumerate(read):
        node = each.node if each.__class__ is Tensor else None
        if node is None or not frame.records or each.dtype.kind not in "fc":
            continue
        if isinstance(trace, InnerTrace):
            trace.adopt(node)
        if any(token in node.tapes for token in frame.tokens):
            followed.append(position)
    return read, followed
