"""A model that does not answer a micro-batch -> that is told, and how many records wait meanwhile, until it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .here import Here

if TYPE_CHECKING:
    from .here import Asker
    from .patience import Patience

LONG = 30.0
_EVERY = 1.0
_WHAT = f"the model has not answered a micro-batch for {LONG:.0f} s · nothing lost"
_FIX = "it goes on once the model answers; %workbench restart ends that call, and asks again"


class Overdue:
    """Looks once a second: the loop itself where others ask the model, and a thread where the loop does and cannot."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._since = self._next = 0.0
        self._told = self._calling = False
        self._lock = threading.Lock()  # of two that would tell, one does
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @contextmanager
    def asked(self, asker: Asker) -> Iterator[None]:
        """Meanwhile its answers are waited for."""
        if not isinstance(asker, Here):
            yield
            self.look()
            return
        self._begin()
        try:
            yield
        finally:
            with self._lock:
                self._calling = False

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="overdue", daemon=True)
            self._thread.start()
        self._calling = True

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY):
            with self._lock:
                if self._calling:
                    self.look()

    def busy(self, busy: bool) -> None:
        """Something was given that was not taken, from now on, or nothing is any more."""
        self._since = time.monotonic() if busy else 0.0
        self._next = self._since + _EVERY
        if self._told:
            self._told = False
            self.patience.control.state("ready")

    def look(self) -> None:
        """Tell, if it takes long."""
        now = time.monotonic()
        if not self._since or now < self._next:
            return
        self._next = now + _EVERY
        self.patience.tell(0)
        if now - self._since > LONG and not self._told:
            self._told = True
            self.patience.control.state("blocked", f"{_WHAT}\n→ {_FIX}")

    def end(self) -> None:
        """Nothing is asked any more."""
        self._ended.set()
