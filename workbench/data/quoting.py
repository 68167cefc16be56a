"""Tables as CSV and TSV, with quotes only where they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .columns import as_text
from .files import FilePath, WholeFile, copy_text, in_words

if TYPE_CHECKING:
    import pyarrow as pa


class DelimitedSink:
    """A CSV file with a header, in UTF-8."""

    text: str | None = "csv"

    def __init__(self, file: FilePath, delimiter: str) -> None:

        self.label, self._delimiter = file.label, delimiter
        self._whole = WholeFile(file)
        self._stream = self._whole.stream()
        self._begun = False

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        with in_words(self._whole.file, "write"):
            if not self._begun:
                self._stream.write(header_line(table.column_names, self._delimiter))
                self._begun = True
            self._stream.write(row_lines(table, self._delimiter))

    def copy(self, file: FilePath) -> None:
        """Begin with all that is in another such file."""
        copy_text(file, self._stream)
        self._begun = True

    def close(self) -> str:
        return self._whole.publish()

    def abort(self) -> None:
        self._whole.discard()


def header_line(names: list[str], delimiter: str) -> bytes:
    """The line that names the columns."""
    import pyarrow as pa

    return row_lines(pa.table([pa.array([name]) for name in names], names=names), delimiter)


def row_lines(table: pa.Table, delimiter: str) -> bytes:
    """The rows as CSV: one text per row, whose Arrow buffer is the file's next bytes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if table.num_rows == 0:
        return b""
    texts = [_cells(column, delimiter, alone=table.num_columns == 1) for column in table.columns]
    empty, end = pa.scalar("", pa.large_string()), pa.scalar("\n", pa.large_string())
    rows = pc.binary_join_element_wise(*texts, pa.scalar(delimiter, pa.large_string()))
    rows = pc.binary_join_element_wise(rows, end, empty)
    return b"".join(_data(chunk) for chunk in (rows.chunks if isinstance(rows, pa.ChunkedArray) else [rows]))


def _data(texts: pa.Array) -> bytes:
    """All texts of a large_string array, one after the other."""
    import numpy as np

    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return b""
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(data)[ends[0] : ends[-1]])


def _cells(column: pa.ChunkedArray, delimiter: str, *, alone: bool) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind):
        cells = pc.if_else(column, "True", "False")
    elif pa.types.is_floating(kind):
        cells = _numbers(column)
    elif pa.types.is_nested(kind):
        cells = pa.chunked_array([pa.array([as_text(value) for value in column.to_pylist()], pa.string())])
    elif pa.types.is_timestamp(kind):
        cells = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+(Z?)$", r"\1")
    else:
        cells = column
    cells = pc.fill_null(cells.cast(pa.large_string()), "")
    return cells if pa.types.is_primitive(kind) else _quoted(cells, delimiter, alone=alone)


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    texts = column.cast(pa.string())
    whole = pc.match_substring_regex(texts, r"^-?[0-9]+$")
    return pc.if_else(whole, pc.binary_join_element_wise(texts, pa.scalar(".0"), pa.scalar("")), texts)


def _quoted(cells: pa.ChunkedArray, delimiter: str, *, alone: bool) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    marks = [mark.encode() for mark in ('"', "\r", "\n", delimiter)]
    if not alone and not any(mark in data for data in map(_data, cells.chunks) for mark in marks):
        return cells  # found a hundred times faster than by a look at each value
    escaped = f"\\{delimiter}" if delimiter in "^]-\\" else delimiter
    needed = pc.match_substring_regex(cells, f'["\r\n{escaped}]')
    if alone:  # an empty line would be skipped when the file is read
        needed = pc.or_(needed, pc.equal(cells, ""))
    if not pc.any(needed).as_py():
        return cells
    mark = pa.scalar('"', pa.large_string())
    doubled = pc.replace_substring(cells, '"', '""')
    empty = pa.scalar("", pa.large_string())
    return pc.if_else(needed, pc.binary_join_element_wise(mark, doubled, mark, empty), cells)
