"""What runs in a process of Python that Spark started: a chunk as bytes -> what came of it, as bytes."""

from __future__ import annotations

import os
import pickle
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundle.apart import Apart
from ..bundle.layout import read_manifest
from ..bundle.version import ModelVersion
from ..data.answers import Answers
from ..errors import WorkbenchError
from ..inference.schema import Schema
from ..patterns.batch.hand import LOADED, Given, Reply, replied
from . import carried

if TYPE_CHECKING:
    import pyarrow as pa

    from ..inference.predictor import Predictor
    from .spark_session import Session

GIVEN, REPLY = "given", "reply"
MARK = b"chunk"
"""Under which a table says which one it is: memory of the process that gave it may hold another by now."""


@dataclass(frozen=True)
class Told:
    """What each task is told: the version's name and, on the same machine, the `folder` where it lies, else the file
    that was carried; the home of proofs, and the variables that the model may read."""

    model: str
    folder: str
    file: str
    home: str
    variables: dict[str, str]

    @property
    def far(self) -> bool:
        return not self.folder


def tell(session: Session, model: str, folder: Path, home: Path) -> Told:
    """What the tasks of a session are told; a version that they cannot see is carried to them, with this Workbench."""
    wanted = read_manifest(folder, model).environment
    variables = {name: os.environ[name] for name in wanted if name in os.environ}
    if session.near:
        return Told(model, str(folder), "", str(home), variables)
    file = f"{secrets.token_hex(8)}.zip"
    session.carry(carried.packed(folder), file)
    session.carry_workbench()
    return Told(model, "", file, str(home), variables)


@dataclass(frozen=True)
class Lent:
    """A table in memory of another process of this machine."""

    place: str
    size: int
    mark: bytes


def works(told: Told, *, apart: bool) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What `mapInArrow` is given: each record is a chunk. `apart`: its rows may end the process that asks the model."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            for one in batch.column(GIVEN):
                reply = _replied(told, pickle.loads(one.as_buffer()), apart=apart)  # noqa: S301 by our own driver
                yield pa.RecordBatch.from_arrays([pa.array([pickle.dumps(reply)], pa.binary())], [REPLY])

    return work


def _replied(told: Told, given: Given | None, *, apart: bool) -> Reply:
    """What comes of a chunk; of none, whether the model can be loaded."""
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(1), asked(told, apart=apart and given is not None) as predictor:
            return Reply(LOADED) if given is None else _scored(_version(told), predictor, given, far=told.far)
    except WorkbenchError as error:
        return Reply(given.number if given else LOADED, error=error)


def _scored(version: ModelVersion, asked: Predictor, given: Given, *, far: bool) -> Reply:
    answers = Answers(version.ref, Schema.from_json(version.manifest.outputs))  # of one input: the process has several
    return replied(replace(given, room=None), _table(given.room), asked, answers, far=far)


@contextmanager
def asked(told: Told, *, apart: bool) -> Iterator[Predictor]:
    """The model, which this process loads once; `apart`: in a process of its own, which its rows may end."""
    os.environ.update(told.variables)
    version, home = _version(told), Path(told.home)
    own = version.predictor(home)
    with closing(Apart(version, home)) if apart else nullcontext(own) as found:
        yield found


def _version(told: Told) -> ModelVersion:
    if not told.far:
        name, _, number = told.model.partition("@")
        return ModelVersion(name, int(number), Path(told.folder))
    from pyspark import SparkFiles

    return carried.unpacked(Path(SparkFiles.get(told.file)).read_bytes(), told.model)


def _table(room: Lent | bytes) -> pa.Table:
    import pyarrow as pa

    if isinstance(room, bytes):
        return pa.ipc.open_stream(room).read_all()
    from ..data import shared

    descriptor = os.open(room.place, os.O_RDONLY)
    try:
        table = shared.read(descriptor, room.size)
    finally:
        os.close(descriptor)
    said = dict(table.schema.metadata or {})
    if said.pop(MARK, None) != room.mark:
        raise OSError("the chunk was taken back: another task has it")
    return table.replace_schema_metadata(said or None)
