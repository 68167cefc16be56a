"""What a container would run, run without an engine: the entry point of an exported folder, in an environment made from
the requirements of that folder and nothing else."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from waiting import PATIENCE, until

LINE = ["-m", "workbench.operations.foreground"]


def environment(image: Path, place: Path) -> Path:
    """The Python of an environment made as the Dockerfile says."""
    python = place / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python]
    (wheel,) = image.glob("*.whl")
    for more in (["--requirement", image / "requirements.txt"], ["--no-deps", wheel]):
        done = subprocess.run([*install, *more], capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
    return python


def dockerfile(image: Path) -> dict[str, Any]:
    """What the Dockerfile sets: its variables, its user, its entry point."""
    lines = [line.split(" ", 1) for line in (image / "Dockerfile").read_text().splitlines()]
    pairs = (word.partition("=") for kind, rest in lines if kind == "ENV" for word in shlex.split(rest))
    entry = next(json.loads(rest) for kind, rest in lines if kind == "ENTRYPOINT")
    user = next(rest for kind, rest in lines if kind == "USER")
    return {"env": {name: value for name, _, value in pairs}, "user": user, "entry": entry}


class Container:
    """The process of an exported folder; `port` is where it answers. The block's end is that of `docker stop`."""

    def __init__(self, image: Path, python: Path, home: Path, *words: str, **env: str) -> None:
        said = dockerfile(image)
        assert said["entry"] == ["python", *LINE]
        inside = {name: value.replace("/app", str(image)) for name, value in said["env"].items()}
        own = {**inside, "WORKBENCH_HOME": str(home), "PATH": os.environ["PATH"], **env}
        self.port = int(env.get("PORT", "0"))
        self.log = (home.parent / f"{home.name}.log").open("w+b")
        command = [str(python), "-P", *LINE, *words]
        self.process = subprocess.Popen(
            command, env=own, cwd=image, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # with a container all that is in it ends
        self.log.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text(errors="replace")

    def ready(self) -> Container:
        """Once it takes requests."""
        until(self._is_ready, "it is not ready")
        return self

    def ended(self) -> int:
        """The status it ended with."""
        return self.process.wait(PATIENCE)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.said
        try:
            return httpx.get(f"{self.url}/v2/health/ready").status_code == 200
        except httpx.TransportError:
            return False
