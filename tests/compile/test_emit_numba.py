"""The Numba emitter against ``evaluate``: programs put together by hand and at random."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.compile.executable import BOUND, PASSED, ZeroMetInfinity
from autograd_core.compile.machine import threads
from autograd_core.compile.program import evaluate
from autograd_core.compile.to_numba import emit as emit_numba
from autograd_core.compile.to_numba import products
from autograd_core.compile.to_numba.emit import emit
from autograd_core.ops.activations import RELU, SIGMOID
from autograd_core.ops.affine import AFFINE
from autograd_core.ops.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, SQUARE, SUBTRACT
from autograd_core.ops.comparison import GREATER, LESS_EQUAL, LOGICAL_NOT
from autograd_core.ops.indexing import GETITEM
from autograd_core.ops.joining import CONCATENATE, STACK
from autograd_core.ops.products import MATMUL, OUTER, VECDOT
from autograd_core.ops.reductions import ALL, ANY, COUNT_NONZERO, MAX, MEAN, MIN, PROD, SUM
from autograd_core.ops.reshaping import ASTYPE, BROADCAST_TO, RESHAPE, TRANSPOSE
from autograd_core.ops.selection import MAXIMUM, WHERE
from autograd_core.ops.sorting import SORT
from tests.compile.build import Builder

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def run(builder, program, times=1, workers=None):
    """Run both ways on the builder's examples and compare outputs and what was written."""
    executable = emit(program, workers)
    for _ in range(times):
        arrays = [np.array(a) for a in builder.examples()]
        outputs, writes, _ = evaluate(program, [a.copy() for a in arrays])
        pairs = list(zip(program.inputs, arrays, strict=True))
        executable.bind([a for i, a in pairs if i.kind in BOUND])
        results = executable(*[a for i, a in pairs if i.kind in PASSED])
        for value, expected, got in zip(program.outputs, outputs, results, strict=True):
            same(value.name, got, expected)
            assert not any(np.shares_memory(got, a) for a in arrays)
        by_value = {i.value: a for i, a in pairs}
        for (target, value), expected in zip(program.writes, writes, strict=True):
            same(value.name, by_value[target.value], expected)
    return executable


def same(name, got, expected):
    assert got.shape == expected.shape, name
    assert got.dtype == expected.dtype, name
    tolerance = TOLERANCE.get(str(expected.dtype), 0)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance, err_msg=name)


