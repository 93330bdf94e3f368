"""What ``nn.ops`` has beyond NumPy: Keras's names, arguments and values; gradients, plans, and symbolic tensors."""

import math
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
import nn
from nn import ops
from nn.operations import FUNCTIONS

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(4, 5)).astype("float32")
POSITIVE = (abs(X) + 0.1).astype("float32")
DEFINITE = (X[:, :4] @ X[:, :4].T + 3 * np.eye(4)).astype("float32")
IDS = np.array([0, 2, 2, 0])
PLACES = np.array([[0, 1], [2, 3], [0, 1]])


def close(found, wanted, rtol=1e-5, atol=1e-6):
    """Equal to rounding, and of the same shape."""
    found = np.asarray(ag.convert_to_tensor(found).array)
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)


# -- values ----------------------------------------------------------------------------------------------------------


def test_functions_of_entries():
    """Floats keep their dtype, whole numbers become float32."""
    close(ops.rsqrt(POSITIVE), 1 / np.sqrt(POSITIVE))
    close(ops.rsqrt([4, 16]), [0.5, 0.25])
    close(ops.erf(X), np.vectorize(math.erf)(X))
    close(ops.erf(ops.erfinv(X / 4)), X / 4)
    close(ops.logsumexp(X, 1, True), np.log(np.exp(X).sum(1, keepdims=True)))
    assert ops.rsqrt([4, 16]).dtype == ops.erf(X).dtype == "float32"
    assert ops.erf(X.astype("float64")).dtype == "float64"
    assert [ops.is_tensor(value) for value in (ag.constant(X), X, 3, nn.Input((2,)))] == [True, False, False, False]


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
def test_top_k(dtype):
    """From the largest on; equal ones in order."""
    values, indices = ops.top_k(np.array([[1, 5, 5, 2, 5], [9, 0, 3, 9, 1]], dtype), 3)
    close(values, [[5, 5, 5], [9, 9, 3]])
    close(indices, [[1, 2, 4], [0, 3, 2]])
    assert (values.dtype, indices.dtype) == (dtype, "int32")
    assert ops.top_k(X, 0)[0].shape == (4, 0)


def test_top_k_of_nan():
    """As JAX sorts them: NaN before all others."""
    close(ops.top_k([1.0, np.nan, 3.0], 2)[1], [1, 2])


def test_in_top_k():
    """Equal ones are all in; NaN is not, nor does it push others out."""
    row = [1.0, 5.0, 5.0, 2.0, np.nan]
    close(ops.in_top_k([1, 2, 3, 4], [row] * 4, 2), [True, True, False, False])
    close(ops.in_top_k([1, 2, 3, 0], [row] * 4, 1), [True, True, False, False])
    close(ops.in_top_k([3], [row], 3), [True])


def test_segments():
    """Sums and largest entries; what is out of range is left out; segments without entries."""
    close(ops.segment_sum(X, IDS), [X[0] + X[3], np.zeros(5), X[1] + X[2]])
    close(ops.segment_sum(X[:, 0], [0, -1, 7, 0], num_segments=3), [X[0, 0] + X[3, 0], 0, 0])
    close(ops.segment_sum(np.array([1, 2, 3, 4]), IDS, 4, sorted=True), [5, 0, 5, 0])
    close(ops.segment_max(X, IDS, 3), [np.maximum(X[0], X[3]), [-np.inf] * 5, np.maximum(X[1], X[2])])
    assert ops.segment_max(np.array([3, 1, 2, 1]), IDS).numpy().tolist() == [3, np.iinfo(np.int64).min, 2]
    assert ops.segment_sum(np.ones((0, 2)), np.ones(0, int)).shape == (0, 2)


def test_scatter():
    """What goes to one place is added; rows where the indices are fewer."""
    wanted = np.zeros((3, 4))
    wanted[0, 1], wanted[2, 3] = 4, 2
    close(ops.scatter(PLACES, [1.0, 2.0, 3.0], (3, 4)), wanted)
    close(ops.scatter([[2], [0]], X[:2], (3, 5)), [X[1], np.zeros(5), X[0]])


