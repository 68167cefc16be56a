"""A process and all that it parents -> the most memory that they had at one time."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from .processes import family

EVERY = 0.1


class Peak:
    """Looks ten times a second, as long as its block lasts; `bytes` is the most that was seen. What processes share
    is divided among all that do."""

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes = pid, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            with suppress(psutil.Error):
                self.bytes = max(self.bytes, sum(map(proportional, family(self.pid))))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()


def proportional(pid: int) -> int:
    """Bytes of one process; the kernel sums them up, which disturbs it less than to read each of its parts."""
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
