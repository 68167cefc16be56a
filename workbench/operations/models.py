"""What a person asks of models -> which recipe makes or proves a version: by capture, by copy, here or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..bundle.diff import Diff
    from ..bundle.prove import Verdict
    from ..bundle.register import DryRun
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..bundle.write import Request
    from ..capture.captured import Session
    from .against import Agreement
    from .running import Running


def model(
    thing: Any,
    proof: dict[str, Any],
    request: Request,
    session: Session | None,
    registry: Registry,
    home: Path,
    *,
    dry_run: bool,
) -> ModelVersion | DryRun:
    """A version of an object, a file, a folder; `proof` is what was given of `example`, `target`, `row_wise` and
    `no_reference`."""
    from ..bundle import adopt

    if adopt.is_bundle(thing):
        return adopt.adopt(Path(thing), proof, request, registry, home, dry_run=dry_run)
    return _captured(thing, proof, request, session, registry, dry_run=dry_run)


def _captured(
    thing: Any, proof: dict[str, Any], request: Request, session: Session | None, registry: Registry, *, dry_run: bool
) -> ModelVersion | DryRun:
    from dataclasses import replace

    from ..bundle import register as recipe
    from ..bundle.example import example_for
    from ..capture.captured import Session
    from ..capture.entry import entry

    example = proof["example"]
    if isinstance(example, str):
        from ..data.examples import frame

        example = frame(example)
    name, session = entry(thing, session or Session({}))
    rows, target = example_for(request.name, session, name, example, proof["target"], dry_run=dry_run)
    row_wise = {"yes": True, "no": False}.get(proof["row_wise"] or "")
    request = replace(request, target=target, row_wise=row_wise, keep_reference=not proof["no_reference"])
    if dry_run:
        return recipe.dry_run(name, session, registry, request)
    return recipe.register(name, session, rows, registry, request)


def verify(
    version: ModelVersion,
    running: Running,
    registry: Registry,
    *,
    isolated: bool,
    against: str | None,
    token: str | None,
    headers: Sequence[str],
    timeout: float | None,
) -> Verdict | Agreement:
    """Prove it again: under this Python and these packages, in an environment of its own, or by what a service
    answers; in so many seconds. UsageError where these are mixed."""
    from ..bundle.hanging import PATIENCE

    patience = timeout or PATIENCE
    if against is not None and timeout is not None:
        what = "--timeout is for a proof here; a service is given the time that its requests have"
        raise UsageError(what, fix=f"%workbench verify {version.ref} --against {against}")
    if against is not None and not isolated:
        from .against import against as asked

        return asked(version, against, token, running, registry, headers=headers)
    if against is not None or token is not None or headers:
        what = f"--{'token' if token is not None else 'header'} is for --against URL"
        what = "--isolated and --against are two ways to prove" if against is not None else what
        raise UsageError(what, fix=f"%workbench verify {version.ref} --against URL")
    if isolated:
        from ..bundle.isolated import verify as alone

        return alone(version, running.home, patience)
    from ..bundle.prove import verify as here

    return here(version, running.home, patience)


def compared(
    running: Running, registry: Registry, a: ModelVersion, b: ModelVersion, on: Any, since: str | None
) -> Diff:
    """What differs from `a` to `b`; their answers to the reference, to rows that are given, or to those of a log."""
    from ..bundle.diff import diff
    from ..bundle.diff_predictions import Rows
    from .evidence import evidence

    if on is None and since is None:
        return diff(a, b, running.home)
    rows = evidence(running, registry, b.name, on, since)
    return diff(a, b, running.home, Rows(rows.table, rows.noun))
