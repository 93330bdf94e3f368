"""The pytest plugin: what a test sees, what a failing one leaves, what the terminal says."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pytest_autograd_core as plugin
from autograd_core.testing import plugin as behind
from autograd_core.testing.blaming import scripts

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent.parent

# Run in this process, the plugin has been imported before it could be rewritten.
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")

HEAD = "import numpy as np\nimport pytest\nimport autograd_core as ag\nimport mylib\n"

LIBRARY = """
import numpy as np
import autograd_core as ag

@ag.custom_gradient
def cube(x):
    return x**3, lambda ct: ct * 3 * x**2

@ag.custom_gradient
def steep(x):
    return x**3, lambda ct: ct * 2 * x**2
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder with a small library, and how to run tests in it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # In other processes scripts are run to see whether they fail; here that would be most of the time.
    monkeypatch.setattr(scripts, "_run", lambda path, expected: "")
    pytester.makepyfile(mylib=LIBRARY)

    def run(tests, *options, subprocess=False):
        source = "import numpy as np\nimport pytest\nimport autograd_core as ag\nimport mylib\n" + textwrap.dedent(
            tests
        )
        pytester.makepyfile(test_it=source)
        start = pytester.runpytest_subprocess if subprocess else pytester.runpytest_inprocess
        return start("-p", "pytest_autograd_core", "-p", "no:cacheprovider", *QUIET, *options)

    run.path = pytester.path
    run.left = pytester.path / ".pytest_gradients"
    return run


WRONG = """
def test_steep(check_grads):
    check_grads(lambda x: np.sum(np.sin(mylib.steep(x))), (np.array([0.5, 1.25]),))
"""

RIGHT = WRONG.replace("steep(x)", "cube(x)")


def test_three_lines(project):
    result = project("""
    @pytest.mark.check_grads(order=2)
    def test_cube(check_grads):
        check_grads(mylib.cube, (np.ones(3),))
    """)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["gradients: 1 checked, 1 agree"])
    assert not project.left.exists()


def test_a_failing_test_leaves_picture_script_and_report(project):
    result = project(WRONG, subprocess=True)  # as users run it: nothing imported before
    result.assert_outcomes(failed=1)
    folder = project.left / "test_it.test_steep"
    assert {"reproduce.py", "report.txt"} < {path.name for path in folder.iterdir()}
    result.stdout.fnmatch_lines(
        [
            "*GradientCheckError*",
            "*- gradients -*",
            "input *order*mode*",
            "args?0?*wrong*",
            "The rule of steep, applied at *test_it.py:*, is wrong: the derivative in x is * by its rule, * by diff*",
            "wrong graph: *.pytest_gradients*test_it.test_steep*graph.*",
            "to run by itself: *.pytest_gradients*test_it.test_steep*reproduce.py",
            "gradients: 1 checked, 1 wrong (files in .pytest_gradients)",
        ]
    )
    assert "does not reproduce" not in result.stdout.str()
    assert (project.left / ".gitignore").read_text(encoding="utf-8") == "*\n"
    done = subprocess.run(
        [sys.executable, str(folder / "reproduce.py")], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "GradientCheckError" in done.stderr
    assert "test_it.py::test_steep" in (folder / "reproduce.py").read_text(encoding="utf-8")


def test_the_traceback_ends_at_the_test(project):
    result = project(WRONG)
    assert "judging.py" not in result.stdout.str()
    assert "autograd_core/testing" not in result.stdout.str()


def test_a_test_that_passes_again_removes_what_it_left(project):
    project(WRONG)
    assert (project.left / "test_it.test_steep" / "reproduce.py").is_file()
    project(RIGHT.replace("cube", "cube").replace("test_cube", "test_steep"))
    assert not project.left.exists()


def test_what_others_have_put_there_stays(project):
    project(WRONG)
    note = project.left / "test_it.test_steep" / "note.txt"
    note.write_text("mine", encoding="utf-8")
    project(RIGHT)
    assert [path.name for path in note.parent.iterdir()] == ["note.txt"]


def test_an_expected_failure_leaves_nothing(project):
    result = project("""
    def test_expected(check_grads):
        with pytest.raises(ag.GradientCheckError):
            check_grads(mylib.steep, np.ones(2))

    def test_other(check_grads):
        with pytest.raises(ag.GradientCheckError):
            check_grads(mylib.steep, np.ones(2))
        assert False, "for another reason"

    @pytest.mark.xfail
    def test_known(check_grads):
        check_grads(mylib.steep, np.ones(2))
    """)
    result.assert_outcomes(passed=1, failed=1, xfailed=1)
    assert not project.left.exists()


def test_options_of_the_marker_and_of_the_call(project):
    result = project("""
    pytestmark = pytest.mark.check_grads(order=1)

    @pytest.mark.check_grads(modes=("rev",))
    class TestAll:
        def test_modes(self, check_grads):
            report = check_grads(np.sin, 0.5)
            assert {(each.order, each.mode) for each in report.verdicts} == {(1, "rev")}

        @pytest.mark.check_grads(modes=("fwd",), dtype="float32")
        def test_nearest_wins(self, check_grads):
            seen = []
            report = check_grads(lambda x: seen.append(x.dtype) or np.sin(x), (np.ones(2),))
            assert {(each.order, each.mode) for each in report.verdicts} == {(1, "fwd")}
            assert set(map(str, seen)) == {"float32", "complex64"}  # the complex step

        def test_the_call_wins(self, check_grads):
            report = check_grads(np.sin, 0.5, order=2, modes=("rev", "fwd"))
            assert max(each.order for each in report.verdicts) == 2

        def test_tolerances(self, check_grads):
            check_grads(mylib.steep, 0.5, rtol=0.5)

    def test_no_gradients():
        pass
    """)
    result.assert_outcomes(passed=5)


def test_marks_that_check_nothing_are_refused(project):
    result = project("""
    @pytest.mark.check_grads
    def test_forgets_the_fixture():
        pass

    @pytest.mark.check_grads(ordr=2)
    def test_misspelt(check_grads):
        check_grads(np.sin, 0.5)

    @pytest.mark.check_grads(2)
    def test_by_position(check_grads):
        check_grads(np.sin, 0.5)

    @pytest.mark.check_grads
    def test_forgets_the_call(check_grads):
        pass
    """)
    result.assert_outcomes(errors=4, passed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*does not take the fixture*",
            "*ordr is no option of it; it takes order, modes*",
            "*The function and its arguments go to the fixture*",
            "*called the fixture check_grads not once*",
        ]
    )


