"""Where the time of a service's requests goes -> the one line that would help."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from .. import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..jobs.record import Job

BUSY = 0.8
_MORE = 4
_LARGE = 0.4
_WEEK, _GIGABYTE = 7 * 86400.0, 1e9


def cores() -> int:
    """The processors that this may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory(job: Job) -> list[int]:
    """What each worker has of its own: the bytes that would be free without it."""
    import psutil

    found = []
    for pid in job.facts.get("workers", ()):
        try:
            found.append(psutil.Process(pid).memory_full_info().uss)
        except psutil.Error:  # it has just ended, or is another's
            continue
    return found


def advice(job: Job, busy: float, stages: Mapping[str, float], *, row_wise: bool) -> str:
    """What would make it answer more, or sooner: empty where its workers are not busy."""
    if busy < BUSY or not stages:
        return ""
    workers = int(job.spec["workers"])
    whose = "its one worker is" if workers == 1 else f"its {workers} workers are"
    told = f"{whose} busy {busy:.0%}".replace("%", " %")
    return f"{told} {_help(job, workers, stages, row_wise=row_wise)}"


def _help(job: Job, workers: int, stages: Mapping[str, float], *, row_wise: bool) -> str:
    if workers < cores():
        each = memory(job)
        more = f" (+{text.size(sorted(each)[len(each) // 2])} each)" if each else ""
        return f"→ {again(job, workers=min(cores(), _MORE * workers))}{more}"
    full = f"on as many processors (of {cores()})" if workers == cores() else f"on {cores()} processors"
    own = sum(seconds for name, seconds in stages.items() if name != "queue") or 1.0
    if stages["decode"] + stages["encode"] > _LARGE * own:
        return f"{full}, with reading and writing JSON → send more rows a request, as columns"
    if not row_wise:
        return f"{full}, with one call for each request: the model is not row-wise → send more rows a request"
    return f"{full}, in the model → a quicker model, or more processors"


def again(job: Job, **changed: Any) -> str:
    """The line that serves it as it is, but for what is `changed`."""
    model = str(job.spec["model"]).removesuffix("@live")
    given = _otherwise(job, model.partition("@")[0]) | changed
    return " ".join([f"%serve {model}", *(f"--{name}{_word(value)}" for name, value in given.items() if value)])


def _otherwise(job: Job, model: str) -> dict[str, Any]:
    """What it was given that is not the default, since a line that leaves it out takes it away."""
    spec, limits = job.spec, job.spec["limits"]
    cert, key = spec.get("tls") or (None, None)
    return {
        "workers": _unless(1, spec["workers"]),
        "name": _unless(model, job.name.partition("/")[2]),
        "grpc": spec.get("grpc"),
        "host": _unless("127.0.0.1", spec["host"]),
        "no-token": not spec["token"],
        "open-metrics": spec.get("open_metrics"),
        "async": spec.get("async"),
        "tls-cert": cert,
        "tls-key": key,
        "cors": ",".join(spec.get("cors") or ()),
        "fast": spec.get("fast"),
        "env": spec.get("env"),
        "max-body": _unless(16.0, limits["max_body"] / 1e6),
        "max-queue": _unless(1024, limits["max_queue"]),
        "timeout": _unless(60.0, limits.get("timeout", 60.0)),
        **_logged(spec.get("log")),
        "env-file": job.environment.get("env_file"),
        "notify": job.notify,
    }


def _word(value: Any) -> str:
    if value is True:
        return ""
    return f" {shlex.quote(value)}" if isinstance(value, str) else f" {value:.15g}"


def _logged(log: dict[str, Any] | None) -> dict[str, Any]:
    if not log:
        return {}
    usual = (log["keep"], log["most_bytes"]) == (_WEEK, _GIGABYTE)
    kept = "" if usual else f"{log['keep'] / 3600:g}h,{log['most_bytes'] / 1e6:g}MB"
    return {"log-requests": True, "keep-requests": kept, **{name: ",".join(log[name]) for name in ("hide", "hash")}}


def _unless(usual: Any, value: Any) -> Any:
    return None if value == usual else value
