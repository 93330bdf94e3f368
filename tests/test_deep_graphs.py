"""Graphs as deep as a long loop makes them: no recursion forwards, backwards or when freed, and no memory kept."""

import gc
import sys
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import autograd_core as ag

DEPTH = 100_000  # a hundred times Python's limit of recursion
MILLION = pytest.param(1_000_000, marks=pytest.mark.slow)


@pytest.fixture
def no_collector():
    """Without the garbage collector only reference counts free memory, so that a cycle shows."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(x, depth):
    """Multiply by 1 + 1/depth, `depth` times over: x e in the limit."""
    factor = 1.0 + 1.0 / depth
    for _ in range(depth):
        x = x * factor
    return x


@pytest.mark.parametrize("depth", [DEPTH, MILLION])
def test_a_deep_chain_backwards(depth):
    """The gradient of a chain of a million operations is there, and right."""
    v = ag.Variable(1.0)
    with ag.GradientTape() as tape:
        y = chain(v, depth)
    assert tape.gradient(y, v).item() == pytest.approx(np.e, rel=1e-4)


@pytest.mark.parametrize("depth", [DEPTH, MILLION])
def test_a_deep_chain_forwards(depth):
    """The same in forward mode."""
    _, tangent = ag.jvp(lambda x: chain(x, depth), (1.0,), (1.0,))
    assert tangent == pytest.approx(np.e, rel=1e-4)


def test_a_deep_chain_twice():
    """Second order: the outer tape records the inner walk, as deep again."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            y = v
            for _ in range(DEPTH // 4):
                y = y * 1.0
            y = y * v
        first = inner.gradient(y, v)
    assert outer.gradient(first, v).item() == 2.0


@pytest.mark.parametrize("depth", [DEPTH, MILLION])
@pytest.mark.parametrize("last", ["tape", "value", "both at once"])
def test_a_deep_graph_is_freed_without_recursion(no_collector, depth, last):
    """Whoever held it last: the tape, the last value, or a function that returns."""
    v = ag.Variable(1.0)
    with ag.GradientTape(persistent=True) as tape:
        first = v * 1.0
        y = chain(first, depth)
    inside = weakref.ref(first.node)
    del first
    if last == "tape":
        del y
        assert inside() is not None
        del tape
    elif last == "value":
        del tape
        assert inside() is not None
        del y
    else:
        del tape, y
    assert inside() is None


def test_a_used_tape_frees_a_deep_graph_though_the_value_lives_on(no_collector):
    """`del loss` after the gradient, the tape being gone or not."""
    v = ag.Variable(1.0)
    with ag.GradientTape() as tape:
        first = v * 1.0
        loss = chain(first, DEPTH)
    inside = weakref.ref(first.node)
    del first
    tape.gradient(loss, v)
    del loss
    assert inside() is None


def test_wide_and_deep():
    """A value used by many operations sums their gradients; sums of many values lead to all of them."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        x = v * 1.0
        total = 0.0
        for k in range(2_000):
            total = total + x * float(k)
    assert tape.gradient(total, v).item() == 1_999_000.0


def test_doubling_paths_take_linear_time():
    """y = y + y, a thousand times: 2**1000 paths, one thousand edges each way."""
    v = ag.Variable(1.0)
    start = time.perf_counter()
    with ag.GradientTape() as tape:
        y = v
        for _ in range(1_000):
            y = y + y
    assert tape.gradient(y, v).item() == 2.0**1000
    _, tangent = ag.jvp(lambda x: _doubled(x, 1_000), (1.0,), (1.0,))
    assert tangent == 2.0**1000
    assert time.perf_counter() - start < 5.0


def _doubled(x, times):
    for _ in range(times):
        x = x + x
    return x


def test_a_deep_structure_of_the_stack_is_not_needed():
    """A walk needs no more Python frames than a short one."""
    v = ag.Variable(1.0)
    limit = sys.getrecursionlimit()
    with ag.GradientTape() as tape:
        y = chain(v, 5_000)
    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 60)
    try:
        assert tape.gradient(y, v).item() == pytest.approx(np.e, rel=1e-3)
    finally:
        sys.setrecursionlimit(limit)


# -- memory ------------------------------------------------------------------------------------------------------------


def peak(work):
    """Most bytes that `work` had allocated at a time, and what it left."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        after, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return most - before, after - before


SIZE = 20_000


def training(steps, persistent):
    """A loop with all that might hold on to graphs: nested tapes, transforms, assignments, a carried state."""
    w = ag.Variable(np.ones(SIZE))
    h = ag.constant(np.ones(SIZE))
    for _ in range(steps):
        with ag.GradientTape(persistent=persistent) as outer:
            with ag.GradientTape(persistent=persistent) as inner:
                h = np.tanh(h * w)
                loss = h * h
            gradient = inner.gradient(loss, w)
            penalty = loss + gradient * gradient
        w.assign_sub(0.01 * outer.gradient(penalty, w))
        ag.grad(lambda x: np.dot(x, x) * 0.5)(np.ones(SIZE))
        ag.jvp(np.sin, (h,), (h,))
        _, pull = ag.vjp(np.cos, h)
        pull(h)


@pytest.mark.parametrize("persistent", [False, True])
def test_a_training_loop_does_not_grow(no_collector, persistent):
    """Twice as many steps take no more memory, without the garbage collector."""
    training(3, persistent)  # caches fill once
    objects = len(gc.get_objects())
    short, _ = peak(lambda: training(5, persistent))
    long, left = peak(lambda: training(20, persistent))
    array = SIZE * np.dtype(float).itemsize
    assert long < short + 2 * array
    assert left < array
    assert len(gc.get_objects()) < objects + 20


def test_the_backward_walk_frees_cotangents_as_it_goes():
    """Of a long chain of large values only a few cotangents are alive at a time."""
    v = ag.Variable(np.ones(10_000))
    with ag.GradientTape() as tape:
        y = chain(v, 100)
    most, _ = peak(lambda: tape.gradient(y, v))
    assert most < 8 * v.nbytes


def test_sums_do_not_keep_their_operands():
    """A rule that needs only shapes keeps only shapes: a chain of sums holds no values but the last."""
    v = ag.Variable(np.ones(10_000))

    def work():
        with ag.GradientTape(persistent=True) as tape:
            y = v
            for _ in range(50):
                y = y + np.ones(10_000)
        held.append((tape, y))

    held = []
    _, left = peak(work)
    assert left < 60 * v.nbytes
