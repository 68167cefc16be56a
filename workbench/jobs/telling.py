"""That something has failed, is done or late -> whoever wanted to know it: told once, while the supervisor looks after
the others."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .. import journal, notify, text
from ..errors import JobFailed, WorkbenchError
from . import launch
from .record import Job
from .store import Store
from .wishes import Wish

_PAUSES = (2.0, 20.0, 120.0)
_CALL_SECONDS = 60.0
_CALL = """
import importlib, json, sys
module, _, name = sys.argv[1].partition(":")
getattr(importlib.import_module(module), name)(json.load(sys.stdin))
"""
Send = Callable[..., None]


class Telling:
    """Tells of each of them once, whichever supervisor saw it: that it was told is kept as an event."""

    def __init__(self, store: Store, send: Send = notify.tell) -> None:
        self.store, self.send = store, send
        self._begun: set[tuple[str, float, str]] = set()

    def of(self, job: Job, now: float | None = None) -> None:
        """Tell of a job what somebody wants to know of it now, unless that was done or has begun; returns at once."""
        if not job.notify:
            return
        wish = Wish.parse(job.notify)
        what = _now(job, wish, time.time() if now is None else now)
        moment = job.created if what == "late" else job.since
        if what not in wish.on or (job.name, moment, what) in self._begun:
            return
        self._begun.add((job.name, moment, what))
        key = {"failure" if what == "failed" else what: moment}
        if not any(key.items() <= event.details.items() for event in self.store.events(job.name, moment)):
            threading.Thread(target=self._tell, args=(job, wish, what, key), daemon=True).start()

    def _tell(self, job: Job, wish: Wish, what: str, key: dict[str, float]) -> None:
        shown = urlsplit(wish.to).hostname or wish.to  # the path of a hook is often its secret
        error = self._sent(job, wish, what)
        try:
            said = f"{shown} could not be told: {error}" if error else f"{shown} was told"
            self.store.event(job.name, said, **key)
        except WorkbenchError as refusal:
            journal.note(refusal)

    def _sent(self, job: Job, wish: Wish, what: str) -> Exception | None:
        """What went wrong, every time."""
        error: Exception | None = None
        for pause in (0.0, *_PAUSES):
            time.sleep(pause)
            try:
                self._send(job, wish, what)
            except Exception as raised:  # noqa: BLE001 whoever cannot be told must not end the supervisor
                error = raised
                journal.note(f"{job.name}: {type(raised).__name__} while telling: {raised}")
            else:
                return None
        return error

    def _send(self, job: Job, wish: Wish, what: str) -> None:
        own = launch.variables(job.environment["env_file"])
        subject, said = f"{job.name} {'is late' if what == 'late' else what}", _said(job, wish, what)
        if notify.is_function(wish.to):
            _call(wish.to, job, {"name": job.name, "state": what, "text": said}, own)
            return
        files = [Path(file) for file in job.facts.get("report", ())] if what == "done" else []
        self.send(wish.to, subject, said, os.environ | own, *([files] if files else []))


def _now(job: Job, wish: Wish, now: float) -> str:
    """What there is to tell of it: `failed`, `done`, `late` or nothing."""
    if job.state in ("failed", "done"):
        return job.state
    late = wish.late and not job.over and now - (job.due or job.created) > wish.late
    return "late" if late else ""


def _said(job: Job, wish: Wish, what: str) -> str:
    if what == "failed":
        return job.reason.replace("%workbench", "workbench")
    if what == "late":
        return f"not over {text.seconds(wish.late)} after it was due; it is {job.state} → workbench status {job.name}"
    told = [job.facts.get("got"), f"→ {job.facts['output']}" if job.facts.get("output") else ""]
    return "\n".join(filter(None, told)) or f"→ workbench status {job.name}"


def _call(where: str, job: Job, said: dict[str, object], own: dict[str, str]) -> None:
    """Call a function with what is told, and the facts, under the interpreter, variables and folder of the job."""
    environment = job.environment
    ended = subprocess.run(
        [environment["python"], "-c", _CALL, where],
        input=json.dumps({**said, "facts": job.facts}),
        env=environment["variables"] | own,
        cwd=environment["folder"],
        text=True,
        timeout=_CALL_SECONDS,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        last = ended.stderr.strip().rpartition("\n")[2]
        raise JobFailed(f"{where} raised {last}", fix="correct the function; it gets a dict")
