"""The NumPy emitter against ``evaluate``: values, shapes, dtypes, writes, and who owns which memory."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
import traceback
import tracemalloc

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compile.executable import BOUND, PASSED, ZeroMetInfinity
from autograd_core.compile.passes import optimise
from autograd_core.compile.program import evaluate
from autograd_core.compile.to_numpy.emit import emit
from autograd_core.ops.activations import RELU, SIGMOID
from autograd_core.ops.affine import AFFINE
from autograd_core.ops.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, POWER, SQUARE, SUBTRACT
from autograd_core.ops.comparison import GREATER
from autograd_core.ops.domain import Draw
from autograd_core.ops.exponential import EXP, LOG
from autograd_core.ops.indexing import GETITEM
from autograd_core.ops.products import MATMUL
from autograd_core.ops.reductions import MAX, MEAN, SUM
from autograd_core.ops.reshaping import BROADCAST_TO, COPY, RESHAPE, TRANSPOSE
from autograd_core.ops.selection import CLIP, WHERE
from autograd_core.ops.softmax import LOG_SOFTMAX, SOFTMAX
from autograd_core.ops.table import TABLE
from autograd_core.symbol import Value
from autograd_core.testing.rows import sample

from .build import Builder
from .programs import Random, arrays_of


def assert_same(got, expected):
    """Equal to rounding, in shape and in dtype; what is float64 may have been computed from float32."""
    assert isinstance(got, np.ndarray)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    scale = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected)) if expected.dtype.kind in "fc" else 1
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * scale)


class Run:
    """One program made ready, its bound arrays, and how often it was compared.

    Parameters
    ----------
    program : Program
    arrays : list of array
        One per input.
    blocks : sequence of int, optional
    threads : int
        See ``emit``.
    """

    def __init__(self, program, arrays, blocks=None, threads=1):
        self.program = program
        self.executable = emit(program, blocks, threads=threads)
        pairs = list(zip(program.inputs, arrays, strict=True))
        self.bound = {id(i): np.array(a) for i, a in pairs if i.kind in BOUND}
        self.passed = {id(i): np.array(a) for i, a in pairs if i.kind in PASSED}
        self.executable.bind(list(self.bound.values()))

    def now(self):
        """What the inputs are now, as ``evaluate`` wants it."""
        known = {**self.bound, **self.passed}
        return [i.key if i.kind == "constant" else np.array(known[id(i)]) for i in self.program.inputs]

    def compare(self):
        """Run beside ``evaluate``; the outputs, or None where a guard has stopped the run."""
        with np.errstate(all="ignore"):
            outputs, writes, guards = evaluate(self.program, self.now())
        expected = [np.array(o) for o in outputs], [np.array(w) for w in writes]
        before = self.now()
        if any(np.isnan(guard).any() for guard in guards):
            with pytest.raises(ZeroMetInfinity):
                self.executable(*self.passed.values())
            self._unchanged(before, self.program.inputs)
            return None
        got = self.executable(*self.passed.values())
        assert isinstance(got, tuple)
        for one, other in zip(got, expected[0], strict=True):
            assert_same(one, other)
        for (target, _), new in zip(self.program.writes, expected[1], strict=True):
            assert_same(self.bound[id(target)], new)
        written = {id(target) for target, _ in self.program.writes}
        self._unchanged(before, [i for i in self.program.inputs if id(i) not in written])
        return got

    def _unchanged(self, before, inputs):
        for i, old, new in zip(self.program.inputs, before, self.now(), strict=True):
            if any(i is each for each in inputs):
                np.testing.assert_array_equal(old, new)


def run_and_compare(program, arrays, blocks=None, threads=1):
    """Compare twice: the second run works on what the first has written, and on workspaces it has used."""
    run = Run(program, arrays, blocks, threads)
    for _ in range(2):
        for one in run.compare() or ():
            one.fill(7)  # an output is the caller's: nothing else may change with it
    return run.executable


# -- random programs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(120))
def test_random_programs_agree_with_evaluate(seed):
    """Random programs give the same outputs and writes, as they are and optimised."""
    program, arrays = Random(seed, sides=((1, 2, 3) if seed % 2 else (1, 4, 17))).program(4 + seed % 20)
    run_and_compare(program, arrays)
    optimised = optimise(program)
    run_and_compare(optimised, arrays_of(optimised, program, arrays))


def test_random_programs_agree_block_by_block():
    """So they do with loops over blocks of a few entries; most programs have some."""
    loops = 0
    for seed in range(120):
        program, arrays = Random(seed, sides=((2, 3) if seed % 2 else (1, 5, 17))).program(4 + seed % 40)
        optimised = optimise(program)
        executable = run_and_compare(optimised, arrays_of(optimised, program, arrays), (8, 6))
        loops += executable.source.count(" at a time")
    assert loops > 60


def test_workspaces_are_hardly_larger_than_what_lives_at_once():
    """At most 1.2 times, for programs of some size."""
    for seed in range(60):
        program, _ = Random(seed, sides=(3, 8, 17)).program(40)
        workspace = emit(program).report()[-1]
        assert workspace["bytes"] <= 1.2 * workspace["least"] + 256


# -- large arrays ------------------------------------------------------------------------------------------------------

RANDOM = np.random.default_rng(0)
LARGE = RANDOM.normal(size=200_003).astype(np.float32)
MATRIX = RANDOM.normal(size=(700, 131)).astype(np.float32)


def test_chain_on_a_large_array_runs_in_one_loop():
    """Elementwise steps and the sum at their end: nothing of the array's size is kept but the result."""
    b = Builder()
    x = b.argument(LARGE)
    y = b.add(EXP, b.add(NEGATIVE, b.add(MULTIPLY, x, x)))
    z = b.add(ADD, b.add(MULTIPLY, x, 0.5), y)
    program = b.finish(
        z, b.add(SUM, b.add(SQUARE, z), axis=(0,), keepdims=False), b.add(MAX, z, axis=(0,), keepdims=True)
    )
    executable = run_and_compare(program, b.examples())
    assert executable.source.count(" at a time") == 1
    assert executable.report()[-1]["bytes"] < LARGE.nbytes
    assert executable.report()[0]["operations"] == [
        "multiply",
        "negative",
        "exp",
        "multiply",
        "add",
        "square",
        "sum",
        "max",
    ]


