"""Models that are `async` -> what they answer: on one event loop for all of a process, in a thread of its own.

What `load` opened there (a session, a pool) is still there when `predict` awaits it, as in a notebook, whose loop is
one as well.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from functools import lru_cache
from typing import Any


def loop() -> asyncio.AbstractEventLoop:
    """The loop on which models of this process are awaited."""
    return _loop_of(os.getpid())  # a thread does not come along when the process forks


@lru_cache(1)
def _loop_of(pid: int) -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="awaited models", daemon=True).start()
    return made


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of an `async def`."""
    asked = asyncio.run_coroutine_threadsafe(coroutine, loop())
    try:
        return asked.result()
    except BaseException:
        asked.cancel()
        raise


def each(parts: AsyncIterator[Any]) -> Iterator[Any]:
    """What an `async` generator yields, as it comes."""
    end = object()

    async def following() -> Any:
        return await anext(parts, end)

    async def ended() -> None:
        if close := getattr(parts, "aclose", None):
            await close()

    try:
        while (part := finished(following())) is not end:
            yield part
    finally:
        finished(ended())
