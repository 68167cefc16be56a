"""Tensors of the Open Inference Protocol, of JSON, raw bytes or messages -> the rows of a question."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ....data.tensors import DATATYPES, SIZES, from_bytes
from ....inference.reading import ONLY
from ..exchange import Question, Reply
from ..refusals import Refused, twice

if TYPE_CHECKING:
    from ....inference.fields import Field
    from ....inference.schema import Schema
    from ..asked import Answer

SHOWN = '{"inputs": [{"name": …, "shape": [rows], "datatype": "FP64", "data": [values]}]}'
_LENGTHS = "give lengths from 1 upwards, after the number of rows"
_WHOLE_TYPES = ("pd", "np", "str")
_CONTENT_TYPES = ("np", "str", "base64", "datetime")
_OF_BYTES = ("str", "base64", "datetime")
_KNOWN = frozenset(DATATYPES)
_DEEPEST = 32
_LONGEST = 2**31
_SMALL = 1024


@dataclass(slots=True)
class Tensor:
    """A tensor that is what it says: its values row by row, in a list as JSON has them (those of BYTES may be bytes),
    or, many numbers that came as bytes, in an array."""

    name: str
    datatype: str
    shape: Sequence[int]
    values: Any
    content_type: str | None = None


def of_values(name: Any, datatype: Any, shape: Any, values: Any, content_type: Any = None) -> Tensor:
    """A tensor of values, flat or nested as its shape is. Refused where it is not what it says."""
    count = _count(name, datatype, shape)
    flat = _flat(name, values, shape) if type(values) is list else [values]
    if len(flat) != count:
        raise _other(name, shape, len(flat), count)
    if content_type is not None:
        check_content_type(content_type, datatype, name)
    return Tensor(name, datatype, shape, flat, content_type)


def of_raw(name: Any, datatype: Any, shape: Any, raw: bytes | memoryview, content_type: Any = None) -> Tensor:
    """A tensor of raw bytes, as `data.tensors.to_bytes` writes them. Refused where it is not what it says."""
    count = _count(name, datatype, shape)
    if datatype in SIZES and len(raw) != count * SIZES[datatype]:
        what = f"input {name!r} has {len(raw)} bytes; {datatype} of shape {list(shape)} has {count * SIZES[datatype]}"
        raise Refused(what, fix="give the bytes of as many values as the shape has, little-endian, row by row")
    try:
        values = from_bytes(raw, datatype)
    except ValueError as error:
        fix = "give each value as its length, four bytes, little-endian, and its bytes"
        raise Refused(f"input {name!r}: {error}", fix=fix) from error
    if len(values) != count:
        raise _other(name, shape, len(values), count)
    if content_type is not None:
        check_content_type(content_type, datatype, name)
    listed = datatype != "BYTES" and count <= _SMALL  # as JSON has them, so that they share batches
    return Tensor(name, datatype, shape, values.tolist() if listed else values, content_type)


def _other(name: str, shape: Sequence[int], there: int, count: int) -> Refused:
    what = f"input {name!r} has {there} values; its shape {list(shape)} has {count}"
    return Refused(what, fix="give as many values as the shape has, row by row")


def question(tensors: list[Tensor], schema: Schema, encode: Callable[[Answer], Reply], *, arrays: bool) -> Question:
    """The rows that the tensors hold, for a model with this schema: one input per column; or one two-dimensional one
    for a model of one array, or for as many columns as it is wide. Refused where they hold no equally many rows."""
    rows = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.shape[0] != rows:
            raise _uneven(tensors)
    data = _columns(tensors, schema)
    columns = [data.get(name) for name in schema.names]
    shared = columns if rows and set(map(type, columns)) == {list} else None
    return Question(shared, data, rows, encode, arrays)  # type: ignore[arg-type]


def _uneven(tensors: list[Tensor]) -> Refused:
    lengths = ", ".join(f"{tensor.name} {tensor.shape[0]}" for tensor in tensors)
    return Refused(f"the inputs differ in their number of rows: {lengths}", fix="give each as many")


def check_whole_type(said: Any) -> None:
    """Refused unless a whole request can be of this content type, if of any: a frame by columns, an array, texts."""
    if said is not None and said not in _WHOLE_TYPES:
        fix = f"one of {', '.join(_WHOLE_TYPES)}, or none"
        raise Refused(f"the content_type {said!r} of the request is not known", fix=fix)


def check_content_type(said: Any, datatype: str, name: str) -> None:
    """Refused unless values of an input of this datatype can be of this content type."""
    if said not in _CONTENT_TYPES:
        what, fix = (
            f"input {name!r}: content_type {said!r} is not known",
            f"one of {', '.join(_CONTENT_TYPES)}, or none",
        )
        raise Refused(what, fix=fix)
    if said in _OF_BYTES and datatype != "BYTES":
        raise Refused(f"input {name!r}: {datatype} cannot be of content_type {said}", fix="give it as BYTES")


def _count(name: Any, datatype: Any, shape: Any) -> int:
    """How many values the shape has."""
    if type(name) is not str or type(datatype) is not str:
        raise Refused(f"an input has the name {name!r} and the datatype {datatype!r}; both are text", fix=SHOWN)
    if datatype not in _KNOWN:
        raise Refused(f"input {name!r}: datatype {datatype} is not known", fix=f"one of {', '.join(DATATYPES)}")
    if type(shape) is not list or not 0 < len(shape) <= _DEEPEST:
        what = f"input {name!r} has no shape of 1 to {_DEEPEST} lengths"
        raise Refused(what, fix=f"a list of lengths, the number of rows first, as in {SHOWN}")
    count = 1
    for place, length in enumerate(shape):
        if type(length) is not int or not bool(place) <= length <= _LONGEST:
            raise Refused(f"input {name!r}: {length!r} in its shape is no length", fix=_LENGTHS)
        count *= length
    return count


def _flat(name: str, values: list[Any], shape: Sequence[int]) -> list[Any]:
    """Nested values row by row; flat ones as they are."""
    for length in shape[1:]:
        if not values or type(values[0]) is not list:
            return values
        if any(type(part) is not list or len(part) != length for part in values):
            what = f"input {name!r}: its lists are not all of length {length}, as its shape {list(shape)} says"
            raise Refused(what, fix="nest the values as the shape is, or give them flat, row by row")
        values = list(chain.from_iterable(values))
    if values and type(values[0]) is list:
        raise Refused(f"input {name!r} is nested deeper than its shape {list(shape)}", fix="give the values, not lists")
    return values


def _columns(tensors: list[Tensor], schema: Schema) -> dict[str, Any]:
    if len(tensors) == 1 and schema.names != [tensors[0].name]:
        (only,) = tensors
        if schema.kind == "array":
            return {ONLY: _fitted(only, schema.fields[0])}
        if len(only.shape) == 2 and only.shape[1] == len(schema.names):
            return {field.name: _fitted(part, field) for field, part in zip(schema.fields, _split(only), strict=True)}
    fields = schema.by_name
    found = {tensor.name: _fitted(tensor, fields.get(tensor.name)) for tensor in tensors}
    if len(found) < len(tensors):
        again = twice([tensor.name for tensor in tensors])
        raise Refused(f"the input {again!r} is there twice", fix="give each input once")
    return found


def _split(tensor: Tensor) -> list[Tensor]:
    """The columns of a two-dimensional tensor."""
    (rows, width), values = tensor.shape, tensor.values
    parts = [values[place::width] for place in range(width)]
    return [Tensor(tensor.name, tensor.datatype, (rows,), part, tensor.content_type) for part in parts]


def _fitted(tensor: Tensor, field: Field | None) -> Any:
    """One value per row, as a field of this shape has it; an array only where the field is of numbers."""
    shape, values = tensor.shape, tensor.values
    if not shape[0]:
        return _of_no_rows(tensor, field)
    if len(shape) == 1 and type(values) is list and type(values[0]) is not bytes and tensor.content_type is None:
        return values  # most are
    inner = _inner(tensor, field)
    if type(values) is not list:
        if field is not None and field.kind == "number":
            return values.reshape(shape[0], *inner)
        values = values.tolist()
    if tensor.datatype == "BYTES" and (tensor.content_type == "base64" or type(values[0]) is bytes):
        values = _texts(tensor, field)
    return _nested(values, inner) if inner else values


def _inner(tensor: Tensor, field: Field | None) -> Sequence[int]:
    """The shape of one row: a tensor of one column is as good as one of single values."""
    inner = tensor.shape[1:]
    return inner if field is None or field.shape or tuple(inner) != (1,) else ()


def _of_no_rows(tensor: Tensor, field: Field | None) -> Any:
    return np.empty((0, *_inner(tensor, field)), object)


def _nested(values: list[Any], inner: Sequence[int]) -> list[Any]:
    for length in reversed(inner):
        values = [values[at : at + length] for at in range(0, len(values), length)]
    return values


def _texts(tensor: Tensor, field: Field | None) -> list[Any]:
    """Bytes for a field that holds bytes, text for any other. Raw tensors have no null: what is empty is missing, where
    it could be no value."""
    wants = field is not None and (field.kind == "bytes" or (field.kind == "arrow" and "binary" in field.dtype))
    packed = tensor.content_type == "base64"
    values = _each(tensor.name, tensor.values, _unpacked, "base64") if packed else tensor.values
    if wants:
        return values
    texts = _each(tensor.name, values, _text, "UTF-8")
    return texts if packed or _has_empty(field) else [text or None for text in texts]


def _has_empty(field: Field | None) -> bool:
    return field is None or field.kind in ("text", "arrow") or "" in (field.categories or ())


def _each(name: str, values: list[Any], read: Callable[[Any], Any], what: str) -> list[Any]:
    """What each value is read as; one that is missing stays so."""
    row, made = 0, []
    try:
        for row, value in enumerate(values):  # noqa: B007 the row is for the message
            made.append(None if value is None else read(value))
    except (ValueError, TypeError) as error:
        said = f"input {name!r}: value {row} is no {what}: {error}"
        raise Refused(said, fix=f"give {what}; bytes that are no text, as base64 for a column of bytes") from error
    return made


def _text(value: Any) -> Any:
    return value.decode() if type(value) is bytes else value


def _unpacked(value: Any) -> bytes:
    return base64.b64decode(value, validate=True)
