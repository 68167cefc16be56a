"""What is asked of the four patterns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..operations import handed, request_log
from ..operations.certificate import certificate
from ..operations.environment import Common
from ..operations.origins import origins
from ..operations.sharing import Sharing
from .home import Home

if TYPE_CHECKING:
    from ..operations.deploy import Deploying


class Predictions(Home):
    """What is asked of the four patterns."""

    def predict(
        self, model: str, input: Any, *, output: Any = None, email: str | None = None, env: str | None = None
    ) -> Any:
        """Predict offline: a frame, or what was written where."""
        from ..bundle.own import owned
        from ..inference.schema import Schema
        from ..patterns.offline import predict

        version = self.registry.resolve(model)
        outputs = Schema.from_json(version.manifest.outputs)
        predictor = owned(version, self.home) if env else version.predictor(self.home)
        return predict(predictor, input, output, email=email, name=version.ref, outputs=outputs)

    def batch(
        self,
        target: str,
        input: Any = None,
        *,
        output: str | None = None,
        parameters: dict[str, Any] | None = None,
        every: str | None = None,
        zone: str | None = None,
        catch_up: str | None = None,
        overlap: str | None = None,
        on_file: str | None = None,
        settle: float | None = None,
        after: str | None = None,
        on_message: str | None = None,
        on_webhook: int | bool | None = None,
        host: str | None = None,
        on_drift: str | None = None,
        keep_runs: str | int | None = None,
        sweep: dict[str, Any] | None = None,
        points: Any = None,
        samples: int | None = None,
        at_once: int | None = None,
        best: str | None = None,
        wait: bool = False,
        max_rejects: int | None = None,
        mode: str | None = None,
        key: str | None = None,
        partition: str | None = None,
        keep: str | None = None,
        new: bool = False,
        watermark: str | None = None,
        since: str | None = None,
        backfill: bool = False,
        workers: int | None = None,
        engine: str | None = None,
        env: str | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        limit: float | None = None,
        no_code: bool = False,
        hold: int | None = None,
        kernel: str | None = None,
        folder: str | None = None,
        name: str | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        notify_on: str | None = None,
        late: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Score a store, or run a notebook, in the background; again and again with `every`, `after` or `on_…`."""
        from ..data.places import columns
        from ..operations.elsewhere import AT_ONCE, HERE, far, on
        from ..operations.notebooks import Manner, Swept, wanted
        from ..operations.scoring import Growth, Pace, Scoring, kept
        from ..operations.starting import Triggers, refuse_idle
        from ..operations.starting import cycle as starting
        from ..patterns.batch.outcome import Times

        common, is_notebook = Common(name, env_file, notify, dry_run, notify_on, late), target.endswith(".ipynb")
        beside = Triggers(on_file, settle, after, on_message, on_webhook, host, on_drift)
        cycle = starting(every, zone, catch_up, overlap, beside, None if keep_runs is None else str(keep_runs))
        refuse_idle("what runs once, not for a schedule", cycle is None, wait=wait)
        refuse_idle("a model", not is_notebook, max_rejects=max_rejects, mode=mode, key=key, partition=partition)
        refuse_idle("a model", not is_notebook, keep=keep, workers=workers, env=env)
        refuse_idle(HERE, not far(engine), env=env)
        refuse_idle("a model", not is_notebook, new=new, watermark=watermark, since=since, backfill=backfill)
        refuse_idle("what is looked at whole", not (cycle and cycle.file), new=new, watermark=watermark, since=since)
        refuse_idle(
            "a notebook",
            is_notebook,
            limit=limit,
            sweep=sweep,
            points=points,
            no_code=no_code,
            hold=hold,
            kernel=kernel,
            folder=folder,
        )
        swept = Swept(sweep, points, samples, at_once or (AT_ONCE if far(engine) else None), best)
        refuse_idle("a sweep, --sweep or --points", swept.any, samples=samples, at_once=at_once, best=best)
        if is_notebook:
            if input is not None:
                raise UsageError(f"{target} takes parameters, no input", fix=f"%batch {target} -p NAME=VALUE")
            way = Manner(kernel, folder, env_file, retries, hold, no_code)
            spec = wanted(target, output, dict(parameters or {}), Times(timeout, limit), swept, cycle, way)
        else:
            pace = Pace(workers, timeout, retries)
            growth = Growth(watermark, since, backfill) if new or watermark or since or backfill else None
            how = Scoring(parameters, max_rejects, mode, key, columns(partition), kept(keep), pace, growth, env)
            spec = self._deploying().scoring(target, input, output, how, cycle=cycle)
        spec = replace(spec, spec=spec.spec | on(engine, spec.spec["what"]))
        return self._deploying().batch(spec, common, cycle, wait=wait)

    def serve(
        self,
        model: str,
        *,
        port: int | None = None,
        grpc: int | bool | None = None,
        host: str | None = None,
        no_token: bool = False,
        open_metrics: bool = False,
        asynchronous: str | None = None,
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
        env: str | None = None,
        split: str | None = None,
        bandit: str | None = None,
        name: str | None = None,
        workers: int | None = None,
        engine: str | None = None,
        max_workers: int | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Answer requests over HTTP, and over gRPC where asked for, in the background."""
        from ..operations.elsewhere import HERE, far, on, replicas
        from ..operations.starting import refuse_idle

        away = far(engine)
        refuse_idle(HERE, not away, grpc=grpc, tls_cert=tls_cert, tls_key=tls_key)
        refuse_idle(HERE, not away, log_requests=log_requests, env=env, bandit=bandit)
        refuse_idle(HERE, not away, **{"async": asynchronous})
        refuse_idle("an engine, --engine", away, max_workers=max_workers)
        most = round((max_body or 16) * 1_000_000)
        limits = {"max_body": most, "max_queue": max_queue or 1024, "timeout": timeout or 60.0}
        spec = {
            "host": host or "127.0.0.1",
            "port": port or 0,
            "grpc": grpc or None,
            "workers": workers or 1,
            "token": not no_token,
            "open_metrics": open_metrics,
            "async": handed.queue(asynchronous),
            "tls": certificate(tls_cert, tls_key),
            "cors": origins(cors),
            "log": request_log.options(keep_requests, hide, hash, on=log_requests),
            "limits": limits,
            "fast": fast,
            "env": env,
            **on(engine, "service"),
            **replicas(workers or 1, max_workers),
        }
        sharing = Sharing(split, bandit)
        sharing.check(model)
        service = self._deploying().serve(model, spec, Common(name, env_file, notify, dry_run))
        return service if dry_run else sharing.begun(service)

    def stream(
        self,
        model: str,
        input: str,
        *,
        output: str | list[str],
        group: str | None = None,
        start: str | int | None = None,
        most: int | None = None,
        part_rows: int | None = None,
        part_seconds: float | None = None,
        key_as: str | None = None,
        time_as: str | None = None,
        format: str | None = None,
        retries: int | None = None,
        retry_delay: float | None = None,
        metrics: int | None = None,
        fast: bool = False,
        env: str | None = None,
        name: str | None = None,
        workers: int | None = None,
        engine: str | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Predict for each record of a queue, in the background."""
        from ..operations.elsewhere import HERE, far, on, refuse_what_spark_has_not
        from ..operations.starting import refuse_idle

        idle = {"part_rows": part_rows, "part_seconds": part_seconds, "retries": retries, "metrics": metrics}
        named = {"key_as": key_as, "time_as": time_as}
        refuse_what_spark_has_not(engine, **idle, **named, fast=fast, workers=workers, most=most)
        spec: dict[str, Any] = {"group": group, "start": str(start or "start"), "most": most or 1000, "fast": fast}
        refuse_idle(HERE, not far(engine), env=env)
        spec |= {"env": env, **on(engine, "stream")}
        spec |= {"form": format or "json", "part_rows": part_rows, "part_seconds": part_seconds, "metrics": metrics}
        spec |= named | {"retries": retries or 0, "retry_delay": float(retry_delay or 10), "workers": workers or 1}
        return self._deploying().stream(model, input, output, spec, Common(name, env_file, notify, dry_run))

    def app(
        self,
        notebook: str,
        *,
        guest: str | None = None,
        port: int | None = None,
        host: str | None = None,
        no_token: bool = False,
        name: str | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Show a notebook as an app, in the background."""
        from ..operations.opening import ends, invited

        until = ends(guest, token=not no_token) if guest else None
        spec = {"host": host or "127.0.0.1", "port": port or 0, "token": not no_token}
        app = self._deploying().app(notebook, spec, Common(name, env_file, notify, dry_run))
        return app if until is None or dry_run else invited(app, until)

    def put(self, url: str, input: Any, *, key: str | None = None, rate: float | None = None) -> Any:
        """Put rows on a queue."""
        from ..patterns.streaming.put import put

        return put(url, input, key=key, rate=rate)

    def tail(self, url: str, *, most: int | None = None) -> Any:
        """The last records of a queue."""
        from ..patterns.streaming.put import tail

        return tail(url, most=most or 10)

    def _deploying(self) -> Deploying:
        from ..operations.deploy import Deploying

        return Deploying(self.registry, self.running)
