"""Every public function of ``autograd_core.numpy`` in a traced function: the eager result, or an error that helps."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.tree import flatten

NUMBA = bool(importlib.util.find_spec("numba"))
RNG = np.random.default_rng(0)

GIVEN = {
    "x": RNG.uniform(0.1, 0.9, (3, 4)),  # traced arguments of the functions below
    "y": RNG.uniform(0.1, 0.9, (3, 4)),
    "m": RNG.uniform(0.1, 0.9, (3, 3)) + 2 * np.eye(3),
    "v": RNG.uniform(0.1, 0.9, 4),
    "w": RNG.uniform(0.1, 0.9, 3),
    "s": np.array(0.3),
    "n": np.array([[0.3, np.nan, 0.1, 0.7], [0.5, 0.2, 0.9, 0.4], [np.nan, 0.6, 0.8, 0.05]]),
    "i": RNG.integers(0, 3, (3, 4)),
    "j": np.array([2, 0, 1]),
    "b": RNG.random((3, 4)) > 0.4,
    "k": RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4)),
    "h": RNG.normal(size=(2, 8, 8, 3)),  # images
    "f": RNG.normal(size=(3, 3, 3, 5)),  # filters
}


def words(text: str) -> list[str]:
    return text.split()


UNARY = words("""
abs absolute angle arcsin arcsinh arctan arctanh asin asinh atan atanh arccos acos cbrt ceil conj conjugate copy cos
cosh deg2rad degrees elu exp exp2 expm1 fabs fix floor gelu hard_sigmoid identity_of imag isfinite isinf isnan
isneginf isposinf isreal iscomplex leaky_relu log log10 log1p log2 log_sigmoid mish nan_to_num negative positive
rad2deg radians ravel real reciprocal relu rint round around selu sigmoid sign signbit silu sin sinc sinh softplus
softsign spacing sqrt square swish tan tanh trunc logical_not modf frexp array asarray asanyarray ascontiguousarray
asfortranarray atleast_1d atleast_2d atleast_3d all any amax amin max min sum prod mean median std var ptp argmax
argmin argsort sort cumsum cumprod cumulative_sum count_nonzero average diff ediff1d flip fliplr flipud rot90
transpose matrix_transpose trace squeeze unstack zeros_like ones_like empty_like_shape ndim shape size iscomplexobj
isrealobj softmax log_softmax logsumexp logcumsumexp nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod
nanstd nansum nanvar nanargmax_of gradient diagonal tril triu corrcoef cov i0_of permute_dims trapezoid standardize
sort_complex real_if_close
""")
BINARY = words("""
add arctan2 atan2 copysign divide equal float_power floor_divide fmax fmin fmod greater greater_equal heaviside hypot
isclose less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum mod multiply nextafter
not_equal pow power remainder subtract true_divide divmod inner vdot vecdot kron outer allclose array_equal
array_equiv broadcast_arrays sigmoid_cross_entropy softmax_cross_entropy cross_of
""")
INTEGERS = words("""
bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor gcd lcm left_shift right_shift
""")
OTHERS: dict[str, Any] = {
    "acosh": lambda g: (anp.acosh(g.x + 1), anp.arccosh(g.x + 1)),
    "add_bias": lambda g: anp.add_bias(g.x, g.v),
    "affine": lambda g: anp.affine(g.x, anp.transpose(g.y), g.w),
    "append": lambda g: (anp.append(g.x, g.y), anp.append(g.x, g.y, 0)),
    "arange": lambda g: anp.arange(3) * g.w,
    "argpartition": lambda g: anp.sort(anp.argpartition(g.v, 2)[:2]),
    "array_split": lambda g: anp.array_split(g.v, 3),
    "astype": lambda g: anp.astype(g.x, np.float32),
    "avg_pool": lambda g: anp.avg_pool(g.h, 2),
    "bincount": lambda g: (anp.bincount(g.j, minlength=5, weights=g.w), anp.bincount(g.j, minlength=3)),
    "bitwise_count": lambda g: anp.bitwise_count(g.i),
    "bitwise_invert": lambda g: (anp.bitwise_invert(g.i), anp.bitwise_not(g.i), anp.invert(g.b)),
    "block": lambda g: anp.block([[g.x, g.y], [g.y, g.x]]),
    "broadcast_to": lambda g: anp.broadcast_to(g.v, (2, 4)),
    "choose": lambda g: (
        anp.choose(g.i, [g.x, g.y, 2 * g.x]), anp.choose(g.i + 1, [g.x, g.y, g.x], mode="wrap"),
        anp.choose(g.i - 1, [g.x, g.y, g.x], mode="clip"),
    ),
    "clip": lambda g: (anp.clip(g.x, 0.2, 0.5), anp.clip(g.x, g.y, None), g.x.clip(0.3, g.v + 0.5)),
    "column_stack": lambda g: anp.column_stack([g.x, g.w]),
    "concatenate": lambda g: (anp.concatenate([g.x, g.y]), anp.concat([g.x, g.y], axis=1)),
    "conv": lambda g: anp.conv(g.h, g.f),
    "conv_transpose": lambda g: anp.conv_transpose(g.h[..., :3], anp.swapaxes(g.f, 2, 3)),
    "convolve": lambda g: (anp.convolve(g.v, g.w), anp.correlate(g.v, g.w, "full")),
    "cross": lambda g: (anp.cross(g.m, g.m[::-1]), anp.linalg.cross(g.m, g.m[::-1])),
    "cumulative_sum": lambda g: anp.cumulative_sum(g.x, axis=1),
    "cumulative_prod": lambda g: anp.cumulative_prod(g.x, axis=0),
    "delete": lambda g: anp.delete(g.x, 1, axis=0),
    "depthwise_conv": lambda g: anp.depthwise_conv(g.h, g.f[..., :1]),
    "diag": lambda g: (anp.diag(g.v), anp.diag(g.m), anp.diagflat(g.v)),
    "digitize": lambda g: (anp.digitize(g.x, g.sorted), anp.digitize(g.x, g.sorted[::-1])),
    "dot": lambda g: (anp.dot(g.x, g.v), anp.dot(g.w, g.m), anp.dot(2.0, g.x)),
    "dsplit": lambda g: anp.dsplit(g.h[0], 3),
    "dstack": lambda g: (anp.dstack([g.x, g.y]), anp.hstack([g.x, g.y]), anp.vstack([g.x, g.y])),
    "einsum": lambda g: (anp.einsum("ij,kj->ik", g.x, g.y), anp.einsum("ii", g.m), anp.einsum_path("ij,kj", g.x, g.y)),
    "expand_dims": lambda g: anp.expand_dims(g.x, (0, 2)),
    "eye": lambda g: anp.eye(3) * g.w + anp.identity(3) + anp.tri(3),
    "fromfunction": lambda g: anp.fromfunction(lambda a, b: a + b, (3, 4)) * g.x,
    "full": lambda g: (anp.full((2, 2), g.s), anp.full_like(g.x, g.s), anp.ones(3) * g.w, anp.zeros(3) + g.w),
    "geomspace": lambda g: (anp.geomspace(g.s, 2.0, 5), anp.logspace(0.0, g.s, 4), anp.linspace(g.s, g.v, 3)),
    "histogram": lambda g: (
        anp.histogram(g.x, 4), anp.histogram(g.x, 5, (0.0, 1.0)), anp.histogram(g.v, g.sorted),
        anp.histogram(g.x, 3, weights=g.y), anp.histogram(g.x, 3, density=True), anp.histogram_bin_edges(g.x, 4),
        anp.histogram(anp.ones(3) * g.s, 3),
    ),
    "hsplit": lambda g: (anp.hsplit(g.x, 2), anp.vsplit(g.x, 3), anp.split(g.v, [1, 3])),
    "indices": lambda g: anp.indices((3, 4))[0] * g.x,
    "tril_indices": lambda g: (
        g.m[anp.tril_indices(3)], g.m[anp.triu_indices(3, 1)], g.m[anp.diag_indices(3)],
        g.x[anp.tril_indices_from(g.x)], g.x[anp.triu_indices_from(g.x)], g.m[anp.diag_indices_from(g.m)],
        anp.mgrid[0:3, 0:4][0] * g.x, anp.ogrid[0:3, 0:4][1] * g.x,
    ),
    "unravel_index": lambda g: (anp.unravel_index(g.i, (3, 4)), anp.unravel_index(g.i, (3, 4), "F")),
    "hanning": lambda g: (
        anp.hanning(4) * g.v, anp.hamming(4) * g.v, anp.blackman(4) * g.v, anp.bartlett(4) * g.v, anp.kaiser(4, g.s),
    ),
    "polyval": lambda g: (anp.polyval(g.v, g.x), anp.polyval([1.0, 2.0], g.x)),
    "piecewise": lambda g: anp.piecewise(g.x, [g.x < 0.3, g.x > 0.6], [lambda x: -x, anp.exp, 2.0]),
    "apply_along_axis": lambda g: anp.apply_along_axis(lambda row: anp.cumsum(row)[1:], 0, g.x),
    "vectorize": lambda g: (
        anp.vectorize(lambda a, b: a * b)(g.x, g.v),
        anp.vectorize(lambda a, b: a @ b, signature="(n),(n)->()")(g.x, g.y),
    ),
    "insert": lambda g: (anp.insert(g.x, 1, g.v, axis=0), anp.insert(g.v, [1, 2], g.s)),
    "interp": lambda g: (
        anp.interp(g.x, g.sorted, g.v), anp.interp(g.x, g.sorted, g.v, left=g.s, right=2.0),
        anp.interp(5 * g.x, g.sorted, g.v, period=0.7), anp.interp(g.s, g.sorted, g.v),
        anp.interp(g.x, [0.2, 0.4, 0.5], g.w),
    ),
    "isin": lambda g: (anp.isin(g.i, g.j[:2]), anp.isin(g.i, [1, 2], invert=True)),
    "ix_": lambda g: g.x[anp.ix_([0, 2], [1, 3])],
    "ldexp": lambda g: anp.ldexp(g.x, g.i),
    "lexsort": lambda g: (anp.lexsort((g.x[0], g.i[0])), anp.lexsort(g.x)),
    "lstm": lambda g: anp.lstm(
        g.h[:, :, 0], g.f[0, 0, :, :4], anp.ones((1, 4)) * g.s, anp.zeros(4) + g.s, anp.zeros((2, 1)), anp.zeros((2, 1))
    ),
    "matmul": lambda g: (anp.matmul(g.x, g.v), g.m @ g.x, anp.matvec(g.m, g.w), anp.vecmat(g.w, g.m)),
    "max_pool": lambda g: anp.max_pool(g.h, 2),
    "meshgrid": lambda g: anp.meshgrid(g.v, g.w),
    "moveaxis": lambda g: (anp.moveaxis(g.h, 0, -1), anp.rollaxis(g.h, 2), anp.swapaxes(g.h, 0, 1)),
    "nanargmax": lambda g: (anp.nanargmax(g.n, 1), anp.nanargmin(g.n, 0), anp.nanargmax(g.n), anp.nanargmin(g.x)),
    "nanmedian": lambda g: (anp.nanmedian(g.n), anp.nanmedian(g.n, 1), anp.nanmedian(g.n, 0, keepdims=True)),
    "nanquantile": lambda g: (anp.nanquantile(g.n, 0.3, 1), anp.nanpercentile(g.n, [20, 70], 0)),
    "nanmean": lambda g: (
        anp.nanmean(g.n), anp.nanmean(g.n, 1), anp.nanvar(g.n, 0), anp.nanstd(g.n, 1, ddof=1), anp.nansum(g.n, 0),
        anp.nanprod(g.n, 1), anp.nanmax(g.n, 1), anp.nanmin(g.n), anp.nancumsum(g.n, 1), anp.nancumprod(g.n),
        anp.nanmean(g.n, where=g.b), anp.nanmax(g.n, 0, initial=0.5),
    ),
    "one_hot": lambda g: anp.one_hot(g.i, 3),
    "pad": lambda g: [
        anp.pad(g.x, 1, constant_values=g.s), *(anp.pad(g.x, 2, mode) for mode in (
            "constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean", "maximum", "minimum", "median",
        )),
    ],
    "partition": lambda g: anp.sort(anp.partition(g.v, 2)[:2]),
    "put_along_axis": lambda g: _changed(g.x, lambda x: anp.put_along_axis(x, g.i[:, :1], 5.0, 1)),
    "quantile": lambda g: (
        anp.quantile(g.x, 0.3), anp.quantile(g.x, [0.1, 0.9], 1), anp.percentile(g.x, 25, 0), anp.median(g.n, 1),
        anp.quantile(g.x, g.s), anp.percentile(g.x, 100 * g.s, 1, method="nearest"),
    ),
    "repeat": lambda g: (anp.repeat(g.x, 2, 0), anp.tile(g.x, (2, 1)), anp.repeat(g.w, [1, 2, 0])),
    "reshape": lambda g: (anp.reshape(g.x, (4, -1)), anp.resize(g.x, (2, 3)), g.x.reshape(2, 6), g.x.flatten()),
    "roll": lambda g: (anp.roll(g.x, 1), anp.roll(g.x, (1, 2), (0, 1))),
    "searchsorted": lambda g: (anp.searchsorted(g.sorted, g.x), anp.searchsorted(g.sorted, 0.5, side="right")),
    "select": lambda g: anp.select([g.b, g.x > 0.5], [g.x, g.y], g.s),
    "sparse_softmax_cross_entropy": lambda g: anp.sparse_softmax_cross_entropy(g.j, g.x),
    "stack": lambda g: (anp.stack([g.x, g.y], 1), anp.stack((g.s, g.s))),
    "take": lambda g: (
        anp.take(g.x, g.j, 1), anp.take(g.x, g.i), anp.take_along_axis(g.x, g.i, 0),
        anp.take(g.x, g.j + 2, 0, mode="wrap"),
        anp.take(g.x, g.j + 2, 0, mode="clip"),
    ),
    "tensordot": lambda g: (anp.tensordot(g.x, g.y, ((0, 1), (0, 1))), anp.tensordot(g.m, g.x, 1)),
    "vander": lambda g: anp.vander(g.v, 3),
    "where": lambda g: anp.where(g.b, g.x, 0.0),
    "real_if_close": lambda g: anp.real_if_close(g.x),
    "logsumexp": lambda g: (
        anp.logsumexp(g.x, 1), anp.logsumexp(g.x, b=g.y), anp.logsumexp(g.x, 0, b=[[0.0], [2.0], [1.0]]),
        anp.special.logsumexp(g.x, b=-g.y, return_sign=True),
    ),
    "average": lambda g: (anp.average(g.x, 1, g.v), anp.average(g.x, weights=g.y, returned=True)),
    "mean": lambda g: (anp.mean(g.x, 0, where=g.b), anp.sum(g.x, where=g.b), anp.max(g.x, where=g.b, initial=0.0),
                       anp.var(g.x, where=g.b), anp.std(g.x, 1, ddof=1), anp.prod(g.x, 1, initial=g.s)),
    "cumprod": lambda g: (anp.cumprod(g.x, 0), anp.cumprod(g.n, 1), anp.cumsum(g.n, 1), anp.logcumsumexp(g.x, 1)),
    "unique": lambda g: (anp.unique(g.j, size=3) if "size" in anp.unique.__code__.co_varnames else g.j),
    "cov": lambda g: (anp.cov(g.x), anp.cov(g.x, g.y, rowvar=False), anp.cov(g.x, fweights=[1, 2, 1, 1], ddof=1),
                      anp.corrcoef(g.x, g.y), anp.cov(g.x, aweights=g.v)),
    "cholesky": lambda g: anp.linalg.cholesky(g.spd),
    "cond": lambda g: (anp.linalg.cond(g.m), anp.linalg.cond(g.m, 1), anp.linalg.cond(g.m, -2),
                       anp.linalg.cond(g.m, "fro")),
    "det": lambda g: (anp.linalg.det(g.m), anp.linalg.slogdet(g.m)),
    "linalg.diagonal": lambda g: (anp.linalg.diagonal(g.m), anp.linalg.trace(g.m), anp.linalg.matrix_transpose(g.x)),
    "eig": lambda g: (anp.linalg.eig(g.spd + g.triangle), anp.linalg.eigvals(g.spd + g.triangle)),
    "eigh": lambda g: (anp.linalg.eigh(g.spd)[0], anp.linalg.eigvalsh(g.spd)),
    "inv": lambda g: (anp.linalg.inv(g.m), anp.linalg.pinv(g.x), anp.linalg.pinv(g.spd, hermitian=True)),
    "lstsq": lambda g: (anp.linalg.lstsq(g.x.T, g.v)[0], anp.linalg.lstsq(g.x.T, g.v)),
    "linalg.matmul": lambda g: (anp.linalg.matmul(g.m, g.x), anp.linalg.outer(g.v, g.w), anp.linalg.vecdot(g.x, g.y),
                                anp.linalg.tensordot(g.m, g.x, axes=1), anp.linalg.multi_dot([g.m, g.x, g.v])),
    "matrix_power": lambda g: (anp.linalg.matrix_power(g.m, 3), anp.linalg.matrix_power(g.m, -2)),
    "matrix_rank": lambda g: (anp.linalg.matrix_rank(g.m), anp.linalg.matrix_rank(g.x, tol=g.s)),
    "norm": lambda g: (
        anp.linalg.norm(g.x), anp.linalg.norm(g.v, 3), anp.linalg.norm(g.v, np.inf), anp.linalg.norm(g.v, -np.inf),
        anp.linalg.norm(g.v, 0), anp.linalg.norm(g.x, 1), anp.linalg.norm(g.x, 2), anp.linalg.norm(g.x, "nuc"),
        anp.linalg.norm(g.x, "fro"), anp.linalg.norm(g.x, axis=1), anp.linalg.norm(g.k), anp.linalg.norm(g.x, -2),
        anp.linalg.vector_norm(g.x, ord=3), anp.linalg.matrix_norm(g.x), anp.linalg.norm(g.v, 0.5),
    ),
    "qr": lambda g: (anp.linalg.qr(g.m), anp.linalg.qr(g.x.T, "r")),
    "solve": lambda g: (anp.linalg.solve(g.m, g.w), anp.linalg.solve(g.m, g.x)),
    "svd": lambda g: (anp.linalg.svd(g.x, full_matrices=False)[1], anp.linalg.svdvals(g.x),
                      anp.linalg.svd(g.x, compute_uv=False), anp.linalg.svd(g.x, full_matrices=False)),
    "solve_triangular": lambda g: (
        anp.linalg.solve_triangular(g.m, g.w), anp.linalg.solve_triangular(g.m, g.x, lower=True, trans="T"),
        anp.linalg.cho_solve(anp.linalg.cho_factor(g.spd), g.w), anp.linalg.expm(g.m), anp.linalg.expm(g.spd),
    ),
    "tensorinv": lambda g: (anp.linalg.tensorinv(anp.reshape(g.even, (2, 2, 4)), 2),
                            anp.linalg.tensorsolve(anp.reshape(g.even, (2, 2, 4)), anp.reshape(g.v, (2, 2)))),
    "fft": lambda g: [anp.fft.fftfreq(4) * g.v, anp.fft.rfftfreq(6) * g.v, anp.fft.fft(g.k, 6, 0, norm="ortho"), *(
        getattr(anp.fft, name)(g.x) for name in ("fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn",
            "ifftshift", "ihfft", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn")
    )],
    "special": lambda g: tuple(
        getattr(anp.special, name)(g.x) for name in ("digamma", "entr", "erf", "erfc", "erfinv", "expit", "exprel",
            "gamma", "gammaln", "i0", "i0e", "i1", "i1e", "log_expit", "log_ndtr", "log_softmax", "loggamma", "logit",
            "logsumexp", "ndtr", "ndtri", "psi", "softmax")
    ),
    "special of two": lambda g: [anp.special.polygamma(1, g.x), anp.special.iv(2, g.x), anp.special.ive(1, g.x),
         anp.special.logcumsumexp(g.x, 1), *(
        getattr(anp.special, name)(g.x, g.y) for name in ("beta", "betaln", "kl_div", "rel_entr", "xlog1py", "xlogy")
    )],
    "complex": lambda g: (anp.abs(g.k), anp.angle(g.k), anp.exp(g.k), g.k.real, g.k.imag, anp.vdot(g.k, g.k),
                          g.k.conj().T @ g.k, anp.sqrt(g.k), anp.real_if_close(g.x), anp.sort(g.x, 0)),
    "methods": lambda g: (g.x.sum(1), g.x.T, g.x.mT, g.x.mean(), g.x.copy(), g.x.at[0].set(g.v), g.x.at[:, 1].add(g.w),
                          g.x.at[g.j, g.j].add(2.0),
                          g.x.at[1:, ::2].multiply(2.0), g.x[g.j], g.x[g.i[0, 0]], g.x[None, ..., 0], g.x[::-1, 1:]),
    "extract of a known condition": lambda g: (
        anp.compress([True, False, True], g.x, 0), anp.extract(np.array(GIVEN["b"]), g.x), g.x[GIVEN["b"]],
        anp.nonzero(GIVEN["j"]), anp.delete(g.x, [0, 2], 0), anp.where(GIVEN["b"]),
    ),
    "in place on a copy": lambda g: _changed(g.x, lambda x: x.__setitem__(0, g.v)),
}  # fmt: skip


def _changed(x: Any, change: Any) -> Any:
    own = x.copy()
    change(own)
    return own


def namespace(tensors: Any) -> SimpleNamespace:
    """What a case is given: the arguments, and a few things computed from them."""
    g = SimpleNamespace(**dict(zip(GIVEN, tensors, strict=True)))
    g.sorted = anp.sort(g.v)
    g.spd = g.m @ g.m.T
    g.triangle = anp.triu(g.m) * 0.1
    g.even = anp.reshape(anp.concatenate([anp.ravel(g.x), g.v]), (4, 4)) + 3 * anp.eye(4)
    return g


def case(name: str) -> Any:
    """The function for one name."""
    if name in OTHERS:
        return OTHERS[name]
    function = getattr(anp, name)
    if name in UNARY:
        return lambda g: function(g.x)
    return (lambda g: function(g.x, g.y)) if name in BINARY else (lambda g: function(g.i, g.i[::-1]))


NAMES = sorted({*(n for n in (*UNARY, *BINARY, *INTEGERS) if hasattr(anp, n)), *OTHERS})
ARRAYS = list(GIVEN.values())


def leaves(result: Any) -> list[Any]:
    return [leaf for leaf in flatten(result)[0] if not isinstance(leaf, str)]


@pytest.mark.parametrize("name", NAMES)
def test_results_are_those_of_the_eager_run(name):
    f = case(name)
    agree(lambda *tensors: leaves(f(namespace(tensors))), "numpy")


def agree(f, jit):
    tensors = [ag.constant(array) for array in ARRAYS]
    traced = ag.function(f, jit=jit)
    for _ in range(2):
        same(traced(*tensors), f(*tensors))


@pytest.mark.skipif(not NUMBA, reason="no numba")
@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.slow) for start in range(1, 6))])
def test_all_in_one_plan_of_numba(start):
    functions = [case(name) for name in NAMES[start::6]]
    agree(lambda *tensors: [leaf for f in functions for leaf in leaves(f(namespace(tensors)))], "numba")


@pytest.mark.parametrize("name", NAMES)
def test_tensors_from_outside_are_read_at_each_call(name):
    """A plan is not made for the entries that Tensors had, which the function refers to."""
    f = case(name)
    held = [ag.constant(array) for array in ARRAYS]
    traced = ag.function(lambda: leaves(f(namespace(held))), jit="numpy")
    for _ in range(2):
        same(traced(), leaves(f(namespace(held))))
        for tensor, array in zip(held, ARRAYS, strict=True):
            tensor[...] = array[::-1] if array.ndim else array + 0.1


def same(found, expected, tolerance=1e-10):
    for got, want in zip(found, expected, strict=True):
        assert type(got) is type(want) or isinstance(want, bool)
        got, want = np.asarray(got), np.asarray(want)
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance if want.dtype.kind in "fc" else 0)


def test_no_public_function_is_left_out():
    """Each is in one of the lists above, is refused below, or has nothing to do with the entries of arrays."""
    text = Path(__file__).read_text()
    others = {"from_dlpack", "empty", "empty_like", "ndarray"}
    for space in (anp, anp.linalg, anp.fft, anp.special):
        public = [n for n in dir(space) if getattr(getattr(space, n), "__module__", "").startswith("autograd_core.")]
        missing = [n for n in public if not n.startswith("_") and not re.search(rf"\b{n}\b", text) and n not in others]
        assert not missing


REFUSED: dict[str, Any] = {
    "unique": lambda g: anp.unique(g.x),
    "unique_all": lambda g: anp.unique_all(g.x),
    "unique_counts": lambda g: anp.unique_counts(g.x),
    "unique_inverse": lambda g: anp.unique_inverse(g.x),
    "unique_values": lambda g: anp.unique_values(g.x),
    "union1d": lambda g: anp.union1d(g.v, g.w),
    "intersect1d": lambda g: anp.intersect1d(g.v, g.w),
    "setdiff1d": lambda g: anp.setdiff1d(g.v, g.w),
    "setxor1d": lambda g: anp.setxor1d(g.v, g.w),
    "nonzero": lambda g: anp.nonzero(g.b),
    "flatnonzero": lambda g: anp.flatnonzero(g.b),
    "argwhere": lambda g: anp.argwhere(g.b),
    "where": lambda g: anp.where(g.b),
    "compress": lambda g: anp.compress(g.b[0], g.x, 1),
    "extract": lambda g: anp.extract(g.b, g.x),
    "trim_zeros": lambda g: anp.trim_zeros(g.v),
    "x[mask]": lambda g: g.x[g.b],
    "bincount": lambda g: anp.bincount(g.j),
    "histogram": lambda g: anp.histogram(g.x, "auto"),
    "real_if_close": lambda g: anp.real_if_close(g.k),
    "repeat": lambda g: anp.repeat(g.w, g.j),
    "delete": lambda g: anp.delete(g.w, g.j[:1]),
    "insert": lambda g: anp.insert(g.w, g.j, 1.0),
    "arange": lambda g: anp.arange(g.s),
    "x.at": lambda g: g.x.at[g.j].multiply(2.0),
    "ix_": lambda g: g.x[anp.ix_(g.j, g.j)],
    "resize": lambda g: anp.reshape(g.x, g.j),
    "float": lambda g: float(g.s),
    "int": lambda g: int(g.j[0]),
    "range": lambda g: range(g.j[0]),
    "if": lambda g: 1 if g.s > 0 else 2,
    "item": lambda g: g.s.item(),
    "numpy": lambda g: g.x.numpy(),
    "asarray": lambda g: np.asarray(g.x),
    "print": lambda g: f"{g.s}",
    "sum of a loop": lambda g: [0 for entry in g.x[0] if entry > 0.5],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_says_so(name):
    """The error names the line of the user, and what to do."""
    f = REFUSED[name]
    with pytest.raises(ag.TraceError) as caught:
        ag.function(lambda *tensors: leaves(f(namespace(tensors))))(*map(ag.constant, ARRAYS))
    message = str(caught.value)
    assert f"{Path(__file__).name}:{f.__code__.co_firstlineno}" in message
    assert re.search("outside|Choose|Compute with|Keep the shape|Use set|say", message)


@pytest.mark.parametrize(
    ("error", "f", "bad"),
    [
        (ag.DomainError, lambda j: anp.bincount(j, minlength=3), np.array([0, 3])),
        (IndexError, lambda j: anp.choose(j, [1.0, 2.0, 3.0]), np.array([0, 3])),
        (ZeroDivisionError, lambda j: anp.average(np.ones(2), weights=j), np.array([0, 0])),
        (ag.DomainError, lambda q: anp.quantile(np.ones(2), q / 2.0), np.array([0, 3])),
        (ag.DomainError, lambda e: anp.histogram(np.ones(2), e), np.array([3, 0])),
        (IndexError, lambda j: anp.take(np.ones(3), j), np.array([0, 3])),
    ],
)
def test_what_is_wrong_with_entries_is_said_at_each_run(error, f, bad):
    for jit in ["numpy", *["numba"] * NUMBA]:
        traced = ag.function(f, jit=jit)
        traced(np.array([1, 2]))
        with pytest.raises(error):
            traced(bad)
        traced(np.array([0, 1]))


def _wave(x):
    return np.sum(np.sin(x) * x)


def _branch(x):
    return ag.cond(np.sum(x) > 0, lambda y: np.sum(y * y), np.sum, x)


def _loop(x):
    return np.sum(ag.while_loop(lambda c: np.sum(c) < 50, lambda c: c * x * 2.0, x))


DERIVATIVES = [
    (transform, f) for transform in (ag.grad, ag.jacobian, ag.value_and_grad) for f in (_wave, _branch, _loop)
]
DERIVATIVES += [(ag.hessian, _wave), (ag.hessian, _branch)]  # a loop of unknown length has no second one when traced


@pytest.mark.parametrize(("transform", "f"), DERIVATIVES, ids=lambda each: each.__name__)
def test_a_derivative_for_an_array_is_an_array(transform, f):
    """As without ``function``: the unit vectors and ones that are made inside of it are no Tensors from outside."""
    x = np.array([1.1, 1.3, 1.7])
    found, expected = ag.function(transform(f))(x), transform(f)(x)
    for a, b in zip(*(each if isinstance(each, tuple) else (each,) for each in (found, expected)), strict=True):
        assert type(a) is type(b)
        np.testing.assert_allclose(a, b, rtol=1e-12)
