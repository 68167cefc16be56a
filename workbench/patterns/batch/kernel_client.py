"""A kernel that starts -> the moment at which it is ready, without the waits of the client that this is."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

_AGAIN = 1.0
_SLICE = 0.05


class Client(AsyncKernelClient):
    """It waits for the answer to a question of its own on both channels, and not until one of them is quiet."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Until cells can be run and nothing that they say can be missed. RuntimeError for a kernel that died."""
        end = time.monotonic() + (timeout or 60.0)
        asked, since = self.kernel_info(), time.monotonic()
        while not await self._said_idle(asked):
            if self.parent is not None and not await self.parent.is_alive():
                raise RuntimeError("the kernel died before it was ready")
            if time.monotonic() > end:
                raise RuntimeError(f"the kernel was not ready after {timeout} s")
            if time.monotonic() - since > _AGAIN:  # what was said before the channel was connected is lost
                asked, since = self.kernel_info(), time.monotonic()
        self._handle_kernel_info_reply(await self._answer(asked))

    async def _said_idle(self, asked: str) -> bool:
        """Whether the kernel says that it is done with what was asked."""
        try:
            said: dict[str, Any] = await self.iopub_channel.get_msg(timeout=_SLICE)
        except Empty:
            return False
        mine = said["parent_header"].get("msg_id") == asked
        return bool(mine and said["content"].get("execution_state") == "idle")

    async def _answer(self, asked: str) -> dict[str, Any]:
        while True:
            said: dict[str, Any] = await self.shell_channel.get_msg(timeout=_AGAIN)
            if said["parent_header"].get("msg_id") == asked:
                return said
