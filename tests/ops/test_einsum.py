"""einsum in all its ways of writing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.errors import ShapeError, UnsupportedError
from autograd_core.ops import einsum as module
from autograd_core.testing import numerical_gradient, rows
from autograd_core.testing.rows import Application, frozen

RANDOM = np.random.default_rng(0)


def draw(*shape):
    return RANDOM.normal(size=shape)


def check(subscripts, *args, **keywords):
    expected = np.einsum(subscripts, *args)
    got = np.einsum(subscripts, *[ag.Tensor(x) for x in args], **keywords)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-12)
    weights = np.random.default_rng(1).normal(size=np.shape(expected))

    def loss(*xs):
        return np.sum(np.einsum(subscripts, *xs, **keywords) * weights)

    gradients = ag.grad(loss, argnums=tuple(range(len(args))))(*args)
    for gradient, other in zip(gradients, numerical_gradient(lambda xs: loss(*xs), tuple(args)), strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("ba", [(2, 3)]),  # implicit output is in alphabetical order: a transpose
        ("ii", [(3, 3)]),
        ("ii->i", [(3, 3)]),
        ("iij->ij", [(2, 2, 3)]),
        ("iii", [(2, 2, 2)]),
        ("iji->j", [(2, 3, 2)]),
        ("ij->", [(2, 3)]),
        ("ij->j", [(2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("ij,kl->ik", [(2, 3), (4, 2)]),  # j and l are each summed in one operand alone
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]),
        ("...ij,...jk", [(2, 2, 3), (3, 2)]),
        ("i...->...", [(3, 2, 2)]),
        ("i...->...i", [(3, 2)]),
        ("...,...", [(2, 3), (3,)]),
        ("...", [(2, 3)]),
        ("i...i->...", [(2, 3, 2)]),
        ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 4)]),
        ("i,i,i->i", [(3,), (3,), (3,)]),
        (",i->i", [(), (3,)]),
        ("->", [()]),
        (" i j , j -> i ", [(2, 3), (3,)]),
        ("ij,j->i", [(2, 3), (1,)]),  # an axis of length 1 broadcasts
        ("ij,j->i", [(1, 1), (3,)]),
        ("i,i->", [(1,), (3,)]),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
        ("ii->i", [(0, 0)]),
        ("iI->Ii", [(2, 3)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("optimize", [None, True, False, "optimal"])
def test_written_in_letters(subscripts, shapes, optimize):
    check(subscripts, *[draw(*shape) for shape in shapes], optimize=optimize)


def test_written_in_numbers():
    a, b = draw(2, 3), draw(3, 4)
    for operands in (
        (a, [0, 1], b, [1, 2]),
        (a, [0, 1], b, [1, 2], [2, 0]),
        (a, [30, 1], b, [1, 2]),  # implicit output in the order of the numbers
        (a, [..., 1], b, [1, 0], [..., 0]),
    ):
        tensors = [ag.Tensor(x) if isinstance(x, np.ndarray) else x for x in operands]
        np.testing.assert_allclose(np.einsum(*tensors).numpy(), np.einsum(*operands))
    gradient = ag.grad(lambda x: np.sum(np.einsum(x, [0, 1], b, [1, 2], [2, 0])))(a)
    np.testing.assert_allclose(gradient, np.tile(b.sum(axis=1), (2, 1)))


def test_a_path_is_handed_on():
    args = [draw(2, 3), draw(3, 4), draw(4, 2)]
    path = np.einsum_path("ij,jk,kl->il", *[ag.Tensor(x) for x in args])[0]
    assert path == np.einsum_path("ij,jk,kl->il", *args)[0]
    check("ij,jk,kl->il", *args, optimize=path)


def test_dtypes():
    x = ag.Variable(draw(2, 3).astype("float32"))
    with ag.GradientTape() as tape:
        y = np.einsum("ij->ji", x)
        z = np.einsum("ij->ji", x, dtype="float64")
    assert y.dtype == np.float32
    assert z.dtype == np.float64
    assert tape.gradient([y, z], x).dtype == np.float32
    assert np.einsum("i,i", ag.Tensor([1, 2]), ag.Tensor([3, 4])).item() == 11


def test_large_sums_go_through_blas(monkeypatch):
    """The size decides; what the caller says comes first."""
    asked = []
    monkeypatch.setattr(module.np, "einsum", lambda *args, optimize: asked.append(optimize) or args[1])
    x = draw(40, 40)
    for optimize in (None, False):
        module.EINSUM.impl(x, x, subscripts="ij,jk->ik", optimize=optimize)
    module.EINSUM.impl(x[:3, :3], x[:3, :3], subscripts="ij,jk->ik", optimize=None)
    module.EINSUM.impl(x, x, subscripts="ij,kl->ijkl", optimize=None)  # nothing is summed
    assert asked == [True, False, False, False]


@st.composite
def applications(draw_from):
    """Random subscripts with repeated, lone and missing letters; random lengths, some broadcast."""
    letters = "abcd"
    terms = draw_from(st.lists(st.text(letters, max_size=3), min_size=1, max_size=3))
    known = sorted(set("".join(terms)))
    output = draw_from(st.lists(st.sampled_from(known), unique=True)) if known else []
    sizes = {letter: draw_from(st.integers(0, 3)) for letter in letters}
    seed = draw_from(st.integers(0, 1000))
    random = np.random.default_rng(seed)
    args = []
    for term in terms:
        shape = tuple(1 if term.count(i) == 1 and random.integers(6) == 0 else sizes[i] for i in term)
        args.append(frozen(np.asarray(random.uniform(0.5, 1.5, shape))))
    params = {
        "subscripts": ",".join(terms) + "->" + "".join(output),
        "optimize": draw_from(st.sampled_from([None, True])),
    }
    return Application(module.EINSUM, tuple(args), params)


@given(applications())
def test_any_subscripts(case):
    """Value as NumPy's plain loops; first and second derivatives in both modes."""
    (got,) = case.raw()
    np.testing.assert_allclose(got, np.einsum(case.params["subscripts"], *case.args), rtol=1e-12, atol=1e-12)
    random = np.random.default_rng(0)
    rows.check_value(case)
    rows.check_vjp(case, random)
    rows.check_jvp(case, random)
    rows.check_second_order(case, random)


