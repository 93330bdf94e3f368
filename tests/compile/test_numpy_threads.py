"""Loops of NumPy plans in parts for several threads: the same results as in one part, and who may come in between."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compile.executable import ZeroMetInfinity
from autograd_core.compile.machine import python_threads
from autograd_core.compile.machine.python_threads import share, threads_at_most
from autograd_core.compile.passes import optimise
from autograd_core.compile.to_numpy.emit import emit
from autograd_core.ops.arithmetic import ADD, MULTIPLY, SQUARE, SUBTRACT
from autograd_core.ops.exponential import EXP
from autograd_core.ops.products import MATMUL
from autograd_core.ops.reductions import MAX, MEAN, SUM

from .build import Builder
from .programs import Random, arrays_of
from .test_emit_numpy import Run, run_and_compare

SMALL = (8, 6, 0, 1, 6)  # sizes from which on there are loops, blocks, parts
LARGE = np.random.default_rng(0).normal(size=200_003).astype(np.float32)
MATRIX = np.random.default_rng(1).normal(size=(700, 131)).astype(np.float32)


@pytest.fixture
def four(monkeypatch):
    """Four threads, on any machine."""
    before = ag.get_num_threads()
    monkeypatch.setattr(python_threads, "_processors", lambda: [0, 1, 2, 3])
    ag.set_num_threads(4)
    yield
    ag.set_num_threads(before)


# -- results -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_random_programs_agree_in_parts(four, threads):
    """Random programs whose loops are cut into parts give the same outputs and writes."""
    calls = 0
    for seed in range(120):
        program, arrays = Random(seed, sides=((2, 3) if seed % 2 else (1, 5, 17))).program(4 + seed % 40)
        optimised = optimise(program)
        executable = run_and_compare(optimised, arrays_of(optimised, program, arrays), SMALL, threads)
        calls += executable.source.count("share(")
    assert calls > 40


def test_chain_on_a_large_array_in_parts(four):
    """Elementwise steps and reductions at their end, of an argument: bit by bit the same call after call."""
    b = Builder()
    x = b.argument(LARGE)
    z = b.add(ADD, b.add(MULTIPLY, x, 0.5), b.add(EXP, b.add(MULTIPLY, x, -1.0)))
    program = b.finish(
        z, b.add(SUM, b.add(SQUARE, z), axis=(0,), keepdims=False), b.add(MAX, z, axis=(0,), keepdims=True)
    )
    executable = run_and_compare(program, b.examples(), (1 << 16, 1 << 14, 0), threads=4)
    assert "share(loop1, cut(list(zip(loop1_blocks, " in executable.source
    first = executable(LARGE)
    for _ in range(20):
        for one, other in zip(executable(LARGE), first, strict=True):
            np.testing.assert_array_equal(one, other)
    ag.set_num_threads(1)  # the same parts one after the other
    for one, other in zip(executable(LARGE), first, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_of_a_matrix_in_parts(four):
    """Reductions over either axis, and an operand that all blocks share."""
    b = Builder()
    x, bias = b.argument(MATRIX), b.argument(MATRIX[0])
    y = b.add(MULTIPLY, b.add(ADD, x, bias), 0.5)
    means = b.add(MEAN, y, axis=(1,), keepdims=True)
    program = b.finish(b.add(SUBTRACT, y, means), b.add(SUM, y, axis=(0,), keepdims=False), means)
    executable = run_and_compare(program, b.examples(), (1 << 10, 1 << 10, 0, 1 << 10), threads=3)
    assert ", x1)  # 3 parts" in executable.source


def test_update_in_place_in_parts(four):
    """The optimizer's chain writes over the variable's array, part by part."""
    b = Builder()
    x, w, m = b.argument(LARGE), b.input("variable", LARGE), b.input("buffer", LARGE)
    new = b.add(ADD, b.add(MULTIPLY, m, 0.9), x)
    b.write(m, new)
    b.write(w, b.add(SUBTRACT, w, b.add(MULTIPLY, new, 0.1)))
    executable = run_and_compare(b.finish(), b.examples(), (1 << 16, 1 << 14, 0), threads=4)
    assert "copyto" not in executable.source
    assert "# 4 parts" in executable.source
    assert executable.report()[0]["threads"] == 4


@pytest.mark.parametrize("array", [LARGE, MATRIX])
@pytest.mark.parametrize("place", [0, -1])
def test_guards_in_parts(four, array, place):
    """A NaN in any part stops the run before anything is written; an infinity does not."""
    b = Builder()
    x, w = b.argument(array), b.input("variable", array)
    y = b.add(MULTIPLY, b.add(ADD, x, 1.0), 2.0)
    b.write(w, b.add(SUBTRACT, w, y))
    run = Run(b.finish(guards=(y,)), b.examples(), (1 << 16, 1 << 14, 0), threads=4)
    run.compare()
    assert "nans += sum(share(" in run.executable.source
    for entry in (np.inf, np.nan):
        given = array.copy()
        given.flat[place] = entry
        run.passed[id(run.program.inputs[0])] = given
        run.compare()
    with pytest.raises(ZeroMetInfinity):
        run.executable(given)


def test_what_is_reported_of_parts(four):
    """Each part has scratch memory of its own: the workspace says so; and the loop can be timed."""
    b = Builder()
    x, w = b.argument(LARGE), b.input("variable", LARGE)
    b.write(w, b.add(SUBTRACT, w, b.add(MULTIPLY, x, b.add(EXP, x))))
    program = b.finish()
    one, three = (emit(program, (1 << 16, 1 << 14, 0, 1, 1 << 14), threads=count) for count in (1, 3))
    small, large = (each.report()[-1] for each in (one, three))
    assert large["least"] == large["bytes"] > 2.4 * small["bytes"]
    (time,) = three.times([LARGE.copy()], [LARGE])
    assert time > 20


def test_small_loops_stay_on_one_thread(four):
    """What is done sooner than others are woken is not cut up."""
    b = Builder()
    x = b.argument(LARGE[:70_000])
    executable = emit(b.finish(b.add(ADD, b.add(MULTIPLY, x, 0.5), x)), threads=4)
    assert " at a time" in executable.source
    assert "share(" not in executable.source


def test_loops_beside_large_products_stay_on_one_thread(four):
    """The threads of BLAS would be in the way; small products run on one thread meanwhile."""
    for side, shares in ((16, True), (400, False)):
        b = Builder()
        x, w = b.argument(LARGE), b.argument(np.ones((side, side), np.float32))
        chain = b.add(ADD, b.add(EXP, b.add(MULTIPLY, b.add(EXP, x), 0.5)), b.add(MULTIPLY, x, x))
        executable = run_and_compare(
            b.finish(chain, b.add(MATMUL, w, w)), b.examples(), (1 << 16, 1 << 14, 0), threads=4
        )
        assert ("share(" in executable.source) == shares


# -- threads -----------------------------------------------------------------------------------------------------------


def test_parts_run_at_once(four):
    """Each waits for the others, and all come; results are in order, and helpers ignore what errstate says here."""
    barrier = threading.Barrier(4)

    def work(part, factor):
        barrier.wait(timeout=60)
        return part * factor, np.geterr()["divide"], threading.get_ident()

    with np.errstate(all="ignore"):
        for _ in range(10):
            results = share(work, [1, 2, 3, 4], 10)
            assert [r[:2] for r in results] == [(10 * k, "ignore") for k in (1, 2, 3, 4)]
            assert len({r[2] for r in results}) == 4


def test_as_many_threads_as_are_wanted(four):
    """``set_num_threads`` holds for the next call; there are never more than processors."""

    def work(part):
        time.sleep(0.001)
        return threading.get_ident()

    ag.set_num_threads(1)
    assert set(share(work, range(20))) == {threading.get_ident()}
    ag.set_num_threads(2)
    assert len(set(share(work, range(20)))) <= 2
    ag.set_num_threads(64)
    assert threads_at_most() == 4
    assert len(set(share(work, range(40)))) <= 4


def test_an_exception_in_a_part_reaches_the_caller(four):
    """That of the first part; nobody is at work any more then, and the pool works on."""
    busy = []

    def work(part):
        busy.append(part)
        time.sleep(0.002)
        busy.remove(part)
        if part in (1, 3):
            raise ValueError(f"part {part}")
        return part

    for _ in range(5):
        with pytest.raises(ValueError, match=r"part [13]"):
            share(work, range(4))
        assert not busy
    assert share(lambda part: part, range(4)) == [0, 1, 2, 3]


def test_an_interrupt_waits_for_the_helpers(four):
    """Ctrl-C in the caller's part: the parts of others are over when it arrives, no further one is begun."""
    main, done = threading.get_ident(), []

    def work(part):
        if threading.get_ident() == main:
            time.sleep(0.01)
            raise KeyboardInterrupt
        time.sleep(0.05)
        done.append(part)

    with pytest.raises(KeyboardInterrupt):
        share(work, range(40))
    count = len(done)
    assert count <= 6
    time.sleep(0.1)
    assert len(done) == count


