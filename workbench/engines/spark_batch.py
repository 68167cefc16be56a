"""The processes of a crew on Spark: each chunk is a job of one task by `mapInArrow`, which Spark gives to a processor
that is free, and to another one where a machine is lost."""

from __future__ import annotations

import os
import pickle
import secrets
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..data.shared import Room
from ..errors import JobFailed
from ..patterns.batch.crew import AT_ONCE, Bundle, Crew, Gone, Hand
from . import spark_task
from .spark_session import Session, crashed, said
from .spark_task import GIVEN, MARK, REPLY, Lent

if TYPE_CHECKING:
    import pyarrow as pa

    from ..patterns.batch.hand import Given, Reply

_MOST = 256


def crew(bundle: Bundle, count: int | None, *, timeout: float | None, retries: int) -> Crew:
    """So many tasks at once on the cluster, or as many as it has processors. JobFailed where there is none."""
    session = Session(f"workbench {bundle.model}", tasks=count)
    return Crew(Tasks(bundle, session), count or session.cores, timeout=timeout, retries=retries)


@dataclass
class _Lane:
    """Jobs that were begun and not answered, each with what it was given and the tag that ends it; `apart` as in
    `spark_task.works`."""

    apart: bool
    begun: deque[tuple[Future[Reply], Given | None, str]] = field(default_factory=deque)


class Tasks:
    """On this machine rows lie in memory that the tasks read, and they write the parts themselves; elsewhere both
    travel as bytes."""

    def __init__(self, bundle: Bundle, session: Session) -> None:
        self._session, self._near = session, session.near
        self._rooms: dict[bytes, Room] = {}
        self._pool = ThreadPoolExecutor(_MOST * AT_ONCE)
        told = spark_task.tell(session, bundle.model, bundle.folder, bundle.home)
        self._works = {apart: spark_task.works(told, apart=apart) for apart in (False, True)}

    def start(self, hand: Hand, *, apart: bool) -> None:
        if hand.process is not None:
            self.kill(hand)
        hand.process = _Lane(apart)
        self._begin(hand.process, None)

    def put(self, hand: Hand, table: pa.Table) -> Lent | bytes:
        if not self._near:
            return _stream(table)
        mark, room = secrets.token_bytes(8), Room()
        self._rooms[mark] = room
        size = room.put(table.replace_schema_metadata({**(table.schema.metadata or {}), MARK: mark}))
        return Lent(f"/proc/{os.getpid()}/fd/{room.fd}", size, mark)

    def send(self, hand: Hand, given: Given) -> None:
        self._begin(hand.process, given)

    def _begin(self, lane: _Lane, given: Given | None) -> None:
        tag = f"workbench-{secrets.token_hex(8)}"
        lane.begun.append((self._pool.submit(self._job, given, lane.apart, tag), given, tag))

    def _job(self, given: Given | None, apart: bool, tag: str) -> Reply:
        import pyarrow as pa

        spark = self._session.spark
        rows = pa.table({GIVEN: pa.array([pickle.dumps(given)], pa.binary())})
        spark.addTag(tag)
        try:
            found = spark.createDataFrame(rows).mapInArrow(self._works[apart], f"{REPLY} binary").toArrow()
        finally:
            spark.removeTag(tag)
        reply: Reply = pickle.loads(found.column(REPLY)[0].as_buffer())  # noqa: S301 by our own task
        return reply

    def ready(self, hands: list[Hand], patience: float) -> list[Hand]:
        first = {hand.process.begun[0][0]: hand for hand in hands if hand.process.begun}
        done, _ = wait(first, patience, FIRST_COMPLETED)
        return [first[future] for future in done]

    def receive(self, hand: Hand) -> Reply:
        future, given, _ = hand.process.begun.popleft()
        try:
            reply: Reply = future.result()
        except Exception as error:  # noqa: BLE001 whatever Spark raises
            if crashed(error):
                raise Gone("ended, however often Spark tried") from error
            raise JobFailed(f"{self._session}: {said(error)}", fix=_fix(error)) from error
        if given is not None and isinstance(given.room, Lent):
            self._rooms.pop(given.room.mark).close()
        return reply

    def kill(self, hand: Hand) -> None:
        for _, _, tag in hand.process.begun:
            self._session.spark.interruptTag(tag)

    def facts(self, hands: list[Hand]) -> dict[str, Any]:
        return {"workers": [], "engine": str(self._session)}

    def close(self, hands: list[Hand]) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.end()
        for room in self._rooms.values():
            room.close()


def _stream(table: pa.Table) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _fix(error: Exception) -> str:
    missing = "ModuleNotFoundError" in str(error)
    return "install on its machines what the version's requirements.txt names" if missing else "see the log of the run"
