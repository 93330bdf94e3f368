"""Products: what the generated checks do not reach. Semantics on odd shapes, messages, dtypes, speed paths."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.errors import AxisError, ShapeError, UnsupportedError
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(0)


def draw(*shape):
    return RANDOM.normal(size=shape)


check = partial(agrees, derivatives=1)


# -- matmul ------------------------------------------------------------------------------------------------------------

MATMUL_SHAPES = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)),
    ((0, 3), (3, 4)), ((2, 0), (0, 4)), ((0, 2, 3), (3, 4)), ((5, 2, 0), (0, 4)), ((1, 1), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), MATMUL_SHAPES)
def test_matmul(left, right):
    check(np.matmul, draw(*left), draw(*right))


@pytest.mark.parametrize(("left", "right"), MATMUL_SHAPES)
def test_matmul_keeps_float32_in_any_layout(left, right):
    x, y = (np.asfortranarray(draw(*shape).astype("float32")) for shape in (left, right))
    x, y = ag.Variable(x), ag.Variable(y)
    with ag.GradientTape() as tape:
        z = x @ y
    gradients = tape.gradient(z, [x, y])
    assert z.dtype == np.float32
    assert all(g.dtype == np.float32 and g.shape == v.shape for g, v in zip(gradients, (x, y), strict=True))


def test_matmul_of_a_stack_that_is_not_contiguous():
    check(lambda x, y: np.matmul(x[:, ::2].swapaxes(0, 1), y), draw(4, 6, 3), draw(3, 2))


def test_operator_and_other_operand_kinds():
    x = ag.Tensor(draw(2, 3))
    y = draw(3, 4)
    for z in (x @ y, x @ y.tolist(), x.array.tolist() @ ag.Tensor(y), x.array @ ag.Tensor(y), x @ ag.Variable(y)):
        np.testing.assert_allclose(z.numpy(), x.array @ y)
    integers = np.arange(6).reshape(2, 3)
    assert (ag.Tensor(integers) @ integers.T).dtype == integers.dtype


SHAPES = st.lists(st.integers(0, 3), min_size=0, max_size=3).map(tuple)


@given(left=SHAPES, right=SHAPES)
def test_matmul_says_what_would_work(left, right):
    """Shapes that NumPy refuses give one error, and a suggestion only if it works."""
    x, y = np.zeros(left), np.zeros(right)
    try:
        expected = np.matmul(x, y)
    except ValueError:
        with pytest.raises(ShapeError, match=r"^matmul: ") as caught:
            ag.Tensor(x) @ ag.Tensor(y)
        message = str(caught.value)
        assert str(left) in message
        assert str(right) in message
        alternatives = {
            "matmul(transpose(x1), x2)": lambda: np.matmul(x.mT, y),
            "matmul(x1, transpose(x2))": lambda: np.matmul(x, y.mT),
            "matmul(x2, x1)": lambda: np.matmul(y, x),
        }
        said = message.replace("matrix_transpose", "transpose")
        for text, attempt in alternatives.items():
            if text in said:
                attempt()  # raises if the suggestion does not work
    else:
        assert (ag.Tensor(x) @ ag.Tensor(y)).shape == expected.shape


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ((2, 3), (2, 4), r"last axis of x1 \(3\) must equal the second-to-last axis of x2 \(2\)\. Did you mean "
                         r"matmul\(transpose\(x1\), x2\)\?"),
        ((2, 3), (4, 3), r"matmul\(x1, transpose\(x2\)\)"),
        ((5, 2, 3), (5, 2, 4), r"matmul\(matrix_transpose\(x1\), x2\)"),
        ((2, 3), (4,), r"must equal the only axis of x2 \(4\)\.$"),
        ((5, 2, 3), (4, 3, 2), r"before the last two do not broadcast.*lengths 5 and 4"),
        ((), (3,), r"multiply"),
    ],
)  # fmt: skip
def test_matmul_messages(left, right, said):
    with pytest.raises(ShapeError, match=said):
        anp.matmul(np.zeros(left), np.zeros(right))


def test_matmul_with_a_number():
    for product in (lambda x: x @ 2.0, lambda x: 2.0 @ x):
        with pytest.raises(ShapeError, match="multiply"):
            product(ag.Tensor(draw(2, 2)))


def test_keywords_that_are_not_supported():
    x = ag.Tensor(draw(2, 2))
    with pytest.raises(UnsupportedError, match="matmul: axes="):
        np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)])
    with pytest.raises(UnsupportedError, match="add: subok="):
        np.add(x, x, subok=False)
    with pytest.raises(UnsupportedError, match="dot: out="):
        np.dot(x, x, out=np.zeros((2, 2)))
    with pytest.raises(UnsupportedError, match="outer: dtype="):
        np.multiply.outer(x, x, dtype="float32")


def test_transposes_reach_blas_as_views(monkeypatch):
    """The rules for two matrices copy nothing: what they multiply shares memory with what was saved."""
    from autograd_core.ops import products

    x, y, ct = draw(4, 5), draw(5, 3), draw(4, 3)
    seen = []

    class Watched(np.ndarray):
        def __matmul__(self, other):
            seen.append((np.asarray(self), np.asarray(other)))
            return np.asarray(self) @ np.asarray(other)

    products.MATMUL.vjps[0](ct.view(Watched), None, x, y)
    products.MATMUL.vjps[1](ct, None, x.view(Watched), y)
    (left, right), (other_left, other_right) = seen
    assert np.shares_memory(left, ct)
    assert np.shares_memory(right, y)
    assert np.shares_memory(other_left, x)
    assert np.shares_memory(other_right, ct)


# -- dot and its relatives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [((), ()), ((), (3,)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)),
     ((2, 3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (5, 4, 2)), ((4,), (5, 4, 2)), ((2, 0), (0, 3))],
)  # fmt: skip
def test_dot(left, right):
    check(np.dot, draw(*left), draw(*right))
    assert ag.Tensor(draw(*left)).dot(ag.Tensor(draw(*right))).shape == np.dot(draw(*left), draw(*right)).shape


def test_dot_with_a_number_does_not_widen():
    x = ag.Tensor(np.ones(3, "float32"))
    assert np.dot(2.0, x).dtype == np.dot(x, 2.0).dtype == np.float32


@pytest.mark.parametrize(
    ("left", "right"), [((), ()), ((2,), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 1, 3), (4, 3))]
)
def test_inner(left, right):
    check(np.inner, draw(*left), draw(*right))


def test_vdot_and_vecdot_conjugate_the_first():
    check(np.vdot, draw(2, 3) + 1j * draw(2, 3), draw(3, 2) + 1j * draw(3, 2))
    check(np.vecdot, draw(2, 3) + 1j * draw(2, 3), draw(3) + 1j * draw(3))
    check(lambda x, y: np.vecdot(x, y, axis=0), draw(3, 2), draw(3, 2))
    check(lambda x, y: np.linalg.vecdot(x, y, axis=-2), draw(4, 3, 2), draw(3, 1))
    with pytest.raises(ShapeError, match="vdot: got 2 and 3"):
        np.vdot(ag.Tensor(draw(2)), draw(3))
    with pytest.raises(ShapeError, match="vecdot: the vectors have different lengths"):
        np.vecdot(ag.Tensor(draw(2)), draw(3))
    with pytest.raises(AxisError, match="vecdot: axis 2 is out of range"):
        np.vecdot(ag.Tensor(draw(2)), draw(2), axis=2)


def test_matvec_and_vecmat():
    a, x, y = draw(4, 2, 3) + 1j * draw(4, 2, 3), draw(3) + 1j * draw(3), draw(4, 2) + 1j * draw(4, 2)
    np.testing.assert_allclose(anp.matvec(a, x).numpy(), a @ x)
    np.testing.assert_allclose(anp.vecmat(y, a).numpy(), (y.conj()[:, None, :] @ a)[:, 0])
    if hasattr(np, "matvec"):
        check(np.matvec, a, x)
        check(np.vecmat, y, a)


@pytest.mark.parametrize(("left", "right"), [((), (2,)), ((2, 3), (2,)), ((0,), (3,))])
def test_outer(left, right):
    check(np.outer, draw(*left), draw(*right))


@pytest.mark.parametrize("ufunc", [np.multiply, np.add, np.subtract, np.maximum, np.hypot])
@pytest.mark.parametrize(("left", "right"), [((), (2,)), ((2, 1), (3,)), ((2,), (3, 2)), ((0,), (2,))])
def test_outer_of_ufuncs(ufunc, left, right):
    check(ufunc.outer, draw(*left), draw(*right))
    x, y = draw(*left), draw(*right)
    np.testing.assert_array_equal(ufunc.outer(x, ag.Tensor(y)).numpy(), ufunc.outer(x, y))


# -- tensordot ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "axes"),
    [((2, 3), (3, 4), 1), ((2, 3), (4,), 0), ((2, 3), (2, 3), 2), ((2, 3, 4), (4, 5, 3), ([1, 2], [2, 0])),
     ((2, 3, 4), (4, 5, 3), ((-1, -2), (0, -1))), ((2, 3), (2, 4), (0, 0)), ((2, 3), (2, 4), ([0], [0])),
     ((), (2,), 0), ((2, 0), (0, 3), 1), ((3, 2, 3), (3, 3), ((0, 2), (1, 0)))],
)  # fmt: skip
def test_tensordot(left, right, axes):
    check(lambda x, y: np.tensordot(x, y, axes), draw(*left), draw(*right))


def test_tensordot_sums_two_axes_by_default():
    check(np.tensordot, draw(2, 3, 4), draw(3, 4, 2))


@pytest.mark.parametrize(
    ("axes", "error", "said"),
    [(3, AxisError, "axes=3"), (-1, AxisError, "axes=-1"), (1, ShapeError, "axis 1 of a .* has length 3, axis 0 of b"),
     (((0, 1), (0,)), AxisError, "2 axes of a go with 1 of b"), (((0, 0), (0, 1)), AxisError, "summed over twice"),
     (((5,), (0,)), AxisError, "axis 5 is out of range"), ("ab", AxisError, "axis|pair"), (None, AxisError, "pair")],
)  # fmt: skip
def test_tensordot_messages(axes, error, said):
    with pytest.raises(error, match=said):
        np.tensordot(ag.Tensor(draw(2, 3)), draw(2, 4), axes)


# -- composed of others ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"), [((), ()), ((2,), (3,)), ((2, 3), (2, 2)), ((2, 3), (4,)), ((3,), (2, 1, 2)), ((0, 2), (2, 2))]
)
def test_kron(left, right):
    check(np.kron, draw(*left), draw(*right))


def test_cross():
    check(np.cross, draw(4, 3), draw(3))
    check(lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), draw(3, 4), draw(4, 3))
    check(lambda x, y: np.cross(x, y, axis=0), draw(3, 2), draw(3, 2))
    check(lambda x, y: np.linalg.cross(x, y, axis=0), draw(3, 2), draw(3, 2))
    with pytest.raises(ShapeError, match="lengths 4 and 3"):
        np.cross(ag.Tensor(draw(4)), draw(3))
    with pytest.raises(ShapeError, match="other axes that broadcast"):
        np.cross(ag.Tensor(draw(2, 3)), draw(5, 3))
    with pytest.raises(ShapeError, match=r"linalg\.cross"):
        np.linalg.cross(ag.Tensor(draw(2)), draw(2))


def test_cross_takes_a_missing_component_as_zero():
    x, y = draw(4, 2), draw(4, 2)
    full = np.cross(np.pad(x, ((0, 0), (0, 1))), np.pad(y, ((0, 0), (0, 1))))
    np.testing.assert_allclose(anp.cross(x, y).numpy(), full[:, 2])
    np.testing.assert_allclose(anp.cross(x, np.pad(y, ((0, 0), (0, 1)))).numpy(), full)


def test_trace():
    check(np.trace, draw(3, 4))
    check(lambda x: np.trace(x, offset=1, axis1=0, axis2=2), draw(3, 2, 4))
    check(np.linalg.trace, draw(2, 3, 4))
    check(lambda x: np.linalg.trace(x, offset=-1), draw(2, 3, 4))
    assert np.trace(ag.Tensor(np.eye(2, dtype="float32")), dtype="float64").dtype == np.float64
    assert ag.Tensor(np.eye(3)).trace().item() == 3.0
    assert anp.trace([[1, 2], [3, 4]]).item() == 5


def test_arrays_of_the_caller_may_change_afterwards():
    """A NumPy operand is copied where a rule needs it."""
    x = ag.Variable(draw(2, 2))
    for product in (anp.matmul, anp.dot, anp.outer, anp.kron, anp.tensordot, anp.inner, anp.vdot, anp.vecdot):
        y = np.ones((2, 2))
        with ag.GradientTape(persistent=True) as tape:
            z = product(x, y)
        before = tape.gradient(z, x).numpy()
        y[:] = 7.0
        np.testing.assert_array_equal(tape.gradient(z, x).numpy(), before)
