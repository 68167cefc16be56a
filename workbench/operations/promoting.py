"""What was asked of `promote` -> which of its ways it is: all of the traffic, a share, several, or a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import promotion, splitting
from .rollout import Plan
from .starting import refuse_idle

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..monitoring.conditions import Condition
    from .gates import Gates
    from .promotion import Promotion
    from .rollout import Canary
    from .running import Running
    from .splitting import Split


@dataclass(frozen=True)
class Traffic:
    """What was said of who gets how much of the traffic, as `promote` has it."""

    canary: str | None
    every: str | None
    min_requests: int | None
    sticky_by: str | None
    shadow: bool
    split: str | None
    bandit: str | None
    watch: tuple[Condition, ...]


def promote(
    running: Running, registry: Registry, model: str, traffic: Traffic, gates: Gates | None, note: str | None
) -> Promotion | Canary | Split:
    """Move `live`, or share the traffic. UsageError for options that do not go together."""
    if traffic.split is not None or traffic.bandit is not None:
        return _split(running, registry, model, traffic, gates, note)
    if traffic.canary is None:
        _refuse_beside_canary(traffic)
        if not traffic.shadow and not traffic.watch:
            return promotion.promote(running, registry, model, note=note, gates=gates)
        plan = Plan((0.0,), None, 0, "", shadow=True)
        if traffic.watch:
            plan = Plan.at_once(traffic.every, traffic.min_requests, traffic.watch)
    else:
        refuse_idle("a version that answers itself", not traffic.shadow, canary=traffic.canary)
        plan = Plan.read(traffic.canary, traffic.every, traffic.min_requests, traffic.sticky_by, traffic.watch)
    return promotion.canary(running, registry, model, plan, note, gates)


def _split(
    running: Running, registry: Registry, model: str, traffic: Traffic, gates: Gates | None, note: str | None
) -> Split:
    idle = {"canary": traffic.canary, "every": traffic.every, "shadow": traffic.shadow, "if": gates}
    refuse_idle("one version that comes", False, **idle)
    asked = splitting.Asked(traffic.split, traffic.bandit, traffic.sticky_by, traffic.min_requests, traffic.watch)
    return splitting.split(running, registry, model, asked, note)


def _refuse_beside_canary(traffic: Traffic) -> None:
    if traffic.watch:
        refuse_idle("a version that answers itself", not traffic.shadow, watch=traffic.watch)
    else:
        refuse_idle("--canary and --watch", False, every=traffic.every, min_requests=traffic.min_requests)
    refuse_idle("--canary", False, sticky_by=traffic.sticky_by)
