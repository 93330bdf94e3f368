"""Compiled code kept on disk between processes.

Emitted source lies in a file whose name tells everything that its compiled form depends on: the text, the versions of
Python, Numba, LLVM and NumPy, the source of this package's compiled functions, the processor. Numba keeps the machine
code beside it. Machine code that is damaged would crash the process, so there is a checksum of every file; what does
not fit is deleted and made anew. A folder that cannot be written to is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import linecache
import os
import pickle
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from llvmlite import binding

from . import start as numba_start

VARIABLE = "AUTOGRAD_CORE_CACHE"
"""Environment variable that names the folder; "0" or "off" for none."""

OFF = ("0", "off", "none")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Emitted source made ready to run.

    Attributes
    ----------
    names : dict
        The module's functions.
    file : str
        What tracebacks show.
    seconds : float
        How long it took.
    cached : bool
        Whether the machine code came from the disk.
    """

    names: dict[str, Any]
    file: str
    seconds: float
    cached: bool


def folder() -> Path | None:
    """Where compiled code is kept; None for nowhere."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return None if given.lower() in OFF else Path(given).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "autograd_core" / "compiled"


@lru_cache(maxsize=1)
def fingerprint() -> bytes:
    """Everything but the text that compiled code depends on."""
    parts = [sys.version, numba.__version__, llvmlite.__version__, np.__version__]
    parts += [binding.get_host_cpu_name(), str(binding.get_host_cpu_features().flatten())]
    parts += [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")]
    digest = hashlib.sha256("\n".join(parts).encode())
    here = Path(__file__).parents[1]
    for file in sorted(here.rglob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.digest()


def load(name: str, source: str) -> Loaded:
    """Run emitted ``source`` as a module, with machine code from the disk where there is some.

    Parameters
    ----------
    name : str
        Of the program, for the file's name.
    source : str
        Its functions are compiled as it is run; ``CACHE`` in it tells them whether to keep machine code.
    """
    started = time.perf_counter()
    numba_start.prepare()
    key = hashlib.sha256(source.encode() + fingerprint()).hexdigest()[:24]
    title = re.sub(r"\W+", "_", name)[:40] or "program"
    place = folder()
    if place is not None:
        file = place / f"{title}_{key}.py"
        if _written(file, source):
            kept = _checked(file)
            with contextlib.suppress(OSError, EOFError, pickle.PickleError, ValueError, KeyError, AttributeError):
                names = _run(source, str(file))
                if not kept:
                    _seal(file)
                return Loaded(names, str(file), time.perf_counter() - started, kept)
            _discard(file)
    file_name = f"<autograd_core {title}_{key}>"
    linecache.cache[file_name] = (len(source), None, source.splitlines(True), file_name)
    return Loaded(_run(source, file_name), file_name, time.perf_counter() - started, False)


def _run(source: str, file: str) -> dict[str, Any]:
    """Run source as a module. Numba asks for the module by name when it compiles and when it loads machine code."""
    module = ModuleType(f"autograd_core_compiled_{Path(file).stem.strip('<>')}")
    module.__file__ = file
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
    finally:
        sys.modules.pop(module.__name__, None)
    return module.__dict__


def _written(file: Path, source: str) -> bool:
    """Make sure that ``file`` holds ``source``; False if that cannot be."""
    try:
        if file.exists() and file.read_bytes() == source.encode():
            return _can_write(file.parent)
        file.parent.mkdir(parents=True, exist_ok=True)
        _discard(file)
        _replace(file, source.encode())
    except OSError:
        return False
    return _can_write(file.parent)


def _can_write(place: Path) -> bool:
    # Numba keeps its files in __pycache__, and raises an error where it can write nowhere.
    return os.access(place, os.W_OK | os.X_OK)


def _replace(file: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees a part of it."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".writing_")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(temporary, file)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


# -- checksums ---------------------------------------------------------------------------------------------------------


def _machine_code(file: Path) -> list[Path]:
    """Numba's files for a source file."""
    places = [file.parent / "__pycache__"]
    if numba.config.CACHE_DIR:
        places += [path.parent for path in Path(numba.config.CACHE_DIR).glob(f"*/{file.stem}.*.nbi")]
    return sorted(path for place in places for path in place.glob(f"{file.stem}.*.nb[ic]"))


def _sums(file: Path) -> str:
    return "\n".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.name}" for path in _machine_code(file))


def _seal(file: Path) -> None:
    with contextlib.suppress(OSError):
        _replace(file.with_suffix(".sums"), _sums(file).encode())


def _checked(file: Path) -> bool:
    """Whether there is machine code that is as it was written; deleted if it is not."""
    try:
        sums = _sums(file)
        if sums and file.with_suffix(".sums").read_text(encoding="utf-8") == sums:
            return True
    except (OSError, UnicodeDecodeError):
        pass
    _discard(file)
    return False


def _discard(file: Path) -> None:
    for path in (*_machine_code(file), file.with_suffix(".sums")):
        with contextlib.suppress(OSError):
            path.unlink()
