"""This installation -> what is wrong with it, with one fix a line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

from . import paths, text
from .errors import WorkbenchError
from .operations.running import again

_FREE_BYTES = 500_000_000
_PATIENCE = 5.0
_MAIL = ("WORKBENCH_SMTP_URL", "WORKBENCH_MAIL_FROM")
_BASE = ("numpy", "pandas", "pyarrow", "IPython", "ipywidgets", "papermill", "fastapi", "sqlalchemy")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `fix` stands where it is not right."""

    what: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        return not self.fix


class Findings(list[Finding]):
    """All that was looked at; what is wrong comes first."""

    def __str__(self) -> str:
        lines = [f"{'✓' if f.ok else '✗'} {f.what}" + (f" → {f.fix}" if f.fix else "") for f in self]
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> list[dict[str, Any]]:
        return [{"ok": f.ok, "what": f.what, "fix": f.fix} for f in self]


def examine(home: Path, registry: Path) -> Findings:
    """Look at Python, the packages, the folders, the disk, what runs, the pre-warmed start, the mail settings and, on a
    hub, at what shows its browsers what runs here."""
    places = (*_folders(home, registry), _disk(home), *_background(home))
    looks = (_python(), *_packages(), *places, _start(), _mail(), _server(), *_hub())
    return Findings(sorted(looks, key=lambda finding: finding.ok))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        f"Python {version} at {sys.executable}", "" if sys.version_info >= (3, 11) else "use Python 3.11 or newer"
    )


def _packages() -> Iterator[Finding]:
    missing = [name for name in _BASE if util.find_spec(name) is None]
    for name in missing:
        yield Finding(f"the package {name} is not installed", f"pip install {name}")
    if not missing:
        yield Finding(f"deployment-workbench {_version()}, its packages are there")


def _version() -> str:
    try:
        return metadata.version("deployment-workbench")
    except metadata.PackageNotFoundError:
        return "(not installed, run from its folder)"


def _folders(home: Path, registry: Path) -> Iterator[Finding]:
    for what, folder, setting in (("state", home, "WORKBENCH_HOME"), ("models", registry, "WORKBENCH_REGISTRY")):
        place = next(p for p in (folder, *folder.parents) if p.exists())
        fix = "" if place.is_dir() and os.access(place, os.W_OK) else f"set {setting} to a folder that you can write"
        yield Finding(f"{what} in {folder}" + (", which cannot be written" if fix else ""), fix)


def _disk(home: Path) -> Finding:
    place = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        f"{text.size(free)} free on the disk of {home}", "" if free > _FREE_BYTES else "free some space there"
    )


def _background(home: Path) -> Iterator[Finding]:
    """The supervisor, and what has failed."""
    from .jobs import boot, supervisor
    from .jobs.store import Store

    state = paths.state(home)
    if not (state / "state.db").exists():
        return
    store = Store(state)
    try:
        jobs, wanted = store.jobs(), supervisor.wanted(store)
    except WorkbenchError as error:
        yield Finding(error.what, error.fix or "see the message")
        return
    if store.database.newer:
        what = f"{store.database.file} was written by a newer Workbench: here it can only be read"
        yield Finding(what, "python -m pip install --upgrade deployment-workbench")
    elif wanted and not supervisor.runs(home):
        what = f"{text.count(len(wanted), 'thing')} should run and no supervisor sees to it"
        yield Finding(what, again(wanted[0]).removeprefix("%"))
    if any(not schedule.paused for schedule in store.schedules()) and not boot.begins(home):
        command = boot.command(home)
        nothing = "and nothing here, neither cron nor systemd, could begin them"
        what = f"schedules live as long as this machine stays up{'' if command else f', {nothing}'}"
        yield Finding(what, command or "look at them after each start of the machine: workbench status")
    for job in jobs:
        if job.state == "failed":
            yield Finding(f"{job.name} failed: {job.reason.splitlines()[0]}", f"workbench logs {job.name}")


def _start() -> Finding:
    how = "pre-warmed processes" if hasattr(os, "fork") and sys.platform == "linux" else "fresh processes"
    return Finding(f"proofs run in {how}")


def _mail() -> Finding:
    missing = [name for name in _MAIL if not os.environ.get(name)]
    if not missing:
        return Finding("mail is set up")
    if len(missing) == len(_MAIL):
        return Finding(f"mail is not set up (--email needs {' and '.join(_MAIL)})")
    return Finding(f"mail is not set up: {missing[0]} is not set", f"set {missing[0]}")


def _server() -> Finding:
    found = util.find_spec("jupyter_server") is not None
    return Finding(
        "Jupyter server found" if found else "no Jupyter server here", "" if found else "pip install jupyterlab"
    )


def _hub() -> Iterator[Finding]:
    """On a hub the browser is on another machine: what runs here is reached through the Jupyter server."""
    if "JUPYTERHUB_SERVICE_PREFIX" not in os.environ:
        return
    if _proxied():
        yield Finding("on a hub, whose Jupyter server shows what runs here")
        return
    what = "this is a hub, and its Jupyter server does not show what runs here: links of cards would not open"
    yield Finding(what, "pip install jupyter-server-proxy where JupyterLab is, then stop and start the hub's server")


def _proxied() -> bool:
    """Whether the Jupyter server, which may have another environment than this, passes requests on."""
    from urllib.parse import urlsplit

    import httpx

    said = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
    anywhere = said.hostname in (None, "", "0.0.0.0", "::")
    place = f"{'127.0.0.1' if anywhere else said.hostname}:{said.port}{said.path.rstrip('/')}"
    try:  # who is not known there is not let in, but is told where there is nothing
        answer = httpx.get(f"{said.scheme}://{place}/proxy/1/", trust_env=False, timeout=_PATIENCE)
        return answer.status_code != httpx.codes.NOT_FOUND
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return util.find_spec("jupyter_server_proxy") is not None
