"""The verb `learn`: a model and the place of its examples -> what a learner is to do; and what feedback teaches it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ..brokers import opening
from ..data import places
from ..data.encoding import as_list, dumps
from ..errors import UsageError
from ..jobs.rollout import LIVE

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor
    from ..jobs.record import Job
    from .running import Running

EVERY, KEEP, MOST = 60.0, 10, 100


def service_of(running: Running, version: ModelVersion) -> Job:
    """The service of a model to whose answers feedback comes. UsageError where none keeps its requests, with all that
    the model is asked."""
    name, other = version.name, f"%workbench learn {version.name} queue:NAME"
    job = next((job for job in running.jobs("service") if _answers(job, name)), None)
    if job is None:
        what = f"no service of {name} keeps its requests, so no feedback comes that could be learned"
        raise UsageError(what, fix=f"%serve {name} --log-requests, or {other}")
    log, asked = job.spec["log"], [field["name"] for field in version.manifest.schema["fields"]]
    if unread := [column for column in (*log["hide"], *log["hash"]) if column in asked]:
        what = f"{job.name} does not keep {', '.join(unread)}, which {name} would learn from"
        raise UsageError(what, fix=f"%serve {name} --log-requests without --hide and --hash of them, or {other}")
    return job


def _answers(job: Job, name: str) -> bool:
    return bool(job.spec.get("log")) and job.spec["model"].partition("@")[0] == name


def way(model: str, version: ModelVersion, input: str | None, target: str | None, job: Job | None) -> dict[str, Any]:
    """What a learner of this model is to read. UsageError where nothing says what is learned, or it cannot be kept."""
    if not model.endswith(f"@{LIVE}"):
        what = f"{model} is pinned, and what is learned becomes {version.name}@{LIVE}"
        raise UsageError(what, fix=f"%workbench learn {version.name}")
    named = target or version.manifest.origin.get("target") or ("outcome" if job else None)
    if not named:
        raise UsageError(f"which column is what became of a row of {version.name}?", fix="--target COLUMN")
    if not version.manifest.has_reference:
        what = f"{version.ref} keeps no rows to prove on what it becomes"
        raise UsageError(what, fix="capture it without --no-reference")
    place, service = input or f"queue:{version.name}.learn?durable=yes", job.name if job else None
    spec = {"model": model, "target": str(named), "service": service}
    if place.startswith("queue:"):
        return {**spec, "input": places.absolute(place)}
    if "://" not in place or not places.parse(place).queued:
        fix = "queue:NAME, or a place of Redis, NATS, Kafka or RabbitMQ"
        raise UsageError(f"{place}: a learner reads a queue", fix=fix)
    opening.check(place)
    own = places.absolute(f"queue:{version.name}.examples?durable=yes")
    return {**spec, "input": own, "feed": places.absolute(place)}


def check(version: ModelVersion, predictor: Predictor, target: str) -> None:
    """UsageError for a model that cannot learn, or is asked with its target."""
    from ..patterns.learning.teaching import Teacher

    if target in predictor.schema.names:
        raise UsageError(f"{version.ref} is asked with {target}, which it would learn", fix="--target COLUMN")
    Teacher(predictor, target)


def of_service(running: Running, name: str) -> Job | None:
    """Who learns from the feedback to this service."""
    return next((job for job in running.jobs("learner") if job.spec.get("service") == name), None)


def teach(learner: Job, rows: pd.DataFrame, outcomes: pd.Series) -> None:
    """Put examples on the queue of a learner, all or none; the same ones once."""
    columns = {name: as_list(rows[name].array) for name in rows}
    columns[learner.spec["target"]] = as_list(outcomes.array)
    values = [dumps(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    if not values:
        return
    log = places.log(learner.spec["input"])
    try:
        source = hashlib.sha256(b"\n".join([*map(str.encode, map(str, rows.index)), *values])).hexdigest()
        log.append(values, source=f"feedback {source}", offset=1)
    finally:
        log.close()
