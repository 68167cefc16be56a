"""What came of chunks -> parts on the disk and rows of the ledger, while the next chunks are scored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Any, Self

from .chunks import Outcome
from .ledger import Ledger
from .parts import sync

_MOST = 2
_AT_ONCE = 8


class Writer:
    """One thread writes parts, another sees to it that they are on the disk, in `folder`, and then in the ledger: those
    that wait for it together, so that a slow disk is asked less often and keeps nobody waiting. What they raise is
    raised by the next `put`, or at the end of the block."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger, self._folder = ledger, folder
        self._written: Queue[Any] = Queue()  # names alone, which take no room
        self._waiting: Queue[Any] = Queue(_MOST)
        self._syncing = ThreadPoolExecutor(_AT_ONCE)  # the file system writes down at once what is asked of it at once
        self._failed: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._each, args=args, daemon=True)
            for args in ((self._waiting, self._write, self._written), (self._written, self._note, None))
        ]

    def put(self, outcome: Outcome) -> None:
        """Have it written; waits while others are."""
        if self._failed is not None:
            raise self._failed
        self._waiting.put(outcome)

    def _each(self, given: Queue[Any], work: Callable[[list[Any]], None], then: Queue[Any] | None) -> None:
        """Until there is no more; after a failure nothing is done, but taken from whoever waits."""
        more = True
        while more:
            some = [given.get()]
            while not given.empty():
                some.append(given.get())
            more = some[-1] is not None
            try:
                if self._failed is None:
                    work([one for one in some if one is not None])
            except BaseException as error:  # noqa: BLE001 it is raised where the next would be put
                self._failed = error
        if then is not None:
            then.put(None)

    def _write(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self._written.put((outcome.number, outcome.file, outcome.scored, outcome.keep(), outcome.rejects))

    def _note(self, written: list[tuple[int, str, int, str, Any]]) -> None:
        for _ in self._syncing.map(partial(sync, self._folder), [part for _, _, _, part, _ in written]):
            pass
        if written:
            self._ledger.add(written)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._syncing.shutdown()
        if self._failed is not None and error is None:
            raise self._failed
