"""Tensor: values by NumPy's rules, explicit ways out, updates in place, and nobody's memory shared."""

import copy
import operator
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import autograd_core.numpy as anp

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
ROUNDING = [operator.floordiv, operator.mod]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BITWISE = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


def same(found, expected):
    """A Tensor equal to NumPy's answer in value, shape and dtype."""
    assert isinstance(found, ag.Tensor)
    assert isinstance(found.array, np.ndarray)
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(found.array, expected)


# -- operators ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ARITHMETIC + ROUNDING + COMPARISONS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize(
    "other",
    [
        2,
        2.0,
        True,
        np.float32(2),
        np.float64(2),
        np.int8(2),
        np.array([1.0, 2.0, 3.0]),
        np.float32([[2.0], [3.0]]),
        np.array(2.0),
        [1.0, 2.0, 3.0],
    ],
    ids=repr,
)
def test_operators_follow_numpy(op, dtype, other):
    """Values, shapes and dtypes as NumPy 2, on both sides, for numbers, scalars, arrays and lists.

    A Python number never widens; a NumPy scalar or array counts with its own dtype.
    """
    array = np.array([1, 4, 2], dtype)
    # Before NumPy 2.3 `array ** 2.0` has a shortcut that forgets the dtype of the exponent.
    numpys = np.power if op is operator.pow else op
    for kind in (ag.Tensor, ag.Variable):
        same(op(kind(array), other), numpys(array, other))
        same(op(other, kind(array)), numpys(other, array))
        if not isinstance(other, list):
            wrapped = other if isinstance(other, (bool, int, float)) else kind(other)
            same(op(ag.Tensor(array), wrapped), numpys(array, other))


@pytest.mark.parametrize("op", BITWISE, ids=lambda op: op.__name__)
def test_bitwise_operators_follow_numpy(op):
    """For integers; `&`, `|`, `^` and `~` for masks as well."""
    array = np.array([1, 5, 2])
    same(op(ag.Tensor(array), 3), op(array, 3))
    same(op(3, ag.Tensor(array)), op(3, array))
    same(~ag.Tensor(array > 1), array <= 1)


def test_unary_operators_and_functions():
    """-x, +x, abs, round, divmod, matmul."""
    array = np.array([[1.25, -2.5], [3.75, 4.0]], np.float32)
    x = ag.Tensor(array)
    same(-x, -array)
    same(+x, array)
    same(abs(x), abs(array))
    same(round(x, 1), np.round(array, 1))
    for found, expected in zip(divmod(x, 2.0), divmod(array, 2.0), strict=True):
        same(found, expected)
    for found in (x @ x, array @ x, x @ array, ag.Variable(array) @ array):
        same(found, array @ array)
    for found in (x.T, x.mT):
        same(found, array.T)


@given(st.sampled_from(ARITHMETIC), st.floats(0.5, 3.0), st.floats(0.5, 3.0))
def test_operators_carry_gradients_on_either_side(op, a, b):
    """Recorded whichever side the tracked value is on, and whatever the other is."""
    step = 1e-6
    slopes = (
        (op(a + step, b) - op(a - step, b)) / (2 * step),
        (op(a, b + step) - op(a, b - step)) / (2 * step),
    )
    x, y = ag.Variable([a]), ag.Variable([b])
    for left in (x, a, np.array([a])):
        for right in (y, b, np.array([b])):
            with ag.GradientTape() as tape:
                result = op(left, right)
            if isinstance(result, ag.Tensor):
                found = tape.gradient(result, [x, y])
                for source, slope, side in zip((x, y), slopes, (left, right), strict=True):
                    gradient = found[0] if source is x else found[1]
                    assert (gradient is not None) == (side is source)
                    assert gradient is None or gradient.item() == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("other", [None, "text"])
def test_comparing_with_what_is_no_number(other):
    """`==` says no, as Python does; an order or a sum is an error."""
    for x in (ag.Tensor([1.0, 2.0]), ag.Variable(1.0)):
        assert (x == other) is False
        assert (x != other) is True
        assert other not in [other is x, x]
        for op in (operator.lt, operator.add, operator.mul):
            with pytest.raises(TypeError):
                op(x, other)


