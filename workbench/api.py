"""All that can be asked, in one place: each verb of `specs` is a method. Nothing is parsed or printed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import paths
from .bundle.registry import Registry
from .errors import UsageError
from .operations import request_log, steering, tokens
from .operations.certificate import certificate
from .operations.environment import Common
from .operations.origins import origins
from .operations.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable

    from .bundle.diff import Diff
    from .bundle.prove import Verdict
    from .bundle.register import DryRun
    from .bundle.version import ModelVersion
    from .capture.captured import Session
    from .diagnosis import Findings
    from .listing import Aliases, ModelList, Removed, Source
    from .operations.against import Agreement
    from .operations.bench import Bench
    from .operations.debugging import Replay
    from .operations.deploy import Deploying
    from .operations.kinds import Handles
    from .operations.promotion import Promotion
    from .operations.touring import Tour


class Workbench:
    """The one door to everything that is kept under `home`."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or paths.home()
        self.registry = Registry(paths.registry(self.home))
        self.running = Running(self.home)

    def model(
        self,
        name: str,
        object: Any = None,
        *,
        example: Any = None,
        target: Any = None,
        note: str | None = None,
        alias: str | None = None,
        row_wise: str | None = None,
        no_reference: bool = False,
        dry_run: bool = False,
        session: Session | None = None,
        cell: str = "",
        told: Callable[[str], object] = lambda _: None,
    ) -> ModelVersion | DryRun:
        """Capture a model, prove it in a clean process and store it as a version."""
        from .bundle.write import Request
        from .operations.models import model

        proof = {"example": example, "target": target, "row_wise": row_wise, "no_reference": no_reference}
        request = Request(name, note or "", alias=alias, cell=cell, told=told)
        return model(object, proof, request, session, self.registry, self.home, dry_run=dry_run)

    def models(self, name: str | None = None) -> ModelList:
        """The models, or the versions of one."""
        from .listing import ModelList

        names = [name] if name else self.registry.names()
        versions = [self.registry.versions(n) for n in names]
        return ModelList([v for of_one in versions for v in of_one] if name else [v[-1] for v in versions], name)

    def source(self, model: str) -> Source:
        """The text of `model.py`."""
        from .listing import Source

        return Source.of(self.registry.resolve(model))

    def diff(self, a: str, b: str | None = None) -> Diff:
        """Compare two versions; without `b`, the newest with `a` (or with the one before, if `a` names a model)."""
        from .bundle.diff import diff

        first, second = self.registry.resolve(a), self.registry.resolve(b or a.partition("@")[0])
        if b is None and first.version == second.version:
            versions = self.registry.versions(first.name)
            if len(versions) < 2:
                fix = "name a version of another model as the second"
                raise UsageError(f"{first.name} has one version: there is nothing to compare", fix=fix)
            first = versions[-2] if second.version == versions[-1].version else first
        return diff(first, second, self.home)

    def verify(
        self, model: str, *, isolated: bool = False, against: str | None = None, token: str | None = None
    ) -> Verdict | Agreement:
        """Prove a stored version again: here, in an environment of its requirements alone, or by a service."""
        from .operations.models import verify

        version = self.registry.resolve(model)
        return verify(version, self.running, self.registry, isolated=isolated, against=against, token=token)

    def alias(self, model: str, alias: str | None = None, *, remove: bool = False) -> Aliases:
        """Name a version, take the name away, or list the names."""
        from .listing import Aliases

        version = self.registry.resolve(model)
        if remove:
            if not alias:
                raise UsageError(
                    "--remove needs the alias to remove", fix=f"%workbench alias {version.name} ALIAS --remove"
                )
            self.registry.remove_alias(version.name, alias)
        elif alias:
            self.registry.set_alias(version, alias)
        return Aliases(version.name, self.registry.aliases(version.name))

    def predict(self, model: str, input: Any, *, output: Any = None, email: str | None = None) -> Any:
        """Predict offline: a frame, or what was written where."""
        from .inference.schema import Schema
        from .patterns.offline import predict

        version = self.registry.resolve(model)
        outputs = Schema.from_json(version.manifest.outputs)
        return predict(version.predictor(self.home), input, output, email=email, name=version.ref, outputs=outputs)

    def batch(
        self,
        target: str,
        input: Any = None,
        *,
        output: str | None = None,
        parameters: dict[str, Any] | None = None,
        every: str | None = None,
        zone: str | None = None,
        wait: bool = False,
        max_rejects: int | None = None,
        replace: bool = False,
        timeout: float | None = None,
        name: str | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Score a store, or run a notebook, in the background; on a cycle with `every`."""
        from .operations.deploy import refuse_idle

        common, is_notebook = Common(name, env_file, notify, dry_run), target.endswith(".ipynb")
        refuse_idle("a cycle, --every", every is not None, zone=zone)
        refuse_idle("what runs once, without --every", every is None, wait=wait)
        refuse_idle("a model", not is_notebook, max_rejects=max_rejects, replace=replace)
        refuse_idle("a notebook", is_notebook, timeout=timeout)
        if is_notebook:
            spec = self._deploying().notebook(target, input, output, parameters, timeout)
        else:
            lasting = every is not None
            spec = self._deploying().scoring(target, input, output, parameters, max_rejects, replace, lasting=lasting)
        return self._deploying().batch(spec, common, every, zone, wait=wait)

    def serve(
        self,
        model: str,
        *,
        port: int | None = None,
        grpc: int | bool | None = None,
        host: str | None = None,
        no_token: bool = False,
        open_metrics: bool = False,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        cors: str | None = None,
        max_body: float | None = None,
        max_queue: int | None = None,
        timeout: float | None = None,
        log_requests: bool = False,
        keep_requests: str | None = None,
        hide: str | None = None,
        hash: str | None = None,
        fast: bool = False,
        name: str | None = None,
        workers: int | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Answer requests over HTTP, and over gRPC where asked for, in the background."""
        most = round((max_body or 16) * 1_000_000)
        limits = {"max_body": most, "max_queue": max_queue or 1024, "timeout": timeout or 60.0}
        spec = {
            "host": host or "127.0.0.1",
            "port": port or 0,
            "grpc": grpc or None,
            "workers": workers or 1,
            "token": not no_token,
            "open_metrics": open_metrics,
            "tls": certificate(tls_cert, tls_key),
            "cors": origins(cors),
            "log": request_log.options(keep_requests, hide, hash, on=log_requests),
            "limits": limits,
            "fast": fast,
        }
        return self._deploying().serve(model, spec, Common(name, env_file, notify, dry_run))

    def stream(
        self,
        model: str,
        input: str,
        *,
        output: str,
        group: str | None = None,
        start: str | int | None = None,
        most: int | None = None,
        fast: bool = False,
        name: str | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Predict for each record of a queue, in the background."""
        spec = {"group": group, "start": str(start or "start"), "most": most or 1000, "fast": fast}
        return self._deploying().stream(model, input, output, spec, Common(name, env_file, notify, dry_run))

    def put(self, url: str, input: Any, *, key: str | None = None, rate: float | None = None) -> Any:
        """Put rows on a queue."""
        from .patterns.streaming.put import put

        return put(url, input, key=key, rate=rate)

    def tail(self, url: str, *, most: int | None = None) -> Any:
        """The last records of a queue."""
        from .patterns.streaming.put import tail

        return tail(url, most=most or 10)

    def promote(self, model: str) -> Promotion:
        """Move `live` to a version, with every deployment that follows it."""
        from .operations.promotion import promote

        return promote(self.running, self.registry, model)

    def rollback(self, model: str) -> Promotion:
        """Move `live` back to the version before."""
        from .operations.promotion import rollback

        return rollback(self.running, self.registry, model)

    def deployments(self) -> Handles:
        """The services and streams."""
        return self._handles(("service", "stream"), "no deployments → %serve MODEL or %stream MODEL QUEUE -o OUTPUT")

    def runs(self) -> Handles:
        """The runs of batches."""
        return self._handles(("run",), "no runs → %batch MODEL FILES -o FOLDER")

    def schedules(self) -> Handles:
        """What starts runs."""
        from .operations.kinds import Handles, handle

        note = self.running.looked_at()
        found = [handle(self.running, self.registry, schedule) for schedule in self.running.schedules()]
        return Handles(found, "no schedules → %batch MODEL FILES -o FOLDER --every CRON", note)

    def logs(self, name: str, *, lines: int | None = None, follow: bool = False) -> Any:
        """What something that runs has written."""
        from .operations.steering import logs

        return logs(self.running, name, lines or 50, follow=follow)

    def wait(self, name: str, *, timeout: float | None = None) -> Any:
        """Until a run has ended, or a deployment is ready."""
        return steering.wait(self.running, self.registry, name, timeout)

    def stop(self, name: str, *, dry_run: bool = False) -> Any:
        """End something that runs."""
        return steering.stop(self.running, self.registry, name, dry_run=dry_run)

    def start(self, name: str) -> Any:
        """Start again what was stopped."""
        return steering.start(self.running, self.registry, name)

    def restart(self, name: str) -> Any:
        """Replace its processes by new ones."""
        return steering.restart(self.running, self.registry, name)

    def pause(self, name: str) -> Any:
        """Let a stream, a run or a schedule wait."""
        return steering.pause(self.running, self.registry, name)

    def resume(self, name: str) -> Any:
        """Go on with what was paused, stopped or has failed."""
        return steering.resume(self.running, self.registry, name)

    def requests(
        self,
        name: str,
        *,
        since: str | None = None,
        until: str | None = None,
        version: int | None = None,
        failed: bool = False,
        last: int | None = None,
        output: str | None = None,
    ) -> Any:
        """What a service was asked and answered, as a frame."""
        found = request_log.requests(self.running, self.registry, name, since, until, version, last, failed=failed)
        return request_log.written(found, output) if output else found

    def debug(self, name: str, request: str) -> Replay:
        """One logged request, asked again here under its version."""
        from .operations.debugging import debug

        return debug(self.running, self.registry, name, request)

    def token(self, name: str, *, new: str | None = None, remove: str | None = None, names: bool = False) -> Any:
        """The token that a service asks for, or others by name."""
        return tokens.token(self.running, self.registry, name, new, remove, names=names)

    def bench(
        self, name: str, *, seconds: float | None = None, connections: int | None = None, rows: int | None = None
    ) -> Bench:
        """Where the time of a service's requests goes, what it can do, and what would help."""
        from .operations.bench import bench

        return bench(self.running, self.registry, name, seconds, connections, rows)

    def shutdown(self, *, all: bool = False) -> Any:
        """End the supervisor; with `all` what runs first."""
        return steering.shutdown(self.running, stop_all=all)

    def tour(self, folder: str | None = None, *, run: bool = False) -> Tour:
        """The guided tour, put into a folder and run there."""
        from .operations.touring import tour

        return tour(folder, run=run)

    def remove(self, thing: str, *, all: bool = False, dry_run: bool = False) -> Removed:
        """Remove a version, with `all` every version of a model, or what was stopped."""
        from .listing import Removed
        from .operations.removal import remove

        return Removed(remove(self.running, self.registry, thing, all=all, dry_run=dry_run), dry_run)

    def status(self, name: str | None = None) -> Any:
        """What matters now: where state lives, the models and what runs; or one model, version or thing that runs."""
        from .listing import ModelList, Status

        note = self.running.looked_at()
        if name and ("/" in name or name in self.running.names_to_look_at(self.registry.names())):
            return steering.find(self.running, self.registry, name)
        one = [self.registry.resolve(name)] if name and "@" in name else None
        models = ModelList(one, name) if one else self.models(name)
        running, schedules = self._matters(name)
        return Status(str(self.home), str(self.registry.folder), models, running, schedules, note)

    def doctor(self) -> Findings:
        """What is wrong with this installation, one fix a line."""
        from .diagnosis import examine

        return examine(self.home, self.registry.folder)

    def _deploying(self) -> Deploying:
        from .operations.deploy import Deploying

        return Deploying(self.registry, self.running)

    def _handles(self, kinds: tuple[str, ...], none: str) -> Handles:
        from .operations.kinds import Handles, handle

        note = self.running.looked_at()
        jobs = [job for job in self.running.jobs() if job.kind in kinds]
        return Handles([handle(self.running, self.registry, job) for job in jobs], none, note)

    def _matters(self, name: str | None) -> tuple[Handles, Handles]:
        """What runs or has failed, and the schedules; of one model, all that uses it."""
        from .operations.kinds import Handles, handle

        def uses(found: Any) -> bool:
            return str(found.spec.get("model", "")).partition("@")[0] == str(name).partition("@")[0]

        jobs = [job for job in self.running.jobs() if (uses(job) if name else job.state not in ("done", "stopped"))]
        schedules = [schedule for schedule in self.running.schedules() if not name or uses(schedule)]
        running, planned = ([handle(self.running, self.registry, f) for f in found] for found in (jobs, schedules))
        return Handles(running), Handles(planned)
