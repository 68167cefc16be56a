"""The schedules that wait for files or messages -> a watch for each."""

from __future__ import annotations

from .planning import Schedule
from .store import Store
from .watch import Watch
from .watched_files import FileWatch
from .watched_messages import MessageWatch

_KINDS: dict[str, type[Watch]] = {"file": FileWatch, "message": MessageWatch}


class Watching:
    """Sees to it that what is waited for is looked for."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._watches: dict[str, Watch] = {}

    def look(self) -> None:
        """See to it that there is one watch for each schedule that waits for files or messages."""
        wanted = {schedule.name: schedule for schedule in self.store.schedules() if _kind(schedule)}
        for name, watch in list(self._watches.items()):
            if name not in wanted or not watch.same(wanted[name]) or not watch.thread.is_alive():
                watch.end()
                del self._watches[name]
        for name, schedule in wanted.items():
            if name not in self._watches and (kind := _kind(schedule)):
                self._watches[name] = kind(self.store, schedule)

    def end(self) -> None:
        """Look no more."""
        for watch in self._watches.values():
            watch.end()


def _kind(schedule: Schedule) -> type[Watch] | None:
    """What looks for what this schedule waits for; None for one that waits for nothing of the kind, or is paused."""
    kinds = [kind for key, kind in _KINDS.items() if key in (schedule.starts or {})]
    return kinds[0] if kinds and not schedule.paused else None
