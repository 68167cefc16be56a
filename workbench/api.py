"""All that can be asked, in one place: each verb of `specs` is a method. Nothing is parsed or printed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import paths, text
from .bundle.registry import Registry
from .errors import UsageError

if TYPE_CHECKING:
    from .bundle.diff import Diff
    from .bundle.prove import Verdict
    from .bundle.register import DryRun
    from .bundle.version import ModelVersion
    from .capture.captured import Session
    from .diagnosis import Findings
    from .listing import Aliases, ModelList, Removed, Source, Status


class Workbench:
    """The one door to everything that is kept under `home`."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or paths.home()
        self.registry = Registry(paths.registry(self.home))

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
    ) -> ModelVersion | DryRun:
        """Capture a model, prove it in a clean process and store it as a version."""
        from .bundle import register as recipe
        from .bundle.example import example_for
        from .bundle.write import Request
        from .capture.captured import Session
        from .capture.entry import entry

        if isinstance(example, str):
            from .data.examples import frame

            example = frame(example)
        session = session or Session({})
        entry_name, session = entry(object, session)
        rows, target_name = example_for(name, session, entry_name, example, target, dry_run=dry_run)
        request = Request(
            name, note or "", target_name, alias, {"yes": True, "no": False}.get(row_wise or ""), not no_reference, cell
        )
        if dry_run:
            return recipe.dry_run(entry_name, session, self.registry, request)
        return recipe.register(entry_name, session, rows, self.registry, request)

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

    def verify(self, model: str) -> Verdict:
        """Prove a stored version again, under this Python and these packages."""
        from .bundle.prove import verify

        return verify(self.registry.resolve(model), self.home)

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

    def remove(self, thing: str, *, all: bool = False, dry_run: bool = False) -> Removed:
        """Remove a version, or with `all` every version of a model."""
        from .listing import Removed

        versions = self._to_remove(thing, all)
        for version in versions:
            self.registry.check_removable(version)
        for version in versions if not dry_run else ():
            self.registry.remove(version)
        return Removed(tuple(v.ref for v in versions), dry_run)

    def _to_remove(self, thing: str, all: bool) -> list[ModelVersion]:
        name, at, _ = thing.partition("@")
        versions = self.registry.versions(name)
        if at and all:
            raise UsageError(f"{thing} is one version", fix=f"name the model, {name}, or leave --all out")
        if at or len(versions) == 1:
            return [self.registry.resolve(thing)]
        if not all:
            raise UsageError(
                f"{name} has {text.count(len(versions), 'version')}",
                fix=f"name one, {versions[0].ref}, or remove them all with --all",
            )
        return versions

    def status(self, name: str | None = None) -> Status:
        """What matters now: where state lives, and the models, the versions of one, or one version."""
        from .listing import ModelList, Status

        one = [self.registry.resolve(name)] if name and "@" in name else None
        models = ModelList(one, name) if one else self.models(name)
        return Status(str(self.home), str(self.registry.folder), models)

    def doctor(self) -> Findings:
        """What is wrong with this installation, one fix a line."""
        from .diagnosis import examine

        return examine(self.home, self.registry.folder)
