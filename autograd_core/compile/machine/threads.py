"""Threads: the one place that decides how many there are and whose they are.

Two pools may want the cores: that of NumPy's BLAS, and that of Numba, which runs compiled kernels. Left alone they
fight. Numba's default on Linux, GNU OpenMP, lets its threads spin for milliseconds after a kernel; OpenBLAS's threads
then wait for a core. Two matrix products followed by a parallel update of 401,408 weights (an MNIST step: 784-512,
batch 128), on four cores with AVX-512, in microseconds, each line the better of two runs:

=======================================  =========  ===============  ==================  ===========
Numba's layer                            launch of  products by      products in slices  update
                                         a kernel   BLAS's pool,     on the same pool,   alone
                                                    then the update  then the update
=======================================  =========  ===============  ==================  ===========
GNU OpenMP as Numba starts it            2          8,000 to 10,000  515                 28
GNU OpenMP, ``OMP_WAIT_POLICY=passive``  12         670              530                 44
GNU OpenMP, ``GOMP_SPINCOUNT=1000``      2 or 50    730 to 850       525                 25
GNU OpenMP, ``GOMP_SPINCOUNT=4000``      2          880              520                 26
Intel TBB                                3 to 8     740              540                 71
Numba's own ``workqueue``                35         690              600 to 1,000        91
=======================================  =========  ===============  ==================  ===========

(By themselves: the products 470 with four threads of BLAS, 430 in slices on Numba's pool, 1,440 on one thread; the
update 165 on one thread. ``tests/benchmarks/blas_and_threads.py`` measures all this. On a machine with two to three
running programs for each core: 140,000 with BLAS's pool, 3,700 in slices, 2,000 to 2,500 passive, 2,100 on one thread.)
Hence:

1. **One pool.** While a compiled function with parallel kernels runs, BLAS is held to one thread (``parallel_region``)
   and large products are cut into slices that run as a kernel like any other (``blas_sizes.cuts``). Nothing fights,
   whatever the layer does between kernels. Afterwards BLAS has as many threads as before.
2. **A short spin.** ``prepare_numba`` starts GNU OpenMP with ``GOMP_SPINCOUNT=4000``, about 40 us: a kernel that
   follows another within that time is launched in 2 to 4 us, a later one in 20, and a NumPy product soon after a kernel
   finds the cores free. With 1000 to 2000 threads may fall asleep while they wait for each other in the same kernel,
   which then takes 50 us; with 10,000 NumPy's products wait longer, and so does everything on a machine with other work
   to do. The variable is in the environment only while the library is loaded; child processes do not inherit it.
3. **OpenMP before TBB before workqueue.** OpenMP gives a thread the same part of an array in every kernel, which is
   then in its cache. ``workqueue`` ends the process when two Python threads start kernels at once; where there is
   nothing else, ``parallel_region`` lets one in at a time.

What a process has set for itself stays: ``OMP_NUM_THREADS``, ``OPENBLAS_NUM_THREADS``, ``NUMBA_NUM_THREADS``,
``NUMBA_THREADING_LAYER``, ``NUMBA_THREADING_LAYER_PRIORITY``, ``OMP_WAIT_POLICY``, ``GOMP_SPINCOUNT``, ``KMP_...``; and
so does a pool that runs already. If another package has loaded the same OpenMP before (PyTorch and scikit-learn from
PyPI bring copies of their own), its way of waiting can no longer be changed: kernels and plans are as fast, by 1; only
a NumPy product on several threads, within some milliseconds after a kernel, is slow. TBB is taken then if it is
installed.

On Linux compiled code launches its loops on a pool of our own (``to_numba/pool.py``), which waits for nobody who
has not come; what is said here of Numba's layers holds where that pool is not, and for ``prange`` in users' functions.

GNU OpenMP does not survive ``fork``: Numba ends a forked child at its first parallel kernel. ``parallel_allowed`` says
no there, and compiled functions run on one thread. Processes that are spawned have no such limit.
"""

from __future__ import annotations

import contextlib
import operator
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from ...errors import AutogradError, DomainError, missing_extra
from .blas_library import numpy_blas

