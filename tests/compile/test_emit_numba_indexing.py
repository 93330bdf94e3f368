"""The Numba emitter against ``evaluate``: reads and updates by an index."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.compile.to_numba.emit import emit
from autograd_core.ops.arithmetic import ADD, MULTIPLY
from autograd_core.ops.arranging import REPEAT, TILE, TRIL, TRIU
from autograd_core.ops.cross_entropy import ONE_HOT
from autograd_core.ops.indexing import ADD_AT, GETITEM, SET_AT
from autograd_core.ops.padding import PAD
from autograd_core.ops.reductions import SUM
from tests.compile.build import Builder
from tests.compile.test_emit_numba import normal, run

ROWS, J = np.array([[0, -1, 2], [1, 1, 0]]), np.array([1, 0, -2])
INDICES = [
    (ROWS,), (J, J), (slice(None), J), (slice(None), J, slice(None, None, 2)), (J, slice(None), J), (J, 1), (1, J),
    (0, slice(None), J),
    (slice(1, None), ROWS), (Ellipsis, J), (None, J), (J, None, slice(0, 2)), (ROWS, J), J, (J, slice(2, 0, -1)), 1,
    (Ellipsis, 0),    (slice(0, 0), J), (np.zeros((0,), int),), (np.array(1), slice(None)),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_any_index(index):
    b = Builder()
    x = b.argument(normal((4, 3, 3)))
    y = b.add(ADD, x, 1.0)
    got = b.add(GETITEM, y, index=index)
    found = [
        b.add(MULTIPLY, got, 2.0),
        b.add(SET_AT, b.add(MULTIPLY, got, 3.0), x, index=index),
        b.add(SET_AT, 0, x, index=index),
    ]
    found += [b.add(ADD_AT, x, got, index=index), b.add(ADD_AT, b.constant(np.zeros((4, 3, 3))), 1.5, index=index)]
    run(b, b.finish(*found))


def test_indices_that_are_computed():
    b = Builder()
    x, i = b.argument(normal((5, 4))), b.argument(np.array([4, 0, -5, 2]))
    got = b.add(GETITEM, x, index=(i, b.constant(np.arange(4))))
    back = b.add(ADD_AT, b.constant(np.zeros((5, 4), np.float32)), got, index=(i, b.constant(np.arange(4))))
    program = b.finish(b.add(SUM, got, axis=(0,), keepdims=False), back)
    executable = run(b, program)
    with pytest.raises(IndexError, match="out of range"):
        executable(b.examples()[0], np.array([4, 0, 5, 2]))
    executable(*b.examples()[:2])


def test_an_index_out_of_range_is_found_before_anything_is_written():
    b = Builder()
    w, i = b.input("variable", normal((5, 4))), b.argument(np.array([4, 0]))
    b.write(w, b.add(ADD, w, 1.0))
    executable = emit(b.finish(b.add(GETITEM, w, index=(i,))))
    array = normal((5, 4))
    executable.bind([array])
    with pytest.raises(IndexError):
        executable(np.array([4, 9]))
    np.testing.assert_array_equal(array, normal((5, 4)))


def test_many_updates_of_one_array_do_not_copy_it():
    b = Builder()
    x = b.add(MULTIPLY, b.argument(normal((1000,))), 1.0)
    for k in range(20):
        x = b.add(SET_AT, float(k), x, index=k)
    executable = run(b, b.finish(b.add(ADD, x, 1.0)))
    assert executable.report()[-1]["bytes"] <= 4096


def test_pad_one_hot_triangles_tile_repeat():
    b = Builder()
    x, labels = b.argument(normal((3, 4))), b.argument(np.array([[2, 0], [1, 1]]))
    widths = ((1, 2), (0, 3))
    found = [b.add(PAD, x, widths=widths), b.add(PAD, x, widths=widths, frame=np.full((6, 7), 2, np.float32))]
    found += [b.add(ONE_HOT, labels, count=3, axis=a, dtype=np.dtype("float32")) for a in (0, 1, 2)]
    found += [b.add(row, x, k=k) for row in (TRIL, TRIU) for k in (-1, 0, 1)]
    found += [b.add(TILE, x, reps=(2, 3)), b.add(REPEAT, x, repeats=2, axis=0), b.add(REPEAT, x, repeats=0, axis=1)]
    run(b, b.finish(*found))
