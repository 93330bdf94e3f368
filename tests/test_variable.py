"""Variable: its value is replaced, never written over; what assigning does to gradients; what is refused."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag

# -- assigning under a tape --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("how", ["assign", "assign_add", "assign_sub"])
def test_assigning_between_forward_and_backward_changes_no_gradient(how, persistent):
    """The gradient is that of the values that were used, each time it is asked for."""
    v = ag.Variable([2.0, 3.0])
    with ag.GradientTape(persistent=persistent) as tape:
        y = v * v * v
    for _ in range(2 if persistent else 1):
        getattr(v, how)([10.0, 10.0])
        assert tape.gradient(y, v).tolist() == [12.0, 27.0]


def test_values_before_and_after_an_assignment_are_two_reads():
    """Both count towards the gradient; the assignment itself is not differentiated, as in TensorFlow."""
    v = ag.Variable(2.0)
    with ag.GradientTape(persistent=True) as tape:
        before = v * v
        v.assign(before + 1.0)
        after = v * v
    assert v.numpy() == 5.0
    assert tape.gradient(before, v).item() == 4.0
    assert tape.gradient(after, v).item() == 10.0
    assert tape.gradient([before, after], v).item() == 14.0


def test_a_second_derivative_survives_an_assignment():
    """Also when the Variable changes between the inner and the outer gradient."""
    v = ag.Variable(2.0)
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            y = v**3.0
        v.assign(100.0)
        first = inner.gradient(y, v)
    v.assign(-1.0)
    assert first.item() == 12.0
    assert outer.gradient(first, v).item() == 12.0


def test_a_training_step_with_assign_sub():
    """w <- w - rate * gradient; a float32 Variable stays float32."""
    w = ag.Variable(np.array([1.0, -2.0], np.float32))
    with ag.GradientTape() as tape:
        loss = w * w
    w.assign_sub(0.25 * tape.gradient(loss, w))
    assert w.dtype == np.float32
    assert w.numpy().tolist() == [0.5, -1.0]


# -- what can be assigned ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["assign", "assign_add", "assign_sub"])
@pytest.mark.parametrize(
    ("initial", "given", "error", "says"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), ag.ShapeError, r"\(2, 3\), the value \(3, 2\)"),
        (np.zeros(3), np.zeros((1, 3)), ag.ShapeError, r"\(3,\), the value \(1, 3\)"),
        (np.zeros(()), [0.0], ag.ShapeError, "never changes"),
        (np.zeros(2, np.float32), np.zeros(2), ag.DtypeError, "astype"),
        (np.zeros(2, np.float32), ag.constant([0.0, 1.0]), ag.DtypeError, "float64"),
        (np.zeros(2, np.float32), np.float64(1.0), ag.DtypeError, "float64"),
        (np.zeros(2), np.zeros(2) * 1j, ag.DtypeError, "complex128"),
        (np.zeros(2), [1j, 0.0], ag.DtypeError, "complex128"),
        (np.zeros(2, int), [0.5, 1.0], ag.DtypeError, "int64"),
        (np.zeros((), np.int8), 300, ag.DtypeError, "int8"),
        (np.zeros((), np.uint8), -1, ag.DtypeError, "uint8"),
        (np.zeros(2), "ab", ag.ConversionError, "str"),
        (np.zeros(2), None, ag.ConversionError, "None"),
        (np.zeros(2), [[1.0], [1.0, 2.0]], ag.ConversionError, "list"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_changes_nothing(how, initial, given, error, says):
    """The error names the Variable and both shapes or dtypes; value and version stay."""
    v = ag.Variable(initial, name="weights")
    with pytest.raises(error, match=says) as caught:
        getattr(v, how)(given)
    if error is not ag.ConversionError:
        assert f"Variable 'weights'.{how}" in str(caught.value)
    np.testing.assert_array_equal(v.numpy(), initial)
    assert v.dtype == initial.dtype
    assert v.version == 0


@pytest.mark.parametrize(
    ("dtype", "given"),
    [
        (np.float32, [1, 2]),
        (np.float32, [0.1, np.nan]),
        (np.float32, np.float16([1, 2])),
        (np.float64, np.float32([0.1, np.inf])),
        (np.float64, np.array([True, False])),
        (np.complex64, np.float32([1, 2])),
        (np.int16, [1, 2]),
        (np.int64, np.int8([1, 2])),
    ],
)
def test_numbers_and_narrower_values_are_converted(dtype, given):
    """Python numbers have no width of their own; a conversion that loses nothing is made."""
    v = ag.Variable(np.zeros(2), dtype=dtype)
    assert v.assign(given) is v
    assert v.dtype == dtype
    np.testing.assert_array_equal(v.numpy(), np.asarray(given, dtype))
    assert v.version == 1


def test_updates_broadcast_and_assignments_do_not():
    """assign_add and assign_sub take what broadcasts into the Variable's shape."""
    v = ag.Variable(np.zeros((2, 3)))
    v.assign_add(1.0).assign_add([1.0, 2.0, 3.0]).assign_sub(np.ones((2, 1)))
    assert v.numpy().tolist() == [[1.0, 2.0, 3.0]] * 2
    with pytest.raises(ag.ShapeError):
        v.assign(1.0)


