"""Rules of primitives with kernels under a trace: one primitive backward, and still right at the second order."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp


def random(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


MASK = np.arange(6).reshape(2, 3) % 4 != 1
STATE = random(2, 2)


def lstm(x, kernel, recurrent, bias, mask=None):
    outputs, carry = anp.lstm(x, kernel, recurrent, bias, STATE, STATE, mask=mask, sequences=True)
    return anp.sum(outputs * outputs) + anp.sum(carry)


LSTM_ARGS = (random(2, 3, 4), random(4, 8), random(2, 8), random(8))

CASES = {
    "lstm": (lstm, LSTM_ARGS, "lstm_backward"),
    "lstm, mask": (lambda *args: lstm(*args, mask=MASK), LSTM_ARGS, "lstm_backward"),
    "sparse cross-entropy": (
        lambda x: anp.sparse_softmax_cross_entropy(np.array([2, 0, 1]), x, reduction="mean"),
        (random(3, 4),), "sparse_softmax_cross_entropy_wrt_logits",
    ),
    "standardize": (
        lambda x, scale, offset: anp.sum(anp.standardize(x, 0, 0.1, scale, offset)[0] ** 3),
        (random(5, 3), random(3), random(4)[:3]), "standardize_backward",
    ),
    "max_pool": (lambda x: anp.sum(anp.max_pool(x, 2) ** 2), (random(2, 4, 4, 2),), "max_pool_spread"),
    "avg_pool": (lambda x: anp.sum(anp.avg_pool(x, 2) ** 2), (random(2, 4, 4, 2),), "avg_pool_wrt_x"),
    "conv": (lambda x, w: anp.sum(anp.conv(x, w) ** 2), (random(2, 4, 4, 2), random(3, 3, 2, 3)), "conv_wrt_w"),
}  # fmt: skip
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def close(found, right):
    for a, b in zip(found, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@EACH
def test_first_order(case):
    """The gradient is the eager one, and its plan has the backward primitive."""
    function, args, name = case
    gradient = ag.grad(function, argnums=tuple(range(len(args))))
    traced = ag.function(gradient, jit="numpy")
    close(traced(*args), gradient(*args))
    assert [i.primitive.name for i in traced.plan(*args).program.instructions].count(name) == 1


@EACH
def test_second_order(case):
    """The gradient of the gradient's sum of squares is the eager one."""
    function, args, _ = case
    positions = tuple(range(len(args)))
    inner = ag.grad(function, argnums=positions)
    gradient = ag.grad(lambda *a: sum(anp.sum(g * g) for g in inner(*a)), argnums=positions)
    close(ag.function(gradient, jit="numpy")(*args), gradient(*args))


def test_labels_are_checked_at_each_run():
    """Not only when the function is traced."""
    f = ag.function(lambda y, x: anp.sparse_softmax_cross_entropy(y, x), jit="numpy")
    x = random(3, 4)
    f(np.array([0, 1, 2]), x)
    with pytest.raises(ValueError, match=r"label 4 at index .* is out of range; there are 4 classes"):
        f(np.array([0, 4, 2]), x)