LAYERS = ("omp", "tbb", "workqueue")
# Waiting of GNU OpenMP, and of LLVM's and Intel's (macOS, Windows), where the process has not chosen it.
SHORT_SPIN = {"GOMP_SPINCOUNT": "4000", "KMP_BLOCKTIME": "0"}
CHOSEN_BY_USER = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")


class _State:
    """What has been decided in this process. Guarded by ``lock``, which nobody holds for long."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.starting = threading.RLock()  # held while Numba's pool is started, which may take long
        self.chosen: int | None = None  # by set_num_threads
        self.numba_threads: int | None = None  # that kernels use; None: Numba's pool has not been started here
        self.layer: str | None = None
        self.holders = 0  # regions running now
        self.held: int | None = None  # threads BLAS had before the first of them
        self.forked = False  # with a pool that does not survive it


_state = _State()
_of_thread = threading.local()  # Numba keeps the number of threads for each Python thread


def set_num_threads(n: int) -> None:
    """Use ``n`` threads for NumPy's matrix products and for compiled kernels, in all Python threads of this process.

    Parameters
    ----------
    n : int
        At least 1. Compiled kernels use no more than Numba's pool has (``NUMBA_NUM_THREADS``, by default the cores this
        process may run on), and so many only after ``n``.

    Raises
    ------
    DomainError
        If ``n`` is not an integer of at least 1.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    count = _checked(n)
    blas = numpy_blas()
    with _state.lock:
        _state.chosen = count
        if _state.numba_threads is not None:
            _state.numba_threads = _at_most_pool(count)
        if _state.holders:
            _state.held = count  # BLAS gets it when the last region ends
        elif blas is not None:
            blas.set_num_threads(count)


def get_num_threads() -> int:
    """Threads used for matrix products: what ``set_num_threads`` was given, else what BLAS says, else the cores."""
    with _state.lock:
        return _state.chosen or _blas_threads() or _cores()


def get_kernel_threads() -> int:
    """Threads of a compiled parallel kernel; 1 where none may run. Starts Numba's pool if that has not been done."""
    prepare_numba()
    return _state.numba_threads or 1 if parallel_allowed() else 1


def parallel_allowed() -> bool:
    """Whether parallel kernels may run: not in a forked child of a process whose pool does not survive that."""
    return not _state.forked


def prepare_numba() -> str:
    """Choose and start Numba's pool, unless it runs already; to be called before a parallel function is compiled.

    Returns
    -------
    str
        Name of the layer: "omp", "tbb" or "workqueue".

    Raises
    ------
    MissingExtraError
        If Numba is not installed.
    """
    if _state.layer is None:
        with _state.starting:
            if _state.layer is None:
                _start_pool()
    assert _state.layer is not None
    return _state.layer


class _ParallelRegion:
    """Context in which compiled functions with parallel kernels are called: BLAS on one thread, then back as it was.

    May be entered by several Python threads at once, and again inside itself; costs 2 us. NumPy's products in other
    Python threads run on one thread meanwhile. Raises AutogradError where ``parallel_allowed`` says no.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        if not parallel_allowed():
            raise AutogradError(
                "parallel kernels cannot run in this process: it was forked from one that had started GNU OpenMP, "
                'which does not survive a fork. Start processes with multiprocessing\'s "spawn" or "forkserver", or '
                "call no compiled function before the fork."
            )
        layer = prepare_numba()
        count = _state.numba_threads
        if count is not None and getattr(_of_thread, "threads", None) != count:
            _set_numba_threads(count)
        if layer == "workqueue":
            _workqueue.acquire()
        _hold_blas()

    def __exit__(self, *exc_info: object) -> None:
        _release_blas()
        if _state.layer == "workqueue":
            _workqueue.release()


parallel_region = _ParallelRegion()
_workqueue = threading.RLock()  # two kernels at once under this layer end the process


class _BlasHeld:
    """Context in which NumPy's products run on one thread, as often and by as many as like; then back as it was."""

    __slots__ = ()

    def __enter__(self) -> None:
        _hold_blas()

    def __exit__(self, *exc_info: object) -> None:
        _release_blas()


blas_held = _BlasHeld()


