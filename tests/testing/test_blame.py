"""blame: the operation whose rule is wrong is named, alone and at small inputs; where none is, what else is wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops.table import TABLE
from autograd_core.testing import blame
from autograd_core.testing.blaming.local import Run

ROOT = Path(__file__).resolve().parent.parent.parent


@ag.custom_gradient
def cube(x):
    return x**3, lambda ct: ct * 2 * x**2


@ag.primitive
def scaled(x, y, *, times=1):
    return x * y * times


scaled.defvjp(lambda ct, ans, x, y, times=1: ct * y * times, lambda ct, ans, x, y, times=1: -ct * x * times)


@ag.primitive
def right(x):
    return x * x


right.defvjp(lambda ct, ans, x: ct * 2 * x)


def line_of(function, text):
    """The number of the line of a function that has a text in it."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if n >= function.__code__.co_firstlineno and text in line)


def program(x):
    y = np.sin(right(x))
    z = cube(y)  # the wrong one
    return np.sum(z * np.cos(x))


def test_it_names_the_operation_and_the_line():
    found = blame(program, np.array([0.3, 1.25]))
    assert found
    assert (found.operation, len(found.faults)) == ("cube", 1)
    assert found.node.operation == "cube"
    assert found.place == f"{__file__}:{line_of(program, '# the wrong one')}"
    assert "cube, applied at" in str(found)
    assert "by its rule" in str(found)
    assert "by differences" in str(found)


def test_the_graph_is_the_operation_alone_at_small_inputs():
    fault = blame(program, np.linspace(0.1, 1.3, 50)).faults[0]
    assert [np.shape(x) for x in fault.arguments] == [()]
    assert fault.names == ("x",)
    graph = fault.graph()
    assert [node.operation for node in graph.nodes] == [None, "cube"]
    assert graph.edges[0].local_derivative == pytest.approx(2 * fault.arguments[0] ** 2)


def test_a_program_that_is_right_has_no_fault():
    found = blame(lambda x: np.sum(np.sin(right(x)) / x), np.array([0.3, 1.25]))
    assert not found
    assert (found.node, found.operation, found.place, found.code) == (None, None, None, None)
    assert str(found).startswith("Nothing is wrong")


def test_the_argument_that_is_wrong_is_named():
    found = blame(lambda x, y: np.sum(scaled(x, y, times=3)), (np.ones((2, 3)), np.array([0.5, 1.5, 2.5])))
    assert found.faults[0].wrong_inputs() == ["y"]
    assert "times=3" in found.code
    assert "in y" in str(found)


def test_what_is_constant_is_held():
    found = blame(lambda y: np.sum(scaled(np.float64(2.0), y)), np.array([0.5, 1.5]))
    assert (found.operation, found.faults[0].names) == ("scaled", ("y",))


def test_several_rules_that_are_wrong_are_all_named():
    found = blame(lambda x: np.sum(scaled(cube(x), cube(x))), np.array([0.5, 1.5]))
    assert sorted(fault.operation for fault in found.faults) == ["cube", "scaled"]


@pytest.mark.parametrize("name", ["tanh", "matmul", "sum", "transpose", "cumsum", "solve"])
def test_a_wrong_row_of_the_table_is_named(name, monkeypatch):
    """Breaking one row: it is named, also where others, which its rule applies, are right."""
    programs = {
        "tanh": (lambda x: np.sum(np.tanh(np.sin(x)) * x), np.array([0.3, 0.7])),
        "matmul": (lambda x: np.sum(np.sin(x @ x)), np.array([[0.3, 0.7], [1.1, -0.2]])),
        "sum": (lambda x: np.sin(np.sum(x * x, axis=0))[1], np.array([[0.3, 0.7], [1.1, -0.2]])),
        "transpose": (lambda x: np.sum(np.exp(x.T) * np.array([1.0, 2.0])), np.array([[0.3, 0.7], [1.1, -0.2]])),
        "cumsum": (lambda x: np.sum(np.cumsum(np.sin(x)) ** 2), np.array([0.3, 0.7, 0.2])),
        "solve": (lambda x: np.sum(np.linalg.solve(x, np.ones(2))), np.array([[2.3, 0.7], [0.1, 1.2]])),
    }
    row = next(row for row in TABLE if row.name == name)
    f, x = programs[name]
    assert not blame(f, x, order=1)
    first = row.vjps[0]

    def broken(*args, **params):
        return first(*args, **params) * 1.5

    monkeypatch.setattr(row, "vjps", (broken, *row.vjps[1:]))
    found = blame(f, x, order=1, modes=("rev",))
    assert found.operation == name
    assert sum(np.size(point) for point in found.faults[0].arguments) <= 6