@pytest.mark.parametrize(
    ("operands", "said"),
    [
        (("ij,jk->ik", (2, 3), (4, 5)), r"index 'j' has length 3 in operand 0 and 4 in operand 1.*\(2, 3\), \(4, 5\)"),
        (("ij", (2, 3), (3,)), "are for 1 operands; got 2"),
        (("ij->i", (2,)), r"'ij' is for 2 axes; the operand has shape \(2,\)"),
        (("i...->i", (2,), ), None),
        (("ij...->i...", (2,)), "'ij...' is for 2 axes or more"),
        (("ii->i", (2, 3)), "index 'i' has length 2 in operand 0 and 3 in operand 0"),
        (("i->ii", (2,)), "index 'i' stands twice in the output"),
        (("i->j", (2,)), "index 'j' stands in the output, but in no operand"),
        (("i->j->k", (2,)), "letters"),
        (("i$", (2, 2)), "letters"),
        ((".ij", (2, 2)), "letters"),
        (("i...j...", (2, 2)), "letters"),
        (("...i->i", (2, 3)), "the output needs it too"),
        (("...i,...i", (2, 3), (4, 3)), r"index of '\.\.\.' has length 2"),
    ],
)  # fmt: skip
def test_messages(operands, said):
    subscripts, *shapes = operands
    args = [ag.Tensor(np.ones(shape)) for shape in shapes]
    if said is None:
        assert np.einsum(subscripts, *args).shape == np.einsum(subscripts, *[x.array for x in args]).shape
        return
    with pytest.raises(ShapeError, match=said):
        np.einsum(subscripts, *args)


def test_wrong_calls():
    x = ag.Tensor(np.ones((2, 2)))
    with pytest.raises(ShapeError, match="got nothing"):
        module.einsum()
    with pytest.raises(ShapeError, match="subscripts and operands"):
        np.einsum(x, x)
    with pytest.raises(ShapeError, match="numbers from 0 to 51"):
        np.einsum(x, [0, 52])
    with pytest.raises(ShapeError, match="numbers from 0 to 51"):
        np.einsum(x, [0, -1])
    with pytest.raises(UnsupportedError, match="out="):
        np.einsum("ij->ji", x, out=np.zeros((2, 2)))
    with pytest.raises(UnsupportedError, match="order"):
        np.einsum("ij->ji", x, order="C")
