"""The pool that parallel kernels run on: every part once, from several Python threads, inside itself, after a fork."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba")

from numba import njit

from autograd_core.compile.to_numba import parallel as numba_parallel
from autograd_core.compile.to_numba import pool as numba_pool
from autograd_core.compile.to_numba.parallel import in_parallel
from autograd_core.compile.to_numba.pointer import int64_at

FORKED = """
import os
from tests.compile.test_pool import counted
assert counted(100, 7) == [7] * 100
child = os.fork()
if not child:
    os._exit(0 if counted(100, 7) == [7] * 100 else 1)
assert os.waitpid(child, 0)[1] == 0
assert counted(100, 7) == [7] * 100
print("done")
"""

HOMES = """
import os
from tests.compile.test_pool import counted
assert counted(100, 7) == [7] * 100
others = [int(name) for name in os.listdir("/proc/self/task") if int(name) != os.getpid()]
alone = [next(iter(found)) for found in map(os.sched_getaffinity, others) if len(found) == 1]
at = sorted(os.sched_getaffinity(0))
for cpu in at * 3:  # wherever the caller is, nobody else has to be
    os.sched_setaffinity(0, {cpu})
    assert counted(100, 7) == [7] * 100
    now = [next(iter(found)) for found in map(os.sched_getaffinity, others) if len(found) == 1]
    assert sorted([*now, cpu]) == at or not alone, (now, cpu)
print(len(alone), len(at))
"""


@njit(error_model="numpy")
def count(COUNTS, part):
    COUNTS[part] = COUNTS[part] + 1


@njit(error_model="numpy")
def count_all(COUNTS, part):
    in_parallel(count, 3, COUNTS)


@njit("void(int64, int64, int64)", nogil=True)
def launches(address, parts, times):
    COUNTS = int64_at(address)
    for _ in range(times):
        in_parallel(count, parts, COUNTS)


@njit("void(int64)", nogil=True)
def nested(address):
    in_parallel(count_all, 1, int64_at(address))


def counted(parts, times):
    counts = np.zeros(parts, np.int64)
    launches(counts.ctypes.data, parts, times)
    return counts.tolist()


@pytest.mark.parametrize("parts", [0, 1, 2, 4, 7, 1000, 65535, 65536, 70000])
def test_each_part_runs_once(parts):
    assert counted(parts, 5) == [5] * parts


def test_many_launches():
    assert counted(4, 50_000) == [50_000] * 4


def test_several_python_threads_at_once():
    with ThreadPoolExecutor(6) as pool:
        assert all(found == [2000] * 5 for found in pool.map(lambda _: counted(5, 2000), range(12)))


def test_inside_itself():
    counts = np.zeros(3, np.int64)
    nested(counts.ctypes.data)
    assert counts.tolist() == [1, 1, 1]


def test_after_threads_have_gone_to_sleep():
    for _ in range(20):
        assert counted(8, 1) == [1] * 8
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_does_all_parts_itself():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "done", done.stderr


def homes(**variables):
    """How many threads keep to a processor, and how many processors there are."""
    done = subprocess.run(
        [sys.executable, "-c", HOMES], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return tuple(map(int, done.stdout.split()))


@pytest.mark.skipif(not numba_pool.is_possible(), reason="another pool")
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="one processor")
def test_threads_keep_out_of_the_way_of_the_caller_and_of_each_other():
    count = len(os.sched_getaffinity(0))
    assert homes(NUMBA_NUM_THREADS=str(count)) == (count - 1, count)


@pytest.mark.skipif(not numba_pool.is_possible(), reason="another pool")
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 3, reason="few processors")
def test_fewer_threads_than_processors_go_where_they_like():
    assert homes(NUMBA_NUM_THREADS="2")[0] == 0


def test_elsewhere_it_is_the_pool_of_numba(monkeypatch):
    known = []
    monkeypatch.setattr(numba_pool, "is_possible", lambda: False)
    monkeypatch.setattr(numba_pool.binding, "add_symbol", lambda name, address: known.append((name, address)))
    numba_parallel.prepare()
    ((name, address),) = known
    assert name == numba_pool.NAME
    assert address
