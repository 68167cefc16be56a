"""The types of tensors as the Open Inference Protocol names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..inference.fields import Field

_NAMES = {"b1": "BOOL", "f2": "FP16", "f4": "FP32", "f8": "FP64"} | {
    f"{letter}{size}": f"{kind}{8 * size}" for letter, kind in (("i", "INT"), ("u", "UINT")) for size in (1, 2, 4, 8)
}
DTYPES = {name: np.dtype(code) for code, name in _NAMES.items()}
"""The dtypes of numbers and booleans by the protocol's names; BYTES is all else."""


def datatype(field: Field) -> str:
    """The protocol's name for the values of a field; BYTES for all that is no number."""
    runtime = field.runtime
    code = getattr(runtime, "str", "")[1:] if isinstance(runtime, np.dtype) else ""
    return _NAMES.get(code, "BYTES")
