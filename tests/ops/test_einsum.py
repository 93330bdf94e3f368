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


# -- three operands and more -------------------------------------------------------------------------------------------


@pytest.fixture
def always_in_steps(monkeypatch):
    """Products of two each, wherever they cost less, however small they are."""
    module._steps.cache_clear()
    monkeypatch.setattr(module, "BLAS_FROM", 1)
    yield
    module._steps.cache_clear()


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("bi,ijk,bj->bk", [(5, 3), (3, 4, 2), (5, 4)]),
        ("ij,jk,kl->il", [(4, 5), (5, 4), (4, 3)]),
        ("ij,jk,kl,lm->im", [(4, 5), (5, 4), (4, 3), (3, 4)]),
        ("a,b,c,d,e,f->", [(2,), (3,), (2,), (3,), (2,), (2,)]),
        ("i,ij,j", [(4,), (4, 5), (5,)]),
        ("ij,ij,ij->i", [(4, 5)] * 3),
        ("ii,ij,jk->ki", [(4, 4), (4, 5), (5, 3)]),  # a diagonal, and a letter that is kept by all
        ("ij,jk,kl->il", [(4, 1), (5, 4), (4, 3)]),  # an axis of length 1 broadcasts
        ("ij,jk,kl->il", [(1, 5), (5, 1), (4, 3)]),
        ("ij,jk,kl->li", [(4, 0), (0, 4), (4, 3)]),
        ("...i,ij,...j->...", [(2, 3, 4), (4, 5), (2, 3, 5)]),
        ("ij,k,l->", [(4, 5), (3,), (2,)]),
    ],
)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_in_steps(always_in_steps, subscripts, shapes, kind):
    arrays = [draw(*shape) + (1j * draw(*shape) if kind == "complex" else 0) for shape in shapes]
    found = np.einsum(subscripts, *map(ag.constant, arrays)).numpy()
    np.testing.assert_allclose(found, np.einsum(subscripts, *arrays), rtol=1e-11, atol=1e-12)
    ag.testing.check_grads(lambda *xs: np.einsum(subscripts, *xs), arrays, order=2)


def count(subscripts, *shapes, **keywords):
    """Number of einsums that are recorded."""
    arrays = [ag.constant(draw(*shape)) for shape in shapes]
    with ag.GradientTape() as tape:
        tape.watch(arrays)
        out = np.einsum(subscripts, *arrays, **keywords)
    return sum(node.operation == "einsum" for node in ag.graph(out).nodes)


def test_where_steps_are_cheaper_they_are_taken():
    """Not for small sums, nor where one loop over all has as little to do, nor if the caller says how."""
    assert count("bi,ijk,bj->bk", (64, 20), (20, 20, 20), (64, 20)) == 2
    assert count("bi,ijk,bj->bk", (4, 2), (2, 3, 2), (4, 3)) == 1
    assert count("bi,ijk,bj->bk", (64, 20), (20, 20, 20), (64, 20), optimize=True) == 2
    assert count("i,i,i->i", *[(100_000,)] * 3) == 1
    for optimize in (False, "greedy", ["einsum_path", (0, 1, 2)]):
        assert count("bi,ijk,bj->bk", (64, 20), (20, 20, 20), (64, 20), optimize=optimize) == 1


def loops(function):
    """How NumPy's ``einsum`` is called: number of operands, and ``optimize``."""
    calls, original = [], np.einsum

    def noted(subscripts, *operands, optimize):
        calls.append((len(operands), optimize))
        return original(subscripts, *operands, optimize=optimize)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.np, "einsum", noted)
        function()
    return calls


def test_backward_takes_steps_too():
    """No loop over all indices; the row alone, as a plan or a map calls it, does likewise."""
    x, w = draw(64, 20), draw(20, 20, 20)
    raw = lambda: module.EINSUM.impl(x, w, x, subscripts="bi,ijk,bj->bk", optimize=None)
    assert [number for number, _ in loops(raw)] == [2, 2]
    np.testing.assert_allclose(raw(), np.einsum("bi,ijk,bj->bk", x, w, x), rtol=1e-10, atol=1e-12)


def test_what_the_caller_says_holds_for_the_backward_pass():
    x, w = ag.constant(draw(64, 20)), draw(20, 20, 20)

    def calls(optimize):
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = module.EINSUM(x, w, x, subscripts="bi,ijk,bj->bk", optimize=optimize)
        return loops(lambda: tape.gradient(y, x))

    assert set(calls(False)) == {(3, False)}
    assert {number for number, _ in calls(True)} == {2}
    assert {number for number, _ in calls(None)} == {2}


def test_products_in_between_have_the_dtype_of_the_result():
    """float32 times float32 is not rounded to float32 where a float64 comes after."""
    arrays = [draw(40, 40).astype(np.float32), draw(40, 40).astype(np.float32), draw(40, 40)]
    expected = np.einsum("ij,jk,kl->il", *[x.astype(float) for x in arrays])
    for found in (
        np.einsum("ij,jk,kl->il", *map(ag.constant, arrays)).numpy(),
        module.EINSUM.impl(*arrays, subscripts="ij,jk,kl->il", optimize=None),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
    gradients = ag.grad(lambda *xs: np.sum(np.einsum("ij,jk,kl->il", *xs)), argnums=(0, 1, 2))(*arrays)
    assert [g.dtype.char for g in gradients] == ["f", "f", "d"]


def test_products_in_between_are_not_too_large(monkeypatch):
    """Beyond the limit NumPy is given what is left in one loop."""
    module._steps.cache_clear()
    monkeypatch.setattr(module, "LARGEST_BETWEEN", 1)
    shapes = ((300,), (300,), (300, 2), (2, 300))
    steps = module._steps("a,b,ac,cb->ab", shapes)
    sizes = {"a": 300, "b": 300, "c": 2}
    for _, terms in steps:
        assert np.prod([sizes[letter] for letter in terms.split("->")[1]]) <= 90_000
    module._steps.cache_clear()


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
