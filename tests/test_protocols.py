"""NumPy's own functions on Tensors: answered, or refused by name; their keywords honoured, or refused by name."""

import inspect

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from autograd_core.tensor import OVERLOADS

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])

# -- functions ---------------------------------------------------------------------------------------------------------

CALLS = {
    "tanh": lambda x: np.tanh(x),
    "sum": lambda x: np.sum(x, axis=0),
    "mean": lambda x: np.mean(x, axis=-1, keepdims=True),
    "dot": lambda x: np.dot(x, X.T),
    "dot, tracked second": lambda x: np.dot(X.T, x),
    "matmul": lambda x: np.matmul(X.T, x),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, X),
    "where": lambda x: np.where(X > 2.0, x, X),
    "maximum": lambda x: np.maximum(X[:1], x),
    "clip": lambda x: np.clip(x, 1.5, 4.5),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "transpose": lambda x: np.transpose(x),
    "concatenate": lambda x: np.concatenate((x, X, 2.0 * x), axis=1),
    "stack": lambda x: np.stack([x, X, x]),
    "vstack": lambda x: np.vstack([x, X]),
    "tensordot": lambda x: np.tensordot(X, x, axes=[[0], [0]]),
    "outer": lambda x: np.outer(x[0], X[1]),
    "sort": lambda x: np.sort(x, axis=0),
    "take": lambda x: np.take(x, [0, 0, 2], axis=1),
    "linalg.norm": lambda x: np.linalg.norm(x, axis=1),
    "linalg.solve": lambda x: np.linalg.solve(x[:, :2], X[:, 1:]),
    "multiply.outer": lambda x: np.multiply.outer(X[0], x[1]),
    "add.reduce": lambda x: np.add.reduce(x, axis=1),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, axis=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_functions_answer_for_tensors(name):
    """Value as NumPy's, shape and dtype too; recorded, with the gradient of central differences."""
    call = CALLS[name]
    expected = call(X)
    for kind in (ag.Tensor, ag.Variable):
        found = call(kind(X))
        assert isinstance(found, ag.Tensor)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)
        assert call(kind(X.astype(np.float32))).dtype == np.asarray(call(X.astype(np.float32))).dtype
    weights = np.random.default_rng(0).normal(size=expected.shape)
    gradient = ag.grad(lambda x: np.sum(call(x) * weights))(X)
    step = np.random.default_rng(1).normal(size=X.shape) * 1e-6
    slope = np.sum((call(X + step) - call(X - step)) * weights) / 2
    assert np.sum(gradient * step) == pytest.approx(slope, rel=1e-6)


def test_tensors_inside_lists_are_seen():
    """np.stack([t, a]) and its like reach ours though the list itself is no Tensor."""
    v = ag.Variable([1.0, 2.0])
    with ag.GradientTape() as tape:
        y = np.concatenate([np.stack([v, v * 2.0]).ravel(), [5.0], np.hstack((v, np.ones(1)))])
    assert tape.gradient(y, v).tolist() == [4.0, 4.0]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("busday_count", lambda t: np.busday_count(t, t)),
        ("numpy.roots", lambda t: np.roots(t[0])),
        ("histogramdd", lambda t: np.histogramdd(t)),
        ("apply_over_axes", lambda t: np.apply_over_axes(np.sum, t, 0)),
        ("save", lambda t: np.save("never written", t)),
        ("unwrap", lambda t: np.unwrap(t)),
        ("add.at", lambda t: np.add.at(t, 0, 1.0)),
        ("add.at", lambda t: np.add.at(X.copy(), (0, 0), t[0, 0])),
        ("subtract.reduce", lambda t: np.subtract.reduce(t)),
        ("subtract.accumulate", lambda t: np.subtract.accumulate(t)),
    ],
)
def test_a_function_without_a_rule_is_refused_by_name(name, call):
    """Never a silently cut gradient: an UnsupportedError that names function and ways out, tracked or not."""
    v = ag.Variable(X)
    for tracked in (False, True):
        with ag.GradientTape():
            with pytest.raises(ag.UnsupportedError) as caught:
                call(v * 1.0 if tracked else ag.constant(X))
        assert name.rpartition("numpy.")[2] in str(caught.value)
        assert ".numpy()" in str(caught.value)


def numpys_functions():
    """NumPy's functions that its protocol hands to Tensors, by name."""
    found = {}
    for prefix, module in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in dir(module):
            function = getattr(module, name)
            if hasattr(function, "_implementation") and not name.startswith("_"):
                found[prefix + name] = function
    return found


