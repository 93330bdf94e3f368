"""Decompositions: values as NumPy's, derivatives of what does not depend on LAPACK's choices, equal and zero values."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import DomainError, NotDifferentiableError, UnsupportedError
from autograd_core.ops.decompositions import EIG
from autograd_core.testing import numerical_gradient

RANDOM = np.random.default_rng(0)
KINDS = ["real", "complex"]


def draw(*shape, kind="real"):
    a = RANDOM.normal(size=shape)
    return a + 1j * RANDOM.normal(size=shape) if kind == "complex" else a


def adjoint(a):
    return np.conjugate(a.mT)


def hermitian(*shape, kind="real"):
    a = draw(*shape, kind=kind)
    return a + adjoint(a)


def positive(*shape, kind="real"):
    a = draw(*shape, kind=kind)
    return a @ adjoint(a) + shape[-1] * np.eye(shape[-1])


def with_eigenvalues(*values):
    """A symmetric matrix with these eigenvalues, and its vectors."""
    q = np.linalg.qr(draw(len(values), len(values)))[0]
    a = (q * np.array(values)) @ q.T
    return (a + a.T) / 2, q


def weighted(f, *args):
    """Weighted sum of all results of f, real."""
    outs = f(*args)
    outs = outs if isinstance(outs, tuple) else (outs,)
    random = np.random.default_rng(1)
    total = 0.0
    for out in outs:
        weights = random.normal(size=out.shape)
        if out.dtype.kind == "c":
            weights = weights + 1j * random.normal(size=out.shape)
        total = total + np.sum(np.real(out * weights))
    return total


def check(f, a, tolerance=1e-6):
    """Gradient of f, whose results do not depend on LAPACK's choices, and its second derivative, as differences say."""
    gradient = ag.grad(lambda a: weighted(f, a))(a)
    # On a Tensor: NumPy's own cholesky and eigh look at one triangle only.
    numerical = numerical_gradient(lambda a: weighted(f, a), ag.Tensor(a))
    np.testing.assert_allclose(gradient, numerical, rtol=tolerance, atol=tolerance)
    direction = draw(*a.shape, kind="complex" if a.dtype.kind == "c" else "real")
    (product,) = ag.hvp(lambda a: weighted(f, a), (a,), (direction,))
    h = 1e-5
    difference = (
        ag.grad(lambda a: weighted(f, a))(a + h * direction) - ag.grad(lambda a: weighted(f, a))(a - h * direction)
    ) / (2 * h)
    np.testing.assert_allclose(product, difference, rtol=1e-5, atol=1e-5)


# -- cholesky ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 4), (2, 3, 3), (0, 2, 2), (0, 0)])
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(kind, shape, upper):
    a = positive(*shape, kind=kind)
    got = np.linalg.cholesky(ag.Tensor(a), upper=upper).numpy()
    lower = np.linalg.cholesky(a)
    np.testing.assert_allclose(got, adjoint(lower) if upper else lower, atol=1e-13)
    check(lambda a: np.linalg.cholesky(a, upper=upper), a)


def test_gradient_of_cholesky_is_symmetric():
    for kind in KINDS:
        gradient = ag.grad(lambda a: weighted(np.linalg.cholesky, a))(positive(4, 4, kind=kind))
        np.testing.assert_array_equal(gradient, adjoint(gradient))


def test_cholesky_messages():
    with pytest.raises(np.linalg.LinAlgError, match=r"cholesky: got shape \(2, 2\).*not positive definite"):
        np.linalg.cholesky(ag.Tensor(-np.eye(2)))
    for triangle, name in ((np.tril, "lower"), (np.triu, "upper")):
        with pytest.raises(DomainError, match=f"cholesky: only the {name} triangle"):
            np.linalg.cholesky(ag.Tensor(triangle(np.ones((2, 2)) + np.eye(2))))
    np.testing.assert_allclose(np.linalg.cholesky(ag.Tensor(4 * np.eye(2))).numpy(), 2 * np.eye(2))


# -- eigh --------------------------------------------------------------------------------------------------------------