def test_rows_of_a_large_matrix():
    """Softmax, a bias, a gate and sums over either axis, block of rows by block of rows."""
    b = Builder()
    x, bias = b.argument(MATRIX), b.argument(MATRIX[0])
    y = b.add(ADD, x, bias)
    gate = b.add(GREATER, y, 0)
    gated = b.add(WHERE, gate, b.add(SOFTMAX, y, axis=1), 0.0)
    total, means = b.add(SUM, gated, axis=(0,), keepdims=False), b.add(MEAN, gated, axis=(1,), keepdims=True)
    program = b.finish(gated, total, means, b.add(SUBTRACT, b.add(RELU, y), means))
    executable = run_and_compare(program, b.examples())
    assert " of 700 at a time" in executable.source


@pytest.mark.parametrize("array", [LARGE, MATRIX])
def test_guards_in_loops(array):
    """A NaN in a guarded value that is made block by block stops the run; an infinity does not."""
    b = Builder()
    x, w = b.argument(array), b.input("variable", array)
    y = b.add(MULTIPLY, b.add(ADD, x, 1.0), 2.0)
    b.write(w, b.add(SUBTRACT, w, y))
    run = Run(b.finish(guards=(y,)), b.examples())
    run.compare()
    assert "nans += dot(" in run.executable.source
    for entry in (np.inf, np.nan):
        given = array.copy()
        given.flat[-1] = entry
        run.passed[id(run.program.inputs[0])] = given
        run.compare()


def test_update_of_a_large_variable_is_written_in_place():
    """The optimizer's chain reads and writes the variable's array block by block."""
    b = Builder()
    x, w, m = b.argument(LARGE), b.input("variable", LARGE), b.input("buffer", LARGE)
    new = b.add(ADD, b.add(MULTIPLY, m, 0.9), x)
    b.write(m, new)
    b.write(w, b.add(SUBTRACT, w, b.add(MULTIPLY, new, 0.1)))
    executable = run_and_compare(b.finish(), b.examples())
    assert "copyto" not in executable.source
    assert executable.report()[-1]["bytes"] < LARGE.nbytes


