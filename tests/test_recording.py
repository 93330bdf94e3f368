"""Which tapes record when: entering, pausing, closing; exceptions, generators, threads, tasks; nothing left behind."""

import asyncio
import contextvars
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import autograd_core as ag
from autograd_core import recording

# -- the life of a tape ------------------------------------------------------------------------------------------------


def test_a_used_tape_is_closed():
    """After its one gradient a tape that is not persistent refuses everything, and says what to do."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    for name, use in {
        "gradient": lambda: tape.gradient(y, v),
        "jacobian": lambda: tape.jacobian(y, v),
        "batch_jacobian": lambda: tape.batch_jacobian(ag.constant([1.0]), ag.constant([1.0])),
        "watch": lambda: tape.watch(ag.constant(1.0)),
        "stop_recording": lambda: tape.stop_recording().__enter__(),
        "graph": lambda: tape.graph(y),
        "__enter__": lambda: tape.__enter__(),
    }.items():
        with pytest.raises(ag.TapeError, match=rf"GradientTape\.{name}: .*closed.*persistent=True"):
            use()
    assert "used" in repr(tape)


def test_a_mistake_in_the_call_does_not_close_the_tape():
    """A tape is used up by giving a gradient, not by refusing one."""
    v, i = ag.Variable(2.0), ag.Variable(2)
    with ag.GradientTape() as tape:
        y = v * v
    with pytest.raises(ag.DtypeError):
        tape.gradient(y, i)
    with pytest.raises(ag.ConversionError):
        tape.gradient(1.0, v)
    with pytest.raises(ag.ShapeError):
        tape.gradient(y, v, output_gradients=[1.0, 2.0])
    assert tape.gradient(y, v).item() == 4.0


def test_a_persistent_tape_stays_open():
    """The same gradient again and again, and others."""
    v = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        y = v * v
        z = y * v
    assert [tape.gradient(target, v).item() for target in (y, z, y, z)] == [4.0, 12.0, 4.0, 12.0]


def test_a_gradient_inside_the_block_ends_the_recording():
    """A tape that is not persistent stops there, as in TensorFlow; the block goes on without it."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
        assert tape.gradient(y, v).item() == 4.0
        assert recording.current() is None
        z = v * v * v
        with pytest.raises(ag.TapeError), tape.stop_recording():
            pass
    with pytest.raises(ag.TapeError):
        tape.gradient(z, v)


def test_a_tape_that_gave_nothing_may_be_entered_again():
    """Recording goes on where it stopped; what was computed in between is a constant."""
    v = ag.Variable(2.0)
    tape = ag.GradientTape()
    with tape:
        y = v * v
    constant = v * v
    with tape:
        z = y * v * constant
    assert tape.gradient(z, v).item() == 48.0


def test_a_tape_cannot_be_entered_twice_at_once():
    """To nest, use a second tape; the first goes on undisturbed."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
        with pytest.raises(ag.TapeError, match="second tape"), tape:
            pass
        z = y * v
    assert tape.gradient(z, v).item() == 12.0


def test_stop_recording_pauses_this_tape_only():
    """What is computed in the pause is a constant for this tape; other tapes record it."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as outer, ag.GradientTape() as inner:
        y = v * v
        with inner.stop_recording():
            constant = v * v
            with inner.stop_recording():
                constant = constant * 1.0
        z = y * constant
    assert inner.gradient(z, v).item() == 16.0
    assert outer.gradient(z, v).item() == 32.0


