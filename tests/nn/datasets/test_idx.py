"""``read_idx`` gives the array of a good file, and one clear DataError for each way a file can be bad."""

import gzip
import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ag
from nn.datasets.idx import read_idx
from tests.nn.datasets.idx_bytes import TYPE_CODES, header, idx_bytes

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
GOOD = idx_bytes(ARRAY)
GZIPPED = gzip.compress(GOOD, mtime=0)


def flipped(data: bytes, index: int) -> bytes:
    """``data`` with one byte changed."""
    changed = bytearray(data)
    changed[index] ^= 0xFF
    return bytes(changed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    array=st.sampled_from(sorted(TYPE_CODES)).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    compressed=st.booleans(),
)
def test_every_array_comes_back(tmp_path: Path, array: np.ndarray, compressed: bool) -> None:
    """Values (NaN and all), shape and dtype; in native byte order, writable; also size 0 and 0-d."""
    file = tmp_path / "array"
    file.write_bytes(gzip.compress(idx_bytes(array)) if compressed else idx_bytes(array))
    found = read_idx(file, ndim=array.ndim, dtype=array.dtype)
    np.testing.assert_array_equal(found, array, strict=True)
    assert found.dtype.isnative
    assert found.flags.writeable


def test_compression_is_seen_in_the_bytes_not_in_the_name(tmp_path: Path) -> None:
    """A plain file called .gz and a compressed one without the ending are both read."""
    (tmp_path / "plain.gz").write_bytes(GOOD)
    (tmp_path / "compressed").write_bytes(GZIPPED)
    np.testing.assert_array_equal(read_idx(tmp_path / "plain.gz"), ARRAY)
    np.testing.assert_array_equal(read_idx(str(tmp_path / "compressed")), ARRAY)


@pytest.mark.parametrize("data", [GOOD, GZIPPED], ids=["plain", "gzip"])
def test_the_digest_is_of_the_decompressed_file(tmp_path: Path, data: bytes) -> None:
    """Every byte of it, header included."""
    (tmp_path / "file").write_bytes(data)
    digest = hashlib.sha256()
    read_idx(tmp_path / "file", digest=digest)
    assert digest.hexdigest() == hashlib.sha256(GOOD).hexdigest()


BAD_FILES = {
    "empty": (b"", "truncated header: the file holds 0 bytes"),
    "one zero byte": (b"\0", "truncated header: the file holds 1 bytes"),
    "only the magic number": (GOOD[:4], r"truncated header: 4 bytes; expected 16, for 3 dimensions"),
    "half a dimension": (GOOD[:14], r"truncated header: 14 bytes; expected 16"),
    "a web page": (b"<!DOCTYPE html>", r"not an IDX file: it begins with b'<!DO'; expected two zero bytes"),
    "first byte": (flipped(GOOD, 0), "not an IDX file"),
    "second byte": (flipped(GOOD, 1), "not an IDX file"),
    "compressed twice": (gzip.compress(GZIPPED), "not an IDX file"),
    "unknown type": (header(0x0A, 2) + b"ab", r"unknown type code 0x0a; expected one of 0x08 \(uint8\), 0x09"),
    "type zero": (header(0x00, 2) + b"ab", "unknown type code 0x00"),
    "no data": (GOOD[:16], r"truncated data: 0 bytes follow the header; expected 24, for shape \(2, 3, 4\)"),
    "one byte short": (GOOD[:-1], r"truncated data: 23 bytes follow the header; expected 24"),
    "half an item": (
        idx_bytes(np.ones(3, np.int32))[:-2],
        r"truncated data: 10 bytes .* expected 12.* 4 bytes an item",
    ),
    "one byte long": (GOOD + b"\0", r"trailing bytes: .* after the 24 bytes of data .* \(shape \(2, 3, 4\)\)"),
    "long, compressed": (gzip.compress(GOOD + b"\0"), "trailing bytes"),
    "short, compressed": (gzip.compress(GOOD[:-1]), "truncated data: 23 bytes"),
    "gzip cut in its data": (GZIPPED[:-12], "truncated: its gzip data stop before their end mark"),
    "gzip cut in its checksum": (GZIPPED[:-6], "truncated: its gzip data stop before their end mark"),
    "gzip cut in its header": (GZIPPED[:5], "truncated: its gzip data stop before their end mark"),
    "gzip with a wrong CRC": (flipped(GZIPPED, -8), "garbled: its gzip data do not decompress .*CRC"),
    "gzip with a wrong length": (flipped(GZIPPED, -1), "garbled: its gzip data do not decompress"),
    "gzip with wrong data": (GZIPPED[:10] + b"\xff" * 20 + GZIPPED[30:], "garbled: its gzip data do not decompress"),
    "gzip and then rubbish": (GZIPPED + b"rubbish", "garbled: its gzip data do not decompress"),
    "2^32 - 1 items": (header(0x08, 2**32 - 1) + b"ab", "truncated data: 2 bytes .* expected 4294967295"),
    "2^62 bytes": (header(0x08, 2**31, 2**31), "truncated data: 0 bytes .* expected 4611686018427387904"),
    "2^96 items": (header(0x08, *[2**32 - 1] * 3), "announces shape .* more than any memory can hold"),
    "a zero among them": (header(0x0E, 0, *[2**32 - 1] * 3), "more than any memory can hold"),
    "65 dimensions": (header(0x08, *[1] * 65) + b"a", "has 65 dimensions; NumPy's arrays have at most 64"),
}


@pytest.mark.parametrize(("data", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, data: bytes, message: str) -> None:
    """It names the file and what was found, on one line, and takes no memory for what is not there."""
    file = tmp_path / "bad-file"
    file.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ag.DataError, match=message) as caught:
            read_idx(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{file}: ")
    assert "Replace it" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 4_000_000


def test_other_dimensions_or_type_than_asked_for(tmp_path: Path) -> None:
    """Seen in the header: labels under the name of images are not read at all."""
    file = tmp_path / "labels"
    file.write_bytes(header(0x0B, 5))
    with pytest.raises(ag.DataError, match="has 1 dimensions; expected 3"):
        read_idx(file, ndim=3)
    with pytest.raises(ag.DataError, match="holds items of type int16; expected uint8"):
        read_idx(file, dtype="uint8")


def test_no_such_file(tmp_path: Path) -> None:
    """FileNotFoundError catches it as well."""
    with pytest.raises(ag.DataNotFoundError, match="absent: there is no such file") as caught:
        read_idx(tmp_path / "absent")
    assert isinstance(caught.value, FileNotFoundError)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A folder where a file is expected."""
    with pytest.raises(ag.DataError, match="cannot be read"):
        read_idx(tmp_path)
