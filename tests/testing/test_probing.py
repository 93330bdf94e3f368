"""Users' own operations are probed at their first recorded use: wrong ones refused, right ones accepted."""

import copy
import functools
import gc
import os
import pickle
import random
import subprocess
import sys
import threading
import time
import warnings
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core import recording
from autograd_core.ops.table import TABLE
from autograd_core.probing import checks, subject
from autograd_core.testing.rows import sample

from .right_operations import RIGHT
from .special_operations import SPECIAL
from .wrong_operations import WRONG

CALLS: list[int] = []
CASES = {case.name: case for case in RIGHT}


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """Threads that are left from other tests do not count."""
    here = threading.current_thread()
    before = set(threading.enumerate()) - {here}
    usual = threading.enumerate
    monkeypatch.setattr(threading, "enumerate", lambda: [thread for thread in usual() if thread not in before])


def record(operation, args, keywords=None):
    """Use an operation as a program does: every floating argument is watched."""
    args = [ag.constant(x) if isinstance(x, (np.ndarray, float, complex, np.generic)) else x for x in args]
    with ag.GradientTape(persistent=True) as tape:
        for x in args:
            if isinstance(x, ag.Tensor) and x.dtype.kind in "fc":
                tape.watch(x)
        result = operation(*args, **(keywords or {}))
    return tape, args, result


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_wrong_operations_are_refused_with_the_right_reason(case):
    with pytest.raises(ag.ProbeError, match=case.reason) as caught:
        record(case.operation, case.args)
    assert str(caught.value).startswith(f"{case.operation.__name__}: refused")
    assert f"{__file__}:" in str(caught.value)


@pytest.mark.parametrize("case", RIGHT, ids=str)
def test_right_operations_are_accepted(case):
    record(case.operation, case.args, case.keywords)
    report = ag.testing.probe(case.operation, *case.args, **case.keywords)
    assert report.verdict == case.verdict, str(report)


@pytest.mark.parametrize("case", SPECIAL, ids=str)
def test_right_in_a_special_way(case):
    report = ag.testing.probe(case.operation, *case.args, **case.keywords)
    assert report.verdict == case.verdict, str(report)


def test_huge_arguments_are_not_probed(monkeypatch):
    monkeypatch.setattr(checks, "HUGE", 1000)

    @ag.primitive
    def double(x):
        return 2 * x

    double.defvjp(lambda ct, ans, x: 3 * ct)
    x = ag.Variable(np.ones(1001))
    with ag.GradientTape() as tape:
        y = double(x)
    assert tape.gradient(y, x)[0] == 3
    assert double.probe_report.verdict == "not probed"
    assert "1,001 entries" in double.probe_report.reason
    stretched = ag.primitive(lambda x: x * np.ones(2001)).defvjp(lambda ct, ans, x: np.sum(ct))
    assert "results have 2,002 entries" in ag.testing.probe(stretched, 2.0).reason


def test_what_is_compiled_inside_is_compiled_once_more_at_most(monkeypatch):
    monkeypatch.setattr(subject, "BUDGET", 60.0)  # compiling takes seconds
    tanh = ag.function(lambda x: np.tanh(x))

    @ag.custom_gradient
    def f(x):
        return tanh(x), lambda upstream: upstream * (1 - np.tanh(x) ** 2)

    x = ag.Variable(np.ones(3))
    with ag.GradientTape() as tape:
        y = f(x)
    assert f.probe_report.verdict == "right", str(f.probe_report)
    assert tape.gradient(y, x) is not None
    assert tanh.traces <= 2


def test_warnings_of_a_probe_are_nobodys():
    @ag.primitive
    def square(x):
        if x.min() < 1:
            warnings.warn("below one", stacklevel=2)
        return x * x

    square.defvjp(lambda ct, ans, x: 2 * ct * x)
    x = ag.Variable(np.ones(8))
    with ag.GradientTape():
        square(x)
    assert square.probe_report.verdict == "right"


class Scaling:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * x, lambda upstream: self.k * upstream


