"""What came of chunks -> parts on the disk and rows of the ledger, while the next chunks are scored."""

from __future__ import annotations

import threading
from queue import Queue
from types import TracebackType
from typing import Self

from .chunks import Outcome
from .ledger import Ledger

_MOST = 2


class Writer:
    """A thread that writes. Those chunks that wait for it become one entry of the ledger, so that a slow disk is asked
    less often. What it raises is raised by the next `put`, or at the end of the block."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: Queue[Outcome | None] = Queue(_MOST)
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def put(self, outcome: Outcome) -> None:
        """Have it written; waits while others do."""
        if self._failed is not None:
            raise self._failed
        self._waiting.put(outcome)

    def _work(self) -> None:
        """Until there is no more; after a failure nothing is written, but taken from whoever waits."""
        more = True
        while more:
            outcomes = [self._waiting.get()]
            while not self._waiting.empty():
                outcomes.append(self._waiting.get())
            more = outcomes[-1] is not None
            if self._failed is None:
                self._write([outcome for outcome in outcomes if outcome is not None])

    def _write(self, outcomes: list[Outcome]) -> None:
        try:
            if outcomes:
                self._ledger.add([(o.number, o.file, o.scored, o.keep(), o.rejects) for o in outcomes])
        except BaseException as error:  # noqa: BLE001 it is raised where the next would be put
            self._failed = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._waiting.put(None)
        self._thread.join()
        if self._failed is not None and error is None:
            raise self._failed