@pytest.mark.parametrize(
    ("reduction", "function"),
    [(None, lambda a, b: b), ("add", np.add), ("max", np.maximum), ("min", np.minimum), ("mul", np.multiply)],
)
def test_scatter_update(reduction, function):
    """The array given stays as it is."""
    before, wanted = X.copy(), X.copy()
    for (row, column), update in zip(PLACES[:2], (1.0, -2.0), strict=True):
        wanted[row, column] = function(wanted[row, column], update)
    found = ops.scatter_update(X, PLACES[:2], [1.0, -2.0], reduction)
    close(found, wanted)
    assert found.dtype == "float32"
    np.testing.assert_array_equal(X, before)


def test_slices():
    """Starts that are known, and that are computed."""
    close(ops.slice(X, (1, 2), (2, 3)), X[1:3, 2:5])
    close(ops.slice(X, np.array([1, 2]), (-1, 2)), X[1:, 2:4])
    wanted = X.copy()
    wanted[1:3, 2:4] = X[:2, :2]
    close(ops.slice_update(X, [1, 2], X[:2, :2]), wanted)
    part = ag.function(lambda x, i: ops.slice(x, (i, 2), (2, 3)))
    whole = ag.function(lambda x, i: ops.slice_update(x, (i, 2), x[:2, :2]))
    for start in (0, 1, 2):
        close(part(X, np.array(start)), X[start : start + 2, 2:5])
        wanted = X.copy()
        wanted[start : start + 2, 2:4] = X[:2, :2]
        close(whole(X, np.array(start)), wanted)


def test_classes():
    """One-hot rows along any axis; numbers out of range give zeros."""
    labels = np.array([[0, -1], [2, 9]])
    wanted = np.array([[[1, 0, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, 0]]])
    close(ops.one_hot(labels, 3), wanted)
    close(ops.one_hot(labels, 3, axis=1), np.moveaxis(wanted, -1, 1))
    assert ops.one_hot(labels, 3).dtype == "float32"
    assert ops.one_hot(labels, 3, dtype="bool").dtype == bool
    close(ops.multi_hot(labels, 3), [[1, 0, 0], [0, 0, 1]])
    close(ops.multi_hot([0, 2], 3, dtype="int32"), [1, 0, 1])
    assert [part.shape for part in ops.unstack(X, axis=1)] == [(4,)] * 5


def test_moments_and_norms():
    """Means, variances, norms, and rows of norm 1."""
    for keepdims in (False, True):
        mean, variance = ops.moments(X, [0], keepdims)
        close(mean, X.mean(0, keepdims=keepdims))
        close(variance, X.var(0, keepdims=keepdims))
    for options in ({}, {"ord": 1, "axis": 1}, {"ord": "fro", "axis": (0, 1)}, {"ord": np.inf, "axis": 0}):
        close(ops.norm(X, **options), np.linalg.norm(X, **options))
    with_zeros = X * np.array([[1], [0], [1], [1]], "float32")
    norms = np.linalg.norm(with_zeros, axis=1, keepdims=True)
    close(ops.normalize(with_zeros), with_zeros / np.maximum(norms, 1e-7))
    close(ops.normalize(X, 0, 3, epsilon=10.0), X / np.maximum(np.linalg.norm(X, 3, 0), 10))
    close(ops.normalize(X * 1e-3, epsilon=0.1), X * 1e-2)


def test_normalizations():
    """Of given statistics, and along axes."""
    mean, variance, offset, scale = X[0], POSITIVE[1], X[2], X[3]
    wanted = (X - mean) / np.sqrt(variance + 1e-3) * scale + offset
    close(ops.batch_normalization(X, mean, variance, -1, offset, scale), wanted, 1e-4, 1e-5)
    centered = X - X.mean(1, keepdims=True)
    plain = centered / np.sqrt(X.var(1, keepdims=True) + 1e-7)
    close(ops.layer_normalization(X, scale, offset), plain * scale + offset, 1e-4, 1e-5)
    close(ops.rms_normalization(X, scale, epsilon=0.1), X / np.sqrt((X**2).mean(1, keepdims=True) + 0.1) * scale)
    close(ops.rms_normalization(X, X[:, 1], axis=0), X / np.sqrt((X**2).mean(0) + 1e-7) * X[:, 1:2])


