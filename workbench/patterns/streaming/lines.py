"""Records as they came and the predictions for them -> JSON objects, one a line."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from ...data.log import Record

_LIST = ("x",)
_BARE = {float, int, bool, type(None)}
"""What JSON writes without quotes and commas."""


def lines(records: list[Record], said: list[Any], answers: dict[str, list[Any]]) -> list[bytes]:
    """Each record's own text with its predictions added. A prediction that is called like one of the record's fields
    gets a name of its own; a record that is a list of numbers becomes the field `x`."""
    names, texts = _labels(answers), [_texts(values) for values in answers.values()]
    made = []
    for record, one, row in zip(records, said, zip(*texts, strict=True), strict=True):
        fields = one if type(one) is dict else _LIST
        own = names if answers.keys().isdisjoint(fields) else _labels(answers, fields)
        start = _start(record.value, listed=fields is _LIST)
        made.append(b"".join((start, *chain.from_iterable(zip(own, row, strict=True)), b"}")))
    return made


def _labels(answers: Iterable[str], fields: Container[str] = ()) -> list[bytes]:
    """`,"name":` for each column of an answer."""
    free = (name if name not in fields else f"{name}_predicted" for name in answers)
    return [b"," + orjson.dumps(name) + b":" for name in free]


def _texts(values: list[Any]) -> list[bytes]:
    """The JSON of each value."""
    if values and set(map(type, values)) <= _BARE:
        return orjson.dumps(values)[1:-1].split(b",")
    return [orjson.dumps(value) for value in values]


def _start(value: bytes, *, listed: bool) -> bytes:
    """A record's text, on one line, without its last brace."""
    text = value.strip()
    if b"\n" in text or b"\r" in text:  # between its fields: in a string they are escaped
        text = text.replace(b"\n", b" ").replace(b"\r", b" ")
    return b'{"x":' + text if listed else text[:-1]
