"""Kernels on disk, where Numba finds a place for them: taken again only if they are as they were written.

Numba checks neither its index nor its machine code, and damaged machine code ends the process. Here each file begins
with a checksum of the rest; what does not fit is as good as not there, and is written anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

from ..to_numba.cache import fingerprint, folder

_SUM = 32  # bytes of a checksum


class Sealed(IndexDataCacheFile):
    """Numba's files of one function, with checksums."""

    def _load_index(self) -> dict[Any, str]:
        try:
            stamp, names = self._opened(self._index_path)
        except OSError:
            return {}
        return names if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._sealed(self._index_path, (self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        return self._opened(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._sealed(self._data_path(name), data)

    def _sealed(self, path: str, content: Any) -> None:
        text = self._dump(content)
        with self._open_for_write(path) as stream:
            stream.write(hashlib.sha256(text).digest() + text)

    @staticmethod
    def _opened(path: str) -> Any:
        """What a file holds; OSError, as for one that is not there, if that is not what was written."""
        with open(path, "rb") as stream:
            content = stream.read()
        if hashlib.sha256(content[_SUM:]).digest() != content[:_SUM]:
            raise OSError(f"{path} is damaged")
        try:
            return pickle.loads(content[_SUM:])
        except (pickle.PickleError, EOFError, AttributeError, ImportError, IndexError) as error:  # of another version
            raise OSError(f"{path} cannot be read: {error}") from error


class Kept(FunctionCache):
    """Numba's cache of a function, in sealed files; a place that cannot be written to is done without."""

    def __init__(self, function: Any):
        super().__init__(function)
        # Numba looks at the kernel's own file only; its machine code holds that of other modules too. Part of the name,
        # so that two versions that run at once never write to one file.
        version = fingerprint()
        self._cache_file = Sealed(self._cache_path, f"{self._impl.filename_base}.{version[:8].hex()}", version)

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


def keep(dispatcher: Any) -> None:
    """Let a compiled function be kept on disk, where it can be."""
    if folder() is None:  # the user wants nothing on disk
        return
    with contextlib.suppress(RuntimeError, OSError):  # there is no place that can be written to
        dispatcher._cache = Kept(dispatcher.py_func)