def scaling(k, x):
    return k * x, lambda upstream: k * upstream


@pytest.mark.parametrize(
    "make",
    [
        lambda k: ag.custom_gradient(Scaling(k)),
        lambda k: ag.custom_gradient(Scaling(k).__call__),
        lambda k: ag.custom_gradient(functools.partial(scaling, k)),
        lambda k: ag.primitive(np.sin).defvjp(lambda ct, ans, x: ct * np.cos(x)),
    ],
    ids=["object", "method", "partial", "function that is not Python's"],
)
def test_operations_made_in_a_loop_are_probed_some_times_only(make):
    x = ag.Variable(np.ones(3))
    probed = 0
    for k in range(100):
        operation = make(float(k))
        with ag.GradientTape():
            operation(x)
        probed += operation.probe_report is not None
    assert probed <= 16


def test_objects_that_do_not_want_to_be_looked_at():
    class Rude:
        @property
        def __class__(self):
            raise RuntimeError("outside of a context")

        def __getattribute__(self, name):
            raise RuntimeError("outside of a context")

    rude = Rude()
    double = ag.primitive(lambda x: (rude, 2 * x)[1]).defvjp(lambda ct, ans, x: 2 * ct)
    assert ag.grad(lambda x: np.sum(double(x)))(np.ones(2)).tolist() == [2, 2]
    assert double.probe_report.verdict == "right"


def test_what_the_arguments_satisfy_is_told():
    notes = [note for case in SPECIAL for note in ag.testing.probe(case.operation, *case.args).notes]
    told = [note for note in notes if note.startswith("agrees for arguments that")]
    assert [note.split()[4] for note in told] == ["sum", "sum", "are", "have"]


def test_a_fault_that_the_arguments_do_not_excuse_is_found():
    """Arguments that sum to one, are orthogonal, of norm 1; a step along another argument."""

    @ag.custom_gradient
    def logarithm(p):
        return np.log(p / np.sum(p)), lambda upstream: 2 * upstream / p

    @ag.custom_gradient
    def product(a, b):
        return a @ b, lambda upstream: (upstream @ b, a.T @ upstream)

    @ag.custom_gradient
    def stepless(x, s):
        return np.sin(x) + 0 * s, lambda upstream: (-upstream * np.cos(x), upstream)

    entropy = ag.primitive(lambda p: -np.sum(p * np.log(p))).defvjp(lambda ct, ans, p: -ct * np.log(p))

    for operation, *args in (
        (entropy, np.array([0.2, 0.3, 0.5])),
        (logarithm, np.array([0.2, 0.3, 0.5])),
        (product, np.eye(3), np.linalg.qr(np.arange(9.0).reshape(3, 3) + np.eye(3))[0]),
        (stepless, np.array([0.5, 2.0]), np.ones(2)),
    ):
        report = ag.testing.probe(operation, *args)
        assert report.verdict == "wrong", str(report)


def test_a_rule_that_is_constant_as_it_should_be_is_not_said_to_be_frozen():
    leaky = ag.primitive(lambda x: np.where(x > 0, x, 0.01 * x)).defvjp(lambda ct, ans, x: ct * np.where(x > 0, 1, 0.1))
    report = ag.testing.probe(leaky, np.array([0.5, -1.5, 2.0]))
    assert "1 of the 3 entries" in report.reason
    assert "computed before" not in report.reason


def test_arguments_of_a_custom_gradient_are_kept_only_where_rules_are_looked_for():
    @ag.custom_gradient
    def times(x, table):
        return x * 2.0, lambda upstream: (2.0 * upstream, None)

    def kept():
        table = ag.constant(np.ones(10))
        with ag.GradientTape() as tape:
            y = times(ag.Variable(np.ones(10)), table)
        watched = ref(table)
        del table
        gc.collect()
        return watched() is not None, tape, y

    with ag.record_details(), ag.profile():
        assert not kept()[0]


