"""A strict reader for IDX, the format of the MNIST files.

An IDX file is two zero bytes, a byte for the type of the items, a byte for the number of dimensions, the dimensions
(unsigned, 4 bytes each), then the items, the last dimension running fastest. All numbers are big-endian.

Strict means: what the header announces is there, and nothing else is. Each way in which a file can be broken has a
message of its own, since "cannot reshape array" helps nobody who has half a download.
"""

import gzip
import math
import os
import sys
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

import autograd_core as ag

__all__ = ["is_gzip", "read_idx"]

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_GZIP_MAGIC = b"\x1f\x8b"
_MOST_DIMENSIONS = 64  # NumPy's own limit
_CHUNK = 1 << 20
_REPLACE = "Replace it with a good copy."


class Digest(Protocol):
    """What :mod:`hashlib` makes: something to feed bytes to."""

    def update(self, data: bytearray, /) -> object:
        """Take in more bytes."""


class _Header(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def read_idx(
    path: str | os.PathLike[str],
    *,
    ndim: int | None = None,
    dtype: DTypeLike | None = None,
    digest: Digest | None = None,
) -> NDArray[Any]:
    """The array in an IDX file, plain or compressed with gzip.

    Which of the two is seen from the file's first bytes; its name does not matter.

    Parameters
    ----------
    path : str or path
        The file.
    ndim : int or None
        The number of dimensions it must have; None takes any.
    dtype : dtype or None
        The type its items must have, in native byte order; None takes any.
    digest : hashlib object or None
        Is fed every byte of the decompressed file, so that its sum can be compared afterwards.

    Returns
    -------
    array, shape as in the file's header
        Writable, of dtype uint8, int8, int16, int32, float32 or float64, in native byte order.

    Raises
    ------
    DataNotFoundError
        If there is no such file.
    DataError
        If the file cannot be read, or is not exactly one whole IDX array as asked for. The message says which file,
        what was found and what was expected.
    """
    file = Path(path)
    try:
        with file.open("rb") as raw, _decompressed(raw) as stream:
            return _read_array(file, stream, ndim, dtype, digest)
    except FileNotFoundError:
        raise ag.DataNotFoundError(f"{file}: there is no such file; expected an IDX file.") from None
    except EOFError:
        raise ag.DataError(f"{file}: truncated: its gzip data stop before their end mark. {_REPLACE}") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ag.DataError(f"{file}: garbled: its gzip data do not decompress ({error}). {_REPLACE}") from None
    except OSError as error:
        raise ag.DataError(f"{file}: cannot be read ({error.strerror or error}); expected an IDX file.") from error


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does."""
    with path.open("rb") as raw:
        return raw.read(2) == _GZIP_MAGIC


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    """``raw`` itself, or what it decompresses to if it begins as gzip does."""
    compressed = raw.read(2) == _GZIP_MAGIC
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if compressed else raw  # type: ignore[return-value]  # a stream of bytes as well


def _read_array(
    file: Path, stream: IO[bytes], ndim: int | None, dtype: DTypeLike | None, digest: Digest | None
) -> NDArray[Any]:
    header = _read_header(file, stream, ndim, dtype, digest)
    size = math.prod(header.shape) * header.dtype.itemsize
    data = _take(stream, size, digest)
    if len(data) < size:
        raise ag.DataError(
            f"{file}: truncated data: {len(data)} bytes follow the header; expected {size}, for shape {header.shape} "
            f"and {header.dtype.itemsize} bytes an item. {_REPLACE}"
        )
    # At the end of a gzip file this is also what makes its checksum be looked at.
    if stream.read(1):
        raise ag.DataError(
            f"{file}: trailing bytes: the file goes on after the {size} bytes of data that its header announces "
            f"(shape {header.shape}); expected its end. {_REPLACE}"
        )
    # A bytearray, unlike bytes, gives a writable array without a copy; astype only copies to turn the bytes around.
    return np.frombuffer(data, header.dtype).astype(header.dtype.newbyteorder("="), copy=False).reshape(header.shape)


def _read_header(
    file: Path, stream: IO[bytes], ndim: int | None, dtype: DTypeLike | None, digest: Digest | None
) -> _Header:
    start = bytes(_take(stream, 4, digest))
    if start[:2] not in (b"\0\0", b"\0", b""):
        raise ag.DataError(
            f"{file}: not an IDX file: it begins with {start!r}; expected two zero bytes, a type code and the "
            f"number of dimensions. {_REPLACE}"
        )
    if len(start) < 4:
        raise ag.DataError(
            f"{file}: truncated header: the file holds {len(start)} bytes; expected at least 4. {_REPLACE}"
        )
    code, count = start[2], start[3]
    if code not in _DTYPES:
        known = ", ".join(f"0x{known:02x} ({kind.newbyteorder('=')})" for known, kind in _DTYPES.items())
        raise ag.DataError(f"{file}: unknown type code 0x{code:02x}; expected one of {known}. {_REPLACE}")
    found = _DTYPES[code].newbyteorder("=")
    if dtype is not None and found != np.dtype(dtype):
        raise ag.DataError(f"{file}: holds items of type {found}; expected {np.dtype(dtype)}. Is it another file?")
    if ndim is not None and count != ndim:
        raise ag.DataError(f"{file}: has {count} dimensions; expected {ndim}. Is it another file under this name?")
    if count > _MOST_DIMENSIONS:
        raise ag.DataError(
            f"{file}: has {count} dimensions; NumPy's arrays have at most {_MOST_DIMENSIONS}. {_REPLACE}"
        )
    return _Header(_DTYPES[code], _read_shape(file, stream, count, _DTYPES[code].itemsize, digest))


def _read_shape(file: Path, stream: IO[bytes], count: int, itemsize: int, digest: Digest | None) -> tuple[int, ...]:
    dimensions = _take(stream, 4 * count, digest)
    if len(dimensions) < 4 * count:
        raise ag.DataError(
            f"{file}: truncated header: {4 + len(dimensions)} bytes; expected {4 + 4 * count}, for {count} dimensions. "
            f"{_REPLACE}"
        )
    shape = tuple(int(size) for size in np.frombuffer(dimensions, ">u4"))
    # NumPy refuses such a shape even where a zero among the dimensions leaves nothing to hold.
    if math.prod(size for size in shape if size) * itemsize > sys.maxsize:
        raise ag.DataError(f"{file}: the header announces shape {shape}, more than any memory can hold. {_REPLACE}")
    return shape


def _take(stream: IO[bytes], count: int, digest: Digest | None) -> bytearray:
    """The next ``count`` bytes, or as many as there are.

    In chunks: memory grows with what the file really holds, whatever its header claims.
    """
    data = bytearray()
    while len(data) < count:
        chunk = stream.read(min(_CHUNK, count - len(data)))
        if not chunk:
            break
        data += chunk
    if digest is not None:
        digest.update(data)
    return data
