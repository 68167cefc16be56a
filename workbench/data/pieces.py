"""What every kind of store is read into and written from: pieces, which are Arrow tables with their first row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_ROWS = 65_536


@dataclass(frozen=True)
class Piece:
    """Some rows of an input, from `first_row` of the whole.

    `lines` are the rows as the file has them (JSON Lines), `share` the part of the input that is
    read once this piece is given, where it is known.
    """

    table: pa.Table
    first_row: int
    lines: list[bytes] | None = None
    share: float | None = None


class Source(Protocol):
    """An input. `rows` where known beforehand. `text` says how values that no schema types are held:
    as text (`csv`), as lines (`jsonl`), or None when the store itself has types."""

    label: str
    rows: int | None
    text: str | None

    def pieces(self) -> Iterator[Piece]:
        """The rows in order, in pieces that depend on the input alone; at least one piece, which may be empty."""

    def choose(self, names: Collection[str]) -> None:
        """Leave out all other columns, where all of these are there and that spares time."""

    def settle(self, leave: Collection[str]) -> None:
        """Find from the whole input the one type of each column, but of those to leave, whose type is known."""


class Sink(Protocol):
    """An output, which appears whole at `close` or not at all. `text` as in `Source`."""

    label: str
    text: str | None

    def write(self, table: pa.Table, lines: list[bytes] | None = None) -> None:
        """Add rows. With `lines` (a `jsonl` sink only) the table's columns are added to those lines."""

    def close(self) -> str:
        """Make the output appear; what to call it."""

    def abort(self) -> None:
        """Leave nothing behind."""
