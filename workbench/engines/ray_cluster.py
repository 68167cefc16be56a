"""A cluster of Ray: the one that RAY_ADDRESS names, or one of this machine, which ends with this process."""

from __future__ import annotations

import logging
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ..errors import JobFailed
from . import carried

_ADDRESS = "RAY_ADDRESS"
_PATIENCE = 10.0
_TRIES, _LATE = 3, "timed out during startup"
_ROOM = 1_000_000_000
"""Bytes of memory for what is under way, on a cluster that is started here; what is more lies on the disk."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY = ("0.0.0.0", "::")  # noqa: S104 what is asked for, and is no address that answers
SPACE = "workbench"
"""The namespace of what Workbench has in a cluster."""


@dataclass(frozen=True)
class Cluster:
    """One that this process has joined; `own` is one that was started for it."""

    own: bool

    @property
    def processors(self) -> int:
        """Those of all nodes that live."""
        import ray

        return int(ray.cluster_resources().get("CPU", 0))

    def __str__(self) -> str:
        nodes = len(living())
        where = "a cluster of its own" if self.own else os.environ[_ADDRESS]
        return f"Ray, {where}: {nodes} node{'s' * (nodes != 1)}, {self.processors} processors"

    def leave(self) -> None:
        """Let go of it; one that was started here ends."""
        import ray

        ray.shutdown()


def join(least: int = 1, settings: dict[str, str] | None = None) -> Cluster:
    """Join the cluster, or start one in which `least` processes have a processor each, however many this machine has.
    `settings` are variables of Ray's own, for this process and for those that it starts there. JobFailed where there is
    no cluster at the address, or it has another Ray or Python."""
    address = os.environ.get(_ADDRESS)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.update(settings or {})
    runtime: dict[str, Any] = {"env_vars": carried.variables() | (settings or {})}
    how: dict[str, Any] = {"namespace": SPACE, "runtime_env": runtime, "logging_level": logging.ERROR}
    if address:
        runtime["py_modules"] = [str(Path(__file__).parents[1])]  # the nodes may have another Workbench, or none
        how["address"] = address
    else:
        how |= {"address": "local", "include_dashboard": False, "object_store_memory": _ROOM}
        how |= {"num_cpus": max(least, os.cpu_count() or 1)}
    before = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        _begin(how)
    except Exception as error:  # Ray raises what it comes upon
        raise _not_joined(address, error) from error
    finally:
        signal.signal(signal.SIGTERM, before)  # it takes the signal for itself
    return Cluster(own=not address)


def _begin(how: dict[str, Any]) -> None:
    """A node waits for its helpers no longer than 15 seconds, in which on a busy machine they are not there; what was
    started of it ends before the next."""
    import ray

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    for left in reversed(range(_TRIES)):
        try:
            ray.init(**how)
        except Exception as error:
            for child in psutil.Process().children(recursive=True):
                if child.pid not in before:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
            if not left or _LATE not in str(error):
                raise
        else:
            return


def joined() -> Cluster | None:
    """The cluster that this process has joined already."""
    import ray

    return Cluster(own=_ADDRESS not in os.environ) if ray.is_initialized() else None


def _knock(address: str | None) -> None:
    """ConnectionError where nobody listens: Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit() and "://" not in host:
        try:
            socket.create_connection((host, int(port)), _PATIENCE).close()
        except OSError as error:
            raise ConnectionError(f"nobody answers there ({error.strerror or error})") from error


def _not_joined(address: str | None, error: Exception) -> JobFailed:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if not address:
        fix = f"name one: export {_ADDRESS}=HOST:6379"
        return JobFailed(f"no cluster of Ray could be started here: {said}", fix=fix)
    fix = f"ray status --address {address} · or unset {_ADDRESS}, for a cluster of its own"
    return JobFailed(f"the cluster of Ray at {address} cannot be joined: {said}", fix=fix)


def head() -> str:
    """The address of the machine where the cluster is known."""
    import ray

    return str(ray.get_runtime_context().gcs_address).rpartition(":")[0]


def serves_at() -> int | None:
    """The port of Ray Serve on the cluster; None where it does not run there."""
    from ray.serve.context import _get_global_client

    client = _get_global_client(raise_if_no_controller_running=False)
    return int(client.http_config.port) if client else None


def living() -> set[str]:
    """The nodes that live, by their ids."""
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}