def test_large_outputs_are_used_again_only_when_nobody_holds_them():
    """While the caller has an output, or a view of it, no call writes to it."""
    b = Builder()
    program = b.finish(b.add(EXP, b.argument(LARGE)))
    executable = emit(program)
    (first,) = executable(LARGE)
    part, place = first[5:10], first.ctypes.data
    copy = part.copy()
    del first
    (second,) = executable(-LARGE)
    assert second.ctypes.data != place
    np.testing.assert_array_equal(part, copy)
    del part, second
    assert executable(LARGE)[0].ctypes.data in (place, executable(LARGE)[0].ctypes.data)


# -- memory ------------------------------------------------------------------------------------------------------------


def test_variables_may_swap_their_values():
    """New values that are old values of others are taken before anything is written."""
    b = Builder()
    x, y = b.input("variable", np.float32([1, 2])), b.input("variable", np.float32([3, 4]))
    b.write(x, y)
    b.write(y, x)
    run_and_compare(b.finish(x), b.examples())


def test_old_values_that_are_still_read_are_not_overwritten():
    """A transposed view of a variable is read after its new value is known."""
    b = Builder()
    w = b.input("variable", MATRIX[:4, :4])
    new = b.add(MULTIPLY, w, 2.0)
    b.write(w, new)
    later = b.add(MATMUL, new, b.add(TRANSPOSE, w, axes=(1, 0)))
    same = b.add(ADD, b.add(TRANSPOSE, w, axes=(1, 0)), w)
    run_and_compare(b.finish(later, same, w), b.examples())


def test_a_value_written_to_two_variables():
    """Both get it."""
    b = Builder()
    x, y, z = (b.input("variable", np.float32([k, 2])) for k in range(3))
    new = b.add(ADD, x, y)
    for target in (x, y, z):
        b.write(target, new)
    run_and_compare(b.finish(new, new), b.examples())


def test_outputs_are_the_callers_own():
    """Inputs, constants, views, the same twice, and broadcasts are copied where they must be."""
    b = Builder()
    x, w, c = b.argument(MATRIX[:2, :3]), b.input("variable", MATRIX[:2, :3]), b.constant(np.float32([1, 2, 3]))
    y = b.add(ADD, x, w)
    turned, wide = b.add(TRANSPOSE, y, axes=(1, 0)), b.add(BROADCAST_TO, c, shape=(2, 3))
    part = b.add(GETITEM, y, index=(0, slice(1)))
    spread = b.add(BROADCAST_TO, b.add(EXP, c), shape=(2, 3))
    executable = run_and_compare(b.finish(x, w, c, y, y, turned, wide, part, spread), b.examples())
    outputs = executable(MATRIX[:2, :3])
    for k, one in enumerate(outputs):
        assert one.flags.writeable
        assert not any(np.may_share_memory(one, other) for other in outputs[k + 1 :])


def test_nothing_is_written_when_an_index_is_out_of_range():
    """What can fail comes before the first write, wherever it stands in the program."""
    b = Builder()
    w, index = b.input("variable", np.float32([1, 2, 3])), b.argument(np.array([0, 1]))
    b.write(w, b.add(MULTIPLY, w, 2.0))
    run = Run(b.finish(b.add(GETITEM, w, index=index)), b.examples())
    run.compare()
    before = run.now()
    with pytest.raises(IndexError):
        run.executable(np.array([0, 9]))
    np.testing.assert_array_equal(run.now()[0], before[0])


def test_nothing_is_written_when_an_integer_power_fails():
    """Integers to the power of negative integers raise, at a time when nothing has been written."""
    b = Builder()
    w, y = b.input("variable", np.array([1, 2, 3])), b.argument(np.array([1, 2, 3]))
    b.write(w, b.add(MULTIPLY, w, 2))
    run = Run(b.finish(b.add(POWER, w, y)), b.examples())
    run.compare()
    before = run.now()
    with pytest.raises(ValueError, match="negative integer powers"):
        run.executable(np.array([0, -1, 0]))
    np.testing.assert_array_equal(run.now()[0], before[0])


