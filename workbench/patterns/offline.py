"""Offline prediction: a frame or a store in; a frame or a store out, the input's columns, then the predictions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import notify, text
from ..data import frames, places
from ..data.answers import Answers
from ..data.pieces import Piece, Sink, Source
from ..data.progress import Progress
from ..data.scoring import Form, Scorer
from ..errors import StorageError, UsageError, WorkbenchError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..inference.predictor import Predictor
    from ..inference.schema import Schema

_MAIL_BYTES = 20_000_000


@dataclass(frozen=True)
class Scored:
    """What was predicted: where it is now, how many rows, how long it took; a note where one is due."""

    model: str
    place: str
    rows: int
    seconds: float
    note: str = ""
    mailed: str = ""

    def __str__(self) -> str:
        rate = text.count(round(self.rows / self.seconds), "row") if self.seconds > 0 else ""
        speed = f", {rate}/s" if self.seconds >= 1 else ""
        lines = [f"{self.model} ✓ {text.count(self.rows, 'row')} in {text.seconds(self.seconds)}{speed} → {self.place}"]
        lines += [f"  mail  sent to {self.mailed}"] * bool(self.mailed)
        lines += [f"  note  {self.note}"] * bool(self.note)
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def predict(
    predictor: Predictor,
    input: Any,
    output: str | Path | None = None,
    *,
    email: str | None = None,
    name: str = "",
    progress: bool = True,
    outputs: Schema | None = None,
) -> pd.DataFrame | Scored:
    """Predict for a frame, a file, a URL, a table or a query; without `output` and `email` a frame comes back.

    A store goes through in pieces, so that it may be larger than memory; the answer of a model that is
    not row-wise depends on all rows, so that it gets them in one call. The output appears whole or not
    at all. `outputs` is the schema of the predictions, which names them when the input has no rows.

    Raises BadInput (naming input, column and row), ModelFailed, UsageError, NotFound, StorageError.
    """
    name = name or predictor.name or "model"
    if email:
        notify.check(email)
    if isinstance(output, (str, Path)) and isinstance(input, (str, Path)) and places.same(str(input), str(output)):
        raise UsageError(f"the output is the input, {places.parse(str(input)).label}", fix="name another output")
    job = _Job(predictor, name, progress, outputs)
    if email:
        return _mailed(job, input, output, email)
    return job.to_place(input, str(output)) if output is not None else job.to_frame(input)


class _Job:
    """One prediction: what scores, and how it is shown."""

    def __init__(self, predictor: Predictor, name: str, progress: bool, outputs: Schema | None) -> None:
        self.predictor, self.name, self.progress, self.outputs = predictor, name, progress, outputs

    def to_frame(self, input: Any) -> pd.DataFrame:
        import pyarrow as pa

        if not isinstance(input, (str, Path)):
            return self._of_frame(input)
        source = places.source(str(input))
        restores = source.text is not None
        scored = pa.concat_tables([table for table, _ in self._scored(source, None)])
        frame: pd.DataFrame = scored.to_pandas()
        return frames.with_dtypes(frame, scored, self.predictor.schema) if restores else frame

    def to_place(self, input: Any, output: str) -> Scored:
        started = time.monotonic()
        in_pieces = isinstance(input, (str, Path))
        source = places.source(str(input)) if in_pieces else None
        frame = None if source else self._of_frame(input)
        sink, rows = places.sink(output), 0
        try:
            for table, lines in self._scored(source, sink) if source else frames.tables(frame):
                sink.write(table, lines)
                rows += table.num_rows
            place = sink.close()
        except BaseException:
            sink.abort()
            raise
        whole = source is not None and not self.predictor.row_wise
        note = f"not row-wise: all {text.count(rows, 'row')} were scored in one call, in memory" if whole else ""
        return Scored(self.name, place, rows, time.monotonic() - started, note)

    def _scored(self, source: Source, sink: Sink | None) -> Iterator[tuple[pa.Table, list[bytes] | None]]:
        form = Form.of(source, sink.text if sink else None)
        form.prepare(source, self.predictor)
        scorer = Scorer(self.predictor, form, Answers(self.name, self.outputs))
        with Progress(self.name, shown=self.progress) as progress:
            for piece in source.pieces() if self.predictor.row_wise else _whole(source):
                yield scorer.score(piece)
                progress.advance(piece.table.num_rows, source.rows, piece.share)

    def _of_frame(self, input: Any) -> pd.DataFrame:
        """The frame with its index, and the predictions beside it."""
        frame, given = frames.frame_of(input)
        answers = []
        with Progress(self.name, shown=self.progress) as progress:
            for first, part in frames.parts(given, whole=not self.predictor.row_wise):
                answers.append(self.predictor.predict(self.predictor.schema.table(part, first_row=first)))
                progress.advance(len(part), len(given))
        if not len(frame) and not answers:
            self.predictor.schema.table(given)
            answers = [frames.no_rows(self.outputs)]
        return frames.joined(frame, answers, self.name)


def _whole(source: Source) -> Iterator[Piece]:
    import pyarrow as pa

    pieces = list(source.pieces())
    lines = [line for piece in pieces for line in piece.lines or ()]
    yield Piece(pa.concat_tables([piece.table for piece in pieces]), 0, lines or None)


def _mailed(job: _Job, input: Any, output: Any, email: str) -> Scored:
    import tempfile

    if output is not None:
        scored = job.to_place(input, str(output))
        at = places.parse(str(output))
        attached = at.kind != "sql" and at.file.local and os.path.getsize(at.path) <= _MAIL_BYTES
        return _send(scored, email, [Path(at.path)] if attached else [])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{job.name.replace('@', '-')}-predictions.csv")
        scored = job.to_place(input, str(file))
        if file.stat().st_size > _MAIL_BYTES:
            size = text.size(file.stat().st_size)
            raise StorageError(
                f"the predictions are {size}: too large for a mail", fix="-o FILE; the mail will name it"
            )
        return _send(replace(scored, place=file.name), email, [file])


def _send(scored: Scored, email: str, attachments: list[Path]) -> Scored:
    subject = f"{scored.model}: {text.count(scored.rows, 'prediction')}"
    try:
        notify.mail(email, subject, f"{scored}\n", attachments)
    except WorkbenchError as error:
        if Path(scored.place).is_absolute() or "://" in scored.place:
            error.where = f"the predictions are in {scored.place}"
        raise
    return replace(scored, mailed=email)
