"""The handle on a model that learns while its versions answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import text
from ..data.grammar import shown
from .handles import Handle

if TYPE_CHECKING:
    from ..monitoring.quality import Quality

_DAY = 86400.0


class Learner(Handle):
    """A model that learns while its versions answer."""

    def quality(self, every: float = _DAY) -> Quality:
        """How good its answers were, each before it was learned, in periods of so many seconds (prequential)."""
        from ..monitoring.outcomes import kept
        from ..monitoring.quality import quality

        judged = kept(self.running.store.job_folder(self.name) / "outcomes")
        return quality(self.name, judged, every)

    def _brief(self) -> list[str]:
        facts = self.facts
        counts = [text.count(facts["examples"], "example")] if "examples" in facts else []
        counts += [f"lag {text.count(facts['lag'])}"] if facts.get("lag") else []
        counts += [text.count(facts["refused"], "refused example")] if facts.get("refused") else []
        return [str(facts.get("version", "")), *counts]

    def _lines(self) -> list[tuple[str, str]]:
        found = self.facts.get("quality") or {}
        said = " · ".join(f"{name} {value:.4g}" for name, value in found.items())
        said += ", each answered before it was learned, of the last examples" if said else ""
        own = self.name.partition("/")[2]
        every = f"a version every {text.seconds(self.job.spec['every'])}, the last {self.job.spec['keep']} are kept"
        lines = [("note", self.remark), ("from", self._from()), ("good", said), ("kept", every)]
        return [*lines, ("next", self._next(f"%workbench history {own}", f"%workbench rollback {own}"))]

    def _from(self) -> str:
        spec = self.job.spec
        place = shown(spec["feed"]) if spec.get("feed") else spec["input"].partition("?")[0]
        service = spec.get("service")
        return f"the feedback to {service}" if service else f"{place}, where {spec['target']} is the outcome"
