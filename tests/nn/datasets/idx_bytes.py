"""IDX files as bytes, written from the format's definition and not with the reader's tables."""

import struct

from numpy.typing import NDArray

TYPE_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def header(code: int, *dimensions: int) -> bytes:
    """The beginning of a file."""
    return struct.pack(f">BBBB{len(dimensions)}I", 0, 0, code, len(dimensions), *dimensions)


def idx_bytes(array: NDArray) -> bytes:
    """The whole file that holds ``array``."""
    return header(TYPE_CODES[array.dtype.name], *array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()
