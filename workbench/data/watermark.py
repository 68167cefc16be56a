"""A column that grows, and a mark -> the rows that are newer than the mark, and the mark behind the newest."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .pieces import Piece, Source

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "date": datetime.date.fromisoformat,
    "decimal": decimal.Decimal,
}


@dataclass(frozen=True)
class Mark:
    """A value of a watermark column, as it can be kept: its kind and its text."""

    kind: str
    text: str

    @classmethod
    def of(cls, value: Any) -> Mark:
        """That of a Python value: a number, a text, a date, a time."""
        if isinstance(value, datetime.datetime):
            return cls("datetime", value.isoformat())
        kind = type(value).__name__.lower()
        return cls(kind if kind in _KINDS else "str", repr(value) if kind == "float" else str(value))

    @property
    def value(self) -> Any:
        if self.kind == "datetime":
            import pandas as pd

            return pd.Timestamp(self.text)  # nanoseconds too
        return _KINDS[self.kind](self.text)


class Watermark:
    """Newer are the rows whose value in `column` is above `after` and at least `since`; `highest` is the highest value
    of those that were met."""

    def __init__(self, column: str, after: Mark | None, since: str | None) -> None:
        self.column, self.after, self.since = column, after, since
        self.highest: Any = after.value if after else None
        self._texts = False

    @property
    def mark(self) -> Mark | None:
        return None if self.highest is None else Mark.of(self.highest)

    def newer(self, piece: Piece, first_row: int, *, text: bool) -> Piece:
        """The newer rows of a piece, counted from `first_row`. BadInput for a column that is not there, a row without
        a value, and values that cannot be compared with the mark."""
        import pyarrow.compute as pc

        if self.column not in piece.table.column_names:
            fix = f"columns: {', '.join(piece.table.column_names)}"
            raise BadInput(f"there is no column {self.column!r}, which tells new rows", column=self.column, fix=fix)
        values = self._values(piece, text=text)
        chosen = None
        for bound, keep in ((self.after and self.after.value, pc.greater), (self.since, pc.greater_equal)):
            if bound is not None:
                found = keep(values, self._bound(bound, values.type))
                chosen = found if chosen is None else pc.and_(chosen, found)
        if len(values):
            top = pc.max(values).as_py()
            self.highest = top if self.highest is None else max(self.highest, top)
        if chosen is None:
            return replace(piece, first_row=first_row)
        lines = None
        if piece.lines is not None:
            lines = [line for line, new in zip(piece.lines, chosen.to_pylist(), strict=True) if new]
        return replace(piece, table=piece.table.filter(chosen), lines=lines, first_row=first_row)

    def _values(self, piece: Piece, *, text: bool) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = piece.table.column(self.column).combine_chunks()
        values = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        if text and pa.types.is_string(values.type):
            values = self._of_text(values)
        missing = pc.is_null(values, nan_is_null=True)
        if pc.any(missing).as_py():
            row = piece.first_row + pc.index(missing, True).as_py()
            what = f"row {row} has no value in {self.column!r}, which tells new rows"
            fix = "leave such rows out of the input, or name another column for --watermark"
            raise BadInput(what, column=self.column, row=row, fix=fix)
        return values

    def _of_text(self, values: pa.Array) -> pa.Array:
        """Values of a CSV file: numbers, where all that were met are."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from .columns import without_missing

        values = without_missing(values)
        if not self._texts and not isinstance(self.highest, str):
            try:
                return pc.cast(values, pa.float64())
            except pa.ArrowInvalid as error:
                if isinstance(self.highest, float):
                    raise self._other(values.type) from error
        self._texts = True
        return values

    def _bound(self, bound: Any, kind: pa.DataType) -> pa.Scalar:
        import pyarrow as pa

        try:
            if isinstance(bound, str) and pa.types.is_timestamp(kind) and kind.tz:
                return pa.scalar(datetime.datetime.fromisoformat(bound).astimezone(), kind)
            return pa.scalar(bound).cast(kind) if isinstance(bound, str) else pa.scalar(bound, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, ValueError) as error:
            raise self._other(kind) from error

    def _other(self, kind: pa.DataType) -> BadInput:
        mark = self.highest if self.highest is not None else self.since
        what = f"{self.column!r} holds {kind}, which cannot be compared with {mark}"
        return BadInput(what, column=self.column, fix="name another column for --watermark, or another --since")


class Newer:
    """A source without the rows that are not new; rows count among those that are. It may have no piece at all."""

    def __init__(self, source: Source, watermark: Watermark) -> None:
        self._source, self._watermark = source, watermark
        self.label, self.text, self._csv = source.label, source.text, source.text == "csv"
        self.rows: int | None = None if watermark.after or watermark.since else source.rows

    def choose(self, names: Collection[str]) -> None:
        self._source.choose({*names, self._watermark.column})

    def settle(self, leave: Collection[str]) -> None:
        self._source.settle(leave)
        self.text = self._source.text

    def pieces(self) -> Iterator[Piece]:
        rows = 0
        try:
            for piece in self._source.pieces():
                newer = self._watermark.newer(piece, rows, text=self._csv)
                rows += newer.table.num_rows
                if newer.table.num_rows:
                    yield newer
        except BadInput as error:
            error.where = error.where or self.label
            raise
