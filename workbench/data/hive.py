"""Folders such as `month=7/` above a file -> columns of its rows."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .pieces import Piece, Source

if TYPE_CHECKING:
    import pyarrow as pa

_NONE = "__HIVE_DEFAULT_PARTITION__"
_FOLDER = re.compile(r"^([^=]+)=(.*)$")
_WHOLE = re.compile(r"^[+-]?\d{1,18}$")
Values = Mapping[str, str | int | None]


def columns_of(files: list[str], base: str) -> dict[str, Values]:
    """For each file the columns that its folders below `base` tell: whole numbers where all are, else texts."""
    found = {file: _said(file, base) for file in files}
    names = dict.fromkeys(name for said in found.values() for name in said)
    whole = {name for name in names if all(_WHOLE.match(said.get(name) or "0") for said in found.values())}

    def value(name: str, said: str | None) -> str | int | None:
        return int(said) if said is not None and name in whole else said

    return {file: {name: value(name, said.get(name)) for name in names} for file, said in found.items()}


def _said(file: str, base: str) -> dict[str, str | None]:
    below = file.removeprefix(base) if file.startswith(base) else ""
    matches = [_FOLDER.match(part) for part in below.split("/")[:-1]]
    return {unquote(m[1]): None if m[2] in (_NONE, "") else unquote(m[2]) for m in matches if m}


class Partitioned:
    """A source with the columns of its folders, where the file has none of that name."""

    def __init__(self, source: Source, values: Values) -> None:
        self._source, self._values = source, values
        self.label, self.text, self.rows = source.label, source.text, source.rows

    def choose(self, names: Collection[str]) -> None:
        self._source.choose([name for name in names if name not in self._values])

    def settle(self, leave: Collection[str]) -> None:
        self._source.settle(leave)

    def pieces(self) -> Iterator[Piece]:
        for piece in self._source.pieces():
            table = piece.table
            new = {name: value for name, value in self._values.items() if name not in table.column_names}
            for name, value in new.items():
                table = table.append_column(name, self._column(value, table.num_rows))
            lines = piece.lines and [_with(line, new) for line in piece.lines]
            yield replace(piece, table=table, lines=lines)

    def _column(self, value: str | int | None, rows: int) -> pa.Array:
        import pyarrow as pa

        if self.text == "csv":  # whose values are texts until the model's schema is known
            return pa.repeat(pa.scalar(None if value is None else str(value), pa.string()), rows)
        kind: Any = pa.int64() if isinstance(value, int) else pa.string()
        return pa.repeat(pa.scalar(value, kind), rows)


def _with(line: bytes, new: Values) -> bytes:
    more = json.dumps(new, ensure_ascii=False).encode()
    head = line[:-1].rstrip()
    return line if more == b"{}" else head + (b"" if head == b"{" else b", ") + more[1:]
