"""The backward walk: pull a cotangent back from the target to its sources, edge by edge.

One loop over the tape in reverse. Recording order is a topological order, so there is no sorting and no recursion: a
graph of a million Nodes is walked like one of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy import add, ndarray

from .cotangents import NOTES, Parts, carry_out, complete, fit
from .hooked import HookedCotangents
from .hooks import ON_NODES
from .node import Node
from .primitive import output_of
from .recording import current
from .symbol import Value
from .tensor import Tensor

_ARRAYS = (np.ndarray, Value)


@np.errstate(all="ignore")  # infinities are looked at afterwards, see below; as a decorator it takes half the time
def pull_back(
    nodes: Sequence[Node], seeds: Mapping[Node, Any], sources: Collection[Node], recorded: bool
) -> dict[Node, Any]:
    """Cotangents of ``sources``, given those of the targets.

    A zero cotangent must not meet an infinite derivative (0 * inf is NaN): where a masked entry overflowed, its
    cotangent of zero has to win; likewise a derivative of zero over an infinite cotangent, which is the same thing seen
    in forward mode. Checking that at every edge would double the cost of small operations, so the walk is run plainly,
    and only if a NaN arrives at a source it is run again with zeros winning at each elementwise edge.

    Parameters
    ----------
    nodes : sequence of Node
        In the order they were recorded.
    seeds : mapping of Node to array or Tensor
        Cotangents of the targets, of their shapes and dtypes.
    sources : collection of Node
    recorded : bool
        Whether other tapes shall record the walk, for higher derivatives: rules then see Tensors instead of arrays.

    Returns
    -------
    dict
        Source -> cotangent; a source that no path leads to is missing. (Other leaves that were met may be there too.)
    """
    kept = frozenset(sources)
    walk: Any = _walk
    frame = current()
    if frame is not None:
        trace, details = frame.trace, frame.origin.details
        if trace is not None:  # entries are not known: the plan looks, and asks for another trace if it finds a NaN
            found = _walk(nodes, seeds, kept, recorded, zeros_win if trace.zero_wins else None)
            if trace.guard(nodes, [found[source] for source in kept if source in found]):
                found = _walk(nodes, seeds, kept, recorded, zeros_win)  # inside of a vmap the entries are known
            return found
        if details is not None:
            walk = details.timed(_walk)
            if details.looks:
                with details.looking(nodes, recorded) as look:
                    return walk(nodes, seeds, kept, recorded, look)
    if ON_NODES:  # what hooks are called for once cannot be walked twice
        return walk(nodes, seeds, kept, recorded, _zeros_win_if_needed)
    found = walk(nodes, seeds, kept, recorded, None)
    if _has_nan(found, kept):
        found = walk(nodes, seeds, kept, recorded, zeros_win)
    return found


@np.errstate(all="ignore")
def pull_back_watched(
    nodes: Sequence[Node], seeds: Mapping[Node, Any], sources: Collection[Node], look: Callable[..., Any]
) -> dict[Node, Any]:
    """``pull_back`` on arrays, with a function that looks at what each rule sends, and may send something else.

    ``look(ct, node, index, rule, contribution)`` is called for each edge, and gives what goes along it; see
    ``zeros_win``.
    """
    return _walk(nodes, seeds, frozenset(sources), False, look)


def zeros_win(ct, node: Node, index: int, rule, contribution):
    """What a rule has sent along an edge, with zero where the cotangent or the derivative is, whatever the other is."""
    if rule is None or not node.primitive.elementwise:
        return contribution
    # Only what is not finite is replaced: 0 times a finite number is 0 already, and has derivatives of its own.
    lost = vanishes(ct, rule, node) & np.logical_not(np.isfinite(contribution))
    return np.where(lost, np.zeros((), contribution.dtype), contribution)


def _zeros_win_if_needed(ct, node: Node, index: int, rule, contribution):
    """``zeros_win`` at the edges at which something is not finite: others are left as they are, and differentiable."""
    if not node.primitive.elementwise:  # it may have sent a note in place of an array
        return contribution
    return contribution if np.isfinite(contribution).all() else zeros_win(ct, node, index, rule, contribution)


def _walk(
    nodes, seeds, kept, recorded: bool, mend: Callable[[Any, Node, int, Any, Any], Any] | None
) -> dict[Node, Any]:
    # `mend` looks at what each rule sends (None for one rule for all edges), and gives what shall be sent instead.
    pending: dict[Node, Any] = HookedCotangents(seeds) if ON_NODES else dict(seeds)
    owned: set[Node] = set()  # nodes whose pending cotangent is an array made here, so that it may be written to
    connected: set[Node] | None = None  # looked for only when a rule is missing
    take = pending.pop  # freed once used
    for node in reversed(nodes):
        ct = take(node, None)
        if ct is None:  # not on any path from the target
            continue
        if node in kept:
            pending[node] = ct
        primitive = node.primitive
        ans: Any = node.value
        args, params = node.args, node.params
        if recorded:
            ans, args = tensors_of(node)
            if ct.__class__ is ndarray:  # a constant that a rule has sent: it goes on as a Tensor, like all others
                ct = Tensor(ct, None)
        if ct.__class__ is Parts:
            ct = complete(ct, ans)
        elif primitive.elementwise and not recorded and not ct.ndim:
            ct, ans, args = _scalars(ct, ans, args)
        if primitive.rule_per_argument:
            rules: Any = primitive.vjps
            joint: Any = None
        else:
            rules = primitive.rules(len(args))
            joint = rules[0](ct, ans, *args, **params) if primitive.joint else None
        index = -1
        for parent in node.parents:
            index += 1  # enumerate would take longer than all else that is done for a constant
            if parent is None:
                continue
            if joint is None:
                rule = rules[index]
                if rule is None:
                    connected = _connected(nodes, kept) if connected is None else connected
                    if parent in connected:
                        raise primitive.missing_rule(index, "VJP")
                    continue
                if params:
                    contribution = rule(ct, ans, *args, **params)
                elif len(args) == 2:  # the commonest, spelled out at half the time
                    contribution = rule(ct, ans, args[0], args[1])
                elif len(args) == 1:
                    contribution = rule(ct, ans, args[0])
                else:
                    contribution = rule(ct, ans, *args)
                if mend is not None:
                    contribution = mend(ct, node, index, rule, contribution)
            else:
                contribution = joint[index]
                if contribution is None:
                    continue
                if mend is not None:
                    contribution = mend(ct, node, index, None, contribution)
            value: Any = parent.value
            if value.__class__ is not tuple and (
                contribution.shape != value.shape or contribution.dtype is not value.dtype
            ):
                contribution = fit(contribution, value, node, index)
            before = pending.get(parent)
            if contribution.__class__ is not ndarray and contribution.__class__ in NOTES:
                may_write = node in owned and node not in kept
                carry_out(contribution, pending, owned, parent, may_write)
            elif before is None:
                pending[parent] = contribution
            elif parent in owned and contribution.__class__ is not Tensor:
                add(before, contribution, before)
            else:
                pending[parent] = total = before + contribution
                if total.__class__ is ndarray:
                    owned.add(parent)
                else:
                    owned.discard(parent)
    return pending


def _scalars(ct, ans, args):
    """NumPy's scalars in place of 0-d arrays: arithmetic on them takes a tenth of the time, and gives the same."""
    if ans.__class__ is ndarray:
        ans = ans[()]
    if len(args) == 2:
        a, b = args
        return ct[()], ans, (a[()] if a.__class__ is ndarray else a, b[()] if b.__class__ is ndarray else b)
    return ct[()], ans, [arg[()] if arg.__class__ is ndarray else arg for arg in args]


