"""The verb `requests`: what a service was asked and answered, as a frame; and how `serve` is told what to keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..moments import moment
from . import advice

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from .running import Running

_BYTES = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]B)", re.IGNORECASE)
_WEEK, _GIGABYTE = 7 * 86400.0, 1e9


def options(keep: str | None, hide: str | None, hash: str | None, *, on: bool) -> dict[str, Any] | None:
    """What a service keeps of its requests; None where it keeps none. UsageError for what is no time or size."""
    if not on:
        if given := next((name for name, value in (("hide", hide), ("hash", hash)) if value), None):
            raise UsageError(f"--{given} is for a service that keeps its requests", fix="--log-requests")
        return None
    seconds, most = _kept(keep)
    return {"keep": seconds, "most_bytes": most, "hide": _names(hide), "hash": _names(hash)}


def check(log: dict[str, Any] | None, version: ModelVersion, registry: Registry) -> None:
    """UsageError for a column that the model does not take or give, in no version that may come."""
    for name in (*log["hide"], *log["hash"]) if log else ():
        known = columns(version)
        if name not in known and not any(name in columns(one) for one in registry.versions(version.name)):
            raise UsageError(f"{version.ref} has no column {name!r}", fix=f"its columns: {', '.join(known)}")


def columns(version: ModelVersion) -> list[str]:
    """The names of what it takes, and of what it gives; of one that cannot be read none."""
    parts = (version.manifest.schema, version.manifest.outputs) if version.readable else ()
    return [field["name"] for part in parts for field in part["fields"]]


def uncovered(job: Job, before: ModelVersion, version: ModelVersion) -> str:
    """Why a version must not answer in this service: a column that is kept out of its log has gone, and one that is new
    may hold the same. Empty where it may."""
    log = job.spec.get("log") or {"hide": (), "hash": ()}
    covered, known, now = {*log["hide"], *log["hash"]}, columns(before), columns(version)
    gone = [name for name in known if name in covered and name not in now]
    new = [name for name in now if name not in known and name not in covered]
    if not gone or not new:
        return ""
    what = f"{job.name} keeps {', '.join(gone)} out of its log, which {version.ref} does not have; what is new there"
    line = advice.again(job, hide=",".join([*log["hide"], *new]))
    return f"{what} would be logged: {', '.join(new)}\n→ {line}"


def _names(said: str | None) -> list[str]:
    return [name.strip() for name in (said or "").split(",") if name.strip()]


def _kept(said: str | None) -> tuple[float, float]:
    from .. import moments

    seconds, most = _WEEK, _GIGABYTE
    for part in _names(said):
        if size := _SIZE.fullmatch(part):
            most = float(size[1]) * _BYTES[size[2].upper()]
        else:
            seconds = moments.seconds(part)
    return seconds, most


def requests(
    running: Running,
    registry: Registry,
    name: str,
    since: str | None,
    until: str | None,
    version: int | None,
    last: int | None,
    *,
    failed: bool,
) -> pd.DataFrame:
    """One row for each row that was asked, in the order of time. UsageError where the service keeps none."""
    from ..monitoring import asked

    folder = kept_in(running, name)
    begin = moment(since) if since else 0.0
    end = moment(until) if until else None
    own = model(running, name)
    return asked.log(folder, own, registry, since=begin, until=end, version=version, failed=failed, most=last)


def kept_in(running: Running, name: str) -> Path:
    """The folder of a service's log. UsageError where it keeps none."""
    service = _service(running, name)
    folder: Path = running.store.job_folder(service.name) / "requests"
    if not service.spec.get("log") and not folder.exists():
        own = service.name.partition("/")[2]
        raise UsageError(f"{service.name} keeps no requests", fix=f"%serve {own} --log-requests keeps them from now on")
    return folder


def hashed(running: Running, name: str) -> list[str]:
    """The columns of which a service keeps digests."""
    log = _service(running, name).spec.get("log") or {}
    return list(log.get("hash", ()))


def shown(version: ModelVersion, hidden: Sequence[str] = ()) -> tuple[dict[str, str], dict[str, str]]:
    """What the log calls its own columns, by their names, and the answers of a version, by theirs."""
    from ..monitoring.asked import names
    from ..monitoring.gathered import ABOUT, ANSWERED, OWN

    inputs, outputs = (
        [f["name"] for f in part["fields"]] for part in (version.manifest.schema, version.manifest.outputs)
    )
    kept, answers = ([name for name in part if name not in hidden] for part in (inputs, outputs))
    stored = [*(OWN + name for name in ABOUT), *kept, *(ANSWERED + name for name in answers)]
    found = names(stored, version.name)
    return dict(zip(ABOUT, found, strict=False)), dict(zip(answers, found[len(ABOUT) + len(kept) :], strict=True))


def _service(running: Running, name: str) -> Job:
    found: Job = running.find(name if "/" in name else f"service/{name}")
    return found


def model(running: Running, name: str) -> str:
    """The name of the model that a service answers with."""
    return str(_service(running, name).spec["model"]).partition("@")[0]


@dataclass(frozen=True)
class Written:
    """That rows of the log were written to a place."""

    rows: int
    place: str

    def __str__(self) -> str:
        return f"{text.count(self.rows, 'row')} of requests → {self.place}"

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "place": self.place}


def written(frame: pd.DataFrame, output: str) -> Written:
    """Write the frame to a file, whose format its ending says, or a table."""
    from ..data import frames, places

    sink = places.sink(output)
    try:
        for table, lines in frames.tables(frame):
            sink.write(table, lines)
        return Written(len(frame), sink.close())
    except BaseException:
        sink.abort()
        raise
