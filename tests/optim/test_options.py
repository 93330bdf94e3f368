"""Options that every optimizer has: averages, accumulation, decay with exceptions, scaled losses, constraints."""

import warnings

import numpy as np
import pytest

import autograd_core as ag
import optim

EVERY = [getattr(optim, n) for n in optim.__all__ if isinstance(getattr(optim, n), type)]
EVERY = [cls for cls in EVERY if cls not in (optim.Optimizer, optim.LBFGS)]


def pair(dtype="float64"):
    return [ag.Variable(np.ones((2, 3), dtype), name="kernel"), ag.Variable(np.zeros(3, dtype), name="bias")]


def train(optimizer, variables, steps=6, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(steps):
        gradients = [np.asarray(random.normal(size=v.shape)).astype(v.dtype) for v in variables]
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))
    return [variable.numpy() for variable in variables]


def test_averages_follow_the_formula():
    """And the variables themselves do not notice, until they are given their averages."""
    plain, averaged = pair(), pair()
    a, b = optim.SGD(0.1), optim.SGD(0.1, use_ema=True, ema_momentum=0.75)
    expected = None
    for step in range(5):
        train(a, plain, 1, step)
        train(b, averaged, 1, step)
        values = [variable.numpy() for variable in plain]
        expected = values if step == 0 else [0.75 * e + 0.25 * v for e, v in zip(expected, values, strict=True)]
        for got, wanted in zip(averaged, values, strict=True):
            np.testing.assert_array_equal(got.numpy(), wanted)
    b.finalize_variable_values(averaged[::-1])
    for got, wanted in zip(averaged, expected, strict=True):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-14)
    averaged[0].assign_add(1.0)  # nobody else's array has changed
    np.testing.assert_allclose(b.state_arrays()["0/average"], expected[0], rtol=1e-14)


def test_averages_see_values_assigned_by_others():
    """Before, between and in several dtypes; a large variable, too."""
    variables = [ag.Variable(np.zeros(3)), ag.Variable(np.zeros(70_000, "float32")), ag.Variable(1j)]
    optimizer = optim.SGD(0.0, use_ema=True, ema_momentum=0.5)
    train(optimizer, variables, 1)
    for variable in variables:
        variable.assign(np.full(variable.shape, 4.0).astype(variable.dtype))
    train(optimizer, variables, 1)
    optimizer.finalize_variable_values(variables)
    assert variables[0].numpy().tolist() == [2.0] * 3
    assert (variables[1].numpy() == 2.0).all()
    assert variables[1].dtype == "float32"
    assert variables[2].item() == 2 + 0.5j


def test_nothing_to_finalize():
    """Without averages, and before the first step: values stay; a stranger is named."""
    w, b = pair()
    optim.SGD().finalize_variable_values([w])
    optimizer = optim.SGD(use_ema=True)
    optimizer.build([w])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == np.ones((2, 3)).tolist()
    train(optimizer, [w], 1)
    with pytest.raises(ag.StructureError, match="got 'bias'; averages are kept of 'kernel'"):
        optimizer.finalize_variable_values([w, b])


def test_held_values_survive_an_overwrite():
    """What somebody took out of a variable is not written over by the averages."""
    variables = pair()
    optimizer = optim.SGD(0.1, use_ema=True, ema_overwrite_frequency=2)
    held = []
    for step in range(6):
        held.append([(variable.array, variable.numpy()) for variable in variables])
        train(optimizer, variables, 1, step)
    for array, copy in (entry for row in held for entry in row):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("make", EVERY)