def vanishes(incoming, rule, node: Node):
    """Where a cotangent or tangent, or the derivative of an elementwise ``node`` that it meets, is zero."""
    value, *args = (Tensor(arg, None) if arg.__class__ is Value else arg for arg in (node.value, *node.args))
    slope = rule(np.ones(incoming.shape, incoming.dtype), value, *args, **node.params)
    return np.equal(incoming, 0) | np.equal(slope, 0)


def tensors_of(node: Node):
    """Result and arguments of ``node`` as Tensors that lead back to where they came from, so that rules record."""
    if isinstance(node.value, tuple):
        frame = current()
        ans: Any = tuple(
            Tensor(value, None) if frame is None else output_of(frame, node, index)
            for index, value in enumerate(node.value)
        )
    else:
        ans = Tensor(node.value, node) if isinstance(node.value, _ARRAYS) else node.value
    args = tuple(
        (Tensor(arg, None) if arg.__class__ is Value else arg)
        if parent is None or not isinstance(arg, _ARRAYS)
        else Tensor(arg, parent)
        for arg, parent in zip(node.args, node.parents, strict=True)
    )
    return ans, args


def _connected(nodes, sources) -> set[Node]:
    """Nodes from which a path of recorded edges leads back to one of ``sources``, and these."""
    connected = set(sources)
    for node in nodes:
        if not connected.isdisjoint(node.parents):
            connected.add(node)
    return connected


def _has_nan(found, sources) -> bool:
    """Whether an entry is NaN; through BLAS products, 20 times faster than isnan().any() on 400,000 floats."""
    for source in sources:
        ct = found.get(source)
        if ct is None:
            continue
        array = ct.array if ct.__class__ is Tensor else ct
        flat = array if array.ndim == 1 else array.ravel()
        squares = flat.dot(flat)
        if squares != squares:  # as only NaN is; np.isnan takes 0.5 us longer
            return True
    return False
