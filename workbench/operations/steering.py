"""stop, start, restart, pause, resume, wait, remove: what was asked of something that runs, done and waited for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import JobFailed, UsageError
from ..routing.table import Table
from .ending import ended
from .handles import Planned
from .kinds import handle
from .running import Running, not_done

if TYPE_CHECKING:
    from ..bundle.registry import Registry

_STOP_PATIENCE = 45.0


def find(running: Running, registry: Registry, name: str) -> Any:
    """The handle on what is called so, or so for short."""
    return handle(running, registry, running.find(name))


def stop(running: Running, registry: Registry, name: str, *, dry_run: bool = False) -> Any:
    """End it, when what it began is finished."""
    job = running.job(name)
    if dry_run:
        return Planned(job.name, does="stop")
    running.store.desire(job.name, "stopped")
    running.supervised()
    return handle(running, registry, running.until(job.name, lambda job: job.gone, _STOP_PATIENCE))


def start(running: Running, registry: Registry, name: str) -> Any:
    """Start again what was stopped or has failed; a schedule's run at once."""
    if (found := running.find(name)).name.startswith("schedule/"):
        return _run_now(running, registry, found)
    job = running.job(name)
    if job.kind == "run":
        return resume(running, registry, name)
    running.check(job)
    if job.lost or job.state not in ("ready", "paused"):
        running.store.desire(job.name, "running")
        running.begin(running.store.get(job.name))
    running.supervised()
    return handle(running, registry, running.until_ready(job.name))


def _run_now(running: Running, registry: Registry, schedule: Any) -> Any:
    """A run of it, beside those that are due."""
    if schedule.starts and "file" in schedule.starts:
        fix = f"put a file there that matches {schedule.starts['file']}, or touch one"
        raise UsageError(f"{schedule.name} runs for files that arrive", fix=fix)
    job = running.store.get(running.store.run_now(schedule.name))
    running.begin(job)
    return handle(running, registry, job)


def restart(running: Running, registry: Registry, name: str) -> Any:
    """New processes in the place of the old, which answer until the new ones are ready."""
    job = running.job(name)
    if job.kind == "run":
        raise UsageError(f"{job.name} is a run, which ends", fix=f"%workbench resume {job.name}")
    running.check(job)
    running.store.restart(job.name)
    running.begin(running.store.get(job.name))
    return handle(running, registry, running.until_ready(job.name))


def pause(running: Running, registry: Registry, name: str) -> Any:
    """Let it wait where it is; a schedule starts nothing meanwhile."""
    found = running.find(name)
    if found.name.startswith("schedule/"):
        running.store.pause_schedule(found.name, paused=True)
        return find(running, registry, found.name)
    if found.kind == "service":
        raise UsageError(f"{found.name} is a service: it has nothing to put off", fix=f"%workbench stop {found.name}")
    if found.over:
        again = "run it anew with %batch" if found.state == "done" else f"%workbench resume {found.name}"
        raise UsageError(f"{found.name} is {found.state}", fix=again)
    running.store.desire(found.name, "paused")
    return handle(
        running, registry, running.until(found.name, lambda job: job.state == "paused" or job.over, _STOP_PATIENCE)
    )


def resume(running: Running, registry: Registry, name: str) -> Any:
    """Go on: from the pause, or with a run from where it was stopped or failed."""
    found = running.find(name)
    if found.name.startswith("schedule/"):
        running.store.pause_schedule(found.name, paused=False)
        running.supervised()
        return find(running, registry, found.name)
    if found.state == "done":
        raise UsageError(f"{found.name} is done", fix="run it anew with %batch")
    running.check(found)
    if found.over and not found.gone and found.facts.get("waits"):
        return _gone_on(running, registry, found)
    running.store.desire(found.name, "running")
    running.begin(running.store.get(found.name))
    return handle(
        running,
        registry,
        running.until(found.name, lambda job: job.state not in ("paused", "stopped", "stopping", "failed")),
    )


def _gone_on(running: Running, registry: Registry, job: Any) -> Any:
    """The process of a run that has failed still has its kernel, and goes on in it."""
    order = running.store.order(job.name, "resume")
    job = running.until(job.name, lambda job: running.store.answered(order) is not None or job.gone, _STOP_PATIENCE)
    if not running.store.answered(order):
        running.store.desire(job.name, "running")
        running.begin(running.store.get(job.name))
    return handle(running, registry, running.until(job.name, lambda job: job.state != "failed"))


def wait(running: Running, registry: Registry, name: str, timeout: float | None) -> Any:
    """Until a run has ended or a deployment is ready. JobFailed where it fails."""
    job = running.job(name)
    job = ended(running, job, timeout) if job.kind == "run" else running.until_ready(job.name, timeout)
    if job.state in ("failed", "stopped"):
        raise not_done(job)
    return handle(running, registry, job)


