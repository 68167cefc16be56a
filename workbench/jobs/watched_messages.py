"""The messages of a queue, topic or stream -> a run for each, taken from there once the run is kept."""

from __future__ import annotations

from typing import Any

from .watch import Watch

MOST_WAITING = 100
"""So many runs of a schedule may wait; what comes beyond stays in its queue meanwhile."""
_LOOK = 0.5


class MessageWatch(Watch):
    """Starts a run for each message that a process with the schedule's variables and packages reads for its group."""

    def look(self) -> None:
        assert self.schedule.starts
        place, group = self.schedule.starts["message"], self.schedule.starts["group"]
        self.listen("worker_messages", f"main({place!r}, {group!r})", f"what reads {place}")

    def heard(self, said: dict[str, Any]) -> None:
        """Some messages: a run for each, all of them, before the reader is told that they are done."""
        self.tell("")
        for message in said["messages"]:
            while not self._kept(message["key"], message["text"]) and not self.over.wait(_LOOK):
                pass  # it was paused just now
        while self.store.waiting(self.schedule.name) >= MOST_WAITING and not self.over.wait(_LOOK):
            pass
        if not self.over.is_set():
            self.answer(done=True)

    def _kept(self, key: str, text: str) -> bool:
        """Whether there is a run for a message: a new one, or that of the time before, whose end was not told."""
        if run := self.store.arrived(self.schedule.name, key, message=text):
            self.store.event(self.schedule.name, f"a message → {run}")
        return bool(run or self.store.run_for(self.schedule.name, key))
