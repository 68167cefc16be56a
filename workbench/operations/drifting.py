"""The verb `drift`: which rows are compared with which; computed here, beside what serves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from .. import notify, text
from ..brokers.opening import topic
from ..bundle.layout import ANSWER
from ..data import places
from ..data.folders import is_folder
from ..data.grammar import shown
from ..errors import NotFound, UsageError
from ..monitoring import alarm
from ..monitoring.drift import ALARMS, THRESHOLD, Drift, Side, drift, frame_of
from . import request_log

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from .running import Running

MOST = 100_000
"""Rows of a window that are looked at: of a log the last, of files the first, of a frame so many evenly."""

_DAY = "1d"
_NEWEST = 10_000


def found(
    running: Running,
    registry: Registry,
    name: str,
    input: Any,
    *,
    against: Any = None,
    since: str | None = None,
    threshold: float | None = None,
    alarms: float | None = None,
    notified: str | None = None,
) -> Drift:
    """How what a service, run or stream saw, or a frame or file of a model, differs from the model's reference, or
    from other rows. Whom to notify is told of drift. UsageError, NotFound, BadInput."""
    if notified:
        notify.check_place(notified)
    if alarms is not None and not alarms < 1:
        raise UsageError(f"--alarms is a share of windows, below 1, and not {alarms:g}", fix="--alarms 0.01")
    job = None if input is not None or "@" in name else job_of(running, registry, name)
    if job is None:
        if since:
            raise UsageError("--since is for the request log of a service", fix="leave it out")
        version = registry.resolve(_model(running, registry, name))
        window = of_rows(version, _asked(name, input), running.home)
    else:
        version = registry.resolve(job.facts.get("version") or job.spec["model"])
        window = _of_job(running, registry, job, version, since)
    reference = of_version(version) if against is None else of_rows(version, against, running.home)
    seen = drift(version.ref, reference, window, threshold=threshold or THRESHOLD, alarms=alarms or ALARMS)
    if job is not None and against is None:
        alarm.keep(running.store.job_folder(job.name), alarm.said(job.name, seen))
    if notified and seen.drifted:
        notify.tell(notified, f"drift: {version.ref}", str(seen))
    return seen


def job_of(running: Running, registry: Registry, name: str) -> Job | None:
    """What runs under this name; of a model its service first. None for a model that nothing of this name serves."""
    if "/" not in name and any(job.name == f"service/{name}" for job in running.jobs()):
        name = f"service/{name}"
    try:
        return running.job(name)
    except NotFound:
        if "/" in name or name not in registry.names():
            raise
        return None


def _model(running: Running, registry: Registry, name: str) -> str:
    """The version that rows given beside a name are asked of: the one that runs under it, else the model's."""
    if "@" in name or name in registry.names():
        return name
    job = running.job(name)
    return str(job.facts.get("version") or job.spec["model"])


def _asked(name: str, input: Any) -> Any:
    if input is not None:
        return input
    fix = f"%workbench drift {name} FRAME, or %serve {name.partition('@')[0]} --log-requests and then drift its service"
    raise UsageError(f"{name} is a model: drift needs rows to compare with its reference", fix=fix)


def of_version(version: ModelVersion) -> Side:
    """The reference of a version, with its answers. NotFound where it keeps none."""
    from ..bundle.tables import read_table

    inputs, notes = frame_of(version.reference())
    predictions, more = frame_of(read_table(version.folder / ANSWER, version.manifest.outputs))
    return Side("its reference", inputs, predictions, notes=notes + more)


