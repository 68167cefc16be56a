"""An input that grows -> what of it a run scores: what no run before it has."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import text
from ...data import changed, folders, places
from ...data.grammar import is_database
from ...data.sql import SqlSource
from ...data.sql_bounds import Bounds
from ...data.watermark import Mark, Newer, Watermark
from ...errors import BadInput, UsageError
from .ledger import Ledger, fingerprint
from .output import Output
from .seen import Entry, Seen

if TYPE_CHECKING:
    from ...data.pieces import Source


@dataclass(frozen=True)
class New:
    """What of an input is new: files that no run into this output has scored, or with a `watermark` rows whose value in
    that column is higher; nothing older than `since`, which is a value of it, or else the time of a file. With
    `backfill` a version that has scored nothing of what the output holds scores all again. `seen` is the ledger."""

    seen: Path
    watermark: str | None = None
    since: str | None = None
    backfill: bool = False

    @classmethod
    def of(cls, folder: Path, model: str, input: str, output: str, said: dict[str, Any]) -> New:
        """With the ledger, in `folder`, of all runs of this model from that input to that output."""
        at = None if folders.is_folder(output) else places.parse(folders.local(output))
        way = json.dumps([model, input, at.label if at else output.rstrip("/")])
        digest = hashlib.sha256(way.encode()).hexdigest()[:12]
        return cls(folder / f"{model}-{digest}.db", said.get("watermark"), said.get("since"), "backfill" in said)


class Increment:
    """One attempt of a run that scores what is new. Its plan is made once, so that a further attempt has the same."""

    def __init__(self, new: New, ledger: Ledger, version: str) -> None:
        self._new, self._ledger, self._version = new, ledger, version
        self._seen = Seen(new.seen)
        try:
            self.run = ledger.fact("run") or self._named()
        except BaseException:
            self.close()
            raise
        self._watermark: Watermark | None = None
        self._upto: Mark | None = None

    def _named(self) -> str:
        self._ledger.keep("run", name := secrets.token_hex(8))
        return name

    def close(self) -> None:
        self._seen.close()

    @property
    def noted(self) -> bool:
        """Whether an earlier attempt did all of it, and was killed before it could say so."""
        return self._seen.noted(self.run)

    @property
    def _plan(self) -> dict[str, Any]:
        plan: dict[str, Any] = self._ledger.fact("plan")
        return plan

    def plan(self, files: list[str], output: Output) -> list[str]:
        """The files of the input that are to be read. UsageError where another run has scored since this one began;
        BadInput for a file that has changed since it was scored, whose rows would be there twice."""
        self._settle(output)
        if self._ledger.fact("plan") is None:
            self._ledger.keep("plan", self._made(files, output))
        plan = self._plan
        if plan["turn"] != self._seen.turn:
            what = f"another run has scored what is new for {output.label} since this one began"
            raise UsageError(what, fix="begin anew with %batch")
        if plan["anew"] and output.usual == output.mode:
            output.mode = "replace"
        after = Mark(**plan["after"]) if plan["after"] else None
        if self._new.watermark is not None:
            self._watermark = Watermark(self._new.watermark, after, self._new.since)
            self._upto = Mark(**plan["upto"]) if plan["upto"] else None
        found: list[str] = plan["files"]
        return found

    def _settle(self, output: Output) -> None:
        """See what became of a run that was cut off while its output appeared, and is not gone on with."""
        for run, file in self._seen.claims().items():
            if run == self.run:
                continue
            if not file.exists():
                what = f"a run into {output.label} was cut off while it wrote, and then removed"
                raise UsageError(f"{what}: whether its rows are there cannot be told", fix="look, then --backfill")
            ledger = Ledger(file)
            try:
                if output.appeared(ledger):
                    _note(self._seen, run, ledger)
                    ledger.finish()
                else:
                    self._seen.give_up(run)
            finally:
                ledger.close()

    def _made(self, files: list[str], output: Output) -> dict[str, Any]:
        if self._seen.turn == 0:
            self._seen.keep("watermark", self._new.watermark)
        elif (before := self._seen.fact("watermark")) != self._new.watermark:
            told = f"by {before!r}" if before else "by its files"
            fix = f"--watermark {before}" if before else "leave --watermark out, or write to another output"
            raise UsageError(f"what was scored for {output.label} is known {told}", fix=fix)
        known, versions = self._seen.files(), self._seen.versions()
        gone = bool(known) and not _is_there(output)
        anew = gone or (self._new.backfill and bool(versions) and self._version not in versions)
        if anew:
            known = {}
        chosen = [file for file in files if self._is_new(file, known.get(file), output, anew=anew)]
        after = None if anew else self._seen.mark()
        upto = None
        if self._new.watermark is not None and len(chosen) == 1 and is_database(chosen[0]):
            upto = self._top(chosen[0], after)
            chosen = chosen if upto is not None and upto != after else []
        plan = {"files": chosen, "fingerprints": {file: fingerprint(file) for file in chosen}, "anew": anew}
        marks = {"after": asdict(after) if after else None, "upto": asdict(upto) if upto else None}
        return {**plan, **marks, "turn": self._seen.turn, "version": self._version}

    def _top(self, table: str, after: Mark | None) -> Mark | None:
        """The highest mark of a table: what is added to it while it is read is left for the next run."""
        assert self._new.watermark is not None
        bounds = Bounds(self._new.watermark, _plain(after), self._new.since)
        top = places.source(table).top(bounds)  # type: ignore[attr-defined]
        return Mark.of(top) if top is not None else after

    def _is_new(self, file: str, before: list[Any] | None, output: Output, *, anew: bool) -> bool:
        now = fingerprint(file)
        if self._new.watermark is not None:
            return not now or now != before
        if not now:
            raise UsageError(f"{file}: what is new of it cannot be told", fix="name a column that grows: --watermark")
        if self._new.since is not None and not changed.since(file, self._new.since):
            return False
        if before is not None and before != now and output.mode != "upsert" and not anew:
            what = f"{file} has changed since it was scored: its rows would be there twice"
            fix = (
                "--watermark COLUMN tells its new rows, --key COLUMN puts them in their places, --backfill begins anew"
            )
            raise BadInput(what, where=file, fix=fix)
        return before != now

    @property
    def said(self) -> str:
        """What was new, in words."""
        plan, mark = self._ledger.fact("plan") or {}, self._ledger.fact("mark")
        if not plan:
            return ""
        column, after = self._new.watermark, plan["after"]
        said = "all again" if plan["anew"] else ""
        if column is None:
            return said or (text.count(len(plan["files"]), "new file") if plan["files"] else "nothing new")
        if not mark or mark == after:
            return "nothing new" + (f": {column} is {after['text']} at the most" if after else "")
        return f"{said or 'what is new'}, {column} {after['text'] + ' ' if after else ''}to {mark['text']}"

    def source(self, source: Source) -> Source:
        """The source without what is not new."""
        if self._watermark is None:
            return source
        if isinstance(source, SqlSource):
            after, since = self._watermark.after, self._watermark.since
            source.within(Bounds(self._watermark.column, _plain(after), since, _plain(self._upto)))
            return source
        return Newer(source, self._watermark)

    def claim(self) -> None:
        """All is read and scored: what is seen is kept, before the output appears."""
        mark = self._upto or (self._watermark.mark if self._watermark is not None else None)
        if mark is not None:
            self._ledger.keep("mark", asdict(mark))
        self._seen.claim(self.run, self._ledger.file)

    def note(self) -> None:
        """The output has appeared."""
        _note(self._seen, self.run, self._ledger)


def _is_there(output: Output) -> bool:
    try:
        return output.is_there()
    except UsageError:  # as a table says it
        return True


def _plain(mark: Mark | None) -> Any:
    """The value as databases take it."""
    value: Any = mark.value if mark else None
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


def _note(seen: Seen, run: str, ledger: Ledger) -> None:
    plan, mark = ledger.fact("plan"), ledger.fact("mark")
    rows, rejects = ledger.by_file()
    entries = [
        Entry(file, plan["fingerprints"][file], rows.get(file, 0), rejects.get(file, 0)) for file in plan["files"]
    ]
    seen.note(run, plan["version"], entries, Mark(**mark) if mark else None, anew=plan["anew"])