def test_linear_algebra():
    """Matrices one by one and in stacks; a vector for each matrix."""
    stack = RANDOM.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    close(ops.solve(stack, stack[:, 0]), [np.linalg.solve(a, a[0]) for a in stack])
    close(ops.solve(DEFINITE, X), np.linalg.solve(DEFINITE, X), 1e-4, 1e-5)
    close(ops.solve_triangular(DEFINITE, X, lower=True), np.linalg.solve(np.tril(DEFINITE), X), 1e-4, 1e-5)
    close(ops.solve_triangular(DEFINITE, X[:, 0]), np.linalg.solve(np.triu(DEFINITE), X[:, 0]), 1e-4, 1e-5)
    close(ops.cholesky(DEFINITE), np.linalg.cholesky(DEFINITE), 1e-4)
    close(ops.cholesky(DEFINITE, upper=True), np.linalg.cholesky(DEFINITE).T, 1e-4)
    close(ops.logdet(stack), np.log(abs(np.linalg.det(stack))))
    u, s, v = ops.svd(X)
    assert (u.shape, v.shape) == ((4, 4), (5, 5))
    close((u * s) @ v[:4], X, atol=1e-5)
    close(ops.svd(X, compute_uv=False), s)
    close(ops.lstsq(X.T, X.T[:, :2]), np.eye(4)[:, :2], atol=1e-5)
    q, r = ops.qr(X)
    close(q @ r, X, atol=1e-5)


def test_transforms():
    """Pairs of real and imaginary parts."""
    for length in (None, 8, 3):
        wanted = np.fft.rfft(X, length)
        for found, part in zip(ops.rfft(X, length), (wanted.real, wanted.imag), strict=True):
            close(found, part, atol=1e-5)
            assert found.dtype == "float32"
    close(ops.irfft(ops.rfft(X), 5), X)
    for ours, theirs in ((ops.fft, np.fft.fft), (ops.fft2, np.fft.fft2), (ops.ifft2, np.fft.ifft2)):
        close(anp.stack(ours((X, POSITIVE))), [part(theirs(X + 1j * POSITIVE)) for part in (np.real, np.imag)], 1e-4)


def test_crossentropies():
    """One number for each entry of answers, and for each row of classes."""
    shares = POSITIVE / POSITIVE.sum(1, keepdims=True)
    sure = np.array([0, 1, 0], "float32"), np.array([0, 1, 1], "float32")
    close(ops.binary_crossentropy(*sure), -np.log([1 - 1e-7, 1 - 1e-7, np.float32(1) - np.float32(1 - 1e-7)]), 1e-3)
    wanted = -shares * np.log(shares) - (1 - shares) * np.log(1 - shares)
    close(ops.binary_crossentropy(shares, shares), wanted)
    close(ops.binary_crossentropy(shares, X, from_logits=True), np.log1p(np.exp(X)) - shares * X)
    close(ops.categorical_crossentropy(shares, POSITIVE), -(shares * np.log(shares)).sum(1))
    logs = X - np.log(np.exp(X).sum(1, keepdims=True))
    close(ops.categorical_crossentropy(shares, X, from_logits=True), -(shares * logs).sum(1))
    close(ops.sparse_categorical_crossentropy(IDS, X, from_logits=True), -logs[range(4), IDS])
    close(ops.sparse_categorical_crossentropy(IDS[:, None], POSITIVE), -np.log(shares)[range(4), IDS])