def _hold_blas() -> None:
    blas = numpy_blas()
    with _state.lock:
        _state.holders += 1
        if _state.holders == 1 and blas is not None:
            _state.held = blas.get_num_threads()
            if _state.held not in (None, 1):
                blas.set_num_threads(1)


def _release_blas() -> None:
    with _state.lock:
        _state.holders -= 1
        if _state.holders == 0:
            _give_back()


def _give_back() -> None:
    blas = numpy_blas()
    if blas is not None and _state.held not in (None, 1):
        blas.set_num_threads(_state.held)
    _state.held = None


def _blas_threads() -> int | None:
    """Threads of BLAS when no region holds it."""
    blas = numpy_blas()
    return _state.held or (None if blas is None else blas.get_num_threads())


def _start_pool() -> None:
    """Start Numba's pool; the layer and the way of waiting are ours unless the process has chosen them."""
    try:
        import numba
    except ImportError as error:
        raise missing_extra("numba", "jit", "compiling to machine code") from error
    with _short_spin():
        config: Any = numba.config  # a module that makes its names when it is loaded
        if not _chosen_layer(config):
            config.THREADING_LAYER_PRIORITY = list(_order())
        pool = numba.get_num_threads()  # loads the layer and starts the pool
    with _state.lock:
        _state.numba_threads = _at_most_pool(_state.chosen or _wanted(pool))
        _state.layer = numba.threading_layer()


def _wanted(pool: int) -> int:
    """Threads of kernels where nobody has called ``set_num_threads``: as many as BLAS was given, of those there are."""
    return pool if "NUMBA_NUM_THREADS" in os.environ else min(pool, _blas_threads() or pool)


def _chosen_layer(config) -> bool:
    """Whether the process has said which layer it wants, or runs one."""
    named = any(name in os.environ for name in ("NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"))
    return named or config.THREADING_LAYER != "default"


def _order() -> tuple[str, ...]:
    """Layers, best first: not GNU OpenMP where it was loaded before, as Numba would load it, with a long spin."""
    if _waits_are_chosen() or not _openmp_is_loaded():
        return LAYERS
    return ("tbb", "omp", "workqueue")


def _waits_are_chosen() -> bool:
    return any(name in os.environ for name in CHOSEN_BY_USER)


def _openmp_is_loaded() -> bool:
    """Whether the system's GNU OpenMP, which Numba uses, is in the process already; copies in packages do not count."""
    try:
        with open("/proc/self/maps") as maps:
            return any("/libgomp.so" in line and "site-packages" not in line for line in maps)
    except OSError:  # not Linux
        return False


@contextlib.contextmanager
def _short_spin() -> Iterator[None]:
    """Environment in which OpenMP starts with a short spin; as it was afterwards."""
    if _waits_are_chosen():
        yield
        return
    os.environ.update(SHORT_SPIN)
    try:
        yield
    finally:
        for name in SHORT_SPIN:
            os.environ.pop(name, None)


def _set_numba_threads(count: int) -> None:
    """Tell Numba how many threads kernels started from this Python thread use."""
    import numba

    numba.set_num_threads(count)
    _of_thread.threads = count


def _at_most_pool(count: int) -> int:
    return min(count, sys.modules["numba"].config.NUMBA_NUM_THREADS)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checked(n: int) -> int:
    try:
        count = operator.index(n)
    except TypeError:
        count = 0
    if count < 1 or isinstance(n, bool):
        raise DomainError(f"set_num_threads: n is {n!r}; it must be an integer of at least 1.")
    return count


def _after_fork() -> None:
    """In a child: locks may be held by threads that are not here, BLAS may be held for regions that never end."""
    _state.lock, _state.starting = threading.Lock(), threading.RLock()
    _workqueue.__init__()  # type: ignore[misc]
    if _state.holders:
        _state.holders = 0
        _give_back()
    _state.forked = _state.forked or _running_layer() == "omp"


def _running_layer() -> str | None:
    """The layer whose pool runs, whoever has started it."""
    numba = sys.modules.get("numba")
    try:
        return numba.threading_layer() if numba else None
    except ValueError:  # none runs
        return None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
