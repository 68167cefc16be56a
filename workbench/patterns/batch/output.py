"""Parts -> a folder, a file or a table, which appears whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from ...bundle.storage import refused
from ...data import places
from ...data.appending import Extended
from ...errors import StorageError, UsageError
from . import folder, parts
from .folder import REJECTS
from .ledger import line
from .parts import Part
from .staging import Staging
from .target import Target

if TYPE_CHECKING:
    from ...data.pieces import Sink
    from .ledger import Ledger, Reject


class Output(Target):
    """The output of one run. Its parts lie in a hidden folder beside it (or in the ledger's, for a table)."""

    def __init__(
        self,
        place: str,
        ledger: Ledger,
        *,
        mode: str | None,
        partition: tuple[str, ...],
        input: str,
        usual: str = "fail",
    ) -> None:
        super().__init__(place, input, mode, partition, usual=usual)
        self.ledger = ledger
        self.staging = Staging(ledger, self.path)
        self.rejects = self._rejects_file(ledger.file.parent)
        self._first = 0

    def _rejects_file(self, folder: Path) -> Path:
        if self.path is None:
            return folder / "rejects.jsonl"
        return self.path / REJECTS if self.is_folder else self.path.with_name(f"{self.path.name}.rejects.jsonl")

    def check(self) -> None:
        """UsageError for an output that is there, unless something is to become of it or it is this run's own."""
        self.check_kind()
        if self.mode == "fail" and self.ledger.fact("publishing") is None:
            self.check_free()

    def begin(self) -> None:
        """Make room for the parts, which are this run's alone. UsageError while another run writes this output."""
        with self._refusals():
            self.staging.begin(self.label)
            if self.is_folder and self.mode == "append":
                self._first = self._number_of_first()

    def _number_of_first(self) -> int:
        """That of the first part that is added; it stays while parts have it."""
        assert self.path is not None
        before: int | None = self.ledger.fact("first part")
        if before is None or not any(part for _, _, part in self.ledger.done().values()):
            self._restore()
            self.ledger.keep("first part", before := folder.next_number(self.path))
        return before

    @property
    def text(self) -> str | None:
        """How it holds values, as `Sink.text` has it: None for parts, which have types."""
        if self.at is None or self.path is None:
            return None
        return {"csv": "csv", "tsv": "csv", "jsonl": "jsonl"}.get(self.at.kind)

    def part(self, number: int) -> Part:
        """Where the predictions of a chunk are kept until all are there."""
        return Part(self.staging.folder, self._first + number, self.partition)

    @property
    def published(self) -> bool:
        """Whether an earlier attempt let the output appear, and was killed before it could say so."""
        return self.appeared(self.ledger)

    def appeared(self, ledger: Ledger) -> bool:
        """Whether the run of this ledger let its output appear here."""
        before = ledger.fact("publishing")
        if before is None:
            return False
        if self.path is not None:
            folder.restore(self.path)
            return bool(before == folder.identity(self.path))
        if not isinstance(before, dict):
            return False
        rows = self._rows_there()
        if rows not in (before["before"], before["after"]):
            what = f"{self.label} holds {rows} rows: whether those of this run are among them cannot be told"
            raise StorageError(what, fix="look at the table, then begin the run anew with %batch if they are not")
        return bool(rows == before["after"])

    def finish(self, parts: list[str], rejects: list[Reject], rows: int) -> None:
        """Let the output appear: a folder or a local file by one rename, a remote one as its store does, a table by
        its transaction."""
        self.check()
        names = [name for part in parts for name in part.split("\n") if name]
        if self.is_folder:
            self._as_folder(names, rejects)
            return
        self._write_rejects(self.rejects, rejects)
        if self.path is not None:
            self._as_file(names)
        else:
            self._as_store(names, rows)

    def tidy(self) -> None:
        """What was needed until the output appeared goes; an attempt may have been killed before it could do so."""
        self.staging.tidy()
        if self.path is not None and self.is_folder:
            folder.tidy(self.path)

    def _as_file(self, names: list[str]) -> None:
        assert self.path is not None
        assert self.at is not None
        if not names:
            return
        options = "&".join(f"{key}={quote_plus(value)}" for key, value in self.at.options.items())
        new = self.staging.folder / f"whole-{self.path.name}"
        place = f"{new}?{options}" if options else str(new)
        self._write_all(Extended(place, self.place) if self._goes_on() else places.sink(place), names)
        with self._refusals():
            self.ledger.keep("publishing", folder.identity(new))
            os.replace(new, self.path)

    def _goes_on(self) -> bool:
        return self.mode == "append" and self.path is not None and self.path.exists()

    def _as_store(self, names: list[str], rows: int) -> None:
        """`publishing` before it is written: from then on what is there is this run's own."""
        own = self.ledger.fact("publishing") is not None
        if not own:
            self.ledger.keep("publishing", self._before(rows))
        if names:
            mode = "replace" if self.mode == "fail" and own else self.mode
            self._write_all(places.sink(self.place, mode=None if mode == "upsert" else mode), names)

    def _before(self, rows: int) -> dict[str, int] | bool:
        if self.mode != "append":
            return True
        there = self._rows_there()
        return {"before": there, "after": there + rows}

    def _rows_there(self) -> int:
        """How many rows the table has; 0 where it is not there."""
        from ...data.sql import SqlSource
        from ...data.sql_table import SqlSink

        assert self.at is not None
        table = self.at.options["table"]
        try:
            SqlSink(self.at.path, self.at.label, table=table, mode="fail").abort()
            return 0
        except UsageError:  # it is there
            counted = SqlSource(self.at.path, self.at.label, table=None, query=f"select count(*) as n from {table}")
            return int(next(iter(counted.pieces())).table.column("n")[0].as_py())

    def _write_all(self, sink: Sink, names: list[str]) -> None:
        try:
            for name in names:
                sink.write(*parts.read(self.staging.folder / name))
            sink.close()
        except BaseException:
            sink.abort()
            raise

    def _as_folder(self, names: list[str], rejects: list[Reject]) -> None:
        assert self.path is not None
        staging = self.staging.folder
        with self._refusals():
            folder.clear(staging, names)
            self._restore()
            before: list[str] = []
            if self._goes_on():
                before = folder.take_in(staging, self.path, self.label)
            refused_before = self._rejects_before()
            self._write_rejects(staging / REJECTS, rejects, refused_before)
            number = len(rejects) + refused_before.count("\n")
            folder.write_manifest(staging, [*before, *names], number)
            self.ledger.keep("publishing", folder.identity(staging))
            folder.swap(staging, self.path)

    def _restore(self) -> None:
        if self.path is not None and self.ledger.fact("publishing") is not None:
            folder.restore(self.path)

    def _rejects_before(self) -> str:
        return self.rejects.read_text(encoding="utf-8") if self._goes_on() and self.rejects.exists() else ""

    def _write_rejects(self, file: Path, rejects: list[Reject], before: str = "") -> None:
        with self._refusals():
            if rejects or before:
                new = file.with_name(f".{file.name}.new")
                new.write_text(before + "".join(f"{line(reject)}\n" for reject in rejects), encoding="utf-8")
                os.replace(new, file)
            else:
                file.unlink(missing_ok=True)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.staging.folder, error) from error
