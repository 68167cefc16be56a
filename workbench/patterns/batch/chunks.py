"""A piece of an input -> what is predicted for it, and the rows that are refused, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...data.pieces import Piece
from ...errors import BadInput, ModelFailed
from .ledger import Reject

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.scoring import Scorer

Scored = tuple["pa.Table", "list[bytes] | None"]


def score(scorer: Scorer, piece: Piece, file: str, *, apart: bool) -> tuple[Scored | None, list[Reject]]:
    """The predictions, and the rows that got none; `apart` says that rows may be asked about alone.

    Raises what concerns more than rows: a column that is missing, or a model that fails for each row of many.
    """
    parts: list[Scored] = []
    rejects: list[Reject] = []
    for found in _halves(scorer, piece, file, apart):
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