@pytest.mark.parametrize("name", sorted(numpys_functions()))
def test_every_function_is_answered_or_refused(name):
    """All functions that NumPy hands to Tensors: ours answers, or an UnsupportedError names it."""
    function = numpys_functions()[name]
    if function in OVERLOADS:
        assert callable(OVERLOADS[function])
        return
    with pytest.raises(ag.UnsupportedError, match=name.rpartition(".")[2]):
        ag.constant(X).__array_function__(function, (ag.Tensor,), (), {})


@pytest.mark.parametrize("name", sorted(name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)))
def test_every_ufunc_is_answered_or_refused(name):
    """All of NumPy's ufuncs, for floats: the value is NumPy's, or an UnsupportedError names the ufunc."""
    ufunc = getattr(np, name)
    args = [np.array([1.3, 1.6]) if ufunc is np.arccosh else np.array([0.3, 0.6])] * ufunc.nin
    if "dd"[: ufunc.nin] not in [types.partition("->")[0] for types in ufunc.types]:
        args = [np.array([1, 2])] * ufunc.nin
    if name in ("matvec", "vecmat"):
        args = [np.eye(2)] * 2
    tensors = [ag.constant(arg) for arg in args]
    if ufunc not in OVERLOADS:
        with pytest.raises(ag.UnsupportedError, match=rf"^{ufunc.__name__} is not supported"):
            ufunc(*tensors)
        return
    found, expected = ufunc(*tensors), ufunc(*args)
    for ours, numpys in zip(found, expected, strict=True) if ufunc.nout > 1 else [(found, expected)]:
        assert isinstance(ours, ag.Tensor)
        np.testing.assert_array_equal(ours.numpy(), numpys)
        assert ours.dtype == numpys.dtype


def test_the_float_ufuncs_are_all_there():
    """What the engine promises: every one of NumPy's ufuncs on floats with a derivative."""
    promised = """
        add subtract multiply divide power float_power negative positive reciprocal square sqrt cbrt exp exp2
        expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan arcsin arccos arctan arctan2 hypot sinh cosh tanh
        arcsinh arccosh arctanh degrees radians deg2rad rad2deg absolute fabs sign maximum minimum fmax fmin floor ceil
        trunc rint floor_divide remainder fmod divmod modf heaviside copysign conjugate matmul vecdot matvec vecmat
        ldexp frexp nextafter isfinite isinf isnan signbit equal not_equal less less_equal greater greater_equal
        logical_and logical_or logical_xor logical_not
    """.split()  # noqa: SIM905 - words read better than a column of strings
    missing = [name for name in promised if hasattr(np, name) and getattr(np, name) not in OVERLOADS]
    assert not missing


@pytest.mark.parametrize("name", anp.linalg.__all__ if hasattr(anp.linalg, "__all__") else [])
def test_the_namespace_has_signatures_of_its_own(name):
    """Functions of the namespace are ours, documented, and say what they take."""
    function = getattr(anp.linalg, name)
    if inspect.isfunction(function):
        assert function.__doc__


def test_the_namespace_of_a_tensor():
    """x.__array_namespace__() is autograd_core.numpy, for known versions of the standard."""
    x = ag.constant(1.0)
    assert x.__array_namespace__() is anp
    assert x.__array_namespace__(api_version="2023.12") is anp
    with pytest.raises(ValueError, match=r"1999\.12"):
        x.__array_namespace__(api_version="1999.12")


# -- keywords of ufuncs ------------------------------------------------------------------------------------------------


def test_out_moves_a_tensor_on():
    """out=t: the handle t stands for the result from then on, and the gradient goes through it."""
    v = ag.Variable([1.0, 2.0])
    with ag.GradientTape(persistent=True) as tape:
        t = ag.constant([0.0, 0.0])
        assert np.multiply(v, v, out=t) is t
        masked = v * 1.0
        np.exp(v, out=masked, where=np.array([True, False]))
        only_out = ag.constant(np.zeros((2, 2)))
        np.add(np.ones(2), v, out=only_out)
    assert t.tolist() == [1.0, 4.0]
    assert tape.gradient(t, v).tolist() == [2.0, 4.0]
    assert masked.tolist() == pytest.approx([np.e, 2.0])
    assert tape.gradient(masked, v).tolist() == pytest.approx([np.e, 1.0])
    assert only_out.tolist() == [[2.0, 3.0]] * 2
    assert tape.gradient(only_out, v).tolist() == [2.0, 2.0]


