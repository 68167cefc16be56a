"""A SQL table as an output, written in one transaction."""

from __future__ import annotations

from contextlib import suppress
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, UsageError
from .columns import as_text
from .sql import engine, in_words, named
from .upserts import one_of_each, primary_key, upsert

if TYPE_CHECKING:
    import pyarrow as pa

MODES = ("fail", "append", "replace")
_DDL_IN_TRANSACTIONS = {"sqlite", "postgresql", "mssql", "redshift", "duckdb"}


class SqlSink:
    """A table, written in one transaction. A table that is there is refused, but with `mode`:
    `append` adds the rows to it (run twice, it holds them twice), `replace` takes its place.
    With a `key` a row takes the place of the one that has its key, and is added where there is none."""

    text: str | None = None

    def __init__(self, url: str, label: str, *, table: str, mode: str, key: tuple[str, ...] = ()) -> None:
        self.label, self._mode, self._key = label, "append" if key else mode, key
        self._schema, self._name = named(table)
        self._engine = engine(url, label, create=True)
        self._new_file = self._sqlite_file() if not self._sqlite_file().exists() else None
        self._connection: Any = None
        self._table: Any = None
        self._insert: Any = None
        self._created = False
        with in_words(label):
            self._connection = self._engine.connect()
            self._begin()

    def _begin(self) -> None:
        import sqlalchemy

        try:
            self._transaction = self._connection.begin()
            self._exists = sqlalchemy.inspect(self._connection).has_table(self._name, self._schema)
            if self._exists and self._mode == "fail":
                raise UsageError(
                    f"{self.label}: there is a table {self._name!r}",
                    fix="add &mode=replace to write it anew, or &mode=append to add to it",
                )
        except BaseException:
            self.abort()
            raise

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        with in_words(self.label):
            if self._table is None:
                self._table = self._prepared(table.schema)
                self._insert = self._statement(table.column_names)
            rows = one_of_each(_rows(table), self._key, self.label)
            if rows:
                self._connection.execute(self._insert, rows)

    def _statement(self, names: list[str]) -> Any:
        if not self._key:
            return self._table.insert()
        return upsert(self._table, self._engine.dialect.name, names, self._key, self.label)

    def _prepared(self, schema: pa.Schema) -> Any:
        import sqlalchemy

        parts = [*_columns(schema), *primary_key(self._key, schema.names, self.label)]
        new = sqlalchemy.Table(self._name, sqlalchemy.MetaData(), *parts, schema=self._schema)
        if self._exists and (self._mode == "append" or self._engine.dialect.name not in _DDL_IN_TRANSACTIONS):
            old = sqlalchemy.Table(
                self._name, sqlalchemy.MetaData(), schema=self._schema, autoload_with=self._connection
            )
            self._refuse_other_columns(old, schema)
            if self._mode == "replace":
                self._connection.execute(old.delete())
            return old
        if self._exists:
            new.drop(self._connection)
        new.create(self._connection)
        self._created = not self._exists
        return new

    def _refuse_other_columns(self, old: Any, schema: pa.Schema) -> None:
        missing = [name for name in schema.names if name not in old.columns]
        if missing:
            what = f"{self.label}: the table {self._name!r} has no column {', '.join(map(repr, missing))}"
            raise BadInput(what, column=missing[0], fix="write to another table, or drop this one")

    def close(self) -> str:
        with in_words(self.label):
            self._transaction.commit()
            self._connection.close()
        self._engine.dispose()
        return self.label

    def abort(self) -> None:
        with suppress(Exception):  # the connection may be what failed
            self._transaction.rollback()
            if self._created and self._engine.dialect.name not in _DDL_IN_TRANSACTIONS:
                with self._connection.begin():
                    self._table.drop(self._connection)
        with suppress(Exception):
            self._connection.invalidate()  # a driver that failed might not give its handle back
        self._engine.dispose()
        with suppress(OSError):
            if self._new_file is not None and self._new_file.stat().st_size == 0:
                self._new_file.unlink()

    def _sqlite_file(self) -> Path:
        """The file of the database; for one that is none, a path that exists."""
        url = self._engine.url
        return Path(url.database if url.get_backend_name() == "sqlite" and url.database else "/")


def _columns(schema: pa.Schema) -> list[Any]:
    import sqlalchemy

    return [sqlalchemy.Column(field.name, sql_type(field.type)) for field in schema]


def sql_type(kind: pa.DataType) -> Any:
    import pyarrow as pa
    import sqlalchemy as sa

    t = pa.types
    if t.is_decimal(kind):
        return sa.Numeric(kind.precision, kind.scale)
    if t.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    if t.is_uint64(kind):
        return sa.Numeric(20, 0)
    for fits, made in (
        (t.is_boolean, sa.Boolean),
        (t.is_integer, sa.BigInteger),
        (t.is_floating, sa.Double),
        (t.is_date, sa.Date),
        (t.is_time, sa.Time),
        (t.is_binary, sa.LargeBinary),
        (t.is_large_binary, sa.LargeBinary),
    ):
        if fits(kind):
            return made()
    return sa.Text()


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    import pyarrow as pa

    columns = []
    for column in table.columns:
        values = column.to_pylist()
        if pa.types.is_floating(column.type):
            values = [None if value is None or isnan(value) else value for value in values]
        elif pa.types.is_nested(column.type):
            values = [as_text(value) for value in values]
        columns.append(values)
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=False)]
