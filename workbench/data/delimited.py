"""CSV and TSV: read in pieces of text, written with quotes only where they are needed."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, UsageError
from .columns import TextTypes, twice
from .files import FilePath, in_words, reading
from .pieces import PIECE_ROWS, Piece

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 2 << 20
"""Arrow reads up to 32 blocks ahead, so that a block counts 32 times in memory. A record must fit into one."""
_PIECE_BYTES = 32 << 20
_HEAD = 1 << 20
_BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class DelimitedSource:
    """A CSV file; every column is text until `settle`."""

    text: str | None = "csv"
    rows: int | None = None

    def __init__(self, file: FilePath, delimiter: str, encoding: str) -> None:
        self.file, self.label = file, file.label
        self._delimiter, self._encoding = delimiter, _known_encoding(encoding)
        self._types = TextTypes()
        self._chosen: frozenset[str] | None = None

    def choose(self, names: Collection[str]) -> None:
        self._chosen = frozenset(names)

    def settle(self, leave: Collection[str]) -> None:
        for piece in self.pieces():
            for name in set(piece.table.column_names) - set(leave):
                self._types.add(name, piece.table.column(name))
        self.text = None

    def pieces(self) -> Iterator[Piece]:
        names, header_only = self.header()
        if header_only:
            yield Piece(self._settled(_empty(self._wanted(names))), 0, share=1.0)
            return
        first_row = 0
        with in_words(self.file, "read"), reading(self.file) as (stream, raw, size):
            for table in self._tables(stream, names):
                share = min(raw.tell() / size, 1.0) if size else None
                yield Piece(self._settled(table), first_row, share=share)
                first_row += table.num_rows

    def _settled(self, table: pa.Table) -> pa.Table:
        if self.text is not None:
            return table
        for name in self._types.steps:
            i = table.column_names.index(name)
            table = table.set_column(i, name, self._types.apply(name, table.column(i)))
        return table

    def _tables(self, stream: pa.NativeFile, names: list[str]) -> Iterator[pa.Table]:
        import pyarrow as pa
        import pyarrow.csv

        last = None
        try:
            for batches in _gathered(pa.csv.open_csv(stream, **self._options(names))):
                last = batches[-1]
                yield pa.Table.from_batches(batches)
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise self._explained(error, names) from error
        if last is not None and last.num_rows and str(last.columns[-1][-1]).endswith(("\n", "\r")):
            self._refuse_open_quote()

    def _options(self, names: list[str]) -> dict[str, Any]:
        import pyarrow as pa
        import pyarrow.csv

        return {
            "read_options": pa.csv.ReadOptions(block_size=_BLOCK, encoding=self._encoding),
            "parse_options": pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            "convert_options": pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                include_columns=self._wanted(names),
            ),
        }

    def _wanted(self, names: list[str]) -> list[str]:
        """The columns that are read; the last one always, which shows a quote that is never closed."""
        if self._chosen is None or not self._chosen <= set(names):
            return names
        return [name for name in names if name in self._chosen or name == names[-1]]

    def header(self) -> tuple[list[str], bool]:
        """The names of the columns, and whether nothing comes after them."""
        with in_words(self.file, "read"), reading(self.file) as (stream, _, _size):
            head, more = stream.read(_HEAD), bool(stream.read(1))
        self._refuse_other_boms(head)
        try:
            decoded = codecs.getincrementaldecoder(self._encoding)().decode(head).removeprefix("\ufeff")
        except UnicodeError as error:
            raise self._undecodable(error) from error
        lines = io.StringIO(decoded, newline="")
        records = (r for r in csv.reader(lines, delimiter=self._delimiter) if r)
        try:
            names = self._named(next(records, None), cut=more and lines.tell() == len(decoded))
            return names, not more and next(records, None) is None
        except csv.Error as error:
            raise self._not_csv(error) from error

    def _named(self, names: list[str] | None, *, cut: bool) -> list[str]:
        """The names in a header, if it is one."""
        if names is None:
            what = f"{self.label} is empty: it has not even a header"
            raise BadInput(what, where=self.label, fix="write it again, with the names of the columns in line 1")
        if cut:
            what = f"the header of {self.label} is longer than {_HEAD >> 20} MB: a quote is not closed?"
            raise BadInput(what, where=self.label, fix="write the names of the columns in line 1, each quote closed")
        self._check_header(names)
        return names

    def _refuse_other_boms(self, head: bytes) -> None:
        encoding = _BOMS.get(head[:2])
        if encoding and not self._encoding.startswith("utf-16"):
            fix = self.file.to_read_as("encoding", encoding)
            raise BadInput(f"{self.label} is {encoding}, not {self._encoding}", where=f"{self.label}, byte 0", fix=fix)

    def _check_header(self, names: list[str]) -> None:
        if again := twice(names):
            raise BadInput(
                f"column {again[0]!r} stands twice in the header of {self.label}", column=again[0], fix="rename one"
            )
        others = [d for d in (";", "\t", "|") if len(names) == 1 and d in names[0]]
        if others and self._delimiter != others[0]:
            said = {"\t": "tab"}.get(others[0], others[0])
            fix = self.file.to_read_as("delimiter", said)
            raise BadInput(f"{self.label} is delimited by {said!r}, not by {self._delimiter!r}", fix=fix)

    def _explained(self, error: Exception, names: list[str]) -> BadInput:
        said = str(error)
        if isinstance(error, UnicodeError) or "invalid UTF8" in said:
            return self._undecodable(error)
        if "straddling" in said:
            what = f"a record of {self.label} has more than {_BLOCK >> 20} MB: a quote is not closed?"
            return BadInput(what, where=self.label, fix='close the quote; two of them, "", mean one inside a value')
        try:
            return self._ragged(len(names)) or self._not_csv(error)
        except csv.Error:
            return self._not_csv(error)

    def _not_csv(self, error: Exception) -> BadInput:
        fix = "write it again as CSV, each value that holds a delimiter or a line break in double quotes"
        return BadInput(f"{self.label} cannot be read as CSV: {error}", where=self.label, fix=fix)

    def _records(self) -> Iterator[tuple[int, int, list[str]]]:
        with reading(self.file) as (stream, _, _size):
            wrapped = io.TextIOWrapper(stream, self._encoding, errors="replace", newline="")
            reader = csv.reader(wrapped, delimiter=self._delimiter)
            records = (record for record in reader if record)
            next(records)
            for row, record in enumerate(records):
                yield row, reader.line_num, record

    def _ragged(self, expected: int) -> BadInput | None:
        for row, line, record in self._records():
            if len(record) != expected:
                what = f"line {line} of {self.label} has {len(record)} values, its header {expected} names"
                start = self._delimiter.join(record)[:60]
                return BadInput(
                    what, row=row, where=f"row {row}: {start}", fix="correct that line; quote values with commas"
                )
        return None

    def _undecodable(self, error: Exception) -> BadInput:
        at, line = _first_undecodable(self.file, self._encoding)
        what = f"{self.label} is not {self._encoding}" + (f": byte {at}, in line {line}" if at is not None else "")
        row = line - 2 if line is not None and line > 1 else None
        return BadInput(what, row=row, where=self.label, fix=self.file.to_read_as("encoding", "latin-1"))

    def _refuse_open_quote(self) -> None:
        tail = b""
        with reading(self.file) as (stream, _, _size):
            while block := stream.read(1 << 20):
                tail = block[-8:]
        if not tail.rstrip(b"\r\n\0").endswith(b'"'):
            raise BadInput(
                f"a quote is never closed in {self.label}", where="its last value", fix="the file is cut off?"
            )


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Blocks together, since each piece is one call of the model; at least one, which may be empty."""
    together: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows or not together:
            together.append(batch)
        if sum(b.num_rows for b in together) >= PIECE_ROWS or sum(b.nbytes for b in together) >= _PIECE_BYTES:
            yield together
            together = []
    if together:
        yield together


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise UsageError(
            f"there is no encoding {name!r}", fix="utf-8, latin-1, cp1252 and utf-16 are common"
        ) from error


def _first_undecodable(file: FilePath, encoding: str) -> tuple[int | None, int | None]:
    decoder, at, lines = codecs.getincrementaldecoder(encoding)(), 0, 1
    with reading(file) as (stream, _, _size):
        while block := stream.read(1 << 20):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                start = error.start - pending
                return at + start, lines + block[: max(start, 0)].count(b"\n")
            except UnicodeError:
                break  # it begins wrongly: there is no place to name
            at, lines = at + len(block), lines + block.count(b"\n")
    return None, None


def _empty(names: list[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array([], pa.string()) for name in names})
