"""What optimizers share: which variables, whose arrays, and what is said about bad input."""

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag
import optim
from optim import flat


def step(optimizer, variables, value=1.0):
    """One step with constant gradients."""
    optimizer.apply_gradients([(np.full(variable.shape, value, variable.dtype), variable) for variable in variables])


def pair():
    return ag.Variable(np.ones((2, 3)), name="kernel"), ag.Variable(np.zeros(3), name="bias")


# Nobody's array is overwritten


def test_held_values_never_change():
    """Values taken out of a Variable before each step stay what they were, however many are held."""
    w, b = pair()
    optimizer = optim.SGD(1.0, momentum=0.5)
    held = []
    for _ in range(8):
        held.append((w.value, w.value.array.copy(), b.array, b.numpy()))
        step(optimizer, [w, b])
    for tensor, copy, array, second in held:
        np.testing.assert_array_equal(tensor.numpy(), copy)
        np.testing.assert_array_equal(array, second)
    firsts = [tensor.array[0, 0] for tensor, *_ in held]
    assert len(set(firsts)) == len(firsts)  # and they differ, so there was something to overwrite


@pytest.mark.parametrize(
    "hold",
    [
        lambda w: w.value,
        lambda w: w.array,
        lambda w: w.array[:1],
        lambda w: w.array.T,
        lambda w: w.array.reshape(-1)[2:3],
        lambda w: memoryview(w.array),
        lambda w: w.value.T,
        lambda w: [w.value[0]],
    ],
    ids=["Tensor", "array", "slice", "transpose", "view of a view", "buffer", "transposed Tensor", "row"],
)
def test_any_kind_of_reference_protects_a_value(hold):
    """A view, a view of a view or an exported buffer keeps its memory from being used again."""
    w, b = pair()
    optimizer = optim.SGD(1.0)
    step(optimizer, [w, b])
    held = hold(w)
    before = np.array(held[0] if isinstance(held, list) else held)
    for _ in range(6):
        step(optimizer, [w, b])
    np.testing.assert_array_equal(np.array(held[0] if isinstance(held, list) else held), before)


def test_a_persistent_tape_keeps_the_values_it_saved():
    """Gradients asked after several steps are those of the values that were used."""
    w, b = pair()
    optimizer = optim.SGD(0.5)
    tapes = []
    for i in range(5):
        with ag.GradientTape(persistent=True) as tape:
            loss = ((w * w).sum() + (b - 1.0) @ (b - 1.0)) * (i + 1.0)
        tapes.append((tape, loss, w.numpy(), b.numpy(), loss.item()))
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
    for i, (tape, loss, w_then, b_then, loss_then) in enumerate(tapes):
        dw, db = tape.gradient(loss, [w, b])
        np.testing.assert_allclose(dw.numpy(), 2 * w_then * (i + 1), rtol=1e-12)
        np.testing.assert_allclose(db.numpy(), 2 * (b_then - 1) * (i + 1), rtol=1e-12)
        assert loss.item() == loss_then


def test_a_gradient_may_be_a_variable_s_own_array():
    """d(w . v)/dv is the value of w itself, which the step replaces."""
    w, v = ag.Variable(np.array([1.0, 2.0])), ag.Variable(np.array([3.0, 4.0]))
    optimizer = optim.SGD(0.1)
    expected = [w.numpy(), v.numpy()]
    for _ in range(4):
        optimizer.apply_gradients([(v.value, w), (w.value, v)])
        expected = [expected[0] - 0.1 * expected[1], expected[1] - 0.1 * expected[0]]
        np.testing.assert_allclose([w.numpy(), v.numpy()], expected, rtol=1e-12)


def test_memory_is_used_again_when_nobody_holds_it():
    """In a plain training loop two arrays of values take turns."""
    w, b = pair()
    optimizer = optim.Adam()
    addresses = set()
    for _ in range(10):
        with ag.GradientTape() as tape:
            loss = (w * w).sum() + (b * b).sum()
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
        addresses.add(w.array.__array_interface__["data"][0])
    assert len(addresses) <= 3