def test_an_assigned_array_is_the_users_own():
    """Writing to what was given, to begin with or by assign, or to what numpy() gave, changes no Variable."""
    first, second = np.zeros(2), np.ones(2)
    v = ag.Variable(first)
    first[:] = 7.0
    assert v.numpy().tolist() == [0.0, 0.0]
    v.assign(second)
    second[:] = 7.0
    v.numpy()[:] = 7.0
    np.asarray(v)[:] = 7.0
    assert v.numpy().tolist() == [1.0, 1.0]


def test_an_error_can_say_where_a_variable_was_assigned():
    """File and line of the last assignment."""
    v = ag.Variable(1.0)
    assert v.assigned_at() == "its creation"
    v.assign(2.0)
    assert v.assigned_at().startswith(__file__)


# -- what it is and is not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [[1, 2], ag.constant([1.0, 2.0]), ag.Variable([1.0, 2.0]), lambda: [1.0, 2.0]])
def test_an_initial_value_may_be_anything_made_of_numbers(given):
    """Lists, Tensors, Variables, and functions that make them; dtype= converts."""
    v = ag.Variable(given, dtype="float32")
    assert v.dtype == np.float32
    assert v.numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("given", "dtype", "error"),
    [
        ("text", None, ag.ConversionError),
        (None, None, ag.ConversionError),
        (1.0, object, ag.DtypeError),
        (1.0, "U5", ag.DtypeError),
        ([1j], float, ag.DtypeError),
        (np.ma.masked_array([1.0]), None, ag.ConversionError),
    ],
)
def test_an_initial_value_that_is_no_number_is_refused(given, dtype, error):
    """Text, objects, masks; dtypes of such; complex values for a real dtype."""
    with pytest.raises(error):
        ag.Variable(given, dtype=dtype)


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_an_integer_variable_has_no_gradient(dtype):
    """It can be used, but asking for its gradient is an error that names it and the way out."""
    v, i = ag.Variable(2.0), ag.Variable(1, dtype=dtype, name="count")
    with ag.GradientTape() as tape:
        y = v * i
    with pytest.raises(ag.DtypeError, match=r"'count' has dtype .*float32"):
        tape.gradient(y, i)
    assert tape.gradient(y, v).item() == 1.0


def test_value_is_a_handle_of_the_callers_own():
    """Updating what `.value` gave changes neither the Variable nor what is read next."""
    v = ag.Variable([1.0, 2.0])
    x = v.value
    x += 1.0
    x[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]
    with ag.GradientTape() as tape:
        x, u = v.value, ag.convert_to_tensor(v)
        x += 1.0
        u *= 2.0
        y = v * x * u
    assert y.tolist() == [4.0, 24.0]
    assert tape.gradient(y, v).tolist() == [10.0, 32.0]  # d/dv of 2 v v (v + 1)
    assert v.version == 0


@pytest.mark.parametrize("operator", ["+=", "-=", "*=", "/=", "//=", "%=", "**=", "@="])
def test_updates_by_operator_are_refused(operator):
    """`w -= step` could mean two things; the error says both ways out and the value stays."""
    v = ag.Variable([1.0, 2.0], name="w")
    with pytest.raises(ag.UnsupportedError, match=r"'w'.*assign_sub"):
        exec(f"v {operator} 1.0", {"v": v})
    with pytest.raises(ag.UnsupportedError, match=r"assign.*at\[index\]"):
        v[0] = 1.0
    assert v.numpy().tolist() == [1.0, 2.0]


def test_indexing_reads_entries():
    """v[i] is differentiable; repeated entries add up."""
    v = ag.Variable([1.0, 2.0, 3.0])
    with ag.GradientTape() as tape:
        y = v[1] * v[[0, 1]] * v[1:]
    assert tape.gradient(y, v).tolist() == [4.0, 16.0, 4.0]  # y = [v1 v0 v1, v1 v1 v2]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_are_variables_of_their_own(duplicate):
    """Same value, dtype, name and trainability; what becomes of one does not reach the other."""
    v = ag.Variable(np.float32([1.0, 2.0]), trainable=False, name="w")
    other = duplicate(v)
    assert isinstance(other, ag.Variable)
    assert (other.dtype, other.name, other.trainable) == (np.float32, "w", False)
    v.assign_add(1.0)
    assert other.numpy().tolist() == [1.0, 2.0]
    shared = copy.deepcopy([v, v])
    assert shared[0] is shared[1]


def test_a_variable_shows_name_value_shape_and_dtype():
    """And a Variable can be a key of a dict, by identity."""
    v = ag.Variable([1.0, 2.0], name="w")
    assert repr(v) == "Variable 'w'([1., 2.], shape=(2,), dtype=float64)"
    assert {v: 1}[v] == 1
    assert ag.Variable(1.0) not in {v}
