"""The files of an input -> chunks, which depend on the input alone."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...data import folders
from ...data.ahead import ahead
from ...data.pieces import Piece, Source
from ...data.scoring import Form
from ...data.sql import SqlSource
from .chunks import Chunk

if TYPE_CHECKING:
    from ...inference.predictor import Predictor
    from .increment import Increment


class Store:
    """An input as it is read for a model: `rows` are how many it has, where that is known beforehand. What a database
    has answered is kept in the folder `answers`, so that an attempt that goes on has the same rows."""

    def __init__(
        self, predictor: Predictor, input: str, files: list[str], answers: Path, increment: Increment | None = None
    ) -> None:
        self._predictor = predictor
        self._sources = folders.sources(input, files)
        for i, source in enumerate(self._sources.values()):
            if isinstance(source, SqlSource):
                source.keep(answers / f"{i}.rows")
        if increment is not None:
            self._sources = {file: increment.source(source) for file, source in self._sources.items()}
        known = [source.rows for source in self._sources.values()]
        self.rows = None if None in known else sum(rows or 0 for rows in known)

    def chunks(
        self, text: str | None, keep: tuple[str, ...] | None, also: Collection[str], done: Collection[int]
    ) -> Generator[Chunk]:
        """Those that are not `done`, for an output that holds such a `text` and `keep`s these columns, `also` others.
        The next ones are read while one is used; those of a model that is not row-wise are whole files, one at a time.
        """
        chunks = self._chunks(text, keep, also, done)
        return ahead(chunks) if self._predictor.row_wise else chunks

    def _chunks(
        self, text: str | None, keep: tuple[str, ...] | None, also: Collection[str], done: Collection[int]
    ) -> Generator[Chunk]:
        number = 0
        for at, (file, source) in enumerate(self._sources.items()):
            form = Form.of(source, text, keep)
            form.prepare(source, self._predictor, also)
            for piece in self._pieces(source):
                if number not in done:
                    share = (at + piece.share) / len(self._sources) if piece.share is not None else None
                    yield Chunk(number, file, form, piece, share)
                number += 1

    def _pieces(self, source: Source) -> Iterator[Piece]:
        """As the source has them; all rows of a file at once for a model that is not row-wise."""
        if self._predictor.row_wise:
            yield from source.pieces()
            return
        import pyarrow as pa

        pieces = list(source.pieces())
        if not pieces:
            return  # nothing of it is new
        lines = [line for piece in pieces for line in piece.lines or ()]
        yield Piece(pa.concat_tables([piece.table for piece in pieces]), 0, lines or None)