def test_what_was_held_is_freed_when_it_is_let_go():
    """The optimizer does not keep arrays alive that somebody else held for a while."""
    w, b = pair()
    optimizer = optim.SGD(1.0)
    held = []
    for _ in range(10):
        step(optimizer, [w, b])
        held.append(w.array)
    watched = [weakref.ref(array.base) for array in held]
    held.clear()
    step(optimizer, [w, b])
    gc.collect()
    assert sum(ref() is not None for ref in watched) <= 3


def test_without_exact_reference_counts_every_step_has_its_own_array(monkeypatch):
    """Where counts mean nothing, nothing is used again."""
    monkeypatch.setattr(flat, "_COUNTS_ARE_EXACT", False)
    w, b = pair()
    optimizer = optim.SGD(1.0)
    arrays = []
    for _ in range(6):
        step(optimizer, [w, b])
        arrays.append(w.array.base)
    assert len({id(array) for array in arrays}) == 6


def test_an_assignment_in_between_is_seen():
    """A value assigned by the user is what the next step starts from, and is not written to."""
    w, b = pair()
    optimizer = optim.SGD(1.0)
    step(optimizer, [w, b])
    old = w.value
    mine = np.full((2, 3), 10.0)
    given = ag.Tensor(mine)
    w.assign(given)
    step(optimizer, [w, b])
    np.testing.assert_array_equal(w.numpy(), np.full((2, 3), 9.0))
    np.testing.assert_array_equal(b.numpy(), np.full(3, -2.0))
    np.testing.assert_array_equal(mine, np.full((2, 3), 10.0))
    np.testing.assert_array_equal(old.numpy(), np.zeros((2, 3)))
    b.assign_add(2.0)
    step(optimizer, [w, b])
    np.testing.assert_array_equal(b.numpy(), np.full(3, -1.0))


def test_two_optimizers_on_one_variable():
    """Each starts from the value that the other left."""
    w, _ = pair()
    first, second = optim.SGD(1.0), optim.SGD(0.5)
    for _ in range(3):
        step(first, [w])
        step(second, [w])
    np.testing.assert_allclose(w.numpy(), np.full((2, 3), 1 - 3 * 1.5))


def test_the_gradient_arrays_are_left_alone():
    """Small ones are copied, large ones read in place, none written to."""
    shapes = [(3,), (flat.BLOCK + 5,), (2, 2)]
    variables = [ag.Variable(np.zeros(shape)) for shape in shapes]
    gradients = [ag.Tensor(np.ones(shape)) for shape in shapes]
    for optimizer in (optim.SGD(0.1, 0.9), optim.RMSprop(0.1), optim.Adam(0.1)):
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        assert all((gradient.array == 1).all() for gradient in gradients)


def test_a_large_gradient_that_is_not_contiguous():
    """The flat order is that of the variable, not of the gradient's memory."""
    side = 300
    w = ag.Variable(np.zeros((side, side)))
    gradient = np.arange(side * side, dtype=float).reshape(side, side).T
    optim.SGD(1.0).apply_gradients([(ag.Tensor(gradient), w)])
    np.testing.assert_array_equal(w.numpy(), -gradient)


# Which variables


def test_forms_of_the_pairs():
    """A zip, a list, a generator; Tensors, arrays, lists and numbers as gradients."""
    gradient = [1.0, 2.0, 3.0]
    for pairs in (
        lambda b: zip([ag.constant(gradient)], [b], strict=True),
        lambda b: [(np.array(gradient), b)],
        lambda b: ((g, v) for g, v in [(gradient, b)]),
    ):
        b = ag.Variable(np.zeros(3))
        assert optim.SGD(1.0).apply_gradients(pairs(b)) == 1
        np.testing.assert_array_equal(b.numpy(), [-1, -2, -3])


def test_no_pairs_is_no_step():
    """As in Keras: nothing to do."""
    optimizer = optim.SGD()
    assert optimizer.apply_gradients([]) == 0
    assert not optimizer.built