def test_stop_recording_ends_with_an_exception():
    """Afterwards the tape records again."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        with pytest.raises(KeyError), tape.stop_recording():
            raise KeyError
        y = v * v
    assert tape.gradient(y, v).item() == 4.0
    with pytest.raises(ag.TapeError, match="with tape"), ag.GradientTape().stop_recording():
        pass


def test_a_gradient_in_a_pause():
    """In the pause the walk is not recorded; a tape that is not persistent does not come back after it."""
    v = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        y = v * v
        with tape.stop_recording():
            gradient = tape.gradient(y, v)
    assert gradient.item() == 4.0
    assert tape.gradient(gradient, v) is None
    with ag.GradientTape() as tape:
        y = v * v
        with tape.stop_recording():
            tape.gradient(y, v)
        assert recording.current() is None


def test_reset_forgets_recording_and_watches():
    """The tape goes on, empty: only what is read afterwards counts, Tensors must be watched anew."""
    v, x = ag.Variable(2.0), ag.constant(3.0)
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = v * x
        tape.reset()
        assert tape.watched_variables() == ()
        z = y * v + x
    v_gradient, x_gradient = tape.gradient(z, [v, x])
    assert v_gradient.item() == 6.0
    assert x_gradient is None


def test_reset_opens_a_used_tape():
    """Inside the block it records again at once; outside it can be entered."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        tape.gradient(v * v, v)
        tape.reset()
        y = v * v
    assert tape.gradient(y, v).item() == 4.0
    tape.reset()
    assert recording.current() is None
    with tape:
        y = v * v * v
    assert tape.gradient(y, v).item() == 12.0


def test_reset_in_a_pause():
    """The pause lasts to its end, then the emptied tape records."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        v * v
        with tape.stop_recording():
            tape.reset()
            constant = v * 1.0
        y = v * constant
    assert tape.gradient(y, v).item() == 2.0


# -- exceptions, odd orders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3])
def test_an_exception_leaves_nothing_active(depth):
    """Whatever is raised, and however deep; what was recorded before is there."""
    v = ag.Variable(2.0)
    tapes = [ag.GradientTape() for _ in range(depth)]

    def enter(remaining):
        if not remaining:
            raise KeyboardInterrupt
        with remaining[0]:
            v * v
            enter(remaining[1:])

    with pytest.raises(KeyboardInterrupt):
        enter(tapes)
    assert recording.current() is None
    assert all(tape.watched_variables() == (v,) for tape in tapes)


@pytest.mark.parametrize(
    "transform",
    [
        ag.grad,
        ag.value_and_grad,
        ag.elementwise_grad,
        ag.jacobian,
        ag.hessian,
        lambda f: lambda x: ag.vjp(f, x),
        lambda f: lambda x: ag.jvp(f, (x,), (x,)),
        ag.checkpoint,
        lambda f: lambda x: ag.hvp(f, (x,), (x,)),
        lambda f: ag.custom_gradient(f),
    ],
)
def test_an_exception_inside_a_transform_leaves_nothing_active(transform):
    """The user's exception comes out as it is, and the tapes around go on."""

    def fails(x):
        x * x
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        transform(fails)(2.0)
    assert recording.current() is None
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        with pytest.raises(ZeroDivisionError, match="mine"):
            transform(fails)(v * 1.0)
        y = v * v
    assert tape.gradient(y, v).item() == 4.0


def test_tapes_may_end_in_any_order():
    """Leaving the outer tape first takes out that one, not the last."""
    v = ag.Variable(2.0)
    first, second = ag.GradientTape(), ag.GradientTape()
    first.__enter__()
    y = v * v
    second.__enter__()
    z = y * v
    first.__exit__(None, None, None)
    u = z * v
    second.__exit__(None, None, None)
    assert recording.current() is None
    assert first.gradient(z, v).item() == 12.0
    assert second.gradient(u, v).item() == 16.0  # for the second tape, not yet there, y is the constant 4: u = 4 v^2


def test_a_generator_that_stops_inside_a_tape():
    """Closing it takes its tape out, wherever the others are by then."""
    v = ag.Variable(2.0)

    def training():
        with ag.GradientTape() as tape:
            yield tape, v * v

    loop = training()
    tape, y = next(loop)
    with ag.GradientTape() as other:
        z = v * v * v
        loop.close()
        u = z * v
    assert recording.current() is None
    assert other.gradient(u, v).item() == 32.0
    assert tape.gradient(y, v).item() == 4.0


