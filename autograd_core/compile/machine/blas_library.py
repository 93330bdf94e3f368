"""The BLAS that NumPy calls: found in the running process, by symbol, without Numba.

NumPy's core extension is linked to its BLAS, and a symbol asked of a shared object is also looked for in the objects
that it is linked to. So the extension itself is asked, and what answers is the library that ``np.matmul`` uses,
wherever it lies and whatever it is called. Only Windows does not look further; there the files beside NumPy are opened.

Builds differ in how they name their functions and in the width of their integers:

===================================  =========  ================================================
name of ``sgemm``                    integers   build
===================================  =========  ================================================
``scipy_cblas_sgemm64_``             64 bits    OpenBLAS in NumPy's wheels
``cblas_sgemm64_``                   64 bits    OpenBLAS, Netlib or MKL with a suffix
``cblas_sgemm$NEWLAPACK$ILP64``      64 bits    Accelerate (macOS 13.3 and later)
``scipy_cblas_sgemm``                32 bits    OpenBLAS in SciPy's wheels
``cblas_sgemm$NEWLAPACK``            32 bits    Accelerate
``cblas_sgemm``                      32 bits    a system's OpenBLAS, BLIS, ATLAS, Netlib, MKL
===================================  =========  ================================================
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# pattern of the names, and whether integers have 64 bits; the first that is there is taken
NAMES = (
    ("scipy_cblas_{}64_", True),
    ("cblas_{}64_", True),
    ("cblas_{}$NEWLAPACK$ILP64", True),
    ("scipy_cblas_{}", False),
    ("cblas_{}$NEWLAPACK", False),
    ("cblas_{}", False),
)

# how libraries call the functions that give, and that set, their number of threads
THREADS = (
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112  # enum values of cblas.h


@dataclass(frozen=True, eq=False)
class BlasLibrary:
    """A loaded BLAS.

    Attributes
    ----------
    handle : ctypes.CDLL
    pattern : str
        Its names: ``pattern.format("sgemm")``.
    wide : bool
        Whether its integers have 64 bits.
    getter, setter : function or None
        For its number of threads; None if it has none that is known here.
    """

    handle: ctypes.CDLL
    pattern: str
    wide: bool
    getter: Callable[[], int] | None = None
    setter: Callable[[int], None] | None = None

    def address(self, name: str) -> int:
        """Address of a function of CBLAS, ``"sgemm"`` for example."""
        return address_of(getattr(self.handle, self.pattern.format(name)))

    def set_num_threads(self, count: int) -> None:
        """Let it use ``count`` threads; does nothing if this library has no function for it."""
        if self.setter is not None:
            self.setter(count)

    def get_num_threads(self) -> int | None:
        """Threads it uses, or None if this library does not say."""
        return None if self.getter is None else int(self.getter())


@functools.cache
def numpy_blas() -> BlasLibrary | None:
    """Find the BLAS that NumPy calls; None if it has none, or one with names unknown here."""
    for handle in _candidates():
        for pattern, wide in NAMES:
            if hasattr(handle, pattern.format("sgemm")):
                library = BlasLibrary(handle, pattern, wide, *_thread_functions(handle, pattern))
                if _multiplies(library):
                    return library
    return None


def address_of(function) -> int:
    """Address of a function of a shared object."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _candidates() -> Iterator[ctypes.CDLL]:
    """Shared objects to ask: NumPy's core; on Windows also the libraries that its wheel brings."""
    core = sys.modules["numpy._core._multiarray_umath"].__file__ or ""
    paths = [Path(core)]
    if sys.platform == "win32":
        root = Path(np.__file__).parent
        paths += sorted(root.parent.glob("numpy.libs/*openblas*.dll")) + sorted(root.glob(".libs/*openblas*.dll"))
    for path in paths:
        try:
            yield ctypes.CDLL(str(path))
        except OSError:  # not a file that can be opened by itself: ask the next one
            continue


def _thread_functions(handle: ctypes.CDLL, pattern: str) -> tuple[Any, Any]:
    """Functions that give and set the number of threads, or (None, None)."""
    for get, put in THREADS:
        # One process may hold OpenBLAS twice, NumPy's and SciPy's: take the one whose names have the same suffix.
        if hasattr(handle, put) and get.endswith("64_") == pattern.endswith("64_"):
            getter, setter = getattr(handle, get), getattr(handle, put)
            getter.argtypes, getter.restype = [], ctypes.c_int
            setter.argtypes, setter.restype = [ctypes.c_int], None
            return getter, setter
    return None, None


def _multiplies(library: BlasLibrary) -> bool:
    """Try one product of 2 by 3 and 3 by 2 matrices: a name alone does not prove what the arguments are."""
    a = np.arange(6, dtype=np.float64).reshape(2, 3)
    out = np.empty((2, 2))
    integer = ctypes.c_int64 if library.wide else ctypes.c_int32
    gemm = getattr(library.handle, library.pattern.format("dgemm"))
    gemm.restype = None
    pointer, real = ctypes.c_void_p, ctypes.c_double
    gemm.argtypes = [ctypes.c_int] * 3 + [integer] * 3 + [real] + [pointer, integer] * 2 + [real, pointer, integer]
    gemm(ROW_MAJOR, PLAIN, TRANSPOSED, 2, 2, 3, 1.0, a.ctypes.data, 3, a.ctypes.data, 3, 0.0, out.ctypes.data, 2)
    return bool(np.array_equal(out, [[5.0, 14.0], [14.0, 50.0]]))
