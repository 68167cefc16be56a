"""serve, stream, batch: a model or a notebook and options -> what should run, begun."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import stages, text
from ..bundle import packages
from ..bundle.own import equip
from ..bundle.storage import writing
from ..data import folders, places
from ..errors import Interrupted, NotFound, NotProven, UsageError
from . import environment, request_log, starting, triggers
from .elsewhere import SPARK, streamed
from .ending import ended
from .handles import Planned
from .kinds import handle
from .running import Running, not_done, options, said

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..jobs.record import Job
    from .environment import Common
    from .scoring import Scoring
    from .starting import Cycle

LIVE = "live"
_SERVING = ("uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.off", "uvloop", "orjson", "encodings.idna")
_OUR_SERVING = (
    *("workbench.jobs.worker", "workbench.jobs.worker_service", "workbench.bundle.load", "workbench.monitoring.traces"),
    *(f"workbench.patterns.serving.{part}" for part in ("endpoint", "server", "live", "served", "access", "tokens")),
    *(f"workbench.patterns.serving.{part}" for part in ("straight", "cors", "certificates", "deferring")),
    *("workbench.patterns.serving.requests", "workbench.monitoring.rewards"),
)
"""What each door and worker is made of: one copy, in the pre-warmed process, for all of them."""
_LOOKING = ("fastapi", "anyio._backends._asyncio", "jinja2", "prometheus_client")
"""What the first look needs beside: its workers share it, and no prediction waits for the import."""
_STREAMING = ("orjson",)
_ALONE = "not row-wise: it is asked about each record alone"
Spec = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What should run: its spec, the name that it has by itself, the modules that it imports, what to say of it, the
    variables that its model reads, and the version that `live` is set to where this is its first use."""

    spec: Spec
    own_name: str
    preload: tuple[str, ...] = ()
    remark: str = ""
    reads: tuple[str, ...] = ()
    first: ModelVersion | None = None


