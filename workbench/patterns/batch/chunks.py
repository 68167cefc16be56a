"""A piece of an input -> what is predicted for it, and the rows that are refused, each with its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import journal
from ...data.pieces import Piece
from ...data.scoring import Scorer
from ...errors import BadInput, ModelFailed
from .ledger import Reject

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.answers import Answers
    from ...data.scoring import Form
    from ...inference.predictor import Predictor

Scored = tuple["pa.Table", "list[bytes] | None"]
_WAIT = 0.1


@dataclass(frozen=True)
class Chunk:
    """A piece of an input's file; `number` counts over all files, `before` says which share of them was read before."""

    number: int
    file: str
    form: Form
    piece: Piece
    share: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a chunk of so many `rows`; `keep` writes its part, and says how its files are called."""

    number: int
    file: str
    rows: int
    rejects: list[Reject]
    keep: Callable[[], str]
    share: float | None = None

    @property
    def scored(self) -> int:
        return self.rows - len(self.rejects)


def score(
    predictor: Predictor, answers: Answers, form: Form, piece: Piece, file: str, retries: int = 0
) -> tuple[Scored | None, list[Reject]]:
    """The predictions, and the rows that got none, where they may be asked about alone. A model that fails is asked
    `retries` times again, after a while, before its rows are to blame.

    Raises what concerns more than rows: a column that is missing, or a model that fails for each row of many.
    """
    scorer = Scorer(predictor, form, answers)
    for attempt in range(retries):
        try:
            return scorer.score(piece), []
        except BadInput:
            break
        except ModelFailed as error:
            journal.note(error)
            time.sleep(_WAIT * 2**attempt)
    parts: list[Scored] = []
    rejects: list[Reject] = []
    for found in _halves(scorer, piece, file, predictor.row_wise):
        rejects.append(found) if isinstance(found, Reject) else parts.append(found)
    if not parts:
        return None, rejects
    return (parts[0] if len(parts) == 1 else _joined(parts)), rejects


def _halves(scorer: Scorer, piece: Piece, file: str, apart: bool) -> Iterator[Scored | Reject]:
    """By halves, so that a row that is refused costs its neighbours little."""
    try:
        yield scorer.score(piece)
        return
    except (BadInput, ModelFailed) as error:
        rows = piece.table.num_rows
        if not apart or not rows or (isinstance(error, BadInput) and error.row is None):
            raise
        refused = error
    if rows == 1:
        yield _reject(refused, piece, file)
        return
    for start, end in ((0, rows // 2), (rows // 2, rows)):
        lines = piece.lines[start:end] if piece.lines else None
        half = Piece(piece.table.slice(start, end - start), piece.first_row + start, lines)
        yield from _halves(scorer, half, file, apart)


def _reject(error: BadInput | ModelFailed, piece: Piece, file: str) -> Reject:
    column = error.column if isinstance(error, BadInput) else None
    record: dict[str, Any] = piece.table.to_pylist()[0]
    return Reject(file, piece.first_row, column, error.what, record)


def _joined(parts: list[Scored]) -> Scored:
    import pyarrow as pa

    lines = [line for _, some in parts for line in some or ()]
    table = pa.concat_tables([table for table, _ in parts], promote_options="permissive").combine_chunks()
    return table, lines if parts[0][1] is not None else None