def test_accumulated_calls_are_one_step_with_the_mean(make):
    random = np.random.default_rng(0)
    ours, reference = pair(), pair()
    several, single = make(0.1, gradient_accumulation_steps=3), make(0.1)
    for step in range(9):
        gradients = [random.normal(size=v.shape) for v in ours]
        if step % 3 == 0:
            total = [np.zeros(v.shape) for v in ours]
            before = [v.numpy() for v in ours]
        total = [t + g for t, g in zip(total, gradients, strict=True)]
        assert several.apply_gradients(list(zip(gradients, ours, strict=True))) == step + 1
        assert several.iterations == (step + 1) // 3
        if step % 3 < 2:
            assert all((v.numpy() == b).all() for v, b in zip(ours, before, strict=True))
        else:
            single.apply_gradients([(t / 3, v) for t, v in zip(total, reference, strict=True)])
    for got, wanted in zip(ours, reference, strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted.numpy())


def test_a_schedule_counts_calls():
    """As in Keras: those that only collect gradients, too."""
    optimizer = optim.SGD(lambda step: float(step), gradient_accumulation_steps=2)
    w = ag.Variable(0.0)
    moved = []
    for _ in range(4):
        before = w.item()
        optimizer.apply_gradients([(1.0, w)])
        moved.append(before - w.item())
    assert moved == [0.0, 1.0, 0.0, 3.0]
    assert (optimizer.iterations, optimizer.learning_rate) == (2, 4.0)


@pytest.mark.parametrize("options", [{"var_names": ["^bi"]}, {"var_list": True}])
@pytest.mark.parametrize("make", EVERY)
def test_weight_decay_with_exceptions(make, options):
    """The exceptions move as without decay, the others as with it."""
    results = {}
    for which in ("all", "none", "some"):
        variables = pair("float32")
        variables[1].assign([1.0] * 3)
        optimizer = make(0.1, weight_decay=0.0 if which == "none" else 0.5)
        if which == "some":
            given = {"var_list": variables[1:]} if "var_list" in options else options
            optimizer.exclude_from_weight_decay(**given)
        results[which] = train(optimizer, variables)
    np.testing.assert_array_equal(results["some"][0], results["all"][0])
    np.testing.assert_array_equal(results["some"][1], results["none"][1])
    assert (results["all"][1] != results["none"][1]).any()
    assert results["some"][0].dtype == "float32"


def test_mistakes_in_exceptions_are_named():
    w, _ = pair()
    optimizer = optim.AdamW()
    for given, error, says in (
        ({"var_names": "bias"}, ag.ConversionError, "string 'bias'; expected a list"),
        ({"var_names": ["(bias"]}, ag.DomainError, "no list of regular expressions"),
        ({"var_names": [3]}, ag.DomainError, r"var_names \[3\] is no list"),
        ({"var_list": ["bias"]}, ag.ConversionError, "a str in it; .* Names go into var_names"),
    ):
        with pytest.raises(error, match=says):
            optimizer.exclude_from_weight_decay(**given)
    optimizer.build([w])
    with pytest.raises(ag.StructureError, match="built already, for 'kernel'"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])


def test_a_scaled_loss_makes_the_same_step():
    """By hand, and by ``minimize``, which scales the gradient itself; in float32."""
    results = []
    for scale in (None, 1024.0):
        for by_hand in (True, False):
            w = ag.Variable(np.array([3.0, 4.0], "float32"))
            optimizer = optim.SGD(0.25, loss_scale_factor=scale)
            if by_hand:
                with ag.GradientTape() as tape:
                    loss = optimizer.scale_loss((w * w).sum())
                optimizer.apply([tape.gradient(loss, w)], [w])
            else:
                assert optimizer.minimize(lambda w=w: (w * w).sum(), [w]).item() == 25.0
            assert w.dtype == "float32"
            results.append(w.numpy().tolist())
    assert results == [[1.5, 2.0]] * 4


