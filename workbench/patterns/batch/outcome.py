"""What a run of a notebook is given, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ... import text
from ...errors import UsageError
from . import results
from .kernel import Kernel


@dataclass(frozen=True)
class Held:
    """The kernel of a run in which a cell has raised, with the `cells` that ran before that one, and their outputs."""

    kernel: Kernel
    cells: list[Any]

    def fits(self, cells: list[Any]) -> bool:
        """Whether a notebook begins with these cells: it goes on after them."""
        before, now = ([(c.cell_type, c.source) for c in each if c.cell_type == "code"] for each in (self.cells, cells))
        return self.kernel.alive() and now[: len(before)] == before and len(now) > len(before)


@dataclass(frozen=True)
class NotebookRun:
    """What became of a run: `state` is done, failed or stopped; where it failed, `cell` (from 1), `error` and the
    `line` of the cell that raised it. `results` is what it has handed back, with its files in the folder `kept`; `page`
    the page that was made of it; `held` what it can go on in."""

    state: str
    output: str
    cells: int
    seconds: float
    cell: int = 0
    error: str = ""
    line: str = ""
    note: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    kept: str = ""
    page: str = ""
    held: Held | None = None

    def __str__(self) -> str:
        if self.state == "failed":
            return f"{Path(self.output).name} failed in cell {self.cell}: {self.error}"
        early = f", ended by cell {self.cell}" * (self.state == "done" and self.cell < self.cells)
        took = text.seconds(self.seconds)
        return f"{self.state} · {text.count(self.cells, 'cell')}{early} in {took} → {self.page or self.output}"

    def to_json(self) -> dict[str, Any]:
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "held"}
        return {**own, "got": self.got, "report": [str(file) for file in self.report]}

    @property
    def got(self) -> str:
        """What was handed back, in words."""
        return results.words(self.results)

    @property
    def report(self) -> list[Path]:
        """The files that are shown to whoever is told of it: figures, and its page where there is one."""
        figures = [Path(self.kept, one["file"]) for one in self.results.values() if one["kind"] == "figure"]
        return [*figures, *([Path(self.page)] if self.page else [])]


@dataclass(frozen=True)
class Page:
    """The page of HTML that is made of an executed notebook: its file, and whether it shows the code."""

    file: Path
    code: bool = True


@dataclass(frozen=True)
class Times:
    """The seconds that each `cell`, and the whole `run`, may take."""

    cell: float | None = None
    run: float | None = None

    def check(self) -> None:
        """UsageError for a time that cannot be."""
        for what, seconds in (("a cell", self.cell), ("a run", self.run)):
            if seconds is not None and not seconds > 0:
                raise UsageError(f"{what} cannot take {seconds:g} s at most", fix="name a time of more than 0 seconds")


ANY_TIME = Times()
