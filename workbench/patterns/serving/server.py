"""An endpoint on a socket that listens, until it is told to drain; no request that came is left without its answer."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from .endpoint import Endpoint

_IDLE_PATIENCE = 5.0
_SLOW_PATIENCE = 20.0
_LOOK = 0.02
_KEEP_ALIVE = 75
_COLLECT_EVERY = 5.0
_LOOK_AT_CLIENTS = 1.0


async def serve(
    sock: socket.socket,
    endpoint: Endpoint,
    *,
    started: Callable[[], None],
    drain: asyncio.Event,
    tls: Sequence[str] | None = None,
) -> None:
    """Answer requests, with `tls`, a certificate's file and its key's, over HTTPS. `started` is called once it listens.

    After `drain` no connection is accepted here, each answer closes its own, and it returns when none is left, or the
    idle ones have not been used for some seconds. Who does not send the rest of a request, or take an answer, is waited
    for a little longer.
    """
    import uvicorn

    from . import certificates
    from .cors import Cors
    from .joined import Protocol
    from .straight import Way

    config = uvicorn.Config(
        Cors(endpoint) if endpoint.access.origins else endpoint,
        access_log=False,
        lifespan="off",
        log_level="warning",
        http=partial(Protocol, way=Way(endpoint)),  # type: ignore[arg-type]
        ws="none",
        server_header=False,
        proxy_headers=False,  # who asks is the peer: what a proxy says of others is for what is shown alone
        timeout_keep_alive=_KEEP_ALIVE,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    for lane in endpoint.lanes:
        lane.alone = lambda: len(server.server_state.tasks) + endpoint.calls == 1
    await server.startup(sockets=[sock])
    ticking = asyncio.create_task(server.main_loop())
    _freeze()
    beside = [asyncio.create_task(_collect()), asyncio.create_task(_end_the_slow(server))]
    if tls:
        beside.append(asyncio.create_task(certificates.follow(config.ssl, tls)))
    if endpoint.deferring:
        beside.append(asyncio.create_task(endpoint.deferring.work()))
    started()
    await drain.wait()
    await _drained(server, endpoint)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    server.should_exit = True
    await ticking


async def _drained(server: object, endpoint: Endpoint) -> None:
    endpoint.draining = True
    for listening in server.servers:  # type: ignore[attr-defined]
        listening.close()
    connections, tasks = server.server_state.connections, server.server_state.tasks  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    began = loop.time()
    while connections and loop.time() < began + _IDLE_PATIENCE:
        await asyncio.sleep(_LOOK)
    for connection in list(connections):
        connection.shutdown()
    while tasks:
        await asyncio.sleep(_LOOK)
        if loop.time() > began + _SLOW_PATIENCE:
            for connection in [c for c in connections if c.waits_for_its_client()]:
                connection.transport.abort()


def _freeze() -> None:
    """What is loaded is never looked at again: a full collection of it stops every request for tens of milliseconds."""
    gc.collect()
    gc.freeze()
    gc.disable()


async def _end_the_slow(server: uvicorn.Server) -> None:
    """Clients that never send the rest hold memory and a descriptor each."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_AT_CLIENTS)
        for connection in list(server.server_state.connections):
            connection.end_the_slow(loop.time())  # type: ignore[union-attr]


async def _collect() -> None:
    """What requests leave in cycles is little; it is collected between them."""
    while True:
        await asyncio.sleep(_COLLECT_EVERY)
        gc.collect()
