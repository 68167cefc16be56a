"""What runs -> its card: state, rows as its text has them, the buttons that fit its state, the end of its log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..jobs.logs import tail
from . import card, charts, reading
from .card import Parts
from .charts import Trend
from .markup import button, el, escape, rows

if TYPE_CHECKING:
    from ..api import Workbench
    from ..operations.handles import Handle

_LOG_LINES = 40
_PRESSES = ("stop", "start", "restart", "pause", "resume", "remove")
_UP = ("starting", "ready", "blocked")


class JobCard:
    """A deployment or a run. `drawn` are the labels of the rows that the card shows better."""

    drawn: tuple[str, ...] = ()

    def __init__(self, handle: Handle) -> None:
        self.name, self.handle, self.trend = handle.name, handle, Trend()

    def goes_on(self, before: Any) -> None:
        """Take over what was seen so far."""
        self.trend = before.trend

    def look(self) -> Parts:
        """All parts as they are now. NotFound where it was removed."""
        from ..operations.kinds import handle

        now = self.handle.running.store.get(self.name)
        self.handle = handle(self.handle.running, self.handle.registry, now, self.handle.said, self.handle.remark)
        folder = self.handle.running.store.job_folder(self.name)
        return {**self.parts(), "log": card.log(tail(folder, _LOG_LINES))}

    def parts(self) -> Parts:
        """All parts but the log, of the handle as it is."""
        said = reading.read(self.handle.card())
        return {
            "head": self._head(said),
            "rows": rows([(n, reading.row(n, line)) for n, line in said.rows if n not in self.drawn]),
            "figures": self.figures(),
            "route": self.route(),
            "buttons": "".join(self.buttons()),
        }

    def _head(self, said: reading.Said) -> str:
        state, since = self.handle.state, max(0.0, time.time() - self.handle.job.since)
        mark = el("span", state, cls=f"wb-state wb-{state}")
        ago = el("span", f"for {roughly(since)}", cls="wb-since") if not self.handle.job.over else ""
        title = el("div", el("b", escape(self.name), cls="wb-name"), mark, ago, cls="wb-title")
        about = [reading.part(part) for part in said.about[1:] if part]
        return title + (el("div", '<span class="wb-dot"> · </span>'.join(about), cls="wb-about") if about else "")

    def figures(self) -> str:
        """What it does now, in numbers."""
        return ""

    def route(self) -> str:
        """How its traffic is split."""
        return ""

    def buttons(self) -> list[str]:
        """Those that fit its state."""
        if self.handle.state in ("stopped", "failed"):
            remove = button("Remove", "remove", kind="grave", sure="Really remove?")
            return [button("Start", "start", kind="main"), remove]
        if self.handle.state == "paused":
            return [button("Resume", "resume", kind="main"), button("Stop", "stop", kind="grave")]
        return [button("Stop", "stop", kind="grave")] if self.handle.state in _UP else []

    def press(self, do: str, **args: Any) -> Parts:
        """Open, stop, start, … it. UsageError for what it has no button for, and what the verbs raise."""
        if do == "open":
            return {"open": self.workbench().open(self.name).link}
        if do not in _PRESSES:
            raise UsageError(f"a card of {self.name} has no button {do!r}", fix="run its cell again")
        answer = getattr(self.workbench(), do)(self.name)
        return card.said(f"{self.name} is {answer.state}" if hasattr(answer, "state") else answer)

    def workbench(self) -> Workbench:
        """The verbs, in the home of this thing."""
        from ..api import Workbench

        return Workbench(self.handle.running.home)


def roughly(seconds: float) -> str:
    """As far as one wants to know it: whole seconds, minutes, hours or days."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


class AppCard(JobCard):
    """A notebook that people use in a browser."""

    def buttons(self) -> list[str]:
        return [button("Open", "open", kind="main")] * (self.handle.state == "ready") + super().buttons()


class RunCard(JobCard):
    """One execution of a batch: how much is done, how fast, and how long it takes."""

    def figures(self) -> str:
        from . import sweeps

        return self._bar() + sweeps.html(self.handle)  # type: ignore[arg-type]

    def _bar(self) -> str:
        facts = self.handle.facts
        done, of = ("cell", "cells") if "cells" in facts else ("rows", "of")
        total = facts.get(of) or 0
        if self.handle.job.over or not total:
            return ""
        seen = (facts.get(done) or 0) + (facts.get("rejects") or 0) * (done == "rows")
        rate = f"{text.count(round(facts['rate']))} rows/s" if facts.get("rate") else ""
        left = f"{text.seconds(facts['seconds_left'])} left" if facts.get("seconds_left") else ""
        told = " · ".join(filter(None, [f"{seen / total:.0%}", str(facts.get("title") or ""), rate, left]))
        return charts.bar(min(1.0, seen / total), f"{self.name} progress") + el("p", escape(told), cls="wb-caption")

    def buttons(self) -> list[str]:
        state = self.handle.state
        if state == "done":
            return []
        if state in ("failed", "stopped"):
            retry = button("Retry" if state == "failed" else "Resume", "resume", kind="main")
            return [retry, button("Remove", "remove", kind="grave", sure="Really remove?")]
        return [button("Pause", "pause")] * (state == "ready") + super().buttons()
