"""Nested arguments and results: None is an empty place, kinds of dicts and tuples stay, faults say where they are."""

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import autograd_core as ag

W = np.array([1.0, 2.0])
Pair = namedtuple("Pair", "w b")


def loss(parameters):
    """Of the entry "w"; the other may be missing."""
    assert parameters["b"] is None
    return np.sum(parameters["w"] ** 3)


GIVEN = {"w": W, "b": None}
GRADIENT = 3 * W**2
HESSIAN = np.diag(6 * W)


def check(found, expected):
    """Equal, of the same kinds, with None at the same places."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        for one, other in zip(found, expected, strict=True):
            check(one, other)
    elif expected is not None:
        np.testing.assert_allclose(found, expected)


TRANSFORMED = {
    "grad": (lambda: ag.grad(loss)(GIVEN), {"w": GRADIENT, "b": None}),
    "two arguments": (
        lambda: ag.grad(lambda p, q: loss(p) * q["x"][1], argnums=(0, 1))(GIVEN, {"x": [None, 2.0]}),
        ({"w": 2 * GRADIENT, "b": None}, {"x": [None, np.float64(9.0)]}),
    ),
    "value_and_grad": (lambda: ag.value_and_grad(loss)(GIVEN), (np.float64(9.0), {"w": GRADIENT, "b": None})),
    "jacobian": (
        lambda: ag.jacobian(lambda p: {"y": p["w"] ** 3, "n": None})(GIVEN),
        {"y": {"w": np.diag(GRADIENT), "b": None}, "n": None},
    ),
    "hessian": (lambda: ag.hessian(loss)(GIVEN), {"w": {"w": HESSIAN, "b": None}, "b": None}),
    "hvp": (lambda: ag.hvp(loss, (GIVEN,), (GIVEN,)), ({"w": HESSIAN @ W, "b": None},)),
    "vjp": (
        lambda: ag.vjp(lambda p: (p["w"] * 2, None), GIVEN)[1]((W, None)),
        ({"w": 2 * W, "b": None},),
    ),
    "vjp value": (lambda: ag.vjp(lambda p: (p["w"] * 2, None), GIVEN)[0], (2 * W, None)),
    "jvp": (
        lambda: ag.jvp(lambda p: [None, p["w"] * 2], (GIVEN,), (GIVEN,)),
        ([None, 2 * W], [None, 2 * W]),
    ),
    "vmap": (lambda: ag.vmap(lambda p: {"y": p["w"] * 2, "n": p["b"]})(GIVEN), {"y": 2 * W, "n": None}),
    "vmap with axes": (lambda: ag.vmap(lambda p: p["w"] * 2, in_axes=({"w": 0, "b": 0},))(GIVEN), 2 * W),
    "vmap of grad": (lambda: ag.vmap(ag.grad(loss))(GIVEN), {"w": GRADIENT, "b": None}),
    "grad of vmap": (
        lambda: ag.grad(lambda p: np.sum(ag.vmap(loss)(p)))(GIVEN),
        {"w": GRADIENT, "b": None},
    ),
    "function": (lambda: ag.function(ag.grad(loss))(GIVEN), {"w": GRADIENT, "b": None}),
    "checkpoint": (lambda: ag.grad(ag.checkpoint(loss))(GIVEN), {"w": GRADIENT, "b": None}),
    "nothing": (lambda: ag.grad(lambda p: ag.constant(1.0))({"b": None}), {"b": None}),
}


@pytest.mark.parametrize(("ask", "expected"), TRANSFORMED.values(), ids=TRANSFORMED)
def test_nothing_there(ask, expected):
    """None is no leaf: it is handed to the function, and comes back at its place."""
    check(ask(), expected)


def test_two_runs():
    """A VJP that is asked again keeps the empty place, in Tensors too."""
    _, pull = ag.vjp(lambda p: (None, p["w"] ** 2), {"w": ag.constant(W), "b": None})
    for factor in (1.0, 3.0):
        (found,) = pull((None, factor * np.ones(2)))
        assert isinstance(found["w"], ag.Tensor)
        np.testing.assert_allclose(found["w"], 2 * factor * W)
        assert found["b"] is None


ORDERED = OrderedDict([("w", W), ("b", None)])
COUNTED = defaultdict(list, {"w": W, "b": None})


@pytest.mark.parametrize("given", [ORDERED, COUNTED, Pair(W, None)], ids=["OrderedDict", "defaultdict", "namedtuple"])
@pytest.mark.parametrize("compiled", [False, True])
def test_kinds_stay(given, compiled):
    """What is built as the argument is of its kind, not only of its entries."""
    seen = []

    def of_w(p):
        seen.append(type(p))
        return np.sum((p.w if isinstance(p, Pair) else p["w"]) ** 3)

    gradient = ag.function(ag.grad(of_w)) if compiled else ag.grad(of_w)
    found = gradient(given)
    expected = Pair(GRADIENT, None) if isinstance(given, Pair) else given.copy()
    if isinstance(expected, dict):
        expected["w"] = GRADIENT
    check(found, expected)
    assert set(seen) == {type(given)}
    if isinstance(given, defaultdict):
        assert found.default_factory is list
        assert given["w"] is W


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda: ag.grad(np.sum)({"w": W, "n": 3}), ag.DtypeError, r"grad: argument 0\['n'\] has dtype int64.*another"),
        (lambda: ag.grad(np.sum)(3), ag.DtypeError, "argument 0 has dtype int64"),
        (
            lambda: ag.vjp(np.sum, W, [{"a": [W, "relu"]}]),
            ag.ConversionError,
            r"vjp: argument 1\[0\]\['a'\]\[1\]: cannot make a Tensor from str 'relu'.*another argument",
        ),
        (lambda: ag.grad(np.sum)({"b": None, "o": object()}), ag.ConversionError, r"argument 0\['o'\].*from object"),
        (lambda: ag.vmap(np.sum)({"w": W, "a": "relu"}), ag.ConversionError, r"args\[0\]\['a'\] .* is a str"),
        (
            lambda: ag.jvp(loss, (GIVEN,), ({"w": None, "b": None},)),
            ag.StructureError,
            r"jvp: tangents and primals: .* expected an array at \[0\]\['w'\], got NoneType",
        ),
        (
            lambda: ag.jvp(loss, (GIVEN,), ({"w": W, "b": W},)),
            ag.StructureError,
            r"expected None \(there is nothing\) at \[0\]\['b'\], got ndarray",
        ),
        (
            lambda: ag.vjp(lambda x: (x, None), W)[1]((W, W)),
            ag.StructureError,
            r"vjp_fn: the cotangent and the result.* at \[1\], got ndarray",
        ),
        (lambda: ag.vjp(lambda x: None, W), ag.ConversionError, "returned a NoneType"),
        (lambda: ag.hvp(np.sum, W, W), ag.ConversionError, r"hvp: .* write hvp\(f, \(x,\), \(t,\)\)"),
        (lambda: ag.hvp(np.sum, (W,), ()), ag.ShapeError, "hvp: got 1 primals and 0 tangents"),
        (lambda: ag.vmap(np.sum)({"b": None}), ag.ShapeError, "no argument"),
        (lambda: ag.grad(np.dot, argnums="b")(W, W), ValueError, "argnums='b'; expected an integer"),
        (lambda: ag.jacobian(np.dot, argnums=("a", "b"))(W, W), ValueError, r"jacobian: .* not their names"),
        (lambda: ag.grad(np.dot, argnums=1.0)(W, W), ValueError, r"argnums=1.0; expected an integer"),
        (lambda: ag.grad(np.dot, argnums=2)(W, W), ValueError, r"argnums=2, but .* 2 positional"),
    ],
)
def test_faults_say_where(ask, error, words):
    """Which leaf it is, and what to do."""
    with pytest.raises(error, match=words):
        ask()


def test_number_of_numpy():
    """``argnums`` may be one of NumPy's integers."""
    check(ag.grad(np.dot, argnums=np.int64(1))(W, 2 * W), W)


@ag.custom_gradient
def squares(parameters, mask=None):
    """A gradient of its own, with None where there is nothing."""
    w = parameters["w"]
    return np.sum(w**2), lambda ct: ({"w": 2 * w * ct, "b": None}, None)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (ag.grad, {"w": 2 * W, "b": None}),
        (lambda f: ag.function(ag.grad(f)), {"w": 2 * W, "b": None}),
        (lambda f: ag.hessian(f), {"w": {"w": 2 * np.eye(2), "b": None}, "b": None}),
    ],
    ids=["grad", "function", "hessian"],
)
def test_own_gradient(transform, expected):
    """A function with a gradient of its own may be given None, in a structure or for an argument."""
    check(transform(squares)(GIVEN, None), expected)


def test_own_gradient_of_examples():
    """Inside of ``vmap``, too."""
    given = {"w": np.stack([W, 3 * W]), "b": None}
    check(ag.vmap(ag.grad(squares), in_axes=(0, None))(given, None), {"w": 2 * given["w"], "b": None})
