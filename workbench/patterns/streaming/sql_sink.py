"""A SQL table: the rows of a batch and the offset that they cover in one transaction, so that each is there once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...data.sql import engine, in_words, named
from ...data.sql_table import sql_type
from ...errors import UsageError

if TYPE_CHECKING:
    from ...data.grammar import Place
    from ...inference.schema import Schema
    from .batches import Batch

OFFSETS = "workbench_offsets"
"""The table, in the same database, of the offset up to which each stream's answers are there."""


class SqlSink:
    """A table, made from the first batch if it is not there; with `mode=append` one that is there may be added to."""

    def __init__(self, at: Place, source: str, schema: Schema) -> None:
        import sqlalchemy as sa

        self.label, self.source, self.types = at.label, f"{source}→{at.options['table']}", schema
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
            there = sa.inspect(connection).has_table(self.name, self.schema)
            if there and self._position(connection) is None and at.options.get("mode") != "append":
                raise UsageError(
                    f"{self.label}: there is a table {self.name!r}, which this stream did not make",
                    fix="name another table, or add &mode=append",
                )
            if there:
                self.table = sa.Table(self.name, sa.MetaData(), schema=self.schema, autoload_with=connection)

    def position(self) -> int | None:
        with in_words(self.label), self.engine.connect() as connection:
            return self._position(connection)

    def _position(self, connection: Any) -> int | None:
        import sqlalchemy as sa

        query = sa.select(self.offsets.c.position).where(self.offsets.c.stream == self.source)
        found: int | None = connection.execute(query).scalar()
        return found

    def write(self, batch: Batch) -> int | None:
        rows = batch.rows()
        with in_words(self.label), self.engine.begin() as connection:
            before = self._position(connection)
            if before is not None and before >= batch.last:
                return before
            if rows:
                self._add(connection, rows)
            self._keep(connection, batch.last, new=before is None)
        return batch.last

    def _add(self, connection: Any, rows: list[dict[str, Any]]) -> None:
        if self.table is None:
            self.table = self._made(connection, rows)
        known = self.table.columns
        strange = next((name for name in rows[0] if name not in known), None)
        if strange is not None:
            what = f"{self.label}: the table {self.name!r} has no column {strange!r}"
            raise UsageError(what, fix="write to another table, or add the column")
        values = [{name: row.get(name) for name in known.keys() if name in rows[0]} for row in rows]  # noqa: SIM118
        connection.execute(self.table.insert(), _ready(self.table, values))

    def _made(self, connection: Any, rows: list[dict[str, Any]]) -> Any:
        """A table of the first batch's columns; those of the model with its types."""
        import pyarrow as pa
        import sqlalchemy as sa

        kinds = {
            field.name: pa.array([row.get(field.name) for row in rows]).type
            for field in pa.Table.from_pylist(rows).schema
        }
        for field in self.types.fields:
            if field.name in kinds and not field.shape and field.kind == "number":
                kinds[field.name] = pa.int64() if getattr(field.runtime, "kind", "f") in "iu" else pa.float64()
        columns = [sa.Column(name, sql_type(kind)) for name, kind in kinds.items()]
        table = sa.Table(self.name, sa.MetaData(), *columns, schema=self.schema)
        table.create(connection)
        return table

    def _keep(self, connection: Any, offset: int, *, new: bool) -> None:
        values = {"position": offset}
        if new:
            connection.execute(self.offsets.insert(), values | {"stream": self.source})
        else:
            connection.execute(self.offsets.update().where(self.offsets.c.stream == self.source), values)

    def flush(self) -> int | None:
        return None

    def close(self) -> int | None:
        self.engine.dispose()
        return None


def _ready(table: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Values as the columns take them: nested ones as JSON text."""
    import json

    nested = [name for name, value in rows[0].items() if isinstance(value, dict | list)]
    for row in rows if nested else ():
        for name in nested:
            row[name] = json.dumps(row[name], ensure_ascii=False)
    return rows
