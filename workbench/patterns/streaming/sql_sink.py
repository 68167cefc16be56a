"""A SQL table: the rows of a batch and the offset that they cover in one transaction, so that each is there once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...brokers.protocol import of_lane
from ...data.columns import ValueTypes, as_text
from ...data.places import columns
from ...data.sql import engine, in_words, named
from ...data.sql_table import sql_type
from ...data.upserts import one_of_each, primary_key, upsert
from ...errors import StorageError, UsageError
from .batches import Dead, Unfit

if TYPE_CHECKING:
    from ...brokers.protocol import Marks
    from ...data.grammar import Place
    from ...inference.schema import Schema
    from .batches import Batch

OFFSETS = "workbench_offsets"
"""The table, in the same database, of the offset up to which each stream's answers are there."""


class SqlSink:
    """A table, made from the first batch if it is not there; with `mode=append` one that is there may be added to. With
    a `key` a row takes the place of the one that has its key: of each the table has what was answered last, or where
    event times are written, too, what happened last."""

    repeats = False

    def __init__(self, at: Place, source: str, schema: Schema) -> None:
        import sqlalchemy as sa

        self.label, self.source, self.types = at.label, f"{source}→{at.options['table']}", schema
        self.key = columns(at.options.get("key"))
        self.appends = bool(self.key) or at.options.get("mode") == "append"
        self.schema, self.name = named(at.options["table"])
        self.engine = engine(at.path, at.label, create=True)
        self.table: Any = None
        self.offsets = sa.Table(
            OFFSETS,
            sa.MetaData(),
            sa.Column("stream", sa.String(200), primary_key=True),
            sa.Column("position", sa.BigInteger, nullable=False),
        )
        with in_words(self.label), self.engine.begin() as connection:
            self.offsets.create(connection, checkfirst=True)
            self._refuse_others(connection)

    def _refuse_others(self, connection: Any) -> None:
        """The row of this stream says from now on that the table is its own."""
        import sqlalchemy as sa

        if self._position(connection) is not None:
            return
        if not self.appends and sa.inspect(connection).has_table(self.name, self.schema):
            raise UsageError(
                f"{self.label}: there is a table {self.name!r}, which this stream did not make",
                fix="name another table, or add &mode=append",
            )
        connection.execute(self.offsets.insert(), {"stream": self.source, "position": 0})

    def position(self, lane: str) -> int | None:
        with in_words(self.label), self.engine.connect() as connection:
            return self._position(connection, lane)

    def _position(self, connection: Any, lane: str = "") -> int | None:
        import sqlalchemy as sa

        query = sa.select(self.offsets.c.position).where(self.offsets.c.stream == of_lane(self.source, lane))
        found: int | None = connection.execute(query).scalar()
        return found

    def write(self, batch: Batch) -> Marks:
        rows = batch.rows()
        if keyless := self._keyless(batch, rows):
            raise Unfit(keyless)
        try:
            with in_words(self.label), self.engine.begin() as connection:
                before = self._position(connection, batch.lane)
                if before is not None and before >= batch.last:
                    return {batch.lane: before}
                if before is not None and before >= batch.first:
                    batch = batch.after(before)
                    rows = batch.rows()
                if rows:
                    self._add(connection, rows, batch.time)
                self._keep(connection, batch.marks)
        except BaseException as error:
            self.table = None  # it may be another when this is tried again
            if _of_values(error.__cause__) and (dead := self._unfit(batch, rows)):
                raise Unfit(dead) from error
            raise
        return batch.marks

    def _keyless(self, batch: Batch, rows: list[dict[str, Any]]) -> list[Dead]:
        """The records whose row could take no other's place."""
        lacks = [next((name for name in self.key if row.get(name) is None), None) for row in rows]
        why = f"{self.label}: it has no value in {{!r}}, which is the table's key"
        return [Dead(one, why.format(name)) for one, name in zip(batch.records, lacks, strict=True) if name]

    def _unfit(self, batch: Batch, rows: list[dict[str, Any]]) -> list[Dead]:
        """The records that the table refuses, each found alone; none where it refuses all of many."""
        import sqlalchemy as sa

        dead = []
        with in_words(self.label), self.engine.connect() as connection, connection.begin() as tried:
            for record, row in zip(batch.records, rows, strict=True):
                try:
                    with connection.begin_nested():
                        self._add(connection, [row], batch.time)
                except sa.exc.StatementError as error:
                    dead.append(Dead(record, f"{self.label}: {str(error.orig).splitlines()[0]}"))
            tried.rollback()
        self.table = None
        return dead if len(dead) < max(2, len(rows)) else []

    def _add(self, connection: Any, rows: list[dict[str, Any]], time: str) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row))
        if self.table is None:
            self.table = self._there(connection) if self._has(connection) else self._made(connection, names, rows)
        strange = next((name for name in names if name not in self.table.columns), None)
        if strange is not None:
            what = f"{self.label}: the table {self.name!r} has no column {strange!r}"
            raise StorageError(what, fix="add the column, or write to another table")
        how = self.table.insert()
        if self.key:
            rows = one_of_each(rows, self.key, self.label)
            how = upsert(self.table, self.engine.dialect.name, names, self.key, self.label, time or None)
        connection.execute(how, fitting(self.table, names, rows))

    def _has(self, connection: Any) -> bool:
        import sqlalchemy as sa

        return bool(sa.inspect(connection).has_table(self.name, self.schema))

    def _there(self, connection: Any) -> Any:
        import sqlalchemy as sa

        return sa.Table(self.name, sa.MetaData(), schema=self.schema, autoload_with=connection)

    def _made(self, connection: Any, names: list[str], rows: list[dict[str, Any]]) -> Any:
        """A table of the first batch's columns; those of the model with its types."""
        import pyarrow as pa
        import sqlalchemy as sa

        types = ValueTypes()
        for name in names:
            types.add(name, [row.get(name) for row in rows])
        kinds = {name: types.type_of(name) for name in names}
        for field in self.types.fields:
            if field.name in kinds and not field.shape and field.kind == "number":
                kinds[field.name] = pa.int64() if getattr(field.runtime, "kind", "f") in "iu" else pa.float64()
        made = [sa.Column(name, sql_type(kind)) for name, kind in kinds.items()]
        parts = [*made, *primary_key(self.key, names, self.label)]
        table = sa.Table(self.name, sa.MetaData(), *parts, schema=self.schema)
        table.create(connection)
        return table

    def _keep(self, connection: Any, marks: Marks) -> None:
        for lane, offset in marks.items():
            stream = of_lane(self.source, lane)
            known = self.offsets.update().where(self.offsets.c.stream == stream)
            if not connection.execute(known, {"position": offset}).rowcount:
                connection.execute(self.offsets.insert(), {"stream": stream, "position": offset})

    def rewind(self, marks: Marks) -> None:
        with in_words(self.label), self.engine.begin() as connection:
            self._keep(connection, marks)

    def flush(self) -> Marks:
        return {}

    def close(self) -> Marks:
        self.engine.dispose()
        return {}


