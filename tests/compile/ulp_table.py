"""Measure the vector math and print the table of docs/vector_math.rst: ``python tests/compile/ulp_table.py``.

Errors are in units in the last place of the true result, over samples of all bit patterns (which hold numbers of every
size) and of the ranges where the functions are not constant. The reference is ``np.longdouble``, which must have more
digits than float64 (x86, not Windows); with ``--mpmath``, some thousands of float64 points by mpmath instead.
"""

import argparse
import functools
import time

import numba
import numpy as np

from autograd_core.compile.machine.vector_math import FUNCTIONS, LARGEST_ERROR, use_wide_registers

BINARY = ("power", "logaddexp", "maximum", "minimum")
DTYPES = {"f": np.float32, "d": np.float64}
Long = np.longdouble
ROOT_PI = np.sqrt(Long("3.14159265358979323846264338327950288"))


def erf_long(x):
    """Sum the series of positive terms (Abramowitz and Stegun 7.1.6): nothing cancels."""
    with np.errstate(invalid="ignore"):
        a = np.clip(np.abs(x), 0, 6.2)
        term = total = a * np.exp(-a * a)
    for n in range(1, 160):
        term = term * (2 * a * a / (2 * n + 1))
        total = total + term
    return np.copysign(np.where(np.isnan(x), x, np.where(a > 6.1, 1, 2 / ROOT_PI * total)), x)


def erfc_long(x):
    """Lentz's form of the continued fraction (Abramowitz and Stegun 7.1.14) from 2 on, below 1 - erf(x)."""
    a = np.maximum(np.where(np.isnan(x), 0, np.abs(x)), 2)
    tail = np.zeros_like(a)
    for n in range(200, 0, -1):
        tail = Long(n) / 2 / (a + tail)
    tail = np.exp(-a * a) / (ROOT_PI * (a + tail))
    return np.where(np.isnan(x), x, np.where(x >= 2, tail, 1 - erf_long(x)))


