"""This interpreter -> a kernel of it, which a run starts, signals, and does not leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

_SETTINGS = (
    "--IPKernelApp.log_level=40",  # it warns, in each run's log, that its sockets are not encrypted
    "--IPKernelApp.exec_lines=get_ipython().ask_exit = __import__('sys').exit",  # else cells go on for a while
)
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def make() -> Any:
    """A kernel of this interpreter, whatever kernels a person has installed under its name."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager  # the other kind does not see that its kernel died

    manager = AsyncKernelManager(kernel_name="python3")
    manager._kernel_spec = KernelSpec(argv=_command(), language="python", display_name="Python")
    return manager


def _command() -> list[str]:
    """What starts a kernel that ends with its owner, however that ends, even in the midst of a long call of C."""
    import sys

    start = "import runpy; runpy.run_module('ipykernel_launcher', run_name='__main__', alter_sys=True)"
    if sys.platform == "linux":
        start = f"import sys; sys.path.remove(''); import ctypes; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); {start}"
    return [sys.executable, "-c", start, "-f", "{connection_file}", *_SETTINGS]


def send(manager: Any, number: int) -> None:
    """A signal to the kernel and to what it started, if it runs."""
    process = getattr(manager.provisioner, "process", None)
    if process is not None and process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number) if hasattr(os, "killpg") else process.send_signal(number)


def end(manager: Any) -> None:
    """No kernel outlives its run."""
    send(manager, KILL)
    with contextlib.suppress(Exception):
        manager.provisioner.process.wait()
    with contextlib.suppress(Exception):
        manager.cleanup_connection_file()