def normal(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# -- by hand -----------------------------------------------------------------------------------------------------------


def network(guarded=False):
    b = Builder("network")
    x, y = b.argument(normal((32, 2))), b.argument(normal((32, 10), seed=1))
    weights = [b.input("variable", normal(s, seed=2) * np.float32(0.3)) for s in ((2, 16), (16,), (16, 10), (10,))]
    w1, b1, w2, b2 = weights
    h = b.add(RELU, b.add(AFFINE, x, w1, b1))
    d = b.add(SUBTRACT, b.add(AFFINE, h, w2, b2), y)
    loss = b.add(MEAN, b.add(SQUARE, d), axis=(0, 1), keepdims=False)
    g = b.add(MULTIPLY, d, 2 / 320)
    gw2 = b.add(MATMUL, b.add(TRANSPOSE, h, axes=(1, 0)), g)
    gb2 = b.add(SUM, g, axis=(0,), keepdims=False)
    gh = b.add(MATMUL, g, b.add(TRANSPOSE, w2, axes=(1, 0)))
    gh = b.add(WHERE, b.add(GREATER, h, 0), gh, b.constant(np.float32(0)))
    gw1 = b.add(MATMUL, b.add(TRANSPOSE, x, axes=(1, 0)), gh)
    gb1 = b.add(SUM, gh, axis=(0,), keepdims=False)
    for w, gradient in zip(weights, (gw1, gb1, gw2, gb2), strict=True):
        m = b.input("buffer", np.ones_like(w.example))
        new = b.add(ADD, b.add(MULTIPLY, m, 0.9), gradient)
        b.write(m, new)
        b.write(w, b.add(SUBTRACT, w, b.add(MULTIPLY, new, 0.01)))
    return b, b.finish(loss, guards=(gw1, gw2) if guarded else ())


@pytest.mark.parametrize("guarded", [False, True])
def test_a_training_step(guarded):
    executable = run(*network(guarded), times=3)
    assert "sgemm(1, 0, 16, 10, 32" in executable.source  # h.T @ g, without a copy
    workspace = executable.report()[-1]
    assert workspace["bytes"] <= 1.2 * workspace["least"] + 1024


def test_a_nan_in_a_guard_is_found_before_anything_is_written():
    b, program = network(guarded=True)
    executable = emit(program)
    arrays = b.examples()
    arrays = [np.array(a) for a in arrays]
    arrays[0][3, 1] = np.nan
    bound = [a for i, a in zip(program.inputs, arrays, strict=True) if i.kind in BOUND]
    before = [a.copy() for a in bound]
    executable.bind(bound)
    with pytest.raises(ZeroMetInfinity):
        executable(*arrays[:2])
    for a, old in zip(bound, before, strict=True):
        np.testing.assert_array_equal(a, old)


def test_variables_that_take_each_others_values():
    b = Builder()
    v, w = b.input("variable", normal(5)), b.input("variable", normal(5, seed=1))
    b.write(v, w)
    b.write(w, v)
    run(b, b.finish(v))


def test_a_value_that_needs_the_old_one_in_another_order():
    b = Builder()
    w = b.input("variable", normal((4, 4)))
    b.write(w, b.add(ADD, w, b.add(TRANSPOSE, w, axes=(1, 0))))
    run(b, b.finish())


def test_an_old_value_that_is_needed_later():
    b = Builder()
    w = b.input("variable", normal((40, 40)))
    new = b.add(MULTIPLY, w, 2.0)
    b.write(w, new)
    total = b.add(SUM, b.add(MATMUL, new, new), axis=(0, 1), keepdims=False)
    run(b, b.finish(b.add(MATMUL, w, w), b.add(MULTIPLY, total, 1e-3), new))


def test_outputs_that_are_inputs_views_or_given_twice():
    b = Builder()
    x = b.argument(normal((3, 4)))
    y = b.add(ADD, x, 1.0)
    t = b.add(TRANSPOSE, y, axes=(1, 0))
    run(b, b.finish(x, y, y, t, b.add(RESHAPE, y, shape=(12,)), b.constant(np.arange(3.0))))


def test_results_of_one_call_are_not_written_to_by_the_next():
    b = Builder()
    x = b.argument(normal(4))
    executable = emit(b.finish(b.add(ADD, x, 1.0)))
    executable.bind([])
    (first,) = executable(np.zeros(4, np.float32))
    executable(np.ones(4, np.float32))
    np.testing.assert_array_equal(first, 1)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1,), (1, 1), (), (5, 1, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "bool"])
def test_reductions_of_any_shape(shape, dtype):
    b = Builder()
    x = b.argument((normal(shape, "float64") * 3).astype(dtype))
    found = []
    every = tuple(range(len(shape)))
    for axis in {every, every[:1], every[1:], every[-1:], ()}:
        rows = [SUM, PROD, ANY, ALL, COUNT_NONZERO]
        lengths = [shape[a] for a in axis]
        rows += [MAX, MIN] if 0 not in lengths else []
        rows += [MEAN] if 0 not in shape else []
        found += [b.add(row, x, axis=axis, keepdims=keep) for row in rows for keep in (False, True)]
    run(b, b.finish(*found))


def test_extremes_hand_on_nan():
    b = Builder()
    x = b.argument(np.array([[1, np.nan, 3], [4, 5, -np.inf]], np.float32))
    run(b, b.finish(*(b.add(r, x, axis=a, keepdims=False) for r in (MAX, MIN) for a in ((0,), (1,), (0, 1)))))


