"""Checks that hold for every row of the table of operations, at inputs that the row itself provides.

A check takes an ``Application`` (a row, its arguments and parameters) and raises ``GradientCheckError`` if a derivative
is wrong. Derivatives are compared along random directions: with differences of the forward function, which know
nothing of the rules, and then with one another (forward against reverse, second order by three routes), which is
sharper because nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import GradientCheckError
from ..linearize import Linearized
from ..ops.domain import Draw, sample_elementwise
from ..primitive import Primitive
from ..tensor import Tensor

Arrays = Sequence[Any]

DIFFERENCES = 1e-6  # relative tolerance where one side is a difference quotient
IDENTITY = 1e-10  # relative tolerance where both sides are computed from rules


@dataclass(frozen=True)
class Application:
    """A row applied to arguments.

    Attributes
    ----------
    row : Primitive
    args : tuple
        Arrays, numbers, masks, indices.
    params : dict
    """

    row: Primitive
    args: tuple[Any, ...]
    params: dict[str, Any]

    @property
    def active(self) -> tuple[int, ...]:
        """Positions of the arguments that are tracked: floating or complex arrays, not those without a rule."""
        return self._floating(with_rule=True)

    @property
    def constant(self) -> tuple[int, ...]:
        """Positions of the floating or complex arrays without a rule."""
        return self._floating(with_rule=False)

    def _floating(self, with_rule: bool) -> tuple[int, ...]:
        every = self.row.vjps is None or self.row.joint  # one rule for all arguments
        rules = [True] * len(self.args) if every and self.row.vjps != (None,) else self.row.rules(len(self.args))
        return tuple(
            index
            for index, (arg, rule) in enumerate(zip(self.args, rules, strict=True))
            if (rule is not None) is with_rule and isinstance(arg, np.ndarray) and arg.dtype.kind in "fc"
        )

    @property
    def primals(self) -> list[Any]:
        """The arguments that are differentiated."""
        return [self.args[index] for index in self.active]

    def with_primals(self, primals: Arrays) -> list[Any]:
        """All arguments, with ``primals`` in the places of those that are differentiated."""
        args = list(self.args)
        for index, primal in zip(self.active, primals, strict=True):
            args[index] = primal
        return args

    def raw(self, primals: Arrays | None = None) -> tuple[Any, ...]:
        """Results of the forward function on arrays."""
        args = self.args if primals is None else self.with_primals(primals)
        out = self.row.impl(*args, **self.params)
        return out if isinstance(out, tuple) else (out,)

    def raw_floating(self, primals: Arrays) -> tuple[Any, ...]:
        """Those results that have a derivative."""
        return tuple(out for out in self.raw(primals) if out.dtype.kind in "fc")

    def tensors(self, primals: Arrays) -> tuple[Tensor, ...]:
        """Those results that have a derivative, computed (and recorded) on Tensors."""
        out = self.row(*self.with_primals(primals), **self.params)
        outs = out if isinstance(out, tuple) else (out,)
        return tuple(out for out in outs if out.dtype.kind in "fc")

    def __str__(self) -> str:
        given = ", ".join(f"{arg.dtype}{arg.shape}" if isinstance(arg, np.ndarray) else repr(arg) for arg in self.args)
        return f"{self.row.name}({given}" + "".join(f", {key}={value!r}" for key, value in self.params.items()) + ")"


def sample(row: Primitive, draw: Draw) -> Application:
    """Draw arguments for ``row``."""
    args, params = row.sample(draw) if row.sample is not None else sample_elementwise(row.domain, draw)
    arrays = (np.asarray(arg) if isinstance(arg, np.generic) else arg for arg in args)  # 0-d ones, to be tracked
    return Application(row, tuple(arrays), dict(params))


class EqualSides(Draw):
    """Draws shapes whose sides are all equal: a result that is transposed by mistake then has the right shape."""

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> tuple[int, ...]:
        """Shape of one side, from ``min_side`` to ``max_side``, as often as there are axes."""
        side = self.integer(min_side, max_side)
        return (side,) * self.integer(min_dims, max_dims)


# -- derivatives by rule -----------------------------------------------------------------------------------------------


def linearized(case: Application, primals: Arrays) -> Linearized:
    """The row's application to ``primals``, recorded; ``result`` holds the results that have a derivative."""
    return Linearized(case.row.name, lambda *xs: case.tensors(xs), primals, range(len(primals)), {}, copy=False)


def pull(case: Application, primals: Arrays, cts: Arrays) -> list[Any]:
    """Cotangents of ``primals``, given those of the results; None for a result without one."""
    run = linearized(case, primals)
    pairs = [(out, Tensor(ct, None)) for out, ct in zip(run.result, cts, strict=True) if ct is not None]
    return [ct.array for ct in run.pull(pairs)]


