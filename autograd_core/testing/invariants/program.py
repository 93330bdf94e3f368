"""A user's function as the invariants see it: floating arrays in, floating arrays out, with names for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ConversionError, CotangentError, DtypeError, GradientCheckError
from ...functional import jvp, vjp
from ...probing import probing
from ...tensor import Overloaded, Tensor, as_value
from ...tree import flatten
from ..checking.diagnosis import name_of_leaves
from ..checking.lines import raw

Arrays = list[Any]

EACH_ENTRY = 64  # results or inputs with so many entries are looked at one by one


class Program:
    """A function with its arguments.

    Parameters
    ----------
    asked : str
        The check, for messages.
    f, args
        As the user gave them.
    twice : bool
        Whether it is called several times, so that it has to be deterministic.

    Attributes
    ----------
    points : list of array
        The floating and complex leaves of the arguments; others are held fixed.
    names : list of str
        Of these, as the user would write them.
    """

    def __init__(self, asked: str, f: Callable[..., Any], args: Any, twice: bool = True):
        if not callable(f):
            raise TypeError(f"{asked}: expected a function and its arguments; got {type(f).__name__}.")
        self.asked = asked
        self.f = f
        args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
        self._leaves, self._rebuild = flatten(args)
        names = name_of_leaves(args)
        self._active = [index for index, leaf in enumerate(self._leaves) if _is_floating(leaf)]
        if not self._active:
            raise DtypeError(
                f"{asked}: none of the {len(self._leaves)} arguments is a floating or complex value; integers have no "
                "derivative. Write 3.0 instead of 3."
            )
        self.points = [np.array(as_value(self._leaves[index])) for index in self._active]
        self.names = [names[index] for index in self._active]
        if twice:
            self._check_deterministic()

    @property
    def title(self) -> str:
        """The check and the function."""
        return f"{self.asked}({getattr(self.f, '__name__', type(self.f).__name__)})"

    def __call__(self, xs: Sequence[Any]) -> list[Any]:
        """Floating and complex results at ``xs``."""
        leaves = list(self._leaves)
        for index, x in zip(self._active, xs, strict=True):
            leaves[index] = x
        with probing(False):  # whether rules are right is asked here
            outs = flatten(self.f(*self._rebuild(leaves)))[0]
        for out in outs:
            if not isinstance(out, (Overloaded, np.ndarray, np.generic, float, complex, int)):
                raise ConversionError(f"{self.asked}: the function returned a {type(out).__name__}; expected Tensors.")
        found = [out for out in outs if raw(out).dtype.kind in "fc"]
        if not found:
            raise GradientCheckError(
                f"{self.title}: the function returned nothing floating, so there is nothing to check."
            )
        return found

    def _check_deterministic(self) -> None:
        """Call it twice: of a function that draws random numbers no invariant holds, and no rule is to blame."""
        with np.errstate(all="ignore"):
            first, second = (
                [raw(out) for out in self([Tensor(x.copy(), None) for x in self.points])] for _ in range(2)
            )
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            if not _same(one, other):
                result = "" if len(first) == 1 else f" for result {number}"
                raise GradientCheckError(
                    f"{self.title}: called twice with the same arguments, the function gave{result} {_shown(one)} and "
                    f"then {_shown(other)}; it is not deterministic, and no invariant holds of two functions. Draw "
                    "random numbers from a Generator that is made anew in each call, or switch dropout off."
                )
        if len(first) != len(second):
            raise GradientCheckError(
                f"{self.title}: called twice with the same arguments, the function gave {len(first)} results and then "
                f"{len(second)}; it is not deterministic."
            )

    def check_rules(self, pull: Callable[[Arrays], Arrays], cts: Arrays) -> Arrays:
        """What ``pull`` gives for ``cts``; an error if it gives something else the second time."""
        first, second = pull([ct.copy() for ct in cts]), pull([ct.copy() for ct in cts])
        for name, one, other in zip(self.names, first, second, strict=True):
            if not _same(one, other):
                raise GradientCheckError(
                    f"{self.title}: pulled back twice, the same cotangent gave for {name} {_shown(one)} and then "
                    f"{_shown(other)}: a rule on the way is not deterministic, or keeps something from call to call."
                )
        return first

    def pulled(self, xs: Arrays | None = None) -> tuple[Arrays, Callable[[Arrays], Arrays]]:
        """Results, and the VJP: from their cotangents to those of the points."""
        with np.errstate(all="ignore"):
            outs, pull = vjp(self, [Tensor(x, None) for x in (self.points if xs is None else xs)])

        def arrays(cts: Arrays) -> Arrays:
            try:
                with np.errstate(all="ignore"):
                    return [raw(ct) for ct in pull([Tensor(ct, None) for ct in cts])[0]]
            except CotangentError as error:
                raise GradientCheckError(f"{self.title}: {error}") from error

        return [raw(out) for out in outs], arrays

    def pushed(self, tangents: Arrays, xs: Arrays | None = None) -> Arrays:
        """Tangents of the results, given those of the points."""
        points = [Tensor(x, None) for x in (self.points if xs is None else xs)]
        try:
            with np.errstate(all="ignore"):
                return [raw(t) for t in jvp(self, (points,), ([Tensor(t, None) for t in tangents],))[1]]
        except (CotangentError, ValueError) as error:  # NumPy's own words for tangents that do not fit together
            raise GradientCheckError(f"{self.title}, forward mode: {error}") from error

    def at(self, position: int, entry: tuple[int, ...]) -> str:
        """How an entry of an input is called."""
        return self.names[position] + (f", entry {list(entry)}" if entry else "")


def _same(one: Any, other: Any) -> bool:
    """Whether two arrays are the same but for the order in which threads add up."""
    if one.shape != other.shape:
        return False
    with np.errstate(all="ignore"):
        return bool(np.allclose(one, other, rtol=1e3 * np.finfo(one.dtype).eps, atol=0, equal_nan=True))


def _shown(value: Any) -> str:
    text = " ".join(np.array2string(value, threshold=6, precision=8).split())
    return text if len(text) < 200 else f"{text[:200]}..."


def noise(like: Sequence[Any], generator: np.random.Generator) -> Arrays:
    """Random arrays of the shapes and dtypes of ``like``, entries of size 0.5 to 1."""
    made = []
    for x in like:
        array = generator.choice([-1.0, 1.0], x.shape) * generator.uniform(0.5, 1.0, x.shape)
        if x.dtype.kind == "c":
            array = array + 1j * generator.uniform(-1.0, 1.0, x.shape)
        made.append(np.asarray(array).astype(x.dtype))
    return made


def tolerance(arrays: Sequence[Any], rtol: float | None) -> float:
    """``rtol``, or what rounding leaves of the coarsest dtype: 4e-11 in float64, 2e-5 in float32."""
    if rtol is not None:
        return rtol
    return float(max(np.finfo(array.dtype).eps for array in arrays) ** (2 / 3))


def units(like: Any) -> list[tuple[tuple[int, ...], Any]]:
    """Pairs (entry, array that is 1 there and 0 elsewhere)."""
    found = []
    for entry in np.ndindex(like.shape):
        unit = np.zeros_like(like)
        unit[entry] = 1
        found.append((entry, unit))
    return found


def _is_floating(leaf: Any) -> bool:
    if isinstance(leaf, (Overloaded, np.ndarray, np.generic)):
        return leaf.dtype.kind in "fc"
    return isinstance(leaf, (float, complex)) and not isinstance(leaf, bool)


def agree(
    program: Program,
    what: str,
    names: Sequence[str],
    found: Sequence[Any],
    expected: Sequence[Any],
    rule: str,
    rtol: float,
    sizes: Sequence[Any] | None = None,
    noise: Sequence[float] | None = None,
) -> None:
    """Raise if arrays differ, naming the worst entry.

    Parameters
    ----------
    what, rule : str
        What the first number is, and the words before the second: ``"the gradient"``, ``"twice that at x is"``.
    names : sequence of str
        Of the arrays.
    sizes : sequence of array, optional
        Of the terms that were added up, where the arrays themselves are smaller.
    noise : sequence of float, optional
        What rounding leaves of each array even where it should be 0; allowed besides.
    """
    worst: tuple[float, str] | None = None
    for index, (name, left, right) in enumerate(zip(names, found, expected, strict=True)):
        left, right = np.asarray(left), np.asarray(right)
        if left.shape != right.shape:
            raise GradientCheckError(
                f"{program.title}: {what} for {name} has shape {left.shape}; {rule} shape {right.shape}."
            )
        if not left.size:
            continue
        with np.errstate(all="ignore"):
            terms = [np.abs(left), np.abs(right)] + ([] if sizes is None else [np.abs(sizes[index])])
            scale = max(float(np.max(np.where(np.isfinite(term), term, 0), initial=0.0)) for term in terms)
            off = np.where((left == right) | (np.isnan(left) & np.isnan(right)), 0.0, np.abs(left - right))
            off = np.where(np.isnan(off), np.inf, off)
        allowed = rtol * scale + (noise[index] if noise is not None else 0.0)
        entry = tuple(map(int, np.unravel_index(int(np.argmax(off)), off.shape)))
        excess = float(off[entry]) / allowed if allowed > 0 else np.inf if off[entry] > 0 else 0.0
        if excess > 1 and (worst is None or excess > worst[0]):
            where = name + (f", entry {list(entry)}" if entry else "")
            worst = (
                excess,
                (
                    f"{program.title}: {what} for {where} is {left[entry]!s}; {rule} {right[entry]!s}. They differ "
                    f"by {float(off[entry]):.3g}, allowed {allowed:.3g} (rtol={rtol:.3g})."
                ),
            )
    if worst is not None:
        raise GradientCheckError(worst[1])