def sigmoid_long(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus_long(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


REFERENCES = {"erf": erf_long, "erfc": erfc_long, "sigmoid": sigmoid_long, "softplus": softplus_long}


def reference(name):
    return REFERENCES.get(name) or getattr(np, name)


@functools.cache
def loop(name, kind, wide=False):
    """Return a compiled loop ``f(*arrays, out)`` over the function."""
    function = FUNCTIONS[name, kind]

    def unary(x, out):
        if wide:
            use_wide_registers()
        for i in range(x.size):
            out[i] = function(x[i])

    def binary(x, y, out):
        if wide:
            use_wide_registers()
        for i in range(x.size):
            out[i] = function(x[i], y[i])

    return numba.njit(error_model="numpy")(binary if name in BINARY else unary)


def apply(name, kind, *arrays):
    out = np.empty_like(arrays[0])
    loop(name, kind)(*arrays, out)
    return out


def errors_in_ulp(result, true):
    """Return ``|result - true|`` in units in the last place of ``true``, rounded to the dtype of ``result``.

    Equal values, NaN both, and an overflow to infinity where ``true`` overflows count 0; any other NaN or infinity is
    an infinite error.
    """
    info = np.finfo(result.dtype)
    largest, smallest = Long(info.max), Long(info.smallest_normal)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(true), smallest)
        unit = np.ldexp(Long(1), np.frexp(np.where(np.isfinite(size), size, 1))[1] - 1 - info.nmant)
        error = np.abs(result.astype(Long) - true) / unit
        overflow = np.isinf(result) & (np.abs(true) > largest) & (np.sign(result) == np.sign(true))
        same = (result == true) | (np.isnan(result) & np.isnan(true)) | overflow
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


def bit_patterns(kind, count, rng):
    """Return floats with random bits: every exponent and sign alike, infinities and NaN too."""
    unsigned = np.uint32 if kind == "f" else np.uint64
    return rng.integers(0, np.iinfo(unsigned).max, count, dtype=unsigned, endpoint=True).view(DTYPES[kind])


def samples(name, kind, count, seed=0):
    """Return the arguments, one or two arrays of about ``count``."""
    rng, dtype = np.random.default_rng(seed), DTYPES[kind]
    if name == "power":
        largest = 88.0 if kind == "f" else 709.0
        x = np.exp(rng.uniform(-5, 5, count // 4))
        near_one = 1 + rng.standard_normal(count // 4) * 1e-3
        bases = [bit_patterns(kind, count // 4, rng), x, near_one, rng.integers(-9, 9, count // 4)]
        exponents = [
            rng.standard_normal(count // 4) * 3,
            rng.uniform(-largest, largest, count // 4) / np.log(x),
            rng.uniform(-largest, largest, count // 4) * 1000,
            rng.integers(-20, 20, count // 4),
        ]
        with np.errstate(all="ignore"):
            return np.concatenate(bases).astype(dtype), np.concatenate(exponents).astype(dtype)
    limit = 160.0 if kind == "f" else 1100.0
    parts = [
        bit_patterns(kind, count // 4, rng),
        rng.standard_normal(count // 4) * 3,
        rng.uniform(-limit, limit, count // 4),
        np.exp(rng.uniform(-40, 8, count // 8)) * rng.choice((-1, 1), count // 8),
        1 + rng.standard_normal(count // 8) * 0.1,
    ]
    return (np.concatenate([part.astype(dtype) for part in parts]),)


def largest_error(name, kind, count=1_000_000):
    arrays = samples(name, kind, count)
    with np.errstate(all="ignore"):
        true = reference(name)(*(x.astype(Long) for x in arrays))
    return float(errors_in_ulp(apply(name, kind, *arrays), true).max())


def all_patterns_error(name, stride, start=0, chunk=1 << 22):
    """Return the largest error over every ``stride``-th of all float32."""
    worst, compiled = 0.0, loop(name, "f")
    for first in range(start, 1 << 32, chunk * stride):
        last = min(1 << 32, first + chunk * stride)
        x = np.arange(first, last, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
        out = np.empty_like(x)
        compiled(x, out)
        with np.errstate(all="ignore"):
            # sin and cos of float64 are good to 2**-53 here too, the others' errors are as small against float32's.
            true = reference(name)(x.astype(Long if name in REFERENCES else np.float64)).astype(Long)
        worst = max(worst, float(errors_in_ulp(out, true).max()))
    return worst


def mpmath_error(name, count=4000):
    """Return the largest error in float64 over ``count`` points, by mpmath."""
    import mpmath

    mpmath.mp.prec = 1200
    functions = {
        "exp2": lambda x: mpmath.mpf(2) ** x,
        "log2": lambda x: mpmath.log(x) / mpmath.log(2),
        "log10": lambda x: mpmath.log(x) / mpmath.log(10),
        "arctanh": mpmath.atanh,
        "log1p": lambda x: mpmath.log(1 + x),
        "expm1": lambda x: mpmath.exp(x) - 1,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
        "power": lambda x, y: mpmath.power(x, y),
    }
    function = functions.get(name) or getattr(mpmath, name)
    arrays = samples(name, "d", count, seed=1)
    results = apply(name, "d", *arrays)
    worst = 0.0
    for result, *args in zip(results, *arrays, strict=True):
        if np.isfinite(result) and result:
            true = function(*(mpmath.mpf(float(a)) for a in args))
            unit = mpmath.mpf(2) ** (max(mpmath.frexp(true)[1], -1021) - 53)
            worst = max(worst, float(abs(mpmath.mpf(float(result)) - true) / unit))
    return worst


def nanoseconds(call, size, rounds=15, repeats=30):
    """Return the least time of ``rounds``, for each of ``size`` numbers."""
    call()
    best = np.inf
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        best = min(best, time.perf_counter() - start)
    return best / repeats / size * 1e9


def timings(name, kind, size=4096):
    """Return ns for each number: 256-bit registers, 512-bit registers, NumPy or SciPy (None without)."""
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0.1, 3, size).astype(DTYPES[kind]) for _ in range(1 + (name in BINARY))]
    out = np.empty_like(arrays[0])
    peer = getattr(np, name, None)
    if peer is None:
        from scipy import special

        peer = {"erf": special.erf, "erfc": special.erfc, "sigmoid": special.expit}.get(name)
    narrow, wide = loop(name, kind), loop(name, kind, wide=True)
    times = [nanoseconds(lambda f=f: f(*arrays, out), size) for f in (narrow, wide)]
    return (*times, None if peer is None else nanoseconds(lambda: peer(*arrays, out=out), size))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpmath", action="store_true", help="also measure float64 against mpmath")
    parser.add_argument("names", nargs="*", help="functions; all by default")
    arguments = parser.parse_args()
    for name in arguments.names or LARGEST_ERROR:
        for kind, bound in zip("fd", LARGEST_ERROR[name], strict=True):
            row = [name, np.dtype(DTYPES[kind]).name, f"{largest_error(name, kind):.2f}", f"{bound:.2f}"]
            row += ["" if t is None else f"{t:.2f}" for t in timings(name, kind)]
            if arguments.mpmath and kind == "d":
                row.append(f"mpmath {mpmath_error(name):.2f}")
            print("   * - " + "\n     - ".join(row), flush=True)


if __name__ == "__main__":
    main()
