"""A version -> a predictor whose model has a process of its own: what ends that process is an error of the rows."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BundleRefused, ModelFailed, WorkbenchError
from ..inference.predictor import Predictor
from ..inference.schema import Schema
from ..spawn.branch import branch
from ..spawn.child import end_with_owner
from ..spawn.client import can_fork
from ..spawn.warm import threads
from .load import load

if TYPE_CHECKING:
    from ..inference.fields import Table
    from .version import ModelVersion

_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)


class Apart(Predictor):
    """A predictor that outlives its model: rows that end the model's process are refused as ModelFailed, the next ones
    are asked of a new process. It copies the rows, so it is for a model that has ended a process before.

    BundleRefused where it cannot be loaded."""

    def __init__(self, version: ModelVersion, home: Path) -> None:
        manifest = version.manifest
        super().__init__(self.predict, Schema.from_json(manifest.schema), name=version.ref, row_wise=manifest.row_wise)
        self._bundle = {"folder": str(version.folder), "name": version.ref, "home": str(home)}
        self._pid = 0
        self._pipe: Connection[Any, Any] | None = None
        self._begin()

    def predict(self, data: Any, *, owned: bool = False) -> Table:
        """As of any predictor; ModelFailed where the model's process ends at these rows. One that was killed, which
        others may have done, is asked once more."""
        table = self.schema.table(data)
        ended = self._ask(table)
        if isinstance(ended, int) and -ended in _FROM_OUTSIDE:
            ended = self._ask(table)
        if isinstance(ended, int):
            what = f"{self.name} ended its process: {_words(ended)}"
            raise ModelFailed(what, fix="leave such rows out, or correct the model")
        if isinstance(ended, WorkbenchError):
            raise ended
        return ended

    def _ask(self, table: Table) -> Table | WorkbenchError | int:
        """The answer, or what was wrong with the rows, or the exit code of the process that ended at them."""
        pipe = self._pipe or self._begin()
        try:
            pipe.send(table)
            said: Table | WorkbenchError | int = pipe.recv()
        except (EOFError, OSError):
            return self.close()
        return said

    def _begin(self) -> Connection[Any, Any]:
        """A process that has loaded the model. BundleRefused where it cannot."""
        self._pipe, theirs = Pipe()
        with theirs:
            args = {**self._bundle, "pipe": theirs.fileno(), "owner": os.getpid()}
            self._pid = branch(f"{__name__}:host", args, fds=[theirs.fileno()])
        try:
            refused = self._pipe.recv()
        except (EOFError, OSError):
            what = f"{self.name} cannot be loaded: its process ended, {_words(self.close())}"
            raise BundleRefused(what, fix=f"%workbench verify {self.name}") from None
        if refused is not None:
            self.close()
            raise refused
        return self._pipe

    def close(self) -> int:
        """Let the model's process end; its exit code, below 0 for a signal."""
        if self._pipe is None:
            return 0
        self._pipe.close()
        self._pipe = None
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def host(args: dict[str, Any]) -> None:
    """The life of the process that loads the model: forks of it answer, one after the other, and it says how each
    ended. Where it cannot be forked it answers itself."""
    end_with_owner(args["owner"])
    pipe = Connection(args["pipe"])
    try:
        predictor = load(Path(args["folder"]), name=args["name"], home=Path(args["home"]))
    except WorkbenchError as error:
        pipe.send(error)
        return
    pipe.send(None)
    owner = os.getpid()
    while can_fork() and threads() == 1:
        if not (pid := os.fork()):
            end_with_owner(owner)
            break
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if -ended in _FROM_OUTSIDE:
            signal.raise_signal(-ended)  # something may be half sent: it all begins anew
        if not ended:
            return
        pipe.send(ended)
    _answer(pipe, predictor)


def _answer(pipe: Connection[Any, Any], predictor: Predictor) -> None:
    """Until whoever asks has let go."""
    while True:
        try:
            table = pipe.recv()
        except EOFError:
            return
        try:
            said: Table | WorkbenchError = predictor.predict(table)
        except WorkbenchError as error:
            said = error
        pipe.send(said)


def _words(code: int) -> str:
    return f"{signal.strsignal(-code)} (signal {-code})" if code < 0 else f"exit code {code}"
