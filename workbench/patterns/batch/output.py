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
from ...data.folders import is_folder
from ...errors import UsageError
from .ledger import line

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.pieces import Sink
    from .chunks import Scored
    from .ledger import Reject

_LINE = "__line__"
MANIFEST, REJECTS = "_manifest.json", "_rejects.jsonl"


class Output:
    """Where a run's predictions go. Its parts lie in a hidden folder beside it (or in `folder`, for a table)."""

    def __init__(self, place: str, folder: Path, *, replace: bool, input: str) -> None:
        self.place, self.replace = place, replace
        self.is_folder = is_folder(place)
        if os.path.abspath(input) == os.path.abspath(place):
            raise UsageError(f"the output is the input, {place}", fix="name another output")
        self.label = os.path.abspath(place) if self.is_folder else places.parse(place).label
        local = Path(self.label) if "://" not in self.label else None
        self.target = local
        self.staging = local.with_name(f".{local.name}.parts") if local else folder / "parts"
        self.rejects = self._rejects_file(folder)

    def _rejects_file(self, folder: Path) -> Path:
        if self.target is None:
            return folder / "rejects.jsonl"
        return self.target / REJECTS if self.is_folder else self.target.with_name(f"{self.target.name}.rejects.jsonl")

    def begin(self) -> None:
        """Make room for the parts. UsageError for an output that is there, unless it is to be replaced."""
        there = self.target is not None and self.target.exists() and (not self.is_folder or any(self.target.iterdir()))
        if there and not self.replace:
            raise UsageError(f"{self.label} is there already", fix="name another output, or --replace this one")
        with self._refusals():
            self.staging.mkdir(parents=True, exist_ok=True)

    def sink_like(self) -> Sink | None:
        """What scoring asks how values are kept: None for parts, which have types."""
        if self.is_folder or self.target is None:
            return None
        return _TextOnly({"csv": "csv", "tsv": "csv", "jsonl": "jsonl"}.get(places.parse(self.place).kind))  # type: ignore[return-value]

    def write_part(self, number: int, scored: Scored) -> str:
        """Keep the predictions of a chunk; the name of its part, which is on the disk then."""
        from pyarrow import parquet

        table, lines = scored
        name = f"part-{number:06}.parquet"
        new = self.staging / f".{name}.new"
        with self._refusals():
            texts = [field.name for field in table.schema if str(field.type) in ("string", "large_string", "bool")]
            parquet.write_table(_with_lines(table, lines), new, use_dictionary=texts or False)
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(new, self.staging / name)
        return name

    def finish(self, parts: list[str], rejects: list[Reject]) -> None:
        """Let the output appear: a folder by one rename, a file by its sink's, a table by its transaction."""
        parts = [part for part in parts if part]
        if self.is_folder:
            self._as_folder(parts, rejects)
            return
        self._write_rejects(self.rejects, rejects)
        place = f"{self.place}&mode=replace" if self.target is None and self.replace else self.place
        sink = places.sink(place)
        try:
            for part in parts:
                sink.write(*_without_lines(self._read(part)))
            sink.close()
        except BaseException:
            sink.abort()
            raise

    def _as_folder(self, parts: list[str], rejects: list[Reject]) -> None:
        assert self.target is not None
        self._write_rejects(self.staging / REJECTS, rejects)
        with self._refusals():
            for strange in set(os.listdir(self.staging)) - {*parts, REJECTS, MANIFEST}:
                (self.staging / strange).unlink()
            (self.staging / MANIFEST).write_text(json.dumps({"parts": parts, "rejects": len(rejects)}, indent=1))
            if self.target.exists():
                self._move_away(self.target)
            os.replace(self.staging, self.target)

    def _move_away(self, folder: Path) -> None:
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
        shutil.rmtree(old, ignore_errors=True)

    def _write_rejects(self, file: Path, rejects: list[Reject]) -> None:
        with self._refusals():
            if rejects:
                file.write_text("".join(f"{line(reject)}\n" for reject in rejects), encoding="utf-8")
            else:
                file.unlink(missing_ok=True)

    def _read(self, part: str) -> pa.Table:
        from pyarrow import parquet

        return parquet.read_table(self.staging / part)

    def tidy(self) -> None:
        """The parts are not needed any more."""
        shutil.rmtree(self.staging, ignore_errors=True)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(self.staging, error) from error


class _TextOnly:
    """How a file of text keeps values, before it is opened."""

    def __init__(self, text: str | None) -> None:
        self.text = text


def _with_lines(table: pa.Table, lines: list[bytes] | None) -> pa.Table:
    import pyarrow as pa

    return table if lines is None else table.append_column(_LINE, pa.array(lines, pa.binary()))


def _without_lines(table: pa.Table) -> tuple[pa.Table, Any]:
    if _LINE not in table.column_names:
        return table, None
    return table.drop_columns([_LINE]), table.column(_LINE).to_pylist()
