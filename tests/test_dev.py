"""dev.py: what it would run and install, and what it says. Nothing here starts pip or makes an environment."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

import dev


class Machine:
    """Stands for the machine: notes the commands, and says which of them fail."""

    def __init__(self):
        self.commands = []
        self.failing = []  # texts; a command that holds one fails
        self.has_python = True

    def answer(self, command):
        text = " ".join(str(word) for word in command)
        self.commands.append(text)
        return not any(failing in text for failing in self.failing)

    def run(self, command):
        return 0 if self.answer(command) else 1

    def run_quietly(self, command):
        works = self.answer(command)
        if "sys.version" in self.commands[-1]:
            return (True, "3.12") if self.has_python else (False, "no such file")
        if "-m venv" in self.commands[-1] and works:
            self.has_python = True
        return works, "" if works else "the reason\nmore"

    def installed(self):
        return re.findall(r"--editable \.\[(.*?)\]", "\n".join(self.commands))


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with a working `.venv`, in a folder of its own."""
    venv = tmp_path / ".venv"
    venv.mkdir()
    (venv / "pyvenv.cfg").touch()
    (tmp_path / "pyproject.toml").write_text("first")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENV", venv)
    monkeypatch.setattr(dev, "STAMP", venv / "stamp.json")
    machine = Machine()
    monkeypatch.setattr(dev, "run", machine.run)
    monkeypatch.setattr(dev, "run_quietly", machine.run_quietly)
    return machine


def test_python_of_the_environment():
    """Windows keeps it in Scripts."""
    assert dev.venv_python(Path("v"), "nt") == Path("v/Scripts/python.exe")
    assert dev.venv_python(Path("v"), "posix") == Path("v/bin/python")


def test_another_environment_does_not_leak_in():
    """Started from inside another environment, its variables are replaced or left out."""
    outer = {"VIRTUAL_ENV": "/other", "PYTHONHOME": "/other", "PYTHONPATH": "/other", "PATH": "/other/bin", "LANG": "C"}
    inner = dev.venv_environment(outer)
    assert inner["VIRTUAL_ENV"] == str(dev.VENV)
    assert inner["PATH"].split(os.pathsep) == [str(dev.venv_python().parent), "/other/bin"]
    assert inner["LANG"] == "C"
    assert not {"PYTHONHOME", "PYTHONPATH"} & set(inner)


def test_installs_once(machine):
    """A second run installs nothing; another extra is added to what is there."""
    dev.prepare(["demos"], optional=["draw"])
    dev.prepare(["demos"], optional=["draw"])
    assert machine.installed() == ["demos", "draw"]
    dev.prepare(["demos", "test"])
    assert machine.installed() == ["demos", "draw", "test"]


@pytest.mark.parametrize("stamp", [None, "", "{", '{"fingerprint": "of another time", "extras": {}}'])
def test_installs_again_when_the_project_changed(machine, stamp):
    """A change of pyproject.toml, and a stamp that is gone or garbled, means a new installation."""
    dev.prepare(["demos"])
    if stamp is None:
        (dev.ROOT / "pyproject.toml").write_text("second")
    else:
        dev.STAMP.write_text(stamp)
    dev.prepare(["demos"])
    assert machine.installed() == ["demos", "demos"]


def test_the_fingerprint_tells_apart():
    """The project's description, the Python and the place of the checkout all count."""
    prints = {
        dev.fingerprint(pyproject, version, root)
        for pyproject in (b"1", b"2")
        for version in ("3.10", "3.11")
        for root in (Path("a"), Path("b"))
    }
    assert len(prints) == 8


def test_goes_on_without_an_optional_extra(machine, capsys):
    """An extra that does not install costs one line, once."""
    machine.failing = ["[draw]"]
    dev.prepare(["demos"], optional=["draw"])
    out = capsys.readouterr().out
    assert out.splitlines()[1:] == ["Going on without the optional extra 'draw': it does not install here."]
    dev.prepare(["demos"], optional=["draw"])
    assert machine.installed() == ["demos", "draw"]
    assert json.loads(dev.STAMP.read_text())["extras"] == {"installed": ["demos"], "unavailable": ["draw"]}


def test_a_failed_installation_shows_what_pip_said(machine, capsys):
    """What pip wrote is shown, the command fails, and the next run tries again."""
    machine.failing = ["[demos]"]
    assert dev.main(["quickstart"]) == 1
    assert "the reason" in capsys.readouterr().err
    assert not dev.STAMP.exists()


def test_makes_the_environment(machine):
    """A missing or broken environment is made; a working one is not touched."""
    dev.prepare(["demos"])
    assert not any("-m venv" in command for command in machine.commands)
    machine.has_python = False
    dev.prepare(["demos"])
    assert any("-m venv --clear" in command for command in machine.commands)