def test_windows():
    """Channels last and first; groups follow from the kernel."""
    images = RANDOM.normal(size=(2, 6, 4, 2)).astype("float32")
    blocks = images.reshape(2, 3, 2, 2, 2, 2)
    first = np.moveaxis(images, -1, 1)
    for function, wanted in ((ops.average_pool, blocks.mean((2, 4))), (ops.max_pool, blocks.max((2, 4)))):
        close(function(images, 2), wanted)
        close(function(first, 2, data_format="channels_first"), np.moveaxis(wanted, -1, 1))
    close(ops.average_pool(np.arange(5.0).reshape(1, 5, 1), 2, 2, "same"), [[[0.5], [2.5], [4.0]]])
    kernel = RANDOM.normal(size=(1, 1, 2, 3)).astype("float32")
    close(ops.conv(images, kernel), images @ kernel[0, 0])
    close(ops.conv(first, kernel, data_format="channels_first"), np.moveaxis(images @ kernel[0, 0], -1, 1))
    grouped = ops.conv(images, kernel[:, :, :1, :2])
    close(grouped, images * kernel[0, 0, 0, :2])
    close(ops.depthwise_conv(images, kernel[..., :1]), images * kernel[0, 0, :, 0])


# -- control flow ----------------------------------------------------------------------------------------------------


def test_choices():
    """Tensors come out, whatever the functions gave."""
    for value, wanted in ((3.0, 9.0), (-3.0, 3.0)):
        x = ag.constant(value)
        close(ops.cond(x > 0, lambda x=x: x * x, lambda x=x: -x), wanted)
    assert ops.is_tensor(ops.cond(True, lambda: 1.0, lambda: 2.0))
    branches = [lambda x: x + 1, lambda x: x * 2, lambda x: x * x]
    for index, wanted in ((0, 4), (1, 6), (2, 9), (5, 9), (-1, 4)):
        close(ops.switch(index, branches, 3.0), wanted)


def test_loops():
    """``loop_vars`` as several, or as one; a limit; carried and stacked values."""
    close(ops.while_loop(lambda i: i < 4, lambda i: i + 1, 0), 4)
    close(ops.while_loop(lambda i: i < 4, lambda i: i + 1, 0, maximum_iterations=2), 2)
    i, total = ops.while_loop(lambda i, t: i < 4, lambda i, t: [i + 1, t * 2.0], (0, 1.0))
    close(i, 4)
    close(total, 16)
    close(ops.fori_loop(1, 4, lambda i, x: x + i, 0.0), 6)
    for reverse in (False, True):
        carry, sums = ops.scan(lambda c, x: (c + x, c + x), np.zeros(5, "float32"), X, reverse=reverse, unroll=2)
        rows = X[::-1] if reverse else X
        close(carry, X.sum(0))
        close(sums, np.cumsum(rows, 0)[::-1] if reverse else np.cumsum(rows, 0))
    for function in (ops.map, ops.vectorized_map):
        close(function(ops.sum, X), X.sum(1))
        found = function(lambda both: {"a": both[0] * both[1].sum()}, (X, POSITIVE))
        close(found["a"], X * POSITIVE.sum(1, keepdims=True))


# -- gradients, plans, symbolic tensors ------------------------------------------------------------------------------

