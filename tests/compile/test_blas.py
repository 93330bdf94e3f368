"""Matrix products from compiled code: flags, offsets and leading dimensions against NumPy, for every stand-in too."""

import ctypes
import itertools
import subprocess
import sys
import textwrap

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from numba import njit, prange  # noqa: E402

from autograd_core.compile.machine import (  # noqa: E402
    blas,
    blas_adapters,
    blas_library,
    blas_sizes,
)
from autograd_core.compile.machine.blas_library import PLAIN, ROW_MAJOR, TRANSPOSED  # noqa: E402

FLAGS = list(itertools.product((0, 1), (0, 1)))
M, N, K, PAD = 5, 7, 3, 2


@njit
def single(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    blas.sgemm(trans_a, trans_b, m, n, k, alpha, (a, 1), lda, b, ldb, beta, (c, 2), ldc)


@njit
def double(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    blas.dgemm(trans_a, trans_b, m, n, k, alpha, (a, 1), lda, b, ldb, beta, (c, 2), ldc)


@njit
def vectors(a, x, y, z):
    blas.sgemv(0, 4, 3, 2.0, a, 3, x, 1, 0.0, y, 1)
    blas.sgemv(True, 4, 3, 1.0, a, 3, y, 1, 1.0, (z, 1), 2)


def stored(random, rows, columns, transposed, dtype):
    """A matrix, and the flat array with PAD entries more in each row in which it lies, transposed or not."""
    shape = (columns, rows) if transposed else (rows, columns)
    wide = random.standard_normal((shape[0], shape[1] + PAD)).astype(dtype)
    matrix = wide[:, : shape[1]]
    return (matrix.T if transposed else matrix), wide.ravel(), shape[1] + PAD


@pytest.mark.parametrize(("trans_a", "trans_b"), FLAGS)
@pytest.mark.parametrize(("compiled", "dtype"), [(single, np.float32), (double, np.float64)])
def test_product_matches_numpy(trans_a, trans_b, compiled, dtype):
    """alpha op(a) op(b) + beta c, with operands inside larger rows and results that start at an offset."""
    random = np.random.default_rng(0)
    a, flat_a, lda = stored(random, M, K, trans_a, dtype)
    b, flat_b, ldb = stored(random, K, N, trans_b, dtype)
    c = random.standard_normal(2 + M * (N + PAD)).astype(dtype)
    expected = c.copy()
    expected[2:].reshape(M, N + PAD)[:, :N] = 1.5 * a @ b + 0.5 * c[2:].reshape(M, N + PAD)[:, :N]
    compiled(trans_a, trans_b, M, N, K, 1.5, np.concatenate([[dtype(9)], flat_a]), lda, flat_b, ldb, 0.5, c, N + PAD)
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-6)


def test_zero_beta_overwrites_nan():
    a, c = np.ones(5, np.float32), np.full(6, np.nan, np.float32)
    single(0, 0, 2, 2, 2, 1.0, a, 2, a, 2, 0.0, c, 2)
    assert c[2:].tolist() == [2.0] * 4
    assert np.isnan(c[:2]).all()


def test_matrix_times_vector():
    a = np.arange(12, dtype=np.float32).reshape(4, 3)
    x, y, z = np.ones(3, np.float32), np.empty(4, np.float32), np.ones(6, np.float32)
    vectors(a, x, y, z)
    assert y.tolist() == (2 * a @ x).tolist()
    assert z[1::2].tolist() == (a.T @ y + 1).tolist()
    assert z[::2].tolist() == [1.0, 1.0, 1.0]


def test_pointers_are_taken_too():
    @njit
    def product(a, b, out):
        blas.dgemm(0, 1, 2, 2, 3, 1.0, a.ctypes, 3, b, 3, 0.0, out, 2)

    a, out = np.arange(6.0).reshape(2, 3), np.empty((2, 2))
    product(a, a.ctypes.data, out)
    assert out.tolist() == (a @ a.T).tolist()


def test_wrong_dtype_is_refused_when_compiling():
    with pytest.raises(numba.core.errors.TypingError, match="sgemm takes operands of float32"):
        single(0, 0, 2, 2, 2, 1.0, np.ones(4), 2, np.ones(4), 2, 0.0, np.ones(4), 2)


def test_slices_in_parallel():
    @njit(parallel=True)
    def product(a, b, out):
        for t in prange(4):
            blas.sgemm(0, 0, 32, 96, 64, 1.0, (a, t * 32 * 64), 64, b, 96, 0.0, (out, t * 32 * 96), 96)

    random = np.random.default_rng(1)
    a, b = random.random((128, 64), dtype=np.float32), random.random((64, 96), dtype=np.float32)
    out = np.empty((128, 96), np.float32)
    product(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-5)


PROGRAM = """
    import numpy as np
    from numba import njit
    from autograd_core.compile.machine.blas import dgemm

    @njit(cache=True)
    def square(a, out):
        dgemm(0, 0, 2, 2, 2, 1.0, a, 2, a, 2, 0.0, out, 2)

    a, out = np.array([[1.0, 2.0], [3.0, 4.0]]), np.empty((2, 2))
    square(a, out)
    assert (out == a @ a).all(), out
    print("hits", sum(square.stats.cache_hits.values()))
"""


def test_compiled_code_is_kept_on_disk(tmp_path):
    """A second process loads what the first compiled, though the library lies elsewhere in its memory."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    runs = [subprocess.run([sys.executable, program], capture_output=True, text=True, check=True) for _ in range(2)]
    assert [run.stdout for run in runs] == ["hits 0\n", "hits 1\n"]


def short_library():
    """A BLAS with 32-bit integers: that of SciPy's wheels."""
    flapack = pytest.importorskip("scipy.linalg._fblas")
    handle = ctypes.CDLL(flapack.__file__)
    for pattern, wide in blas_library.NAMES:
        if not wide and hasattr(handle, pattern.format("sgemm")):
            return blas_library.BlasLibrary(handle, pattern, wide)
    return pytest.skip("SciPy's BLAS has names unknown here")


def stand_in(kind, name, monkeypatch):
    library = short_library() if kind == "32 bits" else None
    if kind == "loop":
        monkeypatch.setattr(blas_adapters, "_scipy_address", lambda name: None)
    elif kind == "SciPy":
        pytest.importorskip("scipy")
    return blas_adapters.adapted(name, library)


@pytest.mark.parametrize("kind", ["32 bits", "SciPy", "loop"])
@pytest.mark.parametrize("name", ["sgemm", "dgemm"])
def test_stand_ins_for_products(kind, name, monkeypatch):
    """What compiled code calls where NumPy's BLAS cannot be called gives the same, for all flags."""
    function = stand_in(kind, name, monkeypatch)
    dtype = np.float32 if name[0] == "s" else np.float64
    random = np.random.default_rng(2)
    for trans_a, trans_b in FLAGS:
        a, flat_a, lda = stored(random, M, K, trans_a, dtype)
        b, flat_b, ldb = stored(random, K, N, trans_b, dtype)
        for beta in (0.0, 1.0):
            c = np.full((M, N), np.nan if beta == 0.0 else 2.0, dtype)
            flags = (TRANSPOSED if trans_a else PLAIN, TRANSPOSED if trans_b else PLAIN)
            pointers = [array.ctypes.data for array in (flat_a, flat_b, c)]
            function.ctypes(
                ROW_MAJOR, *flags, M, N, K, 2.0, pointers[0], lda, pointers[1], ldb, beta, pointers[2], N
            )  # fmt: skip
            np.testing.assert_allclose(c, 2 * a @ b + 2 * beta, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["32 bits", "SciPy", "loop"])
@pytest.mark.parametrize("name", ["sgemv", "dgemv"])
def test_stand_ins_for_vectors(kind, name, monkeypatch):
    function = stand_in(kind, name, monkeypatch)
    dtype = np.float32 if name[0] == "s" else np.float64
    a = np.arange(12, dtype=dtype).reshape(4, 3)
    for trans in (False, True):
        x = np.arange(1, 1 + (4 if trans else 3), dtype=dtype)
        y = np.full(2 * (3 if trans else 4), 5, dtype)
        given = [array.ctypes.data for array in (a, x, y)]
        function.ctypes(
            ROW_MAJOR, TRANSPOSED if trans else PLAIN, 4, 3, 2.0, given[0], 3, given[1], 1, 1.0, given[2], 2
        )  # fmt: skip
        assert y[::2].tolist() == (2 * (a.T if trans else a) @ x + 5).tolist()
        assert (y[1::2] == 5).all()


def test_stand_ins_are_used_for_short_integers():
    assert set(blas.addresses(short_library())) == {"sgemm", "dgemm", "sgemv", "dgemv"}


@pytest.mark.parametrize(("length", "parts"), [(10, 4), (3, 4), (784, 4), (1, 1), (5, 4)])
def test_slices_cover_everything_once(length, parts):
    covered = [i for start, stop in blas_sizes.slices(length, parts) for i in range(start, stop)]
    assert covered == list(range(length))
    assert all(start < stop for start, stop in blas_sizes.slices(length, parts))


def test_small_products_stay_whole():
    assert blas_sizes.cuts(32, 128, 10, 4) == (1, 1)
    assert blas_sizes.cuts(128, 784, 512, 1) == (1, 1)
    assert blas_sizes.pieces(64, 64, 64) == 1


def test_cuts_follow_what_was_measured():
    assert blas_sizes.cuts(128, 512, 784, 4) == (1, 4)
    assert blas_sizes.cuts(784, 512, 128, 4) == (4, 1)
    assert blas_sizes.cuts(512, 10, 128, 4) == (4, 1)
    assert blas_sizes.pieces(256, 64, 93) > 1
    assert blas_sizes.transposes_first(128, 512, 10)
    assert blas_sizes.use_loop(32, 128, 2)
    assert blas_sizes.use_gemv(1, 1024, 1024)
    assert not blas_sizes.use_gemv(1, 128, 128)
    assert not blas_sizes.use_gemv(2, 1024, 1024)
    assert blas_sizes.may_thread(784, 512, 128)
    assert not blas_sizes.may_thread(8, 8, 8)