SHAPES = [
    ((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
    ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((1, 4), (4, 1)),
    ((1, 1), (1, 1)),    ((3, 1), (1, 5)), ((2, 3, 4), (4,)), ((4,), (2, 4, 3)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(
    "dtypes", [("float32", "float32"), ("float64", "float32"), ("int64", "float32"), ("int64", "int64")]
)
def test_matrix_products(shapes, dtypes):
    b = Builder()
    x, y = (b.argument((normal(s, "float64", 1) * 3).astype(d)) for s, d in zip(shapes, dtypes, strict=True))
    program = b.finish(b.add(MATMUL, x, y))
    run(b, program)


@pytest.mark.parametrize("axes", [((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 0), (1, 0))])
def test_products_of_transposed_and_sliced_matrices(axes):
    b = Builder()
    x, y = b.argument(normal((6, 6))), b.argument(normal((6, 6), seed=1))
    x, y = (b.add(TRANSPOSE, v, axes=a) for v, a in zip((x, y), axes, strict=True))
    pieces = [(slice(1, 5), slice(None)), (slice(None), slice(0, 6)), (slice(None, None, 2), slice(None))]
    found = [b.add(MATMUL, b.add(GETITEM, x, index=p), y) for p in pieces]
    found.append(b.add(MATMUL, y, b.add(GETITEM, x, index=(slice(None), slice(2, 5)))))
    found.append(b.add(MATMUL, b.add(GETITEM, x, index=(slice(None), slice(None, None, -1))), y))
    run(b, b.finish(*found))


@pytest.mark.parametrize("k", [1, 2])
def test_products_over_one_or_two_entries_are_loops(k):
    b = Builder()
    x, w, c = b.argument(normal((20, k))), b.argument(normal((k, 30), seed=1)), b.argument(normal((30,), seed=2))
    found = [
        b.add(RELU, b.add(AFFINE, x, w, c)),
        b.add(MATMUL, b.add(TRANSPOSE, w, axes=(1, 0)), b.add(TRANSPOSE, x, axes=(1, 0))),
    ]
    assert "gemm" not in run(b, b.finish(*found)).source


def test_a_transposed_matrix_is_copied_where_that_is_faster():
    b = Builder()
    x, w = b.argument(normal((32, 10))), b.argument(normal((128, 10), seed=1))
    source = run(b, b.finish(b.add(MATMUL, x, b.add(TRANSPOSE, w, axes=(1, 0))))).source
    assert "sgemm(0, 0, 32, 128, 10" in source


def test_outer_vecdot_concatenate_stack():
    b = Builder()
    x, y = b.argument(normal((3, 4))), b.argument(normal((4,), seed=1))
    t = b.add(TRANSPOSE, x, axes=(1, 0))
    found = [
        b.add(OUTER, t, y),
        b.add(VECDOT, x, y),
        b.add(CONCATENATE, x, x, axis=0),
        b.add(CONCATENATE, x, x, axis=1),
    ]
    found += [b.add(STACK, t, t, axis=axis) for axis in (0, 1, 2)]
    run(b, b.finish(*found, b.add(RESHAPE, t, shape=(12,)), b.add(RESHAPE, x, shape=(2, 6), order="F")))


def test_a_primitive_without_compiled_form_runs_between_two_segments():
    b = Builder()
    x = b.argument(normal((4, 3)))
    y = b.add(MULTIPLY, x, 2.0)
    s = b.add(SORT, b.add(TRANSPOSE, y, axes=(1, 0)), axis=1, order=np.array([[2, 0, 3, 1]] * 3))
    executable = run(b, b.finish(b.add(ADD, s, 1.0), s), times=2)
    assert "run1" in executable.source


def test_a_guard_before_a_python_call_keeps_variables_as_they_are():
    b = Builder()
    x, w = b.argument(normal((4, 3))), b.input("variable", normal((4, 3)))
    y = b.add(MULTIPLY, x, 2.0)
    s = b.add(SORT, y, axis=1, order=np.array([[2, 0, 1]] * 4))
    b.write(w, b.add(ADD, w, s))
    executable = run(b, b.finish(s, guards=(y,)))
    array = normal((4, 3))
    executable.bind([array])
    with pytest.raises(ZeroMetInfinity):
        executable(np.full((4, 3), np.nan, np.float32))
    np.testing.assert_array_equal(array, normal((4, 3)))


def test_arrays_that_are_read_only_or_not_contiguous():
    b = Builder()
    x = b.argument(normal((3, 4)))
    w, a = b.input("variable", normal((4, 3))), b.input("array", normal((4, 3), seed=1))
    new = b.add(ADD, b.add(ADD, w, a), b.add(TRANSPOSE, x, axes=(1, 0)))
    b.write(w, new)
    executable = emit(b.finish(b.add(SUM, new, axis=(0, 1), keepdims=False)))
    given, wide, turned = normal((3, 4), seed=2), np.zeros((8, 3), np.float32), np.asfortranarray(normal((4, 3)))
    given.flags.writeable = turned.flags.writeable = False
    executable.bind([wide[::2], turned])
    for times in (1, 2):
        executable(given)
        np.testing.assert_allclose(wide[::2], times * (turned + given.T), rtol=1e-6)
    np.testing.assert_array_equal(wide[1::2], 0)


def test_two_threads_at_once():
    b = Builder()
    x = b.argument(normal((64, 64)))
    y = b.add(MATMUL, x, x)
    executable = emit(b.finish(b.add(SUM, b.add(MATMUL, y, x), axis=(0, 1), keepdims=False)))
    executable.bind([])
    inputs = [np.full((64, 64), k, np.float32) for k in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda a: [executable(a)[0] for _ in range(50)], inputs))
    for k, found in enumerate(results, 1):
        np.testing.assert_allclose(found, k**3 * 64.0**4, rtol=1e-5)


# -- on several threads ------------------------------------------------------------------------------------------------


@pytest.fixture
def always_cut(monkeypatch):
    monkeypatch.setattr(emit_numba, "WORTH", 0.0)
    monkeypatch.setattr(products, "cuts", lambda m, n, k, threads: (threads, 1) if m >= n else (1, threads))


@pytest.mark.parametrize("guarded", [False, True])
def test_a_training_step_on_several_threads(always_cut, guarded):
    executable = run(*network(guarded), times=2, workers=3)
    assert "in_parallel(" in executable.source


@pytest.mark.parametrize("shape", [(1001,), (300, 7), (7, 300), (5, 3, 200), (70_000,)])
def test_reductions_on_several_threads(always_cut, shape):
    b = Builder()
    x = b.argument(normal(shape))
    y = b.add(SIGMOID, x)
    axes = [tuple(range(len(shape))), (0,), (len(shape) - 1,)]
    found = [b.add(row, y, axis=a, keepdims=False) for row in (SUM, MEAN, MAX) for a in axes]
    found += [b.add(ANY, b.add(GREATER, x, 0), axis=axes[0], keepdims=False), y]
    executable = run(b, b.finish(*found, guards=(y,)), workers=4)
    if len(shape) == 1:
        assert executable.report()[0]["threads"] == 4


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("row", [SUM, MEAN, MAX])
def test_sums_of_rows_and_columns_on_several_threads(always_cut, axis, row):
    b = Builder()
    y = b.add(SIGMOID, b.argument(normal((50, 700))))
    executable = run(b, b.finish(b.add(row, y, axis=(axis,), keepdims=True), y), workers=4)
    assert executable.report()[0]["threads"] == 4


def test_products_of_every_layout_on_several_threads(always_cut):
    b = Builder()
    x, y = b.argument(normal((37, 21))), b.argument(normal((21, 50), seed=1))
    xt, yt = b.argument(normal((21, 37))), b.argument(normal((50, 21), seed=1))
    turned = [b.add(TRANSPOSE, v, axes=(1, 0)) for v in (xt, yt)]
    found = [b.add(MATMUL, left, right) for left in (x, turned[0]) for right in (y, turned[1])]
    found += [b.add(MATMUL, b.add(TRANSPOSE, y, axes=(1, 0)), b.add(TRANSPOSE, x, axes=(1, 0)))]
    run(b, b.finish(*found), workers=4)


def test_one_thread_where_several_are_not_allowed(always_cut, monkeypatch):
    b, program = network()
    executable = emit(program, 3)
    monkeypatch.setattr(threads, "parallel_allowed", lambda: False)
    outputs, writes, _ = evaluate(program, b.examples())
    arrays = [np.array(a) for a in b.examples()]
    executable.bind([a for i, a in zip(program.inputs, arrays, strict=True) if i.kind in BOUND])
    same("loss", executable(*arrays[:2])[0], outputs[0])
    for (target, value), expected in zip(program.writes, writes, strict=True):
        same(value.name, arrays[program.inputs.index(target)], expected)


def test_long_sums_in_float32_stay_exact():
    b = Builder()
    x = b.argument(np.full(10_000_019, 0.1, np.float32))
    for workers in (1, 2):
        executable = emit(b.finish(b.add(SUM, x, axis=(0,), keepdims=False)), workers)
        executable.bind([])
        assert abs(executable(b.examples()[0])[0] / (10_000_019 * float(np.float32(0.1))) - 1) < 1e-6


# -- at random ---------------------------------------------------------------------------------------------------------


def random_program(seed, length=14):
    rng = np.random.default_rng(seed)
    b = Builder(f"random_{seed}")
    sides = rng.choice([0, 1, 2, 3, 5], size=2, p=[0.05, 0.15, 0.2, 0.3, 0.3])
    values = []
    for at in range(4):
        shape = tuple(int(s) for s in sides[: rng.integers(0, 3)])
        shape = tuple(1 if rng.random() < 0.2 else s for s in shape)[:: rng.choice([1, -1])]
        dtype = str(rng.choice(["float32", "float64", "int64", "int32", "bool"], p=[0.6, 0.1, 0.1, 0.1, 0.1]))
        kind = str(rng.choice(["argument", "variable", "tensor", "host", "array", "constant"]))
        array = (rng.standard_normal(shape) * 2).astype(dtype)
        values.append(b.constant(array) if kind == "constant" else b.input(kind, array, at))
    for _ in range(length):
        try:
            with np.errstate(all="ignore"):
                values.append(random_step(b, rng, values))
        except (ValueError, TypeError):  # shapes do not fit, or NumPy has no such loop
            continue
    outputs = [v for v in values[4:] if rng.random() < 0.3][:4] + values[-1:]
    variables = [v for v in values[:4] if v.source.kind == "variable"]
    for variable in variables:
        fitting = [v for v in values if v.shape == variable.shape and v.dtype == variable.dtype]
        b.write(variable, fitting[rng.integers(len(fitting))])
    guards = [v for v in values[4:] if v.dtype.kind == "f" and rng.random() < 0.1 and np.isfinite(v.example).all()]
    return b, b.finish(*outputs, guards=tuple(guards))


def random_step(b, rng, values):
    x, y, z = (values[rng.integers(len(values))] for _ in range(3))
    kind = rng.integers(12)
    if kind < 4:
        row = [ADD, SUBTRACT, MULTIPLY, MAXIMUM, DIVIDE, LESS_EQUAL][rng.integers(6)]
        return b.add(row, x, y if rng.random() < 0.7 else [2, 0.5, -3][rng.integers(3)])
    if kind < 6:
        return b.add([NEGATIVE, SQUARE, SIGMOID, LOGICAL_NOT, RELU][rng.integers(5)], x)
    if kind == 6:
        return b.add(WHERE, b.add(GREATER, x, 0), y, z)
    if kind == 7:
        axes = tuple(a for a in range(x.ndim) if rng.random() < 0.5)
        row = [SUM, MEAN, MAX, ANY, PROD][rng.integers(5)]
        if row is MEAN and x.size == 0:
            raise ValueError("NumPy warns")
        return b.add(row, x, axis=axes, keepdims=bool(rng.integers(2)))
    if kind == 8:
        return b.add(MATMUL, x, y)
    if kind == 9:
        return b.add(TRANSPOSE, x, axes=tuple(int(a) for a in rng.permutation(x.ndim)))
    if kind == 10:
        shapes = [(x.size,), (1, *x.shape), x.shape[::-1], (*x.shape, 1)]
        return b.add(RESHAPE, x, shape=shapes[rng.integers(4)])
    choice = rng.integers(4)
    if choice == 0 and x.ndim:
        return b.add(GETITEM, x, index=(slice(None, None, [1, 2, -1][rng.integers(3)]),))
    if choice == 1:
        return b.add(BROADCAST_TO, x, shape=(2, *x.shape))
    if choice == 2:
        return b.add(ASTYPE, x, dtype=np.dtype(["float32", "float64"][rng.integers(2)]))
    return b.add(CONCATENATE, x, x, axis=0) if x.ndim else b.add(NEGATIVE, x)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_random_programs(seed, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "off")
    run(*random_program(seed), times=2)
