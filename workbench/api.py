"""All that can be asked, in one place: each verb of `specs` is a method. Nothing is parsed or printed here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .asking.models import Models
from .asking.operating import Operating
from .asking.predictions import Predictions
from .asking.running import WhatRuns
from .operations import steering
from .operations.running import DEPLOYED

if TYPE_CHECKING:
    from .diagnosis import Findings
    from .listing import Overview
    from .operations.choosing import Advice, Interview
    from .operations.kinds import Handles
    from .operations.labs import Lab
    from .operations.touring import Tour


class Workbench(Models, Predictions, WhatRuns, Operating):
    """The one door to everything that is kept under `home`."""

    def status(self, name: str | None = None) -> Any:
        """What matters now: where state lives, the models and what runs; or one model, version or thing that runs."""
        from .listing import ModelList, Status

        note = self.running.looked_at()
        if name and ("/" in name or name in self.running.names_to_look_at(self.registry.names())):
            return steering.find(self.running, self.registry, name)
        one = [self.registry.resolve(name)] if name and "@" in name else None
        models = ModelList(one, name) if one else self.models(name)
        running, schedules = self._matters(name)
        return Status(str(self.home), self.registry.address, models, running, schedules, note)

    def advise(
        self,
        model: str | None = None,
        *,
        who: str | None = None,
        soon: str | None = None,
        often: str | None = None,
        rows: str | None = None,
        changes: str | None = None,
    ) -> Advice | Interview:
        """Which pattern fits; the questions that are open, where not all are answered."""
        from .operations.choosing import answered

        names = self.registry.names()
        name = model or (names[0] if len(names) == 1 else "MODEL")
        given = {"who": who, "soon": soon, "often": often, "rows": rows, "changes": changes}
        return answered(name, {question: said for question, said in given.items() if said})

    def dashboard(self) -> Overview:
        """How much there is of everything; in a notebook all of it on one screen."""
        from .listing import Overview

        jobs = {"deployments": DEPLOYED, "runs": ("run",)}
        store = self.running.store if self.running.any else None
        counts = {kind: dict(store.counts(*of)) if store else {} for kind, of in jobs.items()}
        states = ["paused" if schedule.paused else "ready" for schedule in self.running.schedules()]
        models = {"captured": len(self.registry.names())}
        return Overview(self.home, {"models": models, **counts, "schedules": dict(Counter(states))})

    def doctor(self) -> Findings:
        """What is wrong with this installation, one fix a line."""
        from .diagnosis import examine

        return examine(self.home, self.registry.folder)

    def tour(self, folder: str | None = None, *, run: bool = False) -> Tour:
        """The guided tour, put into a folder and run there."""
        from .operations.touring import tour

        return tour(folder, run=run)

    def lab(self, folder: str | None = None, *, dry_run: bool = False) -> Lab:
        """JupyterLab in a folder, until it ends."""
        from .operations.labs import lab

        return lab(self.home, folder, dry_run=dry_run)

    def _matters(self, name: str | None) -> tuple[Handles, Handles]:
        """What runs or has failed, and the schedules; of one model, all that uses it."""
        from .operations.kinds import Handles, handle

        def uses(found: Any) -> bool:
            return str(found.spec.get("model", "")).partition("@")[0] == str(name).partition("@")[0]

        found = self.running.jobs() if name else self.running.store.mattering() if self.running.any else []
        jobs = [job for job in found if not name or uses(job)]
        schedules = [schedule for schedule in self.running.schedules() if not name or uses(schedule)]
        running, planned = ([handle(self.running, self.registry, f) for f in found] for found in (jobs, schedules))
        return Handles(running), Handles(planned)
