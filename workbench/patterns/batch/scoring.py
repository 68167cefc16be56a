"""A store and a model -> predictions, chunk by chunk; killed at any moment it goes on where it was.

Each chunk becomes a part in a hidden folder beside the output, then a row of the ledger. The output appears whole when
all parts are there. Chunks depend on the input alone, so the output is the same however often the run was cut off.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import text
from ...data import folders
from ...data.answers import Answers
from ...errors import BadInput
from ..control import LOOK, Control, Foreground
from .chunks import Chunk, Outcome
from .chunks import score as score_chunk
from .increment import Increment, New
from .ledger import Ledger
from .output import Output
from .pace import Pace
from .store import Store
from .writing import Writer

if TYPE_CHECKING:
    from ...inference.predictor import Predictor
    from ...inference.schema import Schema
    from .crew import Crew


@dataclass(frozen=True)
class StoreScored:
    """What became of a run: `state` is done, or stopped, to be gone on with."""

    state: str
    output: str
    rows: int
    chunks: int
    rejects: int
    rejects_file: str
    seconds: float
    note: str = ""

    def __str__(self) -> str:
        lines = [f"{self.state} · {text.count(self.rows, 'row')} in {text.seconds(self.seconds)} → {self.output}"]
        lines += [f"  rows  {text.count(self.rejects, 'row')} refused → {self.rejects_file}"] * bool(self.rejects)
        lines += [f"  note  {self.note}"] * bool(self.note)
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return self.__dict__


@dataclass(frozen=True)
class How:
    """How a store is scored. `max_rejects` is how many rows may be refused; `mode` what becomes of an output that is
    there (`append` or `replace`); `partition` names the columns of whose values the folders of the output are made, and
    `keep` those of the input that it holds (None: all). `retries` says how often a chunk is tried again, and `new` that
    only what is new is scored, which is then added to the output."""

    max_rejects: int | None = None
    mode: str | None = None
    partition: tuple[str, ...] = ()
    keep: tuple[str, ...] | None = None
    retries: int = 0
    new: New | None = None


def score(
    predictor: Predictor,
    input: str,
    output: str,
    how: How | None = None,
    *,
    ledger: Path,
    control: Control | None = None,
    name: str = "",
    outputs: Schema | None = None,
    crew: Crew | None = None,
) -> StoreScored:
    """Predict for a file, the files of a glob or folder, or a table, into a folder of parts, a file or a table.

    `ledger` is the file that remembers what is done; called again with it, the run goes on. A `crew` scores in
    processes of its own, which end with this, else it is done here. Rows that are refused are listed in a file beside
    the output; BadInput once there are too many, and for what concerns more than rows; UsageError for an output that is
    there.
    """
    how = how or How()
    name = name or predictor.name or "model"
    run = _Run(predictor, how, control or Foreground(), Answers(name, outputs), crew, name)
    with ExitStack() as at_end:
        at_end.callback(crew.close) if crew is not None else None
        run.ledger, run.input = at_end.enter_context(closing(Ledger(ledger))), input
        usual = "append" if how.new else "fail"
        there = Output(output, run.ledger, mode=how.mode, partition=how.partition, input=input, usual=usual)
        at_end.callback(there.staging.end)
        if how.new is not None and not run.ledger.finished:
            run.increment = at_end.enter_context(closing(Increment(how.new, run.ledger, run.name)))
        return run.score(input, there)


@dataclass
class _Run:
    """One attempt."""

    predictor: Predictor
    how: How
    control: Control
    answers: Answers
    crew: Crew | None
    name: str
    ledger: Ledger = field(init=False)
    increment: Increment | None = None
    input: str = ""
    stopped: bool = False
    remembered: bool = False
    pace: Pace = field(default_factory=Pace)

    def score(self, input: str, output: Output) -> StoreScored:
        if not self.ledger.finished and not self._attempt(input, output):
            return self._result("stopped", output)
        output.tidy()
        shutil.rmtree(self._answered, ignore_errors=True)
        self._count()
        return self._result("done", output)

    @property
    def _answered(self) -> Path:
        """The folder of what a database has answered, which each attempt reads."""
        return self.ledger.file.parent / "answers"

    def _attempt(self, input: str, output: Output) -> bool:
        """Do what is to be done; False where it was told to stop."""
        noted = self.increment is not None and self.increment.noted
        if not noted and not output.published and not self._made(input, output):
            return False
        if self.increment is not None:
            self.increment.note()
        self.ledger.finish()
        return True

    def _made(self, input: str, output: Output) -> bool:
        """Make the output; False where it was told to stop."""
        files = output.without(folders.inputs(input))
        if self.increment is not None:
            files = self.increment.plan(files, output)
        self.ledger.begin(files)
        output.check()
        output.begin()
        self._count()
        self._recall()
        if not self._work(files, output):
            return False
        self.ledger.begin(files)  # what changed meanwhile would not fit together either
        self._count()
        parts = [part for _, (_, _, part) in sorted(self.ledger.done().items())]
        if self.increment is not None:
            self.increment.claim()
        if parts or self.increment is None:
            output.finish(parts, self.ledger.rejects(), self.pace.rows)
        return True

    def _count(self) -> None:
        self.pace.begin(sum(rows for _, rows, _ in self.ledger.done().values()), len(self.ledger.rejects()))

    def _recall(self) -> None:
        """The names and types that earlier attempts answered with are those of this one."""
        found = self.ledger.fact("answers")
        if found is not None:
            self.answers.learn(found)
        else:
            self.ledger.forget(self.ledger.done())

    def _work(self, files: list[str], output: Output) -> bool:
        """Do all chunks that are not done; False where it was told to stop."""
        store = Store(self.predictor, self.input, files, self._answered, self.increment)
        self.pace.of = store.rows
        self.control.facts(**self.pace.facts())
        reading = store.chunks(output.text, self.how.keep, output.partition, frozenset(self.ledger.done()))
        with closing(reading), Writer(self.ledger, output.staging.folder) as writer:
            for outcome in self._scored(self._while_wanted(reading), output):
                self._check(outcome)
                self._remember()
                writer.put(outcome)
                self.pace.add(outcome.scored, len(outcome.rejects), outcome.share)
                self.control.facts(**self.pace.facts())
        return not self.stopped

    def _while_wanted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            while self.control.paused() and not self.control.stopping():
                time.sleep(LOOK)
            if self.control.stopping():
                self.stopped = True
                return
            yield chunk

    def _scored(self, chunks: Iterator[Chunk], output: Output) -> Iterator[Outcome]:
        if self.crew is not None:
            yield from self.crew.score(chunks, output.part, self.answers, self.how.retries)
            return
        for chunk in chunks:
            scored, rejects = score_chunk(
                self.predictor, self.answers, chunk.form, chunk.piece, chunk.file, self.how.retries
            )
            keep = partial(output.part(chunk.number).write, scored) if scored is not None else str
            yield Outcome(chunk.number, chunk.file, chunk.piece.table.num_rows, rejects, keep, chunk.share)

    def _remember(self) -> None:
        """What the first chunk was answered, before a later one is done."""
        if self.answers.known and not self.remembered:
            self.ledger.keep("answers", self.answers.to_json())
            self.remembered = True

    def _check(self, outcome: Outcome) -> None:
        """BadInput where more rows are refused than may be, or all of many where nothing is said of how many."""
        most, number = self.how.max_rejects, self.pace.rejects + len(outcome.rejects)
        all_of_many = most is None and len(outcome.rejects) == outcome.rows > 1
        if all_of_many or (most is not None and number > most):
            first = outcome.rejects[0]
            said = "every row of a chunk" if all_of_many else f"{text.count(number, 'row')} so far"
            raise BadInput(
                f"{said} refused, the first: {first.reason}",
                column=first.column,
                row=first.row,
                where=f"{outcome.file}, row {first.row}",
                fix="correct the rows, or allow more with --max-rejects",
            )

    def _result(self, state: str, output: Output) -> StoreScored:
        notes = [] if self.predictor.row_wise else ["not row-wise: the rows of each file were scored in one call"]
        notes += [self.increment.said] if self.increment is not None else []
        pace, number = self.pace, len(self.ledger.done())
        aside = str(output.rejects)
        return StoreScored(state, output.label, pace.rows, number, pace.rejects, aside, pace.seconds, " · ".join(notes))
