"""The bounds of a column -> the rows of a table or query that are within them."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .. import text as words
from ..errors import BadInput, UsageError

_READ: dict[type, Any] = {
    int: int,
    float: float,
    decimal.Decimal: decimal.Decimal,
    datetime.date: datetime.date.fromisoformat,
    datetime.datetime: datetime.datetime.fromisoformat,
}


@dataclass(frozen=True)
class Bounds:
    """Values of `column` above `after`, at least `since`, which is text as a person writes it, and at most `upto`."""

    column: str
    after: Any = None
    since: str | None = None
    upto: Any = None

    def top(self, rows: Any) -> Any:
        """The statement for the highest value within them."""
        import sqlalchemy

        return self._within(sqlalchemy.select(sqlalchemy.func.max(self._of(rows))).select_from(rows), rows)

    def missing(self, rows: Any) -> Any:
        """The statement for the number of rows without a value."""
        import sqlalchemy

        count = sqlalchemy.select(sqlalchemy.func.count()).select_from(rows)
        return count.where(self._of(rows).is_(None))

    def refuse_missing(self, number: int, label: str) -> None:
        """BadInput where there are any."""
        if number:
            what = f"{label}: {words.count(number, 'row')} without a value in {self.column!r}, which tells new rows"
            fix = "leave such rows out by a query, or name another column for --watermark"
            raise BadInput(what, column=self.column, fix=fix)

    def rows(self, rows: Any, chosen: Collection[str] | None) -> Any:
        """The statement for the rows within them, by this column; of `chosen` columns, where all are there."""
        import sqlalchemy

        there = list(rows.columns)
        if chosen is not None and set(chosen) <= {column.name for column in there}:
            there = [column for column in there if column.name in chosen]
        what = there or [sqlalchemy.text("*")]
        return self._within(sqlalchemy.select(*what).select_from(rows), rows).order_by(self._of(rows))

    def _of(self, rows: Any) -> Any:
        import sqlalchemy

        if self.column in rows.columns:
            return rows.columns[self.column]
        if len(rows.columns):
            fix = f"columns: {', '.join(column.name for column in rows.columns)}"
            raise UsageError(f"there is no column {self.column!r}, which tells new rows", fix=fix)
        return sqlalchemy.column(self.column)  # of a query, which the database knows

    def _within(self, statement: Any, rows: Any) -> Any:
        column = self._of(rows)
        if self.after is not None:
            statement = statement.where(column > self.after)
        if self.since is not None:
            statement = statement.where(column >= self._read(column, self.since))
        return statement if self.upto is None else statement.where(column <= self.upto)

    def _read(self, column: Any, said: str) -> Any:
        """The text as a value of the column; a number, where nothing is known of it and it is one."""
        try:
            kind = column.type.python_type
        except NotImplementedError:
            with contextlib.suppress(ValueError):
                return float(said)
            return said
        try:
            return _READ.get(kind, str)(said)
        except (ValueError, decimal.InvalidOperation) as error:
            raise UsageError(f"--since {said} is no value of {self.column!r}", fix=f"it holds {column.type}") from error
