"""Threads: one number for both pools, nothing changed behind a process's back, no crash with several at once."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest

from autograd_core.compile.machine import threads
from autograd_core.compile.machine.blas_library import numpy_blas
from autograd_core.errors import DomainError

CHOICES = ("OMP_", "OPENBLAS_", "MKL_", "NUMBA_", "GOMP_", "KMP_", "BLIS_")


@pytest.fixture
def as_before():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def run(program, **environment):
    """What a fresh process prints that has chosen nothing about threads but what is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(CHOICES)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, env={**clean, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


needs_blas = pytest.mark.skipif(
    numpy_blas() is None or numpy_blas().get_num_threads() is None, reason="NumPy's BLAS does not tell its threads"
)


@needs_blas
def test_set_num_threads_reaches_blas(as_before):
    for count in (1, 2):
        threads.set_num_threads(count)
        assert threads.get_num_threads() == count == numpy_blas().get_num_threads()


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", None, True])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(DomainError, match="integer of at least 1"):
        threads.set_num_threads(wrong)


def test_numba_is_not_imported_before_it_is_needed():
    program = """
        import sys
        from autograd_core.compile.machine import threads
        threads.set_num_threads(2)
        print(threads.get_num_threads(), "numba" in sys.modules)
    """
    assert run(program) == ["2", "False"]


def test_missing_numba_names_the_extra():
    program = """
        import sys
        sys.modules["numba"] = None
        from autograd_core.compile.machine import threads
        from autograd_core.errors import MissingExtraError
        try:
            threads.prepare_numba()
        except MissingExtraError as error:
            print("autograd-core[jit]" in str(error))
    """
    assert run(program) == ["True"]


class TestWithNumba:
    @pytest.fixture(autouse=True)
    def needs_numba(self):
        pytest.importorskip("numba")

    @needs_blas
    def test_region_holds_blas_to_one_thread(self, as_before):
        threads.set_num_threads(3)
        with threads.parallel_region:
            assert numpy_blas().get_num_threads() == 1
            with threads.parallel_region:
                assert numpy_blas().get_num_threads() == 1
            assert numpy_blas().get_num_threads() == 1
            assert threads.get_num_threads() == 3
        assert numpy_blas().get_num_threads() == 3

    @needs_blas
    def test_region_gives_back_after_an_error(self, as_before):
        threads.set_num_threads(2)
        with pytest.raises(ZeroDivisionError), threads.parallel_region:
            _ = 1 / 0
        assert numpy_blas().get_num_threads() == 2

    @needs_blas
    def test_number_set_inside_a_region_holds_afterwards(self, as_before):
        threads.set_num_threads(3)
        with threads.parallel_region:
            threads.set_num_threads(2)
            assert numpy_blas().get_num_threads() == 1
        assert numpy_blas().get_num_threads() == 2

    def test_kernels_follow_the_number_in_every_python_thread(self, as_before):
        import numba

        seen = []

        def look():
            with threads.parallel_region:
                seen.append(numba.get_num_threads())

        for count in (1, 10_000):
            threads.set_num_threads(count)
            look()
            other = threading.Thread(target=look)
            other.start()
            other.join()
        assert seen == [1, 1] + [numba.config.NUMBA_NUM_THREADS] * 2
        assert threads.get_kernel_threads() == numba.config.NUMBA_NUM_THREADS

    def test_environment_is_as_before(self):
        program = """
            import os
            before = dict(os.environ)
            from autograd_core.compile.machine import threads
            threads.prepare_numba()
            print(before == dict(os.environ))
        """
        assert run(program) == ["True"]

    @pytest.mark.parametrize("layer", ["workqueue", "omp"])
    def test_layer_of_the_process_is_kept(self, layer):
        program = """
            from autograd_core.compile.machine import threads
            print(threads.prepare_numba())
        """
        if layer == "omp":
            pytest.importorskip("numba.np.ufunc.omppool")
        assert run(program, NUMBA_THREADING_LAYER=layer) == [layer]

    @needs_blas
    def test_numbers_of_the_process_are_kept(self):
        program = """
            from autograd_core.compile.machine import threads
            from autograd_core.compile.machine.blas_library import numpy_blas
            print(threads.get_kernel_threads(), numpy_blas().get_num_threads())
        """
        assert run(program, OPENBLAS_NUM_THREADS="1") == ["1", "1"]
        assert run(program, OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="2") == ["2", "1"]

    KERNELS = """
        import threading
        import numpy as np
        from autograd_core.compile.machine import threads
        from autograd_core.compile.machine.blas import dgemm
        threads.prepare_numba()
        from numba import njit, prange

        @njit(parallel=True, nogil=True)
        def step(a, b, out, count):
            for t in prange(8):
                dgemm(0, 0, 16, 96, 64, 1.0, (a, t * 16 * 64), 64, b, 96, 0.0, (out, t * 16 * 96), 96)
            for i in prange(count.size):
                count[i] += 1

        def work(seed, right):
            random = np.random.default_rng(seed)
            a, b, out, count = random.random((128, 64)), random.random((64, 96)), np.empty((128, 96)), np.zeros(9999)
            for _ in range(300):
                out.fill(0)
                with threads.parallel_region:
                    step(a, b, out, count)
                right.append(np.allclose(out, a @ b))
            right.append((count == 300).all())

        work(0, [])
    """

    @pytest.mark.parametrize("environment", [{}, {"NUMBA_THREADING_LAYER": "workqueue"}], ids=["ours", "workqueue"])
    def test_python_threads_at_once_get_right_answers(self, environment):
        """Four Python threads run parallel kernels, and NumPy's own products between them, at once."""
        program = textwrap.dedent(self.KERNELS) + textwrap.dedent("""
            right = []
            several = [threading.Thread(target=work, args=(seed, right)) for seed in range(4)]
            for each in several: each.start()
            for each in several: each.join()
            print(len(right), all(right))
        """)
        assert run(program, **environment) == ["1204", "True"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
    def test_forked_child_is_told_not_ended(self):
        """A child of a process that has started GNU OpenMP refuses parallel kernels; BLAS and everything else work."""
        program = textwrap.dedent(self.KERNELS) + textwrap.dedent("""
            import os
            from autograd_core.errors import AutogradError
            child = os.fork()
            if child == 0:
                try:
                    assert np.allclose(np.ones((500, 500)) @ np.ones((500, 500)), 500)
                    right = []
                    if threads.parallel_allowed():
                        work(0, right)
                    else:
                        assert threads.get_kernel_threads() == 1
                        try:
                            with threads.parallel_region:
                                pass
                        except AutogradError as error:
                            right.append("fork" in str(error))
                    os._exit(0 if all(right) and right else 1)
                except BaseException:
                    os._exit(2)
            print(os.waitpid(child, 0)[1])
            work(1, right := [])
            print(all(right))
        """)
        assert run(program) == ["0", "True"]
        assert run(program, NUMBA_THREADING_LAYER="workqueue") == ["0", "True"]