def seek(running: Running, registry: Registry, name: str, to: str) -> Any:
    """Let a stream read on from another place. UsageError where it does not run, or there is no such place."""
    job = running.job(name)
    if job.kind != "stream":
        raise UsageError(f"{job.name} is no stream", fix="%workbench deployments lists the streams")
    if job.over or job.state == "paused":
        again = "resume" if job.state == "paused" else "start"
        raise UsageError(f"{job.name} is {job.state}", fix=f"%workbench {again} {job.name}, then seek")
    order = running.store.order(job.name, "seek", to=to)
    running.until(job.name, lambda job: running.store.answered(order) is not None or job.over, _STOP_PATIENCE)
    answer = running.store.answered(order)
    if answer is None or not answer["ok"]:
        what, *rest = (answer["text"] if answer else f"{job.name} ended before").split("\n")
        steps = [line.removeprefix("→ ") for line in rest if line.startswith("→ ")]
        raise UsageError(what, fix=" · ".join(steps) or f"%workbench logs {job.name}")
    return replace(find(running, registry, job.name), said=f"reads on from {to}")


def remove(running: Running, name: str, *, dry_run: bool) -> str:
    """Forget what was stopped or has ended, with its log; the name that was removed."""
    found = running.find(name)
    if found.name.startswith("schedule/"):
        if not dry_run:
            from . import triggers

            running.store.remove_schedule(found.name)
            triggers.end(found.starts or {})
            shutil.rmtree(running.store.folder_of(found.name), ignore_errors=True)
        return str(found.name)
    if not found.over:
        raise JobFailed(f"{found.name} is {found.state}", fix=f"%workbench stop {found.name}, then remove it")
    if not dry_run:
        running.store.desire(found.name, "stopped")  # one that has failed may wait with its kernel
        running.until(found.name, lambda job: job.gone, _STOP_PATIENCE)
        folder = running.store.job_folder(found.name)
        running.store.remove(found.name)
        shutil.rmtree(folder, ignore_errors=True)
    return str(found.name)


def check_unused(running: Running, ref: str) -> None:
    """UsageError where something that runs, or would again, is pinned to this very version, or it is rolled out."""
    users = [job.name for job in running.jobs() if job.kind != "run" and job.spec.get("model") == ref]
    shared = [job.name for job in running.jobs("service") if ref in Table.parse(job.facts.get("table", "")).refs[1:]]
    if shared and not users:
        model = ref.partition("@")[0]
        raise UsageError(f"{shared[0]} answers with {ref}, too", fix=f"%workbench rollback {model} first")
    if users:
        raise UsageError(f"{', '.join(users)} is pinned to {ref}", fix=f"%workbench remove {users[0]} first")


def logs(running: Running, name: str, lines: int, *, follow: bool) -> Any:
    """The last lines of a log, or with `follow` all that comes until the thing ends or this is interrupted."""
    from ..jobs import logs as log

    folder = running.store.job_folder(running.job(name).name)
    if not follow:
        return Lines(log.tail(folder, lines))
    return log.follow(folder, lambda: running.job(name).over, lines)


class Lines(list[str]):
    """Lines of a log, shown as they are."""

    def __str__(self) -> str:
        return "\n".join(self) or "nothing was written yet"

    __repr__ = __str__

    def to_json(self) -> list[str]:
        return list(self)


@dataclass(frozen=True)
class Ended:
    """That the supervisor was ended, what goes on, and which schedules start nothing until there is one again."""

    stopped: tuple[str, ...]
    left: tuple[str, ...]
    idle: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = ["the supervisor has ended, until the next verb that starts something"]
        lines += [f"  ended {', '.join(self.stopped)}"] * bool(self.stopped)
        lines += [f"  note  not started again if they end: {', '.join(self.left)}"] * bool(self.left)
        lines += [f"  note  starting nothing meanwhile: {', '.join(self.idle)}"] * bool(self.idle)
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> dict[str, list[str]]:
        return {"stopped": list(self.stopped), "left": list(self.left), "idle": list(self.idle)}


def shutdown(running: Running, *, stop_all: bool) -> Ended:
    """End the supervisor; with `stop_all` everything that runs first."""
    from ..jobs import supervisor

    alive = tuple(job.name for job in running.jobs() if not job.over)
    idle = tuple(schedule.name for schedule in running.schedules() if not schedule.paused)
    if running.any:
        supervisor.shutdown(running.home, jobs=stop_all)
    return Ended(alive if stop_all else (), () if stop_all else alive, idle)