def test_the_checks_were_made():
    """Accepted means looked at: all properties, but for what the report says."""
    report = ag.testing.probe(CASES["cube"].operation, np.array([0.5, -1.0]))
    assert [(check.name, check.verdict) for check in report.checks] == [
        ("shapes", "right"),
        ("linear in the upstream", "right"),
        ("first derivative", "right"),
        ("second derivative", "right"),
        ("at the arguments", "right"),
    ]
    ours = [case for case in RIGHT if case.verdict == "right" and "empty" not in case.name]
    reports = [ag.testing.probe(case.operation, *case.args, **case.keywords) for case in ours]
    assert all("first derivative" in {check.name for check in report.checks} for report in reports)
    told = [check.verdict for report in reports for check in report.checks]
    assert told.count("right") > 0.97 * len(told)


def test_few_calls_are_made():
    """At most 12 calls of the function, 8 of its rules, but at kinks, poles and for tiny values: some dozens."""
    reports = {case.name: ag.testing.probe(case.operation, *case.args, **case.keywords) for case in RIGHT}
    many = {name for name, report in reports.items() if report.forward_calls > 12 or report.rule_calls > 8}
    odd = (" at 0", "zeros", "1e-8", "1e-300", "float16", "many float32", "ties", "symmetric", "Bessel", "quantised")
    assert not [name for name in many if not any(word in name for word in odd)]
    assert max(report.forward_calls for report in reports.values()) < 200


# -- every elementwise row of the table, as an operation of the user's -------------------------------------------------

ELEMENTWISE = [row for row in TABLE if row.elementwise and row.vjps and not row.joint and not row.variadic]


def own(row, factor):
    """The row as a user's operation; its rules times ``factor``."""

    def times(rule):
        return None if rule is None else lambda ct, ans, *args, **params: factor * rule(ct, ans, *args, **params)

    return ag.primitive(lambda *args, **params: row.impl(*args, **params)).defvjp(*map(times, row.vjps))


def is_flat(row, args, params):
    """Whether nothing can be told of a factor: the derivative is 0, or the row may do anything (identity, steps)."""
    report = ag.testing.probe(own(row, 1.0), *args, **params)
    return all(check.by_rule == 0 for check in report.checks if check.name == "first derivative")


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
@settings(max_examples=4, deadline=None)
@given(data=st.data(), dtype=st.sampled_from(["float64", "float32"]))
def test_rules_of_the_table_are_accepted_and_broken_ones_refused(row, data, dtype):
    """Right as they are; with another sign or factor wrong, unless the derivative is 0 or the value the argument."""
    case = sample(row, ag.testing.strategies.draw_from(data, dtype))
    args, params = case.args, case.params
    report = ag.testing.probe(own(row, 1.0), *args, **params)
    assert report.accepted, str(report)
    if report.verdict == "cannot tell" or not case.active or not all(x.size for x in case.primals):
        return
    for factor in (-1.0, 0.5):
        broken = ag.testing.probe(own(row, factor), *args, **params)
        if broken.verdict != "wrong":
            jumps = row.name in ("remainder", "fmod") and broken.verdict == "cannot tell"  # too near for float32
            excused = broken.verdict == "surrogate" or (jumps and dtype == "float32")
            assert excused or is_flat(row, args, params), f"{factor}: {broken}"


# -- what a refusal leaves behind --------------------------------------------------------------------------------------


def make_wrong(probe=True):
    @ag.custom_gradient(probe=probe)
    def steep(x):
        return x * x, lambda upstream: upstream * 3.0 * x

    return steep


def test_a_refused_operation_stays_refused():
    """The same error each time, without another probe; another kind of argument is probed by itself."""
    steep = make_wrong()
    messages = []
    for _ in range(2):
        with pytest.raises(ag.ProbeError) as caught:
            ag.grad(steep)(2.0)
        messages.append(str(caught.value).split(")", 1)[1])
        report = steep.probe_report
        assert caught.value.probe_report is report
    assert messages[0] == messages[1]
    assert report.verdict == "wrong"
    with pytest.raises(ag.ProbeError, match="float32 3"):
        record(steep, (np.ones(3, np.float32),))
    with pytest.raises(ag.GradientCheckError):
        ag.grad(steep)(2.0)
    with pytest.raises(ag.CotangentError):
        ag.grad(steep)(2.0)


