"""Real brokers for the tests: each a process of its own on a free port, which can be killed and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from waiting import until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A program that listens on one port."""

    kind = ""
    program = ""

    def __init__(self) -> None:
        if not shutil.which(self.program, path="/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin"):
            pytest.skip(f"{self.program} is not installed: apt-get install {self.program}")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.kind}-"))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def place(self, topic: str, **options: str) -> str:
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdout=log, stderr=log)
        until(lambda: answers(self.port) and self.ready(), f"{self.program}: {self.folder}/log")

    def ready(self) -> bool:
        return True

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def query(options: dict[str, str]) -> str:
    return "".join(f"&{name}={value}" for name, value in options.items())


class Redis(Server):
    """Keeps what it was told on the disk before it answers."""

    kind = "redis"
    program = "redis-server"

    def command(self) -> list[str]:
        keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        return [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *keep]

    def place(self, topic: str, **options: str) -> str:
        return f"redis://127.0.0.1:{self.port}/0?stream={topic}{query(options)}"


SERVERS: dict[str, type[Server]] = {"redis": Redis}
