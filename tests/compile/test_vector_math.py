"""The vector math: its errors, its special values, and that LLVM makes vector instructions of it."""

import re
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

import autograd_core as ag
from autograd_core.compile.machine import alone, vector_math
from autograd_core.compile.machine.scalar_rules import ALONE
from autograd_core.compile.machine.vector_math import FUNCTIONS, LARGEST_ERROR
from tests.compile import ulp_table

UNARY = [(name, kind) for name, kind in FUNCTIONS if name in LARGEST_ERROR and name != "power"]
MEASURED = [(name, kind) for name in LARGEST_ERROR for kind in "fd"]
needs_longdouble = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="longdouble is no better than float64")


@needs_longdouble
@pytest.mark.parametrize(("name", "kind"), MEASURED)
def test_error_is_within_the_bound_stated(name, kind):
    assert ulp_table.largest_error(name, kind, count=80_000) <= LARGEST_ERROR[name]["fd".index(kind)]


@needs_longdouble
@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), MEASURED)
def test_error_is_within_the_bound_stated_in_a_dense_sample(name, kind):
    assert ulp_table.largest_error(name, kind, count=2_000_000) <= LARGEST_ERROR[name]["fd".index(kind)]


@pytest.mark.parametrize("name", [name for name, kind in UNARY if kind == "f" and name not in ulp_table.REFERENCES])
def test_every_float32_is_within_the_bound(name):
    """A stride that is odd and prime meets all exponents and, in time, all mantissas."""
    assert ulp_table.all_patterns_error(name, stride=30_011) <= LARGEST_ERROR[name][0]


@needs_longdouble
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, kind in UNARY if kind == "f"])
def test_every_float32_is_within_the_bound_in_a_dense_sample(name):
    assert (
        ulp_table.all_patterns_error(name, stride=4001 if name in ulp_table.REFERENCES else 499)
        <= (LARGEST_ERROR[name][0])
    )


@needs_longdouble
@pytest.mark.parametrize("kind", "fd")
@pytest.mark.parametrize("name", ALONE)
def test_error_of_the_library_is_within_the_bound_stated(name, kind):
    """What a kernel over a few entries takes instead."""
    function = getattr(alone, f"{name}_alone")

    @numba.njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    (x,) = ulp_table.samples(name, kind, 40_000)
    out = np.empty_like(x)
    loop(x, out)
    with np.errstate(all="ignore"):
        true = ulp_table.reference(name)(x.astype(np.longdouble))
    bound = 1.0 if sys.platform != "linux" else 0.0  # other systems' libraries promise less than glibc's
    assert ulp_table.errors_in_ulp(out, true).max() <= max(bound, LARGEST_ERROR[name]["fd".index(kind)])


@pytest.mark.parametrize(("size", "expected"), [(1, "sin_alone"), (3, "sin_alone"), (4, "sin_f64"), (4000, "sin_f64")])
def test_a_kernel_over_a_few_entries_takes_the_library(size, expected):
    x = np.linspace(0.1, 3.0, size)
    f = ag.function(lambda x: np.sin(x) + 1.0, jit="numba")
    np.testing.assert_allclose(f(x), np.sin(x) + 1.0, rtol=1e-15)
    assert set(re.findall(r"sin_\w+(?=\()", f.plan(x).source)) - {"sin_0", "add_0"} == {expected}


# Where exp, exp2 and their like leave the normal numbers, reach zero or infinity.
EDGES = {
    "f": [87.4, 88.72, 88.73, 103.2, 103.98, 126.5, 127.99, 128, 149, 149.5, 150.1, 2.0**24 - 1],
    "d": [708.5, 709.78, 709.79, 745.1, 745.2, 1022.5, 1023.99, 1024, 1074, 1074.9, 1075.1, 2.0**53 - 1],
}


def special_values(kind):
    dtype = ulp_table.DTYPES[kind]
    info = np.finfo(dtype)
    sizes = [0, 1, 2, 0.5, 3, 1.5, 8, 10, 1000, np.pi, info.eps, info.eps / 2, np.inf, np.nan, *EDGES[kind]]
    sizes += [info.max, info.max / 2, info.smallest_normal, info.smallest_normal * 0.7, info.smallest_subnormal]
    values = np.array(sizes, dtype)
    with np.errstate(over="ignore"):
        values = np.concatenate([values, np.nextafter(values, dtype(0)), np.nextafter(values, dtype(np.inf))])
    return np.concatenate([values, -values])


def expected(name, *args):
    """NumPy's result by way of longdouble: its own float32 exp2(-149.5) is 0, of 0.7 times the smallest float."""
    with np.errstate(all="ignore"):
        return ulp_table.reference(name)(*(x.astype(np.longdouble) for x in args)).astype(args[0].dtype)


def assert_same(result, true, *args, rtol):
    """Equal up to rounding; zeros, infinities and NaN exactly, the signs of zeros too."""
    with np.errstate(all="ignore"):
        close = np.abs(result - true) <= np.maximum(rtol * np.abs(true), np.finfo(true.dtype).smallest_subnormal * 2)
        equal = (result == true) & (np.signbit(result) == np.signbit(true))
        same = equal | (close & (result != 0) & (true != 0)) | (np.isnan(result) & np.isnan(true))
    assert same.all(), list(zip(*(x[~same] for x in (*args, result, true)), strict=True))[:10]


