"""Convolution: values against sums written out, shapes against Keras's rules, the adjoint, and what cannot be done.

Its derivatives are checked with the rows (test_table.py).
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops.convolution import CONV, CONV_WRT_W, CONV_WRT_X
from autograd_core.ops.correlation import plan_of
from autograd_core.ops.windows import counts, padding_pairs


def written_out(x, w, strides, pairs, dilation, groups=1):
    """Convolution, one window after the other."""
    x = np.pad(x, ((0, 0), *pairs, (0, 0)))
    kernel, axes = w.shape[:-2], x.ndim - 2
    outs = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(x.shape[1:], kernel, dilation, strides, strict=False)]
    y = np.zeros((len(x), *outs, w.shape[-1]), x.dtype)
    depth, width = w.shape[-2], w.shape[-1] // groups
    for place in np.ndindex(*outs):
        window = x[(slice(None), *(slice(o * s, o * s + (k - 1) * d + 1, d)
                                   for o, s, k, d in zip(place, strides, kernel, dilation, strict=True)))]  # fmt: skip
        for g in range(groups):
            ins, out = slice(g * depth, (g + 1) * depth), slice(g * width, (g + 1) * width)
            y[(slice(None), *place, out)] = np.tensordot(window[..., ins], w[..., out], axes + 1)
    return y


def tensors(seed, *shapes, dtype=float):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(dtype) for shape in shapes]


# -- values ------------------------------------------------------------------------------------------------------------

CASES = [
    # spatial, kernel, channels, filters, groups
    ((9,), (3,), 2, 3, 1),
    ((12,), (4,), 1, 5, 1),
    ((8, 12), (3, 2), 3, 4, 1),
    ((10, 11), (5, 5), 1, 6, 1),
    ((7, 8), (1, 1), 4, 3, 1),
    ((6, 5), (6, 5), 2, 3, 1),
    ((8, 9), (3, 3), 4, 6, 2),
    ((8, 9), (2, 3), 3, 3, 3),
    ((8, 9), (3, 3), 3, 6, 3),
    ((5, 6, 4), (2, 3, 2), 2, 3, 1),
]


@pytest.mark.parametrize("padding", ["valid", "same", "pairs"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("spatial", "kernel", "channels", "filters", "groups"), CASES)
def test_value(spatial, kernel, channels, filters, groups, strides, dilation, padding):
    x, w = tensors(0, (3, *spatial, channels), (*kernel, channels // groups, filters))
    axes = len(spatial)
    if padding == "pairs" or any((k - 1) * dilation >= n for k, n in zip(kernel, spatial, strict=True)):
        padding = ((4, 3), (2, 5), (1, 1))[:axes]
    steps = ((strides,) * axes, (dilation,) * axes)
    pairs = padding_pairs("test", padding, spatial, kernel, *steps)
    y = anp.conv(x, w, strides, padding, dilation, groups)
    np.testing.assert_allclose(y.numpy(), written_out(x, w, steps[0], pairs, steps[1], groups), rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_adjoint(data):
    """<conv(x, w), y> = <x, conv_wrt_x(y, w)> = <w, conv_wrt_w(x, y)>, also where rows and tiles are many."""
    axes = data.draw(st.integers(1, 2))
    draw = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(axes))
    kernel, strides, dilation = draw(1, 4), draw(1, 3), draw(1, 2)
    spatial, channels, filters = draw(8, 30), data.draw(st.sampled_from([1, 2, 16])), data.draw(st.integers(1, 9))
    padding = padding_pairs("test", data.draw(st.sampled_from(["valid", "same"])), spatial, kernel, strides, dilation)
    moves = {"strides": strides, "padding": padding, "dilation": dilation, "groups": 1}
    outs = counts("test", spatial, kernel, strides, padding, dilation)
    batch = data.draw(st.integers(1, 9))
    x, w, y = tensors(1, (batch, *spatial, channels), (*kernel, channels, filters), (batch, *outs, filters))
    product = np.sum(CONV.impl(x, w, **moves) * y)
    np.testing.assert_allclose(np.sum(x * CONV_WRT_X.impl(y, w, size=spatial, **moves)), product, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.sum(w * CONV_WRT_W.impl(x, y, kernel=kernel, **moves)), product, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shapes", [((20, 30, 30, 32), (3, 3, 32, 40)), ((40, 28, 28, 1), (5, 5, 1, 6))], ids=str)
def test_large_batches_go_in_parts(shapes):
    """More columns than fit into the scratch at a time; both ways to the cotangent of the input."""
    x, w = tensors(2, *shapes)
    moves = {"strides": (1, 1), "padding": ((1, 1), (2, 2)), "dilation": (1, 1), "groups": 1}
    y = CONV.impl(x, w, **moves)
    halves = [CONV.impl(part, w, **moves) for part in (x[:7], x[7:])]
    np.testing.assert_allclose(y, np.concatenate(halves), rtol=1e-10, atol=1e-10)
    dx = CONV_WRT_X.impl(y, w, size=x.shape[1:-1], **moves)
    np.testing.assert_allclose(np.vdot(dx, x), np.vdot(y, y), rtol=1e-10)
    dw = CONV_WRT_W.impl(x, y, kernel=w.shape[:-2], **moves)
    np.testing.assert_allclose(np.vdot(dw, w), np.vdot(y, y), rtol=1e-10)


def test_few_channels_are_taken_in_tiles():
    one, none = (1, 1), ((0, 0), (0, 0))
    assert plan_of(64, (32, 32), 1, 6, (5, 5), one, none, one).tile > 4
    assert plan_of(8, (58, 58), 64, 64, (3, 3), one, none, one).tile < 4


# -- padding -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "kernel", "stride", "dilation"),
                         list(itertools.product((5, 6, 7, 16), (1, 2, 3, 5), (1, 2, 3, 4), (1, 2))))  # fmt: skip
def test_same(length, kernel, stride, dilation):
    """ceil(n / stride) windows, and of the zeros these need at most one more after than before."""
    ((before, after),) = padding_pairs("test", "SAME", (length,), (kernel,), (stride,), (dilation,))
    (outs,) = counts("test", (length,), (kernel,), (stride,), ((before, after),), (dilation,))
    assert outs == -(-length // stride)
    assert before + after == max((outs - 1) * stride + (kernel - 1) * dilation + 1 - length, 0)
    assert after - before in (0, 1)


@pytest.mark.parametrize("dilation", [1, 3])
def test_causal(dilation):
    """No entry of the result depends on a later entry of the input."""
    x, w = tensors(3, (1, 8, 2), (3, 2, 4))
    y = anp.conv(x, w, padding="causal", dilation=dilation).numpy()
    later = x.copy()
    later[:, 5:] += 1
    again = anp.conv(later, w, padding="causal", dilation=dilation).numpy()
    assert y.shape == (1, 8, 4)
    np.testing.assert_array_equal(y[:, :5], again[:, :5])
    assert np.all(y[:, 5] != again[:, 5])


# -- transposed and depthwise ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("padding", "strides", "output_padding", "side"), [
    ("valid", 1, None, 6), ("valid", 2, None, 9), ("valid", 4, None, 16), ("valid", 2, 1, 10), ("valid", 3, 0, 12),
    ("same", 1, None, 4), ("same", 2, None, 8), ("same", 3, None, 12), ("same", 2, 1, 8), ("same", 3, 0, 10),
])  # fmt: skip
def test_conv_transpose(padding, strides, output_padding, side):
    """Keras's sides; and the transpose of the convolution that leads back to the input's shape."""
    y, w, x = tensors(4, (2, 4, 4, 3), (3, 3, 5, 3), (2, side, side, 5))
    out = anp.conv_transpose(y, w, strides, padding, output_padding)
    assert out.shape == (2, side, side, 5)
    missing = max(3 * strides + 3 - side, 0)
    pairs = ((missing // 2, missing - missing // 2),) * 2
    there = written_out(x, w, (strides,) * 2, pairs, (1, 1))
    np.testing.assert_allclose(np.sum(out.numpy() * x), np.sum(there * y), rtol=1e-10)


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("strides", [1, 2])
def test_depthwise(multiplier, strides):
    """Each channel by itself; what a channel gives lies side by side."""
    x, w = tensors(5, (2, 7, 6, 3), (3, 2, 3, multiplier))
    y = anp.depthwise_conv(x, w, strides, "same")
    each = [anp.conv(x[..., c : c + 1], w[:, :, c : c + 1], strides, "same").numpy() for c in range(3)]
    np.testing.assert_allclose(y.numpy(), np.concatenate(each, axis=-1), rtol=1e-12, atol=1e-14)
    ag.testing.check_grads(lambda x, w: anp.depthwise_conv(x, w, strides, "same"), (x, w))


@pytest.mark.parametrize("shape", [(4,), (3, 4), (5, 3, 4), (2, 5, 3, 4), (0, 3, 4)], ids=str)
def test_add_bias(shape):
    x, b, ct = tensors(10, shape, (4,), shape)
    np.testing.assert_array_equal(anp.add_bias(x, b).numpy(), x + b)
    _, pull = ag.vjp(anp.add_bias, x, b)
    np.testing.assert_allclose(pull(ct)[1], ct.sum(axis=tuple(range(ct.ndim - 1))), rtol=1e-12, atol=1e-14)


# -- dtypes, edges, mistakes -------------------------------------------------------------------------------------------


def test_third_order():
    ag.testing.check_grads(lambda x, w: np.tanh(anp.conv(x, w, 2, "same")), tensors(6, (1, 4, 1), (3, 1, 2)), order=3)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_float32_stays(groups):
    x, w = tensors(7, (2, 5, 5, 4), (3, 3, 4 // groups, 4), dtype=np.float32)
    with ag.GradientTape() as tape:
        leaves = [ag.constant(x), ag.constant(w)]
        tape.watch(leaves)
        y = anp.conv(*leaves, padding="same", groups=groups) * 2.0
    assert y.dtype == np.float32
    assert [g.dtype for g in tape.gradient(y, leaves)] == [np.float32, np.float32]


@pytest.mark.parametrize("order", ["F", "channels first"])
def test_any_layout_of_memory(order):
    x, w = tensors(8, (3, 8, 9, 4), (3, 3, 4, 5))
    laid = np.asfortranarray(x) if order == "F" else np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 1, -1)
    for padding in ("valid", "same"):
        expected = anp.conv(x, w, padding=padding).numpy()
        np.testing.assert_allclose(anp.conv(laid, np.asfortranarray(w), padding=padding).numpy(), expected, rtol=1e-12)


def test_empty_batch():
    """No examples: an empty result, and a gradient of zeros for the kernel."""
    x, w = np.zeros((0, 6, 6, 2)), np.ones((3, 3, 2, 4))
    with ag.GradientTape() as tape:
        leaves = [ag.constant(x), ag.constant(w)]
        tape.watch(leaves)
        y = anp.conv(*leaves)
    dx, dw = tape.gradient(y, leaves)
    assert (y.shape, dx.shape) == ((0, 4, 4, 4), x.shape)
    np.testing.assert_array_equal(dw.numpy(), np.zeros(w.shape))


def test_arguments_are_not_written_to():
    x, w = tensors(9, (2, 6, 2), (3, 2, 2))
    kept = x.copy(), w.copy()
    x.flags.writeable = w.flags.writeable = False
    anp.conv(x, w, padding="same")
    anp.conv_transpose(x, w, 2)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(w, kept[1])


X, W = np.ones((2, 8, 8, 3)), np.ones((3, 3, 3, 4))

MISTAKES = [
    (lambda: anp.conv(X, np.ones((9, 3, 3, 4))), ag.ShapeError, r"\(9, 3\) does not fit into spatial axes of \(8, 8\)"),
    (lambda: anp.conv(X, W, dilation=4), ag.ShapeError, r"dilated to \(9, 9\)"),
    (lambda: anp.conv(X, np.ones((3, 3, 5, 4))), ag.ShapeError, r"x has 3 channels .* w is for 5"),
    (lambda: anp.conv(np.ones((2, 3, 8, 8)), W), ag.ShapeError, r"np.moveaxis\(x, 1, -1\)"),
    (lambda: anp.conv(np.ones((2, 8, 8, 6)), W[..., :4]), ag.ShapeError, r"give groups=2"),
    (lambda: anp.conv(X, W, groups=2), ag.ShapeError, r"groups=2 must divide the 3 channels"),
    (lambda: anp.conv(X, W[:, :, :1], groups=3), ag.ShapeError, r"the 4 filters"),
    (lambda: anp.conv(X, W, groups=0), ag.DomainError, "groups=0"),
    (lambda: anp.conv(X, W, strides=0), ag.DomainError, "strides=0"),
    (lambda: anp.conv(X, W, strides=(1, -2)), ag.DomainError, r"strides=\(1, -2\)"),
    (lambda: anp.conv(X, W, strides=(1, 2, 3)), ag.DomainError, "2 of them"),
    (lambda: anp.conv(X, W, strides=1.5), ag.DomainError, "strides=1.5"),
    (lambda: anp.conv(X, W, dilation="2"), ag.DomainError, "dilation='2'"),
    (lambda: anp.conv(X, W, padding="full"), ag.DomainError, "padding='full'; expected"),
    (lambda: anp.conv(X, W, padding="causal"), ag.DomainError, "2 spatial axes"),
    (lambda: anp.conv(X, W, padding=1), ag.DomainError, "a pair"),
    (lambda: anp.conv(X, W, padding=((1, 1), (-1, 0))), ag.DomainError, "at least 0"),
    (lambda: anp.conv(X[0, 0], W), ag.ShapeError, "at least one spatial axis"),
    (lambda: anp.conv(X, W[0]), ag.ShapeError, "w must have 4 axes"),
    (lambda: anp.conv(X, W[:0]), ag.ShapeError, "at least one entry"),
    (lambda: anp.conv(X > 0, W), ag.DtypeError, "bool"),
    (lambda: anp.conv_transpose(X, W), ag.ShapeError, "x has 3 channels .* for 4"),
    (lambda: anp.conv_transpose(X[:, :0], W[..., :3]), ag.ShapeError, "at least one entry"),
    (lambda: anp.conv_transpose(X, W[..., :3], padding="causal"), ag.DomainError, 'expected "valid" or "same"'),
    (lambda: anp.conv_transpose(X, W[..., :3], 2, output_padding=2), ag.DomainError, "less than the stride"),
    (lambda: anp.conv_transpose(X, W[..., :3], 2, output_padding=-1), ag.DomainError, "output_padding=-1"),
    (lambda: anp.add_bias(X, np.ones(2)), ag.ShapeError, r"and b \(2,\); expected"),
    (lambda: anp.depthwise_conv(X, np.ones((3, 3, 2, 1))), ag.ShapeError, "x has 3 channels"),
    (lambda: anp.depthwise_conv(X[..., :0], np.ones((3, 3, 0, 1))), ag.ShapeError, "no channels"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "said"), MISTAKES)
def test_mistakes_are_named(call, error, said):
    with pytest.raises(error, match=said):
        call()
