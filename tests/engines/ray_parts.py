"""A cluster of Ray on this machine, its nodes processes of their own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

TRIES = 4
LEAN = str(Path(__file__).parent / "lean")
ROOM = 100 * 1024 * 1024
PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port")


@contextmanager
def begun() -> Iterator[Any]:
    """A head without processors, which is where the cluster is known, and a node with two."""
    from ray.cluster_utils import Cluster

    with small():
        cluster = started(lambda: Cluster(initialize_head=True, head_node_args=how(0) | {"include_dashboard": False}))
    try:
        add(cluster)
        yield cluster
    finally:
        cluster.shutdown()


def add(cluster: Any, processors: int = 2) -> Any:
    """Another node, once the cluster knows it."""
    with small():
        node = started(lambda: cluster.add_node(**how(processors)))
    cluster.wait_for_nodes()
    return node


def started(start: Callable[[], Any]) -> Any:
    """What is started, which a busy machine does not do in time now and then."""
    for _ in range(TRIES - 1):
        try:
            return start()
        except Exception as error:  # noqa: BLE001 Ray has no error of its own for it
            if "timed out during startup" not in str(error):
                raise
    return start()


def how(processors: int) -> dict[str, Any]:
    """A little memory, and ports of its own."""
    with ExitStack() as kept:
        free = [kept.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        ports = {name: one.getsockname()[1] for name, one in zip(PORTS, free, strict=True)}
    return {"num_cpus": processors, "object_store_memory": ROOM, **ports}


@contextmanager
def small() -> Iterator[None]:
    """Nodes as those have them who installed Ray without its dashboard, and whose processes import less: a node waits
    for its helpers no longer than 15 seconds, in which on a busy machine they have not imported all of it."""
    from ray._private import utils

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "get_dashboard_dependency_error", lambda: ImportError("not wanted"))
        patch.setenv("PYTHONPATH", LEAN)
        yield