def through_eigh(a):
    """Things that do not depend on the phases of the vectors: a function of the matrix, moduli, values."""
    w, v = np.linalg.eigh(a)
    return (v * np.sin(w)[..., None, :]) @ adjoint(v), np.abs(v) ** 2, w


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (5, 5), (2, 3, 3), (0, 2, 2), (0, 0)])
def test_eigh(kind, shape):
    a = hermitian(*shape, kind=kind)
    for got, expected in zip(np.linalg.eigh(ag.Tensor(a)), np.linalg.eigh(a), strict=True):
        np.testing.assert_array_equal(got.numpy(), expected)  # LAPACK's own vectors
    np.testing.assert_allclose(np.linalg.eigvalsh(ag.Tensor(a)).numpy(), np.linalg.eigvalsh(a))
    check(through_eigh, a)
    check(np.linalg.eigvalsh, a)


@pytest.mark.parametrize("kind", KINDS)
def test_forward_mode_of_eigh_agrees_with_reverse(kind):
    a, t = hermitian(4, 4, kind=kind), draw(4, 4, kind=kind)
    for f in (through_eigh, np.linalg.eigvalsh):
        _, tangent = ag.jvp(lambda a, f=f: weighted(f, a), (a,), (t,))
        gradient = ag.grad(lambda a, f=f: weighted(f, a))(a)
        np.testing.assert_allclose(tangent, np.sum(np.real(np.conjugate(gradient) * t)))


def test_triangle_that_is_read():
    """Without UPLO the symmetric part counts, and the gradient is symmetric; with it one triangle and its gradient."""
    a = draw(3, 3)
    for uplo, triangle in (("L", np.tril), ("U", np.triu), ("l", np.tril)):
        for got, expected in zip(np.linalg.eigh(ag.Tensor(a), uplo), np.linalg.eigh(a, uplo), strict=True):
            np.testing.assert_array_equal(got.numpy(), expected)
        np.testing.assert_array_equal(np.linalg.eigvalsh(ag.Tensor(a), UPLO=uplo).numpy(), np.linalg.eigvalsh(a, uplo))
        check(lambda a, uplo=uplo: np.linalg.eigvalsh(a, uplo), a)
        gradient = ag.grad(lambda a, uplo=uplo: weighted(lambda a: np.linalg.eigvalsh(a, uplo), a))(a)
        np.testing.assert_array_equal(gradient, triangle(gradient))
    check(lambda a: np.linalg.eigvalsh(a, "L"), hermitian(3, 3, kind="complex"))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(ag.Tensor(a)).numpy(), np.linalg.eigvalsh((a + a.T) / 2)
    )  # fmt: skip
    gradient = ag.grad(lambda a: weighted(np.linalg.eigvalsh, a))(a)
    np.testing.assert_array_equal(gradient, gradient.T)
    with pytest.raises(DomainError, match="UPLO must be"):
        np.linalg.eigh(ag.Tensor(a), "X")
    with pytest.raises(DomainError, match=r"eigh: only the lower triangle .* Say UPLO"):
        np.linalg.eigh(ag.Tensor(np.tril(a)))
    np.testing.assert_array_equal(np.linalg.eigvalsh(ag.Tensor(np.tril(a)), "L").numpy(), np.linalg.eigvalsh(a))


def test_named_results():
    a = ag.Tensor(positive(2, 2))
    assert np.linalg.eigh(a).eigenvalues.shape == (2,)
    assert np.linalg.svd(a).S.shape == (2,)
    assert np.linalg.qr(a).R.shape == (2, 2)
    assert np.linalg.eig(a).eigenvectors.shape == (2, 2)


# -- equal eigenvalues -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_eigenvalues_a_loss_of_values_alone(dtype):
    """The sum of w**2 is the squared norm of the matrix, whatever is equal; its gradient is 2 a."""
    for a in (np.eye(3), with_eigenvalues(2.0, 2.0, 5.0)[0], np.zeros((2, 2))):
        a = a.astype(dtype)
        for values in (np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]):
            gradient = ag.grad(lambda a, values=values: np.sum(values(a) ** 2))(a)
            assert gradient.dtype == dtype
            np.testing.assert_allclose(gradient, 2 * a, atol=1e-5 if dtype == "float32" else 1e-12)


