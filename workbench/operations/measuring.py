"""Reference rows -> requests that a service answers, and what came of so many of them at once."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import text
from ..data.encoding import as_list, dumps
from ..errors import JobFailed
from ..inference.reading import ONLY
from ..inference.schema import Schema
from ..monitoring.figures import read
from . import figures
from .load import OK, load, once, request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from ..monitoring.figures import Figures
    from .load import Load

_BODIES = 64


@dataclass(frozen=True)
class Level:
    """What came of so many connections at once: requests a second, their time at the median and the 99th percentile
    in seconds, where the median went, how many rows a call of the model had, and seconds of a worker's processor for a
    request; how busy the workers were, the client that measured, and all processors of the machine, as shares; and how
    many requests got no answer, by status."""

    connections: int
    rate: float
    p50: float
    p99: float
    stages: dict[str, float]
    rows_a_call: float
    processor: float
    busy: float
    client: float
    machine: float
    broken: dict[str, int]

    def __str__(self) -> str:
        if not self.stages:
            return f"no request was answered over {text.count(self.connections, 'connection')}: {self._broken()}"
        over = f"{text.count(round(self.rate))} requests/s over {text.count(self.connections, 'connection')}"
        where = f"{figures.split(self.p50, self.stages)} · p99 {text.milliseconds(self.p99)} ms"
        cost = f"{self.processor * 1e6:.0f} µs of processor a request"
        shared = [f"{self.rows_a_call:.1f} rows a call"] * (self.connections > 1)
        return " · ".join([over, where, cost, *shared, *([self._broken()] if self.broken else [])])

    def _broken(self) -> str:
        return ", ".join(f"{text.count(count)} × {what}" for what, count in self.broken.items()) or "none was sent"

    def beside(self, alone: Level) -> Level:
        """The same, knowing what the connection itself takes: with one at a time nothing waits for it."""
        if not self.stages or not alone.stages:
            return self
        waited = max(0.0, self.stages["http"] - alone.stages["http"])
        stages = {**self.stages, "http": self.stages["http"] - waited, "queue": self.stages["queue"] + waited}
        return replace(self, stages=stages)


def requests(version: ModelVersion, rows: int, url: str, token: str) -> list[bytes]:
    """Requests of so many rows of the reference each, which begins anew where it ends. NotFound where none was kept."""
    table = version.reference(_BODIES * rows)
    columns = {name: as_list(values) for name, values in table.items()}
    if Schema.from_json(version.manifest.schema).kind == "array":
        records: list[Any] = columns[ONLY]
    else:
        records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    starts = range(0, min(len(records), _BODIES * rows), rows)
    bodies = ([records[(start + i) % len(records)] for i in range(rows)] for start in starts)
    return [request(url, dumps(body), token) for body in bodies]


def answerable(url: str, messages: Sequence[bytes], seconds: float, name: str) -> list[bytes]:
    """Those of the requests that are answered; each is asked once, as many as fit into the time. JobFailed where none
    is."""
    end, good, statuses = time.monotonic() + seconds, list[bytes](), list[int]()
    for message in messages:
        statuses.append(once(url, message))
        good += [message] * (statuses[-1] == OK)
        if time.monotonic() > end or not statuses[-1]:  # what gets no answer may have killed a worker
            break
    if not good:
        what = f"{name} answers none of its own reference rows: {_said(statuses[0])}"
        raise JobFailed(what, fix=f"%workbench verify {name.partition('/')[2]} --against {name.partition('/')[2]}")
    return good


def _said(status: int) -> str:
    return f"the first with {status}" if status else "the first not at all"


def level(job: Job, url: str, messages: Sequence[bytes], connections: int, seconds: float) -> Level:
    """What comes of so many connections, each of which asks again once it is answered."""
    file = figures.metrics(job)
    before, spent, idle = read(file), _processor(job), _idle()
    came = load(url, messages, connections=connections, seconds=seconds)
    seen, spent = read(file).since(before), _processor(job) - spent
    busy = max(spent, seen.seconds_in_calls) / (came.seconds * job.spec["workers"])
    return Level(
        connections=connections,
        rate=came.rate,
        p50=came.quantile(0.5),
        p99=came.quantile(0.99),
        stages=_stages(came, seen),
        rows_a_call=seen.rows / (seen.calls or 1),
        processor=spent / (seen.requests or 1),
        busy=min(1.0, busy),
        client=came.busy,
        machine=max(0.0, 1 - (_idle() - idle) / (came.seconds * (os.cpu_count() or 1))),
        broken=dict(came.broken),
    )


def _stages(came: Load, seen: Figures) -> dict[str, float]:
    """Where the median that a client sees went: in the stages, and before and after them."""
    stages = seen.stages()
    if not came.times or not stages:
        return {}
    whole, inside = came.quantile(0.5), sum(stages.values())
    fitted = min(1.0, whole / inside)
    return {"http": whole - fitted * inside, **{name: fitted * seconds for name, seconds in stages.items()}}


def _idle() -> float:
    """Seconds in which processors of this machine had nothing to do, since it began."""
    import psutil

    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))


def _processor(job: Job) -> float:
    """Seconds of processor time that the workers were charged since they began."""
    import psutil

    total = 0.0
    for pid in job.facts.get("workers", ()):
        try:
            total += sum(psutil.Process(pid).cpu_times()[:2])
        except psutil.Error:  # it has ended meanwhile
            continue
    return total