DIFFERENTIABLE = {
    "rsqrt": lambda x: ops.rsqrt(ops.abs(x) + 1),
    "erf": ops.erf,
    "top_k": lambda x: ops.top_k(x, 3)[0],
    "segment_sum": lambda x: ops.segment_sum(x, IDS, 3) ** 2,
    "segment_max": lambda x: ops.segment_max(x, IDS, 3)[:1],
    "scatter": lambda x: ops.scatter(PLACES, x[0, :3], (3, 4)) ** 2,
    "scatter_update": lambda x: ops.scatter_update(x, PLACES[:2], x[0, :2] * 2) ** 2,
    "scatter_update max": lambda x: ops.scatter_update(x, PLACES[:2], x[0, :2] * 2, "max") ** 2,
    "slice": lambda x: ops.slice(x, (ops.argmax(x[0]) * 0 + 1, 2), (2, 2)) ** 2,
    "slice_update": lambda x: ops.slice_update(x, (ops.argmax(x[0]) * 0 + 1, 0), x[:2, :2]) ** 3,
    "moments": lambda x: ops.moments(x, [0])[1],
    "normalize": lambda x: ops.normalize(x)[:, 0],
    "solve": lambda x: ops.solve(x @ x.T + 3 * np.eye(4), x),
    "solve_triangular": lambda x: ops.solve_triangular(x @ x.T + 3 * np.eye(4), x, lower=True),
    "rfft": lambda x: ops.rfft(x)[1] + ops.rfft(x)[0] ** 2,
    "binary_crossentropy": lambda x: ops.binary_crossentropy(POSITIVE, x, from_logits=True),
    "rms_normalization": lambda x: ops.rms_normalization(x)[:, 0],
    "layer_normalization": lambda x: ops.layer_normalization(x)[:, 0],
    "cond": lambda x: ops.cond(ops.sum(x) > 0, lambda: ops.sin(x), lambda: ops.cos(x)),
    "switch": lambda x: ops.switch(ops.argmax(x[0]) % 3, [ops.sin, ops.cos, ops.tanh], x),
    "scan": lambda x: ops.scan(lambda c, row: (c * 0.5 + row, c * c), x[0], x)[1],
    "while_loop": lambda x: ops.while_loop(lambda y: True, lambda y: ops.sin(y) * 2, x, maximum_iterations=3),
    "fori_loop": lambda x: ops.fori_loop(0, 3, lambda i, y: y * x, x),
    "map": lambda x: ops.map(lambda row: ops.sum(row**3), x),
    "vectorized_map": lambda x: ops.vectorized_map(lambda row: ops.sum(row**3) * row, x),
}