def test_equal_eigenvalues_a_loss_of_their_space_alone():
    """The projector on the space of a group is smooth; differences of NumPy's own projector say how."""
    a, _ = with_eigenvalues(2.0, 2.0, 5.0, 6.0)
    weights = hermitian(4, 4)

    def loss(a):
        v = np.linalg.eigh(a)[1][:, :2]
        return np.sum((v @ v.T) * weights)

    gradient = ag.grad(loss)(a)
    for direction in (hermitian(4, 4), hermitian(4, 4)):
        h = 1e-5
        difference = (loss(a + h * direction) - loss(a - h * direction)) / (2 * h)
        np.testing.assert_allclose(np.sum(gradient * direction), difference, rtol=1e-6)


def test_equal_eigenvalues_a_loss_of_the_other_vectors():
    a, _ = with_eigenvalues(2.0, 2.0, 5.0)
    weights = draw(3)

    def loss(a):
        return np.sum(np.linalg.eigh(a)[1][:, 2] ** 2 * weights)

    direction, h = hermitian(3, 3), 1e-5
    difference = (loss(a + h * direction) - loss(a - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(ag.grad(loss)(a) * direction), difference, rtol=1e-6)


def test_equal_eigenvalues_a_loss_that_has_no_gradient_says_so():
    """It depends on the choice of vectors, or its derivative cannot be told from the cotangents: NaN, not a number."""
    a, _ = with_eigenvalues(2.0, 2.0, 5.0)
    assert np.isnan(ag.grad(lambda a: np.sum(np.linalg.eigh(a)[1] ** 3))(a)).any()

    def function_of_matrix(a):
        w, v = np.linalg.eigh(a)
        return np.sum((v * np.exp(w)) @ v.T)

    assert np.isnan(ag.grad(function_of_matrix)(a)).any()
    tangent = ag.jvp(lambda a: np.linalg.eigh(a)[1], (a,), (hermitian(3, 3),))[1]
    assert np.isnan(tangent).any()


def test_a_loss_that_depends_on_a_phase_says_so():
    a = hermitian(3, 3, kind="complex")
    assert np.isnan(ag.grad(lambda a: np.sum(np.real(np.linalg.eigh(a)[1])))(a)).any()
    assert np.isnan(ag.grad(lambda a: np.sum(np.real(np.linalg.svd(a)[0])))(a)).any()


def test_the_largest_of_equal_eigenvalues_shares_evenly():
    """The subgradient of least norm of the largest eigenvalue: the projector on its space over its dimension."""
    a, q = with_eigenvalues(1.0, 4.0, 4.0)
    expected = q[:, 1:] @ q[:, 1:].T / 2
    np.testing.assert_allclose(ag.grad(lambda a: np.linalg.eigvalsh(a)[-1])(a), expected, atol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda a: np.linalg.eigh(a)[0][-1])(a), expected, atol=1e-12)
    t = hermitian(3, 3)
    for values in (np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]):
        np.testing.assert_allclose(ag.jvp(values, (a,), (t,))[1][-1], np.sum(expected * t))


# -- svd ---------------------------------------------------------------------------------------------------------------


