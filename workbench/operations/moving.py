"""The shares of a rollout, moved by hand: whose values are keys, and what a version must show, stay as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..jobs import rollout
from ..jobs.rollout import LIVE
from ..monitoring import conditions
from ..monitoring.verdict import LEAST
from .promotion import Promotion, canary, promote, rollback
from .rollout import Canary, Plan
from .splitting import Asked, Split, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bundle.registry import Registry
    from .running import Running

_WHOLE = 100.0


def moved(running: Running, registry: Registry, shares: Mapping[str, float]) -> Promotion | Canary | Split:
    """Give versions of one model these shares, in percent; the live one has what is left. Nothing for all others takes
    them back, and all of it for one of them promotes it. UsageError where there is nothing to take back any more."""
    name = next(iter(shares)).partition("@")[0]
    live = registry.resolve(f"{name}@{LIVE}").ref
    others = {ref: share for ref, share in shares.items() if ref != live}
    event = rollout.last(running.store, name)
    table = rollout.wanted(event, live)
    if not any(others.values()):
        if not table.others:
            raise UsageError(f"no version of {name} comes any more", fix=f"%workbench history {name}")
        return rollback(running, registry, name)
    if whole := next((ref for ref, share in others.items() if share >= _WHOLE), ""):
        return promote(running, registry, whole)
    plan = (event.details.get("plan") if event and table.others else None) or {}
    least, watch = plan.get("least") or LEAST, tuple(conditions.read_all(plan.get("watch", ())))
    key = table.column or table.header
    if len(others) == 1:
        ((ref, share),) = others.items()
        return canary(running, registry, ref, Plan((share,), None, least, key, watch=watch), None)
    said = ",".join(f"{ref.partition('@')[2]}={share:g}" for ref, share in {live: _rest(others), **others}.items())
    return split(running, registry, name, Asked(said, None, key or None, least, watch), None)


def _rest(others: Mapping[str, float]) -> float:
    """What is left for the live version."""
    return max(0.0, _WHOLE - sum(others.values()))