@dataclass(frozen=True)
class Deploying:
    """What the three verbs need: the models, and what runs."""

    registry: Registry
    running: Running

    def serve(self, model: str, spec: Spec, common: Common) -> Any:
        """A service that is ready, or the plan of one."""
        common.check()
        wanted = self._lasting(model, (*_SERVING, *_OUR_SERVING, *_LOOKING))
        name = f"service/{common.name or wanted.own_name}"
        request_log.check(spec["log"], self._version(wanted), self.registry)
        if not common.dry_run:
            self._equip(spec, wanted)
        if spec["token"] and not common.dry_run:
            self._token(name)
        ports = {"port": spec["port"] or self._port_before(name, "port") or 0}
        if spec["grpc"]:
            _check_grpc()
        if spec["grpc"] is True:
            ports["grpc"] = self._port_before(name, "grpc") or True
        spec = {"model": wanted.spec["model"], **spec, **ports}
        return self._deploy(name, spec, wanted, common)

    def stream(self, model: str, input: str, output: str | list[str], spec: Spec, common: Common) -> Any:
        """A stream that is ready, or the plan of one."""
        from ..inference.schema import Schema
        from ..patterns.streaming.columns import Columns
        from ..patterns.streaming.sinks import absolute

        source, label, named = streamed(input, spec["start"], spec.get("engine"))
        common.check()
        to = [absolute(one, label) for one in ([output] if isinstance(output, str) else output)]
        wanted = self._lasting(model, _STREAMING)
        own = common.name or wanted.own_name
        way = {"model": wanted.spec["model"], "input": source, "output": to if len(to) > 1 else to[0]}
        group = spec["group"] or named or own
        if not common.dry_run:
            version = self._version(wanted)
            Columns(spec["key_as"], spec["time_as"]).check(Schema.from_json(version.manifest.schema))
            self._equip(spec, wanted)
            alone = "" if version.manifest.row_wise else _ALONE
            beginning = "" if spec.get("engine") == SPARK else _beginning(input, group, spec["start"])
            remarks = (wanted.remark, alone, beginning)
            wanted = replace(wanted, remark=" · ".join(filter(None, remarks)))
        return self._deploy(f"stream/{own}", {**way, **spec, "group": group}, wanted, common, live=("workers",))

    def app(self, notebook: str, spec: Spec, common: Common) -> Any:
        """An app that is ready, or the plan of one."""
        path = notebook_file(notebook)
        common.check()
        name = f"app/{common.name or path.stem}"
        if spec["token"] and not common.dry_run:
            self._token(name)
        port = spec["port"] or self._port_before(name, "port") or 0
        wanted = Wanted({}, path.stem)
        return self._deploy(name, {"notebook": str(path), **spec, "port": port}, wanted, common)

    def learn(self, model: str, input: str | None, target: str | None, spec: Spec, common: Common) -> Any:
        """A learner that is ready, or the plan of one."""
        from . import learning

        common.check()
        wanted = self._lasting(model)
        version, own = self._version(wanted), common.name or wanted.own_name
        job = None if input else learning.service_of(self.running, version)
        way = learning.way(wanted.spec["model"], version, input, target, job)
        learning.check(version, version.predictor(self.running.home), way["target"])
        return self._deploy(f"learner/{own}", {**way, **spec, "group": f"learner-{own}"}, wanted, common)

    def batch(self, wanted: Wanted, common: Common, cycle: Cycle | None, *, wait: bool) -> Any:
        """A run, begun or ended, or the schedule of such runs."""
        common.check()
        name = common.name or wanted.own_name
        cycle = starting.known(cycle, self.running, f"schedule/{name}", common.env_file) if cycle else None
        if common.dry_run:
            return Planned(f"schedule/{name}" if cycle else f"a run of {name}", options(wanted.spec))
        self._equip(wanted.spec, wanted)
        env = self._environment(wanted, common, wanted.spec.get("engine"))
        if wanted.spec["what"] == "notebook" and "kernel" not in wanted.spec:
            env["ahead"] = wanted.spec.get("folder") or str(Path(wanted.spec["notebook"]).parent)
        restart = "never" if wanted.spec["what"] == "notebook" else "retry"
        if cycle:
            spec = self._again_and_again(f"schedule/{name}", wanted.spec, cycle)
            with starting.variables(common.env_file):
                triggers.begin(cycle.starts or {}, self.running, f"schedule/{name}")
            schedule, changes = self.running.store.put_schedule(
                f"schedule/{name}", spec=spec, environment=env, restart=restart, notify=common.told, **asdict(cycle)
            )
            self._set_live(wanted)
            self.running.supervised()
            triggers.listening(cycle.starts or {})
            told = [wanted.remark, starting.left_alone(cycle) if changes == ["created"] else said(changes)]
            told.append(triggers.unread(spec, cycle.starts or {}))
            return handle(self.running, self.registry, schedule, " · ".join(filter(None, told)))
        job = self.running.store.add_run(wanted.spec, env, restart=restart, notify=common.told)
        self.running.begin(job)
        return handle(self.running, self.registry, self._waited(job) if wait else job)

    def _again_and_again(self, name: str, spec: Spec, cycle: Cycle) -> Spec:
        """The runs of a schedule write over the output of the run before, but not over what was there before them; of
        files that arrive each has an output of its own."""
        if spec["what"] != "score":
            return spec
        if cycle.file:
            return starting.for_each(cycle.file, spec)
        from ..patterns.batch.target import check_output

        before = {schedule.name: schedule.spec.get("output") for schedule in self.running.store.schedules()}
        own = before.get(name) == spec["output"]
        said = spec["mode"] or ("append" if spec["new"] else None)
        check_output(
            spec["output"], spec["input"], "replace" if own and not said else spec["mode"], usual=said or "fail"
        )
        said = said or re.search(r"[?&](mode|key)=", spec["output"])
        return spec if said else {**spec, "mode": "replace"}

    def scoring(
        self,
        model: str,
        input: str | None,
        output: str | None,
        how: Scoring,
        *,
        cycle: Cycle | None,
    ) -> Wanted:
        """A store that is scored with a model: on a cycle with the live one, else with the one that is meant now."""
        lasting = cycle is not None
        input = starting.input_of(model, input, cycle)
        if input is None or output is None:
            raise UsageError(f"batch {model} needs an input and an output", fix=f"%batch {model} FILES -o FOLDER")
        if how.parameters:
            raise UsageError("-p is for a notebook's parameters", fix=f"leave it out; {model} is a model")
        from ..patterns.batch.target import check_input, check_output

        how.check(str(input))
        wanted = self._lasting(model) if lasting else _of(self.registry.resolve(model))
        way = {"input": folders.absolute_input(str(input)), "output": how.keyed(folders.absolute_output(str(output)))}
        if not lasting:
            stages.say("looking at its input")
            check_input(way["input"])
            check_output(way["output"], way["input"], how.mode, how.partition, usual=how.usual)
        return replace(wanted, spec={"what": "score", **wanted.spec, **way, **how.to_json()})

    def _environment(self, wanted: Wanted, common: Common, engine: str | None) -> dict[str, Any]:
        given = (self.running.home, wanted.preload, common.env_file)
        return environment.record(*given, reads=wanted.reads, engine=engine)

    def _deploy(self, name: str, spec: Spec, wanted: Wanted, common: Common, live: tuple[str, ...] = ()) -> Any:
        if common.dry_run:
            return Planned(name, options(spec))
        env = self._environment(wanted, common, spec.get("engine"))
        self._set_live(wanted)
        job, changes = self.running.store.put(name, spec, env, notify=common.told, live=live)
        if changes or job.state not in ("ready", "paused"):
            self.running.begin(job)
        job = self._ready(job)
        return handle(self.running, self.registry, job, "" if changes == ["created"] else said(changes), wanted.remark)

    def _ready(self, job: Job) -> Job:
        """Once it is ready. Interrupted; who cancels what had not begun before ends it again."""
        try:
            return self.running.until_ready(job.name)
        except Interrupted:
            if job.state != "starting" or not stages.cancelled():
                raise
        self.running.store.desire(job.name, "stopped")
        self.running.supervised()
        fix = f"%workbench start {job.name}, or %workbench remove {job.name}"
        raise Interrupted(f"{job.name} was cancelled: it is stopped", fix=fix)

    def _lasting(self, model: str, preload: tuple[str, ...] = ()) -> Wanted:
        """What lasts follows `live`; its first use will set that to the newest version that was proven."""
        base, at, _ = model.partition("@")
        ref = f"{base}@{LIVE}"
        if at and model != ref:
            return _of(self.registry.resolve(model), preload)
        if self.registry.versions(base) and LIVE in self.registry.aliases(base):
            return replace(_of(self.registry.resolve(ref), preload), spec={"model": ref})
        first = self._newest_proven(base)
        remark = f"{ref} is now {first.ref}, the newest proven"
        return replace(_of(first, preload), spec={"model": ref}, remark=remark, first=first)

    def _version(self, wanted: Wanted) -> ModelVersion:
        return wanted.first or self.registry.resolve(wanted.spec["model"])

    def _equip(self, spec: Spec, wanted: Wanted) -> None:
        """See to the environment of what needs one of its own. BundleRefused, NotProven."""
        if spec.get("env") == "own":
            equip(self._version(wanted), self.running.home)

    def _set_live(self, wanted: Wanted) -> None:
        """Only once nothing is left to refuse: who was refused has changed nothing."""
        if wanted.first:
            self.registry.set_alias(wanted.first, LIVE)

    def _newest_proven(self, name: str) -> ModelVersion:
        versions = self.registry.versions(name)
        proven = next((version for version in reversed(versions) if version.readable and version.proven), None)
        if proven is None:  # what others have registered in MLflow is proven when it is first used
            proven = self.registry.resolve(name)
        if not proven.proven:
            raise NotProven(f"no version of {name} was proven", fix=f"%workbench verify {versions[-1].ref}")
        return proven

    def _waited(self, job: Job) -> Job:
        job = ended(self.running, job)
        if job.state != "done":
            raise not_done(job)
        return job

    def _port_before(self, name: str, which: str) -> int | None:
        """The port that was asked for before, and was had, so that its address stays."""
        from ..jobs.addresses import port_of

        job = next((job for job in self.running.jobs() if job.name == name), None)
        asked = job.spec.get(which) if job else None
        had = port_of(str(job.facts.get(which) or "")) if job else None
        return asked if type(asked) is int and asked == had else None

    def _token(self, name: str) -> None:
        from ..jobs import own_token

        with writing(self.running.store.folder):
            own_token.make(self.running.store.job_folder(name))


