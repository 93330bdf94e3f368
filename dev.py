#!/usr/bin/env python3
"""Run the demos, the tests and the documentation build; each command does all its own set-up.

Needs Python 3.10 or later with pip, and nothing else. The first run makes a virtual environment, `.venv`, in this
checkout and installs the project into it; later runs reuse it and install again only when pyproject.toml changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "autograd-core-installed.json"  # inside .venv, so that it goes when the environment goes

VENV_HELP = """\
Python could not make a virtual environment here ({python}):
    {reason}
On Debian or Ubuntu: sudo apt install python3-venv
Elsewhere: install Python 3.10 or later from python.org, then run this command again."""


class SetupError(Exception):
    """The environment cannot be made ready; the message says what to do."""


# The virtual environment


def venv_python(venv: Path = VENV, os_name: str = os.name) -> Path:
    """Where the environment keeps its Python."""
    return venv / "Scripts" / "python.exe" if os_name == "nt" else venv / "bin" / "python"


def venv_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that a program in `.venv` is given, whatever environment this script was started from."""
    # PYTHONPATH would let pip take another environment's packages for installed; PYTHONHOME breaks any venv.
    leave_out = {"PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"}
    kept = {name: value for name, value in environ.items() if name not in leave_out}
    path = os.pathsep.join(filter(None, [str(venv_python().parent), environ.get("PATH", "")]))
    return {**kept, "VIRTUAL_ENV": str(VENV), "PATH": path, "PIP_USER": "0"}


def run(command: Sequence[str | Path]) -> int:
    """Run in the checkout, with the output shown as it comes; the exit status."""
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, env=venv_environment()).returncode


def run_quietly(command: Sequence[str | Path]) -> tuple[bool, str]:
    """Run in the checkout; whether it worked, and what it wrote."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=venv_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:  # the program is missing, or is not one
        return False, str(error)
    return done.returncode == 0, done.stdout.strip()


def python_version() -> str | None:
    """The version of the environment's Python; None if there is no environment or its Python no longer runs."""
    works, version = run_quietly([venv_python(), "-c", "import sys; print(sys.version)"])
    return version if works else None


def make_venv() -> None:
    """Make `.venv`, or make it anew when its Python no longer runs."""
    if VENV.exists() and any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").exists():
        raise SetupError(f"{VENV} is there but is not a virtual environment: move it away, then run this again.")
    print("Making a virtual environment in .venv", flush=True)
    venv = [sys.executable, "-m", "venv", "--clear"]
    made, output = run_quietly([*venv, VENV])
    if made:
        return
    # Debian moves ensurepip to a package of its own. A bare environment, given pip by this Python's pip, does as well.
    pip = [sys.executable, "-m", "pip", "--python", venv_python(), "install", "pip"]
    if run_quietly([*venv, "--without-pip", VENV])[0] and run_quietly(pip)[0]:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    reason = next((line.strip() for line in output.splitlines() if line.strip()), "no reason given")
    raise SetupError(VENV_HELP.format(python=sys.executable, reason=reason))


def ensure_pip() -> None:
    """Give the environment pip, if another tool made it without."""
    if run_quietly([venv_python(), "-m", "pip", "--version"])[0]:
        return
    given, output = run_quietly([venv_python(), "-m", "ensurepip", "--upgrade"])
    if not given:
        raise SetupError(
            f"{VENV} has no pip and could not be given one; delete the folder and run this again.\n{output}"
        )


# Installing the project into it


def fingerprint(pyproject: bytes, version: str, root: Path = ROOT) -> str:
    """What an installation depends on: the project's description, the Python, and the place of the checkout."""
    return hashlib.sha256(b"\0".join([pyproject, version.encode(), str(root).encode()])).hexdigest()


def read_stamp(expected: str) -> dict[str, list[str]]:
    """The extras installed, and those found not to install here, since pyproject.toml last changed."""
    nothing: dict[str, list[str]] = {"installed": [], "unavailable": []}
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or half written
        return nothing
    return stamp["extras"] if stamp.get("fingerprint") == expected else nothing


def install(extras: Sequence[str]) -> tuple[bool, str]:
    """Install the checkout, editable, with extras."""
    pip = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--prefer-binary"]
    return run_quietly([*pip, "--editable", f".[{','.join(extras)}]"])


