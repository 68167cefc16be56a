"""Rows with a key -> statements that put each in the place of the row that has its key."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import BadInput, UsageError

Rows = list[dict[str, Any]]


def primary_key(key: tuple[str, ...], names: list[str], label: str) -> list[Any]:
    """What a new table has beside its columns. UsageError for a key of which a column is not written."""
    import sqlalchemy

    missing = next((name for name in key if name not in names), None)
    if missing is not None:
        raise UsageError(f"{label}: no column {missing!r} is written, which is to be its key", fix=", ".join(names))
    return [sqlalchemy.PrimaryKeyConstraint(*key)] if key else []


def upsert(
    table: Any, dialect: str, names: list[str], key: tuple[str, ...], label: str, newer: str | None = None
) -> Any:
    """The statement for a database of this kind; with a column `newer` no row takes the place of one that has more
    there. UsageError where it knows none, or the table has not that key."""
    if dialect not in ("sqlite", "postgresql"):
        what = f"{label}: rows are put by a key in SQLite and PostgreSQL, not in {dialect}"
        raise UsageError(what, fix="leave the key out, and merge the table that is written with SQL")
    if not _is_unique(table, set(key)):
        columns = ", ".join(key)
        fix = f"CREATE UNIQUE INDEX {table.name}_key ON {table.name} ({columns})"
        raise UsageError(f"{label}: nothing says that {columns} is unique in the table {table.name!r}", fix=fix)
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    values = {name: insert.excluded[name] for name in names if name not in key}
    elements = [table.c[name] for name in key]
    if not values:
        return insert.on_conflict_do_nothing(index_elements=elements)
    own = table.c[newer] if newer else None
    where = None if own is None else own.is_(None) | (own <= insert.excluded[newer])
    return insert.on_conflict_do_update(index_elements=elements, set_=values, where=where)


def _is_unique(table: Any, key: set[str]) -> bool:
    import sqlalchemy

    constraints = [c for c in table.constraints if isinstance(c, sqlalchemy.UniqueConstraint)]
    indexes = [index for index in table.indexes if index.unique]
    return any({column.name for column in one.columns} == key for one in (table.primary_key, *constraints, *indexes))


def one_of_each(rows: Rows, key: tuple[str, ...], label: str) -> Rows:
    """The last row of each key: no statement may meet one twice. BadInput for a row without a key."""
    if not key:
        return rows
    for name in key:
        if any(row[name] is None for row in rows):
            what = f"{label}: a row has no value in {name!r}, which is its key"
            raise BadInput(what, column=name, fix="leave such rows out of the input, or name another key")
    return list({tuple(row[name] for name in key): row for row in rows}.values())
