"""Kernels on disk: taken again, made anew where they are damaged, and done without where nothing can be kept."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from autograd_core.compile.kernels import kept
from autograd_core.compile.kernels.jit import kernel
from autograd_core.compile.to_numba import cache


def doubled(x, out):
    for i in range(x.size):
        out[i] = 2 * x[i]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def was_kept():
    """Whether the machine code of a new kernel came from the disk; it works in any case."""
    compiled, out = kernel(doubled), np.empty(5)
    compiled(np.arange(5.0), out)
    np.testing.assert_array_equal(out, 2 * np.arange(5.0))
    return bool(compiled.stats.cache_hits)


def test_machine_code_is_taken_again(place):
    assert [was_kept(), was_kept()] == [False, True]
    assert len(list(place.rglob("*.nbc"))) == 1


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", ["truncated", "garbled", "empty", "gone"])
def test_damaged_files_are_made_anew(place, ending, damage):
    assert not was_kept()
    (file,) = place.rglob(f"*{ending}")
    content = file.read_bytes()
    middle = len(content) // 2
    garbled = content[:middle] + bytes(255 - c for c in content[middle : middle + 64]) + content[middle + 64 :]
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"truncated": content[:middle], "garbled": garbled, "empty": b""}[damage])
    assert [was_kept(), was_kept()] == [False, True]


def test_another_version_compiles_anew(place, monkeypatch):
    assert not was_kept()
    monkeypatch.setattr(kept, "fingerprint", lambda: b"another processor")
    assert [was_kept(), was_kept()] == [False, True]


def test_a_full_disk(place, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept.Sealed, "_save_data", full)
    assert [was_kept(), was_kept()] == [False, False]


def test_no_place_at_all(monkeypatch):
    monkeypatch.setattr(kept.Kept._impl_class, "_locator_classes", [])
    assert not was_kept()


def test_turned_off(place, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert not was_kept()
    assert not list(place.iterdir())
