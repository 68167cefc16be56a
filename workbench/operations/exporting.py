"""export: a model, a deployment or a schedule -> the folder that another platform runs it from."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import text
from ..bundle.storage import writing
from ..errors import UsageError
from ..exports import guide
from ..exports.subject import PORT, SERVICE, Cycle, Subject, check_kind
from ..jobs import rollout
from ..routing.table import Table

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..exports.guide import Guide
    from .running import Running

_SERVED, _STREAMED, _RUN = "service", "stream", "run"
PLATFORMS: dict[str, tuple[str, ...]] = {
    "docker": (_SERVED, _STREAMED, _RUN),
    "compose": (_SERVED, _STREAMED),
    "kserve": (_SERVED,),
    "seldon": (_SERVED,),
    "knative": (_SERVED, _STREAMED),
    "argo": (_RUN,),
    "kubeflow": (_RUN,),
    "ray": (_SERVED,),
    "file": (_SERVED, _STREAMED, _RUN),
}
"""The platforms, and what each has something for; a model by itself is what stands first."""
_MANY = ("docker", "compose", "seldon", "ray")
_ONE_PORT = ("kserve", "seldon", "knative", "ray")
_PUSHED = ("kserve", "seldon", "knative", "argo", "kubeflow")
_NO_REGISTRY = (
    "The image's name has no registry: export with `--image REGISTRY/NAME` for a cluster that gets its images from "
    "one; a cluster of this machine is given it (`kind load docker-image NAME`), in place of `docker push`."
)
_MODULES = {"file": "packed"}
_ASKED = ("limits", "workers", "open_metrics", "cors", "log", "fast", "grpc", "token")


@dataclass(frozen=True)
class Exported:
    """What was written where: `files` in its folder, `rows` that it carries of whom, `notes` that a person must know,
    and the line that proves what then runs."""

    name: str
    platform: str
    folder: str
    files: tuple[str, ...]
    rows: tuple[str, ...]
    notes: tuple[str, ...]
    prove: str

    def __str__(self) -> str:
        lines = [f"{self.name} ✓ exported for {self.platform}: {self.folder}", f"  holds {', '.join(self.files)}"]
        lines += [f"  rows  {line}" for line in self.rows]
        lines += [f"  note  {line}" for line in self.notes]
        lines += [f"  prove {self.prove}"] * bool(self.prove)
        return "\n".join([*lines, f"  next  {os.path.join(self.folder, guide.FILE)} says how to apply it"])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Wish:
    """What a person asks of an export: the platform, the image's name, the storage, and whether it asks for a token."""

    to: str
    image: str | None = None
    storage: str | None = None
    no_token: bool = False

    def check(self) -> None:
        """UsageError for an option that does nothing there."""
        if self.storage and self.to not in ("kserve", "seldon"):
            raise UsageError("--storage is for kserve and seldon", fix="leave it out")
        if self.image and self.to == "file":
            raise UsageError(f"--image has no meaning for {self.to}", fix="leave it out")


def export(running: Running, registry: Registry, thing: str, wish: Wish, output: str) -> Exported:
    """Write the folder, in place of what an export wrote there before. UsageError, StorageError."""
    wish.check()
    subject = _subject(running, registry, thing, wish)
    check_kind(subject, wish.to, *PLATFORMS[wish.to])
    folder = Path(output).expanduser().absolute()
    module = import_module(f"..exports.{_MODULES.get(wish.to, wish.to)}", __package__)
    with _written(folder) as new:
        made: Guide = module.write(subject, new)
        subject = made.of or subject
        guide.write(new, subject, wish.to, made)
        files = tuple(sorted(f"{path.name}{'/' * path.is_dir()}" for path in new.iterdir()))
    rows, notes = tuple(guide.rows(subject)), (*subject.notes, *made.notes)
    return Exported(subject.title, wish.to, str(folder), files, rows, notes, _prove(subject, made))


def _prove(subject: Subject, made: Guide) -> str:
    proven = made.asked and subject.live.manifest.has_reference
    return made.asked[0].line(subject, subject.live) if proven else ""