def test_a_long_run_grows_by_nothing():
    """Call after call the same memory is used, and a plan that is dropped leaves no source behind."""
    b = Builder("growing")
    x, w = b.argument(MATRIX), b.input("variable", MATRIX)
    b.write(w, b.add(SUBTRACT, w, b.add(MULTIPLY, x, 0.1)))
    run = Run(b.finish(b.add(EXP, x), b.add(SUM, x, axis=(0,), keepdims=False)), b.examples())
    run.compare()
    tracemalloc.start()
    try:
        run.compare()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            run.executable(MATRIX)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()
    del run
    gc.collect()
    assert not any("growing" in file for file in linecache.cache)


def test_no_reference_to_bound_arrays_is_kept_when_they_are_let_go():
    """``bind(())`` releases them; who counts references finds none of ours."""
    b = Builder()
    w = b.input("variable", MATRIX)
    b.write(w, b.add(MULTIPLY, w, 2.0))
    executable = emit(b.finish(b.add(SUM, b.add(TRANSPOSE, w, axes=(1, 0)), axis=(0,), keepdims=False)))
    array = MATRIX.copy()
    count = sys.getrefcount(array)
    executable.bind([array])
    held = sys.getrefcount(array)
    executable()
    assert sys.getrefcount(array) == held > count
    executable.bind(())
    assert sys.getrefcount(array) == count


def test_threads_may_share_an_executable():
    """Each call in flight has a workspace of its own."""
    b = Builder()
    x = b.argument(MATRIX)
    y = b.add(MATMUL, b.add(TRANSPOSE, b.add(SIGMOID, x), axes=(1, 0)), b.add(EXP, x))
    executable = emit(b.finish(b.add(SUM, b.add(SQUARE, y), axis=(0,), keepdims=False)))
    expected = {k: executable(MATRIX * k)[0] for k in range(4)}
    wrong = []

    def work(k):
        for _ in range(30):
            if not np.array_equal(executable(MATRIX * k)[0], expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# -- details -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0,), (1, 1), (3, 0, 2)])
def test_shapes_without_axes_or_entries(shape):
    """Results without axes are arrays of the right dtype; empty ones work."""
    b = Builder()
    x = b.argument(np.ones(shape, np.float32))
    y = b.add(SIGMOID, b.add(MULTIPLY, x, 2))
    total = b.add(SUM, y, axis=tuple(range(len(shape))), keepdims=False)
    run_and_compare(b.finish(y, total, b.add(DIVIDE, total, 3), b.add(RESHAPE, y, shape=(y.size,))), b.examples())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.complex64, np.int32, bool])
def test_dtypes(dtype):
    """Sums, products and Python numbers keep NumPy's dtypes."""
    b = Builder()
    x = b.argument((np.arange(6).reshape(2, 3) % 3).astype(dtype))
    numbers = (1, 0.5) if dtype is not bool else (True,)
    values = [b.add(SUM, x, axis=(0,), keepdims=False), b.add(MEAN, x, axis=(1,), keepdims=True), b.add(EXP, x)]
    values += [b.add(MULTIPLY, x, number) for number in numbers] + [b.add(MATMUL, x, b.add(TRANSPOSE, x, axes=(1, 0)))]
    run_and_compare(b.finish(*values), b.examples())


def test_special_values():
    """NaN, infinities and zeros of either sign pass as they do through the primitives."""
    b = Builder()
    x = b.argument(np.array([[0.0, -0.0, 1.0], [np.inf, -np.inf, np.nan], [100.0, -100.0, 1e-40]], np.float32))
    gate = b.add(GREATER, x, 0)
    values = [b.add(SIGMOID, x), b.add(WHERE, gate, x, 0.0), b.add(WHERE, gate, 0.0, x), b.add(CLIP, x, -1.0, np.inf)]
    with np.errstate(all="ignore"):
        values += [b.add(row, x, axis=1) for row in (SOFTMAX, LOG_SOFTMAX)] + [b.add(LOG, x), b.add(DIVIDE, x, 0)]
    run_and_compare(b.finish(*values), b.examples())


def test_layers_of_stacks_use_one_product():
    """A stack of matrices times a matrix, a bias and a product with a transposed factor."""
    b = Builder()
    x, w, bias = (b.argument(RANDOM.normal(size=s).astype(np.float32)) for s in ((4, 5, 6), (6, 7), (7,)))
    y = b.add(AFFINE, x, w, bias)
    back = b.add(MATMUL, y, b.add(TRANSPOSE, w, axes=(1, 0)))
    executable = run_and_compare(b.finish(y, back, b.add(SUM, y, axis=(0, 1), keepdims=False)), b.examples())
    assert "matmul(" not in executable.source


