"""The types of tensors as the Open Inference Protocol names them, and their bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inference.dtypes import code

if TYPE_CHECKING:
    from ..inference.fields import Field

_NAMES = {"b1": "BOOL", "f2": "FP16", "f4": "FP32", "f8": "FP64"} | {
    f"{letter}{size}": f"{kind}{8 * size}" for letter, kind in (("i", "INT"), ("u", "UINT")) for size in (1, 2, 4, 8)
}
DTYPES = {name: np.dtype(code) for code, name in _NAMES.items()}
"""The dtypes of numbers and booleans by the protocol's names; BYTES is all else."""
SIZES = {name: dtype.itemsize for name, dtype in DTYPES.items()} | {"BF16": 2}
"""The bytes of one value; those of BYTES differ. BF16, Triton's, is taken and never given."""
DATATYPES = (*SIZES, "BYTES")
_LENGTH = struct.Struct("<I")


def datatype(field: Field) -> str:
    """The protocol's name for the values of a field; BYTES for all that is no number. One that may be missing, null in
    JSON, is what it is where it is there."""
    return _NAMES.get(field.code, "BYTES")


def of_dtype(dtype: Any) -> str:
    """The protocol's name for values of numpy's or pandas's `dtype`."""
    return _NAMES.get(code(dtype), "BYTES")


def from_bytes(raw: bytes | memoryview, kind: str) -> Any:
    """The values of a raw tensor of this datatype, flat: an array (a view of `raw`, little-endian), or a list of bytes.

    As the binary tensor data extension has it. ValueError where the bytes are not whole values.
    """
    if kind != "BYTES":
        return _numbers(raw, kind)
    found: list[bytes] = []
    at = 0
    while at < len(raw):
        if at + _LENGTH.size > len(raw):
            raise ValueError(f"the length of value {len(found)} is cut off")
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size + length
        if at > len(raw):
            raise ValueError(f"value {len(found)} has {length} bytes; fewer are left")
        found.append(bytes(raw[at - length : at]))
    return found


def _numbers(raw: bytes | memoryview, kind: str) -> Any:
    if kind == "BOOL":
        return np.frombuffer(raw, np.uint8) != 0  # a boolean of another byte than 0 and 1 would be neither
    if kind == "BF16":
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(raw, DTYPES[kind].newbyteorder("<"))


def to_bytes(values: Any, kind: str) -> bytes:
    """The raw tensor of an array, row by row, or of texts and bytes where the datatype is BYTES."""
    if kind != "BYTES":
        return np.ascontiguousarray(values, DTYPES[kind].newbyteorder("<")).tobytes()
    return b"".join(_LENGTH.pack(len(value)) + value for value in _encoded(values))


def _encoded(values: Iterable[Any]) -> Iterable[bytes]:
    return (value if isinstance(value, bytes) else str(value).encode() for value in values)