def push(case: Application, primals: Arrays, tangents: Arrays) -> list[Any]:
    """Tangents of the results, given those of ``primals``."""
    run = linearized(case, primals)
    return [t.array for t in run.push([Tensor(t, None) for t in tangents], run.result)]


# -- derivatives by differences, and pairings --------------------------------------------------------------------------


def differences(f: Callable[[list[Any]], Arrays], primals: Arrays, direction: Arrays, step: float = 1e-3) -> list[Any]:
    """Derivative of each result of ``f`` along ``direction``: central differences, one Richardson step (error h^4)."""

    def quotient(h):
        ahead = f([x + h * v for x, v in zip(primals, direction, strict=True)])
        behind = f([x - h * v for x, v in zip(primals, direction, strict=True)])
        return [(a - b) / (2 * h) for a, b in zip(ahead, behind, strict=True)]

    return [(4 * fine - coarse) / 3 for fine, coarse in zip(quotient(step / 2), quotient(step), strict=True)]


def pair(cts: Arrays, tangents: Arrays) -> tuple[float, float]:
    """``<ct, t>`` without conjugate, its real part; and the sum of the sizes of its terms, the scale of its error."""
    terms = [np.real(ct * t).ravel() for ct, t in zip(cts, tangents, strict=True) if ct is not None]
    joined = np.concatenate(terms) if terms else np.zeros(0)
    return float(joined.sum()), float(np.abs(joined).sum())


def noise(generator: np.random.Generator, like: Arrays) -> list[Any]:
    """Random arrays of the shapes and dtypes of ``like``, entries of size 0.5 to 1; read-only."""
    made = []
    for x in like:
        array = generator.choice([-1.0, 1.0], x.shape) * generator.uniform(0.5, 1.0, x.shape)
        if x.dtype.kind == "c":
            array = array + 1j * generator.uniform(-1.0, 1.0, x.shape)
        made.append(frozen(np.asarray(array).astype(x.dtype)))
    return made


def frozen(array):
    """``array``, protected against writing."""
    array.flags.writeable = False
    return array


def _agree(case, what, by_rule, other, other_name, scale, tolerance) -> None:
    bound = tolerance * max(scale, 1e-3)
    if not abs(by_rule - other) <= bound:  # so that a NaN fails too
        raise GradientCheckError(
            f"{case}: {what} is {by_rule!r} by its rule, {other!r} by {other_name}; they differ by "
            f"{abs(by_rule - other):.3g}, allowed {bound:.3g}. Arguments: {case.args!r}"
        )


# -- checks ------------------------------------------------------------------------------------------------------------


def check_value(case: Application) -> None:
    """On Tensors a row gives what its forward function gives, recorded or not, and leaves its arguments alone."""
    expected = case.raw()
    results: list[Any] = []

    def apply(*primals):
        out = case.row(*case.with_primals(primals), **case.params)
        results.extend(out if isinstance(out, tuple) else (out,))
        return out

    run = Linearized(case.row.name, apply, case.primals, range(len(case.primals)), {}, copy=False)
    plain = case.row(*case.args, **case.params)
    for outs in (results, plain if isinstance(plain, tuple) else (plain,)):
        for got, want in zip(outs, expected, strict=True):
            same = got.shape == np.shape(want) and got.dtype == want.dtype
            if not same or not np.array_equal(got.array, want, equal_nan=want.dtype.kind in "fc"):
                raise GradientCheckError(f"{case}: on Tensors {got!r}, on arrays {want!r}.")
    for got in results:
        wanted = case.row.vjps is not None and bool(case.active) and got.dtype.kind in "fc"
        if (got.node is not None) != wanted:
            raise GradientCheckError(f"{case}: the result is {'not ' if wanted else ''}recorded.")
    if case.row.vjps is None and run.record.nodes:
        raise GradientCheckError(f"{case}: a Node was recorded for an operation without a derivative.")


def check_vjp(case: Application, generator: np.random.Generator) -> None:
    """``<vjp(ct), v> = <ct, df along v>`` for each argument; cotangents have their argument's shape and dtype."""
    primals = case.primals
    cts = noise(generator, case.raw_floating(primals))
    pulled = pull(case, primals, cts)
    check_fit(case, primals, pulled)
    for position, index in enumerate(case.active):
        direction = [np.zeros_like(x) for x in primals]
        direction[position] = noise(generator, [primals[position]])[0]
        by_rule, size = pair(pulled, direction)
        numerical, other_size = pair(cts, differences(case.raw_floating, primals, direction))
        what = f"the derivative in argument {index}"
        _agree(case, what, by_rule, numerical, "differences", size + other_size, DIFFERENCES)


