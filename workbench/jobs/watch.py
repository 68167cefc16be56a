"""One schedule that waits for something: a thread that looks for it, and tells when it cannot."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from .. import journal
from ..errors import JobFailed, WorkbenchError
from ..spawn.owner import command
from . import launch
from .planning import Schedule
from .store import Store

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Watch:
    """A thread of its own, so that a store or a broker that hangs holds up nobody else."""

    def __init__(self, store: Store, schedule: Schedule) -> None:
        self.store, self.schedule = store, schedule
        self.over = threading.Event()
        self._said = ""
        self._process: subprocess.Popen[bytes] | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def same(self, schedule: Schedule) -> bool:
        """Whether it looks for what the schedule waits for now, and as it should."""
        return (self.schedule.starts, self.schedule.environment) == (schedule.starts, schedule.environment)

    def look(self) -> None:
        """Look until it is over; what is raised is told, and it is begun again, later each time."""
        raise NotImplementedError

    def heard(self, said: dict[str, Any]) -> None:
        """What the process said that `listen` has started."""
        raise NotImplementedError

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 whatever a file system or broker raises, it is looked at again
                self.tell(str(error).strip().split("\n")[0] if isinstance(error, WorkbenchError) else repr(error))
            went_well = time.monotonic() - begun > _LONGEST_PAUSE
            pause = _FIRST_PAUSE if went_well else pause
            self.over.wait(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def listen(self, module: str, call: str, what: str) -> None:
        """Hear what a process with the variables and packages of the schedule says, in lines of JSON; it ends with this
        one. JobFailed."""
        environment = self.schedule.environment
        self._process = subprocess.Popen(
            command(module, call, environment["python"], __package__),
            env=environment["variables"] | launch.variables(environment["env_file"]),
            cwd=Path(environment["folder"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with self._process as process:
            assert process.stdout
            try:
                for line in process.stdout:
                    if self.over.is_set():
                        return
                    said = json.loads(line)
                    if "error" in said:
                        raise JobFailed(said["error"], fix="see to the place, and to the variables of --env-file")
                    self.heard(said)
                fix = "see supervisor.log for what it wrote last"
                if not self.over.is_set():
                    raise JobFailed(f"{what} ended with {process.wait()}", fix=fix)
            finally:
                process.kill()

    def answer(self, **said: Any) -> None:
        """Tell something to the process that is listened to."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(json.dumps(said).encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Look no more; a process that has nothing to say is ended as well."""
        self.over.set()
        if self._process is not None:
            self._process.kill()

    def tell(self, trouble: str) -> None:
        """That it cannot look, or can again, once each time."""
        if trouble != self._said:
            self._said = trouble
            try:
                self.store.event(self.schedule.name, trouble or "looks again", trouble=trouble)
            except WorkbenchError as error:
                journal.note(error)
