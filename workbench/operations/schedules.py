"""A handle on a schedule: what starts runs, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import text
from ..data.grammar import shown
from ..jobs import cron
from . import figures

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..jobs.planning import Schedule as Planning
    from .running import Running

_DUES = 3
_BECOMES = {"replace": ", which each replaces", "append": ", to which each adds"}


@dataclass(frozen=True, repr=False)
class Schedule:
    """What starts runs."""

    running: Running = field(repr=False)
    registry: Registry = field(repr=False)
    schedule: Planning
    said: str = ""

    @property
    def name(self) -> str:
        """`schedule/churn`."""
        return str(self.schedule.name)

    @property
    def url(self) -> str:
        """Where it is called; empty for one that is not."""
        return str((self.schedule.starts or {}).get("webhook", ""))

    def __str__(self) -> str:
        s = self.schedule
        head = " · ".join(filter(None, [f"{self.name} {self._state()}", *self._when(), self.said]))
        what = runs_what(s) + self._becomes()
        lives = self.running.looked_at() or self._lives()
        steps = f"%workbench runs · %workbench pause {self.name} · %workbench remove {self.name}"
        then = [figures.moment(due, s.zone) for due in s.dues(_DUES)[1:]]
        due = [f"  then  {', '.join(then)}"] * bool(then)
        return "\n".join([head, f"  runs  {what}", *due, *self._call(), f"  note  {lives}", f"  next  {steps}"])

    __repr__ = __str__

    def _becomes(self) -> str:
        """What each run makes of the output of the one before."""
        spec, starts = self.schedule.spec, self.schedule.starts or {}
        mode = spec.get("mode") or ("append" if spec.get("new") else "")
        return ", a file for each" if "file" in starts and mode == "replace" else _BECOMES.get(mode, "")

    def _state(self) -> str:
        s = self.schedule
        if s.paused:
            return "paused"
        if not s.starts:
            return f"next run {figures.moment(s.next_due, s.zone)}"
        if gone := self._gone(s.starts):
            return f"waits in vain: {gone}"
        last = self.running.store.last_event(self.name)
        trouble = last.details.get("trouble") if last else ""
        return f"cannot {'listen' if 'webhook' in s.starts else 'look'}: {trouble}" if trouble else "waits"

    def _gone(self, starts: dict[str, Any]) -> str:
        """That what it follows is there no more."""
        there = {schedule.name: schedule.spec.get("name") for schedule in self.running.schedules()}
        after, drift = starts.get("after", ""), starts.get("drift")
        if after.startswith("schedule/") and after not in there:
            return f"{after} was removed"
        return f"nobody looks for drift of {drift} any more" if drift and drift not in there.values() else ""

    def _call(self) -> list[str]:
        """The line that calls its address; the token is asked for by whoever runs it."""
        auth = f'-H "Authorization: Bearer $(workbench token {self.name})"'
        return [f"  call  curl {auth} {self.url} -d '{{}}'"] if self.url else []

    def _when(self) -> list[str]:
        s = self.schedule
        kept = text.count(int(s.keep), "run") if s.keep and s.keep.isdecimal() else f"runs for {s.keep}"
        keeps = [f"keeps {kept}"] * bool(s.keep)
        if not s.starts:
            return [waits_for(s), _manner(s), *keeps]
        number = self.running.store.started_by(self.name)
        return [waits_for(s), *[f"{text.count(number, 'run')} so far"] * bool(number), *keeps]

    def _lives(self) -> str:
        from ..jobs import boot

        if boot.begins(self.running.home):
            return "begins again with this machine"
        return "lives as long as this machine stays up → %workbench doctor has what begins it again"

    def to_json(self) -> dict[str, Any]:
        s = self.schedule
        return {
            "name": s.name,
            "cron": s.cron,
            "starts": s.starts,
            "zone": s.zone,
            "next_due": s.next_due,
            "dues": s.dues(_DUES),
            "catch_up": s.catch_up,
            "overlap": s.overlap,
            "paused": s.paused,
            "keep": s.keep,
            "spec": s.spec,
        }


def waits_for(schedule: Planning) -> str:
    """What starts its runs: `monday 6:00 · Europe/Berlin`, `for files /data/in/*.csv`, `for calls of http://…`."""
    if not schedule.starts:
        return " · ".join(filter(None, [cron.words(schedule.cron), schedule.zone]))
    words = {"file": "for files", "message": "for messages of", "webhook": "for calls of", "drift": "for drift of"}
    key = next(iter(schedule.starts))
    return f"{words.get(key, 'for')} {shown(str(schedule.starts[key]))}"


def runs_what(schedule: Planning) -> str:
    """`churn@live → scored/`."""
    spec = schedule.spec
    to = spec.get("output") or (spec.get("page") or {}).get("file")
    return " → ".join(filter(None, [spec.get("says") or spec.get("model") or spec.get("notebook"), to]))


def _manner(schedule: Planning) -> str:
    """How it deals with what was missed and what overlaps, where that is not as usual."""
    catch_up = f"catch-up {schedule.catch_up}" if schedule.catch_up != "latest" else ""
    overlap = f"overlap {schedule.overlap}" if schedule.overlap != "skip" else ""
    return " · ".join(filter(None, [catch_up, overlap]))
