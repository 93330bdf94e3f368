"""Linear algebra at singular matrices, zero vectors and ties; semantics, messages, dtypes."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.errors import AxisError, DomainError, DtypeError, ShapeError, UnsupportedError
from autograd_core.ops.linalg import _cheapest_order
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(0)


def draw(*shape):
    return RANDOM.normal(size=shape)


def well_conditioned(*shape):
    return draw(*shape) + 3 * np.eye(shape[-1])


check = partial(agrees, derivatives=1)


# -- inv and solve -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (0, 0), (2, 3, 3), (0, 2, 2), (2, 0, 0)])
def test_inv(shape):
    check(np.linalg.inv, well_conditioned(*shape))


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)),
     ((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (2, 3, 1)), ((0, 0), (0,)), ((0, 0), (0, 2)), ((3, 3), (3, 0)),
     ((1, 1), (1,))],
)  # fmt: skip
def test_solve(left, right):
    check(np.linalg.solve, well_conditioned(*left), draw(*right))


def test_singular_matrices_are_named():
    with pytest.raises(np.linalg.LinAlgError, match=r"inv: got shape \(2, 2\) float64.*singular.*pinv"):
        np.linalg.inv(ag.Tensor(np.ones((2, 2))))
    with pytest.raises(np.linalg.LinAlgError, match=r"solve: got shape \(2, 2\) float64, shape \(2,\).*singular"):
        np.linalg.solve(ag.Tensor(np.ones((2, 2))), np.ones(2))


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "eig", "eigvals"])
def test_matrices_must_be_square(name):
    function = getattr(np.linalg, name)
    with pytest.raises(ShapeError, match=rf"{name}: got shape \(2, 3\); expected square"):
        function(ag.Tensor(np.ones((2, 3))))
    with pytest.raises(ShapeError, match=rf"{name}: got shape \(2,\); expected a matrix"):
        function(ag.Tensor(np.ones(2)))


def test_solve_messages():
    with pytest.raises(ShapeError, match=r"a has shape \(3, 3\), b has shape \(2,\); expected b of length 3"):
        np.linalg.solve(ag.Tensor(np.eye(3)), np.ones(2))
    with pytest.raises(ShapeError, match=r"A stack of vectors is b\[\.\.\., None\]"):
        np.linalg.solve(ag.Tensor(np.eye(3)), np.ones((2, 3)))
    with pytest.raises(ShapeError, match="other axes that broadcast"):
        np.linalg.solve(ag.Tensor(np.ones((2, 3, 3))), np.ones((4, 3, 1)))


def test_half_precision_is_refused_clearly():
    with pytest.raises(DtypeError, match=r"inv: got shape .* float16"):
        np.linalg.inv(ag.Tensor(np.eye(2, dtype="float16")))


def test_integers_become_floats():
    assert np.linalg.inv(ag.Tensor(np.array([[2, 0], [0, 4]]))).dtype == np.float64
    assert np.linalg.norm(ag.Tensor([3, 4])).item() == 5.0


# -- det ---------------------------------------------------------------------------------------------------------------


def minors(a, rows, columns):
    """Determinant of ``a`` without some rows and columns."""
    return np.linalg.det(np.delete(np.delete(a, rows, axis=0), columns, axis=1))


def cofactors(a):
    n = a.shape[0]
    return np.array([[(-1) ** (i + j) * minors(a, i, j) for j in range(n)] for i in range(n)])


def of_rank(n, rank):
    q, p = (np.linalg.qr(draw(n, n))[0] for _ in range(2))
    return (q * np.array([1.5**i * (i < rank) for i in range(n)])) @ p


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_gradient_of_det_at_any_rank(n, missing):
    a = of_rank(n, max(n - missing, 0))
    np.testing.assert_allclose(ag.grad(np.linalg.det)(a), cofactors(a), atol=1e-12)


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_second_derivative_of_det_at_any_rank(missing):
    """Entry (i, j), (k, l) is the minor without both rows and both columns."""
    n = 4
    a = of_rank(n, n - missing)
    hessian = ag.hessian(np.linalg.det)(a)
    expected = np.zeros((n,) * 4)
    for i, k in combinations(range(n), 2):
        for j, m in combinations(range(n), 2):
            minor = (-1) ** (i + j + k + m) * minors(a, [i, k], [j, m])
            expected[i, j, k, m] = expected[k, m, i, j] = minor
            expected[i, m, k, j] = expected[k, j, i, m] = -minor
    np.testing.assert_allclose(hessian, expected, atol=1e-12)


def test_det_of_exactly_singular_matrices():
    zeros, ones = np.zeros((3, 3)), np.ones((2, 2))
    np.testing.assert_array_equal(ag.grad(np.linalg.det)(zeros), zeros)
    np.testing.assert_allclose(ag.grad(np.linalg.det)(ones), [[1.0, -1.0], [-1.0, 1.0]], atol=1e-15)
    np.testing.assert_array_equal(ag.grad(np.linalg.det)(np.zeros((1, 1))), [[1.0]])
    stack = np.stack([ones, np.eye(2)])
    np.testing.assert_allclose(
        ag.grad(lambda a: np.sum(np.linalg.det(a)))(stack), [[[1.0, -1.0], [-1.0, 1.0]], np.eye(2)], atol=1e-15
    )


def test_det_of_nearly_singular_matrices_keeps_its_digits():
    a = np.diag([1.0, 1.0, 1e-13])
    np.testing.assert_allclose(ag.grad(np.linalg.det)(a), np.diag([1e-13, 1e-13, 1.0]), rtol=1e-12, atol=1e-25)


def test_det_keeps_float32_and_takes_complex():
    a = ag.Variable(well_conditioned(3, 3).astype("float32"))
    for value in (np.eye(3), np.ones((3, 3))):
        a.assign(value.astype("float32"))
        with ag.GradientTape() as tape:
            d = np.linalg.det(a)
        assert d.dtype == tape.gradient(d, a).dtype == np.float32
    check(np.linalg.det, well_conditioned(3, 3) + 1j * draw(3, 3))
    check(np.linalg.det, np.ones((2, 2)) * (1 + 1j))


# -- slogdet -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (0, 0), (2, 3, 3)])
def test_slogdet(shape):
    check(lambda a: np.linalg.slogdet(a)[1], well_conditioned(*shape))
    check(lambda a: np.linalg.slogdet(a).logabsdet, well_conditioned(*shape) + 1j * draw(*shape))
    check(lambda a: np.linalg.slogdet(a).sign, well_conditioned(*shape) + 1j * draw(*shape))


def test_slogdet_of_a_masked_singular_matrix():
    """One singular matrix in a stack: a zero cotangent wins, another gives NaN, and the rest is untouched."""
    stack = np.stack([np.ones((2, 2)), 2 * np.eye(2)])

    def masked(a):
        return np.sum(np.where(np.array([False, True]), np.linalg.slogdet(a)[1], 0.0))

    np.testing.assert_allclose(ag.grad(masked)(stack), [np.zeros((2, 2)), np.eye(2) / 2])
    whole = ag.grad(lambda a: np.sum(np.linalg.slogdet(a)[1]))(stack)
    assert np.isnan(whole[0]).all()
    np.testing.assert_allclose(whole[1], np.eye(2) / 2)


# -- norms -------------------------------------------------------------------------------------------------------------

ORDERS = [None, 0, 0.5, 1, 1.5, 2, 3, -1, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_of_vectors(ord, keepdims):
    check(lambda x: np.linalg.norm(x, ord=ord, axis=1, keepdims=keepdims), draw(2, 3, 2))
    check(lambda x: np.linalg.norm(x, ord=ord, keepdims=keepdims), draw(4))


@pytest.mark.parametrize("ord", [None, 1, 2, 3, np.inf])
def test_norm_of_complex_vectors(ord):
    check(lambda x: np.linalg.norm(x, ord=ord, axis=0), draw(3, 2) + 1j * draw(3, 2))


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_of_matrices(ord, keepdims):
    check(lambda x: np.linalg.norm(x, ord=ord, axis=(2, 0), keepdims=keepdims), draw(2, 3, 4))
    check(lambda x: np.linalg.norm(x, ord=ord, keepdims=keepdims), draw(3, 2))
    if ord is not None:
        check(lambda x: np.linalg.matrix_norm(x, ord=ord, keepdims=keepdims), draw(2, 3, 4))


@pytest.mark.parametrize("ord", ORDERS[1:])
@pytest.mark.parametrize("axis", [None, 1, (0, 2), (0, 1, 2)])
def test_vector_norm(ord, axis):
    check(lambda x: np.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=True), draw(2, 3, 2))


def test_norm_of_everything_has_no_axes():
    check(np.linalg.norm, draw(2, 3, 2))
    check(np.linalg.norm, np.asarray(draw()))
    assert np.linalg.norm(ag.Tensor(np.zeros(0))).item() == 0.0
    assert np.linalg.norm(ag.Tensor(np.ones((2, 3), "float32"))).dtype == np.float32


@pytest.mark.filterwarnings("ignore:divide by zero")  # NumPy's, for the value with a negative ord
@pytest.mark.parametrize("ord", [None, 1, 1.5, 2, 3, np.inf, -np.inf, -1])
def test_gradient_of_a_norm_at_zero_is_zero(ord):
    for mode in ("rev", "fwd"):
        np.testing.assert_array_equal(ag.jacobian(lambda x: np.linalg.norm(x, ord=ord), mode=mode)(np.zeros(3)), 0.0)
    np.testing.assert_array_equal(ag.grad(lambda x: np.linalg.norm(x, ord="fro"))(np.zeros((2, 2))), 0.0)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("ord", [0.5, 1.5, 3, -1])
def test_entries_of_zero_have_derivative_zero(ord):
    gradient = ag.grad(lambda x: np.linalg.norm(x, ord=ord))(np.array([0.0, 2.0, -1.0]))
    assert gradient[0] == 0.0
    assert np.isfinite(gradient).all()


def test_large_entries_do_not_overflow_in_the_derivative():
    """The value is finite (6e100); the cube of an entry times that of the norm would not be."""
    gradient = ag.grad(lambda x: np.linalg.norm(x, ord=3))(np.array([5e100, -5e100]))
    np.testing.assert_allclose(gradient, [2 ** (-2 / 3), -(2 ** (-2 / 3))])


def test_ties_share_evenly():
    def at(ord, x):
        return ag.grad(lambda x: np.linalg.norm(x, ord=ord))(np.array(x))

    np.testing.assert_array_equal(at(np.inf, [2.0, -2.0, 1.0]), [0.5, -0.5, 0.0])
    np.testing.assert_array_equal(at(-np.inf, [2.0, -1.0, 1.0]), [0.0, -0.5, 0.5])
    np.testing.assert_array_equal(at(1, [[1.0, 2.0], [1.0, 0.0]]), [[0.5, 0.5], [0.5, 0.0]])
    np.testing.assert_allclose(at(2, np.eye(2)), np.eye(2) / 2, atol=1e-15)  # the spectral norm's subgradient
    np.testing.assert_allclose(at("nuc", [[1.0, 1.0], [1.0, 1.0]]), [[0.5, 0.5], [0.5, 0.5]], atol=1e-15)


def test_norm_messages():
    x = ag.Tensor(np.ones((2, 3, 4)))
    with pytest.raises(ShapeError, match="ord=2 without axis"):
        np.linalg.norm(x, 2)
    with pytest.raises(AxisError, match="axis 3 does not fit"):
        np.linalg.norm(x, axis=3)
    with pytest.raises(AxisError, match="names an axis twice"):
        np.linalg.norm(x, axis=(1, -2))
    with pytest.raises(AxisError, match=r"one axis .* or two"):
        np.linalg.norm(x, axis=(0, 1, 2))
    with pytest.raises(AxisError, match="does not fit"):
        np.linalg.norm(x, axis=1.0)
    with pytest.raises(DomainError, match="for matrices ord must be"):
        np.linalg.norm(x, ord=3, axis=(0, 1))
    with pytest.raises(DomainError, match="ord must be a number for vectors; got 'fro'"):
        np.linalg.norm(x, ord="fro", axis=0)


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
def test_cond(p):
    check(lambda x: np.linalg.cond(x, p), well_conditioned(3, 3))


def test_cond_of_a_singular_matrix():
    assert np.linalg.cond(ag.Tensor(np.diag([1.0, 0.0]))).item() == np.inf


def test_cond_of_rectangular_and_stacked_matrices():
    check(np.linalg.cond, draw(2, 4, 3))


# -- least squares -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 4, 2), (0, 3), (1, 1)])
def test_pinv(shape):
    check(np.linalg.pinv, draw(*shape))
    check(np.linalg.pinv, draw(*shape) + 1j * draw(*shape))


def test_pinv_at_a_fixed_rank():
    """Along matrices of rank 1 its derivative is that of the formula u v^T -> v u^T / (|u|^2 |v|^2)."""
    u, v = draw(3), draw(2)
    weights = draw(2, 3)

    def through_pinv(u, v):
        return np.sum(np.linalg.pinv(np.outer(u, v), 1e-10) * weights)

    def by_formula(u, v):
        return np.sum(np.outer(v, u) * weights) / (np.sum(u * u) * np.sum(v * v))

    for got, expected in zip(
        ag.grad(through_pinv, argnums=(0, 1))(u, v), ag.grad(by_formula, argnums=(0, 1))(u, v), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_keywords_of_pinv():
    a = np.diag([1.0, 1e-3])
    for keywords in ({"rcond": 0.1}, {"rtol": 0.1}, {"rtol": None}, {"hermitian": True}, {"rcond": np.float64(0.1)}):
        np.testing.assert_allclose(np.linalg.pinv(ag.Tensor(a), **keywords).numpy(), np.linalg.pinv(a, **keywords))
    with pytest.raises(ValueError, match="rcond or rtol, not both"):
        np.linalg.pinv(ag.Tensor(a), rcond=0.1, rtol=0.1)
    with pytest.raises(UnsupportedError, match="one number for the whole stack"):
        np.linalg.pinv(ag.Tensor(a), rcond=np.array([0.1]))


@pytest.mark.parametrize(("left", "right"), [((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 1))])
def test_lstsq(left, right):
    a, b = draw(*left), draw(*right)
    expected = np.linalg.lstsq(a, b)
    got = np.linalg.lstsq(ag.Tensor(a), ag.Tensor(b))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-12)
        assert one.shape == np.shape(other)
    check(lambda a, b: np.linalg.lstsq(a, b)[0], a, b)
    check(lambda a, b: np.linalg.lstsq(a, b)[1], a, b)
    check(lambda a: np.linalg.lstsq(a, b)[3], a)


def test_lstsq_of_dependent_columns():
    """The smallest of all solutions, and no residuals, as NumPy does it."""
    a, b = np.ones((3, 2)), np.array([1.0, 2.0, 3.0])
    x, residuals, rank, _ = np.linalg.lstsq(ag.Tensor(a), b)
    np.testing.assert_allclose(x.numpy(), [1.0, 1.0])
    assert residuals.shape == (0,)
    assert rank.item() == 1
    check(lambda b: np.linalg.lstsq(a, b)[0], b)
    with pytest.raises(ShapeError, match=r"lstsq: a has shape \(3, 2\), b has shape \(2,\)"):
        np.linalg.lstsq(ag.Tensor(a), np.ones(2))
    np.testing.assert_allclose(np.linalg.lstsq(ag.Tensor(np.diag([1.0, 1e-3])), np.ones(2), 0.1)[0].numpy(), [1.0, 0.0])


def test_matrix_rank_has_no_derivative():
    x = ag.Variable(np.ones((2, 2)))
    with ag.GradientTape() as tape:
        rank = np.linalg.matrix_rank(x)
        loss = np.sum(x) * rank
    assert rank.item() == 1
    assert rank.dtype.kind == "i"
    np.testing.assert_array_equal(tape.gradient(loss, x).numpy(), np.ones((2, 2)))
    assert np.linalg.matrix_rank(ag.Tensor(np.diag([1.0, 1e-3])), 0.1).item() == 1
    assert np.linalg.matrix_rank(ag.Tensor(np.diag([1.0, 1e-3])), rtol=0.1, hermitian=True).item() == 1


# -- powers and products of many ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7])
def test_matrix_power(n):
    check(lambda a: np.linalg.matrix_power(a, n), well_conditioned(3, 3) / 3)
    check(lambda a: np.linalg.matrix_power(a, n), well_conditioned(2, 2, 2) / 3)


def test_matrix_power_messages():
    with pytest.raises(DtypeError, match=r"n must be an integer; got 0.5"):
        np.linalg.matrix_power(ag.Tensor(np.eye(2)), 0.5)
    with pytest.raises(ShapeError, match="square"):
        np.linalg.matrix_power(ag.Tensor(np.ones((2, 3))), 2)


@pytest.mark.parametrize(
    "shapes",
    [[(2, 3), (3, 4)], [(2, 3), (3, 4), (4, 2)], [(3,), (3, 4), (4, 2), (2,)], [(3,), (3,)], [(3,), (3, 2), (2, 4)],
     [(2, 3), (3, 0), (0, 2)]],
)  # fmt: skip
def test_multi_dot(shapes):
    check(lambda *xs: np.linalg.multi_dot(list(xs)), *[draw(*shape) for shape in shapes])


@given(st.lists(st.integers(1, 30), min_size=3, max_size=7))
def test_multi_dot_takes_the_cheapest_order(sides):
    split = _cheapest_order(sides)

    def cost(first, last, choose):
        """Multiplications for the product of factors first..last, and where it is split."""
        if first == last:
            return 0
        return choose(
            cost(first, k, choose) + cost(k + 1, last, choose) + sides[first] * sides[k + 1] * sides[last + 1]
            for k in ([split[first, last]] if choose is sum else range(first, last))
        )

    assert cost(0, len(sides) - 2, sum) == cost(0, len(sides) - 2, min)


def test_multi_dot_messages():
    with pytest.raises(ShapeError, match="at least two"):
        np.linalg.multi_dot([ag.Tensor(np.eye(2))])
    with pytest.raises(ShapeError, match="expected matrices"):
        np.linalg.multi_dot([ag.Tensor(np.eye(2)), np.ones(2), np.eye(2)])
    with pytest.raises(UnsupportedError, match="out="):
        np.linalg.multi_dot([ag.Tensor(np.eye(2)), np.eye(2)], out=np.eye(2))


# -- tensors as matrices -----------------------------------------------------------------------------------------------


def test_tensorinv_and_tensorsolve():
    check(np.linalg.tensorinv, draw(4, 6, 8, 3))
    check(lambda a: np.linalg.tensorinv(a, ind=1), draw(6, 2, 3))
    check(np.linalg.tensorsolve, draw(2, 3, 6), draw(2, 3))
    check(lambda a, b: np.linalg.tensorsolve(a, b, axes=(0, 2)), draw(2, 6, 3), draw(6))
    with pytest.raises(ShapeError, match="tensorinv: got shape"):
        np.linalg.tensorinv(ag.Tensor(draw(2, 3)), ind=1)
    with pytest.raises(ShapeError, match="tensorsolve: a has shape"):
        np.linalg.tensorsolve(ag.Tensor(draw(2, 3)), draw(2))
    with pytest.raises(AxisError, match="tensorsolve: axes"):
        np.linalg.tensorsolve(ag.Tensor(draw(2, 2)), draw(2), axes=(5,))


def test_names_of_the_array_api():
    a = draw(2, 3, 3)
    check(np.linalg.matrix_transpose, a)
    check(np.linalg.diagonal, a)
    check(lambda x: np.linalg.diagonal(x, offset=1), a)
    check(np.linalg.matmul, a, draw(3, 2))
    check(lambda x, y: np.linalg.tensordot(x, y, axes=1), a, draw(3, 2))
    check(np.linalg.outer, draw(3), draw(2))
    with pytest.raises(ShapeError, match=r"linalg\.outer: got shapes"):
        np.linalg.outer(ag.Tensor(draw(2, 2)), draw(2))
    missing = [name for name in np.linalg.__all__ if not hasattr(anp.linalg, name)]
    assert missing == []


def test_python_lists_are_taken():
    assert anp.linalg.det([[1.0, 2.0], [3.0, 4.0]]).item() == pytest.approx(-2.0)
    assert anp.linalg.norm([3.0, 4.0]).item() == 5.0
    np.testing.assert_allclose(anp.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0]).numpy(), [1.0, 1.0])
