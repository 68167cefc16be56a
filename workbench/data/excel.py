"""Excel sheets, through openpyxl (the extra `excel`)."""

from __future__ import annotations

import datetime
import io
import math
import re
import zipfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .. import text as words
from ..errors import BadInput, NotFound, UsageError
from .columns import ValueTypes, as_text
from .files import FilePath, WholeFile, in_words, reading
from .pieces import PIECE_ROWS, Piece

if TYPE_CHECKING:
    import pyarrow as pa

SHEET_ROWS = 1_048_576
_CELL_LETTERS = 32_767
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise UsageError(
            "Excel files need openpyxl, which is not installed", fix="pip install 'deployment-workbench[excel]'"
        ) from error
    return openpyxl


class ExcelSource:
    """One sheet of a workbook (the first, or `?sheet=`), whose first row names the columns."""

    text: str | None = None

    def __init__(self, file: FilePath, sheet: str | None) -> None:
        _openpyxl()
        self.file, self.label = file, file.label
        self._sheet = sheet
        self.rows: int | None = None

    def choose(self, names: Collection[str]) -> None:
        """A sheet is read whole."""

    def settle(self, leave: Collection[str]) -> None:
        """A sheet is read whole, so that its types are known."""

    def pieces(self) -> Iterator[Piece]:
        table = self._read()
        self.rows = table.num_rows
        for start in range(0, max(table.num_rows, 1), PIECE_ROWS):
            yield Piece(table.slice(start, PIECE_ROWS), start)

    def _read(self) -> pa.Table:
        with in_words(self.file, "read"), reading(self.file) as (stream, _, size):
            if size == 0:
                raise BadInput(f"{self.label} is empty: it has 0 bytes", where=self.label, fix="write or copy it again")
            content = io.BytesIO(stream.read())
        try:
            book = _openpyxl().load_workbook(content, read_only=True, data_only=True)
            rows = list(self._worksheet(book).iter_rows(values_only=True))
        except (zipfile.BadZipFile, KeyError, EOFError, OSError, ValueError) as error:
            what = f"{self.label} is truncated or not an Excel workbook: {error}"
            raise BadInput(what, where=self.label, fix="save it again as .xlsx") from error
        return self._table(rows)

    def _worksheet(self, book: Any) -> Any:
        if self._sheet is None:
            return book.worksheets[0]
        if self._sheet in book.sheetnames:
            return book[self._sheet]
        close = words.closest(self._sheet, book.sheetnames)
        there = f"sheets there: {', '.join(book.sheetnames)}"
        raise NotFound(f"{self.label} has no sheet {self._sheet!r}", fix=f"?sheet={close}" if close else there)

    def _table(self, rows: list[tuple[Any, ...]]) -> pa.Table:
        import pyarrow as pa

        while rows and all(value is None for value in rows[-1]):
            rows.pop()
        if not rows:
            what = f"{self.label} is empty: its sheet has not even a header"
            raise BadInput(what, where=self.label, fix="name the sheet that has the rows, ?sheet=NAME")
        width = max(map(len, rows))
        header, *body = (row + (None,) * (width - len(row)) for row in rows)  # rows end at their last value
        used = [i for i in range(len(header)) if header[i] is not None or any(row[i] is not None for row in body)]
        names = [str(header[i]) if header[i] is not None else f"column {i + 1}" for i in used]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise BadInput(
                f"column {twice!r} stands twice in the header of {self.label}", column=twice, fix="rename one"
            )
        types, columns = ValueTypes(), {}
        for i, name in zip(used, names, strict=True):
            values = [row[i] for row in body]
            types.add(name, values)
            columns[name] = types.build(name, values)
        return pa.table(columns)


class ExcelSink:
    """A workbook of one sheet. What a cell cannot hold as it is (long integers, zoned times) is written as text."""

    text: str | None = None

    def __init__(self, file: FilePath) -> None:
        openpyxl = _openpyxl()
        self.label = file.label
        self._whole = WholeFile(file)
        self._stream = self._whole.stream()
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("predictions")
        self._rows = 0

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        if self._rows + table.num_rows >= SHEET_ROWS:
            raise UsageError(
                f"{self.label} would have more than the {words.count(SHEET_ROWS - 1)} rows that a sheet can hold",
                fix=f"-o {self.label.rsplit('.', 1)[0]}.parquet, or .csv",
            )
        with in_words(self._whole.file, "write"):
            if self._rows == 0:
                self._sheet.append([self._cell(name, name, None) for name in table.column_names])
            first = self._rows
            names, columns = table.column_names, [column.to_pylist() for column in table.columns]
            for row, values in enumerate(zip(*columns, strict=True), first):
                self._sheet.append([self._cell(v, name, row) for v, name in zip(values, names, strict=True)])
        self._rows += table.num_rows

    def _cell(self, value: Any, column: str, row: int | None) -> Any:
        if isinstance(value, (int, bool)) and abs(value) < 10**15:
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None if math.isnan(value) else str(value)
        if isinstance(value, (datetime.date, datetime.time)) and getattr(value, "tzinfo", None) is None:
            return value
        letters = as_text(value)
        return None if letters is None else self._text_cell(letters, column, row)

    def _text_cell(self, letters: str, column: str, row: int | None) -> Any:
        from openpyxl.cell import WriteOnlyCell

        bad = _UNWRITABLE.search(letters)
        if bad or len(letters) > _CELL_LETTERS:
            why = f"the character {bad[0]!r}" if bad else f"more than {words.count(_CELL_LETTERS)} letters"
            what = f"column {column!r}, row {row}: a cell of a sheet cannot hold {why}"
            raise BadInput(what, column=column, row=row, where=self.label, fix="write CSV or Parquet instead")
        if not letters.startswith("="):
            return letters
        cell = WriteOnlyCell(self._sheet, letters)
        cell.data_type = "s"  # a text that begins with = is not a formula
        return cell

    def close(self) -> str:
        content = io.BytesIO()  # on a full disk openpyxl would leave its archive open
        self._book.save(content)
        with in_words(self._whole.file, "write"):
            self._stream.write(content.getbuffer())
        return self._whole.publish()

    def abort(self) -> None:
        with suppress(Exception):  # openpyxl keeps the sheet in a temporary file of its own
            self._sheet.close()
        self._whole.discard()
