"""A service -> where the time of its requests goes, what it can do, and what would help; measured as it runs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import JobFailed, UsageError
from ..monitoring.figures import read
from . import advice, figures
from .kinds import Service, handle
from .measuring import Level, answerable, level, requests

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.registry import Registry
    from ..jobs.record import Job
    from .running import Running

SECONDS, CONNECTIONS, ROWS = 4.0, 64, 1
_GLANCE, _IN_USE = 0.5, 2.0
_TAKEN = 0.9


@dataclass(frozen=True)
class Bench:
    """What a service can do: alone is with one connection, many with as many as were asked for."""

    name: str
    version: str
    workers: int
    rows: int
    levels: tuple[Level, ...]
    memory: tuple[int, ...]
    others: float
    note: str
    help: str

    def __str__(self) -> str:
        each = text.size(sum(self.memory) / (len(self.memory) or 1))
        labels = ("added" if self.others >= _IN_USE else "alone", "many")
        workers = text.count(self.workers, "worker")
        lines = [
            f"{self.name} {self.version} · {workers}, {each} each · {text.count(self.rows, 'row')} a request",
            *(f"  {label:<5} {level}" for label, level in zip(labels, self.levels, strict=False)),
            f"  note  {self.note}" * bool(self.note),
            f"  help  {self.help}",
        ]
        return "\n".join(filter(None, lines))

    __repr__ = __str__

    def frame(self) -> pd.DataFrame:
        """A row for each number of connections: requests a second; seconds in all and by stage; what it cost."""
        import pandas as pd

        rows = [{**asdict(level), **level.stages, "broken": sum(level.broken.values())} for level in self.levels]
        return pd.DataFrame(rows).drop(columns="stages").set_index("connections")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def bench(
    running: Running,
    registry: Registry,
    name: str,
    seconds: float | None = None,
    connections: int | None = None,
    rows: int | None = None,
) -> Bench:
    """Ask a service, with its own token, for rows of its reference, half of the seconds over one connection and half
    over many, and read what its workers count meanwhile. Where others use it, over one alone, unless it is said how
    many. UsageError for what is no service, JobFailed where it does not run or answers none of the rows."""
    service, seconds, rows = _service(running, registry, name), seconds or SECONDS, rows or ROWS
    version = registry.resolve(service.facts["version"])
    others = _asked_by_others(service.job)
    counts, note = _connections(service.job, connections, others)
    url = f"{service.url}/predict"
    messages = answerable(url, requests(version, rows, url, service.token), seconds / 4, service.name)
    levels = list[Level]()
    for count in counts:
        found = level(service.job, url, messages, count, seconds / len(counts))
        levels.append(found.beside(levels[0]) if levels else found)
    help = advice.advice(service.job, levels[-1].busy, levels[-1].stages, row_wise=version.manifest.row_wise)
    help = help or _no_help(levels[-1])
    memory = tuple(advice.memory(service.job))
    workers = int(service.job.spec["workers"])
    note = " · ".join(filter(None, [note, _kept(service.job)]))
    return Bench(service.name, version.ref, workers, rows, tuple(levels), memory, others, note, help)


def _no_help(level: Level) -> str:
    """Why nothing is to be changed."""
    if level.client > advice.BUSY:
        return "what measures it was the limit: it can do more"
    if level.machine > _TAKEN:
        return "all processors of this machine were at work, with others than its workers: they can do more alone"
    return "its workers are not busy: nothing here would make it quicker"


def _service(running: Running, registry: Registry, name: str) -> Service:
    service = handle(running, registry, running.find(name if "/" in name else f"service/{name}"))
    if not isinstance(service, Service):
        raise UsageError(f"{service.name} is no service", fix="name one: %workbench deployments")
    if service.state != "ready":
        raise JobFailed(f"{service.name} is {service.state}", fix=f"%workbench start {service.name}")
    return service


def _asked_by_others(job: Job) -> float:
    """Requests a second that it gets now."""
    file = figures.metrics(job)
    before = read(file).requests
    time.sleep(_GLANCE)
    return (read(file).requests - before) / _GLANCE


def _kept(job: Job) -> str:
    return "its log keeps what it was asked here as well" if job.spec.get("log") else ""


def _connections(job: Job, asked: int | None, others: float) -> tuple[list[int], str]:
    """How many connections to measure with; and why there are not as many as there could be."""
    if asked is None and others >= _IN_USE:
        said = f"others asked it {text.count(round(others))} times a second, so one connection was added and no more"
        return [1], f"{said} → --connections {CONNECTIONS} to load it all the same"
    wanted, most = asked or CONNECTIONS, max(1, job.spec["limits"]["max_queue"] // 2)
    note = f"with {most} connections: half of what may wait is for others" if wanted > most else ""
    return sorted({1, min(wanted, most)}), note
