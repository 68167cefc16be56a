"""Clients over gRPC, each with a connection of its own, that ask again once they are answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import cycle
from typing import Any

import grpc

from workbench.operations.load import Load

from .grpc_echo import METHOD, SERVICE

_OWN = [("grpc.use_local_subchannel_pool", 1)]


def load(address: str, messages: list[bytes], *, token: str, connections: int, seconds: float) -> Load:
    """What was answered, and in which times; errors are counted by their code."""
    return asyncio.run(_load(address, messages, token, connections, seconds))


async def _load(address: str, messages: list[bytes], token: str, connections: int, seconds: float) -> Load:
    channels = [grpc.aio.insecure_channel(address, options=_OWN) for _ in range(connections)]
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    times, broken, asked = list[float](), Counter[str](), cycle(messages)
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    worked, began = time.process_time(), time.perf_counter()

    async def ask(channel: Any) -> None:
        method = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        while (start := time.perf_counter()) < began + seconds:
            try:
                await method(next(asked), metadata=metadata)
            except grpc.aio.AioRpcError as error:
                broken[error.code().name] += 1
            else:
                times.append(time.perf_counter() - start)

    await asyncio.gather(*map(ask, channels))
    took, busy = time.perf_counter() - began, time.process_time() - worked
    await asyncio.gather(*(channel.close() for channel in channels))
    return Load(took, sorted(times), broken, busy / took)