def test_the_marker_is_registered(project):
    project("def test_nothing(): pass", "--strict-markers", "-W", "error", subprocess=True).assert_outcomes(passed=1)
    project("def test_nothing(): pass", "--markers").stdout.fnmatch_lines(["@pytest.mark.check_grads(order=2, *"])


def test_strategies_are_drawn_from(project):
    result = project("""
    from hypothesis import strategies as st

    @pytest.mark.check_grads(examples=7)
    def test_examples(check_grads):
        drawn = []
        check_grads(lambda x, n: np.sum(x**n), (st.floats(1, 2).map(lambda x: drawn.append(x) or x), 2))
        assert 7 <= len(drawn) <= 9

    def test_right(check_grads):
        check_grads(mylib.cube, ag.testing.strategies.arrays((3,)), examples=5)

    def test_wrong_for_large_ones(check_grads):
        @ag.custom_gradient
        def f(x):
            return x**2, lambda ct: ct * 2 * np.minimum(x, 1.0)

        check_grads(f, st.floats(-4.0, 4.0))
    """)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*arguments=(2.0,),*", "gradients: 3 checked, 2 agree, 1 wrong*"])


def test_gradients_of_other_libraries(project):
    result = project(
        """
    def test_right(check_grads):
        check_grads(lambda x: np.sum(x**2), np.ones(3), grad=lambda x: 2 * x)

    def test_wrong(check_grads):
        check_grads(lambda x: np.sum(x**2), np.ones(3), grad=lambda x: 3 * x)

    def test_vjp(check_grads):
        check_grads(np.sin, np.ones(3), vjp=lambda ct, x: ct * np.cos(x))
    """,
        subprocess=True,
    )
    assert "does not reproduce" not in result.stdout.str()
    result.assert_outcomes(passed=2, failed=1)
    assert "check_foreign" in (project.left / "test_it.test_wrong" / "reproduce.py").read_text(encoding="utf-8")


def test_odd_names(project):
    result = project("""
    @pytest.mark.parametrize("name", ["a/b", "a:b", "..", "x" * 300, "ä ö", "nul", ""])
    def test_names(check_grads, name):
        check_grads(mylib.steep, 0.5)
    """)
    result.assert_outcomes(failed=7)
    folders = [path for path in project.left.iterdir() if path.is_dir()]
    assert len(folders) == 7
    assert all((path / "report.txt").is_file() and len(path.name) < 120 for path in folders)


@pytest.mark.slow
def test_workers_of_xdist(project):
    pytest.importorskip("xdist")
    tests = "\n".join(
        (WRONG + RIGHT.replace("test_steep", "test_right")).replace("def test_", f"def test_{n}_") for n in (1, 2)
    )
    result = project(tests, "-n", "2", subprocess=True)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["gradients: 4 checked, 2 agree, 2 wrong (files in .pytest_gradients)"])
    assert len([path for path in project.left.iterdir() if path.is_dir()]) == 2


def test_another_folder(project):
    project(WRONG, "--gradients-dir", "elsewhere/deep")
    assert (project.path / "elsewhere" / "deep" / "test_it.test_steep" / "report.txt").is_file()
    (project.path / "pytest.ini").write_text("[pytest]\ngradients_dir = fromini\n", encoding="utf-8")
    result = project(WRONG)
    assert (project.path / "fromini" / "test_it.test_steep" / "report.txt").is_file()
    result.stdout.fnmatch_lines(["*files in fromini*"])