def test_a_rule_for_forward_mode_is_checked_too():
    @ag.primitive
    def squared(x):
        return x * x

    squared.defvjp(lambda ct, ans, x: 2 * ct * x).defjvp(lambda t, ans, x: 3 * t * x)
    found = blame(lambda x: squared(np.sin(x)), np.array([0.3, 0.7]), modes=("rev", "fwd"))
    assert found.operation == "squared"
    assert "JVP rule" in str(found)
    assert not blame(lambda x: squared(np.sin(x)), np.array([0.3, 0.7]), modes=("rev",))


def test_a_second_derivative_is_traced_to_the_rule_that_makes_it():
    """``helper`` is only in the rule of ``squared``: the first derivative is right, and its own rule is wrong."""

    @ag.primitive
    def helper(x):
        return 2 * x

    helper.defvjp(lambda ct, ans, x: ct * 5)

    @ag.primitive
    def squared(x):
        return x * x

    squared.defvjp(lambda ct, ans, x: ct * helper(x))
    f = lambda x: np.sum(squared(x))
    assert not blame(f, np.array([0.3, 0.7]), order=1)
    found = blame(f, np.array([0.3, 0.7]), order=2)
    assert found.operation == "helper"
    assert found.faults[0].via == "squared"
    assert "which the rule of squared applies" in str(found)


def test_a_stale_value_in_a_rule_is_found_in_the_second_derivative():
    @ag.custom_gradient
    def squared(x):
        before = ag.constant(x.numpy())
        return x * x, lambda ct: ct * 2 * before

    found = blame(lambda x: np.sum(squared(x)), np.array([0.3, 0.7]), order=2)
    assert (found.operation, found.faults[0].order) == ("squared", 2)
    assert "second derivative" in str(found)


def test_a_cotangent_of_another_shape_is_a_fault():
    @ag.primitive
    def total(x):
        return np.sum(x)

    total.defvjp(lambda ct, ans, x: np.ones(7) * ct)
    assert blame(lambda x: total(np.sin(x)), np.array([0.3, 0.7])).operation == "total"


def test_a_rule_that_raises_is_a_fault():
    @ag.primitive
    def doubled(x):
        return 2 * x

    doubled.defvjp(lambda ct, ans: ct)
    found = blame(lambda x: np.sum(doubled(np.sin(x))), np.array([0.3, 0.7]))
    assert found.operation == "doubled"
    assert "its rule raised TypeError" in str(found)


def test_what_a_checkpoint_computes_is_looked_at():
    inner = ag.checkpoint(lambda x: np.sin(cube(x)))
    assert blame(lambda x: np.sum(inner(x) * x), np.array([0.3, 0.7]), order=1).operation == "cube"
    assert not blame(lambda x: np.sum(ag.checkpoint(np.sin)(x) * x), np.array([0.3, 0.7]), order=1)


def test_custom_gradients_with_structures_and_keywords():
    @ag.custom_gradient
    def affine(parameters, x, power=2):
        w, b = parameters["w"], parameters["b"]
        return w * x**power + b, lambda ct: ({"w": ct * x**power, "b": ct * 2}, ct * power * w * x ** (power - 1))

    args = ({"w": np.array([1.5, 2.0]), "b": np.array([0.5, 1.0])}, np.array([0.2, 0.4]))
    found = blame(lambda parameters, x: np.sum(affine(parameters, np.sin(x), power=3)), args)
    assert found.operation == "affine"
    assert "power=3" in found.code
    assert_fails_alike(found.code)


def test_operations_with_several_results():
    @ag.primitive
    def both(x):
        return x * x, np.sin(x)

    both.defvjp(lambda ct, ans, x: ct[0] * 2 * x + ct[1])
    found = blame(lambda x: np.sum(both(x)[0] * both(x)[1]), np.array([0.3, 0.7]))
    assert found.operation == "both"
    assert found.graph().nodes


def test_variables_are_inputs_too():
    w = ag.Variable([0.5, 1.5], name="w")
    found = blame(lambda x: np.sum(scaled(x, w)), np.array([0.3, 0.7]))
    assert (found.operation, found.faults[0].wrong_inputs()) == ("scaled", ["y"])


def test_kinks_and_float32_are_no_faults():
    x = np.array([0.0, -1.0, 2.0], np.float32)
    assert not blame(lambda x: np.sum(np.maximum(x, 0) + np.abs(x)), x, order=1)


def test_complex_numbers():
    @ag.primitive
    def conjugate_product(x, y):
        return np.conj(x) * y

    conjugate_product.defvjp(lambda ct, ans, x, y: ct * y, lambda ct, ans, x, y: ct * np.conj(x))
    args = (np.array([1 + 2j, 0.5 - 1j]), np.array([0.3 + 1j, 2 - 0.5j]))
    found = blame(lambda x, y: np.real(np.sum(conjugate_product(x, y))), args, order=1)
    assert (found.operation, found.faults[0].wrong_inputs()) == ("conjugate_product", ["x"])


