"""A schedule -> its card: when it starts the next run, what became of the last ones, and the buttons that fit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from . import card, reading
from .card import Parts
from .markup import button, el, escape, rows

if TYPE_CHECKING:
    from ..operations.schedules import Schedule

_LAST = 12
_PRESSES = ("pause", "resume", "remove")


class ScheduleCard:
    """What starts runs on a cycle."""

    def __init__(self, schedule: Schedule) -> None:
        self.name, self._shown = schedule.name, schedule

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """All parts as they are now. NotFound where it was removed."""
        from ..operations.schedules import Schedule

        running, said = self._shown.running, self._shown.said
        self._shown = Schedule(running, self._shown.registry, running.store.schedule(self.name), said)
        return self.parts()

    def parts(self) -> Parts:
        """All parts of the schedule as it was when it was looked at."""
        told, plan = reading.read(str(self._shown)), self._shown.schedule
        state = "paused" if plan.paused else "ready"
        title = [el("b", escape(self.name), cls="wb-name"), el("span", state, cls=f"wb-state wb-{state}")]
        first, *others = told.about
        if not plan.paused:
            soon = f", in {_until(plan.next_due)}" if plan.next_due else ""
            title.append(el("span", escape(first) + soon, cls="wb-since"))
        about = '<span class="wb-dot"> · </span>'.join(reading.part(part) for part in others if part)
        shown = [(label, reading.row(label, line)) for label, line in told.rows]
        return {
            "head": el("div", *title, cls="wb-title") + el("div", about, cls="wb-about"),
            "rows": rows([*shown[:1], ("last", self._last()), *shown[1:]]),
            "buttons": "".join(self._buttons()),
        }

    def _last(self) -> str:
        """Its last runs, the newest at the right, each by its state."""
        runs = self._shown.running.store.page("run", schedule=self.name, most=_LAST)
        dots = (el("span", run.state, cls=f"wb-state wb-{run.state}", title=run.name) for run in reversed(runs))
        return " ".join(dots)

    def _buttons(self) -> list[str]:
        remove = button("Remove", "remove", kind="grave", sure="Really remove?")
        if self._shown.schedule.paused:
            return [button("Resume", "resume", kind="main"), remove]
        return [button("Pause", "pause"), remove]

    def press(self, do: str, **args: Any) -> Parts:
        """Pause, resume or remove it. UsageError for what it has no button for."""
        from ..api import Workbench

        if do not in _PRESSES:
            raise UsageError(f"a card of {self.name} has no button {do!r}", fix="run its cell again")
        return card.said(getattr(Workbench(self._shown.running.home), do)(self.name))


def _until(due: float) -> str:
    from .jobs import roughly

    return roughly(max(0.0, due - time.time()))