def check_constants(case: Application, generator: np.random.Generator) -> None:
    """An argument without a rule has no derivative: the results do not change along it."""
    for index in case.constant:
        arg = case.args[index]

        def along(xs, index=index):
            outs = replace(case, args=(*case.args[:index], *xs, *case.args[index + 1 :])).raw()
            return [out for out in outs if out.dtype.kind in "fc"]

        # A short step: beside a jump a longer one would land on its other side.
        slopes = differences(along, [arg], noise(generator, [arg]), step=1e-6)
        if any(np.any(slope != 0) for slope in slopes):
            raise GradientCheckError(
                f"{case}: argument {index} has no rule, but the result depends on it: differences give {slopes!r}."
            )


def check_fit(case: Application, primals: Arrays, pulled: Arrays) -> None:
    """Each cotangent has the shape and dtype of its argument."""
    for index, x, ct in zip(case.active, primals, pulled, strict=True):
        if ct.shape != x.shape or ct.dtype != x.dtype:
            raise GradientCheckError(
                f"{case}: the cotangent of argument {index} has shape {ct.shape} and dtype {ct.dtype}; the argument "
                f"{x.shape} and {x.dtype}."
            )


def check_jvp(case: Application, generator: np.random.Generator) -> None:
    """``<ct, jvp(v)> = <vjp(ct), v>``; a tangent has the shape and dtype of its result."""
    primals = case.primals
    outs = case.raw_floating(primals)
    # Some results without a cotangent, some arguments without a tangent, as in real programs.
    cts = [ct if generator.integers(4) else None for ct in noise(generator, outs)]
    for position in [None, *range(len(primals))] if len(primals) > 1 else [None]:
        tangents = noise(generator, primals)
        if position is not None:
            tangents = [t if at == position else np.zeros_like(t) for at, t in enumerate(tangents)]
        pushed = push(case, primals, tangents)
        for out, t in zip(outs, pushed, strict=True):
            if t.shape != out.shape or t.dtype != out.dtype:
                raise GradientCheckError(
                    f"{case}: the tangent has shape {t.shape} and dtype {t.dtype}; the result {out.shape} and "
                    f"{out.dtype}."
                )
        forward, size = pair(cts, pushed)
        reverse, other_size = pair(pull(case, primals, cts), tangents)
        _agree(case, "<ct, jvp(v)>", forward, reverse, "the VJP", size + other_size, IDENTITY)


def check_second_order(case: Application, generator: np.random.Generator) -> None:
    """The gradient of ``<vjp(ct), u>`` along ``w``, by three routes through the rules and by differences of the VJP."""
    primals = case.primals
    cts = noise(generator, case.raw_floating(primals))
    u, w = noise(generator, primals), noise(generator, primals)
    count = len(primals)

    def first_derivatives(*tracked):
        inner = linearized(case, tracked[:count])
        pulled = inner.pull(list(zip(inner.result, tracked[count:], strict=True)))
        return pulled, inner.push([Tensor(t, None) for t in u], inner.result)

    run = Linearized(case.row.name, first_derivatives, [*primals, *cts], range(count + len(cts)), {}, copy=False)
    pulled, pushed = run.result
    check_fit(case, primals, pulled)

    def agree(what, left, right, other_name, tolerance):
        (value, size), (other, other_size) = left, right
        scale = size + other_size + pair(u, [np.abs(ct.array) for ct in pulled])[1]
        _agree(case, what, value, other, other_name, scale, tolerance)

    second = [ct.array for ct in run.pull([(ct, Tensor(t, None)) for ct, t in zip(pulled, u, strict=True)])]
    reverse = pair(second[:count], w)
    numerical = pair(u, differences(lambda xs: pull(case, xs, cts), primals, w))
    agree("the second derivative", reverse, numerical, "differences of the VJP", DIFFERENCES)
    tangents = [Tensor(t, None) for t in [*w, *map(np.zeros_like, cts)]]
    forward = pair(u, [t.array for t in run.push(tangents, pulled)])
    agree("the second derivative (reverse over reverse)", reverse, forward, "forward over reverse", IDENTITY)
    of_jvp = run.pull([(t, Tensor(ct, None)) for t, ct in zip(pushed, cts, strict=True)])
    mixed = pair([ct.array for ct in of_jvp[:count]], w)
    agree("the second derivative (reverse over reverse)", reverse, mixed, "reverse over forward", IDENTITY)
    # The VJP is linear in its cotangent, and pulling u back through it is the JVP.
    twice, once = pair(cts, second[count:]), pair(cts, push(case, primals, u))
    agree("the VJP of the VJP", twice, once, "the JVP", IDENTITY)