# -- no operation is to blame ------------------------------------------------------------------------------------------


def cut(x):
    y = np.exp(x)
    return np.sum(y.numpy() * x)  # leaves


def test_a_path_that_leaves_the_graph_is_told():
    found = blame(cut, np.array([0.3, 0.7]))
    assert found
    assert found.faults == ()
    assert f"numpy() at {__file__}:{line_of(cut, '# leaves')}" in found.explanation
    assert "Every operation is right by itself" in str(found)
    assert isinstance(found.error, ag.GradientCheckError)


def test_the_whole_is_made_small_too(monkeypatch):
    monkeypatch.setattr(
        sys.modules["autograd_core.testing.blaming.blame"], "QUICK", 60.0
    )  # however busy the machine is
    found = blame(cut, np.linspace(0.1, 1.0, 40))
    assert [np.shape(x) for x in found.arguments] == [()]
    assert len(found.graph().nodes) < 8


def test_stop_gradient_is_told():
    found = blame(lambda x, y: np.sum(ag.stop_gradient(x) * y), (np.array([0.3, 0.7]), 2.0))
    assert "stop_gradient at" in found.explanation


def test_a_value_from_elsewhere_is_told():
    kept = np.array([0.3, 0.7])

    def f(x):
        kept[:] = as_array(x)
        return np.sum(ag.constant(kept) * x)

    def as_array(x):
        return np.asarray(x.array)

    found = blame(f, np.array([0.3, 0.7]))
    assert found.explanation
    assert found.faults == ()


def test_a_function_that_cannot_be_checked():
    generator = np.random.default_rng(0)
    found = blame(lambda x: np.sum(x * generator.normal()), np.array([0.3, 0.7]))
    assert found.faults == ()
    assert "cannot be checked" in str(found)
    assert "called twice with the same arguments" in str(found)


def test_an_argument_that_is_not_used_is_no_fault():
    assert not blame(lambda x, y: np.sum(x), (np.array([0.3, 0.7]), 2.0))


# -- pictures and text -------------------------------------------------------------------------------------------------


def assert_fails_alike(code):
    """Run as a file of its own, a text ends with a gradient that is wrong."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "GradientCheckError" in done.stderr, done.stderr


def test_the_picture_marks_the_edge_and_says_what_is_wrong(tmp_path):
    file = blame(lambda x: np.sum(scaled(x, x)), np.array([0.5, 1.5])).render(tmp_path / "wrong.dot")
    text = file.read_text(encoding="utf-8")
    assert "#C0392B" in text
    assert "The rule of scaled is wrong" in text
    assert "The derivative in y is" in text


def test_a_picture_of_the_whole_where_no_operation_is_to_blame(tmp_path):
    text = blame(cut, np.array([0.3, 0.7])).render(tmp_path / "cut.dot").read_text(encoding="utf-8")
    assert "Every operation is right by itself" in text
    assert "multiply" in text


def test_the_code_of_an_operation_fails_by_itself():
    power = 3.0

    @ag.primitive
    def local(x, weight):
        return weight * x**power

    local.defvjp(lambda ct, ans, x, weight: ct * weight * 2 * x, lambda ct, ans, x, weight: ct * x**power)
    weights = np.array([2.0, 3.0])
    assert_fails_alike(blame(lambda x: np.sum(local(x, weights)), np.array([0.5, 1.5])).code)


def test_the_code_imports_what_can_be_imported():
    code = blame(program, np.array([0.3, 1.25])).code
    assert f"from {cube.__module__} import cube" in code or "def cube(x):" in code


def test_the_code_of_a_row_is_written_with_public_names(monkeypatch):
    row = next(row for row in TABLE if row.name == "tanh")
    monkeypatch.setattr(row, "vjps", (lambda ct, ans, x: ct * ans,))
    code = blame(lambda x: np.sum(np.tanh(np.sin(x))), np.array([0.3, 0.7]), order=1).code
    assert "np.tanh(x)" in code


def test_large_programs_are_bounded():
    def f(x):
        for _ in range(1000):
            x = np.sin(x)
        return np.sum(cube(x))

    assert blame(f, np.array([0.3, 0.7]), order=1).operation == "cube"


def test_a_run_knows_what_it_could_not_look_at():
    run = Run(lambda x: np.sum(np.sin(x) * x), (np.array([0.3]),))
    assert [local.node.operation for local in run.locals] == ["sin", "multiply", "sum"]
    assert run.skipped == []


@pytest.mark.parametrize(
    ("f", "args", "error"),
    [
        (np.sin, (), ag.DtypeError),
        (np.sin, (np.array([1, 2]),), ag.DtypeError),
        (lambda x: x, (np.array([np.nan]),), ag.DomainError),
    ],
)
def test_what_cannot_be_checked_is_refused(f, args, error):
    with pytest.raises(error):
        blame(f, args)
