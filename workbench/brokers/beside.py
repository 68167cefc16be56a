"""An event loop on a thread of its own, for asynchronous clients: a connection lives on while a model predicts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """Runs what it is asked, while others wait for it or go on."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, what: Coroutine[Any, Any, T]) -> T:
        """What became of it."""
        asked = asyncio.run_coroutine_threadsafe(what, self.loop)
        try:
            return asked.result()
        except BaseException:
            asked.cancel()
            raise

    def close(self) -> None:
        """End what still runs."""
        if self.loop.is_closed():
            return
        self.ask(self._ended())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _ended(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        with suppress(Exception):
            await asyncio.gather(*left, return_exceptions=True)