def test_a_constraint_holds_after_each_step():
    """Whatever the rule and the averages do; the next step starts from there."""
    w = ag.Variable([1.0, 1.0], constraint=lambda value: ag.Tensor(np.maximum(value.numpy(), 0.0)))
    free = ag.Variable([1.0, 1.0])
    optimizer = optim.SGD(1.0)
    for _ in range(2):
        optimizer.apply_gradients([(np.array([3.0, 0.5]), w), (np.array([3.0, 0.5]), free)])
    assert w.numpy().tolist() == [0.0, 0.0]
    assert free.numpy().tolist() == [-5.0, 0.0]
    optimizer.apply_gradients([(np.array([-3.0, -0.5]), w), (np.array([3.0, 0.5]), free)])
    assert w.numpy().tolist() == [3.0, 0.5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w.assign([-1.0, -1.0])
        optimizer.apply_gradients([(None, w), (np.array([3.0, 0.5]), free)])
    assert w.numpy().tolist() == [-1.0, -1.0]  # no gradient: left as it is


def test_gradients_and_variables_in_two_lists():
    w, b = pair()
    optimizer = optim.SGD(1.0)
    with pytest.raises(ag.StructureError, match="not known which variables"):
        optimizer.apply([np.ones((2, 3))])
    optimizer.apply([np.ones((2, 3)), np.ones(3)], [w, b])
    optimizer.apply([np.ones((2, 3)), np.ones(3)])
    assert b.numpy().tolist() == [-2.0] * 3
    with pytest.raises(ag.StructureError, match="1 gradients for 2 variables: 'kernel', 'bias'"):
        optimizer.apply([np.ones((2, 3))])


@pytest.mark.parametrize("make", EVERY)
def test_a_variable_of_size_0_and_one_without_axes(make):
    """Every option at once, on what is empty and what has no axes."""
    variables = [ag.Variable(np.zeros((0, 3), "float32")), ag.Variable(np.float32(2.0))]
    optimizer = make(
        0.1, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=2, gradient_accumulation_steps=2,
        loss_scale_factor=2.0, global_clipnorm=1.0,
    )  # fmt: skip
    train(optimizer, variables)
    optimizer.finalize_variable_values(variables)
    assert [v.dtype for v in variables] == ["float32", "float32"]
    assert np.isfinite(variables[1].item())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ema_momentum": 1.5}, "ema_momentum is 1.5"),
        ({"ema_momentum": float("nan")}, "ema_momentum is nan"),
        ({"ema_overwrite_frequency": 0}, "ema_overwrite_frequency is 0; expected a whole number, at least 1, or None"),
        ({"ema_overwrite_frequency": 2.5}, "ema_overwrite_frequency is 2.5"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps is 1; .* at least 2"),
        ({"gradient_accumulation_steps": True}, "gradient_accumulation_steps is True"),
        ({"loss_scale_factor": 0.0}, "loss_scale_factor is 0.0"),
        ({"loss_scale_factor": float("nan")}, "loss_scale_factor is nan"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"global_clipnorm": -1.0}, "global_clipnorm is -1.0"),
    ],
)
@pytest.mark.parametrize("make", EVERY)
def test_bad_options_are_named(make, options, says):
    with pytest.raises(ag.DomainError, match=f"{make.__name__}: {says}"):
        make(**options)


def test_unknown_options_are_named():
    with pytest.raises(ag.ConversionError, match=r"Adam: .* 'learning_rte'; did you mean 'learning_rate'\?"):
        optim.Adam(learning_rte=0.1)
    with pytest.raises(ag.DomainError, match="AdamW: weight_decay is None"):
        optim.AdamW(weight_decay=None)
    with pytest.raises(ag.DomainError, match="learning_rate is nan"):
        optim.SGD(lambda: float("nan")).apply_gradients([(1.0, ag.Variable(0.0))])


def test_a_rate_that_is_refused_leaves_the_collected_gradients():
    """An error in the middle of a step changes nothing: the call can be made again."""
    w = ag.Variable(0.0)
    optimizer = optim.SGD(1.0, gradient_accumulation_steps=2)
    optimizer.apply_gradients([(1.0, w)])
    optimizer.learning_rate = lambda: -1.0
    with pytest.raises(ag.DomainError):
        optimizer.apply_gradients([(3.0, w)])
    optimizer.learning_rate = 1.0
    optimizer.apply_gradients([(3.0, w)])
    assert w.item() == -2.0
