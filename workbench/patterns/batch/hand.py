"""The process that scores chunks for a run: asked over a pipe, it writes their parts, and says how they are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle.version import ModelVersion
from ...data import shared
from ...data.answers import Answers
from ...data.pieces import Piece
from ...errors import WorkbenchError
from ...inference.schema import Schema
from ...spawn.child import end_with_owner
from . import chunks
from .ledger import Reject
from .parts import Part, without_lines

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.scoring import Form
    from ...inference.predictor import Predictor


LOADED = -1
"""The number of the reply that says only that the process is there."""


@dataclass(frozen=True)
class Given:
    """A chunk to score: its table lies in a `room` that its process reads; `answers` are what is known of names and
    types."""

    number: int
    file: str
    form: Form
    rows: int
    first_row: int
    room: Any
    part: Part
    answers: dict[str, Any] | None
    retries: int


@dataclass(frozen=True)
class Reply:
    """What came of a chunk: how the files of its part are called, which are there already, or their `content`; the rows
    that were refused; or the error that ends the run."""

    number: int
    part: str = ""
    content: dict[str, Any] | None = None
    rejects: tuple[Reject, ...] = ()
    answers: dict[str, Any] | None = None
    error: WorkbenchError | None = None

    def keep(self, part: Part) -> Callable[[], str]:
        """What has the files of the part written, where they are not, and says how they are called."""
        content = self.content
        return (lambda: self.part) if content is None else lambda: part.put(content)


def work(args: dict[str, Any]) -> None:
    """The life of the process, until whoever asks has let go, or is gone: `pipe` is a descriptor, `folder` and
    `model` say what it scores with, `own` that this may have an environment of its own, `apart` that rows may end its
    process."""
    end_with_owner(args["owner"])
    pipe = Connection(args["pipe"])
    name, _, number = args["model"].partition("@")
    version, home = ModelVersion(name, int(number), Path(args["folder"])), Path(args["home"])
    answers = Answers(version.ref, Schema.from_json(version.manifest.outputs))
    try:
        predictor = version.predictor(home, own=args["own"], apart=args["apart"])
    except WorkbenchError as error:
        pipe.send(Reply(LOADED, error=error))
        return
    import_module("pyarrow.parquet")  # no chunk's time is spent on it
    pipe.send(Reply(LOADED))
    while True:
        try:
            given: Given = pipe.recv()
        except EOFError:
            return
        pipe.send(replied(given, shared.read(*given.room), predictor, answers))


def replied(given: Given, table: pa.Table, predictor: Predictor, answers: Answers, *, far: bool = False) -> Reply:
    """What comes of a chunk whose rows, with their lines, are this table. From `far` away its part is handed back."""
    if given.answers is not None:
        answers.learn(given.answers)
    table, lines = without_lines(table)
    piece = Piece(table, given.first_row, lines)
    try:
        scored, rejects = chunks.score(predictor, answers, given.form, piece, given.file, given.retries)
        content = given.part.content(scored) if far and scored is not None else {} if far else None
        part = given.part.write(scored) if not far and scored is not None else ""
    except WorkbenchError as error:
        return Reply(given.number, error=error)
    known = answers.to_json() if answers.known else None
    return Reply(given.number, part, content, tuple(rejects), known)