def test_long_chains_of_views():
    """Nothing goes from view to view by recursion."""
    b = Builder()
    x = b.argument(np.arange(4000, dtype=np.float32))
    y = b.add(EXP, b.add(MULTIPLY, x, 1e-3))
    z = b.constant(np.zeros((2, 1), np.float32))
    for k in range(1500):
        y = b.add(GETITEM, y, index=slice(1, None))
        z = b.add(TRANSPOSE if k % 2 else RESHAPE, z, **({"axes": (1, 0)} if k % 2 else {"shape": (2, 1)}))
    program = b.finish(y, b.add(ADD, b.add(MULTIPLY, b.add(RESHAPE, z, shape=(2, 1)), x), 1))
    run_and_compare(program, b.examples())
    optimised = optimise(program)
    run_and_compare(optimised, arrays_of(optimised, program, b.examples()))


def test_source_is_readable_and_found_by_tracebacks():
    """Names are those of the program, and a traceback shows the emitted line."""
    b = Builder("squares")
    x, index = b.argument(np.float32([1, 2])), b.argument(np.array([0]))
    executable = emit(b.finish(b.add(GETITEM, b.add(MULTIPLY, x, x), index=index)))
    assert "multiply(x0, x0, v0)  # multiply: float32[2]" in executable.source
    with pytest.raises(IndexError) as caught:
        executable(np.float32([1, 2]), np.array([5]))
    frame = next(f for f in traceback.extract_tb(caught.value.__traceback__) if "squares" in f.filename)
    assert linecache.getline(frame.filename, frame.lineno or 0).strip().startswith("v1 = getitem(v0, index=x1)")


def test_traced_step_agrees_with_eager():
    """A training step by ``function`` writes what the eager one assigns."""
    points, labels = RANDOM.normal(size=(16, 3)).astype(np.float32), np.arange(16) % 4
    start = RANDOM.normal(size=(3, 4)).astype(np.float32)

    def made():
        w, bias = ag.Variable(start), ag.Variable(np.zeros(4, np.float32))

        def step(x, y):
            with ag.GradientTape() as tape:
                loss = np.mean(-ag.numpy.log_softmax(x @ w + bias)[np.arange(16), y])
            for variable, gradient in zip((w, bias), tape.gradient(loss, [w, bias]), strict=True):
                variable.assign_sub(0.5 * gradient)
            return loss

        return w, step

    (w, eager), (v, traced) = made(), made()
    compiled = ag.function(traced, jit="numpy")
    for _ in range(5):
        np.testing.assert_allclose(compiled(points, labels), eager(points, labels), rtol=1e-5)
    np.testing.assert_allclose(v, w, rtol=1e-4, atol=1e-6)


# -- the table of primitives -------------------------------------------------------------------------------------------


def one_row(row, seed, dtype):
    """A program that applies ``row`` to arguments of its own choice, beside a step before and one after."""
    rng = np.random.default_rng(seed)
    case = sample(row, Draw(lambda low, high: int(rng.integers(low, high, endpoint=True)), dtype))
    b = Builder()
    operands = [b.argument(arg) if isinstance(arg, np.ndarray) else arg for arg in case.args]
    operands = [
        b.add(COPY, o) if isinstance(o, Value) and o.dtype.kind in "fc" and rng.random() < 0.5 else o for o in operands
    ]
    results = b.add(row, *operands, **case.params)
    results = results if isinstance(results, tuple) else (results,)
    after = [b.add(MULTIPLY, r, 2) for r in results if r.dtype.kind in "fc"]
    return b.finish(*results, *after), b.examples()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_primitive(row):
    """Each row of the table, on arguments that the row draws itself, gives what ``evaluate`` gives."""
    with np.errstate(all="ignore"):
        for seed in range(6):
            program, arrays = one_row(row, seed, (np.float32, np.float64)[seed % 2])
            run_and_compare(program, arrays)
            optimised = optimise(program)
            run_and_compare(optimised, arrays_of(optimised, program, arrays), (8, 6))
