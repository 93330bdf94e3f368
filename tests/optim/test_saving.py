"""State that is taken out of an optimizer, carried on in another, or refused."""

import numpy as np
import pytest

import autograd_core as ag
import optim
from optim import schedules

CASES = {
    "sgd": lambda: optim.SGD(0.1, momentum=0.9),
    "adam": lambda: optim.Adam(0.1, amsgrad=True),
    "nadam": lambda: optim.Nadam(0.1),
    "averages": lambda: optim.RMSprop(0.1, centered=True, use_ema=True, ema_overwrite_frequency=4, epsilon=0.1),
    "accumulation": lambda: optim.AdamW(0.1, gradient_accumulation_steps=3, clipnorm=0.5),
    "both": lambda: optim.Adagrad(0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5),
    "schedule": lambda: optim.Adam(schedules.CosineDecay(0.1, 12), gradient_accumulation_steps=4),
    "decay": lambda: optim.Lion(0.1, decay=0.1),
}


def variables_of():
    return [
        ag.Variable(np.ones((2, 3), "float32"), name="kernel"),
        ag.Variable(np.zeros(3), name="bias"),
        ag.Variable(1.0 + 1.0j, name="phase"),
    ]


def gradients_of(variables, step):
    random = np.random.default_rng(step)
    return [np.asarray(random.normal(size=v.shape) + 0.5).astype(v.dtype) for v in variables]


@pytest.mark.parametrize("stop", range(1, 12))
@pytest.mark.parametrize("how", ["dict", "arrays", "arrays after build"])
@pytest.mark.parametrize("case", CASES)
def test_stopped_anywhere_a_run_goes_on_bit_for_bit(case, how, stop):
    def run(stop_at):
        variables, optimizer = variables_of(), CASES[case]()
        for step in range(12):
            if step == stop_at:
                saved = optimizer.state_dict() if how == "dict" else optimizer.state_arrays()
                optimizer = CASES[case]()
                if how == "arrays after build":
                    optimizer.build(variables)
                (optimizer.load_state_dict if how == "dict" else optimizer.load_state_arrays)(saved)
            optimizer.apply_gradients(list(zip(gradients_of(variables, step), variables, strict=True)))
        optimizer.finalize_variable_values(variables)
        return variables, optimizer.state_arrays()

    straight, state = run(None)
    resumed, state_then = run(stop)
    for got, wanted in zip(resumed, straight, strict=True):
        assert got.numpy().tobytes() == wanted.numpy().tobytes()
    assert list(state) == list(state_then)
    assert all(state[name].tobytes() == state_then[name].tobytes() for name in state)


def built(optimizer, steps=3):
    variables = variables_of()
    for step in range(steps):
        optimizer.apply_gradients(list(zip(gradients_of(variables, step), variables, strict=True)))
    return optimizer


def test_names_of_the_arrays():
    """Scalars, then position and name; copies, of the variables' shapes and dtypes."""
    optimizer = built(CASES["both"]())
    arrays = optimizer.state_arrays()
    slots = ("accumulator", "average", "gradient_accumulator")
    assert list(arrays) == ["iterations", "learning_rate", *(f"{i}/{name}" for i in range(3) for name in slots)]
    assert (arrays["iterations"].dtype, arrays["iterations"].item(), optimizer.iterations) == ("int64", 3, 1)
    assert arrays["learning_rate"].dtype == "float64"
    assert [arrays[f"{i}/average"].dtype for i in range(3)] == ["float32", "float64", "complex128"]
    arrays["0/average"][...] = 7.0
    assert (optimizer.state_arrays()["0/average"] != 7.0).all()
    assert "learning_rate" not in CASES["schedule"]().state_arrays()


def test_state_waits_for_the_variables():
    """What was loaded before the first step can be taken out again."""
    saved = built(CASES["adam"]()).state_arrays()
    other = CASES["adam"]()
    other.load_state_arrays(saved)
    again = other.state_arrays()
    assert list(again) == list(saved)
    assert other.state_dict()["state"][1]["velocity"].tolist() == saved["1/velocity"].tolist()


def changed(**entries):
    return lambda arrays: {**arrays, **{name.replace("_of_", "/"): value for name, value in entries.items()}}


def without(name):
    return lambda arrays: {key: value for key, value in arrays.items() if key != name}


