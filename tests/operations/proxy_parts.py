"""A reverse proxy as the Jupyter server has one: all below a prefix goes to a service, with what it says of itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from waiting import until

_OWN = ("content-length", "transfer-encoding", "connection", "content-encoding")


def _application(to: str, prefix: str) -> Starlette:
    async def passed_on(request: Request) -> Response:
        path = request.url.path.removeprefix(prefix) or "/"
        told = {"x-forwarded-prefix": prefix, "x-forwarded-proto": "http", "x-forwarded-host": request.headers["host"]}
        sent = {name: value for name, value in request.headers.items() if name != "content-length"} | told
        async with httpx.AsyncClient(trust_env=False, timeout=30) as ask:
            url = f"{to}{path}?{request.url.query}"
            answer = await ask.request(request.method, url, content=await request.body(), headers=sent)
        made = Response(answer.content, answer.status_code)
        for name, value in answer.headers.multi_items():
            if name not in _OWN:
                made.headers.append(name, value)
        return made

    return Starlette(routes=[Route(f"{prefix}/{{rest:path}}", passed_on, methods=["GET", "HEAD", "POST"])])


@contextmanager
def proxy(to: str, prefix: str) -> Iterator[str]:
    """The address of a proxy, below which the service at `to` is; it ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(_application(to, prefix), log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}{prefix}"
        finally:
            server.should_exit = True
            thread.join()
