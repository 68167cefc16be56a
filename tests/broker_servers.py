"""Real brokers for the tests: each a process of its own on a free port, which can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from ports import free_port
from waiting import until


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A program that listens on one port."""

    kind = ""
    program = ""
    restarts = True
    """Whether it keeps what it was told when it is killed."""
    groups = True
    """Whether several groups each have all."""

    def __init__(self) -> None:
        if not shutil.which(self.program, path="/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin"):
            pytest.skip(f"{self.program} is not installed: apt-get install {self.program}")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.kind}-"))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def place(self, topic: str, **options: str) -> str:
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: answers(self.port) and self.ready(), f"{self.program}: {self.folder}/log")

    def ready(self) -> bool:
        return True

    def stop(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            until(lambda: not answers(self.port))  # what its script started may end a second after the script
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

    def ready(self) -> bool:
        """Not while it refuses commands because it still reads what it kept, nor while it only listens."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False

    def place(self, topic: str, **options: str) -> str:
        return f"redis://127.0.0.1:{self.port}/0?stream={topic}{query(options)}"


class Nats(Server):
    """With its streams on the disk."""

    kind = "nats"
    program = "nats-server"

    def command(self) -> list[str]:
        return [self.program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]

    def place(self, topic: str, **options: str) -> str:
        return f"nats://127.0.0.1:{self.port}/{topic}" + (f"?{query(options).lstrip('&')}" if options else "")


class RabbitMQ(Server):
    """A node of its own, with a port mapper of its own."""

    kind = "amqp"
    program = "rabbitmq-server"
    groups = False

    def __init__(self) -> None:
        super().__init__()
        self.mapper, self.between = free_port(), free_port()

    def command(self) -> list[str]:
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # it may be ended though it has not seen yet that the node was
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.between),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log-files"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    def ready(self) -> bool:
        """It listens before it answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.sendall(b"AMQP\0\0\x09\1")
                return bool(probe.recv(1))
        except OSError:
            return False

    def end(self) -> None:
        super().end()
        subprocess.run(["epmd", "-port", str(self.mapper), "-kill"], check=False, capture_output=True)

    def place(self, topic: str, **options: str) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/?queue={topic}{query(options)}"


MOCK = """
import sys
from confluent_kafka import Producer
cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
brokers = cluster.list_topics(timeout=100).brokers
print(",".join(f"{one.host}:{one.port}" for one in brokers.values()), flush=True)
sys.stdin.read()
"""


class Kafka(Server):
    """librdkafka's mock cluster in a process of its own; where WORKBENCH_KAFKA names one, that cluster. What the mock
    was told ends with it."""

    kind = "kafka"
    restarts = False

    def __init__(self) -> None:
        self.address, self.process = os.environ.get("WORKBENCH_KAFKA", ""), None

    def start(self) -> None:
        if self.address:
            return
        command = [sys.executable, "-c", MOCK]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout
        self.address = self.process.stdout.readline().decode().strip()

    def place(self, topic: str, **options: str) -> str:
        quick = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "200"}
        return f"kafka://{self.address}/{topic}?{query(quick | options).lstrip('&')}"

    def end(self) -> None:
        if self.process:
            self.process.communicate(b"")


SERVERS: dict[str, type[Server]] = {"redis": Redis, "nats": Nats, "kafka": Kafka, "amqp": RabbitMQ}
RESTARTED = [kind for kind, server in SERVERS.items() if server.restarts]
