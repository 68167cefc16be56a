"""Real kernels for the corpus, the next one started while the present one is used; cells run in them as typed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Kernel:
    """One kernel in a folder of its own."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager, self._client = manager, client

    def run(self, cell: str) -> tuple[bool, str]:
        """Whether a cell succeeded, and what a person would see below it."""
        shown: list[str] = []

        def keep(message: dict[str, Any]) -> None:
            content, kind = message["content"], message["header"]["msg_type"]
            if kind == "stream":
                shown.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                shown.append(content["data"]["text/plain"])

        reply = self._client.execute_interactive(cell, output_hook=keep, timeout=120)["content"]
        shown += reply.get("traceback", ())
        return reply["status"] == "ok", _COLOURS.sub("", "".join(shown))

    def must(self, cell: str) -> str:
        """What a cell that must succeed shows."""
        ok, shown = self.run(cell)
        assert ok, f"{cell}\n{shown}"
        return shown

    def stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


class Kernels:
    """Hands kernels out; the next one is on its way."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._threads = folder, ThreadPoolExecutor(1)
        self._next: Future[Kernel] | None = None

    @contextmanager
    def one(self, home: Path, *, more: bool) -> Iterator[Kernel]:
        """A kernel whose models go to `home`; `more` are wanted after it."""
        kernel = (self._next or self._threads.submit(self._start)).result()
        self._next = self._threads.submit(self._start) if more else None
        try:
            kernel.must(f"import os; os.environ['WORKBENCH_HOME'] = {str(home)!r}")
            yield kernel
        finally:
            kernel.stop()

    def close(self) -> None:
        if self._next:
            self._next.result().stop()
        self._threads.shutdown()

    def _start(self) -> Kernel:
        env = {**os.environ, "PYTHONHASHSEED": "random"}
        kernel = Kernel(*start_new_kernel(cwd=str(self._folder), env=env))
        kernel.must("import numpy, pandas")
        return kernel
