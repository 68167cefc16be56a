"""Runs that were: found again by words, run again as they were, and compared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import NotFound, UsageError
from ..jobs.record import Job
from ..patterns.batch.parameters import content
from ..patterns.batch.snapshot import kept

if TYPE_CHECKING:
    from .running import Running

_STATES = ("starting", "ready", "blocked", "paused", "stopped", "failed", "done")
_MOST_LINES = 40


def search(jobs: list[Job], words: str | None, state: str | None, since: str | None, last: int | None) -> list[Job]:
    """The runs that hold all of the words in name, notebook, model, places, parameters, results or reason, the oldest
    first. UsageError for a state that there is not."""
    from ..moments import moment

    if state is not None and state not in _STATES:
        near = text.closest(state, _STATES)
        raise UsageError(f"there is no state {state!r}", fix=f"did you mean {near}?" if near else ", ".join(_STATES))
    begin = moment(since) if since else 0.0
    wanted = (words or "").lower().split()
    found = [job for job in jobs if job.created >= begin and state in (None, job.state)]
    found = [job for job in found if all(word in _told(job) for word in wanted)]
    return found[-last:] if last else found


def _told(job: Job) -> str:
    parameters = [f"{name}={value}" for name, value in (job.spec.get("parameters") or {}).items()]
    known = [job.spec.get(key) for key in ("says", "model", "notebook", "input", "output")]
    known += (job.spec.get("page") or {}).values()
    seen = [job.facts.get(key) for key in ("version", "got", "error")]
    cause = job.spec.get("cause", {}).values()
    parts = [job.name, job.schedule, job.reason, job.state, *parameters, *known, *seen, *cause]
    return " ".join(str(part) for part in parts if part).lower()


def again(running: Running, name: str) -> Job:
    """A new run of what a run was: same spec and variables, the notebook as it was then, the version that answered."""
    job = running.job(name)
    if job.kind != "run":
        raise UsageError(f"{job.name} is no run", fix=f"%workbench restart {job.name}")
    spec = {**job.spec, "again": job.name}
    if "version" in job.facts:
        spec["model"] = job.facts["version"]
    if snapshot := kept(running.store.job_folder(job.name)):
        spec["snapshot"] = str(snapshot)
    running.check(job)
    return running.store.add_run(spec, job.environment, restart=job.restart, notify=job.notify)


@dataclass(frozen=True)
class RunDiff:
    """Two runs, and what is different."""

    a: Job
    b: Job
    source: tuple[str, ...]

    def __str__(self) -> str:
        head = f"{self.a.name} → {self.b.name}"
        lines = [f"  {label:<6} {line}" for label, line in self._lines()]
        body = [*lines, *(f"    {line}" for line in self.source[:_MOST_LINES])]
        return "\n".join([head, *(body or ["  equal in parameters, outcome, results and cells"])])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"a": self.a.name, "b": self.b.name, "different": dict(self._lines()), "source": list(self.source)}

    def _lines(self) -> Iterator[tuple[str, str]]:
        for label, left, right in (
            ("of", _what(self.a), _what(self.b)),
            ("state", self.a.state, self.b.state),
            ("why", self.a.facts.get("error", ""), self.b.facts.get("error", "")),
        ):
            if left != right:
                yield label, f"{left or 'nothing'} → {right or 'nothing'}"
        for label, both in (("given", _parameters), ("got", _results)):
            if said := _pairs(both(self.a), both(self.b)):
                yield label, said
        took = [text.seconds(job.facts["seconds"]) if "seconds" in job.facts else "" for job in (self.a, self.b)]
        if took[0] != took[1]:
            yield "took", " → ".join(filter(None, took))
        if self.source:
            changed = sum(line.startswith(("+", "-")) for line in self.source)
            yield "cells", f"{text.count(changed, 'line')} changed"


def _what(job: Job) -> str:
    return str(job.facts.get("version") or job.spec.get("model") or Path(job.spec.get("notebook", "")).name)


def _parameters(job: Job) -> dict[str, Any]:
    return {**(job.spec.get("parameters") or {}), **job.spec.get("cause", {})}


def _results(job: Job) -> dict[str, Any]:
    from ..patterns.batch.results import rows_of

    counts = {key: job.facts[key] for key in ("rows", "rejects") if key in job.facts}
    return counts | dict(rows_of(job.facts.get("results") or {}))


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    from ..patterns.batch.results import shown

    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    return ", ".join(f"{name} {shown(a.get(name, 'none'))} → {shown(b.get(name, 'none'))}" for name in names)


def compare(running: Running, first: str, second: str) -> RunDiff:
    """Two runs beside each other. NotFound, UsageError for what is no run."""
    a, b = running.job(first), running.job(second)
    for job in (a, b):
        if job.kind != "run":
            raise UsageError(f"{job.name} is no run", fix="name two runs: run/17 run/18")
    before, after = _source(running, a), _source(running, b)
    lines = [
        line for line in difflib.unified_diff(before, after, lineterm="", n=1) if not line.startswith(("---", "+++"))
    ]
    return RunDiff(a, b, tuple(lines))


def _source(running: Running, job: Job) -> list[str]:
    """The code that a run was given, a line each; empty where it was no notebook, or its copy has gone."""
    given = kept(running.store.job_folder(job.name))
    if given is None:
        return []
    cells = [cell["source"] for cell in content(given)["cells"] if cell["cell_type"] == "code"]
    return [line for cell in cells for line in ("".join(cell) + "\n# ---").split("\n")]


def before(running: Running, name: str) -> str:
    """The run of the same notebook or model before this one. NotFound."""
    job = running.job(name)
    mine = job.spec.get("notebook") or job.spec.get("model")
    same = [j for j in running.jobs("run") if (j.spec.get("notebook") or j.spec.get("model")) == mine]
    earlier = [j for j in same if j.created < job.created]
    if not earlier:
        raise NotFound(
            f"{job.name} is the first run of its kind", fix=f"name another one: %workbench diff {name} run/N"
        )
    return str(earlier[-1].name)
