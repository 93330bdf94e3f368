"""Prefetch: the same elements from a thread, which ends in every way in which a run through can end."""

import gc
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest

import nn

Dataset = nn.data.Dataset


def running():
    return [thread for thread in threading.enumerate() if thread.name == "nn.data.prefetch"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """When a test ends no thread runs; it may need a moment."""
    yield
    gc.collect()
    end = time.monotonic() + 5
    while running() and time.monotonic() < end:
        time.sleep(0.01)
    assert not running()


def numbers(dataset):
    return [int(element) for element in dataset]


@pytest.mark.parametrize("size", [0, 1, 3, 100, nn.data.AUTOTUNE])
def test_the_order_stays(size):
    """With any size of buffer, also if the consumer is slow; and no thread is left afterwards."""
    dataset = Dataset.range(50).map(lambda n: n).prefetch(size)
    assert numbers(dataset) == list(range(50))
    assert not running()
    for expected, found in enumerate(dataset.take(5)):
        time.sleep(0.001)
        assert found == expected
    assert numbers(Dataset.range(0).prefetch(size)) == []
    assert len(dataset) == 50


def test_elements_are_made_ahead():
    """In another thread, no more than asked for."""
    made, threads = [], set()

    def slow(n):
        threads.add(threading.current_thread())
        made.append(n)
        return n

    elements = iter(Dataset.range(100).map(slow).prefetch(3))
    next(elements)
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 5  # one used, three ready, one made and waiting for room
    assert threading.current_thread() not in threads


def test_leaving_early():
    """Break, a deleted iterator, close(), take: the thread is gone at once."""
    dataset = Dataset.range(10).repeat().map(lambda n: n).prefetch(2)
    for _ in dataset:
        break
    assert not running()
    elements = iter(dataset)
    next(elements)
    assert len(running()) == 1
    del elements
    assert not running()
    elements = iter(dataset)
    elements.close()
    assert not running()
    assert list(elements) == []
    assert len(numbers(dataset.take(3))) == 3
    assert not running()


def test_an_iterator_in_a_cycle():
    """Is collected all the same."""

    class Holder:
        pass

    holder = Holder()
    holder.itself, holder.elements = holder, iter(Dataset.range(10).repeat().prefetch(1))
    next(holder.elements)
    del holder
    gc.collect()
    assert not running()


def test_one_behind_the_other():
    """Two threads, stopped together."""
    dataset = Dataset.range(10).repeat().prefetch(2).map(lambda n: n + 1).prefetch(2)
    elements = iter(dataset)
    assert next(elements) == 1
    assert len(running()) == 2
    elements.close()
    deadline = time.monotonic() + 5
    while running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not running()


def test_an_exception_in_the_thread():
    """Comes where the element is asked for, after those before it, with the place where it happened."""

    def faulty(n):
        if n == 3:
            raise KeyError("three")
        return n

    elements = iter(Dataset.range(6).map(faulty).prefetch(2))
    assert [int(next(elements)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="three") as caught:
        next(elements)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "faulty" in names
    assert not running()
    assert list(elements) == []


def test_a_failing_run_can_be_followed_by_a_good_one():
    """What failed once is tried again."""
    tries = []

    def generator():
        tries.append(1)
        yield 1
        if len(tries) == 1:
            raise OSError("no disk")

    dataset = Dataset.from_generator(generator).prefetch(1)
    with pytest.raises(OSError, match="no disk"):
        list(dataset)
    assert numbers(dataset) == [1]


def test_many_runs():
    """Started and left, hundreds of times, from several threads at once."""
    dataset = Dataset.range(100).shuffle(10).batch(3).prefetch(2)
    wrong = []

    def use():
        for round_ in range(60):
            found = [entry for batch in dataset.take(round_ % 5) for entry in batch.numpy().tolist()]
            if len(set(found)) != 3 * (round_ % 5):
                wrong.append(found)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not wrong


def test_orders_are_those_without_a_thread():
    """With a seed; also after a run that was left while the thread was at work."""
    plain, threaded = (Dataset.range(100).shuffle(100, seed=3).batch(10) for _ in range(2))
    threaded = threaded.prefetch(4)
    next(iter(plain))
    next(iter(threaded))
    for _ in range(2):
        for one, other in zip(plain, threaded, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())


PROGRAMS = {
    "in the middle": "elements = iter(dataset); next(elements)",
    "in an exception": "elements = iter(dataset); next(elements); raise SystemExit(0)",
    "while an element is made": "slow = iter(dataset.map(lambda n: time.sleep(0.5)).prefetch(1)); time.sleep(0.1)",
    "in a cycle": "elements = [iter(dataset)]; elements.append(elements); next(elements[0])",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_ends(name):
    """Ends, whatever the thread is doing, and says nothing."""
    program = "import time, nn\ndataset = nn.data.Dataset.range(9).repeat().map(lambda n: n).prefetch(2)\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + PROGRAMS[name]], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
