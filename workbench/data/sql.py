"""SQL tables and queries, through SQLAlchemy."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text as words
from ..bundle.storage import writing
from ..errors import BadInput, NotFound, StorageError, UsageError, WorkbenchError
from .columns import ValueTypes
from .pieces import PIECE_ROWS, Piece

if TYPE_CHECKING:
    import pyarrow as pa

    from .sql_bounds import Bounds

_PACKAGES = {"psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
_NEXT_STEPS = {
    "OperationalError": "check that the database answers at this URL, then the table and the query",
    "IntegrityError": "make the rows fit the table's constraints, or name another table",
    "DataError": "make the values fit the table's columns, or name another table",
}


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """Turn what the database says into a StorageError that names the place."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).splitlines()[0]
        if "disk is full" in said or "disk full" in said.lower() or "No space left" in said:
            raise StorageError(f"the disk is full: {label} was not written", fix="free some space") from error
        raise StorageError(f"{label}: the database says: {said}", fix=_next_step(error, said)) from error
    except SQLAlchemyError as error:
        raise StorageError(f"{label}: {str(error).splitlines()[0]}", fix="check the table and its columns") from error


def _next_step(error: Exception, said: str) -> str:
    if "locked" in said:
        return "end what else writes to it, then try again"
    return _NEXT_STEPS.get(type(error).__name__, "check the table, its columns and the query")


def engine(url: str, label: str, *, create: bool) -> Any:
    """The SQLAlchemy engine of a URL; a SQLite file that is not there is NotFound, but with `create`."""
    import sqlalchemy

    try:
        parsed = sqlalchemy.make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            _refuse_missing(Path(str(parsed.database)), label, create=create)
            return _sqlite(parsed)
        return sqlalchemy.create_engine(parsed)
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise UsageError(f"{label} needs {package}, which is not installed", fix=f"pip install {package}") from error
    except sqlalchemy.exc.NoSuchModuleError as error:
        what = f"{label} needs a dialect of SQLAlchemy for {url.partition(':')[0]}, which is not installed"
        raise UsageError(what, fix=f"pip install the package that has it: {error}") from error
    except sqlalchemy.exc.ArgumentError as error:
        what = f"{label} is not a database URL: {str(error).splitlines()[0]}"
        raise UsageError(what, fix="write it as in postgresql://user@host/database?table=NAME") from error


def _refuse_missing(file: Path, label: str, *, create: bool) -> None:
    if file.exists() or (create and file.absolute().parent.is_dir()):
        return
    if not file.absolute().parent.is_dir():
        raise NotFound(f"there is no folder {file.absolute().parent}", where=label, fix="check the path")
    close = words.closest(file.name, [other.name for other in file.absolute().parent.iterdir()])
    fix = f"{file.absolute().parent / close} is there" if close else "check the path"
    raise NotFound(f"there is no database {file.absolute()}", fix=fix)


