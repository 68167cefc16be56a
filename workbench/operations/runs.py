"""A handle on a run: how far it is, what it has handed back, and what its sweep found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import text
from ..data.grammar import shown
from ..errors import NotFound
from ..monitoring.drawing import Drawing
from . import figures
from .handles import Handle


class Run(Handle):
    """One execution of a batch."""

    @property
    def output(self) -> str:
        """Where the predictions, or the executed notebooks, are."""
        page = self.facts.get("page") or (self.job.spec.get("page") or {}).get("file")
        return shown(str(page or self.facts.get("output") or self.job.spec.get("output") or ""))

    @property
    def results(self) -> dict[str, Any]:
        """What its notebook has handed back, by name: values, frames, the files of figures, versions of models."""
        from ..patterns.batch.results import value

        kept = Path(str(self.facts.get("kept", "")))
        return {name: value(result, kept) for name, result in (self.facts.get("results") or {}).items()}

    @property
    def comparison(self) -> Any:
        """The points of a sweep as a frame, a row for each. NotFound for another run."""
        import pandas as pd

        from ..patterns.batch.comparison import row

        if not self._points():
            raise NotFound(f"{self.name} is no sweep", fix="%batch NOTEBOOK --sweep NAME=VALUES")
        return pd.DataFrame([row(i, point) for i, point in enumerate(self._points(), 1)]).set_index("point")

    @property
    def best(self) -> dict[str, Any]:
        """The parameters of the best point, by the result that --best named. NotFound where there is none."""
        points, best = self._points(), int(self.facts.get("best") or 0)
        if not best:
            raise NotFound(f"{self.name} has no best point", fix="--best RESULT, which its notebook hands back")
        return dict(points[best - 1]["parameters"])

    def plot(self) -> Drawing:
        """The results of a sweep by its parameters; empty where there is nothing to draw."""
        from ..patterns.batch.results import rows_of
        from .dots import dots

        points = [
            {"parameters": point["parameters"], "values": dict(rows_of(point.get("results") or {}))}
            for point in self._points()
        ]
        by = str(self.facts.get("by") or "").partition(":")[0]
        numbers = [n for point in points for n, v in point["values"].items() if isinstance(v, (int, float))]
        return dots(points, by or next(iter(numbers), ""), int(self.facts.get("best") or 0))

    def figures(self) -> list[Path]:
        """The files of the figures that its notebook has handed back."""
        kept = Path(str(self.facts.get("kept", "")))
        found = (self.facts.get("results") or {}).values()
        return [kept / one["file"] for one in found if one["kind"] == "figure"]

    def table(self) -> list[tuple[str, ...]]:
        """The points of a sweep for people: a header, then the best one first; empty for another run."""
        from ..patterns.batch.comparison import lines

        return lines(self._points(), int(self.facts.get("best") or 0)) if self._points() else []

    def card(self) -> str:
        """Its text without the table."""
        return super().__str__()

    def __str__(self) -> str:
        header, *rows = self.table() or [()]
        return "\n".join([self.card(), *(["", text.table(header, rows)] if rows else [])])

    __repr__ = __str__

    def _points(self) -> list[dict[str, Any]]:
        return list(self.facts.get("points") or [])

    def _brief(self) -> list[str]:
        facts, spec = self.facts, self.job.spec
        what = spec.get("says") or spec.get("model") or str(spec.get("notebook", "")).rpartition("/")[2]
        parameters = ", ".join(f"{key}={value}" for key, value in (spec.get("parameters") or {}).items())
        return [" ".join(filter(None, [what, parameters, *_cause(spec)])), self._progress(facts)]

    def _progress(self, facts: Mapping[str, Any]) -> str:
        points = self._points()
        if not points:
            got = str(facts.get("got") or "") if self.state == "done" else ""
            return got or figures.progress(dict(facts), over=self.state == "done")
        states = [point["state"] for point in points]
        counts = {word: states.count(state) for word, state in (("run", "ready"), ("failed", "failed"))}
        said = [f"{states.count('done')} of {text.count(len(points), 'point')}"]
        return ", ".join(said + [f"{number} {word}" for word, number in counts.items() if number])

    def _tried(self) -> str:
        """How often a notebook was tried, where that was more than once."""
        return f"tried {self.facts['tried']} times" if self.facts.get("tried") else ""

    def _lines(self) -> list[tuple[str, str]]:
        waits = (self.facts.get("waits") or 0.0) - time.time() if self.state == "failed" and not self.job.gone else 0.0
        kernel = f"its kernel waits for {text.seconds(waits)} more: resume goes on in it" if waits > 0 else ""
        more = {
            "done": "",
            "failed": f"%workbench logs {self.name} · %workbench resume {self.name}",
            "stopped": f"%workbench resume {self.name}",
        }.get(self.state, f"%workbench wait {self.name} · %workbench stop {self.name}")
        rejects = self.facts.get("rejects") or 0
        refused = f"{text.count(rejects, 'row')} refused → {self.facts.get('rejects_file', '')}" if rejects else ""
        lines = [
            ("on", str(self.facts.get("engine") or "")),
            ("code", str(self.facts.get("line") or "") if self.state == "failed" else ""),
            ("to", self.output),
            ("got", str(self.facts.get("got") or "") if self._points() or self.state != "done" else ""),
            ("rows", refused),
            ("note", " · ".join(filter(None, [kernel or self.facts.get("note", ""), self._tried()]))),
        ]
        return [*lines, ("next", more)]


def _cause(spec: Mapping[str, Any]) -> list[str]:
    """What started it, where that was no clock and nobody."""
    cause = spec.get("cause", {})
    if "file" in cause:
        return [f"for {shown(cause['file']).rpartition('/')[2]}"]
    if "drift" in cause:
        return [f"after {cause['drift']} found drift"]
    if "message" in cause:
        return ["for a call" if cause.get("called") else "for a message"]
    return [f"after {cause['run']}"] if "run" in cause else []
