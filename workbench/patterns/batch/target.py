"""A place and an input -> where predictions appear as a whole, or why they cannot."""

from __future__ import annotations

import os
from pathlib import Path

from ...data import places
from ...data.files import exists
from ...data.folders import inputs, is_folder, local
from ...data.grammar import expand
from ...errors import UsageError


class Target:
    """Where a run's predictions go: a folder of parts, a file or a table. `path` is that of a local one, `mode` what
    becomes of an output that is there: `fail`, `append`, `replace`, or `upsert` for a table whose place has a key."""

    def __init__(
        self,
        place: str,
        input: str,
        mode: str | None = None,
        partition: tuple[str, ...] = (),
        *,
        usual: str = "fail",
    ) -> None:
        self.usual = usual  # the mode where nothing is said
        self.place, self.partition = local(place), partition
        self.is_folder = is_folder(self.place)
        self.at = None if self.is_folder else places.parse(self.place)
        if self.at and self.at.queued:
            raise UsageError(f"the output is a queue, {place}", fix="name a folder, a file or a table")
        self.label = self.at.label if self.at else os.path.abspath(self.place)
        self.path = self._path()
        self.mode = self._mode(mode)
        self._refuse_what_cannot_be()
        self._refuse_input(input)

    def _mode(self, given: str | None) -> str:
        options = self.at.options if self.at else {}
        said = options.get("mode")
        if given and (said or "key" in options) and given != said:
            where = "a key, which says what becomes of its rows" if "key" in options else f"mode={said}"
            raise UsageError(f"{self.label} has {where}, and --mode {given} is something else", fix="leave one out")
        return "upsert" if "key" in options else given or said or self.usual

    def _refuse_what_cannot_be(self) -> None:
        if self.partition and not self.is_folder:
            raise UsageError(f"{self.label} is no folder, which --partition is for", fix="-o FOLDER, or leave it out")
        if self.mode == "append" and self.at and self.at.kind != "sql" and not self.at.file.local:
            what = f"{self.label}: nothing is added to a remote file, which cannot be done at one moment"
            raise UsageError(what, fix="--mode replace, or another file for each run")

    def _path(self) -> Path | None:
        if self.at is None:
            return Path(os.path.abspath(expand(self.place)))
        return Path(self.at.path).resolve() if self.at.kind != "sql" and self.at.file.local else None

    def _refuse_input(self, input: str) -> None:
        """UsageError for an output that the run, or its next one, would read."""
        if self.path is None or "://" in input:
            return
        source, target = Path(os.path.realpath(expand(input))), Path(os.path.realpath(self.path))
        if source == target:
            raise UsageError(f"the output is the input, {self.label}", fix="name another output")
        if source.is_dir() and target.is_relative_to(source):
            raise UsageError(f"the output {self.label} lies in the input, {input}", fix="name an output elsewhere")

    def without(self, files: list[str]) -> list[str]:
        """The files of an input but those of this output, which a glob may match once it is there."""
        if self.path is None:
            return files
        mine = self.path.resolve()
        return [file for file in files if "://" in file or not Path(file).resolve().is_relative_to(mine)]

    def check_kind(self) -> None:
        """UsageError for a folder where a file is wanted, and the other way round."""
        if self.path is not None and self.path.exists() and self.is_folder != self.path.is_dir():
            kind = "a folder" if self.path.is_dir() else "a file"
            raise UsageError(f"{self.label} is {kind}", fix="name another output, or remove that one")

    def check_free(self) -> None:
        """UsageError for an output that is there."""
        if self.is_there():
            raise UsageError(f"{self.label} is there already", fix="name another output, or --mode replace or append")

    def is_there(self) -> bool:
        """Whether anything is there already. UsageError says so of a table."""
        if self.path is not None:
            return self.path.exists() and (not self.is_folder or any(self.path.iterdir()))
        assert self.at is not None
        if self.at.kind == "sql":
            places.sink(self.place, mode="fail").abort()  # says so of a table that is there
            return False
        return exists(self.at.file)


def check_input(input: str) -> None:
    """NotFound for local files that are not there, as can be told before a run begins."""
    if "${" not in input:  # the worker's variables
        for file in inputs(input):
            places.refuse_missing(file)


def check_output(
    output: str, input: str, mode: str | None, partition: tuple[str, ...] = (), *, usual: str = "fail"
) -> None:
    """UsageError for an output that cannot be, or is a local one that is there and of which nothing is to become."""
    if "${" in output:
        return
    target = Target(output, input, mode, partition, usual=usual)
    target.check_kind()
    if target.path is not None and target.mode == "fail":
        target.check_free()
