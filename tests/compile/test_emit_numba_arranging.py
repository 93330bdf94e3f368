"""The Numba emitter against ``evaluate``: entries arranged anew, and logarithms of sums of exponentials."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.compile.to_numba.emit import emit
from autograd_core.ops.arithmetic import ADD, MULTIPLY
from autograd_core.ops.arranging import DIAGONAL, ON_DIAGONAL, ROLL
from autograd_core.ops.log_sums import LOGSUMEXP, SHARE
from autograd_core.ops.reshaping import TRANSPOSE
from tests.compile.build import Builder
from tests.compile.test_emit_numba import normal, run

INF, NAN = np.inf, np.nan
SPECIAL = np.array([
    [1.0, 2.0, -INF, 0.5], [-INF, -INF, -INF, -INF], [INF, 1.0, 2.0, -INF], [INF, INF, -INF, 3.0], [NAN, 1.0, 2.0, 3.0],
    [INF, NAN, 0.0, 0.0], [1e308, 1e308, -1e307, 0.0], [-1e308, -1e308, -1e308, -1e308],
])  # fmt: skip


def native(b, *found):
    """Run, and see that nothing was left to Python."""
    executable = run(b, b.finish(*found))
    assert not any(step.__class__.__name__ == "Op" for step, _ in executable.steps())


@pytest.mark.parametrize(
    ("shift", "axis"), [((1,), (0,)), ((-2, 3), (0, 1)), ((2, 2), (1, 1)), ((7, -9, 4), (2, 0, 1)), ((0,), (2,))]
)
def test_roll(shift, axis):
    b = Builder()
    x = b.argument(normal((3, 4, 5)))
    turned = b.add(TRANSPOSE, x, axes=(2, 0, 1))
    rolled = [b.add(ROLL, each, shift=shift, axis=axis) for each in (x, b.add(ADD, x, 1.0), turned)]
    native(b, *rolled, b.add(MULTIPLY, rolled[0], 2.0))


@pytest.mark.parametrize("offset", [-4, -3, -1, 0, 1, 2, 5])
def test_diagonals(offset):
    b = Builder()
    x = b.argument(normal((3, 2, 4)))
    found = [
        b.add(DIAGONAL, each, offset=offset, axis1=one, axis2=other)
        for each in (x, b.add(TRANSPOSE, x, axes=(1, 2, 0)))
        for one, other in ((0, 2), (2, 0), (1, 0))
    ]
    native(b, *found, b.add(ADD, found[0], 1.0))


@pytest.mark.parametrize(("offset", "sides"), [(0, (3, 3)), (1, (3, 4)), (-2, (6, 3)), (2, (4, 6))])
def test_matrices_of_diagonals(offset, sides):
    b = Builder()
    x = b.argument(normal((2, 3), np.float32))
    made = [b.add(ON_DIAGONAL, each, offset=offset, sides=sides) for each in (x, b.add(MULTIPLY, x, 2.0))]
    native(b, *made, b.add(ADD, made[0], made[1]))


def test_rolls_and_diagonals_of_nothing():
    b = Builder()
    x = b.argument(normal((0, 3)))
    run(b, b.finish(b.add(ROLL, x, shift=(1,), axis=(0,)), b.add(DIAGONAL, x, offset=0, axis1=0, axis2=1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None, (2, 1, 0)])
def test_logsumexp_and_shares(axis, dtype):
    b = Builder()
    x = b.argument(normal((3, 4, 5), dtype))
    total = b.add(LOGSUMEXP, b.add(MULTIPLY, x, 30.0), axis=axis, keepdims=False)
    kept = b.add(LOGSUMEXP, x, axis=axis, keepdims=True)
    native(b, total, kept, b.add(SHARE, x, kept, axis=axis))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logsumexp_of_infinities(dtype):
    b = Builder()
    with np.errstate(over="ignore"):
        x = b.argument(SPECIAL.astype(dtype))
    kept = b.add(LOGSUMEXP, x, axis=1, keepdims=True)
    program = b.finish(kept, b.add(SHARE, x, kept, axis=1))
    with np.errstate(all="ignore"):
        (array,) = b.examples()
        total = LOGSUMEXP.impl(array, axis=1, keepdims=True)
        expected = total, SHARE.impl(array, total, axis=1)
        for found, right in zip(emit(program)(array), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=3e-7 if dtype is np.float32 else 1e-15)


def test_logsumexp_of_nothing():
    b = Builder()
    x = b.argument(normal((3, 0)))
    run(b, b.finish(b.add(LOGSUMEXP, x, axis=1, keepdims=False)))
