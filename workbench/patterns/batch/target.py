"""A place and an input -> where predictions appear as a whole, or why they cannot."""

from __future__ import annotations

import os
from pathlib import Path

from ...data import places
from ...data.folders import inputs, is_folder
from ...data.grammar import expand
from ...errors import UsageError


class Target:
    """Where a run's predictions go: a folder of parts, a file or a table. `path` is that of a local one."""

    def __init__(self, place: str, input: str) -> None:
        self.place = place
        self.is_folder = is_folder(place)
        self.at = None if self.is_folder else places.parse(place)
        if self.at and self.at.queued:
            raise UsageError(f"the output is a queue, {place}", fix="name a folder, a file or a table")
        self.label = self.at.label if self.at else os.path.abspath(place)
        self.path = self._path()
        self._refuse_input(input)

    def _path(self) -> Path | None:
        if self.at is None:
            return Path(os.path.abspath(expand(self.place)))
        return Path(self.at.path) if self.at.kind != "sql" and self.at.file.local else None

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
        if self._is_there():
            raise UsageError(f"{self.label} is there already", fix="name another output, or --replace this one")

    def _is_there(self) -> bool:
        if self.path is not None:
            return self.path.exists() and (not self.is_folder or any(self.path.iterdir()))
        assert self.at is not None
        if self.at.kind == "sql" and self.at.options.get("mode", "create") == "create":
            places.sink(self.place).abort()  # says so of a table that is there
        return False


def check_input(input: str) -> None:
    """NotFound for local files that are not there, as can be told before a run begins."""
    if "${" not in input:  # the worker's variables
        for file in inputs(input):
            places.refuse_missing(file)


def check_output(output: str, input: str, *, replace: bool) -> None:
    """UsageError for an output that cannot be, or is a local one that is there and not to be replaced."""
    if "${" in output:
        return
    target = Target(output, input)
    target.check_kind()
    if target.path is not None and not replace:
        target.check_free()