def test_out_of_several_results():
    """One target per result; None for none."""
    t = ag.constant(0.0)
    fraction, whole = np.modf(ag.constant(2.5), out=(None, t))
    assert (fraction.item(), whole.item()) == (0.5, 2.0)
    assert whole is t


def test_out_into_an_array_only_if_nothing_is_cut():
    """`array += tracked` would cut the gradient and is refused; an untracked value may be written."""
    v, array = ag.Variable([1.0, 2.0]), np.zeros(2)
    with ag.GradientTape() as tape:
        y = v * v
        with pytest.raises(ag.UnsupportedError, match=r"add: out= is a NumPy array.*x = x \+ y"):
            array += y
        with pytest.raises(ag.UnsupportedError, match="out="):
            np.sin(v, out=array)
    assert array.tolist() == [0.0, 0.0]
    array -= 0.5 * tape.gradient(y, v)
    assert array.tolist() == [-1.0, -2.0]
    np.add(ag.constant([1.0, 1.0]), 1.0, out=array, where=[True, False])
    assert array.tolist() == [2.0, -2.0]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: np.add(t, 1.0, out=ag.constant([0.0])), ag.ShapeError, r"\(1,\)"),
        (lambda t: np.add(t, 1.0, out=ag.constant([0, 0])), ag.DtypeError, "int64"),
        (lambda t: np.add(t, 1.0, out=ag.Variable([0.0, 0.0])), ag.UnsupportedError, "Variable"),
        (lambda t: np.add(t, 1.0, where=[True, False]), ag.UnsupportedError, r"where=.*np\.where"),
        (lambda t: np.add(t, 1.0, dtype=int), ag.DtypeError, "dtype=int64"),
        (lambda t: np.add(t, 1.0, casting="unsafe"), ag.UnsupportedError, "casting"),
        (lambda t: np.add(t, 1.0, order="F"), ag.UnsupportedError, "order"),
        (lambda t: np.add(t, 1.0, subok=False), ag.UnsupportedError, "subok"),
        (lambda t: np.add(t, 1.0, signature="dd->d"), ag.UnsupportedError, "signature"),
    ],
)
def test_a_keyword_that_cannot_be_honoured_is_refused_by_name(call, error, says):
    """Never ignored."""
    with pytest.raises(error, match=says):
        call(ag.constant([1.0, 2.0]))


def test_dtype_of_a_ufunc():
    """The operands are converted first, and the gradient comes back in the source's dtype."""
    v = ag.Variable(np.float32([1.0, 2.0]))
    with ag.GradientTape() as tape:
        y = np.multiply(v, 0.1, dtype=np.float64)
    assert y.dtype == np.float64
    assert y.tolist() == [0.1, 0.2]
    gradient = tape.gradient(y, v)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: np.sum(t, out=np.zeros(())), "out"),
        (lambda t: np.sum(t, where=[True, False]), "where"),
        (lambda t: np.mean(t, where=[True, False]), "where"),
        (lambda t: np.concatenate([t, t], out=np.zeros(4)), "out"),
        (lambda t: np.clip(t, 0, 1, out=np.zeros(2)), "out"),
        (lambda t: np.dot(t, t, out=np.zeros(())), "out"),
        (lambda t: np.cumsum(t, out=np.zeros(2)), "out"),
        (lambda t: np.add.reduce(t, out=np.zeros(())), "out"),
    ],
)
def test_keywords_of_functions_work_or_are_refused_by_name(call, says):
    """Under a tape an `out` array would cut the gradient; `where` may be honoured, with NumPy's value."""
    v = ag.Variable([1.0, 2.0])
    plain = call(np.array([1.0, 2.0]))
    with ag.GradientTape():
        found, said = None, ""
        try:
            found = call(v * 1.0)
        except ag.UnsupportedError as error:
            said = str(error)
    if found is None:
        assert says in said
    else:
        assert isinstance(found, ag.Tensor)
        np.testing.assert_array_equal(found.numpy(), plain)


# -- zero wins ---------------------------------------------------------------------------------------------------------