def prepare(required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Make `.venv` ready with the required extras, and with those optional ones that this platform has."""
    version = python_version()
    if version is None:
        make_venv()
        version = python_version()
        if version is None:
            raise SetupError(f"The Python in {VENV} does not run; delete the folder and run this again.")
    expected = fingerprint((ROOT / "pyproject.toml").read_bytes(), version)
    extras = read_stamp(expected)
    missing = [extra for extra in required if extra not in extras["installed"]]
    untried = [extra for extra in optional if extra not in extras["installed"] + extras["unavailable"]]
    if not missing and not untried:
        return
    ensure_pip()
    if missing:
        print(
            f"Installing autograd-core[{','.join(missing)}] into .venv; the first time takes a few minutes", flush=True
        )
        installed, output = install(missing)
        if not installed:
            raise SetupError(
                f"{output}\n\npip could not install autograd-core[{','.join(missing)}]; it says why above."
            )
        extras["installed"] += missing
    for extra in untried:
        installed, _ = install([extra])
        extras["installed" if installed else "unavailable"].append(extra)
        if not installed:
            print(f"Going on without the optional extra '{extra}': it does not install here.")
    STAMP.write_text(json.dumps({"fingerprint": expected, "extras": extras}), encoding="utf-8")


# The commands


def demo(args: Sequence[str]) -> int:
    """Run one demo: its name, then its own arguments (`demo mnist -- --help` shows those)."""
    if not args:
        names = sorted(path.stem for path in (ROOT / "demos").glob("[!_]*.py"))
        print(f"Which demo? python dev.py demo NAME, where NAME is one of: {', '.join(names)}", file=sys.stderr)
        return 2
    prepare(["demos"], optional=["draw", "jit"])
    name, *rest = args
    return run([venv_python(), "-m", f"demos.{name}", *rest[rest[:1] == ["--"] :]])


def quickstart(args: Sequence[str]) -> int:
    """Train two small networks and draw a graph; arguments go on to demos.quickstart."""
    return demo(["quickstart", *args])


def passes(name: str, command: Sequence[str | Path]) -> bool:
    """Run one step of the checks under its name, and say how it went."""
    print(f"\n== {name}")
    start = time.perf_counter()
    status = run(command)
    outcome = "passed" if status == 0 else f"FAILED (exit status {status})"
    print(f"== {name}: {outcome}, {time.perf_counter() - start:.1f} s")
    return status == 0


def test(args: Sequence[str]) -> int:
    """Check lint, format and types, then run the tests; arguments go on to pytest."""
    prepare(["test", "demos", "nn", "docs"], optional=["draw", "tensorboard"])
    python = venv_python()
    failed = []
    # A folder of its own for the tests' files: pytest's common one fails now and then when two runs end together.
    with tempfile.TemporaryDirectory(prefix="autograd-core-", ignore_cleanup_errors=True) as scratch:
        steps: dict[str, list[str | Path]] = {
            "ruff check": [python, "-m", "ruff", "check", "."],
            "ruff format": [python, "-m", "ruff", "format", "--check", "."],
            "mypy": [python, "-m", "mypy"],
            "pytest": [python, "-m", "pytest", f"--basetemp={Path(scratch, 'tests')}", "-n", "auto", *args],
        }
        for name, command in steps.items():
            if not passes(name, command):
                failed.append(name)
    print(f"\ndev.py test: FAILED: {', '.join(failed)}" if failed else "\ndev.py test: all passed")
    return 1 if failed else 0


def docs(args: Sequence[str]) -> int:
    """Build the documentation into docs/_build/html, warnings as errors; arguments go on to Sphinx."""
    prepare(["docs"], optional=["draw"])
    html = ROOT / "docs" / "_build" / "html"
    sphinx = [venv_python(), "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    status = run([*sphinx, *args, ROOT / "docs", html])
    print("dev.py docs: FAILED" if status else f"dev.py docs: built, open {html / 'index.html'}")
    return status


COMMANDS = {command.__name__: command for command in (quickstart, demo, test, docs)}


def make_parser() -> argparse.ArgumentParser:
    """The help texts. What follows a command is not parsed here: it belongs to the program that the command runs."""
    parser = argparse.ArgumentParser(
        prog="python dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        text = (command.__doc__ or "").strip()
        subparser = commands.add_parser(name, help=text, description=text)
        subparser.add_argument("args", nargs="*", metavar="ARG", help="passed on")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the command named first and return the exit status."""
    name, *rest = argv or ["--help"]
    wants_help = rest[:1] in (["-h"], ["--help"])
    make_parser().parse_args([name, "--help"] if wants_help else [name])
    try:
        return COMMANDS[name](rest[rest[:1] == ["--"] :])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036 - an older Python gets this far, and is told here
        sys.exit(f"autograd-core needs Python 3.10 or later; this is Python {sys.version.split()[0]}.")
    sys.exit(main(sys.argv[1:]))
