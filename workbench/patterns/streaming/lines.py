"""Records as they came and the predictions for them -> JSON objects, one a line."""

from __future__ import annotations

from collections.abc import Container, Iterable
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
    starts = [_start(record.value, one) for record, one in zip(_on_one_line(records), said, strict=True)]
    if all(answers.keys().isdisjoint(one if type(one) is dict else _LIST) for one in said):
        return [start + end for start, end in zip(starts, _ends(_labels(answers), answers), strict=True)]
    made = []
    for i, (start, one) in enumerate(zip(starts, said, strict=True)):
        own = _labels(answers, one if type(one) is dict else _LIST)
        made.append(start + _ends(own, {name: values[i : i + 1] for name, values in answers.items()})[0])
    return made


def _ends(labels: list[bytes], answers: dict[str, list[Any]]) -> list[bytes]:
    """What comes after each record's own text: every prediction behind its label, and the last brace."""
    columns = [
        [label + text for text in _texts(values)] for label, values in zip(labels, answers.values(), strict=True)
    ]
    return [b"".join((*row, b"}")) for row in zip(*columns, strict=True)]


def _labels(answers: Iterable[str], fields: Container[str] = ()) -> list[bytes]:
    """`,"name":` for each column of an answer."""
    free = (name if name not in fields else f"{name}_predicted" for name in answers)
    return [b"," + orjson.dumps(name) + b":" for name in free]


def _texts(values: list[Any]) -> list[bytes]:
    """The JSON of each value."""
    if values and set(map(type, values)) <= _BARE:
        return orjson.dumps(values)[1:-1].split(b",")
    return [orjson.dumps(value) for value in values]


def _on_one_line(records: list[Record]) -> list[Record]:
    """The records, their texts without the line ends between their fields: in a string they are escaped."""
    whole = b"".join([record.value for record in records])  # looked through at once
    if b"\n" not in whole and b"\r" not in whole:
        return records
    return [record._replace(value=record.value.replace(b"\n", b" ").replace(b"\r", b" ")) for record in records]


def _start(text: bytes, said: Any) -> bytes:
    """A record's text without its last brace."""
    if type(said) is not dict:
        return b'{"x":' + text
    return text.strip()[:-1]
