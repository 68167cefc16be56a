"""What runs -> what was found last of its drift and of its quality, in words; nothing is looked at anew."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import text
from ..monitoring import alarm, last

_COLUMNS, _MEASURES = 4, 3


@dataclass(frozen=True)
class Judged:
    """The last look at the `drift` of something that runs, and its `quality` by the outcomes that came back; either is
    empty where nobody has looked."""

    drift: dict[str, Any]
    quality: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Judged:
        """What is kept in the folder of a job."""
        return cls(alarm.kept(folder), last.kept(folder, "quality"))

    @property
    def drifted(self) -> bool:
        return bool(self.drift.get("drifted"))

    @property
    def at(self) -> float:
        """When somebody looked last, in seconds since 1970; 0 where nobody has."""
        return max(float(found.get("at") or 0.0) for found in (self.drift, self.quality))

    def drift_words(self) -> str:
        """`✗ drift in age, plan`, `✓ no drift`, or that rows are too few."""
        if not self.drift:
            return ""
        if not self.drift["judged"]:
            return f"too few rows to judge: {text.count(self.drift['window_rows'])}"
        names = self.drift["columns"]
        more = ", …" if len(names) > _COLUMNS else ""
        return f"✗ drift in {', '.join(names[:_COLUMNS])}{more}" if names else "✓ no drift"

    def quality_words(self, version: str = "") -> str:
        """The measures of a version, else of the newest, and on how many outcomes."""
        rows = self.quality.get("versions") or []
        row = next((row for row in rows if row["version"] == version), rows[-1] if rows else None)
        if row is None:
            return ""
        known = [name for name in self.quality["measures"] if row.get(name) is not None and row[name] == row[name]]
        said = [f"{name} {row[name]:.4g}" for name in known[:_MEASURES]]
        return f"{row['version']} {' · '.join([*said, text.count(int(row['outcomes']), 'outcome')])}"

    def line(self, version: str) -> str:
        """Both, and how long ago, for a card."""
        said = " · ".join(filter(None, [self.drift_words(), self.quality_words(version)]))
        return f"{said} · {text.seconds(max(0.0, time.time() - self.at))} ago" if said else ""