def _check_grpc() -> None:
    """UsageError where what speaks gRPC is not installed."""
    if find_spec("grpc") is None or find_spec("google") is None or find_spec("google.protobuf") is None:
        fix = "pip install 'deployment-workbench[grpc]', or serve without --grpc"
        raise UsageError("answering over gRPC needs grpcio, which is not installed here", fix=fix)


def _of(version: ModelVersion, preload: tuple[str, ...] = ()) -> Wanted:
    """What runs this very version."""
    modules = (*preload, *packages.loaded_modules(version.manifest.packages))
    return Wanted({"model": version.ref}, version.name, modules, reads=tuple(version.manifest.environment))


def _beginning(input: str, group: str, start: str) -> str:
    """What to say of where a group begins that was begun before. UsageError for what is no place in the queue."""
    from ..brokers.opening import check
    from ..data.log_file import check_name
    from ..data.log_groups import place

    check_name(group, "group")
    check(input, start)
    if not input.startswith("queue:"):
        return ""
    log = places.log(input)
    try:
        place(log, start)
        known = log.offsets().get(group)
    finally:
        log.close()
    if known is None or start == "start":
        return ""
    return f"group {group} goes on after offset {text.count(known)}: --start is for a new one → --group NAME"


def notebook_file(name: str) -> Path:
    """The file of a notebook. NotFound."""
    path = Path(os.path.abspath(os.path.expanduser(name)))
    if not path.is_file():
        raise NotFound(f"there is no notebook {path}", fix="name a file that ends in .ipynb")
    return path
