"""Compiled code on disk: taken again, and done without where it is damaged, stale or not to be written."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd_core.compile.to_numba import cache
from autograd_core.compile.to_numba.emit import emit
from autograd_core.ops.arithmetic import ADD, MULTIPLY
from tests.compile.build import Builder


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def compiled(number=2.0):
    b = Builder("small")
    x = b.argument(np.arange(4.0))
    executable = emit(b.finish(b.add(ADD, b.add(MULTIPLY, x, number), 1.0)))
    executable.bind([])
    (result,) = executable(np.arange(4.0))
    np.testing.assert_array_equal(result, number * np.arange(4.0) + 1)
    return executable


def files(place, ending):
    return sorted(place.rglob(f"*{ending}"))


def test_machine_code_is_taken_again(place):
    first, second, other = compiled(), compiled(), compiled(3.0)
    assert (first.cached, second.cached, other.cached) == (False, True, False)
    assert second.seconds < first.seconds
    assert first.file == second.file != other.file
    assert files(place, ".py") == sorted(map(type(place), {first.file, other.file}))
    with open(first.file) as stream:
        assert stream.read() == first.source  # what tracebacks and profilers show


@pytest.mark.parametrize("ending", [".nbi", ".nbc", ".sums", ".py"])
@pytest.mark.parametrize("damage", ["truncated", "garbled", "empty", "gone"])
def test_damaged_files_are_made_anew(place, ending, damage):
    compiled()
    for file in files(place, ending):
        content = file.read_bytes()
        if damage == "gone":
            file.unlink()
            continue
        middle = len(content) // 2
        garbled = content[:middle] + bytes(255 - c for c in content[middle : middle + 64]) + content[middle + 64 :]
        file.write_bytes({"truncated": content[:middle], "garbled": garbled, "empty": b""}[damage])
    assert not compiled().cached
    assert compiled().cached


def test_another_version_compiles_anew(place, monkeypatch):
    compiled()
    monkeypatch.setattr(cache, "fingerprint", lambda: b"another processor")
    assert not compiled().cached


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_cannot_be_written_to(place):
    place.mkdir(mode=0o500)
    assert not compiled().cached
    assert not files(place, ".py")


@pytest.mark.parametrize("kind", ["a file", "below a file"])
def test_a_place_that_is_no_folder(tmp_path, monkeypatch, kind):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / ("inner" if kind == "below a file" else "")))
    executable = compiled()
    assert not executable.cached
    assert "def run0" in executable.source


def test_a_folder_that_nobody_can_write_to(place, monkeypatch):
    monkeypatch.setattr(cache, "_can_write", lambda place: False)
    assert compiled().file.startswith("<")


def test_turned_off(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, "off")
    monkeypatch.chdir(tmp_path)
    assert not compiled().cached
    assert not list(tmp_path.iterdir())


def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache.folder().name == "compiled"


def test_another_process_takes_it(place):
    compiled()
    program = "from tests.compile.test_cache import compiled; print(compiled().cached)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