def test_two_python_threads_in_one_plan(four):
    """One has the helpers, the other does its parts itself; both are right."""
    b = Builder()
    x = b.argument(LARGE)
    executable = emit(b.finish(b.add(ADD, b.add(MULTIPLY, b.add(EXP, x), 0.5), x)), (1 << 16, 1 << 14, 0), threads=4)
    expected = {k: executable(LARGE * k)[0] for k in range(4)}
    wrong = []

    def work(k):
        for _ in range(15):
            if not np.array_equal(executable(LARGE * k)[0], expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_share_inside_a_part(four):
    """The inner loop runs where it stands."""
    assert share(lambda part: sum(share(lambda k: k * part, range(4))), range(4)) == [0, 6, 12, 18]


def test_helpers_hold_on_to_nothing(four):
    """After a loop nobody refers to its arrays: plans use memory again that nobody holds."""
    parts = [np.zeros(10) for _ in range(4)]
    counts = [sys.getrefcount(part) for part in parts]
    for _ in range(50):
        share(np.sin, parts)
        assert [sys.getrefcount(part) for part in parts] == counts


def test_no_more_threads_than_needed(four):
    """They are used again call after call."""
    share(np.sin, [LARGE] * 4)
    before = threading.active_count()
    for _ in range(20):
        share(np.sin, [LARGE] * 4)
    assert threading.active_count() == before


def test_where_no_thread_can_be_started(four, monkeypatch):
    """The caller does everything."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(python_threads, "_pool", python_threads._Pool())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert share(lambda part: part, range(8)) == list(range(8))


# -- processes ---------------------------------------------------------------------------------------------------------

PROGRAM = """
import os, sys, threading
import numpy as np
import autograd_core as ag
from autograd_core.compile.machine import python_threads
python_threads._processors = lambda: [0, 1, 2, 3]
ag.set_num_threads(4)
f = ag.function(lambda x: np.exp(x * 2) + np.sin(x) * np.cos(x), jit="numpy")
x = np.linspace(0, 1, 400_000)
want = np.exp(x * 2) + np.sin(x) * np.cos(x)
def check():
    for _ in range(3):
        np.testing.assert_allclose(f(x), want, rtol=1e-12)
"""


def run(program):
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM + program],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.split()


def test_threads_start_when_they_are_needed_and_end_with_the_interpreter():
    program = "print(threading.active_count())\ncheck()\nprint('share(' in f.plan(x).source, threading.active_count())"
    assert run(program) == ["1", "True", "4"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_starts_threads_of_its_own():
    program = """
check()
child = os.fork()
if not child:
    before = threading.active_count()
    check()
    print(before, threading.active_count(), flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1], flush=True)
check()
"""
    assert run(program) == ["1", "4", "0"]


def test_without_threads_where_one_is_wanted():
    assert run("ag.set_num_threads(1)\ncheck()\nprint(threading.active_count())") == ["1"]
