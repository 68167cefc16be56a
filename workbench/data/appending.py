"""A file and rows -> a file that begins with what that file holds."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from . import places

if TYPE_CHECKING:
    import pyarrow as pa

    from .grammar import Place
    from .pieces import Sink


class Extended:
    """The sink at `place`, where the rows of the file `old`, of the same format, come first: those of text as they are.

    BadInput for rows that have other columns than those.
    """

    def __init__(self, place: str, old: str) -> None:
        at, self._old = places.parse(old), old
        self._sink: Sink = places.sink(place)
        self.label, self.text = at.label, self._sink.text
        self._schema: pa.Schema | None = None
        try:
            self._begin(at)
        except BaseException:
            self._sink.abort()
            raise

    def _begin(self, at: Place) -> None:
        copying: Any = self._sink
        if self.text == "jsonl":
            copying.copy(at.file)
            return
        pieces = places.source(self._old).pieces()
        first = next(pieces)
        self._schema = first.table.schema
        if self.text == "csv":
            copying.copy(at.file)
            return
        for piece in chain([first], pieces):
            self._sink.write(piece.table)

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        self._sink.write(self._fitting(table), lines)

    def _fitting(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        if self._schema is None:
            return table
        odd = [
            name
            for name in {**dict.fromkeys(self._schema.names), **dict.fromkeys(table.column_names)}
            if (name in self._schema.names) != (name in table.column_names)
        ]
        if odd:
            what = f"{self.label} is there, and {odd[0]!r} is a column either of it or of the predictions only"
            raise BadInput(what, column=odd[0], fix="write to another file, or --mode replace this one")
        table = table.select(self._schema.names)
        if self.text is not None:
            return table
        try:
            return table.cast(self._schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            what = f"{self.label} has columns of other types: {str(error).splitlines()[0]}"
            raise BadInput(what, fix="write to another file, or --mode replace this one") from error

    def close(self) -> str:
        return self._sink.close()

    def abort(self) -> None:
        self._sink.abort()
