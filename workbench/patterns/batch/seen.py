"""What the runs of one store have scored, by which version: kept from run to run."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.watermark import Mark
from ...errors import UsageError
from .ledger import Kept

_SCHEMA = """
create table if not exists scored (
  run text not null, version text not null, file text not null, fingerprint text not null, rows integer not null,
  rejects integer not null, at text not null, stands integer not null, primary key (run, file));
create table if not exists marks (
  run text primary key, kind text not null, text text not null, stands integer not null);
create table if not exists claims (run text primary key, ledger text not null);
"""


@dataclass(frozen=True)
class Entry:
    """A file, or a table, that a run has scored."""

    file: str
    fingerprint: list[Any]
    rows: int
    rejects: int


class Seen(Kept):
    """The ledger of a store in `file`. One run at a time has it, until it is closed; UsageError while another does.

    A run claims before its output appears, and is noted after. Who comes next finds the claim of one that was cut off
    between the two. `stands` says what the output holds still: a back-fill begins anew.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._own = os.open(file.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._own, fcntl.LOCK_EX | fcntl.LOCK_NB)
            super().__init__(file, _SCHEMA)
        except BlockingIOError:
            os.close(self._own)
            raise UsageError("another run scores what is new of this input now", fix="wait for it") from None
        except BaseException:
            os.close(self._own)
            raise

    def close(self) -> None:
        super().close()
        os.close(self._own)

    @property
    def turn(self) -> int:
        """How many runs were noted or given up: a plan of an earlier turn does not hold any more."""
        return int(self.fact("turn") or 0)

    def files(self) -> dict[str, list[Any]]:
        """The files that were scored and stand, with what they were like."""
        with self._refusals():
            found = self._connection.execute("select file, fingerprint from scored where stands order by rowid")
            return {file: json.loads(fingerprint) for file, fingerprint in found}

    def versions(self) -> set[str]:
        """The versions that scored what stands."""
        with self._refusals():
            return {version for (version,) in self._connection.execute("select version from scored where stands")}

    def mark(self) -> Mark | None:
        """The mark behind the newest row that was scored."""
        with self._refusals():
            found = self._connection.execute(
                "select kind, text from marks where stands order by rowid desc limit 1"
            ).fetchone()
        return Mark(*found) if found else None

    def claim(self, run: str, ledger: Path) -> None:
        """Say that the output of a run is about to appear."""
        with self._written() as write:
            write.execute("insert or replace into claims values (?, ?)", (run, str(ledger)))

    def claims(self) -> dict[str, Path]:
        """The runs that claimed and were not noted, with their ledgers."""
        with self._refusals():
            return {run: Path(ledger) for run, ledger in self._connection.execute("select * from claims")}

    def note(self, run: str, version: str, entries: list[Entry], mark: Mark | None, *, anew: bool) -> None:
        """The output of a run has appeared; with `anew` it has taken the place of all before. Again it does nothing."""
        at = time.strftime("%FT%T%z")
        with self._written() as write:
            if write.execute("select 1 from facts where name = ?", (f"noted {run}",)).fetchone():
                return
            if anew:
                write.execute("update scored set stands = 0")
                write.execute("update marks set stands = 0")
            write.executemany(
                "insert into scored values (?, ?, ?, ?, ?, ?, ?, 1)",
                [(run, version, e.file, json.dumps(e.fingerprint), e.rows, e.rejects, at) for e in entries],
            )
            if mark is not None:
                write.execute("insert into marks values (?, ?, ?, 1)", (run, mark.kind, mark.text))
            write.execute("insert into facts values (?, 'true')", (f"noted {run}",))
            self._next(write, run)

    def give_up(self, run: str) -> None:
        """A run that was cut off will not go on."""
        with self._written() as write:
            self._next(write, run)

    def noted(self, run: str) -> bool:
        return bool(self.fact(f"noted {run}"))

    def _next(self, write: Any, run: str) -> None:
        write.execute("delete from claims where run = ?", (run,))
        write.execute("insert or replace into facts values ('turn', ?)", (json.dumps(self.turn + 1),))
