"""Reverse proxies: one that says of itself what it may, and a Jupyter server with jupyter-server-proxy."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import uvicorn
from ports import free_port
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


@contextmanager
def jupyter(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a Jupyter server of this environment, below /user/me as on a hub, and its token."""
    folder.mkdir()
    port = free_port()
    token = secrets.token_hex(8)
    own = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--no-browser", "--allow-root"]
    options += [f"--IdentityProvider.token={token}", "--ServerApp.base_url=/user/me/", f"--ServerApp.root_dir={folder}"]
    command = [sys.executable, "-m", "jupyter_server", *options]
    url = f"http://127.0.0.1:{port}/user/me"
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=os.environ | own, stderr=log) as process:
        try:
            until(lambda: process.poll() is not None or _answers(f"{url}/api"), "Jupyter does not start")
            yield url, token
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False
