"""Whether a program gives the same, however it is run: eager, compiled, in both modes, and in numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ...compile.function import function
from ...errors import DomainError, GradientCheckError
from ...functional import jvp
from ...recording import Paused
from ...tape import GradientTape
from ...tensor import Overloaded, Tensor
from ...tree import flatten
from ..checking.check import check_grads
from .generate import raw
from .program import RandomProgram
from .reduce import Fails, reduced

EMITTERS = ("numpy", "numba")
MODES = ("rev", "fwd")
STEP = 1e-3  # of differences; the error of those with one Richardson step is of the order of its fourth power
DIFFERENCES = 1e-6
BEYOND_DOUBT = 0.1  # of the size of the terms; what is less wrong than that is looked at closely
IDENTITY = {"float64": 1e-9, "float32": 1e-4}


class ProgramError(GradientCheckError):
    """A program on which ways to run it disagree.

    Attributes
    ----------
    program : RandomProgram
        The one that was checked.
    picture : Path or None
        Where the graph of the smallest one was drawn.
    """

    def __init__(self, said: str, program: RandomProgram, picture: Path | None = None, fails: Fails | None = None):
        super().__init__(said)
        self.program = program
        self.picture = picture
        self._fails = fails
        self._smallest: RandomProgram | None = None

    @property
    def smallest(self) -> RandomProgram:
        """What is left of the program when all is cut off that it does not need to be wrong; made when asked for."""
        if self._smallest is None:
            self._smallest = self.program if self._fails is None else reduced(self.program, self._fails)
        return self._smallest

    def __str__(self) -> str:
        """What disagrees, and the code, which is written only when somebody reads it."""
        drawn = f"Picture: {self.picture}\n" if self.picture is not None else ""
        small = self.smallest
        which = "The program" if small is self.program else "The smallest part of the program that is wrong"
        return f"{self.args[0]}\n{drawn}{which}, to paste into a file:\n\n{small.code}"


def check_program(
    program: RandomProgram,
    emitters: Sequence[str] | None = None,
    modes: Sequence[str] = MODES,
    numbers: bool = True,
    picture: str | Path | None = None,
) -> None:
    """Raise if the program's values or derivatives depend on how they are computed.

    Parameters
    ----------
    program : RandomProgram
    emitters : sequence of {"numpy", "numba"}, optional
        What it is compiled for; by default both, where Numba is installed.
    modes : sequence of {"rev", "fwd"}
        Derivatives that are compared.
    numbers : bool
        Whether they are compared with differences of values too.
    picture : str or Path, optional
        File for a picture of the graph (.svg, .png, .pdf), if there is a disagreement.

    Raises
    ------
    ProgramError
        A ``GradientCheckError``, whose ``program`` is the one that was checked; its text includes the code.

    Examples
    --------
    >>> import autograd_core as ag
    >>> from autograd_core.testing.programs import check_program, random_program
    >>> check_program(random_program(seed=3, max_operations=4), emitters=["numpy"])
    """
    if emitters is None:
        emitters = [emitter for emitter in EMITTERS if emitter != "numba" or find_spec("numba") is not None]
    _check_names("emitters", emitters, EMITTERS)
    _check_names("modes", modes, MODES)
    error = _error_of(program, emitters, modes, numbers)
    if error is not None:
        # Raised here, and not where it was found, so that hypothesis takes all disagreements for the same failure.
        raise failure(program, error, picture, lambda other: _error_of(other, emitters, modes, numbers) is not None)


def _error_of(program: RandomProgram, emitters: Sequence[str], modes: Sequence[str], numbers: bool) -> Exception | None:
    """What is wrong; whatever is raised inside is a fault of one of the operations."""
    try:
        with np.errstate(all="ignore"):
            run = Runs(program)
            run.check_eager(modes, numbers)
            for emitter in emitters:
                run.compare(f"compiled ({emitter})", run_compiled([run], emitter, modes)[0], modes)
    except Exception as error:
        return error
    return None


def failure(
    program: RandomProgram, error: Exception, picture: str | Path | None = None, fails: Fails | None = None
) -> ProgramError:
    """What to raise for a program that failed with ``error``."""
    kind = "" if isinstance(error, GradientCheckError) else f"{type(error).__name__}: "
    made = ProgramError(f"{kind}{error}", program, None, fails)
    if picture is not None:
        made.picture = made.smallest.render(picture)
    return made


def _check_names(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    if isinstance(given, str) or any(name not in known for name in given):
        raise DomainError(f"check_program: {what} are {' and '.join(map(repr, known))}; got {given!r}.")


# -- one program -------------------------------------------------------------------------------------------------------


class Runs:
    """A program, run in different ways."""

    def __init__(self, program: RandomProgram):
        self.program = program
        self.points = [np.array(x) for x in program.arguments]
        generator = np.random.default_rng(0)
        self.values = self.at(self.points)
        sizes = [float(np.abs(value).max(initial=0.0)) for value in self.values]
        self.cts = [
            (ct / max(size, 1.0)).astype(ct.dtype) if size else ct
            for ct, size in zip(_noise(self.values, generator), sizes, strict=True)
            if ct.dtype.kind in "fc"
        ]
        self.direction = _noise(self.points, generator)
        dtypes = {value.dtype for value in [*self.values, *self.points]}
        coarse = any(dtype in (np.dtype("float32"), np.dtype("complex64")) for dtype in dtypes)
        self.coarse = coarse
        self.tolerance = IDENTITY["float32" if coarse else "float64"]

    def at(self, points: Sequence[Any]) -> list[Any]:
        """Values of all results at other arguments; nothing is recorded."""
        with Paused():
            return [raw(out) for out in flatten(self.program(*points))[0]]

    def derivatives(self, points: Sequence[Any], modes: Sequence[str]) -> Any:
        """Values, gradients, tangents; runs on Tensors, so it can be traced."""
        gradients: Any = []
        tangents: Any = []
        with GradientTape() as tape:
            xs = [x if isinstance(x, Tensor) else Tensor(x, None) for x in points]
            tape.watch(xs)
            values = [out if isinstance(out, Overloaded) else Tensor(raw(out), None) for out in self.outs(xs)]
        if "rev" in modes:
            floating = [out for out in values if out.dtype.kind in "fc"]
            gradients = tape.gradient(floating, xs, output_gradients=list(self.cts), unconnected_gradients="zero")
        if "fwd" in modes:
            tangents = jvp(self.floating, (list(points),), (list(self.direction),))[1]
        return values, gradients, tangents

    def outs(self, xs: Sequence[Any]) -> list[Any]:
        """Results on Tensors."""
        return flatten(self.program(*xs))[0]

    def floating(self, xs: Sequence[Any]) -> list[Any]:
        """Results that have a derivative."""
        outs = [out if isinstance(out, Overloaded) else Tensor(raw(out), None) for out in self.outs(xs)]
        return [out for out in outs if out.dtype.kind in "fc"]

    # -- eager ---------------------------------------------------------------------------------------------------------

    def check_eager(self, modes: Sequence[str], numbers: bool) -> None:
        """Values are the same with and without a tape, and both modes agree with one another and with numbers."""
        values, gradients, tangents = ([raw(x) for x in part] for part in self.derivatives(self.points, modes))
        self.expected = values, gradients, tangents
        _same("the value while it is recorded", values, self.values, 0.0)
        for index, (x, gradient) in enumerate(zip(self.points, gradients, strict=bool(gradients))):
            if gradient.shape != x.shape or gradient.dtype != x.dtype:
                raise GradientCheckError(
                    f"the gradient of x{index} has shape {gradient.shape} and dtype {gradient.dtype}; x{index} has "
                    f"{x.shape} and {x.dtype}."
                )
        slopes = {}
        if "rev" in modes:
            slopes["reverse mode"] = _pair(map(np.conj, gradients), self.direction)
        if "fwd" in modes:
            slopes["forward mode"] = _pair(map(np.conj, self.cts), tangents)
        if len(slopes) == 2:
            (reverse, size), (forward, other) = slopes.values()
            _agree("reverse mode", reverse, "forward mode", forward, self.tolerance * max(size, other, 1e-3))
        if numbers and slopes:
            self._check_numbers(modes, gradients, tangents)

    def _check_numbers(self, modes: Sequence[str], gradients: list[Any], tangents: list[Any]) -> None:
        """Quickly along a line or two; where that disagrees, ``check_grads`` looks closely and has the last word."""
        if not self.coarse:
            lines = [None, *range(len(self.points))] if len(self.points) > 1 else [None]
            if all(self._agrees_along(only, modes, gradients, tangents) for only in lines):
                return
        if self.points and any(value.dtype.kind in "fc" for value in self.values):
            check_grads(self._named, tuple(self.points), order=1, modes=tuple(modes))

    @property
    def _named(self) -> Callable[..., Any]:
        """The program as a function that has the name of the one in its code."""

        def program(*xs: Any) -> Any:
            return self.program(*xs)

        return program

    def _agrees_along(self, only: int | None, modes: Sequence[str], gradients: list[Any], tangents: list[Any]) -> bool:
        """Whether derivatives are those that differences give along a line; raises where there is no doubt."""
        direction = [v if only in (None, i) else np.zeros_like(v) for i, v in enumerate(self.direction)]
        numerical, size, smooth = self._difference(direction)
        found = {}
        if "rev" in modes:
            found["reverse mode"] = _pair(map(np.conj, gradients), direction)
        if only is None and "fwd" in modes:
            found["forward mode"] = _pair(map(np.conj, self.cts), tangents)
        for mode, (slope, other) in found.items():
            allowed = DIFFERENCES * max(size, other, 1e-3)
            if not abs(slope - numerical) <= allowed:
                if smooth and not abs(slope - numerical) <= BEYOND_DOUBT * max(size, other):
                    _agree(
                        mode,
                        slope,
                        "differences",
                        numerical,
                        allowed,
                        "a random direction" if only is None else f"x{only}",
                    )
                return False
        return True

    def _difference(self, direction: list[Any]) -> tuple[float, float, bool]:
        """Derivative along a line, the size of its terms, and whether the function is smooth there for sure."""

        def along(t: float) -> list[Any]:
            values = self.at([x + t * v for x, v in zip(self.points, direction, strict=True)])
            return [value for value in values if value.dtype.kind in "fc"]

        def quotient(ahead: list[Any], behind: list[Any], h: float) -> tuple[float, float]:
            return _pair(map(np.conj, self.cts), [(a - b) / h for a, b in zip(ahead, behind, strict=True)])

        here = [value for value in self.values if value.dtype.kind in "fc"]
        near, behind = along(STEP / 2), along(-STEP / 2)
        (coarse, _), (fine, size) = quotient(along(STEP), along(-STEP), 2 * STEP), quotient(near, behind, STEP)
        right, left = quotient(near, here, STEP / 2)[0], quotient(here, behind, STEP / 2)[0]
        scale = 0.1 * BEYOND_DOUBT * size
        return (4 * fine - coarse) / 3, size, abs(right - left) <= scale and abs(fine - coarse) <= scale

    # -- compiled ------------------------------------------------------------------------------------------------------

    def compare(self, how: str, found: Any, modes: Sequence[str]) -> None:
        """Values and derivatives computed in another way are those of the eager run."""
        values, gradients, tangents = ([raw(x) for x in part] for part in found)
        _same(f"the value, {how},", values, self.expected[0], self.tolerance)
        if "rev" in modes:
            _same(f"the gradient, {how},", gradients, self.expected[1], self.tolerance)
        if "fwd" in modes:
            _same(f"the tangent, {how},", tangents, self.expected[2], self.tolerance)


def run_compiled(runs: Sequence[Runs], emitter: str, modes: Sequence[str]) -> list[Any]:
    """What compiled programs give: all of them in one plan."""

    def step(points: Any) -> Any:
        return [run.derivatives(own, modes) for run, own in zip(runs, points, strict=True)]

    return list(function(step, jit=emitter)([list(run.points) for run in runs]))


# -- comparing ---------------------------------------------------------------------------------------------------------


def _same(what: str, found: Sequence[Any], expected: Sequence[Any], tolerance: float) -> None:
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise GradientCheckError(
                f"{what} {index} has shape {one.shape} and dtype {one.dtype}; expected {other.shape} and {other.dtype}."
            )
        if not one.size or np.array_equal(one, other, equal_nan=other.dtype.kind in "fc"):
            continue
        exact = other.dtype.kind not in "fc"
        scale = 0.0 if exact else float(np.nanmax(np.abs(other), initial=1.0))
        off = np.where(one == other, 0.0, np.abs(one.astype(other.dtype) - other) if not exact else 1.0)
        off = (
            np.where(np.isnan(off) & ~(np.isnan(one) & np.isnan(other)), np.inf, np.nan_to_num(off, posinf=np.inf))
            if not exact
            else off
        )
        if off.max() > tolerance * scale:
            entry = tuple(map(int, np.unravel_index(int(np.argmax(off)), off.shape)))
            raise GradientCheckError(
                f"{what} {index} is {one[entry]!s} at entry {list(entry)}; run eagerly it is {other[entry]!s}. They "
                f"differ by {float(off[entry]):.3g}, allowed {tolerance * scale:.3g}."
            )


def _agree(one: str, left: float, other: str, right: float, allowed: float, line: str = "a random direction") -> None:
    if not abs(left - right) <= allowed:
        raise GradientCheckError(
            f"along {line} {one} gives {left:.12g} and {other} {right:.12g}. They differ by "
            f"{abs(left - right):.3g}, allowed {allowed:.3g}."
        )


def _pair(cts: Any, tangents: Sequence[Any]) -> tuple[float, float]:
    """``sum(ct * t)``, real part, and the size of its terms."""
    total = size = 0.0
    for ct, tangent in zip(cts, tangents, strict=True):
        terms = np.real(ct * tangent)
        total += float(terms.sum())
        size += float(np.abs(terms).sum())
    return total, size


def _noise(like: Sequence[Any], generator: np.random.Generator) -> list[Any]:
    """Random arrays of size 0.5 to 1."""
    made = []
    for x in like:
        array = generator.choice([-1.0, 1.0], x.shape) * generator.uniform(0.5, 1.0, x.shape)
        if x.dtype.kind == "c":
            array = array + 1j * generator.uniform(-1.0, 1.0, x.shape)
        made.append(np.asarray(array).astype(x.dtype) if x.dtype.kind in "fc" else np.zeros_like(x))
    return made
