"""Shapes, orders of axes, joining, splitting, repetition, padding: as in NumPy, with gradients."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.ops import joining
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(3)
A = RANDOM.normal(size=(2, 3, 4))
M = RANDOM.normal(size=(3, 4))
V = RANDOM.normal(size=5)
S = np.array(1.5)
EMPTY = np.ones((0, 3))


@pytest.mark.parametrize(
    ("function", "args", "keywords"),
    [
        (np.reshape, (A, (4, -1)), {}), (np.reshape, (A, (6, 4)), {"order": "F"}), (np.reshape, (S, (1, 1)), {}),
        (np.ravel, (A,), {}), (np.ravel, (A,), {"order": "F"}),
        (np.transpose, (A,), {}), (np.transpose, (A, (1, 2, 0)), {}), (np.moveaxis, (A, 0, -1), {}),
        (np.moveaxis, (A, (0, 1), (2, 0)), {}), (np.rollaxis, (A, 2), {}), (np.swapaxes, (A, 0, 2), {}),
        (np.matrix_transpose, (A,), {}), (np.expand_dims, (A, (0, 2)), {}), (np.expand_dims, (S, 0), {}),
        (np.squeeze, (A[:, :1],), {}), (np.squeeze, (A[:, :1],), {"axis": 1}),
        (np.broadcast_to, (V, (3, 5)), {}), (np.broadcast_to, (S, (2, 2)), {}),
        (np.broadcast_arrays, (M, M[:, :1], S), {}),
        (np.atleast_1d, (S,), {}), (np.atleast_2d, (V,), {}), (np.atleast_3d, (M,), {}),
        (np.concatenate, ([A, A[:1]],), {}), (np.concatenate, ((A, M[None]),), {"axis": 0}),
        (np.concatenate, ([A, V],), {"axis": None}), (np.concatenate, ([EMPTY, M[:, :3]],), {}),
        (np.stack, ([M, M + 1],), {"axis": -1}), (np.hstack, ([V, V],), {}), (np.vstack, ([V, V],), {}),
        (np.dstack, ([M, M],), {}), (np.column_stack, ([V, V],), {}), (np.block, ([[M, M], [M, M]],), {}),
        (np.append, (M, M[:1]), {"axis": 0}), (np.append, (V, S), {}),
        (np.split, (V, [1, 4]), {}), (np.split, (M, 2), {"axis": 1}), (np.array_split, (V, 3), {}),
        (np.hsplit, (M, 2), {}), (np.vsplit, (M, 3), {}), (np.dsplit, (A, 2), {}),
        (np.flip, (A,), {}), (np.flip, (A, (0, 2)), {}), (np.fliplr, (M,), {}), (np.flipud, (M,), {}),
        (np.roll, (A, 2), {}), (np.roll, (A, (1, -2)), {"axis": (0, 2)}), (np.roll, (A, 1), {"axis": (0, 1)}),
        (np.rot90, (M,), {}), (np.rot90, (M, 2), {}), (np.rot90, (A, 3), {"axes": (1, 2)}), (np.rot90, (M, -4), {}),
        (np.repeat, (M, 2), {}), (np.repeat, (M, [1, 0, 2]), {"axis": 0}), (np.repeat, (S, 3), {}),
        (np.tile, (M, 2), {}), (np.tile, (V, (2, 1, 2)), {}), (np.tile, (S, 3), {}), (np.tile, (M, (0, 1)), {}),
        (np.resize, (M, (5, 3)), {}), (np.tril, (A, 1), {}), (np.triu, (M, -1), {}), (np.tril, (V,), {}),
        (np.diag, (V,), {}), (np.diag, (V, -2), {}), (np.diag, (M, 1), {}), (np.diagonal, (A, 1, 2, 0), {}),
        (np.diagflat, (M,), {}), (np.trace, (A,), {}), (np.vander, (V, 3), {}), (np.vander, (V,), {"increasing": True}),
        (np.delete, (V, [0, 3]), {}), (np.delete, (M, slice(1, 3)), {"axis": 1}), (np.delete, (M, 0), {}),
        (np.insert, (V, 2, S), {}), (np.insert, (M, [0, 2], V[:4]), {"axis": 0}),
        (np.insert, (M, 1, V[:3]), {"axis": 1}),
        (np.astype, (M, np.float64), {}), (np.copy, (M,), {}), (np.meshgrid, (V, M[0]), {}),
        (np.linspace, (S, V, 4), {}), (np.full_like, (M, 2.0), {}),
    ],
)  # fmt: skip
def test_values_and_gradients(function, args, keywords):
    agrees(function, *args, **keywords)


@pytest.mark.parametrize("trim", ["fb", "f", "b"])
def test_trim_zeros(trim):
    """Which entries are kept depends on the values: what is kept has its gradient."""
    for x in (np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0]), np.zeros(3), np.ones(2)):
        agrees(np.trim_zeros, x, trim, derivatives=0)
    assert ag.grad(lambda x: np.sum(np.trim_zeros(x) ** 2))(np.array([0.0, 3.0, 0.0])).tolist() == [0.0, 6.0, 0.0]


@pytest.mark.parametrize("width", [2, (1, 2), ((1, 0), (0, 3)), 0])
@pytest.mark.parametrize(
    ("mode", "keywords"),
    [
        ("constant", {}), ("constant", {"constant_values": 3.0}),
        ("constant", {"constant_values": ((1.0, 2.0), (3, 4))}),
        ("edge", {}), ("reflect", {}), ("symmetric", {}), ("wrap", {}), ("reflect", {"reflect_type": "odd"}),
        ("symmetric", {"reflect_type": "odd"}), ("linear_ramp", {"end_values": (1.0, 5.0)}),
        ("maximum", {"stat_length": 2}), ("minimum", {}), ("mean", {}), ("median", {"stat_length": (2, 3)}),
    ],
)  # fmt: skip
def test_pad(width, mode, keywords):
    """All modes of np.pad, wider than the array too."""
    agrees(np.pad, M, width, mode=mode, derivatives=1, **keywords)
    agrees(np.pad, M[:, :2], ((0, 0), (5, 6)), mode=mode, derivatives=1, **keywords)


@pytest.mark.skipif(not hasattr(np, "unstack"), reason="np.unstack is new in NumPy 2.1")
def test_unstack():
    agrees(np.unstack, M)
    agrees(np.unstack, A, axis=-1)


def test_pad_with_tensors():
    """What stands in the frame has a gradient too."""
    ag.testing.check_grads(lambda x, c: np.pad(x, 1, constant_values=c), (M, S))
    ag.testing.check_grads(lambda x, c: np.pad(x, 1, mode="linear_ramp", end_values=c), (M, S))
    assert np.pad(ag.constant([1, 2]), 1).dtype == np.int64


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: np.reshape(t, (5, 5)), ag.ShapeError, r"\(3, 4\)"),
        (lambda t: np.reshape(t, (-1, -1)), ag.ShapeError, "-1"),
        (lambda t: np.transpose(t, (0, 0)), ag.AxisError, "twice"),
        (lambda t: np.moveaxis(t, 0, 5), ag.AxisError, "5"),
        (lambda t: np.squeeze(t, 0), ag.ShapeError, "length"),
        (lambda t: np.broadcast_to(t, (2, 2)), ag.ShapeError, r"\(2, 2\)"),
        (lambda t: np.concatenate([]), ValueError, "at least one"),
        (lambda t: anp.concatenate([]), ag.ShapeError, "at least one"),
        (lambda t: np.concatenate([t, np.ones((2, 2))]), ag.ShapeError, r"\(2, 2\)"),
        (lambda t: np.stack([t, np.ones(2)]), ag.ShapeError, r"\(2,\)"),
        (lambda t: np.split(t, 5), ag.ShapeError, "5"),
        (lambda t: np.flip(t, 2), ag.AxisError, "axis 2"),
        (lambda t: np.roll(t, (1, 2, 3), axis=(0, 1)), ag.ShapeError, "3 shifts for 2 axes"),
        (lambda t: np.roll(t, 0.5), ag.DomainError, "integer"),
        (lambda t: np.rot90(t, axes=(1, 1)), ag.AxisError, "twice"),
        (lambda t: np.repeat(t, [1, 2], axis=0), ag.ShapeError, "2 numbers for the 3 entries"),
        (lambda t: np.repeat(t, -1), ag.DomainError, "-1"),
        (lambda t: np.tile(t, (2, -1)), ag.DomainError, "0 or more"),
        (lambda t: np.diag(np.stack([t, t])), ag.ShapeError, "one axis"),
        (lambda t: np.diagonal(t, axis1=1, axis2=1), ag.AxisError, "both"),
        (lambda t: np.pad(t, -1), ag.DomainError, "0 or more"),
        (lambda t: np.pad(t, (1, 2, 3)), ag.ShapeError, "pad_width"),
        (lambda t: np.pad(t, 1, mode="other"), ag.DomainError, "expected one of"),
        (lambda t: np.pad(t, 1, mode="edge", end_values=2), ag.DomainError, "takes no options"),
        (lambda t: np.pad(np.zeros((0, 2)) * t[:0, :2], 1, mode="edge"), ag.ShapeError, "no entries"),
        (lambda t: np.pad(t, 1, mode=lambda *_: None), ag.UnsupportedError, "function"),
    ],
)
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call(ag.constant(M))


@pytest.mark.parametrize("join", [np.stack, np.concatenate])
def test_the_rule_of_many_arguments_is_called_once(join, monkeypatch):
    """One call per argument, each of all arguments, would be quadratic: 1.2 s for 10,000 of them, instead of 0.02."""
    calls = []
    row = joining.STACK if join is np.stack else joining.CONCATENATE
    (rule,) = row.vjps
    monkeypatch.setattr(row, "vjps", (lambda *args, **params: calls.append(1) or rule(*args, **params),))
    parts = [ag.Variable(np.full(2, float(i))) for i in range(50)]
    with ag.GradientTape(persistent=True) as tape:
        total = np.sum(join([*parts, np.ones(2)]) ** 2)
    found = tape.gradient(total, parts)
    assert len(calls) == 1
    np.testing.assert_array_equal([each.numpy() for each in found], [2 * part.numpy() for part in parts])
    hessian = ag.hessian(lambda x: np.sum(join([x, 2 * x, x * x]) ** 3))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(hessian, np.diag([6 + 48 + 30, 12 + 96 + 30 * 16]))
    tangent = ag.jvp(
        lambda x, y: join([x, y, np.ones(1)]), (np.ones(1), np.ones(1)), (np.full(1, 2.0), np.full(1, 3.0))
    )
    np.testing.assert_array_equal(np.ravel(tangent[1]), [2.0, 3.0, 0.0])