@contextmanager
def _written(folder: Path) -> Iterator[Path]:
    """A folder beside it, which takes its place once it is whole. UsageError where other things lie there."""
    if folder.exists() and not _is_ours(folder):
        what = f"{folder} holds other things, which an export would remove"
        raise UsageError(what, fix="name a folder that is new, empty, or from an export before")
    new = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    with writing(folder.parent):
        new.mkdir(parents=True)
    try:
        with writing(folder.parent):
            yield new
            if folder.exists():
                shutil.rmtree(folder)
            os.rename(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    if not folder.is_dir() or not any(folder.iterdir()):
        return folder.is_dir()
    readme = folder / guide.FILE
    return readme.is_file() and guide.MARK in readme.read_text(encoding="utf-8", errors="replace")


def _subject(running: Running, registry: Registry, thing: str, wish: Wish) -> Subject:
    """What is meant: a model or version, or a deployment, run or schedule by its full or short name."""
    if "/" in thing or thing in running.names_to_look_at(registry.names()):
        found = _of_what_runs(running, registry, running.find(thing), wish)
    else:
        found = _of_a_model(running, registry, registry.resolve(thing), wish)
    named = wish.image or wish.to not in _PUSHED or (wish.storage and wish.to == "kserve")
    notes = (*found.notes, *([] if named else [_NO_REGISTRY]))
    return replace(found, image=wish.image or "", storage=wish.storage or "", notes=notes)


def _of_a_model(running: Running, registry: Registry, version: ModelVersion, wish: Wish) -> Subject:
    """As a service; where the platform has nothing for one, as a batch."""
    kind = PLATFORMS[wish.to][0]
    spec = {**SERVICE, "token": not wish.no_token} if kind == _SERVED else {"what": "score", "mode": "replace"}
    return Subject(version.name, kind, version.name, (version,), Table(version.ref), spec)


def _of_what_runs(running: Running, registry: Registry, found: Any, wish: Wish) -> Subject:
    kind, _, name = found.name.partition("/")
    if getattr(found, "starts", None):
        what = f"{found.name} starts on {found.when}, and another platform has no such thing"
        raise UsageError(what, fix=f"export what it runs, and let that be started there: {found.spec.get('model', '')}")
    if "model" not in found.spec:
        what = f"{found.name} runs a notebook, and nothing says which packages its cells need"
        raise UsageError(what, fix="export the model that it makes, or a batch with a model")
    event = rollout.last(running.store, found.spec["model"].partition("@")[0])
    live = registry.resolve(found.spec["model"])
    rolled = kind in (_SERVED, _STREAMED) and found.spec["model"].endswith(f"@{rollout.LIVE}")
    table = rollout.wanted(event, live.ref) if rolled else Table(live.ref)
    _check_table(table, found.name, wish.to)
    versions = tuple(registry.resolve(ref) for ref in table.refs)
    make: dict[str, Callable[[Any, Wish], tuple[dict[str, Any], tuple[str, ...]]]] = {
        _SERVED: _service,
        _STREAMED: _stream,
        _RUN: _run,
        "schedule": _run,
    }
    spec, notes = make[kind](found, wish)
    cycle = Cycle(found.cron, found.zone, found.catch_up, found.overlap) if kind == "schedule" else None
    own = live.name if kind == _RUN else name
    return Subject(own, _RUN if cycle else kind, live.name, versions, table, spec, cycle, notes=notes)


def _check_table(table: Table, name: str, platform: str) -> None:
    """UsageError for versions that the platform cannot share the traffic between as the deployment does."""
    fix = f"%workbench rollback {table.ref.partition('@')[0]}, or export one: {table.ref}"
    if table.bandit:
        what = f"{name} goes by what each version has earned, which is known here alone"
        raise UsageError(what, fix=f"--split for fixed shares; {fix}")
    if len(table.others) > 1 and platform not in _MANY:
        what = f"{', '.join(table.refs)} share what {name} is asked, and {platform} has one that comes at most"
        raise UsageError(what, fix=f"{' or '.join(_MANY)}; {fix}")


def _service(found: Any, wish: Wish) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = {**SERVICE, **{key: found.spec[key] for key in _ASKED if key in found.spec}}
    notes = ["TLS is the platform's: the certificate stays here"] * bool(found.spec.get("tls"))
    if spec["grpc"] and wish.to in _ONE_PORT:
        notes.append(f"{wish.to} gives a container one port: it answers over HTTP alone there")
        spec["grpc"] = None
    spec["grpc"] = PORT + 1 if spec["grpc"] else None
    return {**spec, "token": spec["token"] and not wish.no_token}, tuple(notes)


def _stream(found: Any, wish: Wish) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {key: value for key, value in found.spec.items() if key != "model"}, ()


def _run(found: Any, wish: Wish) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = {key: value for key, value in found.spec.items() if key != "model"}
    rows = spec.get("max_rejects")
    notes = (f"it fails once more than {text.count(rows, 'row')} are refused",) if rows is not None else ()
    return {**spec, "mode": spec.get("mode") or "replace"}, notes