def through_svd(a):
    """Things that do not depend on the phases of the vectors."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u * np.sin(s)[..., None, :]) @ vh, np.abs(u) ** 2, s, np.abs(vh) ** 2


SVD_SHAPES = [(1, 1), (3, 3), (4, 2), (2, 4), (5, 3), (2, 3, 2), (0, 2, 3), (0, 3), (3, 0)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SVD_SHAPES)
def test_svd(kind, shape):
    a = draw(*shape, kind=kind)
    for full in (False, True):
        for got, expected in zip(np.linalg.svd(ag.Tensor(a), full), np.linalg.svd(a, full), strict=True):
            np.testing.assert_array_equal(got.numpy(), expected)
    check(through_svd, a)
    for values in (np.linalg.svdvals, lambda a: np.linalg.svd(a, compute_uv=False), lambda a: np.linalg.svd(a).S):
        check(values, a)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_forward_mode_of_svd_agrees_with_reverse(kind, shape):
    a, t = draw(*shape, kind=kind), draw(*shape, kind=kind)
    for f in (through_svd, np.linalg.svdvals, lambda a: np.linalg.svd(a).S):
        _, tangent = ag.jvp(lambda a, f=f: weighted(f, a), (a,), (t,))
        gradient = ag.grad(lambda a, f=f: weighted(f, a))(a)
        np.testing.assert_allclose(tangent, np.sum(np.real(np.conjugate(gradient) * t)))


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 1)])
def test_vectors_that_fill_up_a_basis_have_no_derivative(shape):
    a = draw(*shape)
    tall = shape[-2] > shape[-1]
    k = min(shape[-2:])

    def vectors(a, part):
        u, _, vh = np.linalg.svd(a)
        return np.sum(u[..., part] ** 3) if tall else np.sum(vh[..., part, :] ** 3)

    check(lambda a: vectors(a, slice(k)), a)  # those that belong to singular values have one
    with pytest.raises(NotDifferentiableError, match=r"svd: .*full_matrices=True adds"):
        ag.grad(lambda a: vectors(a, slice(k, None)))(a)
    assert np.isnan(ag.jvp(lambda a: vectors(a, slice(k, None)), (a,), (a,))[1])
    assert np.isfinite(ag.jvp(lambda a: vectors(a, slice(k)), (a,), (a,))[1])


@pytest.mark.parametrize("kind", KINDS)
def test_svd_of_a_symmetric_matrix(kind):
    a = hermitian(4, 4, kind=kind)
    u, s, vh = np.linalg.svd(ag.Tensor(a), hermitian=True)
    np.testing.assert_allclose(s.numpy(), np.linalg.svd(a)[1])
    np.testing.assert_allclose(((u * s[None, :]) @ vh).numpy(), a)
    np.testing.assert_allclose(np.linalg.svd(ag.Tensor(a), compute_uv=False, hermitian=True).numpy(), s.numpy())
    check(lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True), a)


def test_equal_singular_values():
    """u @ vh, the nearest orthogonal matrix, is smooth; the sum of s**2 too. What depends on the choice is NaN."""
    q = np.linalg.qr(draw(3, 3))[0]
    weights = draw(3, 3)

    def polar(a):
        u, _, vh = np.linalg.svd(a)
        return np.sum((u @ vh) * weights)

    for scales in ([2.0, 2.0, 2.0], [2.0, 2.0, 3.0]):
        a = q * np.array(scales)
        np.testing.assert_allclose(ag.grad(polar)(a), numerical_gradient(polar, a), rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(ag.grad(lambda a: np.sum(np.linalg.svd(a)[1] ** 2))(a), 2 * a, atol=1e-12)
        np.testing.assert_allclose(ag.grad(lambda a: np.sum(np.linalg.svdvals(a) ** 2))(a), 2 * a, atol=1e-12)
        assert np.isnan(ag.grad(lambda a: np.sum(np.linalg.svd(a)[0] ** 3))(a)).any()
        assert np.isnan(ag.grad(lambda a: np.sum((np.linalg.svd(a)[0] * np.linalg.svd(a)[1]) ** 3))(a)).any()


def test_singular_values_of_zero():
    """A kink, as for abs: derivative 0. The space of the other vectors is smooth."""
    a = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    expected = a / 15
    for values in (np.linalg.svdvals, lambda a: np.linalg.svd(a, full_matrices=False)[1]):
        np.testing.assert_allclose(ag.grad(lambda a, values=values: np.sum(values(a)))(a), expected, atol=1e-12)
        tangent = ag.jvp(lambda a, values=values: np.sum(values(a)), (a,), (np.ones((3, 2)),))[1]
        np.testing.assert_allclose(tangent, np.sum(expected))
    np.testing.assert_array_equal(ag.grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.zeros((2, 2))), 0.0)
    weights = draw(3)

    def first(a):
        return np.sum(np.linalg.svd(a, full_matrices=False)[0][:, 0] ** 2 * weights)

    np.testing.assert_allclose(ag.grad(first)(a), numerical_gradient(first, a), atol=1e-7)


# -- qr ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3), (0, 3, 2), (0, 2), (2, 0)])
def test_qr(kind, shape):
    a = draw(*shape, kind=kind)
    for mode in ("reduced", "complete"):
        for got, expected in zip(np.linalg.qr(ag.Tensor(a), mode), np.linalg.qr(a, mode), strict=True):
            np.testing.assert_allclose(got.numpy(), expected, atol=1e-14)
    np.testing.assert_allclose(np.linalg.qr(ag.Tensor(a), "r").numpy(), np.linalg.qr(a)[1], atol=1e-14)
    check(lambda a: tuple(np.linalg.qr(a)), a)
    check(lambda a: np.linalg.qr(a, "r"), a)
    if shape[-2] <= shape[-1]:
        check(lambda a: tuple(np.linalg.qr(a, "complete")), a)
    else:
        check(lambda a: np.linalg.qr(a, "complete").R, a)
        check(lambda a: np.linalg.qr(a, "complete").Q[..., : shape[-1]], a)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_forward_mode_of_qr_agrees_with_reverse(kind, shape):
    a, t = draw(*shape, kind=kind), draw(*shape, kind=kind)
    _, tangent = ag.jvp(lambda a: weighted(lambda a: tuple(np.linalg.qr(a)), a), (a,), (t,))
    gradient = ag.grad(lambda a: weighted(lambda a: tuple(np.linalg.qr(a)), a))(a)
    np.testing.assert_allclose(tangent, np.sum(np.real(np.conjugate(gradient) * t)))


def test_where_qr_has_no_derivative():
    a = draw(4, 2)
    with pytest.raises(NotDifferentiableError, match=r'qr: .*mode="complete" adds'):
        ag.grad(lambda a: np.sum(np.linalg.qr(a, "complete").Q[:, 2:] ** 3))(a)
    assert np.isnan(ag.jvp(lambda a: np.sum(np.linalg.qr(a, "complete").Q ** 3), (a,), (a,))[1])
    with pytest.raises(NotDifferentiableError, match=r"qr: .*linearly dependent"):
        ag.grad(lambda a: np.sum(np.linalg.qr(a).R))(np.zeros((2, 2)))
    with pytest.raises(UnsupportedError, match='mode must be "reduced", "complete" or "r"'):
        np.linalg.qr(ag.Tensor(a), "raw")


# -- eig ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (5, 5), (2, 3, 3), (0, 2, 2), (0, 0)])
def test_eig(kind, shape):
    a = draw(*shape, kind=kind)
    for got, expected in zip(np.linalg.eig(ag.Tensor(a)), np.linalg.eig(a), strict=True):
        np.testing.assert_array_equal(got.numpy(), expected)
    np.testing.assert_allclose(np.linalg.eigvals(ag.Tensor(a)).numpy(), np.linalg.eigvals(a))
    check(lambda a: tuple(np.linalg.eig(a)), a)  # the vectors too: LAPACK makes their largest entry real
    check(np.linalg.eigvals, a)


def test_eig_of_a_symmetric_matrix_agrees_with_eigh():
    a = hermitian(4, 4)
    weights = draw(4)

    def loss(decompose):
        def of(a):
            w, v = decompose(a)
            return np.sum(np.real((v**2 @ w) * weights))

        return of

    one, other = ag.grad(loss(np.linalg.eig))(a), ag.grad(loss(np.linalg.eigh))(a)
    np.testing.assert_allclose((one + one.T) / 2, other, rtol=1e-10, atol=1e-13)


def test_where_eig_has_no_derivative():
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    for equal in (np.eye(2), np.array([[1.0, 1.0], [0.0, 1.0]])):
        assert np.isnan(ag.grad(lambda a: np.sum(np.real(np.linalg.eig(a)[1] * weights)))(equal)).any()
        assert np.isnan(ag.grad(lambda a: np.real(np.linalg.eigvals(a)[0]))(equal)).any()
        assert np.isnan(ag.jvp(np.linalg.eigvals, (equal,), (weights,))[1]).all()
        np.testing.assert_allclose(
            ag.grad(lambda a: np.sum(np.real(np.linalg.eigvals(a))))(equal), np.eye(2), atol=1e-12
        )
    one_vector = np.array([[1.0, 1.0], [0.0, 0.0]])
    with pytest.raises(NotDifferentiableError, match=r"eig: .*\(defective\)"):
        EIG.vjps[0]((np.ones(2), np.zeros((2, 2))), (np.ones(2), one_vector), np.eye(2))


# -- what holds for all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cholesky", "eigh", "eigvalsh", "svd", "svdvals", "qr", "eig", "eigvals"])
def test_float32_stays(name):
    a = ag.Variable(positive(3, 3).astype("float32"))
    with ag.GradientTape() as tape:
        loss = weighted(getattr(np.linalg, name), a)
        parts = getattr(np.linalg, name)(a)
    for part in parts if isinstance(parts, tuple) else (parts,):
        assert part.dtype in (np.float32, np.complex64)
    assert tape.gradient(loss, a).dtype == np.float32
