"""A home -> the one command that has its supervisor begin when this machine does, and whether somebody has given it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from .. import paths

_SECONDS = 5.0


def start(home: Path) -> str:
    """What begins the supervisor, where something should run, from a shell that knows nothing."""
    settings = {
        "WORKBENCH_HOME": home,
        "WORKBENCH_STATE": paths.state(home),
        "WORKBENCH_REGISTRY": paths.mlflow() or paths.registry(home),
    }
    said = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in settings.items())
    return f"env {said} {shlex.quote(sys.executable)} -m workbench status"


def command(home: Path) -> str:
    """The command; empty where this machine knows neither cron nor systemd."""
    if shutil.which("crontab"):
        line = f"@reboot {start(home)}".replace("%", r"\%")  # which is a new line to cron
        return f"(crontab -l 2>/dev/null; echo {shlex.quote(line)}) | crontab -"
    if shutil.which("systemctl") and os.path.isdir("/run/systemd/system"):
        file, lines = shlex.quote(str(_unit(home))), " ".join(shlex.quote(line) for line in unit(home))
        folder = shlex.quote(str(_unit(home).parent))
        enable = f"systemctl --user enable {_unit(home).name} && loginctl enable-linger"
        return f"mkdir -p {folder} && printf '%s\\n' {lines} > {file} && {enable}"
    return ""


def unit(home: Path) -> list[str]:
    """The unit of systemd; what it began goes on after it."""
    begin = start(home).replace("%", "%%").replace("env ", "/usr/bin/env ", 1)
    about = ["[Unit]", "Description=What Workbench runs and what is due", "[Service]", "Type=oneshot"]
    return [
        *about,
        "RemainAfterExit=yes",
        "KillMode=process",
        f"ExecStart={begin}",
        "[Install]",
        "WantedBy=default.target",
    ]


def begins(home: Path) -> bool:
    """Whether the command was given."""
    if _unit(home).exists():
        return True
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["crontab", "-l"], capture_output=True, text=True, timeout=_SECONDS, check=False).stdout
        return any(
            line.startswith("@reboot") and f"WORKBENCH_HOME={shlex.quote(str(home))} " in line
            for line in said.splitlines()
        )
    return False


def _unit(home: Path) -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    name = "-".join(filter(str.isalnum, "".join(c if c.isalnum() else " " for c in str(home)).split()))
    return Path(config) / "systemd" / "user" / f"workbench-{name}.service"