def test_without_graphviz_the_source_is_left(project, monkeypatch):
    monkeypatch.setattr(sys.modules["autograd_core.graph.render"], "can_draw", lambda: False)
    result = project(WRONG)
    assert (project.left / "test_it.test_steep" / "graph.dot").is_file()
    result.stdout.fnmatch_lines(["*graph.dot (its source only:*autograd-core?draw?*"])


def test_a_failure_to_write_does_not_hide_the_failure(project, monkeypatch):
    def broken(*args, **options):
        raise OSError("disk is full")

    monkeypatch.setattr(behind, "write_script", broken)
    result = project(WRONG)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*GradientCheckError*", "*could not be written: OSError: disk is full*"])


def test_where_many_tests_fail_scripts_are_not_run(project, monkeypatch):
    monkeypatch.setattr(behind, "SECONDS_OF_SCRIPTS", 0.0)
    monkeypatch.setattr(scripts, "_run", None)
    project(WRONG).stdout.fnmatch_lines(["to run by itself: *reproduce.py (not tried: many tests have failed)"])
    text = (project.left / "test_it.test_steep" / "reproduce.py").read_text(encoding="utf-8")
    assert text.startswith("# THIS SCRIPT MAY NOT REPRODUCE THE FAILURE: it has not been run")


def test_the_check_that_failed_is_the_one_shown(project):
    result = project("""
    def test_two(check_grads):
        with pytest.raises(ag.GradientCheckError) as first:
            check_grads(mylib.steep, np.ones(2))
        with pytest.raises(ag.GradientCheckError):
            check_grads(lambda x: np.sum(ag.stop_gradient(x) * x), np.ones(2))
        raise first.value
    """)
    result.stdout.fnmatch_lines(["The rule of steep is wrong*"])


def test_a_function_that_runs_only_once(project):
    result = project("""
    def test_once(check_grads):
        def f(x):
            if not active:
                raise RuntimeError("over")
            return mylib.steep(x)

        active = [1]
        try:
            check_grads(f, np.ones(2))
        finally:
            active.clear()
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["wrong graph: *none (RuntimeError: over)", "to run by itself: *reproduce.py*"])


def test_bad_calls_are_told(project):
    result = project("""
    def test_no_arguments(check_grads):
        with pytest.raises(ag.ConversionError, match="cube takes x"):
            check_grads(mylib.cube)

    def test_no_function(check_grads):
        with pytest.raises(ag.ConversionError, match="first argument is a ndarray"):
            check_grads(np.ones(3), mylib.cube)
    """)
    result.assert_outcomes(passed=2)


def test_an_error_in_the_function_is_the_users(project):
    result = project("""
    def test_raises(check_grads):
        check_grads(lambda x: x.nothing, 0.5)
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AttributeError*", "gradients: 1 checked, 1 ended in an error"])
    assert not project.left.exists()


def test_nothing_is_imported_before_a_test_asks():
    """Loaded in every run of pytest by anybody who installed the package, the plugin is light."""
    code = (
        "import sys, pytest; before = set(sys.modules); import pytest_autograd_core; "
        "print(sorted(name for name in set(sys.modules) - before if name.partition('.')[0] in "
        "('numpy', 'autograd_core', 'hypothesis', 'graphviz')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("tests/test_ops.py::test_add", "tests.test_ops.test_add"),
        ("tests/test_ops.py::TestAll::test_add", "tests.test_ops.TestAll.test_add"),
    ],
)
def test_names_of_folders(nodeid, name):
    assert plugin.folder_name(nodeid) == name


def test_different_tests_have_different_folders():
    nodeids = ["t.py::a[b/c]", "t.py::a[b.c]", "t.py::a[b c]", "t.py::a[b-c]", "t.py::a.b", "t.py::a" + "x" * 200]
    assert len({plugin.folder_name(nodeid) for nodeid in nodeids}) == len(nodeids)
    assert all(len(plugin.folder_name(nodeid)) <= plugin.LONGEST + 9 for nodeid in nodeids)


def test_a_folder_that_cannot_be_written_to(project):
    project.left.write_text("a file", encoding="utf-8")
    result = project(WRONG)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["The rule of steep, applied at *", "Its files could not be written: *--gradients-dir*"]
    )


def test_a_check_in_a_fixture(project):
    result = project("""
    @pytest.fixture
    def checked(check_grads):
        return check_grads(mylib.steep, np.ones(2))

    def test_it(checked):
        pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*- gradients -*", "The rule of steep*", "gradients: 1 checked, 1 wrong*"])
    assert (project.left / "test_it.test_it" / "reproduce.py").is_file()


def test_a_class_of_unittest(project):
    result = project("""
    import unittest

    class TestSteep(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _gradients(self, check_grads):
            self.check_grads = check_grads

        def test_gradient(self):
            self.check_grads(mylib.steep, np.ones(2))
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- gradients -*", "The rule of steep*"])


def test_arguments_that_are_not_in_a_tuple(project):
    result = project("""
    def test_product(check_grads):
        check_grads(np.multiply, np.ones(2), np.ones(2))
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ConversionError: check_grads: got 2 arguments after the function; *(f, (x, y))*"])
    assert "plugin.py" not in result.stdout.str()
