"""The forward walk: push tangents from the sources to every Node that depends on them.

The same recording serves both directions. Where a primitive's row has a JVP rule it is used; an elementwise operation
uses its VJP rule (a diagonal Jacobian is its own transpose); for any other, the JVP is the transpose of the VJP:
the VJP is linear in its cotangent, so pulling the tangent back through *it* gives the JVP (the "double VJP").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .backward import pull_back, tensors_of, vanishes
from .cotangents import fit
from .node import Node, leaf
from .primitive import LINEAR, MULTILINEAR, PROJECT
from .recording import Record, add, current, remove, replace, setting_here, trace_here
from .symbol import Value
from .tensor import Tensor


def push_forward(nodes: Sequence[Node], seeds: Mapping[Node, Any], targets: Sequence[Node], recorded: bool):
    """Tangents of ``targets``, given those of the sources.

    Parameters
    ----------
    nodes : sequence of Node
        In the order they were recorded.
    seeds : mapping of Node to array or Tensor
        Tangents of the sources, of their shapes and dtypes.
    targets : sequence of Node
    recorded : bool
        Whether other tapes shall record the walk, for higher derivatives.

    Returns
    -------
    dict
        Target -> tangent; a target that depends on no source is missing.
    """
    trace = trace_here()
    if trace is not None:
        with np.errstate(all="ignore"):
            found = _walk(nodes, seeds, targets, recorded, zero_wins=trace.zero_wins)
            if trace.guard(nodes, list(found.values())):  # inside of a vmap the entries are known
                found = _walk(nodes, seeds, targets, recorded, zero_wins=True)
        return found
    details = setting_here().details
    walk: Any = _walk if details is None else details.timed_forward(_walk)
    if details is not None and details.looks:
        with np.errstate(all="ignore"), details.looking(nodes, recorded) as look:
            return walk(nodes, seeds, targets, recorded, zero_wins=True, look=look.at_tangent)
    with np.errstate(all="ignore"):  # zeros win over infinite derivatives as in the backward walk
        found = walk(nodes, seeds, targets, recorded, zero_wins=False)
        if any(np.isnan(_raw(tangent)).any() for tangent in found.values()):
            found = walk(nodes, seeds, targets, recorded, zero_wins=True)
    return found


def _walk(nodes, seeds, targets, recorded: bool, zero_wins: bool, look=None):
    tangents = dict(seeds)
    needed = _ancestors(nodes, targets)
    for node in nodes:
        if node not in needed or node in seeds:
            continue
        entering = [None if parent is None else tangents.get(parent) for parent in node.parents]
        if all(tangent is None for tangent in entering):
            continue
        tangents[node] = _tangent(node, entering, recorded, zero_wins)
        if look is not None:
            look(node, entering, tangents[node])
    return {node: tangents[node] for node in targets if node in tangents}


def _ancestors(nodes, targets) -> set[Node]:
    """Nodes on a path to one of ``targets``: only along these must there be rules."""
    needed = set(targets)
    for node in reversed(nodes):
        if node in needed:
            needed.update(parent for parent in node.parents if parent is not None)
    return needed


def _tangent(node: Node, entering, recorded: bool, zero_wins: bool):
    """Tangent of the result of ``node``, given those of its arguments."""
    primitive = node.primitive
    if primitive is PROJECT:
        return entering[0][node.params["index"]]
    ans, args = tensors_of(node) if recorded else (node.value, node.args)
    if primitive.joint and isinstance(primitive.jvps, tuple):
        return _conform(primitive.jvps[0](entering, ans, *args, **node.params), node.value)
    rules = primitive.jvp_rules(len(args))
    if rules is None:
        return _transposed(node, entering, ans, args, recorded)
    run = primitive if recorded else primitive.impl
    differentiable = primitive.rules(len(args)) if isinstance(rules, str) else rules
    for index, tangent in enumerate(entering):
        if tangent is not None and differentiable[index] is None:
            raise primitive.missing_rule(index, "JVP")
    if rules == LINEAR:
        filled = [
            arg if rule is None else _zeros(arg) if tangent is None else tangent
            for rule, tangent, arg in zip(differentiable, entering, args, strict=True)
        ]
        return _conform(run(*filled, **node.params), node.value)
    total = None
    for index, tangent in enumerate(entering):
        if tangent is None:
            continue
        if rules == MULTILINEAR:
            part = run(*args[:index], tangent, *args[index + 1 :], **node.params)
        else:
            part = rules[index](tangent, ans, *args, **node.params)
            if zero_wins and primitive.elementwise:
                lost = vanishes(tangent, rules[index], node) & np.logical_not(np.isfinite(part))
                part = np.where(lost, np.zeros((), tangent.dtype), part)
        total = part if total is None else _plus(total, part)
    return _conform(total, node.value)


def _plus(total, part):
    """Sum of two tangents; of each pair of them, for a primitive with several results."""
    return tuple(map(_plus, total, part)) if isinstance(total, tuple) else total + part


def _conform(tangent: Any, value) -> Any:
    """Give a tangent the shape and dtype of its ``value``."""
    if isinstance(value, tuple):
        return tuple(map(_conform, tangent, value))
    if tangent.shape != value.shape:
        tangent = np.broadcast_to(tangent, value.shape)
    if tangent.dtype.kind == "c" and value.dtype.kind != "c":
        tangent = np.real(tangent)
    if tangent.dtype != value.dtype:
        raw: Any = tangent if isinstance(tangent, Tensor) else np.asarray(tangent)
        tangent = np.astype(raw, value.dtype)
    return tangent


def _transposed(node: Node, entering, ans, args, recorded: bool):
    """JVP as the transpose of the VJP."""
    primitive = node.primitive
    record = Record(watches_variables=False)
    several = isinstance(node.value, tuple)
    values = node.value if several else (node.value,)
    before = replace(current() if recorded else None)
    try:
        add(record)
        leaves = [leaf(_none(value), (record.token,)) for value in values]
        cts = tuple(Tensor(start.value, start) for start in leaves)
        ct = cts if several else cts[0]
        lifted = [Tensor(arg, None) if isinstance(arg, (np.ndarray, Value)) else arg for arg in args]
        answers = tuple(a if isinstance(a, Tensor) else Tensor(a, None) for a in (ans if several else (ans,)))
        answer = answers if several else answers[0]
        rules = primitive.rules(len(args))
        joint = rules[0](ct, answer, *lifted, **node.params) if primitive.joint else None
        pulled = []
        for index, tangent in enumerate(entering):
            if tangent is None:
                continue
            if joint is None and rules[index] is None:
                raise primitive.missing_rule(index, "VJP")
            result = rules[index](ct, answer, *lifted, **node.params) if joint is None else joint[index]
            if isinstance(result, Tensor):
                pulled.append((fit(result, node.parents[index].value, node, index), tangent))
    finally:
        remove(record)
        replace(before)
    seeds: dict[Node, Any] = {}
    for result, tangent in pulled:
        if result.node is not None and record.token in result.node.tapes:
            have = seeds.get(result.node)
            seeds[result.node] = tangent if have is None else have + tangent
    found = pull_back(record.nodes, seeds, leaves, recorded)
    parts = tuple(
        found.get(start, Tensor(_none(start.value), None) if recorded else _none(start.value)) for start in leaves
    )
    return parts if several else parts[0]


def _none(value):
    """Zeros of the shape and dtype of ``value``."""
    return np.zeros(value.shape, value.dtype)


def _zeros(arg):
    """Zero tangent for an argument that has none."""
    if isinstance(arg, (int, float, complex)):
        return 0.0
    return np.zeros(arg.shape, arg.dtype if arg.dtype.kind in "fc" else np.float64)


def _raw(value):
    if isinstance(value, tuple):
        return np.concatenate([np.ravel(_raw(part)) for part in value])
    return value.array if isinstance(value, Tensor) else value
