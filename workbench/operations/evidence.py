"""`--on` -> the rows that versions are judged by: a frame, a file, or what a service was asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import UsageError
from ..jobs import rollout
from . import request_log

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..inference.fields import Table
    from ..inference.predictor import Predictor
    from .running import Running

MOST = 100_000
"""Rows of a log that are looked at: the last."""
REQUESTS = "requests"
"""What `--on` calls the log of the model's service."""


class Evidence(Protocol):
    """Rows, called `noun` where they are counted."""

    @property
    def noun(self) -> str: ...

    def table(self, version: ModelVersion) -> Table:
        """The rows as a version takes them."""

    def answers(self, version: ModelVersion) -> pd.DataFrame:
        """What a version answers to them, by the names of its answers."""

    def outcomes(self, version: ModelVersion, target: Any) -> pd.Series:
        """Their true outcomes, NaN where none is known."""


def evidence(running: Running, registry: Registry, model: str, on: Any, since: str | None) -> Evidence:
    """The rows that `on` names: `requests` are those of the model's service, `service/NAME` of another. UsageError."""
    if name := _log_of(on):
        job = _service(running, model) if name == REQUESTS else name
        return Logged(running, registry, job, since)
    if since:
        raise UsageError("--since is for the rows of a service", fix="--on requests --since 7d")
    own = any(job.spec.get("env") == "own" for job in rollout.followers(running.store, model)) if running.any else False
    return Given(running.home, on, own=own)


def _log_of(on: Any) -> str:
    """The name of a log; empty where other rows are meant."""
    return on if isinstance(on, str) and (on == REQUESTS or on.startswith("service/")) else ""


def _service(running: Running, model: str) -> str:
    own = [job for job in running.jobs("service") if str(job.spec.get("model", "")).partition("@")[0] == model]
    keeping = [job.name for job in own if job.spec.get("log")] or [job.name for job in own]
    if not keeping:
        fix = f"%serve {model} --log-requests, or name one: --on service/NAME"
        raise UsageError(f"no service of {model} keeps requests", fix=fix)
    if len(keeping) > 1:
        raise UsageError(f"requests may be those of {' or '.join(keeping)}", fix=f"--on {keeping[0]}")
    return keeping[0]


@dataclass(frozen=True)
class Given:
    """A frame, an array, or a file or table; versions may answer to it from environments of their `own`."""

    home: Path
    on: Any
    noun: str = "row"
    own: bool = False

    def table(self, version: ModelVersion) -> Table:
        from .drifting import read

        rows = read(str(self.on), version) if isinstance(self.on, str | Path) else self._rows(version)
        return self._predictor(version).schema.table(rows)

    def answers(self, version: ModelVersion) -> pd.DataFrame:
        scored, answers = self._scored(version)
        return scored[list(answers.values())].set_axis(list(answers), axis=1).reset_index(drop=True)

    def outcomes(self, version: ModelVersion, target: Any) -> pd.Series:
        import pandas as pd

        if target is not None and not isinstance(target, str):
            return numbers(pd.Series(list(target)))
        name = target or version.manifest.origin.get("target")
        if not name:
            fix = "--target COLUMN of its rows, or values beside them"
            raise UsageError("nothing says what the true outcomes of --on are", fix=fix)
        rows = self.on if hasattr(self.on, "columns") else self._scored(version)[0]
        if name not in rows:
            fix = f"--target COLUMN; it has {', '.join(map(str, rows.columns))}"
            raise UsageError(f"the rows of --on have no column {name!r} with the true outcomes", fix=fix)
        return numbers(rows[name].reset_index(drop=True))

    def _scored(self, version: ModelVersion) -> tuple[pd.DataFrame, dict[str, str]]:
        """The rows with what a version answers, and what its answers are called there."""
        from ..data.answers import free_names
        from ..patterns.offline import predict

        scored: Any = predict(self._predictor(version), self._rows(version), name=version.ref, progress=False)
        named = [field["name"] for field in version.manifest.outputs["fields"]]
        return scored, free_names(named, [str(name) for name in scored.columns[: -len(named)]], version.ref)

    def _predictor(self, version: ModelVersion) -> Predictor:
        return version.predictor(self.home, own=self.own)

    def _rows(self, version: ModelVersion) -> Any:
        """Without the target, which a model of arrays would take for one column more."""
        target = version.manifest.origin.get("target")
        inputs = [field["name"] for field in version.manifest.schema["fields"]]
        if hasattr(self.on, "drop") and target in getattr(self.on, "columns", ()) and target not in inputs:
            return self.on.drop(columns=[target])
        return self.on


@dataclass(frozen=True)
class Logged:
    """What a service was asked and answered, of late."""

    running: Running
    registry: Registry
    job: str
    since: str | None
    noun: str = "logged row"

    def table(self, version: ModelVersion) -> Table:
        """UsageError where the log has not all of a column."""
        import pyarrow as pa

        predictor = self._predictor(version)
        hashed = request_log.hashed(self.running, self.job)
        names = [field["name"] for field in version.manifest.schema["fields"]]
        lacking = [name for name in names if name not in self._rows or name in hashed]
        if lacking:
            what = f"the log of {self.job} does not keep {', '.join(lacking)}, which {version.ref} takes"
            raise UsageError(what, fix=f"%serve {version.name} --log-requests without --hide and --hash, or --on FRAME")
        rows = pa.Table.from_pandas(self._rows[names], preserve_index=False)
        return predictor.schema.table(rows)

    def answers(self, version: ModelVersion) -> pd.DataFrame:
        import pandas as pd

        answer = self._predictor(version).predict(self.table(version))
        return pd.DataFrame({name: values if values.ndim == 1 else list(values) for name, values in answer.items()})

    def outcomes(self, version: ModelVersion, target: Any) -> pd.Series:
        from ..monitoring import outcomes

        if target is not None:
            raise UsageError(
                "--target is for rows that are given: those of a log have their feedback", fix="leave it out"
            )
        known = outcomes.kept(self.running.store.job_folder(self.job) / "outcomes")
        known = known[~known["is_reward"].astype(bool)]
        by = {self._about[name]: known[name].astype(str) for name in outcomes.KEY}
        found = self._rows[list(by)].astype(str).merge(known[["outcome"]].assign(**by), on=list(by), how="left")
        return numbers(found["outcome"])

    def _predictor(self, version: ModelVersion) -> Predictor:
        return version.predictor(self.running.home, own=self.running.job(self.job).spec.get("env") == "own")

    @property
    def _about(self) -> dict[str, str]:
        version = self.registry.resolve(request_log.model(self.running, self.job))
        return request_log.shown(version)[0]

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Those that were answered."""
        log = request_log.requests(self.running, self.registry, self.job, self.since, None, None, MOST, failed=False)
        about = self._about
        if about["row"] in log:
            log = log[(log[about["status"]] == 200) & log[about["row"]].notna()]
        if about["row"] not in log or not len(log):
            since = f" since {self.since}" if self.since else ""
            raise UsageError(f"{self.job} was asked nothing{since}", fix="choose another --since, or --on FRAME")
        return log.astype({about["row"]: int}).reset_index(drop=True)


def numbers(outcomes: pd.Series) -> pd.Series:
    """Text that is numbers, as a CSV has it, as those."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(outcomes):
        return outcomes
    found = pd.to_numeric(outcomes, errors="coerce")
    return found if bool((found.notna() == outcomes.notna()).all()) else outcomes
