"""Reverse proxies: one that says of itself what it may, one that goes by what a request says as the ingress of a
cluster does, and a Jupyter server with jupyter-server-proxy."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
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
    async def below(request: Request) -> Response:
        told = {"x-forwarded-prefix": prefix, "x-forwarded-proto": "http", "x-forwarded-host": request.headers["host"]}
        return await _passed_on(request, f"{to}{request.url.path.removeprefix(prefix) or '/'}", told)

    return Starlette(routes=[Route(f"{prefix}/{{rest:path}}", below, methods=["GET", "HEAD", "POST"])])


async def _passed_on(request: Request, url: str, told: dict[str, str]) -> Response:
    sent = {name: value for name, value in request.headers.items() if name != "content-length"} | told
    async with httpx.AsyncClient(trust_env=False, timeout=30) as ask:
        to = f"{url}?{request.url.query}"
        answer = await ask.request(request.method, to, content=await request.body(), headers=sent)
    made = Response(answer.content, answer.status_code)
    for name, value in answer.headers.multi_items():
        if name not in _OWN:
            made.headers.append(name, value)
    return made


@contextmanager
def proxy(to: str, prefix: str) -> Iterator[str]:
    """The address of a proxy, below which the service at `to` is; it ends with the block."""
    with _running(_application(to, prefix)) as place:
        yield f"{place}{prefix}"


@contextmanager
def ingress(way: Callable[[Request], str | None]) -> Iterator[str]:
    """The `HOST:PORT` of a proxy that passes a request on to the URL that `way` says; what has none is a 404."""

    async def passed(request: Request) -> Response:
        url = way(request)
        return await _passed_on(request, url, {}) if url else Response("no route", 404)

    with _running(Starlette(routes=[Route("/{rest:path}", passed, methods=["GET", "POST"])])) as place:
        yield place.removeprefix("http://")


@contextmanager
def _running(application: Starlette) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(application, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
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