def test_shapes_that_do_not_broadcast():
    """The error names operation, shapes, dtypes, and the axis at fault."""
    with pytest.raises(ag.ShapeError, match=r"multiply: .*\(2, 3\) float64.*\(4,\) float64.*lengths 3 and 4"):
        ag.Tensor(np.ones((2, 3))) * np.ones(4)
    with pytest.raises(ag.ShapeError, match="add"):
        np.ones((2, 3)) + ag.Variable(np.ones((3, 2)))


# -- ways out ----------------------------------------------------------------------------------------------------------


def test_explicit_ways_out():
    """float, int, bool, complex, index, len, iteration, item, tolist and numpy, tracked or not."""
    v = ag.Variable([1.5, 2.0, 0.0])
    with ag.GradientTape():
        x = v * 1.0
        assert (float(x[0]), int(x[0]), complex(x[1]), bool(x[2])) == (1.5, 1, 2 + 0j, False)
        assert (x[1].item(), x.item(1), x.tolist()) == (2.0, 2.0, [1.5, 2.0, 0.0])
        assert len(x) == 3
        assert [entry.item() for entry in x] == [1.5, 2.0, 0.0]
        x.numpy()[0] = 9.0
        assert x.tolist() == [1.5, 2.0, 0.0]
    assert [10, 20, 30][ag.constant(1)] == 20
    assert isinstance(ag.constant(1.0).numpy(), np.float64)


@pytest.mark.parametrize(
    "use",
    [float, int, complex, bool, operator.index, lambda x: f"{x:.2f}", lambda x: len(x[0, 0]), lambda x: list(x[0, 0])],
    ids=["float", "int", "complex", "bool", "index", "format", "len", "iter"],
)
def test_ways_out_that_need_one_entry_say_so(use):
    """TypeError or ValueError naming the shape, as for NumPy arrays."""
    with pytest.raises((TypeError, ValueError)):
        use(ag.constant([[1.0, 2.0]]))


def test_formatting():
    """A single value prints as the number it is, an array with shape and dtype."""
    loss = ag.constant(0.123456)
    assert f"{loss:.4f}" == "0.1235"
    assert f"{ag.Variable(2.5):8.2e}" == "2.50e+00"
    assert f"{loss}" == "0.123456"
    assert str(ag.constant([1.0, 2.0])) == "Tensor([1., 2.], shape=(2,), dtype=float64)"
    assert len(repr(ag.constant(np.ones((100, 100))))) < 1_000


def test_a_tracked_value_is_not_converted_silently():
    """np.asarray would cut the gradient: an error that says the ways out. Untracked it gives a copy."""
    v = ag.Variable([1.0, 2.0])
    with ag.GradientTape(persistent=True) as tape:
        x = v * v
        for tracked in (x, v):
            for convert in (
                np.asarray,
                np.array,
                lambda t: np.array([t, t]),
                lambda t: np.zeros(2).__setitem__(..., t),
            ):
                with pytest.raises(ag.ConversionError, match=r"stop_gradient"):
                    convert(tracked)
        with tape.stop_recording():
            assert np.asarray(x).tolist() == [1.0, 4.0]
        assert np.asarray(ag.stop_gradient(x)).tolist() == [1.0, 4.0]
    array = np.asarray(x)
    array[:] = 0.0
    assert x.tolist() == [1.0, 4.0]
    assert np.asarray(x, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, copy=False)


def test_hash_and_copies():
    """Keys by identity; deep copies and pickles are values without a graph."""
    v = ag.Variable([1.0, 2.0])
    with ag.GradientTape() as tape:
        x = v * v
        assert {x: 1}[x] == 1
        same_graph = copy.copy(x)
        for cut in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
            assert cut.node is None
            assert cut.tolist() == x.tolist()
    assert tape.gradient(same_graph, v).tolist() == [2.0, 4.0]


# -- updates in place --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["+=", "-=", "*=", "/=", "**="])
@pytest.mark.parametrize("other", [2.0, np.array([[1.0], [2.0]]), "x"], ids=["number", "broadcast", "itself"])
def test_updates_in_place_are_differentiable(op, other):
    """x += y moves the handle on to a new Node; value and gradient are those of x = x + y."""
    v = ag.Variable([[1.0, 2.0], [3.0, 4.0]])
    with ag.GradientTape(persistent=True) as tape:
        x, y = v * 1.0, v * 1.0
        scope = {"x": x, "other": x if isinstance(other, str) else other, "y": y}
        exec(f"x {op} other", scope)
        exec(f"y = y {op[:-1]} {'y' if isinstance(other, str) else 'other'}", scope)
        assert scope["x"] is x
    np.testing.assert_array_equal(x.numpy(), scope["y"].numpy())
    np.testing.assert_array_equal(tape.gradient(x, v).numpy(), tape.gradient(scope["y"], v).numpy())


