"""A stream by Spark's Structured Streaming: files that arrive, or a topic of Kafka -> answered by its tasks, written by
the sinks of any stream.

Spark keeps what it has read in the job's folder, and a sink up to where it has the answers: a batch that was cut off
comes again with the same records, and what the sink has of it is not written again.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..brokers.protocol import of_lane
from ..errors import JobFailed, StorageError, WorkbenchError
from ..inference.schema import Schema
from ..patterns.control import LOOK
from ..patterns.streaming.batches import Batch, Dead, Unfit
from ..patterns.streaming.letters import Letters
from ..patterns.streaming.seen import Seen
from ..patterns.streaming.sinks import open_all
from . import spark_task
from .spark_answers import ANSWERED, answering, batches, uncollected
from .spark_session import MASTER, REMOTE, Session, crashed, said
from .spark_sources import read

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..patterns.control import Control

_RECORDS = 10_000
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
Model = Callable[[], "ModelVersion"]


def run(spec: dict[str, Any], model: Model, context: Any) -> None:
    """The life of a stream on Spark, until it is stopped; `context` is its job's. JobFailed for what ends it."""
    if os.environ.get(REMOTE):
        what = f"over Spark Connect ({REMOTE}) a stream could write nothing here"
        raise JobFailed(what, fix=f"unset {REMOTE}, and name the cluster by {MASTER}, or neither")
    Streaming(spec, model, context, context.folder, context.home).run()


class Streaming:
    """One stream. `model` gives the version that is to answer now, and sees to orders each time."""

    def __init__(self, spec: dict[str, Any], model: Model, control: Control, folder: Path, home: Path) -> None:
        self.spec, self.model, self.control, self.home = spec, model, control, home
        self.checkpoint, self.source = folder / "checkpoint", _identity(folder, spec["group"])
        self.answers = folder / "answers"
        self.seen, self.writing, self.ended = Seen(), threading.Lock(), True
        self.refused: Exception | None = None
        self.ended_by: ModelVersion | None = None

    def run(self) -> None:
        """Until it is told to stop; a new version takes over between two batches."""
        self.session = Session(f"workbench {self.spec['group']}", records=_RECORDS)
        self.control.facts(engine=str(self.session))
        self.dead = Letters(f"queue:{self.spec['group']}.dead", self.source)
        self.schema = Schema.from_json(self.model().manifest.schema)
        self._open()
        delay = 0.0
        try:
            while not self.control.stopping():
                delay = self._one(self.model(), delay)
        finally:
            self.sink.close()
            self.dead.close()
            self.session.end()

    def _open(self) -> None:
        self.sink = open_all(self.spec["output"], self.source, self.schema)

    def _one(self, version: ModelVersion, delay: float) -> float:
        """Stream with a version until there is another; the delay before the next attempt."""
        if self.control.paused():
            time.sleep(LOOK)
            return delay
        self.ended, self.refused = False, None
        query = self._begun(version)
        try:
            self.control.state("ready")
            while self._goes_on(version) and not query.awaitTermination(LOOK):
                self._tell()
            return 0.0
        except Exception as error:  # noqa: BLE001 whatever ended the query
            if self._asks_apart(version, self.refused or error):
                return 0.0
            return self._wait(self._reason(error), min(_LONGEST_DELAY, delay * 2 or _FIRST_DELAY))
        finally:
            self._end(query)

    def _begun(self, version: ModelVersion) -> Any:
        told = spark_task.tell(self.session, version.ref, version.folder, self.home)
        work = answering(told, self.spec.get("form", "json"), self._place(), apart=version == self.ended_by)
        found = read(self.session, self.spec).mapInArrow(work, f"{ANSWERED} binary")
        writing = found.writeStream.foreachBatch(self._batch).option("checkpointLocation", str(self.checkpoint))
        return writing.start()

    def _asks_apart(self, version: ModelVersion, error: Exception) -> bool:
        """Whether this version, at which a process ended, has one of its own from now on: a record may have done it."""
        if version == self.ended_by or not crashed(error):
            return False
        self.ended_by = version
        return True

    def _place(self) -> Path | None:
        """An empty folder for answers that are not written yet; None where tasks do not see it."""
        shutil.rmtree(self.answers, ignore_errors=True)
        self.answers.mkdir(exist_ok=True)
        return self.answers if self.session.near else None

    def _goes_on(self, version: ModelVersion) -> bool:
        return not self.control.stopping() and not self.control.paused() and self.model() == version

    def _end(self, query: Any) -> None:
        with self.writing:
            self.ended = True
        with suppress(Exception):
            query.stop()

    def _batch(self, found: Any, epoch: int) -> None:
        """What Spark calls for each of its batches; it counts as read once this returns."""
        try:
            answers = found.toArrow()
            with uncollected():
                for batch in batches(answers, epoch):
                    self._write_on(batch)
        except Exception as error:
            self.refused = error
            raise

    def _write_on(self, batch: Batch) -> None:
        with self.writing:
            if self.ended:
                raise JobFailed("the stream has ended", fix="it goes on with this batch")
            self._write(batch)

    def _write(self, batch: Batch) -> None:
        if (self.sink.position(batch.lane) or 0) >= batch.last:
            return
        if batch.dead:
            self._bury(batch.dead, batch)
        try:
            done = self.sink.write(batch)
        except Unfit as error:
            self._bury(error.dead, batch)
            done = error.took or self.sink.write(batch.without(error.dead))
        if done.get(batch.lane, 0) < batch.last:  # it holds some back, and Spark reads on after this
            done = self.sink.close()
            self._open()
        self.seen.took(batch, done)
        self.seen.tick(len(batch.records))

    def _bury(self, dead: list[Dead], batch: Batch) -> None:
        if self.dead.log.position(of_lane(self.source, batch.lane)) < batch.last:  # else it came before
            self.dead.add(dead, batch, batch.first - 1)

    def _tell(self) -> None:
        with self.writing:  # by another thread
            self.seen.dead = self.dead.count
            dead = {"dead_letters": self.dead.place, "died_of": self.dead.newest()} if self.seen.dead else {}
        self.control.facts(**self.seen.facts(), **dead)

    def _reason(self, error: Exception) -> str:
        if isinstance(self.refused, StorageError):
            return f"{self.refused.what} · nothing lost"
        if isinstance(self.refused, WorkbenchError):
            raise self.refused
        what = f"{self.session}: {said(self.refused or error)}"
        raise JobFailed(what, fix="see the log of the stream") from error

    def _wait(self, reason: str, delay: float) -> float:
        self.control.facts(next_try=time.time() + delay)
        self.control.state("blocked", reason)
        end = time.monotonic() + delay
        while time.monotonic() < end and not self.control.stopping():
            self.model()
            time.sleep(LOOK)
        return delay


def _identity(folder: Path, group: str) -> str:
    """What tells the records of this checkpoint from all others."""
    file = folder / "checkpoint.name"
    if not file.exists():
        file.write_text(f"spark/{group}/{secrets.token_hex(8)}", encoding="utf-8")
    return file.read_text(encoding="utf-8")