@pytest.mark.parametrize(("name", "kind"), UNARY)
def test_special_values_are_numpys(name, kind):
    x = special_values(kind)
    true = expected(name, x)
    assert_same(ulp_table.apply(name, kind, x), true, x, rtol=np.finfo(x.dtype).eps * 4)


@pytest.mark.parametrize("kind", "fd")
@pytest.mark.parametrize("name", ["power", "logaddexp", "maximum", "minimum"])
def test_special_values_of_two_arguments_are_numpys(name, kind):
    x, y = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(special_values(kind), special_values(kind)))
    true = expected(name, x, y)
    if name == "logaddexp":
        # Left out: results near 0, where the sum cancels.
        ordinary = (np.abs(true) > 0.1) | ~np.isfinite(true)
        x, y, true = x[ordinary], y[ordinary], true[ordinary]
    result = ulp_table.apply(name, kind, x, y)
    if name in ("maximum", "minimum"):  # of 0 and -0 NumPy gives either
        result, true = result + 0.0, true + 0.0
    assert_same(result, true, x, y, rtol=np.finfo(x.dtype).eps * 8)


@pytest.mark.parametrize("kind", "fd")
@pytest.mark.parametrize("name", ["log2", "log10", "exp2"])
def test_exact_results_are_exact(name, kind):
    dtype = ulp_table.DTYPES[kind]
    powers = np.arange(-10, 11) if name == "log10" else np.arange(-120, 121)
    if name == "log10":
        powers = np.arange(0, 11)
    base = 10 if name == "log10" else 2
    x, true = (dtype(base) ** powers.astype(dtype)).astype(dtype), powers.astype(dtype)
    if name == "exp2":
        x, true = true, x
    np.testing.assert_array_equal(ulp_table.apply(name, kind, x), true)


def test_sine_and_cosine_of_the_hardest_arguments():
    """The first is the float64 nearest to a multiple of a quarter turn (J.-M. Muller). By mpmath, 1,300 bits."""
    x = np.array([6381956970095103.0 * 2.0**797, 1e22, 2.0**60 + 2**10, 2.0**1023, np.finfo(np.float64).max])
    sine = [1.0, -0.8522008497671888, -0.7318737455870588, 0.563127779850884, 0.004961954789184062]
    cosine = [-4.687165924254628e-19, 0.523214785395139, -0.6814402545494134, -0.826369834614148, -0.9999876894265599]
    np.testing.assert_array_max_ulp(ulp_table.apply("sin", "d", x), np.array(sine), 1)
    np.testing.assert_array_max_ulp(ulp_table.apply("cos", "d", x), np.array(cosine), 1)


# Not tan of float64: with AVX2 alone LLVM leaves it scalar.
VECTORISED = [row for row in [*UNARY, ("power", "f"), ("power", "d")] if row != ("tan", "d")]


@pytest.mark.parametrize(("name", "kind"), VECTORISED)
def test_loops_become_vector_instructions(name, kind):
    loop = ulp_table.loop(name, kind)
    x = np.ones(64, ulp_table.DTYPES[kind])
    loop(*[x] * (2 if name == "power" else 1), np.empty_like(x))
    (assembly,) = loop.inspect_asm().values()
    if "mm0" not in assembly:
        pytest.skip("no x86")
    assert re.search(r"^\s+v?(mul|fn?madd\d+)p[sd]\s", assembly, re.MULTILINE)
    assert not re.search(rf"call\S*\s+\$?{name}f?\b", assembly)


@pytest.mark.parametrize("kind", "fd")
@pytest.mark.parametrize("bad", [0, 5, 99])
def test_maximum_reduces_and_keeps_nan(kind, bad):
    @numba.njit(fastmath={"nsz"}, error_model="numpy")
    def largest(x):
        total = x[0]
        for i in range(x.size):
            total = vector_math.maximum(total, x[i])
        return total

    x = np.random.default_rng(bad).standard_normal(100).astype(ulp_table.DTYPES[kind])
    assert largest(x) == x.max()
    x[bad] = np.nan
    assert np.isnan(largest(x))


def test_wide_registers_change_nothing_but_the_registers():
    x = np.linspace(-5, 5, 1000, dtype=np.float32)
    narrow, wide = np.empty_like(x), np.empty_like(x)
    ulp_table.loop("exp", "f")(x, narrow)
    ulp_table.loop("exp", "f", wide=True)(x, wide)
    np.testing.assert_array_equal(narrow, wide)


def test_each_function_has_a_name_for_each_type():
    for name, kind in FUNCTIONS:
        if name not in ("maximum", "minimum"):
            ours = "pow" if name == "power" else name
            assert getattr(vector_math, f"{ours}_{'f32' if kind == 'f' else 'f64'}") is FUNCTIONS[name, kind]
