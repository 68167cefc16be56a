"""The verb `feedback`: true outcomes to the answers that a service gave, and how good those were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..moments import seconds
from ..monitoring import last, outcomes
from ..monitoring.quality import Quality, quality
from . import judging, learning, request_log

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.registry import Registry
    from ..jobs.record import Job
    from .running import Running

_DAY = 86400.0
_ROW = "\x00asked "
"""Begins the names of the columns that the model was asked with."""
REWARD = "reward"
"""What the column of outcomes is called where it holds what each answer was worth, rather than what was true."""


def feedback(
    running: Running,
    registry: Registry,
    name: str,
    input: Any,
    *,
    outcome: str | None = None,
    key: str | None = None,
    answer: str | None = None,
    every: str | None = None,
    metric: Any = None,
) -> Quality:
    """Take true outcomes in, if there are any, and say how good each version was. They belong to the rows of requests:
    by the columns `request` and `row` (0 without it), or by a `key`, a column that the model was asked with.
    UsageError for a frame that does not say both."""
    if metric is not None and not callable(metric):
        raise UsageError(f"{metric!r} is no function", fix="--metric takes a function of outcomes and answers")
    job = running.find(name if "/" in name else f"service/{name}")
    if job.kind != "service":
        raise UsageError(f"{job.name} is no service: it keeps no requests", fix="%serve MODEL --log-requests")
    folder = running.store.job_folder(job.name) / "outcomes"
    said = ""
    if input is not None:
        given, learner = _given(input, outcome, key), learning.of_service(running, job.name)
        judged = _joined(given, _log(running, registry, job, answer, key, rows=learner is not None), key)
        fresh = outcomes.new(folder, judged.dropna(subset=["outcome"]).drop(columns="given"))
        if learner:  # first, so that none is known that was not put
            _teach(learner, fresh)
        new = outcomes.keep(folder, fresh[[name for name in fresh if not name.startswith(_ROW)]])
        own = {getattr(metric, "__name__", "metric"): metric} if metric is not None else {}
        back = judging.judge(running, job, own)
        strange = len(given) - int(judged["given"].nunique()) if len(judged) else len(given)
        said = f"{text.count(new)} new" + (f", {text.count(strange)} of no row in the log" if strange else "")
        said = " · ".join(filter(None, [said, back]))
    seen = quality(job.name, outcomes.kept(folder), seconds(every) if every else _DAY, metric, said)
    last.keep(folder.parent, "quality", seen.to_json() | {"measures": seen.measures, "over_time": None})
    return seen


def _teach(learner: Job, fresh: pd.DataFrame) -> None:
    """What was true; what an answer was worth says nothing of that."""
    true = fresh[~fresh["is_reward"].astype(bool)]
    rows = true[[name for name in true if name.startswith(_ROW)]]
    learning.teach(learner, rows.rename(columns=lambda name: name[len(_ROW) :]), true["outcome"])


def _given(input: Any, outcome: str | None, key: str | None) -> pd.DataFrame:
    """The frame with the columns that outcomes are found by, and `outcome`."""
    frame = _read(input)
    by = [key] if key else [name for name in outcomes.KEY if name in frame]
    others = [name for name in frame if name not in by]
    if not by or by[0] not in frame or by == ["row"]:
        fix = "give a column `request` (and `row`), or --key COLUMN: one that the model was asked with"
        raise UsageError(f"nothing says which rows these outcomes are of: {', '.join(map(str, frame))}", fix=fix)
    if outcome is None and len(others) != 1:
        raise UsageError(f"which column is the outcome: {', '.join(map(str, others))}?", fix="--outcome COLUMN")
    named = outcome or others[0]
    if named not in frame:
        raise UsageError(f"there is no column {named!r}", fix=f"its columns: {', '.join(map(str, frame))}")
    found = frame[by].assign(outcome=frame[named].array, given=range(len(frame)))
    if named == REWARD:
        found["outcome"] = _rewards(found["outcome"])
    found["is_reward"] = named == REWARD
    return found if key or "row" in found else found.assign(row=0)


def _rewards(values: pd.Series) -> pd.Series:
    import pandas as pd

    try:
        return pd.to_numeric(values).astype(float)
    except (ValueError, TypeError) as error:
        raise UsageError(f"rewards are numbers: {error}", fix="1 for what went well, 0 for what did not") from error


def _read(input: Any) -> pd.DataFrame:
    from ..data import frames, places
    from ..data.folders import inputs

    if not isinstance(input, (str, Path)):
        return frames.frame_of(input)[0]
    import pyarrow as pa

    tables = []
    for one in inputs(str(input)):
        source = places.source(one)
        if source.text is not None:
            source.settle(())
        tables += [piece.table for piece in source.pieces()]
    return pa.concat_tables(tables, promote_options="permissive").to_pandas()


def _log(
    running: Running, registry: Registry, job: Job, answer: str | None, key: str | None, *, rows: bool
) -> pd.DataFrame:
    """The rows that were answered: request, row, at, version, answer, the key, and what was asked if `rows`."""
    import pandas as pd

    log = request_log.requests(running, registry, job.name, None, None, None, None, failed=False)
    version = registry.resolve(job.facts.get("version") or job.spec["model"])
    about, answers = request_log.shown(version, (job.spec.get("log") or {}).get("hide", ()))
    named = answer or next(iter(answers), "")
    if named not in answers:
        raise UsageError(
            f"{version.ref} answers no {named!r}", fix=f"it answers {', '.join(answers) or 'nothing kept'}"
        )
    if not len(log) or about["row"] not in log or answers[named] not in log:
        return pd.DataFrame(columns=["request", "row", "at", "version", "answer", *filter(None, [key])])
    if key and key not in log:
        raise UsageError(
            f"the log of {job.name} has no column {key!r}", fix="--key takes one that the model is asked with"
        )
    log = log[(log[about["status"]] == 200) & log[about["row"]].notna()]
    found = {name: log[about[name]] for name in ("request", "row", "at")}
    found |= {"version": version.name + "@" + log[about["version"]].astype(str), "answer": log[answers[named]]}
    asked_with = [field["name"] for field in version.manifest.schema["fields"]] if rows else []
    found |= {f"{_ROW}{name}": log[name] for name in asked_with if name in log}
    return pd.DataFrame(found | ({key: log[key]} if key else {}))


def _joined(given: pd.DataFrame, log: pd.DataFrame, key: str | None) -> pd.DataFrame:
    """The outcomes with the answers that they judge; of outcomes for one row the last."""
    by = {f"\x00{name}": name for name in ([key] if key else outcomes.KEY)}
    sides = [side.assign(**{alike: _alike(side[name]) for alike, name in by.items()}) for side in (given, log)]
    joined = sides[0][["outcome", "given", "is_reward", *by]].merge(sides[1], on=list(by))
    rows = [name for name in log if name.startswith(_ROW)]
    columns = [*outcomes.KEY, "at", "version", "outcome", "answer", "given", "is_reward", *rows]
    return joined.drop_duplicates(outcomes.KEY, keep="last")[columns]


def _alike(values: pd.Series) -> pd.Series:
    """Keys as text that is the same for the same value, whatever its type: 7 and 7.0."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    return numbers.astype(float).astype(str).where(numbers.notna(), values.astype(str))
