"""Parts -> a folder, a file or a table, which appears whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle.storage import refused
from ...data import places
from ...errors import StorageError, UsageError
from .ledger import line
from .staging import Staging
from .target import Target

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.pieces import Sink
    from .chunks import Scored
    from .ledger import Ledger, Reject

_LINE = "__line__"
MANIFEST, REJECTS = "_manifest.json", "_rejects.jsonl"


class Output(Target):
    """The output of one run. Its parts lie in a hidden folder beside it (or in the ledger's, for a table)."""

    def __init__(self, place: str, ledger: Ledger, *, replace: bool, input: str) -> None:
        super().__init__(place, input)
        self.ledger, self.replace = ledger, replace
        self.staging = Staging(ledger, self.path)
        self.rejects = self._rejects_file(ledger.file.parent)

    def _rejects_file(self, folder: Path) -> Path:
        if self.path is None:
            return folder / "rejects.jsonl"
        return self.path / REJECTS if self.is_folder else self.path.with_name(f"{self.path.name}.rejects.jsonl")

    def check(self) -> None:
        """UsageError for an output that is there, unless it is to be replaced or is this run's own."""
        self.check_kind()
        if not self.replace and self.ledger.fact("publishing") is None:
            self.check_free()

    def begin(self) -> None:
        """Make room for the parts, which are this run's alone. UsageError while another run writes this output."""
        with self._refusals():
            self.staging.begin(self.label)

    def sink_like(self) -> Sink | None:
        """What scoring asks how values are kept: None for parts, which have types."""
        if self.at is None or self.path is None:
            return None
        return _TextOnly({"csv": "csv", "tsv": "csv", "jsonl": "jsonl"}.get(self.at.kind))  # type: ignore[return-value]

    def write_part(self, number: int, scored: Scored) -> str:
        """Keep the predictions of a chunk; the name of its part, which is on the disk then."""
        from pyarrow import parquet

        table, lines = scored
        name = f"part-{number:06}.parquet"
        new = self.staging.folder / f".{name}.new"
        with self._refusals():
            texts = [field.name for field in table.schema if str(field.type) in ("string", "large_string", "bool")]
            parquet.write_table(_with_lines(table, lines), new, use_dictionary=texts or False)
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(new, self.staging.folder / name)
        return name

    @property
    def published(self) -> bool:
        """Whether an earlier attempt let the output appear, and was killed before it could say so."""
        before = self.ledger.fact("publishing")
        if before is None or self.at is None or self.at.options.get("mode") != "append":
            return self.is_folder and before is not None and before == _identity(self.path)
        rows = self._rows_there()
        if rows not in (before["before"], before["after"]):
            what = f"{self.label} holds {rows} rows: whether those of this run are among them cannot be told"
            raise StorageError(what, fix="look at the table, then begin the run anew with %batch if they are not")
        return bool(rows == before["after"])

    def finish(self, parts: list[str], rejects: list[Reject], rows: int) -> None:
        """Let the output appear: a folder by one rename, a file by its sink's, a table by its transaction."""
        self.check()
        parts = [part for part in parts if part]
        if self.is_folder:
            self._as_folder(parts, rejects)
            return
        again = self.replace or self.ledger.fact("publishing") is not None
        self._write_rejects(self.rejects, rejects)
        if self.ledger.fact("publishing") is None:
            self.ledger.keep("publishing", self._before(rows))
        if parts:
            self._as_sink(parts, again)

    def _before(self, rows: int) -> dict[str, int]:
        if self.at is None or self.at.options.get("mode") != "append":
            return {}
        there = self._rows_there()
        return {"before": there, "after": there + rows}

    def _rows_there(self) -> int:
        """How many rows the table has; 0 where it is not there."""
        from ...data.sql import SqlSource
        from ...data.sql_table import SqlSink

        assert self.at is not None
        table = self.at.options["table"]
        try:
            SqlSink(self.at.path, self.at.label, table=table, mode="create").abort()
            return 0
        except UsageError:  # it is there
            counted = SqlSource(self.at.path, self.at.label, table=None, query=f"select count(*) as n from {table}")
            return int(next(iter(counted.pieces())).table.column("n")[0].as_py())

    def _as_sink(self, parts: list[str], again: bool) -> None:
        """`again`: a table that is there is to be replaced, or this run's own."""
        new = self.at is not None and self.at.kind == "sql" and self.at.options.get("mode", "create") == "create"
        sink = places.sink(f"{self.place}&mode=replace" if new and again else self.place)
        try:
            for part in parts:
                sink.write(*_without_lines(self._read(part)))
            sink.close()
        except BaseException:
            sink.abort()
            raise

    def _as_folder(self, parts: list[str], rejects: list[Reject]) -> None:
        assert self.path is not None
        staging = self.staging.folder
        self._write_rejects(staging / REJECTS, rejects)
        with self._refusals():
            for strange in set(os.listdir(staging)) - {*parts, REJECTS, MANIFEST}:
                (staging / strange).unlink()
            (staging / MANIFEST).write_text(json.dumps({"parts": parts, "rejects": len(rejects)}, indent=1))
            self.ledger.keep("publishing", _identity(staging))
            old = self.path.with_name(f".{self.path.name}.old")
            if self.path.exists():
                shutil.rmtree(old, ignore_errors=True)
                os.replace(self.path, old)
            os.replace(staging, self.path)
            shutil.rmtree(old, ignore_errors=True)

    def _write_rejects(self, file: Path, rejects: list[Reject]) -> None:
        with self._refusals():
            if rejects:
                new = file.with_name(f".{file.name}.new")
                new.write_text("".join(f"{line(reject)}\n" for reject in rejects), encoding="utf-8")
                os.replace(new, file)
            else:
                file.unlink(missing_ok=True)

    def _read(self, part: str) -> pa.Table:
        from pyarrow import parquet

        return parquet.read_table(self.staging.folder / part)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.staging.folder, error) from error


class _TextOnly:
    """How a file of text keeps values, before it is opened."""

    def __init__(self, text: str | None) -> None:
        self.text = text


def _identity(folder: Path | None) -> list[int] | None:
    """Which folder it is, under whatever name."""
    try:
        stat = os.stat(folder or "")
    except OSError:
        return None
    return [stat.st_dev, stat.st_ino, stat.st_mtime_ns]


def _with_lines(table: pa.Table, lines: list[bytes] | None) -> pa.Table:
    import pyarrow as pa

    return table if lines is None else table.append_column(_LINE, pa.array(lines, pa.binary()))


def _without_lines(table: pa.Table) -> tuple[pa.Table, Any]:
    if _LINE not in table.column_names:
        return table, None
    return table.drop_columns([_LINE]), table.column(_LINE).to_pylist()
