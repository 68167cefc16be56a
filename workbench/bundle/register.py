"""The recipe: an entry of a live notebook and an example -> a proven version in the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import stages, text
from ..capture.capture import capture
from ..capture.captured import CapturedModel, Session
from ..capture.files import bring
from ..capture.holdings import Holdings, classes, look, of_kernel, roots_of
from ..capture.reads import watch
from ..inference.predictor import Predictor, entry_function
from ..inference.schema import Schema
from ..spawn.client import warm
from . import packages
from .prove import prove
from .registry import Registry, check_name
from .version import ModelVersion, heavy
from .witness import witness
from .write import Request, write


@dataclass(frozen=True)
class DryRun:
    """What a capture would take from where; nothing was stored."""

    name: str
    captured: CapturedModel

    def __str__(self) -> str:
        rows = [
            *((t.name, t.kind, t.cell, _detail(t.detail, t.n_bytes)) for t in self.captured.taken),
            *((name, "package", "", version) for name, version in self.captured.requirements.items()),
        ]
        lines = [f"{self.name} would take, and store nothing now", text.table(("name", "kind", "from", ""), rows)]
        lines += [f"page  {line}" for line in self.captured.page]
        return "\n".join([*lines, *heavy({t.name: t.n_bytes for t in self.captured.taken})])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        taken = [{"name": t.name, "kind": t.kind, "cell": t.cell, "bytes": t.n_bytes} for t in self.captured.taken]
        return {"name": self.name, "taken": taken, "requirements": dict(self.captured.requirements)}


def _detail(detail: str, n_bytes: int) -> str:
    short = detail if len(detail) <= 60 else detail[:59] + "…"
    return f"{short} {text.size(n_bytes)}".strip() if n_bytes else short


def register(
    entry: str,
    session: Session,
    example: Any,
    registry: Registry,
    request: Request,
) -> ModelVersion:
    """Capture `entry`, ask the kernel, write the bundle, prove it in a clean process and publish it.

    What was captured before gives that version again, with nothing stored. Raises CaptureRefused, BadInput,
    ModelFailed or NotProven, and StorageError; then nothing is left in the registry.
    """
    check_name(request.name)
    if request.alias:
        check_name(request.alias, "alias")
    stages.say("reading what the model needs")
    with registry.stage() as staging:
        captured = capture(entry, session, staging / "taken", cell=request.cell)
        warm(packages.loaded_modules(captured.requirements))  # imports while the kernel answers
        schema = Schema.infer(example)
        stages.say("asking this kernel")
        with watch() as reads:
            function = entry_function(session.namespace[entry], captured.entry_kind)
            seen = witness(Predictor(function, schema, name=request.name), example)
            held = captured.held, _held_now(captured, session)
        captured = bring(captured, session, reads, staging / "changed")
        bundle = staging / "bundle"
        manifest = write(bundle, captured, seen, request)
        if known := registry.find(request.name, manifest.fingerprint):
            version = known.as_unchanged(registry.resolve(request.name).version, captured.page)
        else:
            stages.say(f"proving it in a clean process, {text.count(seen.rows, 'row')}")
            prove(bundle, seen, row_wise=request.row_wise, held=held, timeout=request.timeout)
            stages.say("storing it as a version")
            version = registry.publish(bundle, request.name)
    return registry.set_alias(version, request.alias) if request.alias else version


def _held_now(captured: CapturedModel, session: Session) -> Holdings:
    own = classes(roots_of(captured.held[""]), session.namespace)
    return look(captured.held, own, of_kernel(captured.modules))


def dry_run(entry: str, session: Session, registry: Registry, request: Request) -> DryRun:
    """What `register` would take, from where; nothing is stored and nothing is proven."""
    with registry.stage() as staging:
        return DryRun(request.name, capture(entry, session, staging / "taken", cell=request.cell))