TAMED = {
    "exp not taken": (lambda x: np.where(x < 0, np.exp(x), 1.0), 1000.0, 0.0, 0.0),
    "exp taken": (lambda x: np.where(x < 0, np.exp(x), 1.0), -1.0, np.exp(-1.0), np.exp(-1.0)),
    "sqrt at 0 times 0": (lambda x: np.sqrt(x) * 0.0, 0.0, 0.0, 0.0),
    "log at 0 masked": (lambda x: np.where(x > 0, np.log(x), x), 0.0, 1.0, 0.0),
    "1/x at 0 masked": (lambda x: np.where(x == 0, 3.0 * x, 1.0 / x), 0.0, 3.0, 0.0),
    "arccos at 1 masked": (lambda x: np.where(x < 1, np.arccos(x), x * x), 1.0, 2.0, 2.0),
    "power at 0 masked": (lambda x: np.where(x > 0, x**-0.5, x), 0.0, 1.0, 0.0),
    "a chain masked": (lambda x: np.where(x > 0, np.log(np.sqrt(x)) * np.sqrt(x), 2.0 * x), 0.0, 2.0, 0.0),
    "twice masked": (lambda x: np.where(x > 0, np.where(x > 1, 1 / x, np.log(x)), x), 0.0, 1.0, 0.0),
}


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize("name", TAMED)
def test_a_zero_cotangent_wins_over_an_infinite_derivative(name):
    """A branch not taken adds nothing, however wild: first and second order, both modes, scalars and entries."""
    f, at, first, second = TAMED[name]
    assert ag.grad(f)(at) == pytest.approx(first)
    assert ag.jvp(f, (at,), (1.0,))[1] == pytest.approx(first)
    for composed in (ag.grad(ag.grad(f)), ag.hessian(f), ag.jacobian(ag.jacobian(f, mode="fwd"), mode="fwd")):
        assert composed(at) == pytest.approx(second)
    assert ag.jacobian(ag.jacobian(f, mode="fwd"), mode="rev")(at) == pytest.approx(second)
    x = np.array([at, 0.25, at])
    gradient = ag.grad(lambda x: np.sum(f(x)))(x)
    assert gradient.tolist() == pytest.approx([first, ag.grad(f)(0.25), first])


def test_a_nan_that_is_there_is_not_hidden():
    """Zero wins only over infinities and NaNs behind a zero; a NaN of the value itself comes through."""
    assert np.isnan(ag.grad(lambda x: x * np.nan)(1.0))
    with pytest.warns(RuntimeWarning, match="invalid"):
        assert np.isnan(ag.grad(np.log)(-1.0)) or ag.grad(np.log)(-1.0) == -1.0
    with pytest.warns(RuntimeWarning, match="divide"):
        assert ag.grad(lambda x: 1.0 / x)(0.0) == -np.inf


# -- what an error advises ---------------------------------------------------------------------------------------------


def into_an_array(x):
    made = np.zeros((2, 2))
    made[0] = x
    return np.sum(made)


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x: np.sum(np.array([x[0], x[1]])), r"In place of np\.array\(\[x, y\]\) write np\.stack\(\[x, y\]\)"),
        (lambda x: np.sum(np.asarray(x)), r"in place of np\.asarray\(x\) only x"),
        (into_an_array, r"anp\.zeros.*so that z\[i\] = x is recorded"),
        (lambda x: np.apply_over_axes(np.sum, x, 0), "apply_over_axes .* there is no rule for its derivative"),
        (lambda x: np.save("nowhere", x), "numpy.save .* there is no rule for its derivative"),
    ],
)
def test_the_cure_for_a_tracked_value(f, says):
    """What to write instead, for what was written."""
    with pytest.raises(ag.AutogradError, match=says):
        ag.grad(f)(X[0, :2])


def test_the_cure_works():
    """What the errors advise gives the gradient."""
    for f in (lambda x: np.stack([x[0], x[1]]), lambda x: anp.array([x[0], x[1]])):
        np.testing.assert_allclose(ag.grad(lambda x, f=f: np.sum(f(x) ** 2))(X[0, :2]), 2 * X[0, :2])


@pytest.mark.parametrize("compiled", [ag.function, ag.vmap])
def test_the_cure_in_a_trace(compiled):
    """The same advice where no value is known."""
    with pytest.raises(ag.TraceError, match=r"np\.stack\(\[x, y\]\) in place of np\.array\(\[x, y\]\)"):
        compiled(lambda x: np.array([x[0], x[1]]))(X)


def test_a_value_that_is_not_tracked():
    """Nothing is said of derivatives where none is asked for; the function can have the array."""
    for name in ("save", "savetxt"):
        with pytest.raises(
            ag.UnsupportedError, match=rf"{name} .* No tape is tracking .* x\.numpy\(\) in place of x"
        ) as e:
            getattr(np, name)("nowhere", ag.constant(X))
        assert "derivative" not in str(e.value)
