"""A store and a model -> predictions, chunk by chunk; killed at any moment it goes on where it was.

Each chunk becomes a part in a hidden folder beside the output, then a row of the ledger. The output appears whole when
all parts are there. Chunks depend on the input alone, so the output is the same however often the run was cut off.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import text
from ...data import folders
from ...data.pieces import Piece, Source
from ...data.scoring import Scorer
from ...errors import BadInput
from ..control import LOOK, Control, Foreground
from . import chunks
from .ledger import Ledger, Reject
from .output import Output

if TYPE_CHECKING:
    from ...inference.predictor import Predictor
    from ...inference.schema import Schema


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


def score(
    predictor: Predictor,
    input: str,
    output: str,
    *,
    ledger: Path,
    control: Control | None = None,
    name: str = "",
    outputs: Schema | None = None,
    max_rejects: int | None = None,
    mode: str | None = None,
    partition: tuple[str, ...] = (),
) -> StoreScored:
    """Predict for a file, the files of a glob or folder, or a table, into a folder of parts, a file or a table.

    `ledger` is the file that remembers what is done; called again with it, the run goes on. Rows that are refused are
    listed in a file beside the output; BadInput once there are more than `max_rejects`, and for what concerns more
    than rows; UsageError for an output that is there, unless `mode` is `append` or `replace`. `partition` names the
    columns of whose values the folders of the output are made.
    """
    run = _Run(predictor, control or Foreground(), name or predictor.name or "model", outputs, max_rejects)
    run.ledger, run.input = Ledger(ledger), input
    try:
        there = Output(output, run.ledger, mode=mode, partition=partition, input=input)
        try:
            return run.score(input, there)
        finally:
            there.staging.end()
    finally:
        run.ledger.close()


@dataclass
class _Run:
    """One attempt."""

    predictor: Predictor
    control: Control
    name: str
    outputs: Schema | None
    max_rejects: int | None
    ledger: Ledger = field(init=False)
    first: Scorer | None = None
    rows: int = 0
    before: int = 0
    rejects: int = 0
    of: int | None = 0
    input: str = ""
    started: float = field(default_factory=time.monotonic)

    def score(self, input: str, output: Output) -> StoreScored:
        if not self.ledger.finished and not self._attempt(input, output):
            return self._result("stopped", output)
        output.staging.tidy()
        self._count()
        return self._result("done", output)

    def _attempt(self, input: str, output: Output) -> bool:
        """Do what is to be done; False where it was told to stop."""
        if not output.published:
            files = output.without(folders.inputs(input))
            self.ledger.begin(files)
            output.check()
            output.begin()
            self._count()
            if not self._work(files, output):
                return False
            self.ledger.begin(files)  # what changed meanwhile would not fit together either
            parts = [part for _, (_, _, part) in sorted(self.ledger.done().items())]
            output.finish(parts, self.ledger.rejects(), self.rows)
        self.ledger.finish()
        return True

    def _count(self) -> None:
        self.rejects = len(self.ledger.rejects())
        self.before = self.rows = sum(rows for _, rows, _ in self.ledger.done().values())

    def _work(self, files: list[str], output: Output) -> bool:
        """Do all chunks that are not done; False where it was told to stop."""
        done = self.ledger.done()
        sources = folders.sources(self.input, files)
        known = [source.rows for source in sources.values()]
        self.of = None if None in known else sum(rows or 0 for rows in known)
        number, typed = 0, False
        for file, source in sources.items():
            scorer = self._scorer(source, output)
            for piece in self._pieces(source):
                if number not in done:
                    if not self._may_go_on():
                        return False
                    self._chunk(number, file, scorer, piece, output)
                elif not typed:  # the types of the first answer are those of all
                    chunks.score(scorer, piece, file, apart=self.predictor.row_wise)
                typed = typed or number not in done or bool(done[number][2])
                number += 1
                self._tell()
        return True

    def _scorer(self, source: Source, output: Output) -> Scorer:
        scorer = Scorer(self.predictor, source, output.sink_like(), self.name, self.outputs)
        self.first = self.first or scorer
        scorer.name_as(self.first)
        return scorer

    def _pieces(self, source: Source) -> Iterator[Piece]:
        """As the source has them; all rows of a file at once for a model that is not row-wise."""
        if self.predictor.row_wise:
            yield from source.pieces()
            return
        import pyarrow as pa

        pieces = list(source.pieces())
        lines = [line for piece in pieces for line in piece.lines or ()]
        yield Piece(pa.concat_tables([piece.table for piece in pieces]), 0, lines or None)

    def _chunk(self, number: int, file: str, scorer: Scorer, piece: Piece, output: Output) -> None:
        scored, rejects = chunks.score(scorer, piece, file, apart=self.predictor.row_wise)
        self._check(rejects, piece, file)
        part = output.write_part(number, scored) if scored is not None else ""
        self.ledger.add(number, file, piece.table.num_rows - len(rejects), part, rejects)
        self.rows += piece.table.num_rows - len(rejects)
        self.rejects += len(rejects)

    def _check(self, rejects: list[Reject], piece: Piece, file: str) -> None:
        """BadInput where more rows are refused than may be, or all of many where nothing is said of how many."""
        number = self.rejects + len(rejects)
        all_of_many = self.max_rejects is None and len(rejects) == piece.table.num_rows > 1
        if all_of_many or (self.max_rejects is not None and number > self.max_rejects):
            first = rejects[0]
            said = "every row of a chunk" if all_of_many else f"{text.count(number, 'row')} so far"
            raise BadInput(
                f"{said} refused, the first: {first.reason}",
                column=first.column,
                row=first.row,
                where=f"{file}, row {first.row}",
                fix="correct the rows, or allow more with --max-rejects",
            )

    def _may_go_on(self) -> bool:
        while self.control.paused() and not self.control.stopping():
            time.sleep(LOOK)
        return not self.control.stopping()

    def _tell(self) -> None:
        took = time.monotonic() - self.started
        rate = (self.rows - self.before) / took if took > 0 else 0.0
        left = (self.of - self.rows - self.rejects) / rate if self.of and rate else None
        self.control.facts(rows=self.rows, of=self.of, rate=rate, seconds_left=left, rejects=self.rejects)

    def _result(self, state: str, output: Output) -> StoreScored:
        whole = "" if self.predictor.row_wise else "not row-wise: the rows of each file were scored in one call"
        took = time.monotonic() - self.started
        number = len(self.ledger.done())
        return StoreScored(state, output.label, self.rows, number, self.rejects, str(output.rejects), took, whole)
