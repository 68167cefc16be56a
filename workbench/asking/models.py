"""What is asked about models: capture, look, compare, prove, name, move, remove."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .home import Home

if TYPE_CHECKING:
    from ..bundle.diff import Diff
    from ..bundle.prove import Verdict
    from ..bundle.register import DryRun
    from ..bundle.version import ModelVersion
    from ..capture.captured import Session
    from ..listing import Aliases, ModelList, Removed, Source
    from ..operations.against import Agreement
    from ..operations.exporting import Exported
    from ..operations.history import History
    from ..operations.promotion import Promotion
    from ..operations.rollout import Canary
    from ..operations.run_history import RunDiff
    from ..operations.splitting import Split


class Models(Home):
    """What is asked about models: capture, look, compare, prove, name, move, remove."""

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
        timeout: float | None = None,
        dry_run: bool = False,
        session: Session | None = None,
        cell: str = "",
    ) -> ModelVersion | DryRun:
        """Capture a model, prove it in a clean process and store it as a version."""
        from ..bundle.hanging import PATIENCE
        from ..bundle.register import DryRun
        from ..bundle.write import Request
        from ..jobs.rollout import LIVE
        from ..operations import naming
        from ..operations.models import model

        proof = {"example": example, "target": target, "row_wise": row_wise, "no_reference": no_reference}
        named = None if alias == LIVE else alias
        request = Request(name, note or "", alias=named, cell=cell, timeout=timeout or PATIENCE)
        made = model(object, proof, request, session, self.registry, self.home, dry_run=dry_run)
        if alias == LIVE and not isinstance(made, DryRun):
            made = naming.go_live(self.running, self.registry, made)
        if not isinstance(made, DryRun) and "WORKBENCH_RESULTS" in os.environ:  # this notebook runs as a batch
            from ..patterns.batch.results import note_model

            note_model(made.ref)
        return made

    def models(self, name: str | None = None) -> ModelList:
        """The models, or the versions of one."""
        from ..listing import ModelList

        names = [name] if name else self.registry.names()
        versions = [self.registry.versions(n) for n in names]
        return ModelList([v for of_one in versions for v in of_one] if name else [v[-1] for v in versions], name)

    def source(self, model: str) -> Source:
        """The text of `model.py`."""
        from ..listing import Source

        return Source.of(self.registry.resolve(model))

    def diff(self, a: str, b: str | None = None, *, on: Any = None, since: str | None = None) -> Diff | RunDiff:
        """Compare two versions; without `b`, the newest with `a` (or with the one before, if `a` names a model). Or two
        runs; without `b`, the one of its kind before."""
        from ..operations.models import compared

        if a.startswith("run/"):
            from ..operations import run_history

            first, second = (a, b) if b else (run_history.before(self.running, a), a)
            return run_history.compare(self.running, first, second)
        older, newer = self.registry.resolve(a), self.registry.resolve(b or a.partition("@")[0])
        if b is None and older.version == newer.version:
            versions = self.registry.versions(older.name)
            if len(versions) < 2:
                fix = "name a version of another model as the second"
                raise UsageError(f"{older.name} has one version: there is nothing to compare", fix=fix)
            before = versions[-2].ref if newer.version == versions[-1].version else older.ref
            older = self.registry.resolve(before)
        return compared(self.running, self.registry, older, newer, on, since)

    def verify(
        self,
        model: str,
        *,
        isolated: bool = False,
        against: str | None = None,
        token: str | None = None,
        header: str | list[str] | None = None,
        timeout: float | None = None,
    ) -> Verdict | Agreement:
        """Prove a stored version again: here, in an environment of its requirements alone, or by a service."""
        from ..operations.models import verify

        version = self.registry.resolve(model)
        headers = [header] if isinstance(header, str) else header or []
        return verify(
            version,
            self.running,
            self.registry,
            isolated=isolated,
            against=against,
            token=token,
            headers=headers,
            timeout=timeout,
        )

    def alias(self, model: str, alias: str | None = None, *, remove: bool = False) -> Aliases:
        """Name a version, take the name away, or list the names."""
        from ..listing import Aliases
        from ..operations import naming

        version = self.registry.resolve(model)
        if remove:
            naming.unname(self.running, self.registry, version, alias)
        elif alias:
            naming.name(self.running, self.registry, version, alias)
        return Aliases(version.name, self.registry.aliases(version.name))

    def remove(self, thing: str, *, all: bool = False, dry_run: bool = False) -> Removed:
        """Remove a version, with `all` every version of a model, or what was stopped."""
        from ..listing import Removed
        from ..operations.removal import remove

        return Removed(remove(self.running, self.registry, thing, all=all, dry_run=dry_run), dry_run)

    def export(
        self,
        thing: str,
        *,
        to: str,
        output: str,
        image: str | None = None,
        storage: str | None = None,
        no_token: bool = False,
    ) -> Exported:
        """Write the folder that another platform runs a model, a deployment or a schedule from."""
        from ..operations.exporting import Wish, export

        return export(self.running, self.registry, thing, Wish(to, image, storage, no_token), output)

    def promote(
        self,
        model: str,
        *,
        canary: str | None = None,
        every: str | None = None,
        min_requests: int | None = None,
        sticky_by: str | None = None,
        shadow: bool = False,
        split: str | None = None,
        bandit: str | None = None,
        watch: str | None = None,
        if_: Any = None,
        on: Any = None,
        since: str | None = None,
        target: Any = None,
        metric: Any = None,
        answer: str | None = None,
        note: str | None = None,
    ) -> Promotion | Canary | Split:
        """Move `live` to a version, with every deployment that follows it; a share of their traffic, or a copy."""
        from ..operations.gates import Gates
        from ..operations.promoting import Traffic, promote
        from ..operations.rollout import watched

        gates = Gates.read(if_, on, since, target, metric if if_ is not None or watch is None else None, answer)
        shares = (canary, every, min_requests, sticky_by, shadow, split, bandit)
        return promote(self.running, self.registry, model, Traffic(*shares, watched(watch, metric)), gates, note)

    def rollback(self, model: str, *, note: str | None = None) -> Promotion:
        """Take a version back that is being rolled out; else move `live` back to the version before."""
        from ..operations.promotion import rollback

        return rollback(self.running, self.registry, model, note)

    def history(self, model: str) -> History:
        """Who moved what of a model's traffic, when and why."""
        from ..operations.history import history

        return history(self.running, self.registry, model)
