"""JSON Lines: one record per line; a line that comes back is the line that came, with the predictions added."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .columns import ValueTypes
from .files import FilePath, WholeFile, copy_text, in_words, reading
from .pieces import PIECE_ROWS, Piece

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 4 << 20
_PIECE_BYTES = 32 << 20


class JsonLinesSource:
    """A file with a JSON record on each line; a key that a record lacks is a missing value."""

    text: str | None = "jsonl"
    rows: int | None = None

    def __init__(self, file: FilePath, encoding: str) -> None:
        self.file, self.label, self._encoding = file, file.label, encoding
        self._types: ValueTypes | None = None

    def choose(self, names: Collection[str]) -> None:
        """Lines are read as a whole."""

    def settle(self, leave: Collection[str]) -> None:
        types = ValueTypes()
        for _first, _lines, records, _share in self._groups():
            names = dict.fromkeys(name for record in records for name in record)
            for name in names:
                types.add(name, [record.get(name) for record in records] if name not in leave else [])
        self._types, self._leave, self.text = types, frozenset(leave), None

    def pieces(self) -> Iterator[Piece]:
        seen: dict[str, None] = dict.fromkeys(self._types.names if self._types else ())
        for first_row, lines, records, share in self._groups():
            seen.update(dict.fromkeys(name for record in records for name in record))
            yield Piece(self._table(seen, records), first_row, lines, share)

    def _table(self, names: Collection[str], records: list[dict[str, Any]]) -> pa.Table:
        import pyarrow as pa

        columns = {}
        for name in names:
            values = [record.get(name) for record in records]
            settled = self._types is not None and name not in self._leave
            types = self._types if settled and self._types else ValueTypes()
            if not settled:
                types.add(name, values)
            columns[name] = types.build(name, values)
        return pa.table(columns)

    def _groups(self) -> Iterator[tuple[int, list[bytes], list[dict[str, Any]], float | None]]:
        first_row, given = 0, False
        with in_words(self.file, "read"), reading(self.file) as (stream, raw, size):
            for numbered in _groups_of(_lines(stream, self._encoding)):
                lines = [line for _, line in numbered]
                records = [self._record(line, number, first_row + i) for i, (number, line) in enumerate(numbered)]
                yield first_row, lines, records, min(raw.tell() / size, 1.0) if size else None
                first_row, given = first_row + len(lines), True
        if not given:
            raise BadInput(f"{self.label} is empty: it has no record", where=self.label, fix="write or copy it again")

    def _record(self, line: bytes, number: int, row: int) -> dict[str, Any]:
        try:
            record = _loads(line)
        except UnicodeDecodeError as error:
            what = f"line {number} of {self.label} is not utf-8: byte {error.start} of the line"
            raise BadInput(what, row=row, where=f"row {row}", fix=f"{self.label}?encoding=latin-1") from error
        except ValueError as error:
            if number == 1 and line.lstrip()[:1] == b"[":
                raise self._an_array() from error
            what = f"line {number} of {self.label} is not JSON: {error}"
            raise BadInput(what, row=row, where=f"row {row}: {_start(line)}", fix="correct that line") from error
        if isinstance(record, dict):
            return record
        if number == 1 and isinstance(record, list):
            raise self._an_array()
        what, fix = f"line {number} of {self.label} is not a record", 'write one object on each line, as in {"age": 41}'
        raise BadInput(what, row=row, where=f"row {row}: {_start(line)}", fix=fix)

    def _an_array(self) -> BadInput:
        return BadInput(
            f"{self.label} is one JSON array, not a record on each line",
            where=self.label,
            fix=f"pd.read_json({self.label!r}) gives a frame to predict",
        )


def _start(line: bytes) -> str:
    return line[:60].decode(errors="replace")


def _loads(line: bytes) -> Any:
    import orjson

    try:
        return orjson.loads(line)
    except ValueError:  # NaN, integers of more than 64 bits: Python's own parser takes them
        return json.loads(line.decode())


def _lines(stream: pa.NativeFile, encoding: str) -> Iterator[bytes]:
    import pyarrow as pa

    if encoding not in ("utf-8", "ascii"):
        stream = pa.transcoding_input_stream(stream, encoding, "utf8")
    rest, first = b"", True
    while block := stream.read(_BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.removeprefix(b"\xef\xbb\xbf") if first else line
            first = False
    if rest:
        yield rest.removeprefix(b"\xef\xbb\xbf") if first else rest


def _groups_of(lines: Iterator[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Lines that are not blank with their numbers, so many that a piece is neither too long nor too large."""
    group: list[tuple[int, bytes]] = []
    n_bytes = 0
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line:
            group.append((number, line))
            n_bytes += len(line)
        if len(group) == PIECE_ROWS or n_bytes > _PIECE_BYTES:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


class JsonLinesSink:
    """A file with a JSON record on each line."""

    text: str | None = "jsonl"

    def __init__(self, file: FilePath) -> None:

        self.label = file.label
        self._whole = WholeFile(file)
        self._stream = self._whole.stream()

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        added = records(table)
        if lines is not None:
            added = [_with(line, more) for line, more in zip(lines, added, strict=True)]
        with in_words(self._whole.file, "write"):
            self._stream.write(b"".join(line + b"\n" for line in added))

    def copy(self, file: FilePath) -> None:
        """Begin with all that is in another such file."""
        copy_text(file, self._stream)

    def close(self) -> str:
        return self._whole.publish()

    def abort(self) -> None:
        self._whole.discard()


def records(table: pa.Table) -> list[bytes]:
    """Each row as a JSON object; missing values and NaN are null."""
    import orjson

    names = table.column_names
    columns = [column.to_pylist() for column in table.columns]
    return [orjson.dumps(dict(zip(names, row, strict=True)), default=_plain) for row in zip(*columns, strict=False)]


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _with(line: bytes, more: bytes) -> bytes:
    head = line[:-1].rstrip()
    return head + (b"" if head == b"{" else b",") + more[1:]
