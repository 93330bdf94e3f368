"""Body: the body of a loop in a trace of its own, and the bodies of the loops that are its derivatives."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import add
from typing import Any

import numpy as np

from ..compile.program import Input
from ..errors import NotDifferentiableError
from ..symbol import Value
from ..tensor import Tensor
from .branches import conformed, matters
from .code import Code
from .inner import InnerTrace


@dataclass
class Body:
    """One step of a loop: from carry, slices and constants to the next carry and slices of results.

    Attributes
    ----------
    inner : InnerTrace
    carry, slices, constants : lists of labels
        Of the operands of one step, in this order: what the step before gave; the step's part of what has one entry
        per step; what is the same in all steps.
    next_carry, results : lists of Tensor
        In the inner trace.
    depth : int
        How many more derivatives can be taken.
    drawn : bool
        Whether random numbers are drawn at each step; otherwise they are among the slices.
    guards : list of Value
        To be looked at for NaN.
    saved : dict
        Labels of slices that are values which the loop forward has kept, so that they need not be computed again.
    """

    inner: InnerTrace
    carry: list[Hashable]
    slices: list[Hashable]
    constants: list[Hashable]
    next_carry: list[Tensor]
    results: list[Tensor]
    depth: int
    drawn: bool
    guards: list[Value] = field(default_factory=list)
    saved: dict[Value, Hashable] = field(default_factory=dict)

    @property
    def labels(self) -> list[Hashable]:
        """Of all operands."""
        return [*self.carry, *self.slices, *self.constants]

    @property
    def hosts(self) -> dict[Hashable, Input]:
        """What is drawn at each step."""
        return self.inner.hosts if self.drawn else {}

    def code(self) -> Code:
        """The step as a sub-program."""
        positions = {label: i for i, label in enumerate(self.labels)}
        outputs = [*self.next_carry, *self.results]
        return self.inner.extract("step", outputs, positions, self.guards, self.drawn, self.saved)

    def floating(self) -> list[int]:
        """Positions in the carry that have a derivative. What a Variable is assigned has none, as eagerly."""
        return [
            i
            for i, label in enumerate(self.carry)
            if self.inner.labels[label].kind == "operand" and self.inner.labels[label].value.dtype.kind in "fc"
        ]


@dataclass
class Pulled:
    """The body of the loop backward.

    Attributes
    ----------
    body : Body
        Carries cotangents of the carry, and sums of cotangents of what is the same in all steps.
    floating : list of int
        Which entries of the carry have cotangents.
    sums : list of labels
        What has a sum.
    outer : list of labels
        Slices that have cotangents: results of the body.
    """

    body: Body
    floating: list[int]
    sums: list[Hashable]
    outer: list[Hashable]


def pull(body: Body, live: Collection[int], wanted: Sequence[Hashable]) -> Pulled:
    """Derive the step backward.

    Parameters
    ----------
    live : collection of int
        Results that have cotangents.
    wanted : sequence of label
        Operands whose cotangents are asked for, besides the carry.
    """
    inner, depth = body.inner, body.depth
    floating = body.floating()
    cts: list[Any] = [None] * (len(body.next_carry) + len(body.results))
    carry: list[Hashable] = []
    for i in floating:
        carry.append(("carried", object()))
        cts[i] = inner.operand(carry[-1], zeros_like(body.next_carry[i]), depth - 1)
    slices = [*body.carry, *body.slices, *body.hosts]
    for i in live:
        slices.append(("ct", object()))
        cts[len(body.next_carry) + i] = inner.operand(slices[-1], zeros_like(body.results[i]), depth - 1)
    own = [body.carry[i] for i in floating]
    asked = [label for label in wanted if label not in own]
    outputs = [*body.next_carry, *body.results]
    found, guards = inner.pulled(depth, outputs, cts, [inner.sources(label) for label in [*own, *asked]])
    next_carry = [conformed(inner, ct, inner.handle(label)) for label, ct in zip(own, found, strict=False)]
    sums, outer, results = [], [], []
    for label, ct in zip(asked, found[len(own) :], strict=True):
        if ct is None:
            continue
        if label in body.slices:
            outer.append(label)
            results.append(ct)
            continue
        sums.append(label)
        carry.append(("sum", object()))
        before = inner.operand(carry[-1], zeros_like(ct), depth - 1)
        next_carry.append(inner.under(depth - 1, partial(add, before, ct)))
    constants, known = list(body.constants), dict(body.saved)
    backward = Body(inner, carry, slices, constants, next_carry, results, depth - 1, False, guards, known)
    return Pulled(backward, floating, sums, outer)


@dataclass
class Pushed:
    """The body of a loop that carries tangents too.

    Attributes
    ----------
    body : Body
    floating : list of int
        Which entries of the carry have tangents.
    results : list of int
        Which results have tangents; only these are results of the body.
    """

    body: Body
    floating: list[int]
    results: list[int]


def push(body: Body, entering: Collection[Hashable]) -> Pushed:
    """Derive the step with tangents.

    Parameters
    ----------
    entering : collection of label
        Slices and constants that have tangents.
    """
    inner, depth = body.inner, body.depth
    floating = body.floating()
    seeds: dict[Any, Tensor] = {}
    tangents: list[Hashable] = []
    for i in floating:
        tangents.append(("tangent", object()))
        handle = inner.operand(tangents[-1], zeros_like(body.next_carry[i]), depth - 1)
        seeds.update(dict.fromkeys(inner.sources(body.carry[i]), handle))
    slices, constants = [*body.slices, *body.hosts], list(body.constants)
    for label in entering:
        own = ("tangent", object())
        sliced = label in body.slices
        (slices if sliced else constants).append(own)
        handle = inner.operand(own, zeros_like(inner.labels[label].value), depth - 1)
        seeds.update(dict.fromkeys(inner.sources(label), handle))
    outputs = [*body.next_carry, *body.results]
    found, guards = inner.pushed(depth, seeds, outputs)
    full = [
        None if out.dtype.kind not in "fc" else conformed(inner, t, out) for t, out in zip(found, outputs, strict=True)
    ]
    count = len(body.next_carry)
    which = [i for i in range(len(body.results)) if full[count + i] is not None]
    next_carry: list[Any] = [*body.next_carry, *(full[i] for i in floating)]
    results: list[Any] = [full[count + i] for i in which]
    carry = [*body.carry, *tangents]
    forward = Body(inner, carry, slices, constants, next_carry, results, depth - 1, False, guards, dict(body.saved))
    return Pushed(forward, floating, which)


def live_cotangents(cts: Sequence[Any], results: Sequence[Any]) -> dict[int, Any]:
    """Cotangents that may be something else than zeros, by position."""
    return {i: ct for i, (ct, out) in enumerate(zip(cts, results, strict=False)) if matters(ct, out)}


def refuse_draws(name: str, hosts: Any) -> None:
    """A loop of unknown length runs again for its derivative, and would draw other numbers."""
    if hosts:
        raise NotDifferentiableError(
            f"{name}: random numbers are drawn in a loop of which it is not known how often it runs, and a derivative "
            "is asked. Use scan, or fori_loop with Python integers as bounds; or draw the numbers before the loop."
        )


def zeros_like(like: Any) -> Any:
    """Zeros of the shape and dtype of an array, a Tensor or a value."""
    return np.zeros(like.shape, like.dtype)