@pytest.mark.parametrize("early", [False, True], ids=["built", "not built"])
@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (without("iterations"), ag.StructureError, "no entry 'iterations'"),
        (changed(iterations=np.array(-1)), ag.DomainError, "'iterations' is array.-1."),
        (changed(iterations=np.array(1.5)), ag.DomainError, "'iterations' is 1.5"),
        (changed(iterations="many"), ag.DomainError, "'iterations' is 'many'"),
        (changed(learning_rate=np.array(np.nan)), ag.DomainError, "'learning_rate' is array.nan."),
        (changed(learning_rate=np.ones(2)), ag.DomainError, "'learning_rate' is"),
        (without("1/velocity"), ag.StructureError, "entry '1/velocity', velocity of 'bias', is missing"),
        (changed(**{"1_of_velocity": np.zeros(4)}), ag.ShapeError, r"'1/velocity', .* shape \(4,\); expected \(3,\)"),
        (changed(**{"0_of_momentum": np.zeros((2, 3))}), ag.DtypeError, "'0/momentum', .* float64, the Variable float"),
        (changed(**{"2_of_other": np.zeros(())}), ag.StructureError, "'2/other' is not one of this optimizer's"),
        (changed(**{"3_of_momentum": np.zeros(3)}), ag.StructureError, "of 4 variables; this optimizer has 3"),
        (changed(weights=np.zeros(3)), ag.StructureError, "'weights' is not known; expected names like '0/momentum'"),
        (lambda arrays: list(arrays), ag.ConversionError, "got a list"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, says, early):
    """At once, or when the variables are known."""
    bad = change(built(CASES["adam"](), 5).state_arrays())
    optimizer = CASES["adam"]() if early else built(CASES["adam"]())
    before = optimizer.state_arrays()
    with pytest.raises(error, match=says):
        optimizer.load_state_arrays(bad)
        optimizer.build(variables_of())
    if not early:
        after = optimizer.state_arrays()
        assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    assert optimizer.built is not early


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda saved: 3, ag.ConversionError, "got a int"),
        (without("state"), ag.StructureError, "no 'state'"),
        (without("iterations"), ag.StructureError, "no 'iterations'"),
        (changed(optimizer="Lion"), ag.StructureError, "the state is of Lion, not of Adam"),
        (changed(state={}), ag.ConversionError, "expected a list of dicts"),
    ],
)
def test_dicts_that_do_not_fit(change, error, says):
    with pytest.raises(error, match=says):
        optim.Adam().load_state_dict(change(built(optim.Adam()).state_dict()))


def test_a_learning_rate_and_a_schedule():
    """The optimizer's own schedule goes on; a fixed rate is that of the state, if it has one."""
    fixed, scheduled = built(optim.SGD(0.5)), built(optim.SGD(schedules.ExponentialDecay(1.0, 1, 0.5)))
    other = optim.SGD(0.25)
    other.load_state_arrays(scheduled.state_arrays())
    assert (other.learning_rate, other.iterations) == (0.25, 3)
    other.load_state_arrays(fixed.state_arrays())
    assert other.learning_rate == 0.5
    other = optim.SGD(schedules.ExponentialDecay(1.0, 1, 0.5))
    other.load_state_arrays(fixed.state_arrays())
    assert other.learning_rate == 0.125


def test_the_state_as_variables():
    """As in Keras: names, values; and assigning to one changes the state."""
    optimizer = built(optim.Adam(0.1), 3)
    state = optimizer.variables
    assert [v.name for v in state[:4]] == ["iteration", "learning_rate", "kernel_momentum", "kernel_velocity"]
    assert len(state) == 2 + 2 * 3
    assert (state[0].item(), state[1].item()) == (3, 0.1)
    for variable in state[2:]:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    state[0].assign(0)
    state[1].assign_add(0.4)
    state[4].assign_sub(1.0)
    fresh = optim.Adam(0.5)
    fresh.build(variables_of())
    arrays, wanted = optimizer.state_arrays(), fresh.state_arrays()
    np.testing.assert_array_equal(arrays.pop("1/momentum"), [-1.0] * 3)
    wanted.pop("1/momentum")
    assert all(arrays[name].tobytes() == wanted[name].tobytes() for name in wanted)
    assert len(optim.Adam(schedules.CosineDecay(0.1, 3)).variables) == 1


@pytest.mark.parametrize("make", [*CASES.values(), optim.LBFGS])
@pytest.mark.parametrize("how", ["dict", "arrays"])
def test_a_state_taken_before_the_first_step(make, how):
    """It holds the number of steps and the learning rate, and goes into a new optimizer."""
    first, second = make(), make()
    if how == "dict":
        second.load_state_dict(first.state_dict())
    else:
        second.load_state_arrays(first.state_arrays())
    second.build(variables_of())
    assert second.iterations == 0