def of_rows(version: ModelVersion, rows: Any, home: Path) -> Side:
    """Rows of a frame, an array or a place, with what the version answers to them."""
    predictor = version.predictor(home)
    if isinstance(rows, (str, Path)):
        said, given = str(rows), read(str(rows), version)
    else:
        said, given = "the rows given", rows
        if hasattr(rows, "iloc"):
            given = rows.iloc[:: max(1, -(-len(rows) // MOST))]
    table = predictor.schema.table(given)
    inputs, notes = frame_of(table)
    predictions, more = frame_of(predictor.predict(table))
    return Side(said, inputs, predictions, notes=notes + more)


def _of_job(running: Running, registry: Registry, job: Job, version: ModelVersion, since: str | None) -> Side:
    if job.kind == "service":
        return of_log(running, registry, job, version, since or _DAY)
    if since:
        raise UsageError(f"--since is for the request log of a service, and {job.name} has none", fix="leave it out")
    if "model" not in job.spec:
        raise UsageError(f"{job.name} runs a notebook, and no model", fix="name a run that scored rows")
    place = _output(job)
    rows = place if is_folder(place) or not places.parse(place).queued else _newest(place)
    return replace(of_rows(version, rows, running.home), said=f"{job.name}, {shown(place)}")


def _output(job: Job) -> str:
    """Where the rows that a run or a stream answered are: its output holds them beside the answers. Of several the
    first that can be read again."""
    given = job.facts.get("output") or job.spec["output"]
    outputs = [given] if isinstance(given, str) else given
    place = next((one for one in outputs if not one.startswith(("http://", "https://", "cloudevents://"))), None)
    if place is None:
        raise UsageError(f"{outputs[0]} cannot be read again", fix=f"give its rows: %workbench drift {job.name} FRAME")
    return str(place)


def _newest(place: str) -> pd.DataFrame:
    """The last rows on a queue, topic or stream."""
    import pandas as pd

    to = topic(place)
    try:
        found = [orjson.loads(record.value) for record in to.newest(_NEWEST)]
    finally:
        to.close()
    return pd.DataFrame(found)


def of_log(running: Running, registry: Registry, job: Job, version: ModelVersion, since: str) -> Side:
    """What a service was asked and answered, by this version, with the ids of the requests."""
    log = request_log.requests(
        running, registry, job.name, since, None, version.version, MOST, failed=False
    ).reset_index(drop=True)
    kept = job.spec.get("log") or {}
    about, answers = request_log.shown(version, kept.get("hide", ()))
    answered = log.iloc[:0]
    if about["row"] in log:
        answered = log[(log[about["status"]] == 200) & log[about["row"]].notna()]
    failed = len(log) - len(answered)
    notes = (f"{text.count(failed, 'row')} refused or failed: not compared",) if failed else ()
    asked, hashed = [field["name"] for field in version.manifest.schema["fields"]], set(kept.get("hash", ()))
    named = {about[name]: name for name in ("request", "row")}
    return Side(
        f"{job.name} since {since}",
        _columns(answered, {name: name for name in asked}, hashed),
        _columns(answered, {shown: name for name, shown in answers.items()}, hashed),
        answered[list(named)].rename(columns=named),
        notes,
    )


def _columns(log: pd.DataFrame, names: dict[str, str], hashed: set[str]) -> pd.DataFrame:
    kept = {shown: name for shown, name in names.items() if shown in log and name not in hashed}
    return log[list(kept)].rename(columns=kept)


def read(place: str, version: ModelVersion) -> Any:
    """The first rows of a file, a folder of files or a table, with the types of the model's own columns."""
    import pyarrow as pa

    from ..data.folders import inputs
    from ..data.scoring import read_text
    from ..inference.schema import Schema

    schema, tables, rows = Schema.from_json(version.manifest.schema), [], 0
    for one in inputs(place):
        source = places.source(one)
        if source.text is not None:
            source.settle(schema.names)
        for piece in source.pieces():
            table = read_text(piece.table, schema) if source.text == "csv" else piece.table
            tables.append(table.select([name for name in schema.names if name in table.column_names]))
            rows += table.num_rows
            if rows >= MOST:
                break
    return pa.concat_tables(tables, promote_options="permissive").slice(0, MOST)