def _sqlite(url: Any) -> Any:
    """An engine whose transactions hold tables too: the driver's own begin would leave CREATE TABLE outside."""
    import sqlalchemy
    from sqlalchemy import event

    engine = sqlalchemy.create_engine(url)

    @event.listens_for(engine, "connect")
    def manual(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def named(table: str) -> tuple[str | None, str]:
    """`public.scores` -> its schema and its name."""
    schema, _, name = table.rpartition(".")
    return schema or None, name


class SqlSource:
    """A table or the answer of a query.

    The rows are first copied, in pieces, to a temporary file: the database is not held while the
    model works, and the number of rows and each column's one type are known.
    """

    text: str | None = None

    def __init__(self, url: str, label: str, *, table: str | None, query: str | None) -> None:
        self._url, self.label, self._table, self._query = url, label, table, query
        self.rows: int | None = None
        self._chosen: frozenset[str] | None = None
        self._bounds: Bounds | None = None
        self._kept: Path | None = None

    def top(self, bounds: Bounds) -> Any:
        """The highest value of the column that these bound; None where no row is within them."""
        at = engine(self._url, self.label, create=False)
        try:
            with in_words(self.label), at.connect() as connection:
                rows = self._rows(connection)
                bounds.refuse_missing(connection.execute(bounds.missing(rows)).scalar(), self.label)
                return connection.execute(bounds.top(rows)).scalar()
        finally:
            at.dispose()

    def within(self, bounds: Bounds) -> None:
        """Read only the rows within these, in the order of their column."""
        self._bounds = bounds

    def choose(self, names: Collection[str]) -> None:
        self._chosen = frozenset(names)

    def settle(self, leave: Collection[str]) -> None:
        """Types are found while the rows are copied."""

    def keep(self, file: Path) -> None:
        """Copy the rows to this file, and read them there where they were copied before: who reads twice, or goes on
        after its end, has the same rows, whatever has become of the table. A file of our own, which nobody else writes.
        """
        self._kept = file

    def pieces(self) -> Iterator[Piece]:
        if self._kept is None:
            with tempfile.TemporaryFile() as spool:
                yield from self._spooled(spool, self._copy(spool))
            return
        about = self._kept.with_suffix(".types")
        if not self._kept.exists():
            self._keep(self._kept, about)
        with about.open("rb") as file, self._kept.open("rb") as spool:
            self.rows, types = pickle.load(file)
            yield from self._spooled(spool, types)

    def _keep(self, file: Path, about: Path) -> None:
        new = file.with_suffix(".new")
        with writing(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as spool:
                types = self._copy(spool)
                spool.flush()
                os.fsync(spool.fileno())
            about.write_bytes(pickle.dumps((self.rows, types), protocol=5))
            os.replace(new, file)

    def _spooled(self, spool: Any, types: ValueTypes) -> Iterator[Piece]:
        spool.seek(0)
        first_row = 0
        while rows := pickle.load(spool):  # our own file
            yield Piece(_table(types, rows), first_row)
            first_row += len(rows)
        if not first_row:
            yield Piece(_table(types, []), 0)

    def _copy(self, spool: Any) -> ValueTypes:
        at = engine(self._url, self.label, create=False)
        try:
            with in_words(self.label), at.connect() as connection:
                return self._copy_rows(self._execute(connection), spool)
        finally:
            at.dispose()

    def _copy_rows(self, result: Any, spool: Any) -> ValueTypes:
        types, count, names = ValueTypes(), 0, list(result.keys())
        _refuse_twice(names, self.label)
        for name in names:
            types.add(name, [])
        for part in result.partitions(PIECE_ROWS):
            rows = [tuple(row) for row in part]
            for name, values in zip(names, zip(*rows, strict=True), strict=True):
                types.add(name, values)
            pickle.dump(rows, spool, protocol=5)
            count += len(rows)
        pickle.dump(None, spool)
        self.rows = count
        return types

    def _execute(self, connection: Any) -> Any:
        import sqlalchemy

        connection = connection.execution_options(stream_results=True, max_row_buffer=PIECE_ROWS)
        if self._bounds is not None:
            return connection.execute(self._bounds.rows(self._rows(connection), self._chosen))
        if self._query is not None:
            # no parameters at all: a % or a : of the query is left as it is
            return connection.execution_options(no_parameters=True).exec_driver_sql(self._query)
        table = self._rows(connection)
        chosen = self._chosen if self._chosen and self._chosen <= set(table.columns.keys()) else None
        return connection.execute(
            sqlalchemy.select(*(column for column in table.columns if chosen is None or column.name in chosen))
        )

    def _rows(self, connection: Any) -> Any:
        """The table, or the query as one."""
        import sqlalchemy

        if self._query is not None:
            return sqlalchemy.text(self._query.replace(":", r"\:").rstrip("; \n")).columns().subquery("q")
        schema, name = named(self._table or "")
        inspector = sqlalchemy.inspect(connection)
        there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        if name not in there:
            close = words.closest(name, there)
            fix = f"?table={close}" if close else f"tables there: {', '.join(sorted(there)) or 'none'}"
            raise NotFound(f"{self.label}: there is no table {name!r}", fix=fix)
        return sqlalchemy.Table(name, sqlalchemy.MetaData(), schema=schema, autoload_with=connection)


def _refuse_twice(names: list[str], label: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        fix = f"SELECT … AS {twice}_2"
        raise BadInput(f"{label} answers two columns of the name {twice!r}", column=twice, fix=fix)


def _table(types: ValueTypes, rows: list[tuple[Any, ...]]) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * len(types.names)
    return pa.table({name: types.build(name, values) for name, values in zip(types.names, columns, strict=True)})


def neither(label: str) -> WorkbenchError:
    """What is said of a database URL that names neither a table nor a query."""
    return UsageError(f"{label} names a database, and neither a table nor a query", fix=f"{label}?table=NAME")