def test_nothing_is_recorded_of_a_refused_operation():
    """The tape goes on as if the operation had not been called, and no hook or note saw the probe."""
    steep, v = make_wrong(), ag.Variable(2.0, name="v")
    seen = []
    handle = v.register_gradient_hook(seen.append)
    with ag.GradientTape() as tape:
        x = v * 3.0
        before = len(tape.graph().nodes)
        with pytest.raises(ag.ProbeError):
            steep(x)
        assert len(tape.graph().nodes) == before
        assert not seen
        y = x * x
    assert tape.gradient(y, v).item() == 36.0
    assert len(seen) == 1
    handle.remove()
    assert recording.current() is None


def test_an_error_says_how_to_go_on():
    with pytest.raises(ag.ProbeError, match=r"@custom_gradient\(probe=False\), or `with autograd_core.probing"):
        ag.grad(make_wrong())(2.0)
    wrong = ag.primitive(lambda x: x * x).defvjp(lambda ct, ans, x: ct)
    with pytest.raises(ag.ProbeError, match=r"@primitive\(probe=False\)") as caught:
        ag.grad(wrong)(2.0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.probe_report.verdict == "wrong"


# -- off switches ------------------------------------------------------------------------------------------------------


def test_off_switches():
    """For one operation, for a block (which may be left and entered again), for a whole function."""
    assert ag.grad(make_wrong(probe=False))(2.0) == 6.0
    steep = make_wrong()
    with ag.probing(False):
        assert ag.grad(steep)(2.0) == 6.0
        with ag.probing(True), pytest.raises(ag.ProbeError):
            ag.grad(steep)(2.0)
        assert ag.grad(steep)(2.0) == 6.0
    with pytest.raises(ag.ProbeError):
        ag.grad(steep)(2.0)
    assert ag.probing(False)(ag.grad(steep))(2.0) == 6.0
    made = ag.primitive(probe=False)(lambda x: x * x).defvjp(lambda ct, ans, x: ct)
    assert ag.grad(made)(2.0) == 1.0
    assert made.probe_report is None
    assert ag.testing.probe(made, 2.0).verdict == "wrong"


@pytest.mark.parametrize(("value", "printed"), [("0", "6.0"), ("1", "ProbeError"), ("", "ProbeError")])
def test_the_environment_variable(value, printed):
    code = (
        "import autograd_core as ag\n"
        "f = ag.custom_gradient(lambda x: (x * x, lambda upstream: upstream * 3.0 * x))\n"
        "try:\n    print(ag.grad(f)(2.0))\n"
        "except ag.ProbeError as error:\n    print(type(error).__name__)\n"
    )
    environment = {**os.environ, "AUTOGRAD_CORE_PROBE": value}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == printed


def test_both_decorators_work_bare_and_with_arguments():
    for decorate in (ag.primitive, ag.primitive(), ag.primitive(probe=True)):
        cube = decorate(lambda x: x**3).defvjp(lambda ct, ans, x: ct * 3 * x**2)
        assert ag.grad(cube)(2.0) == 12.0
    for decorate in (ag.custom_gradient, ag.custom_gradient(), ag.custom_gradient(probe=True)):
        assert ag.grad(decorate(lambda x: (x * x, lambda upstream: 2.0 * upstream * x)))(2.0) == 4.0


# -- when it is probed -------------------------------------------------------------------------------------------------


def counting():
    """An operation that counts its calls."""
    calls = []

    @ag.primitive
    def square(x):
        calls.append(x.shape)
        return x * x

    square.defvjp(lambda ct, ans, x: 2 * ct * x)
    return square, calls


def test_once_for_each_kind_of_arguments():
    square, calls = counting()
    square(ag.constant(2.0))
    assert len(calls) == 1  # nobody records
    ag.grad(square)(2.0)
    first = len(calls)
    assert 5 <= first - 1 <= 13
    ag.grad(square)(3.0)
    assert len(calls) == first + 1
    ag.grad(lambda x: np.sum(square(x)))(np.ones(4))
    assert len(calls) > first + 5
    report = square.probe_report
    assert (report.arguments, report.verdict) == ("float64 4", "right")
    before = len(calls)
    with ag.GradientTape():
        square(ag.constant(1.0))  # nothing is tracked
    assert len(calls) == before + 1


def test_no_more_than_some_kinds_are_probed():
    """A keyword that is another number at each call costs sixteen probes, and no memory afterwards."""
    calls = []

    @ag.primitive
    def scaled(x, *, by):
        calls.append(by)
        return x * by

    scaled.defvjp(lambda ct, ans, x, *, by: ct * by)
    for step in range(20):
        ag.grad(lambda x, by=step + 1.0: scaled(x, by=by))(2.0)
    assert all(calls.count(step + 1.0) > 5 for step in range(16))
    assert all(calls.count(step + 1.0) == 1 for step in range(16, 20))
    assert len(scaled.probes.seen) == 16


def test_new_rules_are_probed_anew():
    square, _ = counting()
    ag.grad(square)(2.0)
    square.defvjp(lambda ct, ans, x: ct * x)
    with pytest.raises(ag.ProbeError):
        ag.grad(square)(2.0)
    square.defvjp(lambda ct, ans, x: 2 * ct * x)
    assert ag.grad(square)(2.0) == 4.0


def test_functions_made_at_each_call_are_known_by_their_code():
    """What is the same code, with the same in its closure, is probed once; another factor is another function."""
    CALLS.clear()

    def step(x, factor):
        @ag.custom_gradient
        def scaled(x):
            CALLS.append(1)
            return x * factor, lambda upstream: upstream * 3.0

        return scaled(x)

    ag.grad(step)(1.0, 3.0)
    assert len(CALLS) > 5
    before = len(CALLS)
    for _ in range(5):
        ag.grad(step)(1.0, 3.0)
    assert len(CALLS) == before + 5
    with pytest.raises(ag.ProbeError):
        ag.grad(step)(1.0, 2.0)


def test_a_traced_call_is_not_probed_and_an_eager_one_is():
    steep = make_wrong()
    traced = ag.function(ag.grad(steep), jit="numpy")
    assert traced(ag.constant(2.0)).item() == 6.0
    assert (steep.probe_report.verdict, steep.probe_report.forward_calls) == ("not probed", 0)
    assert "traced" in steep.probe_report.reason
    with pytest.raises(ag.ProbeError):
        ag.grad(steep)(2.0)


def test_operations_inside_of_operations():
    """A probe does not probe what it calls; what is inside is probed when it is used by itself."""
    inner = make_wrong()

    @ag.custom_gradient
    def outer(x):
        return inner(x) + x, lambda upstream: upstream * (2.0 * x + 1.0)

    with pytest.raises(ag.ProbeError, match="steep: refused"):
        ag.grad(outer)(2.0)
    assert outer.probe_report.verdict == "right"


def test_arguments_without_a_derivative_and_those_that_are_not_tracked():
    """Rules are judged where they are used: the one for a constant may be anything."""
    lazy = ag.primitive(lambda x, y: x * y).defvjp(lambda ct, ans, x, y: ct * y, lambda ct, ans, x, y: 0.0 * ct * x)
    assert ag.grad(lazy)(2.0, 3.0) == 3.0
    with pytest.raises(ag.ProbeError, match=r"argument 1.*gives 0 everywhere"):
        ag.grad(lazy, argnums=1)(2.0, 3.0)
    integers = ag.primitive(lambda x, n: x * n).defvjp(lambda ct, ans, x, n: ct * n, lambda ct, ans, x, n: ct)
    assert ag.grad(integers)(2.0, 3) == 3.0


def test_a_function_that_fails_fails_as_ever():
    @ag.primitive
    def failing(x):
        raise ZeroDivisionError("mine")

    failing.defvjp(lambda ct, ans, x: ct)
    with pytest.raises(ZeroDivisionError, match=r"^mine$"):
        ag.grad(failing)(2.0)
    assert failing.probe_report.verdict == "not probed"

    only_here = ag.primitive(lambda x: {2.0: np.array(4.0)}[float(x)]).defvjp(lambda ct, ans, x: ct)
    assert ag.grad(only_here)(2.0) == 1.0
    assert only_here.probe_report.verdict == "cannot tell"

    rule_fails = ag.primitive(lambda x: x * x).defvjp(lambda ct, ans, x: ct / 0)
    rule_fails(ag.Variable(2.0))
    raises = ag.primitive(lambda x: x * x).defvjp(lambda ct, ans, x: {}[0])
    with pytest.raises(KeyError):
        ag.grad(raises)(2.0)
    assert "the rule raised KeyError" in raises.probe_report.reason


# -- side effects ------------------------------------------------------------------------------------------------------


def test_random_generators_are_as_before():
    """Noise is drawn as if there had been no probe; with its state put back it is a function like any other."""
    mine = np.random.default_rng(3)

    @ag.custom_gradient
    def noisy(x):
        noise = mine.normal(size=x.shape) + np.random.normal() + random.random()
        return x * noise, lambda upstream: upstream * noise

    def run():
        np.random.seed(1)
        random.seed(2)
        gradient = ag.grad(lambda x: np.sum(noisy(x)))(np.ones(3))
        return gradient, mine.normal(), np.random.normal(), random.random()

    state = mine.bit_generator.state
    probed = run()
    assert noisy.probe_report.verdict == "right"
    mine.bit_generator.state = state
    for a, b in zip(probed, run(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_cannot_be_called_again_is_not_judged():
    counter = iter(range(10**6))

    @ag.custom_gradient
    def drifting(x):
        factor = 1.0 + next(counter)
        return x * factor, lambda upstream: upstream * factor

    ag.grad(drifting)(2.0)
    assert drifting.probe_report.verdict == "cannot tell"
    assert "another value when it was called again" in drifting.probe_report.reason


def test_variables_are_as_before():
    """Those that are read, and those that are assigned inside: values, versions and places."""
    w, seen = ag.Variable(3.0, name="w"), ag.Variable(0.0, trainable=False)

    @ag.custom_gradient
    def layer(x):
        seen.assign_add(1.0)
        return x * w, lambda upstream, variables: (upstream * w, [upstream * x])

    x = ag.Variable(2.0)
    value = w._value
    with ag.GradientTape() as tape:
        y = layer(x)
    assert [g.item() for g in tape.gradient(y, [x, w])] == [3.0, 2.0]
    assert layer.probe_report.verdict == "right"
    assert (seen.numpy(), seen.version, w.version) == (1.0, 1, 0)
    assert w._value is value


def test_variables_are_held_fixed_while_other_threads_run():
    w = ag.Variable(3.0, name="w")

    @ag.custom_gradient
    def layer(x):
        return x * w, lambda upstream, variables: (upstream * w, [upstream * x])

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with ag.GradientTape():
            layer(ag.Variable(2.0))
    finally:
        stop.set()
        thread.join()
    assert layer.probe_report.verdict == "right"
    assert "held fixed" in layer.probe_report.notes[0]


def test_arrays_are_not_written_to():
    """Neither by the probe, nor for all to see by a function that writes to what it is given."""
    x = np.ones(3)

    def writes(x):
        x += 1.0
        return x * 2.0

    own = ag.primitive(writes).defvjp(lambda ct, ans, x: 2.0 * ct)
    ag.testing.probe(own, x)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_a_rule_that_writes_to_the_upstream_is_refused():
    def rule(ct, ans, x):
        ct *= 2.0
        return ct

    with pytest.raises(ag.ProbeError, match="writes to the upstream"):
        record(ag.primitive(lambda x: 2.0 * x).defvjp(rule), (np.ones(3),))


def test_anomalies_of_a_probe_are_nobodys():
    """Inside ``detect_anomaly`` and with NumPy's warnings as errors: a probe may leave the domain, unseen."""
    root = ag.primitive(np.sqrt).defvjp(lambda ct, ans, x: ct / (2 * ans))
    with ag.detect_anomaly(), np.errstate(all="raise"), ag.record_details(), ag.GradientTape() as tape:
        x = ag.constant([1e-3, 4.0])
        tape.watch(x)
        y = root(x)
        assert tape.gradient(y, x).shape == (2,)
    assert root.probe_report.verdict == "right"


# -- what is not finite, and how long it takes -------------------------------------------------------------------------


def test_a_rule_that_is_not_finite_where_the_derivative_is():
    sinc = ag.primitive(lambda x: np.sinc(x / np.pi)).defvjp(lambda ct, ans, x: ct * (np.cos(x) - ans) / x)
    with pytest.raises(ag.ProbeError, match=r"entry \[1\] is nan by the rule, at the arguments.*either side"):
        record(sinc, (np.array([1.0, 0.0]),))
    report = ag.testing.probe(CASES["norm at 0"].operation, np.zeros(3))
    assert report.accepted
    assert "nan for argument 0, entry [0], where the function has no derivative" in report.notes[0]


@pytest.mark.parametrize("seed", range(12))
def test_a_rough_function_is_judged_as_far_as_its_noise_lets_it(seed):
    """One that computes in float32 whatever it is given; an iteration that is stopped at a tolerance."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=generator.integers(1, 5))

    def narrow(x):
        return np.sin(2 * x.astype(np.float32)).astype(np.float64)

    def iterated(a):
        x = np.full_like(a, 0.7)
        for _ in range(400):
            new = np.cos(a * x)
            done, x = np.abs(new - x).max() < 1e-5, new
            if done:
                break
        return x

    for factor, accepted in ((1.0, True), (0.5, False)):
        own = ag.primitive(narrow).defvjp(lambda ct, ans, x, k=factor: k * 2 * ct * np.cos(2 * x))
        assert ag.testing.probe(own, x).accepted is accepted
        own = ag.primitive(iterated).defvjp(
            lambda ct, ans, a, k=factor: -k * ct * ans * np.sin(a * ans) / (1 + a * np.sin(a * ans))
        )
        assert ag.testing.probe(own, generator.uniform(0.3, 0.9, x.shape)).accepted is accepted


def relu(x):
    return np.maximum(x, 0)


def slope_of_sinc(x):
    safe = np.where(x == 0, 1.0, x)
    return (np.cos(np.pi * safe) - np.sinc(safe)) / safe


@pytest.mark.parametrize(
    ("function", "rule", "x", "reason"),
    [
        (
            lambda x: np.maximum(x, 0),
            lambda ct, ans, x: ct * np.where(x == 0, 7.0, x > 0),
            [0.5, 0.0],
            "on the two sides",
        ),
        (np.sinc, lambda ct, ans, x: np.where(x == 0, ct, ct * slope_of_sinc(x)), [0.5, 0.0], "from either side"),
        (np.max, lambda ct, ans, x: ct * (x == ans) * np.sum(x == ans), [1.0, 3.0, 3.0], "on the two sides"),
    ],
    ids=["relu", "sinc", "max"],
)
def test_a_wrong_guard_in_a_special_case_is_refused(function, rule, x, reason):
    """Right everywhere but at the very arguments that it is used with first."""
    with pytest.raises(ag.ProbeError, match=rf"entry \[[12]\] is .* at the arguments themselves.*{reason}"):
        record(ag.primitive(function).defvjp(rule), (np.array(x),))


def test_a_slow_operation_is_left_after_some_time(monkeypatch):
    monkeypatch.setattr(subject, "BUDGET", 0.1)

    def slow(x):
        time.sleep(0.04)
        return x * x

    own = ag.primitive(slow).defvjp(lambda ct, ans, x: 2 * ct * x)
    assert ag.grad(own)(2.0) == 4.0
    report = own.probe_report
    assert (report.verdict, report.accepted) == ("cannot tell", True)
    assert "not finished within 0.1 seconds" in report.reason
    assert 0.1 < report.seconds < 0.5
    assert report.forward_calls <= 4


def test_large_arrays():
    x = np.random.default_rng(0).normal(size=(400, 500))
    report = ag.testing.probe(ag.primitive(np.tanh).defvjp(lambda ct, ans, x: ct * (1 - ans * ans)), x)
    assert report.verdict == "right"
    one_wrong = np.ones_like(x)
    one_wrong[:, 17] = 1.5
    wrong = ag.primitive(np.tanh).defvjp(lambda ct, ans, x: ct * (1 - ans * ans) * one_wrong)
    report = ag.testing.probe(wrong, x)
    assert report.verdict == "wrong"
    assert ", 17]" in report.reason


def test_an_operation_can_be_copied():
    """In a copy, and in another process, it is the same operation; what is known of it stays behind."""
    square, _ = counting()
    again = copy.deepcopy(square)
    assert ag.grad(again)(3.0) == 6.0
    probes = pickle.loads(pickle.dumps(square.probes.__reduce__()[0](*square.probes.__reduce__()[1])))
    probes.look((ag.Variable(1.0),), {})


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_the_report_reads_well():
    report = ag.testing.probe(CASES["cube"].operation, np.ones((2, 3)))
    lines = str(report).splitlines()
    assert lines[0] == "<lambda>(float64 2 x 3): right"
    assert [line.split()[0] for line in lines[1:]] == ["shapes", "linear", "first", "second", "at", "cost:"]
    assert lines[-1].endswith("ms; 10 times forward, 8 times backward")
    assert report.seconds > 0


def test_by_hand_on_something_else():
    with pytest.raises(ag.ConversionError, match="check_grads"):
        ag.testing.probe(np.sin, 1.0)


def test_rules_for_forward_mode_alone():
    right = ag.primitive(np.sin).defjvp(lambda t, ans, x: t * np.cos(x))
    assert ag.jvp(right, (0.0,), (1.0,))[1] == 1.0
    wrong = ag.primitive(np.sin).defjvp(lambda t, ans, x: t * np.sin(x))
    with pytest.raises(ag.ProbeError, match="JVP rules do not agree"):
        ag.jvp(wrong, (0.0,), (1.0,))


def test_nothing_slows_down_afterwards():
    """A known kind costs one look into a set."""
    square, _ = counting()
    ag.grad(square)(2.0)
    x = ag.Variable(2.0)
    with ag.GradientTape():
        a = x * 1.0
        start = time.perf_counter()
        for _ in range(1000):
            square.probes.look((a,), {})
        seconds = time.perf_counter() - start
    assert seconds < 0.02  # 20 us each, on a machine that does other things; about 0.6 us


@pytest.mark.parametrize(("name", "refused"), [("autograd_core 1", True), ("reader", False)])
def test_variables_are_moved_unless_a_thread_of_somebody_else_may_read_them(name, refused):
    w = ag.Variable(3.0, name="w")

    @ag.custom_gradient
    def times_w(x):
        def grad_fn(upstream, variables):
            return upstream * w, [upstream * x * 2.0]  # the second is twice what it should be

        return x * w, grad_fn

    def use():
        x = ag.constant(2.0)
        with ag.GradientTape() as tape:
            tape.watch(x)
            y = times_w(x)
        return tape.gradient(y, [x, w])

    done = threading.Event()
    thread = threading.Thread(target=done.wait, name=name, daemon=True)
    thread.start()
    try:
        if refused:
            with pytest.raises(ag.ProbeError, match="'w'"):
                use()
        else:
            use()
            assert "other threads" in str(times_w.probe_report)
    finally:
        done.set()
        thread.join()
