"""The history of a model: who moved what of its traffic, when and why."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import text
from ..jobs import rollout

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..jobs.record import Event
    from .running import Running


class History(list["Event"]):
    """What became of a model's live version: who did what when and why, the oldest first."""

    def __init__(self, model: str, events: list[Event]) -> None:
        super().__init__(events)
        self.model = model

    def __str__(self) -> str:
        if not self:
            return f"nothing was promoted yet → %workbench promote {self.model}@N"
        rows = [(_when(e), str(e.details.get("by", "")), e.text, _why(e)) for e in self]
        return text.table(("when", "who", "what", "why"), rows)

    __repr__ = __str__

    def to_json(self) -> list[dict[str, Any]]:
        return [{"at": event.at, "what": event.text, **event.details} for event in self]


def _when(event: Event) -> str:
    return datetime.fromtimestamp(event.at).strftime("%Y-%m-%d %H:%M:%S")


def _why(event: Event) -> str:
    return " · ".join(filter(None, [event.details.get("note"), *event.details.get("gates", ())]))


def history(running: Running, registry: Registry, model: str) -> History:
    """All that was told of a model. NotFound where there is none such."""
    name = registry.resolve(model).name
    stories = (rollout.story(name), rollout.refused(name)) if running.any else ()
    events = [event for story in stories for event in running.store.events(story)]
    return History(name, sorted(events, key=lambda event: event.id))


def who() -> str:
    """The name of the user of this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know none
        return ""
