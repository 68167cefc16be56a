"""What is asked of the scoring of a store -> what its run is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..data import changed, folders, places
from ..data.grammar import is_database
from ..errors import UsageError


@dataclass(frozen=True)
class Pace:
    """With how many processes a store is scored, and what a chunk may take."""

    workers: int | None = None
    timeout: float | None = None
    retries: int | None = None


@dataclass(frozen=True)
class Growth:
    """How it is told what of a store is new."""

    watermark: str | None
    since: str | None
    backfill: bool

    def to_json(self) -> dict[str, Any]:
        """What is said of it."""
        said = {"watermark": self.watermark, "since": self.since, "backfill": self.backfill}
        return {"by": "rows" if self.watermark else "files", **{name: value for name, value in said.items() if value}}


@dataclass(frozen=True)
class Scoring:
    """How a store is scored."""

    parameters: dict[str, Any] | None
    max_rejects: int | None
    mode: str | None
    key: str | None
    partition: tuple[str, ...]
    keep: tuple[str, ...] | None
    pace: Pace
    growth: Growth | None = None
    env: str | None = None

    @property
    def usual(self) -> str:
        """What becomes of an output that is there, where nothing is said."""
        return "append" if self.growth else "fail"

    def check(self, input: str) -> None:
        """UsageError for a column that the output needs, and does not keep; and for an input of which it cannot be told
        what is new."""
        if self.growth and not self.growth.watermark:
            if is_database(input):
                raise UsageError("what is new of a table is told by a column that grows", fix="--watermark COLUMN")
            if self.growth.since:
                changed.moment(self.growth.since)
        for option, names in (("partition", self.partition), ("key", places.columns(self.key))):
            lost = next((name for name in names if self.keep is not None and name not in self.keep), None)
            if lost is not None:
                fix = f"--keep {','.join([*(self.keep or ()), lost])}"
                raise UsageError(f"--{option} {lost} needs a column that --keep leaves out", fix=fix)

    def to_json(self) -> dict[str, Any]:
        """As the spec of a run has it."""
        lists = {"partition": list(self.partition), "keep": None if self.keep is None else list(self.keep)}
        new = self.growth.to_json() if self.growth else None
        said = {"max_rejects": self.max_rejects, "mode": self.mode, **lists, "new": new, **asdict(self.pace)}
        return said | ({"env": self.env} if self.env else {})

    @classmethod
    def of(cls, spec: dict[str, Any]) -> Scoring:
        """The same from the spec of a run; a key stands in its output."""
        keep, new = spec.get("keep"), spec.get("new")
        pace = Pace(spec.get("workers"), spec.get("timeout"), spec.get("retries"))
        growth = Growth(new.get("watermark"), new.get("since"), "backfill" in new) if new is not None else None
        how = (None, spec.get("max_rejects"), spec.get("mode"), None, tuple(spec.get("partition") or ()))
        return cls(*how, None if keep is None else tuple(keep), pace, growth, spec.get("env"))

    def keyed(self, output: str) -> str:
        """The output with the key in its place. UsageError where it is no table."""
        if self.key is None:
            return output
        if folders.is_folder(output) or "table" not in places.parse(output).options:
            raise UsageError(f"--key is for a table, and {output} is none", fix="-o 'sqlite:///FILE?table=NAME'")
        return f"{output}&key={self.key}"


def kept(said: str | None) -> tuple[str, ...] | None:
    """The columns of the input that are kept: all where nothing is said, `none` is none."""
    return None if said is None else () if said.strip() == "none" else places.columns(said)