def test_order_may_change_and_some_may_be_left_out():
    """State belongs to the variable's position in the first list, not to where it comes later."""
    variables, reference = pair(), pair()
    mixed, plain = optim.Adam(0.1), optim.Adam(0.1)
    rng = np.random.default_rng(0)
    for _ in range(4):
        g = [rng.normal(size=variable.shape) for variable in variables]
        plain.apply_gradients(zip(g, reference, strict=True))
        mixed.build(variables)
        mixed.apply_gradients(list(zip(g, variables, strict=True))[::-1])
    for got, wanted in zip(variables, reference, strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted.numpy())
    version, bias = variables[1].version, variables[1].numpy()
    step(mixed, variables[:1])
    assert variables[1].version == version
    np.testing.assert_array_equal(variables[1].numpy(), bias)
    step(mixed, variables)
    assert (variables[1].numpy() != bias).all()


def test_a_missing_gradient_among_others_warns_and_names_the_variable():
    """The variable stays as it is, the others move."""
    w, b = pair()
    with pytest.warns(UserWarning, match="no gradient .None. for 'bias'") as caught:
        optim.SGD(1.0).apply_gradients([(np.ones((2, 3)), w), (None, b)])
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(w.numpy(), np.zeros((2, 3)))
    np.testing.assert_array_equal(b.numpy(), np.zeros(3))


def test_minimize_takes_a_function_or_a_tape():
    """Both make the same step; the loss before it is returned."""
    results = []
    for use_tape in (False, True):
        w = ag.Variable([3.0, 4.0])
        optimizer = optim.SGD(0.25)
        if use_tape:
            with ag.GradientTape() as tape:
                loss = (w * w).sum()
            value = optimizer.minimize(loss, [w], tape=tape)
        else:
            value = optimizer.minimize(lambda w=w: (w * w).sum())
        assert value.item() == 25.0
        results.append(w.numpy())
    np.testing.assert_array_equal(results[0], [1.5, 2.0])
    np.testing.assert_array_equal(*results)
    with pytest.raises(ag.TapeError, match="tape="):
        optim.SGD().minimize(value, [w])


def test_the_learning_rate_can_be_changed_between_steps():
    """And is checked each time."""
    w = ag.Variable(0.0)
    optimizer = optim.SGD(1.0)
    step(optimizer, [w])
    optimizer.learning_rate = 0.25
    step(optimizer, [w])
    assert w.item() == -1.25
    with pytest.raises(ag.DomainError, match="learning_rate is nan"):
        optimizer.learning_rate = float("nan")
    assert optimizer.learning_rate == 0.25


# Bad input


@pytest.mark.parametrize("bad", [float("nan"), -0.1, float("inf"), "fast", None])
@pytest.mark.parametrize("make", [optim.SGD, optim.RMSprop, optim.Adam])
def test_a_bad_learning_rate(make, bad):
    """The error names the class, the argument and the value."""
    with pytest.raises(
        ag.DomainError, match=rf"{make.__name__}: learning_rate is .*; expected a finite number, at least 0"
    ):
        make(learning_rate=bad)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: optim.SGD(momentum=1.5), "momentum"),
        (lambda: optim.RMSprop(rho=-0.1), "rho"),
        (lambda: optim.RMSprop(epsilon=-1e-7), "epsilon"),
        (lambda: optim.Adam(beta_1=1.0), "beta_1"),
        (lambda: optim.Adam(beta_2=float("nan")), "beta_2"),
        (lambda: optim.SGD(decay=-1.0), "decay"),
        (lambda: optim.SGD(clipnorm=0.0), "clipnorm"),
        (lambda: optim.SGD(clipvalue=-1.0), "clipvalue"),
        (lambda: optim.SGD(clipvalue=1.0, clipnorm=1.0), "clipnorm=1.0, clipvalue=1.0"),
    ],
)
def test_other_bad_options(make, name):
    """Each is refused by name."""
    with pytest.raises(ag.DomainError, match=name):
        make()