def test_without_ensurepip(machine):
    """Where `venv` cannot give the environment pip, this Python's own pip does."""
    machine.has_python = False
    machine.failing = [f"venv --clear {dev.VENV}"]
    dev.prepare(["demos"])
    assert any(command.endswith("install pip") for command in machine.commands)
    assert machine.installed() == ["demos"]


def test_without_venv(machine, capsys):
    """Where `venv` does not work at all, one message says why and what to do."""
    machine.has_python = False
    machine.failing = ["-m venv"]
    assert dev.main(["test"]) == 1
    message = capsys.readouterr().err
    assert "the reason" in message
    assert "apt install python3-venv" in message
    assert not dev.VENV.exists()


def test_a_folder_that_is_not_an_environment_is_left_alone(machine, capsys):
    """`.venv` with something else in it is not cleared."""
    machine.has_python = False
    (dev.VENV / "pyvenv.cfg").rename(dev.VENV / "mine.txt")
    assert dev.main(["docs"]) == 1
    assert "not a virtual environment" in capsys.readouterr().err
    assert (dev.VENV / "mine.txt").exists()


def test_an_environment_without_pip_is_given_it(machine):
    """Other tools make environments without pip."""
    machine.failing = ["pip --version"]
    dev.prepare(["demos"])
    assert any("ensurepip" in command for command in machine.commands)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["quickstart"], "-m demos.quickstart"),
        (["quickstart", "--epochs", "3"], "-m demos.quickstart --epochs 3"),
        (["quickstart", "--", "--help"], "-m demos.quickstart --help"),
        (["demo", "mnist", "--epochs", "1"], "-m demos.mnist --epochs 1"),
        (["demo", "mnist", "--", "--help"], "-m demos.mnist --help"),
        (["test", "-k", "tape", "-x"], "-n auto -k tape -x"),
        (["docs"], f"docs {Path('docs', '_build', 'html')}"),
    ],
)
def test_arguments_are_passed_on(machine, argv, expected):
    """What follows the command goes to the program it runs."""
    assert dev.main(argv) == 0
    assert machine.commands[-1].replace(str(dev.ROOT) + os.sep, "").endswith(expected)


@pytest.mark.parametrize("failing", ["ruff check", "ruff format", "mypy", "pytest"])
def test_every_step_runs_and_the_one_that_failed_is_named(machine, capsys, failing):
    """A failed step does not hide the others' results, and makes the command fail."""
    machine.failing = [failing]
    assert dev.main(["test"]) == 1
    ran = [command for command in machine.commands if "-m ruff" in command or "-m mypy" in command]
    assert len(ran) == 3
    assert "-m pytest" in machine.commands[-1]
    assert capsys.readouterr().out.splitlines()[-1] == f"dev.py test: FAILED: {failing}"


def test_all_passed(machine, capsys):
    """The last line says so."""
    assert dev.main(["test"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "dev.py test: all passed"


def test_docs_status(machine):
    """A warning in the documentation fails the command."""
    machine.failing = ["-m sphinx"]
    assert dev.main(["docs"]) == 1


def test_demo_without_a_name(machine, capsys):
    """It lists the demos there are."""
    (dev.ROOT / "demos").mkdir()
    for name in ("__init__", "_shared", "mnist", "clusters"):
        (dev.ROOT / "demos" / f"{name}.py").touch()
    assert dev.main(["demo"]) == 2
    assert capsys.readouterr().err.rstrip().endswith("one of: clusters, mnist")


@pytest.mark.parametrize("argv", [["--help"], [], *([name, "--help"] for name in dev.COMMANDS)])
def test_help(machine, capsys, argv):
    """Every command has help, and asking for it does nothing else."""
    with pytest.raises(SystemExit) as exit_:
        dev.main(argv)
    assert exit_.value.code == 0
    assert "usage: python dev.py" in capsys.readouterr().out
    assert machine.commands == []


def test_unknown_command(capsys):
    """It is refused, with the names there are."""
    with pytest.raises(SystemExit) as exit_:
        dev.main(["tset"])
    assert exit_.value.code == 2
    assert "'test'" in capsys.readouterr().err


def test_run_quietly_reports_output_and_failure():
    """The output of both streams comes back; a program that is missing is a failure like any other."""
    assert dev.run_quietly([sys.executable, "-c", "print('said')"]) == (True, "said")
    assert dev.run_quietly([sys.executable, "-c", "import sys; sys.exit('went wrong')"]) == (False, "went wrong")
    assert dev.run_quietly(["no-such-program-at-all"])[0] is False


def test_documented_commands_exist():
    """The README, the documentation and the checks name only commands there are."""
    root = Path(__file__).resolve().parent.parent
    pages = [root / "README.md", root / ".ci" / "run", *(root / "docs").glob("*.rst")]
    named = {name for page in pages for name in re.findall(r"dev\.py (\w+)", page.read_text(encoding="utf-8"))}
    assert {"quickstart", "test"} <= named <= set(dev.COMMANDS)