# -- threads and tasks -------------------------------------------------------------------------------------------------


def test_threads_do_not_see_one_anothers_tapes():
    """A tape entered in one thread records nothing of another."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
        with ThreadPoolExecutor(1) as pool:
            context = contextvars.Context()  # as a new thread's, also on builds whose threads inherit the context
            z = pool.submit(context.run, lambda: v * v).result()
    assert tape.gradient([y, z], v).item() == 4.0


def test_threads_share_variables_and_watched_tensors():
    """Each thread with its own tape gets its own right gradient, a few hundred times over."""
    v, x = ag.Variable(2.0), ag.constant(3.0)
    start = threading.Barrier(4)

    def work(k):
        start.wait()
        found = []
        for _ in range(200):
            with ag.GradientTape() as outer:
                with ag.GradientTape() as inner:
                    inner.watch(x)
                    outer.watch(x)
                    y = v * v * x * x * float(k)
                by_v, by_x = inner.gradient(y, [v, x])
            found.append((by_v.item(), by_x.item(), outer.gradient(by_v, x).item()))
        return set(found)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(1, 5)))
    assert results == [{(36.0 * k, 24.0 * k, 24.0 * k)} for k in range(1, 5)]


def test_threads_may_assign_while_others_differentiate():
    """A gradient is that of one value that was read: x * x gives 2 x for an x that was there."""
    v = ag.Variable(1.0)
    stop = threading.Event()

    def assign():
        k = 0
        while not stop.is_set():
            k += 1
            v.assign(float(k % 7))

    writer = threading.Thread(target=assign)
    writer.start()
    try:
        for _ in range(300):
            with ag.GradientTape() as tape:
                x = v.value
                y = x * x
            assert tape.gradient(y, x).item() == 2.0 * x.item()
    finally:
        stop.set()
        writer.join()


def test_asyncio_tasks_interleave():
    """Tasks that switch inside their tapes keep apart."""
    v = ag.Variable(2.0)

    async def work(k):
        with ag.GradientTape() as tape:
            y = v * float(k)
            for _ in range(5):
                await asyncio.sleep(0)
                y = y * v
        return tape.gradient(y, v).item()

    async def everything():
        return await asyncio.gather(*map(work, range(20)))

    assert asyncio.run(everything()) == [6 * 2.0**5 * k for k in range(20)]
    assert recording.current() is None


# -- nothing is kept ---------------------------------------------------------------------------------------------------


@pytest.fixture
def no_collector():
    """Without the garbage collector only reference counts free memory, so that a cycle shows."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("persistent", [False, True])
def test_a_graph_dies_with_its_tape_and_its_values(no_collector, depth, persistent):
    """No reference cycle keeps a recorded graph alive, nested tapes and higher derivatives included."""
    v = ag.Variable(2.0)

    def step(n):
        if n == 0:
            y = v * v * v * v
            nodes.append(weakref.ref(y.node))
            return y
        with ag.GradientTape(persistent=persistent) as tape:
            y = step(n - 1)
        return tape.gradient(y, v)

    nodes = []
    step(depth)
    assert nodes[0]() is None


def test_the_gradient_frees_the_recording(no_collector):
    """The graph of a tape that is not persistent goes with its gradient, though the tape is still there."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as tape:
        y = v * v
        inside = weakref.ref((y * v).node)
    assert inside() is not None
    tape.gradient(y, v)
    assert inside() is None


@pytest.mark.parametrize("watch", [False, True])
def test_a_state_carried_from_tape_to_tape_does_not_hold_the_past(no_collector, watch):
    """h = f(h) with a tape for each step keeps one step's graph, not all of them."""
    v, h = ag.Variable(0.5), ag.constant(1.0)
    nodes = []
    for _ in range(20):
        with ag.GradientTape() as tape:
            if watch:
                tape.watch(h)
            h = h * v + v
            loss = h * h
        tape.gradient(loss, v)
        nodes.append(weakref.ref(h.node))
    assert sum(node() is not None for node in nodes) <= 2
