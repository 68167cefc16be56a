"""This interpreter, or an installed kernel -> a kernel, which a run starts, signals, and does not leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ... import text
from ...errors import NotFound, UsageError
from .results import VARIABLE

_SETTINGS = (
    "--IPKernelApp.log_level=40",  # it warns, in each run's log, that its sockets are not encrypted
    "--IPKernelApp.exec_lines=get_ipython().ask_exit = __import__('sys').exit",  # else cells go on for a while
)
_START_SECONDS = 60.0
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class Kernel:
    """A kernel that was started in `folder`: of this interpreter, or the one that is installed under a `name`. It need
    not be up yet. `results` is where its cells hand values back."""

    def __init__(
        self,
        folder: Path,
        scratch: Path | None,
        name: str | None = None,
        variables: Mapping[str, str] = os.environ,
    ) -> None:
        from jupyter_core.utils import run_sync

        self.results = Path(tempfile.mkdtemp(prefix="results-", dir=scratch))
        self.manager = _manager(installed(name) if name else None)
        run_sync(self.manager.start_kernel)(cwd=str(folder), env={**variables, VARIABLE: str(self.results)})

    async def up(self) -> None:
        """Wait until it can run cells. RuntimeError where it dies before."""
        client = self.manager.client()
        client.start_channels()
        await client.wait_for_ready(_START_SECONDS)
        client.stop_channels()

    def send(self, number: int) -> None:
        """A signal to the kernel and to what it started, if it runs."""
        process = self._process()
        if process is not None and process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, number) if hasattr(os, "killpg") else process.send_signal(number)

    def end(self) -> None:
        """No kernel outlives its run."""
        self.send(KILL)
        with contextlib.suppress(Exception):
            self.manager.provisioner.process.wait()
        with contextlib.suppress(Exception):
            self.manager.cleanup_connection_file()

    def alive(self) -> bool:
        """Whether it still runs."""
        process = self._process()
        return process is not None and process.poll() is None

    def death(self) -> str:
        """What became of a kernel that has died, as far as its exit tells."""
        process = self._process()
        code = process.poll() if process is not None else None
        if code is None or code == 0:
            return "its kernel died: a cell ended it"
        if code > 0:
            return f"its kernel died: a cell ended it with exit code {code}"
        name = signal.Signals(-code).name
        why = ", as happens when memory runs out" if -code == KILL else ""
        return f"its kernel died: killed by {name}{why}"

    def _process(self) -> Any:
        return getattr(self.manager.provisioner, "process", None)


class Ahead:
    """Kernels for `wanted` runs in one folder: while one works, the next is started already. All are started by one
    thread, with whose end they would end."""

    def __init__(self, folder: Path, scratch: Path | None, wanted: int, name: str | None = None) -> None:
        self._of, self._wanted = (folder, scratch, name), wanted
        self._starter = ThreadPoolExecutor(1)
        self._next: Future[Kernel] | None = None
        self.begin()

    def begin(self) -> None:
        """Start the next, if one more will be wanted."""
        if self._next is None and self._wanted > 0:
            self._wanted -= 1
            self._next = self._starter.submit(Kernel, *self._of)

    def take(self) -> Kernel:
        """The one that was started, or a new one; the next is begun."""
        taken, self._next = self._next or self._starter.submit(Kernel, *self._of), None
        self.begin()
        return taken.result()

    def close(self) -> None:
        """End the one that nobody took."""
        with contextlib.suppress(Exception):
            if self._next is not None:
                self._next.result().end()
        self._starter.shutdown()


def installed(name: str) -> Any:
    """The kernel that is installed under a name. NotFound; UsageError for one of another language."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    there = KernelSpecManager()
    try:
        found = there.get_kernel_spec(name)
    except NoSuchKernel:
        names = sorted(there.find_kernel_specs())
        near = text.closest(name, names)
        fix = f"did you mean {near}?" if near else f"there are {', '.join(names) or 'none'}: jupyter kernelspec list"
        raise NotFound(f"there is no kernel {name!r}", fix=fix) from None
    if found.language.lower() not in ("python", "ipython"):
        what = f"the kernel {name} is one of {found.language}, not of Python"
        raise UsageError(what, fix="name another one")
    return found


def _manager(named: Any) -> Any:
    """The manager of a kernel: of this interpreter, whatever kernels a person has installed, unless one is named."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager  # the other kind does not see that its kernel died

    from .kernel_client import Client

    manager = AsyncKernelManager(kernel_name="python3", client_factory=Client)
    if named is not None and any("ipykernel" in part for part in named.argv):
        named.argv = [*named.argv, *_SETTINGS]
    manager._kernel_spec = named or KernelSpec(argv=_command(), language="python", display_name="Python")
    return manager


def _command() -> list[str]:
    """What starts a kernel that ends with its owner, however that ends, even in the midst of a long call of C."""
    import sys

    start = "import runpy; runpy.run_module('ipykernel_launcher', run_name='__main__', alter_sys=True)"
    if sys.platform == "linux":
        start = f"import sys; sys.path.remove(''); import ctypes; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); {start}"
    return [sys.executable, "-c", start, "-f", "{connection_file}", *_SETTINGS]
