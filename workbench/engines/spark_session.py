"""Where a cluster of Spark is -> a session on it, whose processes have the Python of this one where that is the same
machine, and what they need of Workbench where it is another."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import text
from ..errors import JobFailed
from ..exports import wheel

REMOTE, MASTER = "SPARK_REMOTE", "SPARK_MASTER"
_PYTHON = "PYSPARK_PYTHON"
_PORT = re.compile(r":\d+$")
_JAVA = "install Java 17 or newer, or say where it is: export JAVA_HOME=FOLDER"
_ENDED = "what Java said is in the log; it must be 17 or newer"
_MASTERS = re.compile(
    r"local(\[(\d+|\*)(\s*,\s*\d+)?\])?|local-cluster\[(\s*\d+\s*,){2}\s*\d+\s*\]|spark://.+|k8s://.+|yarn"
)
_PORTS = {"sc": 15002, "spark": 7077}
_MANY = 10_000
_SHOWN = 300
_CALLED, _BY = "An error occurred while calling", "Caused by: "
"""What comes before what Java says: which of its methods was called, and by what each failure came."""
_CRASHED = ("Python worker exited unexpectedly", "ExecutorLostFailure", "Python worker crashed")
_RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"
_OURS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.rpc.message.maxSize": "1024",  # MiB, for chunks that travel
}


class Session:
    """`near` says that its machines are this one, with the Python of this process; a task gets `records` at a time.
    Where no cluster is named it is this one, with so many `tasks` at once, or as many as it has processors."""

    def __init__(self, name: str, *, records: int = 1, tasks: int | None = None) -> None:
        self._arrow = {_RECORDS: str(records)}
        own = f"local[{tasks or '*'}]"
        self.address = os.environ.get(REMOTE) or os.environ.get(MASTER) or own
        self._shown = self.address.partition(";")[0].rstrip("/")  # what comes after it may hold a token
        here = is_near(self.address) and os.path.isdir("/proc/self/fd")  # where memory is seen by other processes
        self.near = here and os.environ.setdefault(_PYTHON, sys.executable) == sys.executable
        if self.near:
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        _check(self.address, self._shown)
        before = signal.getsignal(signal.SIGINT)
        try:
            _reach(self.address)
            self.spark = self._remote() if os.environ.get(REMOTE) else self._joined(name)
            self.cores = self._counted()
        except Exception as error:  # noqa: BLE001 whatever Spark raises
            raise self._refused(error) from error
        finally:
            signal.signal(signal.SIGINT, before)  # Spark takes it for itself

    def _remote(self) -> Any:
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.remote(self.address).create()
        python = {"spark.sql.execution.pyspark.python": os.environ[_PYTHON]} if _PYTHON in os.environ else {}
        for key, value in {**self._arrow, **python}.items():
            spark.conf.set(key, value)
        return spark

    def _joined(self, name: str) -> Any:
        from pyspark.sql import SparkSession

        near = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"} if self.near else {}
        building = SparkSession.builder.master(self.address).appName(name)
        for key, value in {**_OURS, **self._arrow, **near}.items():
            building = building.config(key, value)
        spark = building.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        return spark

    def _counted(self) -> int:
        """How many tasks it runs at once: into so many a cluster divides what nobody has divided."""
        from pyspark.sql.functions import spark_partition_id

        if self.address.startswith("local") and not os.environ.get(REMOTE):
            return int(self.spark.sparkContext.defaultParallelism)
        numbers = self.spark.range(_MANY).select(spark_partition_id()).toArrow().column(0)
        return len(numbers.unique())

    def carry(self, content: bytes, name: str) -> None:
        """Have a file wherever tasks run."""
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            (file := Path(folder, name)).write_bytes(content)
            self.spark.addArtifacts(str(file), file=True)

    def carry_workbench(self) -> None:
        """Have this Workbench wherever tasks run."""
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            made = Path(folder, wheel.write(Path(folder)))
            self.spark.addArtifacts(str(made.rename(made.with_suffix(".zip"))), pyfile=True)

    def __str__(self) -> str:
        return f"Spark {self.spark.version} at {self._shown}, {text.count(self.cores, 'task')} at once"

    def _refused(self, error: Exception) -> JobFailed:
        what = f"no session of Spark could be had at {self._shown}: {said(error)}"
        here = f"see that it is there, or unset {REMOTE} and {MASTER} for Spark on this machine"
        if "JAVA_GATEWAY" not in str(error):
            return JobFailed(what, fix=here)
        home = os.environ.get("JAVA_HOME")
        return JobFailed(what, fix=_ENDED if shutil.which(f"{home}/bin/java" if home else "java") else _JAVA)

    def end(self) -> None:
        """Let go of the cluster; what it still does for this is ended."""
        self.spark.stop()


def _check(address: str, shown: str) -> None:
    """JobFailed for what is no address of Spark, of which Spark itself says only that Java ended; and for Spark Connect
    without what it needs, where Spark ends the whole process."""
    if os.environ.get(REMOTE):
        if not address.startswith("sc://"):
            raise JobFailed(f"{REMOTE} is {shown}, which is no address of Spark Connect", fix="sc://HOST:15002")
        if find_spec("grpc_status") is None:
            what = f"{REMOTE} needs the client of Spark Connect, which is not installed here"
            raise JobFailed(what, fix="pip install 'deployment-workbench[spark]'")
    elif not _MASTERS.fullmatch(address):
        raise JobFailed(f"{MASTER} is {shown}, which is no master of Spark", fix="local[4], spark://HOST:7077 or yarn")


def _reach(address: str) -> None:
    """OSError where nobody listens, of which Spark itself would be sure after minutes."""
    scheme, places = urlsplit(address).scheme, urlsplit(address).netloc.split(",")
    refused: OSError | None = None
    for place in places if scheme in _PORTS else ():
        host = _PORT.sub("", place)
        try:
            socket.create_connection((host.strip("[]"), int(place[len(host) + 1 :] or _PORTS[scheme])), 10).close()
            return
        except OSError as error:
            refused = error
    if refused is not None:
        raise refused


def is_near(address: str) -> bool:
    """Whether whatever has this address is on this machine."""
    if address.startswith("local"):
        return True
    hosts = [_PORT.sub("", one).strip("[]") for one in urlsplit(address).netloc.split(",")]
    mine = {"localhost", "::1", socket.gethostname(), socket.getfqdn()}
    return all(host in mine or host.startswith("127.") for host in hosts)


def said(error: BaseException) -> str:
    """What Spark says, in one line: of what a process of Python raised, the last; of what Java did, what began it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    python = [i for i, line in enumerate(lines) if line.startswith("Traceback")]
    if not python:
        return _cause(lines)[:_SHOWN] or type(error).__name__
    own = [line for line in lines[python[-1] + 1 :] if not line.startswith(("File ", "at "))]
    words = next((line for line in own if _is_error(line)), own[-1] if own else type(error).__name__)
    return words[:_SHOWN]


def crashed(error: BaseException) -> bool:
    """Whether a process that Spark gave a task to ended at it."""
    return any(words in str(error) for words in _CRASHED)


def _cause(lines: list[str]) -> str:
    """The last of a chain of Java's that has words of its own."""
    lines = lines[1:] if lines[1:] and lines[0].startswith(_CALLED) else lines
    chain = [lines[0].removeprefix(": "), *(line for line in lines if line.startswith(_BY))] if lines else [""]
    told = [line.removeprefix(_BY) for line in chain if line.partition("Exception:")[2].strip()]
    return told[-1] if told else chain[0]


def _is_error(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and name.replace(".", "").isidentifier()