def test_updates_in_place_keep_shape_and_dtype():
    """As for NumPy arrays; what does not fit is an error and changes nothing."""
    x, i = ag.constant(np.float32([1.0, 2.0])), ag.constant([1, 2])
    x += np.ones(2)
    assert x.dtype == np.float32
    with pytest.raises(ag.ShapeError, match=r"x \+= y.*x = x \+ y"):
        x += np.ones((3, 2))
    with pytest.raises(ag.DtypeError, match="int64"):
        i += 0.5
    with pytest.raises(ag.DtypeError, match="complex64"):
        x *= 1j
    with pytest.raises(ag.ShapeError):
        x @= np.ones((2, 2, 2)) if False else np.ones(2)
    assert x.tolist() == [2.0, 3.0]
    assert i.tolist() == [1, 2]


def test_an_update_does_not_reach_other_values():
    """Slices, reshapes and copies are values, not views."""
    x = ag.constant([[1.0, 2.0], [3.0, 4.0]])
    others = [x[0], x.T, x.reshape(4), x.ravel(), x.copy(), +x, x[:], np.broadcast_to(x, (1, 2, 2))]
    before = [other.numpy() for other in others]
    x += 1.0
    x[0, 0] = 100.0
    for other, value in zip(others, before, strict=True):
        np.testing.assert_array_equal(other.numpy(), value)
    for other in others:
        other += 1.0
    assert x.tolist() == [[100.0, 3.0], [4.0, 5.0]]


# -- memory ------------------------------------------------------------------------------------------------------------


def made_from(array):
    """All the ways in which a user's memory may come to take part in a computation."""
    return {
        "array": array,
        "view": array[:],
        "read-only view": np.broadcast_to(array, (2, *array.shape)),
        "Tensor": ag.Tensor(array),
        "constant": ag.constant(array),
        "Variable": ag.Variable(array, trainable=False),
        "list": [array, array],
        "buffer": memoryview(array),
        "subclass": array.view(type("Sub", (np.ndarray,), {})),
    }


@pytest.mark.parametrize("kind", list(made_from(np.ones(3))))
def test_writing_to_an_array_after_its_use_changes_no_gradient(kind):
    """Between forward and backward pass, at first and second order."""
    array = np.array([1.0, 2.0, 3.0])
    other = made_from(array)[kind]
    v = ag.Variable([1.0, 1.0, 1.0])
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            y = v * v * other + np.maximum(other, v)
        array[:] = np.nan
        first = inner.gradient(y, v)
    times = 2.0 if kind in ("read-only view", "list") else 1.0
    assert first.tolist() == pytest.approx([times * (2.0 + 0.5), times * 4.0, times * 6.0])
    assert outer.gradient(first, v).tolist() == pytest.approx([times * 2.0, times * 4.0, times * 6.0])


VIEWS = {
    "reshape": ((4,),), "transpose": (), "ravel": (), "asarray": (), "squeeze": (), "atleast_1d": (), "positive": (),
    "real": (), "copy": (), "astype": (float,), "expand_dims": (0,), "broadcast_to": ((1, 2, 2),), "moveaxis": (0, 1),
    "flip": (), "diagonal": (), "split": (2,), "swapaxes": (0, 1), "matrix_transpose": (), "atleast_3d": (),
    "roll": (0,),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_a_result_shares_no_memory_with_the_users_array(name):
    """Functions that give views of NumPy arrays give values here: writing to the array does not show in them."""
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = getattr(anp, name)(array, *VIEWS[name])
    for result in found if isinstance(found, (list, tuple)) else [found]:
        assert isinstance(result, ag.Tensor)
        assert not np.shares_memory(result.array, array)


def test_results_are_arrays_also_without_axes():
    """NumPy hands out scalars for 0-d results; a Tensor holds a 0-d array."""
    x = ag.constant(2.0)
    for result in (x * x, np.sin(x), x + 1, 3.0 / x, np.sum(ag.constant([1.0])), ag.constant([1.0, 2.0])[0], x > 1):
        assert type(result.array) is np.ndarray
        assert result.shape == ()