def _of_values(error: BaseException | None) -> bool:
    """Whether a database, or what prepares values for it, refuses values, and not the statement."""
    from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

    return isinstance(error, IntegrityError | DataError) or (
        isinstance(error, StatementError) and not isinstance(error, DBAPIError)
    )


def fitting(table: Any, names: list[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The values of JSON as the columns take them: times as such, nested ones and text among numbers as text."""
    makers = {name: _maker(table.columns[name].type) for name in names}
    return [{name: None if (v := row.get(name)) is None else make(v) for name, make in makers.items()} for row in rows]


def _maker(kind: Any) -> Callable[[Any], Any]:
    import datetime as dt

    import sqlalchemy as sa

    if isinstance(kind, sa.String):
        return as_text
    readers: tuple[tuple[Any, Callable[[str], Any]], ...] = (
        (sa.DateTime, dt.datetime.fromisoformat),
        (sa.Date, lambda text: dt.datetime.fromisoformat(text).date()),
        (sa.Time, dt.time.fromisoformat),
    )
    reader = next((read for type_, read in readers if isinstance(kind, type_)), None)
    return (lambda value: _read(reader, value)) if reader else _storable


def _read(reader: Callable[[str], Any], value: Any) -> Any:
    """What is no time is left as it is, for the database to name."""
    try:
        return reader(value)
    except (ValueError, TypeError):
        return value


def _storable(value: Any) -> Any:
    if isinstance(value, dict | list) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        return as_text(value)
    return value
