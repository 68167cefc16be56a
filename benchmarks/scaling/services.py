"""One row a request, over 64 connections that are kept: answers a second, and what failed (Ray's proxy answers with the
status 500 where a replica is lost)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from measure.processes import free_port
from models import as_json
from peers.contenders import plain

from workbench.operations.load import load, once, request

from .jobs import Rate, Run, by_hand, ended, on, until

SCRIPTS = {"ray": "serve_ray"}
_CONNECTIONS, _BODIES, _OK = 64, 16, 200


def prepare(run: Run) -> None:
    """Nothing is needed but the model."""


def ours(run: Run, engine: str, workers: int) -> Rate:
    try:
        service: Any = run.api.serve("linear", workers=workers, port=free_port(), **on(engine))
        until(lambda: len(_processes(service)) == workers, f"{service.name}: {service.refresh()}")
        return _asked(run, f"{service.url}/predict", service.token)
    finally:
        ended(run, "service/linear")


def _processes(service: Any) -> list[Any]:
    facts = service.refresh().facts
    return list(facts.get("replicas") or facts.get("workers") or [])


def hand(run: Run, engine: str, workers: int) -> Rate:
    port = free_port()
    with by_hand(run, SCRIPTS[engine], port, workers) as process:
        url = f"http://127.0.0.1:{port}/predict"
        until(lambda: process.poll() is not None or _answers(url), f"{SCRIPTS[engine]} does not answer")
        return _asked(run, url) if process.poll() is None else Rate(0.0, Counter())


def _messages(url: str, token: str = "") -> list[bytes]:
    bodies = [json.dumps(plain("linear", as_json("linear", 1, number))).encode() for number in range(_BODIES)]
    return [request(url, body, token) for body in bodies]


def _answers(url: str) -> bool:
    try:
        return once(url, _messages(url)[0]) == _OK
    except Exception:  # noqa: BLE001 nobody listens yet
        return False


def _asked(run: Run, url: str, token: str = "") -> Rate:
    """The best of the rounds, and what failed in any of them."""
    messages = _messages(url, token)
    load(url, messages, connections=_CONNECTIONS, seconds=run.seconds / 2)
    rounds = [load(url, messages, connections=_CONNECTIONS, seconds=run.seconds) for _ in range(run.rounds)]
    return Rate(max(one.rate for one in rounds), sum((one.broken for one in rounds), Counter()))
