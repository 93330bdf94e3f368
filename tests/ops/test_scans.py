"""Long running products and recurrences: computed in blocks, where that is as exact as step by step."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops import scans

RANDOM = np.random.default_rng(0)
LONG = 40 * scans.BLOCK + 5


def close(found, wanted, terms):
    """Within rounding of the sum of absolute values of all terms."""
    assert found.shape == wanted.shape
    assert np.all(np.abs(found - wanted) <= LONG * np.finfo(float).eps * (terms + 1e-300))


@pytest.mark.parametrize("shape", [(LONG,), (LONG, 3), (2, LONG), (8 * scans.BLOCK,), (8 * scans.BLOCK + 1,)])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["near one", "shrinking", "any", "complex", "single"])
def test_blocks_give_what_steps_give(shape, reverse, kind, monkeypatch):
    axis = int(np.argmax(shape))
    a, b = RANDOM.normal(size=shape), RANDOM.normal(size=shape)
    a = {"near one": 1 + 0.01 * a, "shrinking": 0.3 + 0.1 * a, "any": a, "complex": np.exp(1j * a) * 0.9,
         "single": (1 + 0.01 * a).astype(np.float32)}[kind]  # fmt: skip
    b = b.astype(np.float32) if kind == "single" else b
    run = lambda *ab: scans.LINEAR_RECURRENCE.impl(*ab, axis=axis, reverse=reverse)
    found = run(a, b)
    assert found.dtype == np.result_type(a, b)
    monkeypatch.setattr(scans, "_recurrence_in_blocks", lambda a, b: None)
    wide = (a.astype(np.result_type(a, float)), b.astype(float))
    wanted, terms = run(*wide), run(*map(np.abs, wide))
    if kind == "single":
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * terms.max())
    else:
        close(found, wanted, terms)


def test_blocks_are_taken():
    a, b = 1 + 0.01 * RANDOM.normal(size=(LONG, 1)), RANDOM.normal(size=(LONG, 1))
    assert scans._recurrence_in_blocks(a, b) is not None
    a[0] = 0  # the first has nothing to multiply
    assert scans._recurrence_in_blocks(a, b) is not None


@pytest.mark.parametrize(
    ("at", "value"),
    [("a", 0.0), ("a", np.inf), ("a", np.nan), ("a", 1e-120), ("a", 1e150), ("b", np.inf), ("b", 1e200), ("b", np.nan),
     ("b", 1e-150)],
)  # fmt: skip
def test_what_is_out_of_range_goes_step_by_step(at, value):
    """Zeros, infinities, and numbers whose quotients would be lost: not a digit is different."""
    a, b = 1 + 0.01 * RANDOM.normal(size=(LONG, 1)), RANDOM.normal(size=(LONG, 1))
    {"a": a, "b": b}[at][500] = value
    assert scans._recurrence_in_blocks(a, b) is None
    found = scans.LINEAR_RECURRENCE.impl(a, b, axis=0, reverse=False)
    np.testing.assert_array_equal(found, scans._recurrence_of_rows(a, b))


def test_products_that_grow_too_large_between_blocks():
    """Each block is in range, all together are not: infinities as step by step."""
    a, b = np.full((LONG, 1), 4.0), np.ones((LONG, 1))
    assert scans._recurrence_in_blocks(a, b) is None
    a = np.full((LONG, 1), 0.25)  # down to 1e-800
    np.testing.assert_allclose(scans._recurrence_in_blocks(a, b), scans._recurrence_of_rows(a, b), rtol=1e-13)


@pytest.mark.parametrize("zeros", [(), (500,), (100, 900)])
def test_long_products(zeros):
    """Gradient, and Hessian times a vector, of a sum of running products; zeros among the factors, too."""
    x, v = 1 + 0.01 * RANDOM.normal(size=LONG), RANDOM.normal(size=LONG)
    x[list(zeros)] = 0

    def slow(x, t):
        """Both by products without one factor, and without two."""
        before = np.concatenate(([1.0], np.cumprod(x)[:-1]))
        after = np.zeros(LONG)
        along_before, along_after = np.zeros(LONG), np.zeros(LONG)
        for k in range(1, LONG):
            along_before[k] = along_before[k - 1] * x[k - 1] + before[k - 1] * t[k - 1]
        after[-1] = 1
        for k in range(LONG - 2, -1, -1):
            after[k] = 1 + x[k + 1] * after[k + 1]
            along_after[k] = t[k + 1] * after[k + 1] + x[k + 1] * along_after[k + 1]
        return before * after, along_before * after + before * along_after

    gradient = ag.grad(lambda x: np.sum(np.cumprod(x)))
    found = gradient(x), ag.jvp(gradient, (x,), (v,))[1], ag.function(gradient)(x)
    wanted, along = slow(x, v)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-10)
    np.testing.assert_allclose(found[2], wanted, rtol=1e-10)
    np.testing.assert_allclose(found[1], along, rtol=1e-8, atol=1e-9 * np.abs(along).max())
    reverse = ag.grad(lambda x: np.sum(gradient(x) * v))(x)
    np.testing.assert_allclose(reverse, found[1], rtol=1e-8, atol=1e-9 * np.abs(along).max())
