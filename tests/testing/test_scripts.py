"""Stand-alone scripts: they fail as the check did when run by themselves, and say so where they do not."""

import functools
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.testing import blame
from autograd_core.testing.blaming.scripts import write_script
from autograd_core.testing.blaming.sources import Source


@ag.custom_gradient
def steep(x):
    return x**3, lambda ct: ct * 2 * x**2


def cut(x):
    return np.sum(np.exp(x).numpy() * x)


def failing(f, args, **options):
    """What check_grads says of a function that is wrong."""
    with ag.probing(False), pytest.raises(ag.GradientCheckError) as caught:
        ag.testing.check_grads(f, args, **options)
    return caught.value


def script_of(path, f, args, with_blame=True, **options):
    error = failing(f, args, **options)
    return write_script(
        path / "reproduce.py", f, args, error, options, blame(f, args, **options) if with_blame else None
    )


def run(path):
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, cwd=path.parent, check=False)


def test_one_operation_alone_fails_by_itself(tmp_path):
    script = script_of(tmp_path, lambda x: np.sum(np.sin(steep(x))), (np.array([0.5, 1.25]),), order=1)
    assert script.reproduces
    assert "steep alone" in script.what
    done = run(script.path)
    assert done.returncode == 1
    assert "GradientCheckError" in done.stderr
    text = script.path.read_text(encoding="utf-8")
    for part in ("# A gradient that is wrong", "NumPy 2", f"autograd-core {ag.__version__}", "x = np.array(0.5)"):
        assert part in text


def test_a_function_in_which_no_operation_is_wrong(tmp_path):
    script = script_of(tmp_path, cut, (np.array([0.5, 1.25]),))
    assert script.reproduces
    assert "cut" in script.what
    assert "numpy() at" in script.path.read_text(encoding="utf-8")


def test_a_local_function_with_all_that_it_refers_to(tmp_path):
    power, table, kept = 3, {"scale": (2.0, [1, 2])}, ag.Variable([0.5, 1.0], name="kept")
    helper = functools.partial(np.multiply, 2.0)

    def inner(x):
        return helper(x) ** power * table["scale"][0]

    def outer(x, flag=True):
        return np.sum(inner(ag.stop_gradient(x)) * kept * x) if flag else None

    script = script_of(tmp_path, outer, (np.array([0.5, 1.25]),), order=1)
    assert script.reproduces, script.reason


class Model:
    """With a gradient by hand, and data."""

    def __init__(self, data):
        self.data, self.kept = np.asarray(data), {"w": ag.Variable([1.0, 2.0])}

    def loss(self, x):
        return np.sum(ag.stop_gradient(x) * self.data * self.kept["w"])


def test_methods_of_objects(tmp_path):
    class Local(Model):
        def loss(self, x):
            return super().loss(x) * np.sum(x)

    for model in (Model([0.5, 1.0]), Local([0.5, 1.0])):
        script = script_of(tmp_path, model.loss, (np.array([0.5, 1.25]),), order=1)
        assert script.reproduces, script.reason


def test_lambdas_on_one_line_are_told_apart(tmp_path):
    first, second = (lambda x: np.sum(np.sin(x))), (lambda x: np.sum(ag.stop_gradient(np.sin(x)) * x))
    assert first(1.0)
    script = script_of(tmp_path, second, (np.array([0.5, 1.25]),))
    assert script.reproduces, script.reason
    assert "stop_gradient" in script.path.read_text(encoding="utf-8").rpartition("import autograd_core")[2]


def test_large_arrays_are_in_a_file_beside_it(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    script = script_of(tmp_path, lambda x: np.sum(np.dot(cut(x), np.ones(())) * x[19, 29]), (x,), order=1)
    assert script.reproduces, script.reason
    with np.load(tmp_path / "reproduce.npz") as data:
        np.testing.assert_array_equal(data["x"], x)
    assert len(script.path.read_text(encoding="utf-8")) < 4000


def test_structures_as_arguments(tmp_path):
    args = ({"w": np.array([0.5, 1.25]), "b": 2.0}, [np.array([1.0, 2.0]), 3])

    def f(parameters, xs):
        return np.sum(ag.stop_gradient(parameters["w"]) * xs[0] ** xs[1] + parameters["b"])

    script = script_of(tmp_path, f, args, order=1)
    assert script.reproduces, script.reason


def test_a_script_that_does_not_fail_says_so(tmp_path):
    """The function is wrong only after something that happened in the process that checked it."""
    error = failing(cut, (np.array([0.5, 1.25]),))
    script = write_script(tmp_path / "reproduce.py", np.sin, (np.array([0.5, 1.25]),), error)
    assert not script.reproduces
    assert script.reason == "run by itself it does not fail."
    first = script.path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# THIS SCRIPT DOES NOT REPRODUCE THE FAILURE: run by itself it does not fail."
    assert run(script.path).returncode == 0


def test_what_cannot_be_written_is_left_to_be_filled_in(tmp_path):
    generator = np.random.default_rng(0)

    def f(x):
        generator.normal()
        return np.sum(ag.stop_gradient(x))

    script = script_of(tmp_path, f, (np.array([0.5, 1.25]),))
    assert not script.reproduces
    assert "Not written: generator" in script.reason
    text = script.path.read_text(encoding="utf-8")
    assert "DOES NOT REPRODUCE" in text.splitlines()[0]
    assert "generator = ...  # TO FILL IN" in text


def test_one_that_fails_in_another_way_says_so(tmp_path):
    error = failing(cut, (np.array([0.5, 1.25]),))

    def f(x):
        raise ZeroDivisionError("of its own")

    script = write_script(tmp_path / "reproduce.py", f, (np.array([0.5]),), error)
    assert not script.reproduces
    assert "fails in another way: ZeroDivisionError" in script.reason


# -- text --------------------------------------------------------------------------------------------------------------


def test_a_name_that_stands_for_two_things_is_not_believed():
    source = Source()
    source.bind("x", 1.0)
    source.bind("x", 2.0)
    assert source.missing == ["x: stands for two things in what was pasted here"]


def test_what_is_too_much_is_not_written():
    chain = None
    for number in range(300):
        chain = functools.partial(print, number, np.arange(5.0) + number, chain)
    source = Source()
    source.bind("chain", chain)
    assert "too much to write down" in source.missing[0]
    assert len(source.text()) < 50_000


def test_what_is_written_inside_of_the_library_is_left_out():
    source = Source()
    source.bind("inner", ag.grad(np.sin))
    assert source.missing
    assert "def " not in source.text()


def test_a_row_applied_for_many_at_once(tmp_path):
    """Under vmap the operation is one that the library makes; the script then is of the whole."""
    f = lambda x: np.sum(ag.vmap(lambda row: steep(np.sum(row)))(x))
    script = script_of(tmp_path, f, (np.ones((3, 2)),), order=1)
    assert script.reproduces, script.reason


def test_what_is_imported():
    source = Source()
    source.bind("join", __import__("os.path").path.join)
    source.bind("linalg", np.linalg)
    source.bind("sine", np.sin)
    source.bind("length", len)
    text = source.text()
    scope = {}
    exec(text, scope)
    assert scope["sine"] is np.sin
    assert scope["linalg"] is np.linalg
    assert scope["length"] is len
    assert "builtins" not in text
    assert scope["join"]("a", "b").endswith("b")
