"""A cluster of Spark on this machine: a master and workers of their own, and a server of Spark Connect on them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from engine_parts import patiently
from ports import free_port

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_THERE = "Successfully registered with master"
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"


class Standalone:
    """A master with two workers of one processor each; all listen at the loopback alone."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        self.home, self.folder = Path(pyspark.__file__).parent, folder
        self.master, self.remote = f"spark://127.0.0.1:{free_port()}", f"sc://127.0.0.1:{free_port()}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self) -> None:
        _, _, port = self.master.rpartition(":")
        self._start("master", "spark-class", _MASTER, "--port", port)
        self._until("master", "I have been elected leader")
        for name in ("one", "two"):
            self._work(name)
        for name in ("one", "two"):
            self._until(name, _THERE)

    def work(self, name: str) -> None:
        """Another worker, once the master knows it."""
        self._work(name)
        self._until(name, _THERE)

    def _work(self, name: str) -> None:
        self._start(name, "spark-class", _WORKER, self.master, "--cores", "1", "--memory", "1g", "--work-dir", name)

    def connect(self) -> str:
        """The address of a server of Spark Connect whose tasks run on the workers."""
        if "connect" not in self.processes:
            said = {
                "spark.connect.grpc.binding.address": "127.0.0.1",
                "spark.connect.grpc.binding.port": self.remote.rpartition(":")[2],
                "spark.driver.host": "127.0.0.1",
                "spark.ui.enabled": "false",
                "spark.cores.max": "1",
            }
            conf = [word for key, value in said.items() for word in ("--conf", f"{key}={value}")]
            self._start(
                "connect", "spark-submit", "--master", self.master, "--class", _CONNECT, *conf, "spark-internal"
            )
            self._until("connect", "Spark Connect server started")
        return self.remote

    def kill(self, name: str) -> None:
        """A worker with all that it runs, as when its machine is lost."""
        process = psutil.Process(self.processes.pop(name).pid)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def end(self) -> None:
        for name in list(self.processes)[::-1]:
            self.kill(name)

    def _start(self, name: str, program: str, *words: str) -> None:
        alone = [] if program == "spark-submit" else ["--host", "127.0.0.1", "--webui-port", "0"]
        env = {
            **os.environ,
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_JAVA_OPTS": _QUICK,
            "PYSPARK_PYTHON": sys.executable,
        }
        with self._log(name).open("wb") as log:
            command = [str(self.home / "bin" / program), *words, *alone]
            self.processes[name] = subprocess.Popen(command, cwd=self.folder, env=env, stdout=log, stderr=log)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _until(self, name: str, words: str) -> Any:
        def there() -> bool:
            said = self._log(name).read_text(errors="replace")
            if self.processes[name].poll() is not None:
                raise RuntimeError(said)
            return words in said

        return patiently(there, f"{name} does not begin")
