"""Softmax and cross-entropies beyond their rows: extreme logits, given probabilities, means, labels, bad input."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp

RANDOM = np.random.default_rng(2)
LOGITS = RANDOM.normal(size=(6, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2, 0])


def by_hand(logits, labels):
    """Cross-entropy and its gradient, in extended precision."""
    z = logits.astype(np.longdouble)
    z = z - z.max(-1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    rows = np.arange(len(labels))
    return -np.log(p[rows, labels]), p - np.eye(logits.shape[1])[labels]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_sparse_cross_entropy(dtype, given, reduction):
    """With the probabilities given or not, per label or their mean: the same value and gradient."""
    logits = LOGITS.astype(dtype)
    expected, slope = by_hand(logits, LABELS)
    weights = np.ones(len(LABELS)) if reduction == "none" else np.full(len(LABELS), 1 / len(LABELS))

    def loss(z):
        probabilities = anp.softmax(z) if given else None
        found = anp.sparse_softmax_cross_entropy(LABELS, z, probabilities=probabilities, reduction=reduction)
        expected_value = expected.mean() if reduction == "mean" else expected
        np.testing.assert_allclose(ag.stop_gradient(found).numpy(), expected_value.astype(dtype), rtol=2e-6)
        return np.sum(found)

    gradient = ag.grad(loss)(logits)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, (slope * weights[:, None]).astype(dtype), atol=3e-7)
    if dtype == "float64":
        ag.testing.check_grads(
            lambda z: anp.sparse_softmax_cross_entropy(
                LABELS, z, probabilities=anp.softmax(z) if given else None, reduction=reduction
            ),
            (LOGITS,),
        )


@pytest.mark.parametrize("given", [False, True])
def test_logits_of_any_size(given):
    """A probability that is 0 in float32 still has its logarithm and its gradient."""
    logits = ag.Variable(np.float32([[0.0, 500.0], [3e4, -3e4], [-1e30, 0.0]]))
    labels = np.array([0, 0, 0])
    with ag.GradientTape() as tape:
        z = logits * 1.0
        losses = anp.sparse_softmax_cross_entropy(labels, z, probabilities=anp.softmax(z) if given else None)
    assert losses.tolist() == [500.0, 0.0, np.float32(1e30)]
    assert tape.gradient(losses, logits).tolist() == [[-1.0, 1.0], [0.0, 0.0], [-1.0, 1.0]]


def test_every_axis():
    for axis, shape in ((0, (4, 3)), (1, (3, 4)), (-1, (2, 3, 4)), (1, (2, 4, 3))):
        z = RANDOM.normal(size=shape)
        labels = RANDOM.integers(0, 4, shape[:axis] + shape[axis:][1:] if axis >= 0 else shape[:-1])
        last = np.moveaxis(z, axis, -1).reshape(-1, 4)
        expected = by_hand(last, labels.ravel())[0].reshape(labels.shape)
        found = anp.sparse_softmax_cross_entropy(labels, z, axis=axis)
        np.testing.assert_allclose(found.numpy(), expected.astype(float), rtol=1e-12)
        dense = anp.softmax_cross_entropy(np.moveaxis(np.eye(4)[labels], -1, axis), z, axis=axis)
        np.testing.assert_allclose(dense.numpy(), expected.astype(float), rtol=1e-12)


def test_labels_may_change_afterwards():
    """What the caller does to its own array of labels does not change the gradient."""
    labels, z = LABELS.copy(), ag.Variable(LOGITS)
    with ag.GradientTape() as tape:
        loss = anp.sparse_softmax_cross_entropy(labels, z, reduction="mean")
    labels[:] = 0
    expected = by_hand(LOGITS, LABELS)[1] / len(LABELS)
    np.testing.assert_allclose(tape.gradient(loss, z).numpy(), expected.astype(float), atol=1e-15)


def test_softmax_of_infinities():
    inf = np.inf
    assert anp.softmax(np.array([0.0, -inf, 0.0])).tolist() == [0.5, 0.0, 0.5]
    assert anp.log_softmax(np.array([0.0, -inf])).tolist() == [0.0, -inf]
    assert anp.softmax(np.array([1e4, 0.0])).tolist() == [1.0, 0.0]
    assert anp.softmax(np.zeros((0, 3))).shape == (0, 3)


def test_affine():
    """One step for x @ w + b, with leading axes, mixed dtypes and empty batches."""
    x, w, b = RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=(4, 5)), RANDOM.normal(size=5)
    np.testing.assert_allclose(anp.affine(x, w, b).numpy(), x @ w + b, rtol=1e-13)
    ag.testing.check_grads(anp.affine, (x, w, b))
    assert anp.affine(x.astype("f"), w.astype("f"), b).dtype == np.float64
    assert anp.affine(x[:0], w, b).shape == (0, 3, 5)
    for wrong in ((x, w.T, b), (x, w, b[:1]), (x, w, b[None]), (x, b, b), (1.0, w, b), (x, w, 2.0)):
        with pytest.raises(ag.ShapeError, match=r"affine: .*expected \(\.\.\., n\), \(n, m\) and \(m,\)"):
            anp.affine(*wrong)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: anp.sparse_softmax_cross_entropy(LABELS + 1, t), ag.DomainError, r"label 4 at index \(1,\)"),
        (lambda t: anp.sparse_softmax_cross_entropy(-LABELS, t), ag.DomainError, r"label -3 at index \(1,\)"),
        (lambda t: anp.sparse_softmax_cross_entropy(LABELS[:2], t), ag.ShapeError, r"\(2,\).*\(6, 4\)"),
        (lambda t: anp.sparse_softmax_cross_entropy(LABELS * 1.0, t), ag.DtypeError, "float64"),
        (lambda t: anp.sparse_softmax_cross_entropy(LABELS, t, reduction="sum"), ag.DomainError, "sum"),
        (lambda t: anp.sparse_softmax_cross_entropy(LABELS, t, probabilities=t[:2]), ag.ShapeError, r"\(2, 4\)"),
        (lambda t: anp.softmax_cross_entropy(t[:2], t), ag.ShapeError, r"\(2, 4\)"),
        (lambda t: anp.softmax(t, axis=3), ag.AxisError, "axis 3"),
        (lambda t: anp.softmax(t * 1j), ag.DtypeError, "complex"),
        (lambda t: anp.one_hot(LABELS, 3), ag.DomainError, "label 3"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call(ag.constant(LOGITS))
