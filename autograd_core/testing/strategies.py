"""Hypothesis strategies for arrays and what goes with them: shapes, axes, indices, nested structures.

They draw through ``ops.domain.Draw``, as the rows of the table of operations do for their own tests, so that there is
one place where test inputs come from. Hypothesis itself is imported when a strategy is asked for; it comes with the
extra ``test``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import DomainError, missing_extra
from ..ops.domain import Draw
from .programs.drawing import ProgramDraw
from .programs.generate import Generator
from .programs.pool import pool_of, sampled_operation
from .programs.special import with_special

Shape = tuple[int, ...]


def _hypothesis():
    try:
        import hypothesis.strategies
    except ImportError:
        raise missing_extra("hypothesis", "test", "autograd_core.testing.strategies") from None
    return hypothesis.strategies


def draw_from(data: Any, dtype: Any = "float64") -> Draw:
    """A ``Draw`` that takes its numbers from hypothesis.

    Parameters
    ----------
    data : what ``st.data()`` gives, or the ``draw`` function of a composite strategy
    dtype : dtype
        Of the arrays drawn.
    """
    st = _hypothesis()
    draw = data if callable(data) else data.draw
    return Draw(lambda low, high: draw(st.integers(low, high)), dtype)


def _drawn(function: Callable[[Draw], Any], dtype: Any = "float64"):
    """Strategy for what ``function`` makes of a ``Draw``."""

    def build(draw):
        return function(draw_from(draw, dtype))

    return _hypothesis().composite(build)()


# -- shapes ------------------------------------------------------------------------------------------------------------


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4):
    """Shapes, from 0-d on, with empty sides unless ``min_side`` is 1."""
    return _drawn(lambda draw: draw.shape(min_dims, max_dims, min_side, max_side))


def broadcastable_shapes(count: int = 2, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4):
    """Tuples of ``count`` shapes that broadcast together: sides of 1 and missing leading axes among them."""

    def build(draw: Draw) -> tuple[Shape, ...]:
        full = draw.shape(min_dims, max_dims, min_side, max_side)
        return tuple(draw.broadcastable(full) if draw.boolean() else full for _ in range(count))

    return _drawn(build)


def axes(ndim: int):
    """Axes of an array of ``ndim`` axes: None, one (negative too), or a tuple of different ones, maybe empty."""
    return _drawn(lambda draw: draw.axes(ndim))


# -- arrays ------------------------------------------------------------------------------------------------------------


def arrays(
    shape: Any = None,
    dtype: Any = "float64",
    low: float = -2.0,
    high: float = 2.0,
    special: Sequence[float] = (),
    ties: bool = False,
):
    """Arrays with entries between ``low`` and ``high``, contiguous or not.

    Parameters
    ----------
    shape : tuple of int, strategy for one, or None
        None: from 0-d to 3-d, empty ones among them.
    dtype : dtype
        Floating or complex (imaginary parts come from the same interval).
    low, high : float
    special : sequence of float
        Values to put at some entries in place of what was drawn: 0, bounds, infinities, NaN.
    ties : bool
        Whether some entries are made equal to others.
    """
    if np.dtype(dtype).kind not in "fc" or not low <= high:
        raise DomainError(f"arrays: expected a floating dtype and low <= high; got {dtype!r}, {low!r}, {high!r}.")
    shape = shapes() if shape is None else shape
    fixed = isinstance(shape, (tuple, list))

    def build(draw):
        return _array(draw_from(draw, dtype), tuple(shape) if fixed else draw(shape), low, high, special, ties)

    return _hypothesis().composite(build)()


def _array(draw: Draw, shape: Shape, low: float, high: float, special: Sequence[float], ties: bool):
    array = draw.array(shape, low, high)
    if draw.dtype.kind == "c":
        array = np.asarray(array.real + 1j * draw.array(shape, low, high).real, draw.dtype)
    flat = array.reshape(-1)
    for _ in range(draw.integer(0, min(3, flat.size)) if special else 0):
        flat[draw.integer(0, flat.size - 1)] = draw.choice(special)
    if ties and flat.size > 1 and draw.boolean():
        flat[draw.integer(0, flat.size - 1)] = flat[draw.integer(0, flat.size - 1)]
    return relaid(array, draw.choice(LAYOUTS))


LAYOUTS = ("contiguous", "fortran", "strided", "reversed")


def relaid(array, layout: str):
    """The same entries in another memory layout."""
    if layout == "fortran":
        return np.asarray(array, order="F")  # asfortranarray would give a 0-d array an axis
    if layout == "strided" and array.ndim:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    if layout == "reversed" and array.ndim:
        return np.ascontiguousarray(array[::-1])[::-1]
    return np.array(array)


def positive_definite(size: Any = None, dtype: Any = "float64", batch: Shape = ()):
    """Symmetric (hermitian) positive definite matrices of shape ``(*batch, n, n)``, with condition number below 30.

    Parameters
    ----------
    size : int or None
        n; None draws 0 to 4.
    dtype : dtype
    batch : tuple of int
    """

    def build(draw: Draw):
        n = draw.integer(0, 4) if size is None else size
        square = draw.array((*batch, n, n), -1.0, 1.0)
        if draw.dtype.kind == "c":
            square = square + 1j * draw.array((*batch, n, n), -1.0, 1.0).real
        orthogonal = np.linalg.qr(square + 3 * np.eye(n))[0]
        spectrum = draw.array((*batch, 1, n), 0.2, 5.0).real
        matrix = (orthogonal * spectrum) @ np.conj(np.swapaxes(orthogonal, -1, -2))
        return np.asarray((matrix + np.conj(np.swapaxes(matrix, -1, -2))) / 2, draw.dtype)

    return _drawn(build, dtype)


# -- indices -----------------------------------------------------------------------------------------------------------


def basic_indices(shape: Shape):
    """Index expressions of integers, slices, ``...`` and ``None`` for an array of ``shape``."""
    return _drawn(lambda draw: _basic(draw, shape))


def advanced_indices(shape: Shape):
    """Index expressions with integer arrays (entries repeated, negative too) and boolean masks among them."""
    return _drawn(lambda draw: _advanced(draw, shape))


def indices(shape: Shape):
    """Any index expression that fits an array of ``shape``."""
    return _drawn(lambda draw: _advanced(draw, shape) if draw.boolean() else _basic(draw, shape))


def _basic(draw: Draw, shape: Shape):
    used = draw.integer(0, len(shape))
    entries = [_one_basic(draw, side) for side in shape[:used]]
    if draw.boolean():
        entries.append(Ellipsis)
    if draw.boolean():
        entries.insert(draw.integer(0, len(entries)), None)
    return entries[0] if len(entries) == 1 else tuple(entries)


def _one_basic(draw: Draw, side: int):
    if side and draw.boolean():
        return draw.integer(-side, side - 1)
    start, stop = (draw.choice((None, *range(-side - 1, side + 2))) for _ in range(2))
    return slice(start, stop, draw.choice((None, 1, 2, -1, -2)))


def _advanced(draw: Draw, shape: Shape):
    if draw.integer(0, 3) == 0:
        return _mask(draw, shape)
    together = draw.shape(1, 2, 1, 3)  # index arrays broadcast together
    entries = [
        _integers(draw, side, draw.broadcastable(together)) if side and draw.boolean() else _one_basic(draw, side)
        for side in shape[: draw.integer(0, len(shape))]
    ]
    return tuple(entries)


def _integers(draw: Draw, side: int, shape: Shape):
    entries = [draw.integer(-side, side - 1) for _ in range(int(np.prod(shape, dtype=int)))]
    return np.array(entries, dtype=np.intp).reshape(shape)


def _mask(draw: Draw, shape: Shape):
    generator = np.random.default_rng(draw.integer(0, 2**16))
    return np.asarray(generator.random(shape[: draw.integer(0, len(shape))]) < 0.5)


# -- nested structures -------------------------------------------------------------------------------------------------


def structures(leaves: Any, max_leaves: int = 6):
    """Nested dicts, lists and tuples around what the strategy ``leaves`` gives; a bare leaf among them."""
    st = _hypothesis()
    return st.recursive(
        leaves,
        lambda children: (
            st.lists(children, max_size=3)
            | st.lists(children, max_size=3).map(tuple)
            | st.dictionaries(st.sampled_from(["w", "b", "scale", "nested"]), children, max_size=3)
        ),
        max_leaves=max_leaves,
    )


# -- arguments of operations, and programs -----------------------------------------------------------------------------


def arguments(operation: Any, dtype: Any = "float64", special: bool = True, nonfinite: bool = False):
    """Pairs ``(args, params)`` that an operation can be applied to: ``operation(*args, **params)``.

    Parameters
    ----------
    operation : primitive, str, function or pair
        A row of the table or an operation made by ``ag.primitive``; a name ("matmul", "np.trace"); another function;
        or a pair of one of these and where its arguments come from: one interval per argument, or a function
        ``sample(draw) -> (args, params)``.
    dtype : dtype
    special : bool
        Whether some entries are zeros of both signs, bounds of the domain, equal to others, tiny or huge: whatever
        of it the operation gives finite values for.
    nonfinite : bool
        Whether some entries are infinite or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from hypothesis import given
    >>> import autograd_core as ag
    >>> @given(ag.testing.strategies.arguments("log"))
    ... def test_log(drawn):
    ...     (x,), params = drawn
    ...     assert np.isfinite(np.log(x)).all()
    >>> test_log()
    """
    chosen = sampled_operation(operation)

    def build(draw):
        source = ProgramDraw(draw_from(draw, dtype).integer, dtype)
        args, params = chosen.sample(source)
        return with_special(chosen, tuple(args), dict(params), source, special, nonfinite), params

    return _hypothesis().composite(build)()


def programs(
    operations: Iterable[Any] | None = None,
    max_operations: int = 8,
    dtype: Any = "float64",
    features: Sequence[str] | None = None,
):
    """Random programs: operations applied to values that are computed, reused, indexed, assigned to and looped over.

    They shrink to few operations, small arrays and simple entries; the falsifying example that hypothesis prints is
    Python code to paste.

    Parameters
    ----------
    operations : iterable, optional
        Primitives, names, functions, and pairs as for ``arguments``. None: all operations there are.
    max_operations : int
        Besides those that bring values into the domain of the next operation.
    dtype : dtype
    features : sequence of {"functions", "indexing", "assignment", "control"}, optional
        What programs use besides the operations: functions of the namespaces, ``x[i]``, ``x[i] = y`` and its like,
        loops and branches. None: all of them, functions only if no operations are given.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> import autograd_core as ag
    >>> @settings(max_examples=5, deadline=None)
    ... @given(ag.testing.strategies.programs(["sin", "multiply", "matmul"], max_operations=4))
    ... def test_mine(program):
    ...     ag.testing.check_program(program, emitters=["numpy"])
    >>> test_mine()
    """
    if max_operations < 1:
        raise DomainError(f"programs: max_operations must be 1 or more; got {max_operations!r}.")
    pool = pool_of(operations, features)
    st = _hypothesis()

    def build(draw):
        source = ProgramDraw(draw_from(draw, dtype).integer, dtype)
        source.together = lambda make: draw(st.builds(make))  # type: ignore[method-assign]  # a span of its own
        program = Generator(source, pool).program(max_operations)
        return draw(st.nothing()) if program is None else program

    return st.composite(build)()
