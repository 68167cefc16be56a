"""serve --split and --bandit: the versions that a service begins with beside the live one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import NotProven, UsageError
from ..jobs import rollout
from ..jobs.rollout import LIVE
from ..routing.table import Table
from . import splitting

if TYPE_CHECKING:
    from .handles import Handle


@dataclass(frozen=True)
class Sharing:
    """What is said of the versions: their shares, and a policy that finds these."""

    split: str | None
    bandit: str | None

    def check(self, model: str) -> None:
        """UsageError for what says nothing of several versions that follow."""
        if self.bandit and not self.split:
            fix = f"--split 1,2,3 --bandit {self.bandit}"
            raise UsageError(f"which versions does {self.bandit} choose between?", fix=fix)
        if self.split and "@" in model and not model.endswith(f"@{LIVE}"):
            what = f"{model} is pinned, and --split names several versions"
            raise UsageError(what, fix=f"%serve {model.partition('@')[0]} --split {self.split}")

    def begun(self, service: Handle) -> Handle:
        """The service, once they share what it is asked. What stands as it is said goes on as it is: a bandit knows
        what it has learned. NotProven where a version cannot answer; UsageError."""
        if not self.split:
            return service
        running, registry = service.running, service.registry
        name = str(service.job.spec["model"]).partition("@")[0]
        asked = splitting.Asked(self.split, self.bandit, None, None)
        event = rollout.last(running.store, name)
        now = Table.parse((event.details.get("table") if event else None) or "@")
        wanted = splitting.shared_by(registry, name, asked)
        if (now.ref, now.others, now.how) == (wanted.ref, wanted.others, wanted.how):
            return service
        made = splitting.split(running, registry, name, asked, None)
        if made.kept:
            raise NotProven(f"{service.name} answers by {name}@{LIVE} alone: {made.kept}", fix="leave that version out")
        return replace(
            service.refresh(), said=service.said, remark=" · ".join(filter(None, [service.remark, made.who]))
        )
