"""The binary tensor data extension of the Open Inference Protocol: JSON with raw tensors behind it, both ways.

docs/protocol/extension_binary_data.md of Triton's server.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ....data.encoding import dumps
from ....data.tensors import SIZES, datatype
from ..exchange import Reply
from ..refusals import Refused
from .v2_tensors import Tensor, of_raw, of_values

if TYPE_CHECKING:
    from ....inference.schema import Schema

LENGTH = b"inference-header-content-length"
_RAW = b"application/octet-stream"


class Buffers:
    """The raw tensors behind the JSON of a request, taken in their order."""

    def __init__(self, content: bytes, start: int) -> None:
        self._left = memoryview(content)[start:]

    def take(self, size: Any, name: Any) -> memoryview:
        """The next so many bytes. Refused where there are fewer."""
        if type(size) is not int or size < 0:
            raise Refused(
                f"input {name!r}: binary_data_size {size!r} is no number of bytes", fix="give its bytes' number"
            )
        if size > len(self._left):
            what = f"input {name!r} has a binary_data_size of {size}; {len(self._left)} bytes are left of the body"
            raise Refused(what, fix="send the tensors' bytes behind the JSON, in the order of the inputs")
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def check_end(self) -> None:
        """Refused where bytes are left."""
        if self._left:
            fix = "binary_data_size is the number of an input's bytes; Inference-Header-Content-Length that of the JSON"
            raise Refused(f"{len(self._left)} bytes of the body belong to no input", fix=fix)


def header_length(said: bytes, content: bytes) -> int:
    """The bytes of a body that are JSON. Refused where they are more than all."""
    if not said.isdigit() or len(said) > len(str(len(content))) or int(said) > len(content):
        shown = said[:20].decode("latin-1")
        what = f"Inference-Header-Content-Length is {shown!r}; the body has {len(content)} bytes"
        raise Refused(what, fix="it is the number of the bytes of the JSON before the raw tensors")
    return int(said)


def only_input(content: bytes, schema: Schema) -> Tensor:
    """The tensor of a body that is nothing but the raw tensor of the model's one input: as many rows as it has bytes
    for; one row of text. Refused for a model of several."""
    if len(schema.fields) != 1:
        fix = f"send JSON that says which is which, with the raw tensors behind it: {', '.join(schema.names)}"
        raise Refused(f"a body without JSON is for a model of one input; this has {len(schema.fields)}", fix=fix)
    (field,) = schema.fields
    kind, width = datatype(field), math.prod(field.shape)
    if kind == "BYTES":
        return of_values(field.name, kind, [1, *field.shape], [content])
    size = SIZES[kind] * width
    if not content or len(content) % size:
        what = f"the body has {len(content)} bytes; one row of {kind} of shape {list(field.shape)} has {size}"
        raise Refused(what, fix="send whole rows, little-endian")
    return of_raw(field.name, kind, [len(content) // size, *field.shape], content)


def reply(said: dict[str, Any], raws: list[bytes]) -> Reply:
    """JSON, and the raw tensors of its outputs behind it."""
    head = dumps(said)
    return Reply(b"".join((head, *raws)), _RAW, ((LENGTH, str(len(head)).encode()),)) if raws else Reply(head)