def test_no_gradient_at_all_names_every_variable():
    """All None is an error: nothing would be learned."""
    w, b = pair()
    with pytest.raises(ag.DomainError, match=r"no gradient .* 'kernel', 'bias'"):
        optim.SGD().apply_gradients([(None, w), (None, b)])


@pytest.mark.parametrize(
    ("pairs", "error", "match"),
    [
        (lambda w, b: [(np.ones((3, 2)), w)], ag.ShapeError, r"'kernel' has shape \(3, 2\), the Variable \(2, 3\)"),
        (lambda w, b: [(1.0, w)], ag.ShapeError, r"shape \(\)"),
        (lambda w, b: [(w, np.ones((2, 3)))], ag.ConversionError, "got a ndarray to update; .* in this order"),
        (lambda w, b: [(np.ones((2, 3)) * 1j, w)], ag.DtypeError, "complex"),
        (lambda w, b: [(np.ones((2, 3)), w), (np.ones((2, 3)), w)], ag.StructureError, "'kernel' is in the list twice"),
        (lambda w, b: [(np.ones(1), ag.Variable([1], name="steps"))], ag.DtypeError, "'steps' has dtype int64"),
        (lambda w, b: [("steep", b)], ag.ConversionError, "steep"),
    ],
)
def test_bad_pairs(pairs, error, match):
    """Each is refused before anything is changed."""
    w, b = pair()
    with pytest.raises(error, match=match):
        optim.SGD().apply_gradients(pairs(w, b))
    np.testing.assert_array_equal(w.numpy(), np.ones((2, 3)))
    assert w.version == 0


def test_later_steps_are_checked_too():
    """An unknown variable, and one that comes twice, after the first step."""
    w, b = pair()
    optimizer = optim.SGD()
    step(optimizer, [w, b])
    with pytest.raises(ag.StructureError, match=r"'late' .* built for: 'kernel', 'bias'"):
        step(optimizer, [w, ag.Variable(1.0, name="late")])
    with pytest.raises(ag.StructureError, match="'bias' is there twice"):
        step(optimizer, [w, b, b])
    with pytest.raises(ag.StructureError, match="built for 'kernel', 'bias'; got 'bias'"):
        optimizer.build([b])
    optimizer.build([w, b])
    assert optimizer.iterations == 1


def test_state_that_does_not_fit():
    """Of another optimizer, of other options, of other shapes, of another number of variables."""
    w, b = pair()
    optimizer = optim.Adam()
    step(optimizer, [w, b])
    saved = optimizer.state_dict()
    with pytest.raises(ag.StructureError, match="state is of Adam"):
        optim.SGD().load_state_dict(saved)
    other = optim.Adam()
    other.load_state_dict(saved)
    with pytest.raises(ag.StructureError, match="2 variables; this optimizer has 1"):
        step(other, [w])
    other = optim.Adam(amsgrad=True)
    other.build([w, b])
    with pytest.raises(ag.StructureError, match="velocity_hat"):
        other.load_state_dict(saved)
    other = optim.Adam()
    other.build([b, w])
    with pytest.raises(ag.ShapeError, match=r"momentum of 'bias', has shape \(2, 3\); expected \(3,\)"):
        other.load_state_dict(saved)


def test_a_subclass_of_one_s_own():
    """Three methods make an optimizer; one that lacks them says which."""

    class SignDescent(optim.Optimizer):
        def slots(self):
            return {}

        def constants(self, learning_rate, step):
            return (learning_rate,)

        def update_step(self, value, gradient, new_value, state, work, constants):
            np.sign(gradient, work)
            np.multiply(work, constants[0], work)
            np.subtract(value, work, new_value)

    w = ag.Variable([1.0, 1.0])
    SignDescent(0.5).apply_gradients([(np.array([3.0, -7.0]), w)])
    np.testing.assert_array_equal(w.numpy(), [0.5, 1.5])
    with pytest.raises(TypeError, match=r"slots\(\)"):
        optim.Optimizer(0.1).build([w])
