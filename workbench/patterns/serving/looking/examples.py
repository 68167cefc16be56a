"""Rows of a reference -> what a client sends, as an example that it can copy."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ....bundle.tables import n_rows, take
from ....data.encoding import as_list, dumps
from ....inference.reading import ONLY

if TYPE_CHECKING:
    from ....inference.fields import Table
    from ....inference.schema import Schema


def example(schema: Schema, table: Table | None) -> Any:
    """A record, or a list of one row for a model of one array; of the rows, the first that lacks the least. An empty
    record without rows."""
    columns = {name: as_list(values) for name, values in (table or {}).items()}
    rows = sorted(zip(*columns.values(), strict=True), key=_lacks)
    if schema.kind == "array":
        return [list(rows[0])[list(columns).index(ONLY)]] if rows else []
    return dict(zip(columns, rows[0], strict=True)) if rows else {}


def first_row(table: Table | None) -> Table:
    """Of the rows the first that lacks the least, as a table of one; nothing without rows."""
    if not table or not n_rows(table):
        return {}
    rows = list(zip(*(as_list(values) for values in table.values()), strict=True))
    place = min(range(len(rows)), key=lambda number: _lacks(rows[number]))
    return take(table, [place])


def _lacks(row: tuple[Any, ...]) -> int:
    """How many of its values are missing."""
    return sum(value is None or value != value for value in row)


def call(url: str, example: Any, own_name: str, *, token: bool) -> str:
    """The line that a shell asks a service with; it fetches the token where one is asked for."""
    header = f'-H "Authorization: Bearer $(workbench token {own_name})" ' if token else ""
    return f"curl {shlex.quote(url)}/predict {header}-d {shlex.quote(dumps(example).decode())}"
