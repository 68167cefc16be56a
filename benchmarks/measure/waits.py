"""Requests at a fixed rate, each noted with when it was due and how long it waited: `python -m measure.waits FILE`.

The file holds what `Asked` has, as JSON. It asks until its input ends, and writes then what came of each. A request
counts from when it was due, so that a server which stops for a while is not spared those that would come.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import urlsplit

from workbench.operations import load as http

Wait = tuple[float, float, int]
"""When a request was due (seconds of the monotonic clock), how long it waited, and the status of its answer."""


@dataclass(frozen=True)
class Asked:
    """What is asked where: rows as JSON, so often a second over so many connections."""

    url: str
    token: str
    body: str
    rate: float
    connections: int


class Asking:
    """Asks beside, in a process of its own, until it is over."""

    def __init__(self, asked: Asked, folder: Path) -> None:
        file = folder / "asked.json"
        file.write_text(json.dumps(vars(asked)))
        here = Path(__file__).parents[1]
        self._process = Popen([sys.executable, "-m", __name__, file], cwd=here, stdin=PIPE, stdout=PIPE)
        assert self._process.stdout
        self._process.stdout.readline()

    def over(self) -> list[Wait]:
        """End it; what came of each request."""
        said, _ = self._process.communicate()
        return [(due, wait, status) for due, wait, status in json.loads(said)]


def main(file: Path) -> None:
    asked, found, over = Asked(**json.loads(file.read_text())), list[Wait](), threading.Event()
    message = http.request(asked.url, asked.body.encode(), asked.token)
    start = time.monotonic() + 0.1
    threads = [
        threading.Thread(target=_ask, args=(asked, message, start + n / asked.rate, found, over))
        for n in range(asked.connections)
    ]
    for thread in threads:
        thread.start()
    print(flush=True)
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    json.dump(found, sys.stdout)


def _ask(asked: Asked, message: bytes, start: float, found: list[Wait], over: threading.Event) -> None:
    parts = urlsplit(asked.url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 80))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in count():
        due = start + number * asked.connections / asked.rate
        if over.wait(max(0.0, due - time.monotonic())):
            return
        sock.sendall(message)
        had = b""
        while not (status := http.answered(had)):
            had += sock.recv(65536)
        found.append((due, time.monotonic() - due, status))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