@pytest.mark.parametrize("function", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
def test_gradients(function):
    """Against differences, and the same in a compiled plan."""
    x = X.astype("float64")

    def loss(x):
        return ops.sum(function(x) * 1.0)

    ag.testing.check_grads(loss, (x,))
    gradient = ag.grad(loss)
    close(ag.function(gradient)(x), np.asarray(gradient(x)), 1e-9, 1e-12)


def test_rows_of_zeros_have_a_gradient():
    """Not NaN: ``normalize`` divides them by epsilon."""
    gradient = ag.grad(lambda x: ops.sum(ops.normalize(x)))(np.zeros((2, 3)))
    close(gradient, np.full((2, 3), 1e7))


@pytest.mark.parametrize(
    "name", ["rsqrt", "erf", "top_k", "rms_normalization", "cond", "scan", "while_loop", "map", "vectorized_map"]
)
def test_symbolic_tensors(name):
    """In a functional model they give what they give on arrays."""
    function = DIFFERENTIABLE[name]
    if name == "cond":  # whose functions must not use symbolic tensors themselves
        function = lambda x: ops.cond(ops.sum(x) > 0, lambda: 1.0, lambda: 2.0) * x
    x = nn.Input((5,))
    model = nn.Model(x, function(x))
    close(model(X), function(ag.constant(X)).numpy())
    assert model.output_shape == (None, *function(ag.constant(X)).shape[1:])


def test_several_symbolic_outputs():
    """A model may have both outputs of ``top_k``."""
    x = nn.Input((5,))
    values, indices = ops.top_k(x, 2)
    found = nn.Model(x, [values, indices])(X)
    close(found[0], -np.sort(-X)[:, :2])
    assert found[1].dtype == "int32"


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ops.top_k(X, 6), ag.DomainError, r"k is 6 and x has shape \(4, 5\)"),
        (lambda: ops.top_k(3.0, 1), ag.DomainError, r"x has shape \(\)"),
        (lambda: ops.in_top_k([0.5], X[:1], 1), ag.ShapeError, "dtype float64.*expected an integer for each row"),
        (lambda: ops.segment_sum(X, [0, 1], 2), ag.ShapeError, r"segment_ids shape \(2,\)"),
        (lambda: ops.scatter([[0, 0, 0]], [1.0], (3, 4)), ag.ShapeError, "n from 1 to 2"),
        (
            lambda: ops.scatter_update(X, PLACES, [1.0] * 3, "sum"),
            ag.DomainError,
            "reduction is .sum.; expected one",
        ),
        (lambda: ops.slice(X, (3, 0), (2, 1)), ag.ShapeError, "2 entries from 3 on do not fit into axis 0"),
        (lambda: ops.slice(X, (0,), (1, 1)), ag.ShapeError, "got 1 start_indices; the input has 2 axes"),
        (lambda: ops.slice(X, (0, 0), (1,)), ag.ShapeError, r"shape is \(1,\)"),
        (lambda: ops.slice(X, (0.5, 0), (1, 1)), ag.DtypeError, "a start index is 0.5"),
        (lambda: ops.slice_update(X, (0, 0), [1.0]), ag.ShapeError, "expected as many axes"),
        (lambda: ops.multi_hot([0, 1]), ag.DomainError, "give num_classes"),
        (lambda: ops.one_hot([0], 2, sparse=True), ag.UnsupportedError, "no sparse Tensors"),
        (lambda: ops.one_hot([0], 2, axis=3), ag.AxisError, "axis is 3"),
        (lambda: ops.unstack(X, 3), ag.ShapeError, "num is 3; x of shape .* has 4 entries"),
        (lambda: ops.moments(X, 0, synchronized=True), ag.UnsupportedError, "synchronized=False"),
        (lambda: ops.normalize(X, order=0), ag.DomainError, "order is 0"),
        (lambda: ops.rms_normalization(X, axis=2), ag.AxisError, "axis is 2; x has 2 axes"),
        (lambda: ops.batch_normalization(X, X[0], X[0], 2), ag.AxisError, "axis is 2"),
        (lambda: ops.qr(X, "r"), ag.DomainError, "mode is 'r'"),
        (lambda: ops.fft(X), ag.StructureError, "expected a pair of arrays"),
        (lambda: ops.irfft((X, X[0])), ag.ShapeError, "the imaginary part"),
        (lambda: ops.binary_crossentropy(X, X[0]), ag.ShapeError, "expected the same"),
        (lambda: ops.average_pool(X[None], 2, data_format="first"), ag.DomainError, "data_format is 'first'"),
        (lambda: ops.switch(0, []), ag.StructureError, "got no branch"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, X, unroll=0), ag.DomainError, "unroll is 0"),
    ],
)
def test_bad_input(call, error, match):
    """Says what was given and what was expected."""
    with pytest.raises(error, match=match):
        call()


def test_segments_that_are_computed_in_a_trace():
    """Their number must be given."""
    with pytest.raises(ag.TraceError, match="give num_segments"):
        ag.function(lambda x, i: ops.segment_sum(x, i))(X, IDS)
    close(ag.function(lambda x, i: ops.segment_sum(x, i, 3))(X, IDS)[0], X[0] + X[3])


@pytest.mark.parametrize(("name", "near"), [("matmull", "matmul"), ("segmentsum", "segment_sum"), ("flattten", None)])
def test_suggestions(name, near):
    """Only of names that are nearly the same."""
    with pytest.raises(AttributeError) as caught:
        getattr(ops, name)
    assert str(caught.value) == f"nn.ops has no {name!r}." + (f" Did you mean {near!r}?" if near else "")


def test_every_name_is_listed():
    """In the docstring of the module, in ``dir``, and on its page."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "nn.rst").read_text(encoding="utf-8")
    shared = {"convert_to_tensor", "stop_gradient"}  # described as names of autograd_core
    assert {line.rpartition(".")[2] for line in page.splitlines() if ":: nn.ops." in line} == set(FUNCTIONS) - shared
    assert [name for name in FUNCTIONS if f"``{name}``" not in ops.__doc__] == []
    assert set(FUNCTIONS) <= set(dir(ops))
